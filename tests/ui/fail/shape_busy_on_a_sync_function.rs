#[candor::step_timed(busy)]
fn f() -> Result<u32, std::fmt::Error> {
    Ok(7)
}

fn main() {}
