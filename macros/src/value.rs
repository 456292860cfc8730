//! The fields of steps, calls and events: their names, and their values with the policies on them.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Expr, ExprCall, parse_quote};

use crate::policy;
use crate::tokens::{relocate, span_at};

/// `.checked([unreserved("order_id", LineKind::Step)])`, for the static of a site: a compile error at
/// the first field whose key candor itself writes. The runtime has the list of these keys.
pub(crate) fn checked<'a, T: ToTokens + 'a>(
    fields: impl Iterator<Item = (&'a String, &'a T)>,
    line_kind: &str,
    private: &TokenStream,
) -> Option<TokenStream> {
    let line_kind = format_ident!("{line_kind}");
    let checks = fields.map(|(key, at)| {
        let span = span_at(at);
        let private = relocate(span, private);
        quote_spanned!(span=> #private::unreserved(#key, #private::LineKind::#line_kind))
    });
    let checks: Vec<_> = checks.collect();
    (!checks.is_empty()).then(|| quote!(.checked([#(#checks),*])))
}

/// A reference to `value`, at its own span: that is where the compiler reports that it is not
/// loggable.
pub(crate) fn borrowed(value: &Expr) -> TokenStream {
    borrowed_as(value, &value.to_token_stream())
}

/// The same, with other tokens in place of those of `value`.
pub(crate) fn borrowed_as(value: &Expr, tokens: &TokenStream) -> TokenStream {
    match value {
        Expr::Array(_)
        | Expr::Call(_)
        | Expr::Field(_)
        | Expr::Index(_)
        | Expr::Lit(_)
        | Expr::Macro(_)
        | Expr::MethodCall(_)
        | Expr::Paren(_)
        | Expr::Path(_)
        | Expr::Tuple(_) => quote_spanned!(value.span()=> &#tokens),
        _ => quote_spanned!(value.span()=> &(#tokens)),
    }
}

/// Lets policies be called without an import:
///
/// ```text
/// mask(&card).last(4)
/// { use ::candor::policy::*; { use self::*; mask } }(&card).last(4)
/// ```
///
/// A `mask` of the user's takes precedence, since the inner glob import shadows the outer one; and an
/// import of `candor::policy::mask` counts as used.
pub(crate) fn resolve_policies(value: &mut Expr, policies: &TokenStream) {
    let resolve = |inner: &mut Expr| resolve_policies(inner, policies);
    match value {
        Expr::MethodCall(call) => resolve(&mut call.receiver),
        Expr::Reference(reference) => resolve(&mut reference.expr),
        Expr::Paren(paren) => resolve(&mut paren.expr),
        Expr::Tuple(tuple) => tuple.elems.iter_mut().for_each(resolve),
        Expr::Array(array) => array.elems.iter_mut().for_each(resolve),
        Expr::Call(call) if is_wrapper(call) => call.args.iter_mut().for_each(resolve),
        Expr::Call(call) => {
            if let Some(name) = called_policy(call).cloned() {
                call.func = parse_quote!({
                    use #policies::*;
                    {
                        use self::*;
                        #name
                    }
                });
            }
        }
        _ => {}
    }
}

/// The name of the policy function that is called, if it is one.
pub(crate) fn called_policy(call: &ExprCall) -> Option<&Ident> {
    let Expr::Path(function) = &*call.func else { return None };
    function.path.get_ident().filter(|name| policy::is_function(name))
}

/// Whether the call is `Some(…)`, `Ok(…)` or `Err(…)`, which are shown as the value inside.
fn is_wrapper(call: &ExprCall) -> bool {
    let Expr::Path(function) = &*call.func else { return false };
    ["Some", "Ok", "Err"].iter().any(|name| function.path.is_ident(name))
}
