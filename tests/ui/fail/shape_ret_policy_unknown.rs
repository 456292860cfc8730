#[candor::step_timed(ret = mask(middle = 2))]
fn f() -> String {
    String::new()
}

fn main() {}
