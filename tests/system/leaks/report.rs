//! Report mode is a dry run of strict mode. Both apply to a process, so these cases run in processes of their own.

use std::collections::BTreeSet;
use std::panic::catch_unwind;

use candor::testing::{Captured, capture_with};
use candor::{Config, Format, RequestContext, step_timed};
use candor_tests::check;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::exits;
use super::process::{is_child, run_in_own_process};

/// Part of every value that strict mode hides.
const PERSON: &str = "Ada Lovelace";

fn config() -> Config {
    Config::new()
        .level("debug")
        .expect("a level")
        .format(Format::Json)
        .strict_allow(["orders", "page", "x-region"])
        .strict_targets(["listed"])
}

fn capture(config: Config) -> Captured {
    let captured = capture_with(config).expect("a configuration");
    captured.logging().expect("of its own").install_log();
    captured
}

fn json_lines(output: &str) -> Vec<Value> {
    output.lines().for_each(check);
    output.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The names of the values of a line that strict mode hides, sorted.
fn hidden(line: &Value) -> Vec<String> {
    let is_shape = |value: &Value| value.as_str().is_some_and(|text| text.starts_with("<text "));
    let members = line.as_object().expect("an object").iter();
    let names = members.filter(|(_, value)| is_shape(value)).map(|(name, _)| match &**name {
        "msg" => "message".to_owned(),
        name => name.to_owned(),
    });
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

fn reported(line: &Value) -> Vec<String> {
    let names = line["hides"].as_array().expect("a list").iter();
    let mut names: Vec<_> = names.map(|name| name.as_str().expect("text").to_owned()).collect();
    names.sort();
    names
}

fn is_report(line: &Value) -> bool {
    line["event"] == "strict_report"
}

#[step_timed]
fn fail() -> Result<(), Box<dyn std::error::Error>> {
    Err(format!("no order of {PERSON}").into())
}

/// Events at several call sites, in the order of their first lines.
fn events() {
    let error: Box<dyn std::error::Error + Send + Sync> = PERSON.into();
    for number in 0..100 {
        tracing::info!(number, user = PERSON, note = %PERSON, "order of {PERSON}");
        tracing::info!(number, flag = true, password = PERSON, "a constant message");
        tracing::info!(target: "listed::below", number, "of {PERSON}");
        tracing::info!(target: "listed", number, user = ?PERSON, "of {PERSON}");
        tracing::warn!(number, error = &*error as &dyn std::error::Error, "failed");
        tracing::info!(number);
        candor::info!(number, "of {}", candor::policy::clear("candor's own"));
        log::info!("a record of {PERSON}");
    }
}

#[test]
fn report_mode_names_what_strict_mode_hides() {
    run_in_own_process("leaks::report::inside");
}

#[test]
#[ignore = "needs a process of its own, which `report_mode_names_what_strict_mode_hides` starts"]
fn inside() {
    if !is_child() {
        return;
    }
    let open = capture(config());
    events();
    let open = json_lines(&open.output());
    assert!(!open.iter().any(is_report));

    let reporting = capture(config().strict_report(true));
    events();
    let lines = json_lines(&reporting.output());
    let (reports, shown): (Vec<_>, Vec<_>) = lines.into_iter().partition(is_report);
    let without_time = |lines: &[Value]| -> Vec<Value> {
        let mut lines = lines.to_vec();
        for line in &mut lines {
            line.as_object_mut().expect("an object").remove("ts");
        }
        lines
    };
    assert_eq!(without_time(&shown), without_time(&open), "nothing else changes");
    check_reports(&reports);
    spans(&reporting);
    names_and_errors(&reporting);
    // Report mode has reported each of these.
    reporting.clear();
    events();
    spans_again();
    assert!(!json_lines(&reporting.output()).iter().any(is_report));
    drop(reporting);

    // Strict mode wins, and hides what was reported.
    let strict = capture(config().strict(true).strict_report(true));
    events();
    let lines = json_lines(&strict.output());
    assert!(!lines.iter().any(is_report));
    for line in &lines {
        // The messages of a listed target are shown.
        let is_listed = line["logger"].as_str().is_some_and(|it| it.starts_with("listed"));
        assert!(is_listed || !line.to_string().contains(PERSON), "{line}");
    }
    let is_of_events = |line: &Value| line["logger"] != "candor";
    let mut seen = BTreeSet::new();
    let hidden: Vec<_> = lines
        .iter()
        .filter(|line| is_of_events(line))
        .map(|line| (line["line"].clone(), hidden(line)))
        .filter(|(line, names)| !names.is_empty() && seen.insert(format!("{line} {names:?}")))
        .map(|(_, names)| names)
        .collect();
    assert_eq!(reports.iter().map(reported).collect::<Vec<_>>(), hidden);
    // A later configuration does not turn it off, nor replace its lists.
    drop(capture(Config::new().strict_report(true)));
    assert_eq!(candor::scrub::url("/orders/ada-7"), "/orders/<text 5-8>");
}

fn check_reports(reports: &[Value]) {
    let expected = [
        ("event", json!(["message", "user", "note"])),
        ("event", json!(["message"])),
        ("event", json!(["user"])),
        ("event", json!(["message", "error"])),
        ("log", json!(["message"])),
    ];
    assert_eq!(reports.len(), expected.len(), "{reports:#?}");
    let mut before = 0;
    for (report, (place, hides)) in reports.iter().zip(expected) {
        assert_eq!((&report["place"], &report["hides"]), (&place.into(), &hides), "{report}");
        let fixed = (&report["level"], &report["logger"], &report["msg"]);
        assert_eq!(fixed, (&"INFO".into(), &"candor".into(), &"strict_report".into()));
        assert_eq!(report["file"], file!());
        let line = report["line"].as_u64().expect("a line");
        assert!(line > before, "{report}");
        before = line;
        let target = if hides == json!(["user"]) { "listed" } else { module_path!() };
        assert_eq!(report["target"], target);
        assert!(!report.to_string().contains("Ada"), "{report}");
    }
}

fn span(user: &str) -> tracing::Span {
    tracing::info_span!("work", user, number = 7, later = tracing::field::Empty)
}

fn spans_again() {
    let span = span(PERSON);
    span.record("later", PERSON);
    span.in_scope(|| candor::info!("in a span"));
}

fn spans(captured: &Captured) {
    captured.clear();
    spans_again();
    spans_again();
    let lines = json_lines(&captured.output());
    let (reports, shown): (Vec<_>, Vec<_>) = lines.into_iter().partition(is_report);
    assert_eq!(reports.len(), 1, "{reports:#?}");
    assert_eq!((&reports[0]["place"], &reports[0]["hides"]), (&"span".into(), &json!(["user"])));
    assert!(shown.iter().all(|line| line["user"] == PERSON && line["later"] == PERSON));
}

/// The reports of `f`, as place and names.
fn reports_of(captured: &Captured, f: impl Fn()) -> Vec<(String, Value)> {
    captured.clear();
    f();
    f();
    // A report is written after the next line.
    candor::info!("done");
    let reports = json_lines(&captured.output()).into_iter().filter(is_report);
    reports
        .map(|report| {
            assert!(!report.to_string().contains("Ada"), "{report}");
            (report["place"].as_str().expect("text").to_owned(), report["hides"].clone())
        })
        .collect()
}

fn names_and_errors(captured: &Captured) {
    let mut map = HeaderMap::new();
    for (name, value) in [
        ("x-region", "Ada"),
        ("user-agent", "Ada's phone"),
        ("content-type", "application/json; profile=Ada"),
        ("accept", "*/*"),
        ("authorization", "Bearer x"),
        ("ghp_0123456789abcdefghijabcdefghij012345", "Ada"),
    ] {
        map.insert(name, HeaderValue::from_static(value));
    }
    let as_hides = |name: &str| json!([name]);
    assert_eq!(
        reports_of(captured, || drop(candor::scrub::headers(&map))),
        ["user-agent", "content-type", "[REDACTED]"].map(|it| ("header".into(), as_hides(it))),
    );
    let send = || {
        let request = http::Request::get("/orders/ada-7?page=2&q=Ada&token=t").body(());
        exits::send(request.expect("a request"));
    };
    assert_eq!(
        reports_of(captured, send),
        [("path".into(), as_hides("path")), ("query_parameter".into(), as_hides("q"))],
    );
    assert!(captured.output().contains("/orders/ada-7"));
    let fails = || fail().expect_err("no order");
    assert_eq!(
        reports_of(captured, || drop(fails())),
        [("error".into(), as_hides("error_detail"))]
    );
    assert!(
        captured.output().contains("\"error_type\":\"alloc::boxed::Box<dyn core::error::Error>\"")
    );
    let panics = || drop(catch_unwind(|| panic!("of {PERSON}")));
    // The thread of a test has the name of the test.
    assert_eq!(
        reports_of(captured, panics),
        [("panic".into(), as_hides("panic_message")), ("thread".into(), as_hides("thread"))],
    );
    let names = || RequestContext::new().enter_with(|| candor::context::set("Ada Lovelace", 7));
    assert_eq!(reports_of(captured, names), [("name".into(), as_hides("name"))]);
    let context = || drop(RequestContext::new().with_method("ADA"));
    assert_eq!(reports_of(captured, context), [("method".into(), as_hides("method"))]);
}

#[test]
fn the_number_of_reported_names_is_bounded() {
    run_in_own_process("leaks::report::bounded");
}

#[test]
#[ignore = "needs a process of its own, which `the_number_of_reported_names_is_bounded` starts"]
fn bounded() {
    if !is_child() {
        return;
    }
    let captured = capture_with(config().strict_report(true)).expect("a configuration");
    for number in 0..2000 {
        let _ = candor::scrub::url_with_query(&format!("/orders?n{number}=x"));
        candor::info!("done");
    }
    assert_eq!(json_lines(&captured.output()).iter().filter(|line| is_report(line)).count(), 1000);
}
