#[candor::dependency_call("payments", fields(status = 3, retries = 4, order = 5))]
fn charge() {}

fn main() {}
