//! Redaction: decides how much of a value the log shows.
//!
//! It does not depend on records, requests or threads.

pub(crate) mod counted;
pub(crate) mod error_text;
pub(crate) mod hash;
pub mod keys;
pub mod loggable;
#[cfg(feature = "http")]
pub(crate) mod media_type;
pub(crate) mod off;
pub(crate) mod policy;
pub mod scrub;
pub(crate) mod shown;
pub(crate) mod size_class;
pub(crate) mod strict;
pub(crate) mod strict_report;
