//! `#[step_timed]` and `#[dependency_call]` on every shape of function.

mod drops;
mod futures;

/// The same functions twice: as they are, and annotated.
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
