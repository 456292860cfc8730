#[candor::step_timed]
struct Shop;

fn main() {}
