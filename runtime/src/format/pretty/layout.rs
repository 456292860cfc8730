//! Writes the rows of a record: columns, indentation, colours, fields and errors.

use std::iter;

use super::facts::{RowFacts, RowFields, RowKind, RowTotals, shown};
use super::{Style, inside, is_bare, member_of, put_plain};
use crate::format::record::Severity;

const RESET: &str = "\x1b[0m";
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
/// Colours of consecutive request numbers.
const NUMBERS: [&str; 4] = ["\x1b[36m", "\x1b[35m", "\x1b[34m", "\x1b[32m"];

/// The width of the first column: `10:14:12.123`, or `   12.031 ms`.
const FIRST: usize = 12;
const UNIT: &str = " ms";
/// The column after the first one and the level.
const TEXT: usize = FIRST + 3;
/// The width of a request's number.
const NUMBER: usize = 4;
/// The indentation of the lines of a request, and the additional one for each step around a line.
const INDENT: usize = 2;
/// Separates the totals.
const SEPARATOR: &str = " · ";
/// Separates the totals from the fields, which begin with a space.
const FIELDS_AFTER: &str = " ·";
/// The maximum number of indented steps.
const DEEPEST: u32 = 20;
/// The minimum width at which lines are wrapped.
const NARROWEST: usize = 40;
/// The maximum length of an id. Only the end of a longer id is shown.
const LONGEST_ID: usize = 12;
const END_OF_ID: usize = 6;

/// Position of a line relative to its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// Outside any request.
    Outside,
    Inside(Inside),
    /// The last line of its request.
    End {
        number: u64,
    },
    /// The only line of its request.
    Whole {
        number: u64,
    },
}

/// A line among those of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Inside {
    /// The steps around the line.
    pub(super) depth: u32,
    /// The request's number.
    pub(super) number: u64,
    /// Whether the line directly follows a header.
    pub(super) is_first: bool,
    /// Whether the line before belongs to another request.
    pub(super) is_switch: bool,
    /// Whether the line before shows the same error.
    pub(super) is_repeated: bool,
}

/// One record.
#[derive(Debug)]
pub(super) struct Layout<'a> {
    pub(super) out: &'a mut String,
    pub(super) fields: RowFields<'a>,
    pub(super) severity: Severity,
    pub(super) style: Style,
}

impl Layout<'_> {
    /// Writes the record without its line feed.
    pub(super) fn record(&mut self, facts: &RowFacts<'_>, position: Position) {
        let mut indent = TEXT;
        match position {
            Position::Outside => self.first_column(facts),
            Position::Inside(Inside { depth, number, is_first, is_switch, .. }) => {
                if is_first {
                    self.header(facts, number, " ");
                    self.out.push('\n');
                }
                self.first_column(facts);
                if is_switch && !is_first {
                    self.number(number);
                } else {
                    self.spaces(NUMBER);
                }
                let inner = INDENT + INDENT * depth.min(DEEPEST) as usize;
                self.spaces(inner);
                indent += NUMBER + inner;
            }
            Position::End { number } => {
                self.first_column(facts);
                self.number(number);
                indent += NUMBER;
            }
            Position::Whole { number } => {
                self.header(facts, number, level_mark(self.severity));
                self.out.push(' ');
                indent += NUMBER;
            }
        }
        self.content(facts, position, indent + INDENT);
        self.all_fields(indent + INDENT, if facts.is_end() { FIELDS_AFTER } else { "" });
        self.error_and_backtrace(facts, position, indent + INDENT);
    }

    /// The time and the request: method, path, the end of the id, and the user.
    fn header(&mut self, facts: &RowFacts<'_>, number: u64, level: &str) {
        self.time(facts);
        self.out.push(' ');
        self.paint(level_colour(self.severity), level);
        self.out.push(' ');
        self.number(number);
        let mut is_first = true;
        for value in [facts.identity("method"), facts.identity("path")].into_iter().flatten() {
            if !is_first {
                self.out.push(' ');
            }
            let value = shown(value);
            let room = self.width().map_or(usize::MAX, |width| width / 2);
            match value.char_indices().nth(room) {
                None => self.paint(BOLD, value),
                Some((end, _)) => {
                    self.paint(BOLD, &value[..end]);
                    self.out.push('…');
                }
            }
            is_first = false;
        }
        if let Some(id) = facts.identity("request_id") {
            self.out.push_str(if is_first { "" } else { " " });
            let text = inside(id);
            if text.len() > LONGEST_ID && is_bare(text) {
                self.open(DIM);
                self.out.push('…');
                self.out.push_str(&text[text.len() - END_OF_ID..]);
                self.close();
            } else {
                self.paint(DIM, shown(id));
            }
        }
        if let Some(user) = facts.identity("user_id") {
            self.out.push_str(" user ");
            self.out.push_str(shown(user));
        }
    }

    /// The duration, or the time of a line without one; and the level.
    #[inline]
    fn first_column(&mut self, facts: &RowFacts<'_>) {
        match facts.duration {
            Some(duration) => self.duration(duration),
            None => self.time(facts),
        }
        self.level();
    }

    fn time(&mut self, facts: &RowFacts<'_>) {
        self.paint(DIM, facts.time);
    }

    fn duration(&mut self, millis: &str) {
        const DIGITS: usize = FIRST - UNIT.len();
        let millis = if millis.len() > DIGITS {
            millis.split_once('.').map_or(millis, |(whole, _)| whole)
        } else {
            millis
        };
        self.spaces(DIGITS.saturating_sub(millis.len()));
        self.out.push_str(millis);
        self.out.push_str(UNIT);
    }

    fn level(&mut self) {
        self.out.push(' ');
        self.paint(level_colour(self.severity), level_mark(self.severity));
        self.out.push(' ');
    }

    /// The number of the request, in its colour.
    fn number(&mut self, number: u64) {
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(number);
        self.open(NUMBERS[usize::try_from(number % NUMBERS.len() as u64).unwrap_or_default()]);
        self.out.push('#');
        self.out.push_str(digits);
        self.close();
        self.spaces(NUMBER.saturating_sub(1 + digits.len()).max(1));
    }

    /// The text of the line up to its fields.
    fn content(&mut self, facts: &RowFacts<'_>, position: Position, indent: usize) {
        match facts.kind {
            RowKind::Step | RowKind::Call => {
                for (at, part) in [facts.dependency, facts.operation, facts.name]
                    .into_iter()
                    .flatten()
                    .enumerate()
                {
                    self.out.push_str(if at == 0 { "" } else { " " });
                    self.plain("", part);
                }
                self.status(facts);
            }
            RowKind::RequestEnd | RowKind::JobEnd => {
                if let Some(job) = facts.name {
                    self.plain(BOLD, job);
                }
                self.status(facts);
                // In the other positions, the first column has the time.
                if let (Position::Whole { .. }, Some(duration)) = (position, facts.duration) {
                    self.out.push(' ');
                    self.out.push_str(duration);
                    self.out.push_str(UNIT);
                }
                self.totals(&facts.totals, facts.cause);
            }
            RowKind::Event => {
                // The logger and the message of a panic are the same.
                if facts.logger != facts.message {
                    self.paint(DIM, shown(facts.logger));
                    self.out.push(' ');
                }
                let start = self.out.len();
                self.plain("", facts.message);
                if self.width().is_some_and(|width| self.column() > width) {
                    self.wrap_words(start, indent);
                }
            }
        }
        if is_inline(facts, position)
            && let Some(error) = facts.error
        {
            self.out.push(' ');
            self.open(RED);
            self.out.push_str("error=");
            self.out.push_str(shown(error));
            self.close();
        }
    }

    /// The status and the outcome.
    fn status(&mut self, facts: &RowFacts<'_>) {
        let is_end = facts.is_end();
        let outcome = facts.outcome.map_or("", inside);
        let colour = match outcome {
            "ok" => GREEN,
            "cancelled" => YELLOW,
            _ => RED,
        };
        if let Some(status) = facts.status {
            self.space();
            self.paint(if status.starts_with(['4', '5']) { RED } else { GREEN }, status);
        }
        // The outcome of a step follows from its error, if it has one.
        if is_end || (outcome != "ok" && !(outcome == "error" && facts.error.is_some())) {
            self.space();
            self.paint(colour, outcome);
        }
    }

    /// The nonzero totals of a request or job, and the cause of its failure.
    fn totals(&mut self, totals: &RowTotals<'_>, cause: Option<&str>) {
        if let Some(cause) = cause {
            self.out.push_str(SEPARATOR);
            self.open(RED);
            self.out.push_str("cause");
            for key in ["dependency", "step", "category", "status", "grpc_status"] {
                if let Some(text) = member_of(cause, key) {
                    self.out.push(' ');
                    self.out.push_str(text);
                }
            }
            self.close();
        }
        self.open(DIM);
        for (count, one, many) in
            [(totals.steps, " step", " steps"), (totals.calls, " call", " calls")]
        {
            if let Some(count) = count.filter(|count| *count != "0") {
                self.out.push_str(SEPARATOR);
                self.out.push_str(count);
                self.out.push_str(if count == "1" { one } else { many });
            }
        }
        if let Some(millis) = totals.calls_ms.filter(|_| totals.calls != Some("0")) {
            self.out.push(' ');
            self.out.push_str(millis);
            self.out.push_str(UNIT);
        }
        if let Some(slowest) = totals.slowest {
            self.out.push_str(SEPARATOR);
            self.out.push_str("slowest ");
            self.out.push_str(inside(slowest));
        }
        self.close();
    }

    /// The fields, wrapped if the width is known. `separator` comes before fields on the same row.
    fn all_fields(&mut self, indent: usize, separator: &str) {
        if self.fields.ends.is_empty() {
            return;
        }
        self.open(DIM);
        match self.width() {
            None => {
                self.out.push_str(separator);
                self.out.push_str(self.fields.text);
            }
            Some(width) => self.wrapped_fields(indent, separator, width),
        }
        self.close();
    }

    fn wrapped_fields(&mut self, indent: usize, separator: &str, width: usize) {
        let indent = indent.min(width / 2);
        let mut column = self.column();
        let mut start = 0;
        for at in 0..self.fields.ends.len() {
            let end = self.fields.ends[at];
            // Without the space in front.
            let field = &self.fields.text[start + 1..end];
            start = end;
            let length = field.chars().count();
            if at == 0 {
                let with_separator = column + separator.chars().count();
                if with_separator + 1 + length <= width {
                    self.out.push_str(separator);
                    column = with_separator;
                }
            }
            if column + 1 + length > width && column > indent {
                self.out.push('\n');
                self.out.extend(iter::repeat_n(' ', indent));
                column = indent;
            } else {
                self.out.push(' ');
                column += 1;
            }
            if column + length > width {
                let end = field.char_indices().nth(width - column - 1).map_or(0, |(at, _)| at);
                self.out.push_str(&field[..end]);
                self.out.push('…');
                column = width;
            } else {
                self.out.push_str(field);
                column += length;
            }
        }
    }

    /// The error and the backtrace, on lines of their own.
    fn error_and_backtrace(&mut self, facts: &RowFacts<'_>, position: Position, indent: usize) {
        if let Some(detail) = facts.error_detail.filter(|_| !is_inline(facts, position)) {
            self.new_line(indent);
            self.open(RED);
            let start = self.out.len();
            let class = facts.error.map_or("", inside);
            match facts.error_type.map(inside) {
                Some(name) if name.rsplit("::").next() == Some(class) => self.out.push_str(name),
                Some(name) if !class.is_empty() => {
                    for part in [class, " (", name, ")"] {
                        self.out.push_str(part);
                    }
                }
                _ => self.out.push_str(class),
            }
            self.out.push_str(if self.out.len() == start { "" } else { ": " });
            put_plain(inside(detail), self.out);
            self.wrap_words(start, indent);
            self.close();
        }
        if let Some(backtrace) = facts.backtrace.map(inside) {
            for line in lines_of(backtrace) {
                self.new_line(indent);
                self.open(DIM);
                let start = self.out.len();
                put_plain(line, self.out);
                self.cut(start, indent);
                self.close();
            }
        }
    }

    /// Cuts the text from the byte `from` on at the end of the row, if the width is known.
    fn cut(&mut self, from: usize, indent: usize) {
        let Some(width) = self.width() else { return };
        let room = width - indent.min(width / 2);
        let text = &self.out[from..];
        if let Some((end, _)) = text.char_indices().nth(room)
            && let Some((last, _)) = text[..end].char_indices().next_back()
        {
            self.out.truncate(from + last);
            self.out.push('…');
        }
    }

    /// Breaks the text from the byte `from` on between words, and words that are longer than a row, if the width is known.
    /// The terminal's own breaks would put text into the first column.
    fn wrap_words(&mut self, from: usize, indent: usize) {
        let Some(width) = self.width() else { return };
        let indent = indent.min(width / 2);
        let text = self.out.split_off(from);
        let mut column = self.column();
        for (at, word) in text.split(' ').enumerate() {
            if at > 0 && column + 1 + word.chars().count() > width && column > indent {
                self.new_line(indent);
                column = indent;
            } else if at > 0 {
                self.out.push(' ');
                column += 1;
            }
            for c in word.chars() {
                if column >= width {
                    self.new_line(indent);
                    column = indent;
                }
                self.out.push(c);
                column += 1;
            }
        }
    }

    /// The width of the terminal, unless it is too narrow to wrap lines.
    fn width(&self) -> Option<usize> {
        (self.style.width)().filter(|width| *width >= NARROWEST)
    }

    /// The number of columns of the last line so far.
    fn column(&self) -> usize {
        let line = self.out.rsplit('\n').next().unwrap_or_default();
        let mut is_escape = false;
        let is_shown = |c: &char| {
            let was_escape = is_escape;
            is_escape = if is_escape { *c != 'm' } else { *c == '\x1b' };
            !(was_escape || is_escape)
        };
        line.chars().filter(is_shown).count()
    }

    fn new_line(&mut self, indent: usize) {
        self.out.push('\n');
        self.spaces(indent.min(self.width().map_or(usize::MAX, |width| width / 2)));
    }

    /// A string, as [`plain`] appends it.
    #[inline]
    fn plain(&mut self, style: &str, value: &str) {
        if !style.is_empty() {
            self.open(style);
        }
        plain(value, self.out);
        if !style.is_empty() {
            self.close();
        }
    }

    /// A space, unless there is one or the text is empty.
    fn space(&mut self) {
        if !self.out.ends_with(' ') {
            self.out.push(' ');
        }
    }

    fn spaces(&mut self, count: usize) {
        const SPACES: &str = "                                                                ";
        match SPACES.get(..count) {
            Some(spaces) => self.out.push_str(spaces),
            None => self.out.extend(iter::repeat_n(' ', count)),
        }
    }

    #[inline]
    fn open(&mut self, style: &str) {
        if self.style.colour {
            self.out.push_str(style);
        }
    }

    #[inline]
    fn close(&mut self) {
        self.open(RESET);
    }

    #[inline]
    fn paint(&mut self, style: &str, text: &str) {
        self.open(style);
        self.out.push_str(text);
        self.close();
    }
}

/// Appends a string without quotes, unless it could be mistaken for fields; then it stays escaped, too.
#[inline]
pub(super) fn plain(value: &str, out: &mut String) {
    let text = inside(value);
    if text.contains('=') {
        out.push_str(value);
    } else {
        put_plain(text, out);
    }
}

/// Whether the error is shown by its class, in front of the fields.
fn is_inline(facts: &RowFacts<'_>, position: Position) -> bool {
    match position {
        Position::Inside(inside) => inside.is_repeated || facts.error_detail.is_none(),
        _ => facts.error_detail.is_none(),
    }
}

/// The lines of escaped text.
fn lines_of(escaped: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(escaped);
    iter::from_fn(move || {
        let text = rest?;
        let mut from = 0;
        while let Some(found) = text[from..].find('\\') {
            let at = from + found;
            if text.as_bytes().get(at + 1) == Some(&b'n') {
                rest = Some(&text[at + 2..]);
                return Some(&text[..at]);
            }
            from = (at + 2).min(text.len());
        }
        rest = None;
        Some(text)
    })
}

fn level_mark(severity: Severity) -> &'static str {
    match severity {
        Severity::Trace => "T",
        Severity::Debug => "D",
        Severity::Info => "I",
        Severity::Warn => "W",
        Severity::Error => "E",
        Severity::Critical => "C",
    }
}

fn level_colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Trace | Severity::Debug => "\x1b[34m",
        Severity::Info => GREEN,
        Severity::Warn => YELLOW,
        Severity::Error => RED,
        Severity::Critical => "\x1b[1;41m",
    }
}
