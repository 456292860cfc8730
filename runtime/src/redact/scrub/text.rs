//! Scrubs free text: the scanner looks at the text and at each [view](super::view) of it, and the ranges that it finds are
//! hidden.

use std::borrow::Cow;

use super::range::{HiddenBy, HiddenRange, REDACTED};
use super::scan::Scanner;
use super::view::View;
use super::{personal, trigger};
use crate::redact::{counted, off, strict};

/// Replaces the secrets in free text with `[REDACTED]`; borrowed if there are none.
///
/// It finds
///
/// - tokens (JWT, `Bearer …`, `Basic …`), private keys in PEM, and keys with a well-known prefix (`AKIA…`, `ghp_…`,
///   `sk_live_…`);
/// - card numbers (by issuer and check digit) and credentials in URLs;
/// - values after a name that [the key rule](crate::keys) finds sensitive: `key=value`, `key: value`,
///   `"key": "value"`, `key => value`, `("key", "value")`, `--key value`, `<key>value</key>` and `Key("value")`;
/// - all of these also if they are escaped: in JSON or `Debug` output inside a string, percent-encoded, or as XML
///   entities.
///
/// ```
/// use candor::scrub::text;
///
/// assert_eq!(text("connecting to postgres://app:s3cret@db/orders"), "connecting to postgres://[REDACTED]@db/orders");
/// assert_eq!(text(r#"Login { user: 7, password: Some("x") }"#), "Login { user: 7, password: [REDACTED] }");
/// assert!(matches!(text("took 12ms"), std::borrow::Cow::Borrowed(_)));
/// ```
pub fn text(input: &str) -> Cow<'_, str> {
    if off::is_off() {
        return input.into();
    }
    if is_clean(input) { Cow::Borrowed(input) } else { scrubbed(input) }
}

/// Whether no part of the text can be a secret, and strict mode is off.
pub(super) fn is_clean(input: &str) -> bool {
    trigger::is_clean(input.as_bytes()) && !strict::is_on()
}

/// A function of its own, so that [`text`] stays small for clean text.
#[inline(never)]
fn scrubbed(input: &str) -> Cow<'_, str> {
    let hidden = hidden_ranges(input);
    if hidden.is_empty() {
        return Cow::Borrowed(input);
    }
    let mut out = String::with_capacity(input.len());
    splice(input, &hidden, &mut out);
    Cow::Owned(out)
}

/// Appends [`text`] of the input to `out`.
pub(crate) fn text_into(input: &str, out: &mut String) {
    if off::is_off() || is_clean(input) {
        return out.push_str(input);
    }
    splice(input, &hidden_ranges(input), out);
}

/// Whether [`text`] leaves the text as it is. Nothing is counted.
pub(crate) fn is_unaltered(input: &str) -> bool {
    off::is_off() || is_clean(input) || hidden_ranges(input).is_empty()
}

/// Returns what is hidden, in order: in the text as it is, and in its views.
fn hidden_ranges(input: &str) -> Vec<HiddenRange> {
    let mut scanner = Scanner::new(input);
    let mut hidden: Vec<HiddenRange> = scanner.by_ref().collect();
    let has_escapes = scanner.has_escapes();
    if strict::is_on() {
        hidden.extend(personal::ranges(input));
    }
    if has_escapes {
        for views in View::all(input) {
            for depth in 0..views.len() {
                hidden.extend(ranges_of_view(&views[..=depth]));
            }
        }
    }
    // A secret that is found several times, for example at several levels, is hidden once, as widely as it was found.
    if hidden.len() > 1 {
        hidden.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    }
    hidden
}

/// Returns what the last view shows, as ranges of the text that the first one was made of.
fn ranges_of_view(views: &[View]) -> Vec<HiddenRange> {
    let Some(view) = views.last() else { return Vec::new() };
    let original = |(start, end)| {
        let one_level = |(start, end), view: &View| view.original(start, end);
        views.iter().rev().fold((start, end), one_level)
    };
    let personal = if strict::is_on() { personal::ranges(&view.text) } else { Vec::new() };
    let found = Scanner::new(&view.text).chain(personal);
    found
        .map(|range| {
            let (start, end) = original((range.start, range.end));
            // An empty range at a removed colour begins after the colour and ends before it.
            let end = end.max(start);
            let reason = match range.reason {
                HiddenBy::Name(start, end) => {
                    let (start, end) = original((start, end));
                    HiddenBy::Name(start, end)
                }
                reason @ HiddenBy::Detector(_) => reason,
            };
            HiddenRange { start, end, quote: range.quote.map(original), reason }
        })
        .collect()
}

/// Appends the text, with [`REDACTED`] in place of each range. Ranges are in the order of their start; overlapping ones
/// are hidden as one.
fn splice(input: &str, hidden: &[HiddenRange], out: &mut String) {
    let mut copied = 0;
    for range in hidden {
        if range.start < copied {
            copied = range.end.max(copied);
            continue;
        }
        count(input, range);
        let quote = range.quote.map_or("", |(start, end)| &input[start..end]);
        out.push_str(&input[copied..range.start]);
        out.push_str(quote);
        out.push_str(REDACTED);
        out.push_str(quote);
        copied = range.end;
    }
    out.push_str(&input[copied..]);
}

/// Counts one `[REDACTED]`. One that an earlier pass wrote was counted then.
fn count(input: &str, range: &HiddenRange) {
    if input.get(range.start..range.end) == Some(REDACTED) {
        return;
    }
    match range.reason {
        HiddenBy::Detector(detector) => counted::detector(detector),
        HiddenBy::Name(start, end) => counted::name(input.get(start..end).unwrap_or_default()),
    }
}
