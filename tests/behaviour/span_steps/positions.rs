//! The position of a span among the steps of its request, and its times.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use candor::prelude::*;
use candor::{RequestContext, step_guard, step_timed};
use candor_tests::checked;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span, instrument};

use super::{block_on, capture, config, in_request, pause};

#[instrument]
fn charge(order_id: u64, currency: &str) {
    thread::sleep(Duration::from_millis(2));
}

/// The line of a span has what the line of a step has: name, target, position, numeric times and fields.
#[test]
fn a_span_writes_the_line_of_a_step() {
    let captured = capture();
    in_request(|| charge(7, "EUR"));
    let lines = checked(&captured);
    let line = &lines[0];
    assert_eq!(lines.len(), 1);
    assert_eq!((line.text("event"), line.text("step")), ("step_timing", "charge"));
    assert_eq!(line.text("logger"), module_path!());
    assert_eq!((line.text("request_id"), line.text("outcome")), ("r", "ok"));
    assert_eq!((line.integer("step_id"), line.integer("parent_id")), (1, 0));
    assert!(line.number("duration_ms") >= 2.0 && line.number("busy_ms") >= 2.0, "{line:?}");
    assert!(line.number("offset_ms") >= 0.0, "{line:?}");
    assert_eq!((line.integer("order_id"), line.text("currency")), (7, "EUR"));
}

/// Spans inside each other are steps inside each other.
#[test]
fn nested_spans_are_nested_steps() {
    let captured = capture();
    in_request(|| {
        info_span!("a").in_scope(|| {
            info_span!("b").in_scope(|| info_span!("c").in_scope(|| ()));
            info_span!("d").in_scope(|| ());
        });
        info_span!("e").in_scope(|| ());
    });
    assert_eq!(captured.tree(), "a ok\n  b ok\n    c ok\n  d ok\ne ok\n");
}

#[step_timed]
fn reserve() {
    info_span!("lock").in_scope(|| candor::step("write", || ()));
}

#[candor::dependency_call("payments")]
fn pay() -> Result<(), io::Error> {
    Ok(())
}

/// Spans and candor's own steps and calls are one tree, in either order: a service is migrated function by function.
#[test]
fn spans_and_steps_of_candor_nest_in_each_other() {
    let captured = capture();
    in_request(|| {
        info_span!("order").in_scope(|| {
            reserve();
            let _ = pay();
        });
    });
    let tree = "order ok\n  reserve ok\n    lock ok\n      write ok\n  payments.pay ok\n";
    assert_eq!(captured.tree(), tree);
    checked(&captured);
}

/// The own time of a step is its time without that of the steps inside it, spans included.
#[test]
fn the_slowest_step_is_the_one_with_the_most_time_of_its_own() {
    let captured = capture();
    candor::job("nightly").run(|| {
        info_span!("outer").in_scope(|| {
            info_span!("slow").in_scope(|| thread::sleep(Duration::from_millis(300)));
            candor::step("quick", || ());
        });
        candor::step("step", || {
            info_span!("inside").in_scope(|| thread::sleep(Duration::from_millis(5)));
        });
    });
    let line = captured.line("job_completed");
    assert_eq!((line.text("slowest_step"), line.integer("steps")), ("slow", 5));
}

/// A value that is recorded in a span is on the line of the span, as in a step.
#[test]
fn candor_record_adds_to_the_line_of_the_span() {
    let captured = capture();
    in_request(|| {
        let span = info_span!("load");
        span.in_scope(|| candor::record("rows", 3));
        span.in_scope(|| candor::record("pages", 2));
        span.in_scope(|| candor::step("inner", || candor::record("rows", 9)));
    });
    let line = captured.step("load");
    assert_eq!((line.integer("rows"), line.integer("pages")), (3, 2));
    assert_eq!(captured.step("inner").integer("rows"), 9);
}

/// Fields that are recorded later are on the line, because it is written at the end.
#[test]
fn fields_that_are_recorded_late_are_on_the_line() {
    let captured = capture();
    in_request(|| {
        let span = info_span!("load", rows = Empty, unused = Empty);
        span.in_scope(|| ());
        span.record("rows", 12);
    });
    let line = captured.step("load");
    assert_eq!(line.integer("rows"), 12);
    assert!(!line.has("unused"), "{line:?}");
}

/// Fields go through the key rule and the scrubber, like those of events.
#[test]
fn fields_are_redacted_by_name_and_by_pattern() {
    let captured = capture();
    in_request(|| {
        let url = "https://u:canary-1@db.example/x?token=canary-2";
        let span = info_span!("load", password = "canary-3", url, note = Empty);
        span.record("note", "Authorization: Bearer canary-4-abcdefghijklmnop");
        span.in_scope(|| tracing::info!("inside"));
    });
    assert_eq!(captured.step("load").text("password"), "[REDACTED]");
    assert!(!captured.output().contains("canary"), "{}", captured.output());
}

/// A field with the name of one of candor's own keys gets an underscore, so that no key occurs twice.
#[test]
fn fields_with_the_name_of_a_key_get_an_underscore() {
    let captured = capture();
    in_request(|| {
        info_span!("load", outcome = "won", step = 3, duration_ms = "long", level = 1)
            .in_scope(|| ());
    });
    checked(&captured);
    let line = captured.step("load");
    assert_eq!((line.text("outcome"), line.text("step")), ("ok", "load"));
    assert_eq!((line.text("outcome_"), line.integer("step_")), ("won", 3));
    assert_eq!((line.text("duration_ms_"), line.integer("level_")), ("long", 1));
}

/// Fields of a span are on all lines inside it, as before. Its own line has them once.
#[test]
fn fields_are_on_the_lines_inside_the_span() {
    let captured = capture();
    in_request(|| {
        info_span!("order", order_id = 7).in_scope(|| {
            tracing::info!("paid");
            info_span!("mail").in_scope(|| ());
            candor::step("print", || ());
        });
    });
    for line in checked(&captured) {
        assert_eq!(line.integer("order_id"), 7);
    }
    assert_eq!(captured.lines().len(), 4);
}

/// A future is entered at every poll. It is one step, whose busy time is less than its duration.
#[test]
fn a_future_is_one_step() {
    let captured = capture();
    let work = async {
        for _ in 0..5 {
            pause().await;
        }
        thread::sleep(Duration::from_millis(2));
    };
    block_on(RequestContext::with_id("r").scope(async {
        let work = tokio::task::unconstrained(work.instrument(info_span!("work")));
        let idle = async {
            pause().await;
            thread::sleep(Duration::from_millis(10));
        };
        tokio::join!(work, idle);
    }));
    let line = captured.step("work");
    assert!(line.number("duration_ms") >= 12.0, "{line:?}");
    assert!(line.number("busy_ms") < line.number("duration_ms") - 5.0, "{line:?}");
}

/// Futures that take turns on a thread do not become parents of each other.
#[test]
fn concurrent_futures_keep_their_own_children() {
    #[instrument]
    async fn branch(_name: &str) {
        pause().await;
        child(1).await;
        pause().await;
        child(2).await;
    }
    #[instrument]
    async fn child(number: u32) {
        pause().await;
        candor::step("leaf", || ());
    }
    let captured = capture();
    block_on(RequestContext::with_id("r").scope(async {
        let both = async { tokio::join!(branch("a"), branch("b"), branch("c")) };
        both.instrument(info_span!("join")).await;
    }));
    let child = "    child ok\n      leaf ok\n";
    let branch = format!("  branch ok\n{child}{child}");
    assert_eq!(captured.tree(), format!("join ok\n{branch}{branch}{branch}"));
}

/// A spawned task in the current span stays inside it, on another thread.
#[test]
fn a_task_in_the_current_span_is_inside_it() {
    let captured = capture();
    let dispatch = tracing::dispatcher::get_default(Clone::clone);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .on_thread_start(move || std::mem::forget(tracing::dispatcher::set_default(&dispatch)))
        .build()
        .expect("a runtime");
    let work = async {
        let spawned = async {
            pause().await;
            info_span!("inner").in_scope(|| ());
        };
        tokio::spawn(spawned.in_current_span()).await.expect("no panic");
        tokio::spawn(async { candor::step("carried", || ()) }.in_context())
            .await
            .expect("no panic");
    };
    runtime.block_on(RequestContext::with_id("r").scope(work.instrument(info_span!("outer"))));
    drop(runtime);
    assert_eq!(captured.tree(), "outer ok\n  inner ok\n  carried ok\n");
}

/// A span that is created with an explicit parent is inside that parent, whichever span is current.
#[test]
fn an_explicit_parent_is_the_parent() {
    let captured = capture();
    in_request(|| {
        let parent = info_span!("parent");
        info_span!("current").in_scope(|| {
            info_span!(parent: &parent, "child").in_scope(|| candor::step("inside", || ()));
        });
    });
    assert_eq!(captured.tree(), "parent ok\n  child ok\n    inside ok\ncurrent ok\n");
}

/// The explicit parent may be a span that is not a step: the child is in the step around it.
#[test]
fn a_span_between_that_is_not_a_step_is_passed_over() {
    let captured = candor::testing::capture_with(config("info")).expect("a capture");
    in_request(|| {
        info_span!("outer").in_scope(|| {
            let between = tracing::debug_span!("between");
            between.in_scope(|| info_span!("contextual").in_scope(|| ()));
            let elsewhere = move || info_span!(parent: &between, "explicit").in_scope(|| ());
            candor::step("other", elsewhere);
        });
    });
    let tree = "outer ok\n  contextual ok\n  other ok\n  explicit ok\n";
    assert_eq!(captured.tree(), tree);
}

/// `parent: None` makes a span a root of its request.
#[test]
fn a_span_without_a_parent_is_a_root() {
    let captured = capture();
    in_request(|| {
        info_span!("outer").in_scope(|| {
            info_span!(parent: None, "root").in_scope(|| info_span!("inside").in_scope(|| ()));
        });
    });
    assert_eq!(captured.tree(), "outer ok\nroot ok\n  inside ok\n");
}

/// `follows_from` names a cause, not a parent.
#[test]
fn follows_from_does_not_change_the_parent() {
    let captured = capture();
    in_request(|| {
        let cause = info_span!("cause");
        info_span!("outer").in_scope(|| {
            let effect = info_span!("effect");
            effect.follows_from(&cause);
            effect.in_scope(|| ());
        });
    });
    assert_eq!(captured.tree(), "cause ok\nouter ok\n  effect ok\n");
}

/// A span that is created in one step and entered in another stays in the step in which it was created.
#[test]
fn a_span_belongs_where_it_was_made() {
    let captured = capture();
    in_request(|| {
        let span = info_span!("a").in_scope(|| info_span!("made in a"));
        info_span!("b").in_scope(|| span.in_scope(|| candor::step("inside", || ())));
    });
    let tree = captured.tree();
    assert_eq!(tree, "a ok\n  made in a ok\n    inside ok\nb ok\n");
}

/// A span that is entered inside itself is one step, and counts its time once.
#[test]
fn a_span_that_is_entered_twice_counts_its_time_once() {
    let captured = capture();
    in_request(|| {
        let span = info_span!("twice");
        span.in_scope(|| {
            span.in_scope(|| {
                thread::sleep(Duration::from_millis(5));
                candor::step("inside", || ());
            });
            candor::step("after", || ());
        });
    });
    assert_eq!(captured.tree(), "twice ok\n  inside ok\n  after ok\n");
    let line = captured.step("twice");
    assert!(line.number("busy_ms") <= line.number("duration_ms"), "{line:?}");
}

/// Guards may be dropped in any order. The spans that are still entered stay current.
#[test]
fn spans_may_be_exited_in_any_order() {
    let captured = capture();
    in_request(|| {
        let (a, b, c) = (info_span!("a"), info_span!("b"), info_span!("c"));
        let (in_a, in_b, in_c) = (a.enter(), b.enter(), c.enter());
        drop(in_a);
        candor::step("in c", || ());
        drop(in_b);
        candor::step("still in c", || ());
        drop(in_c);
        candor::step("outside", || ());
        drop((a, b, c));
    });
    let parent = |name: &str| captured.step(name).integer("parent_id");
    let id = |name: &str| captured.step(name).integer("step_id");
    assert_eq!((parent("a"), parent("b"), parent("c")), (0, 0, 0));
    assert_eq!((parent("in c"), parent("still in c")), (id("c"), id("c")));
    assert_eq!(parent("outside"), 0);
}

/// The same applies across requests: after a span of another request, the previous request is current again.
#[test]
fn spans_of_two_requests_may_be_exited_in_any_order() {
    let captured = capture();
    let made = |id: &str, name: &'static str| {
        RequestContext::with_id(id).enter_with(|| info_span!("span", name))
    };
    let (a, b) = (made("r-a", "a"), made("r-b", "b"));
    let (in_a, in_b) = (a.enter(), b.enter());
    drop(in_a);
    candor::step("in b", || ());
    drop(in_b);
    candor::step("outside", || ());
    let inside = captured.step("in b");
    assert_eq!((inside.text("request_id"), inside.integer("parent_id")), ("r-b", 1));
    assert!(!captured.step("outside").has("step_id"));
}

/// The guard of a step may outlive the span around it. The step keeps its parent, and the next step is outside both.
#[test]
fn a_step_may_outlive_the_span_around_it() {
    let captured = capture();
    in_request(|| {
        let span = info_span!("span").entered();
        let guard = step_guard("guard");
        drop(span);
        drop(guard);
        candor::step("after", || ());
    });
    assert_eq!(captured.tree(), "span ok\n  guard ok\nafter ok\n");
}

/// A span ends when it is exited for the last time. If a clone is kept, the line comes later, with the same duration.
#[test]
fn a_span_that_is_closed_late_does_not_take_longer() {
    let captured = capture();
    in_request(|| {
        let span = info_span!("work");
        let kept = span.clone();
        span.in_scope(|| ());
        drop(span);
        assert!(captured.steps("work").is_empty(), "a clone can be entered again");
        thread::sleep(Duration::from_millis(30));
        drop(kept);
    });
    assert!(captured.step("work").number("duration_ms") < 25.0);
}

/// A span stays open until its children close, as in `tracing`. Its duration is still its own.
#[test]
fn a_parent_of_an_open_child_is_written_after_the_child() {
    let captured = capture();
    in_request(|| {
        let child = info_span!("parent").in_scope(|| info_span!("child"));
        thread::sleep(Duration::from_millis(30));
        child.in_scope(|| thread::sleep(Duration::from_millis(1)));
    });
    captured.assert_order(&["child", "parent"]);
    assert!(captured.step("child").number("duration_ms") >= 31.0);
    assert!(captured.step("parent").number("duration_ms") < 25.0);
}

/// A span that is never entered is a step from its creation until it closes: its work may have no thread.
#[test]
fn a_span_that_is_never_entered_lasts_until_it_is_closed() {
    let captured = capture();
    in_request(|| {
        let span = info_span!("transfer");
        thread::sleep(Duration::from_millis(5));
        drop(span);
    });
    let line = captured.step("transfer");
    assert!(line.number("duration_ms") >= 5.0 && line.number("busy_ms") == 0.0, "{line:?}");
}

/// A span may be entered on several threads at once. It is one step, and the steps of all threads are inside it.
#[test]
fn a_span_on_two_threads_at_once_is_one_step() {
    let captured = capture();
    let dispatch = tracing::dispatcher::get_default(Clone::clone);
    in_request(|| {
        let span = info_span!("shared");
        let barrier = Barrier::new(2);
        let work = |rows: u64| {
            let _default = tracing::dispatcher::set_default(&dispatch);
            span.in_scope(|| {
                barrier.wait();
                candor::step("inside", || ());
                candor::record("rows", rows);
                barrier.wait();
                thread::sleep(Duration::from_millis(4));
            });
        };
        thread::scope(|threads| {
            threads.spawn(|| work(1));
            threads.spawn(|| work(2));
        });
    });
    assert_eq!(captured.tree(), "shared ok\n  inside ok\n  inside ok\n");
    let line = captured.step("shared");
    // Both threads were in the span for 4 ms, at the same time.
    assert!(line.number("busy_ms") >= 4.0 && line.has("rows"), "{line:?}");
    assert!(line.number("busy_ms") <= line.number("duration_ms"), "{line:?}");
}

/// Two threads can be the first to enter a span, one of them in a request and the other one outside. The span is a step
/// of the request, or it begins a job; it never completes the request.
#[test]
fn a_span_that_two_threads_enter_first_does_not_complete_the_request_of_one() {
    let output = Output::default();
    // More than half of the spans can become steps of the request.
    let config = config("trace").writer(output.clone()).lines_per_request(2000);
    let dispatch = tracing::Dispatch::new(config.subscriber().expect("a configuration"));
    let spans: Vec<Span> = tracing::dispatcher::with_default(&dispatch, || {
        (0..2000).map(|_| info_span!("shared")).collect()
    });
    // Threads that sleep at a barrier do not go on at the same moment.
    let arrived = AtomicUsize::new(0);
    let enter_all = || {
        for (round, span) in spans.iter().enumerate() {
            arrived.fetch_add(1, Ordering::SeqCst);
            while arrived.load(Ordering::SeqCst) < 2 * (round + 1) {
                thread::yield_now();
            }
            span.in_scope(|| ());
        }
    };
    let run = |work: &dyn Fn()| tracing::dispatcher::with_default(&dispatch, work);
    thread::scope(|threads| {
        threads.spawn(|| run(&|| RequestContext::with_id("r").enter_with(enter_all)));
        threads.spawn(|| run(&enter_all));
    });
    drop(spans);
    let text = String::from_utf8(output.0.lock().expect("no panic").clone()).expect("UTF-8");
    let completed: Vec<&str> =
        text.lines().filter(|line| line.contains("\"job_completed\"")).collect();
    let steps = text.lines().filter(|line| line.contains("\"step_timing\"")).count();
    assert_eq!(completed.len() + steps, 2000);
    assert!(completed.iter().all(|line| !line.contains("\"request_id\":\"r\"")), "{completed:?}");
}

/// A span may be created, entered and closed on three different threads.
#[test]
fn a_span_may_wander_across_threads() {
    let captured = capture();
    let dispatch = tracing::dispatcher::get_default(Clone::clone);
    let on_thread = |work: Box<dyn FnOnce() -> Span + Send>| {
        let dispatch = dispatch.clone();
        let run = move || tracing::dispatcher::with_default(&dispatch, work);
        thread::spawn(run).join().expect("no panic")
    };
    let context = Arc::new(RequestContext::with_id("r"));
    let span = context.enter_with(|| info_span!("wanderer", hops = Empty));
    let span = on_thread(Box::new(move || {
        span.in_scope(|| candor::step("inside", || ()));
        span.record("hops", 2);
        span
    }));
    let span = on_thread(Box::new(move || {
        drop(span);
        Span::none()
    }));
    drop(span);
    let line = captured.step("wanderer");
    assert_eq!((line.text("request_id"), line.integer("hops")), ("r", 2));
    assert_eq!(captured.step("inside").integer("parent_id"), line.integer("step_id"));
}

/// A span that is created outside any request and entered in one belongs to that request: a future is often
/// instrumented before it is passed to the scope of its request.
#[test]
fn a_span_that_was_made_outside_joins_the_request_that_it_is_entered_in() {
    let captured = capture();
    let work = async {
        candor::step("inside", || ());
        info_span!("inner").in_scope(|| ());
    };
    let work = work.instrument(info_span!("work", otel.kind = "client", peer.service = "stock"));
    block_on(candor::job("nightly").scope(work));
    assert_eq!(captured.tree(), "stock.work ok\n  inside ok\n  inner ok\n");
    let line = captured.line("job_completed");
    assert_eq!((line.integer("steps"), line.integer("dependency_calls")), (2, 1));
}

/// If spans and guards of contexts end out of order, no request stays current by mistake.
#[test]
fn the_request_is_gone_after_context_and_span() {
    let captured = capture();
    let context = RequestContext::with_id("r").enter();
    let span = info_span!("span").entered();
    drop(context);
    drop(span);
    candor::info!("outside");
    assert!(
        !captured.line("outside").has("request_id")
            || captured.line("outside").text("request_id") == "-"
    );
    captured.assert_step("span").field("request_id", "r");
}

/// A root span outside any request begins a job, so that a worker or a server without HTTP has a story. The spans inside
/// are its steps.
#[test]
fn a_root_span_outside_any_request_is_a_job() {
    let captured = capture();
    info_span!("work", queue = "mail").in_scope(|| {
        info_span!("outer").in_scope(|| info_span!("inner").in_scope(|| tracing::error!("broken")));
    });
    checked(&captured);
    assert_eq!(captured.tree(), "outer ok\n  inner error logged_error\n");
    let line = captured.line("job_completed");
    assert_eq!((line.text("job"), line.text("outcome")), ("work", "ok"));
    assert_eq!((line.integer("steps"), line.text("queue")), (2, "mail"));
    assert_eq!(captured.step("inner").text("request_id"), line.text("request_id"));
    assert_eq!(line.text("trace_id").len(), 32);
}

/// The job of a root span may last as long as the program, so its lines are neither limited nor held.
#[test]
fn the_job_of_a_root_span_writes_all_its_lines() {
    let config = config("info").lines_per_request(10).story(candor::Story::Problems);
    let captured = candor::testing::capture_with(config).expect("a capture");
    info_span!("server").in_scope(|| {
        for _ in 0..50 {
            info_span!("beat").in_scope(|| ());
        }
        assert_eq!(captured.steps("beat").len(), 50);
    });
    assert_eq!(captured.line("job_completed").integer("steps"), 50);
}

/// A call outside any request does not begin a job, because its own line is complete.
#[test]
fn a_call_outside_any_request_is_no_job() {
    let captured = capture();
    info_span!("GET", otel.kind = "client", peer.service = "stock").in_scope(|| ());
    assert!(!captured.dependency("stock").has("step_id"));
    assert_eq!(captured.lines().len(), 1);
}

/// A span that closes while the locals of its thread are destroyed still writes its line, and does not panic.
#[test]
fn a_span_may_close_while_its_thread_ends() {
    thread_local! {
        static KEPT: std::cell::RefCell<Option<tracing::span::EnteredSpan>> = const { std::cell::RefCell::new(None) };
    }
    let captured = capture();
    let dispatch = tracing::dispatcher::get_default(Clone::clone);
    let context = RequestContext::with_id("r");
    let work = move || {
        KEPT.with(|_| ());
        let _default = tracing::dispatcher::set_default(&dispatch);
        let span = context.enter_with(|| info_span!("kept"));
        KEPT.with(|kept| *kept.borrow_mut() = Some(span.entered()));
    };
    thread::spawn(work).join().expect("no panic");
    captured.assert_step("kept").field("request_id", "r");
}

/// A user's value that logs while it is recorded, and one that panics, do not disturb the step.
#[test]
fn values_that_log_or_panic_are_survived() {
    struct Noisy;
    impl std::fmt::Debug for Noisy {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            info_span!("in a value").in_scope(|| tracing::error!("noise"));
            f.write_str("noisy")
        }
    }
    struct Broken;
    impl std::fmt::Debug for Broken {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("on purpose")
        }
    }
    let captured = capture();
    in_request(|| {
        let span = info_span!("step", error = Empty, otel.name = ?Broken);
        span.in_scope(|| ());
        span.record("error", tracing::field::debug(Noisy));
    });
    captured.assert_step("step").outcome("error").field("error_detail", "noisy");
}

/// The lines of all threads.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
