//! The traits that a transport of incoming leads implements, and what they share.
