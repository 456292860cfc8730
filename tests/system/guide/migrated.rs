//! The "after" function of the migration chapter.

use candor::{redact, step_timed};

#[redact]
pub(super) struct Card {
    #[redact(mask(last = 4))]
    pub(super) number: String,
}

#[step_timed(fields(order_id, cents))]
pub(super) fn charge(order_id: u64, cents: u32, card: &Card) -> Result<(), Declined> {
    let _ = &card.number; // the body uses the card
    if cents > 100_000 { Err(Declined::Limit) } else { Ok(()) }
}

#[derive(Debug)]
pub(super) enum Declined {
    Limit,
}

impl std::fmt::Display for Declined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("over the limit")
    }
}
