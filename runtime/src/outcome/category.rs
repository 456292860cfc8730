//! The error category of a dependency call.

/// Reason why a call failed, the value of the `error` key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Category {
    /// The call timed out.
    Timeout,
    /// The connection could not be established, or was lost.
    Connect,
    /// The host name could not be resolved.
    Dns,
    /// The TLS handshake failed.
    Tls,
    /// The connection pool had no free connection.
    Pool,
    /// The response has a 4xx or 5xx status, or a gRPC error code.
    Status,
    /// The response could not be decoded.
    Decode,
    /// The call was dropped before completion, or the server reported a cancellation.
    Cancelled,
    /// The call panicked.
    Panicked,
    /// The requested row, document or object does not exist.
    ///
    /// Unless there is a status, this is a [refusal](super::DependencyOutcome::is_refusal), and the line is logged at
    /// WARN.
    NotFound,
    /// Any other reason.
    ///
    /// If there is an error, the `error` key has the short name of its type instead.
    Other,
}

impl Category {
    /// Returns the value of the `error` key.
    pub const fn as_str(self) -> &'static str {
        match self {
            Category::Timeout => "timeout",
            Category::Connect => "connect",
            Category::Dns => "dns",
            Category::Tls => "tls",
            Category::Pool => "pool",
            Category::Status => "status",
            Category::Decode => "decode",
            Category::Cancelled => "cancelled",
            Category::Panicked => "panicked",
            Category::NotFound => "not_found",
            Category::Other => "other",
        }
    }
}
