//! The buffer that a thread writes its lines into, with what it keeps from its last line.

use crate::base::buffer::KEPT_BYTES;
use crate::json::timestamp::TimestampCache;
use crate::request::rendered::RequestPartCache;

#[derive(Debug, Default)]
pub(crate) struct LineBuffer {
    pub(crate) line: String,
    pub(crate) cache: RenderCache,
}

/// Parts of the thread's last line, which its next line most likely has too.
#[derive(Debug, Default)]
pub(crate) struct RenderCache {
    pub(crate) timestamp: TimestampCache,
    pub(crate) request: RequestPartCache,
}

impl LineBuffer {
    /// Whether it is worth keeping: a buffer that a huge line grew is freed.
    pub(crate) fn is_small(&self) -> bool {
        self.line.capacity() <= KEPT_BYTES
    }
}
