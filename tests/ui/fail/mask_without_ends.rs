use candor::{redact, step_timed};

#[redact]
struct Payment {
    #[redact(mask)]
    card: String,
}

#[step_timed(fields(card = mask(card)), ret = mask)]
fn charge(card: &str) -> String {
    candor::info!(card = mask(card), "charged {}", mask(&card));
    candor::record("card", candor::policy::mask(card));
    candor::info!(card = mask(card, last = 0), first = mask(card, middle = 2), "charged");
    card.to_owned()
}

fn main() {}
