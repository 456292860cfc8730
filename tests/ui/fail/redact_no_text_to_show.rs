use candor::redact;

struct Address;

#[redact]
struct Order {
    #[redact(clear)]
    address: Address,
    #[redact(mask(last = 4))]
    addresses: Vec<Address>,
}

#[redact(default = clear)]
struct Customer {
    address: Option<Address>,
}

fn main() {}
