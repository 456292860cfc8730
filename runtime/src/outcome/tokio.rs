//! tokio's timeouts.

use std::error::Error;

use tokio::time::error::Elapsed;

use super::Category;
use super::chain::{Link, Told, told_by_its_chain};

told_by_its_chain!(Elapsed);

impl Link for Elapsed {
    fn told(&self) -> Told {
        Category::Timeout.into()
    }

    fn inside(&self) -> Option<&(dyn Error + 'static)> {
        None
    }
}
