//! Errors of hyper, which clients built on it wrap as well.

use hyper_util::client::legacy;

use super::Category;
use super::chain::{Classification, KnownError};

impl KnownError for hyper::Error {
    fn classify(&self) -> Classification {
        if self.is_timeout() {
            Category::Timeout.into()
        } else if self.is_parse() {
            Category::Decode.into()
        } else if self.is_incomplete_message() || self.is_closed() || self.is_canceled() {
            // `is_canceled`: the connection closed before the request was sent.
            Category::Connect.into()
        } else {
            Classification::Unknown
        }
    }
}

impl KnownError for legacy::Error {
    fn classify(&self) -> Classification {
        if self.is_connect() {
            Classification::Fallback(Category::Connect)
        } else {
            Classification::Unknown
        }
    }
}
