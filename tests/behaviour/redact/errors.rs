//! Error types with `#[redact]` set `error_detail` through their own policies.

use std::error::Error;
use std::{fmt, io};

use candor::testing::capture;
use candor::{redact, step_timed};
use candor_tests::checked;
use serde_json::json;

#[redact]
#[derive(thiserror::Error)]
enum OrderError {
    #[error("card {card} of customer {customer} was declined")]
    Declined {
        customer: u64,
        #[redact(mask(last = 4))]
        card: String,
    },
    #[error("the store failed")]
    Store(
        #[from]
        #[redact(scrub)]
        io::Error,
    ),
    #[error("the gateway failed")]
    Gateway {
        #[source]
        #[redact(scrub)]
        cause: Box<dyn Error + Send + Sync>,
        attempts: u32,
    },
    #[error("{0}")]
    Text(#[redact(scrub)] fmt_only::Message),
    #[error(transparent)]
    Other(
        #[from]
        #[redact(scrub)]
        anyhow::Error,
    ),
}

mod fmt_only {
    pub(super) struct Message(pub(super) &'static str);

    impl std::fmt::Display for Message {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }
}

#[step_timed]
fn order(error: OrderError) -> Result<(), OrderError> {
    Err(error)
}

fn fields(error: OrderError) -> serde_json::Value {
    let captured = capture();
    let _ = order(error);
    let line = captured.step("order");
    assert_eq!(line.text("error"), "OrderError");
    assert!(line.text("error_type").ends_with("errors::OrderError"));
    assert!(!line.text("error_detail").is_empty());
    line.get("error_fields").cloned().expect("an error with fields")
}

#[test]
fn an_error_with_fields() {
    let declined = OrderError::Declined { customer: 7, card: "4242424242424242".into() };
    assert_eq!(fields(declined), json!({"Declined": {"customer": 7, "card": "****4242"}}));
}

#[test]
fn an_error_with_the_scrubbed_text_of_its_source() {
    let store = io::Error::other("connecting to postgres://app:hunter2@db/orders");
    let fields_of_store = fields(OrderError::from(store));
    let text = fields_of_store["Store"].as_str().expect("a text");
    assert!(text.starts_with("connecting to postgres://"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    let cause = "token=abc123 refused".into();
    assert_eq!(
        fields(OrderError::Gateway { cause, attempts: 2 }),
        json!({"Gateway": {"cause": "token=[REDACTED] refused", "attempts": 2}})
    );
    let message = fmt_only::Message("password=hunter2");
    assert_eq!(fields(OrderError::Text(message)), json!({"Text": "password=[REDACTED]"}));
}

#[test]
fn an_error_with_the_sources_of_its_source() {
    let inner = anyhow::Error::new(io::Error::other("secret=s3cr3t")).context("reading the order");
    assert_eq!(
        fields(OrderError::from(inner)),
        json!({"Other": "reading the order: secret=[REDACTED]"})
    );
}

/// An error without `#[redact]` has its text and that of its sources scrubbed.
#[test]
fn the_chain_of_an_unredacted_error_is_scrubbed() {
    #[derive(Debug, thiserror::Error)]
    #[error("order failed, api_key=k-123")]
    struct Outer(#[source] io::Error);

    #[step_timed]
    fn outer() -> Result<(), Outer> {
        Err(Outer(io::Error::other("password=hunter2")))
    }
    let captured = capture();
    let _ = outer();
    let line = captured.step("outer");
    let text = line.text("error_detail");
    assert!(text.starts_with("order failed, api_key=[REDACTED]"), "{text}");
    assert!(!text.contains("k-123") && !text.contains("hunter2"), "{text}");
}

#[test]
fn a_type_is_named_without_its_path() {
    #[derive(Debug)]
    struct Declined<T>(T);

    type Generic = (Declined<Box<dyn Error>>, &'static str);

    #[step_timed]
    fn charge() -> Result<(), Generic> {
        Err((Declined("no".into()), ""))
    }

    let captured = capture();
    charge().expect_err("a declined card");
    assert_eq!(captured.step("charge").text("error"), "(Declined<Box<dyn Error>>, &str)");
}

/// The text of an error of a client crate.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Client(&'static str);

#[step_timed]
fn call(text: &'static str) -> Result<(), Client> {
    Err(Client(text))
}

/// Regression test: the details and the metadata of a gRPC response were logged.
#[test]
fn a_status_of_an_older_tonic_is_logged_without_details_and_metadata() {
    let captured = capture();
    let _ = call(
        "status: NotFound, message: \"no item, \\\"7\\\"\", details: [10, 16, 99], \
         metadata: MetadataMap { headers: {\"x-session\": \"canary-1\", \"date\": \"canary-2\"} }",
    );
    let _ = call(
        "status: Unavailable, message: \"down\", details: [], metadata: MetadataMap { headers: {} }",
    );
    let _ = call("code: 'Unknown', message: \"down\", source: Refused { body: \"canary-3\" }");
    let details: Vec<_> =
        captured.steps("call").iter().map(|line| line.text("error_detail").to_owned()).collect();
    let wanted = [
        "status: NotFound, message: \"no item, \\\"7\\\"\", details: [REDACTED]",
        "status: Unavailable, message: \"down\"",
        "code: 'Unknown', message: \"down\"",
    ];
    assert_eq!(details, wanted);
}

/// Regression test: the value that a database returned or refused was logged.
#[test]
fn values_in_the_errors_of_databases_are_hidden() {
    for (text, shown) in [
        (
            "Response was of incompatible type - TypeError: \"Response type not vector\" \
             (response was bulk-string('\"canary\"'))",
            "Response was of incompatible type - TypeError: \"Response type not vector\" (response was [REDACTED])",
        ),
        (
            "Incompatible type - \"Response type not convertible to numeric.\" (value was simple-string(\"canary\"))",
            "Incompatible type - \"Response type not convertible to numeric.\" (value was [REDACTED])",
        ),
        (
            "ResponseError: unknown command 'GRT', with args beginning with: 'user:7' 'canary' ",
            "ResponseError: unknown command 'GRT', with args beginning with: [REDACTED]",
        ),
        (
            "error returned from database: 1062 (23000): Duplicate entry 'canary' for key 'users.name'",
            "error returned from database: 1062 (23000): Duplicate entry '[REDACTED]' for key 'users.name'",
        ),
        (
            "1366 (HY000): Incorrect integer value: 'canary' for column 'age' at row 1",
            "1366 (HY000): Incorrect integer value: '[REDACTED]' for column 'age' at row 1",
        ),
        (
            "error returned from database: invalid input syntax for type integer: \"canary\"",
            "error returned from database: invalid input syntax for type integer: \"[REDACTED]\"",
        ),
        (
            "invalid input value for enum mood: \"canary\"",
            "invalid input value for enum mood: \"[REDACTED]\"",
        ),
        (
            "date/time field value out of range: \"canary\"",
            "date/time field value out of range: \"[REDACTED]\"",
        ),
        (
            "db error: ERROR: duplicate key value violates unique constraint \"users_name_key\" DETAIL: Key \
             (name)=(canary) already exists.",
            "db error: ERROR: duplicate key value violates unique constraint \"users_name_key\" DETAIL: Key \
             (name)=([REDACTED]) already exists.",
        ),
        (
            "Kind: An error occurred when trying to execute a write operation: WriteError(WriteError { code: 11000, \
             message: \"E11000 duplicate key error collection: shop.users index: name_1 dup key: { name: \\\"canary\\\" \
             }\", details: None }), labels: {}",
            "Kind: An error occurred when trying to execute a write operation: WriteError(WriteError { code: 11000, \
             message: \"E11000 duplicate key error collection: shop.users index: name_1 dup key: {[REDACTED]}",
        ),
        (
            "error occurred while decoding column 0: invalid value \"canary\" for enum Mood",
            "error occurred while decoding column 0: invalid value \"[REDACTED]\" for enum Mood",
        ),
    ] {
        let captured = capture();
        let _ = call(text);
        assert_eq!(captured.step("call").text("error_detail"), shown);
    }
}

/// An error whose `Display` shows a field that its policy hides.
#[redact]
struct Declined {
    #[redact(secret)]
    holder: String,
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "holder {} was declined", self.holder)
    }
}

impl Error for Declined {}

fn declined() -> Declined {
    Declined { holder: "canary".to_owned() }
}

/// As with `#[error(transparent)]`: candor never gets the inner error.
#[derive(Debug)]
enum Transparent {
    Pay(Declined),
}

impl fmt::Display for Transparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Transparent::Pay(inner) = self;
        fmt::Display::fmt(inner, f)
    }
}

impl Error for Transparent {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let Transparent::Pay(inner) = self;
        inner.source()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("payment failed: {0}")]
struct Outer(#[source] Declined);

#[step_timed]
fn of_io() -> io::Result<()> {
    Err(io::Error::other(declined()))
}

#[step_timed]
fn of_transparent() -> Result<(), Transparent> {
    Err(Transparent::Pay(declined()))
}

#[step_timed]
fn of_outer() -> Result<(), Outer> {
    Err(Outer(declined()))
}

#[step_timed]
fn of_both() -> io::Result<()> {
    Err(io::Error::other(Outer(declined())))
}

#[step_timed]
fn of_a_box() -> Result<(), Box<dyn Error + Send + Sync>> {
    Err(Box::new(io::Error::other(declined())))
}

#[test]
fn bug_the_display_of_a_wrapper_showed_a_field_that_the_error_inside_hides() {
    let captured = capture();
    of_io().expect_err("fails");
    of_transparent().expect_err("fails");
    of_outer().expect_err("fails");
    of_both().expect_err("fails");
    of_a_box().expect_err("fails");
    let lines = checked(&captured);
    assert!(lines.iter().all(|line| !line.raw().contains("canary")), "{captured:?}");
    for (step, error, error_type) in [
        ("of_io", "Error", "std::io::error::Error"),
        ("of_transparent", "Transparent", "errors::Transparent"),
        ("of_outer", "Outer", "errors::Outer"),
        ("of_both", "Error", "std::io::error::Error"),
    ] {
        let line = captured.step(step);
        assert_eq!((line.text("outcome"), line.text("error")), ("error", error), "{step}");
        assert!(line.text("error_type").ends_with(error_type), "{line:?}");
        assert!(!line.text("error_detail").is_empty(), "{line:?}");
    }
    assert!(!captured.step("of_a_box").text("error_detail").is_empty());
}

#[test]
fn bug_events_showed_a_field_that_the_error_inside_a_wrapper_hides() {
    let captured = capture();
    let of_io = io::Error::other(declined());
    let transparent = Transparent::Pay(declined());
    let outer = Outer(declined());
    candor::error!(error = of_io, "of candor");
    candor::error!(error = transparent, "of candor");
    candor::error!(error = outer, "of candor");
    candor::error!(error = &of_io as &dyn Error, "of candor");
    candor::error!(error = &transparent as &dyn Error, "of candor");
    candor::error!(error = &outer as &dyn Error, "of candor");
    candor::error!("in a message: {of_io} {transparent} {outer}");
    tracing::error!(error = &of_io as &dyn Error, "of tracing");
    tracing::error!(error = &transparent as &dyn Error, "of tracing");
    tracing::error!(error = &outer as &dyn Error, "of tracing");
    let lines = checked(&captured);
    assert!(lines.iter().all(|line| !line.raw().contains("canary")), "{captured:?}");
    let of_candor = captured.events("of candor");
    assert_eq!(of_candor.len(), 6);
    for line in &of_candor {
        assert!(!line.text("error_detail").is_empty(), "{line:?}");
    }
    let kinds: Vec<_> = of_candor[..3].iter().map(|line| line.text("error")).collect();
    assert_eq!(kinds, ["Error", "Transparent", "Outer"]);
    let of_tracing = captured.events("of tracing");
    assert_eq!(of_tracing.len(), 3);
    for line in &of_tracing {
        assert!(!line.text("error").is_empty(), "{line:?}");
    }
}

/// A value whose text contains that of another one.
#[redact]
#[derive(Clone)]
struct Payer {
    #[redact(secret)]
    name: String,
    card: Digits,
}

#[redact]
#[derive(Clone)]
struct Digits(#[redact(mask(last = 4))] String);

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Payer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {}", self.name, self.card)
    }
}

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("refused {payer} in 42 ms")]
    Of { card: Digits, payer: Payer },
    #[error("4 cards like {0}, 4 of 42")]
    Like(Digits),
    #[error("an order is needed")]
    Without(Digits),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
    #[error("canary")]
    Panics(Panics),
}

/// Its `Display` has a bound, so its `Debug` does not know it.
#[redact]
#[derive(thiserror::Error)]
#[error("{0} was declined")]
struct Generic<T>(#[redact(secret)] T);

#[derive(Debug, thiserror::Error)]
#[error("payment failed: {0}")]
struct AroundGeneric(#[source] Generic<&'static str>);

#[test]
fn a_generic_error_is_replaced_in_those_around_it() {
    let captured = capture();
    candor::error!(error = AroundGeneric(Generic("canary")), "fails");
    let text = captured.line("fails").text("error_detail").to_owned();
    assert_eq!(text, "payment failed: [REDACTED]");
}

struct Panics;

impl fmt::Debug for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no form")
    }
}

#[test]
fn the_text_of_a_redacted_value_is_replaced_in_messages_that_keep_their_own_words() {
    let digits = |text: &str| Digits(text.to_owned());
    let payer = || Payer { name: "canary".to_owned(), card: digits("4111111111111111") };
    let declined_in_anyhow = || anyhow::Error::new(declined()).context("placing an order");
    for (error, expected) in [
        (
            Refused::Of { card: digits("4111111111111111"), payer: payer() },
            r#"refused Payer { name: "[REDACTED]", card: Digits("****1111") } in 42 ms"#,
        ),
        (Refused::Like(digits("4")), r#"[REDACTED] cards like"#),
        (Refused::Without(digits("4")), "an order is needed"),
        (Refused::Other(anyhow::Error::new(declined())), r#"Declined { holder: "[REDACTED]" }"#),
        (
            Refused::Other(declined_in_anyhow()),
            r#"placing an order: Declined { holder: "[REDACTED]" }"#,
        ),
        (Refused::Panics(Panics), "<unprintable>"),
    ] {
        let captured = capture();
        candor::error!(error = error, "fails");
        let line = captured.line("fails");
        let text = line.text("error_detail");
        assert!(!line.raw().contains("canary"), "{line:?}");
        assert!(text.starts_with(expected), "{text} is not {expected}");
    }
}

/// The text of a wrapper around errors without policies is not hidden.
#[test]
fn the_display_of_a_wrapper_without_a_redacted_error_is_shown() {
    #[derive(Debug, thiserror::Error)]
    #[error("payment failed: {0}")]
    struct Plain(#[source] io::Error);

    #[step_timed]
    fn plain() -> Result<(), Plain> {
        Err(Plain(io::Error::other("no answer")))
    }

    let captured = capture();
    plain().expect_err("fails");
    let text = captured.step("plain").text("error_detail").to_owned();
    assert!(text.starts_with("payment failed: no answer"), "{text}");
}
