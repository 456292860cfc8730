//! What runs on this thread: the frame with its request, step and call, and the entered spans.

mod call;
pub(crate) mod deferred;
#[cfg(feature = "testing")]
mod delay;
mod frame;
mod layer_span;
mod line_buffer;
mod line_lease;
mod span_data;
pub(crate) mod span_facts;
pub(crate) mod span_stack;
mod step_state;
mod thread;
pub(crate) mod timed_span;

pub(crate) use self::call::{CallFacts, CallState};
#[cfg(feature = "testing")]
pub(crate) use self::delay::Delayed;
pub(crate) use self::frame::{FieldMarks, Frame, OWN_STEP, SavedFrame, StepExtras, StepSpan};
pub(crate) use self::layer_span::{EnteredLayerSpan, LayerSpan};
pub(crate) use self::line_buffer::{LineBuffer, RenderCache};
pub(crate) use self::line_lease::LineLease;
pub(crate) use self::span_data::SpanData;
pub(crate) use self::step_state::StepState;
pub(crate) use self::thread::{
    DroppingUnfinished, FrameGuard, ThreadState, UserGuard, begin_call, for_new_span,
    frame_to_send, is_alive, is_of, raises, request, step_of, swap_frame, take_extras, with,
    with_line_buffer, with_overrides, with_request, with_thread,
};
#[cfg(feature = "testing")]
pub(crate) use self::thread::{capture, delay_of, join_capture};
