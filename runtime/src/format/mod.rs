//! A record as bytes: JSON, and the forms made from it: the pretty format and the profiles.

pub(crate) mod record;
pub(crate) mod template;

pub(crate) mod keys;
pub(crate) mod otel;
pub(crate) mod pretty;
pub(crate) mod profile;
pub(crate) mod resource;
pub(crate) mod shrink;
pub(crate) mod sites;

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// One JSON object per line, for machines.
    Json,
    /// Human-readable: time, level, logger, message, then fields.
    Pretty,
}
