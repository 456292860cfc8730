//! The buffer that a thread writes its lines into, and the rendered parts that its next lines probably share.

use crate::base::buffer::KEPT_BYTES;
use crate::json::timestamp::TimestampCache;
use crate::request::rendered::RequestPartCache;

#[derive(Debug, Default)]
pub(crate) struct LineBuffer {
    pub(crate) line: String,
    pub(crate) cache: RenderCache,
}

/// Rendered parts of the thread's earlier lines that its next line probably shares.
#[derive(Debug, Default)]
pub(crate) struct RenderCache {
    pub(crate) timestamp: TimestampCache,
    pub(crate) request: RequestPartCache,
}

impl LineBuffer {
    /// Frees the memory of a huge line.
    #[inline]
    pub(crate) fn shrink(&mut self) {
        if self.line.capacity() > KEPT_BYTES {
            self.line = String::new();
        }
    }
}
