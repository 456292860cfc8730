use candor::redact;

struct Opaque;

#[redact]
struct Order {
    #[redact(shape)]
    one: Opaque,
    #[redact(scrub)]
    two: Opaque,
    #[redact(hash)]
    three: Opaque,
    #[redact(shape)]
    four: Vec<Opaque>,
}

#[redact(default = shape)]
struct Basket {
    five: Opaque,
}

fn main() {
    let _ = candor::policy::shape(&Opaque);
    let _ = candor::policy::hash(&Opaque);
}
