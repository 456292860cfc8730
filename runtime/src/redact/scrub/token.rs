//! Secrets that are recognised by their form.

use super::range::{HiddenRange, run};
use crate::redact::keys::decoded;

fn in_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn begins_word(bytes: &[u8], at: usize) -> bool {
    at == 0 || !bytes[at - 1].is_ascii_alphanumeric()
}

/// Prefixes that issuers gave their keys so that scanners find them.
#[rustfmt::skip]
const PREFIXES: [&str; 77] = [
    "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "npm_",
    "hf_", "dop_v1_", "doo_v1_", "shpat_", "shpss_", "shpca_", "shppa_", "whsec_", "dckr_pat_", "lin_api_", "ntn_",
    "figd_", "glsa_", "gsk_", "r8_", "nfp_", "phx_", "phc_", "atlasv1_", "rubygems_", "sntrys_", "sntryu_", "glc_",
    "bkua_", "sbp_", "sb_secret_", "pscale_tkn_", "pscale_pw_", "pscale_oauth_", "CCIPAT_", "sk-", "xoxb-", "xoxp-",
    "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xapp-", "glpat-", "gldt-", "glrt-", "glft-", "glptt-", "glcbt-", "glimt-",
    "glagent-", "glsoat-", "glffct-", "gloas-", "pypi-", "sq0csp-", "sq0atp-", "PMAK-", "xai-", "pplx-", "tvly-",
    "tskey-", "CFPAT-", "NRAK-", "GOCSPX-", "AGE-SECRET-KEY-", "SG.", "ya29.", "hvs.", "hvb.", "hvr.",
];

/// For each byte the prefixes that have it at this distance from their end, a bit for each.
const fn prefixes_by_byte(from_end: usize) -> [u128; 256] {
    let mut prefixes = [0; 256];
    let mut at = 0;
    while at < PREFIXES.len() {
        let prefix = PREFIXES[at].as_bytes();
        prefixes[prefix[prefix.len() - from_end] as usize] |= 1 << at;
        at += 1;
    }
    prefixes
}

static BY_LAST: [u128; 256] = prefixes_by_byte(1);
static BY_SECOND_LAST: [u128; 256] = prefixes_by_byte(2);

/// Returns the key with a well-known prefix whose last byte is at `at`.
pub(super) fn prefixed(text: &str, at: usize) -> Option<HiddenRange<'_>> {
    const SHORTEST: usize = 12;
    let bytes = text.as_bytes();
    let head = &bytes[..=at];
    // The last two bytes rule out most places.
    let [second, last] = *head.last_chunk()?;
    let mut candidates = BY_SECOND_LAST[usize::from(second)] & BY_LAST[usize::from(last)];
    if candidates == 0 || !bytes.get(at + 1..at + 1 + SHORTEST)?.iter().all(|&byte| in_token(byte))
    {
        return None;
    }
    let prefix = loop {
        if candidates == 0 {
            return None;
        }
        let prefix = PREFIXES[candidates.trailing_zeros() as usize];
        if head.ends_with(prefix.as_bytes()) {
            break prefix;
        }
        candidates &= candidates - 1;
    };
    let start = at + 1 - prefix.len();
    // `-risk-assessment-of-the-…` and `npm_config_registry` contain a prefix too: words without digits are prose.
    let near = &bytes[at..bytes.len().min(at + 64)];
    let key = &near[..run(near, 0, in_token)];
    let prose = match prefix {
        "sk-" => !key.iter().any(u8::is_ascii_digit),
        "npm_" | "hf_" | "glc_" => {
            key.iter().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-'))
        }
        _ => false,
    };
    (begins_word(bytes, start) && !prose)
        .then(|| HiddenRange::new(start, run(bytes, at, |byte| in_token(byte) || byte == b'.')))
}

/// Returns the JWT with its `J` at `at`. Every JWT begins with `eyJ`, which is base64 of `{"`.
pub(super) fn jwt(text: &str, at: usize) -> Option<HiddenRange<'_>> {
    let bytes = text.as_bytes();
    let start = at
        .checked_sub(2)
        .filter(|&start| bytes[start..at] == *b"ey" && begins_word(bytes, start))?;
    let end = run(bytes, at, |byte| in_token(byte) || matches!(byte, b'.' | b'=' | b'+'));
    (end - start >= 20).then(|| HiddenRange::new(start, end))
}

/// Returns the cloud key around the `I` at `at`: `AKIA…` and `ASIA…` (AWS), `AIza…` (Google).
pub(super) fn cloud_key(text: &str, at: usize) -> Option<HiddenRange<'_>> {
    let bytes = text.as_bytes();
    let aws = at.checked_sub(2).filter(|&start| {
        matches!(&bytes[start..at], b"AK" | b"AS" | b"AB")
            && bytes.get(at + 1) == Some(&b'A')
            && begins_word(bytes, start)
    });
    if let Some(start) = aws {
        let end = run(bytes, at, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        return (end - start >= 16).then(|| HiddenRange::new(start, end));
    }
    let start =
        at.checked_sub(1).filter(|&start| bytes[start] == b'A' && begins_word(bytes, start))?;
    let end = run(bytes, at, in_token);
    (bytes[at..].starts_with(b"Iza") && end - start >= 30).then(|| HiddenRange::new(start, end))
}

/// Returns the token of `Bearer …` or `Basic …`.
pub(super) fn scheme(text: &str, at: usize) -> Option<HiddenRange<'_>> {
    let bytes = text.as_bytes();
    let word = &bytes[at..(at + 6).min(bytes.len())];
    let bearer = word.eq_ignore_ascii_case(b"bearer");
    let basic = !bearer && word.len() >= 5 && word[..5].eq_ignore_ascii_case(b"basic");
    if !(bearer || basic) || !begins_word(bytes, at) {
        return None;
    }
    let mut start = at + if bearer { 6 } else { 5 };
    let behind = start;
    while start < bytes.len() {
        let (byte, next) = decoded(bytes, start);
        if !matches!(byte, b' ' | b'\t' | b'+' | b':' | b'"' | b'=') {
            break;
        }
        start = next;
    }
    let end = run(bytes, start, |byte| {
        in_token(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'=' | b'%')
    });
    let token = &bytes[start..end];
    (start > behind && !is_prose(token, bearer && bytes[at] == b'B'))
        .then(|| HiddenRange::new(start, end))
}

/// Whether the word after `Bearer` or `Basic` is English: "basic usage", "Bearer token is missing".
fn is_prose(word: &[u8], capital_bearer: bool) -> bool {
    const SAID: &str = "token tokens auth authentication authorization scheme realm= error=";
    if word.is_empty() || SAID.split(' ').any(|said| word.eq_ignore_ascii_case(said.as_bytes())) {
        return true;
    }
    if capital_bearer {
        return false;
    }
    let tail = &word[1..];
    word.len() < 4
        || word.len() < 24 && tail.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'.')
}

/// Returns the value that serde repeats in an error: `invalid type: string "…", expected u64`, or an unknown variant.
/// It is repeated without its name, so it is hidden whatever it is.
pub(super) fn serde_echo(text: &str, at: usize) -> Option<HiddenRange<'_>> {
    const FARTHEST: usize = 1024;
    const KINDS: [&str; 6] = [
        "string \"",
        "string \\\"",
        "integer `",
        "floating point `",
        "character `",
        "Option value `",
    ];
    let head = &text.as_bytes()[..at];
    let (start, quote) = match text.as_bytes()[at] {
        b'`' => {
            let refused = [&b"unknown variant "[..], b"unknown field "];
            refused.iter().any(|refused| head.ends_with(refused)).then_some((at + 1, b'`'))?
        }
        _ => {
            let refused = [&b"invalid type"[..], b"invalid value"];
            refused.iter().find(|refused| head.ends_with(refused))?;
            let rest = text.as_bytes().get(at + 1..)?.strip_prefix(b" ")?;
            let kind = KINDS.iter().find(|kind| rest.starts_with(kind.as_bytes()))?;
            (at + 2 + kind.len(), *kind.as_bytes().last()?)
        }
    };
    // Quotes in the value are escaped; the error message continues after the last one.
    let escaped =
        text.as_bytes()[start - 1] == quote && start >= 2 && text.as_bytes()[start - 2] == b'\\';
    // A quote in the value does not end it. The search for the rest of the message is bounded, which keeps it linear.
    let bytes = text.as_bytes();
    let near = &bytes[start..bytes.len().min(start + FARTHEST)];
    let sentence = near.windows(10).position(|part| part == b", expected").map(|len| start + len);
    let end = match sentence.filter(|&end| bytes[end - 1] == quote) {
        Some(end) => end - 1 - usize::from(escaped),
        None => run(bytes, start, |byte| byte != quote && byte != b'\n'),
    };
    (end > start).then(|| HiddenRange::new(start, end))
}

/// Returns the PEM block of a private key. A block without an end extends to the end of the text.
pub(super) fn private_key(text: &str, at: usize) -> Option<HiddenRange<'_>> {
    const LONGEST_LABEL: usize = 64;
    let bytes = text.as_bytes();
    let begin = after_dashes(bytes, at, b"begin")?;
    let label = &bytes[begin..bytes.len().min(begin + LONGEST_LABEL)];
    let private = label.windows(7).position(|part| part.eq_ignore_ascii_case(b"private"))? + 7;
    let (_, key) = decoded(label, private.min(label.len() - 1));
    if !label.get(key..key + 3)?.eq_ignore_ascii_case(b"key") {
        return None;
    }
    let mut end = begin;
    while let Some(offset) = text[end..].find("----") {
        let dashes = end + offset;
        end = run(bytes, dashes, |byte| byte == b'-');
        if let Some(label) = after_dashes(bytes, dashes, b"end") {
            let close = text[label..].find("----").map(|offset| label + offset);
            return Some(HiddenRange::new(
                at,
                close.map_or(text.len(), |at| run(bytes, at, |byte| byte == b'-')),
            ));
        }
    }
    Some(HiddenRange::new(at, text.len()))
}

/// Returns the position after `-----BEGIN`, or after `---- BEGIN` as SSH2 writes it.
fn after_dashes(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    let dashes = run(bytes, at, |byte| byte == b'-');
    let start = run(bytes, dashes, |byte| byte == b' ');
    let end = start + word.len();
    let begins = dashes >= at + 4 && bytes.get(start..end)?.eq_ignore_ascii_case(word);
    begins.then_some(end)
}

/// Chat webhooks, whose path is a secret.
#[rustfmt::skip]
const WEBHOOKS: [&str; 6] = [
    "hooks.slack.com/services/", "hooks.slack.com/workflows/", "outlook.office.com/webhook/",
    "discord.com/api/webhooks/", "discordapp.com/api/webhooks/", "api.telegram.org/bot",
];

/// Returns the `user:password` of the URL whose `://` starts at `at`, plain or percent-encoded.
pub(super) fn url_credentials(text: &str, at: usize) -> Option<HiddenRange<'_>> {
    const FARTHEST: usize = 512;
    let bytes = text.as_bytes();
    let start = after(bytes, at, b"://")?;
    // In a plain URL an escape is part of the password: it does not end it, and the host does not begin after it.
    let is_escaped = bytes[at..start].contains(&b'%');
    if let Some(webhook) = WEBHOOKS.iter().find(|webhook| text[start..].starts_with(**webhook)) {
        let start = start + webhook.len();
        let end = run(bytes, start, |byte| in_token(byte) || matches!(byte, b'/' | b':'));
        return (end > start).then(|| HiddenRange::new(start, end));
    }
    // A password that contains a slash has something after the colon that is not a port.
    let mut port = true;
    let mut colon = false;
    let mut credentials = None;
    let mut here = start;
    while here < bytes.len() && here - start < FARTHEST {
        let (byte, next) = match decoded(bytes, here) {
            (_, next) if !is_escaped && next > here + 1 => (b'%', next),
            decoded => decoded,
        };
        match byte {
            b'@' => credentials = Some(here),
            b':' => (colon, port) = (true, true),
            b'/' | b'?' | b'#' if credentials.is_some() || port => break,
            b' ' | b'\n' | b'\r' | b'\t' | b'"' | b'\'' | b'`' | b'<' | b'>' => break,
            _ => port &= !colon || byte.is_ascii_digit(),
        }
        here = next;
    }
    credentials.filter(|&end| end > start).map(|end| HiddenRange::new(start, end))
}

/// Returns the position after `expected` at `at`, plain or percent-encoded.
fn after(bytes: &[u8], mut at: usize, expected: &[u8]) -> Option<usize> {
    for &wanted in expected {
        // Some JSON encoders write `https:\/\/`.
        if wanted == b'/' {
            at = run(bytes, at.min(bytes.len()), |byte| byte == b'\\');
        }
        if wanted == b'/' && bytes[at.min(bytes.len())..].starts_with(b"u002f") {
            at += "u002f".len();
            continue;
        }
        let (byte, next) = decoded(bytes, at.min(bytes.len().checked_sub(1)?));
        if at >= bytes.len() || byte != wanted {
            return None;
        }
        at = next;
    }
    Some(at)
}
