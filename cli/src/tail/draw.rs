//! Draws requests and lines as they end.

use serde_json::{Map, Value};

use super::pending::Gathered;
use crate::line::{Level, Line, short_id, value_text};
use crate::read::Keys;
use crate::schema::keys;
use crate::screen::{Row, Screen, Style, display_width, escape, is_unsafe, truncate};
use crate::story::{self, TextOptions};
use crate::time::{Clock, Micros, format_ms, from_ms, to_ms};

/// Positions of the columns after the time.
const STATUS: usize = 14;
const DURATION_END: usize = 30;
const ID: usize = 32;
const TITLE: usize = 47;
/// The column of titles grows to at most the width of the screen divided by this number.
const TITLE_SHARE: usize = 3;
/// The maximum number of steps and of dependencies that a folded request names.
const MAX_NAMED: usize = 3;

/// Text for the terminal, and the state of the rows before it.
#[derive(Debug)]
pub(super) struct Drawing {
    pub(super) text: String,
    screen: Screen,
    clock: Clock,
    all_fields: bool,
    /// Width of the widest title so far.
    title_width: usize,
    /// The service of the first request. Rows name the service once there is a second one.
    service: Option<String>,
    has_several_services: bool,
    /// Whether the latest row belongs to a tree.
    is_after_tree: bool,
}

impl Drawing {
    pub(super) fn new(screen: Screen, clock: Clock, all_fields: bool) -> Self {
        Drawing {
            text: String::new(),
            screen,
            clock,
            all_fields,
            title_width: 12,
            service: None,
            has_several_services: false,
            is_after_tree: false,
        }
    }

    fn row(&mut self, row: &Row) {
        self.text.push_str(&self.screen.render(row));
    }

    /// Begins a row or a tree: separates it from a tree above it, and shows the date if it has changed.
    fn begin(&mut self, at: Option<Micros>, is_tree: bool) {
        if self.is_after_tree || is_tree {
            self.text.push('\n');
        }
        self.is_after_tree = is_tree;
        if let Some(date) = at.and_then(|at| self.clock.new_date(at)) {
            self.row(Row::new().add(Style::Dim, &date));
        }
    }

    /// Draws a line of another program unchanged. Control sequences other than colours are escaped.
    pub(super) fn foreign(&mut self, line: &[u8]) {
        self.begin(None, false);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        push_harmless(&mut self.text, &String::from_utf8_lossy(line), self.screen.colour);
        self.text.push('\n');
    }

    /// Draws an incomplete candor line.
    pub(super) fn torn(&mut self, line: &[u8]) {
        self.begin(None, false);
        self.row(Row::new().add(Style::Dim, &String::from_utf8_lossy(line)));
    }

    /// Draws a single line: one outside requests, or one of a request that has already ended.
    pub(super) fn line(&mut self, line: &Line, id: &str) {
        self.begin(Some(line.at), false);
        let is_dim = line.level < Level::Warn;
        let (message, fields) = story::line_text(line);
        let mut row = Row::new();
        row.add(Style::Dim, &self.clock.time(line.at)).pad(STATUS);
        let style = line.level.style();
        row.add(style, &line.level_name).add(Style::Plain, " ");
        if !id.is_empty() {
            row.add(Style::Dim, short_id(id)).add(Style::Plain, " ");
        }
        row.add(Style::Dim, &line.logger).add(Style::Plain, "  ");
        row.add(if is_dim { Style::Dim } else { Style::Plain }, &message);
        for (key, value) in fields {
            row.add(Style::Dim, &format!("  {key}="));
            row.add(if is_dim { Style::Dim } else { Style::Plain }, &value);
        }
        self.row(&row);
    }

    /// Draws a request that ended, on one row.
    pub(super) fn folded(&mut self, request: &Gathered, end: &Line, missing: u64) {
        self.begin(Some(end.at), false);
        let mut row = self.head(&request.id, end, Style::Plain);
        row.pad(TITLE + self.title_width + 2);
        if missing > 0 {
            let lines = if missing == 1 { "line" } else { "lines" };
            row.add(Style::Warn, &format!("! {missing} {lines} missing")).add(Style::Dim, " · ");
        }
        self.add_summary(&mut row, end);
        self.row(&row);
    }

    /// Appends the facts of an end line that fit on the screen.
    fn add_summary(&self, row: &mut Row, end: &Line) {
        // On a narrow screen, the first facts are shown in full instead of a part of each.
        let mut separator = "";
        for fact in summary(end) {
            let width = row.width() + display_width(separator) + display_width(&escape(&fact));
            if width > self.screen.width && !separator.is_empty() {
                break;
            }
            row.add(Style::Dim, separator).add(Style::Dim, &fact);
            separator = " · ";
        }
    }

    /// Draws a request that ended, as a tree.
    pub(super) fn tree(&mut self, request: &Gathered, end: &Line, keys: &Keys) {
        self.begin(Some(end.at), true);
        let mut row = self.head(&request.id, end, Style::Bold);
        if !end.user.is_empty() {
            row.add(Style::Dim, &format!("  user {}", end.user));
        }
        // The tree lacks the steps and calls whose lines were left out.
        if end.has("lines_left_out") {
            row.add(Style::Plain, "  ");
            self.add_summary(&mut row, end);
        }
        self.row(&row);
        self.body(request, request.parse(keys));
    }

    /// Draws a request that has no last line, as a tree or on one row.
    pub(super) fn unfinished(&mut self, request: &Gathered, keys: &Keys, form: Unfinished) {
        let Some(latest) = request.latest(keys) else { return };
        self.begin(Some(latest.at), form == Unfinished::Tree);
        let status = match form {
            Unfinished::StillOpen => "open",
            Unfinished::Tree | Unfinished::GivenUp => "no end",
        };
        let mut age = to_ms(request.open_for(keys));
        if form == Unfinished::StillOpen {
            age = age.max(request.age().as_secs_f64() * 1e3);
        }
        let emphasis = if form == Unfinished::Tree { Style::Bold } else { Style::Plain };
        let age = if age > 0.0 { format!("≥{}", format_ms(age)) } else { String::new() };
        let mut row =
            self.columns(&request.id, latest.at, (Style::Warn, status), &age, &latest, emphasis);
        if form != Unfinished::Tree {
            row.pad(TITLE + self.title_width + 2);
            row.add(Style::Dim, &seen(request, &latest));
        }
        self.row(&row);
        if form == Unfinished::Tree {
            self.body(request, request.parse(keys));
        }
    }

    fn body(&mut self, request: &Gathered, lines: Vec<Line>) {
        let mut screen = self.screen;
        screen.width -= 2;
        // The fields of equal rows differ, so each row is shown with its own.
        let (all_fields, all_rows) = (self.all_fields, self.all_fields);
        let options = TextOptions { screen, all_fields, all_rows };
        let body = story::draw(request.id.clone(), lines, request.omitted, options);
        for row in body.lines() {
            if !row.is_empty() {
                self.text.push_str("  ");
            }
            self.text.push_str(row);
            self.text.push('\n');
        }
    }

    /// Returns the columns of a request that ended.
    fn head(&mut self, id: &str, end: &Line, emphasis: Style) -> Row {
        let (style, status) = end.end_status();
        let status = if status.is_empty() { end.text("outcome") } else { status };
        let duration = end
            .micros("duration_ms")
            .map_or_else(String::new, |duration| format_ms(to_ms(duration)));
        self.columns(id, end.at, (style, &status), &duration, end, emphasis)
    }

    /// Returns time, status, duration, id and title, aligned with those of the previous row.
    fn columns(
        &mut self,
        id: &str,
        at: Micros,
        (style, status): (Style, &str),
        duration: &str,
        line: &Line,
        emphasis: Style,
    ) -> Row {
        let mut row = Row::new();
        row.add(Style::Dim, &self.clock.time(at)).pad(STATUS);
        row.add(style, status).add(Style::Plain, " ");
        row.add_right(emphasis, duration, DURATION_END).add(Style::Plain, " ").pad(ID);
        row.add(Style::Dim, short_id(id)).pad(TITLE - 1).add(Style::Plain, " ");
        let title = self.title(line);
        let widest = self.screen.width / TITLE_SHARE;
        let title = truncate(&escape(&title), self.screen.width.saturating_sub(TITLE).max(12));
        self.title_width = self.title_width.max(display_width(&title).min(widest));
        row.add(emphasis, &title);
        row
    }

    /// Returns `POST /orders`, or the name of the job, with the service if there are several.
    fn title(&mut self, line: &Line) -> String {
        if !line.service.is_empty() {
            let first = self.service.get_or_insert_with(|| line.service.clone());
            self.has_several_services |= *first != line.service;
        }
        let service = if self.has_several_services { line.service.as_str() } else { "" };
        let job = line.text("job");
        let words = [service, &line.method, &line.path, &job];
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// Form in which a request without a last line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfinished {
    Tree,
    StillOpen,
    GivenUp,
}

/// Returns the number of lines of an open request, and its open step or latest line.
fn seen(request: &Gathered, latest: &Line) -> String {
    let count = request.count();
    let lines = if count == 1 { "line" } else { "lines" };
    let step = latest.get("open").and_then(|open| open.as_array()?.last());
    let of = |key| step.and_then(|step| step.get(key)?.as_str());
    let words: Vec<&str> = [of("dependency"), of("step")].into_iter().flatten().collect();
    if words.is_empty() {
        format!("{count} {lines} so far, the latest: {}", story::line_text(latest).0)
    } else {
        format!("{count} {lines} so far, waits in {}", words.join(" "))
    }
}

/// Returns the facts of an end line that its columns don't show: `3 steps, 2 calls`, the longest times, its fields.
fn summary(end: &Line) -> Vec<String> {
    let mut facts = Vec::new();
    let counts = [
        counted(end.count("steps"), "step", "steps"),
        counted(end.count("dependency_calls"), "call", "calls"),
        counted(end.count("retries"), "retry", "retries"),
    ];
    let dependencies =
        named_times(end, "dependencies", |value| value.get("ms")?.as_f64().map(from_ms));
    let steps = named_times(end, "step_own_ms", |value| value.as_f64().map(from_ms));
    let slowest = Some(end.text("slowest_step")).filter(|step| !step.is_empty());
    let slowest = slowest.filter(|_| steps.is_empty()).map(|step| format!("slowest {step}"));
    let counts: Vec<String> = counts.into_iter().flatten().chain(slowest).collect();
    facts.extend(Some(counts.join(", ")).filter(|counts| !counts.is_empty()));
    if dependencies.is_empty() {
        let calls = end.micros("dependency_ms").filter(|micros| *micros > 0);
        facts.extend(calls.map(|micros| format!("{} in calls", format_ms(to_ms(micros)))));
    }
    facts.extend(Some(steps.join(", ")).filter(|steps| !steps.is_empty()));
    let calls: Vec<String> = dependencies.into_iter().map(|call| format!("→ {call}")).collect();
    facts.extend(Some(calls.join(", ")).filter(|calls| !calls.is_empty()));
    let fields = end.fields.iter().filter(|(key, _)| keys::find(key).is_none());
    facts.extend(fields.map(|(key, value)| format!("{key}={}", value_text(value))));
    let left_out = end.count("lines_left_out");
    facts.extend(counted(left_out, "line left out", "lines left out"));
    let error = end.error_class();
    facts.extend(Some(error).filter(|error| !error.is_empty()));
    facts
}

fn counted(count: u64, one: &str, many: &str) -> Option<String> {
    (count > 0).then(|| format!("{count} {}", if count == 1 { one } else { many }))
}

/// The members of an object with the greatest times: `charge 8.40 ms`, of a dependency with its number of calls.
fn named_times(end: &Line, key: &str, time: impl Fn(&Value) -> Option<Micros>) -> Vec<String> {
    let empty = Map::new();
    let members = end.get(key).and_then(Value::as_object).unwrap_or(&empty);
    let mut times: Vec<(&String, &Value, Micros)> =
        members.iter().filter_map(|(name, value)| Some((name, value, time(value)?))).collect();
    times.sort_by_key(|(.., time)| std::cmp::Reverse(*time));
    let shown = times.into_iter().take(MAX_NAMED).map(|(name, value, time)| {
        let calls = value.get("calls").and_then(Value::as_u64).filter(|calls| *calls > 1);
        let calls = calls.map_or_else(String::new, |calls| format!(" in {calls} calls"));
        format!("{name} {}{calls}", format_ms(to_ms(time)))
    });
    shown.collect()
}

/// Appends text; control characters other than tabs and colours are escaped. Colours end with the text, and are dropped
/// if the screen has none.
fn push_harmless(out: &mut String, text: &str, has_colour: bool) {
    let mut is_coloured = false;
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c != '\t' && is_unsafe(c)) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let colour = colour_length(rest);
        let length =
            colour.unwrap_or_else(|| rest.chars().next().map_or(rest.len(), char::len_utf8));
        let (control, after) = rest.split_at(length);
        if colour.is_none() {
            out.push_str(&escape(control));
        } else if has_colour {
            out.push_str(control);
            is_coloured = true;
        }
        rest = after;
    }
    out.push_str(rest);
    if is_coloured {
        out.push_str("\x1b[0m");
    }
}

/// The length of a sequence that sets a colour at the start of the text: `ESC [ 1 ; 31 m`. A sequence that conceals
/// text is not one of them.
fn colour_length(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\x1b[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    let is_colour = parameters[end..].starts_with('m') && !conceals(&parameters[..end]);
    is_colour.then_some(end + 3)
}

/// Whether one of the parameters makes text invisible. In `38;5;8` and `48;2;8;8;8`, 8 is part of a colour.
fn conceals(parameters: &str) -> bool {
    let mut numbers = parameters.split(';').map(|number| number.trim_start_matches('0'));
    while let Some(number) = numbers.next() {
        let skipped = match number {
            "8" => return true,
            "38" | "48" | "58" => match numbers.next() {
                Some("5") => 1,
                Some("2") => 3,
                Some("8") => return true,
                _ => 0,
            },
            _ => 0,
        };
        numbers.by_ref().take(skipped).for_each(drop);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_other_programs_are_passed_on_and_other_control_sequences_are_not() {
        let shown = |text, has_colour| {
            let mut out = String::new();
            push_harmless(&mut out, text, has_colour);
            out
        };
        let line = "\x1b[1;31merror\x1b[0m:\tx\x1b[2J\x1b]0;t\x07\x1b[31";
        let rest = ":\tx\\u{1b}[2J\\u{1b}]0;t\\u{7}\\u{1b}[31";
        assert_eq!(shown(line, true), format!("\x1b[1;31merror\x1b[0m{rest}\x1b[0m"));
        assert_eq!(shown(line, false), format!("error{rest}"));
        assert_eq!(shown("\x1b[1;8mx", true), "\\u{1b}[1;8mx");
        assert_eq!(shown("\x1b[38;5;8mx", true), "\x1b[38;5;8mx\x1b[0m");
    }
}
