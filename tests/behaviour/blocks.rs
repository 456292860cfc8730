//! Steps other than functions: `candor::step`, `.timed("name")` and `step_guard`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use candor::prelude::*;
use candor::testing::{Line, capture, capture_with};
use candor::{Config, RequestContext, StepGuard, dependency_call, step_guard, step_timed};
use candor_tests::checked;
use futures::executor::block_on;

type Answer<T> = Result<T, Refused>;

/// Neither `Debug` nor `Display`.
struct Refused;

fn outcome(line: &Line) -> (&str, &str) {
    (line.text("outcome"), line.text("level"))
}

#[test]
fn a_closure_is_a_step() {
    let captured = capture();
    let rows = RequestContext::with_id("r").enter_with(|| {
        candor::step("load", || {
            candor::record("rows", 3);
            candor::step("parse", || 3)
        })
    });
    assert_eq!(rows, 3);
    checked(&captured);
    let (load, parse) = (captured.step("load"), captured.step("parse"));
    assert_eq!(outcome(&load), ("ok", "INFO"));
    assert_eq!(load.text("logger"), "steps");
    assert_eq!(load.text("event"), "step_timing");
    assert_eq!(load.text("request_id"), "r");
    assert_eq!((load.integer("step_id"), load.integer("parent_id")), (1, 0));
    assert_eq!((parse.integer("step_id"), parse.integer("parent_id")), (2, 1));
    assert_eq!(load.integer("rows"), 3);
    assert!(!parse.has("rows"));
}

#[test]
fn an_err_is_recognised_through_a_type_alias() {
    let captured = capture();
    let refused: Answer<Vec<u8>> = candor::step("refused", || Err(Refused));
    assert!(refused.is_err());
    let good: Answer<Vec<u8>> = candor::step("good", || Ok(vec![1]));
    assert!(good.is_ok());
    candor::step("none", || None::<u8>);
    let niche: Result<Box<u8>, ()> = candor::step("niche", || Err(()));
    assert!(niche.is_err());
    checked(&captured);
    let line = captured.step("refused");
    assert_eq!(outcome(&line), ("error", "WARN"));
    assert_eq!(line.text("error"), "Refused");
    assert!(!line.has("error_detail"));
    assert_eq!(outcome(&captured.step("good")), ("ok", "INFO"));
    assert_eq!(outcome(&captured.step("none")), ("ok", "INFO"));
    assert_eq!(captured.step("niche").text("error"), "()");
}

#[test]
fn a_closure_that_panics_or_returns_early_logs_its_outcome() {
    let captured = capture();
    let caught = catch_unwind(|| candor::step("broken", || panic!("gone")));
    assert!(caught.is_err());
    fn early(yes: bool) -> Option<u8> {
        candor::step("early", || {
            if yes {
                return None;
            }
            Some(1)
        })
    }
    assert_eq!((early(true), early(false)), (None, Some(1)));
    checked(&captured);
    assert_eq!(outcome(&captured.step("broken")), ("panicked", "ERROR"));
    assert_eq!(captured.steps("early").len(), 2);
}

#[test]
fn a_closure_can_borrow_and_move() {
    let mut names = vec!["a".to_owned()];
    let captured = capture();
    let first: &str = candor::step("borrow", || &names[0]);
    assert_eq!(first, "a");
    candor::step("change", || names.push("b".to_owned()));
    let moved = candor::step("move", move || names);
    assert_eq!(moved.len(), 2);
    assert_eq!(captured.lines().len(), 3);
}

async fn load(fails: bool) -> Answer<u32> {
    candor::record("rows", 3);
    if fails { Err(Refused) } else { Ok(1) }
}

#[test]
fn a_future_is_a_step_from_first_poll_to_completion() {
    let captured = capture();
    block_on(RequestContext::with_id("r").scope(async {
        let waiting = load(false).timed("never polled");
        drop(waiting);
        assert!(load(false).timed("load").await.is_ok());
        assert!(load(true).timed("load").await.is_err());
        std::future::ready(()).timed("ready").await;
    }));
    checked(&captured);
    let lines = captured.steps("load");
    assert_eq!(outcome(&lines[0]), ("ok", "INFO"));
    assert_eq!(lines[0].text("logger"), "steps");
    assert_eq!(lines[0].integer("rows"), 3);
    assert_eq!(outcome(&lines[1]), ("error", "WARN"));
    assert_eq!(lines[1].text("error"), "Refused");
    assert_eq!(captured.step("ready").text("logger"), "steps");
    assert!(captured.steps("never polled").is_empty());
}

#[test]
fn a_future_that_is_dropped_or_panics_logs_its_outcome() {
    let captured = capture();
    {
        let mut waiting = pin!(std::future::pending::<()>().timed("dropped"));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    let broken = async { panic!("gone") }.timed("broken");
    let caught = catch_unwind(AssertUnwindSafe(|| block_on(broken)));
    assert!(caught.is_err());
    checked(&captured);
    assert_eq!(outcome(&captured.step("dropped")), ("cancelled", "INFO"));
    assert_eq!(outcome(&captured.step("broken")), ("panicked", "ERROR"));
}

#[test]
fn bug_a_future_whose_drop_panicked_was_reported_as_cancelled() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                panic!("in a destructor");
            }
        }
    }

    let pending = |name: &'static str, bomb: Option<Bomb>| {
        let work = async move {
            let _bomb = bomb;
            std::future::pending::<()>().await;
        };
        let mut work = Box::pin(work.timed(name));
        assert!(work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        work
    };
    let captured = capture();
    let dropped = pending("exploding", Some(Bomb));
    catch_unwind(AssertUnwindSafe(|| drop(dropped))).expect_err("panics");
    let bystander = pending("bystander", None);
    let unrelated = move || {
        let _bystander = bystander;
        panic!("of something else");
    };
    catch_unwind(AssertUnwindSafe(unrelated)).expect_err("panics");
    checked(&captured);
    assert_eq!(outcome(&captured.step("exploding")), ("panicked", "ERROR"));
    assert_eq!(outcome(&captured.step("bystander")), ("cancelled", "INFO"));
}

#[test]
fn a_timed_future_is_send_and_can_borrow() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    let name = "a".to_owned();
    let captured = capture();
    let length = block_on(send(async { name.len() }.timed("length")));
    assert_eq!(length, 1);
    assert_eq!(captured.step("length").text("outcome"), "ok");
}

#[test]
fn a_guard_is_ok_unless_marked_failed_or_unwinding() {
    let captured = capture();
    drop(step_guard("dropped"));
    step_guard("ok").finish(&Ok::<(), Refused>(()));
    step_guard("error").finish(&Err::<(), _>(Refused));
    step_guard("value").finish(&7);
    let caught = catch_unwind(|| {
        let _step = step_guard("broken");
        panic!("gone");
    });
    assert!(caught.is_err());
    checked(&captured);
    assert_eq!(outcome(&captured.step("dropped")), ("ok", "INFO"));
    assert_eq!(outcome(&captured.step("ok")), ("ok", "INFO"));
    assert_eq!(outcome(&captured.step("error")), ("error", "WARN"));
    assert_eq!(captured.step("error").text("error"), "Refused");
    assert_eq!(outcome(&captured.step("value")), ("ok", "INFO"));
    assert_eq!(outcome(&captured.step("broken")), ("panicked", "ERROR"));
    assert_eq!(captured.step("ok").text("logger"), "steps");
}

#[test]
fn steps_of_all_kinds_are_one_tree() {
    #[step_timed]
    async fn outer() {
        let _guard = step_guard("guard");
        candor::step("closure", || ());
    }
    let captured = capture();
    block_on(RequestContext::with_id("r").scope(outer().timed("around")));
    checked(&captured);
    let parent = |name: &str| captured.step(name).integer("parent_id");
    assert_eq!(
        [parent("around"), parent("outer"), parent("guard"), parent("closure")],
        [0, 1, 2, 3]
    );
}

#[test]
fn names_and_call_sites_are_independent() {
    fn named(name: &'static str) {
        candor::step(name, || ());
    }
    let captured = capture();
    for name in ["one", "two", "one"] {
        named(name);
    }
    candor::step("one", || ());
    assert_eq!(captured.steps("one").len(), 3);
    assert_eq!(captured.steps("two").len(), 1);
}

#[test]
fn a_block_is_disabled_with_its_module() {
    let config = Config::new().level("info,behaviour::blocks=off,steps=off").expect("levels");
    let captured = capture_with(config).expect("a configuration");
    for _ in 0..3 {
        assert_eq!(candor::step("off", || 7), 7);
        step_guard("off").finish(&Err::<(), _>(Refused));
        assert_eq!(block_on(async { 7 }.timed("off")), 7);
    }
    assert!(captured.lines().is_empty());
}

#[test]
fn blocks_run_on_many_threads() {
    let captured = capture();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(candor::context::carry(|| {
                for _ in 0..100 {
                    candor::step("busy", || ());
                }
            }));
        }
    });
    assert_eq!(captured.steps("busy").len(), 800);
}

#[test]
fn guards_can_end_in_any_order_and_keep_their_request_and_parents() {
    let captured = capture();
    RequestContext::with_id("r").enter_with(|| {
        let outer = step_guard("outer");
        candor::record("name", 1);
        let first = step_guard("first");
        candor::record("name", 2);
        let second = step_guard("second");
        candor::record("name", 3);
        drop(first);
        candor::record("late", true);
        step_guard("inner").finish(&());
        drop(outer);
        drop(second);
        step_guard("after").finish(&());
    });
    checked(&captured);
    let parent = |step: &str| captured.step(step).integer("parent_id");
    for step in ["outer", "first", "second", "inner", "after"] {
        assert_eq!(captured.step(step).text("request_id"), "r");
    }
    assert_eq!(captured.step("second").integer("name"), 3);
    assert!(captured.step("second").boolean("late"));
    // The fields of a step that is not innermost when it ends are lost.
    assert!(!captured.step("first").has("name") && !captured.step("first").has("late"));
    assert!(!captured.step("outer").has("name"));
    assert_eq!([parent("outer"), parent("first"), parent("second")], [0, 1, 2]);
    assert_eq!([parent("inner"), parent("after")], [3, 0]);
}

#[test]
fn guards_that_end_first_to_last_leave_no_step_open() {
    let captured = capture();
    RequestContext::with_id("r").enter_with(|| {
        candor::step("around", || {
            candor::record("kept", true);
            let mut window = VecDeque::new();
            for _ in 0..60 {
                window.push_back(step_guard("item"));
                if window.len() > 2 {
                    window.pop_front();
                }
            }
            while let Some(guard) = window.pop_front() {
                drop(guard);
            }
            candor::step("sibling", || ());
        });
        candor::step("next", || ());
    });
    let parent = |step: &str| captured.step(step).integer("parent_id");
    assert_eq!((captured.steps("item").len(), parent("sibling"), parent("next")), (60, 1, 0));
    assert!(captured.step("around").boolean("kept"));
}

#[test]
fn guards_outside_a_request_end_in_any_order_and_are_captured() {
    let captured = capture();
    let (first, second) = (step_guard("first"), step_guard("second"));
    drop(first);
    drop(second);
    assert_eq!((captured.steps("first").len(), captured.steps("second").len()), (1, 1));
}

#[test]
fn a_call_that_ends_before_a_guard_inside_it_keeps_its_fields_and_is_over() {
    thread_local! {
        static LEFT: RefCell<Vec<StepGuard>> = const { RefCell::new(Vec::new()) };
    }
    #[dependency_call("stock", fields(order_id))]
    fn reserve(order_id: u64) -> Option<u64> {
        LEFT.with_borrow_mut(|left| left.push(step_guard("inner")));
        Some(order_id)
    }
    let captured = capture();
    candor::job("count").run(|| {
        reserve(7);
        candor::dependency::current().retry();
        LEFT.with_borrow_mut(Vec::clear);
        candor::step("leaf", || ());
    });
    let call = captured.dependency("stock");
    assert_eq!((call.integer("order_id"), call.integer("retries")), (7, 0));
    assert_eq!(captured.events("dependency_attempt").len(), 0);
    // The call has a step inside it, so it is not the slowest of the job.
    assert_ne!(captured.line("job_completed").text("slowest_step"), "reserve");
}

#[test]
fn calls_end_in_any_order() {
    #[dependency_call("payments")]
    fn charge() {
        let guard = step_guard("left behind");
        #[dependency_call("stock")]
        fn reserve() {
            candor::dependency::current().set_status(202);
        }
        reserve();
        candor::dependency::current().retry();
        candor::dependency::current().set_status(201);
        std::mem::forget(guard);
    }
    let captured = capture();
    RequestContext::with_id("r").enter_with(|| {
        charge();
        charge();
    });
    let payments = captured.dependencies("payments");
    for call in &payments {
        assert_eq!((call.integer("status"), call.integer("retries")), (201, 1));
    }
    assert_eq!(captured.dependencies("stock")[0].integer("status"), 202);
}

#[test]
fn a_forgotten_guard_does_not_affect_later_steps() {
    let captured = capture();
    RequestContext::with_id("r").enter_with(|| {
        candor::step("around", || {
            candor::record("kept", true);
            std::mem::forget(step_guard("forgotten"));
            candor::record("lost", true);
        });
        candor::step("next", || candor::record("own", true));
    });
    RequestContext::with_id("s").enter_with(|| candor::step("other", || ()));
    checked(&captured);
    assert!(captured.steps("forgotten").is_empty());
    // The fields of a step that ends under a forgotten one are lost, and its line is not.
    assert!(!captured.step("around").has("kept"));
    assert_eq!(captured.step("around").text("request_id"), "r");
    assert!(captured.step("next").boolean("own"));
    assert_eq!(captured.step("other").integer("parent_id"), 0);
    assert_eq!(captured.step("other").text("request_id"), "s");
}

#[test]
fn a_forgotten_timed_future_does_not_affect_later_steps() {
    #[step_timed]
    async fn forgotten() {
        std::future::pending::<()>().await;
    }
    let captured = capture();
    RequestContext::with_id("r").enter_with(|| {
        let mut future = Box::pin(forgotten());
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        std::mem::forget(future);
        candor::step("next", || ());
    });
    checked(&captured);
    assert_eq!(captured.step("next").integer("parent_id"), 0);
    assert!(captured.steps("forgotten").is_empty());
}

#[test]
fn a_panicking_custom_policy_loses_its_value_but_not_the_line() {
    fn bad(_: &u32) -> bool {
        panic!("policy")
    }
    #[step_timed(ret = with = bad)]
    fn work() -> u32 {
        7
    }
    #[step_timed(ret = with = bad)]
    async fn work_later() -> u32 {
        7
    }
    let captured = capture();
    RequestContext::with_id("r").enter_with(|| {
        assert_eq!(work(), 7);
        assert_eq!(block_on(work_later()), 7);
        candor::step("after", || ());
    });
    checked(&captured);
    for name in ["work", "work_later"] {
        assert_eq!(outcome(&captured.step(name)), ("ok", "INFO"));
        assert_eq!(captured.step(name).text("ret"), "<unprintable>");
    }
    assert_eq!(captured.step("after").integer("parent_id"), 0);
}

#[test]
fn a_guard_that_ends_inside_another_request_does_not_change_it() {
    let captured = capture();
    RequestContext::with_id("out").enter_with(|| {
        let setup = step_guard("setup");
        let inner = RequestContext::with_id("in");
        let entered = inner.enter();
        setup.finish(&());
        drop(entered);
        candor::step("after", || ());
    });
    assert_eq!(captured.step("after").integer("parent_id"), 0);
    let of_inner = |line: &&Line| line.text("request_id") == "in";
    assert_eq!(captured.lines().iter().filter(of_inner).count(), 0);
}

#[test]
fn wrapped_futures_are_steps_of_the_target_steps() {
    use futures::FutureExt as _;
    let captured = capture();
    block_on(async {
        async { 7 }.map(|n| n + 1).timed("mapped").await;
        async { 7 }.in_context().timed("carried").await;
        async { 7 }.timed("inner").timed("twice").await;
    });
    for name in ["mapped", "carried", "twice", "inner"] {
        assert_eq!(captured.step(name).text("logger"), "steps", "{name}");
    }
}

#[test]
fn an_err_with_a_bracketed_type_parameter_is_recognised() {
    struct Odd<const C: char>;
    let captured = capture();
    let odd = candor::step("odd", || Err::<Odd<'<'>, std::fmt::Error>(std::fmt::Error));
    assert!(odd.is_err());
    assert_eq!(captured.step("odd").text("outcome"), "error");
}

#[test]
fn fields_recorded_inside_a_future_are_kept() {
    fn noted() -> u32 {
        candor::record("noted", true);
        7
    }
    #[step_timed(fields(n = noted()))]
    async fn work() {}
    let captured = capture();
    block_on(work());
    let line = captured.step("work");
    assert_eq!((line.integer("n"), line.boolean("noted")), (7, true));
}

#[test]
fn a_method_set_late_is_on_the_next_line() {
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let written = Written::default();
    let config = Config::new().format(candor::Format::Json).writer(written.clone());
    let subscriber = config.subscriber().expect("a configuration");
    tracing::subscriber::with_default(subscriber, || {
        let request = RequestContext::with_id("r");
        request.enter_with(|| candor::step("before", || ()));
        let request = request.with_method("PUT");
        request.enter_with(|| candor::step("after", || ()));
    });
    let text = String::from_utf8(written.0.lock().expect("no panic").clone()).expect("UTF-8");
    let methods: Vec<_> = text
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            line["method"].clone()
        })
        .collect();
    assert_eq!(methods, ["-", "PUT"]);
}
