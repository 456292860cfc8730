use candor::redact;

#[redact]
struct Login {
    #[redact(clear, reason = "")]
    password: String,
    #[redact(clear, reason)]
    token: String,
    #[redact(clear, reason = 7)]
    secret: String,
    #[redact(mask(last = 4), reason = "support asks for it")]
    pin: String,
    #[redact(reason = "it is public")]
    api_key: String,
    #[redact(clear, reason = "a", reason = "b")]
    cookie: String,
}

fn main() {}
