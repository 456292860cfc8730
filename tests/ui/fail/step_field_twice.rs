#[candor::step_timed(fields(order = 3, item = 4, order = 5))]
fn charge() {}

fn main() {}
