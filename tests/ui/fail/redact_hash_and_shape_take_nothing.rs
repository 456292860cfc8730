use candor::redact;

#[redact]
struct Order {
    #[redact(hash(8))]
    one: String,
    #[redact(shape = "text")]
    two: String,
    #[redact(hash, shape)]
    three: String,
    #[redact(hash, reason = "to match lines")]
    four: String,
}

#[redact(shape)]
struct Basket {
    five: String,
}

fn main() {}
