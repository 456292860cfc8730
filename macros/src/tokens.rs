//! Token streams: moved to another span, searched and printed.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned as _;

/// The tokens at another span, with its hygiene: to the compiler and its lints they are the user's.
pub(crate) fn respan(span: Span, tokens: &TokenStream) -> TokenStream {
    map_spans(tokens, |_| span)
}

/// The tokens with their own hygiene: errors about them point at `span`, but to the lints they stay
/// generated code.
pub(crate) fn relocate(span: Span, tokens: &impl ToTokens) -> TokenStream {
    map_spans(&tokens.to_token_stream(), |own| own.located_at(span))
}

fn map_spans(tokens: &TokenStream, map: impl Fn(Span) -> Span) -> TokenStream {
    let moved = tokens.clone().into_iter().map(|mut token| {
        token.set_span(map(token.span()));
        token
    });
    moved.collect()
}

/// A span for generated code whose errors point at `token`.
pub(crate) fn span_at(token: &impl ToTokens) -> Span {
    Span::mixed_site().located_at(token.span())
}

/// A generated variable that is in scope of the user's code, and that only generated code can name.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// Whether `name` is among the tokens.
pub(crate) fn mentions(tokens: &TokenStream, name: &Ident) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => mentions(&group.stream(), name),
        _ => false,
    })
}

/// The tokens in nearly the form that rustfmt gives them.
pub(crate) fn source_text(tokens: &impl ToTokens) -> String {
    let text = tokens.to_token_stream().to_string();
    text.replace(" :: ", "::")
        .replace(" < ", "<")
        .replace(" >", ">")
        .replace(" ,", ",")
        .replace("& ", "&")
}
