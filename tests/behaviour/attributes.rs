//! The arguments of the attributes: those of `#[instrument]`, and fields of every form.

use std::collections::HashMap;
use std::fmt;
use std::io;

use candor::testing::capture;
use candor::{RequestContext, context, dependency_call, policy, record, redact, step_timed};
use candor_tests::checked;
use futures::executor::block_on;
use serde_json::json;
use tracing::Level;
use tracing::field::Empty;

const NAME: &str = "named by a constant";
const TARGET: &str = "target::of::a::constant";
const KEY: &str = "key.of.a constant";

#[test]
fn the_arguments_of_instrument_work() {
    #[step_timed(skip(card), err)]
    fn skips(card: &str) -> Result<usize, fmt::Error> {
        Ok(card.len())
    }

    #[step_timed(skip_all, err(Debug), ret(Display))]
    async fn skips_all(_card: String) -> Result<u32, fmt::Error> {
        Ok(7)
    }

    #[step_timed(ret(Debug), level = Level::DEBUG, err(level = Level::ERROR))]
    fn with_levels() -> Result<u32, fmt::Error> {
        Err(fmt::Error)
    }

    #[step_timed(level = 2, err(Display, level = "info"))]
    fn with_a_number() -> Result<(), fmt::Error> {
        Err(fmt::Error)
    }

    #[step_timed(level = Level::WARN, ret)]
    fn with_a_path() -> u8 {
        3
    }

    #[step_timed(name = NAME, target = TARGET)]
    fn with_constants() {}

    #[dependency_call(dependency = concat!("pay", "ments"), operation = NAME, method = concat!("P", "UT"), err = "warn")]
    fn called() -> io::Result<()> {
        Err(io::ErrorKind::TimedOut.into())
    }

    let captured = capture();
    skips("4242").expect("is good");
    block_on(skips_all("4242".to_owned())).expect("is good");
    with_levels().expect_err("fails");
    with_a_number().expect_err("fails");
    with_a_path();
    with_constants();
    called().expect_err("fails");
    checked(&captured);
    assert!(!captured.step("skips").raw().contains("4242"));
    assert_eq!(captured.step("skips_all").integer("ret"), 7);
    assert_eq!(captured.step("with_levels").text("level"), "ERROR");
    assert_eq!(captured.step("with_a_number").text("level"), "INFO");
    assert_eq!(captured.step("with_a_path").text("level"), "WARN");
    assert_eq!(captured.step(NAME).text("logger"), TARGET);
    let call = captured.dependency("payments");
    assert_eq!((call.text("operation"), call.text("dependency_method")), (NAME, "PUT"));
    assert_eq!(call.text("level"), "WARN");
}

struct User {
    id: u32,
    name: String,
}

#[test]
fn a_field_has_a_name_of_any_form() {
    #[step_timed(fields(user.id = user.id, "user name" = clear(&user.name), { KEY } = 3, r#type = 4, user.id2 = 5))]
    fn step(user: &User) {}

    #[step_timed(fields(user.id))]
    async fn shorthand(user: &User) {}

    let captured = capture();
    let user = User { id: 7, name: "Ada".to_owned() };
    step(&user);
    block_on(shorthand(&user));
    candor::info!(user.id = user.id, "user name" = clear(&user.name), { KEY } = 3, "event");
    candor::info!({ user.id = 7, { KEY } = 3 }, "braces");
    checked(&captured);
    for line in [captured.step("step"), captured.line("event")] {
        assert_eq!((line.integer("user.id"), line.integer(KEY)), (7, 3));
        assert_eq!(line.text("user name"), "Ada");
    }
    assert_eq!(captured.step("step").integer("type"), 4);
    assert_eq!(captured.step("shorthand").integer("user.id"), 7);
    assert_eq!(captured.line("braces").integer(KEY), 3);
}

#[test]
fn a_constant_name_follows_the_key_rule() {
    const SECRET: &str = "api_key";

    #[step_timed(fields({ SECRET } = 42))]
    fn step() {}

    let captured = capture();
    step();
    candor::info!({ SECRET } = 42, "event");
    assert_eq!(captured.step("step").text(SECRET), "[REDACTED]");
    assert_eq!(captured.line("event").text(SECRET), "[REDACTED]");
}

#[test]
fn sigils_have_no_effect_on_loggable_values_and_errors() {
    #[step_timed(fields(%rows, ?flag, pages = %rows, cause = ?error, %error))]
    fn step(rows: u32, flag: bool, error: &io::Error) {}

    let captured = capture();
    step(7, true, &io::ErrorKind::TimedOut.into());
    let line = captured.step("step");
    assert_eq!((line.integer("rows"), line.integer("pages")), (7, 7));
    assert!(line.boolean("flag"));
    assert_eq!((line.text("cause"), line.text("error")), ("timeout", "timeout"));
    checked(&captured);
}

#[test]
fn a_field_without_a_value_is_declared_and_filled_later() {
    #[step_timed(fields(rows, total = Empty, sum = tracing::field::Empty, order_id))]
    #[expect(unused_qualifications, reason = "both paths are accepted")]
    fn load(order_id: u32) {
        record("rows", 3);
        record("total", 9);
    }

    #[step_timed(fields(rows, found = candor_empty::Empty))]
    fn never_filled() {}

    mod candor_empty {
        pub(super) mod field {}
        #[derive(Clone, Copy)]
        pub(super) struct NotThatOne;
        impl candor::Loggable for NotThatOne {
            fn log(&self, to: &mut candor::loggable::Encoder<'_>) {
                to.u64(1);
            }
        }
        #[expect(non_upper_case_globals, reason = "it looks like tracing's")]
        pub(super) const Empty: NotThatOne = NotThatOne;
    }

    let captured = capture();
    load(7);
    never_filled();
    let line = captured.step("load");
    assert_eq!((line.integer("order_id"), line.integer("rows"), line.integer("total")), (7, 3, 9));
    assert!(!line.has("sum"));
    let line = captured.step("never_filled");
    assert_eq!((line.has("rows"), line.integer("found")), (false, 1));
    checked(&captured);
}

#[redact]
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Kind {
    Guest,
    Member,
}

#[test]
fn literal_text_and_enums_without_fields_need_no_policy() {
    #[step_timed(fields(kind = "guest", version = env!("CARGO_PKG_VERSION"), both = concat!("a", 1), role), ret)]
    fn step(role: Kind) -> Kind {
        record("kind_recorded", role);
        Kind::Member
    }

    let captured = capture();
    step(Kind::Guest);
    let counts = HashMap::from([(Kind::Guest, 2)]);
    let role = Kind::Member;
    candor::info!(kind = "guest", role, counts, all = [Kind::Guest], "a {} and a {role}", "guest");
    context::set("kind", Kind::Guest);
    checked(&captured);
    let line = captured.step("step");
    assert_eq!((line.text("kind"), line.text("both")), ("guest", "a1"));
    assert_eq!(line.text("version"), env!("CARGO_PKG_VERSION"));
    assert_eq!((line.text("role"), line.text("ret")), ("Guest", "Member"));
    assert_eq!(line.text("kind_recorded"), "Guest");
    let line = captured.line("a guest and a Member");
    assert_eq!((line.text("kind"), line.text("role")), ("guest", "Member"));
    assert_eq!(line.get("counts"), Some(&json!({ "Guest": 2 })));
    assert_eq!(line.get("all"), Some(&json!(["Guest"])));
}

#[test]
fn a_policy_has_one_grammar() {
    #[redact]
    struct Payment {
        #[redact(mask(last = 4))]
        card: String,
        #[redact(clear, reason = "it names a public key")]
        key_id: String,
    }

    #[step_timed(
        fields(
            card = mask(card, last = 4),
            both = mask(card, first = 2, last = 2),
            chained = mask(card).last(4),
            api_key = clear(key_id, reason = "it names a public key"),
            listed = [mask(card, last = 4)],
        ),
        ret = mask(last = 4)
    )]
    fn step(card: &str, key_id: &str) -> String {
        card.to_owned()
    }

    #[step_timed(ret(mask(last = 4)))]
    fn in_parentheses(card: &str) -> &str {
        card
    }

    let captured = capture();
    let (card, key_id) = ("4242424242424242", "k-1");
    step(card, key_id);
    in_parentheses(card);
    let payment = Payment { card: card.to_owned(), key_id: key_id.to_owned() };
    candor::info!(
        card = mask(card, last = 4),
        api_key = clear(key_id, reason = "public"),
        payment,
        "event"
    );
    candor::info!("paid with {}", mask(card, last = 4));
    checked(&captured);
    let line = captured.step("step");
    for key in ["card", "chained", "ret"] {
        assert_eq!(line.text(key), "****4242", "{key}");
    }
    assert_eq!((line.text("both"), line.text("api_key")), ("42****42", "k-1"));
    assert_eq!(line.get("listed"), Some(&json!(["****4242"])));
    assert_eq!(captured.step("in_parentheses").text("ret"), "****4242");
    let line = captured.line("event");
    assert_eq!((line.text("card"), line.text("api_key")), ("****4242", "k-1"));
    assert_eq!(line.get("payment"), Some(&json!({ "card": "****4242", "key_id": "k-1" })));
    captured.line("paid with ****4242");
    let _ = policy::mask(card).first(2);
}

#[test]
fn a_function_of_the_users_with_the_name_of_a_policy_takes_precedence() {
    let captured = capture();
    candor::info!(at = outer::mask("abc"), with_two = outer::url("ab", 1), "own");
    outer::write("abc");
    assert_eq!(captured.line("own").integer("at"), 3);
    assert_eq!(captured.line("own").integer("with_two"), 3);
    let line = captured.line("in its module");
    assert_eq!((line.integer("at"), line.integer("with_two")), (3, 4));
}

mod outer {
    pub(super) fn mask(text: &str) -> usize {
        text.len()
    }

    pub(super) fn url(host: &str, port: usize) -> usize {
        host.len() + port
    }

    pub(super) fn write(text: &str) {
        candor::info!(at = mask(text), with_two = url(text, 1), "in its module");
    }
}

#[test]
fn context_puts_a_field_on_every_line_inside_a_step() {
    #[step_timed(fields(own = 1), context(order_id = order, tenant = clear("acme")))]
    fn outer(order: u32) {
        candor::info!("inside");
        tracing::info!("of another crate");
        log::info!("of the log crate");
        inner(2);
        block_on(asked());
    }

    #[step_timed(context(order_id, item = 5))]
    fn inner(order_id: u32) {
        candor::info!(item = 6, "innermost");
    }

    #[dependency_call("stock")]
    async fn asked() {}

    let captured = capture();
    RequestContext::with_id("r").enter_with(|| {
        outer(1);
        candor::info!("afterwards");
    });
    checked(&captured);
    for line in
        [captured.line("inside"), captured.line("of another crate"), captured.dependency("stock")]
    {
        assert_eq!((line.integer("order_id"), line.text("tenant")), (1, "acme"), "{line:?}");
        assert!(!line.has("own") && !line.has("item"));
    }
    let line = captured.step("outer");
    assert_eq!(
        (line.integer("order_id"), line.text("tenant"), line.integer("own")),
        (1, "acme", 1)
    );
    for line in [captured.step("inner"), captured.line("innermost")] {
        assert_eq!((line.integer("order_id"), line.text("tenant")), (2, "acme"), "{line:?}");
    }
    // A line's own field takes precedence.
    assert_eq!(captured.line("innermost").integer("item"), 6);
    assert!(!captured.line("afterwards").has("order_id"));
}

#[test]
fn the_context_of_a_future_is_on_the_lines_of_its_polls_only() {
    use std::pin::pin;
    use std::task::{Context, Waker};

    #[step_timed(context(order_id))]
    async fn outer(order_id: u32) -> Result<(), fmt::Error> {
        candor::info!("before");
        candor::info!("between {}", inner(1).await);
        tokio::task::yield_now().await;
        candor::info!("after");
        Err(fmt::Error)
    }

    #[step_timed(context(item))]
    async fn inner(item: u32) -> u32 {
        tokio::task::yield_now().await;
        item
    }

    #[step_timed(context(first))]
    fn with_a_pattern((first, second): (u32, u32)) -> Result<(), fmt::Error> {
        candor::info!("of a pattern");
        if first < second { Ok(()) } else { Err(fmt::Error) }
    }

    let captured = capture();
    {
        let mut first = pin!(outer(1));
        let mut second = pin!(outer(2));
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            use std::future::Future as _;
            let _ = first.as_mut().poll(&mut cx);
            candor::info!("outside");
            let _ = second.as_mut().poll(&mut cx);
        }
    }
    with_a_pattern((7, 8)).expect("is good");
    candor::info!("at the end");
    let lines = checked(&captured);
    let of = |message: &str| {
        let lines = lines.iter().filter(|line| line.text("msg") == message);
        lines.map(|line| line.get("order_id").cloned().unwrap_or_default()).collect::<Vec<_>>()
    };
    for message in ["before", "between 1", "after"] {
        assert_eq!(of(message), [json!(1), json!(2)], "{message}");
    }
    assert!(of("outside").iter().all(serde_json::Value::is_null));
    assert!(of("at the end")[0].is_null());
    let inner = captured.steps("inner");
    let orders: Vec<_> =
        inner.iter().map(|line| (line.integer("order_id"), line.integer("item"))).collect();
    assert_eq!(orders, [(1, 1), (2, 1)]);
    assert_eq!(captured.line("of a pattern").integer("first"), 7);
    assert_eq!(captured.step("with_a_pattern").integer("first"), 7);
}

#[test]
fn the_context_of_a_step_that_ends_out_of_order_goes_with_it() {
    #[step_timed(context(order_id))]
    fn leaky(order_id: u32) -> candor::StepGuard {
        candor::step_guard("guard")
    }

    let captured = capture();
    let guard = leaky(7);
    candor::info!("behind");
    drop(guard);
    candor::info!("at the end");
    assert!(!captured.line("behind").has("order_id"), "{captured:?}");
    assert!(!captured.line("at the end").has("order_id"), "{captured:?}");
    assert_eq!(captured.step("leaky").integer("order_id"), 7);
}

#[test]
fn a_panic_ends_the_context_of_its_step() {
    #[step_timed(context(order_id))]
    fn falls(order_id: u32) {
        panic!("it falls");
    }

    #[step_timed(context(order_id))]
    async fn falls_later(order_id: u32) {
        panic!("it falls");
    }

    let captured = capture();
    std::panic::catch_unwind(|| falls(1)).expect_err("panics");
    std::panic::catch_unwind(|| block_on(falls_later(1))).expect_err("panics");
    candor::info!("afterwards");
    assert!(!captured.line("afterwards").has("order_id"));
    assert_eq!(captured.step("falls").integer("order_id"), 1);
}

#[test]
fn a_field_of_candors_macros_takes_the_place_of_the_context() {
    #[step_timed(fields(user_id = clear("u-2"), path = clear("/own")))]
    fn step() {}

    #[step_timed]
    fn recorded() {
        record("user_id", policy::clear("u-3"));
    }

    #[dependency_call("users", fields(method = clear("LOOKUP"), user_id = 7))]
    fn called() {}

    let captured = capture();
    RequestContext::with_id("r-7").with_method("GET").with_path("/orders").enter_with(|| {
        context::set_user(policy::clear("u-1"));
        step();
        recorded();
        called();
        candor::info!(user_id = 2, request_id = clear("r-8"), service = clear("shop"), "own");
        candor::info!(user_id = clear("u-1"), path = None::<u32>, "kept");
        tracing::info!(user_id = "u-9", path = "/other", "foreign");
    });
    tracing::info!(user_id = "u-9", path = "/other?token=x", method = 3, "outside");
    let lines = checked(&captured);
    for line in &lines {
        for key in ["request_id", "user_id", "method", "path"] {
            assert_eq!(line.raw().matches(&format!("\"{key}\":")).count(), 1, "{line:?}");
        }
    }
    assert_eq!(captured.step("step").text("user_id"), "u-2");
    assert_eq!(captured.step("step").text("path"), "/own");
    assert_eq!(captured.step("recorded").text("user_id"), "u-3");
    let call = captured.dependency("users");
    assert_eq!((call.text("method"), call.text("user_id")), ("LOOKUP", "7"));
    let line = captured.line("own");
    assert_eq!((line.text("user_id"), line.text("request_id")), ("2", "r-8"));
    assert_eq!((line.text("service"), line.text("path")), ("shop", "/orders"));
    let line = captured.line("kept");
    assert_eq!((line.text("user_id"), line.text("path")), ("u-1", "/orders"));
    let line = captured.line("foreign");
    assert_eq!((line.text("user_id"), line.text("user_id_")), ("u-1", "u-9"));
    assert_eq!((line.text("path"), line.text("path_")), ("/orders", "/other"));
    let line = captured.line("outside");
    assert_eq!((line.text("user_id"), line.text("method")), ("u-9", "3"));
    assert!(line.text("path").starts_with("/other") && !line.has("path_"));
}

#[test]
fn a_guard_that_is_open_across_an_await_keeps_the_context_of_each_future() {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Waker};

    #[step_timed(context(order_id))]
    async fn handle(order_id: u32) {
        let guard = candor::step_guard("render");
        tokio::task::yield_now().await;
        candor::info!("handled {order_id}");
        drop(guard);
    }

    let captured = capture();
    {
        let (mut first, mut second) = (pin!(handle(1)), pin!(handle(2)));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut cx).is_pending());
        assert!(second.as_mut().poll(&mut cx).is_pending());
        candor::info!("between");
        assert!(first.as_mut().poll(&mut cx).is_ready());
        assert!(second.as_mut().poll(&mut cx).is_ready());
    }
    candor::info!("at the end");
    checked(&captured);
    assert_eq!(captured.line("handled 1").integer("order_id"), 1);
    assert_eq!(captured.line("handled 2").integer("order_id"), 2);
    assert!(
        !captured.line("between").has("order_id") && !captured.line("at the end").has("order_id")
    );
}

#[test]
fn an_error_in_the_context_leaves_the_lines_valid() {
    #[step_timed(fields(error = long), context(cause_detail = clear(text), cause = short, err = short))]
    fn step(long: &io::Error, short: &fmt::Error, text: &str) {
        candor::info!("inside");
        tracing::info!("foreign");
    }

    let captured = capture();
    let long = io::Error::other("x".repeat(300));
    for text in ["xxxxxxxxx", "xxxxxxxxxxx", "xxxxxxxxxxxxxxxxxxx"] {
        step(&long, &fmt::Error, text);
    }
    let lines = checked(&captured);
    for line in lines.iter().filter(|line| !line.has("step")) {
        assert_eq!((line.text("cause"), line.text("err")), ("Error", "Error"), "{line:?}");
        assert!(line.text("cause_detail").starts_with("xxx"), "{line:?}");
    }
}

#[test]
fn the_context_is_on_lines_inside_a_span_of_another_crate() {
    #[step_timed(context(order_id))]
    fn outer(order_id: u32) {
        let _span = tracing::info_span!("of a library", a = 1).entered();
        candor::info!("in the span");
        inner();
    }

    #[step_timed]
    fn inner() {}

    let captured = capture();
    outer(7);
    checked(&captured);
    for line in [captured.line("in the span"), captured.step("inner")] {
        assert_eq!((line.integer("order_id"), line.integer("a")), (7, 1), "{line:?}");
    }
}

#[test]
fn the_context_goes_along_with_work_that_is_sent_elsewhere() {
    use candor::prelude::*;

    #[step_timed(context(tenant = 3))]
    fn send() -> std::thread::JoinHandle<()> {
        let future = async { candor::info!("in a future") }.in_context();
        let carried = context::carry(move || {
            candor::info!("in a closure");
        });
        std::thread::spawn(move || {
            carried();
            block_on(future);
            candor::info!("afterwards");
        })
    }

    let captured = capture();
    RequestContext::with_id("r").enter_with(|| send().join().expect("no panic"));
    checked(&captured);
    assert_eq!(captured.line("in a closure").integer("tenant"), 3);
    assert_eq!(captured.line("in a future").integer("tenant"), 3);
}
