//! The spans entered on this thread: their fields, and the request that each one carries.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tracing_core::span::Id;

use super::frame::Frame;
use crate::current;
use crate::instrument::context::Request;

/// What candor keeps of a span: its fields and its request, and where it stands.
pub(crate) struct SpanData {
    /// Fields as members.
    fields: RwLock<String>,
    /// Whether there are any: to see that there are none takes no lock.
    has_fields: AtomicBool,
    pub(crate) request: Option<Arc<Request>>,
    pub(crate) parent: Option<Arc<SpanData>>,
}

impl SpanData {
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

    /// Changes the fields.
    pub(crate) fn change(&self, change: impl FnOnce(&mut String)) {
        let mut fields = self.fields.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut fields);
        self.has_fields.store(!fields.is_empty(), Ordering::Release);
    }

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
            let fields = data.fields.read().unwrap_or_else(PoisonError::into_inner);
            if !fields.is_empty() {
                f(&fields);
            }
            span = data.parent.as_ref();
        }
    }
}

/// Not what is in it and around it.
impl fmt::Debug for SpanData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanData").finish_non_exhaustive()
    }
}

/// Ten thousand nested spans must not be dropped by ten thousand nested calls.
impl Drop for SpanData {
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        while let Some(mut data) = parent.and_then(Arc::into_inner) {
            parent = data.parent.take();
        }
    }
}

struct Entry {
    /// None of what only [shields](Shield) from the spans before it.
    id: Option<Id>,
    data: Arc<SpanData>,
    /// The frame that was current before, where the span brought its own request. Few do.
    before: Option<Box<Frame>>,
}

thread_local! {
    static ENTERED: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
    /// How many there are: most threads are in none, which is told by one look.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// A span becomes the innermost one; its request becomes current where it is another one.
pub(crate) fn enter(id: &Id, data: Arc<SpanData>) {
    enter_as(Some(id.clone()), data);
}

fn enter_as(id: Option<Id>, data: Arc<SpanData>) {
    let before = data.request.as_ref().and_then(|request| {
        // A span that was made outside any request, under a test's capture, brings none.
        let same = current::with(|frame| {
            frame.request.as_ref().is_some_and(|known| {
                Arc::ptr_eq(known, request) || (known.has_id() && !request.has_id())
            })
        })?;
        let other = || Frame { request: Some(Arc::clone(request)), ..Frame::default() };
        (!same).then(|| Box::new(current::replace(other())))
    });
    let _ = ENTERED.try_with(|entered| {
        if let Ok(mut entered) = entered.try_borrow_mut() {
            entered.push(Entry { id, data, before });
            let _ = COUNT.try_with(|count| count.set(entered.len()));
        }
    });
}

/// A span is left, in whatever order.
pub(crate) fn exit(id: &Id) {
    exit_from(|entry| entry.id.as_ref() == Some(id));
}

fn exit_from(is_it: impl Fn(&Entry) -> bool) {
    let entry = ENTERED.try_with(|entered| {
        let mut entered = entered.try_borrow_mut().ok()?;
        let at = entered.iter().rposition(is_it)?;
        let entry = entered.remove(at);
        let _ = COUNT.try_with(|count| count.set(entered.len()));
        Some(entry)
    });
    if let Ok(Some(Entry { before: Some(frame), .. })) = entry {
        current::replace(*frame);
    }
}

/// Until it is dropped, the spans that the thread was in are none of those that lines stand in, but for the parents
/// in its data, and the request is that of its data.
#[derive(Debug)]
pub(crate) struct Shield(Arc<SpanData>);

impl Shield {
    pub(crate) fn enter(data: Arc<SpanData>) -> Self {
        enter_as(None, Arc::clone(&data));
        Shield(data)
    }
}

impl Drop for Shield {
    fn drop(&mut self) {
        exit_from(|entry| entry.id.is_none() && Arc::ptr_eq(&entry.data, &self.0));
    }
}

/// Whether this thread is in a span, or shielded from some.
#[inline]
pub(crate) fn is_in_any() -> bool {
    COUNT.try_with(Cell::get).unwrap_or(0) > 0
}

/// Whether this thread is in a span, and not shielded from it.
pub(crate) fn is_in_one() -> bool {
    look_at_innermost(|entry| entry.id.as_ref().map(|_| ())).is_some()
}

/// The innermost span of this thread, or what shields from it.
pub(crate) fn innermost() -> Option<Arc<SpanData>> {
    look_at_innermost(|entry| Some(Arc::clone(&entry.data)))
}

/// What this thread is shielded by, where it is in no span behind that.
pub(crate) fn shield() -> Option<Arc<SpanData>> {
    look_at_innermost(|entry| entry.id.is_none().then(|| Arc::clone(&entry.data)))
}

#[inline]
fn look_at_innermost<T>(look: impl FnOnce(&Entry) -> Option<T>) -> Option<T> {
    if !is_in_any() {
        return None;
    }
    let look = |entered: &RefCell<Vec<Entry>>| look(entered.try_borrow().ok()?.last()?);
    ENTERED.try_with(look).ok().flatten()
}

/// The spans an event stands in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Around<'a> {
    /// Those this thread is in.
    Thread,
    /// The one the event names as its parent: `parent: &span`.
    Span(&'a Arc<SpanData>),
    /// None: `parent: None`.
    Nothing,
}

impl Around<'_> {
    /// Calls `f` with the fields of the spans, innermost first.
    pub(crate) fn each_fields(self, f: impl FnMut(&str)) {
        match self {
            Around::Thread => each_fields_of_thread(f),
            Around::Span(span) => span.each_fields(f),
            Around::Nothing => {}
        }
    }
}

/// Whether a span that this thread is in has fields.
#[inline]
pub(crate) fn have_fields() -> bool {
    with_innermost(|_| ()).is_some()
}

fn each_fields_of_thread(f: impl FnMut(&str)) {
    // Not while the list is held: what is done with the fields may enter a span.
    if let Some(data) = with_innermost(Arc::clone) {
        data.each_fields(f);
    }
}

/// The innermost span of this thread, if it or one around it has fields.
#[inline]
fn with_innermost<T>(f: impl FnOnce(&Arc<SpanData>) -> T) -> Option<T> {
    look_at_innermost(|entry| (!entry.data.is_bare()).then(|| f(&entry.data)))
}
