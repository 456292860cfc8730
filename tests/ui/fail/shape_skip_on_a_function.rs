#[candor::step_timed(skip)]
fn f() {}

fn main() {}
