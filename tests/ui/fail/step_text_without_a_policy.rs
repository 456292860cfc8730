struct Order {
    id: u32,
    customer: String,
}

#[candor::step_timed(fields(id = order.id, customer = order.customer, note))]
fn charge(order: &Order, note: &str) {}

fn main() {}
