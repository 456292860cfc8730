//! The answer of a dependency: status, error category and whether the request was refused.

use std::sync::Arc;

use super::unsupported::Unsupported;
use super::{Category, grpc};
use crate::base::catch::catch_value;

/// Status and error category of a call, read from the value it returns.
///
/// [The module documentation](crate::dependency#which-values-are-known) lists the types that implement it. Implement it
/// for the response or error types of your own clients:
///
/// ```
/// use candor::dependency::{Category, DependencyOutcome};
///
/// enum StoreError {
///     PoolEmpty,
///     Refused(u16),
/// }
///
/// impl DependencyOutcome for StoreError {
///     fn status(&self) -> Option<u16> {
///         match self {
///             StoreError::Refused(status) => Some(*status),
///             StoreError::PoolEmpty => None,
///         }
///     }
///     fn category(&self) -> Option<Category> {
///         matches!(self, StoreError::PoolEmpty).then_some(Category::Pool)
///     }
/// }
/// ```
///
/// A call that returns a value other than `Err` has failed as well if the value has a category or a 5xx status.
pub trait DependencyOutcome {
    /// Returns the HTTP status of the response; `None` if there was no response.
    fn status(&self) -> Option<u16> {
        None
    }

    /// Returns the [gRPC status code](https://grpc.io/docs/guides/status-codes/), 0 to 16.
    fn grpc_status(&self) -> Option<u16> {
        None
    }

    /// Returns why the call failed, if the status does not show it.
    fn category(&self) -> Option<Category> {
        None
    }

    /// Returns whether the dependency rejected the request as invalid.
    ///
    /// The line of such a call is logged at WARN instead of ERROR. Default: whether the status is 4xx, the gRPC status
    /// is not one of a server error, or the category is [`NotFound`](Category::NotFound).
    fn is_refusal(&self) -> bool {
        match (self.status(), self.grpc_status()) {
            (Some(status), _) => is_client_error(status),
            (None, Some(code)) => grpc::is_refusal(code),
            (None, None) => self.category() == Some(Category::NotFound),
        }
    }
}

pub(super) const fn is_client_error(status: u16) -> bool {
    matches!(status, 400..500)
}

impl<T: DependencyOutcome, E: DependencyOutcome> DependencyOutcome for Result<T, E> {
    fn status(&self) -> Option<u16> {
        self.as_ref().map_or_else(E::status, T::status)
    }

    fn grpc_status(&self) -> Option<u16> {
        self.as_ref().map_or_else(E::grpc_status, T::grpc_status)
    }

    fn category(&self) -> Option<Category> {
        self.as_ref().map_or_else(E::category, T::category)
    }

    fn is_refusal(&self) -> bool {
        self.as_ref().map_or_else(E::is_refusal, T::is_refusal)
    }
}

/// Status and category, for functions given as `outcome = …`.
impl DependencyOutcome for (Option<u16>, Option<Category>) {
    fn status(&self) -> Option<u16> {
        self.0
    }

    fn category(&self) -> Option<Category> {
        self.1
    }
}

#[cfg(feature = "http")]
impl<B> DependencyOutcome for http::Response<B> {
    fn status(&self) -> Option<u16> {
        Some(http::Response::status(self).as_u16())
    }
}

macro_rules! delegate_to_target {
    ($($Pointer:ty),*) => {$(
        impl<T: DependencyOutcome + ?Sized> DependencyOutcome for $Pointer {
            fn status(&self) -> Option<u16> {
                (**self).status()
            }

            fn grpc_status(&self) -> Option<u16> {
                (**self).grpc_status()
            }

            fn category(&self) -> Option<Category> {
                (**self).category()
            }

            fn is_refusal(&self) -> bool {
                (**self).is_refusal()
            }
        }
    )*};
}

delegate_to_target!(&T, Box<T>, Arc<T>);

/// Outcome of a call, read through [`DependencyOutcome`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    pub(crate) status: Option<AnswerStatus>,
    pub(crate) category: Option<Category>,
    pub(crate) is_refusal: bool,
    /// The type that was not read, if it belongs to a known client crate.
    pub(crate) unsupported: Option<Unsupported>,
}

/// Status of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerStatus {
    Http(u16),
    Grpc(u16),
}

impl AnswerStatus {
    pub(crate) fn http(self) -> Option<u16> {
        match self {
            AnswerStatus::Http(status) => Some(status),
            AnswerStatus::Grpc(_) => None,
        }
    }

    pub(crate) fn grpc(self) -> Option<u16> {
        match self {
            AnswerStatus::Grpc(code) => Some(code),
            AnswerStatus::Http(_) => None,
        }
    }
}

impl Answer {
    pub(crate) const NONE: Answer =
        Answer { status: None, category: None, is_refusal: false, unsupported: None };

    /// No answer, because the type is not supported.
    #[inline(always)]
    pub(super) const fn unread(unsupported: Option<Unsupported>) -> Self {
        Answer { unsupported, ..Answer::NONE }
    }

    /// Completes the answer with the status and category of `fallback`.
    pub(crate) fn or_else(self, fallback: impl FnOnce() -> Answer) -> Self {
        if self.category.is_some() && self.status.is_some() {
            return self;
        }
        let other = fallback();
        Answer {
            status: self.status.or(other.status),
            category: self.category.or(other.category),
            is_refusal: self.is_refusal || other.is_refusal,
            unsupported: self.unsupported,
        }
    }

    pub(crate) fn of<T: DependencyOutcome + ?Sized>(value: &T) -> Self {
        // Users implement the trait. A panic there must not reach the annotated function. The implementation may itself
        // make a call whose outcome has the same type.
        let answer = || Answer {
            // Over gRPC, the HTTP status is 200 in any case.
            status: match value.grpc_status() {
                Some(code) => Some(AnswerStatus::Grpc(code)),
                None => value.status().map(AnswerStatus::Http),
            },
            category: value.category(),
            is_refusal: value.is_refusal(),
            unsupported: None,
        };
        catch_value(answer).unwrap_or(Answer::NONE)
    }

    /// Replaces the status with that of [`Call::set_status`](crate::dependency::Call::set_status).
    #[inline]
    pub(crate) fn with_reported(mut self, status: Option<AnswerStatus>) -> Self {
        if let Some(reported) = status {
            self.status = status;
            self.is_refusal = match reported {
                AnswerStatus::Http(status) => is_client_error(status),
                AnswerStatus::Grpc(code) => grpc::is_refusal(code),
            };
        }
        self
    }

    /// Returns why the call failed. An explicit category takes precedence over the status.
    pub(crate) fn reason(self) -> Option<Category> {
        match self.category {
            None | Some(Category::Other) => {
                let by_status = match self.status {
                    Some(AnswerStatus::Http(400..)) => Some(Category::Status),
                    Some(AnswerStatus::Grpc(code)) => grpc::category(code),
                    _ => None,
                };
                by_status.or(self.category)
            }
            category => category,
        }
    }
}
