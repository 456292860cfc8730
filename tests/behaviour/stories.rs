//! Story modes: one wide line for a request without a problem, and every line for one with a problem.

use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use candor::http::{FlightRecorder, PeerAddr, RequestLayer, Trust};
use candor::policy::clear;
use candor::testing::{Captured, Line, capture_with};
use candor::{Config, Format, Story, audit, context, dependency_call, job, step_timed};
use candor_tests::{checked, values};
use http::{Request, StatusCode};
use serde_json::{Value, json};

const MODES: [Story; 3] = [Story::All, Story::Problems, Story::Summary];

fn config(story: Story) -> Config {
    let config = Config::new().format(Format::Json).level("info").expect("a level");
    // Tests on a busy machine are slow themselves.
    config.story(story).story_slow(Duration::from_hours(1))
}

fn capture(story: Story) -> Captured {
    capture_with(config(story)).expect("a capture")
}

#[step_timed]
fn reserve() {
    candor::info!("reserving");
    let _ = (charge(), charge());
}

#[dependency_call("payments", url = "https://pay.example/charges")]
fn charge() -> Result<(), std::io::Error> {
    Ok(())
}

#[dependency_call("payments")]
fn time_out() -> Result<(), std::io::Error> {
    Err(std::io::ErrorKind::TimedOut.into())
}

fn begin(layer: &RequestLayer, path: &str) -> candor::http::ActiveRequest {
    let (parts, ()) = Request::get(path).body(()).expect("a request").into_parts();
    layer.begin(&parts, None)
}

/// Runs `work` in a request, and completes it with a status.
fn request(layer: &RequestLayer, status: u16, work: impl FnOnce()) {
    let mut request = begin(layer, "/orders");
    request.run(work);
    request.finish(status);
}

/// The lines without what differs between two runs.
fn told(lines: &[Line]) -> Vec<Value> {
    const RANDOM: [&str; 9] = [
        "ts",
        "request_id",
        "trace_id",
        "span_id",
        "duration_ms",
        "offset_ms",
        "dependency_ms",
        "slowest_step",
        "last_attempt_ms",
    ];
    let told = |line: &Line| {
        let mut value: Value = serde_json::from_str(line.raw()).expect("JSON");
        let members = value.as_object_mut().expect("an object");
        members.retain(|key, _| !RANDOM.contains(&key.as_str()));
        value
    };
    lines.iter().map(told).collect()
}

/// Asserts that the work writes the same lines with stories of problems as it does without, and returns them.
#[track_caller]
fn assert_in_full(work: impl Fn()) -> Vec<Value> {
    assert_in_full_with(|config| config, work)
}

#[track_caller]
fn assert_in_full_with(set: impl Fn(Config) -> Config, work: impl Fn()) -> Vec<Value> {
    let [all, problems] = [Story::All, Story::Problems].map(|story| {
        let captured = capture_with(set(config(story))).expect("a capture");
        work();
        told(&checked(&captured))
    });
    assert_eq!(problems, all);
    all
}

#[test]
fn a_request_that_ends_well_writes_one_wide_line() {
    let captured = capture(Story::Problems);
    request(&RequestLayer::new(), 200, || {
        reserve();
        reserve();
    });
    let lines = checked(&captured);
    assert_eq!(values(&lines, "msg"), [json!("request_completed")]);
    let line = &lines[0];
    assert_eq!((line.integer("seq"), line.integer("lines_left_out")), (1, 8));
    assert_eq!((line.integer("steps"), line.integer("dependency_calls")), (2, 4));
    let own = line.get("step_own_ms").and_then(Value::as_object).expect("an object");
    assert_eq!(own.keys().collect::<Vec<_>>(), ["reserve"]);
    let payments = &line.get("dependencies").expect("an object")["payments"];
    assert_eq!(payments["calls"], 4);
    assert!(payments["ms"].is_f64() && payments.get("retries").is_none(), "{line:?}");
}

#[test]
fn without_a_mode_every_line_is_written() {
    let captured = capture(Story::All);
    request(&RequestLayer::new(), 200, reserve);
    assert_eq!(captured.lines().len(), 5);
    let line = captured.completed();
    for key in ["lines_left_out", "step_own_ms", "dependencies"] {
        assert!(!line.has(key), "{line:?}");
    }
}

#[test]
fn a_problem_in_the_request_writes_every_line_in_order() {
    let lines = assert_in_full(|| {
        request(&RequestLayer::new(), 200, || {
            reserve();
            candor::warn!("a problem");
            reserve();
        });
    });
    assert_eq!(lines.len(), 10);
    assert_in_full(|| {
        request(&RequestLayer::new(), 200, || {
            reserve();
            let _ = time_out();
        })
    });
}

#[test]
fn a_line_is_written_at_once_after_the_problem() {
    let captured = capture(Story::Problems);
    let layer = RequestLayer::new();
    let mut request = begin(&layer, "/");
    request.run(reserve);
    assert!(captured.lines().is_empty());
    request.run(|| candor::error!("a problem"));
    assert_eq!(captured.lines().len(), 5);
    request.run(|| candor::info!("after it"));
    assert_eq!(captured.lines().len(), 6);
    request.finish(200);
    assert!(!captured.completed().has("lines_left_out"));
}

#[test]
fn a_request_that_ends_badly_writes_every_line_in_order() {
    let layer = RequestLayer::new();
    assert_in_full(|| request(&layer, 503, reserve));
    // The request is dropped.
    assert_in_full(|| begin(&layer, "/").run(reserve));
    assert_in_full(|| {
        let mut request = begin(&layer, "/");
        request.run(reserve);
        request.fail();
    });
    assert_in_full(|| {
        let panicking = || {
            request(&layer, 200, || {
                reserve();
                std::panic::resume_unwind(Box::new("a panic"));
            });
        };
        catch_unwind(AssertUnwindSafe(panicking)).expect_err("panics");
    });
    // A refusal is no problem of the service.
    let captured = capture(Story::Problems);
    request(&layer, 404, reserve);
    assert_eq!(captured.completed().integer("lines_left_out"), 4);
}

#[test]
fn a_slow_request_is_written_in_full() {
    let work = || {
        reserve();
        thread::sleep(Duration::from_millis(3));
        // Written at once: the request is slow by now.
        candor::info!("slow");
    };
    let by_layer = RequestLayer::new().slow(Duration::from_millis(2));
    assert_in_full(|| request(&by_layer, 200, work));
    let by_config = |config: Config| config.story_slow(Duration::from_millis(2));
    assert_in_full_with(by_config, || request(&RequestLayer::new(), 200, work));
    assert_in_full_with(by_config, || job("slow").run(work));
    // The threshold of the layer replaces the other one.
    let captured = capture_with(by_config(config(Story::Problems))).expect("a capture");
    request(&RequestLayer::new().slow(Duration::from_hours(1)), 200, work);
    assert_eq!(captured.lines().len(), 1);
}

#[test]
fn requests_with_raised_levels_hold_nothing() {
    let layer = RequestLayer::new().trust(Trust::new().network("10.0.0.0/8").expect("a network"));
    assert_in_full(|| {
        let (mut parts, ()) = Request::get("/").body(()).expect("a request").into_parts();
        parts.headers.insert("x-debug-log", "1".parse().expect("a header"));
        parts.extensions.insert(PeerAddr(([10, 0, 0, 1], 1).into()));
        let mut request = layer.begin(&parts, None);
        request.run(|| {
            reserve();
            candor::debug!("detail");
        });
        request.finish(200);
    });
}

#[test]
fn a_sample_of_the_good_requests_is_written_in_full() {
    let layer = RequestLayer::new().sample(0.5);
    let captured = capture(Story::Problems);
    let ids: Vec<String> = (0..40).map(|n| format!("r-{n}")).collect();
    for (n, id) in ids.iter().enumerate() {
        let parts = Request::get("/").header("x-request-id", id).body(()).expect("a request");
        let mut request = layer.begin(&parts.into_parts().0, None);
        request.run(reserve);
        request.finish(if n % 2 == 0 { 200 } else { 500 });
    }
    let lines = checked(&captured);
    let mut counts = [0; 3];
    for (n, id) in ids.iter().enumerate() {
        let own: Vec<_> = lines.iter().filter(|line| line.text("request_id") == id).collect();
        let end = own.last().expect("a completion");
        match (n % 2 == 0, own.len()) {
            (true, 1) => {
                assert_eq!(end.integer("lines_left_out"), 4);
                counts[0] += 1;
            }
            (true, 5) => counts[1] += 1,
            (false, 5) => counts[2] += 1,
            other => panic!("{other:?}: {own:?}"),
        }
        assert!(!end.has("lines_sampled_away"), "{end:?}");
    }
    assert!(counts[0] > 3 && counts[1] > 3 && counts[2] == 20, "{counts:?}");
}

#[test]
fn quiet_requests_stay_quiet() {
    let layer = RequestLayer::new().quiet("/health");
    for story in [Story::Problems, Story::Summary] {
        let captured = capture(story);
        let mut request = begin(&layer, "/health");
        request.run(reserve);
        request.finish(200);
        assert!(captured.lines().is_empty(), "{captured:?}");
    }
}

#[test]
fn more_lines_than_a_request_may_hold_are_all_written() {
    let layer = RequestLayer::new();
    let many = || {
        for _ in 0..20 {
            reserve();
        }
    };
    for set in [
        (|config: Config| config.story_lines(30)) as fn(Config) -> Config,
        |config| config.story_bytes(9_000),
        |config| config.story_total_bytes(0),
        |config| config.story_lines(0),
    ] {
        let lines = assert_in_full_with(set, || request(&layer, 200, many));
        assert_eq!(lines.len(), 81);
    }
    // With the defaults, it would hold them.
    let captured = capture(Story::Problems);
    request(&layer, 200, many);
    assert_eq!(captured.completed().integer("lines_left_out"), 80);
}

#[test]
fn the_limit_of_lines_per_request_and_the_flight_recorder_work_together_with_a_story() {
    let recorder = FlightRecorder::new("shop=debug").expect("targets").lines(5);
    let layer = RequestLayer::new().flight_recorder(recorder);
    for status in [200, 500] {
        for cap in [0, 3, 7, 100] {
            let work = || {
                for n in 0..6 {
                    reserve();
                    tracing::debug!(target: "shop", n, "detail");
                    if n == 4 && status == 500 {
                        candor::warn!("a problem");
                    }
                }
            };
            let set = |config: Config| config.lines_per_request(cap);
            if status == 500 {
                assert_in_full_with(set, || request(&layer, 500, work));
                continue;
            }
            let captured = capture_with(set(config(Story::Problems))).expect("a capture");
            request(&layer, 200, work);
            let line = captured.completed();
            let held = cap.min(24);
            assert_eq!(line.integer("lines_left_out"), i64::try_from(held).expect("small"));
            let suppressed = line.get("lines_suppressed").and_then(Value::as_u64).unwrap_or(0);
            assert_eq!(suppressed, 24 - held);
        }
    }
}

#[test]
fn lines_over_the_limit_of_a_line_are_cut_as_without_a_story() {
    let long = "x".repeat(900);
    assert_in_full_with(
        |config| config.line_limit(1024),
        || {
            request(&RequestLayer::new(), 500, || {
                candor::info!(long = clear(&*long), "cut");
            });
        },
    );
}

#[test]
fn an_audit_event_comes_after_the_lines_before_it() {
    let lines = assert_in_full(|| {
        request(&RequestLayer::new(), 200, || {
            reserve();
            audit!(by = 7, "deleted").expect("written");
            reserve();
        });
    });
    assert_eq!(lines[4]["msg"], "deleted");
    assert_eq!(lines[4]["seq"], 5);
}

#[test]
fn a_summary_has_problems_and_one_wide_line() {
    let captured = capture(Story::Summary);
    let layer = RequestLayer::new();
    request(&layer, 200, reserve);
    request(&layer, 200, || {
        reserve();
        candor::warn!("a problem");
        let _ = time_out();
    });
    let lines = checked(&captured);
    assert_eq!(
        values(&lines, "msg"),
        ["request_completed", "a problem", "dependency_call", "request_completed"]
            .map(|it| json!(it))
    );
    assert_eq!(values(&lines, "seq"), [1, 1, 2, 3].map(|it| json!(it)));
    for end in [&lines[0], &lines[3]] {
        assert_eq!(end.integer("lines_left_out"), 4);
        assert!(end.has("step_own_ms") && end.has("dependencies"), "{end:?}");
    }
    assert_eq!(lines[3].get("dependencies").expect("an object")["payments"]["calls"], 3);
}

#[test]
fn jobs_have_stories_too() {
    let captured = capture(Story::Problems);
    job("good").run(reserve);
    let line = captured.line("job_completed");
    assert_eq!((line.integer("seq"), line.integer("lines_left_out")), (1, 4));
    assert!(line.has("step_own_ms") && line.has("dependencies"), "{line:?}");
    drop(captured);
    assert_in_full(|| {
        let _ = job("bad").run(|| {
            reserve();
            "x".parse::<u8>()
        });
    });
    assert_in_full(|| {
        let panicking = || {
            job("panics").run(|| {
                reserve();
                std::panic::resume_unwind(Box::new("a panic"));
            })
        };
        catch_unwind(AssertUnwindSafe(panicking)).expect_err("panics");
    });
    assert_in_full(|| {
        use std::future::Future as _;
        let mut work = Box::pin(job("dropped").scope(async {
            reserve();
            std::future::pending::<()>().await;
        }));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(work.as_mut().poll(&mut cx).is_pending());
    });
    let captured = capture(Story::Summary);
    job("summed").run(reserve);
    assert_eq!(captured.line("job_completed").integer("lines_left_out"), 4);
}

#[test]
fn lines_outside_requests_and_jobs_are_written_at_once() {
    for story in MODES {
        let captured = capture(story);
        reserve();
        candor::RequestContext::with_id("r-1").enter_with(reserve);
        assert_eq!(captured.lines().len(), 8);
    }
}

#[test]
fn lines_after_the_completion_are_written() {
    let captured = capture(Story::Problems);
    let mut active = begin(&RequestLayer::new(), "/");
    let late = active.run(|| context::carry(reserve));
    active.finish(200);
    late();
    let lines = checked(&captured);
    assert_eq!(lines[0].text("msg"), "request_completed");
    assert_eq!(values(&lines, "seq"), [1, 2, 3, 4, 5].map(|it| json!(it)));
}

#[test]
fn lines_after_the_completion_of_a_request_outside_the_sample_are_sampled_away() {
    let captured = capture(Story::Problems);
    let mut active = begin(&RequestLayer::new().sample(0.0), "/");
    let late = active.run(|| context::carry(reserve));
    active.finish(200);
    late();
    let lines = captured.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0].text("msg"), "request_completed");
}

#[test]
fn wide_fields_are_on_the_completion_line_alone_in_every_mode() {
    for story in MODES {
        let captured = capture(story);
        request(&RequestLayer::new(), 500, || {
            candor::wide("cart_cents", 1000);
            candor::wide("cart_cents", 1250);
            candor::wide("plan", clear("pro"));
            candor::wide("password", clear("canary-1"));
            candor::wide("status", 7);
            candor::wide("request_id", 8);
            candor::wide("event", 9);
            candor::wide_add("rows_read", 120);
            candor::wide_add("rows_read", 80_u64);
            candor::wide_add("credit", -2);
            candor::wide_add("load", 0.25);
            candor::wide_add("load", 1);
            candor::wide_add("api_key", 5);
            candor::warn!("a problem");
        });
        let lines = checked(&captured);
        let (end, others) = lines.split_last().expect("lines");
        assert_eq!((end.integer("cart_cents"), end.text("plan")), (1250, "pro"));
        assert_eq!((end.text("password"), end.text("api_key")), ("[REDACTED]", "[REDACTED]"));
        assert_eq!((end.integer("status"), end.integer("status_")), (500, 7));
        assert_eq!((end.integer("request_id_"), end.integer("event_")), (8, 9));
        assert_eq!((end.integer("rows_read"), end.integer("credit")), (200, -2));
        assert!((end.number("load") - 1.25).abs() < 1e-9, "{end:?}");
        assert!(!end.raw().contains("canary"), "{end:?}");
        assert!(others.iter().all(|line| !line.has("plan")), "{others:?}");
        assert!(others.len() == 1, "{others:?}");
    }
}

#[test]
fn wide_fields_replace_those_of_the_context_and_the_response() {
    let captured = capture(Story::All);
    let layer = RequestLayer::new().response_fields(|_, fields| {
        fields.set("cache", clear("miss"));
    });
    request(&layer, 200, || {
        context::set("tenant", 1);
        candor::wide("tenant", 2);
        candor::wide("cache", clear("hit"));
    });
    let line = captured.completed();
    assert_eq!((line.integer("tenant"), line.text("cache")), (2, "hit"));
    for key in ["\"tenant\":", "\"cache\":"] {
        assert_eq!(line.raw().matches(key).count(), 1, "{line:?}");
    }
}

#[test]
fn wide_fields_are_bounded_and_outside_requests_they_do_nothing() {
    candor::wide("lost", 1);
    candor::wide_add("lost", 1);
    let captured = capture(Story::All);
    job("wide").run(|| {
        for n in 0..40 {
            candor::wide_add(&format!("field_{n}"), n);
        }
        candor::wide("field_0", 7);
    });
    let line = captured.line("job_completed");
    assert_eq!((line.integer("field_0"), line.integer("field_31")), (7, 31));
    assert!(!line.has("field_32") && !line.has("lost"), "{line:?}");
    assert_eq!(line.integer("wide_fields_dropped"), 8);
}

#[test]
fn step_own_ms_has_the_steps_with_the_most_time() {
    let captured = capture_with(config(Story::Problems).story_steps(2)).expect("a capture");
    job("many").run(|| {
        candor::step("quick", || ());
        candor::step("outer", || candor::step("slow", || thread::sleep(Duration::from_millis(90))));
        candor::step("slower", || thread::sleep(Duration::from_millis(200)));
    });
    let line = captured.line("job_completed");
    let own = line.raw().split("\"step_own_ms\":{").nth(1).expect("the times");
    assert!(own.starts_with("\"slower\":"), "{line:?}");
    let own = line.get("step_own_ms").and_then(Value::as_object).expect("an object");
    assert_eq!(own.keys().collect::<Vec<_>>(), ["slow", "slower"]);
}

/// A writer whose output can be read.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().expect("no panic").clone()).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

#[test]
fn open_requests_are_written_when_the_guard_is_flushed_or_dropped() {
    use tracing_subscriber::layer::SubscriberExt as _;

    let output = Shared::default();
    let (layer, logging) =
        config(Story::Problems).writer(output.clone()).build().expect("a configuration");
    let layer_of_http = RequestLayer::new();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let mut requests: Vec<_> = (0..3).map(|_| begin(&layer_of_http, "/")).collect();
        requests[0].run(reserve);
        assert_eq!(logging.flush(Duration::from_secs(5)), 0);
        assert_eq!(output.lines().len(), 4);
        requests[1].run(reserve);
        assert_eq!(output.lines().len(), 4);
        drop(logging);
        assert_eq!(output.lines().len(), 8);
        // Nothing is held later.
        requests[2].run(|| candor::info!("late"));
        assert_eq!(output.lines().len(), 9);
        for request in requests {
            request.finish(200);
        }
        assert_eq!(output.lines().len(), 12);
        assert!(output.lines().iter().all(|line| line.get("lines_left_out").is_none()));
    });
}

/// Threads log into one request while it writes the lines that it holds.
#[test]
fn concurrent_lines_are_neither_lost_nor_doubled_nor_out_of_order() {
    const THREADS: u64 = 4;
    const LINES: u64 = 60;
    for round in 0..30 {
        let output = Shared::default();
        let config = config(Story::Problems).writer(output.clone());
        let dispatch = tracing::Dispatch::new(config.subscriber().expect("a subscriber"));
        tracing::dispatcher::with_default(&dispatch, || {
            let mut request = begin(&RequestLayer::new(), "/");
            let barrier = Arc::new(Barrier::new(usize::try_from(THREADS).expect("small")));
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let (dispatch, barrier) = (dispatch.clone(), Arc::clone(&barrier));
                    let work = request.run(|| {
                        context::carry(move || {
                            barrier.wait();
                            for n in 0..LINES {
                                if thread == 0 && n == round {
                                    candor::warn!(thread, n, "line");
                                } else {
                                    candor::info!(thread, n, "line");
                                }
                            }
                        })
                    });
                    thread::spawn(move || tracing::dispatcher::with_default(&dispatch, work))
                })
                .collect();
            for thread in threads {
                thread.join().expect("no panic");
            }
            request.finish(200);
        });
        let lines = output.lines();
        let seqs: Vec<u64> = lines.iter().filter_map(|line| line["seq"].as_u64()).collect();
        assert_eq!(seqs, (1..=THREADS * LINES + 1).collect::<Vec<_>>());
        let mut by_thread: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for line in lines.iter().filter(|line| line["msg"] == "line") {
            let number = |key: &str| line[key].as_u64().expect("a number");
            by_thread.entry(number("thread")).or_default().push(number("n"));
        }
        for numbers in by_thread.values() {
            assert_eq!(numbers, &(0..LINES).collect::<Vec<_>>());
        }
        assert_eq!(by_thread.len(), usize::try_from(THREADS).expect("small"));
    }
}

/// A writer that logs in the request whose line it writes, and panics.
struct Meddling(Shared);

impl Write for Meddling {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        candor::info!("from the writer");
        candor::error!("from the writer");
        let result = self.0.write(bytes);
        if bytes.windows(9).any(|part| part == b"a problem") {
            std::panic::resume_unwind(Box::new("the writer"));
        }
        result
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_logs_or_panics_does_not_block_the_story() {
    let output = Shared::default();
    let config = config(Story::Problems).writer(Meddling(output.clone()));
    let subscriber = config.subscriber().expect("a subscriber");
    tracing::subscriber::with_default(subscriber, || {
        request(&RequestLayer::new(), 200, || {
            reserve();
            candor::warn!("a problem");
            reserve();
        });
    });
    let messages: Vec<Value> = output.lines().iter().map(|line| line["msg"].clone()).collect();
    // The lost line is reported after the next one.
    assert_eq!(messages.len(), 11, "{messages:?}");
    assert_eq!(messages[6], "lines_dropped");
    assert!(!messages.contains(&json!("from the writer")), "{messages:?}");
}

#[test]
fn the_other_layers_of_the_subscriber_do_not_change_a_story() {
    use tracing_subscriber::layer::SubscriberExt as _;

    #[derive(Clone, Copy)]
    struct Other;
    impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Other {}

    let output = Shared::default();
    let layer = config(Story::Problems).writer(output.clone()).layer().expect("a configuration");
    let subscriber = tracing_subscriber::registry().with(layer).with(Other);
    tracing::subscriber::with_default(subscriber, || {
        let layer = RequestLayer::new();
        request(&layer, 200, reserve);
        request(&layer, 500, reserve);
    });
    let lines = output.lines();
    assert_eq!(lines[0]["lines_left_out"], 4);
    let seqs: Vec<_> = lines.iter().map(|line| line["seq"].as_u64()).collect();
    assert_eq!(seqs, [1, 1, 2, 3, 4, 5].map(Some));
}

#[test]
fn the_mode_is_read_from_a_configuration_file() {
    let text = json!({
        "story": "problems", "story_lines": 10, "story_bytes": 1000, "story_total_bytes": 2000, "story_slow_ms": 5,
        "story_steps": 1, "format": "json"
    });
    let config: Config = serde_json::from_value(text).expect("a configuration");
    let captured = capture_with(
        config.story_slow(Duration::from_hours(1)).story_bytes(100_000).story_total_bytes(1 << 20),
    );
    let captured = captured.expect("a capture");
    request(&RequestLayer::new(), 200, reserve);
    assert_eq!(captured.lines().len(), 1);
    let wrong =
        serde_json::from_value::<Config>(json!({ "story": "some" })).expect_err("a mistake");
    let wrong = wrong.to_string();
    assert!(
        wrong.contains("invalid story \"some\": expected \"all\", \"problems\" or \"summary\""),
        "{wrong}"
    );
}

/// A service under axum, whose handler runs in tasks of its own.
#[test]
fn requests_of_a_tower_service_have_stories() {
    use axum::Router;
    use axum::routing::get;
    use tower::ServiceExt as _;

    let captured = capture(Story::Problems);
    let app = Router::new()
        .route(
            "/good",
            get(|| async {
                reserve();
                "reserved"
            }),
        )
        .route(
            "/bad",
            get(|| async {
                reserve();
                StatusCode::BAD_GATEWAY
            }),
        )
        .layer(RequestLayer::new());
    futures::executor::block_on(async {
        for path in ["/good", "/bad"] {
            let request = Request::get(path).body(axum::body::Body::empty()).expect("a request");
            let response = app.clone().oneshot(request).await.expect("infallible");
            let body = http_body_util::BodyExt::collect(response.into_body()).await;
            drop(body.expect("a body"));
        }
    });
    assert_eq!(captured.completed_for("/good").integer("lines_left_out"), 4);
    assert_eq!(captured.lines().len(), 6);
}
