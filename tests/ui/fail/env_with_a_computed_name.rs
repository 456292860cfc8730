//! The name of the variable decides whether its value is shown, so it has to be in the source code.

fn main() {
    candor::info!(build = env!(concat!("CARGO_", "PKG_NAME")), "built");
    candor::info!(build = concat!("v", env!(concat!("CARGO_", "PKG_VERSION"))), "built");
}
