//! Fields and times on the completion line of a request or job.

use std::cmp::Reverse;

use super::context;
use crate::current;
use crate::json::append::{NUMBER_ROOM, append, number};
use crate::json::members;
use crate::redact::keys;
use crate::redact::loggable::{Encoder, Loggable};
use crate::redact::policy::clear;
use crate::request::Request;
use crate::request::story::DependencyTimes;
use crate::request::wide::{WideSum, WideValue};

/// Adds a field to the completion line of the current request or job.
///
/// Use it for facts that you want to search for, such as the size of a cart or the plan of a customer. No other line has
/// the field. The value must be loggable, and name and value are redacted as by [`context::set`](crate::context::set). A
/// second value of the same name replaces the first one. If the completion line already has a key with this name, such
/// as `status`, the name gets a trailing underscore.
///
/// A request has at most 32 such fields. Values of other names are dropped and counted in `wide_fields_dropped`.
/// Outside a request or job, and after its completion, this function does nothing.
///
/// ```
/// use candor::policy::clear;
///
/// let captured = candor::testing::capture();
/// candor::job("checkout").run(|| {
///     candor::wide("cart_cents", 1250);
///     candor::wide("plan", clear("pro"));
///     for rows in [120, 80] {
///         candor::wide_add("rows_read", rows);
///     }
/// });
///
/// // {…,"msg":"job_completed",…,"job":"checkout",…,"cart_cents":1250,"plan":"pro","rows_read":200}
/// let line = captured.line("job_completed");
/// assert_eq!((line.integer("cart_cents"), line.integer("rows_read")), (1250, 200));
/// assert_eq!(line.text("plan"), "pro");
/// ```
pub fn wide(name: &str, value: impl Loggable) {
    if let Some(request) = current::request().filter(|request| request.has_id()) {
        let (name, json) = context::member(name, &value);
        request.change_wide(|fields| fields.set(&name, json));
    }
}

/// Adds to a counter on the completion line of the current request or job.
///
/// The counter starts at 0. It is an integer while only integers are added, and then a float. The rules of [`wide`]
/// apply. A field that was set by `wide` is replaced.
///
/// ```
/// let captured = candor::testing::capture();
/// candor::job("import").run(|| {
///     candor::wide_add("rows_read", 500_u64);
///     candor::wide_add("rows_read", 12_u64);
///     candor::wide_add("credit", -2.5);
/// });
///
/// // {…,"msg":"job_completed",…,"rows_read":512,"credit":-2.5}
/// assert_eq!(captured.line("job_completed").integer("rows_read"), 512);
/// ```
pub fn wide_add(name: &str, number: impl WideNumber) {
    if let Some(request) = current::request().filter(|request| request.has_id()) {
        if keys::hides(name) {
            return wide(name, clear(""));
        }
        // Only the name is used, so the value is a placeholder.
        let (name, _) = context::member(name, &0_u8);
        request.change_wide(|fields| fields.add(&name, number.sum()));
    }
}

/// Number that can be added to a counter: an integer of up to 64 bits, or a float.
///
/// This trait is sealed.
pub trait WideNumber: sealed::SealedNumber {
    #[doc(hidden)]
    fn sum(self) -> WideSum;
}

mod sealed {
    pub trait SealedNumber {}
}

macro_rules! wide_numbers {
    ($($Type:ty => $Variant:ident($As:ty),)*) => {$(
        impl sealed::SealedNumber for $Type {}

        impl WideNumber for $Type {
            fn sum(self) -> WideSum {
                WideSum::$Variant(self as $As)
            }
        }
    )*};
}

mod numbers {
    use super::{WideNumber, WideSum, sealed};

    wide_numbers! {
        u8 => Integer(i128), u16 => Integer(i128), u32 => Integer(i128), u64 => Integer(i128), usize => Integer(i128),
        i8 => Integer(i128), i16 => Integer(i128), i32 => Integer(i128), i64 => Integer(i128), isize => Integer(i128),
        f32 => Float(f64), f64 => Float(f64),
    }
}

/// Keys that the error of a job adds to a completion line.
const ERROR_KEYS: [&str; 3] = ["error_type", "error_detail", "error_fields"];

/// Appends `others`, the members after the line's own, with the wide fields of the request set in them. `own` are the
/// names of the line's own members.
pub(crate) fn write_fields(
    request: &Request,
    own: &[&str],
    limit: usize,
    others: &str,
    out: &mut String,
) {
    let Some((fields, dropped)) = request.wide_fields() else { return out.push_str(others) };
    let mut members = others.to_owned();
    for (mut name, value) in fields {
        while own.contains(&name.as_str()) || ERROR_KEYS.contains(&name.as_str()) {
            name.push("_");
        }
        let mut json = String::new();
        let mut encoder = Encoder::json(&mut json, limit);
        match value {
            WideValue::Json(text) => json = text,
            WideValue::Sum(WideSum::Integer(sum)) => match (u64::try_from(sum), i64::try_from(sum))
            {
                (Ok(sum), _) => encoder.u64(sum),
                (_, Ok(sum)) => encoder.i64(sum),
                _ => encoder.i128(sum),
            },
            WideValue::Sum(WideSum::Float(sum)) => encoder.f64(sum),
        }
        members::set(&mut members, name.shown(), &json);
    }
    if dropped > 0 {
        members::open(&mut members, "wide_fields_dropped");
        number(dropped, &mut members);
    }
    out.push_str(&members);
}

/// The maximum number of dependencies on a wide line.
const MAX_DEPENDENCIES: usize = 10;

/// Appends the members of a wide line, if `left_out` is set: the number of lines that the completion line replaces.
pub(crate) fn write(request: &Request, left_out: Option<u64>, out: &mut String) {
    let (Some(left_out), Some(story)) = (left_out, request.story()) else { return };
    members::open(out, "lines_left_out");
    number(left_out, out);
    let mut times = story.times();
    times.steps.sort_by_key(|(_, nanos)| Reverse(*nanos));
    times.steps.truncate(story.settings.steps);
    write_object(out, "step_own_ms", &times.steps, |(name, nanos), out| {
        members::open(out, *name);
        append(out, NUMBER_ROOM, |pieces| pieces.millis(*nanos));
    });
    times.dependencies.sort_by_key(|dependency| Reverse(dependency.nanos));
    times.dependencies.truncate(MAX_DEPENDENCIES);
    write_object(out, "dependencies", &times.dependencies, |dependency, out| {
        let DependencyTimes { name, calls, nanos, retries } = *dependency;
        members::open(out, name);
        append(out, 4 * NUMBER_ROOM, |pieces| {
            pieces.put("{\"calls\":");
            pieces.number(calls);
            pieces.put(",\"ms\":");
            pieces.millis(nanos);
            if retries > 0 {
                pieces.put(",\"retries\":");
                pieces.number(retries);
            }
            pieces.put("}");
        });
    });
}

/// Appends an object with a member for each value, if there are any.
fn write_object<T>(
    out: &mut String,
    key: &'static str,
    values: &[T],
    write: impl Fn(&T, &mut String),
) {
    if values.is_empty() {
        return;
    }
    members::open(out, key);
    let from = out.len();
    for value in values {
        write(value, out);
    }
    // Each member begins with a comma.
    out.replace_range(from..=from, "{");
    out.push('}');
}
