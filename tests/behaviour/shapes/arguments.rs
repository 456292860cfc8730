//! The arguments of the attributes, on functions of several shapes.

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;
use std::thread::sleep;
use std::time::Duration;

use candor::dependency::Category;
use candor::policy::{clear, mask};
use candor::testing::capture;
use candor::{dependency_call, step_timed};
use futures::executor::block_on;
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use serde_json::json;

type Answer<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A future that is pending once.
async fn breathe() {
    let mut done = false;
    std::future::poll_fn(|context| {
        context.waker().wake_by_ref();
        if std::mem::replace(&mut done, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

struct Order {
    id: u64,
    sku: String,
}

impl Order {
    fn total(&self) -> u64 {
        self.id * 2
    }

    #[step_timed(fields(id = self.id, total = self.total(), sku = clear(&self.sku), left))]
    fn reserve(&self, left: u32) -> Answer<()> {
        Ok(())
    }

    #[step_timed(fields(id = self.id, total = self.total(), sku = clear(&self.sku), left))]
    async fn reserve_later(self, left: u32) -> Answer<()> {
        breathe().await;
        Ok(())
    }

    #[step_timed(fields(id = self.id, total = self.total(), sku = clear(&self.sku), left))]
    fn reserve_pinned(&self, left: u32) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(breathe())
    }
}

fn order() -> Order {
    Order { id: 7, sku: "sku-7".to_owned() }
}

#[test]
fn fields_are_evaluated_at_entry() {
    let captured = capture();
    order().reserve(3).expect("reserved");
    block_on(order().reserve_later(3)).expect("reserved");
    block_on(order().reserve_pinned(3));
    for step in ["reserve", "reserve_later", "reserve_pinned"] {
        let line = captured.step(step);
        assert_eq!(line.integer("id"), 7);
        assert_eq!(line.integer("total"), 14);
        assert_eq!(line.text("sku"), "sku-7");
        assert_eq!(line.integer("left"), 3);
    }
}

#[test]
fn fields_can_name_pattern_bindings() {
    #[step_timed(fields(a, b, c = _c))]
    fn now((a, _): (u32, u32), [b, ..]: [u32; 3], _c: u32) -> Answer<u32> {
        Ok(a + b)
    }
    #[step_timed(fields(a, b, c = _c))]
    async fn later((a, _): (u32, u32), [b, ..]: [u32; 3], _c: u32) -> Answer<u32> {
        breathe().await;
        Ok(a + b)
    }
    #[step_timed(fields(a, b, c = _c))]
    fn in_place((a, _): (u32, u32), [b, ..]: [u32; 3], _c: u32) -> u32 {
        a + b
    }
    let captured = capture();
    now((1, 2), [3, 4, 5], 6).expect("a sum");
    block_on(later((1, 2), [3, 4, 5], 6)).expect("a sum");
    in_place((1, 2), [3, 4, 5], 6);
    for step in ["now", "later", "in_place"] {
        let line = captured.step(step);
        assert_eq!([line.integer("a"), line.integer("b"), line.integer("c")], [1, 3, 6]);
    }
}

#[test]
fn a_policy_name_means_candors_unless_shadowed() {
    mod bare {
        #[candor::step_timed(fields(sku = clear(sku), card = mask(sku).first(2).last(2)))]
        pub(super) fn bare(sku: &str) {}
    }
    mod local {
        fn clear(_: &str) -> u32 {
            7
        }
        #[candor::step_timed(fields(sku = clear(sku)))]
        pub(super) fn local(sku: &str) {}
    }
    #[step_timed(fields(sku = clear(sku), card = mask(sku).last(4)))]
    fn imported(sku: &str) {}
    #[step_timed(fields(url, mask = url + 1))]
    fn variable(url: u32) {}
    let captured = capture();
    bare::bare("0123456789abcdef");
    local::local("0123456789abcdef");
    imported("0123456789abcdef");
    variable(1);
    assert_eq!(captured.step("variable").integer("mask"), 2);
    assert_eq!(captured.step("bare").text("sku"), "0123456789abcdef");
    assert_eq!(captured.step("bare").text("card"), "01****ef");
    assert_eq!(captured.step("local").integer("sku"), 7);
    assert_eq!(captured.step("imported").text("card"), "****cdef");
}

thread_local! {
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

fn count_call() -> u32 {
    CALLS.set(CALLS.get() + 1);
    CALLS.get()
}

#[test]
fn fields_are_evaluated_once_and_only_if_a_line_can_be_written() {
    #[step_timed(fields(count = count_call()))]
    fn now() -> Answer<()> {
        Ok(())
    }
    #[step_timed(fields(count = count_call()))]
    async fn later() -> Answer<()> {
        breathe().await;
        breathe().await;
        Ok(())
    }
    #[step_timed(fields(count = count_call()))]
    fn future() -> impl Future<Output = ()> {
        breathe()
    }
    let captured = capture();
    CALLS.set(0);
    let _ = now();
    let _ = block_on(later());
    block_on(future());
    assert_eq!(CALLS.get(), 3);
    drop(captured);
}

#[test]
fn the_return_value_can_be_logged() {
    #[step_timed(ret)]
    fn number() -> u32 {
        7
    }
    #[step_timed(ret)]
    fn result(fails: bool) -> Result<u64, fmt::Error> {
        if fails { Err(fmt::Error) } else { Ok(8) }
    }
    #[step_timed(ret = mask(last = 4))]
    async fn text() -> Answer<String> {
        breathe().await;
        Ok("0123456789abcdef".to_owned())
    }
    #[step_timed(ret)]
    #[track_caller]
    fn located() -> Result<u64, fmt::Error> {
        Ok(9)
    }
    #[step_timed(ret)]
    fn future() -> impl Future<Output = u32> {
        std::future::ready(10)
    }
    let captured = capture();
    number();
    let _ = result(false);
    let _ = block_on(text());
    let _ = located();
    block_on(future());
    assert_eq!(captured.step("number").integer("ret"), 7);
    assert_eq!(captured.step("result").integer("ret"), 8);
    assert_eq!(captured.step("text").text("ret"), "****cdef");
    assert_eq!(captured.step("located").integer("ret"), 9);
    assert_eq!(captured.step("future").integer("ret"), 10);
    captured.clear();
    let _ = result(true);
    assert!(!captured.step("result").has("ret"));
}

#[test]
fn name_level_and_target_arguments_are_applied() {
    #[step_timed("first", level = "debug", target = "shop")]
    fn positional() {}
    #[step_timed(name = "second", err = "error", slow = "60m")]
    async fn named(fails: bool) -> Result<(), fmt::Error> {
        if fails { Err(fmt::Error) } else { Ok(()) }
    }
    #[step_timed(slow = "1ms", level = "trace")]
    fn slow() {
        sleep(Duration::from_millis(3));
    }
    let captured = capture();
    positional();
    let line = captured.step("first");
    assert_eq!((line.text("level"), line.text("logger")), ("DEBUG", "shop"));
    let _ = block_on(named(false));
    assert_eq!(captured.step("second").text("level"), "DEBUG");
    captured.clear();
    let _ = block_on(named(true));
    assert_eq!(captured.step("second").text("level"), "ERROR");
    slow();
    assert_eq!(captured.step("slow").text("level"), "WARN");
}

#[test]
fn busy_is_the_time_inside_poll() {
    #[step_timed(busy)]
    async fn waits() {
        sleep(Duration::from_millis(4));
        breathe().await;
        sleep(Duration::from_millis(4));
    }
    let captured = capture();
    let mut future = Box::pin(waits());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
    sleep(Duration::from_millis(30));
    assert!(future.as_mut().poll(&mut context).is_ready());
    let line = captured.step("waits");
    let (busy, whole) = (line.number("busy_ms"), line.number("duration_ms"));
    assert!(busy >= 8.0 && busy < whole && whole >= 38.0, "{line:?}");
}

#[test]
fn a_call_reads_its_outcome_with_the_given_function() {
    struct Reply(u16);
    fn read(reply: &Reply) -> (Option<u16>, Option<Category>) {
        (Some(reply.0), None)
    }
    #[dependency_call("payments", outcome = read)]
    fn now(status: u16) -> Reply {
        Reply(status)
    }
    #[dependency_call("payments", outcome = read, url = format!("https://example.com/{status}?token=x"))]
    async fn later(status: u16) -> Reply {
        breathe().await;
        Reply(status)
    }
    let captured = capture();
    now(200);
    let line = captured.dependency("payments");
    assert_eq!((line.integer("status"), line.text("outcome")), (200, "ok"));
    captured.clear();
    block_on(later(503));
    let line = captured.dependency("payments");
    assert_eq!((line.integer("status"), line.text("outcome")), (503, "error"));
    assert_eq!(line.text("error"), "status");
    assert_eq!(line.text("url"), "https://example.com/503");
}

#[test]
fn an_impl_block_passes_its_arguments_to_its_methods() {
    struct Client;

    #[dependency_call("payments", level = "debug", target = "shop")]
    impl Client {
        fn charge(&self) {}
        #[dependency_call(operation = "give_back", level = "error")]
        fn refund(&self) {}
        #[dependency_call("stock")]
        async fn reserve(&self) {}
        #[dependency_call(skip)]
        fn skipped(&self) {}
        #[step_timed]
        fn step(&self) {}
    }

    let captured = capture();
    Client.charge();
    Client.refund();
    block_on(Client.reserve());
    Client.skipped();
    Client.step();
    let lines = captured.lines();
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            (line.text("msg"), line.get("operation"), line.text("level"), line.text("logger"))
        })
        .collect();
    assert_eq!(
        told,
        [
            ("dependency_call", Some(&json!("Client::charge")), "DEBUG", "shop"),
            ("dependency_call", Some(&json!("give_back")), "ERROR", "shop"),
            ("dependency_call", Some(&json!("Client::reserve")), "DEBUG", "shop"),
            ("step_timing", None, "INFO", module_path!()),
        ]
    );
}

#[test]
fn a_stream_is_timed_until_it_ends() {
    #[step_timed(fields(count))]
    fn items(count: u32) -> impl Stream<Item = u32> {
        stream::iter(0..count)
    }
    #[step_timed]
    fn boxed() -> BoxStream<'static, Result<u32, fmt::Error>> {
        stream::iter([Ok(1), Err(fmt::Error), Ok(2)]).boxed()
    }
    #[step_timed]
    fn pinned() -> Pin<Box<dyn Stream<Item = u32> + Send>> {
        Box::pin(stream::pending())
    }
    let captured = capture();
    drop(items(3));
    assert_eq!(captured.steps("items").len(), 0);
    assert_eq!(block_on(items(3).collect::<Vec<_>>()), [0, 1, 2]);
    let line = captured.step("items");
    assert_eq!((line.text("outcome"), line.integer("count")), ("ok", 3));
    captured.clear();
    block_on(items(3).next());
    assert_eq!(captured.step("items").text("outcome"), "cancelled");

    assert_eq!(block_on(boxed().count()), 3);
    let line = captured.step("boxed");
    assert_eq!((line.text("outcome"), line.text("error")), ("error", "Error"));
    assert!(line.text("error_detail").contains("error occurred"));

    let mut stream = pinned();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(stream.poll_next_unpin(&mut context).is_pending());
    drop(stream);
    assert_eq!(captured.step("pinned").text("outcome"), "cancelled");
}
