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

/// Format of the lines: JSON, or a form for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// One JSON object per line, for machines.
    Json,
    /// Lines for people: a header per request, its lines indented, durations aligned.
    ///
    /// ```text
    /// 10:14:12.123   #1  POST /orders …a20b17 user 41
    ///     0.151 ms I         reserve sku=tea
    ///    12.407 ms I       place_order quantity=1
    ///    12.731 ms I #1  201 ok · 2 steps · slowest place_order
    /// ```
    ///
    /// Omits ids that the layout makes unnecessary, such as `step_id`. On a terminal, fields are wrapped at its width, or
    /// at `COLUMNS`.
    Pretty,
}
