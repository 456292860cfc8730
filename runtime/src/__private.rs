//! What generated code may name. Nothing here is stable.

pub use core;
pub use core::option::Option::{None, Some};
pub use std;
pub use std::boxed::Box;
pub use std::convert::Infallible;
pub use std::future::Future;
pub use tracing_core::Level;

pub use crate::ending::{Ending, Kind, Returned};
pub use crate::keys::is_sensitive;
pub use crate::site::{Site, Spec};
#[cfg(feature = "stream")]
pub use crate::step::StepStream;
pub use crate::step::body::*;
pub use crate::step::{Entry, Fields, Step, StepGuard, answer, entered, hint, ret};

/// The traits that [`Returned`] is asked through.
pub mod probe {
    pub use crate::ending::{
        AnyAnswer as _, AnyEnding as _, AnyKind as _, AnyReturned as _, ErrAnswer as _,
        ErrorEnding as _, LocalEnding as _, LoggableEnding as _, OkAnswer as _, OutcomeAnswer as _,
        ResultEnding as _, ResultKind as _, ResultReturned as _, SharedEnding as _,
        TextEnding as _,
    };
}

#[cfg(all(feature = "__redaction_off", debug_assertions))]
pub use crate::off::without_redaction;

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
