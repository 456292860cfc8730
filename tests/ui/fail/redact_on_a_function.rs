use candor::redact;

#[redact]
fn handler(id: u64) -> u64 {
    id
}

#[redact]
pub trait Shop {}

struct Order;

#[redact]
impl Order {}

fn main() {
    handler(1);
}
