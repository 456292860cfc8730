#[candor::step_timed(level = "loud", err = "fatal")]
fn f() {}

fn main() {}
