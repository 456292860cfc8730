#[candor::step_timed("charge", treshold = "250ms")]
fn charge() {}

fn main() {}
