//! Profiles: lines in the form that a log platform expects.
//!
//! Like the pretty format, a profile is made from a line's JSON, so it shows nothing that the line does not. Each
//! platform has one file with its table: candor's key, the platform's key, and the form of the value. The engine below
//! copies values as they are in the line, including escapes. A member without a row keeps its name.
//!
//! No key occurs twice: the keys of a table are distinct, and a field with a name that belongs to the platform gets
//! an underscore ([`KeyTable::is_own`]).

mod bunyan;
mod compact;
mod datadog;
mod ecs;
mod gcp;
mod logfmt;

use super::keys::Keys;
use super::otel::{self, Reading};
use super::record::Severity;
use super::resource::{Resource, SERVICE_NAME};
use super::shrink;
use crate::json::escape;
use crate::json::members::{self, Member};

/// Form of the lines for a log platform: [`Config::profile`](crate::Config::profile) or `LOG_PROFILE`.
///
/// - All profiles contain the same information. If the platform has its own name for a key, the key is renamed and its
///   value converted; other keys stay. Fixed keys without a value (`"-"`) are omitted.
/// - No key occurs twice. A field with a name that belongs to the platform gets a trailing underscore.
/// - A profile is made from the redacted line, so it shows nothing that the line does not show.
/// - The limit of [`Config::line_limit`](crate::Config::line_limit) applies to the lines of every profile. A line that
///   is too long in its profile is cut further than in candor's own form.
/// - [`Config::service`](crate::Config::service) and [`Config::resource`](crate::Config::resource) set the values that
///   are the same in every line, such as the version.
/// - The `candor` command reads all profiles, and its output does not depend on the profile.
///
/// With a profile, steps do not take the fast path. For a line of 600 bytes, a profile takes less than a microsecond
/// (`logfmt` a little more, `otel` 2.5).
///
/// Each example shows this line of the default profile, written by the service `orders`, version 1.4.2, in the
/// environment `prod`:
///
/// ```json
/// {"ts":"2026-11-29T18:05:15.206254Z","level":"INFO","logger":"orders","msg":"step_timing","request_id":"r-7",
///  "user_id":"-","method":"POST","path":"/orders","service":"orders","seq":1,"event":"step_timing","step":"price",
///  "duration_ms":12.160,"outcome":"ok","step_id":1,"parent_id":0,"offset_ms":0.163,"sku":"tea"}
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// candor's own keys, which [`Config::rename_keys`](crate::Config::rename_keys) can rename. This is the default.
    #[default]
    Candor,
    /// candor's own keys, without values that are repeated on every line of a request.
    ///
    /// `user_id`, `method`, `path` and `trace_id` are on the first line of a request (`seq` 1), on its completion line,
    /// and on lines after a change of the value. The `candor` command restores the omitted values. If the first line is
    /// lost, it uses those of the completion line. Other programs have to join the lines by `request_id`. Events of a
    /// separate audit file have all values.
    ///
    /// ```json
    /// {"ts":"2026-11-29T18:05:15.206254Z","level":"INFO","logger":"orders","msg":"step_timing","request_id":"r-7",
    ///  "service":"orders","seq":2,"event":"step_timing","step":"price","duration_ms":12.160,"outcome":"ok",
    ///  "step_id":1,"parent_id":0,"offset_ms":0.163,"sku":"tea"}
    /// ```
    Compact,
    /// OTLP/JSON, one export request per line.
    ///
    /// The form is that of OpenTelemetry's [file exporter], which the collector's `otlpjsonfile` receiver reads. Names
    /// follow the semantic conventions.
    ///
    /// ```json
    /// {"resourceLogs":[{"resource":{"attributes":[{"key":"service.version","value":{"stringValue":"1.4.2"}},
    ///  {"key":"deployment.environment.name","value":{"stringValue":"prod"}},
    ///  {"key":"service.name","value":{"stringValue":"orders"}}]},"scopeLogs":[{"scope":{"name":"orders"},
    ///  "logRecords":[{"timeUnixNano":"1795975515206254000","observedTimeUnixNano":"1795975515206254000",
    ///  "severityNumber":9,"severityText":"INFO","body":{"stringValue":"step_timing"},"eventName":"step_timing",
    ///  "attributes":[{"key":"request_id","value":{"stringValue":"r-7"}},
    ///  {"key":"http.request.method","value":{"stringValue":"POST"}},
    ///  {"key":"url.path","value":{"stringValue":"/orders"}},{"key":"seq","value":{"intValue":"1"}},
    ///  {"key":"step","value":{"stringValue":"price"}},{"key":"duration_ms","value":{"doubleValue":12.160}},
    ///  {"key":"outcome","value":{"stringValue":"ok"}},{"key":"step_id","value":{"intValue":"1"}},
    ///  {"key":"parent_id","value":{"intValue":"0"}},{"key":"offset_ms","value":{"doubleValue":0.163}},
    ///  {"key":"sku","value":{"stringValue":"tea"}}]}]}]}]}
    /// ```
    ///
    /// [file exporter]: https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/
    Otel,
    /// Elastic Common Schema 8.11, as the [ECS logging specification] requires.
    ///
    /// Durations are in nanoseconds. Fields without a name in ECS begin with `candor.`.
    ///
    /// ```json
    /// {"@timestamp":"2026-11-29T18:05:15.206254Z","log.level":"INFO","message":"step_timing","ecs.version":"8.11.0",
    ///  "log.logger":"orders","event.dataset":"orders.log","service.version":"1.4.2","service.environment":"prod",
    ///  "http.request.id":"r-7","http.request.method":"POST","url.path":"/orders","service.name":"orders",
    ///  "event.sequence":1,"event.action":"step_timing","candor.step":"price","event.duration":12160000,
    ///  "event.outcome":"success","candor.outcome":"ok","candor.step_id":1,"candor.parent_id":0,
    ///  "candor.offset_ms":0.163,"candor.sku":"tea"}
    /// ```
    ///
    /// [ECS logging specification]: https://github.com/elastic/ecs-logging/tree/main/spec
    Ecs,
    /// [Structured logging] of Google Cloud.
    ///
    /// Lines have `severity`, trace and labels; `request_completed` has `httpRequest`. The full name of a trace
    /// includes the project, which comes from `GOOGLE_CLOUD_PROJECT` or the `cloud.account.id` attribute.
    ///
    /// ```json
    /// {"severity":"INFO","time":"2026-11-29T18:05:15.206254Z","message":"step_timing","logger":"orders",
    ///  "logging.googleapis.com/labels":{"version":"1.4.2","environment":"prod"},"request_id":"r-7","method":"POST",
    ///  "path":"/orders","service":"orders","seq":1,"event":"step_timing","step":"price","duration_ms":12.160,
    ///  "outcome":"ok","step_id":1,"parent_id":0,"offset_ms":0.163,"sku":"tea"}
    /// ```
    ///
    /// [Structured logging]: https://cloud.google.com/logging/docs/structured-logging
    Gcp,
    /// The reserved and standard [attributes] of Datadog.
    ///
    /// Durations are in nanoseconds. Trace ids have 128 bits, in hexadecimal.
    ///
    /// ```json
    /// {"timestamp":"2026-11-29T18:05:15.206254Z","status":"info","message":"step_timing","logger.name":"orders",
    ///  "env":"prod","version":"1.4.2","http.request_id":"r-7","http.method":"POST","http.url_details.path":"/orders",
    ///  "service":"orders","seq":1,"evt.name":"step_timing","step":"price","duration":12160000,
    ///  "evt.outcome":"success","outcome":"ok","step_id":1,"parent_id":0,"offset_ms":0.163,"sku":"tea"}
    /// ```
    ///
    /// [attributes]: https://docs.datadoghq.com/logs/log_configuration/attributes_naming_convention/
    Datadog,
    /// The [core fields] of bunyan, with `req_id` and `err`.
    ///
    /// Without a service, `name` is the name of the program. The `host.name` attribute overrides the name of the host.
    ///
    /// ```json
    /// {"v":0,"name":"orders","hostname":"web-1","pid":18117,"level":30,"time":"2026-11-29T18:05:15.206254Z",
    ///  "msg":"step_timing","logger":"orders","req_id":"r-7","method":"POST","path":"/orders","service":"orders",
    ///  "seq":1,"event":"step_timing","step":"price","duration_ms":12.160,"outcome":"ok","step_id":1,"parent_id":0,
    ///  "offset_ms":0.163,"sku":"tea"}
    /// ```
    ///
    /// [core fields]: https://github.com/trentm/node-bunyan#core-fields
    Bunyan,
    /// `key=value` pairs, as [go-logfmt] and Loki read them.
    ///
    /// Objects are pairs with dotted keys: `order.sku=tea`.
    ///
    /// ```text
    /// ts=2026-11-29T18:05:15.206254Z level=info logger=orders msg=step_timing request_id=r-7 method=POST path=/orders
    /// service=orders seq=1 event=step_timing step=price duration_ms=12.160 outcome=ok step_id=1 parent_id=0
    /// offset_ms=0.163 sku=tea
    /// ```
    ///
    /// [go-logfmt]: https://github.com/go-logfmt/logfmt
    Logfmt,
}

impl Profile {
    /// All profiles, in the order of the documentation.
    pub(crate) const ALL: [Profile; 8] = [
        Profile::Candor,
        Profile::Compact,
        Profile::Otel,
        Profile::Ecs,
        Profile::Gcp,
        Profile::Datadog,
        Profile::Bunyan,
        Profile::Logfmt,
    ];

    /// The value of `LOG_PROFILE`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Profile::Candor => "candor",
            Profile::Compact => "compact",
            Profile::Otel => "otel",
            Profile::Ecs => "ecs",
            Profile::Gcp => "gcp",
            Profile::Datadog => "datadog",
            Profile::Bunyan => "bunyan",
            Profile::Logfmt => "logfmt",
        }
    }
}

/// A profile with its constants, which describe the service and the process.
#[derive(Debug)]
pub(crate) struct Profiled {
    form: Form,
    constants: Constants,
    line_limit: usize,
}

#[derive(Debug)]
enum Form {
    Compact,
    Json(&'static KeyTable),
    Otel { keys: Keys, service: Option<String>, resource: Resource },
    Logfmt,
}

/// Rendered members that are the same in every line.
#[derive(Debug, Default)]
struct Constants {
    /// Members that the profile writes in every line: `,"service.version":"1.4.2"`.
    members: String,
    /// Members of lines with the level ERROR or CRITICAL.
    of_errors: String,
    /// Text in front of a trace id.
    trace_prefix: String,
    has_service: bool,
}

/// The keys of a platform whose lines are JSON.
struct KeyTable {
    /// Appends everything up to the line's members, with its opening brace.
    head: fn(&Head<'_>, &Constants, &mut String),
    row: fn(&str, Event) -> Option<Row>,
    /// Whether a name belongs to the platform. It has no trailing underscores.
    is_own: fn(&str) -> bool,
    /// Appends a member that has no row.
    other: fn(&Member<'_>, &KeyTable, &str, &mut String),
    /// Appends the members that are made from several others.
    tail: fn(&Facts<'_>, &Constants, &mut String),
}

impl std::fmt::Debug for KeyTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyTable").finish_non_exhaustive()
    }
}

/// The members that every line begins with, as JSON.
#[derive(Debug, Clone, Copy)]
struct Head<'a> {
    ts: &'a str,
    level: &'a str,
    logger: &'a str,
    message: &'a str,
}

/// The events that tables distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    RequestCompleted,
    DependencyCall,
    Panic,
    Other,
}

impl Event {
    fn of(value: &str) -> Self {
        match value {
            "\"request_completed\"" => Event::RequestCompleted,
            "\"dependency_call\"" => Event::DependencyCall,
            "\"panic\"" => Event::Panic,
            _ => Event::Other,
        }
    }
}

/// The target of one of candor's keys.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// `,"key":`
    to: &'static str,
    form: ValueForm,
}

/// The form of a value. A value of another type keeps its name, because it may be a field of the service.
#[derive(Debug, Clone, Copy)]
enum ValueForm {
    /// A string, as it is.
    Text,
    /// An integer, as it is.
    Integer,
    /// Milliseconds with three decimals, as nanoseconds.
    Nanos,
    /// An outcome, as `success`, `failure` or `unknown`. The exact outcome is kept in another member.
    Outcome,
    /// A trace id, with the constant prefix.
    Trace,
    /// Copied, and also stored for the tail.
    Noted(Fact),
    /// Only stored for the tail.
    Held(Fact),
    /// Not changed, because another key of this event has the target name.
    Kept,
}

/// A value that a tail needs.
#[derive(Debug, Clone, Copy)]
enum Fact {
    Method,
    Path,
    Status,
    Duration,
    ResponseBytes,
    ErrorType,
    ErrorDetail,
    Stack,
}

/// The values that a tail needs.
#[derive(Debug)]
struct Facts<'a> {
    level: &'a str,
    is_request_end: bool,
    values: [Option<&'a str>; 8],
}

impl<'a> Facts<'a> {
    fn get(&self, fact: Fact) -> Option<&'a str> {
        self.values[fact as usize]
    }
}

/// Defines the function that finds the row of a key. The patterns compile to comparisons by length, which are faster
/// than a search.
macro_rules! rows {
    ($($key:literal $(if $event:ident)? => $to:literal $form:ident $(($fact:ident))?,)*) => {
        fn row(key: &str, event: super::Event) -> Option<super::Row> {
            let _ = event;
            Some(match key.as_bytes() {
                $($key $(if event == super::Event::$event)? => super::Row {
                    to: concat!(",\"", $to, "\":"),
                    form: super::ValueForm::$form $((super::Fact::$fact))?,
                },)*
                _ => return None,
            })
        }
    };
}
use rows;

impl Profiled {
    /// Returns `None` for the profile [`Candor`](Profile::Candor), whose lines are not changed.
    pub(crate) fn new(profile: Profile, resource: &Resource, line_limit: usize) -> Option<Self> {
        let (form, constants) = match profile {
            Profile::Candor => return None,
            Profile::Compact => (Form::Compact, Constants::default()),
            Profile::Otel => {
                let service = resource.get(SERVICE_NAME).map(|service| {
                    let mut text = String::new();
                    escape::json_text(service.shown(), &mut text);
                    text
                });
                let resource = resource.clone();
                let form = Form::Otel { keys: Keys::default(), service, resource };
                (form, Constants::default())
            }
            Profile::Ecs => (Form::Json(&ecs::TABLE), ecs::constants(resource)),
            Profile::Gcp => (Form::Json(&gcp::TABLE), gcp::constants(resource)),
            Profile::Datadog => (Form::Json(&datadog::TABLE), datadog::constants(resource)),
            Profile::Bunyan => (Form::Json(&bunyan::TABLE), bunyan::constants(resource)),
            Profile::Logfmt => (Form::Logfmt, Constants::default()),
        };
        Some(Profiled { form, constants, line_limit })
    }

    /// Appends the profile's form of `line`, one JSON object that begins with the fixed keys.
    ///
    /// `first` are the [members](Self::once) of the first line of its request. `line` is cut if the profile's line
    /// would exceed the limit.
    #[inline(never)]
    pub(crate) fn write(&self, line: &str, first: Option<&str>, out: &mut String) {
        let limit = self.line_limit.saturating_sub(1);
        self.write_once(line, first, out);
        if out.len() > limit {
            self.write_cut(line, limit, out);
        }
    }

    /// Returns the members that later lines of the request omit, if this line is the first one.
    pub(crate) fn once(&self, line: &str) -> Option<String> {
        self.is_compact().then(|| compact::once(line)).flatten()
    }

    pub(crate) fn is_compact(&self) -> bool {
        matches!(self.form, Form::Compact)
    }

    /// Cuts the line until its form fits. The form is longer than the line because of the platform's keys.
    #[cold]
    fn write_cut(&self, line: &str, limit: usize, out: &mut String) {
        let mut line = line.to_owned();
        let mut room = limit.min(line.len());
        while out.len() > limit && room > 0 {
            // The excess is in proportion to the length, since the keys are longer.
            room = (room * limit / out.len()).min(room - 1);
            shrink::shrink(&mut line, room);
            out.clear();
            self.write_once(&line, None, out);
        }
    }

    fn write_once(&self, line: &str, first: Option<&str>, out: &mut String) {
        match &self.form {
            Form::Compact => compact::write(line, first, out),
            Form::Json(table) => self.write_json(table, line, out),
            Form::Otel { keys, service, resource } => {
                let service = service.as_deref();
                // The spans of steps are not exported.
                let reading = Reading { keys, service, has_step_spans: false };
                otel::json::write_line(line, reading, resource, out);
            }
            Form::Logfmt => logfmt::write(line, out),
        }
    }

    fn write_json(&self, table: &KeyTable, line: &str, out: &mut String) {
        let mut members = members::of_object(line);
        let Some(head) = Head::take(&mut members) else { return };
        out.reserve(line.len() + line.len() / 2);
        (table.head)(&head, &self.constants, out);
        let mut event = Event::Other;
        let mut facts = Facts { level: head.level, is_request_end: false, values: [None; 8] };
        for member in members {
            if member.key == "event" {
                event = Event::of(member.value);
                facts.is_request_end = event == Event::RequestCompleted;
            }
            if is_absent(&member, event) {
                continue;
            }
            let row = (table.row)(member.key, event);
            if !row.is_some_and(|row| self.put(row, member.value, &mut facts, out)) {
                (table.other)(&member, table, line, out);
            }
        }
        (table.tail)(&facts, &self.constants, out);
        out.push('}');
    }

    /// Appends a member in the form of its row. Returns `false` if the value is of another type.
    #[inline]
    fn put<'a>(&self, row: Row, value: &'a str, facts: &mut Facts<'a>, out: &mut String) -> bool {
        let is_text = value.starts_with('"');
        match row.form {
            ValueForm::Text if is_text => {}
            ValueForm::Integer if value.bytes().all(|byte| byte.is_ascii_digit()) => {}
            ValueForm::Nanos => {
                let Some((whole, decimals)) = millis(value) else { return false };
                out.push_str(row.to);
                // The decimals are microseconds.
                let digits = if whole == "0" { decimals.trim_start_matches('0') } else { decimals };
                out.push_str(if whole == "0" { "" } else { whole });
                out.push_str(if whole == "0" && digits.is_empty() { "0" } else { digits });
                out.push_str(if whole == "0" && digits.is_empty() { "" } else { "000" });
                return true;
            }
            ValueForm::Outcome => {
                let Some(result) = result_of(value) else { return false };
                out.push_str(row.to);
                out.push_str(result);
                return false;
            }
            ValueForm::Trace if is_text => {
                out.push_str(row.to);
                out.push('"');
                out.push_str(&self.constants.trace_prefix);
                out.push_str(&value[1..]);
                return true;
            }
            ValueForm::Noted(fact) => {
                facts.values[fact as usize] = Some(value);
            }
            ValueForm::Held(fact) if is_text => {
                facts.values[fact as usize] = Some(value);
                return true;
            }
            _ => return false,
        }
        out.push_str(row.to);
        out.push_str(value);
        true
    }
}

impl<'a> Head<'a> {
    fn take(members: &mut members::Walk<'a>) -> Option<Self> {
        let mut next = || members.next().map(|member| member.value);
        Some(Head { ts: next()?, level: next()?, logger: next()?, message: next()? })
    }
}

/// Whether the member stands for a missing value.
#[inline]
fn is_absent(member: &Member<'_>, event: Event) -> bool {
    match member.value {
        "\"-\"" => matches!(member.key, "request_id" | "user_id" | "method" | "path"),
        "null" => match event {
            Event::RequestCompleted => member.key == "status",
            Event::DependencyCall => {
                matches!(member.key, "dependency_method" | "url" | "status" | "error")
            }
            Event::Panic | Event::Other => false,
        },
        _ => false,
    }
}

/// The parts of a duration in milliseconds as candor writes it: `12.031`.
fn millis(value: &str) -> Option<(&str, &str)> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, decimals) = value.split_once('.')?;
    (decimals.len() == 3 && is_number(whole) && is_number(decimals)).then_some((whole, decimals))
}

/// The result of an outcome, as JSON. A cancelled step was neither a success nor a failure.
fn result_of(outcome: &str) -> Option<&'static str> {
    match outcome {
        "\"ok\"" => Some("\"success\""),
        "\"error\"" | "\"panicked\"" => Some("\"failure\""),
        "\"cancelled\"" => Some("\"unknown\""),
        _ => None,
    }
}

/// The severity of a line's `level`, which is JSON.
fn severity(level: &str) -> Severity {
    match level {
        "\"TRACE\"" => Severity::Trace,
        "\"DEBUG\"" => Severity::Debug,
        "\"WARN\"" => Severity::Warn,
        "\"ERROR\"" => Severity::Error,
        "\"CRITICAL\"" => Severity::Critical,
        _ => Severity::Info,
    }
}

/// Appends to an altered name until no member of the line has it, and none that was written before.
///
/// After a few underscores it appends a number, since a line may have hundreds of names that become the same.
#[cold]
fn free_name(name: &mut String, line: &str, out: &str, is_written: impl Fn(&str) -> bool) {
    let is_taken =
        |name: &str| is_written(name) || members::of_object(line).any(|known| known.key == name);
    for _ in 0..3 {
        if !is_taken(name) {
            return;
        }
        name.push('_');
    }
    // The length of the output differs for each name, so few attempts are needed.
    let base = name.len();
    let mut number = out.len();
    while is_taken(name) {
        name.truncate(base);
        number += 1;
        name.push_str(itoa::Buffer::new().format(number));
    }
}

/// Appends a member that keeps its name, unless the name belongs to the platform.
///
/// A name that is the platform's own, with or without trailing underscores, gets one more, so that two names stay
/// different.
fn keep_name(member: &Member<'_>, table: &KeyTable, _line: &str, out: &mut String) {
    out.push_str(",\"");
    out.push_str(member.key);
    if (table.is_own)(member.key.trim_end_matches('_')) {
        out.push('_');
    }
    out.push_str("\":");
    out.push_str(member.value);
}

/// Appends `,"key":"value"` if the resource has the attribute.
fn put_attribute(resource: &Resource, names: &[&str], key: &str, out: &mut String) {
    if let Some(value) = names.iter().find_map(|name| resource.get(name)) {
        out.push_str(",\"");
        out.push_str(key);
        out.push_str("\":");
        escape::json_string(value.shown(), out);
    }
}

/// The names of the attribute for the environment; the second one is deprecated.
const ENVIRONMENT: [&str; 2] = ["deployment.environment.name", "deployment.environment"];
const VERSION: [&str; 1] = ["service.version"];

/// Puts the members `,"a":1` into an object: `{"a":1}`.
fn object(members: &str) -> String {
    format!("{{{}}}", members.strip_prefix(',').unwrap_or(members))
}
