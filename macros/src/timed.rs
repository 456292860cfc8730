//! The expansion of one function: its body between the start and the end of a step or call.
//!
//! ```text
//! #[step_timed(fields(order_id = order.id))]
//! async fn charge(order: &Order) -> Result<Receipt, Declined> { body }
//! ```
//!
//! becomes
//!
//! ```text
//! fn charge(order: &Order) -> impl Future<Output = Result<Receipt, Declined>> {
//!     site!(step "charge" ["order_id"].checked([unreserved("order_id", LineKind::Step)]));
//!     Step::new::<Result<Receipt, Declined>>(&__SITE, async move {
//!         let order = order;
//!         entered(&__SITE, |__fields| { __fields.field(",\"order_id\":", …, &order.id); });
//!         if false { return hint::<Result<Receipt, Declined>>(); }
//!         let __value: Result<Receipt, Declined> = { body };
//!         return __value;
//!     }, |__value| ending!(__value))
//! }
//! ```
//!
//! Each file below has one idea: `parts`, the pieces that every form consists of; `sync` and `future`,
//! the forms; `body`, the user's statements as tokens.

mod body;
mod future;
mod parts;
mod sync;

use proc_macro2::TokenStream;
use quote::quote;

use self::parts::Parts;
use crate::args::{Args, SiteKind};
use crate::errors::Errors;
use crate::function::Function;
use crate::shape::{PollKind, Polled, Shape};

/// Expands a function. `keeps_async` is set if something around it needs an `async fn`.
pub(crate) fn expand(
    kind: SiteKind,
    args: &Args,
    mut function: Function,
    keeps_async: bool,
) -> syn::Result<TokenStream> {
    function.hoist_attributes();
    function.allow_expected();
    let shape = Shape::of(kind, args, &function, keeps_async);
    check(args, &function, &shape)?;
    let mut errors = Errors::default();
    let parts = Parts::new(kind, args, &function, &mut errors);
    errors.finish()?;
    let site = &parts.site;
    let body = match &shape {
        Shape::Guarded => sync::guarded(&parts, &function),
        Shape::TrackCaller => sync::track_caller(&parts, &function),
        Shape::Closure => sync::closure(&parts, &mut function),
        Shape::Future => future::returns_future(&parts, &mut function),
        Shape::Async => future::stays_async(&parts, &mut function),
        Shape::Polled(polled) => future::returns_polled(&parts, &mut function, polled),
    };
    Ok(function.with_body(quote!(#site #body)))
}

/// Checks the arguments that only some shapes accept.
fn check(args: &Args, function: &Function, shape: &Shape) -> syn::Result<()> {
    let is_polled = matches!(shape, Shape::Future | Shape::Async | Shape::Polled(_));
    if let Some(busy) = args.busy
        && !is_polled
    {
        let message = "`busy` only applies to async functions";
        return Err(syn::Error::new(busy, message));
    }
    if let Shape::Polled(Polled { kind: PollKind::Stream, .. }) = shape {
        if let Some(ret) = &args.ret {
            let message = "`ret` is not supported on functions returning a stream";
            return Err(syn::Error::new(ret.span, message));
        }
        if !cfg!(feature = "stream") {
            let message = "enable candor's `stream` feature to time functions returning a stream";
            return Err(syn::Error::new_spanned(function.output(), message));
        }
    }
    Ok(())
}
