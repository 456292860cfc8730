//! Places of values without a policy.

/// A kind of value that strict mode hides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Header,
    QueryParameter,
    Path,
    Method,
    RequestId,
    Thread,
    /// A name that a program gives at run time.
    Name,
    Error,
    Panic,
}

#[cfg(feature = "subscriber")]
impl Place {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Place::Header => "header",
            Place::QueryParameter => "query_parameter",
            Place::Path => "path",
            Place::Method => "method",
            Place::RequestId => "request_id",
            Place::Thread => "thread",
            Place::Name => "name",
            Place::Error => "error",
            Place::Panic => "panic",
        }
    }
}
