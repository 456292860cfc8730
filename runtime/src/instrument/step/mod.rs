//! Steps and calls: begun at entry, ended exactly once, however they end.
//!
//! A step on its thread changes the thread's frame, which touches no reference count. A step that is a future has a
//! frame of its own, since it may end on another thread and under another request than the one it is polled in.

mod active;
pub(crate) mod adhoc;
mod fast_path;
mod fields;
mod finish;
mod future;
mod guard;
mod span;
#[cfg(feature = "stream")]
mod stream;

pub use self::adhoc::{Timed, TimedExt, step, step_guard};
pub use self::fields::{StepFields, answer, entered, follows_from, parent, record, ret, ret_with};
pub(crate) use self::finish::millis;
pub use self::future::{Step, StepStart, hint};
pub use self::guard::StepGuard;
pub(crate) use self::guard::body;
pub(crate) use self::span::{span_ended, span_succeeded};
#[cfg(feature = "stream")]
pub use self::stream::StepStream;
