//! candor beside other layers: the events and spans they get, the lines candor must not lose, and the work
//! that is avoided without them.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;

use candor::{Config, RequestContext, dependency_call, step_timed};
use candor_tests::check;
use futures::executor::block_on;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

type Fields = BTreeMap<String, Value>;

/// The events and spans that another layer recorded.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Sights>>);

#[derive(Default)]
struct Sights {
    events: Vec<(String, Fields)>,
    spans: Vec<String>,
    open: usize,
}

impl Seen {
    fn events(&self, name: &str) -> Vec<Fields> {
        let sights = self.0.lock().expect("no panic");
        sights.events.iter().filter(|(known, _)| known == name).map(|(_, f)| f.clone()).collect()
    }

    fn spans(&self) -> Vec<String> {
        self.0.lock().expect("no panic").spans.clone()
    }
}

struct Collect<'a>(&'a mut Fields);

impl Collect<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Collect<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("debug {value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Seen {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::new();
        event.record(&mut Collect(&mut fields));
        let mut sights = self.0.lock().expect("no panic");
        sights.events.push((event.metadata().name().to_owned(), fields));
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        self.0.lock().expect("no panic").spans.push(attributes.metadata().name().to_owned());
    }

    fn on_enter(&self, _: &Id, _: Context<'_, S>) {
        self.0.lock().expect("no panic").open += 1;
    }

    fn on_exit(&self, _: &Id, _: Context<'_, S>) {
        self.0.lock().expect("no panic").open -= 1;
    }
}

/// The writer of candor's own lines.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Output {
    fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().expect("no panic").clone();
        let text = String::from_utf8(bytes).expect("UTF-8");
        text.lines()
            .map(|line| {
                check(line);
                serde_json::from_str(line).expect("JSON")
            })
            .collect()
    }
}

fn config(level: &str, output: &Output) -> Config {
    Config::new().level(level).expect("a level").writer(output.clone())
}

#[step_timed(fields(rows = 3, ratio = 0.5, big = u64::MAX, yes = true, list = vec![1, 2]), ret)]
fn step(fails: bool) -> Result<i32, fmt::Error> {
    if fails { Err(fmt::Error) } else { Ok(-7) }
}

#[dependency_call("payments", url = "https://pay.example.com/charge?token=canary-1")]
async fn call() -> http::Response<()> {
    step(false).expect("good");
    std::future::ready(()).await;
    http::Response::new(())
}

#[test]
fn another_layer_sees_events_with_typed_fields_and_spans() {
    let (seen, output) = (Seen::default(), Output::default());
    let layer = config("trace", &output).layer().expect("a configuration");
    let subscriber = Registry::default().with(layer).with(seen.clone());
    tracing::subscriber::with_default(subscriber, || {
        block_on(RequestContext::with_id("r").scope(call()));
        step(true).expect_err("fails");
        tracing::info!(password = "canary-2", "of anyone's");
    });
    let steps = seen.events("step_timing");
    assert_eq!(steps.len(), 2);
    let first = &steps[0];
    for (key, value) in [
        ("event", json!("step_timing")),
        ("step", json!("step")),
        ("outcome", json!("ok")),
        ("step_id", json!(2)),
        ("parent_id", json!(1)),
        ("rows", json!(3)),
        ("ratio", json!(0.5)),
        ("big", json!(u64::MAX)),
        ("yes", json!(true)),
        ("list", json!("[1,2]")),
        ("ret", json!(-7)),
    ] {
        assert_eq!(first.get(key), Some(&value), "{key}");
    }
    assert!(first["duration_ms"].is_f64());
    let message = |fields: &Fields| fields["message"].as_str().expect("text").to_owned();
    assert!(message(first).starts_with("step: ok after 0."), "{first:?}");
    assert!(message(&steps[1]).starts_with("step: error Error after "), "{steps:?}");
    assert_eq!(steps[1]["error"], "Error");
    let calls = seen.events("dependency_call");
    assert_eq!(calls[0]["status"], 200);
    assert!(message(&calls[0]).starts_with("payments call: ok after "), "{calls:?}");
    assert_eq!(calls[0]["url"], "https://pay.example.com/charge");
    assert!(!calls[0].contains_key("error"), "null is no value");
    assert_eq!(seen.spans(), ["candor.request", "call", "step", "step"]);
    assert_eq!(seen.0.lock().expect("no panic").open, 0);

    let lines = output.lines();
    let messages: Vec<_> = lines.iter().map(|line| line["msg"].as_str().expect("text")).collect();
    assert_eq!(messages, ["step_timing", "dependency_call", "step_timing", "of anyone's"]);
    assert_eq!(lines[0]["list"], json!([1, 2]));
    assert_eq!((&lines[0]["request_id"], &lines[0]["seq"]), (&json!("r"), &json!(1)));
    assert_eq!(lines[2]["request_id"], "-");
    assert!(lines.iter().all(|line| !line.to_string().contains("canary")));
    assert!(lines.iter().all(|line| line.get("candor.kind").is_none()));
}

#[test]
fn retries_and_the_http_layer_log_inside_the_request_beside_another_layer() {
    #[dependency_call("payments")]
    fn charge() {
        candor::dependency::current().retry();
    }

    let (seen, output) = (Seen::default(), Output::default());
    let layer = config("trace", &output).layer().expect("a configuration");
    let subscriber = Registry::default().with(seen.clone()).with(layer);
    tracing::subscriber::with_default(subscriber, || {
        RequestContext::with_id("r").enter_with(charge);
        charge();
    });
    assert_eq!(seen.events("dependency_attempt")[0]["attempt"], 2);
    let requests: Vec<_> = output.lines().iter().map(|line| line["request_id"].clone()).collect();
    assert_eq!(requests, ["r", "r", "-", "-"]);
}

#[test]
fn an_unsupported_response_is_reported_inside_the_request_beside_another_layer() {
    #[dependency_call("payments")]
    async fn charge() -> Result<Result<http::Response<()>, fmt::Error>, fmt::Error> {
        Ok(Ok(http::Response::new(())))
    }

    let (seen, output) = (Seen::default(), Output::default());
    let layer = config("warn", &output).layer().expect("a configuration");
    let subscriber = Registry::default().with(layer).with(seen.clone());
    tracing::subscriber::with_default(subscriber, || {
        let called = block_on(RequestContext::with_id("r").scope(charge()));
        called.expect("a result").expect("a response");
    });
    assert_eq!(seen.events("unsupported_response")[0]["type"], "http::Response");
    let lines = output.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["msg"], "unsupported_response");
    assert_eq!((&lines[0]["request_id"], &lines[0]["seq"]), (&json!("r"), &json!(1)));
}

#[test]
fn each_layer_has_its_own_levels() {
    let (seen, output) = (Seen::default(), Output::default());
    let layer = config("warn", &output).layer().expect("a configuration");
    let subscriber = Registry::default().with(layer).with(seen.clone());
    tracing::subscriber::with_default(subscriber, || {
        RequestContext::with_id("r").enter_with(|| {
            step(false).expect("good");
            tracing::info!("fine");
            step(true).expect_err("fails");
            tracing::warn!("bad");
        });
    });
    assert_eq!(seen.events("step_timing").len(), 2);
    let messages: Vec<_> = output.lines().iter().map(|line| line["msg"].clone()).collect();
    assert_eq!(messages, ["step_timing", "bad"]);

    // The same in the opposite order of layers.
    let (seen, output) = (Seen::default(), Output::default());
    let layer = config("trace", &output).layer().expect("a configuration");
    let other = seen.clone().with_filter(LevelFilter::ERROR);
    let subscriber = Registry::default().with(layer).with(other);
    tracing::subscriber::with_default(subscriber, || {
        step(false).expect("good");
        tracing::info!("fine");
    });
    assert_eq!(output.lines().len(), 2);
    assert!(seen.events("step_timing").is_empty());
}

#[test]
fn a_filter_around_candors_layer_takes_precedence() {
    let output = Output::default();
    let layer = config("trace", &output).layer().expect("a configuration");
    let subscriber = Registry::default().with(layer.with_filter(LevelFilter::WARN));
    tracing::subscriber::with_default(subscriber, || {
        RequestContext::with_id("r").enter_with(|| {
            step(false).expect("good");
            tracing::info!("fine");
            step(true).expect_err("fails");
            tracing::warn!("bad");
        });
    });
    let mut lines = output.lines();
    // Written once in a process, by the test that comes first.
    lines.retain(|line| line["msg"] != "lines_filtered");
    let messages: Vec<_> = lines.iter().map(|line| line["msg"].clone()).collect();
    assert_eq!(messages, ["step_timing", "bad"]);
    assert!(lines.iter().all(|line| line["request_id"] == "r"));
}

#[test]
fn spans_close_when_their_steps_end() {
    let (seen, output) = (Seen::default(), Output::default());
    let layer = config("trace", &output).layer().expect("a configuration");
    let subscriber = Registry::default().with(layer).with(seen.clone());
    tracing::subscriber::with_default(subscriber, || {
        let caught = catch_unwind(|| {
            #[step_timed]
            fn broken() -> u32 {
                panic!("gone")
            }
            broken()
        });
        assert!(caught.is_err());
        assert!(tracing::Span::current().is_none());
    });
    assert_eq!(seen.0.lock().expect("no panic").open, 0);
}

/// Steps of every shape that end successfully.
mod shapes_of_a_good_end {
    use std::time::Duration;

    use candor::context::{self, RequestContext};
    use candor::policy::clear;
    use candor::{record, step, step_guard, step_timed};
    use futures::executor::block_on;

    #[step_timed]
    fn plain() {}

    #[step_timed("say \"hi\" to é")]
    fn named() -> u32 {
        1
    }

    #[step_timed(fields(count = 12, what = clear("a \"b\" c"), password = clear("canary-3")), ret)]
    fn with_fields() -> Option<i64> {
        record("more", i64::MIN);
        // Replaces the value of the attribute and moves behind the other fields.
        record("count", 13);
        Some(-1)
    }

    #[step_timed(fields(long = clear(&"x".repeat(2_000))), level = "debug")]
    fn long() -> Result<(), std::fmt::Error> {
        Ok(())
    }

    /// A name that is also a field of the context.
    #[step_timed(fields(tenant = 3))]
    fn of_another() {}

    #[step_timed(slow = "10s")]
    fn quick() {
        plain();
    }

    #[step_timed(slow = "1ms")]
    fn slow() {
        std::thread::sleep(Duration::from_millis(2));
    }

    #[step_timed(busy, fields(id = 7))]
    async fn busy() {
        std::future::ready(()).await;
    }

    #[step_timed(fields(id = 1_234_567_890_123_u64), ret)]
    async fn later() -> Result<u64, std::fmt::Error> {
        plain();
        std::future::ready(()).await;
        record("id", clear("once more"));
        Ok(u64::MAX)
    }

    fn all() {
        plain();
        named();
        with_fields();
        long().expect("good");
        of_another();
        quick();
        slow();
        block_on(busy());
        block_on(later()).expect("good");
        step("block", || step("inner", plain));
        // Guards end in another order than they were created.
        let (first, second) = (step_guard("first"), step_guard("second"));
        drop(first);
        plain();
        drop(second);
        tracing::info_span!("around", tenant = "t-1").in_scope(with_fields);
        for depth in 0..100 {
            step(if depth == 0 { "outermost" } else { "one of many" }, plain);
        }
    }

    pub(super) fn run() {
        all();
        let request = RequestContext::with_id("r-1").with_method("PUT").with_path("/a");
        request.enter_with(|| {
            all();
            context::set_user(clear("u-1"));
            all();
            context::set("tenant", clear("t-2"));
            all();
        });
    }
}

/// The line without values that differ between runs.
fn timeless(line: &str) -> String {
    let mut line = line.to_owned();
    for key in ["\"ts\":", "\"duration_ms\":", "\"offset_ms\":", "\"busy_ms\":"] {
        if let Some(at) = line.find(key) {
            let from = at + key.len();
            let to = line[from..].find([',', '}']).map_or(line.len(), |end| from + end);
            line.replace_range(from..to, "0");
        }
    }
    // The limit of a value depends on the number of digits before it.
    line.split("xxxx").next().unwrap_or_default().to_owned()
}

#[test]
fn a_successful_step_writes_the_same_bytes_with_and_without_other_layers() {
    for change in [
        (|config| config) as fn(Config) -> Config,
        |config| config.line_limit(1024),
        |config| config.service("shop"),
        |config| config.lines_per_request(40),
    ] {
        let (alone, among) = (Output::default(), Output::default());
        let subscriber = change(config("debug", &alone)).subscriber().expect("a configuration");
        tracing::subscriber::with_default(subscriber, shapes_of_a_good_end::run);
        let layer = change(config("debug", &among)).layer().expect("a configuration");
        let subscriber = Registry::default().with(layer).with(Seen::default());
        tracing::subscriber::with_default(subscriber, shapes_of_a_good_end::run);

        let text = |output: &Output| {
            let bytes = output.0.lock().expect("no panic").clone();
            String::from_utf8(bytes).expect("UTF-8")
        };
        let (alone, among) = (text(&alone), text(&among));
        assert!(!alone.contains("canary"), "{alone}");
        alone.lines().for_each(check);
        let (alone, among) = (alone.lines().map(timeless), among.lines().map(timeless));
        for (alone, among) in alone.clone().zip(among.clone()) {
            assert_eq!(alone, among);
        }
        assert_eq!(alone.count(), among.count());
    }
}

/// Another layer, which panics.
struct Panics;

impl<S: Subscriber> Layer<S> for Panics {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        assert_ne!(event.metadata().name(), "step_timing", "a layer's mistake");
    }
}

#[test]
fn a_failure_is_logged_once_if_another_layer_panics() {
    #[step_timed]
    fn fails() -> Result<(), fmt::Error> {
        Err(fmt::Error)
    }

    let output = Output::default();
    let layer = config("warn", &output).layer().expect("a configuration");
    let others = Panics.with_filter(LevelFilter::WARN);
    let subscriber = Registry::default().with(layer).with(others);
    tracing::subscriber::with_default(subscriber, || {
        // The call site's interest is cached from the second call on.
        for _ in 0..3 {
            catch_unwind(fails).expect_err("the layer's panic");
        }
    });
    let lines = output.lines();
    let steps: Vec<_> = lines.iter().filter(|line| line["step"] == "fails").collect();
    assert_eq!(steps.len(), 3, "{lines:?}");
    assert!(steps.iter().all(|line| line["outcome"] == "error"), "{steps:?}");
}

/// Panics in one callback, once.
struct PanicsOnce {
    callback: &'static str,
    is_due: AtomicBool,
}

impl PanicsOnce {
    fn new(callback: &'static str) -> Self {
        PanicsOnce { callback, is_due: AtomicBool::new(true) }
    }

    fn called(&self, callback: &str, metadata: Option<&tracing::Metadata<'_>>) {
        let is_of_step = metadata.is_none_or(|metadata| metadata.name() != "candor.request");
        if self.callback == callback && is_of_step && self.is_due.swap(false, Ordering::Relaxed) {
            panic!("the layer panics");
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for PanicsOnce {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.called("event", Some(event.metadata()));
    }
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        self.called("new_span", Some(attributes.metadata()));
    }
    fn on_record(&self, _: &Id, _: &tracing::span::Record<'_>, _: Context<'_, S>) {
        self.called("record", None);
    }
    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        self.called("enter", ctx.metadata(id));
    }
    fn on_exit(&self, id: &Id, ctx: Context<'_, S>) {
        self.called("exit", ctx.metadata(id));
    }
}

/// As with `#[instrument]`. Later steps are in their right place, and a record that was dispatched has its line.
#[test]
fn a_panic_of_another_layer_outside_of_unwinding_reaches_the_caller() {
    #[step_timed]
    async fn later() {
        std::future::ready(()).await;
    }

    for callback in ["event", "new_span", "record", "enter", "exit"] {
        for shape in [|| assert!(step(false).is_ok()), || block_on(later())] as [fn(); 2] {
            let output = Output::default();
            let layer = config("trace", &output).layer().expect("a configuration");
            let subscriber = Registry::default().with(PanicsOnce::new(callback)).with(layer);
            tracing::subscriber::with_default(subscriber, || {
                RequestContext::with_id("r").enter_with(|| {
                    let caught = catch_unwind(shape);
                    assert!(caught.is_err(), "{callback}");
                    candor::step("after", || candor::info!("inside"));
                });
            });
            let lines = output.lines();
            let after = lines.iter().find(|line| line["step"] == "after").expect("a line");
            assert_eq!(after["parent_id"], 0, "{callback}: {lines:?}");
            assert!(lines.iter().all(|line| line["request_id"] == "r"), "{callback}: {lines:?}");
            if callback == "event" {
                assert_eq!(lines[0]["event"], "step_timing", "{lines:?}");
                assert_eq!(lines[0]["outcome"], "ok", "{lines:?}");
            }
        }
    }
}

/// Panics once, when a span with this name is entered and the panic is due.
#[derive(Clone)]
struct PanicsWhenDue {
    span: &'static str,
    is_due: Arc<AtomicBool>,
}

impl PanicsWhenDue {
    fn new(span: &'static str) -> Self {
        PanicsWhenDue { span, is_due: Arc::default() }
    }

    /// Does work in which the layer panics.
    fn panics_in(&self, work: impl FnOnce()) {
        self.is_due.store(true, Ordering::Relaxed);
        self.may_panic_in(work);
    }

    /// Does work, of which the panic may reach the caller.
    fn may_panic_in(&self, work: impl FnOnce()) {
        let _ = catch_unwind(AssertUnwindSafe(work));
        self.is_due.store(false, Ordering::Relaxed);
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for PanicsWhenDue {
    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        let is_named = ctx.metadata(id).is_some_and(|metadata| metadata.name() == self.span);
        if is_named && self.is_due.swap(false, Ordering::Relaxed) {
            panic!("the layer panics");
        }
    }
}

/// Works beside a layer that panics when one of these spans is entered, before and after candor's layer.
fn beside_panics(spans: &[&'static str], work: impl Fn(&PanicsWhenDue, &Output)) {
    for &span in spans {
        for is_first in [true, false] {
            let (output, panics) = (Output::default(), PanicsWhenDue::new(span));
            let (config, other) = (config("trace", &output), panics.clone());
            let (registry, wrong) = (Registry::default(), "a configuration");
            let dispatch = if is_first {
                Dispatch::new(registry.with(other).with(config.layer().expect(wrong)))
            } else {
                Dispatch::new(registry.with(config.layer().expect(wrong)).with(other))
            };
            tracing::dispatcher::with_default(&dispatch, || work(&panics, &output));
        }
    }
}

fn poll_once(future: std::pin::Pin<&mut impl Future>) {
    let _ = future.poll(&mut std::task::Context::from_waker(Waker::noop()));
}

#[test]
fn bug_a_panic_of_a_layer_during_the_drop_of_a_step_left_its_request_behind() {
    #[step_timed]
    async fn waits() {
        std::future::pending::<()>().await;
    }

    beside_panics(&["waits", "candor.request"], |layer, output| {
        let mut future = Box::pin(waits());
        RequestContext::with_id("r1").enter_with(|| poll_once(future.as_mut()));
        layer.panics_in(|| drop(future));
        assert!(candor::context::current().is_none());
        candor::info!("outside");
        candor::step("later", || ());
        let lines = output.lines();
        let find = |key: &str, value: &str| {
            let line = lines.iter().find(|line| line[key] == value);
            line.unwrap_or_else(|| panic!("no {value} in {lines:?}"))
        };
        assert_eq!(find("msg", "outside")["request_id"], "-");
        let later = find("step", "later");
        assert_eq!(later["request_id"], "-");
        assert!(matches!(later["parent_id"].as_u64(), None | Some(0)), "{later}");
        let waits = find("step", "waits");
        assert_eq!((&waits["request_id"], &waits["outcome"]), (&json!("r1"), &json!("cancelled")));
    });
}

#[test]
fn bug_a_panic_of_a_layer_left_the_fields_of_a_span_on_later_lines() {
    beside_panics(&["around", "candor.request"], |layer, output| {
        let around = tracing::info_span!("around", tenant = "of r1");
        let scope = || RequestContext::with_id("r1").scope(std::future::pending::<()>());
        let mut future = around.in_scope(|| Box::pin(scope()));
        poll_once(future.as_mut());
        layer.panics_in(|| poll_once(future.as_mut()));
        candor::info!("after");
        tracing::info_span!("other").in_scope(|| candor::info!("after"));
        RequestContext::with_id("r2").enter_with(|| candor::info!("after"));
        let mut lines = output.lines();
        lines.retain(|line| line["msg"] == "after");
        let ids: Vec<_> = lines.iter().map(|line| line["request_id"].clone()).collect();
        assert_eq!(ids, ["-", "-", "r2"], "{lines:?}");
        assert!(lines.iter().all(|line| line.get("tenant").is_none()), "{lines:?}");
    });
}

#[test]
fn bug_a_panic_of_a_layer_lost_the_completion_of_a_request_or_job() {
    let begin = || {
        let request = http::Request::get("/a").body(()).expect("a request");
        candor::http::begin(&request.into_parts().0, None)
    };
    let completions = |output: &Output| {
        let is_end =
            |line: &Value| line["event"] == "request_completed" || line["event"] == "job_completed";
        output.lines().into_iter().filter(is_end).collect::<Vec<_>>()
    };
    beside_panics(&["candor.request"], |layer, output| {
        let active = begin();
        layer.panics_in(|| active.finish(200));
        let lines = completions(output);
        assert_eq!(lines.len(), 1, "{lines:?}");

        let active = begin();
        layer.panics_in(|| drop(active));
        let lines = completions(output);
        assert_eq!(lines.len(), 2, "{lines:?}");

        let (response, ()) = http::Response::new(()).into_parts();
        let body = begin().begin_response(&response);
        layer.panics_in(|| body.finish());
        let lines = completions(output);
        assert_eq!(lines.len(), 3, "{lines:?}");

        let mut job = Box::pin(candor::job("index").scope(std::future::pending::<()>()));
        poll_once(job.as_mut());
        layer.panics_in(|| drop(job));
        let lines = completions(output);
        assert_eq!(lines.len(), 4, "{lines:?}");

        let becomes_due = || layer.is_due.store(true, Ordering::Relaxed);
        layer.may_panic_in(|| candor::job("index").run(becomes_due));
        let lines = completions(output);
        assert_eq!(lines.len(), 5, "{lines:?}");

        layer.may_panic_in(|| block_on(candor::job("index").scope(async { becomes_due() })));
        let lines = completions(output);
        assert_eq!(lines.len(), 6, "{lines:?}");
    });
}
