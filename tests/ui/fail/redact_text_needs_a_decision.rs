use candor::redact;

#[redact]
struct Order {
    id: u64,
    note: String,
    shop: &'static str,
}

fn main() {}
