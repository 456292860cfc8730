use candor::instrument;

#[instrument(nmae = "charge", skip_al)]
fn charge() {}

#[instrument(level = "info", err(Pretty), 7)]
fn refund() -> Result<(), std::fmt::Error> {
    Ok(())
}

fn main() {}
