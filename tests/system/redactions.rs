//! Counts of redactions. They belong to the process, so the cases run in processes of their own.

use std::collections::HashMap;

use candor::testing::capture;
use candor::{Config, RedactionReason, RequestContext, redact, scrub};
use http::{HeaderMap, HeaderValue};
use serde_json::json;

use crate::leaks::process::{is_child, run_in_own_process};

/// The redactions of `f`, in the order of their text.
fn of(f: impl FnOnce()) -> Vec<String> {
    let captured = capture();
    f();
    let mut redactions: Vec<_> = captured.redactions().iter().map(ToString::to_string).collect();
    redactions.sort();
    redactions
}

fn of_text(text: &str) -> (Vec<String>, usize) {
    let mut written = 0;
    let redactions = of(|| written = scrub::text(text).matches("[REDACTED]").count());
    (redactions, written)
}

#[test]
fn each_reason_is_counted_once() {
    run_in_own_process("redactions::reasons");
}

#[test]
#[ignore = "needs a process of its own, which `each_reason_is_counted_once` starts"]
fn reasons() {
    if !is_child() {
        return;
    }
    detectors();
    clean_text_counts_nothing();
    names_at_run_time();
    decisions_in_the_code_are_not_counted();
    secrets_in_names_are_not_listed();
    a_deployment_adds_names();
    strict_mode();
}

fn detectors() {
    let mut wrong = Vec::new();
    for (text, reason) in [
        ("key ghp_0123456789abcdefghijABCDEFGHIJ012345 of ada", "token format"),
        ("Bearer 0a1b2c3d4e5f", "bearer"),
        ("paid with 4242 4242 4242 4242", "card number"),
        ("postgres://app:s3cret@db/orders", "url credentials"),
        ("app:s3cret@tcp(db:3306)/orders", "url credentials"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "private key"),
        ("invalid type: string \"hunter2\", expected u64", "serde error"),
        ("unknown variant `hunter2`, expected one of `a`", "serde error"),
        ("run --password hunter2", "flag"),
        ("<password>hunter2</password>", "tag"),
        ("alter user ada identified by 'hunter2'", "statement"),
        ("select 1 where password in ('a', 'b')", "statement"),
        ("| password | hunter2 |", "table"),
        ("the password is hunter2", "password in words"),
        ("Password(\"hunter2\")", "type"),
        ("x.setApiKey(\"hunter2\")", "call"),
        (r#"{"name": "password", "value": "hunter2"}"#, "name-value pair"),
        ("password=hunter2", "name password"),
        ("apiKey: hunter2", "name apikey"),
        (r#"{"db.page":"x","session_token":"hunter2"}"#, "name session_token"),
        (r#"("api_key", "hunter2")"#, "name api_key"),
        // Views of escaped text.
        (r#"{\"token\":\"a\\\"b\"}"#, "name token"),
        ("password%3Dhunter2", "name password"),
        ("&lt;password&gt;hunter2&lt;/password&gt;", "tag"),
        ("pass%77ord=hunter2", "other names"),
        ("größenpasswort.password=hunter2", "other names"),
    ] {
        let (redactions, written) = of_text(text);
        // A text that was redacted before is not counted again.
        let again = of_text(&scrub::text(text)).0;
        if redactions != [format!("{reason}: 1")] || written != 1 || !again.is_empty() {
            wrong.push((text, redactions, written, again));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let text = "password=a&user=7&password=b, card 4242424242424242";
    let (redactions, written) = of_text(text);
    assert_eq!(
        (redactions, written),
        (vec!["card number: 1".into(), "name password: 2".into()], 3)
    );
}

fn clean_text_counts_nothing() {
    let redactions = of(|| {
        let _ = scrub::text("GET /orders/7 took 12 ms, token_count: 5, a=b");
        let _ = scrub::url_with_query("/orders?page=2");
        let _ = scrub::json(&json!({ "order_id": 7, "note": "{\"a\":1}" })).to_string();
        tracing::info!(status = 200, path = "/orders", "served");
        RequestContext::with_id("r-7").enter_with(|| candor::info!("done"));
    });
    assert_eq!(redactions, [""; 0]);
}

fn names_at_run_time() {
    let mut headers = HeaderMap::new();
    headers.insert("X-Api-Key", HeaderValue::from_static("hunter2"));
    headers.insert("Accept", HeaderValue::from_static("*/*"));
    let map = HashMap::from([("otp_code", "4711"), ("page", "2")]);
    let body = json!({ "card": { "cvc": 737 }, "raw": "{\"pin\":1234,\"user\":7}" });
    let pairs = json!([["authorization", "x"], { "name": "password", "value": "hunter2" }]);
    type Case<'a> = (&'static str, &'static [&'static str], Box<dyn Fn() + 'a>);
    let cases: [Case<'_>; 9] = [
        ("JSON", &["name cvc: 1", "name pin: 1"], Box::new(|| drop(scrub::json(&body)))),
        ("pairs in JSON", &["name-value pair: 2"], Box::new(|| drop(scrub::json(&pairs)))),
        ("headers", &["name x-api-key: 1"], Box::new(|| drop(scrub::headers(&headers)))),
        (
            "a query",
            &["name access_token: 1", "name api_key: 1"],
            Box::new(|| drop(scrub::url_with_query("/a?api_key=k&page=2&access_token=x#t"))),
        ),
        (
            "a path",
            &["name reset-password: 1"],
            Box::new(|| drop(scrub::url("/reset-password/4f9d0a1b2c3d4e5f6a7b"))),
        ),
        (
            "a foreign event",
            &["name db_pass: 1", "name password: 1"],
            Box::new(|| tracing::info!(db_pass = "x", user = 7, "failed: password=hunter2")),
        ),
        (
            "a map",
            &["name otp_code: 1"],
            Box::new(|| drop(candor::loggable::to_json(&candor::policy::clear(&map)))),
        ),
        (
            "record",
            &["name api_secret: 1"],
            Box::new(|| candor::step("recorded", || candor::record("api_secret", 7))),
        ),
        (
            "context::set",
            &["name session_token: 1"],
            Box::new(|| {
                RequestContext::new().enter_with(|| candor::context::set("session_token", 7));
            }),
        ),
    ];
    let wrong: Vec<_> = cases
        .into_iter()
        .map(|(name, expected, case)| (name, expected, of(case)))
        .filter(|(_, expected, redactions)| redactions != expected)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[redact]
#[expect(dead_code, reason = "hidden fields are not read")]
struct SignUp {
    plan: u32,
    password: String,
    #[redact(secret)]
    street: String,
}

/// The code says that these values are hidden.
fn decisions_in_the_code_are_not_counted() {
    let redactions = of(|| {
        let sign_up = SignUp { plan: 2, password: "hunter2".into(), street: "Main St".into() };
        drop(candor::loggable::to_json(&sign_up));
        candor::info!(password = "hunter2", note = candor::policy::secret("x"), "signed up");
    });
    assert_eq!(redactions, [""; 0]);
}

fn secrets_in_names_are_not_listed() {
    const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let body = json!({ (format!("password.{TOKEN}")): "hunter2", (format!("{}.password", "a".repeat(64))): 1 });
    let redactions = of(|| drop(scrub::json(&body)));
    assert_eq!(redactions, ["other names: 2", "token format: 1"]);
    let all = format!("{:?}", candor::stats());
    for secret in ["ghp_", "hunter2", "4242", "s3cret", "0a1b", "4f9d", "MIIE"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

#[redact]
struct Ticket {
    seat: u32,
    internal_ref: u32,
}

fn a_deployment_adds_names() {
    let config = Config::new().sensitive(["internal_ref"]);
    drop(config.subscriber().expect("a configuration"));
    let ticket = Ticket { seat: 7, internal_ref: 8 };
    for (name, case) in [
        ("a type", (&|| drop(candor::loggable::to_json(&ticket))) as &dyn Fn()),
        ("Debug", &|| drop(format!("{ticket:?}"))),
        ("an event", &|| candor::info!(internal_ref = 7, "seen")),
        ("a step", &|| with_field(7)),
    ] {
        assert_eq!(of(case), ["name internal_ref: 1"], "{name}");
    }
}

#[candor::step_timed(fields(internal_ref))]
fn with_field(internal_ref: u32) {}

/// Strict mode stays on once it is on, so this comes last.
fn strict_mode() {
    drop(Config::new().strict(true).subscriber().expect("a configuration"));
    let (redactions, written) = of_text("ada@example.com, 192.0.2.7, password=x");
    assert_eq!(redactions, ["name password: 1", "personal data: 2"]);
    assert_eq!(written, 3);
    let redactions = of(|| candor::step("recorded", || candor::record("Ada Lovelace", 7)));
    assert_eq!(redactions, ["name in strict mode: 1"]);
}

#[test]
fn the_number_of_names_is_bounded() {
    run_in_own_process("redactions::bounded");
}

#[test]
#[ignore = "needs a process of its own, which `the_number_of_names_is_bounded` starts"]
fn bounded() {
    if !is_child() {
        return;
    }
    std::thread::scope(|threads| {
        for thread in 0..8 {
            threads.spawn(move || {
                for number in 0..1000 {
                    let _ = scrub::text(&format!("k{thread}n{number}_password=hunter2 password=x"));
                    let _ = scrub::text("Bearer 0a1b2c3d4e5f");
                }
            });
        }
    });
    let stats = candor::stats();
    let count = |reason: &RedactionReason| {
        let found = stats.redactions.iter().find(|redaction| redaction.reason == *reason);
        found.map_or(0, |redaction| redaction.count)
    };
    let is_name = |reason: &RedactionReason| matches!(reason, RedactionReason::Name(_));
    let names = stats.redactions.iter().filter(|redaction| is_name(&redaction.reason));
    let (listed, in_names) = names.fold((0, 0), |(n, sum), it| (n + 1, sum + it.count));
    assert_eq!(listed, 256);
    assert_eq!(in_names + count(&RedactionReason::OtherNames), 16_000);
    assert_eq!(count(&RedactionReason::Name("password".to_owned())), 8000);
    assert_eq!(count(&RedactionReason::Detector("bearer")), 8000);
    let counts: Vec<_> = stats.redactions.iter().map(|redaction| redaction.count).collect();
    assert!(counts.is_sorted_by(|a, b| a >= b), "{counts:?}");
}
