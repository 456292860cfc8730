use candor::redact;

#[redact]
#[derive(Clone, Debug)]
struct Order {
    id: u64,
}

fn main() {
    println!("{:?}", Order { id: 1 });
}
