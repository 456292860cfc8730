//! `#[step_timed]` and `#[dependency_call]` on every shape of function.
#![allow(clippy::pedantic, clippy::all, reason = "functions are written for their shape")]

mod arguments;
mod drops;
mod forms;
mod futures;
mod outcomes;
mod rare;

/// Defines the same functions twice: plain, and annotated.
macro_rules! both {
    ($($function:item)*) => {
        mod plain {
            use super::*;
            $($function)*
        }
        mod timed {
            use super::*;
            $(#[candor::step_timed] $function)*
        }
    };
}
use both;
