use candor::redact;

fn upper(text: &str) -> String {
    text.to_uppercase()
}

fn of_number(number: &u64) -> u64 {
    *number
}

#[redact]
struct Order {
    #[redact(with = upper)]
    note: String,
    #[redact(with = of_number)]
    shop: String,
    #[redact(with = missing)]
    city: String,
}

fn main() {}
