//! What compiles, and how what doesn't says so.

#[test]
fn every_case_compiles_or_fails_as_written_down() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    cases.compile_fail("ui/fail/*.rs");
}
