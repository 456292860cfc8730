//! Metrics: counts equal the lines, labels are closed, recorders can do what they like, exemplars lead to lines.
//!
//! Metrics belong to the process, so that each test runs the program of `fixtures/metrics.rs`.

mod exposition;

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use candor_tests::check;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use self::exposition::{Sample, parse};

struct Run {
    lines: Vec<Value>,
    samples: Vec<Sample>,
    text: String,
    /// What the recorder counted.
    facade: BTreeMap<String, u64>,
    /// How often fields were evaluated.
    evaluated: u64,
}

fn output(recorder: &str, env: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_metrics"));
    command.arg(recorder).env_clear().envs([("LOG_FORMAT", "json"), ("LOG_METRICS", "1")]);
    command.envs(env.iter().copied()).output().expect("the program runs")
}

fn run(recorder: &str, env: &[(&str, &str)]) -> Run {
    let output = output(recorder, env);
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).expect("UTF-8"), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stderr.is_empty(), "{stderr}");
    let mut run = Run {
        lines: Vec::new(),
        samples: Vec::new(),
        text: String::new(),
        facade: BTreeMap::new(),
        evaluated: 0,
    };
    for line in stdout.lines() {
        if line.starts_with('{') {
            check(line);
            run.lines.push(serde_json::from_str(line).expect("JSON"));
        } else if let Some((series, n)) =
            line.strip_prefix("facade ").and_then(|line| line.rsplit_once(' '))
        {
            run.facade.insert(series.to_owned(), n.parse().expect("a number"));
        } else if let Some(n) = line.strip_prefix("evaluated ") {
            run.evaluated = n.parse().expect("a number");
        } else {
            run.text.push_str(line);
            run.text.push('\n');
        }
    }
    run.samples = parse(&run.text).unwrap_or_else(|why| panic!("{why}\n{}", run.text));
    run
}

/// The counter that counts a line, and its labels; `None` if it is not the line of something that ended.
fn series_of(line: &Value) -> Option<String> {
    const METHODS: [&str; 9] =
        ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let (name, mut labels) = match line["event"].as_str()? {
        "step_timing" => ("candor_steps_total", vec![("step", text("step"))]),
        "dependency_call" => (
            "candor_dependency_calls_total",
            vec![("dependency", text("dependency")), ("operation", text("operation"))],
        ),
        "job_completed" => ("candor_jobs_total", vec![("job_name", text("job"))]),
        "request_completed" => {
            let method = METHODS.iter().find(|known| line["method"] == **known);
            let status = match line["status"].as_u64() {
                None => "none".to_owned(),
                Some(status @ 100..600) => format!("{}xx", status / 100),
                Some(_) => "_OTHER".to_owned(),
            };
            let route = line["route"].as_str().unwrap_or("_OTHER").to_owned();
            let method = (*method.unwrap_or(&"_OTHER")).to_owned();
            let labels = vec![
                ("http_request_method", method),
                ("http_route", route),
                ("status_class", status),
            ];
            ("http_server_requests_total", labels)
        }
        _ => return None,
    };
    labels.push(("outcome", text("outcome")));
    if let Some(error) = line["error"].as_str() {
        labels.push(("error", error.to_owned()));
    }
    Some(rendered(name, labels.iter().map(|(name, value)| (*name, value.as_str()))))
}

fn rendered<'a>(name: &str, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let labels: BTreeSet<_> =
        labels.into_iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    format!("{name}{{{}}}", labels.into_iter().collect::<Vec<_>>().join(","))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole numbers")]
fn whole(value: f64) -> u64 {
    value as u64
}

/// The lines by the series that count them.
fn counted_lines(run: &Run) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for series in run.lines.iter().filter_map(series_of) {
        *counts.entry(series).or_default() += 1;
    }
    counts
}

/// The counters of the text, and the number of observations of the histograms.
fn counters(run: &Run) -> BTreeMap<String, u64> {
    let ours = |sample: &&Sample| sample.name.ends_with("_total") && !sample.labels.is_empty();
    let series = |sample: &Sample| {
        let labels = sample.labels.iter().map(|(name, value)| (&**name, &**value));
        (rendered(&sample.name, labels), whole(sample.value))
    };
    run.samples.iter().filter(ours).map(series).collect()
}

/// The counts of the histograms, by name and labels, and the same from the counters.
fn histogram_counts(run: &Run) -> (BTreeMap<String, u64>, BTreeMap<String, u64>) {
    let (mut observed, mut counted) = (BTreeMap::new(), BTreeMap::new());
    for sample in &run.samples {
        let labels = sample.labels.iter().filter(|(name, _)| *name != "error");
        let labels = labels.map(|(name, value)| (&**name, &**value));
        if let Some(name) = sample.name.strip_suffix("_duration_seconds_count") {
            *observed.entry(rendered(name, labels)).or_default() += whole(sample.value);
        } else if !sample.labels.is_empty()
            && let Some(name) = sample.name.strip_suffix("s_total")
        {
            let name = name.strip_suffix("_call").unwrap_or(name);
            *counted.entry(rendered(name, labels)).or_default() += whole(sample.value);
        }
    }
    (observed, counted)
}

fn assert_has_every_outcome(counts: &BTreeMap<String, u64>) {
    for name in ["candor_steps", "candor_dependency_calls", "http_server_requests", "candor_jobs"] {
        for outcome in ["ok", "error", "cancelled", "panicked"] {
            let outcome = format!("outcome=\"{outcome}\"");
            let found = counts.keys().any(|key| key.starts_with(name) && key.contains(&outcome));
            assert!(found, "no {outcome} of {name} in {counts:#?}");
        }
    }
}

#[test]
fn counts_equal_the_lines_of_every_outcome() {
    let run = run("none", &[("LOG_LEVEL", "debug")]);
    let counts = counters(&run);
    assert_eq!(counts, counted_lines(&run));
    assert_has_every_outcome(&counts);
    let refused = "candor_dependency_calls_total{dependency=\"search\",error=\"not_found\",operation=\"find\",\
                   outcome=\"ok\"}";
    assert!(counts.contains_key(refused), "{counts:#?}");
    let typed = "candor_steps_total{error=\"Refused\",outcome=\"error\",step=\"plain\"}";
    assert!(counts.contains_key(typed), "{counts:#?}");
    let (observed, counted) = histogram_counts(&run);
    assert_eq!(observed, counted);
}

#[test]
fn counts_equal_the_lines_beside_another_layer() {
    let run = run("none", &[("LOG_LEVEL", "debug"), ("BESIDE", "1")]);
    assert_eq!(counters(&run), counted_lines(&run));
}

#[test]
fn calls_are_counted_if_the_levels_hide_their_lines() {
    let all = counters(&run("none", &[("LOG_LEVEL", "debug")]));
    // At WARN, steps without fields keep no state for a line; at OFF, none does.
    for level in ["info", "warn", "error", "off"] {
        for beside in [&[][..], &[("BESIDE", "1")]] {
            let run = run("none", &[&[("LOG_LEVEL", level)], beside].concat());
            assert_eq!(counters(&run), all, "{level} {beside:?}");
            let (observed, counted) = histogram_counts(&run);
            assert_eq!(observed, counted);
        }
    }
}

#[test]
fn fields_are_not_evaluated_for_metrics() {
    let hidden = run("none", &[("LOG_LEVEL", "off")]);
    assert_eq!((hidden.lines.len(), hidden.evaluated), (0, 0));
    assert!(run("none", &[("LOG_LEVEL", "info")]).evaluated > 0);
}

#[test]
fn suppressed_lines_are_counted_and_give_no_exemplar() {
    let run = run("none", &[("LOG_LEVEL", "debug"), ("LINES", "2")]);
    let (counts, lines) = (counters(&run), counted_lines(&run));
    assert!(counts.values().sum::<u64>() > 2 * lines.values().sum::<u64>());
    assert_exemplars_are_lines(&run);
}

#[test]
fn lines_that_a_full_queue_drops_give_no_exemplar() {
    assert_exemplars_are_lines(&run("none", &[("LOG_LEVEL", "debug"), ("QUEUE", "8")]));
}

#[test]
fn metrics_are_off_by_default() {
    for value in ["0", ""] {
        let run = run("counting", &[("LOG_METRICS", value)]);
        assert_eq!(run.text, "# EOF\n");
        assert!(run.facade.is_empty() && !run.lines.is_empty());
    }
}

#[test]
fn the_setting_is_read_from_the_environment_and_a_file() {
    let wrong = output("none", &[("LOG_METRICS", "on")]);
    let stderr = String::from_utf8_lossy(&wrong.stderr);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr.contains("invalid LOG_METRICS \"on\": expected \"1\" or \"0\""), "{stderr}");
    assert!(serde_json::from_str::<candor::Config>(r#"{"metrics": true}"#).is_ok());
    assert!(serde_json::from_str::<candor::Config>(r#"{"metrics": "1"}"#).is_err());
}

/// The fixture sends a new path with every request, and six methods.
#[test]
fn the_number_of_series_does_not_depend_on_the_requests() {
    let run = run("none", &[]);
    let values = |label: &str| -> BTreeSet<&str> {
        run.samples.iter().filter_map(|sample| Some(&**sample.labels.get(label)?)).collect()
    };
    assert_eq!(values("http_route"), BTreeSet::from(["/orders/{id}/{code}", "_OTHER"]));
    let methods = BTreeSet::from(["DELETE", "GET", "POST", "_OTHER"]);
    assert_eq!(values("http_request_method"), methods);
    let classes = BTreeSet::from(["2xx", "4xx", "5xx", "_OTHER", "none"]);
    assert_eq!(values("status_class"), classes);
    assert_eq!(values("outcome"), BTreeSet::from(["cancelled", "error", "ok", "panicked"]));
    let errors = ["Refused", "cancelled", "not_found", "panicked", "timeout"];
    assert_eq!(values("error"), BTreeSet::from(errors));
    let ids = run.samples.iter().flat_map(|sample| sample.labels.values());
    assert!(ids.clone().count() > 1000 && !ids.into_iter().any(|value| value.contains("m-1")));
}

#[test]
fn a_recorder_counts_the_same() {
    for env in [&[("LOG_LEVEL", "debug")], &[("LOG_LEVEL", "off")]] {
        let run = run("counting", env);
        let mut expected = counters(&run);
        for sample in &run.samples {
            if let Some(name) = sample.name.strip_suffix("_count") {
                let labels = sample.labels.iter().map(|(name, value)| (&**name, &**value));
                expected.insert(rendered(name, labels), whole(sample.value));
            }
        }
        let sorted = |(series, n): (&String, &u64)| {
            let (name, labels) = series.trim_end_matches('}').split_once('{').expect("labels");
            let mut labels: Vec<_> = labels.split(',').collect();
            labels.sort_unstable();
            (format!("{name}{{{}}}", labels.join(",")), *n)
        };
        let counted: BTreeMap<_, _> = run.facade.iter().map(sorted).collect();
        assert_eq!(counted, expected);
    }
}

#[test]
fn a_recorder_that_panics_changes_nothing() {
    let run = run("panicking", &[("LOG_LEVEL", "debug")]);
    assert_eq!(counters(&run), counted_lines(&run));
    let panics = run.samples.iter().find(|it| it.name == "candor_metrics_recorder_panics_total");
    let many = panics.map(|panics| whole(panics.value));
    assert_eq!(many, Some(counters(&run).values().sum()));
}

/// Its lines and its step belong to what is being recorded, and are counted, but not reported again.
#[test]
fn a_recorder_can_log_and_run_steps() {
    let run = run("logging", &[("LOG_LEVEL", "debug")]);
    let counts = counters(&run);
    assert_eq!(counts, counted_lines(&run));
    let inside = counts["candor_steps_total{outcome=\"ok\",step=\"in_recorder\"}"];
    assert_eq!(inside * 2, counts.values().sum::<u64>());
    let logged = run.lines.iter().filter(|line| line["msg"] == "counted").count();
    assert_eq!(u64::try_from(logged).expect("few"), inside);
    assert!(run.facade.keys().all(|series| !series.contains("in_recorder")));
}

/// Asserts that a line exists for each exemplar: of its series, request, trace and duration.
fn assert_exemplars_are_lines(run: &Run) {
    let mut found = 0;
    let lines: Vec<_> =
        run.lines.iter().filter_map(|line| Some((line, series_of(line)?))).collect();
    for sample in &run.samples {
        let Some(exemplar) = &sample.exemplar else { continue };
        found += 1;
        let labels = sample.labels.iter().filter(|(name, _)| *name != "le");
        let labels: BTreeSet<_> =
            labels.map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let is_its_line = |(line, series): &&(&Value, String)| {
            let id = exemplar.labels.get("request_id").map(String::as_str);
            let trace = exemplar.labels.get("trace_id").map(String::as_str);
            let took = line["duration_ms"].as_f64().expect("a duration") / 1e3;
            line["request_id"].as_str() == id
                && line["trace_id"].as_str() == trace
                && (took - exemplar.value).abs() < 2e-6
                && labels.iter().all(|label| series.contains(label))
        };
        let line = lines.iter().find(is_its_line);
        let (line, _) = line.unwrap_or_else(|| panic!("no line for {sample:?}"));
        let at: jiff::Timestamp = line["ts"].as_str().expect("a time").parse().expect("a time");
        #[expect(clippy::cast_precision_loss, reason = "milliseconds")]
        let at = at.as_millisecond() as f64 / 1e3;
        assert!((at - exemplar.timestamp).abs() < 0.1, "{sample:?} {line}");
    }
    assert!(found > 10, "{found} exemplars");
}

#[test]
fn exemplars_are_written_lines() {
    for env in [
        &[("LOG_LEVEL", "debug")][..],
        &[("LOG_LEVEL", "warn")],
        &[("LOG_LEVEL", "debug"), ("BESIDE", "1")],
    ] {
        let run = run("none", env);
        assert_exemplars_are_lines(&run);
        let is_traced = |sample: &Sample| {
            sample.exemplar.as_ref().is_some_and(|it| it.labels.contains_key("trace_id"))
        };
        assert!(run.samples.iter().any(is_traced));
    }
    assert!(run("none", &[("LOG_LEVEL", "off")]).samples.iter().all(|it| it.exemplar.is_none()));
}

#[test]
fn the_admin_service_shows_them() {
    let (_subscriber, logging) =
        candor::Config::new().build::<tracing_subscriber::Registry>().expect("a configuration");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let request = Request::get("/admin/log/metrics").body(Body::empty()).expect("a request");
    let response = runtime.block_on(candor::http::admin(&logging).oneshot(request));
    let response = response.unwrap_or_else(|never| match never {});
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_TYPE], candor::metrics::CONTENT_TYPE);
    let body = runtime.block_on(response.into_body().collect()).expect("a body").to_bytes();
    assert_eq!(&body[..], b"# EOF\n");
}
