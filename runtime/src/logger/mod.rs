//! From a record to a written line: whose request it is, its number, its bytes, its sink.

pub(crate) mod dispatch;
pub(crate) mod emit;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use tracing_core::{Level, dispatcher};

use crate::base::clock::Tick;
use crate::current::scratch::{self, Known, Scratch};
use crate::current::spans::Around;
use crate::current::{self};
use crate::format::record::{Record, Severity};
use crate::format::template::{NO_SEQ, Template};
use crate::format::{Format, pretty, shrink};
use crate::instrument::context::Request;
use crate::json::members;
use crate::layer::Core;
use crate::levels::InForce;
use crate::redact::hash;
#[cfg(feature = "http")]
use crate::request::recorder::{KeptLine, Recorder};
use crate::request::switches::{Fate, Switches};
use crate::sink::{Loss, Sink};

/// Everything one candor layer knows: how its lines look, which it writes, and where they go.
#[derive(Debug)]
pub(crate) struct Logger {
    /// Tells layers apart, for what is rendered once for one of them.
    pub(crate) id: u64,
    pub(crate) template: Arc<Template>,
    pub(crate) format: Format,
    pub(crate) colour: bool,
    pub(crate) levels: ArcSwap<InForce>,
    pub(crate) value_limit: usize,
    pub(crate) line_limit: usize,
    pub(crate) lines_per_request: u64,
    /// Whether nothing but this layer listens, so that a record need not take the way of an event.
    pub(crate) alone: bool,
    /// Whether steps are spans for whoever else listens.
    pub(crate) spans: bool,
    pub(crate) sink: Sink,
    /// Where audit events go, in a place of their own or the same one.
    pub(crate) audit: Sink,
}

/// The id of the next layer.
pub(crate) fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Logger {
    /// Writes one line. `fields` appends the event's own members (`,"key":value`).
    pub(crate) fn write(
        &self,
        record: &Record<'_>,
        around: Around<'_>,
        fields: impl FnOnce(&mut String),
    ) {
        let request = current::request();
        scratch::with(|scratch| {
            self.write_for(scratch, request.as_ref(), record, around, None, fields);
        });
    }

    /// The same for a request that need not be the current one, and with what a site keeps of its
    /// records.
    #[inline]
    pub(crate) fn write_for(
        &self,
        scratch: &mut Scratch,
        request: Option<&Arc<Request>>,
        record: &Record<'_>,
        around: Around<'_>,
        named: Option<&str>,
        fields: impl FnOnce(&mut String),
    ) {
        let known = request.filter(|request| request.has_id());
        let switches = known.and_then(|request| request.switches.as_deref());
        match switches.map_or(Fate::Write, |switches| self.fate(switches, record)) {
            Fate::Write if known.is_some_and(|request| self.suppresses(request, record)) => return,
            Fate::Write | Fate::WriteMore => {}
            fate => return self.set_aside(scratch, known, switches, fate, record, around, fields),
        }
        let known = known.map(|request| (&**request, Some(request.next_line())));
        self.render(scratch, known, record, around, named, fields);
        self.put(request, record.severity, &mut scratch.line);
        if hash::is_missing_and_untold() && self.levels.load().allow("candor", Level::WARN) {
            self.tell(hash::NO_KEY);
        }
    }

    /// Whether a record of this severity, which all requests want, becomes a line without more ado: as JSON whose
    /// keys are the usual ones, with nothing in the way of it.
    #[inline]
    pub(crate) fn simply_writes(&self, request: Option<&Request>, severity: Severity) -> bool {
        self.format == Format::Json
            && !self.template.keys.are_renamed()
            && request.is_none_or(|request| {
                request.switches.is_none() && !self.is_over_cap(request, severity)
            })
            && !hash::has_to_tell()
    }

    #[cold]
    fn fate(&self, switches: &Switches, record: &Record<'_>) -> Fate {
        let for_all = self.levels.load().allow(record.logger, record.severity.level());
        switches.fate(record, for_all)
    }

    /// What becomes of a line that is not written now.
    #[cold]
    #[expect(clippy::too_many_arguments, reason = "what a line is made of")]
    fn set_aside(
        &self,
        scratch: &mut Scratch,
        request: Option<&Arc<Request>>,
        switches: Option<&Switches>,
        fate: Fate,
        record: &Record<'_>,
        around: Around<'_>,
        fields: impl FnOnce(&mut String),
    ) {
        let (Some(request), Some(switches)) = (request, switches) else { return };
        match (fate, &switches.recorder) {
            (Fate::Keep, Some(recorder)) => {
                let known = Some((&**request, Some(NO_SEQ)));
                self.render(scratch, known, record, around, None, fields);
                recorder.keep(self.id, record.severity, &scratch.line);
            }
            (Fate::SampleAway, _) => {
                switches.sampled_away.fetch_add(1, Ordering::Relaxed);
            }
            _ => {
                request.suppressed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Writes the lines that were kept for a bad end: how many, and how many were lost.
    #[cfg(feature = "http")]
    pub(crate) fn write_kept(&self, request: &Arc<Request>, recorder: &Recorder) -> (u64, u64) {
        let (lines, lost) = recorder.finish(self.id);
        let count = lines.len() as u64;
        for KeptLine { severity, mut text } in lines {
            self.template.number(request.next_line(), &mut text);
            self.put(Some(request), severity, &mut text);
        }
        (count, lost)
    }

    /// Writes a line of candor's own, whatever the levels and limits are.
    pub(crate) fn write_always(&self, record: &Record<'_>, fields: impl FnOnce(&mut String)) {
        let request = current::request();
        let known = request.as_ref().filter(|request| request.has_id());
        let known = known.map(|request| (&**request, Some(request.next_line())));
        scratch::with(|scratch| {
            self.render(scratch, known, record, Around::Thread, None, fields);
            self.put(request.as_ref(), record.severity, &mut scratch.line);
        });
    }

    /// Writes an audit event: now, whatever the levels and limits are.
    pub(crate) fn write_audit(
        &self,
        record: &Record<'_>,
        fields: impl FnOnce(&mut String),
    ) -> Result<(), Loss> {
        let request = current::request();
        let known = request.as_ref().filter(|request| request.has_id());
        let in_its_order = self.audit.shares_place_with(&self.sink);
        // In a file of its own it would leave a gap in the numbers of the other lines, as a lost one does.
        let known = known.map(|request| (&**request, in_its_order.then(|| request.next_line())));
        scratch::with(|scratch| {
            self.render(scratch, known, record, Around::Thread, None, fields);
            let line = &mut scratch.line;
            self.finish(request.as_ref(), record.severity, line, |line| self.audit.write_now(line))
        })
    }

    /// Makes the line, as JSON and without its line feed. With the request comes the line's number in it, if
    /// it has one.
    #[inline]
    fn render(
        &self,
        scratch: &mut Scratch,
        known: Option<(&Request, Option<u64>)>,
        record: &Record<'_>,
        around: Around<'_>,
        named: Option<&str>,
        fields: impl FnOnce(&mut String),
    ) {
        let Scratch { line, known: before } = scratch;
        line.clear();
        let has_fields = self.template.open(record, named, known, self.id, before, line);
        let own = line.len();
        fields(line);
        if let Some((request, _)) = known.filter(|_| has_fields) {
            members::add_outer(line, own, &request.identity().fields);
        }
        around.each_fields(|outer| members::add_outer(line, own, outer));
        self.template.settle(own, line);
        if record.has_exc {
            members::move_last(line, own, "exc");
        }
        line.push('}');
        shrink::shrink(line, self.line_limit.saturating_sub(1));
    }

    /// One WARN of candor's own, outside every request.
    #[cold]
    fn tell(&self, message: &str) {
        let record = Record {
            at: Tick::now(),
            severity: Severity::Warn,
            logger: "candor",
            message,
            has_exc: false,
            capped: false,
        };
        scratch::with(|scratch| {
            self.write_for(scratch, None, &record, Around::Nothing, None, |_| {});
        });
    }

    fn put(&self, request: Option<&Arc<Request>>, severity: Severity, line: &mut String) {
        self.finish(request, severity, line, |line| self.sink.write(severity, line));
    }

    /// Hands over the line in its form, with its line feed.
    #[inline]
    fn finish<T>(
        &self,
        request: Option<&Arc<Request>>,
        severity: Severity,
        line: &mut String,
        write: impl FnOnce(&str) -> T,
    ) -> T {
        if let Some(request) = request {
            Self::capture(request, line);
        }
        if self.format == Format::Json {
            line.push('\n');
            write(line)
        } else {
            let mut readable = String::with_capacity(line.len());
            pretty::write(line, severity, self.colour, &mut readable);
            readable.push('\n');
            write(&readable)
        }
    }

    /// Adds the fields of the request's context to a line of its own fields from the byte `own` on, and ends it.
    pub(crate) fn end_with_fields(&self, request: &Request, own: usize, line: &mut String) {
        members::add_outer(line, own, &request.identity().fields);
        line.push('}');
        shrink::shrink(line, self.line_limit.saturating_sub(1));
        line.push('\n');
    }

    /// Shows a test its line.
    #[inline]
    #[cfg_attr(not(feature = "testing"), expect(unused_variables, reason = "nobody captures"))]
    pub(crate) fn capture(request: &Arc<Request>, line: &str) {
        #[cfg(feature = "testing")]
        if let Some(captured) = request.capture.get() {
            captured.push(request, line.trim_end());
        }
    }

    /// The cap on a request's lines. WARN and above are never suppressed.
    #[inline]
    fn is_over_cap(&self, request: &Request, severity: Severity) -> bool {
        severity < Severity::Warn && request.lines.load(Ordering::Relaxed) >= self.lines_per_request
    }

    fn suppresses(&self, request: &Request, record: &Record<'_>) -> bool {
        let over = record.capped
            && self.is_over_cap(request, record.severity)
            && request.lines.load(Ordering::Relaxed).saturating_sub(request.more_lines())
                >= self.lines_per_request;
        if over {
            request.suppressed.fetch_add(1, Ordering::Relaxed);
        }
        over
    }
}

/// The line that says how many lines a background writer could not write, and why, with its line feed.
pub(crate) fn lines_dropped(
    template: &Template,
    format: Format,
    colour: bool,
    lines: u64,
    reason: &str,
) -> String {
    let record = Record {
        at: Tick::now(),
        severity: Severity::Warn,
        logger: "candor",
        message: "lines_dropped",
        has_exc: false,
        capped: false,
    };
    let mut line = String::new();
    template.open(&record, None, None, 0, &mut Known::default(), &mut line);
    let _ =
        write!(line, ",\"event\":\"lines_dropped\",\"lines\":{lines},\"reason\":\"{reason}\"}}");
    if format == Format::Pretty {
        let json = std::mem::take(&mut line);
        pretty::write(&json, record.severity, colour, &mut line);
    }
    line.push('\n');
    line
}

/// The logger of the thread's subscriber where nothing else listens.
#[inline]
pub(crate) fn if_alone<T>(mut f: impl FnMut(&Logger) -> T) -> Option<T> {
    dispatcher::get_default(|dispatch| match dispatch.downcast_ref::<Core>() {
        Some(core) if core.logger.alone => Some(f(&core.logger)),
        _ => None,
    })
}

/// Whether the thread's subscriber is candor's own.
pub(crate) fn is_alone() -> bool {
    if_alone(|_| ()).is_some()
}

/// Whether spans of steps are made where another layer wants them.
pub(crate) fn makes_spans() -> bool {
    dispatcher::get_default(|dispatch| {
        dispatch.downcast_ref::<Core>().is_none_or(|core| core.logger.spans)
    })
}
