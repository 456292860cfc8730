//! reqwest 0.13 with reqwest-middleware 0.5.

use {reqwest_0_13 as reqwest, reqwest_middleware_0_5 as reqwest_middleware};

#[path = "calls.rs"]
mod calls;
