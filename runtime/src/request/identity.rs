//! The part of a request that can change while it runs: its user, and fields that every line of it carries.

use std::sync::OnceLock;

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
    pub(super) rendered: OnceLock<(u64, String)>,
}

impl Identity {
    /// The request's part of a line, from the cache if it was rendered for this logger.
    ///
    /// The cache keeps what the first logger rendered; any other logger renders its own each time.
    pub(super) fn rendered(
        &self,
        logger: u64,
        render: impl Fn() -> String,
    ) -> Result<&str, String> {
        let (owner, text) = self.rendered.get_or_init(|| (logger, render()));
        if *owner == logger { Ok(text) } else { Err(render()) }
    }
}
