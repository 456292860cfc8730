#[candor::step_timed(fields(level = 1, outcome = 2, a = 3, a = 4))]
fn f() {}

fn main() {}
