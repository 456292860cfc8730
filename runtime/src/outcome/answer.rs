//! The response of a dependency, as far as the value of a call shows it.

use std::sync::Arc;

use super::Category;
use crate::base::catch::catch;

/// What the value of a dependency call says about the answer.
///
/// The [module's list](crate::dependency#which-values-are-known) names the types that have it. Implement it for a
/// client's own response or error type:
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
/// A value that is no `Err` has failed all the same where it names a category or a 5xx status.
pub trait DependencyOutcome {
    /// The status of the answer; none where no answer began.
    fn status(&self) -> Option<u16> {
        None
    }

    /// Why the call failed, where the status does not say it.
    fn category(&self) -> Option<Category> {
        None
    }

    /// Whether it was answered that the request itself is at fault, so that the line is a WARN and no
    /// ERROR: by default where the status is 4xx.
    fn is_refusal(&self) -> bool {
        self.status().is_some_and(is_client_error)
    }
}

pub(super) const fn is_client_error(status: u16) -> bool {
    matches!(status, 400..500)
}

impl<T: DependencyOutcome, E: DependencyOutcome> DependencyOutcome for Result<T, E> {
    fn status(&self) -> Option<u16> {
        self.as_ref().map_or_else(E::status, T::status)
    }

    fn category(&self) -> Option<Category> {
        self.as_ref().map_or_else(E::category, T::category)
    }

    fn is_refusal(&self) -> bool {
        self.as_ref().map_or_else(E::is_refusal, T::is_refusal)
    }
}

/// Status and category as they are, for the function of `outcome = …`.
impl DependencyOutcome for (Option<u16>, Option<Category>) {
    fn status(&self) -> Option<u16> {
        self.0
    }

    fn category(&self) -> Option<Category> {
        self.1
    }
}

macro_rules! as_what_it_points_to {
    ($($Pointer:ty),*) => {$(
        impl<T: DependencyOutcome + ?Sized> DependencyOutcome for $Pointer {
            fn status(&self) -> Option<u16> {
                (**self).status()
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

as_what_it_points_to!(&T, Box<T>, Arc<T>);

/// What a call was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    pub(crate) status: Option<u16>,
    pub(crate) category: Option<Category>,
    pub(crate) is_refusal: bool,
}

impl Answer {
    pub(crate) const NONE: Answer = Answer { status: None, category: None, is_refusal: false };

    /// What is not known here, from elsewhere.
    pub(crate) fn or_else(self, elsewhere: impl FnOnce() -> Answer) -> Self {
        if self.status.is_some() && self.category.is_some() {
            return self;
        }
        let other = elsewhere();
        Answer {
            status: self.status.or(other.status),
            category: self.category.or(other.category),
            is_refusal: self.is_refusal || other.is_refusal,
        }
    }

    pub(crate) fn of<T: DependencyOutcome + ?Sized>(value: &T) -> Self {
        // The trait is the user's to implement; what panics there is no answer.
        let answer = || Answer {
            status: value.status(),
            category: value.category(),
            is_refusal: value.is_refusal(),
        };
        catch(answer).unwrap_or(Answer::NONE)
    }

    /// The answer with the status that the body named in place of its own.
    pub(crate) fn with_status(self, status: Option<u16>) -> Self {
        match status {
            Some(status) => {
                Answer { status: Some(status), is_refusal: is_client_error(status), ..self }
            }
            None => self,
        }
    }

    /// Why the call failed, where the answer tells: what is said plainly goes before the status.
    pub(crate) fn reason(self) -> Option<Category> {
        let is_bad = self.status.is_some_and(|status| status >= 400);
        match self.category {
            None | Some(Category::Other) if is_bad => Some(Category::Status),
            category => category,
        }
    }
}
