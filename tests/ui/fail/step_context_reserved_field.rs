#[candor::step_timed(context(user_id))]
fn of_the_user(user_id: u64) {}

#[candor::step_timed(context(status = 3))]
fn of_a_call() {}

#[candor::step_timed(fields(a = 1), context(a = 2))]
fn twice() {}

#[candor::step_timed(context)]
fn without_a_list() {}

fn main() {}
