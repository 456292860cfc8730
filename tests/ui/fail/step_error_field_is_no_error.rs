#[candor::step_timed(fields(error = rows))]
fn count(rows: u32) {}

fn main() {}
