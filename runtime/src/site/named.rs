//! The part of a line that its severity, logger and message make, once for all sites that share it.

use std::sync::{PoisonError, RwLock};

use crate::format::record::Severity;
use crate::format::template::Template;

/// What stands between a line's time and its request: `","level":"INFO","logger":"app","msg":"step_timing"`.
#[derive(Debug)]
pub(super) struct Named {
    form: u64,
    severity: Severity,
    logger: &'static str,
    message: &'static str,
    text: String,
}

/// Each site asks once for each of its severities, so that there are no more than that.
static ALL: RwLock<Vec<&'static Named>> = RwLock::new(Vec::new());

impl Named {
    #[cold]
    pub(super) fn of(
        template: &Template,
        severity: Severity,
        logger: &'static str,
        message: &'static str,
    ) -> &'static Self {
        let form = template.form;
        let is_it = |known: &&&'static Named| {
            (known.form, known.severity, known.logger, known.message)
                == (form, severity, logger, message)
        };
        let known = ALL.read().unwrap_or_else(PoisonError::into_inner).iter().find(is_it).copied();
        known.unwrap_or_else(|| {
            let mut text = String::new();
            template.name(severity, logger, message, &mut text);
            let named = Box::leak(Box::new(Named { form, severity, logger, message, text }));
            ALL.write().unwrap_or_else(PoisonError::into_inner).push(named);
            named
        })
    }

    /// The text, where it is of this form.
    #[inline]
    pub(super) fn in_form(&'static self, form: u64) -> Option<&'static str> {
        (self.form == form).then_some(self.text.as_str())
    }
}
