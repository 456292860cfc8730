//! The encoder, and the values without parts: `null`, numbers and text.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::append::append;
use crate::base::catch::catch;
use crate::json::append::number;
use crate::json::escape;
use crate::redact::error_text::UNPRINTABLE;
use crate::redact::hash;

/// Takes one value from a [`Loggable`], and knows how to write it.
///
/// Every method writes a whole value, so that what comes out is well-formed whatever the caller
/// does: objects and lists are filled by a closure and closed after it, and a second value in the
/// same place is ignored.
///
/// ```
/// use candor::loggable::{Encoder, Loggable, to_json};
///
/// struct Cart { items: u32, total: f64 }
///
/// impl Loggable for Cart {
///     fn log(&self, to: &mut Encoder<'_>) {
///         to.object("Cart", |cart| {
///             cart.field("items", &self.items);
///             cart.field("total", &self.total);
///         });
///     }
/// }
/// let cart = Cart { items: 2, total: 9.5 };
/// assert_eq!(to_json(&cart), r#"{"items":2,"total":9.5}"#);
/// ```
pub struct Encoder<'a> {
    pub(super) out: Out<'a>,
    /// Texts longer than this many bytes are cut.
    pub(super) limit: usize,
    pub(super) written: bool,
    /// How many groups are open around this place.
    pub(super) depth: u8,
    /// The field that is written, for what a pseudonym is separated by.
    pub(super) name: &'a str,
}

/// What is nested deeper is shown as `"[…]"`: a recursive value may be as deep as the heap is large, and
/// the walk is as deep as the value. Readers stop as well, `serde_json` at 128 levels with the line's own.
const DEEPEST: u8 = 120;

const TOO_DEEP: &str = "[…]";

/// `.000.001` … `.999`
const FRACTIONS: &str = {
    const BYTES: [u8; 4000] = {
        let mut bytes = [b'.'; 4000];
        let digits = b"0123456789";
        let mut number = 0;
        while number < 1000 {
            bytes[number * 4 + 1] = digits[number / 100];
            bytes[number * 4 + 2] = digits[number / 10 % 10];
            bytes[number * 4 + 3] = digits[number % 10];
            number += 1;
        }
        bytes
    };
    match std::str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => unreachable!(),
    }
};

pub(super) enum Out<'a> {
    Json(&'a mut String),
    Debug { to: &'a mut dyn fmt::Write, pretty: bool, result: &'a mut fmt::Result },
}

impl fmt::Debug for Encoder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

/// Bytes of one text value where nothing else is configured.
pub(crate) const DEFAULT_VALUE_LIMIT: usize = 4 * 1024;

/// The limit for values that are gathered before a layer writes them: that of the layer that was
/// configured last, of which a process has one.
static GATHERED_LIMIT: AtomicUsize = AtomicUsize::new(DEFAULT_VALUE_LIMIT);

pub(crate) fn set_value_limit(bytes: usize) {
    GATHERED_LIMIT.store(bytes, Ordering::Relaxed);
}

impl<'a> Encoder<'a> {
    /// JSON of a value that a layer will write later.
    pub(crate) fn gathered(out: &'a mut String) -> Self {
        Encoder::json(out, GATHERED_LIMIT.load(Ordering::Relaxed))
    }

    /// The same for the value of a field.
    #[inline]
    pub(crate) fn gathered_as(name: &'a str, out: &'a mut String) -> Self {
        let limit = GATHERED_LIMIT.load(Ordering::Relaxed);
        Encoder { out: Out::Json(out), limit, written: false, depth: 0, name }
    }

    #[inline]
    pub(crate) fn json(out: &'a mut String, limit: usize) -> Self {
        Encoder { out: Out::Json(out), limit, written: false, depth: 0, name: "" }
    }

    /// The same for the value of a field.
    pub(crate) fn under(self, name: &'a str) -> Self {
        Encoder { name, ..self }
    }

    /// A place that got no value holds `null`.
    #[inline]
    pub(in crate::redact::loggable) fn end(&mut self) {
        if !self.written {
            self.null();
        }
    }

    /// Whether this place is still free; from now on it is not.
    #[inline]
    pub(super) fn claim(&mut self) -> bool {
        !std::mem::replace(&mut self.written, true)
    }

    /// Whether a group may be written here: the place is free, and not too deep inside others.
    #[inline]
    pub(super) fn open(&mut self) -> bool {
        if self.depth >= DEEPEST {
            self.text(TOO_DEEP);
        }
        self.claim()
    }

    /// Writes text that is the same in JSON and in Debug.
    #[inline]
    pub(super) fn raw(&mut self, text: &str) {
        match &mut self.out {
            Out::Json(out) => out.push_str(text),
            Out::Debug { to, result, .. } => {
                if result.is_ok() {
                    **result = to.write_str(text);
                }
            }
        }
    }

    /// Writes `null` (`None` in Debug).
    #[inline]
    pub fn null(&mut self) {
        if self.claim() {
            let text = if matches!(self.out, Out::Json(_)) { "null" } else { "None" };
            self.raw(text);
        }
    }

    /// Writes a boolean.
    #[inline]
    pub fn bool(&mut self, value: bool) {
        if self.claim() {
            self.raw(if value { "true" } else { "false" });
        }
    }

    /// Writes an unsigned integer.
    #[inline]
    pub fn u64(&mut self, value: u64) {
        match &mut self.out {
            Out::Json(out) if !self.written => {
                self.written = true;
                number(value, out);
            }
            _ => self.u64_elsewhere(value),
        }
    }

    #[cold]
    fn u64_elsewhere(&mut self, value: u64) {
        self.number(itoa::Buffer::new().format(value));
    }

    /// Writes a signed integer.
    #[inline]
    pub fn i64(&mut self, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.u64(value),
            Err(_) => self.number(itoa::Buffer::new().format(value)),
        }
    }

    /// Writes an unsigned integer; beyond 64 bits it is a string, since JSON readers lose digits.
    pub fn u128(&mut self, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.u64(value),
            Err(_) => self.display(&value),
        }
    }

    /// Writes a signed integer; beyond 64 bits it is a string, since JSON readers lose digits.
    pub fn i128(&mut self, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.i64(value),
            Err(_) => self.display(&value),
        }
    }

    /// Writes a number; what JSON has no number for is the string `"NaN"`, `"inf"` or `"-inf"`.
    pub fn f64(&mut self, value: f64) {
        if let Some(thousandths) = thousandths(value) {
            self.fixed(thousandths, value < 0.0);
        } else if value.is_finite() {
            self.number(zmij::Buffer::new().format_finite(value));
        } else {
            self.text(non_finite(value));
        }
    }

    /// Writes a number of single precision with the digits it has.
    pub fn f32(&mut self, value: f32) {
        if value.is_finite() {
            self.number(zmij::Buffer::new().format_finite(value));
        } else {
            self.text(non_finite(value.into()));
        }
    }

    /// Writes thousandths as a number with at least one decimal.
    #[inline]
    fn fixed(&mut self, thousandths: i64, is_negative: bool) {
        if !self.claim() {
            return;
        }
        if is_negative {
            self.raw("-");
        }
        let mut buffer = itoa::Buffer::new();
        let whole = buffer.format(thousandths / 1000);
        let fraction = usize::try_from(thousandths % 1000).unwrap_or_default();
        let digits = match fraction {
            _ if fraction.is_multiple_of(100) => 1,
            _ if fraction.is_multiple_of(10) => 2,
            _ => 3,
        };
        let fraction = &FRACTIONS[fraction * 4..][..=digits];
        if let Out::Json(out) = &mut self.out {
            append(out, [whole, fraction]);
        } else {
            self.raw(whole);
            self.raw(fraction);
        }
    }

    /// Writes nanoseconds as milliseconds with three decimals.
    pub(crate) fn millis(&mut self, nanos: i128) {
        let half = if nanos < 0 { -500 } else { 500 };
        let micros = nanos.saturating_add(half) / 1000;
        #[expect(clippy::cast_precision_loss, reason = "exact for 285 years")]
        self.f64(micros as f64 / 1000.0);
    }

    #[inline]
    fn number(&mut self, digits: &str) {
        if self.claim() {
            match &mut self.out {
                Out::Json(out) => append(out, [digits]),
                Out::Debug { .. } => self.raw(digits),
            }
        }
    }

    /// Writes text as it is, escaped and cut at the limit for one value.
    ///
    /// It is for text that a decision has already been made about.
    #[inline]
    pub fn text(&mut self, value: &str) {
        match &mut self.out {
            Out::Json(out) if value.len() <= self.limit => {
                if !std::mem::replace(&mut self.written, true) {
                    if escape::is_clean(value) {
                        append(out, ["\"", value, "\""]);
                    } else {
                        escape::json_string(value, out);
                    }
                }
            }
            _ => self.cut_or_quoted(value),
        }
    }

    /// Text that is too long, or goes into Debug.
    #[cold]
    fn cut_or_quoted(&mut self, value: &str) {
        if !self.claim() {
            return;
        }
        let cut = cut_at(value, self.limit);
        match &mut self.out {
            Out::Json(out) => {
                out.push('"');
                escape::json_text(&value[..cut], out);
                if cut < value.len() {
                    cut_mark(value.len() - cut, out);
                }
                out.push('"');
            }
            Out::Debug { .. } => {
                let mut quoted = String::with_capacity(value.len() + 2);
                escape::json_string(value, &mut quoted);
                self.raw(&quoted);
            }
        }
    }

    /// Writes text that comes in pieces, of which the middle one needs no escape.
    #[inline]
    pub(crate) fn text_of(&mut self, pieces: [&str; 3]) {
        let [first, _, last] = pieces;
        if (first.is_empty() || escape::is_clean(first))
            && (last.is_empty() || escape::is_clean(last))
        {
            self.plain_of(pieces);
        } else {
            self.text(&pieces.concat());
        }
    }

    /// Writes text that comes in pieces, none of which needs an escape.
    #[inline]
    pub(crate) fn plain_of(&mut self, pieces: [&str; 3]) {
        let [first, middle, last] = pieces;
        match &mut self.out {
            Out::Json(out) if first.len() + middle.len() + last.len() <= self.limit => {
                if !std::mem::replace(&mut self.written, true) {
                    append(out, ["\"", first, middle, last, "\""]);
                }
            }
            _ => self.text(&pieces.concat()),
        }
    }

    /// Writes text that a function appends, and that needs neither escaping nor cutting.
    pub(crate) fn plain(&mut self, write: impl FnOnce(&mut String)) {
        if let Out::Json(out) = &mut self.out {
            if !std::mem::replace(&mut self.written, true) {
                out.push('"');
                write(out);
                out.push('"');
            }
        } else {
            let mut text = String::new();
            write(&mut text);
            self.text(&text);
        }
    }

    /// Writes the `Display` form of a value as text.
    ///
    /// It is for values whose text a decision has already been made about. One that fails or panics
    /// becomes `"<unprintable>"`.
    pub fn display(&mut self, value: &dyn fmt::Display) {
        let mut text = String::new();
        match catch(|| write!(text, "{value}")) {
            Some(Ok(())) => self.text(&text),
            _ => self.text(UNPRINTABLE),
        }
    }

    /// Writes `"[REDACTED]"`.
    #[inline]
    pub fn redacted(&mut self) {
        if self.claim() {
            self.raw("\"[REDACTED]\"");
        }
    }

    /// Writes the keyed pseudonym of a value, under the name of the field that it is written for where no
    /// other is given; `"[REDACTED]"` where there is no key.
    pub(crate) fn pseudonym(&mut self, name: Option<&'static str>, value: &[u8]) {
        match hash::pseudonym(name.unwrap_or(self.name), value) {
            Some(text) => self.text(&text),
            None => self.redacted(),
        }
    }

    /// Writes what is already JSON; the caller vouches for its form and its content.
    pub(crate) fn raw_json(&mut self, json: &str) {
        if self.claim() {
            self.raw(json);
        }
    }

    /// Writes a name without content: a unit struct or variant.
    pub fn unit(&mut self, name: &str) {
        if matches!(self.out, Out::Json(_)) {
            self.text(name);
        } else if self.claim() {
            self.raw(name);
        }
    }
}

/// The number in thousandths, where three decimals are all it has.
///
/// No two numbers of up to 15 digits are the same `f64`, so a number that is such a one again has no shorter
/// form. Amounts and durations mostly are, and dividing once is cheaper than searching for the shortest form.
#[inline]
fn thousandths(value: f64) -> Option<i64> {
    let value = value.abs();
    // Not 0, which has a sign; and not what is no number.
    if !(0.001..1e12).contains(&value) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "below 1e15")]
    let whole = (value * 1000.0 + 0.5) as i64;
    #[expect(clippy::cast_precision_loss, reason = "below 1e15")]
    let again = whole as f64 / 1000.0;
    #[expect(clippy::float_cmp, reason = "the same number, or another form is needed")]
    (again == value).then_some(whole)
}

fn non_finite(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "inf"
    } else {
        "-inf"
    }
}

/// The number of bytes to keep of a text that may have `limit` of them.
fn cut_at(text: &str, limit: usize) -> usize {
    let mut cut = text.len().min(limit);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    cut
}

/// The mark of a cut value, which says how much is missing.
fn cut_mark(missing: usize, out: &mut String) {
    let _ = write!(out, "…(+{missing} bytes)");
}
