//! Values that say themselves what a log may show.
//!
//! [`Loggable`] is the compile-time half of candor's redaction: what a macro records must implement
//! it, and text does not. A `#[redact]` type implements it from decisions on its fields, a
//! [policy](crate::policy) makes any text loggable.
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
pub(crate) mod json;

mod cells;
mod containers;
pub(crate) mod decide;
mod encoder;
mod foreign;
pub(crate) mod leaf;
mod scalars;
pub(crate) mod secret;
mod seen;
pub(crate) mod shape;
pub(crate) mod text;
mod traits;

pub(crate) use super::error_text::UNPRINTABLE;
pub(crate) use encoder::Slot;
pub(crate) use encoder::{DEFAULT_VALUE_LIMIT, DebugOf, NestedDebug, guarded, set_value_limit};
pub use encoder::{Encoder, List, Map, Object};
pub(crate) use leaf::Leaf;
pub use shape::Shape;
pub use text::Text;
pub use traits::{Element, Loggable, to_json, write_json};

#[cfg(test)]
mod tests;
