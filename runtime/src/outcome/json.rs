//! Answers that are no JSON, or not of the type that was expected.

use std::error::Error;
use std::io;

use super::Category;
use super::chain::{Link, Told, told_by_its_chain};
use crate::redact::error_text;

told_by_its_chain!(serde_json::Error);

impl Link for serde_json::Error {
    fn told(&self) -> Told {
        // The I/O error itself is not handed out.
        match self.io_error_kind() {
            Some(kind) => io::Error::from(kind).told(),
            None => Category::Decode.into(),
        }
    }

    fn inside(&self) -> Option<&(dyn Error + 'static)> {
        error_text::next(self)
    }
}
