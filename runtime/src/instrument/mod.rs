//! The functions and types that user code calls.

pub(crate) mod audit;
pub mod context;
pub mod dependency;
pub(crate) mod event;
pub(crate) mod job;
pub(crate) mod query;
pub(crate) mod spans;
pub(crate) mod step;
pub(crate) mod totals;
mod unsupported;
pub(crate) mod wide;
