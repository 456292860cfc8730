//! Tools that do not depend on logging: clock, timer, random bytes, buffers, locks.

pub(crate) mod buffer;
pub(crate) mod catch;
pub(crate) mod clock;
pub(crate) mod random;
pub(crate) mod serial;
pub(crate) mod sync;
pub(crate) mod timer;

pub(crate) use sync::lock;
