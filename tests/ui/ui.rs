//! Compiler errors of wrong uses, compared with the `.stderr` file beside each case.

#[test]
fn every_wrong_use_fails_with_the_expected_error() {
    let cases = trybuild::TestCases::new();
    // With a case that compiles, trybuild would build and clean each case in turn instead of checking
    // all of them at once: that takes minutes. Code that has to compile is part of the behaviour tests.
    cases.compile_fail("fail/*.rs");
}
