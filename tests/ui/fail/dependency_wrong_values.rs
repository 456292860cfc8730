struct NoUrl;

#[candor::dependency_call("payments", url = NoUrl)]
fn charge() {}

#[candor::dependency_call("payments", method = POST, url)]
fn refund() {}

#[candor::dependency_call("payments", "other")]
fn void() {}

fn main() {}
