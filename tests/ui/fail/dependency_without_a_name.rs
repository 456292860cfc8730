#[candor::dependency_call]
fn charge() {}

#[candor::dependency_call(operation = "charge")]
fn refund() {}

fn main() {}
