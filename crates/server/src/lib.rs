//! The HTTP server of incoming leads: both wires over any port.
