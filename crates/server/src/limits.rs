//! What one process gives one peer: every time-out, size and number of the HTTP layer, in one place.

use std::time::Duration;

use incoming_leads_model::limits::MAX_BODY_BYTES;

/// The limits of the HTTP layer, with their defaults.
///
/// What bounds a lead (lengths, depths, numbers) is the model's; these bound what a peer may cost before and beside that.
///
/// ```
/// use incoming_leads_server::Limits;
/// use std::time::Duration;
///
/// let limits = Limits { header_time: Duration::from_secs(2), ..Limits::default() };
/// assert_eq!(limits.body_bytes, 1 << 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "options that callers write with `..Limits::default()`")]
pub struct Limits {
    /// From the first byte of a request (or the opening of the connection) to the end of its head; then the connection
    /// is closed. Default 5 s.
    pub header_time: Duration,
    /// To read a whole body; then 408. Default 10 s.
    pub body_time: Duration,
    /// From the head of a request to its answer, the body included; then 503, since what was begun may still take effect.
    /// Default 15 s.
    pub request_time: Duration,
    /// How long a connection may wait between two requests. Default 60 s.
    pub idle_time: Duration,
    /// How long a peer may take to read one answer; then the connection is closed. Default 30 s.
    pub write_time: Duration,
    /// How long [`stop`](crate::Server::stop) waits for the requests under way. Default 10 s.
    pub drain_time: Duration,
    /// Open connections; one more is answered 503 and closed. Default 1,024.
    pub connections: usize,
    /// Open connections of one peer (an IPv4 address, or the /64 network of an IPv6 address). Default 64.
    ///
    /// Behind a reverse proxy all connections come from one peer: raise it to `connections` there.
    pub connections_per_peer: usize,
    /// Headers of a request; more are 431. Default 100.
    pub headers: usize,
    /// Bytes of all header names and values of a request; more are 431. Default 32 KiB.
    pub header_bytes: usize,
    /// Bytes of the request target; more are 414. Default 8 KiB.
    pub uri_bytes: usize,
    /// Bytes of a body; more are 413. Default 1 MiB.
    pub body_bytes: usize,
    /// How long v2's session cookie is good for after it was given out. Default 15 min. Source: vendor's page on
    /// signing in.
    pub session_time: Duration,
    /// Bytes that the cache of ready list items and pages may hold; 0 switches it off. Default 64 MiB.
    pub cache_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_time: Duration::from_secs(5),
            body_time: Duration::from_secs(10),
            request_time: Duration::from_secs(15),
            idle_time: Duration::from_secs(60),
            write_time: Duration::from_secs(30),
            drain_time: Duration::from_secs(10),
            connections: 1024,
            connections_per_peer: 64,
            headers: 100,
            header_bytes: 32 << 10,
            uri_bytes: 8 << 10,
            body_bytes: MAX_BODY_BYTES,
            session_time: Duration::from_secs(15 * 60),
            cache_bytes: 64 << 20,
        }
    }
}
