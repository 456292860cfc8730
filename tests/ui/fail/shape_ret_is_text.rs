#[candor::step_timed(ret)]
fn f() -> String {
    String::new()
}

fn main() {}
