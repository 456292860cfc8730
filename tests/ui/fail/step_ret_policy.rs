#[candor::step_timed(ret = blur)]
fn one() -> String {
    String::new()
}

#[candor::step_timed(ret = mask(middle = 4))]
fn two() -> String {
    String::new()
}

#[candor::step_timed(ret = mask(last))]
fn three() -> String {
    String::new()
}

#[candor::step_timed(ret = clear(last = 4))]
fn four() -> String {
    String::new()
}

fn main() {}
