#[candor::step_timed(level = "loud", slow = "fast", err = 3, name = "", target)]
fn one() {}

#[candor::step_timed(level = debug, slow = 250, fields = "order_id")]
fn two() {}

#[candor::step_timed(slow = "0ms")]
fn three() {}

#[candor::step_timed(fields("order_id" = 7))]
fn four() {}

#[candor::step_timed(fields(order.id))]
fn five(order: Order) {
    let _ = order;
}

#[candor::step_timed(name "charge")]
fn six() {}

#[candor::step_timed(fields(a = 1 b = 2, "c" = 3, d))]
fn mixed() {}

#[candor::step_timed(7)]
fn seven() {}

#[candor::step_timed(name = "charge" slow = "3ms")]
fn eight() {}

struct Order;

fn main() {}
