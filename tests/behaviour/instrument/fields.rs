//! Arguments and `fields(…)`: which of them are recorded, under which keys, and with which values.

#![allow(unused_variables, reason = "arguments that only the attribute uses")]

use std::collections::BTreeMap;
use std::sync::Arc;

use candor::testing::{Line, capture};
use candor::{RequestContext, instrument, policy, redact};
use candor_tests::checked;
use serde_json::json;
use tracing::field;

use super::tracing_examples::fields;

const CANARY: &str = "hunter2-canary";

/// Runs `work`, and returns the line of its only step.
fn line_of(name: &str, work: impl FnOnce()) -> Line {
    let captured = capture();
    work();
    checked(&captured);
    assert!(!captured.output().contains(CANARY), "{}", captured.output());
    captured.step(name)
}

#[test]
fn a_loggable_argument_is_shown() {
    #[redact]
    struct Card {
        id: u64,
        #[redact(secret)]
        #[allow(dead_code, reason = "it is hidden")]
        number: String,
        #[redact(mask(last = 4))]
        shown: String,
    }

    #[instrument]
    fn pay(cents: u64, card: &Card, ids: Vec<u32>, tip: Option<f64>, is_gift: bool) {}

    let card = Card { id: 7, number: CANARY.to_owned(), shown: "4242424242424242".to_owned() };
    let line = line_of("pay", || pay(100, &card, vec![1, 2], None, true));
    let shown = r#"cents=100 card={"id":7,"number":"[REDACTED]","shown":"****4242"} ids=[1,2] tip=null is_gift=true"#;
    assert_eq!(fields(&line), shown);
}

#[test]
fn any_other_argument_shows_its_shape_or_type() {
    #[derive(Debug)]
    struct Order {
        note: &'static str,
    }
    trait Store {}
    impl Store for Order {}

    #[instrument]
    fn place(
        note: &str,
        tags: Vec<String>,
        by_name: BTreeMap<String, String>,
        order: Order,
        store: &dyn Store,
        shared: Arc<Order>,
        maybe: Option<&str>,
        done: impl Fn() -> u32,
        letter: char,
    ) {
    }

    let order = || Order { note: CANARY };
    let line = line_of("place", || {
        place(
            CANARY,
            vec![CANARY.to_owned()],
            BTreeMap::new(),
            order(),
            &order(),
            Arc::new(order()),
            Some(CANARY),
            || 7,
            'x',
        );
    });
    let expected = [
        ("note", "<text 9-16>"),
        ("tags", "<list 1>"),
        ("by_name", "<map 0>"),
        ("order", "<Order>"),
        ("store", "<dyn Store>"),
        ("shared", "<Arc<Order>>"),
        ("maybe", "<text 9-16>"),
        ("done", "<closure>"),
    ];
    for (key, shown) in expected {
        assert_eq!(line.text(key), shown, "{key}");
    }
    let _ = order().note;
}

#[test]
fn display_and_debug_never_show_text() {
    #[derive(Debug)]
    struct Order;
    impl std::fmt::Display for Order {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(CANARY)
        }
    }

    #[instrument(skip_all, fields(%order, ?text, shown = %text, debugged = ?order, wrapped = field::display(&order), ?count, %count2))]
    fn place(order: Order, text: &str, count: u32, count2: u64) {}

    let line = line_of("place", || place(Order, CANARY, 3, 4));
    let shown = r#"order="<Order>" text="<text 9-16>" shown="<text 9-16>" debugged="<Order>" wrapped="<DisplayValue<&Order>>" count=3 count2=4"#;
    assert_eq!(fields(&line), shown);
}

#[test]
fn a_policy_shows_part_of_a_value() {
    #[instrument(skip_all, fields(card = mask(card, last = 4), sku = clear(sku), by_import = policy::hash(sku)))]
    fn pay(card: &str, sku: &str) {}

    let line = line_of("pay", || pay("4242424242424242", "sku-7"));
    assert_eq!((line.text("card"), line.text("sku")), ("****4242", "sku-7"));
    assert_ne!(line.text("by_import"), "sku-7");
}

#[test]
fn a_sensitive_name_hides_the_value() {
    #[instrument(fields(auth.token = 12))]
    fn log_in(user: u64, password: &str, api_key: u64) {}

    let line = line_of("log_in", || log_in(41, CANARY, 99));
    let shown = r#"user=41 password="[REDACTED]" api_key="[REDACTED]" auth.token="[REDACTED]""#;
    assert_eq!(fields(&line), shown);
}

#[test]
fn an_argument_that_is_an_error_shows_its_class_and_scrubbed_text() {
    #[instrument]
    fn report(cause: &std::num::ParseIntError, error: std::fmt::Error) {}

    let cause = "x".parse::<u8>().expect_err("no number");
    let line = line_of("report", || report(&cause, std::fmt::Error));
    assert_eq!(line.text("outcome"), "ok");
    assert_eq!(line.text("cause"), "ParseIntError");
    assert_eq!(line.text("cause_detail"), "invalid digit found in string");
    assert_eq!(line.text("error"), "Error");
}

#[test]
fn a_large_value_is_bounded() {
    #[instrument]
    fn load(ids: &[u64]) {}

    let ids: Vec<u64> = (0..100_000).collect();
    let line = line_of("load", || load(&ids));
    assert!(line.raw().len() < 20_000, "{}", line.raw().len());
}

#[test]
fn a_field_takes_the_place_of_the_argument_of_its_name() {
    #[instrument(fields(order = order.0, total))]
    fn place(order: (u64, u64), total: u64) {}

    // As in `tracing`, a name alone declares a field without a value.
    assert_eq!(fields(&line_of("place", || place((7, 8), 9))), "order=7");
}

#[test]
fn skips_name_arguments_and_parts_of_patterns() {
    struct Point {
        x: u32,
        y: u32,
    }

    #[instrument(skip(y, b))]
    fn both(Point { x, y }: Point, (a, b): (u32, u32)) {
        assert_eq!((x, y, a, b), (1, 2, 3, 4));
    }

    assert_eq!(fields(&line_of("both", || both(Point { x: 1, y: 2 }, (3, 4)))), "x=1 a=3");
}

#[test]
fn patterns_record_what_they_bind() {
    struct Pair(u32, u32);
    struct Point {
        x: u32,
        y: Pair,
    }

    #[instrument]
    fn guarded((a, (b, _)): (u32, (u32, u32)), &c: &u32, [d, ..]: [u32; 2]) {}

    #[instrument]
    fn closed(Pair(a, b): Pair, whole @ (c, _): (u32, u32)) -> Result<u32, ()> {
        Ok(a + b + c + whole.1)
    }

    #[instrument]
    async fn polled(Point { x, y: Pair(left, ref right) }: Point, mut n: u32) -> Result<u32, ()> {
        n += 1;
        Ok(x + left + *right + n)
    }

    assert_eq!(fields(&line_of("guarded", || guarded((1, (2, 3)), &4, [5, 6]))), "a=1 b=2 c=4 d=5");
    let line = line_of("closed", || assert_eq!(closed(Pair(1, 2), (3, 4)), Ok(10)));
    assert_eq!(fields(&line), "a=1 b=2 whole=[3,4] c=3");
    let work = || {
        let point = Point { x: 1, y: Pair(2, 3) };
        assert_eq!(futures::executor::block_on(polled(point, 4)), Ok(11));
    };
    assert_eq!(fields(&line_of("polled", work)), "x=1 left=2 right=3 n=4");
}

#[test]
fn names_of_every_form() {
    const KEY: &str = "of.a.constant";
    const CLASH: &str = "s";
    struct Names;
    impl Names {
        const OF_A_TYPE: &'static str = "of.a.type";
    }
    const fn made() -> &'static str {
        "of.a.function"
    }

    #[instrument(
        skip(_arg),
        fields(
            keywords.impl.r#type.fn = _arg, "quoted name" = 1, {KEY} = 2, {Names::OF_A_TYPE} = 3, {made()} = 4,
            {"literal"} = 5, {CLASH} = 6, Self = 7, r#ref = 8, trailing = %_arg + 5,
        ),
    )]
    fn names(_arg: u8, s: u32, r#match: u32) {}

    let line = line_of("names", || names(1, 2, 3));
    let shown = "match=3 keywords.impl.type.fn=1 quoted name=1 of.a.constant=2 of.a.type=3 of.a.function=4 literal=5 \
                 s=6 Self=7 ref=8 trailing=6";
    assert_eq!(fields(&line), shown);
}

#[test]
fn keys_of_candor_and_the_context_get_an_underscore() {
    #[instrument(fields(user_id = 41, ret = 1, ret_ = 2))]
    fn handle(
        event: u32,
        path: &str,
        request_id: u64,
        step: u32,
        level: u32,
        message: u32,
        error: u32,
        outcome: u32,
        method: u32,
        ts: u32,
        msg: u32,
    ) {
    }

    let captured = capture();
    let work = || handle(1, CANARY, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    RequestContext::with_id("r-7").with_path("/orders").enter_with(work);
    checked(&captured);
    let line = captured.step("handle");
    assert_eq!((line.text("request_id"), line.text("path")), ("r-7", "/orders"));
    assert_eq!((line.text("event"), line.text("outcome")), ("step_timing", "ok"));
    assert_eq!(line.text("path_"), "<text 9-16>");
    let integers = [
        ("event_", 1),
        ("request_id_", 2),
        ("step_", 3),
        ("level_", 4),
        ("message_", 5),
        ("error_", 6),
        ("outcome_", 7),
        ("method_", 8),
        ("ts_", 9),
        ("msg_", 10),
        ("user_id_", 41),
        ("ret__", 1),
        ("ret_", 2),
    ];
    for (key, value) in integers {
        assert_eq!(line.integer(key), value, "{key}");
    }
}

#[test]
fn the_fields_of_context_are_on_the_lines_inside() {
    #[instrument(context(order_id))]
    fn place(order_id: u64, note: &str) {
        candor::info!("placing");
    }

    let captured = capture();
    place(7, CANARY);
    assert_eq!(captured.line("placing").integer("order_id"), 7);
    assert_eq!(captured.step("place").integer("order_id"), 7);
    assert_eq!(captured.step("place").text("note"), "<text 9-16>");
}

#[test]
fn fields_are_evaluated_once() {
    use std::cell::Cell;
    use std::rc::Rc;

    #[instrument(level = "debug", skip_all, fields(n = count.replace(count.get() + 1)))]
    fn counted(count: &Rc<Cell<u32>>) {}

    let count = Rc::default();
    let captured = capture();
    counted(&count);
    assert_eq!(count.get(), 1);
    captured.step("counted");
}

#[test]
fn the_returned_value_is_shown_if_it_is_loggable() {
    struct Opaque;

    #[instrument(ret)]
    fn number() -> Result<u32, ()> {
        Ok(7)
    }
    #[instrument(ret(Debug))]
    fn text() -> String {
        CANARY.to_owned()
    }
    #[instrument(ret)]
    fn opaque() -> Option<Opaque> {
        Some(Opaque)
    }
    #[instrument(ret = mask(last = 2))]
    fn masked() -> String {
        "4242424242".to_owned()
    }
    #[instrument(ret)]
    async fn later<T: Send>(value: T) -> T {
        value
    }

    let captured = capture();
    let _ = (number(), text(), opaque(), masked(), futures::executor::block_on(later(CANARY)));
    assert!(!captured.output().contains(CANARY));
    assert_eq!(captured.step("number").integer("ret"), 7);
    assert_eq!(captured.step("text").text("ret"), "<text 9-16>");
    assert_eq!(captured.step("opaque").text("ret"), "<Option<Opaque>>");
    assert_eq!(captured.step("masked").text("ret"), "****42");
    assert_eq!(captured.step("later").text("ret"), "<str>");
    assert_eq!(captured.step("later").get("value"), Some(&json!("<str>")));
}

#[test]
fn a_renamed_field_takes_a_name_that_no_other_field_has() {
    #[instrument(fields(level = 1), context(level_ = 2))]
    fn renamed(error: &str, error_: u32) {}

    let line = line_of("renamed", || renamed(CANARY, 3));
    let integers = ["level__", "level_", "error_"].map(|key| line.integer(key));
    assert_eq!((integers, line.text("error__")), ([1, 2, 3], "<text 9-16>"));
}

#[test]
fn the_inventory_lists_the_step() {
    #[instrument(fields(total = 1, rows = field::Empty, sku = clear(note)))]
    fn listed_by_instrument(note: &str, password: &str) {}

    listed_by_instrument("", "");
    let inventory = candor::inventory();
    let text = format!("{inventory}");
    let at = text.find("listed_by_instrument").expect("the step");
    let entry = &text[at..(at + 600).min(text.len())];
    for part in
        ["by its type, else its shape", "secret, by its name", "by the recorded value", "clear"]
    {
        assert!(entry.contains(part), "{part} is not in {entry}");
    }
}
