//! Tools that do not depend on logging: clock, timer, random bytes, buffers, locks, forks.

#[cfg(feature = "subscriber")]
pub(crate) mod buffer;
#[cfg(feature = "subscriber")]
pub(crate) mod cached_answer;
pub(crate) mod catch;
#[cfg(feature = "subscriber")]
pub(crate) mod clock;
#[cfg(feature = "subscriber")]
pub(crate) mod due;
#[cfg(feature = "subscriber")]
#[cfg_attr(not(unix), allow(dead_code, reason = "only Unix forks"))]
pub(crate) mod fork;
#[cfg(feature = "subscriber")]
pub(crate) mod helper;
#[cfg(feature = "subscriber")]
pub(crate) mod object_lock;
#[cfg(feature = "subscriber")]
pub(crate) mod random;
#[cfg(feature = "subscriber")]
pub(crate) mod serial;
#[cfg(feature = "subscriber")]
pub(crate) mod sync;
#[cfg(feature = "subscriber")]
pub(crate) mod timer;

#[cfg(feature = "subscriber")]
pub(crate) use sync::lock;
