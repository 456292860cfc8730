//! The leak suite: secrets sent through every door, in every disguise.
//!
//! A case logs a secret of its own, the canary, with something harmless beside it. The canary must stand nowhere,
//! in no encoding and not in part, and what is harmless must: hiding everything fails too. Each case is run once
//! more while redaction is off, and then has to leak, so none of them passes because nothing was tested.

mod banned;
mod doors;
mod edge;
mod forged;
mod names;
mod process;
mod strict;
mod texts;
mod types;

use std::panic::{AssertUnwindSafe, catch_unwind};

use candor::testing::{Captured, assert_no_leak, capture_with};
use candor::{Config, Format};
use candor_tests::checked;

/// What every case writes beside its canary.
const KEPT: &str = "kept-7711";
/// The secret of cases whose secrets have no form of their own.
const CANARY: &str = "Zq7xKw9VtPm3";

/// One way out.
struct Case {
    name: String,
    canary: String,
    /// Writes the canary and [`KEPT`]; told whether redaction is off, for what the compiler decided.
    write: Box<dyn Fn(bool)>,
}

impl Case {
    fn new(name: impl Into<String>, canary: impl Into<String>, write: impl Fn() + 'static) -> Self {
        Case { name: name.into(), canary: canary.into(), write: Box::new(move |_| write()) }
    }
}

/// The lines as JSON and in the readable form, whichever fields they have.
fn written(case: &Case, off: bool) -> Captured {
    let config = Config::new().level("trace").expect("a level").format(Format::Pretty);
    let captured = capture_with(config).expect("a configuration");
    (case.write)(off);
    captured
}

fn leaks(captured: &Captured, canary: &str) -> Option<String> {
    let found = catch_unwind(AssertUnwindSafe(|| assert_no_leak!(captured, canary)));
    found.err().map(|panic| *panic.downcast::<String>().expect("a message"))
}

/// What is wrong with a case, if anything is.
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
fn all_hold(cases: &[Case], least: usize) {
    let wrong: Vec<String> = cases.iter().filter_map(wrong).collect();
    println!("{} cases, {} wrong", cases.len(), wrong.len());
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() >= least, "only {} cases", cases.len());
}

#[test]
fn no_text_leaks_through_any_door() {
    all_hold(&doors::cases(), 400);
}

#[test]
fn no_sensitive_name_shows_its_value() {
    all_hold(&names::cases(), 60);
}

#[test]
fn no_type_shows_what_it_hides() {
    all_hold(&types::cases(), 20);
}

#[test]
fn nothing_leaks_at_the_edge() {
    all_hold(&edge::cases(), 50);
}
