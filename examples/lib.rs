//! Programs that show candor at work; see the list in this package's `Cargo.toml`.
