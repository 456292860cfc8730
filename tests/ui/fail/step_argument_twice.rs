#[candor::step_timed("charge", level = "info", level = "debug")]
fn charge() {}

#[candor::step_timed("charge", name = "other")]
fn other() {}

fn main() {}
