#[candor::dependency_call("payments", fields(order = 5, status = 3))]
fn of_a_call() {}

#[candor::dependency_call("payments", fields(step = 4))]
fn of_a_step() {}

fn main() {}
