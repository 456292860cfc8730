//! reqwest 0.12 with reqwest-middleware 0.4.

use {reqwest_0_12 as reqwest, reqwest_middleware_0_4 as reqwest_middleware};

#[path = "calls.rs"]
mod calls;
