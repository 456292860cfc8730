//! Redaction policies: functions that choose how much of a value is logged.
//!
//! Their names and meanings are those of the arguments of [`#[redact(…)]`](macro@crate::redact) on a field. Use them
//! for values in `fields(…)`, [`record`](crate::record), [`context::set`](crate::context::set) and candor's event
//! macros.
//!
//! ```
//! use candor::loggable::to_json;
//! use candor::policy::{clear, email, mask, secret, shape, url};
//!
//! assert_eq!(to_json(&clear("sku-7")), r#""sku-7""#);
//! assert_eq!(to_json(&secret("s3cr3t")), r#""[REDACTED]""#);
//! assert_eq!(to_json(&mask("4111 1111 1111 1111").last(4)), r#""****1111""#);
//! assert_eq!(to_json(&email("ada@example.com")), r#""a***@example.com""#);
//! assert_eq!(to_json(&url("https://u:p@example.com/a?token=x")), r#""https://example.com/a""#);
//! assert_eq!(to_json(&shape("correct horse battery")), r#""<text 17-32>""#);
//! ```

#[cfg(feature = "subscriber")]
pub use crate::outcome::error_value::{AnyError, ErrorValue, error};
pub use crate::redact::policy::*;
