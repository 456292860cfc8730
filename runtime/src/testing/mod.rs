//! A service's own lines in its own tests.
//!
//! ```
//! use candor::policy::clear;
//!
//! #[candor::step_timed(fields(sku = clear(sku)))]
//! fn reserve(sku: &str) -> Result<(), std::fmt::Error> {
//!     Err(std::fmt::Error)
//! }
//!
//! let captured = candor::testing::capture();
//! let _ = reserve("sku-7");
//!
//! let line = captured.step("reserve");
//! assert_eq!(line.text("sku"), "sku-7");
//! assert_eq!(line.text("outcome"), "error");
//! ```

mod leak;

use std::fmt;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError};

use serde_json::Value;
use tracing_core::dispatcher::{self, DefaultGuard, Dispatch};

use crate::context::RequestContext;
use crate::current::{self, Frame, Restore};
use crate::init::{Config, InitError};
use crate::layer::Core;
use crate::levels::Levels;
use crate::panics;

#[doc(inline)]
pub use crate::__assert_no_leak as assert_no_leak;
#[doc(hidden)]
pub use leak::__assert_no_leak;

/// Collects the lines of the current test from here on, at every level, until it is dropped.
///
/// Lines belong to the test whose context they are written under: on this thread, and wherever
/// [`in_context`](crate::context::InContextExt::in_context), [`carry`](crate::context::carry) or a
/// request of this test takes it; other tests that run at the same time are not seen. Where the
/// process has no subscriber yet, one that writes nowhere else is installed; after
/// [`init`](crate::init) its levels hold here too.
///
/// # Panics
///
/// Where another subscriber is installed on this very thread without candor's layer.
pub fn capture() -> Captured {
    if !is_heard() {
        // One test installs it and the others wait: a subscriber that is half installed hears nothing.
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            let config = Config::new().levels(Levels::all()).nowhere();
            if let Ok(subscriber) = config.subscriber() {
                // Where there is one already, it is asked below.
                let _ = dispatcher::set_global_default(Dispatch::new(subscriber));
            }
        });
        panics::install(true);
    }
    assert!(
        is_heard(),
        "the subscriber of this thread has no candor layer, so nothing can be captured"
    );
    Captured::new(Lines::default(), None)
}

/// Whether the subscriber of this thread is one of candor's. That one has been set somewhere in the
/// process does not tell: it may be another thread's.
fn is_heard() -> bool {
    dispatcher::get_default(|dispatch| dispatch.downcast_ref::<Core>().is_some())
}

/// The same with settings of its own, on this thread only: format, keys, limits, levels. What the
/// lines looked like is in [`Captured::output`].
///
/// # Errors
///
/// As [`Config::subscriber`].
pub fn capture_with(config: Config) -> Result<Captured, InitError> {
    let lines = Lines::default();
    let subscriber = config.writer(Written(lines.clone())).subscriber()?;
    let guard = dispatcher::set_default(&Dispatch::new(subscriber));
    panics::install(true);
    Ok(Captured::new(lines, Some(guard)))
}

/// Called between any two steps of a file's rotation, so that a test can end the process there.
static BETWEEN_RENAMES: OnceLock<fn()> = OnceLock::new();

/// Sets what is called between the steps of a file's rotation, once.
#[doc(hidden)]
pub fn on_rotation(hook: fn()) {
    let _ = BETWEEN_RENAMES.set(hook);
}

pub(crate) fn between_renames() {
    if let Some(hook) = BETWEEN_RENAMES.get() {
        hook();
    }
}

/// The lines of one test; see [`capture`].
pub struct Captured {
    lines: Lines,
    _restore: Restore,
    _default: Option<DefaultGuard>,
    _not_send: PhantomData<*const ()>,
}

impl fmt::Debug for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.all().join("\n"))
    }
}

/// Where a capture's lines are kept; it goes where the context goes.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Store>>);

#[derive(Default)]
struct Store {
    lines: Vec<String>,
    written: String,
}

impl Lines {
    /// The capture that a new request on this thread belongs to.
    pub(crate) fn of_this_thread() -> Option<Self> {
        current::with(|frame| frame.request.as_ref()?.capture.clone()).flatten()
    }

    pub(crate) fn push(&self, line: &str) {
        self.store().lines.push(line.to_owned());
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> Vec<String> {
        self.store().lines.clone()
    }
}

/// The sink of [`capture_with`].
struct Written(Lines);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.store().written.push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Captured {
    fn new(lines: Lines, default: Option<DefaultGuard>) -> Self {
        let place = RequestContext::with_id("").with_capture(lines.clone());
        let frame = Frame { request: Some(place.request), ..Frame::default() };
        Captured {
            lines,
            _restore: Restore::enter(frame),
            _default: default,
            _not_send: PhantomData,
        }
    }

    /// All lines so far, in the order they were written.
    pub fn lines(&self) -> Vec<Line> {
        self.lines.all().into_iter().map(Line::new).collect()
    }

    /// Lines as [`capture_with`]'s settings made them, each with its line feed. Empty for [`capture`].
    pub fn output(&self) -> String {
        self.lines.store().written.clone()
    }

    /// Forgets the lines so far.
    pub fn clear(&self) {
        *self.lines.store() = Store::default();
    }

    /// The lines with this message, or of this event of candor's.
    pub fn events(&self, message: &str) -> Vec<Line> {
        self.matching(|line| line.is("msg", message))
    }

    /// The one line with this message.
    ///
    /// # Panics
    ///
    /// Where there is none, or more than one; the text lists what was captured.
    pub fn line(&self, message: &str) -> Line {
        self.one(&format!("with the message `{message}`"), self.events(message))
    }

    /// The lines of this step.
    pub fn steps(&self, name: &str) -> Vec<Line> {
        self.matching(|line| line.is("event", "step_timing") && line.is("step", name))
    }

    /// The one line of this step.
    ///
    /// # Panics
    ///
    /// Where there is none, or more than one.
    pub fn step(&self, name: &str) -> Line {
        self.one(&format!("of the step `{name}`"), self.steps(name))
    }

    /// The lines of the calls to this dependency.
    pub fn dependencies(&self, name: &str) -> Vec<Line> {
        self.matching(|line| line.is("event", "dependency_call") && line.is("dependency", name))
    }

    /// The one line of the call to this dependency.
    ///
    /// # Panics
    ///
    /// Where there is none, or more than one.
    pub fn dependency(&self, name: &str) -> Line {
        self.one(&format!("of a call to `{name}`"), self.dependencies(name))
    }

    /// The one `request_completed` line.
    ///
    /// # Panics
    ///
    /// Where there is none, or more than one.
    pub fn completed(&self) -> Line {
        self.line("request_completed")
    }

    fn matching(&self, wanted: impl Fn(&Line) -> bool) -> Vec<Line> {
        self.lines().into_iter().filter(wanted).collect()
    }

    fn one(&self, what: &str, mut found: Vec<Line>) -> Line {
        match found.len() {
            1 => found.remove(0),
            0 => panic!("no line {what} was captured; there are:\n{self:?}"),
            count => panic!("{count} lines {what} were captured, not one:\n{self:?}"),
        }
    }
}

/// One captured line, with typed access to its fields.
#[derive(Clone)]
pub struct Line {
    raw: String,
    value: Value,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.raw)
    }
}

impl Line {
    fn new(raw: String) -> Self {
        let value = serde_json::from_str(&raw).unwrap_or(Value::Null);
        Line { raw, value }
    }

    /// The line as JSON text, without its line feed.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The value under a key, if it is there.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.value.get(key)
    }

    /// Whether the line has the key.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    fn is(&self, key: &str, text: &str) -> bool {
        self.get(key).and_then(Value::as_str) == Some(text)
    }

    fn typed<'a, T>(&'a self, key: &str, kind: &str, read: impl Fn(&'a Value) -> Option<T>) -> T {
        match self.get(key) {
            None => panic!("the line has no `{key}`: {self:?}"),
            Some(value) => read(value)
                .unwrap_or_else(|| panic!("`{key}` is {value}, which is not {kind}: {self:?}")),
        }
    }

    /// A text.
    ///
    /// # Panics
    ///
    /// Where the key is not there, or holds something else.
    pub fn text(&self, key: &str) -> &str {
        self.typed(key, "a text", Value::as_str)
    }

    /// A number.
    ///
    /// # Panics
    ///
    /// Where the key is not there, or holds something else.
    pub fn number(&self, key: &str) -> f64 {
        self.typed(key, "a number", Value::as_f64)
    }

    /// A whole number.
    ///
    /// # Panics
    ///
    /// Where the key is not there, or holds something else.
    pub fn integer(&self, key: &str) -> i64 {
        self.typed(key, "a whole number", Value::as_i64)
    }

    /// A boolean.
    ///
    /// # Panics
    ///
    /// Where the key is not there, or holds something else.
    pub fn boolean(&self, key: &str) -> bool {
        self.typed(key, "a boolean", Value::as_bool)
    }

    /// Whether the key is there and holds `null`.
    ///
    /// # Panics
    ///
    /// Where the key is not there.
    pub fn is_null(&self, key: &str) -> bool {
        self.typed(key, "anything", |value| Some(value.is_null()))
    }
}
