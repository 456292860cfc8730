#[candor::step_timed(fields(rows = 1, level = 3, duration_ms = 4))]
fn first_of_two() {}

#[candor::step_timed(fields(request_id))]
async fn by_its_own_name(request_id: u32) {
    let _ = request_id;
}

#[candor::step_timed(fields(step = 5))]
fn of_a_step() {}

#[candor::step_timed(fields(message = 6))]
fn of_other_layers() {}

fn main() {}
