//! Rows of styled text for the terminal.
//!
//! All text is escaped, so that log content can't control the terminal.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Width if standard output is not a terminal.
const DEFAULT_WIDTH: usize = 120;
/// Tables need at least this many columns; on a narrower terminal they overflow.
const MIN_WIDTH: usize = 40;

/// Widest layout: bars and charts do not grow beyond it.
const MAX_WIDTH: usize = 400;

/// Meaning of a piece of text, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Bold,
    Dim,
    Good,
    Warn,
    Bad,
    Request,
    Step,
    Call,
}

impl Style {
    /// The parameters of the ANSI escape sequence.
    fn code(self) -> &'static str {
        match self {
            Style::Plain => "",
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Good => "32",
            Style::Warn => "33",
            Style::Bad => "1;31",
            Style::Request => "35",
            Style::Step => "34",
            Style::Call => "36",
        }
    }
}

/// Width and colour support of the output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    pub(crate) width: usize,
    pub(crate) colour: bool,
}

impl Screen {
    /// Reads the width from `COLUMNS`, else from the terminal. Uses colours if standard output is a
    /// terminal other than `TERM=dumb`, or if `CLICOLOR_FORCE` is set; never if `NO_COLOR` is set.
    pub(crate) fn detect() -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let is_dumb = set("TERM").is_some_and(|term| term == "dumb");
        let is_terminal = std::io::stdout().is_terminal() && !is_dumb;
        let forced = set("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        let columns = set("COLUMNS").and_then(|columns| columns.to_str()?.parse::<usize>().ok());
        let terminal = || {
            let (width, _) = terminal_size::terminal_size()?;
            Some(usize::from(width.0))
        };
        let width =
            columns.filter(|columns| *columns > 0).or_else(terminal).unwrap_or(DEFAULT_WIDTH);
        Screen {
            width: width.clamp(MIN_WIDTH, MAX_WIDTH),
            colour: set("NO_COLOR").is_none() && (is_terminal || forced),
        }
    }

    /// Renders a row as a line of text, truncated to the width of the screen.
    pub(crate) fn render(self, row: &Row) -> String {
        let mut out = String::new();
        let mut left = self.width;
        for (style, text) in &row.parts {
            let shown = truncate(text, left);
            left -= shown.width().min(left);
            if self.colour && *style != Style::Plain && !shown.is_empty() {
                let _ = write!(out, "\x1b[{}m{shown}\x1b[0m", style.code());
            } else {
                out.push_str(&shown);
            }
            if left == 0 {
                break;
            }
        }
        let trimmed = out.trim_end_matches(' ').len();
        out.truncate(trimmed);
        out.push('\n');
        out
    }
}

/// One row of output.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    parts: Vec<(Style, String)>,
    width: usize,
}

impl Row {
    pub(crate) fn new() -> Self {
        Row::default()
    }

    /// Appends text, escaped.
    pub(crate) fn add(&mut self, style: Style, text: &str) -> &mut Self {
        let text = escape(text);
        self.width += text.width();
        self.parts.push((style, text));
        self
    }

    /// Appends a part of text that is already escaped.
    pub(crate) fn add_escaped(&mut self, style: Style, text: &str) -> &mut Self {
        self.width += text.width();
        self.parts.push((style, text.to_owned()));
        self
    }

    /// Appends spaces up to column `to`.
    pub(crate) fn pad(&mut self, to: usize) -> &mut Self {
        let spaces = to.saturating_sub(self.width);
        self.add(Style::Plain, &" ".repeat(spaces))
    }

    /// Appends text aligned right, so that it ends at column `to`.
    pub(crate) fn add_right(&mut self, style: Style, text: &str, to: usize) -> &mut Self {
        let text = escape(text);
        self.pad(to.saturating_sub(text.width()));
        self.add(style, &text)
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }
}

/// The number of terminal columns that escaped text takes.
pub(crate) fn display_width(text: &str) -> usize {
    text.width()
}

/// Truncates text to `columns`; `…` at the end marks the truncation.
pub(crate) fn truncate(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut width = 0;
    for c in text.chars() {
        width += c.width().unwrap_or(0);
        if width + 1 > columns {
            break;
        }
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// Wraps text into rows of at most `columns`; a word that is longer than a row is broken.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(10);
    let mut rows = vec![String::new()];
    let mut width = 0;
    for word in escape(text).split(' ') {
        let word_width = word.width();
        if width > 0 && width + 1 + word_width > columns {
            rows.push(String::new());
            width = 0;
        }
        if width > 0 {
            push_to_last(&mut rows, " ");
            width += 1;
        }
        if word_width <= columns {
            push_to_last(&mut rows, word);
            width += word_width;
            continue;
        }
        for c in word.chars() {
            let char_width = c.width().unwrap_or(0);
            if width + char_width > columns {
                rows.push(String::new());
                width = 0;
            }
            push_to_last(&mut rows, c.encode_utf8(&mut [0; 4]));
            width += char_width;
        }
    }
    rows
}

fn push_to_last(rows: &mut [String], text: &str) {
    if let Some(last) = rows.last_mut() {
        last.push_str(text);
    }
}

/// Whether a character moves the cursor, ends a line, changes the writing direction or is invisible: C0,
/// DEL, C1, line separators, bidirectional controls, zero-width characters and tags.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Escapes unsafe characters as `\n`, `\t`, `\u{1b}`.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_unsafe(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// `12%`; a share between 0 and 1 % is `<1%`.
pub(crate) fn percent(part: f64, whole: f64) -> String {
    if whole <= 0.0 {
        return "0%".to_owned();
    }
    let percent = (part / whole * 100.0).clamp(0.0, 999.0);
    if percent > 0.0 && percent < 1.0 { "<1%".to_owned() } else { format!("{percent:.0}%") }
}

/// `1,234,567`.
pub(crate) fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// One line of JSON, with unsafe characters as `\u` escapes.
pub(crate) fn json_line(value: &serde_json::Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        if is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_truncated_to_the_width_and_has_no_control_characters() {
        let screen = Screen { width: 12, colour: false };
        let mut row = Row::new();
        row.add(Style::Bad, "a\x1b[2Jb").add(Style::Plain, "日本語日本語");
        let shown = screen.render(&row);
        assert_eq!(shown, "a\\u{1b}[2Jb…\n");
        assert!(!shown.trim_end().chars().any(is_unsafe));
    }

    #[test]
    fn rows_wrap_between_words_and_within_long_ones() {
        assert_eq!(wrap("aaa bbb ccc ddd", 11), ["aaa bbb ccc", "ddd"]);
        assert_eq!(wrap("abcdefghijklm", 10), ["abcdefghij", "klm"]);
    }
}
