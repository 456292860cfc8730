//! The spans that are entered on this thread: their fields, and the request that each of them carries.

use std::cell::{Cell, RefCell};
use std::mem;
use std::sync::Arc;

use tracing_core::callsite::DefaultCallsite;
use tracing_core::field::FieldSet;
use tracing_core::metadata::Kind;
use tracing_core::span::Id;
use tracing_core::{Level, Metadata, identify_callsite};

use super::frame::Frame;
use super::span_data::SpanData;
use super::thread::{self, ThreadState, complete_swap, swap_only, with, with_thread};
use super::timed_span::{EnteredStep, TimedSpan};
use crate::request::Request;

pub(crate) static REQUEST_SPAN_CALLSITE: DefaultCallsite = DefaultCallsite::new(REQUEST_SPAN);

/// The span `candor.request`, through which tracing's own `.in_current_span()` carries the request.
pub(crate) static REQUEST_SPAN: &Metadata<'static> = &Metadata::new(
    "candor.request",
    "candor",
    Level::ERROR,
    Some(file!()),
    Some(line!()),
    Some(module_path!()),
    FieldSet::new(&[], identify_callsite!(&REQUEST_SPAN_CALLSITE)),
    Kind::SPAN,
);

pub(crate) fn is_request_span(metadata: &Metadata<'_>) -> bool {
    metadata.callsite() == REQUEST_SPAN.callsite()
}

struct EnteredSpan {
    kind: EntryKind,
    data: Arc<SpanData>,
    /// The frame that was current before, if the span carries another request.
    before: Option<Box<Frame>>,
    /// The step, if the span is one.
    step: Option<EnteredStep>,
}

#[derive(PartialEq, Eq)]
enum EntryKind {
    Span(Id),
    /// A [`SpanBarrier`].
    Barrier,
    /// The fields that the step with this token puts on all lines inside it.
    StepContext(u64),
}

thread_local! {
    static ENTERED: RefCell<Vec<EnteredSpan>> = const { RefCell::new(Vec::new()) };
    /// The length of `ENTERED`, so that a thread outside any span needs one load.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// Makes a span the innermost one, and its request current.
pub(crate) fn enter(id: &Id, data: Arc<SpanData>) {
    enter_as(EntryKind::Span(id.clone()), data);
}

#[inline]
fn enter_as(kind: EntryKind, data: Arc<SpanData>) {
    let mut is_step = kind.is_span() && data.timed.is_some();
    if let Some(timed) = data.timed.as_ref().filter(|_| is_step) {
        timed.settle();
        // A step of another request is an ordinary span in this one.
        is_step = !data.is_of_another_request();
    }
    let _ = ENTERED.try_with(|entered| {
        let Ok(mut entered) = entered.try_borrow_mut() else { return };
        let is_first = !is_step || !entered.iter().any(|entry| Arc::ptr_eq(&entry.data, &data));
        let step = is_step.then(EnteredStep::default);
        entered.push(EnteredSpan { kind, data, before: None, step });
        let _ = COUNT.try_with(|count| count.set(entered.len()));
        if let Some(entry) = entered.last_mut() {
            with_thread(|thread| entry.enter(thread, is_first));
        }
    });
}

impl EnteredSpan {
    /// Makes the request and the step of a new entry current. Drops nothing, since the thread state is borrowed.
    #[inline]
    fn enter(&mut self, thread: &mut ThreadState, is_first: bool) {
        let is_untimed = self.data.timed.is_some() && self.step.is_none();
        let request = if is_untimed { self.data.request.as_ref() } else { self.data.request() };
        if let Some(request) = request {
            // A span made outside any request carries a capture's placeholder, which does not replace a request.
            let is_current = thread.frame.request.as_ref().is_some_and(|known| {
                Arc::ptr_eq(known, request) || (known.has_id() && !request.has_id())
            });
            if !is_current {
                let step = self.data.around();
                let mut frame = Box::new(Frame { step, ..Frame::of(Arc::clone(request)) });
                // A new frame has no step that ended elsewhere.
                mem::swap(&mut thread.frame, &mut *frame);
                self.before = Some(frame);
            }
        }
        if let (Some(timed), Some(step)) = (&self.data.timed, &mut self.step) {
            timed.enter(thread, step, is_first);
        }
    }
}

impl EntryKind {
    fn is_span(&self) -> bool {
        matches!(self, EntryKind::Span(_))
    }
}

/// Exits a span. Spans may be exited in any order.
pub(crate) fn exit(id: &Id) {
    let exited = exit_entry(|entry| matches!(&entry.kind, EntryKind::Span(own) if own == id));
    if let Some(data) = exited
        && data.timed.is_some()
    {
        recent::put(id, &data);
    }
}

/// The data of the span that this thread has just created, or exited if it is timed. In most cases the thread enters
/// or closes that span next, and finds its data here without a look-up in the registry.
pub(crate) mod recent {
    use std::cell::Cell;
    use std::sync::{Arc, Weak};

    use tracing_core::span::Id;

    use crate::current::SpanData;

    thread_local! {
        // Weak: another thread may close the span, and an idle thread must not keep its request.
        static RECENT: Cell<Option<(Id, Weak<SpanData>)>> = const { Cell::new(None) };
    }

    #[inline]
    pub(crate) fn put(id: &Id, data: &Arc<SpanData>) {
        let _ = RECENT.try_with(|recent| recent.set(Some((id.clone(), Arc::downgrade(data)))));
    }

    /// Takes the data of this span, if it is here and the layer of this logger keeps it.
    #[inline]
    pub(crate) fn take(logger: u64, id: &Id) -> Option<Arc<SpanData>> {
        let (known, data) = RECENT.try_with(Cell::take).ok().flatten()?;
        let data = data.upgrade()?;
        // The registry uses the id of a closed span again. While a span is new, only this thread could do that, since
        // the id contains a number of the thread, and it would have replaced the data here.
        let is_it = known == *id && data.is_of(logger) && !data.is_closed();
        if is_it { Some(data) } else { None }
    }
}

/// Puts the fields of a step on all lines of this thread, until [`exit_context`].
pub(crate) fn enter_context(token: u64, context: &mut Arc<SpanData>) {
    // Each poll of a future can be in different spans.
    let request = thread::request();
    let identified = Request::identified(request.as_ref());
    let around = innermost_seen_by(identified);
    let is_same = |known: &Arc<SpanData>| {
        known.request.as_ref().map(Arc::as_ptr) == request.as_ref().map(Arc::as_ptr)
            && known.parent.as_ref().map(Arc::as_ptr) == around.as_ref().map(Arc::as_ptr)
    };
    if !is_same(context) {
        *context = Arc::new(context.in_span(request, around));
    }
    enter_as(EntryKind::StepContext(token), Arc::clone(context));
}

/// The data of the span of a step, on its way from candor's layer to the step.
pub(crate) mod opened_of_step {
    use std::cell::Cell;
    use std::sync::Arc;

    use crate::current::SpanData;

    thread_local! {
        static OPENED: Cell<Option<Arc<SpanData>>> = const { Cell::new(None) };
    }

    pub(crate) fn put(data: Arc<SpanData>) {
        // The previous value is dropped after the access.
        let _before = OPENED.try_with(|opened| opened.replace(Some(data)));
    }

    pub(crate) fn take() -> Option<Arc<SpanData>> {
        OPENED.try_with(Cell::take).ok().flatten()
    }
}

/// The token of fields that were sent along with work. Such work runs inside each other, as futures do.
const CARRIED: u64 = u64::MAX - 1;

/// The fields that the steps around this point put on all lines, to be sent along with work.
pub(crate) fn context_to_send() -> Option<Arc<SpanData>> {
    if !is_in_any() {
        return None;
    }
    let request = thread::request();
    let request = Request::identified(request.as_ref());
    let collect = |entered: &RefCell<Vec<EnteredSpan>>| {
        let entered = entered.try_borrow().ok()?;
        let seen = |entry: &&EnteredSpan| entry.data.is_seen_by(request);
        let innermost = &entered.iter().rev().find(seen)?.data;
        let mut fields = String::new();
        for EnteredSpan { kind, data, .. } in entered.iter().rev() {
            let is_step = matches!(kind, EntryKind::StepContext(_));
            if is_step && (data.is_seen_by(request) || innermost.is_in(data)) {
                data.add_own_fields(&mut fields);
            }
        }
        (!fields.is_empty()).then(|| Arc::new(SpanData::new(fields, None, None)))
    };
    ENTERED.try_with(collect).ok().flatten()
}

/// Keeps fields that were sent along with work on all lines of this thread, until it is dropped.
#[derive(Debug)]
pub(crate) struct CarriedContext(());

impl CarriedContext {
    pub(crate) fn enter(context: &mut Arc<SpanData>) -> Self {
        enter_context(CARRIED, context);
        CarriedContext(())
    }
}

impl Drop for CarriedContext {
    fn drop(&mut self) {
        exit_context(CARRIED);
    }
}

/// Ends [`enter_context`], if the step has called it. Steps may end in any order; those that are futures have one
/// token, and are polled inside each other.
pub(crate) fn exit_context(token: u64) -> Option<Arc<SpanData>> {
    if !is_in_any() {
        return None;
    }
    exit_entry(|entry| entry.kind == EntryKind::StepContext(token))
}

/// Removes the innermost entry for which `is_it` holds. A function for each kind, since comparing two kinds costs more.
#[inline]
fn exit_entry(is_it: impl Fn(&EnteredSpan) -> bool) -> Option<Arc<SpanData>> {
    // The frame and the requests are dropped after the borrow.
    let (data, left, _request) = ENTERED
        .try_with(|entered| {
            let mut entered = entered.try_borrow_mut().ok()?;
            let at = entered.iter().rposition(is_it)?;
            let is_last = at + 1 == entered.len();
            let exited = if is_last { entered.pop()? } else { entered.remove(at) };
            let _ = COUNT.try_with(|count| count.set(entered.len()));
            let EnteredSpan { data, mut before, mut step, .. } = exited;
            let request = match (&mut step, &data.timed) {
                (Some(step), Some(timed)) => timed.exit(step, data.request()),
                _ => None,
            };
            if let Some(frame) = &mut before {
                // A span that was entered later has displaced this span's frame, and restores the frame before it.
                let mut later = entered.iter_mut().skip(at);
                match later.find_map(|later| later.before.as_mut()) {
                    Some(later) => mem::swap(later, frame),
                    None => swap_only(frame),
                }
            }
            Some((data, before, request))
        })
        .ok()
        .flatten()?;
    if left.is_some() {
        complete_swap();
    }
    Some(data)
}

/// Hides the spans that the thread has entered, until it is dropped. Meanwhile, lines have the fields of the barrier's
/// own data and its parents, and its request is current.
#[derive(Debug)]
pub(crate) struct SpanBarrier(Arc<SpanData>);

impl SpanBarrier {
    pub(crate) fn enter(data: Arc<SpanData>) -> Self {
        enter_as(EntryKind::Barrier, Arc::clone(&data));
        SpanBarrier(data)
    }
}

impl Drop for SpanBarrier {
    fn drop(&mut self) {
        exit_entry(|entry| entry.kind == EntryKind::Barrier && Arc::ptr_eq(&entry.data, &self.0));
    }
}

/// The number of spans and barriers that this thread has entered.
#[inline]
pub(super) fn depth() -> usize {
    COUNT.try_with(Cell::get).unwrap_or(0)
}

/// Whether this thread is in a span or behind a barrier.
#[inline]
pub(crate) fn is_in_any() -> bool {
    depth() > 0
}

/// Whether the innermost entry of this thread, ignoring steps, is a span.
pub(crate) fn is_in_span() -> bool {
    if !is_in_any() {
        return false;
    }
    let is_span = |entered: &RefCell<Vec<EnteredSpan>>| {
        let entered = entered.try_borrow().ok()?;
        let mut kinds = entered.iter().rev().map(|entry| &entry.kind);
        let innermost = kinds.find(|kind| !matches!(kind, EntryKind::StepContext(_)))?;
        Some(matches!(innermost, EntryKind::Span(_)))
    };
    ENTERED.try_with(is_span).ok().flatten().unwrap_or(false)
}

/// The data of the innermost entry of this thread.
pub(crate) fn innermost() -> Option<Arc<SpanData>> {
    look_at_innermost(|entry| Some(Arc::clone(&entry.data)))
}

/// The data of the innermost entry of this thread whose fields a line of this request has.
pub(crate) fn innermost_seen_by(request: Option<&Request>) -> Option<Arc<SpanData>> {
    if !is_in_any() {
        return None;
    }
    let seen = |entered: &RefCell<Vec<EnteredSpan>>| {
        let entered = entered.try_borrow().ok()?;
        let entry = entered.iter().rev().find(|entry| entry.data.is_seen_by(request))?;
        Some(Arc::clone(&entry.data))
    };
    ENTERED.try_with(seen).ok().flatten()
}

/// The data of the innermost entry of this thread, if the parent of a new span of this logger is known from it: the
/// entry is a barrier or the fields of a step, or the layer of this logger keeps the data of that span.
pub(crate) fn parent_for(logger: u64) -> Option<Arc<SpanData>> {
    look_at_innermost(|entry| {
        let is_known = !entry.kind.is_span() || entry.data.is_of(logger);
        is_known.then(|| Arc::clone(&entry.data))
    })
}

#[inline]
fn look_at_innermost<T>(look: impl FnOnce(&EnteredSpan) -> Option<T>) -> Option<T> {
    if !is_in_any() {
        return None;
    }
    let look = |entered: &RefCell<Vec<EnteredSpan>>| look(entered.try_borrow().ok()?.last()?);
    ENTERED.try_with(look).ok().flatten()
}

/// Calls `f` with the timed span that the running code is directly in.
pub(crate) fn with_timed(f: impl FnOnce(&TimedSpan)) {
    if !is_in_any() {
        return;
    }
    let innermost = |entered: &RefCell<Vec<EnteredSpan>>| {
        let entered = entered.try_borrow().ok()?;
        let entry = entered.iter().rev().find(|entry| entry.step.is_some())?;
        Some((Arc::clone(&entry.data), entry.step.as_ref()?.token))
    };
    let Some((data, token)) = ENTERED.try_with(innermost).ok().flatten() else { return };
    if let Some(timed) = &data.timed
        && with(|frame| timed.is_innermost(token, frame)) == Some(true)
    {
        f(timed);
    }
}

/// Returns the innermost timed span that this thread has entered and that begins a request.
pub(crate) fn begun_request() -> Option<Arc<SpanData>> {
    let begun = |entered: &RefCell<Vec<EnteredSpan>>| {
        let entered = entered.try_borrow().ok()?;
        let entry = entered.iter().rev().find(|entry| entry.step.is_some())?;
        let begins = entry.data.timed.as_ref().is_some_and(|timed| timed.begins().is_some());
        begins.then(|| Arc::clone(&entry.data))
    };
    ENTERED.try_with(begun).ok().flatten()
}

/// The spans whose fields an event's line has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SpanScope<'a> {
    /// Those that this thread has entered.
    Thread,
    /// The event's explicit parent, and those around it: `parent: &span`.
    Span(&'a Arc<SpanData>),
    /// None, by `parent: None`.
    Nothing,
}

impl SpanScope<'_> {
    /// Calls `f` with the fields of the spans that a line of this request has, innermost first.
    pub(crate) fn each_fields(self, request: Option<&Request>, f: impl FnMut(&str)) {
        match self {
            SpanScope::Thread => each_fields_of_thread(request, f),
            SpanScope::Span(span) => span.each_fields(f),
            SpanScope::Nothing => {}
        }
    }
}

/// Whether a span that this thread has entered has fields.
#[inline]
pub(crate) fn have_fields() -> bool {
    if !is_in_any() {
        return false;
    }
    let look = |entered: &RefCell<Vec<EnteredSpan>>| {
        let entered = entered.try_borrow().ok()?;
        let has_own = entered.iter().any(|entry| entry.data.has_own_fields());
        Some(has_own || !entered.last()?.data.is_bare())
    };
    ENTERED.try_with(look).ok().flatten().unwrap_or(false)
}

fn each_fields_of_thread(request: Option<&Request>, f: impl FnMut(&str)) {
    // The data is cloned to end the borrow of the stack, since `f` may enter a span.
    if let Some(data) = innermost_seen_by(request) {
        data.each_fields(f);
    }
}
