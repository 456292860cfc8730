//! The spans entered on this thread: their fields, and the request that each one carries.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tracing_core::span::Id;

use crate::context::Request;
use crate::current::{self, Frame};

/// What candor keeps of a span: its fields and its request, and where it stands.
#[derive(Debug)]
pub(crate) struct SpanData {
    /// Fields as members.
    fields: RwLock<String>,
    /// Whether there are any: to see that there are none takes no lock.
    has_fields: AtomicBool,
    pub(crate) request: Option<Arc<Request>>,
    pub(crate) parent: Option<Arc<SpanData>>,
}

impl SpanData {
    pub(super) fn new(
        fields: String,
        request: Option<Arc<Request>>,
        parent: Option<Arc<SpanData>>,
    ) -> Self {
        let has_fields = AtomicBool::new(!fields.is_empty());
        SpanData { fields: RwLock::new(fields), has_fields, request, parent }
    }

    /// Changes the fields.
    pub(super) fn change(&self, change: impl FnOnce(&mut String)) {
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
    id: Id,
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
pub(super) fn enter(id: &Id, data: Arc<SpanData>) {
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
            entered.push(Entry { id: id.clone(), data, before });
            COUNT.set(entered.len());
        }
    });
}

/// A span is left, in whatever order.
pub(super) fn exit(id: &Id) {
    let entry = ENTERED.try_with(|entered| {
        let mut entered = entered.try_borrow_mut().ok()?;
        let at = entered.iter().rposition(|entry| entry.id == *id)?;
        let entry = entered.remove(at);
        COUNT.set(entered.len());
        Some(entry)
    });
    if let Ok(Some(Entry { before: Some(frame), .. })) = entry {
        current::replace(*frame);
    }
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

/// Whether the innermost span of this thread goes with this request.
pub(super) fn innermost_is_of(request: &Arc<Request>) -> bool {
    let look = |entered: &RefCell<Vec<Entry>>| {
        let entered = entered.try_borrow().ok()?;
        let known = entered.last()?.data.request.as_ref()?;
        Some(Arc::ptr_eq(known, request))
    };
    ENTERED.try_with(look).ok().flatten().unwrap_or(false)
}

/// Whether a span that this thread is in has fields.
#[inline]
pub(crate) fn have_fields() -> bool {
    COUNT.get() > 0 && with_innermost(|_| ()).is_some()
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
    let look = |entered: &RefCell<Vec<Entry>>| {
        let entered = entered.try_borrow().ok()?;
        entered.last().filter(|entry| !entry.data.is_bare()).map(|entry| f(&entry.data))
    };
    ENTERED.try_with(look).ok().flatten()
}
