//! Errors as values: in events, messages, `fields(…)` and `record`.

use std::error::Error;
use std::fmt;
use std::io;

use candor::dependency::{Category, DependencyOutcome};
use candor::testing::{Line, capture};
use candor::{RequestContext, dependency_call, policy, record, redact, step_timed};
use candor_tests::checked;
use serde_json::{Value, json};

/// The class, the type and the text of a line's error.
fn keys(line: &Line) -> (String, String, String) {
    let text = |key| line.text(key).to_owned();
    (text("error"), text("error_type"), text("error_detail"))
}

fn triple(class: &str, name: &str, text: &str) -> (String, String, String) {
    (class.to_owned(), name.to_owned(), text.to_owned())
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "no answer, password=hunter2")
}

fn is_late() -> (String, String, String) {
    triple("timeout", "std::io::error::Error", "no answer, password=[REDACTED]")
}

#[derive(Debug, thiserror::Error)]
#[error("no order {0}")]
struct NoOrder(u32, #[source] io::Error);

#[test]
fn every_spelling_of_an_error_writes_its_class_type_and_text() {
    let captured = capture();
    let e = late();
    candor::error!(error = e, "plain");
    candor::error!(error = &e, "reference");
    candor::error!(error = %e, "display");
    candor::error!(error = ?e, "debug");
    candor::error!(%e, "shorthand");
    candor::error!(?e, "debug shorthand");
    candor::error!(error = &e as &dyn Error, "object");
    candor::error!(error = &e as &(dyn Error + Send + Sync + 'static), "shared object");
    candor::error!(error = policy::error(&NoOrder(7, late())), "explicit");
    candor::error!(error = error(&NoOrder(7, late())), "explicit without an import");
    let lines = checked(&captured);
    assert_eq!(lines.len(), 10);
    for line in &lines[..6] {
        assert_eq!(keys(line), is_late(), "{line:?}");
    }
    // A trait object has the type of the trait, and the category of its sources.
    for line in &lines[6..8] {
        assert_eq!(line.text("error_detail"), is_late().2);
    }
    for line in &lines[8..] {
        let text = "no order 7: no answer, password=[REDACTED]";
        let name = "behaviour::errors::NoOrder";
        assert_eq!(keys(line), triple("timeout", name, text));
    }
    assert!(lines.iter().all(|line| !line.raw().contains("hunter2")), "{captured:?}");
}

#[test]
fn boxed_and_opaque_errors_are_values_too() {
    let captured = capture();
    let local: Box<dyn Error> = Box::new(late());
    let sent: Box<dyn Error + Send> = Box::new(late());
    let shared: Box<dyn Error + Send + Sync> = Box::new(late());
    let anyhow = anyhow::Error::new(late()).context("loading");
    let eyre = eyre::Report::new(late()).wrap_err("loading");
    let counted = std::sync::Arc::new(late());
    candor::error!(error = local, "value");
    candor::error!(error = sent, "value");
    candor::error!(error = shared, "value");
    candor::error!(error = anyhow, "value");
    candor::error!(error = %eyre, "value");
    candor::error!(error = counted, "value");
    candor::error!("{local} {sent} {shared} {anyhow} {eyre:?} {counted}");
    let optional = Some(late());
    candor::error!(error = optional, "value");
    candor::error!(error = None::<io::Error>, "no error");
    let lines = checked(&captured);
    for line in lines.iter().filter(|line| line.text("msg") == "value") {
        assert_eq!(line.text("error"), "timeout", "{line:?}");
        assert!(line.text("error_detail").ends_with("no answer, password=[REDACTED]"), "{line:?}");
    }
    assert_eq!(lines[0].text("error_type"), "alloc::boxed::Box<dyn core::error::Error>");
    assert_eq!(lines[3].text("error_type"), "anyhow::Error");
    assert_eq!(lines[3].text("error_detail"), "loading: no answer, password=[REDACTED]");
    assert_eq!(captured.line("no error").get("error"), Some(&Value::Null));
    assert!(lines.iter().all(|line| !line.raw().contains("hunter2")), "{captured:?}");
}

#[test]
fn an_error_in_a_message_shows_its_text_and_sets_the_keys() {
    let captured = capture();
    let e = late();
    candor::error!("save failed: {e}");
    candor::error!("save failed: {}", e);
    candor::error!("save failed: {reason:?}", reason = &e);
    candor::error!(error = "x".parse::<u8>().unwrap_err(), "save failed: {e}");
    let lines = checked(&captured);
    for line in &lines {
        assert_eq!(line.text("msg"), "save failed: no answer, password=[REDACTED]");
    }
    for line in &lines[..3] {
        assert_eq!(keys(line), is_late(), "{line:?}");
    }
    // A field takes precedence over the message.
    assert_eq!(lines[3].text("error"), "ParseIntError");
}

#[test]
fn a_field_with_another_name_has_its_own_keys() {
    let captured = capture();
    candor::warn!(cause = late(), error = "x".parse::<u8>().unwrap_err(), rows = 3, "two");
    candor::warn!(error_type = 7, error = late(), "taken");
    let line = captured.line("two");
    assert_eq!((line.text("cause"), line.text("error")), ("timeout", "ParseIntError"));
    assert_eq!(line.text("cause_type"), "std::io::error::Error");
    assert_eq!(line.text("cause_detail"), "no answer, password=[REDACTED]");
    assert_eq!(line.text("error_detail"), "invalid digit found in string");
    assert_eq!(captured.line("taken").integer("error_type"), 7);
    checked(&captured);
}

#[test]
fn an_error_under_a_sensitive_name_is_hidden() {
    let captured = capture();
    let password = late();
    candor::warn!(password, "hidden {password}");
    let line = captured.line("hidden [REDACTED]");
    assert_eq!(line.text("password"), "[REDACTED]");
    assert!(!line.has("error") && !line.has("password_detail"));
}

#[redact]
#[derive(thiserror::Error)]
#[error("refused {0}", .card)]
struct Refused {
    order: u32,
    #[redact(mask(last = 4))]
    card: String,
}

fn refused() -> Refused {
    Refused { order: 7, card: "4242424242424242".to_owned() }
}

#[test]
fn an_error_with_policies_shows_what_they_show() {
    let captured = capture();
    let e = refused();
    candor::error!(error = e, "declined");
    candor::error!("declined: {e}");
    let lines = checked(&captured);
    for line in &lines {
        let text = r#"Refused { order: 7, card: "****4242" }"#;
        assert_eq!(keys(line), triple("Refused", "behaviour::errors::Refused", text));
        assert_eq!(line.get("error_fields"), Some(&json!({ "order": 7, "card": "****4242" })));
    }
    assert!(lines.iter().all(|line| !line.raw().contains("42424242")), "{captured:?}");
}

#[test]
fn generic_code_logs_the_errors_of_its_caller() {
    fn any<E: Error>(e: &E) {
        candor::error!(error = e, "any");
        candor::error!(error = policy::error(e), "explicit");
        candor::error!("in the text: {e}");
    }

    fn object(e: &dyn Error) {
        candor::error!(error = e, "object");
    }

    #[step_timed(fields(cause = e))]
    fn step<E: Error>(e: E) {
        record("seen", &e);
    }

    let captured = capture();
    any(&NoOrder(7, late()));
    object(&NoOrder(7, late()));
    step(NoOrder(7, late()));
    let lines = checked(&captured);
    for line in &lines[..4] {
        assert_eq!(line.text("error"), "timeout", "{line:?}");
        assert_eq!(line.text("error_detail"), "no order 7: no answer, password=[REDACTED]");
    }
    let line = captured.step("step");
    assert_eq!((line.text("cause"), line.text("seen")), ("timeout", "timeout"));
    assert_eq!(line.text("cause_type"), "behaviour::errors::NoOrder");
}

#[test]
fn a_borrowing_error_is_a_value() {
    struct Borrowed<'a>(&'a str);

    impl fmt::Debug for Borrowed<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Borrowed")
        }
    }

    impl fmt::Display for Borrowed<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "bad input of {} bytes", self.0.len())
        }
    }

    impl Error for Borrowed<'_> {}

    #[step_timed]
    fn parse(text: &str) -> Result<(), Borrowed<'_>> {
        Err(Borrowed(text))
    }

    let captured = capture();
    let text = "abc".to_owned();
    let e = Borrowed(&text);
    candor::error!(error = e, "borrowed");
    parse(&text).expect_err("fails");
    for line in [captured.line("borrowed"), captured.step("parse")] {
        assert_eq!(line.text("error"), "Borrowed");
        assert!(line.text("error_type").ends_with("::Borrowed"), "without its lifetime: {line:?}");
        assert_eq!(line.text("error_detail"), "bad input of 3 bytes");
    }
}

#[test]
fn an_error_that_panics_while_it_is_formatted_harms_nothing() {
    #[derive(Debug)]
    struct Bad;

    impl fmt::Display for Bad {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no text")
        }
    }

    impl Error for Bad {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self)
        }
    }

    let captured = capture();
    candor::error!(error = Bad, "bad {}", Bad);
    let lines = checked(&captured);
    assert_eq!(lines[0].text("error"), "Bad");
    assert!(lines[0].text("error_detail").starts_with("<unprintable>"), "{captured:?}");
}

#[test]
fn an_error_of_a_step_that_succeeds_has_the_usual_keys() {
    #[step_timed(fields(err = error))]
    fn given(error: &io::Error) {
        let _ = error;
    }

    #[step_timed]
    fn recorded(fails: bool) -> Result<(), std::num::ParseIntError> {
        record("error", late());
        record("rows", 3);
        if fails { Err("x".parse::<u8>().unwrap_err()) } else { Ok(()) }
    }

    #[dependency_call("stock")]
    async fn asked(fails: bool) -> Result<(), std::num::ParseIntError> {
        let late = late();
        record("error", &late);
        if fails { Err("x".parse::<u8>().unwrap_err()) } else { Ok(()) }
    }

    let captured = capture();
    RequestContext::with_id("r").enter_with(|| {
        given(&late());
        recorded(false).expect("is good");
        futures::executor::block_on(asked(false)).expect("is good");
        recorded(true).expect_err("fails");
        futures::executor::block_on(asked(true)).expect_err("fails");
    });
    let lines = checked(&captured);
    for line in &lines[..3] {
        assert_eq!(line.text("outcome"), "ok", "{line:?}");
        assert_eq!(keys(line), is_late(), "{line:?}");
    }
    for line in &lines[3..] {
        assert_eq!((line.text("outcome"), line.text("error")), ("error", "ParseIntError"));
        assert_eq!(
            (line.text("error_"), line.text("error_type_")),
            ("timeout", "std::io::error::Error")
        );
    }
    assert_eq!(lines[1].integer("rows"), 3);
}

#[test]
fn a_step_has_the_category_of_its_error() {
    #[derive(Debug, thiserror::Error)]
    enum StoreError {
        #[error("no such order")]
        NoOrder,
        #[error("the store is busy")]
        Busy,
    }

    impl DependencyOutcome for StoreError {
        fn category(&self) -> Option<Category> {
            matches!(self, StoreError::NoOrder).then_some(Category::NotFound)
        }
    }

    #[step_timed]
    fn read() -> io::Result<()> {
        Err(late())
    }

    #[step_timed]
    fn own(error: StoreError) -> Result<(), StoreError> {
        Err(error)
    }

    #[dependency_call("store")]
    fn load(error: StoreError) -> Result<(), StoreError> {
        Err(error)
    }

    let captured = capture();
    read().expect_err("fails");
    own(StoreError::NoOrder).expect_err("fails");
    load(StoreError::NoOrder).expect_err("fails");
    load(StoreError::Busy).expect_err("fails");
    let lines = checked(&captured);
    let classes: Vec<_> =
        lines.iter().map(|line| (line.text("error"), line.text("level"))).collect();
    // A missing row is not a failure of the store.
    assert_eq!(
        classes,
        [
            ("timeout", "WARN"),
            ("not_found", "WARN"),
            ("not_found", "WARN"),
            ("StoreError", "ERROR")
        ]
    );
}

#[redact]
#[derive(thiserror::Error)]
#[error("refused {card}")]
struct Declined {
    order: u32,
    #[redact(secret)]
    card: String,
}

fn declined() -> Declined {
    Declined { order: 7, card: "swordfish".to_owned() }
}

#[test]
fn display_of_an_error_with_policies_is_never_shown() {
    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Declined);

    fn generic<E: Error>(e: &E) {
        candor::error!(error = e, "generic {e}");
    }

    #[step_timed(fields(cause = error(e)))]
    fn step(e: &Declined) -> Result<(), Box<dyn Error>> {
        Err(Box::new(Outer(Declined { order: e.order, card: e.card.clone() })))
    }

    let captured = capture();
    let e = declined();
    let object: &dyn Error = &e;
    let boxed: Box<dyn Error + Send + Sync> = Box::new(declined());
    candor::error!(error = policy::error(&e), "explicit");
    candor::error!("bare {}", error(&e));
    generic(&e);
    candor::error!(error = object, "object {object}");
    candor::error!(error = boxed, "boxed {boxed}");
    candor::error!(error = Outer(declined()), "source");
    candor::error!(error = Some(declined()), "optional");
    candor::error!(error = policy::error(object), "of an object");
    step(&e).expect_err("fails");
    let lines = checked(&captured);
    assert_eq!(lines.len(), 9);
    assert!(lines.iter().all(|line| !line.raw().contains("swordfish")), "{captured:?}");
    let text = r#"Declined { order: 7, card: "[REDACTED]" }"#;
    for message in ["explicit", "optional", "of an object"] {
        let line = captured.line(message);
        assert_eq!(line.text("error_detail"), text);
        assert_eq!(line.get("error_fields"), Some(&json!({ "order": 7, "card": "[REDACTED]" })));
    }
    assert_eq!(captured.line("source").text("error_detail"), format!("outer: {text}"));
    assert_eq!(captured.line("optional").text("error"), "Declined");
}

#[test]
fn no_key_of_an_error_is_written_twice() {
    const KEY: &str = "error";

    #[step_timed(fields(cause = e, cause_type = 3))]
    fn after(e: &io::Error) {}

    #[step_timed(fields(cause_type = 3, cause = e))]
    fn before(e: &io::Error) {}

    let captured = capture();
    let (e, err) = (late(), NoOrder(7, late()));
    candor::info!({ KEY } = 7, error = e, "constant first");
    candor::info!(error = e, { KEY } = 7, "constant last");
    candor::info!(e, err, "two variables");
    after(&e);
    before(&e);
    tracing::info!(path = "/a", path_ = 3, "foreign");
    RequestContext::with_id("r").with_path("/b").enter_with(|| {
        tracing::info!(path = "/a", path_ = 3, "foreign inside");
    });
    checked(&captured);
    assert_eq!(captured.line("constant first").text("error"), "timeout");
    assert_eq!(captured.line("constant last").integer("error"), 7);
    let line = captured.line("two variables");
    assert_eq!((line.text("error_type"), line.text("err")), ("std::io::error::Error", "timeout"));
    for step in ["after", "before"] {
        assert_eq!(captured.step(step).integer("cause_type"), 3, "{step}");
        assert_eq!(captured.step(step).text("cause"), "timeout", "{step}");
    }
    let line = captured.line("foreign inside");
    assert_eq!((line.integer("path_"), line.text("path__")), (3, "/a"));
}

#[test]
fn a_path_of_another_crate_has_no_query() {
    let captured = capture();
    tracing::info!(path = "/a?token=x&user=swordfish", "outside");
    assert_eq!(captured.line("outside").text("path"), "/a");
}

#[test]
fn an_error_recorded_under_a_reserved_name_does_not_replace_the_key() {
    #[step_timed]
    fn step() {
        record("trace_id", late());
        record("duration_ms", late());
    }

    let captured = capture();
    step();
    checked(&captured);
    let line = captured.step("step");
    assert!(line.number("duration_ms") >= 0.0);
    assert_eq!(line.text("duration_ms_"), "timeout");
}

#[test]
fn the_source_of_an_error_with_policies_is_shown_by_its_policy_only() {
    #[redact]
    #[derive(thiserror::Error)]
    #[error("the store failed")]
    struct StoreError {
        #[source]
        #[redact(secret)]
        source: io::Error,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] StoreError);

    let store = || StoreError { source: io::Error::other("swordfish") };
    let captured = capture();
    candor::error!(error = store(), "direct");
    candor::error!(error = policy::error(&store()), "explicit");
    candor::error!(error = &store() as &dyn Error, "object");
    candor::error!(error = Outer(store()), "source");
    tracing::error!(error = &store() as &dyn Error, "foreign");
    let lines = checked(&captured);
    assert_eq!(lines.len(), 5);
    for line in &lines {
        assert!(!line.raw().contains("swordfish"), "{line:?}");
        assert!(line.raw().contains("[REDACTED]"), "{line:?}");
    }
}
