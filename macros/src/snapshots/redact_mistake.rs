struct Order {
    note: String,
}
::core::compile_error! {
    "unknown policy `claer`: did you mean `clear`?"
}
#[automatically_derived]
impl ::candor::__private::Loggable for Order {
    fn log(&self, __to: &mut ::candor::__private::Encoder<'_>) {
        let _ = __to;
    }
}
#[automatically_derived]
impl ::candor::__private::Element for Order {}
#[automatically_derived]
impl ::candor::__private::Shape for Order {
    fn log_shape(&self, __to: &mut ::candor::__private::Encoder<'_>) {
        ::candor::__private::of_loggable(self, __to)
    }
}
#[automatically_derived]
impl ::candor::__private::core::fmt::Debug for Order {
    fn fmt(
        &self,
        __f: &mut ::candor::__private::core::fmt::Formatter<'_>,
    ) -> ::candor::__private::core::fmt::Result {
        use ::candor::__private::fallbacks::*;
        ::candor::__private::debug(
            self,
            (&::candor::__private::Displayed(self)).candor_display(),
            __f,
        )
    }
}
