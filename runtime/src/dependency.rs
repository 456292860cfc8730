//! Calls to dependencies: what they answered, and what only the body of the call knows.
//!
//! A function under [`#[dependency_call]`](macro@crate::dependency_call) writes one `dependency_call` line.
//! Its status and error category come from the value it returns, through [`DependencyOutcome`]; inside
//! it, [`current`] takes what the value does not tell.

use std::error::Error;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing_core::Level;

use crate::format::members;
use crate::record::Severity;
use crate::site::{Site, Spec};
use crate::{current, emit, error, escape};

/// Why a call failed, in the words of the `error` key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Category {
    /// No answer in time.
    Timeout,
    /// No connection.
    Connect,
    /// The name was not resolved.
    Dns,
    /// The secure channel failed.
    Tls,
    /// No connection was free in the pool.
    Pool,
    /// An answer with a 4xx or 5xx status.
    Status,
    /// The answer could not be read.
    Decode,
    /// The call was dropped before it finished.
    Cancelled,
    /// The call panicked.
    Panicked,
    /// Anything else.
    Other,
}

impl Category {
    /// The word of the `error` key.
    pub const fn as_str(self) -> &'static str {
        match self {
            Category::Timeout => "timeout",
            Category::Connect => "connect",
            Category::Dns => "dns",
            Category::Tls => "tls",
            Category::Pool => "pool",
            Category::Status => "status",
            Category::Decode => "decode",
            Category::Cancelled => "cancelled",
            Category::Panicked => "panicked",
            Category::Other => "other",
        }
    }
}

/// What the value of a dependency call says about the answer.
///
/// It is implemented for `http::Response`, reqwest's `Response` and `Error`, and `std::io::Error`.
/// Implement it for a client's own response or error type:
///
/// ```
/// use candor::dependency::{Category, DependencyOutcome};
///
/// enum StoreError {
///     PoolEmpty,
///     Refused(u16),
/// }
///
/// impl DependencyOutcome for StoreError {
///     fn status(&self) -> Option<u16> {
///         match self {
///             StoreError::Refused(status) => Some(*status),
///             StoreError::PoolEmpty => None,
///         }
///     }
///     fn category(&self) -> Option<Category> {
///         matches!(self, StoreError::PoolEmpty).then_some(Category::Pool)
///     }
/// }
/// ```
pub trait DependencyOutcome {
    /// The status of the answer; none where no answer began.
    fn status(&self) -> Option<u16> {
        None
    }

    /// Why the call failed, where the status does not say it.
    fn category(&self) -> Option<Category> {
        None
    }
}

impl<T: DependencyOutcome + ?Sized> DependencyOutcome for &T {
    fn status(&self) -> Option<u16> {
        (**self).status()
    }

    fn category(&self) -> Option<Category> {
        (**self).category()
    }
}

impl<T: DependencyOutcome, E: DependencyOutcome> DependencyOutcome for Result<T, E> {
    fn status(&self) -> Option<u16> {
        self.as_ref().map_or_else(E::status, T::status)
    }

    fn category(&self) -> Option<Category> {
        self.as_ref().map_or_else(E::category, T::category)
    }
}

/// Status and category as they are, for the function of `outcome = …`.
impl DependencyOutcome for (Option<u16>, Option<Category>) {
    fn status(&self) -> Option<u16> {
        self.0
    }

    fn category(&self) -> Option<Category> {
        self.1
    }
}

impl DependencyOutcome for io::Error {
    fn status(&self) -> Option<u16> {
        wrapped(self).status
    }

    fn category(&self) -> Option<Category> {
        use io::ErrorKind as Kind;
        if let Some(category) = wrapped(self).category {
            return Some(category);
        }
        Some(match self.kind() {
            Kind::TimedOut => Category::Timeout,
            Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::NotConnected
            | Kind::BrokenPipe
            | Kind::AddrNotAvailable
            | Kind::NetworkUnreachable
            | Kind::HostUnreachable => Category::Connect,
            Kind::InvalidData | Kind::UnexpectedEof => Category::Decode,
            _ => Category::Other,
        })
    }
}

/// What is known of the error inside an I/O error that was made from another one.
fn wrapped(error: &io::Error) -> Answer {
    error.get_ref().map_or(Answer::NONE, |inner| chain_answer(Some(inner)))
}

#[cfg(feature = "http")]
impl<B> DependencyOutcome for http::Response<B> {
    fn status(&self) -> Option<u16> {
        Some(http::Response::status(self).as_u16())
    }
}

#[cfg(feature = "reqwest")]
impl DependencyOutcome for reqwest::Response {
    fn status(&self) -> Option<u16> {
        Some(reqwest::Response::status(self).as_u16())
    }
}

#[cfg(feature = "reqwest")]
impl DependencyOutcome for reqwest::Error {
    fn status(&self) -> Option<u16> {
        reqwest::Error::status(self).map(|status| status.as_u16())
    }

    fn category(&self) -> Option<Category> {
        Some(if self.is_timeout() {
            Category::Timeout
        } else if self.is_status() {
            Category::Status
        } else if self.is_connect() {
            connect_category(self)
        } else if self.is_decode() || self.is_body() {
            Category::Decode
        } else {
            chain_answer(error::next(self)).category.unwrap_or_else(|| sent_category(self))
        })
    }
}

/// Why a connection was not made: the sources name it in words only.
#[cfg(feature = "reqwest")]
fn connect_category(error: &(dyn Error + 'static)) -> Category {
    let mut source = error::next(error);
    for _ in 0..16 {
        let Some(error) = source else { break };
        let text = error.to_string().to_ascii_lowercase();
        if text.contains("dns error") || text.contains("lookup address") {
            return Category::Dns;
        }
        if text.contains("certificate") || text.contains("tls") || text.contains("handshake") {
            return Category::Tls;
        }
        source = error::next(error);
    }
    Category::Connect
}

/// Why a request was not answered, where no source is an I/O error: a server that closed the connection
/// is named in words only.
#[cfg(feature = "reqwest")]
fn sent_category(error: &(dyn Error + 'static)) -> Category {
    let mut source = error::next(error);
    for _ in 0..16 {
        let Some(error) = source else { break };
        if error.to_string().contains("connection closed") {
            return Category::Connect;
        }
        source = error::next(error);
    }
    Category::Other
}

#[cfg(feature = "reqwest")]
impl DependencyOutcome for reqwest_middleware::Error {
    fn status(&self) -> Option<u16> {
        reqwest_middleware::Error::status(self).map(|status| status.as_u16())
    }

    fn category(&self) -> Option<Category> {
        match self {
            reqwest_middleware::Error::Reqwest(error) => error.category(),
            reqwest_middleware::Error::Middleware(error) => chain_answer(Some(&**error)).category,
        }
    }
}

/// What is known of an error from the known types in its chain of sources.
pub(crate) fn chain_answer(mut link: Option<&(dyn Error + 'static)>) -> Answer {
    for _ in 0..32 {
        let Some(error) = link else { break };
        if let Some(answer) = known(error) {
            return answer;
        }
        link = error::next(error);
    }
    Answer::NONE
}

fn known(error: &(dyn Error + 'static)) -> Option<Answer> {
    #[cfg(feature = "reqwest")]
    if let Some(error) = error.downcast_ref::<reqwest::Error>() {
        return Some(Answer::of(error));
    }
    // It hands out the source of what it wraps, not that itself.
    #[cfg(feature = "reqwest")]
    if let Some(error) = error.downcast_ref::<reqwest_middleware::Error>() {
        return Some(Answer::of(error));
    }
    error.downcast_ref::<io::Error>().map(Answer::of)
}

/// Status and category of a call's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    pub(crate) status: Option<u16>,
    pub(crate) category: Option<Category>,
}

impl Answer {
    pub(crate) const NONE: Answer = Answer { status: None, category: None };

    /// What is not known here, from elsewhere.
    pub(crate) fn or_else(self, elsewhere: impl FnOnce() -> Answer) -> Self {
        if self.status.is_some() && self.category.is_some() {
            return self;
        }
        let other = elsewhere();
        Answer { status: self.status.or(other.status), category: self.category.or(other.category) }
    }

    pub(crate) fn of<T: DependencyOutcome + ?Sized>(value: &T) -> Self {
        // The trait is the user's to implement; what panics there is no answer.
        let answer = || Answer { status: value.status(), category: value.category() };
        catch_unwind(AssertUnwindSafe(answer)).unwrap_or(Answer::NONE)
    }
}

/// A running call, and what its body adds to its line.
#[derive(Debug)]
pub(crate) struct CallState {
    pub(crate) site: &'static Site,
    facts: Mutex<Facts>,
}

#[derive(Debug, Default, Clone)]
pub(crate) struct Facts {
    pub(crate) retries: u64,
    /// Made safe.
    pub(crate) url: Option<String>,
    pub(crate) status: Option<u16>,
}

impl CallState {
    pub(crate) fn new(site: &'static Site, url: Option<String>) -> Self {
        CallState { site, facts: Mutex::new(Facts { url, ..Facts::default() }) }
    }

    pub(crate) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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

/// The line of one further attempt.
static ATTEMPT: Site = Site::new(
    &ATTEMPT,
    Spec::event(
        "dependency_attempt",
        "deps",
        Level::DEBUG,
        &["message", "event", "dependency", "operation", "attempt"],
    ),
);

impl Call {
    /// Counts a further attempt, and writes a DEBUG line `dependency_attempt` that numbers it; the
    /// first attempt is number 1 and has no such line.
    pub fn retry(&self) {
        let Some(state) = &self.state else { return };
        let attempt = {
            let mut facts = state.facts();
            facts.retries += 1;
            facts.retries + 1
        };
        emit::emit(&ATTEMPT, Severity::Debug, |out, _| {
            let name = |out: &mut String, key: &str, value: &str| {
                members::open(out, key);
                escape::json_string(value, out);
            };
            name(out, "event", "dependency_attempt");
            name(out, "dependency", state.site.dependency());
            name(out, "operation", state.site.spec.name);
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

    /// Names the status of the answer, where the returned value does not tell it.
    pub fn set_status(&self, status: u16) {
        if let Some(state) = &self.state {
            state.facts().status = Some(status);
        }
    }
}
