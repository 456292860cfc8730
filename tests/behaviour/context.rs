//! The request that a line belongs to, on any task or thread.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use candor::context::{self, InContextExt as _, RequestContext, carry};
use candor::policy::clear;
use candor::testing::{Captured, capture, capture_with};
use candor::{Config, Format, step_timed};
use candor_tests::{checked, values};
use futures::executor::block_on;
use serde_json::json;
use tracing::Instrument as _;

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("a runtime")
}

/// The request id of each line with this message.
fn requests(captured: &Captured, message: &str) -> Vec<String> {
    captured.events(message).iter().map(|line| line.text("request_id").to_owned()).collect()
}

fn here() -> Option<String> {
    context::current().map(|request| request.id().to_owned())
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A future that is pending once, and then ready.
async fn once_pending() {
    let mut first = true;
    std::future::poll_fn(|cx| {
        if std::mem::take(&mut first) {
            cx.waker().wake_by_ref();
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

/// More requests than a thread keeps the identities of.
#[test]
fn requests_that_take_turns_on_a_thread_keep_their_own_identity() {
    let captured = capture();
    let requests: Vec<_> =
        (0..100).map(|nth| RequestContext::with_id(&format!("r-{nth}"))).collect();
    for turn in 0..3 {
        for (nth, request) in requests.iter().enumerate() {
            request.enter_with(|| {
                if turn == 1 && nth % 3 == 0 {
                    context::set_user(clear(&format!("u-{nth}")));
                }
                candor::info!(turn, "turn taken");
            });
        }
    }
    let lines = captured.events("turn taken");
    assert_eq!(lines.len(), 3 * requests.len());
    for (at, line) in lines.iter().enumerate() {
        let (turn, nth) = (at / requests.len(), at % requests.len());
        assert_eq!(line.text("request_id"), format!("r-{nth}"));
        let user = if turn > 0 && nth % 3 == 0 { format!("u-{nth}") } else { "-".to_owned() };
        assert_eq!(line.text("user_id"), user);
    }
}

#[test]
fn a_generated_id_is_a_uuid_of_version_7() {
    for _ in 0..1000 {
        let id = RequestContext::new().id().to_owned();
        let uuid = uuid::Uuid::parse_str(&id).expect("a UUID");
        assert_eq!((uuid.to_string(), uuid.get_version_num()), (id, 7));
    }
}

#[test]
fn scopes_and_guards_end_the_context() {
    let captured = capture();
    assert_eq!(here(), None);
    {
        let _entered = RequestContext::with_id("guard").enter();
        tracing::info!("inside");
        block_on(RequestContext::with_id("inner").scope(async { tracing::info!("inside") }));
        RequestContext::with_id("innermost").enter_with(|| tracing::info!("inside"));
        tracing::info!("inside");
    }
    tracing::info!("inside");
    checked(&captured);
    assert_eq!(requests(&captured, "inside"), ["guard", "inner", "innermost", "guard", "-"]);
    assert_eq!(here(), None);
}

#[test]
fn a_panic_exits_the_context() {
    let captured = capture();
    std::panic::catch_unwind(|| {
        RequestContext::with_id("r").enter_with(|| panic!("gone"));
    })
    .expect_err("a panic");
    std::panic::catch_unwind(|| {
        block_on(RequestContext::with_id("r").scope(async { panic!("gone") }));
    })
    .expect_err("a panic");
    assert_eq!(here(), None);
    tracing::info!("after");
    assert_eq!(captured.line("after").text("request_id"), "-");
}

#[test]
fn generated_ids_are_unique_and_given_ids_are_cut_at_128_characters() {
    assert_ne!(RequestContext::new().id(), RequestContext::new().id());
    assert_eq!(RequestContext::with_id(&"ä".repeat(200)).id(), "ä".repeat(128));
}

#[test]
fn the_lines_of_a_request_are_numbered_without_gaps() {
    #[step_timed]
    async fn work(n: u32) {
        tracing::info!(n, "before");
        tokio::task::yield_now().await;
        tracing::debug!(n, "after");
    }

    let captured = capture();
    runtime().block_on(RequestContext::with_id("r").scope(async {
        let tasks: Vec<_> = (0..20).map(|n| tokio::spawn(work(n).in_context())).collect();
        for task in tasks {
            task.await.expect("no panic");
        }
    }));
    let lines = checked(&captured);
    let mut seq: Vec<_> = lines.iter().map(|line| line.integer("seq")).collect();
    seq.sort_unstable();
    assert_eq!(seq, (1..=60).collect::<Vec<_>>());
    assert!(lines.iter().all(|line| line.text("request_id") == "r"));
}

#[test]
fn each_request_counts_from_one() {
    let captured = capture();
    for id in ["a", "b"] {
        RequestContext::with_id(id).enter_with(|| tracing::info!("line"));
    }
    assert_eq!(values(&captured.events("line"), "seq"), [json!(1), json!(1)]);
}

#[test]
fn a_user_set_later_is_on_all_following_lines_including_running_tasks() {
    let captured = capture();
    runtime().block_on(RequestContext::with_id("r").scope(async {
        let (known, wait) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(
            async move {
                tracing::info!("early");
                wait.await.expect("a sender");
                tracing::info!("late");
            }
            .in_context(),
        );
        tokio::task::yield_now().await;
        context::set_user(clear("u-7"));
        context::set("tenant", 5);
        known.send(()).expect("a receiver");
        task.await.expect("no panic");
        tracing::info!("later");
    }));
    checked(&captured);
    for message in ["late", "later"] {
        assert_eq!(captured.line(message).text("user_id"), "u-7");
        assert_eq!(captured.line(message).integer("tenant"), 5);
    }
}

#[test]
fn a_numeric_user_is_logged_as_a_string() {
    let captured = capture();
    RequestContext::new().enter_with(|| {
        context::set_user(77_u64);
        tracing::info!("numbered");
        context::set_user(candor::policy::email("ada@example.com"));
        tracing::info!("masked");
    });
    assert_eq!(captured.line("numbered").text("user_id"), "77");
    assert_eq!(captured.line("masked").text("user_id"), "a***@example.com");
}

#[test]
fn context_fields_are_subject_to_the_key_rule_and_reserved_names() {
    let captured = capture();
    context::set("outside", 1);
    context::set_user(1);
    RequestContext::new().enter_with(|| {
        context::set("session_token", clear("canary-1"));
        context::set("level", 3);
        tracing::info!("line");
    });
    tracing::info!("outside");
    checked(&captured);
    let line = captured.line("line");
    assert_eq!(line.text("session_token"), "[REDACTED]");
    assert_eq!(line.integer("level_"), 3);
    assert!(!line.has("outside"));
    assert_eq!(captured.line("outside").text("user_id"), "-");
}

#[test]
fn a_spawned_task_has_a_context_only_if_it_is_passed() {
    let captured = capture();
    runtime().block_on(RequestContext::with_id("r").scope(async {
        tokio::spawn(async { tracing::info!("along") }.in_context()).await.expect("no panic");
        tokio::spawn(async { assert_eq!(here(), None) }).await.expect("no panic");
        tokio::task::spawn_blocking(carry(|| tracing::info!("along"))).await.expect("no panic");
        std::thread::spawn(carry(|| tracing::info!("along"))).join().expect("no panic");
    }));
    assert_eq!(requests(&captured, "along"), ["r", "r", "r"]);
}

#[test]
fn in_current_span_keeps_the_request() {
    let captured = capture();
    runtime().block_on(RequestContext::with_id("r").scope(async {
        let work = async {
            tracing::info!("along");
            tokio::task::yield_now().await;
            tracing::info!("along");
        };
        tokio::spawn(work.in_current_span()).await.expect("no panic");
        let span = tracing::info_span!("made here", shard = 3);
        tokio::spawn(async { tracing::info!("spanned") }.instrument(span)).await.expect("no panic");
    }));
    assert_eq!(requests(&captured, "along"), ["r", "r"]);
    assert_eq!(captured.line("spanned").text("request_id"), "r");
    assert_eq!(captured.line("spanned").integer("shard"), 3);
}

#[test]
fn in_current_span_takes_the_current_request_inside_other_spans() {
    let captured = capture();
    let send = || {
        let work = || async { tracing::info!("sent") }.in_current_span();
        RequestContext::with_id("here").enter_with(|| carry(work))
    };
    let around = RequestContext::with_id("around");
    let connection = tracing::info_span!("connection");
    for sent in [around.enter_with(send()), connection.in_scope(|| around.enter_with(send()))] {
        std::thread::spawn(|| block_on(sent)).join().expect("no panic");
    }
    assert_eq!(requests(&captured, "sent"), ["here", "here"]);
}

#[test]
fn a_guard_held_across_an_await_does_not_capture_lines_of_an_outer_scope() {
    let captured = capture();
    block_on(RequestContext::with_id("scope").scope(async {
        let _guard = RequestContext::with_id("guard").enter();
        tracing::info!("before");
        once_pending().await;
        tracing::info!("behind");
    }));
    assert_eq!(requests(&captured, "before"), ["guard"]);
    assert_eq!(requests(&captured, "behind"), ["scope"]);
}

/// The code that polls or drops a request can be inside other spans.
#[test]
fn a_request_keeps_the_spans_of_its_creation() {
    fn shards(captured: &Captured, message: &str) -> Vec<Option<i64>> {
        captured.events(message).iter().map(|line| line.get("shard")?.as_i64()).collect()
    }
    async fn work() {
        tracing::info!("in the request");
        tracing::info_span!("its own", n = 1).in_scope(|| tracing::info!("in its span"));
        let sent = async { tracing::info!("sent") }.in_current_span();
        std::thread::spawn(|| block_on(sent)).join().expect("no panic");
        once_pending().await;
    }

    let captured = capture();
    let around = tracing::info_span!("around", shard = 3);
    let begun_inside = around.in_scope(|| RequestContext::with_id("r").scope(work()));
    let begun_outside = RequestContext::with_id("r").scope(work());
    let mut requests = [Box::pin(begun_inside), Box::pin(begun_outside)];
    for request in &mut requests {
        assert!(around.in_scope(|| poll_once(request.as_mut())).is_pending());
    }
    around.in_scope(|| RequestContext::with_id("r").enter_with(|| tracing::info!("entered")));
    for message in ["in the request", "in its span", "sent"] {
        assert_eq!(shards(&captured, message), [Some(3), None], "{message}");
    }
    assert_eq!(shards(&captured, "entered"), [Some(3)]);
    assert!(captured.lines().iter().all(|line| line.text("request_id") == "r"));
}

#[test]
fn a_span_created_outside_a_request_does_not_detach_lines() {
    let captured = capture();
    let span = tracing::info_span!("outside", shard = 3);
    RequestContext::with_id("r").enter_with(|| span.in_scope(|| tracing::info!("inside")));
    assert_eq!(captured.line("inside").text("request_id"), "r");
    assert_eq!(captured.line("inside").integer("shard"), 3);
}

#[test]
fn concurrent_futures_keep_their_own_requests() {
    #[step_timed]
    async fn work(own: &'static str) {
        for _ in 0..3 {
            assert_eq!(here().as_deref(), Some(own));
            tracing::info!(own, "turn");
            once_pending().await;
        }
    }

    let captured = capture();
    block_on(RequestContext::with_id("outer").scope(async {
        let a = RequestContext::with_id("a").scope(work("a"));
        let b = RequestContext::with_id("b").scope(work("b"));
        futures::join!(a, work("outer"), b);
        tokio::select! {
            biased;
            () = RequestContext::with_id("c").scope(work("c")) => {}
            () = std::future::ready(()) => {}
        }
        assert_eq!(here().as_deref(), Some("outer"));
    }));
    assert_eq!(here(), None);
    for line in captured.events("turn") {
        assert_eq!(line.text("own"), line.text("request_id"));
    }
    assert_eq!(captured.steps("work").len(), 4);
    let cancelled = captured.steps("work").pop().expect("the last one");
    assert_eq!(cancelled.text("outcome"), "cancelled");
    assert_eq!(cancelled.text("request_id"), "c");
}

#[test]
fn a_future_can_be_polled_on_different_threads() {
    #[step_timed]
    async fn work() {
        for _ in 0..4 {
            tracing::info!("turn");
            once_pending().await;
        }
    }

    let captured = capture();
    let mut future = Box::pin(RequestContext::with_id("r").scope(work()));
    loop {
        let polled = std::thread::spawn(move || {
            let poll = poll_once(future.as_mut());
            assert_eq!(here(), None);
            (poll, future)
        });
        let (poll, back) = polled.join().expect("no panic");
        future = back;
        if poll.is_ready() {
            break;
        }
    }
    assert_eq!(requests(&captured, "turn"), ["r"; 4]);
    assert_eq!(captured.step("work").text("request_id"), "r");
}

#[test]
fn a_future_belongs_to_the_request_of_its_first_poll() {
    #[step_timed]
    async fn work() {
        tracing::info!("turn");
        once_pending().await;
        tracing::info!("turn");
    }

    let captured = capture();
    // Created in one request, awaited in another.
    let future = RequestContext::with_id("maker").enter_with(work);
    block_on(RequestContext::with_id("awaiter").scope(future));
    assert_eq!(requests(&captured, "turn"), ["awaiter", "awaiter"]);

    // Started in one request, ended in another.
    captured.clear();
    let mut future = pin!(work());
    RequestContext::with_id("first")
        .enter_with(|| assert!(poll_once(future.as_mut()).is_pending()));
    RequestContext::with_id("second").enter_with(|| assert!(poll_once(future.as_mut()).is_ready()));
    assert_eq!(requests(&captured, "turn"), ["first", "first"]);
    assert_eq!(captured.step("work").text("request_id"), "first");
}

#[test]
fn any_executor_works() {
    #[step_timed]
    async fn work() {
        once_pending().await;
    }

    let captured = capture();
    block_on(RequestContext::with_id("futures").scope(work()));
    smol::block_on(RequestContext::with_id("smol").scope(async {
        smol::spawn(work().in_context()).await;
    }));
    let current = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    current
        .block_on(RequestContext::with_id("current").scope(async {
            let local = tokio::task::LocalSet::new();
            local.run_until(async { tokio::task::spawn_local(work().in_context()).await }).await
        }))
        .expect("no panic");
    runtime().block_on(RequestContext::with_id("multi").scope(work()));
    let requests: Vec<_> =
        captured.steps("work").iter().map(|line| line.text("request_id").to_owned()).collect();
    assert_eq!(requests, ["futures", "smol", "current", "multi"]);
}

#[test]
fn the_context_does_not_depend_on_levels() {
    let config = Config::new().level("off").expect("a level");
    let captured = capture_with(config).expect("a configuration");
    block_on(RequestContext::with_id("r").scope(async {
        assert_eq!(here().as_deref(), Some("r"));
        once_pending().await;
        let _span = tracing::error_span!("refused").entered();
        assert_eq!(here().as_deref(), Some("r"));
        carry(|| assert_eq!(here().as_deref(), Some("r")))();
    }));
    assert!(captured.lines().is_empty());

    let config = Config::new().level("off,here=warn").expect("a level");
    let captured = capture_with(config).expect("a configuration");
    RequestContext::with_id("r").enter_with(|| tracing::warn!(target: "here", "heard"));
    assert_eq!(captured.line("heard").text("request_id"), "r");
}

#[test]
fn values_dropped_with_a_future_log_under_its_request() {
    struct Logs;
    impl Drop for Logs {
        fn drop(&mut self) {
            tracing::info!("dropped");
        }
    }

    let captured = capture();
    let pending = async {
        let _logs = Logs;
        std::future::pending::<()>().await;
    };
    let mut future = Box::pin(RequestContext::with_id("r").scope(pending));
    assert!(poll_once(future.as_mut()).is_pending());
    drop(future);

    let task = RequestContext::with_id("s").enter_with(|| {
        async {
            let _logs = Logs;
            std::future::pending::<()>().await;
        }
        .in_context()
    });
    let mut task = Box::pin(task);
    assert!(poll_once(task.as_mut()).is_pending());
    std::thread::spawn(move || drop(task)).join().expect("no panic");
    assert_eq!(requests(&captured, "dropped"), ["r", "s"]);
}

#[test]
fn a_scope_that_is_never_polled_logs_nothing() {
    static RAN: AtomicBool = AtomicBool::new(false);
    let captured = capture();
    drop(RequestContext::new().scope(async { RAN.store(true, Ordering::SeqCst) }));
    drop(async { RAN.store(true, Ordering::SeqCst) }.in_context());
    assert!(captured.lines().is_empty() && !RAN.load(Ordering::SeqCst));
}

#[test]
fn logging_during_thread_exit_is_safe() {
    struct Logs;
    impl Drop for Logs {
        fn drop(&mut self) {
            tracing::info!("from a thread local");
            RequestContext::new().enter_with(|| tracing::info!("from a thread local"));
        }
    }
    thread_local! {
        static LATE: Logs = const { Logs };
    }
    let _captured = capture();
    std::thread::spawn(|| {
        LATE.with(|_| {});
        tracing::info!("candor's own thread locals come after it");
    })
    .join()
    .expect("the thread exits without a panic");
}

#[test]
fn reading_the_current_span_during_thread_exit_is_safe() {
    struct ReadsSpanOnDrop;
    impl Drop for ReadsSpanOnDrop {
        fn drop(&mut self) {
            RequestContext::new().enter_with(|| drop(tracing::Span::current()));
        }
    }
    thread_local! {
        static BETWEEN: ReadsSpanOnDrop = const { ReadsSpanOnDrop };
    }
    let _captured = capture();
    std::thread::spawn(|| {
        RequestContext::new().enter_with(|| tracing::info!("candor's own come first"));
        BETWEEN.with(|_| {});
        tracing::info_span!("then those of the registry").in_scope(|| {});
    })
    .join()
    .expect("the thread exits without a panic");
}

#[test]
fn guards_dropped_in_any_order_keep_the_right_request_current() {
    fn current() -> Option<String> {
        context::current().map(|request| request.id().to_owned())
    }
    let _captured = capture();
    let [a, b, c] = ["a", "b", "c"].map(RequestContext::with_id);
    let first = a.enter();
    let second = b.enter();
    let third = c.enter();
    drop(first);
    assert_eq!(current().as_deref(), Some("c"));
    drop(third);
    assert_eq!(current().as_deref(), Some("b"));
    drop(second);
    assert_eq!(current(), None, "the first is over");

    let first = a.enter();
    let second = b.enter();
    let third = c.enter();
    drop(second);
    drop(third);
    assert_eq!(current().as_deref(), Some("a"));
    // The same context twice.
    let again = a.enter();
    drop(first);
    assert_eq!(current().as_deref(), Some("a"));
    drop(again);
    assert_eq!(current(), None);
}

#[test]
fn a_guard_that_outlives_a_scope_does_not_restore_it() {
    let _captured = capture();
    let (outer, inner) = (RequestContext::with_id("outer"), RequestContext::with_id("inner"));
    let leaked = outer.enter_with(|| inner.enter());
    drop(leaked);
    assert!(context::current().is_none());
}

#[test]
fn a_line_logged_by_a_thread_local_destructor_is_written() {
    struct Last(std::cell::RefCell<Option<RequestContext>>);
    impl Drop for Last {
        fn drop(&mut self) {
            if let Some(request) = self.0.take() {
                request.enter_with(|| {
                    tracing::info!("the thread ends");
                    let _ = context::current();
                    context::set_user(7);
                });
            }
        }
    }
    thread_local! {
        static LAST: Last = const { Last(std::cell::RefCell::new(None)) };
    }

    let captured = capture();
    let request = RequestContext::with_id("r-1");
    let kept = request.clone();
    let thread = std::thread::spawn(move || {
        // Created before candor's thread-locals, and thus dropped after them.
        LAST.with(|last| last.0.replace(Some(kept.clone())));
        kept.enter_with(|| tracing::info!("the thread runs"));
    });
    thread.join().expect("no panic, no abort");
    request.enter_with(|| tracing::info!("others run on"));
    assert_eq!(captured.line("the thread runs").text("request_id"), "r-1");
    assert_eq!(captured.line("others run on").text("request_id"), "r-1");
}

#[test]
fn request_ids_are_random_and_different_on_all_threads() {
    let some = || (0..1000).map(|_| RequestContext::new().id().to_owned()).collect::<Vec<_>>();
    let elsewhere = std::thread::spawn(some).join().expect("no panic");
    let all: std::collections::HashSet<_> = some().into_iter().chain(elsewhere).collect();
    assert_eq!(all.len(), 2000);
    // The last 12 digits of a UUID v7 are random.
    let random = |id: &String| u64::from_str_radix(&id[24..], 16).expect("hex digits").count_ones();
    let ones: u32 = all.iter().map(random).sum();
    assert!((46_500..49_500).contains(&ones), "{ones} of 96,000 bits");
}

/// A middleware that learns the path after the context was created.
#[test]
fn the_method_and_path_of_a_shared_context_can_be_set() {
    let captured = capture();
    let context = RequestContext::with_id("r").with_method("GET").with_path("/first");
    let shared = context.clone();
    context.enter_with(|| {
        tracing::info!("before");
        let _later = shared.with_method("PUT").with_path("/orders/7?token=canary-1");
        tracing::info!("after");
    });
    let before = captured.line("before");
    assert_eq!((before.text("method"), before.text("path")), ("GET", "/first"));
    let after = captured.line("after");
    assert_eq!((after.text("method"), after.text("path")), ("PUT", "/orders/7"));
}

/// The lines of an event under a configuration, outside any request.
fn notices(config: Config, event: &str, work: impl Fn()) -> Vec<String> {
    let captured = capture_with(config.format(Format::Json)).expect("a configuration");
    work();
    work();
    let output = captured.output();
    let lines = output.lines().filter(|line| line.contains(&format!("\"event\":\"{event}\"")));
    lines.map(str::to_owned).collect()
}

#[test]
fn a_value_that_is_recorded_outside_a_step_is_noticed_once_for_each_call_site() {
    let event = "recorded_outside_step";
    let first = notices(Config::new(), event, || {
        candor::record("rows", 3);
        candor::step("inside", || candor::record("rows", 3));
        candor::record("columns", 4);
    });
    assert_eq!(first.len(), 2, "{first:?}");
    assert!(
        first[0].contains("\"level\":\"WARN\"") && first[0].contains("context.rs:"),
        "{first:?}"
    );
    assert!(first[0].contains("`record(\\\"rows\\\", …)`"), "{first:?}");
    assert!(first[1].contains("columns"), "{first:?}");
    // The levels may have turned off the step around it.
    for level in ["warn", "info,shop=warn"] {
        let config = Config::new().level(level).expect("levels");
        let quiet = notices(config, event, || candor::record("rows", 3));
        assert!(quiet.is_empty(), "{level}: {quiet:?}");
    }
    let config = Config::new().level("info,hyper=error,shop=debug").expect("levels");
    assert_eq!(notices(config, event, || candor::record("rows", 3)).len(), 1);
}

#[test]
fn a_sample_rate_that_is_not_between_0_and_1_is_noticed() {
    use candor::http::RequestLayer;

    let sampled = |sample: fn() -> RequestLayer| {
        let lines = notices(Config::new(), "invalid_sample_rate", || drop(sample()));
        assert!(lines.len() < 2, "once for each call site: {lines:?}");
        lines.concat()
    };
    let not_a_number = sampled(|| RequestLayer::new().sample(f64::NAN));
    assert!(not_a_number.contains("the sample rate NaN is not between 0 and 1; 1 is used"));
    let negative = sampled(|| RequestLayer::new().sample(-0.5));
    assert!(negative.contains("the sample rate -0.5 is not between 0 and 1; 0 is used"));
    let percent = sampled(|| RequestLayer::new().sample(10.0));
    assert!(percent.contains("the sample rate 10 is not between 0 and 1; 1 is used"));
    for valid in [|| RequestLayer::new().sample(0.0), || RequestLayer::new().sample(1.0)] {
        assert_eq!(sampled(valid), "");
    }
}

#[test]
fn bug_work_of_a_request_had_the_fields_of_the_span_of_another_request_that_polled_it() {
    #[step_timed]
    async fn work() {
        tracing::info!("in the step");
        once_pending().await;
        tracing::info!("in the step");
    }

    let captured = capture();
    let mut step = Box::pin(work());
    let mut sent = RequestContext::with_id("r-A").enter_with(|| {
        assert!(poll_once(step.as_mut()).is_pending());
        Box::pin(async { tracing::info!("sent") }.in_context())
    });
    let around = tracing::info_span!("around", tenant = "a");
    let begun = || RequestContext::with_id("r-A").scope(async { tracing::info!("begun inside") });
    let mut begun = around.in_scope(|| Box::pin(begun()));
    RequestContext::with_id("r-B").enter_with(|| {
        tracing::info_span!("of_b", tenant = "b").in_scope(|| {
            assert!(poll_once(step.as_mut()).is_ready());
            assert!(poll_once(sent.as_mut()).is_ready());
            assert!(poll_once(begun.as_mut()).is_ready());
            tracing::info!("of B");
        });
    });
    checked(&captured);
    assert_eq!(requests(&captured, "in the step"), ["r-A", "r-A"]);
    let mut of_a = captured.events("in the step");
    of_a.extend([captured.line("sent"), captured.step("work")]);
    for line in of_a {
        assert_eq!(line.text("request_id"), "r-A");
        assert!(!line.has("tenant"), "{line:?}");
    }
    // A scope has the fields of the spans in which it was begun.
    let begun = captured.line("begun inside");
    assert_eq!((begun.text("request_id"), begun.text("tenant")), ("r-A", "a"));
    let own = captured.line("of B");
    assert_eq!((own.text("request_id"), own.text("tenant")), ("r-B", "b"));
}

#[test]
fn bug_work_sent_by_a_request_had_the_fields_of_the_step_of_another_request_that_polled_it() {
    #[step_timed(context(tenant = clear(tenant)))]
    fn polls<F: Future<Output = ()>>(tenant: &str, work: Pin<&mut F>) {
        let _ = tenant;
        assert!(poll_once(work).is_ready());
        tracing::info!("of B");
    }

    let captured = capture();
    let mut sent = None;
    {
        let mut work = pin!(RequestContext::with_id("r-A").scope(async {
            tracing::info!("in the scope");
            sent = Some(async { tracing::info!("sent") }.in_context());
        }));
        RequestContext::with_id("r-B").enter_with(|| polls("b", work.as_mut()));
    }
    block_on(sent.expect("it was sent"));
    checked(&captured);
    for message in ["in the scope", "sent"] {
        let line = captured.line(message);
        assert_eq!(line.text("request_id"), "r-A");
        assert!(!line.has("tenant"), "{line:?}");
    }
    let own = captured.line("of B");
    assert_eq!((own.text("request_id"), own.text("tenant")), ("r-B", "b"));
}
