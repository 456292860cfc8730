use candor::redact;

#[redact]
struct Order {
    #[cfg_attr(all(), redact(clear))]
    note: String,
}

#[redact]
#[redact(default = secret)]
struct Customer {
    name: String,
}

fn main() {}
