//! The program as its users meet it: the real binary, its output, its exit codes, its server.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test ends where anything unexpected happens")]

#[cfg(target_os = "linux")]
mod carry;
mod client;
mod conformance;
mod connection;
mod database;
mod demo;
mod documents;
mod folder;
mod gateway;
mod intake;
mod operate;
mod postgres;
mod program;
mod seeds;
mod serve;
mod shell;
mod tls;
mod trouble;
mod watch;
