//! Loggable values: the part of redaction that is checked at compile time.
//!
//! candor's macros only record values that implement [`Loggable`], and text does not. `#[redact]` implements it for a
//! type by the policies of its fields, and a function of [`policy`](crate::policy) makes a single value loggable.
//!
//! ```
//! use candor::loggable::to_json;
//! use candor::policy::mask;
//!
//! assert_eq!(to_json(&Some(7)), "7");
//! assert_eq!(to_json(&vec![1.5, f64::NAN]), r#"[1.5,"NaN"]"#);
//! assert_eq!(to_json(&mask("4111111111111111").last(4)), r#""****1111""#);
//! ```

#[cfg(feature = "http")]
pub(crate) mod headers;
#[cfg(feature = "serde_json")]
pub(crate) mod json;

mod cells;
mod containers;
mod encoder;
pub(crate) mod field;
mod foreign;
mod scalars;
pub(crate) mod secret;
pub(crate) mod shape;
pub(crate) mod text;
pub(crate) mod text_policy;
mod traits;
#[cfg(feature = "subscriber")]
pub(crate) mod type_only;
mod unique_keys;

#[cfg(feature = "subscriber")]
pub(crate) use super::error_text::{UNPRINTABLE, marker};
pub(in crate::redact) use encoder::RedactedValue;
#[cfg(feature = "subscriber")]
pub(crate) use encoder::{DEFAULT_VALUE_LIMIT, catch_unprintable, set_value_limit};
pub(crate) use encoder::{DebugOf, NestedDebug, Slot};
pub use encoder::{Encoder, List, Map, Object};
pub use shape::Shape;
pub use text::Text;
pub(crate) use text_policy::TextPolicy;
pub use traits::{Element, Loggable, to_json, write_json};
