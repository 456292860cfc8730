//! The leak suite: secrets sent through every input, in every encoding.
//!
//! A case logs a secret of its own, the canary, with harmless text beside it. The canary must not appear in the
//! output, in any encoding or in part, and the harmless text must: hiding everything fails too. Each case runs
//! again with redaction off and has to leak then, so that no case passes because it tests nothing.

mod banned;
mod exits;
mod forged;
mod http_layer;
mod inputs;
mod names;
pub(crate) mod process;
mod report;
mod strict;
mod texts;
mod types;
mod wire;

use std::panic::{AssertUnwindSafe, catch_unwind};

use candor::testing::{Captured, assert_no_leak, capture_with};
use candor::{Config, Format, Profile};
use candor_tests::checked;
use tracing::subscriber::{NoSubscriber, with_default};

/// Harmless text that every case logs beside its canary.
const KEPT: &str = "kept-7711";
/// The secret of cases that need no special format.
const CANARY: &str = "Zq7xKw9VtPm3";

/// One input of a case.
struct Case {
    name: String,
    canary: String,
    /// Logs the canary and [`KEPT`]; the argument is `true` while redaction is off.
    write: Box<dyn Fn(bool)>,
}

impl Case {
    fn new(name: impl Into<String>, canary: impl Into<String>, write: impl Fn() + 'static) -> Self {
        Case { name: name.into(), canary: canary.into(), write: Box::new(move |_| write()) }
    }
}

/// The lines in the JSON and in the pretty format.
fn written(case: &Case, off: bool) -> Captured {
    let config = Config::new().level("trace").expect("a level").format(Format::Pretty);
    let captured = capture_with(config).expect("a configuration");
    (case.write)(off);
    captured
}

fn leaks(captured: &Captured, canary: &str) -> Option<String> {
    let search = AssertUnwindSafe(|| assert_no_leak!(captured, canary));
    // Without a subscriber, the panic writes no line: its backtrace would take longer than the whole case.
    let found = with_default(NoSubscriber::default(), || catch_unwind(search));
    found.err().map(|panic| *panic.downcast::<String>().expect("a message"))
}

/// The mistake of a case, if it has one.
fn wrong(case: &Case) -> Option<String> {
    let captured = written(case, false);
    let lines = checked(&captured);
    let problem = leaks(&captured, &case.canary).or_else(|| {
        let kept =
            lines.iter().any(|line| line.raw().contains(KEPT)) && captured.output().contains(KEPT);
        (!kept).then(|| "what is harmless is gone".to_owned())
    });
    if problem.is_some() {
        return problem.map(|problem| format!("{}: {problem}\n{}", case.name, captured.output()));
    }
    let bare = candor::__private::without_redaction(|| written(case, true));
    let leak = leaks(&bare, &case.canary);
    let leaks = leak.as_ref().is_some_and(|leak| leak.starts_with("the canary leaked"));
    (!leaks).then(|| {
        format!("{}: does not leak with redaction off ({leak:?})\n{}", case.name, bare.output())
    })
}

#[track_caller]
fn assert_cases_pass(cases: &[Case], least: usize) {
    let wrong: Vec<String> = cases.iter().filter_map(wrong).collect();
    println!("{} cases, {} wrong", cases.len(), wrong.len());
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() >= least, "only {} cases", cases.len());
}

#[test]
fn no_text_leaks_through_any_input() {
    assert_cases_pass(&inputs::cases(), 400);
}

/// A profile is made from the redacted line, so it has the same text in other places and with other quotes.
#[test]
fn no_text_leaks_through_a_profile() {
    let profiles = [
        Profile::Otel,
        Profile::Ecs,
        Profile::Gcp,
        Profile::Datadog,
        Profile::Bunyan,
        Profile::Logfmt,
    ];
    let cases: Vec<Case> =
        [inputs::cases(), names::cases(), types::cases()].into_iter().flatten().collect();
    assert!(cases.len() >= 500, "only {} cases", cases.len());
    for (case, profile) in cases.iter().zip(profiles.into_iter().cycle()) {
        let config = Config::new().level("trace").expect("a level").profile(profile);
        let captured = capture_with(config).expect("a configuration");
        (case.write)(false);
        let leak = leaks(&captured, &case.canary);
        assert!(leak.is_none(), "{} with {profile:?}: {leak:?}", case.name);
        assert!(captured.output().contains(KEPT), "{} with {profile:?}", case.name);
    }
}

#[test]
fn no_sensitive_name_shows_its_value() {
    assert_cases_pass(&names::cases(), 60);
}

#[test]
fn no_type_shows_its_redacted_fields() {
    assert_cases_pass(&types::cases(), 20);
}

#[test]
fn nothing_leaks_through_the_http_layer() {
    assert_cases_pass(&http_layer::cases(), 50);
}
