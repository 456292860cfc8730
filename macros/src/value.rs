//! The fields of steps, calls and events: their names, and their values with the policies on them.

use std::mem;

use proc_macro2::{Delimiter, Group, Ident, Literal, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Expr, ExprCall, Lit, parse_quote};

use crate::errors::Errors;
use crate::field::FieldName;
use crate::policy::{self, MetaArg, Policy, PolicyKind};
use crate::tokens::{relocate, span_at};

/// `.checked([unreserved("order_id", LineKind::Step)])`, for the static of a site: a compile error at
/// the first field whose key candor itself writes. The runtime has the list of these keys.
pub(crate) fn checked<'a>(
    names: impl Iterator<Item = (&'a FieldName, &'static str)>,
    private: &TokenStream,
) -> Option<TokenStream> {
    let checks = names.map(|(name, line_kind)| {
        let span = span_at(&name.at().to_token_stream());
        let private = relocate(span, private);
        let line_kind = format_ident!("{line_kind}");
        let check = if name.text().is_some() { "unreserved" } else { "unreserved_constant" };
        let check = format_ident!("{check}");
        quote_spanned!(span=> #private::#check(#name, #private::LineKind::#line_kind))
    });
    let checks: Vec<_> = checks.collect();
    (!checks.is_empty()).then(|| quote!(.checked([#(#checks),*])))
}

/// `(&&&Given(&value)).candor_value()`: the value as it is shown, if it is loggable or an error. Otherwise the compiler
/// reports it at its own span.
pub(crate) fn given(value: &Expr, resolved: &TokenStream, private: &TokenStream) -> TokenStream {
    let span = value.span();
    let reference = borrowed_as(value, resolved);
    let private = relocate(span, private);
    quote_spanned!(span=> (&&&&&&&&&&&&& #private::Given(#reference)).candor_value())
}

/// The statement that imports the traits of [`given`].
pub(crate) fn import_traits(private: &TokenStream) -> TokenStream {
    import_traits_of("values", private)
}

/// The statement that imports the traits of [`given`] from this module.
pub(crate) fn import_traits_of(module: &str, private: &TokenStream) -> TokenStream {
    let module = format_ident!("{module}");
    quote! {
        #[allow(unused_imports)]
        use #private::#module::*;
    }
}

/// The result of [`resolve`].
pub(crate) struct Resolved {
    pub(crate) tokens: TokenStream,
    /// Whether the value is `clear(&x, reason = "…")`, shown even under a sensitive name.
    pub(crate) has_reason: bool,
    /// The names of the environment variables in literal text, which follow the key rule too.
    variables: Vec<Literal>,
}

impl Resolved {
    /// Whether the key rule hides the value of a field with this name, as an expression.
    pub(crate) fn is_sensitive(&self, name: &FieldName, private: &TokenStream) -> TokenStream {
        let name = (!self.has_reason).then(|| name.to_token_stream());
        let variables = self.variables.iter().map(ToTokens::to_token_stream);
        let names: Vec<_> = name.into_iter().chain(variables).collect();
        if names.is_empty() {
            return quote!(false);
        }
        quote!(const { #(#private::is_sensitive(#names))||* })
    }

    /// The same for a value without a name, if it depends on the key rule.
    pub(crate) fn is_sensitive_alone(&self, private: &TokenStream) -> Option<TokenStream> {
        let names = &self.variables;
        (!names.is_empty()).then(|| quote!(const { #(#private::is_sensitive(#names))||* }))
    }
}

/// The tokens of a value, with its policies resolved and string literals clear.
pub(crate) fn resolve(value: &Expr, policies: &TokenStream, errors: &mut Errors) -> Resolved {
    let mut resolved = value.clone();
    let has_reason = match &resolved {
        Expr::Call(call) if called_policy(call).is_some_and(|name| name == "clear") => {
            call.args.iter().skip(1).any(|setting| matches!(setting, Expr::Assign(_)))
        }
        _ => false,
    };
    resolve_policies(&mut resolved, policies, errors);
    if is_literal_text(value) {
        // A constant: a macro of the user's with one of these names may return other text.
        let tokens = quote_spanned!(value.span()=> #policies::clear(const { #value }));
        let variables = variables(&value.to_token_stream());
        return Resolved { tokens, has_reason, variables };
    }
    Resolved { tokens: resolved.into_token_stream(), has_reason, variables: Vec::new() }
}

/// The names in each `env!("NAME")` among the tokens.
fn variables(tokens: &TokenStream) -> Vec<Literal> {
    let mut found = Vec::new();
    let mut is_env = false;
    for token in tokens.clone() {
        match token {
            TokenTree::Ident(name) => is_env = name == "env",
            TokenTree::Group(group) if is_env => {
                found.extend(group.stream().into_iter().find_map(|token| match token {
                    TokenTree::Literal(name) => Some(name),
                    _ => None,
                }));
                is_env = false;
            }
            TokenTree::Group(group) => found.extend(variables(&group.stream())),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    found
}

/// Whether an `env!` among the tokens makes its name with another macro, so that the key rule can't apply to it.
fn has_computed_name(tokens: &TokenStream) -> bool {
    let mut is_env = false;
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(name) => {
            is_env = name == "env";
            false
        }
        TokenTree::Group(group) => {
            let first = group.stream().into_iter().next();
            (mem::take(&mut is_env) && !matches!(first, Some(TokenTree::Literal(_))))
                || has_computed_name(&group.stream())
        }
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// Whether a value is a string in the source code.
pub(crate) fn is_literal_text(value: &Expr) -> bool {
    const MACROS: [&str; 4] = ["concat", "env", "module_path", "stringify"];
    match value {
        Expr::Lit(literal) => matches!(literal.lit, Lit::Str(_)),
        Expr::Macro(call) => {
            let last = call.mac.path.segments.last();
            last.is_some_and(|last| MACROS.iter().any(|name| last.ident == name))
                && !has_computed_name(&call.to_token_stream())
        }
        Expr::Reference(reference) => is_literal_text(&reference.expr),
        Expr::Group(group) => is_literal_text(&group.expr),
        Expr::Paren(paren) => is_literal_text(&paren.expr),
        _ => false,
    }
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

/// Resolves policies that are called without an import, with settings as arguments:
///
/// ```text
/// mask(&card, last = 4)
/// { use ::candor::policy::*; { use self::*; mask } }(&card).last(4)
/// ```
///
/// The user's own `mask` takes precedence, since the inner glob import shadows the outer one; and an
/// import of `candor::policy::mask` counts as used.
fn resolve_policies(value: &mut Expr, policies: &TokenStream, errors: &mut Errors) {
    match value {
        Expr::MethodCall(call) => {
            let is_end = call.method == "first" || call.method == "last";
            match &mut *call.receiver {
                Expr::Call(inner) if is_end && called_policy(inner).is_some() => {
                    import(inner, policies);
                }
                receiver => resolve_policies(receiver, policies, errors),
            }
        }
        Expr::Reference(reference) => resolve_policies(&mut reference.expr, policies, errors),
        Expr::Paren(paren) => resolve_policies(&mut paren.expr, policies, errors),
        Expr::Tuple(tuple) => {
            tuple.elems.iter_mut().for_each(|item| resolve_policies(item, policies, errors));
        }
        Expr::Array(array) => {
            array.elems.iter_mut().for_each(|item| resolve_policies(item, policies, errors));
        }
        Expr::Call(call) if is_wrapper(call) => {
            call.args.iter_mut().for_each(|item| resolve_policies(item, policies, errors));
        }
        Expr::Call(call) if called_policy(call).is_some() => {
            let ends = settings(call, errors);
            import(call, policies);
            if let Some(ends) = ends {
                let call = call.to_token_stream();
                *value = Expr::Verbatim(quote!(#call #ends));
            }
        }
        _ => {}
    }
}

/// Puts the import in front of a policy's name.
fn import(call: &mut ExprCall, policies: &TokenStream) {
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

/// Removes the settings after the value (`last = 4`); returns the calls that set them.
fn settings(call: &mut ExprCall, errors: &mut Errors) -> Option<TokenStream> {
    let name = called_policy(call)?.clone();
    let args = mem::take(&mut call.args);
    let mut args = args.into_iter();
    call.args.extend(args.next());
    let settings: Vec<Expr> = args.collect();
    // Otherwise it is the user's function.
    let is_policy = settings.iter().all(|setting| matches!(setting, Expr::Assign(_)));
    if settings.is_empty() || !is_policy {
        call.args.extend(settings);
        return None;
    }
    let mut list = Group::new(Delimiter::Parenthesis, quote!(#(#settings),*));
    list.set_span(settings[0].span());
    let arg = errors.take(syn::parse2::<MetaArg>(quote!(#name #list)))?;
    match Policy::of_call(&arg, errors)?.kind {
        PolicyKind::Mask { first, last } => Some(quote!(.first(#first).last(#last))),
        _ => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_variable_follows_the_key_rule() {
        let rule = |value: Expr| {
            let resolved = resolve(&value, &quote!(policy), &mut Errors::default());
            resolved.is_sensitive_alone(&quote!(private)).map(|rule| rule.to_string())
        };
        let hidden = r#"const { private :: is_sensitive ("API_KEY") }"#;
        assert_eq!(rule(parse_quote!(env!("API_KEY"))).as_deref(), Some(hidden));
        assert_eq!(rule(parse_quote!(concat!("key ", env!("API_KEY")))).as_deref(), Some(hidden));
        assert_eq!(rule(parse_quote!(concat!("API_KEY", 1))), None);
        assert_eq!(rule(parse_quote!("API_KEY")), None);
    }
}
