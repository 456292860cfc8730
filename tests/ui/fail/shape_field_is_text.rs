#[candor::step_timed(fields(sku))]
fn f(sku: &str) {}

#[candor::step_timed(fields(sku))]
async fn g(sku: String) {}

fn main() {}
