#[candor::step_timed(parent = None, skip(card), err)]
fn with_a_parent(card: &str) {}

#[candor::step_timed(follows_from = [id], skip_all)]
fn with_a_cause(id: u64) {}

#[candor::step_timed(ret(level = "debug"))]
fn with_a_level_of_its_own() -> u32 {
    3
}

#[candor::step_timed(err(Json))]
fn with_an_unknown_form() -> Result<(), std::fmt::Error> {
    Ok(())
}

#[candor::step_timed(level = 7)]
fn with_a_number() {}

#[candor::step_timed(name = 1 + 2)]
fn with_a_name() {}

fn main() {}
