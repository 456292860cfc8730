//! Code that several examples share. The examples are the programs beside this file.

pub mod flaky;
