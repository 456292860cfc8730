//! A value that is hidden whatever it is.

use std::fmt;

use super::{DebugOf, Element, Encoder, Loggable};

/// A hidden value, made by [`secret`](crate::policy::secret); loggable.
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
