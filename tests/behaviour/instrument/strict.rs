//! `#[instrument(strict)]` and `candor::strict::instrument`: every recorded value is loggable.

use candor::testing::capture;
use candor_tests::checked;

use super::tracing_examples::fields;

mod tightened {
    use std::fmt;

    use candor::strict::instrument;

    #[instrument(skip(note), fields(note = clear(note), rows))]
    pub(super) fn place(order_id: u64, note: &str) -> Result<u64, fmt::Error> {
        Ok(order_id)
    }

    #[instrument(skip_all, err, ret)]
    pub(super) async fn later(_secret: &str) -> Result<u32, fmt::Error> {
        Ok(7)
    }

    #[instrument(strict)]
    pub(super) fn twice(cause: &fmt::Error) {
        let _ = cause;
    }
}

#[test]
fn a_strict_module_has_the_same_grammar() {
    let captured = capture();
    let _ = tightened::place(7, "gift");
    let _ = futures::executor::block_on(tightened::later("x"));
    tightened::twice(&std::fmt::Error);
    checked(&captured);
    assert_eq!(fields(&captured.step("place")), r#"order_id=7 note="gift""#);
    assert_eq!(captured.step("later").integer("ret"), 7);
    assert_eq!(captured.step("twice").text("cause"), "Error");
}

#[test]
fn one_function_can_be_strict() {
    #[candor::instrument(strict, skip(password))]
    fn log_in(user: u64, password: &str) {
        let _ = (user, password);
    }

    let captured = capture();
    log_in(41, "hunter2");
    assert_eq!(fields(&captured.step("log_in")), "user=41");
}
