//! `STEPS` and `BARE`: a thousand distinct functions each, with and without `#[step_timed]`.

use std::hint::black_box;

include!(concat!(env!("OUT_DIR"), "/sites.rs"));
