#[candor::dependency_call("payments", name = "charge")]
fn charge() {}

#[candor::dependency_call("payments", err = "warn")]
fn refund() {}

fn main() {}
