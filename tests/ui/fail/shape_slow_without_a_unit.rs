#[candor::step_timed(slow = "250")]
fn f() {}

fn main() {}
