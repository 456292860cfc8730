//! `level`, `err`, `ret(level = …)` and `target`: one line, at the requested level.

use std::fmt;

use candor::instrument;
use candor::testing::capture;
use candor_tests::checked;
use futures::executor::block_on;
use tracing::Level;

mod constants {
    pub(super) const OWN: tracing::Level = tracing::Level::TRACE;
}

const QUIET: Level = Level::DEBUG;
const NAME: &str = "named by a constant";
const TARGET: &str = "target::of::a::constant";

#[test]
fn levels_of_every_form() {
    #[instrument(level = "WARN")]
    fn by_text() {}
    #[instrument(level = Level::ERROR)]
    fn by_constant() {}
    #[instrument(level = QUIET)]
    fn by_own_constant() {}
    #[instrument(level = constants::OWN)]
    fn by_path() {}
    #[instrument(level = 2)]
    fn by_number() {}
    #[instrument]
    fn by_default() {}

    let captured = capture();
    for function in [by_text, by_constant, by_own_constant, by_path, by_number, by_default] {
        function();
    }
    let names = ["by_text", "by_constant", "by_own_constant", "by_path", "by_number", "by_default"];
    let levels = names.map(|name| captured.step(name).text("level").to_owned());
    assert_eq!(levels, ["WARN", "ERROR", "DEBUG", "TRACE", "DEBUG", "INFO"]);
}

#[test]
fn a_failure_is_at_least_a_warning_and_has_one_line() {
    #[instrument]
    fn plain() -> Result<(), fmt::Error> {
        Err(fmt::Error)
    }
    #[instrument(err)]
    fn err() -> Result<(), fmt::Error> {
        Err(fmt::Error)
    }
    #[instrument(err(Debug, level = "info"))]
    fn lower() -> Result<(), fmt::Error> {
        Err(fmt::Error)
    }
    #[instrument(level = "error", err(level = Level::WARN))]
    fn of_an_error() -> Result<(), fmt::Error> {
        Err(fmt::Error)
    }
    #[instrument(level = "debug", err(level = 5, Display), ret)]
    async fn polled() -> Result<(), fmt::Error> {
        Err(fmt::Error)
    }

    let captured = capture();
    let _ = (plain(), err(), lower(), of_an_error(), block_on(polled()));
    let lines = checked(&captured);
    assert_eq!(lines.len(), 5);
    let levels: Vec<_> = lines.iter().map(|line| line.text("level").to_owned()).collect();
    assert_eq!(levels, ["WARN", "ERROR", "WARN", "ERROR", "ERROR"]);
    for line in lines {
        assert_eq!(line.text("outcome"), "error");
        assert_eq!(line.text("error_type"), "core::fmt::Error");
        assert!(!line.has("ret"));
    }
}

#[test]
fn the_level_of_ret_raises_that_of_a_success() {
    #[instrument(ret(level = "warn"), level = "debug")]
    fn raised() -> Result<u32, fmt::Error> {
        Ok(1)
    }
    #[instrument(level = "warn", ret(level = "debug", Debug))]
    fn not_lowered() -> u32 {
        2
    }

    let captured = capture();
    let _ = (raised(), not_lowered());
    assert_eq!(captured.step("raised").text("level"), "WARN");
    assert_eq!(captured.step("not_lowered").text("level"), "WARN");
}

#[test]
fn names_and_targets_of_every_form() {
    #[instrument(name = NAME, target = TARGET)]
    fn by_constants() {}
    #[instrument("by a literal", target = concat!("a", "::b"))]
    fn by_literals() {}
    // Commas may be missing or repeated.
    #[instrument(name = "without commas" target = "shop" level = "debug",, skip_all,)]
    fn without_commas(_a: u32) {}

    let captured = capture();
    by_constants();
    by_literals();
    without_commas(1);
    assert_eq!(captured.step(NAME).text("logger"), TARGET);
    assert_eq!(captured.step("by a literal").text("logger"), "a::b");
    let line = captured.step("without commas");
    assert_eq!((line.text("logger"), line.text("level")), ("shop", "DEBUG"));
}

#[test]
fn slow_and_busy_are_those_of_a_step() {
    #[instrument(slow = "60m", busy)]
    async fn polled() {}

    let captured = capture();
    block_on(polled());
    let line = captured.step("polled");
    assert_eq!(line.text("level"), "DEBUG");
    assert!(line.number("busy_ms") >= 0.0);
}
