//! The line: its keys, their order, and input that must not get into it.

use std::error::Error;
use std::fmt;

use candor::context::{self, RequestContext};
use candor::policy::clear;
use candor::testing::{Captured, capture, capture_with};
use candor::{Config, Format, step_timed};
use candor_tests::{check, checked, keys, values};
use serde_json::json;

fn captured(config: Config) -> Captured {
    capture_with(config.level("trace").expect("a level")).expect("a configuration")
}

#[test]
fn every_line_starts_with_the_fixed_keys_in_order() {
    #[step_timed]
    fn work() {
        tracing::info!(rows = 3, "inside");
    }

    let captured = capture();
    work();
    RequestContext::with_id("r-1")
        .with_method("POST")
        .with_path("/orders/7?token=hidden-secret")
        .enter_with(work);
    let lines = checked(&captured);
    assert_eq!(lines.len(), 4);
    let outside = captured.events("inside").remove(0);
    for key in ["request_id", "user_id", "method", "path"] {
        assert_eq!(outside.text(key), "-");
    }
    assert!(!outside.has("seq") && !outside.has("trace_id") && !outside.has("service"));
    let inside = captured.events("inside").remove(1);
    assert_eq!(inside.text("request_id"), "r-1");
    assert_eq!(inside.text("method"), "POST");
    assert_eq!(inside.text("path"), "/orders/7");
    assert_eq!(inside.text("logger"), module_path!());
    assert_eq!(values(&lines, "seq"), [json!(1), json!(2)]);
}

#[test]
fn ts_is_rfc_3339_in_utc_with_microseconds() {
    let captured = capture();
    tracing::info!("now");
    let line = captured.line("now");
    let ts = line.text("ts");
    let shape: String = ts.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000000Z");
}

#[test]
fn numbers_and_booleans_keep_their_type() {
    let captured = capture();
    tracing::info!(
        yes = true,
        small = -3_i64,
        large = u64::MAX,
        float = 1.5_f64,
        whole = 2.0_f64,
        huge = u128::MAX,
        deep = i128::MIN,
        nan = f64::NAN,
        inf = f64::INFINITY,
        ninf = f64::NEG_INFINITY,
        "numbers"
    );
    checked(&captured);
    let line = captured.line("numbers");
    assert_eq!(line.get("yes"), Some(&json!(true)));
    assert_eq!(line.get("small"), Some(&json!(-3)));
    assert_eq!(line.get("large"), Some(&json!(u64::MAX)));
    assert_eq!(line.get("float"), Some(&json!(1.5)));
    assert_eq!(line.get("whole"), Some(&json!(2.0)));
    assert_eq!(line.text("huge"), u128::MAX.to_string());
    assert_eq!(line.text("deep"), i128::MIN.to_string());
    assert_eq!(line.text("nan"), "NaN");
    assert_eq!(line.text("inf"), "inf");
    assert_eq!(line.text("ninf"), "-inf");
}

#[test]
fn a_field_of_another_crate_under_a_reserved_name_gets_an_underscore() {
    let captured = capture();
    tracing::warn!(
        ts = "then",
        level = "fatal",
        logger = 1,
        msg = 2,
        request_id = "forged",
        seq = 99,
        event = "step_timing",
        truncated = false,
        exc = 3,
        path = "/forged",
        "reserved"
    );
    checked(&captured);
    let line = captured.line("reserved");
    assert_eq!(line.text("level"), "WARN");
    assert_eq!(line.text("level_"), "fatal");
    // Outside a request, the context has no values for these.
    assert_eq!((line.text("request_id"), line.text("path")), ("forged", "/forged"));
    assert_eq!(line.integer("seq_"), 99);
    assert_eq!(line.text("event_"), "step_timing");
    assert!(!line.boolean("truncated_"));
    assert_eq!(line.integer("exc_"), 3);
}

#[test]
fn a_field_named_like_an_escaped_reserved_key_keeps_its_value() {
    let captured = capture();
    tracing::info!(level = 1, level_ = 2, "both");
    checked(&captured);
    let line = captured.line("both");
    let all: Vec<_> = [line.get("level_"), line.get("level__")].into_iter().flatten().collect();
    assert_eq!(all.len(), 2, "{line:?}");
}

#[test]
fn the_last_of_two_fields_with_the_same_name_wins() {
    let captured = capture();
    tracing::info!(n = 1, other = true, n = 2, "twice");
    checked(&captured);
    let line = captured.line("twice");
    assert_eq!(line.integer("n"), 2);
    assert!(line.boolean("other"));
}

#[test]
fn an_event_without_a_message_has_an_empty_one() {
    let captured = capture();
    tracing::info!(lonely = 7);
    let lines = checked(&captured);
    assert_eq!(lines[0].text("msg"), "");
    assert_eq!(lines[0].integer("lonely"), 7);
}

#[test]
fn fields_of_spans_follow_and_the_inner_value_wins() {
    let captured = capture();
    let outer =
        tracing::info_span!("outer", shard = 1, tenant = "outer", late = tracing::field::Empty);
    let _outer = outer.enter();
    let inner = tracing::info_span!("inner", tenant = "inner", table = "t");
    let _inner = inner.enter();
    outer.record("late", 5);
    tracing::info!(table = "own", "nested");
    inner.record("tenant", "changed");
    tracing::info!("changed");
    checked(&captured);
    let line = captured.line("nested");
    assert_eq!(line.text("table"), "own");
    assert_eq!(line.text("tenant"), "inner");
    assert_eq!(line.integer("shard"), 1);
    assert_eq!(line.integer("late"), 5);
    assert_eq!(keys(line.raw())[8..], ["table", "tenant", "shard", "late"]);
    assert_eq!(captured.line("changed").text("tenant"), "changed");
}

#[test]
fn an_event_under_a_named_parent_has_that_spans_fields() {
    let captured = capture();
    let other = tracing::info_span!("other", from = "parent");
    tracing::info!(parent: &other, "adopted");
    checked(&captured);
    assert_eq!(captured.line("adopted").text("from"), "parent");
}

#[test]
fn a_root_event_has_no_fields_of_spans() {
    let captured = capture();
    let _here = tracing::info_span!("here", from = "span").entered();
    tracing::info!(parent: None, "alone");
    assert!(!captured.line("alone").has("from"));
}

#[test]
fn context_fields_follow_event_fields_and_precede_span_fields() {
    let captured = capture();
    RequestContext::with_id("r").enter_with(|| {
        context::set("tenant", clear("acme"));
        context::set("plan", 3);
        context::set("plan", 4);
        let _span = tracing::info_span!("span", plan = 9, last = true).entered();
        tracing::info!(own = 1, "with context");
        tracing::info!(tenant = "own", "overridden");
    });
    checked(&captured);
    let line = captured.line("with context");
    assert_eq!(keys(line.raw())[9..], ["own", "tenant", "plan", "last"]);
    assert_eq!(line.text("tenant"), "acme");
    assert_eq!(line.integer("plan"), 4);
    assert_eq!(captured.line("overridden").text("tenant"), "own");
}

const HOSTILE: &str = "a\n{\"level\":\"ERROR\"}\r\0\x07\x1b[31m\x7f\u{85}\u{9b}\u{2028}\u{2029}\u{202e}\u{2066}\u{200f}\"\\é漢😀";

#[test]
fn no_value_or_message_breaks_the_line() {
    let captured = capture();
    tracing::info!(text = HOSTILE, shown = %HOSTILE, debug = ?HOSTILE, "{HOSTILE}");
    RequestContext::with_id(HOSTILE).with_method(HOSTILE).enter_with(|| {
        context::set_user(clear(HOSTILE));
        context::set(HOSTILE, clear(HOSTILE));
        tracing::info!(target: "a\nb", "hostile context");
    });
    let lines = checked(&captured);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0].text("text"), HOSTILE);
    assert_eq!(lines[0].text("shown"), HOSTILE);
    assert_eq!(lines[0].text("msg"), HOSTILE);
    assert_eq!(lines[1].text("request_id"), HOSTILE);
    assert_eq!(lines[1].text("user_id"), HOSTILE);
    assert_eq!(lines[1].text(HOSTILE), HOSTILE);
    assert_eq!(lines[1].text("logger"), "a\nb");
}

#[test]
fn a_value_over_its_limit_is_cut_at_a_character_and_marked() {
    let captured = captured(Config::new().value_limit(10));
    tracing::info!(long = "ääääääääää", fits = "0123456789", "mmmmmmmmmmmm");
    checked(&captured);
    let line = &captured.lines()[0];
    assert_eq!(line.text("long"), "äääää…(+10 bytes)");
    assert_eq!(line.text("fits"), "0123456789");
    assert_eq!(line.text("msg"), "mmmmmmmmmm…(+2 bytes)");
}

#[test]
fn a_cut_never_splits_a_character() {
    let captured = captured(Config::new().value_limit(9));
    tracing::info!(long = "äääää", "cut");
    assert_eq!(captured.line("cut").text("long"), "ääää…(+2 bytes)");
}

#[test]
fn a_value_is_redacted_before_it_is_cut() {
    let captured = captured(Config::new().value_limit(20));
    tracing::info!(note = "0123456789 password=hunter2-is-secret", "cut");
    let line = captured.line("cut");
    assert!(!line.raw().contains("hunt"), "{line:?}");
}

#[test]
fn a_line_over_its_limit_loses_the_longest_values_first() {
    let captured = captured(Config::new().line_limit(2000).value_limit(100_000));
    tracing::info!(
        long = "x".repeat(5000),
        longer = "y\n".repeat(9000),
        short = "kept",
        n = 7,
        "cut"
    );
    let output = captured.output();
    assert!(output.len() <= 2000, "{} bytes", output.len());
    let line = captured.line("cut");
    check(line.raw());
    assert!(line.boolean("truncated"));
    assert_eq!(line.text("short"), "kept");
    assert_eq!(line.integer("n"), 7);
    assert!(line.text("long").ends_with(" bytes)"));
    assert_eq!(keys(line.raw()).last().map(String::as_str), Some("truncated"));
}

#[test]
fn a_recorded_or_context_value_over_its_limit_is_cut_too() {
    #[step_timed(fields(given = clear(&text)))]
    fn work(text: String) {
        candor::record("recorded", clear(&text));
    }

    let captured = capture();
    RequestContext::with_id("r").enter_with(|| {
        context::set("kept", clear(&"c".repeat(6000)));
        work("s".repeat(5000));
    });
    checked(&captured);
    let line = captured.step("work");
    for key in ["given", "recorded", "kept"] {
        assert!(line.text(key).ends_with(" bytes)"), "{key}: {line:?}");
    }
}

struct Panics;

impl fmt::Debug for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half a val")?;
        panic!("in the middle of a value")
    }
}

impl fmt::Display for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

struct Fails;

impl fmt::Debug for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half a val")?;
        Err(fmt::Error)
    }
}

impl fmt::Display for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[test]
fn a_value_that_panics_or_fails_is_unprintable_and_does_not_affect_the_next_line() {
    let captured = capture();
    tracing::info!(a = ?Panics, b = %Panics, c = ?Fails, d = %Fails, e = 5, "bad values");
    tracing::info!("bad message {}", Panics);
    tracing::info!("bad message {:?}", Fails);
    tracing::info!(fine = ?"fine", "next");
    checked(&captured);
    let line = captured.line("bad values");
    for key in ["a", "b", "c", "d"] {
        assert_eq!(line.text(key), "<unprintable>");
    }
    assert_eq!(line.integer("e"), 5);
    assert_eq!(captured.events("<unprintable>").len(), 2);
    assert_eq!(captured.line("next").text("fine"), "\"fine\"");
    assert!(!captured.line("next").raw().contains("half"));
}

#[test]
fn a_span_field_that_panics_is_unprintable() {
    let captured = capture();
    let _span = tracing::info_span!("span", bad = ?Panics, good = 1).entered();
    tracing::info!("inside");
    let line = captured.line("inside");
    check(line.raw());
    assert_eq!(line.text("bad"), "<unprintable>");
    assert_eq!(line.integer("good"), 1);
}

struct Logs;

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::info!(inner = ?"value", "logged while formatting");
        f.write_str("outer value")
    }
}

#[test]
fn a_value_that_logs_while_formatted_affects_no_other_line() {
    let captured = capture();
    RequestContext::with_id("r").enter_with(|| {
        tracing::info!(before = 1, value = ?Logs, after = 2, "outer");
        tracing::info!("next");
    });
    checked(&captured);
    let line = captured.line("outer");
    assert_eq!(line.text("value"), "outer value");
    assert_eq!(line.integer("after"), 2);
    assert!(captured.events("logged while formatting").len() <= 1);
    assert_eq!(keys(captured.line("next").raw()).len(), 9);
}

#[test]
fn sensitive_names_and_texts_of_other_crates_events_are_hidden() {
    let captured = capture();
    let _span = tracing::info_span!("span", session_id = "canary-span-1").entered();
    tracing::info!(
        password = "canary-pass-2",
        api_key = 123_456_789,
        accessToken = ?"canary-token-3",
        token_count = 7,
        url = "https://user:canary-cred-4@example.com/a?secret=canary-query-5",
        "login with password=canary-text-6"
    );
    let line = &checked(&captured)[0];
    assert!(!line.raw().contains("canary"), "{line:?}");
    assert!(!line.raw().contains("123456789"), "{line:?}");
    for key in ["password", "api_key", "accessToken", "session_id"] {
        assert_eq!(line.text(key), "[REDACTED]");
    }
    assert_eq!(line.integer("token_count"), 7);
}

#[derive(Debug)]
struct Outer(Option<Box<dyn Error + 'static>>);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the order failed")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_deref()
    }
}

#[test]
fn an_error_field_is_its_scrubbed_chain() {
    let captured = capture();
    let inner = std::io::Error::other("refused, password=canary-1 was wrong");
    let error = Outer(Some(Box::new(inner)));
    tracing::error!(error = &error as &dyn Error, "failed");
    let line = captured.line("failed");
    check(line.raw());
    let text = line.text("error");
    assert!(text.starts_with("the order failed: refused"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

#[derive(Debug)]
struct Cyclic;

impl fmt::Display for Cyclic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("again")
    }
}

impl Error for Cyclic {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&Cyclic)
    }
}

#[test]
fn an_error_that_is_its_own_source_is_cut() {
    let captured = capture();
    tracing::error!(error = &Cyclic as &dyn Error, "cyclic");
    assert!(captured.line("cyclic").text("error").starts_with("again"));
}

#[test]
fn renamed_keys_replace_the_fixed_ones() {
    let config = Config::new()
        .rename_keys([("ts", "timestamp"), ("level", "severity"), ("msg", "message")])
        .expect("names that are free");
    let captured = captured(config);
    tracing::info!(level = "forged", "renamed");
    let raw = captured.lines()[0].raw().to_owned();
    let keys = keys(&raw);
    assert_eq!(keys[..4], ["timestamp", "severity", "logger", "message"]);
    assert!(keys.contains(&"level_".to_owned()), "{raw}");
}

#[test]
fn keys_with_swapped_names_keep_their_values() {
    let config = Config::new()
        .rename_keys([("level", "msg"), ("msg", "level")])
        .expect("names that are given up");
    let captured = captured(config);
    tracing::info!("swapped");
    let line = &captured.lines()[0];
    assert_eq!((line.text("level"), line.text("msg")), ("swapped", "INFO"));
    assert!(Config::new().rename_keys([("level", "msg")]).is_err());
}

#[test]
fn a_field_never_duplicates_a_renamed_key() {
    #[step_timed(fields(severity = 3))]
    fn work() {
        candor::record("timestamp", 4);
    }

    let config = Config::new()
        .rename_keys([("ts", "timestamp"), ("level", "severity")])
        .expect("names that are free");
    let captured = captured(config);
    let _span = tracing::info_span!("span", severity = "span").entered();
    tracing::info!(timestamp = 5, severity = "forged", "renamed");
    work();
    for line in captured.lines() {
        keys(line.raw());
        assert_eq!(line.text("severity"), "INFO");
    }
    let line = captured.line("renamed");
    assert_eq!(line.integer("timestamp_"), 5);
    assert_eq!(line.text("severity_"), "forged");
    assert_eq!(captured.step("work").integer("timestamp_"), 4);
    assert_eq!(captured.step("work").integer("severity_"), 3);
}

#[test]
fn the_service_name_is_logged_if_set() {
    let captured = captured(Config::new().service("orders"));
    tracing::info!("named");
    checked(&captured);
    assert_eq!(captured.line("named").text("service"), "orders");
}

#[test]
fn lines_over_the_request_limit_are_counted_and_warnings_are_written() {
    let captured = captured(Config::new().lines_per_request(3));
    RequestContext::with_id("r").enter_with(|| {
        for n in 0..10 {
            tracing::info!(n, "many");
        }
        tracing::warn!("warned");
        tracing::error!("failed");
    });
    for n in 0..5 {
        tracing::info!(n, "outside");
    }
    checked(&captured);
    assert_eq!(captured.events("many").len(), 3);
    assert_eq!(captured.events("outside").len(), 5);
    assert_eq!(captured.line("warned").integer("seq"), 4);
    assert_eq!(captured.line("failed").integer("seq"), 5);
}

#[test]
fn only_lines_within_the_level_filter_are_written() {
    #[step_timed(target = "app::db::pool")]
    fn quiet() {}

    #[step_timed(level = "debug")]
    fn detail() {}

    let config = Config::new().level("info,app::db=warn").expect("directives");
    let captured = capture_with(config).expect("a configuration");
    tracing::debug!("too fine");
    tracing::info!("fine");
    tracing::info!(target: "app::db", "noise");
    tracing::warn!(target: "app::db", "heard");
    tracing::info!(target: "hyper::client", "noise");
    quiet();
    detail();
    let messages: Vec<_> =
        checked(&captured).iter().map(|line| line.text("msg").to_owned()).collect();
    assert_eq!(messages, ["fine", "heard"]);
}

#[test]
fn a_step_enabled_only_in_another_threads_subscriber_is_not_written() {
    #[step_timed]
    fn refused() {}

    // Two subscribers that disagree make tracing call `enabled` each time; an unused result must
    // not suppress the next line.
    let _wide = captured(Config::new());
    std::thread::spawn(|| {
        let config = Config::new().level("warn").expect("a level");
        let narrow = capture_with(config).expect("a configuration");
        for _ in 0..3 {
            refused();
            tracing::info!("refused");
            refused();
            tracing::warn!("written");
        }
        assert_eq!(narrow.lines().len(), 3, "{narrow:?}");
        assert_eq!(narrow.events("written").len(), 3, "{narrow:?}");
    })
    .join()
    .expect("no panic");
}

#[test]
fn the_pretty_format_has_the_same_fields() {
    let captured = captured(Config::new().format(Format::Pretty));
    RequestContext::with_id("0190f7a2-1111-7000-8000-00000000beef").enter_with(|| {
        tracing::info!(
            items = 2,
            ratio = 0.5,
            name = "two words",
            plain = "x",
            none = "",
            "opened"
        );
    });
    tracing::warn!("outside");
    let output = captured.output();
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(lines.len(), 3, "{output}");
    assert!(lines[0].ends_with("   #1  …00beef"), "{output}");
    let fields =
        r#" I       behaviour::line opened items=2 ratio=0.5 name="two words" plain=x none="""#;
    assert!(lines[1].ends_with(fields), "{output}");
    assert!(lines[2].ends_with(" W behaviour::line outside"), "{output}");
}

#[test]
fn the_pretty_format_cannot_be_forged() {
    let captured = captured(Config::new().format(Format::Pretty));
    tracing::info!(text = HOSTILE, quoted = "x\" admin=\"true", back = "\\", "{HOSTILE}");
    RequestContext::with_id(HOSTILE).enter_with(|| {
        context::set("a\nb", clear(HOSTILE));
        tracing::info!(target: "a\nb", "in context");
    });
    let output = captured.output();
    // The second record has a header.
    assert_eq!(output.lines().count(), 3, "{output}");
    for c in output.chars().filter(|c| *c != '\n') {
        assert!(
            !c.is_control() && !matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'),
            "{c:?} in {output}"
        );
    }
    assert!(!output.contains(" admin=\"true\""), "{output}");
    assert!(output.contains(r#"quoted="x\" admin=\"true""#), "{output}");
}

#[test]
fn a_writer_that_panics_loses_only_its_line() {
    struct Fussy;
    impl std::io::Write for Fussy {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            assert!(!bytes.windows(3).any(|part| part == b"bad"), "refused");
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let before = candor::stats().dropped;
    let subscriber = Config::new().writer(Fussy).subscriber().expect("a configuration");
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!("good");
        tracing::info!("bad");
        tracing::info!("good again");
    });
    assert_eq!(candor::stats().dropped, before + 1);
}

/// A wrapper whose `Debug` changes the output of the inner type.
struct Rewritten(Inner);

#[candor::redact]
struct Inner {
    a: bool,
    #[redact(clear)]
    note: String,
}

impl fmt::Debug for Rewritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{:?}", self.0).replace('"', "'"))
    }
}

#[test]
fn json_changed_by_a_wrapper_is_logged_as_a_string() {
    let captured = capture();
    let inner = || Inner { a: true, note: "x".to_owned() };
    tracing::info!(changed = ?Rewritten(inner()), wrapped = ?Some(inner()), plain = ?inner(), "nested");
    let line = &checked(&captured)[0];
    assert_eq!(line.text("changed"), "Inner { a: true, note: 'x' }");
    assert_eq!(line.text("wrapped"), "Some(Inner { a: true, note: \"x\" })");
    assert_eq!(line.get("plain"), Some(&serde_json::json!({ "a": true, "note": "x" })));
}

#[test]
fn a_long_field_name_does_not_displace_the_ids() {
    let captured = capture();
    RequestContext::with_id("r-1").enter_with(|| {
        context::set(&"k".repeat(20_000), 1);
        tracing::info!("far away");
    });
    let line = &checked(&captured)[0];
    assert_eq!(line.text("request_id"), "r-1");
    assert_eq!(line.text("msg"), "far away");
}

#[test]
fn a_pretty_message_cannot_look_like_fields() {
    let captured = captured(Config::new().format(Format::Pretty));
    tracing::info!(real = 1, "paid user_id=root \"outcome\"=ok");
    tracing::info!(real = 1, "paid \"in full\"");
    let output = captured.output();
    let mut lines = output.lines();
    assert!(
        lines.next().is_some_and(|line| {
            line.ends_with(r#" "paid user_id=root \"outcome\"=ok" real=1"#)
        }),
        "{output}"
    );
    assert!(
        lines.next().is_some_and(|line| line.ends_with(r#" paid "in full" real=1"#)),
        "{output}"
    );
}
