//! Edits of a text: the new text, and the unified diff.

use std::fmt::Write as _;
use std::ops::Range;

use super::file::Edit;

/// Number of unchanged lines around a change.
const CONTEXT: usize = 3;

/// Applies sorted edits. `None` if they overlap or lie outside the text.
pub(super) fn apply(text: &str, edits: &[Edit]) -> Option<String> {
    let mut new = String::with_capacity(text.len());
    let mut end = 0;
    for edit in edits {
        new.push_str(text.get(end..edit.range.start)?);
        text.get(edit.range.clone())?;
        new.push_str(&edit.text);
        end = edit.range.end;
    }
    new.push_str(text.get(end..)?);
    Some(new)
}

/// The edit that turns `old` into `new`.
pub(super) fn difference(old: &str, new: &str) -> Option<Edit> {
    if old == new {
        return None;
    }
    let pairs = || old.bytes().zip(new.bytes());
    let mut start = pairs().take_while(|(old, new)| old == new).count();
    start = old[..start.min(floor(old, start))].rfind('\n').map_or(0, |feed| feed + 1);
    let rest = old.len().min(new.len()) - start;
    let same = old
        .bytes()
        .rev()
        .zip(new.bytes().rev())
        .take(rest)
        .take_while(|(old, new)| old == new)
        .count();
    // The last unchanged line begins after a line feed.
    let tail = &old[ceil(old, old.len() - same)..];
    let tail = tail.find('\n').map_or("", |feed| &tail[feed + 1..]);
    Some(Edit {
        range: start..old.len() - tail.len(),
        text: new[start..new.len() - tail.len()].to_owned(),
    })
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn ceil(text: &str, at: usize) -> usize {
    (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// Lines of the old text and their replacement.
struct LineChange {
    old: Range<usize>,
    new: Vec<String>,
}

/// The diff of a file, in the form for `patch -p1`. Empty if nothing changes.
pub(super) fn unified(path: &str, text: &str, edits: &[Edit]) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut starts = Vec::with_capacity(lines.len() + 1);
    let mut at = 0;
    for line in &lines {
        starts.push(at);
        at += line.len();
    }
    starts.push(at);
    let changes = changes(text, edits, &lines, &starts);
    let mut out = String::new();
    if changes.is_empty() {
        return out;
    }
    let _ = write!(out, "--- a/{path}\n+++ b/{path}\n");
    let mut shift = 0_isize;
    let mut rest = changes.as_slice();
    while let [first, ..] = rest {
        let mut count = 1;
        while rest
            .get(count)
            .is_some_and(|next| next.old.start <= rest[count - 1].old.end + 2 * CONTEXT)
        {
            count += 1;
        }
        let (hunk, after) = rest.split_at(count);
        let start = first.old.start.saturating_sub(CONTEXT);
        let end = (hunk[count - 1].old.end + CONTEXT).min(lines.len());
        let grown: isize =
            hunk.iter().map(|change| signed(change.new.len()) - signed(change.old.len())).sum();
        let old_len = end - start;
        let new_len = (signed(old_len) + grown).unsigned_abs();
        let new_start = (signed(start) + shift).unsigned_abs();
        // The first line of an empty range is the one before it.
        let first_line = |start: usize, len: usize| if len == 0 { start } else { start + 1 };
        let _ = writeln!(
            out,
            "@@ -{},{old_len} +{},{new_len} @@",
            first_line(start, old_len),
            first_line(new_start, new_len)
        );
        let mut at = start;
        for change in hunk {
            lines[at..change.old.start].iter().for_each(|line| row(&mut out, ' ', line));
            lines[change.old.clone()].iter().for_each(|line| row(&mut out, '-', line));
            change.new.iter().for_each(|line| row(&mut out, '+', line));
            at = change.old.end;
        }
        lines[at..end].iter().for_each(|line| row(&mut out, ' ', line));
        shift += grown;
        rest = after;
    }
    out
}

fn signed(value: usize) -> isize {
    isize::try_from(value).unwrap_or(isize::MAX)
}

fn row(out: &mut String, mark: char, line: &str) {
    out.push(mark);
    out.push_str(line);
    if !line.ends_with('\n') {
        out.push_str("\n\\ No newline at end of file\n");
    }
}

fn changes(text: &str, edits: &[Edit], lines: &[&str], starts: &[usize]) -> Vec<LineChange> {
    let line_of = |at: usize| starts.partition_point(|start| *start <= at) - 1;
    let mut changes: Vec<LineChange> = Vec::new();
    let mut rest = edits;
    while let [first, ..] = rest {
        let start = line_of(first.range.start).min(lines.len());
        let last_line = |edit: &Edit| {
            let is_at_start =
                edit.range.end > edit.range.start && starts.binary_search(&edit.range.end).is_ok();
            let line = line_of(edit.range.end);
            (if is_at_start { line } else { line + 1 }).min(lines.len())
        };
        let mut end = last_line(first);
        let mut count = 1;
        while let Some(next) = rest.get(count).filter(|next| line_of(next.range.start) < end) {
            end = end.max(last_line(next));
            count += 1;
        }
        let (own, after) = rest.split_at(count);
        rest = after;
        let range = starts[start]..starts[end];
        let shifted: Vec<Edit> = own
            .iter()
            .map(|edit| Edit {
                range: edit.range.start - range.start..edit.range.end.saturating_sub(range.start),
                text: edit.text.clone(),
            })
            .collect();
        let Some(new) = text.get(range).and_then(|text| apply(text, &shifted)) else { continue };
        let mut new: Vec<String> = new.split_inclusive('\n').map(str::to_owned).collect();
        let mut old = start..end;
        while !new.is_empty() && !old.is_empty() && lines[old.start] == new[0] {
            new.remove(0);
            old.start += 1;
        }
        while !new.is_empty() && !old.is_empty() && lines[old.end - 1] == new[new.len() - 1] {
            new.pop();
            old.end -= 1;
        }
        if !(new.is_empty() && old.is_empty()) {
            changes.push(LineChange { old, new });
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hunk_has_three_lines_of_context_and_marks_a_missing_line_feed() {
        let text = "1\n2\n3\n4\n5\n6";
        let edit = Edit { range: 10..11, text: "six".to_owned() };
        let expected = "--- a/f\n+++ b/f\n@@ -3,4 +3,4 @@\n 3\n 4\n 5\n-6\n\\ No newline at end of file\n+six\n\\ No newline at end of file\n";
        assert_eq!(unified("f", text, &[edit]), expected);
    }

    #[test]
    fn the_difference_of_two_texts_is_one_edit_of_whole_lines() {
        let old = "[a]\nx = 1\ny = 2\n";
        let new = "[a]\nx = 1\nz = 3\ny = 2\n";
        let edit = difference(old, new).expect("an edit");
        assert_eq!(apply(old, std::slice::from_ref(&edit)).as_deref(), Some(new));
        assert_eq!(
            unified("f", old, &[edit]).lines().filter(|line| line.starts_with(['+', '-'])).count(),
            3
        );
        assert_eq!(difference(old, old), None);
        for (old, new) in
            [("", "a\n"), ("a\n", ""), ("é\n", "è\n"), ("a\na\n", "a\na\na\n"), ("a", "a\nb\n")]
        {
            let edit = difference(old, new).expect("an edit");
            assert_eq!(apply(old, &[edit]).as_deref(), Some(new));
        }
    }
}
