//! The macros of [candor](https://docs.rs/candor). Depend on `candor`, which re-exports them.

use proc_macro::TokenStream;

mod args;
mod block;
mod errors;
mod event;
mod expand;
mod field;
mod function;
mod instrument;
mod inventory;
mod policy;
mod redact;
mod shape;
mod timed;
mod tokens;
mod value;

use args::SiteKind;

#[doc = include_str!("../docs/step_timed.md")]
#[proc_macro_attribute]
pub fn step_timed(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(SiteKind::Step, args.into(), item.into()).into()
}

#[doc = include_str!("../docs/dependency_call.md")]
#[proc_macro_attribute]
pub fn dependency_call(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(SiteKind::Call, args.into(), item.into()).into()
}

#[doc = include_str!("../docs/instrument.md")]
#[proc_macro_attribute]
pub fn instrument(args: TokenStream, item: TokenStream) -> TokenStream {
    instrument::expand(false, args.into(), item.into()).into()
}

/// Makes a function a step, like `#[candor::instrument(strict)]`.
///
/// It has the arguments and the output of [`#[instrument]`](macro@instrument). A recorded value that is neither loggable
/// nor an error does not compile.
#[proc_macro_attribute]
pub fn instrument_strict(args: TokenStream, item: TokenStream) -> TokenStream {
    instrument::expand(true, args.into(), item.into()).into()
}

#[doc = include_str!("../docs/redact.md")]
#[proc_macro_attribute]
pub fn redact(args: TokenStream, item: TokenStream) -> TokenStream {
    redact::expand(args.into(), item.into()).into()
}

/// Expands `candor::info!` and the other event macros, which put their crate and level in front.
#[doc(hidden)]
#[proc_macro]
pub fn event(tokens: TokenStream) -> TokenStream {
    event::expand(tokens.into()).into()
}
