//! The part of a request that can change while it runs: its user, and fields that every line of it carries.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::redact::shown::Redacted;

#[derive(Debug, Default)]
pub(crate) struct Identity {
    pub(crate) user: Option<Redacted<'static>>,
    /// Set after the request was shared; they replace the request's own values.
    pub(crate) method: Option<Redacted<'static>>,
    pub(crate) path: Option<Redacted<'static>>,
    /// The context's own fields, as members.
    pub(crate) fields: String,
    /// The request's part of a line as one logger renders it, with that logger's id.
    pub(super) rendered: Option<(u64, String)>,
    /// Whether a thread has rendered it. Only a second rendering is kept in `rendered`, since most requests write all
    /// their lines on one thread, which keeps what it rendered.
    pub(super) was_rendered: AtomicBool,
}

impl Identity {
    /// Appends the request's part of a line, from the cache if it was rendered for this logger. Returns true at the
    /// second rendering, which the caller caches.
    ///
    /// The cache keeps what one logger rendered; any other logger renders its own each time. It is filled under the
    /// write lock, because a forked child would wait for a `OnceLock` that another thread was filling.
    pub(super) fn write(
        &self,
        logger: u64,
        render: impl Fn(&mut String),
        out: &mut String,
    ) -> bool {
        match &self.rendered {
            Some((owner, text)) if *owner == logger => {
                out.push_str(text);
                return false;
            }
            _ => render(out),
        }
        let was_rendered = self.was_rendered.load(Ordering::Relaxed);
        self.was_rendered.store(true, Ordering::Relaxed);
        was_rendered && self.rendered.is_none()
    }

    /// Forgets what was rendered, because the identity changes.
    pub(super) fn forget_rendered(&mut self) {
        self.rendered = None;
        *self.was_rendered.get_mut() = false;
    }
}
