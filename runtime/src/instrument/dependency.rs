//! Calls to dependencies: what they answered, and what only the body of the call knows.
//!
//! A function under [`#[dependency_call]`](macro@crate::dependency_call) writes one `dependency_call` line.
//! Its status and error category come from the value it returns, through [`DependencyOutcome`]; inside
//! it, [`current`] takes what the value does not tell.
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
//! | type | feature | what it tells |
//! |---|---|---|
//! | `http::Response` | `http` | its status |
//! | `std::io::Error` | | by kind `timeout`, `connect`, `decode`; `dns` and `tls` by what it was made from |
//! | `serde_json::Error` | | `decode`, or as the I/O error inside |
//! | `reqwest::Response`, `reqwest::Error`, `reqwest_middleware::Error` | `reqwest` | status; `timeout`, `connect`, `dns`, `tls`, `decode` |
//! | `hyper::Error`, `hyper_util::client::legacy::Error` | `hyper` | `timeout`, `connect`, `dns`, `tls`, `decode` |
//! | `tokio::time::error::Elapsed` | `tokio` | `timeout` |
//! | `tonic::Response`, `tonic::Status` | `tonic` | the gRPC code, 0 to 16, as `status`; `timeout`, `connect`, `cancelled`, and `status` for the other codes |
//! | `sqlx::Error` | `sqlx` | `pool`, `connect`, `dns`, `tls`, `timeout`, `decode`; `other` for what the database answered |
//! | `redis::RedisError` | `redis` | `timeout`, `connect`, `dns`, `tls`, `decode`; `other` for what the server answered |
//! | `Result` of two of these, `Box`, `Arc` and references of one | | as the one inside |
//!
//! Any other error is asked through its chain of sources, also in a `Box<dyn Error>`, `anyhow::Error` or
//! `eyre::Report`: the first error in it that is one of these tells. An error that hands out the *source* of
//! what it wraps (`#[error(transparent)]`) hides what it wraps: implement [`DependencyOutcome`] for it.
//!
//! # How loud a line is
//!
//! | | level |
//! |---|---|
//! | it went well | `INFO`, or what `level` and `slow` say |
//! | it went well after a retry | `WARN` |
//! | it was refused: a 4xx status, a gRPC code that OpenTelemetry does not count as the server's error, a row that is not there, a constraint of the database | `WARN` |
//! | it failed: an `Err`, a 5xx status, a value that names a category | `ERROR` |
//! | it was cancelled | `INFO` |
//! | it panicked | `ERROR` |
//!
//! # Retries
//!
//! `duration_ms` is the time over all attempts; where there was more than one, `last_attempt_ms` is the time
//! since the last [`retry`](Call::retry). Call it wherever the next attempt is decided on: with
//! [backon](https://docs.rs/backon) in `notify`,
//!
//! ```
//! use std::io;
//! use std::time::Duration;
//!
//! use backon::{ConstantBuilder, Retryable as _};
//! use candor::{dependency, dependency_call};
//!
//! #[dependency_call("stock")]
//! async fn count() -> io::Result<u32> {
//!     let mut answers = [Err(io::ErrorKind::TimedOut.into()), Ok(3)].into_iter();
//!     let mut ask = || std::future::ready(answers.next().expect("asked twice"));
//!     let delays = ConstantBuilder::new().with_delay(Duration::from_millis(1));
//!     (move || ask()).retry(delays).notify(|_, _| dependency::current().retry()).await
//! }
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
//! # runtime.block_on(async {
//! let captured = candor::testing::capture();
//! assert_eq!(count().await.expect("counted"), 3);
//! let line = captured.dependency("stock");
//! assert_eq!((line.text("level"), line.text("outcome")), ("WARN", "ok"));
//! assert_eq!(line.integer("retries"), 1);
//! assert!(line.number("last_attempt_ms") <= line.number("duration_ms"));
//! # });
//! ```
//!
//! and with [reqwest-retry](https://docs.rs/reqwest-retry) in a middleware behind its own, which runs once for
//! each attempt while the extensions stay those of the request:
//!
//! ```
//! use candor::dependency;
//! use reqwest::{Request, Response};
//! use reqwest_middleware::{Middleware, Next, Result};
//!
//! struct CountRetries;
//!
//! #[derive(Clone)]
//! struct WasSent;
//!
//! #[async_trait::async_trait]
//! impl Middleware for CountRetries {
//!     async fn handle(
//!         &self,
//!         request: Request,
//!         extensions: &mut http::Extensions,
//!         next: Next<'_>,
//!     ) -> Result<Response> {
//!         if extensions.insert(WasSent).is_some() {
//!             dependency::current().retry();
//!         }
//!         next.run(request, extensions).await
//!     }
//! }
//!
//! // ClientBuilder::new(client).with(RetryTransientMiddleware::new_with_policy(policy)).with(CountRetries)
//! ```
//!
//! Both run against a server that fails twice in `examples/retry_backon.rs` and `examples/retry_reqwest.rs`.

use std::sync::Arc;

use crate::base::clock::Tick;
use crate::current::{self, CallState};
use crate::format::record::Severity;
use crate::json::members;
use crate::logger::emit;
use crate::site::event_sites;

pub use crate::outcome::{Answer, Category, DependencyOutcome};

/// The running dependency call, from inside it; see [`current`].
#[derive(Debug, Clone)]
pub struct Call {
    state: Option<Arc<CallState>>,
}

/// The innermost running [`#[dependency_call]`](macro@crate::dependency_call) around the caller, also
/// on another task or thread that carries its context.
///
/// Outside one, what is told to it goes nowhere.
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
    /// Counts a further attempt, which begins here, and writes a DEBUG line `dependency_attempt` that numbers it; the
    /// first attempt is number 1 and has no such line.
    pub fn retry(&self) {
        let Some(state) = &self.state else { return };
        let attempt = {
            let mut facts = state.facts();
            facts.retries += 1;
            facts.last_attempt = Some(Tick::now());
            // It was the answer to the attempt before.
            facts.status = None;
            facts.retries + 1
        };
        emit::emit(&ATTEMPT, Severity::Debug, |out, _| {
            members::text(out, "event", "dependency_attempt");
            members::text(out, "dependency", state.site.dependency());
            members::text(out, "operation", state.site.spec.name);
            members::open(out, "attempt");
            out.push_str(itoa::Buffer::new().format(attempt));
        });
    }

    /// Names the URL that is called, where only the body knows it; it is made safe, and a
    /// `url_template` stands in place of its path.
    pub fn set_url(&self, url: impl AsRef<str>) {
        if let Some(state) = &self.state {
            let url = state.site.safe_url(Some(url.as_ref()));
            state.facts().url = url;
        }
    }

    /// Names the status of the answer, where the returned value does not tell it; a further attempt
    /// forgets it.
    pub fn set_status(&self, status: u16) {
        if let Some(state) = &self.state {
            state.facts().status = Some(status);
        }
    }
}
