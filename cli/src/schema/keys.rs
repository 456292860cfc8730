//! The keys of candor's lines. All schemas are made from this table.

/// A key: its name, type, meaning, and the events that have it.
#[derive(Debug)]
pub(crate) struct KeyRow {
    pub(crate) name: &'static str,
    pub(crate) kind: ValueType,
    pub(crate) on: On,
    pub(crate) help: &'static str,
    /// A value as in a line.
    pub(crate) example: &'static str,
}

/// Type of a value. All but the fixed keys may also be `null` or missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueType {
    /// RFC 3339 in UTC with microseconds.
    Time,
    Text,
    /// A whole number from 0 on.
    Count,
    /// Milliseconds with microseconds as decimals.
    Millis,
    Seconds,
    Bytes,
    Flag,
    Object,
    List,
    /// Any JSON.
    Json,
}

/// The lines that have a key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum On {
    /// Each line.
    Every,
    /// Some lines of any event; `help` has the condition.
    Any,
    /// Lines of these events.
    Events(&'static [&'static str]),
    /// Notices about the set-up of the process.
    Notices,
}

const SPANS: On = Events(&["step_timing", "dependency_call"]);
const CALL: On = Events(&["dependency_call"]);
const REQUEST: On = Events(&["request_completed"]);
const ENDS: On = Events(&["request_completed", "job_completed"]);
const TIMED: On = Events(&["step_timing", "dependency_call", "request_completed", "job_completed"]);
const FAILED: On = Events(&["step_timing", "dependency_call", "job_completed"]);
const COUNTED: On = Events(&["dependency_call", "request_completed", "job_completed"]);

const fn key(
    name: &'static str,
    kind: ValueType,
    on: On,
    help: &'static str,
    example: &'static str,
) -> KeyRow {
    KeyRow { name, kind, on, help, example }
}

use On::{Any, Events, Every, Notices};
use ValueType::{Bytes, Count, Flag, Json, List, Millis, Object, Seconds, Text, Time};

impl KeyRow {
    /// The unit of the value; empty if it has none.
    pub(crate) fn unit(&self) -> &'static str {
        match self.kind {
            Millis => "ms",
            Seconds => "s",
            Bytes => "bytes",
            _ => "",
        }
    }
}

/// The key of this name.
pub(crate) fn find(name: &str) -> Option<&'static KeyRow> {
    KEYS.iter().find(|key| key.name == name)
}

/// All keys, in the order of a line.
#[rustfmt::skip]
pub(crate) const KEYS: [KeyRow; 83] = [
    key("ts", Time, Every, "When the line was written.", r#""2026-11-22T10:14:12.123456Z""#),
    key("level", Text, Every, "`TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR` or `CRITICAL`.", r#""INFO""#),
    key("logger", Text, Every, "The module or topic whose level applies to the line.", r#""http""#),
    key("msg", Text, Every, "The message; on candor's own lines, the name of the event.", r#""request_completed""#),
    key("request_id", Text, Every, "The request or job that the line belongs to, else `-`.", r#""01a204cb-c5a7-7465-a3f4-44bb339eb82c""#),
    key("user_id", Text, Every, "The user of the request, else `-`.", r#""41""#),
    key("method", Text, Every, "The HTTP method of the request, else `-`.", r#""POST""#),
    key("path", Text, Every, "The path of the request without its query, else `-`.", r#""/orders""#),
    key("service", Text, Any, "The service, if it has a name.", r#""orders""#),
    key("trace_id", Text, Any, "The W3C trace id, within a request or job.", r#""4bf92f3577b34da6a3ce929d0e0e4736""#),
    key("span_id", Text, Any, "The span id of the request at this service.", r#""00f067aa0ba902b7""#),
    key("seq", Count, Any, "The number of the line within its request, from 1. A gap means a lost line.", "3"),
    key("event", Text, Any, "The name of one of candor's own events.", r#""dependency_call""#),

    key("step", Text, Events(&["step_timing"]), "The name of the step.", r#""reserve""#),
    key("dependency", Text, Events(&["dependency_call", "dependency_attempt", "unsupported_response"]), "The service or system that is called.", r#""payments""#),
    key("operation", Text, Events(&["dependency_call", "dependency_attempt", "unsupported_response"]), "The operation that is called.", r#""charge""#),
    key("dependency_method", Text, CALL, "The HTTP method of the call.", r#""POST""#),
    key("url", Text, Events(&["dependency_call", "redirect_followed"]), "The URL, redacted.", r#""https://pay.example/charges""#),
    key("status", Count, Events(&["dependency_call", "request_completed"]), "The HTTP status, or null without a response.", "504"),
    key("grpc_status", Count, Events(&["dependency_call", "request_completed"]), "The gRPC status code.", "13"),
    key("duration_ms", Millis, TIMED, "The duration.", "401.662"),
    key("outcome", Text, TIMED, "`ok`, `error`, `cancelled` or `panicked`.", r#""ok""#),
    key("retries", Count, COUNTED, "The number of retries; on the last line of a request or job, of all its calls.", "2"),
    key("last_attempt_ms", Millis, CALL, "The duration of the last attempt, if there were several.", "98.114"),
    key("error", Text, FAILED, "The class of the error: a category such as `timeout`, or the short name of its type. `null` on a call without an error. Events have it too if they log an error.", r#""timeout""#),
    key("error_type", Text, Any, "The full name of the error's type, on lines with an error. `strict_report` has it too.", r#""reqwest::error::Error""#),
    key("error_detail", Text, Any, "The text of the error and its sources, redacted, on lines with an error.", r#""operation timed out""#),
    key("error_fields", Object, Any, "The fields of an error with `#[redact]`.", r#"{"order":7}"#),
    key("step_id", Count, SPANS, "The number of the step within its request, from 1.", "4"),
    key("parent_id", Count, SPANS, "The `step_id` of the enclosing step; 0 for an outermost step.", "1"),
    key("offset_ms", Millis, SPANS, "The time from the start of the request to the start of the step.", "3.402"),
    key("ret", Json, SPANS, "The returned value, if the step logs it.", "3"),
    key("busy_ms", Millis, SPANS, "The time spent in `poll`, if the step measures it.", "0.210"),

    key("content_type", Text, Events(&["request_started", "request_completed"]), "The content type of the request; on its last line, that of the response.", r#""application/json""#),
    key("response_bytes", Bytes, REQUEST, "The size of the response body that was sent.", "182"),
    key("route", Text, REQUEST, "The route that matched.", r#""/orders/{id}""#),
    key("steps", Count, ENDS, "The number of steps and calls that ended.", "5"),
    key("dependency_calls", Count, ENDS, "The number of calls that ended.", "2"),
    key("dependency_ms", Millis, ENDS, "The time during which at least one call was open.", "403.120"),
    key("slowest_step", Text, ENDS, "The step or call with the largest self time.", r#""charge""#),
    key("cause", Object, ENDS, "The step that a failure came from: `step`, `dependency`, `step_id`, `category`; if the category is `status`, also `status` or `grpc_status`.", r#"{"step":"charge","dependency":"payments","step_id":4,"category":"timeout"}"#),
    key("lines_suppressed", Count, ENDS, "The number of lines omitted because of the limit per request or a budget.", "12"),
    key("lines_sampled_away", Count, ENDS, "The number of lines omitted by sampling.", "4"),
    key("lines_left_out", Count, ENDS, "The number of lines that `LOG_STORY` left out.", "5"),
    key("step_own_ms", Object, ENDS, "If lines were left out: the self time of the steps by name, in milliseconds, the largest first.", r#"{"reserve":2.412}"#),
    key("dependencies", Object, ENDS, "If lines were left out: for each dependency, the number of `calls`, their `ms`, and their `retries` if there were any.", r#"{"payments":{"calls":1,"ms":41.201}}"#),
    key("wide_fields_dropped", Count, ENDS, "The number of `candor::wide` values that were dropped because the request had 32 other names.", "1"),
    key("client_request_id", Text, Events(&["request_started", "request_completed"]), "The caller's request id, if candor uses another one.", r#""abc""#),
    key("lines_recorded", Count, REQUEST, "The number of lines that the flight recorder has written.", "9"),
    key("lines_recorded_lost", Count, REQUEST, "The number of lines that did not fit in the flight recorder.", "1"),

    key("query", Object, Events(&["request_started"]), "The query parameters, redacted. Each one has a list of values.", r#"{"page":["2"]}"#),
    key("headers", Object, Events(&["request_started"]), "The headers, redacted.", r#"{"accept":"*/*"}"#),
    key("content_length", Bytes, Events(&["request_started"]), "The size of the request body, according to its header.", "512"),
    key("age_ms", Millis, Events(&["request_stuck"]), "How long the request has been open.", "30000.512"),
    key("open", List, Events(&["request_stuck"]), "The open steps, the innermost last: `step`, `dependency`, `step_id`, `age_ms`.", r#"[{"step":"charge","dependency":"payments","step_id":4,"age_ms":29990.1}]"#),

    key("job", Text, Events(&["job_started", "job_completed"]), "The name of the job.", r#""nightly""#),
    key("attempt", Count, Events(&["dependency_attempt"]), "The number of the attempt that begins.", "2"),

    key("panic_message", Text, Events(&["panic"]), "The message, redacted.", r#""index out of bounds""#),
    key("location", Text, Events(&["panic"]), "File, line and column.", r#""src/cart.rs:41:9""#),
    key("thread", Text, Events(&["panic"]), "The name of the thread.", r#""main""#),
    key("exc", Text, Events(&["panic"]), "The backtrace; the last key of the line.", r#""0: shop::cart::price\n   1: …""#),
    key("repeats", Count, Any, "The number of repeats that the line stands for; only with `LOG_FOLD=1`.", "4211"),
    key("truncated", Flag, Any, "Set if values were shortened to fit the limit of a line.", "true"),

    key("lines", Count, Events(&["lines_dropped", "debug_raised", "log_flood_ended", "log_bill"]), "The number of dropped, suppressed or written lines; on `debug_raised`, the number of lines that the request may write.", "37"),
    key("bytes", Bytes, Events(&["log_flood_ended", "log_bill"]), "The size of these lines in bytes; an estimate on `log_flood_ended`.", "23328000"),
    key("budget", Text, Events(&["log_flood_started", "log_flood_ended"]), "The budget that is used up, with its target if it has one.", r#""shop::cart=16KiB/s""#),
    key("sites", List, Events(&["log_flood_started", "log_flood_ended", "log_bill"]), "The call sites with the most suppressed lines, or on `log_bill` with the most bytes: `site`, `lines`, `bytes` and, on `log_bill`, `share`.", r#"[{"site":"src/cart.rs:41 shop::cart","lines":12,"bytes":3250,"share":0.5}]"#),
    key("reason", Text, Events(&["lines_dropped"]), "Why the lines were dropped.", r#""full""#),
    key("sink", Text, Events(&["lines_dropped"]), "`otlp` if the export dropped records; their lines are on the local output.", r#""otlp""#),
    key("records", Text, Events(&["lines_dropped"]), "`logs` or `spans`: the kind of the dropped records.", r#""logs""#),
    key("levels", Text, Events(&["levels_changed", "debug_raised"]), "The levels that apply from now on.", r#""info,shop=debug""#),
    key("change", Text, Events(&["levels_changed"]), "`set`, `raised` or `fell_back`.", r#""raised""#),
    key("raised", Text, Events(&["levels_changed"]), "The temporarily raised levels.", r#""shop=debug""#),
    key("seconds", Seconds, Events(&["levels_changed", "log_flood_ended", "log_bill"]), "How long the levels stay raised, how long lines were suppressed, or the period of the bill.", "600.0"),
    key("detail", Text, Events(&["lines_dropped", "log_flood_started", "peer_unknown", "redirect_followed", "unsupported_response"]), "What it means and what to do; on `lines_dropped`, the last error of the collector.", r#""put a `map_request` around the layer""#),
    key("type", Text, Events(&["unsupported_response"]), "The type of the response.", r#""shop::Reply""#),
    key("place", Text, Events(&["strict_report"]), "Where the values are: `event`, `span`, `header`, `log` and others.", r#""event""#),
    key("target", Text, Events(&["strict_report"]), "The target of the event.", r#""sqlx::query""#),
    key("file", Text, Any, "The source file of a line whose message is hidden. `strict_report` has it too.", r#""src/main.rs""#),
    key("line", Count, Any, "The line in that file.", "41"),
    key("hides", List, Events(&["strict_report"]), "The names of the values that strict mode would hide.", r#"["email"]"#),
    key("help", Text, Notices, "What the line means and what to do.", r#""put the filter on the other layers""#),
    key("directive", Text, Any, "An ignored directive of `RUST_LOG`.", r#""[span]=debug""#),
];
