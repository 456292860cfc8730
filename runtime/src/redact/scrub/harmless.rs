//! Values after a sensitive name that are not secrets: states (`password: missing`), types (`token: String`), counts
//! (`secrets: 0 found`), placeholders (`password = $1`).
//!
//! The lists are closed, so that a value that is merely a word stays hidden.

use super::name::{FoundName, Separator, is_one_of};
use super::range::run;
use super::value::{is_auth_scheme, is_scheme, label_follows};
use crate::redact::keys::hides;

/// Words that are never a password.
#[rustfmt::skip]
const STATES: [&str; 52] = [
    "true", "false", "yes", "no", "none", "null", "nil", "undefined", "unset", "empty", "missing", "absent", "invalid",
    "expired", "required", "optional", "denied", "failed", "rejected", "refused", "accepted", "enabled", "disabled",
    "unknown", "unchanged", "changed", "updated", "revoked", "rotated", "opened", "closed", "unauthorized", "expected",
    "not", "must", "cannot", "could", "&str", "str", "string", "string!", "bool", "boolean", "int", "integer", "number",
    "bytes", "field", "header", "this", "please", "required!",
];

/// Methods of authentication and types of tokens, for names such as `auth` and `token`.
#[rustfmt::skip]
const METHODS: [&str; 30] = [
    "simple", "basic", "bearer", "digest", "kerberos", "negotiate", "ntlm", "oauth", "oauth2", "mtls", "tls", "ldap",
    "saml", "scram", "scram-sha-256", "md5", "trust", "peer", "ident", "jwt", "require", "write", "read", "all", "any",
    "token", "ok", "success", "succeeded", "started",
];

/// Names of one word that say little by themselves.
const WEAK: [&str; 9] =
    ["auth", "oauth", "oauth2", "session", "sid", "pin", "token", "tokens", "pass"];

/// Plurals of secrets that consist of digits, so that a number after them is not a count.
const CODES: [&str; 5] = ["codes", "pins", "otps", "cvvs", "cvcs"];

/// Whether the separator does not separate a name and its value: `passwd[5121]: …` is a process,
/// `/run/secrets:/run/secrets:ro` a volume, and `token=Token(17)` a number of mio.
pub(super) fn is_no_pair(name: &FoundName<'_>, separator: &Separator, start: usize) -> bool {
    let bytes = name.bytes;
    let value = &bytes[start..];
    let is_process = || {
        name.text.strip_suffix(']').and_then(|name| name.split_once('[')).is_some_and(
            |(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()),
        )
    };
    let is_volume = || {
        let is_path = bytes[..name.start].ends_with(b"/") && separator.end == start;
        is_path
            && (value.starts_with(b"/")
                || [&b"ro"[..], b"rw"].contains(&&value[..run(value, 0, |byte| byte > b' ')]))
    };
    let is_number = || {
        let number = value.strip_prefix(b"Token(").unwrap_or_default();
        let digits = run(number, 0, |byte| byte.is_ascii_digit());
        name.text == "token" && digits > 0 && number.get(digits) == Some(&b')')
    };
    // `pam_unix(sshd:session)`, `urn:ietf:params:oauth:…`, and `WARNING:django.csrf:…` as Python logs.
    let is_other = || {
        const FARTHEST: usize = 64;
        let head = &bytes[name.start.saturating_sub(FARTHEST)..name.start];
        let word = head.iter().rposition(|&byte| byte <= b' ').map_or(head, |at| &head[at + 1..]);
        word.starts_with(b"urn:")
            || word.starts_with(b"pam_") && word.ends_with(b"(")
            || [&b"DEBUG:"[..], b"INFO:", b"WARNING:", b"ERROR:", b"CRITICAL:"].contains(&word)
    };
    separator.colon && (is_process() || is_volume() || is_other()) || is_number()
}

/// The number of bytes by which a value is judged.
pub(super) const HARMLESS_BYTES: usize = 256;

/// Whether the unquoted value in `bytes[start..end]` is not a secret.
pub(super) fn is_harmless(
    name: &FoundName<'_>,
    separator: &Separator,
    start: usize,
    end: usize,
) -> bool {
    let bytes = name.bytes;
    // Longer words are judged by their beginning, which keeps the scan linear.
    let bytes = &bytes[..bytes.len().min(start + HARMLESS_BYTES)];
    let end = end.min(bytes.len());
    let word_end = run(bytes, start, |byte| byte > b' ' && !b",;.:)]}\"'`".contains(&byte));
    let Ok(word) = std::str::from_utf8(&bytes[start..word_end]) else { return false };
    let is_whole = word_end >= end || bytes.get(word_end).is_none_or(u8::is_ascii_whitespace);
    let last = name.text.rsplit(['_', '-', '.']).next().unwrap_or_default();
    let is_weak = is_one_of(last, &WEAK);
    // `Authorization: Bearer` has no value.
    if is_auth_scheme(word.as_bytes()) && word_end >= end {
        return true;
    }
    // `token=Bearer x`: the value follows.
    if is_scheme(word.as_bytes())
        && bytes.get(word_end + 1).is_some_and(|&next| next > b' ')
        && bytes[word_end] == b' '
    {
        return false;
    }
    if is_whole && (is_one_of(word, &STATES) || is_weak && is_one_of(word, &METHODS)) {
        return true;
    }
    if is_whole && is_placeholder(word, name.text) {
        return true;
    }
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let hex =
        word.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let value = &bytes[start..];
    let path = &value[..run(value, 0, |byte| byte > b' ' && !b",;)\"'`".contains(&byte))];
    if std::str::from_utf8(path).is_ok_and(is_file) || is_whole && is_time(word) && !hides(last) {
        return true;
    }
    match last {
        // The working directory.
        "PWD" | "OLDPWD" => value.starts_with(b"/") || value.get(1..3) == Some(b":\\"),
        // The status of a delivery (RFC 3463).
        "dsn" => word.len() == 1 && value.get(1) == Some(&b'.') && value.get(3) == Some(&b'.'),
        // A fingerprint of a public key, as OpenSSH prints it.
        _ if last.eq_ignore_ascii_case("key")
            && (value.starts_with(b"SHA256:") || value.starts_with(b"MD5:")) =>
        {
            true
        }
        // The number of a session, and not the token of one.
        _ if digits || hex => {
            // One number, and not the first of several: `tokens=512`, `Secrets: 0 found`.
            let is_count = || {
                word_end >= end && word.len() < 8
                    || word.len() <= 3 && bytes.get(word_end) == Some(&b' ')
            };
            let line =
                separator.colon && separator.end == start && bytes.get(word_end) == Some(&b':');
            let session = last.to_ascii_lowercase();
            let is_session = matches!(&*session, "session" | "sessionid" | "sid");
            is_session && (separator.colon || hex) && !(4..=8).contains(&word.len())
                || last.eq_ignore_ascii_case("pin") && word.len() < 3
                // The number of a field, in a definition of Protocol Buffers.
                || word.len() < 3 && bytes.get(word_end) == Some(&b';') && separator.end < start
                || line && name.text.contains('.')
                || digits && is_plural(last) && !is_one_of(last, &CODES) && is_count()
                || separator.colon && is_prose(name, last, word, value)
        }
        _ => separator.colon && separator.end < start && is_prose(name, last, word, value),
    }
}

/// Whether a sentence follows, and not a value: `auth: handshake finished`, `a.b.TokenError: It has expired`,
/// ``the bound `SecretKey: Clone` ``, `cannot fetch token: 400 Bad Request`.
fn is_prose(name: &FoundName<'_>, last: &str, word: &str, value: &[u8]) -> bool {
    let is_lower = |word: &[u8]| word.len() > 1 && word.iter().all(u8::is_ascii_lowercase);
    let is_capital =
        |word: &[u8]| word.first().is_some_and(u8::is_ascii_uppercase) && is_lower(&word[1..]);
    let line = &value[..run(value, 0, |byte| !matches!(byte, b'\n' | b'\r'))];
    let mut words = line.split(|byte| *byte <= b' ');
    let first = words.next().unwrap_or_default();
    let second = words.next().unwrap_or_default();
    // A label begins the next field: `pass: letmein host: db`.
    let next = line.len().min(first.len() + 1);
    let second = if label_follows(line, next, true) { b"" } else { second };
    let second = second.strip_suffix(b",").unwrap_or(second);
    // A password may be a word as well, before another one, so few names introduce a sentence.
    let has_dot = name.text.contains('.');
    let is_class = has_dot && ["Error", "Exception"].iter().any(|end| last.ends_with(end));
    let is_bare = is_one_of(name.text, &["auth", "session", "pin"]);
    // `*v1.Secret: secrets is forbidden`
    let is_kind = || {
        has_dot
            && is_lower(second)
            && first.strip_suffix(b"s") == Some(last.to_ascii_lowercase().as_bytes())
    };
    // `aws_secretsmanager_secret.db: Refreshing state...`
    let is_progress = || has_dot && !hides(last) && is_capital(first) && second.ends_with(b"...");
    let is_bound = || {
        let opener = name.start.checked_sub(1).map(|at| name.bytes[at]);
        let is_type = |text: &[u8]| text.first().is_some_and(u8::is_ascii_uppercase);
        opener == Some(b'`')
            && is_type(name.text.as_bytes())
            && is_type(word.as_bytes())
            && word.bytes().all(|byte| byte.is_ascii_alphabetic())
            && value.get(word.len()) == Some(&b'`')
    };
    let is_status = || {
        word.len() == 3
            && word.parse().is_ok_and(|status: u16| (100..600).contains(&status))
            && is_capital(second)
            && (!hides(last) || is_one_of(last, &["token"]))
    };
    (is_class || is_bare) && is_lower(first) && second.len() > 1 && is_lower(second)
        || is_class && is_capital(first) && is_lower(second)
        || is_kind()
        || is_progress()
        || is_bound()
        || is_status()
}

/// Whether the word is the path of a file: `/etc/gcp/key.json`.
fn is_file(word: &str) -> bool {
    let file = word.strip_prefix('/').and_then(|path| path.rsplit_once('/'));
    let ends = file.and_then(|(_, file)| file.rsplit_once('.'));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    word.bytes().all(is_plain)
        && ends.is_some_and(|(name, end)| {
            !name.is_empty()
                && (2..=5).contains(&end.len())
                && end.bytes().all(|byte| byte.is_ascii_lowercase())
        })
}

/// Whether the word is a duration: `15m`.
fn is_time(word: &str) -> bool {
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit());
    unit.len() < word.len() && matches!(unit, "ns" | "us" | "ms" | "s" | "m" | "min" | "h" | "d")
}

/// Whether a name counts secrets: `tokens`, `passwords`.
fn is_plural(name: &str) -> bool {
    name.len() > 2 && name.ends_with(['s', 'S']) && !name.ends_with("ss") && !name.ends_with("SS")
}

/// Whether it is a parameter of SQL or GraphQL, or of a format.
fn is_placeholder(word: &str, name: &str) -> bool {
    let variable = word.strip_prefix(['$', ':']);
    matches!(word, "?" | "%s" | "{}")
        || variable.is_some_and(|variable| {
            !variable.is_empty()
                && (variable.bytes().all(|byte| byte.is_ascii_digit()) && variable.len() < 3
                    || variable.eq_ignore_ascii_case(name))
        })
}
