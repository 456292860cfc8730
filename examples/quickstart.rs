//! Steps, fields and a context, without HTTP.
//!
//! `cargo run --example quickstart`, or with `LOG_FORMAT=json` for JSON.

use candor::{RequestContext, redact, step_timed};

/// Numbers are logged as they are. Text needs a policy; `password` is hidden because of its name.
#[redact]
struct Basket {
    customer: u64,
    items: u32,
    #[redact(clear)]
    currency: String,
    #[redact(mask(last = 4))]
    card: String,
    password: String,
}

#[step_timed(fields(basket, customer = basket.customer))]
fn check_out(basket: &Basket) -> Result<u64, SoldOut> {
    let reserved = reserve("sku-7", basket)?;
    candor::record("reserved", reserved);
    Ok(price(reserved))
}

#[step_timed(fields(sku = clear(sku)))]
fn reserve(sku: &str, basket: &Basket) -> Result<u32, SoldOut> {
    if basket.items > 3 { Err(SoldOut { sku: sku.to_owned() }) } else { Ok(basket.items) }
}

#[step_timed(ret)]
fn price(items: u32) -> u64 {
    u64::from(items) * 1250
}

#[derive(Debug)]
struct SoldOut {
    sku: String,
}

impl std::fmt::Display for SoldOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is sold out", self.sku)
    }
}

impl std::error::Error for SoldOut {}

fn main() -> Result<(), candor::ConfigError> {
    let _logging = candor::init()?;
    for (id, items) in [("basket-1", 2), ("basket-2", 5)] {
        let basket = Basket {
            customer: 41,
            items,
            currency: "EUR".to_owned(),
            card: "4242424242424242".to_owned(),
            password: "correct horse".to_owned(),
        };
        RequestContext::with_id(id).enter_with(|| {
            if let Err(e) = check_out(&basket) {
                candor::warn!(error = e, "no order");
            }
        });
    }
    Ok(())
}
