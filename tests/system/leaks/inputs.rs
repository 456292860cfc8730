//! The inputs through which text without a policy reaches a line.

use std::error::Error;
use std::fmt;
use std::panic::catch_unwind;

use candor::policy::scrub;
use candor::{RequestContext, dependency_call, step_timed};
use http::{HeaderMap, HeaderValue};
use serde_json::json;

use super::texts::{self, Secret};
use super::{Case, KEPT};

/// Every text through every input.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (input, write) in INPUTS {
        for Secret { name, text, canary } in texts::all() {
            if !fits(input, name, &text) {
                continue;
            }
            cases.push(Case::new(format!("{name} through {input}"), canary, move || write(&text)));
        }
    }
    cases
}

/// A header can't contain a line feed.
fn fits(input: &str, _: &str, text: &str) -> bool {
    input != "a header" || HeaderValue::from_str(text).is_ok()
}

pub(super) type Input = (&'static str, fn(&str));

pub(super) const INPUTS: [Input; 21] = [
    ("a message", |text| tracing::info!("said {text}")),
    ("a message alone", |text| tracing::info!("{text}")),
    ("a Display field", |text| tracing::info!(note = %text, "noted")),
    ("a Debug field", |text| tracing::info!(note = ?text, "noted")),
    ("a pretty Debug field", |text| tracing::info!(note = format_args!("{:#?}", [text]), "noted")),
    ("a text field", |text| tracing::info!(note = text, "noted")),
    ("a field of a struct", |text| {
        #[derive(Debug)]
        #[allow(dead_code, reason = "only printed")]
        struct Note<'a> {
            body: Option<&'a str>,
        }
        tracing::info!(note = ?Note { body: Some(text) }, "noted");
    }),
    ("an error", |text| {
        tracing::error!(error = &Plain(text.to_owned()) as &dyn Error, "failed");
    }),
    ("a chain of errors", |text| {
        let error = Outer(Box::new(Outer(Box::new(Plain(text.to_owned())))));
        tracing::error!(error = &error as &dyn Error, "failed");
    }),
    ("a Debug of errors", |text| {
        let error = Outer(Box::new(Plain(text.to_owned())));
        tracing::error!(?error, "failed");
    }),
    ("a span", |text| tracing::info_span!("around", note = text).in_scope(|| tracing::info!("in"))),
    ("a span, later", |text| {
        let span = tracing::info_span!("around", note = tracing::field::Empty);
        let _in = span.enter();
        span.record("note", tracing::field::display(text));
        tracing::info!("in");
    }),
    ("a panic", |text| {
        catch_unwind(|| panic!("{text}")).expect_err("a panic");
    }),
    ("a panic with text of its own", |text| {
        let text = text.to_owned();
        catch_unwind(|| std::panic::panic_any(text)).expect_err("a panic");
    }),
    ("a step's error", |text| {
        #[step_timed]
        fn fails(text: &str) -> Result<(), Plain> {
            Err(Plain(text.to_owned()))
        }
        fails(text).expect_err("an error");
    }),
    ("a step's error of any kind", |text| {
        #[step_timed]
        fn fails(text: &str) -> anyhow::Result<()> {
            Err(anyhow::Error::new(Plain(text.to_owned())).context("outer"))
        }
        fails(text).expect_err("an error");
    }),
    ("a dependency's error", |text| {
        #[dependency_call("payments")]
        fn fails(text: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
            Err(Box::new(Plain(text.to_owned())))
        }
        fails(text).expect_err("an error");
    }),
    ("the policy scrub", |text| candor::info!(note = scrub(text), "noted {}", scrub(text))),
    ("JSON", |text| candor::info!(body = candor::scrub::json(&json!({ "note": [text] })), "read")),
    ("a header", |text| {
        let mut map = HeaderMap::new();
        map.insert("x-note", HeaderValue::from_str(text).expect("a header's value"));
        candor::info!(headers = candor::scrub::headers(&map), "read");
    }),
    ("a method", |text| {
        RequestContext::new().with_path(text).enter_with(|| tracing::info!(kept = KEPT, "in"));
    }),
];

#[derive(Debug)]
struct Plain(String);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Plain {}

#[derive(Debug)]
struct Outer(Box<dyn Error>);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("could not")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}
