//! The examples are the programs beside this file; what several of them need is here.

pub mod flaky;
