//! I/O errors, by their kind, and the errors of `serde_json` and tokio.

use std::any;
use std::error::Error;
use std::io::{self, ErrorKind};

use super::Category;
use super::chain::{Classification, KnownError, is_tls_alert};
use crate::redact::error_text;

/// The kinds of errors with a category. On Unix, a read with a timeout fails with `WouldBlock`.
const KINDS: [(ErrorKind, Category); 11] = [
    (ErrorKind::TimedOut, Category::Timeout),
    (ErrorKind::WouldBlock, Category::Timeout),
    (ErrorKind::ConnectionRefused, Category::Connect),
    (ErrorKind::ConnectionReset, Category::Connect),
    (ErrorKind::ConnectionAborted, Category::Connect),
    (ErrorKind::NotConnected, Category::Connect),
    (ErrorKind::BrokenPipe, Category::Connect),
    (ErrorKind::AddrNotAvailable, Category::Connect),
    (ErrorKind::NetworkDown, Category::Connect),
    (ErrorKind::NetworkUnreachable, Category::Connect),
    (ErrorKind::HostUnreachable, Category::Connect),
];

/// Returns the category of an I/O error that can't be downcast.
///
/// Its type is a parameter without `'static`. Its `Debug` form names the kind: `Kind(TimedOut)`,
/// `Os { code: 111, kind: ConnectionRefused, … }`.
pub(super) fn by_debug(type_name: &str, error: &dyn Error) -> Option<Category> {
    if type_name != any::type_name::<io::Error>() {
        return None;
    }
    let text = error_text::display(&format_args!("{error:?}"));
    let at = text.find("ind: ").map(|at| at + 5).or_else(|| text.find("Kind(").map(|at| at + 5))?;
    let name = text[at..].split(|c: char| !c.is_alphanumeric()).next()?;
    KINDS.iter().find(|(kind, _)| format!("{kind:?}") == name).map(|(_, category)| *category)
}

impl KnownError for io::Error {
    fn classify(&self) -> Classification {
        let is_tls = |inner| is_tls_alert(&error_text::display(inner));
        if let Some((_, category)) = KINDS.iter().find(|(kind, _)| *kind == self.kind()) {
            return (*category).into();
        }
        match self.kind() {
            _ if is_unresolved(self) => Category::Dns.into(),
            ErrorKind::InvalidData | ErrorKind::Other if self.get_ref().is_some_and(is_tls) => {
                Category::Tls.into()
            }
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                Classification::Fallback(Category::Decode)
            }
            _ => Classification::Unknown,
        }
    }

    fn wrapped(&self) -> Option<&(dyn Error + 'static)> {
        self.get_ref().map(|inner| inner as _)
    }
}

impl KnownError for serde_json::Error {
    fn classify(&self) -> Classification {
        // `serde_json` does not expose the I/O error itself.
        match self.io_error_kind() {
            Some(kind) => io::Error::from(kind).classify(),
            None => Category::Decode.into(),
        }
    }
}

#[cfg(feature = "tokio")]
impl KnownError for tokio::time::error::Elapsed {
    fn classify(&self) -> Classification {
        Category::Timeout.into()
    }
}

/// Whether a host name could not be resolved, for which the standard library has no kind.
fn is_unresolved(error: &io::Error) -> bool {
    // Windows error codes from `WSAHOST_NOT_FOUND` to `WSANO_DATA`.
    if cfg!(windows) && error.raw_os_error().is_some_and(|code| (11001..=11004).contains(&code)) {
        return true;
    }
    let inner = error.get_ref().map(error_text::display);
    inner.is_some_and(|text| text.starts_with("failed to lookup address information"))
}
