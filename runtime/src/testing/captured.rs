//! The captured lines of one test, and lookups and assertions on them.

use std::marker::PhantomData;
use std::sync::Arc;
use std::{fmt, mem};

use tracing_core::dispatcher::DefaultGuard;

use super::{Line, Lines, Matched, tree};
use crate::current::{self, Frame};
use crate::init::logging::Logging;
use crate::redact::counted::{self, Redaction};
use crate::request::Request;

/// Captured lines of one test, returned by [`capture`](super::capture) and [`capture_with`](super::capture_with).
///
/// Capturing stops when this is dropped.
///
/// ```
/// use candor::policy::clear;
///
/// #[candor::step_timed]
/// fn place_order() {
///     reserve("sku-7");
///     reserve("sku-8");
/// }
///
/// #[candor::step_timed(fields(sku = clear(sku)))]
/// fn reserve(sku: &str) {}
///
/// let captured = candor::testing::capture();
/// candor::RequestContext::with_id("r-7").enter_with(place_order);
///
/// captured.assert_step("reserve").under("place_order").outcome("ok").times(2);
/// captured.assert_step("reserve").field("sku", "sku-8").times(1);
/// assert_eq!(captured.tree(), "place_order ok\n  reserve ok\n  reserve ok\n");
/// ```
///
/// The methods that return the only line panic unless there is exactly one, and the assertions panic if they fail. The
/// panic message lists the captured lines.
pub struct Captured {
    pub(super) lines: Lines,
    /// Changes the levels of `capture_with`.
    pub(super) logging: Option<Logging>,
    /// The thread's frame before the capture, restored on drop.
    before: Frame,
    /// The counts of redactions before the capture.
    redactions: Vec<Redaction>,
    _default: Option<DefaultGuard>,
    _not_send: PhantomData<*const ()>,
}

impl fmt::Debug for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.all().join("\n"))
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        self.lines.end(mem::take(&mut self.before));
    }
}

impl Captured {
    pub(super) fn new(lines: Lines, default: Option<DefaultGuard>) -> Self {
        let mut place = Request::with_id("".into());
        place.capture = lines.capture().into();
        let mut frame = Frame::of(Arc::new(place));
        current::swap_frame(&mut frame);
        Captured {
            lines,
            logging: None,
            before: frame,
            redactions: counted::redactions(),
            _default: default,
            _not_send: PhantomData,
        }
    }

    /// Returns all lines so far, in the order in which they were written.
    pub fn lines(&self) -> Vec<Line> {
        let store = self.lines.store();
        let line = |(request, line): &(u64, String)| Line::new(*request, line.clone());
        store.lines.iter().map(line).collect()
    }

    /// Returns the output in the configured format.
    ///
    /// The format is that of [`capture_with`](super::capture_with). Empty for [`capture`](super::capture).
    pub fn output(&self) -> String {
        self.lines.store().written.clone()
    }

    /// Returns the guard that changes the levels of [`capture_with`](super::capture_with).
    ///
    /// `None` for [`capture`](super::capture).
    pub fn logging(&self) -> Option<&Logging> {
        self.logging.as_ref()
    }

    /// Returns the redactions since the capture began, the largest count first.
    ///
    /// They are the change in [`Stats::redactions`](crate::Stats::redactions) since then.
    ///
    /// These counts belong to the process, so they include the redactions of tests that run concurrently.
    ///
    /// ```standalone_crate
    /// let captured = candor::testing::capture();
    /// tracing::info!(session_token = "t-1", "login failed: password=hunter2");
    ///
    /// let redactions: Vec<String> = captured.redactions().iter().map(ToString::to_string).collect();
    /// assert_eq!(redactions, ["name password: 1", "name session_token: 1"]);
    /// ```
    pub fn redactions(&self) -> Vec<Redaction> {
        counted::redactions_since(&self.redactions)
    }

    /// Removes the lines so far.
    pub fn clear(&self) {
        let mut store = self.lines.store();
        store.lines.clear();
        store.written.clear();
    }

    /// Returns the lines with this message, such as `request_completed`.
    ///
    /// The message of candor's own lines is the name of their event.
    ///
    /// ```
    /// let captured = candor::testing::capture();
    /// for shelf in 1..=2 {
    ///     candor::info!(shelf, "shelf counted");
    /// }
    /// let shelves: Vec<i64> = captured.events("shelf counted").iter().map(|line| line.integer("shelf")).collect();
    /// assert_eq!(shelves, [1, 2]);
    /// ```
    pub fn events(&self, message: &str) -> Vec<Line> {
        self.matching(|line| line.is("msg", message))
    }

    /// Returns the only line with this message.
    ///
    /// # Panics
    ///
    /// Panics unless there is exactly one.
    #[track_caller]
    pub fn line(&self, message: &str) -> Line {
        self.one(&format!("with the message `{message}`"), self.events(message))
    }

    /// Returns the lines of this step.
    pub fn steps(&self, name: &str) -> Vec<Line> {
        self.matching(|line| line.is_step(name))
    }

    /// Returns the only line of this step.
    ///
    /// # Panics
    ///
    /// Panics unless there is exactly one.
    #[track_caller]
    pub fn step(&self, name: &str) -> Line {
        self.one(&format!("of the step `{name}`"), self.steps(name))
    }

    /// Returns the lines of calls to this dependency.
    pub fn dependencies(&self, name: &str) -> Vec<Line> {
        self.matching(|line| line.is_call(name))
    }

    /// Returns the only line of a call to this dependency.
    ///
    /// # Panics
    ///
    /// Panics unless there is exactly one.
    #[track_caller]
    pub fn dependency(&self, name: &str) -> Line {
        self.one(&format!("of a call to `{name}`"), self.dependencies(name))
    }

    /// Returns the only `request_completed` line.
    ///
    /// # Panics
    ///
    /// Panics unless there is exactly one.
    #[track_caller]
    pub fn completed(&self) -> Line {
        self.line("request_completed")
    }

    /// Returns the only `request_completed` line with this path.
    ///
    /// # Panics
    ///
    /// Panics unless there is exactly one.
    #[track_caller]
    pub fn completed_for(&self, path: &str) -> Line {
        let mut found = self.events("request_completed");
        found.retain(|line| line.is("path", path));
        self.one(&format!("`request_completed` of the path `{path}`"), found)
    }

    /// Asserts that the step has a line, and begins a chain of assertions.
    ///
    /// # Panics
    ///
    /// Panics if the step has no line.
    #[track_caller]
    pub fn assert_step(&self, name: &str) -> Matched {
        Matched::new(format!("of the step `{name}`"), self.lines(), |line| line.is_step(name))
    }

    /// Like [`assert_step`](Self::assert_step), for calls to a dependency.
    ///
    /// # Panics
    ///
    /// Panics if no call to the dependency has a line.
    #[track_caller]
    pub fn assert_dependency(&self, name: &str) -> Matched {
        Matched::new(format!("of a call to `{name}`"), self.lines(), |line| line.is_call(name))
    }

    /// Like [`assert_step`](Self::assert_step), for lines with this message.
    ///
    /// The message of candor's own lines is the name of their event, such as `request_completed`.
    ///
    /// # Panics
    ///
    /// Panics if no line has the message.
    #[track_caller]
    pub fn assert_line(&self, message: &str) -> Matched {
        let what = format!("with the message `{message}`");
        Matched::new(what, self.lines(), |line| line.is("msg", message))
    }

    /// Asserts that lines with these names were written in this order.
    ///
    /// Other lines may be between them.
    ///
    /// A name is that of a step or dependency, or a message. The line of a step is written when the step ends; see
    /// [`tree`](Self::tree) for the order in which steps began.
    ///
    /// ```
    /// let captured = candor::testing::capture();
    /// candor::step("charge", || candor::step("fraud check", || tracing::info!("checked")));
    /// captured.assert_order(&["checked", "fraud check", "charge"]);
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if a name has no line after that of the previous name.
    #[track_caller]
    pub fn assert_order(&self, names: &[&str]) {
        let lines = self.lines();
        let mut rest = lines.iter();
        for (at, name) in names.iter().enumerate() {
            if rest.any(|line| line.is_named(name)) {
                continue;
            }
            let after = at.checked_sub(1).map(|at| format!(" after `{}`", names[at]));
            let after = after.unwrap_or_default();
            panic!("no line of `{name}` was captured{after}; captured lines:\n{}", listed(&lines));
        }
    }

    /// Returns the direct children of a step or call, in the order of their start.
    ///
    /// For a `request_completed`, returns the steps and calls of its request that have no parent.
    ///
    /// ```
    /// let captured = candor::testing::capture();
    /// candor::RequestContext::new().enter_with(|| {
    ///     candor::step("place order", || {
    ///         candor::step("reserve", || ());
    ///         candor::step("charge", || ());
    ///     });
    /// });
    /// let inside = captured.children(&captured.step("place order"));
    /// assert_eq!((inside[0].text("step"), inside[1].text("step")), ("reserve", "charge"));
    /// ```
    pub fn children(&self, of: &Line) -> Vec<Line> {
        tree::children(of, &self.lines())
    }

    /// Returns all steps and calls as an indented tree, in the order of their start.
    ///
    /// Each line has a name, an outcome and the class of the error. The text contains nothing that differs between runs.
    ///
    /// ```
    /// #[candor::dependency_call("payments")]
    /// fn charge() -> std::io::Result<()> {
    ///     Err(std::io::ErrorKind::TimedOut.into())
    /// }
    ///
    /// let captured = candor::testing::capture();
    /// let _ = candor::RequestContext::new().enter_with(|| {
    ///     candor::step("place order", || candor::step("price", || 12).min(7));
    ///     charge()
    /// });
    /// let tree = "\
    /// place order ok
    ///   price ok
    /// payments.charge error timeout
    /// ";
    /// assert_eq!(captured.tree(), tree);
    /// ```
    ///
    /// Only steps within a request are nested. Other steps are not indented, and are in the order in which they ended.
    pub fn tree(&self) -> String {
        tree::text(&self.lines())
    }

    fn matching(&self, wanted: impl Fn(&Line) -> bool) -> Vec<Line> {
        self.lines().into_iter().filter(wanted).collect()
    }

    #[track_caller]
    fn one(&self, what: &str, mut found: Vec<Line>) -> Line {
        match found.len() {
            1 => found.remove(0),
            0 => panic!("no line {what} was captured; captured lines:\n{}", listed(&self.lines())),
            count => panic!("{count} lines {what} were captured, not one:\n{}", listed(&found)),
        }
    }
}

/// Formats lines for a panic message.
pub(super) fn listed(lines: &[Line]) -> String {
    if lines.is_empty() {
        return "  nothing".to_owned();
    }
    lines.iter().map(|line| format!("  {}", line.readable())).collect::<Vec<_>>().join("\n")
}
