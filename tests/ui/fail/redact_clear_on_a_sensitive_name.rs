use candor::redact;

#[redact]
struct Login {
    #[redact(clear)]
    password: String,
    #[redact(clear)]
    access_token: String,
}

#[redact]
struct ApiKey(#[redact(clear)] String);

fn main() {}
