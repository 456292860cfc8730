//! The state of one step or call, from its beginning to its line.
//!
//! It is in a pooled box and passed on by pointer: copying fields that were just written stalls on store forwarding.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::call::CallState;
use super::frame::{Frame, SavedFrame, StepExtras};
use super::layer_span::LayerSpan;
use super::span_data::SpanData;
use super::thread::DroppingUnfinished;
use crate::base::clock::Tick;
use crate::json::members;
use crate::site::Site;

/// The capacity in bytes that a pooled buffer may have; a larger one is freed.
pub(crate) const POOLED_BYTES: usize = 16 * 1024;

#[derive(Debug)]
pub(crate) struct StepState {
    pub(crate) site: &'static Site,
    pub(crate) started: Tick,
    /// The step's id within its request; 0 outside any request.
    pub(crate) step: u32,
    /// The id of the step around it; 0 for a root.
    pub(crate) parent: u32,
    /// Nanoseconds of the steps inside this one. Known once this one has ended.
    pub(crate) inner: u64,
    /// Whether the future or stream that is this step is being dropped.
    pub(crate) is_dropping: bool,
    /// Marks the drop for spans that close during it.
    pub(crate) dropping: Option<DroppingUnfinished>,
    /// Whether the thread was unwinding when the step or the drop of its future began: then the step did not panic.
    pub(crate) was_panicking: bool,
    /// Identifies the step in the frame of its thread.
    pub(crate) token: u64,
    /// The serial number of the request that the step began in; 0 if there was none.
    pub(crate) request: u64,
    /// Time inside `poll`, if it is measured.
    pub(crate) busy: Duration,
    /// The step's own call, if it is one.
    pub(crate) call: Option<Arc<CallState>>,
    /// Entry fields of a step on its thread, as members.
    pub(crate) fields: String,
    /// The URL of a call, until it begins.
    pub(crate) url: Option<String>,
    /// The step's extras before its entry and after its end; in between, the frame has them.
    pub(crate) extras: Option<Box<StepExtras>>,
    /// The span for other layers. Boxed: most steps have none, and dropping `None` is one check.
    pub(crate) span: Option<Box<LayerSpan>>,
    /// The part of the frame that a step on its thread overwrote.
    pub(crate) saved: SavedFrame,
    /// The frame of a step that is a future; while it is polled, the frame that it displaced.
    pub(crate) frame: Frame,
    /// The context of a step that is a future, between two polls.
    pub(crate) context: Option<Arc<SpanData>>,
    /// The delay of this call, if a test set one.
    #[cfg(feature = "testing")]
    pub(crate) delay: Option<super::delay::Delayed>,
}

impl StepState {
    pub(crate) fn new(site: &'static Site) -> Box<Self> {
        Box::new(StepState {
            site,
            started: Tick::default(),
            step: 0,
            parent: 0,
            inner: 0,
            is_dropping: false,
            dropping: None,
            was_panicking: false,
            token: 0,
            request: 0,
            busy: Duration::ZERO,
            call: None,
            fields: String::new(),
            url: None,
            extras: None,
            span: None,
            saved: SavedFrame::default(),
            frame: Frame::default(),
            context: None,
            #[cfg(feature = "testing")]
            delay: None,
        })
    }

    /// Sets the step's position in the tree of its request: inside the innermost step of `around`.
    #[inline]
    pub(crate) fn begin(&mut self, site: &'static Site, around: &Frame) {
        self.site = site;
        self.parent = around.step;
        self.is_dropping = false;
        // A placeholder has a serial number, by which a capture receives the step's line, and no step ids.
        (self.step, self.request) = match &around.request {
            Some(request) if request.has_id() => (request.next_step(), request.serial),
            Some(placeholder) => (0, placeholder.serial),
            None => (0, 0),
        };
    }

    /// Starts timing the step.
    #[inline(always)]
    pub(crate) fn start(&mut self, frame: &Frame, now: Tick) {
        self.started = now;
        let Some(request) = &frame.request else { return };
        if let Some(call) = &self.call {
            call.set_step(self.step);
            request.call_started(now);
        }
        if let Some(open) = &request.open_steps {
            open.begin(self.site.index(), self.step, self.parent, now);
        }
    }

    /// The time of the step minus that of the steps inside it.
    ///
    /// 0 if those ran at the same time and took longer together.
    #[inline]
    pub(crate) fn own_time(&self, took: u64) -> u64 {
        let extras = self.extras.as_ref().and_then(|extras| extras.elsewhere.as_ref());
        let elsewhere = extras.map_or(0, |elsewhere| elsewhere.load(Ordering::Relaxed));
        took.saturating_sub(self.inner).saturating_sub(elsewhere)
    }

    /// Moves the entry fields in front of those that were recorded since.
    pub(crate) fn merge_fields(&mut self, take_extras: impl FnOnce() -> Box<StepExtras>) {
        if self.fields.is_empty() {
            return;
        }
        let extras = self.extras.get_or_insert_with(take_extras);
        members::set_all(&mut self.fields, &extras.members);
        mem::swap(&mut extras.members, &mut self.fields);
        self.fields.clear();
    }

    /// Clears the fields, and frees their buffer if it is very large.
    #[inline]
    pub(super) fn clear_fields(&mut self) {
        self.fields.clear();
        if self.fields.capacity() > POOLED_BYTES {
            self.fields = String::new();
        }
    }

    /// Clears the state for its next use, and returns the extras.
    #[inline]
    pub(super) fn clear(&mut self) -> Option<Box<StepExtras>> {
        self.call = None;
        self.span = None;
        self.clear_fields();
        self.busy = Duration::ZERO;
        #[cfg(feature = "testing")]
        {
            self.delay = None;
        }
        self.extras.take()
    }
}
