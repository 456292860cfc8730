#[candor::step_timed]
struct Order {
    id: u32,
}

#[candor::step_timed]
mod orders {}

#[candor::step_timed]
static COUNT: u32 = 0;

fn main() {
    let _ = (Order { id: 1 }.id, COUNT);
}
