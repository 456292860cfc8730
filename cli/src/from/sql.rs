//! The queries for `ClickHouse`: one for each question, with the filter in it.
//!
//! A filter may match too many lines but never too few, because the command applies its own filter to the lines that
//! arrive. The queries run on `ClickHouse` 18.16 and on current versions, for users who may not change settings.

use std::fmt::Write as _;

use super::question::{Question, RequestFilter, SinceFilter};

/// How a table stores the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// The columns of `candor schema clickhouse`: the line itself, and some of its keys.
    Line,
    /// The columns of OpenTelemetry's exporters.
    Otel,
}

/// The last events of requests and jobs.
const ENDS: &str = "('request_completed', 'job_completed')";
const SPANS: &str = "('step_timing', 'dependency_call', 'request_completed', 'job_completed')";

/// The most ids with one prefix that are read: the story lists at most nine.
const MAX_IDS: usize = 10;
/// The most failed requests that are read; the story shows a thousand and counts the others.
const MAX_FAILED: usize = 20_000;

/// The beginning of the row that states whether the server skips shards that do not answer.
pub(super) const SKIPS: &str = "skip_unavailable_shards=";

/// The query for a question. `table` is quoted.
pub(super) fn query(table: &str, layout: Layout, question: &Question<'_>) -> String {
    let columns = match layout {
        Layout::Line => "line",
        Layout::Otel => {
            // As text, because the types differ: `DateTime64` and `Map`, or `Int64` and arrays on old servers.
            "toString(LogAttributes), toString(toFloat64(Timestamp)), TraceId, SpanId, SeverityText, \
             ServiceName, ScopeName, Body"
        }
    };
    let filter = match layout {
        Layout::Line => line_filter(table, question),
        Layout::Otel => otel_filter(question),
    };
    // Servers can be configured to return only some of the rows if a shard is down. A setting in the query could forbid
    // this, but read-only users may not change settings.
    let empty = ", ''".repeat(columns.matches(", ").count());
    format!(
        "select {columns} from {table} where {filter} \
         union all select concat('{SKIPS}', value){empty} from system.settings \
         where name = 'skip_unavailable_shards' format JSONCompact"
    )
}

fn line_filter(table: &str, question: &Question<'_>) -> String {
    match question {
        Question::Story { short } => {
            let range = id_range(short);
            format!(
                "{range} and request_id global in (select request_id from {table} where {range} \
                 group by request_id order by request_id limit {MAX_IDS})"
            )
        }
        Question::FailedStories => {
            let unended = unended(table, "");
            format!(
                "request_id global in (select request_id from {table} where event in {ENDS} \
                 and not {IS_OK} group by request_id limit {MAX_FAILED}) \
                 or {HAS_ID} and request_id global in (select request_id from {table} \
                 where {HAS_ID} and {unended} group by request_id limit {MAX_FAILED})"
            )
        }
        Question::Requests(filter) => requests_filter(table, filter),
        Question::Steps => format!("event in {SPANS}"),
    }
}

const HAS_ID: &str = "request_id not in ('', '-')";

/// Whether the last line of a request has the outcome `ok`. False if in doubt: if a nested value has an outcome too, or
/// if the line is not formatted as candor writes it.
const IS_OK: &str = "(visitParamExtractRaw(line, 'outcome') = '\"ok\"' \
                     and length(line) - length(replaceAll(line, '\"outcome\":', '')) = 10)";

/// The condition for a line of a request without a last line. A request has a last line for each service, with a
/// different span id. `of` restricts the requests, and thereby the set that the server holds in memory.
fn unended(table: &str, of: &str) -> String {
    format!(
        "(request_id, span_id) global not in \
         (select request_id, span_id from {table} where event in {ENDS}{of})"
    )
}

fn requests_filter(table: &str, filter: &RequestFilter<'_>) -> String {
    let mut ends = format!("event in {ENDS}");
    if filter.failed {
        let _ = write!(ends, " and not {IS_OK}");
    }
    for value in [filter.user, filter.path].into_iter().flatten() {
        let needle = plain_run(value);
        if !needle.is_empty() {
            let _ = write!(ends, " and position(line, {}) > 0", literal(needle));
        }
    }
    let (mut latest, mut of) = (String::new(), String::new());
    if let Some(since) = filter.since {
        let from = match since {
            SinceFilter::At(seconds) => format!("toDateTime({seconds})"),
            SinceFilter::BeforeLast(seconds) => {
                // The command needs a line of the latest second to compute the earliest time.
                latest = format!(" or ts = (select max(ts) from {table})");
                format!("(select max(ts) from {table}) - {seconds}")
            }
        };
        let _ = write!(ends, " and ts >= {from}");
        // All lines of an open request, because the first one has the start time.
        of = format!(
            " and request_id global in (select request_id from {table} where ts >= {from})"
        );
    }
    let open = format!("{HAS_ID} and {}{of}", unended(table, &of));
    if filter.unfinished { format!("{open}{latest}") } else { format!("{ends} or {open}{latest}") }
}

/// The condition for ids with a prefix: a range of the sort key, and the exact prefix. An ending would need a scan of
/// the whole table.
fn id_range(prefix: &str) -> String {
    let mut range = format!("request_id >= {0} and startsWith(request_id, {0})", literal(prefix));
    // The prefix with its last character increased. The upper bound only helps the index.
    let mut bytes = prefix.as_bytes().to_vec();
    if let Some(last) = bytes.last_mut()
        && (b' '..b'~').contains(last)
    {
        *last += 1;
        if let Ok(next) = std::str::from_utf8(&bytes) {
            let _ = write!(range, " and request_id < {}", literal(next));
        }
    }
    range
}

fn otel_filter(question: &Question<'_>) -> String {
    // Attributes are searched as text, so this reads all of them. `candor schema clickhouse --otel` prints
    // columns for the line layout, which have an index.
    let attributes = "toString(LogAttributes)";
    let contains = |text: &str| format!("position({attributes}, {}) > 0", literal(text));
    match question {
        Question::Story { short } => match plain_run(short) {
            "" => "1".to_owned(),
            needle => contains(needle),
        },
        // A request is known to have failed only at its last line, so all lines are read.
        Question::FailedStories | Question::Requests(_) => contains("request_id"),
        Question::Steps => {
            let names = ["step_timing", "dependency_call", "request_completed", "job_completed"];
            let mut filter = format!("Body in {SPANS}");
            for name in names {
                let _ = write!(filter, " or {}", contains(name));
            }
            filter
        }
    }
}

/// The longest run of characters that neither JSON nor the server escapes.
fn plain_run(value: &str) -> &str {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    value.split(|c| !is_plain(c)).max_by_key(|run| run.len()).unwrap_or_default()
}

/// A string in SQL.
pub(super) fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for c in text.chars() {
        match c {
            '\'' => literal.push_str("\\'"),
            '\\' => literal.push_str("\\\\"),
            '\0' => literal.push_str("\\0"),
            c => literal.push(c),
        }
    }
    literal.push('\'');
    literal
}

/// Quotes `db.table`, or `table` in the database `default`. Returns `None` if a name has characters that no
/// table of a log needs.
pub(super) fn table(name: &str) -> Option<(String, String)> {
    let (database, table) = name.split_once('.').unwrap_or(("default", name));
    let is_name = |name: &str| {
        !name.is_empty()
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$'))
    };
    (is_name(database) && is_name(table))
        .then(|| (format!("`{database}`.`{table}`"), format!("{database}.{table}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_ends_at_its_own_quote() {
        assert_eq!(literal("a' or 1 --"), r"'a\' or 1 --'");
        assert_eq!(literal(r"a\' or 1 --"), r"'a\\\' or 1 --'");
        assert_eq!(literal("a\\"), r"'a\\'");
        assert_eq!(literal("50%_\0é"), "'50%_\\0é'");
    }

    #[test]
    fn a_prefix_is_a_range_without_wildcards() {
        let range = id_range("a'%");
        assert_eq!(
            range,
            r"request_id >= 'a\'%' and startsWith(request_id, 'a\'%') and request_id < 'a\'&'"
        );
        // A quote or backslash as the successor is escaped too.
        assert!(id_range("x&").ends_with(r"request_id < 'x\''"));
        assert!(id_range("x[").ends_with(r"request_id < 'x\\'"));
        // No upper bound after the last ASCII character and after others.
        assert!(!id_range("x~").contains('<'));
        assert!(!id_range("é").contains('<'));
    }

    #[test]
    fn a_table_is_one_or_two_plain_names() {
        assert_eq!(table("t"), Some(("`default`.`t`".to_owned(), "default.t".to_owned())));
        assert_eq!(table("db.logs-1").unwrap().0, "`db`.`logs-1`");
        for name in ["", ".t", "db.", "a.b.c", "t`", "t where 1", "t;drop", "t\\"] {
            assert_eq!(table(name), None, "{name}");
        }
    }

    #[test]
    fn only_characters_that_nothing_escapes_are_searched_for() {
        assert_eq!(plain_run("/orders/41"), "orders");
        assert_eq!(plain_run("joe \"the\" o'neill"), "neill");
        assert_eq!(plain_run("\"/"), "");
    }

    #[test]
    fn a_query_changes_no_setting_and_ends_recognisably() {
        let questions = [
            Question::Story { short: "x" },
            Question::FailedStories,
            Question::Steps,
            Question::Requests(RequestFilter::default()),
        ];
        for question in &questions {
            for layout in [Layout::Line, Layout::Otel] {
                let query = query("`default`.`t`", layout, question);
                assert!(!query.contains(" settings "), "{query}");
                assert!(query.ends_with(" format JSONCompact"), "{query}");
            }
        }
    }
}
