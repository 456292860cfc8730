//! Values that user code adds to a step: fields at entry, recorded fields, the returned value.

use std::panic::Location;
use std::{fmt, ptr};

use crate::base::catch::catch;
use crate::current::{self, StepExtras, StepState, ThreadState};
use crate::format::keys::{LineKind, field_name};
use crate::instrument::dependency::{Answer, DependencyOutcome};
use crate::json::members;
use crate::logger::notices;
use crate::redact::loggable::{Encoder, Loggable, catch_unprintable};
use crate::redact::{error_text, keys};
use crate::site::Site;

/// Collects the `fields(…)` of a step, and the `url` of a call, while the step is entered.
#[derive(Debug)]
pub struct StepFields<'a> {
    members: &'a mut String,
    url: &'a mut Option<String>,
}

impl StepFields<'_> {
    /// Collects the fields of a step that is a future.
    pub(super) fn collect(fields: impl FnOnce(&mut StepFields<'_>)) -> Box<StepExtras> {
        let mut extras = current::take_extras();
        fields(&mut StepFields::of(&mut extras));
        extras
    }

    /// Collects the fields of a step that is about to begin on this thread.
    pub(super) fn collect_here(
        site: &'static Site,
        fields: impl FnOnce(&mut StepFields<'_>),
    ) -> Box<StepState> {
        let pooled = current::with_thread(ThreadState::take_state).flatten();
        let mut state = pooled.unwrap_or_else(|| StepState::new(site));
        fields(&mut StepFields { members: &mut state.fields, url: &mut state.url });
        state
    }

    fn of(extras: &mut StepExtras) -> StepFields<'_> {
        StepFields { members: &mut extras.members, url: &mut extras.url }
    }

    /// Adds a field. `opening` is `,"name":`; the macros have checked the name, and `sensitive` is the key rule's
    /// result.
    pub fn field<T: Loggable + ?Sized>(&mut self, opening: &str, sensitive: bool, value: &T) {
        let members = &mut *self.members;
        members.push_str(opening);
        let name = members::name_of(opening);
        if sensitive || keys::added_by_deployment(name) {
            Encoder::buffered(members).redacted();
        } else if value.is_infallible() {
            Encoder::buffered(members).under(name).value(value);
        } else {
            catch_unprintable(members, |out| Encoder::buffered(out).under(name).value(value));
        }
    }

    /// The `url = …` of a call.
    pub fn url<T: fmt::Display + ?Sized>(&mut self, url: &T) {
        *self.url = Some(error_text::display(url));
    }
}

/// Adds a field to the running step or call.
///
/// The value must be [`Loggable`]; under a sensitive name it is `"[REDACTED]"`. A name that is one of candor's own keys
/// gets a trailing underscore. A name that was recorded before gets the new value.
///
/// Outside a step the value is lost, and one WARN `recorded_outside_step` for each call site says so, unless
/// `LOG_LEVEL` has a level below INFO: then it can turn off the step around the call, whose values are not needed.
///
/// ```
/// #[candor::step_timed]
/// fn load() -> u32 {
///     candor::record("rows", 3);
///     3
/// }
///
/// let captured = candor::testing::capture();
/// load();
/// assert_eq!(captured.step("load").integer("rows"), 3);
/// ```
#[track_caller]
pub fn record(name: &str, value: impl Loggable) {
    match current::with(|frame| frame.token != 0) {
        Some(true) => {}
        Some(false) => return notice_outside(Location::caller(), name),
        None => return,
    }
    let name = field_name(name, LineKind::Call);
    let mut json = String::new();
    catch_unprintable(&mut json, |out| {
        let mut encoder = Encoder::buffered(out).under(&name);
        if keys::hides(&name) { encoder.redacted() } else { encoder.value(&value) }
    });
    let recorded = current::with(|frame| frame.extras.take()).flatten();
    let mut extras = recorded.unwrap_or_else(current::take_extras);
    members::set(&mut extras.members, &name, &json);
    current::with(|frame| frame.extras = Some(extras));
}

#[cold]
fn notice_outside(site: &'static Location<'static>, name: &str) {
    notices::at_call_site(
        site,
        "recorded_outside_step",
        |logger| logger.levels.load().set.are_all_info(),
        || {
            format!(
                "`record(\"{name}\", …)` was called outside a step or call, so that its value is lost; annotate the \
                 function, or use `candor::context::set` for a field of the whole request"
            )
        },
    );
}

/// Adds fields that are evaluated when the step runs: those of a future, which owns the arguments.
#[inline]
pub fn entered(site: &'static Site, fields: impl FnOnce(&mut StepFields<'_>)) {
    // Everything but the fields is compiled once, not in each annotated function.
    if let Some(mut extras) = begin_fields(site) {
        fields(&mut StepFields::of(&mut extras));
        end_fields(site, extras);
    }
}

/// The extras that take the fields of the step of `site`, if it is the innermost one and its fields are due.
fn begin_fields(site: &'static Site) -> Option<Box<StepExtras>> {
    let own = current::with(|frame| {
        // If no line of this call is wanted, the innermost step is the one around it.
        let is_own = frame.fields_due.take_if(|due| ptr::eq(*due, site)).is_some();
        is_own.then(|| frame.extras.take())
    });
    Some(own.flatten()?.unwrap_or_else(current::take_extras))
}

fn end_fields(site: &'static Site, mut extras: Box<StepExtras>) {
    if let Some(url) = extras.url.take()
        && let Some(call) = current::with(|frame| frame.call.clone()).flatten()
    {
        call.facts().url = site.safe_url(Some(&url));
    }
    // An expression among the fields may have recorded something.
    if let Some(recorded) = current::with(|frame| frame.extras.take()).flatten() {
        members::set_all(&mut extras.members, &recorded.members);
    }
    if let Some(span) = &mut extras.span {
        site.record_at_entry(span, &extras.members);
    }
    current::with(|frame| frame.extras = Some(extras));
}

/// The JSON of a step's `ret`.
pub fn ret<T: Loggable + ?Sized>(value: &T) -> String {
    let mut json = String::new();
    catch_unprintable(&mut json, |out| Encoder::buffered(out).under("ret").value(value));
    json
}

/// The JSON of a step's `ret`, from a user's function. If the function panics, the step has not panicked.
pub fn ret_with<T: Loggable>(shown: impl FnOnce() -> T) -> String {
    let mut json = String::new();
    catch_unprintable(&mut json, |out| Encoder::buffered(out).under("ret").value(&shown()));
    json
}

/// The answer of a call, from the function of its `outcome = …`.
pub fn answer<O: DependencyOutcome>(outcome: impl FnOnce() -> O) -> Answer {
    // If the function panics, the call has not panicked.
    catch(|| Answer::of(&outcome())).unwrap_or(Answer::NONE)
}
