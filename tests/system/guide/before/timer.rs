//! A hand-written timer.

use std::time::Instant;

use tracing::{error, info};

#[derive(Debug)]
pub(in super::super) struct Order {
    pub(in super::super) card: &'static str,
}

pub(in super::super) struct Client {
    pub(in super::super) is_up: bool,
}

impl Client {
    async fn charge(&self, order: &Order) -> Result<u32, std::fmt::Error> {
        if self.is_up && !order.card.is_empty() { Ok(3) } else { Err(std::fmt::Error) }
    }
}

pub(in super::super) async fn charge(
    client: &Client,
    order: Order,
) -> Result<u32, std::fmt::Error> {
    let started = Instant::now();
    let result = client.charge(&order).await;
    if let Err(error) = &result {
        error!("charge failed after {:?}: {error:?} {order:?}", started.elapsed());
    } else {
        info!(elapsed = ?started.elapsed(), "charged");
    }
    result
}
