//! What the user's code adds to a step: fields at entry, recorded ones, the returned value.

use std::{fmt, ptr};

use super::State;
use crate::base::catch::caught;
use crate::current::{self, Extras};
use crate::format::keys::Keys;
use crate::instrument::dependency::{Answer, DependencyOutcome};
use crate::json::members;
use crate::redact::loggable::{Encoder, Loggable, guarded};
use crate::redact::{error_text, keys};
use crate::site::Site;

/// Takes the `fields(…)` of a step, and the `url` of a call, while it is entered.
#[derive(Debug)]
pub struct Fields<'a> {
    members: &'a mut String,
    url: &'a mut Option<String>,
}

impl Fields<'_> {
    /// The fields of a call.
    pub(super) fn gather(fields: impl FnOnce(&mut Fields<'_>)) -> Box<Extras> {
        let mut extras = current::take_extras();
        fields(&mut Fields::of(&mut extras));
        extras
    }

    /// Those of a step that is about to run on this thread.
    pub(super) fn gather_here(
        site: &'static Site,
        fields: impl FnOnce(&mut Fields<'_>),
    ) -> Box<State> {
        let mut state = State::take(site);
        fields(&mut Fields { members: &mut state.fields, url: &mut state.url });
        state
    }

    fn of(extras: &mut Extras) -> Fields<'_> {
        Fields { members: &mut extras.members, url: &mut extras.url }
    }

    /// Adds one field under `,"name":`; the macros have checked its name, and asked the key rule for it.
    pub fn field<T: Loggable + ?Sized>(&mut self, opening: &str, sensitive: bool, value: &T) {
        let members = &mut *self.members;
        members.push_str(opening);
        let name = members::name_of(opening);
        if sensitive || keys::added_by_deployment(name) {
            Encoder::gathered(members).redacted();
        } else if value.is_plain() {
            Encoder::gathered_as(name, members).value(value);
        } else {
            guarded(members, |out| Encoder::gathered_as(name, out).value(value));
        }
    }

    /// The `url = …` of a call.
    pub fn url<T: fmt::Display + ?Sized>(&mut self, url: &T) {
        *self.url = Some(error_text::display(url));
    }
}

/// Adds a field to the running step or call.
///
/// The value must be [`Loggable`]; a sensitive name shows `"[REDACTED]"`, one of candor's own keys
/// gets a trailing underscore, and a name that was recorded before is recorded anew. Outside a step
/// nothing happens.
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
pub fn record(name: &str, value: impl Loggable) {
    let Some(true) = current::with(|frame| frame.is_in_step()) else { return };
    let name = field_name(name);
    let mut json = String::new();
    guarded(&mut json, |out| {
        let mut encoder = Encoder::gathered(out).under(&name);
        if keys::hides(&name) { encoder.redacted() } else { encoder.value(&value) }
    });
    let added = current::with(|frame| frame.extras().take()).flatten();
    let mut extras = added.unwrap_or_else(current::take_extras);
    members::set(&mut extras.members, &name, &json);
    current::with(|frame| *frame.extras() = Some(extras));
}

/// Keys of candor's own lines beside the fixed ones.
const STEP_KEYS: [&str; 17] = [
    "step",
    "duration_ms",
    "outcome",
    "step_id",
    "parent_id",
    "offset_ms",
    "error",
    "error_detail",
    "ret",
    "busy_ms",
    "dependency",
    "operation",
    "dependency_method",
    "url",
    "status",
    "retries",
    "last_attempt_ms",
];

fn field_name(name: &str) -> String {
    let mut name = Keys::default().field_name(name);
    while STEP_KEYS.contains(&name.as_str()) {
        name.push('_');
    }
    name
}

/// Fields that are evaluated once the step runs: those of a future, whose arguments are inside it.
#[inline]
pub fn entered(site: &'static Site, fields: impl FnOnce(&mut Fields<'_>)) {
    // All but the fields themselves is compiled once, not in each annotated function.
    if let Some(mut extras) = begin_fields(site) {
        fields(&mut Fields::of(&mut extras));
        end_fields(site, extras);
    }
}

/// What takes the fields of the step of `site`, if that is the one that runs here and has none yet.
fn begin_fields(site: &'static Site) -> Option<Box<Extras>> {
    let own = current::with(|frame| {
        // Where nothing of this call is written, the step that runs here is the one around it.
        let is_own = frame.awaits.take_if(|awaits| ptr::eq(*awaits, site)).is_some();
        is_own.then(|| frame.extras.take())
    });
    Some(own.flatten()?.unwrap_or_else(current::take_extras))
}

fn end_fields(site: &'static Site, mut extras: Box<Extras>) {
    if let Some(url) = extras.url.take()
        && let Some(call) = current::with(|frame| frame.call.clone()).flatten()
    {
        call.facts().url = site.safe_url(Some(&url));
    }
    // An expression among them may have recorded something.
    if let Some(recorded) = current::with(|frame| frame.extras.take()).flatten() {
        members::set_all(&mut extras.members, &recorded.members);
    }
    if let Some(span) = &extras.span {
        site.record_on(span, &extras.members);
    }
    current::with(|frame| frame.extras = Some(extras));
}

/// The JSON of the `ret` of a step.
pub fn ret<T: Loggable + ?Sized>(value: &T) -> String {
    let mut json = String::new();
    guarded(&mut json, |out| Encoder::gathered(out).under("ret").value(value));
    json
}

/// The same of what a user's function makes of it; where that panics, the function it is about has not.
pub fn ret_with<T: Loggable>(shown: impl FnOnce() -> T) -> String {
    let mut json = String::new();
    guarded(&mut json, |out| Encoder::gathered(out).under("ret").value(&shown()));
    json
}

/// The answer of a call, as the function of its `outcome = …` tells it.
pub fn answer<O: DependencyOutcome>(outcome: impl FnOnce() -> O) -> Answer {
    // The function is the user's; where it panics, the call it reads has not.
    caught(|| Answer::of(&outcome())).unwrap_or(Answer::NONE)
}
