//! The value that stands in for a hidden one.

use std::fmt;

use super::{DebugOf, Element, Encoder, Loggable};

/// Loggable hidden value, made by [`policy::secret`](crate::policy::secret).
#[derive(Clone, Copy)]
pub struct Secret;

impl Loggable for Secret {
    #[inline]
    fn log(&self, to: &mut Encoder<'_>) {
        to.redacted();
    }
}

impl Element for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&DebugOf(self), f)
    }
}
