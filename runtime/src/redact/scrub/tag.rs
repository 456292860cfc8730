//! Elements of XML and HTML: `<password>value</password>`, `<entry key="password">value</entry>`,
//! `<name>password</name><value>value</value>`.

use super::name::{LONGEST_NAME, clip, holds_the_name, holds_the_value, in_name, is_quote};
use super::range::{HiddenRange, run};
use crate::redact::keys::hides;

/// Returns the secret that follows the tag from `open` to `at`.
///
/// `wasted` counts the bytes that were searched for the end of an element in vain.
pub(super) fn element(
    text: &str,
    floor: usize,
    open: usize,
    at: usize,
    wasted: &mut usize,
) -> Option<HiddenRange> {
    const LONGEST_TAG: usize = 512;
    const FARTHEST: usize = 4096;
    let bytes = text.as_bytes();
    if open < floor.max(at.saturating_sub(LONGEST_TAG)) {
        return None;
    }
    let in_tag = |byte| in_name(byte) || byte == b':';
    let end = run(&bytes[..at], open + 1, in_tag);
    let name = clip(text, open + 1, end);
    let local = name.rsplit(':').next()?;
    if local.is_empty() || bytes[at - 1] == b'/' {
        return None;
    }
    if hides(local) || names_a_secret(clip(text, end, at)) {
        return content(text, name, at + 1, wasted);
    }
    let is_list = matches!(local, "arg" | "argument" | "string");
    if !holds_the_name(local) && !is_list {
        return None;
    }
    // The name is the content of this element, and the value that of one of the next.
    let near = &bytes[..bytes.len().min(at + LONGEST_NAME)];
    let close = run(near, at + 1, |byte| byte != b'<');
    if !hides(clip(text, at + 1, close).trim().trim_start_matches('-'))
        || !bytes[close..].starts_with(b"</")
    {
        return None;
    }
    // The value may come before its name.
    if let Some(before) = text[..open].trim_ascii_end().strip_suffix("</value>")
        && let Some(start) = before
            .rfind('>')
            .map(|at| at + 1)
            .filter(|&start| start >= floor && start < before.len())
    {
        return Some(HiddenRange::new(start, before.len()));
    }
    let mut next = run(bytes, close + 1, |byte| byte != b'>') + 1;
    let farthest = bytes.len().min(next + LONGEST_TAG);
    while next < farthest {
        let open = run(&bytes[..farthest], next, |byte| byte.is_ascii_whitespace());
        if bytes[open..].starts_with(b"<!--") {
            let near = text.as_bytes().get(open..farthest)?;
            next = open + near.windows(3).position(|part| part == b"-->")? + 3;
            continue;
        }
        let end = run(&bytes[..farthest], (open + 1).min(farthest), in_tag);
        if bytes.get(open) != Some(&b'<') || end == open + 1 {
            return None;
        }
        let name = clip(text, open + 1, end);
        let start = run(bytes, end, |byte| byte != b'>') + 1;
        let is_value = name.rsplit(':').next().is_some_and(holds_the_value);
        let close = format!("</{name}");
        let near = bytes.get(start..bytes.len().min(start + FARTHEST))?;
        // A value without an end is hidden with all that follows; the names around it are not searched farther.
        let length = match near.windows(close.len()).position(|part| part == close.as_bytes()) {
            Some(length) => length,
            None if is_value => bytes.len() - start,
            None => return None,
        };
        if local == "key" || is_value || is_list && clip(text, open + 1, end).ends_with(local) {
            return (length > 0).then(|| HiddenRange::new(start, start + length));
        }
        next = run(bytes, start + length, |byte| byte != b'>') + 1;
    }
    None
}

/// Whether one of the attributes names a secret: `key="password"`.
fn names_a_secret(attributes: &str) -> bool {
    let mut rest = attributes;
    while let Some((before, after)) = rest.split_once('=') {
        let name = before
            .trim_end()
            .rsplit(|c: char| c.is_whitespace() || c == ':')
            .next()
            .unwrap_or_default();
        let Some(quote) = after.bytes().next().filter(|&byte| is_quote(byte)) else { return false };
        let Some((value, more)) = after[1..].split_once(char::from(quote)) else { return false };
        if holds_the_name(name) && hides(value) {
            return true;
        }
        rest = more;
    }
    false
}

/// Returns the content of the element with this name. If its end is missing, one word is hidden: the text may have been
/// cut, or a type parameter may look like a tag (`Vec<Token>`).
fn content(text: &str, name: &str, start: usize, wasted: &mut usize) -> Option<HiddenRange> {
    let bytes = text.as_bytes();
    // Tags that are opened again and again without an end would take quadratic time, so all that follows is hidden.
    if *wasted > text.len() {
        return (start < text.len()).then(|| HiddenRange::new(start, text.len()));
    }
    let close = text[start..]
        .match_indices("</")
        .find(|(offset, _)| text[start + offset + 2..].starts_with(name))
        .map(|(offset, _)| start + offset);
    let end = close.unwrap_or_else(|| {
        *wasted += text.len() - start;
        let is_text = bytes.get(start).is_some_and(|&first| {
            first.is_ascii_alphanumeric() || first >= 0x80 || b"$!#%*+\\&@".contains(&first)
        });
        if is_text {
            run(bytes, start, |byte| !byte.is_ascii_whitespace() && byte != b'<')
        } else {
            start
        }
    });
    (end > start).then(|| HiddenRange::new(start, end))
}
