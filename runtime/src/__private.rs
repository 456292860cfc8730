//! What generated code may name. Nothing here is stable.

pub use core;
pub use core::option::Option::{None, Some};
pub use std;
pub use tracing_core::Level;

pub use crate::ending::{Ending, Returned};
pub use crate::keys::is_sensitive;
pub use crate::site::{Site, Spec};
pub use crate::step::{Fields, Running, Step, StepGuard, call, ret, url_text};

/// The traits that [`Returned`] is asked through.
pub mod probe {
    pub use crate::ending::{
        AnyAnswer as _, AnyEnding as _, AnyReturned as _, ErrAnswer as _, ErrorEnding as _,
        LocalEnding as _, LoggableEnding as _, OkAnswer as _, OutcomeAnswer as _,
        ResultEnding as _, ResultReturned as _, SharedEnding as _, TextEnding as _,
    };
}

// The event macros
pub use candor_macros::event;

pub use crate::event::{EventField, EventSite, Shown, count, labels_secret, value};
pub use crate::record::Severity;

// `#[redact]`
pub use crate::loggable::decide::{
    Field, KeyRule, NeedsNoReason, OrClear, OrSecret, Probe, by_function, by_policy, by_type,
    debug, hidden, needs_no_reason,
};
pub use crate::loggable::text::Leaf;
pub use crate::loggable::{Element, Encoder, Loggable, Text};
