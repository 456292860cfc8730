//! The encoder's state, and the values without parts: `null`, numbers and text.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::json::append::{NUMBER_ROOM, append, append_all, number};
use crate::json::escape;
use crate::json::number::{float, integer};
use crate::json::shown::Shown;
use crate::redact::{error_text, hash};

/// Writer of one value, passed to [`Loggable::log`](super::super::Loggable::log).
///
/// Every method writes a whole value, so the output is always well-formed: groups are filled by a closure and closed
/// after it, and a second value in the same place is ignored.
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
    /// Text is cut after this many bytes.
    pub(super) limit: usize,
    pub(super) written: bool,
    /// How many groups contain this place.
    pub(super) depth: u8,
    /// The name of the field, for which pseudonyms are made.
    pub(super) name: &'a str,
}

/// Values nested deeper are written as `"[…]"`. Encoding is recursive, and a value may be nested arbitrarily deep.
/// Readers have limits as well: `serde_json` stops at 128 levels, including those of the line.
pub(in crate::redact) const DEEPEST: u8 = 120;

/// After this many bytes of output, nested values are written as `"[…]"`, too. If values refer to each other, as
/// parents and children do, the output can double at every level.
pub(super) const MOST_BYTES: usize = 1 << 20;

const TOO_DEEP: &str = "[…]";

pub(super) enum Out<'a> {
    Json(&'a mut String),
    Debug {
        to: &'a mut dyn fmt::Write,
        pretty: bool,
        result: &'a mut fmt::Result,
        /// How many of [`MOST_BYTES`] are left.
        left: &'a Cell<usize>,
    },
}

/// Default limit of one text value, in bytes.
pub(crate) const DEFAULT_VALUE_LIMIT: usize = 4 * 1024;

/// The limit of values that are rendered before it is known which layer writes them: that of the layer that was
/// configured last. A process usually has one.
static BUFFERED_LIMIT: AtomicUsize = AtomicUsize::new(DEFAULT_VALUE_LIMIT);

pub(crate) fn set_value_limit(bytes: usize) {
    BUFFERED_LIMIT.store(bytes, Ordering::Relaxed);
}

impl<'a> Encoder<'a> {
    /// Makes an encoder for JSON that a layer writes later.
    #[inline]
    pub(crate) fn buffered(out: &'a mut String) -> Self {
        Encoder::json(out, BUFFERED_LIMIT.load(Ordering::Relaxed))
    }

    #[inline]
    pub(crate) fn json(out: &'a mut String, limit: usize) -> Self {
        Encoder { out: Out::Json(out), limit, written: false, depth: 0, name: "" }
    }

    /// Sets the name of the field that is written.
    #[inline]
    pub(crate) fn under(self, name: &'a str) -> Self {
        Encoder { name, ..self }
    }

    #[inline]
    pub(super) fn at(self, depth: u8, name: &'a str) -> Self {
        Encoder { depth, name, ..self }
    }

    /// Returns an encoder for one value inside this one's group.
    #[inline]
    pub(super) fn child(&mut self) -> Encoder<'_> {
        let out = match &mut self.out {
            Out::Json(out) => Out::Json(out),
            Out::Debug { to, pretty, result, left } => {
                Out::Debug { to: *to, pretty: *pretty, result, left }
            }
        };
        let depth = self.depth.saturating_add(1);
        Encoder { out, limit: self.limit, written: false, depth, name: self.name }
    }

    /// Returns an encoder with the same settings for JSON that is merged into this one's output afterwards.
    pub(super) fn aside<'s>(&self, out: &'s mut String) -> Encoder<'s>
    where
        'a: 's,
    {
        Encoder::json(out, self.limit).at(self.depth, self.name)
    }

    /// Writes `null` if nothing was written.
    #[inline]
    pub(in crate::redact::loggable) fn end(&mut self) {
        if !self.written {
            self.null();
        }
    }

    /// Claims the place for a value; false if it has one already.
    #[inline]
    pub(super) fn claim(&mut self) -> bool {
        !std::mem::replace(&mut self.written, true)
    }

    /// Claims the place for a group. A group that is nested too deep, or behind too much output, is replaced.
    #[inline]
    pub(super) fn open(&mut self) -> bool {
        let is_full = match &self.out {
            Out::Json(out) => out.len() > MOST_BYTES,
            Out::Debug { left, .. } => left.get() == 0,
        };
        if self.depth >= DEEPEST || is_full {
            self.too_deep();
        }
        self.claim()
    }

    /// Whether a value of so many nested groups can be written here.
    pub(in crate::redact) fn has_room_for(&self, groups: usize) -> bool {
        usize::from(self.depth) + groups <= usize::from(DEEPEST)
    }

    /// Writes that the value is nested too deep.
    pub(in crate::redact) fn too_deep(&mut self) {
        self.text(TOO_DEEP);
    }

    /// Writes text that is the same in JSON and in `Debug`.
    #[inline]
    pub(super) fn raw(&mut self, text: &str) {
        match &mut self.out {
            Out::Json(out) => out.push_str(text),
            Out::Debug { to, result, left, .. } => {
                if result.is_ok() {
                    left.set(left.get().saturating_sub(text.len()));
                    **result = to.write_str(text);
                }
            }
        }
    }

    /// Writes `null` (`None` in `Debug`).
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
        self.raw_by(|out| number(value, out));
    }

    /// Writes a signed integer.
    #[inline]
    pub fn i64(&mut self, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.u64(value),
            Err(_) => integer(value, |digits| self.number(digits)),
        }
    }

    /// Writes an unsigned integer.
    ///
    /// Beyond 64 bits it is a string, since JSON readers would lose digits.
    pub fn u128(&mut self, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.u64(value),
            Err(_) => self.display(&value),
        }
    }

    /// Writes a signed integer.
    ///
    /// Beyond 64 bits it is a string, since JSON readers would lose digits.
    pub fn i128(&mut self, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.i64(value),
            Err(_) => self.display(&value),
        }
    }

    /// Writes a floating-point number.
    ///
    /// JSON has no numbers for these values, so they are strings: `"NaN"`, `"inf"` and `"-inf"`.
    pub fn f64(&mut self, value: f64) {
        if let Some(thousandths) = thousandths(value) {
            self.fixed(thousandths, value < 0.0);
        } else if value.is_finite() {
            float(value, |text| self.number(text));
        } else {
            self.text(non_finite(value));
        }
    }

    /// Writes a single-precision number, without the digits of a conversion to `f64`.
    pub fn f32(&mut self, value: f32) {
        if value.is_finite() {
            float(value, |text| self.number(text));
        } else {
            self.text(non_finite(value.into()));
        }
    }

    /// Writes thousandths as a number with at least one decimal.
    #[inline]
    fn fixed(&mut self, thousandths: u64, is_negative: bool) {
        let decimals = |below: u32| match below {
            _ if below.is_multiple_of(100) => 1,
            _ if below.is_multiple_of(10) => 2,
            _ => 3,
        };
        self.raw_by(|out| {
            append(out, NUMBER_ROOM, |appender| {
                if is_negative {
                    appender.put("-");
                }
                appender.thousandths(thousandths, decimals);
            });
        });
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
                Out::Json(out) => append_all(out, [digits]),
                Out::Debug { .. } => self.raw(digits),
            }
        }
    }

    /// Writes text without redaction, escaped and cut at the value limit.
    ///
    /// The caller is responsible for redaction.
    #[inline]
    pub fn text(&mut self, value: &str) {
        match &mut self.out {
            Out::Json(out) if value.len() <= self.limit => {
                if !std::mem::replace(&mut self.written, true) {
                    if escape::is_clean(value) {
                        append_all(out, ["\"", value, "\""]);
                    } else {
                        escape::json_string(Shown::redacted(value), out);
                    }
                }
            }
            _ => self.cut_or_quoted(value),
        }
    }

    /// Writes text that redaction made, or a literal. Code outside `redact` calls this instead of
    /// [`text`](Self::text), which a test of the layers checks.
    #[inline]
    pub(crate) fn shown<'s>(&mut self, value: impl Into<Shown<'s>>) {
        self.text(value.into().as_str());
    }

    /// The slow path of [`text`](Self::text): text that is too long, and `Debug`.
    #[cold]
    fn cut_or_quoted(&mut self, value: &str) {
        if !self.claim() {
            return;
        }
        let cut = value.floor_char_boundary(self.limit);
        match &mut self.out {
            Out::Json(out) => {
                out.push('"');
                escape::json_text(Shown::redacted(&value[..cut]), out);
                if cut < value.len() {
                    let _ = write!(out, "…(+{} bytes)", value.len() - cut);
                }
                out.push('"');
            }
            Out::Debug { .. } => {
                let mut quoted = String::with_capacity(value.len() + 2);
                escape::json_string(Shown::redacted(value), &mut quoted);
                self.raw(&quoted);
            }
        }
    }

    /// Writes text in three pieces, of which the middle one needs no escaping.
    #[inline]
    pub(in crate::redact) fn text_of(&mut self, pieces: [&str; 3]) {
        let [first, _, last] = pieces;
        if (first.is_empty() || escape::is_clean(first))
            && (last.is_empty() || escape::is_clean(last))
        {
            self.plain_of(pieces);
        } else {
            self.text(&pieces.concat());
        }
    }

    /// Writes text in three pieces that need no escaping.
    #[inline]
    pub(in crate::redact) fn plain_of(&mut self, pieces: [&str; 3]) {
        let [first, middle, last] = pieces;
        match &mut self.out {
            Out::Json(out) if first.len() + middle.len() + last.len() <= self.limit => {
                if !std::mem::replace(&mut self.written, true) {
                    append_all(out, ["\"", first, middle, last, "\""]);
                }
            }
            _ => self.text(&pieces.concat()),
        }
    }

    /// Writes text that `write` appends. It must need neither escaping nor cutting.
    pub(in crate::redact) fn plain(&mut self, write: impl FnOnce(&mut String)) {
        self.raw_by(|out| {
            out.push('"');
            write(out);
            out.push('"');
        });
    }

    /// Claims the place for a value that `write` appends, and that is the same in JSON and in `Debug`.
    #[inline]
    fn raw_by(&mut self, write: impl FnOnce(&mut String)) {
        if !self.claim() {
            return;
        }
        match &mut self.out {
            Out::Json(out) => write(out),
            Out::Debug { .. } => self.raw_by_in_debug(write),
        }
    }

    #[cold]
    fn raw_by_in_debug(&mut self, write: impl FnOnce(&mut String)) {
        let mut text = String::new();
        write(&mut text);
        self.raw(&text);
    }

    /// Writes the `Display` form of a value as text.
    ///
    /// The caller is responsible for redaction. If formatting fails or panics, the text is `"<unprintable>"`.
    pub fn display(&mut self, value: &dyn fmt::Display) {
        self.text(&error_text::display(value));
    }

    /// Writes `"[REDACTED]"`.
    #[inline]
    pub fn redacted(&mut self) {
        if self.claim() {
            self.raw("\"[REDACTED]\"");
        }
    }

    /// Writes the keyed pseudonym of a value for the field `name`, or for the field that is written. Without a key it
    /// is `"[REDACTED]"`.
    pub(crate) fn pseudonym(&mut self, name: Option<&'static str>, value: &[u8]) {
        match hash::pseudonym(name.unwrap_or(self.name), value) {
            Some(text) => self.text(&text),
            None => self.redacted(),
        }
    }

    /// Writes JSON. The caller is responsible for its syntax and for redaction.
    pub(in crate::redact) fn raw_json(&mut self, json: &str) {
        if self.claim() {
            self.raw(json);
        }
    }

    /// Writes the name of a unit struct or variant.
    pub fn unit(&mut self, name: &str) {
        if matches!(self.out, Out::Json(_)) {
            self.text(name);
        } else if self.claim() {
            self.raw(name);
        }
    }
}

/// Returns the number in thousandths, if it has at most three decimals.
///
/// Two decimal numbers of up to 15 digits are different `f64`s, so if thousandths / 1000 gives the number again, no
/// shorter form exists. Most amounts and durations are such numbers, and a division is cheaper than searching for the
/// shortest form.
#[inline]
fn thousandths(value: f64) -> Option<u64> {
    let value = value.abs();
    // Excludes 0, which has a sign, and NaN.
    if !(0.001..1e12).contains(&value) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1e15")]
    let whole = (value * 1000.0 + 0.5) as u64;
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
