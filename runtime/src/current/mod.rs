//! What runs on this thread.

mod frame;
pub(crate) mod scratch;
pub(crate) mod spans;
pub(crate) use self::frame::*;
