//! tonic 0.12.

use tonic_0_12 as tonic;

#[path = "calls.rs"]
mod calls;
