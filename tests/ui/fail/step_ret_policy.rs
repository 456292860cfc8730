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

#[candor::step_timed(ret = mask)]
fn five() -> String {
    String::new()
}

#[candor::step_timed(ret = mask(last = 0))]
fn six() -> String {
    String::new()
}

#[candor::step_timed(ret = mask(last = 4, last = 2))]
fn seven() -> String {
    String::new()
}

#[candor::step_timed(ret = with)]
fn eight() -> String {
    String::new()
}

fn main() {}
