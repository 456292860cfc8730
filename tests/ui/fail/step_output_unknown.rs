struct Order;

fn main() {
    let _ = candor::step("price", || Order);
}
