use axum::extract::Path;
use tracing::{Instrument, debug, error, info_span, instrument, warn};

mod pricing;

/// An order without `#[redact]`.
#[derive(Debug, Clone)]
pub struct Order {
    pub id: u64,
    pub cents: Option<i64>,
    pub buyer: String,
}

#[instrument]
pub async fn show(Path(id): Path<u64>) -> String {
    let order = Order { id, cents: None, buyer: "ada".to_owned() };
    debug!(order.id, has_price = order.cents.is_some(), "found");
    warn!(?order, "without a price");
    save(&order, "cart").await.unwrap_or_default();
    pricing::price(&order, 1, true).to_string()
}

#[instrument(name = "store order", level = "debug", skip(order), err(level = "warn"), fields(id = order.id, kind = "web"))]
async fn save(order: &Order, table: &str) -> Result<(), std::fmt::Error> {
    let rows = async { order.buyer.len() }.instrument(info_span!("write", table)).await;
    match rows {
        0 => error!("nothing written to {table}"),
        1 => error!(rows, "one row: {rows}, {:?}", order.cents),
        _ => debug! { rows, "written" },
    }
    Ok(())
}
