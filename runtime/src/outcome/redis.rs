//! Errors of redis, by their kind.

use std::error::Error;

use redis::{ErrorKind, ParsingError, RedisError};

use super::Category;
use super::chain::{Link, Told, told_by_its_chain};
use crate::redact::error_text;

told_by_its_chain!(RedisError);

impl Link for RedisError {
    fn told(&self) -> Told {
        if self.is_timeout() {
            return Category::Timeout.into();
        }
        match self.kind() {
            ErrorKind::Io => Told::Unless(Category::Connect),
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => Category::Decode.into(),
            ErrorKind::ClusterConnectionNotFound
            | ErrorKind::MasterNameNotFoundBySentinel
            | ErrorKind::NoValidReplicasFoundBySentinel => Category::Connect.into(),
            _ => Told::Nothing,
        }
    }

    fn inside(&self) -> Option<&(dyn Error + 'static)> {
        error_text::next(self)
    }
}

told_by_its_chain!(ParsingError);

impl Link for ParsingError {
    fn told(&self) -> Told {
        Category::Decode.into()
    }

    fn inside(&self) -> Option<&(dyn Error + 'static)> {
        None
    }
}
