//! The placeholder of a value whose type alone is shown.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;

use super::{DebugOf, Encoder, Loggable};
use crate::redact::error_text;

/// Placeholder for a value without a shape: the short name of its type, `<Order>`.
pub struct TypeOnly<T: ?Sized>(PhantomData<fn(&T)>);

impl<T: ?Sized> TypeOnly<T> {
    pub(crate) fn of(_: &T) -> Self {
        TypeOnly(PhantomData)
    }
}

impl<T: ?Sized> fmt::Debug for TypeOnly<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&DebugOf(self), f)
    }
}

impl<T: ?Sized> Loggable for TypeOnly<T> {
    fn log(&self, to: &mut Encoder<'_>) {
        let full = type_name::<T>().trim_start_matches("&mut ").trim_start_matches('&');
        if full.ends_with("{{closure}}") {
            return to.text("<closure>");
        }
        to.text(&format!("<{}>", error_text::short_name(full)));
    }
}
