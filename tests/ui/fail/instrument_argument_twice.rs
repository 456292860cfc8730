use candor::instrument;

#[instrument("charge", name = "charge", level = "info", level = "debug")]
fn charge() {}

#[instrument(skip(order, order), fields(rows, rows = 3), ret, ret)]
fn refund(order: u64) -> u64 {
    order
}

#[instrument(skip(order), skip_all)]
fn cancel(order: u64) {
    let _ = order;
}

fn main() {}
