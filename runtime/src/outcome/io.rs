//! I/O errors, by their kind, and the errors of `serde_json` and tokio.

use std::error::Error;
use std::io::{self, ErrorKind};

use super::Category;
use super::chain::{Classification, KnownError, is_tls_alert};
use crate::redact::error_text;

impl KnownError for io::Error {
    fn classify(&self) -> Classification {
        let is_tls = |inner| is_tls_alert(&error_text::display(inner));
        match self.kind() {
            // On Unix, a read with a timeout fails with `WouldBlock`.
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Category::Timeout.into(),
            ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::NotConnected
            | ErrorKind::BrokenPipe
            | ErrorKind::AddrNotAvailable
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable => Category::Connect.into(),
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
