use candor::redact;

#[redact]
struct Order {
    #[redact(clear, clear)]
    note: String,
    #[redact(secret)]
    #[redact(secret)]
    shop: String,
}

fn main() {}
