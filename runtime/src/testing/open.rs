//! How many requests the process knows.

use std::sync::atomic::{AtomicUsize, Ordering};

static OPEN: AtomicUsize = AtomicUsize::new(0);

/// How many [`RequestContext`](crate::RequestContext)s are alive in this process, those of jobs and of requests at the
/// edge included: one that never goes is a task, a guard or a list that keeps it.
///
/// ```
/// use candor::RequestContext;
/// use candor::testing::open_contexts;
///
/// let before = open_contexts();
/// let context = RequestContext::new();
/// assert_eq!(open_contexts(), before + 1);
/// drop(context);
/// assert_eq!(open_contexts(), before);
/// ```
pub fn open_contexts() -> usize {
    OPEN.load(Ordering::SeqCst)
}

/// One that is counted as long as it lives.
#[derive(Debug)]
pub(crate) struct Counted(bool);

impl Counted {
    /// A request has an id; the place that a capture hangs on has none.
    pub(crate) fn new(id: &str) -> Self {
        let counts = !id.is_empty();
        OPEN.fetch_add(counts.into(), Ordering::SeqCst);
        Counted(counts)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        OPEN.fetch_sub(self.0.into(), Ordering::SeqCst);
    }
}
