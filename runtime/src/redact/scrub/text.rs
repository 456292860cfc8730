use std::borrow::Cow;

use super::range::{HiddenRange, REDACTED};
use super::trigger::Triggers;
use super::{card, label, personal, token};
use crate::redact::{off, strict};

/// Free text without the secrets that can be known as such; borrowed where there are none.
///
/// Found are tokens (JWT, `Bearer …`, `Basic …`), private keys in PEM, keys with a well-known prefix
/// (`AKIA…`, `ghp_…`, `sk_live_…`), card numbers (issuer and check digit), credentials in URLs, and values
/// behind a name that [the key rule](crate::keys) finds sensitive: `key=value`, `key: value`,
/// `"key": "value"`, `key => value`, `("key", "value")`, `--key value`, `<key>value</key>`, `Key("value")`,
/// in plain text, in JSON inside a string and percent-encoded.
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
    looked_through(input, triggers)
}

/// Whether nothing in a text, and in none of its parts, has to be looked at.
pub(super) fn may_show(input: &str) -> bool {
    Triggers::default().next(input.as_bytes(), 0).is_none() && !strict::is_on()
}

/// Apart, so that clean text has nothing of it to carry.
#[inline(never)]
fn looked_through(input: &str, triggers: Triggers) -> Cow<'_, str> {
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

/// Appends [`text`] of the input.
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
    /// The end of the last secret: no look goes back behind it.
    floor: usize,
    /// Of `name: "password"` and `value: "…"` the first that was seen.
    half: label::Half,
    /// The last `<`.
    tag: Option<usize>,
    /// Those behind what may be names in pairs: nothing is sought at others.
    commas: Vec<usize>,
    in_vain: usize,
    triggers: Triggers,
}

impl<'a> HiddenRanges<'a> {
    fn of(text: &'a str, triggers: Triggers) -> Self {
        Self {
            text,
            at: 0,
            floor: 0,
            half: label::Half::default(),
            tag: None,
            commas: Vec::new(),
            in_vain: 0,
            triggers,
        }
    }

    /// What the bracket opens may be a pair.
    fn open(&mut self, at: usize) {
        if let Some(comma) = label::comma(self.text.as_bytes(), at) {
            self.commas.retain(|&known| known > at);
            self.commas.push(comma);
        }
    }

    /// Where the next look is taken.
    fn place(&mut self) -> Option<usize> {
        let trigger = self.triggers.next(self.text.as_bytes(), self.at);
        let to_come = |comma: &&usize| **comma >= self.at;
        match self.commas.iter().filter(to_come).min() {
            Some(&comma) if comma < trigger.unwrap_or(usize::MAX) => Some(comma),
            _ => trigger,
        }
    }

    /// Most triggers are nothing: what the bytes beside them rule out is not looked at.
    fn look(&mut self, at: usize) -> Option<HiddenRange<'a>> {
        let (text, bytes) = (self.text, self.text.as_bytes());
        let before = at.checked_sub(1).map_or(0, |before| bytes[before]);
        let behind = bytes.get(at + 1).copied().unwrap_or(0);
        match bytes[at] {
            b'=' | 0xef => label::value(text, self.floor, at, &mut self.half),
            b'`' => (before == b' ').then(|| token::echoed(text, at))?,
            b':' | b'%' => {
                let url = matches!(behind, b'/' | b'\\' | b'%' | b'u' | b'0'..=b'9');
                let url = url.then(|| token::url_credentials(text, at)).flatten();
                let echoed = || (before == b'e').then(|| token::echoed(text, at)).flatten();
                url.or_else(echoed).or_else(|| label::value(text, self.floor, at, &mut self.half))
            }
            b'<' => {
                self.tag = Some(at);
                None
            }
            b'>' => label::element(text, self.floor, self.tag?, at),
            b',' => label::tuple(text, self.floor, at, &mut self.in_vain),
            opener @ (b'(' | b'[') => {
                self.open(at);
                (opener == b'(').then(|| label::constructor(text, self.floor, at))?
            }
            b'{' => label::constructor(text, self.floor, at),
            b'-' if behind == b'-' && before != b'-' => token::private_key(text, at)
                .or_else(|| token::prefixed(text, at))
                .or_else(|| label::flag(text, at)),
            b'-' | b'_' | b'.' => token::prefixed(text, at),
            b'J' if before == b'y' => token::jwt(text, at),
            b'I' if matches!(before, b'A' | b'B' | b'K' | b'S') => token::cloud_key(text, at),
            b'B' | b'b' => token::scheme(text, at),
            b'0'..=b'9' => {
                // A run of digits is looked at once, from its start.
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
        while let Some(at) = self.place() {
            self.at = at + 1;
            if let Some(secret) = self.look(at).filter(|secret| secret.start >= self.floor) {
                // Where somebody's input opened what it does not close, a later line closes it, and is looked at by
                // itself: it may hold another secret. No line is met so more than twice.
                let hidden = &bytes[secret.start..secret.end];
                let line = hidden.iter().rposition(|&byte| byte == b'\n');
                self.floor = line.map_or(secret.end, |line| secret.start + line + 1);
                self.at = self.floor.max(self.at);
                // A bracket at the end of what was hidden.
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
