//! Errors of hyper, which also stand inside those of the clients built on it.

use std::error::Error;

use hyper_util::client::legacy;

use super::Category;
use super::chain::{Link, Told, told_by_its_chain};
use crate::redact::error_text;

told_by_its_chain!(hyper::Error);
told_by_its_chain!(legacy::Error);

impl Link for hyper::Error {
    fn told(&self) -> Told {
        if self.is_timeout() {
            Category::Timeout.into()
        } else if self.is_parse() {
            Category::Decode.into()
        } else if self.is_incomplete_message() || self.is_closed() || self.is_canceled() {
            // Canceled means that the connection was gone before it took the request.
            Category::Connect.into()
        } else {
            Told::Nothing
        }
    }

    fn inside(&self) -> Option<&(dyn Error + 'static)> {
        error_text::next(self)
    }
}

impl Link for legacy::Error {
    fn told(&self) -> Told {
        if self.is_connect() { Told::Unless(Category::Connect) } else { Told::Nothing }
    }

    fn inside(&self) -> Option<&(dyn Error + 'static)> {
        error_text::next(self)
    }
}
