use std::borrow::Cow;

use super::range::{HiddenRange, REDACTED};
use super::trigger::Triggers;
use super::{card, label, personal, token};
use crate::redact::{off, strict};

/// Replaces the secrets in free text by `[REDACTED]`; borrowed if there are none.
///
/// It finds
///
/// - tokens (JWT, `Bearer …`, `Basic …`), private keys in PEM, and keys with a well-known prefix (`AKIA…`, `ghp_…`,
///   `sk_live_…`);
/// - card numbers (by issuer and check digit) and credentials in URLs;
/// - values after a name that [the key rule](crate::keys) finds sensitive: `key=value`, `key: value`,
///   `"key": "value"`, `key => value`, `("key", "value")`, `--key value`, `<key>value</key>` and `Key("value")`, in
///   plain text, in JSON inside a string and percent-encoded.
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
    let mut triggers = Triggers::default();
    if triggers.next(input.as_bytes(), 0).is_none() && !strict::is_on() {
        return Cow::Borrowed(input);
    }
    scrubbed(input, triggers)
}

/// Whether no part of the text can be a secret, and strict mode is off.
pub(super) fn is_clean(input: &str) -> bool {
    Triggers::default().next(input.as_bytes(), 0).is_none() && !strict::is_on()
}

/// A function of its own, so that [`text`] stays small for clean text.
#[inline(never)]
fn scrubbed(input: &str, triggers: Triggers) -> Cow<'_, str> {
    let mut secrets = HiddenRanges::of(input, triggers);
    let shown = match secrets.next() {
        Some(first) => {
            let mut out = String::with_capacity(input.len());
            splice(input, std::iter::once(first).chain(secrets), &mut out);
            Cow::Owned(out)
        }
        None => Cow::Borrowed(input),
    };
    if strict::is_on() { personal::hide(shown) } else { shown }
}

/// Appends [`text`] of the input to `out`.
pub(crate) fn text_into(input: &str, out: &mut String) {
    if strict::is_on() || off::is_off() {
        return out.push_str(&text(input));
    }
    let mut triggers = Triggers::default();
    if triggers.next(input.as_bytes(), 0).is_none() {
        return out.push_str(input);
    }
    splice(input, HiddenRanges::of(input, triggers), out);
}

fn splice<'a>(input: &'a str, secrets: impl Iterator<Item = HiddenRange<'a>>, out: &mut String) {
    let mut copied = 0;
    for secret in secrets {
        if secret.start < copied {
            copied = secret.end.max(copied);
            continue;
        }
        out.push_str(&input[copied..secret.start]);
        out.push_str(secret.quotes);
        out.push_str(REDACTED);
        out.push_str(secret.quotes);
        copied = secret.end;
    }
    out.push_str(&input[copied..]);
}

struct HiddenRanges<'a> {
    text: &'a str,
    at: usize,
    /// The end of the last hidden range: names are not searched for before it.
    floor: usize,
    /// The half of a pair that came first: `name: "password"` or `value: "…"`.
    half: label::HalfPair,
    /// Position of the last `<`.
    tag: Option<usize>,
    /// Commas inside possible pairs, which are inspected like triggers; other commas are skipped.
    commas: Vec<usize>,
    wasted: usize,
    triggers: Triggers,
}

impl<'a> HiddenRanges<'a> {
    fn of(text: &'a str, triggers: Triggers) -> Self {
        Self {
            text,
            at: 0,
            floor: 0,
            half: label::HalfPair::default(),
            tag: None,
            commas: Vec::new(),
            wasted: 0,
            triggers,
        }
    }

    /// Notes the comma of the possible pair that the bracket at `at` opens.
    fn open(&mut self, at: usize) {
        if let Some(comma) = label::comma(self.text.as_bytes(), at) {
            self.commas.retain(|&known| known > at);
            self.commas.push(comma);
        }
    }

    /// Returns the next position to inspect.
    fn next_position(&mut self) -> Option<usize> {
        let trigger = self.triggers.next(self.text.as_bytes(), self.at);
        let to_come = |comma: &&usize| **comma >= self.at;
        match self.commas.iter().filter(to_come).min() {
            Some(&comma) if comma < trigger.unwrap_or(usize::MAX) => Some(comma),
            _ => trigger,
        }
    }

    /// Returns the secret at the trigger `at`. The bytes beside a trigger rule out most of them.
    fn inspect(&mut self, at: usize) -> Option<HiddenRange<'a>> {
        let (text, bytes) = (self.text, self.text.as_bytes());
        let before = at.checked_sub(1).map_or(0, |before| bytes[before]);
        let after = bytes.get(at + 1).copied().unwrap_or(0);
        match bytes[at] {
            b'=' | 0xef => label::value(text, self.floor, at, &mut self.half),
            b'`' => (before == b' ').then(|| token::serde_echo(text, at))?,
            b':' | b'%' => {
                let url = matches!(after, b'/' | b'\\' | b'%' | b'u' | b'0'..=b'9');
                let url = url.then(|| token::url_credentials(text, at)).flatten();
                let echoed = || (before == b'e').then(|| token::serde_echo(text, at)).flatten();
                url.or_else(echoed).or_else(|| label::value(text, self.floor, at, &mut self.half))
            }
            b'<' => {
                self.tag = Some(at);
                None
            }
            b'>' => label::element(text, self.floor, self.tag?, at),
            b',' => label::tuple(text, self.floor, at, &mut self.wasted),
            opener @ (b'(' | b'[') => {
                self.open(at);
                (opener == b'(').then(|| label::constructor(text, self.floor, at))?
            }
            b'{' => label::constructor(text, self.floor, at),
            b'-' if after == b'-' && before != b'-' => token::private_key(text, at)
                .or_else(|| token::prefixed(text, at))
                .or_else(|| label::flag(text, at)),
            b'-' | b'_' | b'.' => token::prefixed(text, at),
            b'J' if before == b'y' => token::jwt(text, at),
            b'I' if matches!(before, b'A' | b'B' | b'K' | b'S') => token::cloud_key(text, at),
            b'B' | b'b' => token::scheme(text, at),
            b'0'..=b'9' => {
                // A run of digits is checked once, from its start.
                self.at = at + bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                card::number(bytes, at).map(|end| HiddenRange::new(at, end))
            }
            _ => None,
        }
    }
}

impl<'a> Iterator for HiddenRanges<'a> {
    type Item = HiddenRange<'a>;

    fn next(&mut self) -> Option<HiddenRange<'a>> {
        let bytes = self.text.as_bytes();
        while let Some(at) = self.next_position() {
            self.at = at + 1;
            if let Some(secret) = self.inspect(at).filter(|secret| secret.start >= self.floor) {
                // User input may open a quote or bracket that a later line closes. That line may hold another
                // secret, so it is inspected again; no line is inspected more than twice.
                let hidden = &bytes[secret.start..secret.end];
                let line = hidden.iter().rposition(|&byte| byte == b'\n');
                self.floor = line.map_or(secret.end, |line| secret.start + line + 1);
                self.at = self.floor.max(self.at);
                // The hidden range ends with an open bracket.
                if matches!(bytes[self.floor - 1], b'(' | b'[') {
                    self.open(self.floor - 1);
                }
                return Some(secret);
            }
        }
        self.at = bytes.len();
        None
    }
}
