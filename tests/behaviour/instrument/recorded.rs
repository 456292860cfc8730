//! Fields that the body records: through the step's span, as `tracing` does, and with `candor::record`.

use std::fmt;

use candor::testing::{capture, capture_with};
use candor::{Config, RequestContext, instrument};
use candor_tests::checked;
use futures::executor::block_on;
use tracing::instrument::Instrument as _;
use tracing::{Span, field};
use tracing_subscriber::layer::SubscriberExt as _;

use super::tracing_examples::fields;

const CANARY: &str = "hunter2-canary";

/// A future that is pending once.
async fn yield_once() {
    let mut is_first = true;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut is_first, false) {
            cx.waker().wake_by_ref();
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(())
    })
    .await;
}

#[test]
fn a_declared_field_gets_its_value_through_the_current_span() {
    #[instrument(fields(rows = field::Empty, pages = Empty, unused))]
    fn sync(n: u32) -> Result<u32, fmt::Error> {
        Span::current().record("rows", n + 1);
        Span::current().record("pages", 2_i64).record("rows", n + 2);
        Ok(n)
    }
    #[instrument(fields(rows))]
    async fn polled(n: u32) -> Result<u32, fmt::Error> {
        yield_once().await;
        Span::current().record("rows", n);
        yield_once().await;
        Err(fmt::Error)
    }

    let captured = capture();
    RequestContext::with_id("r-1").enter_with(|| {
        let _ = (sync(1), block_on(polled(7)));
    });
    checked(&captured);
    assert_eq!(fields(&captured.step("sync")), "n=1 pages=2 rows=3");
    let line = captured.step("polled");
    assert_eq!((line.integer("rows"), line.text("outcome")), (7, "error"));
    assert_eq!((line.text("request_id"), line.integer("parent_id")), ("r-1", 0));
}

#[test]
fn recorded_fields_follow_the_key_rule_and_the_scrubber() {
    #[instrument(skip_all, fields(password, mail, card, note))]
    fn log_in() {
        let span = Span::current();
        span.record("password", CANARY);
        span.record("mail", "write to ada@example.com");
        span.record("card", field::display("4242 4242 4242 4242"));
        span.record("note", field::debug(Some("plain")));
        span.record("undeclared", CANARY);
    }

    let captured = capture();
    log_in();
    checked(&captured);
    assert!(!captured.output().contains(CANARY));
    assert!(!captured.output().contains("4242 4242"));
    let line = captured.step("log_in");
    assert_eq!(line.text("password"), "[REDACTED]");
    assert!(line.text("note").contains("plain"), "{line:?}");
    assert!(!line.has("undeclared"));
}

#[test]
fn a_name_of_candors_own_gets_an_underscore() {
    #[instrument(fields(error, request_id, outcome = field::Empty))]
    fn work() {
        let span = Span::current();
        span.record("error", "boom").record("request_id", 7).record("outcome", "odd");
        span.record("duration_ms", 9);
    }

    let captured = capture();
    RequestContext::with_id("r-2").enter_with(work);
    checked(&captured);
    let line = captured.step("work");
    assert_eq!((line.text("request_id"), line.text("outcome")), ("r-2", "ok"));
    assert_eq!((line.text("error_"), line.text("outcome_")), ("boom", "odd"));
    assert_eq!((line.integer("request_id_"), line.integer("duration_ms_")), (7, 9));
}

#[test]
fn lines_inside_have_the_recorded_fields_from_then_on() {
    #[instrument(fields(tenant))]
    fn handle(n: u32) {
        tracing::info!("before");
        Span::current().record("tenant", 41);
        tracing::info!("after");
        helper();
    }
    #[instrument]
    fn helper() {
        candor::info!("inside");
    }

    let captured = capture();
    handle(1);
    tracing::info!("outside");
    checked(&captured);
    assert!(!captured.line("before").has("tenant"));
    assert!(!captured.line("after").has("n"));
    assert_eq!(captured.line("after").integer("tenant"), 41);
    assert_eq!(captured.line("inside").integer("tenant"), 41);
    assert_eq!(captured.step("helper").integer("tenant"), 41);
    assert_eq!(captured.step("handle").integer("tenant"), 41);
    assert!(!captured.line("outside").has("tenant"));
}

#[test]
fn a_helper_and_an_inner_step_record_on_the_span_they_have() {
    #[instrument(fields(rows))]
    fn outer() {
        let own = Span::current();
        helper();
        inner(&own);
    }
    fn helper() {
        Span::current().record("rows", 1);
    }
    #[instrument(skip_all, fields(rows))]
    fn inner(outer: &Span) {
        Span::current().record("rows", 2);
        outer.record("rows", 3);
    }

    let captured = capture();
    outer();
    assert_eq!(captured.step("inner").integer("rows"), 2);
    assert_eq!(captured.step("outer").integer("rows"), 3);
}

#[test]
fn a_body_that_names_the_span_has_its_own() {
    #[instrument(fields(rows))]
    fn outer() {
        inner(1);
    }
    #[instrument]
    fn inner(rows: u32) {
        assert_eq!(Span::current().metadata().map(|metadata| metadata.name()), Some("inner"));
        Span::current().record("rows", rows + 1);
    }

    let captured = capture();
    outer();
    // Not on the span of `outer`, which declares the same field.
    assert!(!captured.step("outer").has("rows"));
    assert_eq!(captured.step("inner").integer("rows"), 2);
}

#[test]
fn a_task_records_while_the_step_runs_and_is_ignored_afterwards() {
    #[instrument(fields(rows))]
    fn spawns() -> Span {
        let span = Span::current();
        std::thread::scope(|threads| {
            let span = span.clone();
            threads.spawn(move || span.record("rows", 5).in_scope(|| ()));
        });
        span
    }

    let captured = capture();
    let span = RequestContext::with_id("r-3").enter_with(spawns);
    span.record("rows", 6);
    assert_eq!(captured.step("spawns").integer("rows"), 5);
}

#[test]
fn the_span_carries_the_request_as_the_current_span_does() {
    #[instrument(fields(rows))]
    async fn sends() -> impl Future<Output = ()> {
        async { candor::info!("sent") }.instrument(Span::current())
    }

    let captured = capture();
    let future = RequestContext::with_id("r-4").enter_with(|| block_on(sends()));
    block_on(future);
    assert_eq!(captured.line("sent").text("request_id"), "r-4");
}

#[test]
fn candors_record_works_as_in_any_step() {
    #[instrument(fields(rows, found = 0))]
    async fn load() {
        candor::record("rows", 3);
        candor::record("found", 4);
        candor::record("note", candor::policy::clear("x"));
    }
    #[instrument]
    fn without_declaration() {
        candor::record("rows", 5);
    }

    let captured = capture();
    block_on(load());
    without_declaration();
    assert_eq!(fields(&captured.step("load")), r#"rows=3 found=4 note="x""#);
    assert_eq!(captured.step("without_declaration").integer("rows"), 5);
}

#[test]
fn the_line_of_a_failure_has_them_at_every_level() {
    #[instrument(fields(rows))]
    fn fails(n: u32) -> Result<(), fmt::Error> {
        Span::current().record("rows", n);
        Err(fmt::Error)
    }

    let captured = capture_with(Config::new().level("warn").expect("a level")).expect("valid");
    let _ = fails(7);
    let line = captured.step("fails");
    assert_eq!((line.integer("rows"), line.text("level")), (7, "WARN"));
}

#[test]
fn a_step_that_is_off_leaves_the_current_span_as_it_is() {
    #[instrument(target = "quiet", fields(rows))]
    fn off() {
        Span::current().record("rows", 1);
    }

    let captured = capture_with(Config::new().level("quiet=off").expect("levels")).expect("valid");
    let span = tracing::info_span!("around", rows = field::Empty);
    span.in_scope(off);
    assert!(captured.lines().is_empty());
}

#[test]
fn other_layers_see_the_span_and_each_value_once() {
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::Context;

    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<Vec<String>>>);
    impl Visit for Seen {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            self.0.lock().expect("no panic").push(format!("{field}={value:?}"));
        }
    }
    impl<S: tracing::Subscriber> Layer<S> for Seen {
        fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
            attributes.record(&mut self.clone());
        }
        fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
            values.record(&mut self.clone());
        }
    }

    #[instrument(fields(rows))]
    fn sync(n: u32, note: &str) {
        Span::current().record("rows", n + 1);
        tracing::info!("inside");
    }
    #[instrument(fields(rows))]
    async fn polled(n: u32) {
        Span::current().record("rows", n + 2);
    }

    let seen = Seen::default();
    let output = candor_tests_writer();
    let config = Config::new().writer(output.clone());
    let candor = config.layer().expect("valid");
    let subscriber = tracing_subscriber::registry().with(candor).with(seen.clone());
    tracing::subscriber::with_default(subscriber, || {
        sync(1, CANARY);
        block_on(polled(5));
    });
    let seen = seen.0.lock().expect("no panic").join(" ");
    let text = String::from_utf8(output.0.lock().expect("no panic").clone()).expect("text");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((&lines[0]["msg"], &lines[0]["rows"]), (&"inside".into(), &2.into()));
    assert_eq!((&lines[1]["n"], &lines[1]["rows"]), (&1.into(), &2.into()));
    assert_eq!((&lines[2]["n"], &lines[2]["rows"]), (&5.into(), &7.into()));
    assert_eq!(seen.matches("rows=").count(), 2, "{seen}");
    assert_eq!(seen.matches(" n=").count(), 2, "{seen}");
    assert!(!seen.contains(CANARY) && !text.contains(CANARY), "{seen}");

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Output {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    fn candor_tests_writer() -> Output {
        Output::default()
    }
}
