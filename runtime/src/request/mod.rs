//! One request as data, shared by all threads that work for it.

#[cfg_attr(not(feature = "http"), expect(dead_code, reason = "the HTTP edge uses it"))]
pub(crate) mod open_steps;
#[cfg_attr(not(feature = "http"), expect(dead_code, reason = "the HTTP edge uses it"))]
pub(crate) mod recorder;
#[cfg_attr(not(feature = "http"), expect(dead_code, reason = "the HTTP edge uses it"))]
pub(crate) mod switches;
pub(crate) mod trace;
