//! Which spans are steps, which of their lines are written, and what other layers see.

use std::io::Write;
use std::sync::{Arc, Mutex};

use candor::http::{FlightRecorder, RequestLayer};
use candor::testing::capture_with;
use candor::{Config, Format};
use candor_tests::checked;
use http::Request;
use tracing::{debug_span, error, error_span, info_span};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt as _;

use super::{capture, config, in_request};

/// Without the setting, a span writes no line and has no id: nothing changes for a service that does not set it.
#[test]
fn spans_are_not_steps_by_default() {
    let config = Config::new().format(Format::Json).level("trace").expect("levels");
    let captured = capture_with(config).expect("a capture");
    in_request(|| {
        info_span!("load", otel.kind = "client").in_scope(|| candor::step("step", || error!("x")));
        info_span!("http", method = "GET", path = "/").in_scope(|| ());
    });
    info_span!("http", method = "GET", path = "/").in_scope(|| ());
    assert_eq!(captured.tree(), "step ok\n");
    assert_eq!(captured.step("step").integer("step_id"), 1);
    assert!(captured.events("request_completed").is_empty());
}

/// `off` means the same as the default.
#[test]
fn off_names_no_span() {
    let captured = capture_with(config("off")).expect("a capture");
    in_request(|| info_span!("load").in_scope(|| ()));
    assert_eq!(captured.tree(), "");
}

/// Directives name targets and levels, as in `LOG_LEVEL`. Targets without a directive are off.
#[test]
fn directives_select_spans_by_target_and_level() {
    let captured = capture_with(config("shop=info,shop::cart=debug,db=off")).expect("a capture");
    in_request(|| {
        info_span!(target: "shop", "a").in_scope(|| ());
        debug_span!(target: "shop", "b").in_scope(|| ());
        debug_span!(target: "shop::cart", "c").in_scope(|| ());
        info_span!(target: "shopping", "d").in_scope(|| ());
        error_span!(target: "db", "e").in_scope(|| ());
        info_span!("f").in_scope(|| ());
    });
    assert_eq!(captured.tree(), "a ok\nc ok\n");
}

/// A level alone applies to all targets. Noisy libraries need a directive of their own, as in `LOG_LEVEL`.
#[test]
fn one_level_is_for_all_targets_but_the_noisy_ones() {
    let run = || {
        in_request(|| {
            info_span!("own").in_scope(|| ());
            info_span!(target: "sqlx::query", "query").in_scope(|| ());
        });
    };
    let level = "trace,sqlx=trace";
    let captured = capture_with(config("info").level(level).expect("levels")).expect("a capture");
    run();
    assert_eq!(captured.tree(), "own ok\n");
    drop(captured);
    let config = config("info,sqlx=info").level(level).expect("levels");
    let captured = capture_with(config).expect("a capture");
    run();
    assert_eq!(captured.tree(), "own ok\nquery ok\n");
}

/// `LOG_LEVEL` controls the line of a span, not whether the span is a step: at WARN, only failures are written, and the
/// totals still count every step.
#[test]
fn the_lines_obey_the_levels() {
    let quiet = Config::new().format(Format::Json).level("warn,jobs=info").expect("levels");
    let captured = capture_with(quiet.time_spans("info").expect("directives")).expect("a capture");
    candor::job("nightly").run(|| {
        info_span!("fine").in_scope(|| ());
        info_span!("broken").in_scope(|| error!("x"));
    });
    assert!(captured.steps("fine").is_empty());
    assert_eq!(captured.step("broken").integer("step_id"), 2);
    assert_eq!(captured.line("job_completed").integer("steps"), 2);
}

/// The line of a success has the level of its span, but not above INFO: a success is not an error because its span has
/// the level ERROR.
#[test]
fn the_level_of_a_success_is_that_of_the_span() {
    let captured = capture();
    in_request(|| {
        debug_span!("debug").in_scope(|| ());
        info_span!("info").in_scope(|| ());
        error_span!("error").in_scope(|| ());
    });
    captured.assert_step("debug").level("DEBUG");
    captured.assert_step("info").level("INFO");
    captured.assert_step("error").level("INFO");
}

/// If directives can't be parsed, the error names the variable and a way to fix it.
#[test]
fn directives_that_cannot_be_parsed_are_an_error() {
    let error = Config::new().time_spans("shop=loud").expect_err("no level").to_string();
    assert!(error.contains("invalid LOG_SPANS \"shop=loud\": unknown level \"loud\""), "{error}");
    let error = Config::new().time_spans("shop[x]=info").expect_err("a filter").to_string();
    assert!(error.contains("span filters such as \"shop[x]=info\" are not supported"), "{error}");
}

/// A configuration file has the setting under the name of its method.
#[test]
fn the_setting_can_be_deserialized() {
    let read = |text: &str| serde_json::from_str::<Config>(text);
    let config = read(r#"{ "level": "trace", "time_spans": "info" }"#).expect("a configuration");
    let captured = capture_with(config.format(Format::Json)).expect("a capture");
    in_request(|| info_span!("load").in_scope(|| ()));
    assert_eq!(captured.tree(), "load ok\n");
    let error = read(r#"{ "time_spans": "=info" }"#).expect_err("no target").to_string();
    assert!(error.contains("invalid time_spans \"=info\": missing target in \"=info\""), "{error}");
}

/// The debug lines of a request that the flight recorder keeps contain the steps of spans, and are written if it fails.
#[test]
fn the_flight_recorder_keeps_the_lines_of_spans() {
    let quiet = Config::new().format(Format::Json).level("info").expect("levels");
    let captured = capture_with(quiet.time_spans("debug").expect("directives")).expect("a capture");
    let layer = RequestLayer::new().flight_recorder(FlightRecorder::new("debug").expect("levels"));
    let serve = |status: u16| {
        let (parts, ()) = Request::get("/").body(()).expect("a request").into_parts();
        let mut request = layer.begin(&parts, None);
        request.run(|| debug_span!("detail").in_scope(|| ()));
        request.finish(status);
    };
    serve(200);
    assert!(captured.steps("detail").is_empty());
    serve(500);
    assert_eq!(captured.steps("detail").len(), 1);
    checked(&captured);
}

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no panic")).into_owned()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Other layers see the spans and events of the program as before, but no events of candor's steps: only candor writes
/// their lines.
#[test]
fn other_layers_see_the_spans_as_before() {
    let program = || {
        info_span!("http", method = "GET", path = "/").in_scope(|| {
            info_span!("load", order_id = 7).in_scope(|| tracing::info!("loaded"));
        });
    };
    let seen = |with_candor: bool| {
        let (others, own) = (Output::default(), Output::default());
        let writer = others.clone();
        let fmt = tracing_subscriber::fmt::layer()
            .without_time()
            .with_ansi(false)
            .with_span_events(FmtSpan::NEW | FmtSpan::ENTER | FmtSpan::EXIT)
            .with_writer(move || writer.clone());
        let layer =
            with_candor.then(|| config("info").writer(own.clone()).layer().expect("a layer"));
        let subscriber = tracing_subscriber::registry().with(fmt).with(layer);
        tracing::subscriber::with_default(subscriber, program);
        (others.text(), own.text())
    };
    let (before, _) = seen(false);
    let (after, own) = seen(true);
    assert!(before.contains("loaded"), "{before}");
    assert_eq!(after, before);
    let events: Vec<String> = own
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect("JSON")["msg"].to_string()
        })
        .collect();
    let expected = ["request_started", "loaded", "step_timing", "request_completed"];
    assert_eq!(events, expected.map(|name| format!("\"{name}\"")));
}

/// A span that other layers need and that candor does not time is not a step.
#[test]
fn a_span_that_is_not_named_is_not_a_step() {
    let captured = capture_with(config("shop=info")).expect("a capture");
    in_request(|| {
        info_span!("outer", order_id = 7).in_scope(|| candor::step("inside", || ()));
    });
    assert_eq!(captured.tree(), "inside ok\n");
    assert_eq!(captured.step("inside").integer("order_id"), 7);
}

/// Two layers of candor in one subscriber keep their own data about each span: the one that times spans writes steps,
/// and both write the fields on the lines inside.
#[test]
fn two_layers_of_candor_keep_their_own_data() {
    let (timed, plain) = (Output::default(), Output::default());
    let quiet = Config::new().format(Format::Json).level("info").expect("levels");
    let subscriber = tracing_subscriber::registry()
        .with(config("info").writer(timed.clone()).layer().expect("a layer"))
        .with(quiet.writer(plain.clone()).layer().expect("a layer"));
    tracing::subscriber::with_default(subscriber, || {
        in_request(|| {
            info_span!("outer", order_id = 7).in_scope(|| {
                info_span!("inner").in_scope(|| tracing::info!("loaded"));
            });
        });
    });
    let lines = |output: &Output| -> Vec<serde_json::Value> {
        output.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let steps = lines(&timed);
    let named: Vec<_> = steps.iter().filter_map(|line| line["step"].as_str()).collect();
    assert_eq!(named, ["inner", "outer"], "{steps:?}");
    assert_eq!(steps[1]["parent_id"], steps[2]["step_id"], "{steps:?}");
    let plain = lines(&plain);
    assert_eq!(plain.len(), 1, "{plain:?}");
    assert_eq!((&plain[0]["order_id"], &steps[0]["order_id"]), (&7.into(), &7.into()));
}
