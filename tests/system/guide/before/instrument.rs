//! A function with `#[instrument]`.

use super::super::migrated::{Card, Declined};

#[tracing::instrument(skip(card), err)]
pub(in super::super) fn charge(order_id: u64, cents: u32, card: &Card) -> Result<(), Declined> {
    let _ = &card.number;
    if cents > 100_000 { Err(Declined::Limit) } else { Ok(()) }
}
