use std::borrow::Cow;

use super::{REDACTED, card, label, personal, token};
use crate::{off, strict};

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
    let shown = without_secrets(input);
    if strict::is_on() { personal::hide(shown) } else { shown }
}

fn without_secrets(input: &str) -> Cow<'_, str> {
    let mut secrets = Secrets::of(input).peekable();
    if secrets.peek().is_none() {
        return Cow::Borrowed(input);
    }
    let mut out = String::with_capacity(input.len());
    splice(input, secrets, &mut out);
    Cow::Owned(out)
}

/// Appends [`text`] of the input.
pub(crate) fn text_into(input: &str, out: &mut String) {
    if strict::is_on() || off::is_off() {
        return out.push_str(&text(input));
    }
    splice(input, Secrets::of(input), out);
}

fn splice<'a>(input: &'a str, secrets: impl Iterator<Item = Secret<'a>>, out: &mut String) {
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

/// A stretch of the text that must not be seen.
pub(super) struct Secret<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Put around the replacement, so that `"pin":1234` stays JSON.
    pub(super) quotes: &'a str,
}

impl Secret<'_> {
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self { start, end, quotes: "" }
    }
}

/// Every kind of secret has a character that clean text has rarely; only there a closer look is taken.
/// A look goes back a bounded way, and forward either a bounded way or over what it then hides, which
/// keeps the whole linear.
const TRIGGERS: [bool; 256] = {
    let mut triggers = [false; 256];
    let bytes = b"=:%,>-_.({`JIBb0123456789";
    let mut at = 0;
    while at < bytes.len() {
        triggers[bytes[at] as usize] = true;
        at += 1;
    }
    triggers
};

/// How far the text is clean; nothing where it is to its end. Eight bytes a step, since most text is.
fn clean_len(bytes: &[u8]) -> Option<usize> {
    let triggers = |byte: &u8| TRIGGERS[usize::from(*byte)];
    let clean = bytes
        .chunks_exact(8)
        .take_while(|chunk| !chunk.iter().fold(false, |any, byte| any | triggers(byte)))
        .count()
        * 8;
    Some(clean + bytes[clean..].iter().position(triggers)?)
}

struct Secrets<'a> {
    text: &'a str,
    at: usize,
    /// The end of the last secret: no look goes back behind it.
    floor: usize,
    /// A `name: "password"` was seen, so the `value` that follows is one.
    named: bool,
}

impl<'a> Secrets<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, at: 0, floor: 0, named: false }
    }

    fn look(&mut self, at: usize) -> Option<Secret<'a>> {
        let (text, bytes) = (self.text, self.text.as_bytes());
        match bytes[at] {
            b'=' => label::value(text, self.floor, at, &mut self.named),
            b'`' => token::echoed(text, at),
            b':' | b'%' => token::url_credentials(text, at)
                .or_else(|| token::echoed(text, at))
                .or_else(|| label::value(text, self.floor, at, &mut self.named)),
            b',' => label::tuple(text, self.floor, at),
            b'>' => label::element(text, self.floor, at),
            b'(' | b'{' => label::constructor(text, self.floor, at),
            b'-' => token::private_key(text, at)
                .or_else(|| token::prefixed(text, at))
                .or_else(|| label::flag(text, at)),
            b'_' | b'.' => token::prefixed(text, at),
            b'J' => token::jwt(text, at),
            b'I' => token::cloud_key(text, at),
            b'B' | b'b' => token::scheme(text, at),
            _ => {
                // A run of digits is looked at once, from its start.
                self.at = at + bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                card::number(bytes, at).map(|end| Secret::new(at, end))
            }
        }
    }
}

impl<'a> Iterator for Secrets<'a> {
    type Item = Secret<'a>;

    fn next(&mut self) -> Option<Secret<'a>> {
        let bytes = self.text.as_bytes();
        while let Some(clean) = clean_len(&bytes[self.at..]) {
            let at = self.at + clean;
            self.at = at + 1;
            if let Some(secret) = self.look(at).filter(|secret| secret.start >= self.floor) {
                // Where somebody's input opened what it does not close, a later line closes it, and is looked at by
                // itself: it may hold another secret. No line is met so more than twice.
                let hidden = &bytes[secret.start..secret.end];
                let line = hidden.iter().rposition(|&byte| byte == b'\n');
                self.floor = line.map_or(secret.end, |line| secret.start + line + 1);
                self.at = self.floor.max(self.at);
                return Some(secret);
            }
        }
        self.at = bytes.len();
        None
    }
}
