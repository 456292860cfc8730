use candor::instrument;

#[instrument(skip(odrer))]
fn charge(order: u64, (card, _): (u64, u64)) {
    let _ = (order, card);
}

#[instrument(skip(self))]
fn refund() {}

fn main() {}
