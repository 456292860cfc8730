use candor::redact;

#[redact]
enum Event {
    Tagged(u64, Vec<String>),
}

fn main() {}
