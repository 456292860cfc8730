//! tonic 0.13.

use tonic_0_13 as tonic;

#[path = "calls.rs"]
mod calls;
