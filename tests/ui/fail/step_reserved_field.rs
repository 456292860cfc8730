#[candor::step_timed(fields(level = 3, duration_ms = 4, request_id, step = 5))]
fn charge(request_id: u32) {
    let _ = request_id;
}

fn main() {}
