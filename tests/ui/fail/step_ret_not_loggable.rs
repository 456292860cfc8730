struct Receipt;

#[candor::step_timed(ret)]
fn charge() -> Result<Receipt, std::fmt::Error> {
    Ok(Receipt)
}

#[candor::step_timed(ret)]
async fn name() -> String {
    String::new()
}

fn main() {}
