#[candor::dependency_call(method = "GET")]
fn f() {}

fn main() {}
