//! The data of a span, or of the fields that a step puts on all lines inside it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, RwLock, RwLockReadGuard};
use std::{fmt, iter, mem};

use tracing_subscriber::registry::{Extensions, ExtensionsMut};

use super::thread;
use super::timed_span::TimedSpan;
use crate::base::fork::ForkLocks;
use crate::base::{object_lock, sync};
use crate::json::members;
use crate::request::Request;

/// The data that candor keeps about a span: its fields, its request and its parent.
pub(crate) struct SpanData {
    /// The id of the logger whose layer keeps it; 0 for data that belongs to no span of `tracing`.
    logger: u64,
    /// Fields as members.
    fields: RwLock<String>,
    /// Whether `fields` is not empty, so that most lines take no lock.
    has_fields: AtomicBool,
    pub(crate) request: Option<Arc<Request>>,
    pub(crate) parent: Option<Arc<SpanData>>,
    /// The id of the step around the span; 0 if there is none or if spans are not timed.
    around: u32,
    /// The data of another candor layer about the same span.
    other: OnceLock<Arc<SpanData>>,
    /// The step, if the span is one.
    pub(crate) timed: Option<TimedSpan>,
}

impl SpanData {
    /// The data that the layer of this logger keeps about a span.
    pub(crate) fn of(extensions: &Extensions<'_>, logger: u64) -> Option<Arc<Self>> {
        let mut data = extensions.get::<Arc<Self>>()?;
        while !data.is_of(logger) {
            data = data.other.get()?;
        }
        Some(Arc::clone(data))
    }

    /// Keeps this data in the extensions of its span.
    pub(crate) fn keep_in(self: Arc<Self>, mut extensions: ExtensionsMut<'_>) {
        if let Some(other) = extensions.replace(self)
            && let Some(own) = extensions.get_mut::<Arc<Self>>()
        {
            let _ = own.other.set(other);
        }
    }

    /// The data of a request's span, which has no fields.
    pub(crate) fn of_request(request: Arc<Request>, parent: Option<Arc<SpanData>>) -> Self {
        Self::new(String::new(), Some(request), parent)
    }

    /// The data of fields that belong to no span of `tracing`.
    pub(crate) fn new(
        fields: String,
        request: Option<Arc<Request>>,
        parent: Option<Arc<SpanData>>,
    ) -> Self {
        Self::of_span(0, fields, request, parent, 0, None)
    }

    /// The data of a span. `around` is the id of the step around it.
    #[inline]
    pub(crate) fn of_span(
        logger: u64,
        fields: String,
        request: Option<Arc<Request>>,
        parent: Option<Arc<SpanData>>,
        around: u32,
        timed: Option<TimedSpan>,
    ) -> Self {
        let has_fields = AtomicBool::new(!fields.is_empty());
        let fields = RwLock::new(fields);
        let other = OnceLock::new();
        SpanData { logger, fields, has_fields, request, parent, around, other, timed }
    }

    /// Whether the layer of this logger keeps the data.
    pub(crate) fn is_of(&self, logger: u64) -> bool {
        self.logger == logger
    }

    /// Whether the span is timed and has closed.
    pub(super) fn is_closed(&self) -> bool {
        self.timed.as_ref().is_some_and(TimedSpan::is_closed)
    }

    /// The request that work in this span belongs to.
    #[inline]
    pub(crate) fn request(&self) -> Option<&Arc<Request>> {
        let settled = self.timed.as_ref().and_then(TimedSpan::settled_in);
        settled.or(self.request.as_ref())
    }

    /// Whether the span, which was made outside any request, has become a step of another request than the current one,
    /// or begun another job. Outside any request, the span keeps its request until that is over.
    pub(super) fn is_of_another_request(&self) -> bool {
        let Some(settled) = self.timed.as_ref().and_then(TimedSpan::settled_in) else {
            return false;
        };
        let is_other = |current: Option<&Arc<Request>>| match current.filter(|it| it.has_id()) {
            Some(current) if Arc::ptr_eq(current, settled) => false,
            Some(current) if !current.is_over() => true,
            _ => settled.is_over(),
        };
        thread::with(|frame| is_other(frame.request.as_ref())).unwrap_or(false)
    }

    /// Whether lines of this request have the fields of the span. They do not have those of another request's span,
    /// even if the thread has entered it. Explicit parents are not checked.
    #[inline]
    pub(crate) fn is_seen_by(&self, request: Option<&Request>) -> bool {
        let Some(request) = request else { return true };
        // A span that was made outside any request is seen by all.
        let owner = self.chain().find_map(|data| data.request.as_deref().filter(|it| it.has_id()));
        owner.is_none_or(|owner| owner.serial == request.serial)
    }

    /// Whether `other` is this span or around it.
    pub(super) fn is_in(&self, other: &SpanData) -> bool {
        self.chain().any(|data| std::ptr::eq(data, other))
    }

    /// This span and those around it.
    fn chain(&self) -> impl Iterator<Item = &SpanData> {
        iter::successors(Some(self), |data| data.parent.as_deref())
    }

    /// The id of the innermost step around the work in this span.
    pub(crate) fn step(&self) -> u32 {
        self.timed.as_ref().map_or(self.around, TimedSpan::step)
    }

    pub(super) fn around(&self) -> u32 {
        self.around
    }

    /// Calls `f` with the fields as members. A lock is held meanwhile, so `f` must not run user code.
    pub(crate) fn with_fields<T>(&self, f: impl FnOnce(&str) -> T) -> T {
        if self.has_fields.load(Ordering::Acquire) {
            f(&object_lock::read(&self.fields))
        } else {
            f("")
        }
    }

    /// The fields as members, if the span has any. The lock is held until the guard is dropped, so user code must not
    /// run before that.
    pub(crate) fn own_fields(&self) -> Option<RwLockReadGuard<'_, String>> {
        self.has_fields.load(Ordering::Acquire).then(|| object_lock::read(&self.fields))
    }

    /// Appends the fields as members.
    pub(crate) fn append_fields(&self, out: &mut String) {
        self.with_fields(|fields| out.push_str(fields));
    }

    /// The innermost timed span among this span and the spans around it, with its data.
    pub(crate) fn innermost_timed(self: &Arc<Self>) -> Option<&Arc<Self>> {
        let mut span = Some(self);
        while let Some(data) = span {
            if data.timed.is_some() {
                return span;
            }
            span = data.parent.as_ref();
        }
        None
    }

    /// Takes the locks of this span, of those around it and of their requests before a fork.
    pub(crate) fn hold(self: &Arc<Self>, locks: &mut ForkLocks) {
        let spans = || iter::successors(Some(self), |data| data.parent.as_ref());
        // A thread that writes a line takes the lock of a story before those of the fields.
        spans().filter_map(|data| data.request()).for_each(|request| request.hold(locks));
        for data in spans() {
            locks.hold_rw(Arc::clone(data), |data| &data.fields);
            locks.hold(
                Arc::clone(data),
                |data| data.timed.as_ref().map(TimedSpan::facts_lock),
                |_, _| {},
            );
        }
    }

    /// Adds the fields of this span to those of an inner one.
    pub(super) fn add_own_fields(&self, inner: &mut String) {
        members::add_outer(inner, 0, &object_lock::read(&self.fields));
    }

    /// The same fields in this request, inside another span.
    pub(super) fn in_span(
        &self,
        request: Option<Arc<Request>>,
        parent: Option<Arc<SpanData>>,
    ) -> Self {
        Self::new(object_lock::read(&self.fields).clone(), request, parent)
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut String)) {
        let mut fields = object_lock::write(&self.fields);
        change(&mut fields);
        self.has_fields.store(!fields.is_empty(), Ordering::Release);
    }

    /// Whether neither this span nor any around it has fields.
    pub(crate) fn is_bare(&self) -> bool {
        !self.chain().any(Self::has_own_fields)
    }

    /// Whether this span itself has fields.
    pub(super) fn has_own_fields(&self) -> bool {
        self.has_fields.load(Ordering::Acquire)
    }

    /// Calls `f` with the fields of this span and those around it, innermost first.
    pub(crate) fn each_fields(self: &Arc<Self>, mut f: impl FnMut(&str)) {
        let mut span = Some(self);
        while let Some(data) = span {
            let fields = object_lock::read(&data.fields);
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
        thread::keep_fields(mem::take(sync::get_mut(&mut self.fields)));
        let mut parent = self.parent.take();
        while let Some(mut data) = parent.and_then(Arc::into_inner) {
            parent = data.parent.take();
        }
    }
}
