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

// The event macros
pub use candor_macros::event;

pub use crate::event::{EventField, EventSite, Shown, count, labels_secret, value};
pub use crate::record::Severity;

// `#[redact]`
pub use crate::loggable::decide::{
    Field, KeyRule, NeedsNoReason, Probe, Scrubbed, by_function, by_policy, by_shape, by_type,
    debug, hidden, needs_no_reason,
};
/// What method resolution falls back on.
pub mod fallbacks {
    pub use crate::loggable::decide::{
        OrClear as _, OrSecret as _, OrShape as _, ScrubDisplay as _, ScrubError as _,
        ScrubLocal as _, ScrubNothing as _, ScrubShared as _, ScrubText as _,
    };
}
pub use crate::loggable::leaf::Leaf;
pub use crate::loggable::shape::of_loggable;
pub use crate::loggable::{Element, Encoder, Loggable, Shape, Text};

#[cfg(feature = "inventory")]
pub use ::inventory::submit;

#[cfg(feature = "inventory")]
pub use crate::inventory::Listed;
