#[candor::step_timed(slow = "soon", level = "loud", name = "a", name = "b", fields(seq = 1))]
fn f() {}

fn g() {
    f();
}

fn main() {}
