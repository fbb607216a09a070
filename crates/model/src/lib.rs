//! What an incoming lead is, every rule about it, every question and answer of the port. Pure.
