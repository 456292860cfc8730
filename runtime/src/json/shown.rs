//! The only type of text that the line writer takes.

/// Text that may stand in a line.
///
/// It is a literal of the program, or text that redaction made (`redact::shown`). A plain `&str` is neither, so text
/// that reaches a line without redaction does not compile. It is `pub` only because the hidden `Loggable::log_members`
/// takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown<'a>(&'a str);

impl<'a> Shown<'a> {
    /// Text of the program itself: a literal, the name of a type, the target of a call site.
    pub(crate) const fn literal(text: &'static str) -> Self {
        Shown(text)
    }

    /// Text that redaction made. Only code in `json` and `redact` calls this, which a test of the layers checks.
    pub(crate) const fn redacted(text: &'a str) -> Self {
        Shown(text)
    }

    #[inline]
    pub(crate) const fn as_str(self) -> &'a str {
        self.0
    }
}

impl From<&'static str> for Shown<'_> {
    #[inline]
    fn from(text: &'static str) -> Self {
        Shown::literal(text)
    }
}
