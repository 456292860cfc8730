//! The attribute macros of [candor](https://docs.rs/candor). Depend on `candor`, which re-exports
//! them and documents them in context.

use proc_macro::TokenStream;

mod args;
mod dependency_call;
mod errors;
mod function;
mod redact;
mod step_timed;
mod timed;

/// Times a function and writes one `step_timing` line at its end, whatever the end is.
#[proc_macro_attribute]
pub fn step_timed(args: TokenStream, item: TokenStream) -> TokenStream {
    expand(args, item, step_timed::expand)
}

/// Times a call to a dependency and writes one `dependency_call` line at its end.
#[proc_macro_attribute]
pub fn dependency_call(args: TokenStream, item: TokenStream) -> TokenStream {
    expand(args, item, dependency_call::expand)
}

/// Makes a struct or enum loggable, field by field, and gives it a `Debug` that shows the same.
#[proc_macro_attribute]
pub fn redact(args: TokenStream, item: TokenStream) -> TokenStream {
    expand(args, item, redact::expand)
}

/// The one adapter between the compiler's tokens and the expansions: an expansion returns what
/// stands in the item's place, with the errors, if any, beside the user's item.
fn expand(
    args: TokenStream,
    item: TokenStream,
    expansion: fn(proc_macro2::TokenStream, proc_macro2::TokenStream) -> proc_macro2::TokenStream,
) -> TokenStream {
    expansion(args.into(), item.into()).into()
}
