//! One walk over a value, three outputs: JSON into a line, Rust's `Debug` notation, and JSON behind
//! a `Debug` that candor's layer asked for.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{DebugOf, Loggable};
use crate::caught::caught;
use crate::{escape, keys, policy};

/// What stands for a value whose own formatting panicked or failed.
pub(crate) const UNPRINTABLE: &str = "<unprintable>";

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
    out: Out<'a>,
    /// Texts longer than this many bytes are cut.
    limit: usize,
    written: bool,
}

enum Out<'a> {
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

    pub(crate) fn json(out: &'a mut String, limit: usize) -> Self {
        Encoder { out: Out::Json(out), limit, written: false }
    }

    pub(crate) fn debug_value<T: Loggable + ?Sized>(
        value: &T,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let pretty = f.alternate();
        let mut result = Ok(());
        let mut encoder = Encoder {
            out: Out::Debug { to: f, pretty, result: &mut result },
            limit: usize::MAX,
            written: false,
        };
        encoder.value(value);
        result
    }

    /// Writes a loggable value in full.
    pub fn value<T: Loggable + ?Sized>(&mut self, value: &T) {
        value.log(self);
        self.end();
    }

    /// A place that got no value holds `null`.
    #[inline]
    fn end(&mut self) {
        if !self.written {
            self.null();
        }
    }

    /// Whether this place is still free; from now on it is not.
    #[inline]
    fn claim(&mut self) -> bool {
        !std::mem::replace(&mut self.written, true)
    }

    /// Writes text that is the same in JSON and in Debug.
    #[inline]
    fn raw(&mut self, text: &str) {
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
    pub fn null(&mut self) {
        if self.claim() {
            let text = if matches!(self.out, Out::Json(_)) { "null" } else { "None" };
            self.raw(text);
        }
    }

    /// Writes a boolean.
    pub fn bool(&mut self, value: bool) {
        if self.claim() {
            self.raw(if value { "true" } else { "false" });
        }
    }

    /// Writes an unsigned integer.
    pub fn u64(&mut self, value: u64) {
        self.number(itoa::Buffer::new().format(value));
    }

    /// Writes a signed integer.
    pub fn i64(&mut self, value: i64) {
        self.number(itoa::Buffer::new().format(value));
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
        if value.is_finite() {
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

    fn number(&mut self, digits: &str) {
        if self.claim() {
            self.raw(digits);
        }
    }

    /// Writes text as it is, escaped and cut at the limit for one value.
    ///
    /// It is for text that a decision has already been made about.
    pub fn text(&mut self, value: &str) {
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

    /// Writes text that comes in pieces.
    pub(crate) fn text_of(&mut self, pieces: [&str; 3]) {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        match &mut self.out {
            Out::Json(out) if length <= self.limit && !self.written => {
                self.written = true;
                out.push('"');
                for piece in pieces {
                    escape::json_text(piece, out);
                }
                out.push('"');
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
        match caught(|| write!(text, "{value}")) {
            Some(Ok(())) => self.text(&text),
            _ => self.text(UNPRINTABLE),
        }
    }

    /// Writes `"[REDACTED]"`.
    pub fn redacted(&mut self) {
        if self.claim() {
            self.raw("\"[REDACTED]\"");
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

    /// Writes a struct or struct variant: `{"a":1}`, in Debug `Name { a: 1 }`.
    pub fn object(&mut self, name: &str, fill: impl FnOnce(&mut Object<'_, 'a>)) {
        if !self.claim() {
            return;
        }
        let json = matches!(self.out, Out::Json(_));
        self.raw(if json { "{" } else { name });
        let mut object = Object { encoder: self, filled: false };
        fill(&mut object);
        let filled = object.filled;
        if json {
            self.raw("}");
        } else if filled {
            self.raw(if self.is_pretty() { ",\n}" } else { " }" });
        }
    }

    /// Writes a tuple struct or variant: `[1,2]`, in Debug `Name(1, 2)`.
    ///
    /// Where the deployment declared the name sensitive, the values are hidden.
    pub fn tuple(&mut self, name: &str, fill: impl FnOnce(&mut List<'_, 'a>)) {
        if keys::added_by_deployment(name) {
            return self.newtype(name, &policy::Secret);
        }
        if matches!(self.out, Out::Json(_)) {
            return self.list(fill);
        }
        if self.claim() {
            self.raw(name);
            let mut list = List { encoder: self, open: "(", filled: false };
            fill(&mut list);
            if list.filled {
                self.close(")");
            }
        }
    }

    /// Writes a struct around one value: the value alone, in Debug `Name(1)`.
    ///
    /// Where the deployment declared the name sensitive, the value is hidden.
    pub fn newtype<T: Loggable + ?Sized>(&mut self, name: &str, value: &T) {
        self.only(name, |slot| slot.value(value));
    }

    /// The place of the value in a [newtype](Self::newtype).
    #[doc(hidden)]
    pub fn only(&mut self, name: &str, fill: impl FnOnce(Slot<'_, 'a>)) {
        if !self.claim() {
            return;
        }
        let hidden = keys::added_by_deployment(name);
        if matches!(self.out, Out::Json(_)) {
            return fill(Slot { encoder: self, name: "", hidden });
        }
        self.raw(name);
        let mut list = List { encoder: self, open: "(", filled: false };
        fill(Slot { hidden, ..list.slot() });
        self.close(")");
    }

    /// Writes a variant with content: `{"Variant":…}`, in Debug what `fill` writes, which names the
    /// variant itself.
    ///
    /// Where the deployment declared the name sensitive, the content is hidden.
    pub fn variant(&mut self, name: &str, fill: impl FnOnce(&mut Encoder<'_>)) {
        if !self.claim() {
            return;
        }
        let hidden = keys::added_by_deployment(name);
        match &mut self.out {
            Out::Json(out) => {
                out.push('{');
                escape::json_string(name, out);
                out.push(':');
                let mut inner = Encoder { out: Out::Json(out), limit: self.limit, written: false };
                if hidden {
                    inner.redacted();
                } else {
                    fill(&mut inner);
                    inner.end();
                }
                out.push('}');
            }
            Out::Debug { to, pretty, result } => {
                let mut inner = Encoder {
                    out: Out::Debug { to: *to, pretty: *pretty, result },
                    limit: self.limit,
                    written: false,
                };
                if hidden {
                    inner.newtype(name, &policy::Secret);
                } else {
                    fill(&mut inner);
                    if inner.claim() {
                        inner.raw(name);
                    }
                }
            }
        }
    }

    /// Writes a list.
    pub fn list(&mut self, fill: impl FnOnce(&mut List<'_, 'a>)) {
        if !self.claim() {
            return;
        }
        self.raw("[");
        let mut list = List { encoder: self, open: "", filled: false };
        fill(&mut list);
        if list.filled {
            self.close("]");
        } else {
            self.raw("]");
        }
    }

    /// Writes a map; keys are values too, written as text.
    pub fn map(&mut self, fill: impl FnOnce(&mut Map<'_, 'a>)) {
        if !self.claim() {
            return;
        }
        self.raw("{");
        let mut map = Map { encoder: self, filled: false, quoted: Vec::new() };
        fill(&mut map);
        if map.filled {
            self.close("}");
        } else {
            self.raw("}");
        }
    }

    /// Ends a group that has entries; in `{:#?}` each of them, the last one too, ends with a comma.
    fn close(&mut self, close: &str) {
        if self.is_pretty() {
            self.raw(",\n");
        }
        self.raw(close);
    }

    fn is_pretty(&self) -> bool {
        matches!(self.out, Out::Debug { pretty: true, .. })
    }

    /// What stands before an entry of a group: its opening before the first one, a comma before the
    /// others; `blank` is what Debug has between an opening and its first entry on the same line.
    fn separate(&mut self, filled: &mut bool, open: &str, blank: &str) {
        let first = !std::mem::replace(filled, true);
        if matches!(self.out, Out::Json(_)) {
            if !first {
                self.raw(",");
            }
            return;
        }
        match (first, self.is_pretty()) {
            (true, pretty) => {
                self.raw(open);
                self.raw(if pretty { "\n" } else { blank });
            }
            (false, true) => self.raw(",\n"),
            (false, false) => self.raw(", "),
        }
    }

    /// One value inside a group, in Debug with its name; in `{:#?}` it is indented by four blanks.
    #[inline]
    fn inner<T: Loggable + ?Sized>(&mut self, name: &str, value: &T) {
        if let Out::Json(_) = self.out {
            // The group has claimed its place already, so the mark is free for what it holds.
            self.written = false;
            self.value(value);
        } else {
            self.inner_debug(name, &DebugOf(value));
        }
    }

    fn inner_debug(&mut self, name: &str, value: &dyn fmt::Debug) {
        let Out::Debug { to, pretty, result } = &mut self.out else { return };
        if result.is_err() {
            return;
        }
        let colon = if name.is_empty() { "" } else { ": " };
        **result = if *pretty {
            write!(Indented { to: *to, at_start: true }, "{name}{colon}{value:#?}")
        } else {
            write!(to, "{name}{colon}{value:?}")
        };
    }
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
pub(crate) fn cut_mark(missing: usize, out: &mut String) {
    let _ = write!(out, "…(+{missing} bytes)");
}

/// The fields of a struct, filled by [`Encoder::object`].
pub struct Object<'e, 'a> {
    encoder: &'e mut Encoder<'a>,
    filled: bool,
}

impl fmt::Debug for Object<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").finish_non_exhaustive()
    }
}

impl<'a> Object<'_, 'a> {
    /// Writes a field. Where the deployment declared its name sensitive, the value is hidden.
    pub fn field<T: Loggable + ?Sized>(&mut self, name: &str, value: &T) {
        let hidden = keys::added_by_deployment(name);
        self.encoder.separate(&mut self.filled, " {", " ");
        if let Out::Json(out) = &mut self.encoder.out {
            escape::json_string(name, out);
            out.push(':');
        }
        Slot { encoder: self.encoder, name, hidden }.value(value);
    }

    /// The place of a field whose name a macro knows: `key` is that name as JSON between a comma and
    /// a colon, ready to be written, and `other_name` the one it has in the code, if that differs.
    #[doc(hidden)]
    #[expect(clippy::inline_always, reason = "copying a key of known length takes no call")]
    #[inline(always)]
    pub fn slot<'s>(&'s mut self, key: &'s str, other_name: &str) -> Slot<'s, 'a> {
        let name = &key[2..key.len() - 2];
        let hidden = keys::added_by_deployment(name)
            || !other_name.is_empty() && keys::added_by_deployment(other_name);
        match &mut self.encoder.out {
            Out::Json(out) if self.filled => out.push_str(key),
            Out::Json(out) => out.push_str(&key[1..]),
            Out::Debug { .. } => self.encoder.separate(&mut self.filled, " {", " "),
        }
        self.filled = true;
        Slot { encoder: self.encoder, name, hidden }
    }
}

/// The place of one value inside a struct or list.
#[doc(hidden)]
pub struct Slot<'e, 'a> {
    encoder: &'e mut Encoder<'a>,
    /// What stands before the value in Debug; in JSON it is written already.
    name: &'e str,
    hidden: bool,
}

impl fmt::Debug for Slot<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}

impl Slot<'_, '_> {
    /// Writes the value.
    #[inline]
    pub fn value<T: Loggable + ?Sized>(self, value: &T) {
        let Slot { encoder, name, hidden } = self;
        if hidden {
            encoder.inner(name, &policy::Secret);
        } else {
            encoder.inner(name, value);
        }
    }
}

/// The items of a list, filled by [`Encoder::list`].
pub struct List<'e, 'a> {
    encoder: &'e mut Encoder<'a>,
    /// What Debug writes before the first item.
    open: &'static str,
    filled: bool,
}

impl fmt::Debug for List<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").finish_non_exhaustive()
    }
}

impl<'a> List<'_, 'a> {
    /// Writes an item.
    pub fn item<T: Loggable + ?Sized>(&mut self, value: &T) {
        self.slot().value(value);
    }

    /// The place of the next item.
    #[doc(hidden)]
    pub fn slot(&mut self) -> Slot<'_, 'a> {
        self.encoder.separate(&mut self.filled, self.open, "");
        Slot { encoder: self.encoder, name: "", hidden: false }
    }
}

/// The entries of a map, filled by [`Encoder::map`].
pub struct Map<'e, 'a> {
    encoder: &'e mut Encoder<'a>,
    filled: bool,
    /// Keys so far that are text in themselves: two values may show the same text, and a key must
    /// not appear twice.
    quoted: Vec<String>,
}

impl fmt::Debug for Map<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").finish_non_exhaustive()
    }
}

impl Map<'_, '_> {
    /// Writes an entry. A value under a sensitive key is hidden.
    pub fn entry<K: Loggable + ?Sized, V: Loggable + ?Sized>(&mut self, key: &K, value: &V) {
        let Map { encoder, filled, quoted } = self;
        encoder.separate(filled, "", "");
        let mut debug_name = String::new();
        let (out, json) = match &mut encoder.out {
            Out::Json(out) => (&mut **out, true),
            Out::Debug { .. } => (&mut debug_name, false),
        };
        let from = out.len();
        write_key(key, out, quoted);
        let hidden = keys::hides(&out[from + 1..out.len() - 1]);
        if json {
            out.push(':');
        }
        Slot { encoder, name: &debug_name, hidden }.value(value);
    }
}

/// Appends a key as JSON text, whatever the key is.
fn write_key<K: Loggable + ?Sized>(key: &K, out: &mut String, quoted: &mut Vec<String>) {
    let from = out.len();
    Encoder::json(out, usize::MAX).value(key);
    if !out[from..].contains('"') {
        out.insert(from, '"');
        out.push('"');
    } else if out[from..].starts_with('"') {
        while quoted.iter().any(|other| other == &out[from..]) {
            out.insert(out.len() - 1, '_');
        }
        quoted.push(out[from..].to_owned());
    } else {
        let json = out.split_off(from);
        escape::json_string(&json, out);
    }
}

/// Puts four blanks before every line, as `{:#?}` does.
struct Indented<'a> {
    to: &'a mut dyn fmt::Write,
    at_start: bool,
}

impl fmt::Write for Indented<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for line in text.split_inclusive('\n') {
            if self.at_start {
                self.to.write_str("    ")?;
            }
            self.to.write_str(line)?;
            self.at_start = line.ends_with('\n');
        }
        Ok(())
    }
}

/// Runs `write`, which appends one JSON value; what panics leaves `"<unprintable>"` instead.
pub(crate) fn guarded(out: &mut String, write: impl FnOnce(&mut String)) {
    let from = out.len();
    if caught(|| write(out)).is_none() {
        out.truncate(from);
        escape::json_string(UNPRINTABLE, out);
    }
}

thread_local! {
    /// Whether candor's visitor waits for JSON on this thread.
    static ASKED: Cell<bool> = const { Cell::new(false) };
    /// The JSON that a loggable value wrote when it was asked.
    static ANSWER: Cell<Option<String>> = const { Cell::new(None) };
}

/// The agreement between candor's visitor, which gets a `&dyn Debug`, and the `Debug` of a loggable
/// type behind it: JSON was asked for, and is all that came.
pub(crate) struct NestedDebug;

/// A question, which is taken back also where the value panics.
struct Asking;

impl Asking {
    fn begin() -> Self {
        let _ = ANSWER.try_with(Cell::take);
        let _ = ASKED.try_with(|asked| asked.set(true));
        Asking
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let _ = ASKED.try_with(|asked| asked.set(false));
    }
}

impl NestedDebug {
    /// Formats into `out`, which is empty; true where what came is one JSON value.
    pub(crate) fn format(value: &dyn fmt::Debug, out: &mut String) -> Result<bool, fmt::Error> {
        {
            let _asking = Asking::begin();
            write!(out, "{value:?}")?;
        }
        let Some(answer) = ANSWER.try_with(Cell::take).ok().flatten() else { return Ok(false) };
        // A wrapper that changed or added something made other text of it.
        if *out == answer {
            return Ok(true);
        }
        out.clear();
        write!(out, "{value:?}")?;
        Ok(false)
    }

    /// `Debug` of a loggable type: JSON where candor asked for it; whether it is all of the
    /// output, [`format`](Self::format) finds out.
    pub(crate) fn fmt<T: Loggable + ?Sized>(value: &T, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = ASKED.try_with(|asked| asked.replace(false)).unwrap_or(false);
        if !asked {
            return Encoder::debug_value(value, f);
        }
        let json = super::to_json(value);
        f.write_str(&json)?;
        let _ = ANSWER.try_with(|answer| answer.set(Some(json)));
        Ok(())
    }
}
