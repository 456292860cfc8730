#[candor::step_timed(treshold = "1s")]
fn f() {}

fn main() {}
