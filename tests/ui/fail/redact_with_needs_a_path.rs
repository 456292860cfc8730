use candor::redact;

#[redact]
struct Order {
    #[redact(with)]
    bare: String,
    #[redact(with = |text| text.len())]
    closure: String,
    #[redact(with = "length")]
    text: String,
}

fn main() {}
