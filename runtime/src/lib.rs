//! candor

// Generated code names `::candor::…`, in this crate's own docs and tests too.
extern crate self as candor;

mod clock;
pub mod context;
mod current;
pub mod dependency;
mod emit;
mod ending;
mod env;
mod error;
mod escape;
mod format;
mod handoff;
#[cfg(feature = "http")]
pub mod http;
mod init;
pub mod keys;
mod layer;
mod levels;
#[cfg(feature = "log")]
mod log_crate;
pub mod loggable;
mod logger;
mod panics;
pub mod policy;
mod record;
pub mod scrub;
mod sink;
mod site;
mod step;
#[cfg(feature = "testing")]
pub mod testing;

#[doc(hidden)]
pub mod __private;
pub use candor_macros::{dependency_call, redact, step_timed};
pub use context::RequestContext;
pub use format::Format;
pub use init::{Config, InitError, Logging, init, layer};
pub use loggable::Loggable;
pub use record::Severity;
pub use scrub::url as safe_url;
pub use sink::{Stats, stats};
pub use step::record;
