//! Dependency calls: their outcome, and details that the body of a call sets.
//!
//! A function under [`#[dependency_call]`](macro@crate::dependency_call) writes one `dependency_call` line. Its status
//! and error category come from the value it returns, through [`DependencyOutcome`]. Inside the function, [`current`]
//! adds what the value does not contain.
//!
//! ```
//! use std::io;
//!
//! #[candor::dependency_call("stock", method = "GET", url = "https://stock.example/items?key=k-5a5a")]
//! fn look_up() -> Result<u32, Box<dyn std::error::Error>> {
//!     Err(io::Error::from(io::ErrorKind::ConnectionRefused))?
//! }
//!
//! let captured = candor::testing::capture();
//! look_up().expect_err("refused");
//! let line = captured.dependency("stock");
//! assert_eq!(line.text("url"), "https://stock.example/items");
//! assert_eq!(line.text("error"), "connect");
//! assert_eq!(line.text("level"), "ERROR");
//! ```
//!
//! # Which values are known
//!
//! | type | feature | status and error category |
//! |---|---|---|
//! | `http::Response` | `http` | its status |
//! | `std::io::Error` | | by kind `timeout`, `connect`, `decode`; by its inner error `dns` and `tls` |
//! | `serde_json::Error` | | `decode`, or that of the I/O error inside |
//! | `reqwest::Response`, `reqwest::Error`, `reqwest_middleware::Error` | `reqwest_0_13`, `reqwest_0_12` | status; `timeout`, `connect`, `dns`, `tls`, `decode` |
//! | `hyper::Error`, `hyper_util::client::legacy::Error` | `hyper` | `timeout`, `connect`, `dns`, `tls`, `decode` |
//! | `tokio::time::error::Elapsed` | `tokio` | `timeout` |
//! | `tonic::Response`, `tonic::Status` | `tonic_0_14`, `tonic_0_13`, `tonic_0_12` | the gRPC code, 0 to 16, as `grpc_status`; `timeout`, `connect`, `cancelled`, and `status` for the other codes |
//! | `sqlx::Error` | `sqlx_0_9`, `sqlx_0_8` | `pool`, `connect`, `dns`, `tls`, `timeout`, `decode`, `not_found`; none for other errors of the database |
//! | `redis::RedisError` | `redis` | `timeout`, `connect`, `dns`, `tls`, `decode`; none for errors of the server |
//! | `Result` of two of these, `Box`, `Arc` and references of one | | those of the inner value |
//!
//! Each version of a client crate has its own feature, since its types differ although their names are the same.
//! Several can be enabled. `reqwest`, `tonic` and `sqlx` are aliases of the newest version.
//!
//! If a call returns a response or an error of one of these crates in a version for which no feature is enabled, the
//! outcome depends only on the `Result`: a response with status 500 is `ok`. candor then writes one WARN
//! `unsupported_response` per call site, which names the type and the feature to enable. Without the feature, set
//! `outcome = path::to::function`, or report the status with [`Call::set_status`]. With `outcome = result`, only `Ok`
//! and `Err` count, and the WARN is not written. A response inside a tuple or another type is not recognised.
//!
//! For any other error, even in a `Box<dyn Error>`, `anyhow::Error` or `eyre::Report`, the first of these types in its
//! chain of sources counts. An error that returns the *source* of the error it wraps (`#[error(transparent)]`) hides
//! the wrapped error: implement [`DependencyOutcome`] for it.
//!
//! # How an error is shown
//!
//! | key | value |
//! |---|---|
//! | `error` | the error's class: its category, or the short name of its type if it has no category; `null` on a call without an error |
//! | `error_type` | the full name of its type, without lifetimes |
//! | `error_detail` | its text: the scrubbed messages of its chain of sources |
//! | `error_fields` | the fields that a `#[redact]` error shows |
//!
//! Annotated functions and [events](crate::error!) have these keys; [`job`](crate::job), [`step`](fn@crate::step) and
//! `.timed(…)` know only the type of an error. To give your own error type a category, implement
//! [`DependencyOutcome`] for it.
//!
//! ```
//! use candor::dependency::{Category, DependencyOutcome};
//!
//! #[derive(Debug)]
//! enum StoreError {
//!     NoSuchOrder,
//!     PoolEmpty,
//! }
//! # impl std::fmt::Display for StoreError {
//! #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
//! #         f.write_str("the store has no answer")
//! #     }
//! # }
//! # impl std::error::Error for StoreError {}
//!
//! impl DependencyOutcome for StoreError {
//!     fn category(&self) -> Option<Category> {
//!         Some(match self {
//!             // A refusal: the line is a WARN, not an ERROR.
//!             StoreError::NoSuchOrder => Category::NotFound,
//!             StoreError::PoolEmpty => Category::Pool,
//!         })
//!     }
//! }
//!
//! #[candor::dependency_call("store")]
//! fn load(order: u64) -> Result<u32, StoreError> {
//!     if order == 0 { Err(StoreError::PoolEmpty) } else { Err(StoreError::NoSuchOrder) }
//! }
//!
//! let captured = candor::testing::capture();
//! load(7).expect_err("no such order");
//! let line = captured.dependency("store");
//! assert_eq!((line.text("level"), line.text("error")), ("WARN", "not_found"));
//! ```
//!
//! # Level of the line
//!
//! | outcome | level |
//! |---|---|
//! | success | `INFO`, or as set by `level` and `slow` |
//! | success after a retry | `WARN` |
//! | refusal: a 4xx status, a gRPC code that OpenTelemetry does not count as a server error, a missing row, a violated constraint | `WARN` |
//! | failure: an `Err`, a 5xx status, a value with a category | `ERROR` |
//! | cancelled | `INFO` |
//! | panicked | `ERROR` |
//!
//! # Retries
//!
//! Report each retry with [`current()`](current)[`.retry()`](Call::retry): with backon in `notify`, with reqwest-retry
//! in a middleware that is added after its own. `examples/retry_backon.rs` and `examples/retry_reqwest.rs` show both.
//! The line then has `retries`, and `last_attempt_ms` is the time since the last retry, while `duration_ms` includes
//! all attempts.

use std::sync::Arc;

use crate::base::clock::Tick;
use crate::current::{self, CallState};
use crate::format::record::Severity;
use crate::json::append::number;
use crate::json::members;
use crate::logger::emit;
use crate::outcome::AnswerStatus;
use crate::site::event_sites;

pub use crate::outcome::{Answer, Category, DependencyOutcome};

/// Handle to the running dependency call, returned by [`current`].
#[derive(Debug, Clone)]
pub struct Call {
    state: Option<Arc<CallState>>,
}

/// Returns the innermost running dependency call.
///
/// Also works in tasks and threads that carry the context of the [`#[dependency_call]`](macro@crate::dependency_call).
///
/// Outside a call, the methods of the handle have no effect.
///
/// ```
/// use candor::dependency;
///
/// #[candor::dependency_call("payments")]
/// fn charge() -> Result<u16, std::io::Error> {
///     dependency::current().retry();
///     dependency::current().set_status(201);
///     Ok(7)
/// }
///
/// let captured = candor::testing::capture();
/// charge().expect("charged");
/// let line = captured.dependency("payments");
/// assert_eq!(line.integer("retries"), 1);
/// assert_eq!(line.integer("status"), 201);
/// assert_eq!(line.text("level"), "WARN");
/// ```
pub fn current() -> Call {
    Call { state: current::with(|frame| frame.call.clone()).flatten() }
}

event_sites! {
    ATTEMPT = "dependency_attempt" DEBUG "deps" [dependency operation attempt];
}

impl Call {
    /// Reports a retry: another attempt begins now.
    ///
    /// Writes a DEBUG line `dependency_attempt` with the number of the attempt. The first attempt is number 1 and has
    /// no such line.
    ///
    /// ```
    /// #[candor::dependency_call("payments")]
    /// fn charge() {
    ///     for attempt in 1..=3 {
    ///         if attempt > 1 {
    ///             candor::dependency::current().retry();
    ///         }
    ///     }
    /// }
    ///
    /// let captured = candor::testing::capture();
    /// charge();
    /// // {…,"level":"WARN",…,"msg":"dependency_call",…,"dependency":"payments",…,"retries":2,…}
    /// assert_eq!(captured.dependency("payments").integer("retries"), 2);
    /// ```
    pub fn retry(&self) {
        let Some(state) = &self.state else { return };
        let attempt = {
            let mut facts = state.facts();
            facts.retries += 1;
            facts.last_attempt = Some(Tick::now());
            // It was the status of the previous attempt.
            facts.status = None;
            facts.retries + 1
        };
        emit::emit(&ATTEMPT, Severity::Debug, |out, _| {
            members::text(out, "event", "dependency_attempt");
            members::text(out, "dependency", state.site.dependency());
            members::text(out, "operation", state.site.spec.name);
            members::open(out, "attempt");
            number(attempt, out);
        });
    }

    /// Sets the URL of the call, if it is built inside the call.
    ///
    /// The URL is scrubbed, and `url_template` replaces its path.
    ///
    /// ```
    /// #[candor::dependency_call("stock")]
    /// fn look_up(id: u64) {
    ///     let url = format!("https://stock.example/items/{id}?key=k-5a5a");
    ///     candor::dependency::current().set_url(&url);
    /// }
    ///
    /// let captured = candor::testing::capture();
    /// look_up(7);
    /// assert_eq!(captured.dependency("stock").text("url"), "https://stock.example/items/7");
    /// ```
    pub fn set_url(&self, url: impl AsRef<str>) {
        if let Some(state) = &self.state {
            let url = state.site.safe_url(Some(url.as_ref()));
            state.facts().url = url;
        }
    }

    /// Sets the HTTP status of the response, for a value that does not contain it.
    ///
    /// [`retry`](Self::retry) removes it again.
    pub fn set_status(&self, status: u16) {
        if let Some(state) = &self.state {
            state.facts().status = Some(AnswerStatus::Http(status));
        }
    }

    /// Sets the gRPC status code of the response, 0 to 16.
    ///
    /// Use it if the returned value does not contain the code. It replaces an HTTP status.
    ///
    /// [`retry`](Self::retry) removes it again.
    pub fn set_grpc_status(&self, code: u16) {
        if let Some(state) = &self.state {
            state.facts().status = Some(AnswerStatus::Grpc(code));
        }
    }
}
