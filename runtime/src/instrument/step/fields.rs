//! Values that user code adds to a step: fields at entry, recorded fields, the returned value.

use std::panic::Location;
use std::sync::Arc;
use std::{fmt, ptr};

use tracing_core::span;

use crate::base::catch::catch;
use crate::current::{self, FieldMarks, SpanData, StepExtras, StepState, ThreadState, span_stack};
use crate::format::keys::{LineKind, field_name, is_of_context};
use crate::instrument::dependency::{Answer, DependencyOutcome};
use crate::json::members;
use crate::json::shown::Shown;
use crate::logger::notices;
use crate::outcome::error_value::{AnyValue, ErrorValue};
use crate::redact::loggable::{DEFAULT_VALUE_LIMIT, Encoder, Loggable, catch_unprintable};
use crate::redact::{counted, error_text, keys, shown};
use crate::site::Site;

/// Collects the `fields(…)`, the `context(…)` and a call's `url` at entry.
#[derive(Debug)]
pub struct StepFields<'a> {
    members: &'a mut String,
    url: &'a mut Option<String>,
    marks: FieldMarks,
    /// Whether a field was an error, whose other keys another field may have too.
    has_derived: bool,
    /// Members of all lines inside the step.
    context: String,
}

impl<'a> StepFields<'a> {
    fn new(members: &'a mut String, url: &'a mut Option<String>, marks: FieldMarks) -> Self {
        StepFields { members, url, marks, has_derived: false, context: String::new() }
    }

    /// Collects the fields of a step that is a future.
    pub(super) fn collect(fields: impl FnOnce(&mut StepFields<'_>)) -> Box<StepExtras> {
        let mut extras = current::take_extras();
        StepFields::collect_into(&mut extras, fields);
        extras
    }

    /// Collects the fields of a step that is about to begin on this thread.
    pub(super) fn collect_here(
        site: &'static Site,
        fields: impl FnOnce(&mut StepFields<'_>),
    ) -> Box<StepState> {
        let pooled = current::with_thread(ThreadState::take_state).flatten();
        let mut state = pooled.unwrap_or_else(|| StepState::new(site));
        let mut collected =
            StepFields::new(&mut state.fields, &mut state.url, FieldMarks::default());
        fields(&mut collected);
        let StepFields { marks, context, .. } = collected;
        if marks != FieldMarks::default() || !context.is_empty() {
            let mut extras = current::take_extras();
            keep(&mut extras, marks, context);
            state.extras = Some(extras);
        }
        state
    }

    fn collect_into(extras: &mut StepExtras, fields: impl FnOnce(&mut StepFields<'_>)) {
        let StepExtras { members, url, marks, .. } = extras;
        let mut collected = StepFields::new(members, url, *marks);
        fields(&mut collected);
        let StepFields { marks, context, .. } = collected;
        keep(extras, marks, context);
    }

    /// Adds a field.
    ///
    /// `opening` is `,"name":`; the macros have checked the name, and `sensitive` is the key rule's result.
    pub fn field<T: Loggable + ?Sized>(
        &mut self,
        opening: &'static str,
        sensitive: bool,
        value: &T,
    ) {
        self.add(opening, Shown::literal(members::name_of(opening)), sensitive, value);
    }

    /// Adds a field. `opening` is `,"name":`, rendered.
    fn add<T: Loggable + ?Sized>(
        &mut self,
        opening: &str,
        name: Shown<'_>,
        sensitive: bool,
        value: &T,
    ) {
        let members = &mut *self.members;
        if self.has_derived {
            members::remove(members, members::name_of(opening));
        }
        let field = name.as_str();
        if sensitive || keys::added_by_deployment(field) {
            // The key rule at compile time is not counted.
            if !sensitive {
                counted::name(field);
            }
            members.push_str(opening);
            Encoder::buffered(members).redacted();
        } else if value.is_infallible() {
            members.push_str(opening);
            Encoder::buffered(members).under(field).value(value);
        } else if add_error(members, &mut self.marks, own_name(name), value) {
            self.has_derived = true;
        } else {
            members.push_str(opening);
            catch_unprintable(members, |out| Encoder::buffered(out).under(field).value(value));
        }
    }

    /// Adds a field whose name is not a literal.
    pub fn named<T: Loggable + ?Sized>(&mut self, name: &'static str, sensitive: bool, value: &T) {
        let mut opening = String::new();
        members::open(&mut opening, name);
        // Two names can be the same only here, because the macros don't know the values of constants.
        members::remove(self.members, members::name_of(&opening));
        self.add(&opening, Shown::literal(name), sensitive, value);
    }

    /// Adds a field named `error`, whose value is an error.
    pub fn error<T: IsError + ?Sized>(&mut self, value: &T) {
        self.field(",\"error\":", false, value);
    }

    /// Adds the `error` field if its value is an error, else the one of `opening`.
    pub fn error_or_other<T: Loggable + ?Sized>(
        &mut self,
        opening: &'static str,
        sensitive: bool,
        value: &T,
    ) {
        let is_hidden = sensitive || keys::added_by_deployment(ERROR);
        let is_error =
            !is_hidden && add_error(self.members, &mut self.marks, Shown::literal(ERROR), value);
        if is_error {
            self.has_derived = true;
        } else {
            self.field(opening, is_hidden, value);
        }
    }

    /// Adds a field to this line and to all lines inside the step.
    pub fn context<T: Loggable + ?Sized>(
        &mut self,
        name: &'static str,
        sensitive: bool,
        value: &T,
    ) {
        let mut own = String::new();
        // Not called `error`: on the lines inside, that is the line's own.
        if !sensitive
            && add_error(&mut own, &mut FieldMarks::default(), Shown::literal(name), value)
        {
            // Another field with one of the other keys keeps its value.
            members::add_outer(self.members, 0, &own);
            members::add_outer(&mut self.context, 0, &own);
            return;
        }
        StepFields::new(&mut own, self.url, self.marks).named(name, sensitive, value);
        members::set_all(self.members, &own);
        members::set_all(&mut self.context, &own);
    }

    /// The `url = …` of a call.
    pub fn url<T: fmt::Display + ?Sized>(&mut self, url: &T) {
        *self.url = Some(error_text::display_value(url));
    }
}

/// The key of a step's own error.
const ERROR: &str = "error";

/// The keys of a step's own error, with those under which a field that is an error is kept.
pub(super) const OWN_ERROR: [(&str, &str); 4] = [
    ("error", "error_"),
    ("error_type", "error_type_"),
    ("error_detail", "error_detail_"),
    ("error_fields", "error_fields_"),
];

/// Keeps the data about the fields that is needed when lines are written.
fn keep(extras: &mut StepExtras, marks: FieldMarks, context: String) {
    extras.marks = marks;
    if !context.is_empty() {
        extras.context = Some(Arc::new(SpanData::new(context, None, None)));
    }
}

/// The name of a field that is an error: the usual names of a variable stand for `error`.
fn own_name(name: Shown<'_>) -> Shown<'_> {
    if matches!(name.as_str(), "e" | "err") { Shown::literal(ERROR) } else { name }
}

/// Adds a field if it is an error; returns whether it is one.
///
/// Keys that are those of the step's own error get an underscore, which is removed if the step succeeds. Another field
/// with one of the other keys keeps its value.
fn add_error<T: Loggable + ?Sized>(
    members: &mut String,
    marks: &mut FieldMarks,
    name: Shown<'_>,
    value: &T,
) -> bool {
    let Some(error) = value.log_members(name, DEFAULT_VALUE_LIMIT) else { return false };
    if name.as_str() == ERROR {
        marks.has_error = true;
        for member in members::walk(&error, 0) {
            let own = OWN_ERROR.into_iter().find(|(key, _)| *key == member.key);
            if let Some((_, marked)) = own {
                members::set(members, Shown::literal(marked), member.value);
            }
        }
    } else {
        members::add_outer(members, 0, &error);
    }
    true
}

/// An error as the `error` field, which is also the key of the step's own error.
#[diagnostic::on_unimplemented(
    message = "`error` is one of candor's own keys, so the value must be an error",
    label = "not an error",
    note = "choose another name for the field"
)]
pub trait IsError: Loggable {}

impl IsError for ErrorValue<'_> {}
impl IsError for Option<ErrorValue<'_>> {}

/// Adds a field to the running step or call.
///
/// The value must be [`Loggable`] or an error. The value of a sensitive name is `"[REDACTED]"`, and a name that
/// contains a secret is itself `[REDACTED]`. If the name was recorded before, the new value replaces the old one.
///
/// Outside a step, the value is lost, and one WARN `recorded_outside_step` per call site reports this. The WARN is not
/// written if `LOG_LEVEL` turns off INFO for any target, because then the step around the call may be turned off.
///
/// `request_id`, `user_id`, `method`, `path` and `service` replace the context's value on the step's line. Names of
/// candor's other keys get a trailing underscore.
///
/// An error recorded as `error` is written like [the error of a step](crate::dependency#how-an-error-is-shown), with
/// class, type and text. If the step fails as well, the keys of the recorded error get a trailing underscore. An error
/// type with `#[redact]` is both loggable and an error, which the compiler can't choose between: write
/// `record("error", policy::error(&e))`.
///
/// ```
/// #[candor::step_timed]
/// fn load() -> u32 {
///     candor::record("rows", 3);
///     if let Err(error) = "x".parse::<u8>() {
///         candor::record("error", error);
///     }
///     3
/// }
///
/// let captured = candor::testing::capture();
/// load();
/// let line = captured.step("load");
/// assert_eq!((line.integer("rows"), line.text("outcome")), (3, "ok"));
/// assert_eq!((line.text("error"), line.text("error_detail")), ("ParseIntError", "invalid digit found in string"));
/// ```
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "callers pass values and references")]
pub fn record<Kind>(name: &str, value: impl AnyValue<Kind>) {
    let site = Location::caller();
    value.candor_log(&mut |value| record_value(site, name, value));
}

fn record_value(site: &'static Location<'static>, name: &str, value: &dyn Loggable) {
    match current::with(|frame| frame.token != 0) {
        Some(true) => {}
        Some(false) => return notice_outside(site, name),
        None => return,
    }
    let shown = shown::name(name);
    let key = if is_of_context(name) { shown } else { field_name(shown, LineKind::Call) };
    let mut added = String::new();
    let mut marks = FieldMarks { takes_context: is_of_context(name), has_error: false };
    let is_hidden = keys::hides(name);
    // `error` itself is a key of candor's own.
    let error_key = if name == ERROR { Shown::literal(ERROR) } else { own_name(key.shown()) };
    if is_hidden || !add_error(&mut added, &mut marks, error_key, value) {
        let mut json = String::new();
        catch_unprintable(&mut json, |out| {
            let mut encoder = Encoder::buffered(out).under(key.as_str());
            if is_hidden {
                counted::name(name);
                encoder.redacted();
            } else {
                encoder.value(value);
            }
        });
        members::set(&mut added, key.shown(), &json);
    }
    let recorded = current::with(|frame| frame.extras.take()).flatten();
    let mut extras = recorded.unwrap_or_else(current::take_extras);
    members::set_all(&mut extras.members, &added);
    extras.marks.has_error |= marks.has_error;
    extras.marks.takes_context |= marks.takes_context;
    current::with(|frame| frame.extras = Some(extras));
}

#[cold]
fn notice_outside(site: &'static Location<'static>, name: &str) {
    notices::at_call_site(
        site,
        "recorded_outside_step",
        |logger| logger.levels.load().set.are_all_info(),
        || {
            let name = shown::name(name);
            let name = name.as_str();
            format!(
                "`record(\"{name}\", …)` was called outside a step or call, so its value is lost; annotate the \
                 function, or use `candor::context::set` for a field of the whole request"
            )
        },
    );
}

/// Adds fields that are evaluated when the step runs.
///
/// These are the fields of a future, which owns the arguments.
#[inline]
pub fn entered(site: &'static Site, fields: impl FnOnce(&mut StepFields<'_>)) {
    // Everything but the fields is compiled once, not in each annotated function.
    if let Some(mut extras) = begin_fields(site) {
        StepFields::collect_into(&mut extras, fields);
        end_fields(site, extras);
    }
}

/// The extras that take the fields of the step of `site`, if it is the innermost one and its fields are due.
fn begin_fields(site: &'static Site) -> Option<Box<StepExtras>> {
    let own = current::with(|frame| {
        // If no line of this call is wanted, the innermost step is the one around it.
        let is_own = frame.fields_due.take_if(|due| ptr::eq(*due, site)).is_some();
        (is_own && site.wants_fields()).then(|| frame.extras.take())
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
        extras.marks.has_error |= recorded.marks.has_error;
        extras.marks.takes_context |= recorded.marks.takes_context;
    }
    if let Some(context) = &mut extras.context {
        let token = current::with(|frame| frame.token).unwrap_or_default();
        span_stack::enter_context(token, context);
    }
    if let Some(span) = &mut extras.span {
        site.record_at_entry(span, &extras.members);
    }
    current::with(|frame| frame.extras = Some(extras));
}

/// Checks the type of `parent = …`.
///
/// The value has no effect, because the parent of a step is the step around it.
pub fn parent(_: impl Into<Option<span::Id>>) {}

/// Checks the type of `follows_from = …`. The value has no effect.
pub fn follows_from<I: IntoIterator<Item: Into<Option<span::Id>>>>(_: I) {}

/// The JSON of a step's `ret`.
pub fn ret<T: Loggable + ?Sized>(value: &T) -> String {
    let mut json = String::new();
    catch_unprintable(&mut json, |out| Encoder::buffered(out).under("ret").value(value));
    json
}

/// Returns the JSON of a step's `ret`, from a user's function.
///
/// If the function panics, the step has not panicked.
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
