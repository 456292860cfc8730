//! Why a call failed, in one word.

/// Why a call failed, in the words of the `error` key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Category {
    /// No answer in time.
    Timeout,
    /// No connection.
    Connect,
    /// The name was not resolved.
    Dns,
    /// The secure channel failed.
    Tls,
    /// No connection was free in the pool.
    Pool,
    /// An answer that says no: a 4xx or 5xx status, or a gRPC code.
    Status,
    /// The answer could not be read.
    Decode,
    /// The call was dropped before it finished, or the other side says that it was.
    Cancelled,
    /// The call panicked.
    Panicked,
    /// Anything else.
    Other,
}

impl Category {
    /// The word of the `error` key.
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
            Category::Other => "other",
        }
    }
}
