//! What goes to the terminal: rows of styled text, in which nothing of a log can be a command to it.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Where there is no terminal to ask.
const WIDTH: usize = 120;
/// Below it a table is no table.
const NARROWEST: usize = 40;

/// What a text is, for the eye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Bold,
    Dim,
    Good,
    Warn,
    Bad,
    Step,
    Call,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Style::Plain => "",
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Good => "32",
            Style::Warn => "33",
            Style::Bad => "1;31",
            Style::Step => "34",
            Style::Call => "36",
        }
    }
}

/// How the output is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    pub(crate) width: usize,
    colour: bool,
}

impl Screen {
    /// Colours on a terminal that is not dumb, unless `NO_COLOR` forbids them or `CLICOLOR_FORCE` asks for them; the
    /// width of `COLUMNS`, else of the terminal.
    pub(crate) fn new() -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        // What calls itself dumb shows codes as letters.
        let is_dumb = set("TERM").is_some_and(|term| term == "dumb");
        let is_terminal = std::io::stdout().is_terminal() && !is_dumb;
        let forced = set("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        let columns = set("COLUMNS").and_then(|columns| columns.to_str()?.parse::<usize>().ok());
        let asked = || {
            let (width, _) = terminal_size::terminal_size()?;
            Some(usize::from(width.0))
        };
        let width = columns.filter(|columns| *columns > 0).or_else(asked).unwrap_or(WIDTH);
        Screen {
            width: width.clamp(NARROWEST, 400),
            colour: set("NO_COLOR").is_none() && (is_terminal || forced),
        }
    }

    /// A row as text, no wider than the screen.
    pub(crate) fn show(self, row: &Row) -> String {
        let mut out = String::new();
        let mut left = self.width;
        for (style, text) in &row.parts {
            let shown = cut(text, left);
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

    /// Appends text from wherever, made safe.
    pub(crate) fn add(&mut self, style: Style, text: &str) -> &mut Self {
        let text = safe(text);
        self.width += text.width();
        self.parts.push((style, text));
        self
    }

    pub(crate) fn pad(&mut self, to: usize) -> &mut Self {
        let spaces = to.saturating_sub(self.width);
        self.add(Style::Plain, &" ".repeat(spaces))
    }

    /// Appends text that ends at column `to`.
    pub(crate) fn right(&mut self, style: Style, text: &str, to: usize) -> &mut Self {
        let text = safe(text);
        self.pad(to.saturating_sub(text.width()));
        self.add(style, &text)
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }
}

/// Columns of a text that is safe.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// Cut to so many columns, with `…` where something is missing.
pub(crate) fn cut(text: &str, columns: usize) -> String {
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

/// Words on rows of so many columns; a word that is longer is broken.
pub(crate) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(10);
    let mut rows = vec![String::new()];
    let mut width = 0;
    for word in safe(text).split(' ') {
        let wide = word.width();
        if width > 0 && width + 1 + wide > columns {
            rows.push(String::new());
            width = 0;
        }
        if width > 0 {
            push(&mut rows, " ");
            width += 1;
        }
        if wide <= columns {
            push(&mut rows, word);
            width += wide;
            continue;
        }
        for c in word.chars() {
            let wide = c.width().unwrap_or(0);
            if width + wide > columns {
                rows.push(String::new());
                width = 0;
            }
            push(&mut rows, c.encode_utf8(&mut [0; 4]));
            width += wide;
        }
    }
    rows
}

fn push(rows: &mut [String], text: &str) {
    if let Some(last) = rows.last_mut() {
        last.push_str(text);
    }
}

/// Characters that move the cursor, end a line, or change the direction of what follows: C0, DEL, C1,
/// line separators, bidirectional controls, and those that nobody sees.
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

/// Text without such characters: they are shown as `\n`, `\t`, `\u{1b}`.
pub(crate) fn safe(text: &str) -> String {
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

/// `12%`, and less than one where there is something.
pub(crate) fn percent(part: f64, whole: f64) -> String {
    if whole <= 0.0 {
        return "0%".to_owned();
    }
    let percent = (part / whole * 100.0).clamp(0.0, 999.0);
    if percent > 0.0 && percent < 1.0 { "<1%".to_owned() } else { format!("{percent:.0}%") }
}

/// JSON on a line of its own, in which such characters are escaped as JSON has it.
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
    fn a_row_is_cut_at_the_screens_edge_and_holds_no_control() {
        let screen = Screen { width: 12, colour: false };
        let mut row = Row::new();
        row.add(Style::Bad, "a\x1b[2Jb").add(Style::Plain, "日本語日本語");
        let shown = screen.show(&row);
        assert_eq!(shown, "a\\u{1b}[2Jb…\n");
        assert!(!shown.trim_end().chars().any(is_unsafe));
    }

    #[test]
    fn rows_break_between_words_and_within_long_ones() {
        assert_eq!(wrapped("aaa bbb ccc ddd", 11), ["aaa bbb ccc", "ddd"]);
        assert_eq!(wrapped("abcdefghijklm", 10), ["abcdefghij", "klm"]);
    }
}
