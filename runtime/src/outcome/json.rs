//! Errors of `serde_json`.

use std::io;

use super::Category;
use super::chain::{Classification, KnownError, outcome_of_chain};

outcome_of_chain!(serde_json::Error);

impl KnownError for serde_json::Error {
    fn classify(&self) -> Classification {
        // `serde_json` does not expose the I/O error itself.
        match self.io_error_kind() {
            Some(kind) => io::Error::from(kind).classify(),
            None => Category::Decode.into(),
        }
    }
}
