//! Redaction at run time: free text, URLs, JSON and headers without a policy.
//!
//! Names (of fields, parameters, headers and JSON keys) are checked against one [key rule](crate::keys), and all text
//! goes through one scrubber, [`text`]. This is best effort: a secret with neither a sensitive name nor a known form is
//! not found. Log sensitive data through candor's macros, where the compiler requires a [policy](crate::policy).
//!
//! In [strict mode](crate::Config::strict), the scrubber also hides email and network addresses, phone numbers and
//! IBANs.
//!
//! ```
//! use candor::scrub;
//!
//! assert_eq!(scrub::text("login failed: password=hunter2 user=7"), "login failed: password=[REDACTED] user=7");
//! assert_eq!(scrub::url("https://u:p@example.com/a?token=t"), "https://example.com/a");
//! assert_eq!(scrub::url_with_query("/a?page=2&token=t"), "/a?page=2&token=[REDACTED]");
//!
//! let body = serde_json::json!({"order_id": 7, "card": {"number": "4111 1111 1111 1111", "cvc": 123}});
//! assert_eq!(
//!     scrub::json(&body).to_string(),
//!     r#"{"card":{"cvc":"[REDACTED]","number":"[REDACTED]"},"order_id":7}"#,
//! );
//! assert_eq!(scrub::json(&body).only(["order_id"]).to_string(), r#"{"order_id":7}"#);
//! ```

mod card;
mod flag;
mod format;
mod harmless;
pub(crate) mod name;
mod pair;
mod personal;
mod plain_path;
mod range;
mod scan;
mod shape_only;
mod tag;
mod text;
mod token;
mod trigger;
mod url;
mod value;
mod view;
mod word;

#[cfg(feature = "http")]
pub use super::loggable::headers::headers;
#[cfg(feature = "serde_json")]
pub use super::loggable::json::{Json, json};
pub(crate) use range::REDACTED;
#[cfg(feature = "subscriber")]
pub(crate) use shape_only::listed_or_shape;
#[cfg(feature = "subscriber")]
pub(crate) use shape_only::shape;
pub(crate) use shape_only::text_or_shape;
pub(crate) use text::is_unaltered;
pub use text::text;
#[cfg(feature = "subscriber")]
pub(crate) use text::text_into;
#[cfg(feature = "subscriber")]
pub(crate) use url::form_decoded;
#[cfg(feature = "subscriber")]
pub(crate) use url::is_secret_value;
pub use url::{url, url_with_query};
