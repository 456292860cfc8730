use candor::redact;

struct Address;

#[redact]
struct Order {
    address: Option<Address>,
}

fn main() {}
