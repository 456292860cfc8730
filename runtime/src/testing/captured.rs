//! The lines of one test, and what can be asked of them.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use tracing_core::dispatcher::DefaultGuard;

use super::{Line, Lines, Matched, snapshot, tree};
use crate::current::{self, Frame};
use crate::init::logging::Logging;
use crate::request::Request;

/// The lines of one test; see [`capture`](super::capture).
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
pub struct Captured {
    pub(super) lines: Lines,
    /// What changes the levels, where they are this capture's own.
    pub(super) logging: Option<Logging>,
    /// What ran on the thread before, to come back when this is dropped.
    before: Option<Frame>,
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
        self.lines.end(self.before.take().unwrap_or_default());
    }
}

impl Captured {
    pub(super) fn new(lines: Lines, default: Option<DefaultGuard>) -> Self {
        let mut place = Request::with_id("");
        place.capture = lines.capture().into();
        let mut frame = Frame::of(Arc::new(place));
        current::swap_frame(&mut frame);
        let before = Some(frame);
        Captured { lines, logging: None, before, _default: default, _not_send: PhantomData }
    }

    /// All lines so far, in the order they were written.
    pub fn lines(&self) -> Vec<Line> {
        let store = self.lines.store();
        let line = |(request, line): &(u64, String)| Line::new(*request, line.clone());
        store.lines.iter().map(line).collect()
    }

    /// Lines as [`capture_with`](super::capture_with)'s settings made them, each with its line feed. Empty for [`capture`](super::capture).
    pub fn output(&self) -> String {
        self.lines.store().written.clone()
    }

    /// What changes the levels of [`capture_with`](super::capture_with); `None` for
    /// [`capture`](super::capture).
    pub fn logging(&self) -> Option<&Logging> {
        self.logging.as_ref()
    }

    /// Forgets the lines so far.
    pub fn clear(&self) {
        let mut store = self.lines.store();
        store.lines.clear();
        store.written.clear();
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
    #[track_caller]
    pub fn line(&self, message: &str) -> Line {
        self.one(&format!("with the message `{message}`"), self.events(message))
    }

    /// The lines of this step.
    pub fn steps(&self, name: &str) -> Vec<Line> {
        self.matching(|line| line.is_step(name))
    }

    /// The one line of this step.
    ///
    /// # Panics
    ///
    /// Where there is none, or more than one.
    #[track_caller]
    pub fn step(&self, name: &str) -> Line {
        self.one(&format!("of the step `{name}`"), self.steps(name))
    }

    /// The lines of the calls to this dependency.
    pub fn dependencies(&self, name: &str) -> Vec<Line> {
        self.matching(|line| line.is_call(name))
    }

    /// The one line of the call to this dependency.
    ///
    /// # Panics
    ///
    /// Where there is none, or more than one.
    #[track_caller]
    pub fn dependency(&self, name: &str) -> Line {
        self.one(&format!("of a call to `{name}`"), self.dependencies(name))
    }

    /// The one `request_completed` line.
    ///
    /// # Panics
    ///
    /// Where there is none, or more than one.
    #[track_caller]
    pub fn completed(&self) -> Line {
        self.line("request_completed")
    }

    /// The one `request_completed` line of this path, where there are several requests.
    ///
    /// # Panics
    ///
    /// Where there is none, or more than one.
    #[track_caller]
    pub fn completed_for(&self, path: &str) -> Line {
        let mut found = self.events("request_completed");
        found.retain(|line| line.is("path", path));
        self.one(&format!("`request_completed` of the path `{path}`"), found)
    }

    /// Asserts that the step has a line; what is asked of the result narrows down which.
    ///
    /// # Panics
    ///
    /// Where it has none; the text lists what was captured.
    #[track_caller]
    pub fn assert_step(&self, name: &str) -> Matched {
        Matched::new(format!("of the step `{name}`"), self.lines(), |line| line.is_step(name))
    }

    /// The same for calls to a dependency.
    ///
    /// # Panics
    ///
    /// Where there is no line of one.
    #[track_caller]
    pub fn assert_dependency(&self, name: &str) -> Matched {
        Matched::new(format!("of a call to `{name}`"), self.lines(), |line| line.is_call(name))
    }

    /// The same for lines with this message: events of the service's own, and candor's by their name, as
    /// `request_completed`.
    ///
    /// # Panics
    ///
    /// Where there is none.
    #[track_caller]
    pub fn assert_line(&self, message: &str) -> Matched {
        let what = format!("with the message `{message}`");
        Matched::new(what, self.lines(), |line| line.is("msg", message))
    }

    /// Asserts that lines of these names (of steps, dependencies, or messages) were written in this
    /// order, with others between them. A step's line is written when it ends; in which order steps
    /// began shows the [tree](Self::tree).
    ///
    /// ```
    /// let captured = candor::testing::capture();
    /// candor::step("charge", || candor::step("fraud check", || tracing::info!("checked")));
    /// captured.assert_order(&["checked", "fraud check", "charge"]);
    /// ```
    ///
    /// # Panics
    ///
    /// Where they were not.
    #[track_caller]
    pub fn assert_order(&self, names: &[&str]) {
        let lines = self.lines();
        let mut rest = lines.iter();
        for (at, name) in names.iter().enumerate() {
            if rest.any(|line| line.is_named(name)) {
                continue;
            }
            let behind = at.checked_sub(1).map(|at| format!(" behind `{}`", names[at]));
            let behind = behind.unwrap_or_default();
            panic!("no line of `{name}` was captured{behind}; there are:\n{}", listed(&lines));
        }
    }

    /// The steps and calls right inside this one, in the order in which they began. For a
    /// `request_completed` those that have no parent.
    pub fn children(&self, of: &Line) -> Vec<Line> {
        tree::children(of, &self.lines())
    }

    /// All steps and calls as a tree, in the order in which they began: a line for each with its name, its
    /// outcome and its error, without anything that differs from run to run.
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
    /// Only a request's steps have a place in it; those outside one stand at its edge, in the order in
    /// which they ended.
    pub fn tree(&self) -> String {
        tree::text(&self.lines())
    }

    /// The lines, one each, with a placeholder for what differs from run to run: `[ts]`, `[ms]`,
    /// `[request-1]`, `[trace-1]`, `[span-1]`, `[uuid-1]`, `[port]` of a loopback address, `[step]` for
    /// the slowest one, `[line]` and `[backtrace]` of a panic. Ids that are no UUID stay: a test chose them.
    ///
    /// For insta, expect-test or a file. Lines of work that runs side by side come in any order; the
    /// [tree](Self::tree) of such a request is the better snapshot.
    ///
    /// ```
    /// let captured = candor::testing::capture();
    /// candor::RequestContext::new().enter_with(|| tracing::info!(target: "shop", items = 2, "basket opened"));
    /// let line = r#"{"ts":"[ts]","level":"INFO","logger":"shop","msg":"basket opened","request_id":"[request-1]",
    ///     "user_id":"-","method":"-","path":"-","seq":1,"items":2}"#;
    /// # let line = &line.replace("\n    ", "");
    /// assert_eq!(captured.snapshot().trim_end(), line);
    /// ```
    pub fn snapshot(&self) -> String {
        snapshot::of(&self.lines.all())
    }

    fn matching(&self, wanted: impl Fn(&Line) -> bool) -> Vec<Line> {
        self.lines().into_iter().filter(wanted).collect()
    }

    #[track_caller]
    fn one(&self, what: &str, mut found: Vec<Line>) -> Line {
        match found.len() {
            1 => found.remove(0),
            0 => panic!("no line {what} was captured; there are:\n{}", listed(&self.lines())),
            count => panic!("{count} lines {what} were captured, not one:\n{}", listed(&found)),
        }
    }
}

/// Lines as a failed test shows them.
pub(super) fn listed(lines: &[Line]) -> String {
    if lines.is_empty() {
        return "  nothing".to_owned();
    }
    lines.iter().map(|line| format!("  {}", line.readable())).collect::<Vec<_>>().join("\n")
}
