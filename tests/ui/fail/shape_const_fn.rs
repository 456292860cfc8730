#[candor::step_timed]
const fn f() -> u32 {
    7
}

fn main() {}
