use candor::loggable::to_json;
use candor::redact;

#[redact]
struct Page<T> {
    items: Vec<T>,
}

fn main() {
    to_json(&Page { items: vec!["a"] });
    to_json(&Page { items: vec![1_u8] });
}
