//! The buffer that a thread writes its lines into, and the parts it keeps of its last line.

use crate::base::buffer::KEPT_BYTES;
use crate::json::timestamp::TimestampCache;
use crate::request::rendered::RequestPartCache;

#[derive(Debug, Default)]
pub(crate) struct LineBuffer {
    pub(crate) line: String,
    pub(crate) cache: RenderCache,
}

/// Parts of the thread's last line that its next line probably shares.
#[derive(Debug, Default)]
pub(crate) struct RenderCache {
    pub(crate) timestamp: TimestampCache,
    pub(crate) request: RequestPartCache,
}

impl LineBuffer {
    /// Whether the buffer is worth keeping: one that grew for a huge line is freed.
    pub(crate) fn is_small(&self) -> bool {
        self.line.capacity() <= KEPT_BYTES
    }
}
