//! What generated code may name. Nothing here is stable.

pub use core;
pub use core::option::Option::{None, Some};
#[cfg(feature = "stream")]
pub use futures_core::Stream;
pub use std;
pub use std::boxed::Box;
pub use std::convert::Infallible;
pub use std::future::Future;
#[cfg(feature = "subscriber")]
pub use tracing_core::Level;

#[cfg(feature = "subscriber")]
pub use crate::format::keys::{LineKind, free_name, unreserved, unreserved_constant};
#[cfg(feature = "stream")]
pub use crate::instrument::step::StepStream;
#[cfg(feature = "subscriber")]
pub use crate::instrument::step::body::*;
#[cfg(feature = "subscriber")]
pub use crate::instrument::step::{
    Step, StepFields, StepGuard, StepStart, answer, entered, follows_from, hint, parent, ret,
    ret_with,
};
#[cfg(feature = "subscriber")]
pub use crate::outcome::probe::{ReturnType, Returned};
#[cfg(feature = "subscriber")]
pub use crate::outcome::result::CallResult;
#[cfg(feature = "subscriber")]
pub use crate::outcome::{FnOutput, ReturnsStepOutput};
pub use crate::redact::keys::is_sensitive;
#[cfg(feature = "subscriber")]
pub use crate::site::{RECORDABLE, RECORDED, Site, Spec, fields};

/// The static behind an annotated function, `__SITE`: `site!(step "charge", ["order_id"] .slow_nanos(250))`.
#[cfg(feature = "subscriber")]
#[doc(hidden)]
#[macro_export]
macro_rules! __site {
    ($kind:ident $name:expr, [] $($settings:tt)*) => {
        static __SITE: $crate::__private::Site = $crate::__private::Site::new(
            &__SITE,
            $crate::__private::Spec::$kind(
                $name,
                $crate::__private::core::module_path!(),
                $crate::__private::core::file!(),
                $crate::__private::core::line!(),
            )
            $($settings)*
        );
    };
    ($kind:ident $name:expr, [$($field:expr),*] $($settings:tt)*) => {
        $crate::__private::site!($kind $name, [] .fields(const {
            const OWN: &[&str] = $crate::__private::Spec::$kind("", "", "", 0).names();
            const USERS: &[&str] = &[$($field),*];
            &$crate::__private::fields::<{ OWN.len() + USERS.len() }>(OWN, USERS)
        }).users(&[$($field),*]) $($settings)*);
    };
}

/// The result of a call, read from its value by the value's own type, which is known only here.
#[cfg(feature = "subscriber")]
#[doc(hidden)]
#[macro_export]
macro_rules! __call_result {
    ($value:ident) => {{
        use $crate::__private::probe::*;
        (&&&&&&&&$crate::__private::Returned($value)).call_result()
    }};
}

/// The answer of a dependency, read from the value of a call.
#[cfg(feature = "subscriber")]
#[doc(hidden)]
#[macro_export]
macro_rules! __answered {
    ($value:ident) => {{
        use $crate::__private::probe::*;
        (&&&&&$crate::__private::Returned($value)).answer()
    }};
}

/// Reads the answer only from the error of a call: `outcome = result`.
#[cfg(feature = "subscriber")]
#[doc(hidden)]
#[macro_export]
macro_rules! __error_answered {
    ($value:ident) => {{
        use $crate::__private::probe::*;
        (&&$crate::__private::Returned($value)).error_answer()
    }};
}

/// The value of a successful call.
#[cfg(feature = "subscriber")]
#[doc(hidden)]
#[macro_export]
macro_rules! __returned {
    ($value:ident) => {{
        use $crate::__private::probe::*;
        (&$crate::__private::Returned($value)).returned()
    }};
}

/// The failure of a call whose value is not read, by its type.
#[cfg(feature = "subscriber")]
#[doc(hidden)]
#[macro_export]
macro_rules! __unobserved {
    ($type:ty) => {{
        use $crate::__private::probe::*;
        (&&$crate::__private::ReturnType::<$type>::of()).unobserved()
    }};
}

#[cfg(feature = "subscriber")]
pub use crate::{
    __answered as answered, __call_result as call_result, __error_answered as error_answered,
    __returned as returned, __site as site, __unobserved as unobserved,
};

/// The traits by which method resolution reads a [`Returned`] value.
#[cfg(feature = "subscriber")]
pub mod probe {
    pub use crate::outcome::probe::{
        AnyAnswer as _, AnyResult as _, AnyReturned as _, AnyType as _, ErrAnswer as _,
        ErrorOnly as _, ErrorResult as _, ErrorUnread as _, LocalResult as _,
        LoggableErrorResult as _, LoggableResult as _, OkAnswer as _, OpaqueResult as _,
        OutcomeAnswer as _, ResultReturned as _, ResultType as _, SharedResult as _,
        TextResult as _, UnreadResult as _,
    };
}

#[cfg(all(debug_assertions, feature = "subscriber"))]
pub use crate::redact::off::without_redaction;

// The event macros
#[cfg(feature = "subscriber")]
pub use candor_macros::event;

#[cfg(feature = "subscriber")]
pub use crate::format::record::Severity;
#[cfg(feature = "subscriber")]
pub use crate::instrument::event::{
    EventField, EventSite, EventValue, MessageArg, count, labels_secret, last_of_each,
};

/// Traits by which method resolution chooses how `#[instrument]` shows a `Given`.
///
/// The first is the lenient form, the second the strict one.
#[cfg(feature = "subscriber")]
pub mod recorded {
    pub use crate::outcome::error_value::{
        GivenError as _, GivenLoggable as _, GivenLoggableError as _, GivenLoggableOption as _,
        GivenLoggableOutcome as _, GivenOption as _, GivenOptionOutcome as _, GivenOptionRef as _,
        GivenOutcome as _, GivenRef as _, GivenSend as _, GivenShape as _, GivenShared as _,
        GivenType as _,
    };
}
#[cfg(feature = "subscriber")]
pub mod recorded_strictly {
    pub use crate::outcome::error_value::{
        GivenError as _, GivenLoggable as _, GivenLoggableError as _, GivenLoggableOption as _,
        GivenLoggableOutcome as _, GivenOption as _, GivenOptionOutcome as _, GivenOptionRef as _,
        GivenOutcome as _, GivenRef as _, GivenSend as _, GivenShared as _, GivenStrict as _,
    };
}

/// `Empty` of a field without a value, if the user has not imported `tracing`'s.
#[cfg(feature = "subscriber")]
pub mod empty {
    pub use tracing_core::field::Empty;
}

/// The traits by which method resolution determines how a `Given` value is shown.
#[cfg(feature = "subscriber")]
pub mod values {
    pub use crate::instrument::event::{EventValue as _, NoError as _, ShownError as _};
    pub use crate::outcome::error_value::{
        GivenError as _, GivenLoggable as _, GivenLoggableError as _, GivenLoggableOption as _,
        GivenLoggableOutcome as _, GivenOption as _, GivenOptionOutcome as _, GivenOptionRef as _,
        GivenOther as _, GivenOutcome as _, GivenRef as _, GivenSend as _, GivenShared as _,
    };
}
#[cfg(feature = "subscriber")]
pub use crate::outcome::error_value::Given;

// `#[redact]`
pub use crate::redact::loggable::field::{
    Displayed, Field, KeyRule, NeedsNoReason, Probe, Scrubbed, by_function, by_policy, by_shape,
    by_type, debug, hidden, needs_no_reason,
};
/// The traits that method resolution falls back on.
pub mod fallbacks {
    pub use crate::redact::loggable::field::{
        OrClear as _, OrSecret as _, OrShape as _, ScrubDisplay as _, ScrubError as _,
        ScrubLocal as _, ScrubNothing as _, ScrubShared as _, ScrubText as _, WithDisplay as _,
        WithoutDisplay as _,
    };
}
pub use crate::redact::loggable::shape::of_loggable;
pub use crate::redact::loggable::text_policy::TextPolicy;
pub use crate::redact::loggable::{Element, Encoder, Loggable, Shape, Text};

#[cfg(feature = "inventory")]
pub use ::inventory::submit;

#[cfg(feature = "inventory")]
pub use crate::inventory::Listed;
