//! Errors of redis, by their kind.

use redis::{ErrorKind, ParsingError, RedisError};

use super::Category;
use super::chain::{Classification, KnownError};

impl KnownError for RedisError {
    fn classify(&self) -> Classification {
        if self.is_timeout() {
            return Category::Timeout.into();
        }
        match self.kind() {
            ErrorKind::Io => Classification::Fallback(Category::Connect),
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => Category::Decode.into(),
            ErrorKind::ClusterConnectionNotFound
            | ErrorKind::MasterNameNotFoundBySentinel
            | ErrorKind::NoValidReplicasFoundBySentinel => Category::Connect.into(),
            _ => Classification::Unknown,
        }
    }
}

impl KnownError for ParsingError {
    fn classify(&self) -> Classification {
        Category::Decode.into()
    }
}
