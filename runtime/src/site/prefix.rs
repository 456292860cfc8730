//! Line prefixes: the part of a line between its time and its request, which severity, logger and message determine.

use std::sync::{OnceLock, RwLock};

use crate::base::fork::ForkLocks;
use crate::base::sync;
use crate::format::record::Severity;
use crate::format::template::Template;
use crate::json::shown::Shown;

/// A rendered prefix: `","level":"INFO","logger":"app","msg":"step_timing"`.
#[derive(Debug)]
struct LinePrefix {
    layout_id: u64,
    severity: Severity,
    logger: &'static str,
    message: &'static str,
    text: String,
}

/// Keeps the prefix of one kind of line, in the layout that asked first; a logger with another layout renders its own
/// each time.
#[derive(Debug)]
pub(crate) struct PrefixCache(OnceLock<&'static LinePrefix>);

impl PrefixCache {
    pub(crate) const fn new() -> Self {
        PrefixCache(OnceLock::new())
    }

    /// The prefix of a site's lines, which all sites of the same severity, logger and message share: with a thousand
    /// sites, a step then finds it in the CPU's cache.
    #[inline]
    pub(super) fn shared(
        &self,
        template: &Template,
        severity: Severity,
        logger: &'static str,
        message: &'static str,
    ) -> Option<&'static str> {
        self.get(template, || LinePrefix::shared(template, severity, logger, message))
    }

    /// The prefix of one event's lines.
    #[inline]
    pub(crate) fn own(
        &self,
        template: &Template,
        severity: Severity,
        logger: &'static str,
        message: &'static str,
    ) -> Option<&'static str> {
        self.get(template, || LinePrefix::leaked(template, severity, logger, message))
    }

    #[inline]
    fn get(
        &self,
        template: &Template,
        render: impl FnOnce() -> &'static LinePrefix,
    ) -> Option<&'static str> {
        let prefix = *self.0.get_or_init(render);
        (prefix.layout_id == template.layout_id).then_some(prefix.text.as_str())
    }
}

impl LinePrefix {
    #[cold]
    fn leaked(
        template: &Template,
        severity: Severity,
        logger: &'static str,
        message: &'static str,
    ) -> &'static Self {
        let mut text = String::new();
        let (shown_logger, shown_message) = (Shown::literal(logger), Shown::literal(message));
        template.prefix(severity, shown_logger, shown_message, &mut text);
        let layout_id = template.layout_id;
        Box::leak(Box::new(LinePrefix { layout_id, severity, logger, message, text }))
    }

    #[cold]
    fn shared(
        template: &Template,
        severity: Severity,
        logger: &'static str,
        message: &'static str,
    ) -> &'static Self {
        let is_it = |known: &&&'static LinePrefix| {
            (known.layout_id, known.severity, known.logger, known.message)
                == (template.layout_id, severity, logger, message)
        };
        let shared = sync::read(&SHARED).iter().find(is_it).copied();
        shared.unwrap_or_else(|| {
            let prefix = Self::leaked(template, severity, logger, message);
            sync::write(&SHARED).push(prefix);
            prefix
        })
    }
}

/// The prefixes so far. Each site asks at most once for each of its severities, so the list stays short.
static SHARED: RwLock<Vec<&LinePrefix>> = RwLock::new(Vec::new());

/// Takes the locks before a fork.
pub(crate) fn hold(locks: &mut ForkLocks) {
    locks.hold_rw((), |()| &SHARED);
}
