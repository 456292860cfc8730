use candor::instrument;

#[instrument]
fn wrong_type(id: u64) -> Result<u32, std::fmt::Error> {
    Ok(id)
}

#[instrument(fields(total = id + missing))]
async fn unknown_name(id: u64) -> u64 {
    id
}

#[instrument(parent = 7)]
fn wrong_parent() {}

fn main() {}
