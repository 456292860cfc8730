//! I/O errors, by their kind.

use std::error::Error;
use std::io::{self, ErrorKind};

use super::Category;
use super::chain::{Link, Told, is_tls_alert, told_by_its_chain};
use crate::redact::error_text;

told_by_its_chain!(io::Error);

impl Link for io::Error {
    fn told(&self) -> Told {
        match self.kind() {
            // The second is what a read that waited for its timeout ends with on Unix.
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
            ErrorKind::InvalidData | ErrorKind::Other if is_of_tls(self) => Category::Tls.into(),
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => Told::Unless(Category::Decode),
            _ => Told::Nothing,
        }
    }

    /// The error it was made from; its `source` is that one's source.
    fn inside(&self) -> Option<&(dyn Error + 'static)> {
        match self.get_ref() {
            Some(inner) => Some(inner),
            None => error_text::next(self),
        }
    }
}

/// The standard library has no kind for a name that was not resolved.
fn is_unresolved(error: &io::Error) -> bool {
    // Windows' own codes, from "host not found" to "no data".
    if cfg!(windows) && error.raw_os_error().is_some_and(|code| (11001..=11004).contains(&code)) {
        return true;
    }
    let inner = error.get_ref().map(error_text::display);
    inner.is_some_and(|text| text.starts_with("failed to lookup address information"))
}

fn is_of_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| is_tls_alert(&error_text::display(inner)))
}
