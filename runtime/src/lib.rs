//! Structured JSON logging, step timing and compile-time redaction for Rust services, built on `tracing`.
//!
//! Add [`#[step_timed]`](macro@step_timed) to functions, [`#[dependency_call]`](macro@dependency_call) to outgoing calls
//! and [`#[redact]`](macro@redact) to request types. Each call then writes one JSON line with its duration, outcome and
//! request id. A value that could contain a secret does not compile until you choose a redaction policy for it.
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
//! The output of this program, in JSON:
//!
//! ```json
//! {"ts":"2026-11-22T10:14:12.123456Z","level":"INFO","logger":"shop","msg":"step_timing",
//!  "request_id":"r-7","user_id":"-","method":"-","path":"-","seq":1,"event":"step_timing",
//!  "step":"log_in","duration_ms":0.012,"outcome":"ok","step_id":1,"parent_id":0,"offset_ms":0.004,
//!  "login":{"user":41,"card":"****4242","password":"[REDACTED]"}}
//! ```
//!
//! # Index
//!
//! | you want to | look at |
//! |---|---|
//! | install candor in a service | [`init`], [`Config`], [`layer`] |
//! | time a function | [`#[step_timed]`](macro@step_timed), [`record`] |
//! | time a block or a future | [`step`](fn@step), [`.timed("name")`](prelude::TimedExt::timed), [`step_guard`] |
//! | time a dependency call | [`#[dependency_call]`](macro@dependency_call), [`dependency`] |
//! | log an event | [`info!`](crate::info!), [`warn!`](crate::warn!), [`error!`](crate::error!), [`critical!`](crate::critical!), [`debug!`](crate::debug!), [`trace!`](crate::trace!) |
//! | write an audit event, which must not be lost | [`audit!`](crate::audit!) |
//! | time work outside requests | [`job`] |
//! | pass the request context to tasks and threads | [`context`], [`RequestContext`], [`prelude`] |
//! | choose how a value is shown | [`#[redact]`](macro@redact), [`policy`], [`Loggable`] |
//! | review everything that a program can log | `inventory` (feature `inventory`) |
//! | redact headers, JSON, URLs and text | [`scrub`], [`keys`] |
//! | log the requests of an HTTP service | `http` (feature `http`) |
//! | count and time steps, calls and requests for Prometheus | `metrics` (feature `metrics`) |
//! | test the log output | `testing` (feature `testing`) |
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
//! dependencies, all of which only compile the macro. The default `subscriber` feature adds everything else. Every
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
//! | `log` (default) | records of the `log` crate as lines |
//! | `terminal` (default) | wraps lines of the pretty format at the width of the terminal |
//! | `http` | the HTTP layer, headers of outgoing requests, `scrub::headers` |
//! | `axum`, `axum_0_7`, `axum_0_8` | `http`, and the route of a request |
//! | `reqwest`, `reqwest_0_12`, `reqwest_0_13` | status and error category of calls, and a middleware that passes the request id on |
//! | `hyper`, `tokio`, `redis` | error category of calls; `tokio` is for its timeouts |
//! | `tonic`, `tonic_0_12`, `tonic_0_13`, `tonic_0_14` | gRPC code and error category of calls |
//! | `sqlx`, `sqlx_0_8`, `sqlx_0_9` | error category of database calls |
//! | `otlp`, `otlp-tls` | export to an OpenTelemetry collector; over HTTPS with `otlp-tls` |
//! | `otel` | requests and jobs use the trace ids of `tracing-opentelemetry`, if its layer is installed |
//! | `metrics` | counts, errors and durations for Prometheus and the `metrics` crate |
//! | `serde` | [`Config`] implements `Deserialize` |
//! | `stream` | times functions that return a `Stream` until the stream ends |
//! | `testing` | `testing::capture` and `assert_no_leak!` |
//! | `inventory` | `inventory()`, a list of everything that the program can log |
//! | `jiff`, `chrono`, `time`, `rust_decimal`, `uuid`, `serde_json`, `url`, `bytes`, `secrecy` | the types of this crate are loggable, or take a policy |
//!
//! A name without a version is an alias of the newest supported version of the crate. Several versions can be enabled at
//! the same time.
//!
//! # Promises
//!
//! In order of priority:
//!
//! 1. **No secrets.** Values logged through candor's macros are checked at compile time. Everything else (events of other
//!    crates, headers, JSON, URLs, errors, panics) is redacted at run time, by the [key rule](keys) and the
//!    [scrubber](scrub), which is best effort.
//! 2. **The whole story.** Every annotated call writes exactly one line with its duration and outcome. Every line has the
//!    request id, even in tasks and threads that [carry the context](context).
//! 3. **Never in the way.** Logging never panics or deadlocks. Lines that can't be written are [counted](stats).
//!
//! # Reject other macros
//!
//! The macros of `tracing` and `log` keep working, and their values are redacted at run time. Only candor's macros are
//! checked by the compiler. With this `clippy.toml`, clippy rejects the others:
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

/// Tools that don't depend on logging: clock, timer, random bytes, locks, buffers.
mod base;

/// JSON text: escaping, appending, reading the members of an object.
mod json;

/// Level directives, and asking call sites again when they change.
#[cfg(feature = "subscriber")]
mod levels;

/// Redaction of a value, a name or a text. Does not depend on logging.
mod redact;

/// One record as bytes.
#[cfg(feature = "subscriber")]
mod format;

/// The outcome of a call, read from the returned value.
#[cfg(feature = "subscriber")]
mod outcome;

/// Writes bytes to their destination, and counts every loss.
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

/// State of a thread: the frame, the active step, the dependency call, the spans.
#[cfg(feature = "subscriber")]
mod current;

/// Turns a record into a written line, or dispatches it to other layers.
#[cfg(feature = "subscriber")]
mod logger;

/// The `tracing` side: events and spans of other crates.
#[cfg(feature = "subscriber")]
mod layer;

/// Functions that user code calls: steps, contexts, dependency calls, events, audit events, jobs.
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

// The public interface. Rustdoc shows items of another crate on their own pages only if they are inlined.
#[doc(inline)]
pub use candor_macros::redact;
#[cfg(feature = "subscriber")]
#[doc(inline)]
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
    #[doc(inline)]
    pub use candor_macros::instrument_strict as instrument;
}

// The guide, in the documentation only.
#[cfg(all(doc, not(doctest)))]
pub mod _guide;
