//! Errors inside errors: the first one in a chain of sources that is known tells what went wrong.

use std::error::Error;
use std::io;
use std::sync::Arc;

use super::{Answer, Category};
use crate::redact::error_text;

/// A chain longer than this is cut: an error may be its own source.
const LONGEST_CHAIN: usize = 32;

/// What one error of a chain tells, those inside it aside.
#[derive(Debug)]
pub(super) enum Told {
    /// The answer, whatever else is inside.
    Answer(Answer),
    /// Why the call failed, unless an error inside it knows better.
    Unless(Category),
    /// Nothing: those inside it are asked.
    Nothing,
}

impl From<Category> for Told {
    fn from(category: Category) -> Self {
        Told::Answer(Answer { category: Some(category), ..Answer::NONE })
    }
}

/// An error whose type is known.
pub(super) trait Link: Error {
    /// What it tells by itself.
    fn told(&self) -> Told;

    /// The error inside it.
    fn inside(&self) -> Option<&(dyn Error + 'static)>;
}

/// What is known of an error from the known types in its chain of sources.
pub(crate) fn chain_answer(mut link: Option<&(dyn Error + 'static)>) -> Answer {
    let mut unless = None;
    // A loop and no recursion: an error from elsewhere may be nested as deep as its maker likes.
    for _ in 0..LONGEST_CHAIN {
        let Some(error) = link else { break };
        link = match known(error) {
            Some(known) => {
                match known.told() {
                    Told::Answer(answer) => return answer,
                    Told::Unless(category) => unless = unless.or(Some(category)),
                    Told::Nothing => {}
                }
                known.inside()
            }
            None => {
                if let Some(category) = by_its_words(error, unless) {
                    return Answer { category: Some(category), ..Answer::NONE };
                }
                inside_of_shared(error).or_else(|| error_text::next(error))
            }
        };
    }
    Answer { category: unless, ..Answer::NONE }
}

/// The answer that a returned error tells through its chain.
macro_rules! told_by_its_chain {
    ($Error:ty) => {
        impl $crate::outcome::DependencyOutcome for $Error {
            fn status(&self) -> Option<u16> {
                $crate::outcome::chain_answer(Some(self)).status
            }

            fn category(&self) -> Option<$crate::outcome::Category> {
                $crate::outcome::chain_answer(Some(self)).category
            }

            fn is_refusal(&self) -> bool {
                $crate::outcome::chain_answer(Some(self)).is_refusal
            }
        }
    };
}
pub(super) use told_by_its_chain;

fn known<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a dyn Link> {
    macro_rules! one_of {
        ($($(#[$cfg:meta])? $Known:ty,)*) => {$(
            $(#[$cfg])?
            if let Some(known) = found::<$Known>(error) {
                return Some(known);
            }
        )*};
    }
    one_of! {
        io::Error,
        serde_json::Error,
        #[cfg(feature = "reqwest")] reqwest::Error,
        #[cfg(feature = "reqwest")] reqwest_middleware::Error,
        #[cfg(feature = "hyper")] hyper::Error,
        #[cfg(feature = "hyper")] hyper_util::client::legacy::Error,
        #[cfg(feature = "tokio")] tokio::time::error::Elapsed,
        #[cfg(feature = "tonic")] tonic::Status,
        #[cfg(feature = "tonic")] tonic::TimeoutExpired,
        #[cfg(feature = "tonic")] tonic::ConnectError,
        #[cfg(feature = "sqlx")] sqlx::Error,
        #[cfg(feature = "redis")] redis::RedisError,
        #[cfg(feature = "redis")] redis::ParsingError,
    }
    None
}

/// An error of this type, also behind the pointers that make it small or shared, and which hand out its
/// sources but not itself.
fn found<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    error
        .downcast_ref::<T>()
        .or_else(|| Some(&**error.downcast_ref::<Box<T>>()?))
        .or_else(|| Some(&**error.downcast_ref::<Arc<T>>()?))
}

/// The error inside a shared one of any type, which hands out that one's source but not itself.
fn inside_of_shared<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let shared = error.downcast_ref::<Arc<dyn Error + Send + Sync>>()?;
    Some(&**shared)
}

/// Types that can't be named: those of TLS libraries, of resolvers, and private ones of clients. Only
/// where a connection was being made can their words be trusted.
fn by_its_words(error: &(dyn Error + 'static), unless: Option<Category>) -> Option<Category> {
    if cfg!(feature = "reqwest") && error_text::display(error) == "operation timed out" {
        return Some(Category::Timeout);
    }
    if unless != Some(Category::Connect) {
        return None;
    }
    let text = error_text::display(error).to_ascii_lowercase();
    if text.contains("dns error") || text.contains("lookup address") {
        return Some(Category::Dns);
    }
    let words = ["certificate", "tls", "ssl", "handshake"];
    let of_tls = words.iter().any(|word| text.contains(word)) || is_tls_alert(&text);
    of_tls.then_some(Category::Tls)
}

/// Whether a text is one of rustls' about a handshake: I/O errors carry them.
pub(super) fn is_tls_alert(text: &str) -> bool {
    let beginnings = [
        "invalid peer certificate",
        "invalid certificate revocation list",
        "received fatal alert",
        "received corrupt message",
        "received unexpected message",
        "received unexpected handshake message",
        "peer is incompatible",
        "peer misbehaved",
        "peer sent no certificates",
        "peer sent oversized message",
        "peer doesn't support any known protocol",
        "cannot decrypt peer's message",
    ];
    beginnings.iter().any(|beginning| text.starts_with(beginning))
}
