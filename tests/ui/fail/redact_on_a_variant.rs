use candor::redact;

#[redact]
enum Event {
    #[redact(clear)]
    Named(String),
}

fn main() {}
