//! Redaction: decides how much of a value the log shows.
//!
//! It does not depend on records, requests or threads.

mod client_error;
#[cfg(feature = "subscriber")]
pub(crate) mod counted;
pub(crate) mod error_text;
#[cfg(feature = "subscriber")]
pub(crate) mod hash;
pub mod keys;
pub mod loggable;
#[cfg(feature = "http")]
pub(crate) mod media_type;
pub(crate) mod off;
mod place;
pub(crate) mod policy;
pub mod scrub;
#[cfg(feature = "subscriber")]
pub(crate) mod shown;
pub(crate) mod size_class;
#[cfg(feature = "subscriber")]
pub(crate) mod strict;
#[cfg(feature = "subscriber")]
pub(crate) mod strict_report;
#[cfg(not(feature = "subscriber"))]
mod without_subscriber;

#[cfg(not(feature = "subscriber"))]
use without_subscriber::{counted, hash, shown, strict, strict_report};
