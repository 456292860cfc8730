#[candor::step_timed(fields(names = names))]
fn greet(names: Vec<String>) {}

#[candor::step_timed(fields(bytes))]
async fn send(bytes: Vec<u8>) {}

fn main() {}
