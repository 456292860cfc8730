//! Types of a crate that depends on candor without the feature `subscriber`, in a program that has it.
//!
//! `tests/types/types.rs` has the tests of such a crate by itself.

use candor::RequestContext;
use candor_shared_types::{Answer, SignUp, examples};
use serde_json::Value;

#[test]
fn values_show_the_same_with_the_subscriber() {
    for (shown, expected) in examples() {
        assert_eq!(shown, expected);
    }
}

#[candor::step_timed(fields(account), ret)]
fn sign_up(account: &SignUp) -> Answer<u64> {
    Answer::Created(u64::from(account.plan) + 1)
}

#[test]
fn they_are_logged_by_their_policies() {
    let captured = candor::testing::capture();
    RequestContext::with_id("r-1").enter_with(|| {
        candor::info!(account = SignUp::of_ada(), "asked for");
        sign_up(&SignUp::of_ada());
    });
    let (_, expected) = examples()[0];
    let expected: Value = serde_json::from_str(expected).expect("JSON");
    assert_eq!(captured.line("asked for").get("account"), Some(&expected));
    let step = captured.step("sign_up");
    assert_eq!(step.get("account"), Some(&expected));
    assert_eq!(step.get("ret"), Some(&serde_json::json!({ "Created": 3 })));
    candor::testing::assert_no_leak!(captured, "canary");
}
