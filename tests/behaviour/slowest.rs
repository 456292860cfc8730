//! `slowest_step` is the step or call with the most time of its own.

use std::thread::{self, sleep};
use std::time::Duration;

use candor::context::{self, InContextExt as _};
use candor::testing::capture;
use candor::{dependency_call, job, step_timed};
use futures::executor::block_on;

const LONG: Duration = Duration::from_millis(90);
const SHORT: Duration = Duration::from_millis(5);

/// The slowest step of a job.
fn slowest(work: impl FnOnce()) -> String {
    let captured = capture();
    job("work").run(work);
    captured.line("job_completed").text("slowest_step").to_owned()
}

/// Whether this is the slowest step. Measured again if it is not, because a busy machine can suspend a thread for longer
/// than a step takes.
fn is_slowest(name: &str, work: impl Fn()) -> bool {
    (0..10).any(|_| slowest(&work) == name)
}

#[step_timed]
fn query() {
    sleep(SHORT);
}

#[step_timed]
fn login() {
    query();
    sleep(LONG);
}

#[step_timed]
async fn login_later() {
    query_later().await;
    sleep(LONG);
    query_later().await;
}

#[dependency_call("db")]
async fn query_later() {
    std::future::ready(()).await;
    sleep(SHORT);
}

#[test]
fn time_of_its_own_counts_although_a_step_has_others_inside() {
    assert_eq!(slowest(login), "login");
    assert_eq!(slowest(|| block_on(login_later())), "login_later");
    assert_eq!(slowest(|| candor::step("outer", login)), "login");
}

#[test]
fn the_time_of_the_steps_inside_does_not_count() {
    #[step_timed]
    fn outer() {
        sleep(SHORT);
        inner();
        middle();
    }
    #[step_timed]
    fn middle() {
        sleep(SHORT);
        inner();
        sleep(SHORT);
    }
    #[step_timed]
    fn inner() {
        sleep(LONG);
    }
    #[step_timed]
    async fn outer_later() {
        inner_later().await;
        inner();
    }
    #[dependency_call("payments")]
    async fn inner_later() {
        std::future::ready(()).await;
        sleep(LONG * 2);
    }
    assert_eq!(slowest(outer), "inner");
    assert_eq!(slowest(|| block_on(outer_later())), "inner_later");
}

/// The step that waits does not take the time itself.
#[test]
fn the_time_of_steps_on_other_threads_and_tasks_does_not_count_either() {
    #[step_timed]
    fn waits() {
        let work = context::carry(|| candor::step("carried", || sleep(LONG)));
        thread::spawn(work).join().expect("no panic");
    }
    #[step_timed]
    async fn waits_later() {
        let work = async { candor::step("spawned", || sleep(LONG)) }.in_context();
        thread::spawn(|| block_on(work)).join().expect("no panic");
    }
    #[step_timed]
    fn sends_on() {
        let inner = context::carry(|| context::carry(|| candor::step("far", || sleep(LONG))));
        thread::spawn(move || thread::spawn(inner()).join()).join().expect("no panic").expect("no");
    }
    assert!(is_slowest("carried", waits));
    assert!(is_slowest("spawned", || block_on(waits_later())));
    assert!(is_slowest("far", sends_on));
}

#[test]
fn steps_inside_that_run_at_the_same_time_leave_no_time_of_its_own() {
    #[step_timed]
    async fn both() {
        futures::join!(quick("one"), quick("two"), quick("three"));
    }
    async fn quick(name: &'static str) {
        use candor::prelude::TimedExt as _;
        async { sleep(SHORT) }.timed(name).await;
    }
    assert!((0..10).any(|_| slowest(|| block_on(both())) != "both"));
}

/// A cancelled future counts until it is dropped.
#[test]
fn a_step_that_is_dropped_counts() {
    #[step_timed]
    async fn never() {
        sleep(LONG);
        std::future::pending::<()>().await;
    }
    #[step_timed]
    fn drops() {
        let mut future = Box::pin(never());
        let waker = std::task::Waker::noop();
        let _ = future.as_mut().poll(&mut std::task::Context::from_waker(waker));
        sleep(SHORT);
    }
    assert_eq!(slowest(drops), "never");
}
