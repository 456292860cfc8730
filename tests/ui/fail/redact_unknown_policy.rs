use candor::redact;

#[redact]
struct Order {
    #[redact(claer)]
    note: String,
    #[redact]
    shop: String,
    #[redact()]
    city: String,
    #[redact = "clear"]
    street: String,
    #[redact(clear mask)]
    house: String,
}

fn main() {}
