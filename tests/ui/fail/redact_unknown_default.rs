use candor::redact;

#[redact(default = hidden)]
struct Order {
    id: u64,
}

#[redact(default)]
struct Customer {
    id: u64,
}

#[redact(secret)]
struct Card {
    id: u64,
}

#[redact(defualt = secret, crate = "candor", default = clear, default = secret)]
struct Shop {
    id: u64,
}

#[redact(crate)]
struct Depot {
    id: u64,
}

fn main() {}
