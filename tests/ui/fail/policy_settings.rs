#[candor::step_timed(fields(note = clear(note, reason = ""), other = hash(note, size = 3), more = clear(note, why = "x")))]
fn note(note: &str) {}

fn main() {}
