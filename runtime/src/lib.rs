//! candor makes a Rust service debuggable without making it leaky.
//!
//! Annotate handlers and client functions, mark request structs, and from then on the log answers what
//! happened, to whom, when, how long each part took, which dependency was to blame, and why; while
//! nothing secret can reach a line.
//!
//! ```
//! use candor::{RequestContext, redact, step_timed};
//!
//! #[redact]
//! struct Login {
//!     user: u64,
//!     #[redact(mask(last = 4))]
//!     card: String,
//!     password: String,
//! }
//!
//! #[step_timed(fields(login))]
//! fn log_in(login: &Login) -> Result<(), std::fmt::Error> {
//!     Ok(())
//! }
//!
//! let captured = candor::testing::capture();
//! let login =
//!     Login { user: 41, card: "4242424242424242".to_owned(), password: "hunter2".to_owned() };
//! RequestContext::with_id("r-7").enter_with(|| log_in(&login)).expect("logged in");
//!
//! let line = captured.step("log_in");
//! assert_eq!(line.text("request_id"), "r-7");
//! assert_eq!(
//!     line.get("login"),
//!     Some(&serde_json::json!({ "user": 41, "card": "****4242", "password": "[REDACTED]" })),
//! );
//! ```
//!
//! In production that line is
//!
//! ```json
//! {"ts":"2026-11-22T10:14:12.123456Z","level":"INFO","logger":"shop","msg":"step_timing",
//!  "request_id":"r-7","user_id":"-","method":"-","path":"-","seq":1,"event":"step_timing",
//!  "step":"log_in","duration_ms":0.012,"outcome":"ok","step_id":1,"parent_id":0,"offset_ms":0.004,
//!  "login":{"user":41,"card":"****4242","password":"[REDACTED]"}}
//! ```
//!
//! # Where to find what
//!
//! | you want to | look at |
//! |---|---|
//! | write lines at all | [`init`], [`Config`], [`layer`] |
//! | time a function | [`#[step_timed]`](macro@step_timed), [`record`] |
//! | time a block or a future | [`step`](fn@step), [`.timed("name")`](prelude::TimedExt::timed), [`step_guard`] |
//! | time a call to another service | [`#[dependency_call]`](macro@dependency_call), [`dependency`] |
//! | write a line of your own | [`info!`](crate::info!), [`warn!`](crate::warn!), [`error!`](crate::error!), [`critical!`](crate::critical!), [`debug!`](crate::debug!), [`trace!`](crate::trace!) |
//! | write a line that must not be lost | [`audit!`](crate::audit!) |
//! | time work that is no request | [`job`] |
//! | say whose request it is | [`context`], [`RequestContext`], [`prelude`] |
//! | decide what a value shows | [`#[redact]`](macro@redact), [`policy`], [`Loggable`] |
//! | review what became visible | `inventory` (feature `inventory`) |
//! | make headers, JSON, URLs and text safe | [`scrub`], [`keys`] |
//! | put it around an HTTP service | `http` (feature `http`) |
//! | count and time steps, calls and requests for Prometheus | `metrics` (feature `metrics`) |
//! | test what is logged | `testing` (feature `testing`) |
//!
//! # Types without logging
//!
//! In a crate that defines types and logs nothing, such as a crate that a client and a server share, turn the default
//! features off:
//!
//! ```toml
//! candor = { version = "0.1", default-features = false }
//! ```
//!
//! candor then consists of [`#[redact]`](macro@redact), [`Loggable`], [`policy`], [`keys`] and [`scrub`]. It has five
//! dependencies, all of which only compile the macro. The default feature `subscriber` adds everything else. Every
//! feature enables it, except those that add the types of a crate: `bytes`, `chrono`, `jiff`, `rust_decimal`,
//! `secrecy`, `serde_json`, `time`, `url` and `uuid`.
//!
//! # Guide
//!
//! The [guide](crate::_guide) has a [quick start](crate::_guide::getting_started), the
//! [concepts](crate::_guide::concepts), and a chapter for each topic, up to [alert rules](crate::_guide::on_call).
//!
//! # Feature flags
//!
//! | feature | what it adds |
//! |---|---|
//! | `subscriber` (default) | everything that writes lines |
//! | `log` (default) | records of the crate `log` as lines |
//! | `terminal` (default) | wraps lines of the pretty format at the width of the terminal |
//! | `http` | the HTTP layer, headers of outgoing requests, `scrub::headers` |
//! | `axum`, `axum_0_7`, `axum_0_8` | `http`, and the route of a request |
//! | `reqwest`, `reqwest_0_12`, `reqwest_0_13` | status and error category of calls, and a middleware that passes the request id on |
//! | `hyper`, `tokio`, `redis` | error category of calls; `tokio` is for its timeouts |
//! | `tonic`, `tonic_0_12`, `tonic_0_13`, `tonic_0_14` | gRPC code and error category of calls |
//! | `sqlx`, `sqlx_0_8`, `sqlx_0_9` | error category of database calls |
//! | `otlp`, `otlp-tls` | export to an OpenTelemetry collector; over HTTPS with `otlp-tls` |
//! | `otel` | requests and jobs use the trace ids of `tracing-opentelemetry`, if its layer is installed |
//! | `metrics` | counts, errors and durations for Prometheus and the crate `metrics` |
//! | `serde` | [`Config`] implements `Deserialize` |
//! | `stream` | times functions that return a `Stream` until the stream ends |
//! | `testing` | `testing::capture` and `assert_no_leak!` |
//! | `inventory` | `inventory()`, a list of everything that the program can log |
//! | `jiff`, `chrono`, `time`, `rust_decimal`, `uuid`, `serde_json`, `url`, `bytes`, `secrecy` | the types of this crate are loggable, or take a policy |
//!
//! A name without a version is an alias of the newest supported version of the crate. Several versions can be enabled at
//! the same time.
//!
//! # Three promises, in this order
//!
//! 1. **No secret.** What passes through candor's macros is checked by the compiler; everything else
//!    (events of others, headers, JSON, URLs, errors, panics) meets one [key rule](keys) and one text
//!    [scrubber](scrub).
//! 2. **The whole story.** Every annotated call leaves one line that says how long it took and how it
//!    ended, and every line says whose request it belongs to.
//! 3. **Never in the way.** It does not panic, does not block on itself, and a line that could not be
//!    written is [counted](stats).
//!
//! # Only candor's macros
//!
//! `tracing`'s and `log`'s macros keep working, and what they write is scrubbed; but only candor's own have the compiler
//! check what they show. These lines in a service's `clippy.toml` let clippy refuse the others:
//!
//! ```toml
//! disallowed-macros = [
//!     "tracing::trace", "tracing::debug", "tracing::info", "tracing::warn", "tracing::error", "tracing::event",
//!     "log::trace", "log::debug", "log::info", "log::warn", "log::error", "log::log",
//!     "std::print", "std::println", "std::eprint", "std::eprintln", "std::dbg",
//! ]
//! ```

// docs.rs sets `docsrs`, and shows which feature each item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
// `base`, `json` and `redact` contain more than types need.
#![cfg_attr(
    not(feature = "http"),
    allow(dead_code, reason = "the HTTP layer or `subscriber` uses it")
)]

// Generated code names `::candor::…`, in this crate's own docs and tests too.
extern crate self as candor;

// The layers, from the ground up. A folder uses only those before it; `tests/behaviour/layers.rs` checks that, and
// `docs/design.md` describes each of them. The blank lines keep rustfmt from sorting them.

/// Tools that know nothing of logging: clock, timer, random bytes, locks, buffers.
mod base;

/// JSON text: escaping, appending, reading the members of an object.
mod json;

/// Level directives, and asking call sites again when they change.
#[cfg(feature = "subscriber")]
mod levels;

/// What a log may show of a value, a name or a text. Knows nothing of logging.
mod redact;

/// One record as bytes.
#[cfg(feature = "subscriber")]
mod format;

/// How a call ended, read from the value that it returned.
#[cfg(feature = "subscriber")]
mod outcome;

/// Bytes to their destination, with every loss counted.
#[cfg(feature = "subscriber")]
mod sink;

/// One request as data: identity, totals, overrides, kept lines, trace.
#[cfg(feature = "subscriber")]
mod request;

#[cfg(all(feature = "subscriber", not(feature = "metrics")))]
#[path = "metrics/off.rs"]
mod metrics;
#[cfg(feature = "metrics")]
pub mod metrics;

/// One annotated location in the source, and which of its lines are wanted.
#[cfg(feature = "subscriber")]
mod site;

/// What runs on this thread: the frame, the active step, the dependency call, the spans.
#[cfg(feature = "subscriber")]
mod current;

/// A record becomes a written line, or is dispatched to other layers.
#[cfg(feature = "subscriber")]
mod logger;

/// The `tracing` side: events and spans of other crates.
#[cfg(feature = "subscriber")]
mod layer;

/// What a user's code calls: steps, contexts, dependency calls, events, audit events, jobs.
#[cfg(feature = "subscriber")]
mod instrument;

/// Configuration and installation.
#[cfg(feature = "subscriber")]
mod init;

#[cfg(feature = "http")]
pub mod http;

#[cfg(feature = "testing")]
pub mod testing;

// Above the layers: other names for what is in them.
#[doc(hidden)]
pub mod __private;
#[cfg(feature = "inventory")]
pub mod inventory;
pub mod policy;
#[cfg(feature = "subscriber")]
pub mod prelude;

// The public interface.
pub use candor_macros::redact;
#[cfg(feature = "subscriber")]
pub use candor_macros::{dependency_call, instrument, step_timed};
#[cfg(feature = "subscriber")]
pub use format::Format;
#[cfg(feature = "subscriber")]
pub use format::profile::Profile;
#[cfg(feature = "subscriber")]
pub use format::record::Severity;
#[cfg(feature = "subscriber")]
pub use init::config::Config;
#[cfg(feature = "subscriber")]
pub use init::error::{ConfigError, ConfigErrorKind, ConfigMistake};
#[cfg(feature = "subscriber")]
pub use init::logging::Logging;
#[cfg(feature = "subscriber")]
pub use init::{init, layer};
#[cfg(feature = "subscriber")]
pub use instrument::audit::AuditError;
#[cfg(feature = "subscriber")]
pub use instrument::context::{self, RequestContext};
#[cfg(feature = "subscriber")]
pub use instrument::dependency;
#[cfg(feature = "subscriber")]
pub use instrument::job::{Job, JobFuture, job};
#[cfg(feature = "subscriber")]
pub use instrument::step::{StepGuard, record, step, step_guard};
#[cfg(feature = "subscriber")]
pub use instrument::wide::{WideNumber, wide, wide_add};
#[cfg(feature = "inventory")]
pub use inventory::inventory;
#[cfg(feature = "subscriber")]
pub use outcome::StepOutput;
#[cfg(feature = "subscriber")]
pub use redact::counted::{Redaction, RedactionReason};
pub use redact::keys;
pub use redact::loggable::{self, Loggable};
pub use redact::scrub::{self, url as safe_url};
#[cfg(feature = "subscriber")]
pub use request::story::Story;
#[cfg(feature = "subscriber")]
pub use sink::Overload;
#[cfg(feature = "otlp")]
pub use sink::otlp::stats::{ExportStats, OtlpDropped, OtlpStats};
#[cfg(feature = "otlp")]
pub use sink::otlp::{Otlp, OtlpProtocol};
#[cfg(feature = "subscriber")]
pub use sink::sites::SiteStats;
#[cfg(feature = "subscriber")]
pub use sink::stats::{Dropped, SinkStats, Stats, stats};

/// The strict form of [`#[instrument]`](macro@instrument), for whole modules.
///
/// ```
/// use candor::strict::instrument;
///
/// #[instrument(skip(card))]
/// fn charge(order_id: u64, card: &str) {}
/// # charge(7, "4242");
/// ```
#[cfg(feature = "subscriber")]
pub mod strict {
    pub use candor_macros::instrument_strict as instrument;
}

// The guide, in the documentation only.
#[cfg(all(doc, not(doctest)))]
pub mod _guide;
