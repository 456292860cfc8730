//! The event macros: the syntax of `tracing`, with values that are redacted by their type or a policy.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use candor::testing::{capture, capture_with};
use candor::{Config, RequestContext, redact};
use candor_tests::{checked, keys};
use futures::executor::block_on;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::Registry;

#[redact]
struct Card {
    id: u64,
    #[redact(mask(last = 4))]
    number: String,
    pin: u16,
}

fn card() -> Card {
    Card { id: 7, number: "4242424242424242".to_owned(), pin: 1234 }
}

/// The messages of all lines.
fn messages(captured: &candor::testing::Captured) -> Vec<String> {
    checked(captured).iter().map(|line| line.text("msg").to_owned()).collect()
}

#[test]
fn each_macro_logs_at_its_level() {
    let captured = capture();
    candor::trace!("one");
    candor::debug!("one");
    candor::info!("one");
    candor::warn!("one");
    candor::error!("one");
    candor::critical!("one");
    let levels: Vec<_> =
        checked(&captured).iter().map(|line| line.text("level").to_owned()).collect();
    assert_eq!(levels, ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"]);
    assert!(captured.lines().iter().all(|line| line.text("logger") == module_path!()));
}

#[test]
fn an_event_has_a_request_id_and_a_sequence_number() {
    let captured = capture();
    RequestContext::with_id("r-1").enter_with(|| {
        candor::info!(rows = 3, "read");
        candor::info!(rows = 4, "read");
    });
    let lines = checked(&captured);
    assert_eq!(keys(lines[1].raw())[8..], ["seq", "rows"]);
    assert_eq!((lines[1].text("request_id"), lines[1].integer("seq")), ("r-1", 2));
}

#[test]
fn fields_keep_their_order_and_type() {
    let captured = capture();
    let (yes, none) = (true, None::<u8>);
    candor::info!(
        n = 3,
        yes,
        ratio = 0.5,
        none,
        list = [1, 2],
        took = Duration::from_micros(1500),
        card = card(),
        big = u128::MAX,
        nan = f64::NAN,
        "all"
    );
    let line = &checked(&captured)[0];
    let written: Vec<_> =
        ["n", "yes", "ratio", "none", "list", "took", "card", "big", "nan"].into();
    assert_eq!(keys(line.raw())[8..], written);
    assert_eq!(
        line.get("card"),
        Some(&json!({"id": 7, "number": "****4242", "pin": "[REDACTED]"}))
    );
    assert_eq!(line.get("list"), Some(&json!([1, 2])));
    assert!(line.is_null("none"));
    assert_eq!((line.number("took"), line.text("nan")), (1.5, "NaN"));
    assert_eq!(line.text("big"), u128::MAX.to_string());
}

#[test]
fn field_names_can_be_dotted_quoted_raw_or_shorthand() {
    struct Order {
        id: u32,
    }
    impl Order {
        fn log(&self) {
            candor::info!(self.id, "of self");
        }
    }

    let captured = capture();
    let (order, r#type) = (Order { id: 7 }, 3);
    candor::info!(
        order.id,
        order.total = 9,
        "order id" = 8,
        r#type,
        "a \"quoted\"\nkey" = 1,
        "named"
    );
    order.log();
    let line = captured.line("named");
    checked(&captured);
    assert_eq!(
        (line.integer("order.id"), line.integer("order.total"), line.integer("order id")),
        (7, 9, 8)
    );
    assert_eq!((line.integer("type"), line.integer("a \"quoted\"\nkey")), (3, 1));
    assert_eq!(captured.line("of self").integer("self.id"), 7);
}

#[test]
fn sigils_are_accepted_and_change_nothing() {
    let captured = capture();
    let (card, rows) = (card(), 3);
    candor::info!(?rows, %card.id, card = ?card, sku = %clear("s-7"), "sigils");
    let line = captured.line("sigils");
    assert_eq!((line.integer("rows"), line.integer("card.id")), (3, 7));
    assert_eq!(
        line.get("card"),
        Some(&json!({"id": 7, "number": "****4242", "pin": "[REDACTED]"}))
    );
    assert_eq!(line.text("sku"), "s-7");
}

#[test]
fn the_last_value_of_a_duplicate_field_wins_and_all_are_evaluated() {
    let captured = capture();
    let evaluated = Cell::new(0);
    let next = || {
        evaluated.set(evaluated.get() + 1);
        evaluated.get()
    };
    candor::info!(rows = next(), other = next(), rows = next(), "repeated");
    let line = &checked(&captured)[0];
    assert_eq!(keys(line.raw())[8..], ["other", "rows"]);
    assert_eq!((line.integer("other"), line.integer("rows")), (2, 3));
}

#[test]
fn a_sensitive_name_hides_its_value() {
    let captured = capture();
    let pin = 1234;
    candor::info!(pin, api_token = clear("canary-token"), user.password = 9876, "named");
    let line = &checked(&captured)[0];
    for key in ["pin", "api_token", "user.password"] {
        assert_eq!(line.text(key), "[REDACTED]");
    }
    assert!(!line.raw().contains("1234") && !line.raw().contains("9876"));
}

#[test]
fn a_format_argument_is_hidden_by_its_name_or_the_preceding_text() {
    let captured = capture();
    let (pin, card) = (1234, card());
    candor::info!("{pin}");
    candor::info!("{}", card.pin);
    candor::info!("{}", &card.pin);
    candor::info!("{pin:x}");
    candor::info!("{x}", x = pin);
    candor::info!("{pin}", pin = 1234);
    candor::info!("password={}", clear("1234"));
    candor::info!("new api key: \"{}\"", clear("1234"));
    candor::info!("{0} is the code, otp={0}", clear("1234"));
    candor::info!("{{\"password\":\"{x}\"}}", x = 1234);
    let messages = messages(&captured);
    assert!(messages.iter().enumerate().all(|(at, text)| at == 4 || !text.contains("1234")));
    assert!(messages.iter().enumerate().all(|(at, text)| at == 4 || text.contains("[REDACTED]")));
    assert_eq!(messages[8], "[REDACTED] is the code, otp=[REDACTED]");
    // A name that is harmless in this position, as for a field.
    assert_eq!(messages[4], "1234");
}

#[test]
fn configured_sensitive_names_hide_values() {
    // Sensitive names are process-wide, so the added one is used in no other test.
    let config = Config::new().sensitive(["quokka_ref"]).level("trace").expect("a level");
    let captured = capture_with(config).expect("a configuration");
    let quokka_ref = 4711;
    candor::info!(quokka_ref, other = quokka_ref, "seen {quokka_ref}");
    let line = &captured.lines()[0];
    assert_eq!((line.text("quokka_ref"), line.integer("other")), ("[REDACTED]", 4711));
    assert_eq!(line.text("msg"), "seen [REDACTED]");
}

#[test]
fn a_message_formats_values_with_display() {
    let captured = capture();
    let (sku, rows) = ("a\"b\\c é", 3);
    candor::info!("{rows} of {}: {:?}, {}", clear(sku), clear("x"), secret("y"));
    candor::info!("{} {} {}", card(), Some(4), None::<u8>);
    candor::info!("{} {} {}", [1, 2], 0.1_f32, Duration::from_micros(1500));
    candor::info!("{}", mask("4242424242424242").last(4));
    assert_eq!(
        messages(&captured),
        [
            "3 of a\"b\\c é: x, [REDACTED]",
            "{\"id\":7,\"number\":\"****4242\",\"pin\":\"[REDACTED]\"} 4 null",
            "[1,2] 0.1 1.5",
            "****4242",
        ]
    );
}

#[test]
fn width_precision_sign_and_radix_work() {
    let captured = capture();
    let (seconds, rows, width, precision) = (1.23456, 42, 8, 1);
    candor::info!(
        "{seconds:.2}|{rows:5}|{rows:<5}|{rows:05}|{rows:+}|{:>6}|{:.2}",
        clear("ab"),
        clear("abc")
    );
    candor::info!("{seconds:width$.precision$}|{:1$}|{:.*}", rows, 6, seconds);
    candor::info!("{rows:#x}|{:08b}|{:o}|{:X}|{seconds:e}", 5_u8, 8, -1_i8);
    candor::info!("{:width$}|{width}", rows);
    assert_eq!(
        messages(&captured),
        [
            "1.23|   42|42   |00042|+42|    ab|ab",
            "     1.2|    42|1.234560",
            "0x2a|00000101|10|FF|1.23456e0",
            "      42|8",
        ]
    );
}

#[test]
fn literal_parts_of_a_message_are_kept_verbatim() {
    let captured = capture();
    let rows = 3;
    candor::info!("see https://example.com/a?token=b for {{braces}}, {rows} \"rows\"");
    assert_eq!(messages(&captured), ["see https://example.com/a?token=b for {braces}, 3 \"rows\""]);
}

#[test]
fn constants_raw_identifiers_and_self_can_be_captured() {
    const LIMIT: u32 = 9;
    static TOTAL: u32 = 10;
    #[derive(Clone, Copy)]
    struct Percent(u8);
    impl candor::Loggable for Percent {
        fn log(&self, to: &mut candor::loggable::Encoder<'_>) {
            to.u64(self.0.into());
        }
    }
    impl Percent {
        fn log_it(self) {
            candor::info!("{self} of {LIMIT:>3} and {TOTAL} {LIMIT:x}");
        }
    }

    let captured = capture();
    Percent(5).log_it();
    let r#type = 6;
    candor::info!("{type}");
    assert_eq!(messages(&captured), ["5 of   9 and 10 9", "6"]);
}

#[test]
fn a_message_can_be_a_field_or_missing() {
    let captured = capture();
    candor::info!(message = "100 {percent}", rows = 3);
    candor::info!(message = %clear("decided"));
    candor::info!(rows = 3);
    candor::info!({ rows = 4, more = 5 }, "in {}", "braces".len());
    candor::info!({ rows = 5 });
    let lines = checked(&captured);
    assert_eq!(messages(&captured), ["100 {percent}", "decided", "", "in 6", ""]);
    assert_eq!((lines[3].integer("rows"), lines[3].integer("more")), (4, 5));
    assert!(!lines[0].has("message"));
}

#[test]
fn target_name_and_parent_come_first_in_any_order() {
    const TARGET: &str = "audits";
    let captured = capture();
    let other = tracing::info_span!("other", from = "parent");
    let _here = tracing::info_span!("here", from = "thread").entered();
    candor::info!("contextual");
    candor::info!(target: "billing", "elsewhere");
    candor::info!(parent: &other, target: TARGET, name: "adoption", rows = 3, "adopted {}", 1);
    candor::info!(parent: other.id(), "by id");
    candor::info!(parent: None, rows = 4, "alone");
    checked(&captured);
    assert_eq!(captured.line("contextual").text("from"), "thread");
    assert_eq!(captured.line("elsewhere").text("logger"), "billing");
    let adopted = captured.line("adopted 1");
    assert_eq!((adopted.text("from"), adopted.text("logger")), ("parent", "audits"));
    assert_eq!(adopted.integer("rows"), 3);
    assert_eq!(captured.line("by id").text("from"), "parent");
    assert!(!captured.line("alone").has("from"));
}

#[test]
fn nothing_is_evaluated_for_a_disabled_event() {
    let config = Config::new().level("warn,quiet=off").expect("a level");
    let captured = capture_with(config).expect("a configuration");
    let evaluated = Cell::new(0);
    let count = || {
        evaluated.set(evaluated.get() + 1);
        evaluated.get()
    };
    candor::info!(rows = count(), "{}", count());
    candor::critical!(target: "quiet", rows = count(), "{}", count());
    assert_eq!((evaluated.get(), captured.lines().len()), (0, 0));
    candor::critical!(rows = count(), "{}", count());
    assert_eq!((evaluated.get(), captured.lines().len()), (2, 1));
}

#[test]
fn values_are_evaluated_in_the_function_itself() {
    async fn read(fails: bool) -> Result<u32, std::num::ParseIntError> {
        candor::info!(
            rows = std::future::ready(3).await,
            "read {}",
            if fails { "x" } else { "4" }.parse::<u32>()?
        );
        Ok(5)
    }

    let captured = capture();
    assert_eq!(block_on(read(false)), Ok(5));
    assert!(block_on(read(true)).is_err());
    assert_eq!(messages(&captured), ["read 4"]);
    assert_eq!(captured.lines()[0].integer("rows"), 3);
}

#[test]
fn an_event_is_an_expression() {
    let captured = capture();
    let log = |rows: Option<u32>| match rows {
        Some(rows) => candor::info!(rows, "some"),
        None => candor::warn!("none"),
    };
    log(Some(1));
    log(None);
    assert_eq!(messages(&captured), ["some", "none"]);
}

#[test]
fn a_user_macro_can_forward_an_event() {
    macro_rules! billing {
        ($text:literal, $value:expr) => {
            candor::info!(target: "billing", value = $value, $text, $value)
        };
        ($($event:tt)*) => { candor::info!(target: "billing", $($event)*) };
    }

    let captured = capture();
    let rows = 3;
    billing!("literal {}", rows + 1);
    billing!(rows, "tokens {rows}");
    assert_eq!(messages(&captured), ["literal 4", "tokens 3"]);
    assert!(captured.lines().iter().all(|line| line.text("logger") == "billing"));
}

#[test]
fn a_policy_needs_no_import_and_ignores_a_local_variable_of_its_name() {
    fn clear(_: &str) -> u32 {
        0
    }

    let captured = capture();
    let _ = clear("");
    candor::info!(sku = clear("s-7"), card = mask("4242424242424242").last(4), "{}", clear("s-8"));
    let line = captured.line("s-8");
    assert_eq!((line.text("sku"), line.text("card")), ("s-7", "****4242"));
}

#[test]
fn a_value_cannot_forge_a_line_or_a_field() {
    let captured = capture();
    let evil = "x\",\"level\":\"INFO\"}\n{\u{202e}\u{1b}[31m";
    candor::info!(value = clear(evil), "said {}", clear(evil));
    let line = &checked(&captured)[0];
    assert_eq!(line.text("value"), evil);
    assert_eq!(line.text("msg"), format!("said {evil}"));
}

#[test]
fn a_value_that_panics_or_logs_still_writes_the_line() {
    struct Broken;
    impl candor::Loggable for Broken {
        fn log(&self, _: &mut candor::loggable::Encoder<'_>) {
            candor::debug!("inside {}", 1);
            panic!("broken")
        }
    }

    let captured = capture();
    candor::info!(value = Broken, "shows {}", Broken);
    candor::info!("clean {}", 1);
    let line = captured.line("shows <unprintable>");
    assert_eq!(line.text("value"), "<unprintable>");
    assert_eq!(captured.line("clean 1").text("level"), "INFO");
    assert!(!captured.events("inside 1").is_empty());
    assert!(captured.events("panic").is_empty(), "what is caught is said once");
}

#[test]
fn a_caught_panic_of_a_value_writes_one_line() {
    struct Broken;
    impl fmt::Debug for Broken {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("password=hunter2")
        }
    }
    impl fmt::Display for Broken {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("password=hunter2")
        }
    }

    let captured = capture();
    tracing::info!(debug = ?Broken, display = %Broken, "fields");
    tracing::info!("message {Broken}");
    let shown: Vec<_> = checked(&captured).iter().map(|line| line.text("msg").to_owned()).collect();
    assert_eq!(shown, ["fields", "<unprintable>"]);
    std::panic::catch_unwind(|| panic!("not caught by candor")).expect_err("a panic");
    assert_eq!(captured.events("panic").len(), 1, "the hook is back");
}

#[test]
fn long_values_and_messages_are_cut() {
    let config = Config::new().level("trace").expect("a level").value_limit(100);
    let captured = capture_with(config).expect("a configuration");
    let long = "a".repeat(1000);
    candor::info!(value = clear(&long), "{}", clear(&long));
    for _ in 0..2 {
        candor::info!(
            "a message without arguments that is longer than the limit for one value, which is a hundred bytes or so, no more here"
        );
    }
    let lines = checked(&captured);
    assert!(lines[0].text("value").ends_with("…(+900 bytes)"));
    for line in &lines {
        assert!(line.text("msg").contains("…(+"), "{line:?}");
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
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("UTF-8")
    }
}

/// The events that another layer gets, one per line.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

struct Visited(String);

impl Visit for Visited {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").expect("text");
    }
}

impl<S: Subscriber> Layer<S> for Seen {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut visited = Visited(event.metadata().level().to_string());
        event.record(&mut visited);
        self.0.lock().expect("no panic").push(visited.0);
    }
}

#[test]
fn beside_another_layer_the_line_is_the_same_and_critical_is_an_error_event() {
    let (output, seen) = (Output::default(), Seen::default());
    let config = Config::new().level("trace").expect("a level").writer(output.clone());
    let subscriber = Registry::default()
        .with(config.layer().expect("a configuration"))
        .with(seen.clone().with_filter(LevelFilter::ERROR));
    tracing::subscriber::with_default(subscriber, || {
        let span = tracing::info_span!("span", shard = 1);
        let (pin, sku) = (1234, "s-7");
        candor::info!(rows = 3, "fine");
        candor::critical!(rows = 3, pin, sku = clear(sku), list = [1, 2], "down: {}", clear(sku));
        candor::critical!(parent: &span, "in a span");
    });
    let lines: Vec<Value> =
        output.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!((&lines[1]["level"], &lines[1]["msg"]), (&json!("CRITICAL"), &json!("down: s-7")));
    assert_eq!((&lines[1]["rows"], &lines[1]["pin"]), (&json!(3), &json!("[REDACTED]")));
    assert_eq!(lines[1]["list"], json!([1, 2]));
    assert_eq!(lines[2]["shard"], 1);
    assert_eq!(
        *seen.0.lock().expect("no panic"),
        [
            r#"ERROR message="down: s-7" rows=3 pin="[REDACTED]" sku="s-7" list="[1,2]""#,
            r#"ERROR message="in a span""#,
        ]
    );
}
