//! Secrets that are recognised by the text around them: schemes, private keys, URLs with credentials, errors of
//! serde.

use super::name::is_quote;
use super::range::{HiddenRange, run};
use super::value::quote_ends;
use super::word::begins_word;

fn in_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Returns the token of `Bearer …` or `Basic …`.
pub(super) fn scheme(text: &str, at: usize) -> Option<HiddenRange> {
    let bytes = text.as_bytes();
    let word = &bytes[at..(at + 6).min(bytes.len())];
    let bearer = word.eq_ignore_ascii_case(b"bearer");
    let basic = !bearer && word.len() >= 5 && word[..5].eq_ignore_ascii_case(b"basic");
    if !(bearer || basic) || !begins_word(bytes, at) {
        return None;
    }
    let behind = at + if bearer { 6 } else { 5 };
    // Also a blank that does not break, which is two bytes.
    let start = run(bytes, behind, |byte| b" \t+:\"=\\\x01\xc2\xa0".contains(&byte));
    let end = run(bytes, start, |byte| {
        in_token(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'=' | b'%' | b'|')
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
pub(super) fn serde_echo(text: &str, at: usize) -> Option<HiddenRange> {
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
pub(super) fn private_key(text: &str, at: usize) -> Option<HiddenRange> {
    const LONGEST_LABEL: usize = 64;
    let bytes = text.as_bytes();
    let begin = after_dashes(bytes, at, b"begin")?;
    let label = &bytes[begin..bytes.len().min(begin + LONGEST_LABEL)];
    let private = label.windows(7).position(|part| part.eq_ignore_ascii_case(b"private"))? + 7;
    // A blank.
    let key = private + 1;
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

/// Webhooks, whose path is a secret: what the path begins with, after a host.
#[rustfmt::skip]
const WEBHOOKS: [&str; 20] = [
    "api.netlify.com/build_hooks/", "api.render.com/deploy/", "api.vercel.com/v1/integrations/deploy/",
    "hook.eu1.make.com/", "hook.us1.make.com/",
    "hooks.slack.com/services/", "hooks.slack.com/workflows/", "hooks.slack.com/triggers/", "outlook.office.com/webhook/",
    ".webhook.office.com/webhookb2/", "discord.com/api/webhooks/", "discordapp.com/api/webhooks/", "api.telegram.org/bot",
    "hooks.zapier.com/hooks/catch/", ".tines.com/webhook/", "open.feishu.cn/open-apis/bot/v2/hook/",
    "open.larksuite.com/open-apis/bot/v2/hook/", "qyapi.weixin.qq.com/cgi-bin/webhook/send?key=", "/with/key/",
    "api.pushover.net/1/",
];

/// Returns the position after the beginning of a webhook's path, given the position after `://`.
fn webhook(text: &str, start: usize) -> Option<usize> {
    const FARTHEST: usize = 96;
    let bytes = text.as_bytes();
    let url = &bytes[start..bytes.len().min(start + FARTHEST)];
    let url = &url[..run(url, 0, |byte| byte > b' ' && byte != b'"')];
    let has = |word: &[u8]| url.windows(word.len()).any(|part| part == word);
    if ![&b"hook"[..], b"/bot", b"/key/", b"/deploy", b"/1/"].into_iter().any(has) {
        return None;
    }
    let after = |mark: &&str| {
        let at = url.windows(mark.len()).position(|part| part == mark.as_bytes())?;
        let is_whole =
            at == 0 || mark.starts_with(['.', '/']) || matches!(url[at - 1], b'.' | b'@');
        is_whole.then_some(start + at + mark.len())
    };
    // Mattermost has hosts of its own; its hooks have 26 characters.
    let hook = || {
        let at = after(&"/hooks/")?;
        (run(bytes, at, |byte| byte.is_ascii_alphanumeric()) == at + 26).then_some(at)
    };
    WEBHOOKS.iter().find_map(after).or_else(hook)
}

/// Returns the `user:password` of the URL whose `://` starts at `at`, the secret of a webhook, or both.
pub(super) fn url_credentials(
    text: &str,
    at: usize,
    none: &mut NoCredentials,
) -> Option<HiddenRange> {
    let bytes = text.as_bytes();
    let start = at + 3;
    if !bytes[at..].starts_with(b"://") {
        return None;
    }
    let user = user_info(text, start, none);
    let host = user.as_ref().map_or(start, |user| user.end + 1);
    let hook = webhook(text, host).map(|start| {
        let end = run(bytes, start, |byte| in_token(byte) || matches!(byte, b'/' | b':' | b'@'));
        HiddenRange::new(start, end)
    });
    match (user, hook.filter(|hook| hook.end > hook.start)) {
        (Some(user), Some(hook)) => Some(HiddenRange::new(user.start, hook.end)),
        (user, hook) => user.or(hook),
    }
}

/// Returns the `user:password` of the URL whose host, or user, begins at `start`.
fn user_info(text: &str, start: usize, none: &mut NoCredentials) -> Option<HiddenRange> {
    let bytes = text.as_bytes();
    if start < none.until {
        return None;
    }
    // A password that contains a slash has something after the colon that is not a port.
    let mut port = true;
    let mut colon = false;
    let mut credentials = None;
    let mut here = start;
    while here < bytes.len() {
        match bytes[here] {
            b'@' => credentials = Some(here),
            b':' => (colon, port) = (true, true),
            b'/' | b'?' | b'#' if credentials.is_some() || port => break,
            b' ' | b'\n' | b'\r' | b'\t' | b'<' | b'>' => break,
            quote if is_quote(quote) && quote_ends(bytes, here) => break,
            byte => port &= !colon || byte.is_ascii_digit(),
        }
        here += 1;
    }
    let Some(end) = credentials else {
        none.until = here;
        return None;
    };
    // `ssh://git@example.com` has a user without a password.
    let user = &bytes[start..end];
    let is_user = user.len() <= 12
        && user.iter().all(|byte| byte.is_ascii_lowercase() || b"_-".contains(byte));
    (end > start && !is_user).then(|| HiddenRange::new(start, end))
}

/// The part of the text that was searched for credentials in vain. It is not searched again, which keeps the scan linear.
#[derive(Default)]
pub(super) struct NoCredentials {
    until: usize,
}

/// Returns the `user:password` of a data source name without a scheme, given the colon: `app:x@tcp(db:3306)/orders`,
/// `app:x@db:5432`, `app:x@/orders`; and the `user/password` of `jdbc:oracle:thin:app/x@db`.
pub(super) fn login(text: &str, floor: usize, at: usize) -> Option<HiddenRange> {
    const FARTHEST: usize = 128;
    let bytes = text.as_bytes();
    let limit = floor.max(at.saturating_sub(64));
    let user =
        bytes[limit..at].iter().rev().take_while(|&&byte| in_token(byte) || byte == b'.').count();
    let near = &bytes[at + 1..bytes.len().min(at + FARTHEST)];
    let word = &near[..run(near, 0, |byte| byte > b' ' && !b"\\\"`<>:".contains(&byte))];
    let length =
        word.iter().rposition(|&byte| byte == b'@').filter(|&length| length > 0 && user > 0)?;
    let end = at + 1 + length;
    if [&b":thin"[..], b":oci"].iter().any(|driver| bytes[limit..at].ends_with(driver)) {
        return Some(HiddenRange::new(at + 1, end));
    }
    let behind = &bytes[end + 1..];
    let host =
        run(behind, 0, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    let password = &word[..length];
    // `LeaseRenewer:hdfs@node-3:9000` is a thread and a user.
    let is_word = password.iter().all(u8::is_ascii_lowercase);
    let is_host = match behind[host..] {
        [b'(', ..] => matches!(&behind[..host], b"tcp" | b"unix" | b"tcp6" | b"udp"),
        [b':', next, ..] => host > 0 && !is_word && (next.is_ascii_digit() || next == b'/'),
        [b'/', ..] => host == 0 && !is_word,
        _ => false,
    };
    let has_driver = behind.get(host) == Some(&b'(');
    let mut start = at - user;
    // The `n` of an escaped line end is not part of the user.
    if start > 0 && bytes[start - 1] == b'\\' {
        start += 1;
    }
    (is_host && (has_driver || !password.contains(&b'/'))).then(|| HiddenRange::new(start, end))
}
