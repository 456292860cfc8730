#[candor::step_timed("charge", level = "loud", colour = "red", slow = "soon", fields(ts = 1, a = 2, a = 3))]
const fn charge() {}

fn main() {
    charge();
}
