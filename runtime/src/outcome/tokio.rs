//! The timeout error of tokio.

use tokio::time::error::Elapsed;

use super::Category;
use super::chain::{Classification, KnownError, outcome_of_chain};

outcome_of_chain!(Elapsed);

impl KnownError for Elapsed {
    fn classify(&self) -> Classification {
        Category::Timeout.into()
    }
}
