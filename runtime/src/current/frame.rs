//! The frame: the request, step and dependency call that are current in one place.
//!
//! A thread has one frame at a time. A scope or a polled future puts its own frame there and takes it back
//! afterwards, so a frame is never in two places, and moving one touches no reference count.
//!
//! A step on a thread overwrites the part of the frame that belongs to the active step, and keeps the old part in its
//! own [`SavedFrame`] until it ends. Guards usually end in reverse order. To detect the exceptions, the frame has the
//! `token` of the innermost step, and only that step restores its saved part.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_core::span;

use super::call::CallState;
use super::span_data::SpanData;
use crate::json::members;
use crate::outcome::failure::OwnedFailure;
use crate::request::Request;
use crate::site::Site;

/// The token of a future's step in the future's own frame. The step ends with that frame.
pub(crate) const OWN_STEP: u64 = u64::MAX;

#[derive(Debug, Default)]
pub(crate) struct Frame {
    pub(crate) request: Option<Arc<Request>>,
    /// The innermost dependency call, which `dependency::current()` returns.
    pub(crate) call: Option<Arc<CallState>>,
    /// The id of the innermost step within its request; 0 outside any step.
    pub(crate) step: u32,
    /// The token of the innermost step; 0 if none of this frame's steps is active.
    pub(crate) token: u64,
    /// Nanoseconds of the steps that ended inside the innermost one.
    pub(crate) inner: u64,
    /// The site whose fields are still to be evaluated, inside the function's body.
    pub(crate) fields_due: Option<&'static Site>,
    /// The extras of the innermost step.
    pub(crate) extras: Option<Box<StepExtras>>,
    /// The token of the [`UserGuard`](super::UserGuard) that entered this frame; 0 if none did.
    pub(crate) entered_by: u64,
}

/// The part of a frame that a step overwrites on entry and restores at its end.
#[derive(Debug, Default)]
pub(crate) struct SavedFrame {
    step: u32,
    pub(super) token: u64,
    inner: u64,
    fields_due: Option<&'static Site>,
    extras: Option<Box<StepExtras>>,
    /// Whether the step is a call; `call` is then the one around it.
    is_call: bool,
    call: Option<Arc<CallState>>,
    /// Whether `inner` and `fields_due` are still in the frame, since the step is an error-only one.
    is_error_only: bool,
}

/// Data that only some steps have.
#[derive(Debug, Default)]
pub(crate) struct StepExtras {
    /// Fields as members (`,"key":value`): from `record`, and from `fields(…)` unless the step's state holds those.
    pub(crate) members: String,
    /// The step's span for other layers.
    pub(crate) span: Option<StepSpan>,
    /// The URL of a call, until the call's state is made.
    pub(crate) url: Option<String>,
    /// The first error among the items of a stream.
    pub(crate) failure: Option<OwnedFailure>,
    /// Nanoseconds of the steps inside this one that ended on another task or thread.
    ///
    /// In a frame without a step, this is the counter of the step that sent the work there.
    pub(crate) elsewhere: Option<Arc<AtomicU64>>,
    /// Fields that all lines inside the step have.
    pub(crate) context: Option<Arc<SpanData>>,
    pub(crate) marks: FieldMarks,
}

/// Data about a step's span for other layers. The step's state holds the span itself.
#[derive(Debug)]
pub(crate) struct StepSpan {
    pub(crate) id: span::Id,
    /// The fields that were recorded on the span, as members.
    pub(crate) recorded: String,
    /// The data of candor's layer, if the body may record fields on the span.
    pub(crate) data: Option<Arc<SpanData>>,
}

impl StepExtras {
    /// Adds the fields that were recorded on the step's span through `tracing`.
    pub(crate) fn add_recorded_on_span(&mut self) {
        let Some(StepSpan { data: Some(data), recorded, .. }) = &mut self.span else { return };
        let mut fields = String::new();
        data.add_own_fields(&mut fields);
        members::set_all(&mut self.members, &fields);
        // Other layers already have these values.
        members::set_all(recorded, &fields);
    }
}

/// Properties of a step's fields that matter when its line is written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FieldMarks {
    /// A field is an error; its keys are those of the step's own error with an underscore.
    pub(crate) has_error: bool,
    /// A field replaces a value of the context.
    pub(crate) takes_context: bool,
}

impl Frame {
    /// A frame with this request and no step.
    pub(crate) fn of(request: Arc<Request>) -> Self {
        Frame { request: Some(request), ..Frame::default() }
    }

    /// A frame with the same request, step and call. Fields recorded in it do not belong to the step that is active
    /// here.
    pub(crate) fn for_child(&self) -> Frame {
        Frame {
            request: self.request.clone(),
            call: self.call.clone(),
            step: self.step,
            ..Frame::default()
        }
    }

    /// The frame of a future or closure that runs on another task or thread.
    ///
    /// It is a child's frame. Its steps count as time inside the step that is active here. `new_extras` makes the
    /// extras of that step if it has none.
    pub(crate) fn send(&mut self, mut new_extras: impl FnMut() -> Box<StepExtras>) -> Frame {
        let mut child = self.for_child();
        if self.step != 0 {
            let own = self.extras.get_or_insert_with(&mut new_extras);
            let mut extras = new_extras();
            extras.elsewhere = Some(Arc::clone(own.elsewhere.get_or_insert_default()));
            child.extras = Some(extras);
        }
        child
    }

    /// Turns an empty frame into that of a future's step that begins in this one.
    #[inline]
    pub(crate) fn begin_own(
        &self,
        own: &mut Frame,
        step: u32,
        site: &'static Site,
        call: Option<Arc<CallState>>,
    ) {
        own.request.clone_from(&self.request);
        own.call = call.or_else(|| self.call.clone());
        own.step = step;
        own.token = OWN_STEP;
        own.fields_due = Some(site);
    }

    /// Empties the frame of a future's step that ended. The caller drops what was in it.
    #[inline]
    pub(crate) fn take(&mut self) -> TakenFrame {
        // Field by field, since a copy of the whole frame measurably slows an async step. The pattern names every
        // field, so that a new one can't be forgotten.
        let Frame { request, call, step, token, inner, fields_due, extras, entered_by } = self;
        (*step, *token, *fields_due, *entered_by) = (0, 0, None, 0);
        TakenFrame {
            request: request.take(),
            _call: call.take(),
            inner: mem::take(inner),
            extras: extras.take(),
        }
    }

    /// Makes a step the innermost one, and saves the part that it overwrites.
    #[inline(always)]
    pub(crate) fn push_step(
        &mut self,
        saved: &mut SavedFrame,
        token: u64,
        step: u32,
        site: &'static Site,
        extras: Option<Box<StepExtras>>,
        call: Option<Arc<CallState>>,
    ) {
        saved.step = mem::replace(&mut self.step, step);
        saved.token = mem::replace(&mut self.token, token);
        saved.inner = mem::replace(&mut self.inner, 0);
        saved.fields_due = self.fields_due.replace(site);
        saved.extras = mem::replace(&mut self.extras, extras);
        saved.is_call = call.is_some();
        if let Some(own) = call {
            saved.call = self.call.replace(own);
        }
    }

    /// Adds the duration of a step that ended inside the innermost one.
    #[inline(always)]
    pub(crate) fn add_inner(&mut self, nanos: u64) {
        self.inner = self.inner.saturating_add(nanos);
        if self.token == 0
            && let Some(extras) = &self.extras
        {
            extras.add_elsewhere(nanos);
        }
    }

    /// Restores the part that the innermost step saved. Returns the time of the steps inside it, and its extras.
    #[inline(always)]
    pub(crate) fn pop_step(&mut self, saved: &mut SavedFrame) -> (u64, Option<Box<StepExtras>>) {
        self.step = saved.step;
        self.token = saved.token;
        self.fields_due = saved.fields_due;
        if saved.is_call {
            self.call = saved.call.take();
        }
        let inner = mem::replace(&mut self.inner, saved.inner);
        (inner, mem::replace(&mut self.extras, saved.extras.take()))
    }
}

impl SavedFrame {
    /// Restores what the step beneath saved, too, which has ended before.
    #[cold]
    pub(super) fn absorb(&mut self, beneath: SavedFrame) {
        let call = if beneath.is_call { beneath.call } else { self.call.take() };
        let (inner, fields_due, is_error_only) = if beneath.is_error_only {
            (self.inner, self.fields_due, self.is_error_only)
        } else {
            (beneath.inner, beneath.fields_due, false)
        };
        let is_call = self.is_call || beneath.is_call;
        *self = SavedFrame { inner, fields_due, is_call, call, is_error_only, ..beneath };
    }

    /// Adds the duration of the step that saved this to the time inside the step around it.
    #[cold]
    pub(crate) fn add_inner(&mut self, nanos: u64) {
        self.inner = self.inner.saturating_add(nanos);
    }

    /// Takes over what an error-only step has left in the frame.
    #[cold]
    pub(super) fn complete(&mut self, frame: &Frame) {
        if self.is_error_only {
            (self.inner, self.fields_due) = (frame.inner, frame.fields_due);
        }
    }

    /// Ends the step's own call for the steps that are still open inside it.
    #[cold]
    pub(super) fn end_call(&mut self, own: Option<&Arc<CallState>>, frame: &mut Frame) {
        if let (Some(own), Some(current)) = (own, &frame.call)
            && Arc::ptr_eq(own, current)
        {
            frame.call.clone_from(&self.call);
        }
    }

    /// The saved part of an error-only step, which overwrites less than other steps.
    #[cold]
    pub(crate) fn error_only(step: u32, token: u64, extras: Option<Box<StepExtras>>) -> Self {
        SavedFrame { step, token, extras, is_error_only: true, ..SavedFrame::default() }
    }
}

/// The contents of the frame of a future's step at the step's end.
#[derive(Debug)]
pub(crate) struct TakenFrame {
    pub(crate) request: Option<Arc<Request>>,
    _call: Option<Arc<CallState>>,
    pub(crate) inner: u64,
    pub(crate) extras: Option<Box<StepExtras>>,
}

impl StepExtras {
    /// Whether the extras hold more than fields.
    #[inline]
    pub(crate) fn are_more_than_fields(&self) -> bool {
        self.span.is_some()
            || self.failure.is_some()
            || self.url.is_some()
            || self.elsewhere.is_some()
            || self.context.is_some()
            || self.marks != FieldMarks::default()
    }

    #[cold]
    fn add_elsewhere(&self, nanos: u64) {
        if let Some(elsewhere) = &self.elsewhere {
            elsewhere.fetch_add(nanos, Ordering::Relaxed);
        }
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        self.members.clear();
        self.span = None;
        self.url = None;
        self.failure = None;
        self.elsewhere = None;
        self.context = None;
        self.marks = FieldMarks::default();
    }
}
