use candor::redact;

#[redact]
struct Upload {
    content: Vec<u8>,
    digest: [u8; 32],
}

fn main() {}
