#[candor::dependency_call("payments")]
mod shop {}

fn main() {}
