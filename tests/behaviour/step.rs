//! `#[step_timed]`: the line that it writes, and the function whose behaviour it preserves.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use candor::context::InContextExt as _;
use candor::testing::{Line, capture, capture_with};
use candor::{Config, RequestContext, step_timed};
use candor_tests::{check, checked, keys};
use futures::executor::block_on;
use serde_json::json;

/// Polls a future once and drops it.
fn abandon<F: Future>(future: F) {
    let mut future = pin!(future);
    let poll = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(poll.is_pending());
}

fn outcome(line: &Line) -> (&str, &str) {
    (line.text("outcome"), line.text("level"))
}

#[test]
fn a_step_is_named_after_its_function_and_module() {
    #[step_timed]
    fn reserve() {}

    #[step_timed("reserve stock")]
    fn short() {}

    #[step_timed(name = "charge", level = "debug", target = "shop")]
    fn long() {}

    #[step_timed]
    fn r#match() {}

    let captured = capture();
    reserve();
    short();
    long();
    r#match();
    checked(&captured);
    let line = captured.step("reserve");
    assert_eq!(line.text("msg"), "step_timing");
    assert_eq!(line.text("level"), "INFO");
    assert_eq!(line.text("logger"), module_path!());
    assert_eq!(line.text("outcome"), "ok");
    assert_eq!(line.text("logger"), captured.step("reserve stock").text("logger"));
    assert_eq!(captured.step("charge").text("level"), "DEBUG");
    assert_eq!(captured.step("charge").text("logger"), "shop");
    captured.step("match");
}

#[test]
fn durations_are_numbers_with_three_decimals() {
    #[step_timed]
    fn work() {
        std::thread::sleep(Duration::from_millis(2));
    }

    let captured = capture();
    RequestContext::new().enter_with(work);
    let line = captured.step("work");
    assert!(line.number("duration_ms") >= 2.0);
    assert!(line.number("offset_ms") >= 0.0);
    let (_, rest) = line.raw().split_once("\"duration_ms\":").expect("a duration");
    let digits =
        rest.split(',').next().and_then(|number| number.split_once('.')).expect("decimals");
    assert_eq!(digits.1.len(), 3, "{line:?}");
}

#[test]
fn fields_follow_candors_own_in_source_order() {
    #[step_timed(fields(second = 2, first = 1, sku = clear(sku), flag))]
    fn work(sku: &str, flag: bool) -> bool {
        !sku.is_empty() && flag
    }

    let captured = capture();
    RequestContext::new().enter_with(|| work("sku-7", true));
    let line = captured.step("work");
    assert_eq!(
        keys(line.raw())[9..],
        [
            "event",
            "step",
            "duration_ms",
            "outcome",
            "step_id",
            "parent_id",
            "offset_ms",
            "second",
            "first",
            "sku",
            "flag"
        ]
    );
    assert_eq!(line.text("sku"), "sku-7");
    assert!(line.boolean("flag"));
}

#[test]
fn fields_are_evaluated_once_at_entry() {
    static ASKED: AtomicU32 = AtomicU32::new(0);

    #[step_timed(fields(asked = ASKED.fetch_add(1, Ordering::SeqCst), items = items.len()))]
    fn work(items: &mut Vec<u8>) {
        items.clear();
    }

    let captured = capture();
    work(&mut vec![1, 2, 3]);
    assert_eq!(ASKED.load(Ordering::SeqCst), 1);
    assert_eq!(captured.step("work").integer("items"), 3);
}

#[test]
fn fields_that_panic_do_not_leak_into_the_next_step() {
    fn explode() -> u32 {
        std::panic::resume_unwind(Box::new("on purpose"))
    }
    #[step_timed(fields(first = 1, second = explode()))]
    fn broken() {}
    #[step_timed(fields(own = 2))]
    fn next() {}

    let captured = capture();
    next();
    catch_unwind(broken).expect_err("it panics");
    next();
    assert!(captured.steps("broken").is_empty());
    let last = &captured.steps("next")[1];
    assert_eq!((last.integer("own"), last.get("first")), (2, None));
}

#[test]
fn fields_are_not_evaluated_if_no_line_can_be_written() {
    static ASKED: AtomicU32 = AtomicU32::new(0);

    #[step_timed(target = "silenced", fields(asked = ASKED.fetch_add(1, Ordering::SeqCst)), ret)]
    fn work() -> u32 {
        7
    }

    let subscriber = Config::new().level("silenced=off").expect("a level").subscriber();
    let subscriber = subscriber.expect("a configuration");
    tracing::subscriber::with_default(subscriber, || assert_eq!(work(), 7));
    // The subscriber of another test can enable the call site; only then is `enabled` called.
    let asked = ASKED.load(Ordering::SeqCst);
    assert!(asked <= 1, "{asked}");
}

#[test]
fn policies_decide_what_fields_show() {
    #[step_timed(fields(
        card = mask(&card).last(4),
        mail = email(mail),
        link = url(link),
        note = scrub(note),
        gone = secret(note),
        password = 12345,
        maybe = clear(&None::<String>),
    ))]
    fn work(card: String, mail: &str, link: &str, note: &str) {}

    let captured = capture();
    work(
        "4111 1111 1111 1111".to_owned(),
        "ada@example.com",
        "https://u:canary-p@example.com/a?token=canary-q",
        "password=canary-r",
    );
    let line = captured.step("work");
    check(line.raw());
    assert_eq!(line.text("card"), "****1111");
    assert_eq!(line.text("mail"), "a***@example.com");
    assert_eq!(line.text("link"), "https://example.com/a");
    assert_eq!(line.text("gone"), "[REDACTED]");
    assert_eq!(line.text("password"), "[REDACTED]");
    assert!(line.is_null("maybe"));
    assert!(!line.raw().contains("canary") && !line.raw().contains("12345"), "{line:?}");
}

#[test]
fn ret_is_the_value_or_the_content_of_ok() {
    #[step_timed(ret)]
    fn plain() -> u32 {
        7
    }

    #[step_timed(ret)]
    fn fallible(good: bool) -> Result<Vec<u32>, std::io::Error> {
        if good { Ok(vec![1, 2]) } else { Err(std::io::ErrorKind::NotFound.into()) }
    }

    #[step_timed(ret = mask(last = 4))]
    fn masked() -> String {
        "4111111111111111".to_owned()
    }

    #[step_timed(ret = clear)]
    async fn shown() -> Result<String, fmt::Error> {
        Ok("visible".to_owned())
    }

    let captured = capture();
    plain();
    fallible(true).expect("good");
    fallible(false).expect_err("bad");
    masked();
    block_on(shown()).expect("good");
    checked(&captured);
    assert_eq!(captured.step("plain").integer("ret"), 7);
    assert_eq!(captured.steps("fallible")[0].get("ret"), Some(&json!([1, 2])));
    assert!(!captured.steps("fallible")[1].has("ret"));
    assert_eq!(captured.step("masked").text("ret"), "****1111");
    assert_eq!(captured.step("shown").text("ret"), "visible");
}

#[test]
fn an_error_is_a_warning_unless_err_sets_another_level() {
    #[step_timed]
    fn usual() -> Result<(), fmt::Error> {
        Err(fmt::Error)
    }

    #[step_timed(err = "error")]
    async fn grave() -> Result<(), fmt::Error> {
        Err(fmt::Error)
    }

    let captured = capture();
    usual().expect_err("fails");
    block_on(grave()).expect_err("fails");
    assert_eq!(outcome(&captured.step("usual")), ("error", "WARN"));
    assert_eq!(outcome(&captured.step("grave")), ("error", "ERROR"));
    assert_eq!(captured.step("usual").text("error"), "Error");
    assert!(captured.step("usual").text("error_detail").contains("error"));
}

#[test]
fn a_slow_step_is_a_warning_and_a_fast_one_is_debug() {
    #[step_timed(slow = "10m")]
    fn quick() {}

    #[step_timed(slow = "1us")]
    fn slow() {
        std::thread::sleep(Duration::from_millis(1));
    }

    #[step_timed(slow = "10m")]
    fn failing() -> Result<(), fmt::Error> {
        Err(fmt::Error)
    }

    let captured = capture();
    quick();
    slow();
    failing().expect_err("fails");
    assert_eq!(outcome(&captured.step("quick")), ("ok", "DEBUG"));
    assert_eq!(outcome(&captured.step("slow")), ("ok", "WARN"));
    assert_eq!(outcome(&captured.step("failing")), ("error", "WARN"));
}

#[test]
fn a_panic_is_logged_as_the_outcome() {
    #[step_timed]
    fn sync_unit() {
        panic!("gone")
    }

    #[step_timed]
    fn sync_typed(n: u32) -> u32 {
        assert!(n > 7, "too small");
        n
    }

    #[step_timed]
    async fn asynchronous() -> u32 {
        std::future::ready(()).await;
        panic!("gone")
    }

    let captured = capture();
    for work in [
        || sync_unit(),
        || {
            sync_typed(1);
        },
        || {
            block_on(asynchronous());
        },
    ] {
        catch_unwind(AssertUnwindSafe(work)).expect_err("a panic");
    }
    checked(&captured);
    for step in ["sync_unit", "sync_typed", "asynchronous"] {
        assert_eq!(outcome(&captured.step(step)), ("panicked", "ERROR"));
    }
}

#[test]
fn a_future_dropped_half_way_is_cancelled() {
    #[step_timed(fields(n = 1))]
    async fn waiting() {
        let _guard = Records;
        std::future::pending::<()>().await;
    }

    struct Records;
    impl Drop for Records {
        fn drop(&mut self) {
            candor::record("dropped", true);
        }
    }

    let captured = capture();
    RequestContext::with_id("r").enter_with(|| abandon(waiting()));
    let line = captured.step("waiting");
    assert_eq!(outcome(&line), ("cancelled", "INFO"));
    assert_eq!(line.text("request_id"), "r");
    assert_eq!(line.integer("n"), 1);
    assert!(line.boolean("dropped"));
}

#[test]
fn a_future_that_is_never_polled_writes_no_line() {
    #[step_timed]
    async fn never() {}

    let captured = capture();
    drop(never());
    assert!(captured.lines().is_empty());
}

#[test]
fn a_step_run_while_unwinding_is_not_panicked() {
    #[step_timed]
    fn cleanup() {}

    struct Cleans;
    impl Drop for Cleans {
        fn drop(&mut self) {
            cleanup();
        }
    }

    let captured = capture();
    catch_unwind(|| {
        let _cleans = Cleans;
        panic!("gone");
    })
    .expect_err("a panic");
    assert_eq!(outcome(&captured.step("cleanup")), ("ok", "INFO"));
}

mod errors {
    use super::*;

    type Aliased<T> = std::io::Result<T>;
    type Whole = Result<u8, Declined>;

    #[derive(Debug, thiserror::Error)]
    #[error("card declined, password=canary-1")]
    struct Declined {
        #[source]
        cause: std::num::ParseIntError,
    }

    struct Shown;

    impl fmt::Display for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("only shown, token=canary-2")
        }
    }

    struct Mute;

    struct Spoken;

    impl candor::Loggable for Spoken {
        fn log(&self, to: &mut candor::loggable::Encoder<'_>) {
            to.object("Spoken", |object| object.field("code", &42));
        }
    }

    impl fmt::Display for Spoken {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("canary-3")
        }
    }

    /// An error that borrows from the argument.
    #[derive(Debug)]
    struct Borrowed<'a>(&'a str);

    impl fmt::Display for Borrowed<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "unexpected {}", self.0)
        }
    }

    impl std::error::Error for Borrowed<'_> {}

    #[step_timed]
    fn with_source() -> Whole {
        "x".parse().map_err(|cause| Declined { cause })
    }

    #[step_timed]
    fn shown() -> Result<(), Shown> {
        Err(Shown)
    }

    #[step_timed]
    fn mute() -> Result<(), Mute> {
        Err(Mute)
    }

    #[step_timed]
    fn spoken() -> Result<(), Spoken> {
        Err(Spoken)
    }

    #[step_timed]
    fn boxed() -> Result<(), Box<dyn std::error::Error>> {
        "x".parse::<u8>()?;
        Ok(())
    }

    #[step_timed]
    async fn shared() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        "x".parse::<u8>()?;
        std::fs::read("/nowhere/at/all")?;
        Ok(())
    }

    #[step_timed]
    async fn anyhow_chain() -> anyhow::Result<u8> {
        let n: u8 = anyhow::Context::context("x".parse(), "reading the count")?;
        Ok(n)
    }

    #[step_timed]
    fn aliased() -> Aliased<()> {
        Err(std::io::Error::other("disk on fire"))
    }

    #[step_timed]
    fn borrowed(text: &str) -> Result<(), Borrowed<'_>> {
        Err(Borrowed(text))
    }

    #[step_timed]
    fn generic<E: std::error::Error>(error: E) -> Result<(), E> {
        Err(error)
    }

    #[step_timed]
    fn unknown<R>(value: R) -> R {
        value
    }

    #[test]
    fn every_kind_of_error_is_logged_with_its_type_and_text() {
        let captured = capture();
        with_source().expect_err("fails");
        assert!(shown().is_err() && mute().is_err() && spoken().is_err());
        boxed().expect_err("fails");
        block_on(shared()).expect_err("fails");
        block_on(anyhow_chain()).expect_err("fails");
        aliased().expect_err("fails");
        borrowed("token").expect_err("fails");
        generic(fmt::Error).expect_err("fails");
        let lines = checked(&captured);
        assert!(lines.iter().all(|line| line.text("outcome") == "error"));
        assert!(lines.iter().all(|line| !line.raw().contains("canary")), "{captured:?}");

        let line = captured.step("with_source");
        assert_eq!(line.text("error"), "Declined");
        let detail = line.text("error_detail");
        assert!(
            detail.starts_with("card declined")
                && detail.ends_with("invalid digit found in string")
        );
        assert_eq!(captured.step("shown").text("error"), "Shown");
        assert!(captured.step("shown").text("error_detail").starts_with("only shown"));
        assert_eq!(captured.step("mute").text("error"), "Mute");
        assert!(!captured.step("mute").has("error_detail"));
        assert_eq!(captured.step("spoken").text("error_detail"), "Spoken { code: 42 }");
        assert_eq!(captured.step("spoken").get("error_fields"), Some(&json!({ "code": 42 })));
        for step in ["boxed", "shared"] {
            assert_eq!(captured.step(step).text("error_detail"), "invalid digit found in string");
        }
        assert_eq!(
            captured.step("anyhow_chain").text("error_detail"),
            "reading the count: invalid digit found in string"
        );
        assert_eq!(captured.step("aliased").text("error_detail"), "disk on fire");
        assert_eq!(captured.step("borrowed").text("error_detail"), "unexpected token");
        assert_eq!(captured.step("generic").text("error"), "Error");
    }

    #[test]
    fn a_bare_type_parameter_is_ok() {
        let captured = capture();
        unknown(Err::<(), _>(fmt::Error)).expect_err("passed through");
        assert_eq!(captured.step("unknown").text("outcome"), "ok");
    }

    #[test]
    fn an_error_that_panics_in_display_is_unprintable() {
        struct Bad;
        impl fmt::Display for Bad {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("no")
            }
        }

        #[step_timed]
        fn bad() -> Result<(), Bad> {
            Err(Bad)
        }

        let captured = capture();
        assert!(bad().is_err());
        assert_eq!(captured.step("bad").text("error_detail"), "<unprintable>");
    }
}

mod tree {
    use super::*;

    fn ids(line: &Line) -> (i64, i64) {
        (line.integer("step_id"), line.integer("parent_id"))
    }

    #[test]
    fn nested_steps_are_a_tree() {
        #[step_timed]
        fn leaf() {}

        #[step_timed]
        async fn middle() {
            leaf();
            std::future::ready(()).await;
            leaf();
        }

        #[step_timed]
        async fn root() {
            middle().await;
            leaf();
        }

        let captured = capture();
        block_on(RequestContext::new().scope(async {
            root().await;
            leaf();
        }));
        assert_eq!(ids(&captured.step("root")), (1, 0));
        assert_eq!(ids(&captured.step("middle")), (2, 1));
        let leaves: Vec<_> = captured.steps("leaf").iter().map(ids).collect();
        assert_eq!(leaves, [(3, 2), (4, 2), (5, 1), (6, 0)]);
    }

    #[test]
    fn joined_futures_are_siblings() {
        #[step_timed]
        async fn inner(_n: u32) {}

        #[step_timed(fields(n))]
        async fn branch(n: u32) {
            tokio::task::yield_now().await;
            inner(n).await;
            tokio::task::yield_now().await;
        }

        #[step_timed]
        async fn root() {
            tokio::join!(branch(1), branch(2), branch(3));
        }

        let captured = capture();
        block_on(RequestContext::new().scope(root()));
        let branches = captured.steps("branch");
        assert_eq!(branches.len(), 3);
        let mut inner: Vec<_> =
            captured.steps("inner").iter().map(|line| line.integer("parent_id")).collect();
        let mut own: Vec<_> = branches.iter().map(|line| line.integer("step_id")).collect();
        inner.sort_unstable();
        own.sort_unstable();
        assert_eq!(inner, own);
        assert!(branches.iter().all(|line| line.integer("parent_id") == 1));
    }

    #[test]
    fn a_spawned_task_in_context_is_a_child_of_the_step_that_spawned_it() {
        #[step_timed]
        async fn child() {
            tokio::task::yield_now().await;
        }

        #[step_timed]
        async fn parent() {
            tokio::spawn(child().in_context()).await.expect("no panic");
        }

        let captured = capture();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
        runtime.expect("a runtime").block_on(RequestContext::with_id("r").scope(parent()));
        assert_eq!(ids(&captured.step("child")), (2, 1));
        assert_eq!(captured.step("child").text("request_id"), "r");
    }

    #[test]
    fn outside_a_request_a_step_has_no_parent() {
        #[step_timed]
        fn lonely() {}

        let captured = capture();
        lonely();
        let line = captured.step("lonely");
        for key in ["seq", "step_id", "parent_id", "offset_ms"] {
            assert!(!line.has(key), "{key}");
        }
    }
}

mod record {
    use super::*;

    #[test]
    fn a_recorded_field_is_on_the_line_of_the_innermost_step() {
        #[step_timed(fields(rows = 0))]
        fn inner() {
            candor::record("rows", 7);
            candor::record("rows", 8);
            candor::record("status", 9);
            candor::record("step", 10);
            candor::record("level", 11);
            candor::record("api_key", 12);
            candor::record("list", vec![1, 2]);
        }

        #[step_timed]
        fn outer() {
            candor::record("before", 1);
            inner();
            candor::record("after", 2);
        }

        let captured = capture();
        candor::record("nowhere", 1);
        outer();
        candor::record("nowhere", 1);
        checked(&captured);
        let line = captured.step("inner");
        assert_eq!(line.integer("rows"), 8);
        assert_eq!(line.integer("status_"), 9);
        assert_eq!(line.text("step"), "inner");
        assert_eq!(line.integer("step_"), 10);
        assert_eq!(line.integer("level_"), 11);
        assert_eq!(line.text("api_key"), "[REDACTED]");
        assert_eq!(line.get("list"), Some(&json!([1, 2])));
        assert!(!line.has("before") && !line.has("after"));
        let line = captured.step("outer");
        assert_eq!((line.integer("before"), line.integer("after")), (1, 2));
        assert!(!captured.lines().iter().any(|line| line.has("nowhere")));
    }

    #[test]
    fn fields_recorded_before_a_panic_or_cancellation_are_kept() {
        #[step_timed]
        fn panics() {
            candor::record("so_far", 1);
            panic!("gone");
        }

        #[step_timed]
        async fn waits() {
            candor::record("so_far", 2);
            std::future::pending::<()>().await;
        }

        let captured = capture();
        catch_unwind(panics).expect_err("a panic");
        abandon(waits());
        assert_eq!(captured.step("panics").integer("so_far"), 1);
        assert_eq!(captured.step("waits").integer("so_far"), 2);
    }

    #[test]
    fn a_value_that_panics_or_records_while_recorded_is_handled() {
        struct Panics;
        impl candor::Loggable for Panics {
            fn log(&self, _: &mut candor::loggable::Encoder<'_>) {
                panic!("no")
            }
        }

        struct Records;
        impl candor::Loggable for Records {
            fn log(&self, to: &mut candor::loggable::Encoder<'_>) {
                candor::record("inner", 1);
                to.u64(2);
            }
        }

        #[step_timed(fields(entry = Panics))]
        fn work() {
            candor::record("bad", Panics);
            candor::record("outer", Records);
            candor::context::set("set", Panics);
            candor::context::set_user(Panics);
        }

        let captured = capture();
        RequestContext::new().enter_with(work);
        let line = captured.step("work");
        check(line.raw());
        assert_eq!(line.text("entry"), "<unprintable>");
        assert_eq!(line.text("bad"), "<unprintable>");
        assert_eq!((line.integer("inner"), line.integer("outer")), (1, 2));
        assert_eq!(line.text("set"), "<unprintable>");
    }
}

/// Functions of every shape, which must compile, return the same value and write a line.
mod shapes {
    use super::*;

    struct Store {
        items: Vec<String>,
        count: u32,
    }

    impl Store {
        #[step_timed]
        fn by_ref(&self) -> &str {
            self.items.first().map_or("", |item| item)
        }

        #[step_timed]
        fn by_mut(&mut self) -> &mut String {
            self.count += 1;
            &mut self.items[0]
        }

        #[step_timed]
        fn by_value(self) -> Vec<String> {
            self.items
        }

        #[step_timed]
        async fn async_mut(&mut self, more: &str) -> &mut Vec<String> {
            self.items.push(more.to_owned());
            &mut self.items
        }

        #[step_timed]
        fn boxed(self: Box<Self>) -> u32 {
            self.count
        }

        #[step_timed]
        fn of_self() -> Self {
            Self { items: vec!["a".to_owned()], count: 0 }
        }

        #[step_timed]
        fn mutable(mut self, by: u32) -> Self {
            self.count += by;
            self
        }
    }

    trait Greets {
        fn name(&self) -> String;

        #[step_timed]
        fn greet(&self) -> String {
            format!("hello {}", self.name())
        }

        #[step_timed]
        async fn greet_later(&self) -> Result<String, fmt::Error>
        where
            Self: Sized,
        {
            Ok(self.greet())
        }
    }

    impl Greets for u8 {
        #[step_timed("u8 name")]
        fn name(&self) -> String {
            self.to_string()
        }
    }

    #[async_trait::async_trait]
    trait Later: Send + Sync {
        async fn later<T: Into<u64> + Send>(&self, n: T) -> Result<u64, fmt::Error>
        where
            Self: Sized;
        async fn dynamic(&self, text: &str) -> Result<usize, fmt::Error>;
    }

    #[async_trait::async_trait]
    impl Later for Store {
        #[step_timed]
        async fn later<T: Into<u64> + Send>(&self, n: T) -> Result<u64, fmt::Error> {
            Ok(n.into() + u64::from(self.count))
        }

        #[step_timed]
        async fn dynamic(&self, text: &str) -> Result<usize, fmt::Error> {
            tokio::task::yield_now().await;
            Ok(text.len() + Self::of_self().items.len())
        }
    }

    #[test]
    fn methods() {
        let captured = capture();
        let mut store = Store::of_self();
        assert_eq!(store.by_ref(), "a");
        store.by_mut().push('b');
        assert_eq!(block_on(store.async_mut("c")).len(), 2);
        assert_eq!(block_on(store.later(3_u32)), Ok(4));
        assert_eq!(block_on(store.dynamic("xyz")), Ok(4));
        let store = store.mutable(4);
        assert_eq!(Box::new(Store { items: Vec::new(), ..store }).boxed(), 5);
        assert_eq!(Store::of_self().by_value(), ["a"]);
        assert_eq!(block_on(7_u8.greet_later()).expect("good"), "hello 7");
        for step in [
            "by_ref",
            "by_mut",
            "by_value",
            "async_mut",
            "boxed",
            "mutable",
            "greet",
            "greet_later",
            "u8 name",
            "later",
            "dynamic",
        ] {
            assert_eq!(captured.step(step).text("outcome"), "ok");
        }
    }

    #[step_timed]
    fn patterns(
        (a, b): (u32, u32),
        [c, ..]: [u32; 3],
        &d: &u32,
        _: u32,
        _unused: u32,
        mut e: u32,
    ) -> u32 {
        e += 1;
        a + b + c + d + e
    }

    #[step_timed]
    #[allow(clippy::toplevel_ref_arg, reason = "the shape under test")]
    async fn async_patterns(
        (a, b): (u32, &mut u32),
        Pair { left, .. }: Pair,
        ref c: String,
    ) -> u32 {
        *b += 1;
        a + *b + left + u32::try_from(c.len()).unwrap_or(0)
    }

    struct Pair {
        left: u32,
        #[expect(dead_code, reason = "a pattern leaves it out")]
        right: u32,
    }

    #[step_timed]
    fn generic<T, const N: usize>(items: [T; N]) -> Vec<String>
    where
        T: Into<String> + Clone,
    {
        items.into_iter().map(Into::into).collect()
    }

    #[step_timed]
    fn longest<'a>(one: &'a str, two: &'a str) -> &'a str {
        if one.len() > two.len() { one } else { two }
    }

    #[step_timed]
    async fn async_longest<'a, 'b: 'a>(one: &'a str, two: &'b str) -> Result<&'a str, fmt::Error> {
        Ok(if one.len() > two.len() { one } else { two })
    }

    #[step_timed]
    fn takes_impl(work: impl FnOnce() -> u32, items: impl IntoIterator<Item = u32>) -> u32 {
        work() + items.into_iter().sum::<u32>()
    }

    #[step_timed]
    fn gives_impl(n: u32) -> impl Iterator<Item = u32> + Clone {
        (0..n).map(|n| n * 2)
    }

    #[step_timed]
    fn gives_impl_in_result(
        n: &str,
    ) -> Result<impl Iterator<Item = u32>, Box<dyn std::error::Error>> {
        let n: u32 = n.parse()?;
        std::str::from_utf8(b"ok")?;
        Ok(0..n)
    }

    #[step_timed]
    async fn async_impl_in_result(
        n: &str,
    ) -> Result<impl Iterator<Item = u32>, Box<dyn std::error::Error>> {
        let n: u32 = n.parse()?;
        std::str::from_utf8(b"ok")?;
        Ok(0..n)
    }

    #[step_timed]
    async fn async_impl() -> impl fmt::Display {
        "shown"
    }

    #[step_timed]
    fn boxed_closure(n: u32) -> Box<dyn Fn(u32) -> u32> {
        Box::new(move |m| n + m)
    }

    #[step_timed]
    fn recursive(n: u32) -> u32 {
        if n == 0 { 0 } else { 1 + recursive(n - 1) }
    }

    #[step_timed]
    fn early(n: u32) -> Option<u32> {
        if n > 3 {
            return None;
        }
        let half = n.checked_sub(1)?;
        Some(half)
    }

    #[step_timed]
    async fn async_early(n: u32) -> Result<u32, std::num::TryFromIntError> {
        if n > 300 {
            return Ok(0);
        }
        let n: u8 = n.try_into()?;
        Ok(n.into())
    }

    #[step_timed]
    async fn mixed_errors(text: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        text.parse::<u8>()?;
        std::str::from_utf8(text.as_bytes())?;
        Err("by hand")?;
        Ok(())
    }

    #[step_timed]
    async fn ok_of_unit() -> Result<(), fmt::Error> {
        Ok(())
    }

    #[step_timed]
    fn diverges() -> ! {
        panic!("gone")
    }

    #[step_timed]
    async fn async_diverges() -> ! {
        panic!("gone")
    }

    #[step_timed]
    fn typed_but_diverges(n: u32) -> u32 {
        unimplemented!("for {n}")
    }

    #[step_timed]
    async fn async_typed_but_diverges() -> String {
        loop {
            assert!(std::hint::black_box(false), "gone");
        }
    }

    #[step_timed]
    #[expect(unsafe_code, reason = "the shape under test")]
    unsafe fn dangerous(at: *const u32) -> u32 {
        // SAFETY: the caller guarantees that `at` is valid for reads.
        unsafe { *at }
    }

    #[step_timed]
    pub(super) extern "C" fn foreign(n: u32) -> u32 {
        n
    }

    /// A documented step.
    #[step_timed]
    #[must_use]
    #[inline]
    #[doc(alias = "other")]
    pub(super) fn attributed() -> u32 {
        #![allow(clippy::needless_return)]
        return 7;
    }

    #[step_timed]
    async fn inner_attributes() -> u32 {
        #![allow(clippy::needless_return)]
        return 7;
    }

    #[step_timed]
    fn inner_attributes_unit() {
        #![allow(clippy::needless_return)]
        return;
    }

    #[step_timed]
    fn coerced(text: bool) -> Box<dyn fmt::Display> {
        if text {
            return Box::new("text");
        }
        Box::new(7)
    }

    #[step_timed]
    async fn async_coerced(text: bool) -> Box<dyn fmt::Display> {
        if text {
            return Box::new("text");
        }
        Box::new(7)
    }

    #[step_timed]
    async fn infers() -> Vec<u64> {
        "1,2".split(',').map(|part| part.parse().unwrap_or(0)).collect()
    }

    #[step_timed]
    fn higher_ranked<F>(work: F) -> usize
    where
        F: for<'a> Fn(&'a str) -> &'a str,
    {
        work("abc").len()
    }

    static FIVE: u32 = 5;

    #[test]
    #[expect(unsafe_code, reason = "the shape under test")]
    fn functions() {
        let captured = capture();
        assert_eq!(patterns((1, 2), [3, 0, 0], &4, 5, 6, 7), 18);
        let pair = Pair { left: 3, right: 4 };
        assert_eq!(block_on(async_patterns((1, &mut 2), pair, "c".to_owned())), 8);
        assert_eq!(generic(["a", "b"]), ["a", "b"]);
        assert_eq!(longest("ab", "c"), "ab");
        assert_eq!(block_on(async_longest("ab", "c")), Ok("ab"));
        assert_eq!(takes_impl(|| 1, [2, 3]), 6);
        assert_eq!(gives_impl(3).clone().sum::<u32>(), 6);
        assert_eq!(gives_impl_in_result("3").expect("good").sum::<u32>(), 3);
        assert_eq!(block_on(async_impl_in_result("3")).expect("good").sum::<u32>(), 3);
        assert_eq!(block_on(async_impl()).to_string(), "shown");
        assert_eq!(boxed_closure(1)(2), 3);
        assert_eq!(recursive(3), 3);
        assert_eq!((early(9), early(0), early(3)), (None, None, Some(2)));
        assert_eq!(block_on(async_early(7)), Ok(7));
        block_on(async_early(299)).expect_err("too large");
        block_on(mixed_errors("7")).expect_err("by hand");
        block_on(ok_of_unit()).expect("good");
        catch_unwind(|| diverges()).expect_err("a panic");
        catch_unwind(|| block_on(async_diverges())).expect_err("a panic");
        catch_unwind(|| typed_but_diverges(1)).expect_err("a panic");
        catch_unwind(|| block_on(async_typed_but_diverges())).expect_err("a panic");
        // SAFETY: the pointer comes from a reference to a live value.
        assert_eq!(unsafe { dangerous(&raw const FIVE) }, 5);
        assert_eq!(foreign(6) + attributed() + block_on(inner_attributes()), 20);
        inner_attributes_unit();
        assert_eq!(
            coerced(true).to_string() + &block_on(async_coerced(false)).to_string(),
            "text7"
        );
        assert_eq!(block_on(infers()), [1, 2]);
        assert_eq!(higher_ranked(|text| text), 3);
        checked(&captured);
        assert_eq!(captured.steps("recursive").len(), 4);
        assert_eq!(captured.step("mixed_errors").text("error_detail"), "by hand");
        assert_eq!(captured.steps("async_early")[1].text("outcome"), "error");
        for step in ["diverges", "async_diverges", "typed_but_diverges", "async_typed_but_diverges"]
        {
            assert_eq!(captured.step(step).text("outcome"), "panicked");
        }
    }

    #[test]
    fn futures_stay_send_and_static() {
        fn is_send<T: Send + 'static>(_: &T) {}

        #[step_timed(fields(n), ret)]
        async fn work(n: u32) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
            tokio::task::yield_now().await;
            Ok(n)
        }

        is_send(&work(1));
    }

    #[test]
    fn track_caller_keeps_working() {
        #[step_timed]
        #[track_caller]
        fn unit(seen: &mut u32) {
            *seen = std::panic::Location::caller().line();
        }

        #[step_timed]
        #[track_caller]
        fn typed() -> u32 {
            std::panic::Location::caller().line()
        }

        let mut seen = 0;
        unit(&mut seen);
        assert_eq!(seen, line!() - 1);
        assert_eq!(typed(), line!());
    }

    #[test]
    fn arguments_are_dropped_in_the_order_of_the_plain_function() {
        struct Noisy<'a>(&'static str, &'a Mutex<Vec<&'static str>>);
        impl Drop for Noisy<'_> {
            fn drop(&mut self) {
                self.1.lock().expect("no panic").push(self.0);
            }
        }

        macro_rules! compared {
            ($($attribute:tt)*) => {{
                $($attribute)*
                fn unit(a: Noisy<'_>, b: Noisy<'_>, _: Noisy<'_>, d: Noisy<'_>) {
                    let local = Noisy("local", a.1);
                    let _ = (&b, &local);
                    drop(d);
                }

                $($attribute)*
                fn typed(a: Noisy<'_>, b: Noisy<'_>, _: Noisy<'_>, d: Noisy<'_>) -> u32 {
                    let local = Noisy("local", b.1);
                    let _ = (&a, &local);
                    drop(d);
                    7
                }

                $($attribute)*
                async fn later(a: Noisy<'_>, b: Noisy<'_>, _: Noisy<'_>, d: Noisy<'_>) -> u32 {
                    let local = Noisy("local", b.1);
                    let _ = (&a, &local);
                    drop(d);
                    7
                }

                let seen = Mutex::new(Vec::new());
                let noisy = |name| Noisy(name, &seen);
                unit(noisy("a"), noisy("b"), noisy("c"), noisy("d"));
                typed(noisy("a"), noisy("b"), noisy("c"), noisy("d"));
                block_on(later(noisy("a"), noisy("b"), noisy("c"), noisy("d")));
                seen.into_inner().expect("no panic")
            }};
        }

        let plain = compared!();
        let timed = compared!(#[step_timed]);
        assert_eq!(timed, plain);
    }
}

/// Names of the prelude and of candor's output, shadowed by the user.
mod shadowed {
    #![allow(
        dead_code,
        non_camel_case_types,
        non_snake_case,
        unused_macros,
        clippy::all,
        clippy::pedantic,
        reason = "shadows"
    )]

    mod core {}
    mod std {}
    mod tracing {}
    mod candor {}

    struct Option;
    struct Result;
    struct Box;
    struct String;
    struct Some;
    struct None;
    fn Ok() {}
    fn Err() {}
    fn drop() {}
    fn clear(_: &str) -> u8 {
        0
    }
    trait Loggable {}
    trait Future {}
    macro_rules! module_path {
        () => {
            7
        };
    }

    #[::candor::step_timed("shadowed", fields(shown = clear(text), n), ret)]
    fn work(text: &str, n: u32) -> ::core::result::Result<u32, ::std::fmt::Error> {
        ::core::result::Result::Ok(n)
    }

    #[::candor::step_timed("shadowed async", fields(shown = clear(text), n), ret = clear)]
    async fn later(text: &str, n: u32) -> u32 {
        n
    }

    #[test]
    fn the_expansion_ignores_shadowed_names() {
        let captured = ::candor::testing::capture();
        ::core::assert!(work("text", 7).is_ok());
        ::futures::executor::block_on(later("text", 7));
        for step in ["shadowed", "shadowed async"] {
            let line = captured.step(step);
            // A function in scope with the name of a policy takes precedence.
            ::core::assert_eq!(line.integer("shown"), 0);
            ::core::assert_eq!(line.integer("ret"), 7);
        }
    }
}

/// `crate = …` sets the path candor is re-exported from.
mod renamed {
    mod inner {
        pub(crate) use candor as telemetry;
    }

    #[inner::telemetry::step_timed("renamed", crate = inner::telemetry, fields(text = clear(text)), ret = clear)]
    fn work(text: &str) -> u32 {
        7
    }

    #[test]
    fn candor_can_be_re_exported() {
        let captured = candor::testing::capture();
        work("text");
        assert_eq!(captured.step("renamed").text("text"), "text");
    }
}

#[test]
fn level_filters_apply_to_the_outcome_level_of_a_step() {
    #[step_timed(level = "trace")]
    fn fine(fails: bool) -> Result<(), fmt::Error> {
        if fails { Err(fmt::Error) } else { Ok(()) }
    }

    let config = Config::new().level("warn").expect("a level");
    let captured = capture_with(config).expect("a configuration");
    fine(false).expect("good");
    fine(true).expect_err("bad");
    assert_eq!(captured.lines().len(), 1);
    assert_eq!(captured.step("fine").text("outcome"), "error");
}

#[test]
fn an_argument_named_clear_does_not_shadow_the_policy() {
    #[step_timed(fields(clear, shown = clear(text)))]
    fn work(clear: u32, text: &str) -> u32 {
        clear
    }

    let captured = capture();
    assert_eq!(work(3, "text"), 3);
    let line = captured.step("work");
    assert_eq!(line.integer("clear"), 3);
    assert_eq!(line.text("shown"), "text");
}

/// An attribute must not add lints to the user's crate.
mod lints {
    #![deny(warnings, clippy::all, clippy::pedantic, clippy::nursery, reason = "the subject")]

    use candor::{dependency_call, step_timed};
    use futures::executor::block_on;

    #[step_timed(fields(n, twice = n * 2, shown = clear(text), list = vec![n]), ret)]
    fn typed(n: u32, text: &str) -> Result<u32, std::fmt::Error> {
        if text.is_empty() {
            return Err(std::fmt::Error);
        }
        Ok(n)
    }

    #[step_timed(slow = "1s", fields(text = mask(&text).last(4)))]
    fn unit(_guard: &str, text: String) {
        drop(text);
    }

    #[step_timed]
    async fn later(_guard: String, n: u32) -> Result<(), Box<dyn std::error::Error>> {
        std::future::ready(()).await;
        u8::try_from(n)?;
        Ok(())
    }

    #[dependency_call("payments", url = format!("https://{host}/"), ret = clear)]
    async fn call(host: &str) -> std::io::Result<String> {
        std::future::ready(Ok(host.to_owned())).await
    }

    #[test]
    fn an_annotated_function_adds_no_lint() {
        let captured = candor::testing::capture();
        typed(1, "text").expect("good");
        unit("guard", "text".to_owned());
        block_on(later(String::new(), 7)).expect("good");
        block_on(call("a.example")).expect("good");
        assert_eq!(captured.lines().len(), 4);
    }
}
