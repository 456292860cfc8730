//! Turns a record into a written line: its request decides whether it is written, then it is numbered, rendered and
//! passed to its sink.
//!
//! A line's number is taken after every decision against the line and before the sink, so that a gap in `seq` means a
//! lost line.

pub(crate) mod bill;
pub(crate) mod budget;
pub(crate) mod dispatch;
pub(crate) mod emit;
pub(crate) mod fold;
pub(crate) mod notices;
mod readable;
mod site_list;
pub(crate) mod story;
pub(crate) mod timed_spans;

use std::cell::Cell;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use bill::Bill;
use budget::{Budget, FloodReport};
use fold::Folds;
use tracing_core::{Level, dispatcher};

use self::story::OpenStories;
use self::timed_spans::TimedSpans;
use crate::base::clock::Tick;
use crate::base::due::{self, Due};
use crate::base::fork::ForkLocks;
use crate::base::{buffer, lock, sync, timer};
use crate::current::span_stack::SpanScope;
use crate::current::{self, LineBuffer, RenderCache};
use crate::format::pretty::{LineOrder, LinePlace, Pretty, Style};
use crate::format::profile::Profiled;
use crate::format::record::{ContextKeys, Record, Severity};
use crate::format::sites::SiteId;
use crate::format::template::{NO_SEQ, Template};
use crate::format::{Format, pretty, shrink};
use crate::json::members;
use crate::levels::ActiveLevels;
use crate::redact::hash;
#[cfg(feature = "otlp")]
use crate::redact::shown;
use crate::request::overrides::{LineDecision, RequestOverrides};
#[cfg(feature = "http")]
use crate::request::recorder::{KeptLine, Recorder};
use crate::request::story::StorySettings;
use crate::request::{Origin, Request};
#[cfg(feature = "otlp")]
use crate::sink::otlp::{self, Exporter, LineOrigin};
use crate::sink::{self, Loss, Sink};
use crate::site::Site;

/// All loggers of the process.
static LOGGERS: Mutex<Vec<Weak<Logger>>> = Mutex::new(Vec::new());

/// Returns all loggers of the process, or none if another thread holds their list.
pub(crate) fn all() -> Vec<Arc<Logger>> {
    let loggers = sync::try_lock(&LOGGERS);
    loggers.iter().flat_map(|loggers| loggers.iter()).filter_map(Weak::upgrade).collect()
}

/// Takes the locks of all loggers before a fork.
pub(crate) fn hold(locks: &mut ForkLocks) {
    let loggers = locks.attempt(|| sync::try_lock(&LOGGERS)).map(|loggers| loggers.clone());
    for logger in loggers.iter().flatten().filter_map(Weak::upgrade) {
        logger.hold(locks);
    }
    locks.hold((), |()| Some(&LOGGERS), |(), _| {});
}

thread_local! {
    /// The buffer for the lines of a profile.
    static PROFILED: Cell<String> = const { Cell::new(String::new()) };
}

/// The settings and sinks of one candor layer: the format of its lines, which of them it writes, and where they go.
#[derive(Debug)]
pub(crate) struct Logger {
    /// Identifies the logger to caches of what it rendered.
    pub(crate) id: u64,
    pub(crate) template: Arc<Template>,
    pub(crate) format: Format,
    /// `None` for other formats.
    pub(crate) pretty: Option<Pretty>,
    /// The form of the lines for a platform; `None` for candor's own.
    pub(crate) profile: Option<Arc<Profiled>>,
    pub(crate) levels: ArcSwap<ActiveLevels>,
    /// Changes with the levels; no two states of any two loggers share a version.
    pub(crate) levels_version: AtomicU64,
    pub(crate) value_limit: usize,
    pub(crate) line_limit: usize,
    pub(crate) lines_per_request: u64,
    pub(crate) story: StorySettings,
    pub(crate) open_stories: OpenStories,
    /// Whether the lines are JSON with the default profile and keys, and no budget applies to them.
    pub(crate) has_fast_path: bool,
    /// Limits on the bytes per second, beyond which lines below WARN are suppressed.
    pub(crate) budget: Option<Budget>,
    /// The lines whose repeats are folded.
    pub(crate) folds: Option<Folds>,
    /// State of the `log_bill` lines.
    pub(crate) bill: Option<Bill>,
    /// Whether this is the only layer, so that records are written without being dispatched.
    pub(crate) is_only_layer: bool,
    /// Whether steps are spans for other layers.
    pub(crate) spans: bool,
    /// Which spans of other crates are steps; `None` if none are.
    pub(crate) timed_spans: Option<TimedSpans>,
    pub(crate) sink: Sink,
    /// The sink of audit events, which may have the same target.
    pub(crate) audit: Sink,
    /// The export of lines to a collector.
    #[cfg(feature = "otlp")]
    pub(crate) exporter: Option<Exporter>,
}

/// candor's layer, as the subscriber holds it. It is defined here because a record finds its logger through it; its
/// behaviour is in [`layer`](crate::layer).
#[derive(Debug, Clone)]
pub(crate) struct CandorLayer {
    pub(crate) logger: Arc<Logger>,
}

impl Logger {
    /// Shares the logger, and starts its periodic work.
    pub(crate) fn start(self) -> Arc<Self> {
        story::configured(&self.story);
        let logger = Arc::new(self);
        if let Some(budget) = &logger.budget {
            budget.belongs_to(Arc::downgrade(&logger));
        }
        if let Some(folds) = &logger.folds {
            folds.belongs_to(Arc::downgrade(&logger));
        }
        bill::start(&logger);
        let mut loggers = lock(&LOGGERS);
        loggers.retain(|logger| logger.strong_count() > 0);
        loggers.push(Arc::downgrade(&logger));
        drop(loggers);
        logger
    }

    /// Takes the locks before a fork. Everything that waits belongs to the parent: held lines, folded lines, reports,
    /// and the lines in queues.
    fn hold(self: &Arc<Self>, locks: &mut ForkLocks) {
        self.hold_stories(locks);
        self.hold_folds(locks);
        self.hold_budget(locks);
        Pretty::hold(self, |logger| logger.pretty.as_ref(), locks);
        #[cfg(feature = "otlp")]
        if let Some(exporter) = &self.exporter {
            exporter.hold(locks);
        }
        self.sink.hold(locks);
        self.audit.hold(locks);
        // After the counts of the sinks.
        self.hold_bill(locks);
    }

    /// Writes one line; returns whether it was written. `fields` appends the event's own members (`,"key":value`).
    #[inline]
    pub(crate) fn write(
        &self,
        record: &Record<'_>,
        spans: SpanScope<'_>,
        fields: impl FnOnce(&mut String),
    ) -> bool {
        // The lines of the HTTP client show requests with their headers.
        #[cfg(feature = "otlp")]
        if self.exporter.is_some() && otlp::is_sending() {
            return false;
        }
        let request = current::request();
        current::with_line_buffer(|buffer| {
            self.write_for(buffer, request.as_ref(), record, spans, None, fields)
        })
    }

    /// As [`write`](Self::write), in a request that need not be the current one, with a line buffer and the prefix that
    /// the record's site keeps.
    #[inline]
    pub(crate) fn write_for(
        &self,
        buffer: &mut LineBuffer,
        request: Option<&Arc<Request>>,
        record: &Record<'_>,
        spans: SpanScope<'_>,
        prefix: Option<&str>,
        fields: impl FnOnce(&mut String),
    ) -> bool {
        let known = request.filter(|request| request.has_id());
        let overrides = known.and_then(|request| request.overrides.as_deref());
        match overrides.map_or(LineDecision::Write, |overrides| self.decide(overrides, record)) {
            LineDecision::Write
                if known.is_some_and(|request| self.suppresses(request, record)) =>
            {
                return false;
            }
            LineDecision::Write | LineDecision::WriteAsDetail => {}
            decision => {
                return self.withhold(buffer, known, overrides, decision, record, spans, fields);
            }
        }
        if let Some(folds) = &self.folds
            && record.folds
            && record.severity < Severity::Warn
            && !sink::is_writing()
        {
            return self.write_or_fold(folds, buffer, request, record, spans, prefix, fields);
        }
        let Some(reserved) = self.reserve(known, record, 0) else { return false };
        let identified = known.map(|request| &**request);
        let seq = identified.map(Request::next_line);
        self.render(buffer, identified, seq, record, spans, prefix, fields);
        let step = self.step_of(request);
        let (len, is_written) =
            self.put(request, step, record.severity, record.site, &mut buffer.line);
        self.charge(record.at, record.site, record.logger.as_str(), reserved, len);
        self.write_due_notices();
        is_written
    }

    /// Writes the notices that the values of a line caused.
    #[inline(always)]
    fn write_due_notices(&self) {
        if hash::take_missing_key_warning() && self.levels.load().allow("candor", Level::WARN) {
            self.warn_once(hash::NO_KEY);
        }
        if due::is_any() {
            self.do_due_work();
        }
    }

    #[cold]
    fn do_due_work(&self) {
        if due::take(Due::StrictReports) {
            self.write_strict_reports();
        }
        if due::take(Due::Timer) {
            timer::resume();
        }
    }

    /// Whether the levels, or those of the current request, allow a record.
    pub(crate) fn allows(&self, record: &Record<'_>) -> bool {
        let level = record.severity.level();
        let target = record.logger.as_str();
        self.levels.load().allow(target, level) || current::raises(target, level)
    }

    /// Writes a record of a request, if the levels of the logger or of the request allow it. The request need not be
    /// the current one. Other layers don't see the record. Returns whether it was written.
    pub(crate) fn write_in(
        &self,
        buffer: &mut LineBuffer,
        request: Option<&Arc<Request>>,
        record: &Record<'_>,
        spans: SpanScope<'_>,
        prefix: Option<&str>,
        fields: impl FnOnce(&mut String),
    ) -> bool {
        let (target, level) = (record.logger.as_str(), record.severity.level());
        self.allows_in(target, level, request)
            && self.write_for(buffer, request, record, spans, prefix, fields)
    }

    /// Whether the levels of the logger or of this request allow a line.
    pub(crate) fn allows_in(
        &self,
        target: &str,
        level: Level,
        request: Option<&Arc<Request>>,
    ) -> bool {
        let raises = |request: &Arc<Request>| {
            request.overrides.as_deref().is_some_and(|it| it.allow(target, level))
        };
        self.levels.load().allow(target, level) || request.is_some_and(raises)
    }

    /// Whether the levels of the logger allow the usual line of a step.
    #[inline]
    pub(crate) fn allows_usual(&self, site: &'static Site) -> bool {
        // Read first: if the levels change meanwhile, the answer is stored under the old version.
        let version = self.levels_version.load(Ordering::Acquire);
        site.is_usual_allowed.get(version, || {
            let level = Severity::of(site.spec.level).level();
            self.levels.load().allow(site.spec.target, level)
        })
    }

    /// Finds out whether there is a fast path, when everything else is set.
    pub(crate) fn with_fast_path(mut self) -> Self {
        self.has_fast_path = self.format == Format::Json
            && self.profile.is_none()
            && self.budget.is_none()
            && !self.template.keys.are_renamed();
        self
    }

    /// Whether a record of this severity, which every request writes, can take the fast path: JSON with the default
    /// profile and keys, and nothing that could hold the line back.
    #[inline]
    pub(crate) fn is_fast_path(&self, request: Option<&Request>, severity: Severity) -> bool {
        self.has_fast_path
            && request.is_none_or(|request| {
                request.overrides.is_none() && !self.is_over_cap(request, severity)
            })
            && !hash::is_missing_key_warning_due()
            && !due::is_any()
    }

    /// The bytes of a budget that a line takes until its length is known; `None` if it is cut. Lines from WARN on, and
    /// those to which no limit applies, are never cut. `folded` is the number of lines that were folded into this one;
    /// 0 if it is an ordinary line.
    #[inline]
    fn reserve(
        &self,
        request: Option<&Arc<Request>>,
        record: &Record<'_>,
        folded: u64,
    ) -> Option<f64> {
        match &self.budget {
            Some(budget) if record.severity < Severity::Warn && record.capped => {
                self.admit(budget, request, record, folded)
            }
            _ => Some(0.0),
        }
    }

    #[cold]
    fn admit(
        &self,
        budget: &Budget,
        request: Option<&Arc<Request>>,
        record: &Record<'_>,
        folded: u64,
    ) -> Option<f64> {
        let lines = folded.max(1);
        let (admitted, reports) =
            budget.admit(record.at, record.site, record.logger.as_str(), lines);
        if admitted.is_none() {
            if let Some(request) = request {
                request.suppressed.fetch_add(lines, Ordering::Relaxed);
            }
            // A line is counted for its call site when it is folded.
            if folded == 0 {
                self.sink.suppress(record.site);
            }
        }
        self.write_floods(reports);
        admitted
    }

    /// Counts the bytes of a written line against the budgets.
    #[inline]
    fn charge(&self, at: Tick, site: SiteId, target: &str, reserved: f64, len: usize) {
        if let Some(budget) = &self.budget {
            budget.charge(at, site, target, reserved, len);
        }
    }

    /// Reports the floods in which no line was cut for the time `quiet`.
    #[cold]
    pub(crate) fn report_floods(&self, quiet: Duration) {
        // The sink rejects the lines of a writer that flushes.
        if let Some(budget) = self.budget.as_ref().filter(|_| !sink::is_writing()) {
            self.write_floods(budget.take_ended(Tick::now(), quiet));
        }
    }

    fn write_floods(&self, reports: Vec<FloodReport>) {
        for report in reports {
            self.write_flood(&report);
            if let Some(budget) = self.budget.as_ref().filter(|_| !report.has_ended) {
                budget.watch();
            }
        }
    }

    #[cold]
    fn decide(&self, overrides: &RequestOverrides, record: &Record<'_>) -> LineDecision {
        let for_all = self.levels.load().allow(record.logger.as_str(), record.severity.level());
        match (overrides.decide(record, for_all, self.id), &overrides.story) {
            (LineDecision::Write, Some(story)) if story.logger == self.id => LineDecision::Tell,
            (decision, _) => decision,
        }
    }

    /// Handles a line that `decide` does not simply write: keeps it, counts it, or passes it to the story of its
    /// request. Returns whether it is written.
    #[cold]
    #[expect(clippy::too_many_arguments, reason = "the parts of a line")]
    fn withhold(
        &self,
        buffer: &mut LineBuffer,
        request: Option<&Arc<Request>>,
        overrides: Option<&RequestOverrides>,
        decision: LineDecision,
        record: &Record<'_>,
        spans: SpanScope<'_>,
        fields: impl FnOnce(&mut String),
    ) -> bool {
        let (Some(request), Some(overrides)) = (request, overrides) else { return false };
        if let (LineDecision::Tell, Some(story)) = (decision, &overrides.story) {
            let is_written = self.tell(buffer, request, story, record, spans, fields);
            self.write_due_notices();
            return is_written;
        }
        match (decision, &overrides.recorder) {
            (LineDecision::Keep, Some(recorder)) => {
                self.render(buffer, Some(request), Some(NO_SEQ), record, spans, None, fields);
                let step = self.step_of(Some(request));
                recorder.keep(self.id, record.severity, step, record.site, &buffer.line);
            }
            (LineDecision::SampleAway, _) => {
                overrides.sampled_away.fetch_add(1, Ordering::Relaxed);
                self.sink.suppress(record.site);
            }
            _ => {
                request.suppressed.fetch_add(1, Ordering::Relaxed);
                self.sink.suppress(record.site);
            }
        }
        false
    }

    /// Writes the lines that the flight recorder kept; returns how many, and how many were lost.
    #[cfg(feature = "http")]
    pub(crate) fn write_kept(&self, request: &Arc<Request>, recorder: &Recorder) -> (u64, u64) {
        let (lines, lost) = recorder.finish(self.id);
        let count = lines.len() as u64;
        for line in lines {
            let KeptLine { severity, step, site, mut text } = line;
            let _turn = self.take_turn(Some(request), &mut text);
            self.put_kept(request, step, severity, site, &mut text);
        }
        (count, lost)
    }

    /// Writes a line that was kept. A budget counts it and does not cut it, so that the story of a problem is complete.
    fn put_kept(
        &self,
        request: &Arc<Request>,
        step: u32,
        severity: Severity,
        site: SiteId,
        line: &mut String,
    ) {
        let (len, _) = self.put(Some(request), step, severity, site, line);
        if self.budget.is_some() {
            self.charge(Tick::now(), site, site.key().target, 0.0, len);
        }
    }

    /// Writes a line of candor's own, regardless of levels and limits.
    pub(crate) fn write_always(&self, record: &Record<'_>, fields: impl FnOnce(&mut String)) {
        let request = current::request();
        let request = request.as_ref();
        let identified = Request::identified(request);
        let seq = identified.map(|_| NO_SEQ);
        current::with_line_buffer(|buffer| {
            self.render_whole(buffer, identified, seq, record, SpanScope::Thread, None, fields);
            let _turn = self.take_turn(request.filter(|_| seq.is_some()), &mut buffer.line);
            let step = self.step_of(request);
            let (len, _) = self.put(request, step, record.severity, record.site, &mut buffer.line);
            self.charge(record.at, record.site, record.logger.as_str(), 0.0, len);
        });
    }

    /// Writes an audit event now, regardless of levels and limits.
    pub(crate) fn write_audit(
        &self,
        record: &Record<'_>,
        fields: impl FnOnce(&mut String),
    ) -> Result<(), Loss> {
        let request = current::request();
        let identified = Request::identified(request.as_ref());
        let order = if !self.audit.shares_destination_with(&self.sink) {
            LineOrder::AuditFile
        } else if self.sink.has_queue() {
            LineOrder::AheadOfQueue
        } else {
            LineOrder::Log
        };
        let is_in_log = order != LineOrder::AuditFile;
        // In a file of its own, an audit event has no number, which would leave a gap: that means a lost line.
        let seq = identified.filter(|_| is_in_log).map(|_| NO_SEQ);
        current::with_line_buffer(|buffer| {
            self.render_whole(buffer, identified, seq, record, SpanScope::Thread, None, fields);
            let line = &mut buffer.line;
            let request = request.as_ref();
            let turn = self.take_turn(request.filter(|_| seq.is_some()), line);
            // With a queue, the request's other lines must not wait for the output.
            let _turn = turn.filter(|_| order != LineOrder::AheadOfQueue);
            let step = self.step_of(request);
            let written = self.finish(request, step, record.severity, order, line, |line| {
                if is_in_log {
                    self.charge(record.at, record.site, record.logger.as_str(), 0.0, line.len());
                }
                self.audit.write_now(record.site, line)
            });
            // Events with a separate file are written only to that file.
            if is_in_log {
                self.export(request, step, record.severity, line);
            }
            written
        })
    }

    /// Renders the line as JSON, without its line feed. `seq` is the line's number, if it has one.
    #[inline]
    #[expect(clippy::too_many_arguments, reason = "the parts of a line")]
    fn render(
        &self,
        buffer: &mut LineBuffer,
        request: Option<&Request>,
        seq: Option<u64>,
        record: &Record<'_>,
        spans: SpanScope<'_>,
        prefix: Option<&str>,
        fields: impl FnOnce(&mut String),
    ) {
        self.render_whole(buffer, request, seq, record, spans, prefix, fields);
        self.shrink(&mut buffer.line);
    }

    /// Renders a line like [`render`](Self::render), but does not shorten it.
    #[inline]
    #[expect(clippy::too_many_arguments, reason = "the parts of a line")]
    fn render_whole(
        &self,
        buffer: &mut LineBuffer,
        request: Option<&Request>,
        seq: Option<u64>,
        record: &Record<'_>,
        spans: SpanScope<'_>,
        prefix: Option<&str>,
        fields: impl FnOnce(&mut String),
    ) {
        let LineBuffer { line, cache } = buffer;
        line.clear();
        let part = cache.request.part(request, &self.template, self.id);
        let has_fields = part.has_fields;
        self.template.open(record, prefix, part, seq, &mut cache.timestamp, line);
        let mut own = line.len();
        fields(line);
        if record.context_keys != ContextKeys::Unused {
            own = self.template.replace_context(record.context_keys, own, line);
        }
        if let Some(request) = request.filter(|_| has_fields) {
            members::add_outer(line, own, &request.identity().fields);
        }
        spans.each_fields(request, |outer| members::add_outer(line, own, outer));
        self.template.avoid_renamed(own, line);
        if record.has_exc {
            members::move_last(line, own, "exc");
        }
        line.push('}');
    }

    /// Shortens a line that is too long.
    #[inline]
    fn shrink(&self, line: &mut String) {
        shrink::shrink(line, self.line_limit.saturating_sub(1));
    }

    /// Writes a WARN of candor's own, outside any request.
    #[cold]
    fn warn_once(&self, message: &'static str) {
        let record = Record::own(Severity::Warn, message);
        current::with_line_buffer(|buffer| {
            self.write_for(buffer, None, &record, SpanScope::Nothing, None, |_| {});
        });
    }

    /// Writes a rendered line. Returns its length in its format, and whether it was written. `step` is the id of the
    /// step that was active.
    fn put(
        &self,
        request: Option<&Arc<Request>>,
        step: u32,
        severity: Severity,
        site: SiteId,
        line: &mut String,
    ) -> (usize, bool) {
        let write = |line: &str| (line.len(), self.sink.write(site, severity, line));
        let written = self.finish(request, step, severity, LineOrder::Log, line, write);
        self.export(request, step, severity, line);
        written
    }

    /// Passes a JSON line to the export. `step` is the id of the active step; a step's own line names the step itself.
    #[inline]
    #[cfg_attr(
        not(feature = "otlp"),
        expect(unused_variables, clippy::unused_self, reason = "only OTLP exports")
    )]
    pub(crate) fn export(
        &self,
        request: Option<&Arc<Request>>,
        step: u32,
        severity: Severity,
        line: &str,
    ) {
        #[cfg(feature = "otlp")]
        if let Some(exporter) = &self.exporter {
            let trace = request.and_then(|request| request.trace());
            let origin = trace.map_or_else(LineOrigin::default, |trace| LineOrigin {
                step,
                sampled: Some(trace.sampled),
                parent: trace.parent_id,
                link: trace.link.clone(),
            });
            exporter.push(severity, line, origin);
        }
    }

    /// Returns the id of the active step, if the step belongs to this request and the id is needed.
    #[inline]
    fn step_of(&self, request: Option<&Arc<Request>>) -> u32 {
        #[cfg(feature = "otlp")]
        let is_needed = self.pretty.is_some() || self.exporter.is_some();
        #[cfg(not(feature = "otlp"))]
        let is_needed = self.pretty.is_some();
        request.filter(|_| is_needed).map_or(0, current::step_of)
    }

    /// Converts the line to its format, adds the line feed, and passes it to `write`. `step` is the id of the active
    /// step.
    #[inline]
    fn finish<T>(
        &self,
        request: Option<&Arc<Request>>,
        step: u32,
        severity: Severity,
        order: LineOrder,
        line: &mut String,
        write: impl FnOnce(&str) -> T,
    ) -> T {
        if let Some(request) = request {
            Self::capture(request, line);
        }
        if let Some(profile) = &self.profile {
            buffer::with(&PROFILED, |text| {
                // The first line of a request is not in a separate file, and may come after a line that goes ahead of
                // the queue.
                let request = Request::identified(request).filter(|_| order == LineOrder::Log);
                self.write_profiled(profile, request, line, text);
                text.push('\n');
                write(text)
            })
        } else if let Some(pretty) = &self.pretty {
            if sink::is_writing() {
                // The sink rejects the line, and this thread may hold the lock.
                return write(line);
            }
            let request = Request::identified(request);
            let place = LinePlace {
                request: request.map_or(0, |request| request.serial),
                step,
                depth_of: |step| {
                    let open = request.and_then(|request| request.open_steps.as_ref());
                    open.map_or(0, |open| open.depth_of(step))
                },
            };
            let lost = self.sink.lost() + self.audit.lost();
            pretty.write(order, lost, line, severity, &place, write)
        } else {
            line.push('\n');
            write(line)
        }
    }

    /// Appends a line in the form of the profile.
    fn write_profiled(
        &self,
        profile: &Profiled,
        request: Option<&Request>,
        line: &str,
        out: &mut String,
    ) {
        let Some(request) = request.filter(|_| profile.is_compact()) else {
            return profile.write(line, None, out);
        };
        profile.write(line, request.first_line(self.id), out);
        if let Some(once) = profile.once(line) {
            request.set_first_line(self.id, once);
        }
    }

    /// Appends the context's fields to a line whose own fields begin at the byte `own`, and completes it.
    pub(crate) fn end_with_fields(&self, request: &Request, own: usize, line: &mut String) {
        members::add_outer(line, own, &request.identity().fields);
        line.push('}');
        shrink::shrink(line, self.line_limit.saturating_sub(1));
        line.push('\n');
    }

    /// Passes a line to the capture of a test.
    #[inline]
    #[cfg_attr(not(feature = "testing"), expect(unused_variables, reason = "only tests capture"))]
    pub(crate) fn capture(request: &Arc<Request>, line: &str) {
        #[cfg(feature = "testing")]
        if let Some(captured) = request.capture.get() {
            captured.push(request.serial, line.trim_end());
        }
    }

    /// Whether the request has written as many lines as it may. WARN and above have no limit.
    #[inline]
    fn is_over_cap(&self, request: &Request, severity: Severity) -> bool {
        severity < Severity::Warn
            && request.lines.load(Ordering::Relaxed) >= self.lines_per_request
            && request.origin != Origin::RootSpan
    }

    fn suppresses(&self, request: &Request, record: &Record<'_>) -> bool {
        let over = record.capped
            && self.is_over_cap(request, record.severity)
            && request.lines.load(Ordering::Relaxed).saturating_sub(request.debug_lines())
                >= self.lines_per_request;
        if over {
            request.suppressed.fetch_add(1, Ordering::Relaxed);
            self.sink.suppress(record.site);
        }
        over
    }
}

/// The line that reports how many lines an output dropped, and why, with its line feed.
pub(crate) fn lines_dropped(
    template: &Template,
    pretty: Option<Style>,
    profile: Option<&Profiled>,
    lines: u64,
    reason: &'static str,
) -> String {
    dropped(template, pretty, profile, |line| {
        let _ = write!(line, ",\"lines\":{lines},\"reason\":\"{reason}\"");
    })
}

/// The line that reports how many records OTLP export dropped, of which kind, and why, with its line feed. `detail` is
/// the last error of the collector, or empty.
#[cfg(feature = "otlp")]
pub(crate) fn records_dropped(
    template: &Template,
    pretty: Option<Style>,
    profile: Option<&Profiled>,
    (records, kind): (u64, &'static str),
    reason: &'static str,
    detail: &str,
) -> String {
    dropped(template, pretty, profile, |line| {
        let _ = write!(
            line,
            ",\"lines\":{records},\"reason\":\"{reason}\",\"sink\":\"otlp\",\"records\":\"{kind}\""
        );
        if !detail.is_empty() {
            members::text(line, "detail", &shown::collector_error(detail));
        }
    })
}

fn dropped(
    template: &Template,
    pretty: Option<Style>,
    profile: Option<&Profiled>,
    members: impl FnOnce(&mut String),
) -> String {
    let record = Record::own(Severity::Warn, "lines_dropped");
    let mut line = String::new();
    let mut cache = RenderCache::default();
    let outside = template.outside_requests();
    template.open(&record, None, outside, None, &mut cache.timestamp, &mut line);
    line.push_str(",\"event\":\"lines_dropped\"");
    members(&mut line);
    line.push('}');
    if let Some(profile) = profile {
        let json = std::mem::take(&mut line);
        profile.write(&json, None, &mut line);
    } else if let Some(style) = pretty {
        let json = std::mem::take(&mut line);
        pretty::write_outside(&json, record.severity, style, &mut line);
    }
    line.push('\n');
    line
}

/// Runs `f` with the logger of the thread's subscriber, if candor's layer is the only one.
#[inline]
pub(crate) fn if_only_layer<T>(mut f: impl FnMut(&Logger) -> T) -> Option<T> {
    dispatcher::get_default(|dispatch| match dispatch.downcast_ref::<CandorLayer>() {
        Some(layer) if layer.logger.is_only_layer => Some(f(&layer.logger)),
        _ => None,
    })
}

/// Runs `f` with the logger of the thread's subscriber, even if it has other layers.
pub(crate) fn with_layer<T>(mut f: impl FnMut(&Logger) -> T) -> Option<T> {
    dispatcher::get_default(|dispatch| Some(f(&dispatch.downcast_ref::<CandorLayer>()?.logger)))
}

/// Whether candor's layer is the only one of the thread's subscriber.
pub(crate) fn is_only_layer() -> bool {
    if_only_layer(|_| ()).is_some()
}

/// Whether steps and jobs become spans of an export.
pub(crate) fn exports_spans() -> bool {
    #[cfg(feature = "otlp")]
    {
        with_layer(|logger| logger.exporter.as_ref().is_some_and(|exporter| exporter.has_spans))
            .unwrap_or(false)
    }
    #[cfg(not(feature = "otlp"))]
    false
}

/// Whether steps are spans for other layers.
pub(crate) fn makes_spans() -> bool {
    dispatcher::get_default(|dispatch| {
        dispatch.downcast_ref::<CandorLayer>().is_none_or(|layer| layer.logger.spans)
    })
}
