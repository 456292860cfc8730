use candor::redact;

#[redact]
struct Order {
    #[redact(secret, clear)]
    note: String,
    #[redact(mask(last = 4))]
    #[redact(skip)]
    card: String,
}

fn main() {}
