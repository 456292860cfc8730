use candor::redact;

#[derive(Debug)]
#[redact]
struct Order {
    id: u64,
}

fn main() {}
