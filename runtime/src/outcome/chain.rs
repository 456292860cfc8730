//! The answer in an error's chain of sources: that of the first error whose type is known.

use std::error::Error;
use std::io;
use std::sync::Arc;

use super::{Answer, Category, DependencyOutcome};
use crate::base::catch::catch_value;
use crate::redact::error_text;

/// Errors of a chain that are examined. An error may be its own source.
const LONGEST_CHAIN: usize = 32;

/// Contribution of one error of a chain, without its sources.
#[derive(Debug)]
pub(super) enum Classification {
    /// The answer, regardless of the sources.
    Answer(Answer),
    /// The category, unless a source has an answer.
    Fallback(Category),
    Unknown,
}

impl From<Category> for Classification {
    fn from(category: Category) -> Self {
        Classification::Answer(Answer { category: Some(category), ..Answer::NONE })
    }
}

/// An error type that can be classified.
pub(super) trait KnownError: Error + 'static {
    fn classify(&self) -> Classification;

    /// Returns the wrapped error if `source` skips it and returns the source of that one.
    fn wrapped(&self) -> Option<&(dyn Error + 'static)> {
        None
    }
}

/// Returns the answer of the first known error in a chain of sources.
pub(crate) fn chain_answer(first: Option<&(dyn Error + 'static)>) -> Answer {
    // The text of some errors is read, and may log the error.
    catch_value(|| walk(first)).unwrap_or(Answer::NONE)
}

fn walk(mut link: Option<&(dyn Error + 'static)>) -> Answer {
    let mut fallback = None;
    // Not recursive, since a foreign error may be nested to any depth.
    for _ in 0..LONGEST_CHAIN {
        let Some(error) = link else { break };
        link = match known(error) {
            Some(known) => {
                match known.classify() {
                    Classification::Answer(answer) => return answer,
                    Classification::Fallback(category) => fallback = fallback.or(Some(category)),
                    Classification::Unknown => {}
                }
                known.wrapped().or_else(|| error_text::next(known))
            }
            None => {
                if let Some(category) = by_text(error, fallback) {
                    return Answer { category: Some(category), ..Answer::NONE };
                }
                // The `source` of an `Arc<dyn Error>` skips the error inside.
                let shared = error.downcast_ref::<Arc<dyn Error + Send + Sync>>();
                shared.map(|shared| &**shared as _).or_else(|| error_text::next(error))
            }
        };
    }
    Answer { category: fallback, ..Answer::NONE }
}

/// Lists the known error types: finds them in a chain, and implements `DependencyOutcome` for each by its chain.
macro_rules! known_errors {
    ($($(#[$cfg:meta])? $Known:ty,)*) => {
        fn known<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a dyn KnownError> {
            $(
                $(#[$cfg])?
                if let Some(known) = downcast::<$Known>(error) {
                    return Some(known);
                }
            )*
            None
        }

        $(
            $(#[$cfg])?
            impl DependencyOutcome for $Known {
                fn status(&self) -> Option<u16> {
                    chain_answer(Some(self)).status?.http()
                }

                fn grpc_status(&self) -> Option<u16> {
                    chain_answer(Some(self)).status?.grpc()
                }

                fn category(&self) -> Option<Category> {
                    chain_answer(Some(self)).category
                }

                fn is_refusal(&self) -> bool {
                    chain_answer(Some(self)).is_refusal
                }
            }
        )*
    };
}

known_errors! {
    io::Error,
    serde_json::Error,
    #[cfg(feature = "reqwest_0_12")] reqwest_0_12::Error,
    #[cfg(feature = "reqwest_0_12")] reqwest_middleware_0_4::Error,
    #[cfg(feature = "reqwest_0_13")] reqwest::Error,
    #[cfg(feature = "reqwest_0_13")] reqwest_middleware::Error,
    #[cfg(feature = "hyper")] hyper::Error,
    #[cfg(feature = "hyper")] hyper_util::client::legacy::Error,
    #[cfg(feature = "tokio")] tokio::time::error::Elapsed,
    #[cfg(feature = "tonic_0_12")] tonic_0_12::Status,
    #[cfg(feature = "tonic_0_12")] tonic_0_12::TimeoutExpired,
    #[cfg(feature = "tonic_0_12")] tonic_0_12::ConnectError,
    #[cfg(feature = "tonic_0_13")] tonic_0_13::Status,
    #[cfg(feature = "tonic_0_13")] tonic_0_13::TimeoutExpired,
    #[cfg(feature = "tonic_0_13")] tonic_0_13::ConnectError,
    #[cfg(feature = "tonic_0_14")] tonic::Status,
    #[cfg(feature = "tonic_0_14")] tonic::TimeoutExpired,
    #[cfg(feature = "tonic_0_14")] tonic::ConnectError,
    #[cfg(feature = "sqlx_0_8")] sqlx_0_8::Error,
    #[cfg(feature = "sqlx_0_9")] sqlx::Error,
    #[cfg(feature = "redis")] redis::RedisError,
    #[cfg(feature = "redis")] redis::ParsingError,
}

/// Downcasts an error, even if it is a `Box<T>` or `Arc<T>`, whose `source` skips the `T`.
fn downcast<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    error
        .downcast_ref::<T>()
        .or_else(|| Some(&**error.downcast_ref::<Box<T>>()?))
        .or_else(|| Some(&**error.downcast_ref::<Arc<T>>()?))
}

/// Classifies errors of types that can't be named (of TLS libraries and resolvers, private ones of clients) by their
/// text. Except for timeouts, the text is reliable only while a connection is being established.
fn by_text(error: &(dyn Error + 'static), fallback: Option<Category>) -> Option<Category> {
    if cfg!(any(feature = "reqwest_0_12", feature = "reqwest_0_13"))
        && error_text::display(error) == "operation timed out"
    {
        return Some(Category::Timeout);
    }
    if fallback != Some(Category::Connect) {
        return None;
    }
    let text = error_text::display(error).to_ascii_lowercase();
    if text.contains("dns error") || text.contains("lookup address") {
        return Some(Category::Dns);
    }
    let words = ["certificate", "tls", "ssl", "handshake"];
    let is_tls = words.iter().any(|word| text.contains(word)) || is_tls_alert(&text);
    is_tls.then_some(Category::Tls)
}

/// Whether this is the text of a rustls handshake error, which is wrapped in an I/O error.
pub(super) fn is_tls_alert(text: &str) -> bool {
    let prefixes = [
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
    prefixes.iter().any(|prefix| text.starts_with(prefix))
}
