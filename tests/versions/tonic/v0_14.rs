//! tonic 0.14.

use tonic_0_14 as tonic;

#[path = "calls.rs"]
mod calls;
