//! The spans that are entered on this thread: their fields, and the request that each of them carries.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

use tracing_core::callsite::DefaultCallsite;
use tracing_core::field::FieldSet;
use tracing_core::metadata::Kind;
use tracing_core::span::Id;
use tracing_core::{Level, Metadata, identify_callsite};
use tracing_subscriber::registry::Extensions;

use super::frame::Frame;
use super::thread::{swap_frame, with};
use crate::base::sync;
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

/// The data that candor keeps of a span: its fields, its request and its parent.
pub(crate) struct SpanData {
    /// Fields as members.
    fields: RwLock<String>,
    /// Whether `fields` is not empty, so that most lines take no lock.
    has_fields: AtomicBool,
    pub(crate) request: Option<Arc<Request>>,
    pub(crate) parent: Option<Arc<SpanData>>,
}

impl SpanData {
    /// The data that candor's layer keeps of a span.
    pub(crate) fn of(extensions: &Extensions<'_>) -> Option<Arc<Self>> {
        extensions.get::<Arc<Self>>().cloned()
    }

    /// The data of a request's span, which has no fields.
    pub(crate) fn of_request(request: Arc<Request>, parent: Option<Arc<SpanData>>) -> Self {
        Self::new(String::new(), Some(request), parent)
    }

    pub(crate) fn new(
        fields: String,
        request: Option<Arc<Request>>,
        parent: Option<Arc<SpanData>>,
    ) -> Self {
        let has_fields = AtomicBool::new(!fields.is_empty());
        SpanData { fields: RwLock::new(fields), has_fields, request, parent }
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut String)) {
        let mut fields = sync::write(&self.fields);
        change(&mut fields);
        self.has_fields.store(!fields.is_empty(), Ordering::Release);
    }

    /// Whether neither this span nor any around it has fields.
    fn is_bare(&self) -> bool {
        let mut span = Some(self);
        while let Some(data) = span {
            if data.has_fields.load(Ordering::Acquire) {
                return false;
            }
            span = data.parent.as_deref();
        }
        true
    }

    /// Calls `f` with the fields of this span and those around it, innermost first.
    pub(crate) fn each_fields(self: &Arc<Self>, mut f: impl FnMut(&str)) {
        let mut span = Some(self);
        while let Some(data) = span {
            let fields = sync::read(&data.fields);
            if !fields.is_empty() {
                f(&fields);
            }
            span = data.parent.as_ref();
        }
    }
}

impl fmt::Debug for SpanData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanData").finish_non_exhaustive()
    }
}

/// Drops the chain of parents in a loop: ten thousand nested spans would overflow the stack.
impl Drop for SpanData {
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        while let Some(mut data) = parent.and_then(Arc::into_inner) {
            parent = data.parent.take();
        }
    }
}

struct EnteredSpan {
    /// `None` for a [`SpanBarrier`].
    id: Option<Id>,
    data: Arc<SpanData>,
    /// The frame that was current before, if the span carries another request.
    before: Option<Box<Frame>>,
}

thread_local! {
    static ENTERED: RefCell<Vec<EnteredSpan>> = const { RefCell::new(Vec::new()) };
    /// The length of `ENTERED`, so that a thread outside any span needs one load.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// Makes a span the innermost one, and its request current.
pub(crate) fn enter(id: &Id, data: Arc<SpanData>) {
    enter_as(Some(id.clone()), data);
}

fn enter_as(id: Option<Id>, data: Arc<SpanData>) {
    let before = data.request.as_ref().and_then(|request| {
        // A span made outside any request carries a capture's placeholder, which does not replace a request.
        let same = with(|frame| {
            frame.request.as_ref().is_some_and(|known| {
                Arc::ptr_eq(known, request) || (known.has_id() && !request.has_id())
            })
        })?;
        (!same).then(|| {
            let mut frame = Box::new(Frame::of(Arc::clone(request)));
            swap_frame(&mut frame);
            frame
        })
    });
    let _ = ENTERED.try_with(|entered| {
        if let Ok(mut entered) = entered.try_borrow_mut() {
            entered.push(EnteredSpan { id, data, before });
            let _ = COUNT.try_with(|count| count.set(entered.len()));
        }
    });
}

/// Exits a span. Spans may be exited in any order.
pub(crate) fn exit(id: &Id) {
    exit_from(|entry| entry.id.as_ref() == Some(id));
}

fn exit_from(is_it: impl Fn(&EnteredSpan) -> bool) {
    let entry = ENTERED.try_with(|entered| {
        let mut entered = entered.try_borrow_mut().ok()?;
        let at = entered.iter().rposition(is_it)?;
        let entry = entered.remove(at);
        let _ = COUNT.try_with(|count| count.set(entered.len()));
        Some(entry)
    });
    if let Ok(Some(EnteredSpan { before: Some(mut frame), .. })) = entry {
        swap_frame(&mut frame);
    }
}

/// Hides the spans that the thread has entered, until it is dropped. Meanwhile, lines have the fields of the barrier's
/// own data and its parents, and its request is current.
#[derive(Debug)]
pub(crate) struct SpanBarrier(Arc<SpanData>);

impl SpanBarrier {
    pub(crate) fn enter(data: Arc<SpanData>) -> Self {
        enter_as(None, Arc::clone(&data));
        SpanBarrier(data)
    }
}

impl Drop for SpanBarrier {
    fn drop(&mut self) {
        exit_from(|entry| entry.id.is_none() && Arc::ptr_eq(&entry.data, &self.0));
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

/// Whether the innermost entry of this thread is a span.
pub(crate) fn is_in_span() -> bool {
    look_at_innermost(|entry| entry.id.as_ref().map(|_| ())).is_some()
}

/// The data of the innermost span or barrier of this thread.
pub(crate) fn innermost() -> Option<Arc<SpanData>> {
    look_at_innermost(|entry| Some(Arc::clone(&entry.data)))
}

/// The data of the innermost barrier, if no span was entered since.
pub(crate) fn barrier() -> Option<Arc<SpanData>> {
    look_at_innermost(|entry| entry.id.is_none().then(|| Arc::clone(&entry.data)))
}

#[inline]
fn look_at_innermost<T>(look: impl FnOnce(&EnteredSpan) -> Option<T>) -> Option<T> {
    if !is_in_any() {
        return None;
    }
    let look = |entered: &RefCell<Vec<EnteredSpan>>| look(entered.try_borrow().ok()?.last()?);
    ENTERED.try_with(look).ok().flatten()
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
    /// Calls `f` with the fields of the spans, innermost first.
    pub(crate) fn each_fields(self, f: impl FnMut(&str)) {
        match self {
            SpanScope::Thread => each_fields_of_thread(f),
            SpanScope::Span(span) => span.each_fields(f),
            SpanScope::Nothing => {}
        }
    }
}

/// Whether a span that this thread has entered has fields.
#[inline]
pub(crate) fn have_fields() -> bool {
    with_innermost(|_| ()).is_some()
}

fn each_fields_of_thread(f: impl FnMut(&str)) {
    // The data is cloned to end the borrow of the stack, since `f` may enter a span.
    if let Some(data) = with_innermost(Arc::clone) {
        data.each_fields(f);
    }
}

/// The innermost span of this thread, if it or one around it has fields.
#[inline]
fn with_innermost<T>(f: impl FnOnce(&Arc<SpanData>) -> T) -> Option<T> {
    look_at_innermost(|entry| (!entry.data.is_bare()).then(|| f(&entry.data)))
}
