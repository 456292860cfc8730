//! Configuration and installation.

pub(crate) mod config;
pub(crate) mod env;
#[cfg(feature = "log")]
pub(crate) mod log_crate;
pub(crate) mod logging;
pub(crate) mod output;
pub(crate) mod panics;
pub(crate) mod reload;
