//! Cuts a line that is too long to its limit, the longest values first.

use std::fmt::Write as _;

use super::keys::FIXED;
use crate::json::members::{self, Member};

/// The fixed keys whose values may be cut: `logger`, `msg`, `user_id`, `path`. The others are short search terms.
const CUTTABLE: [usize; 4] = [2, 3, 5, 7];

/// The member that marks a cut line.
const MARK: &str = ",\"truncated\":true";
/// The end of a line that is already marked.
const MARKED_END: &str = ",\"truncated\":true}";
/// The beginning of the member of folded lines.
pub(crate) const REPEATS: &str = ",\"repeats\":";
/// The length of `…(+N bytes)` and quotes after each cut value.
const CUT_ROOM: usize = 40;

/// Cuts `line`, one JSON object without its line feed, to at most `limit` bytes.
///
/// The fixed keys themselves stay whole, so a limit below their length can't be kept.
#[inline]
pub(crate) fn shrink(line: &mut String, limit: usize) {
    if line.len() > limit {
        cut_to(line, limit);
    }
}

#[cold]
fn cut_to(line: &mut String, limit: usize) {
    // A profile may cut a line again.
    if let Some(unmarked) = line.strip_suffix(MARKED_END).map(str::len) {
        line.truncate(unmarked);
        line.push('}');
    }
    // The number is removed here and added again at the end: the last members may be cut, but the number must stay.
    let repeats = take_repeats(line);
    let end = repeats.len() + MARK.len();
    let cap = cap_for(line, limit.saturating_sub(end));
    let mut out = String::with_capacity(limit);
    out.push('{');
    let body = limit.saturating_sub(end + 1);
    for (index, member) in members::of_object(line).enumerate() {
        let from = out.len();
        if index > 0 {
            out.push(',');
        }
        let _ = write!(out, "\"{}\":", member.key);
        if is_cuttable(index, &member) && member.value.len() > cap.max(CUT_ROOM) {
            cut(member.value, cap, &mut out);
        } else {
            out.push_str(member.value);
        }
        // The keys alone may be too long: then the last members are removed.
        if out.len() > body && index > 3 && !FIXED.contains(&member.key) {
            out.truncate(from);
            break;
        }
    }
    out.push_str(&repeats);
    out.push_str(MARK);
    out.push('}');
    *line = out;
}

/// Removes the number of repeats of a folded line, its last member. Returns the member, or an empty string.
fn take_repeats(line: &mut String) -> String {
    let Some(at) = line.rfind(REPEATS) else { return String::new() };
    let number = line[at + REPEATS.len()..].strip_suffix('}').unwrap_or_default();
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return String::new();
    }
    let mut repeats = line.split_off(at);
    repeats.pop();
    line.push('}');
    repeats
}

fn is_cuttable(index: usize, member: &Member<'_>) -> bool {
    (CUTTABLE.contains(&index) || index > 3 && !FIXED.contains(&member.key))
        && matches!(member.value.as_bytes().first(), Some(b'"' | b'{' | b'['))
}

/// The maximum length of a value at which the line fits.
fn cap_for(line: &str, limit: usize) -> usize {
    let lengths: Vec<usize> = members::of_object(line)
        .enumerate()
        .filter(|(index, member)| is_cuttable(*index, member))
        .map(|(_, member)| member.value.len())
        .collect();
    let fixed = line.len() - lengths.iter().sum::<usize>();
    let fits = |cap: usize| {
        let cut: usize = lengths
            .iter()
            .map(|len| if *len > cap.max(CUT_ROOM) { cap + CUT_ROOM } else { *len })
            .sum();
        fixed + cut <= limit
    };
    let (mut low, mut high) = (0, limit);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fits(middle) { low = middle } else { high = middle - 1 }
    }
    low
}

/// Writes the beginning of a string. An object or a list would not be valid JSON if it was cut, so only its size is
/// written.
fn cut(value: &str, cap: usize, out: &mut String) {
    let Some(inside) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        let _ = write!(out, "\"…(+{} bytes)\"", value.len());
        return;
    };
    // A value that was cut before already states how much is missing.
    let (inside, lacking) = match inside.rsplit_once("…(+") {
        Some((kept, rest)) => match rest.strip_suffix(" bytes)").map(str::parse::<usize>) {
            Some(Ok(lacking)) => (kept, lacking),
            _ => (inside, 0),
        },
        None => (inside, 0),
    };
    let keep = whole_escapes(inside, inside.floor_char_boundary(cap.min(inside.len())));
    let missing = inside.len() - keep + lacking;
    let _ = write!(out, "\"{}…(+{missing} bytes)\"", &inside[..keep]);
}

/// The last position at or before `end` that is not within an escape.
fn whole_escapes(text: &str, end: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < end {
        let width = match (bytes[at], bytes.get(at + 1)) {
            (b'\\', Some(b'u')) => 6,
            (b'\\', _) => 2,
            _ => 1,
        };
        if at + width > end {
            return at;
        }
        at += width;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_values_are_cut_first_and_escapes_stay_whole() {
        let mut line = format!(
            "{{\"ts\":\"t\",\"level\":\"INFO\",\"logger\":\"l\",\"msg\":\"m\",\"a\":\"{}\",\"b\":\"short\"}}",
            "\\u001b".repeat(200)
        );
        shrink(&mut line, 400);
        assert!(line.len() <= 400, "{line}");
        let value: serde_json::Value = serde_json::from_str(&line).expect("still JSON");
        assert_eq!(value["b"], "short");
        assert_eq!(value["truncated"], true);
        assert!(value["a"].as_str().is_some_and(|a| a.ends_with(" bytes)")));
    }

    #[test]
    fn a_line_that_is_cut_again_is_marked_once() {
        let head = "{\"ts\":\"t\",\"level\":\"INFO\",\"logger\":\"l\",\"msg\":\"m\"";
        let mut line = format!("{head},\"a\":\"{}\"}}", "x".repeat(900));
        shrink(&mut line, 400);
        shrink(&mut line, 200);
        assert!(line.len() <= 200, "{line}");
        assert_eq!(line.matches("truncated").count(), 1, "{line}");
        let cut = line.split("\"a\":\"").nth(1).expect("the value");
        let (kept, rest) = cut.split_once("…(+").expect("the mark of the value");
        let missing: usize = rest.split(' ').next().expect("a number").parse().expect("a number");
        assert_eq!(kept.len() + missing, 900, "{line}");
    }

    #[test]
    fn a_folded_line_that_is_cut_keeps_the_number_of_repeats() {
        let mut line =
            String::from("{\"ts\":\"t\",\"level\":\"INFO\",\"logger\":\"l\",\"msg\":\"m\"");
        for n in 0..100 {
            let _ = write!(line, ",\"name_{n}\":{n}");
        }
        line.push_str(",\"nested\":{\"a\":0,\"repeats\":7},\"repeats\":42}");
        for limit in [500, 300] {
            shrink(&mut line, limit);
            assert!(line.len() <= limit, "{line}");
            assert!(line.ends_with(",\"repeats\":42,\"truncated\":true}"), "{line}");
            serde_json::from_str::<serde_json::Value>(&line).expect("still JSON");
        }
    }

    #[test]
    fn too_many_members_lose_the_last_ones() {
        let mut line =
            String::from("{\"ts\":\"t\",\"level\":\"INFO\",\"logger\":\"l\",\"msg\":\"m\"");
        for n in 0..1000 {
            let _ = write!(line, ",\"name_{n}\":{n}");
        }
        line.push('}');
        shrink(&mut line, 500);
        assert!(line.len() <= 500, "{} {line}", line.len());
        serde_json::from_str::<serde_json::Value>(&line).expect("still JSON");
    }
}
