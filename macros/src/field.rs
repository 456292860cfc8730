//! The syntax of one field of a step, call or event.
//!
//! It is the syntax of `tracing`: `order_id`, `user.id = user.id`, `"user id" = id`, `{ KEY } = id`, `error = ?error`,
//! `rows = Empty`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{Expr, ExprPath, Ident, LitStr, Token, braced};

/// The name of a field.
pub(crate) enum FieldName {
    Text {
        name: String,
        /// The tokens of the name.
        at: TokenStream,
    },
    /// `{ KEY }`, an expression that is a constant.
    Const(Expr),
}

impl FieldName {
    /// The name, unless it is a constant.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            FieldName::Text { name, .. } => Some(name),
            FieldName::Const(_) => None,
        }
    }

    /// Whether both names are the same string.
    pub(crate) fn is_same(&self, other: &FieldName) -> bool {
        self.text().is_some_and(|name| other.text() == Some(name))
    }

    /// The tokens that the user wrote.
    pub(crate) fn at(&self) -> &dyn ToTokens {
        match self {
            FieldName::Text { at, .. } => at,
            FieldName::Const(key) => key,
        }
    }
}

impl ToTokens for FieldName {
    /// The name as an expression, a `&'static str`.
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            FieldName::Text { name, .. } => name.to_tokens(tokens),
            FieldName::Const(key) => key.to_tokens(tokens),
        }
    }
}

/// The value of a field.
pub(crate) enum FieldValue {
    /// `name = value`.
    Given(Expr),
    /// `name`, as an expression.
    Own(Expr),
    /// `name = Empty`: the field is declared, and gets its value later. Holds the path to `Empty`, or nothing for a
    /// `name` alone, which means the same in `#[instrument]`.
    Empty(Option<ExprPath>),
}

/// One field.
pub(crate) struct Field {
    pub(crate) name: FieldName,
    pub(crate) value: FieldValue,
}

impl Parse for Field {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let has_sigil = sigil(input)?;
        let (name, own) = name(input)?;
        if input.peek(Token![=]) {
            if has_sigil {
                return Err(input.error("put `?` or `%` before the value: `rows = ?rows`"));
            }
            return assigned(name, input);
        }
        match own {
            Some(own) => Ok(Field { name, value: FieldValue::Own(own) }),
            None => Err(input.error("expected `=` and the value of the field")),
        }
    }
}

impl Field {
    /// Parses a field of `#[instrument]`: a name alone has no value, unless a sigil precedes it.
    pub(crate) fn parse_of_span(input: ParseStream<'_>) -> syn::Result<Self> {
        let has_sigil = sigil(input)?;
        let (name, own) = name(input)?;
        if input.peek(Token![=]) {
            return assigned(name, input);
        }
        if !input.is_empty() && !input.peek(Token![,]) {
            return Err(input.error("expected `,` or `=` after the field"));
        }
        match own {
            Some(own) if has_sigil => Ok(Field { name, value: FieldValue::Given(own) }),
            None if has_sigil => Err(input.error("expected `=` and the value of the field")),
            _ => Ok(Field { name, value: FieldValue::Empty(None) }),
        }
    }
}

/// Parses the `=` and the value of a field.
fn assigned(name: FieldName, input: ParseStream<'_>) -> syn::Result<Field> {
    input.parse::<Token![=]>()?;
    sigil(input)?;
    let value = match input.parse()? {
        Expr::Path(path) if is_empty(&path) => FieldValue::Empty(Some(path)),
        value => FieldValue::Given(value),
    };
    if !input.is_empty() && !input.peek(Token![,]) {
        return Err(input.error("expected `,` between fields"));
    }
    Ok(Field { name, value })
}

/// Parses the name of a field, as an expression too if it can be its own value.
fn name(input: ParseStream<'_>) -> syn::Result<(FieldName, Option<Expr>)> {
    if input.peek(LitStr) {
        let name: LitStr = input.parse()?;
        return Ok((FieldName::Text { name: name.value(), at: name.to_token_stream() }, None));
    }
    if input.peek(syn::token::Brace) {
        let key;
        braced!(key in input);
        return Ok((FieldName::Const(key.parse()?), None));
    }
    if !input.peek(Ident::peek_any) {
        return Err(input.error("expected a field, such as `rows` or `rows = page.len()`"));
    }
    let mut ident = input.call(Ident::parse_any)?;
    let mut name = ident.unraw().to_string();
    let mut at = ident.to_token_stream();
    while input.peek(Token![.]) && input.peek2(Ident::peek_any) {
        input.parse::<Token![.]>()?.to_tokens(&mut at);
        ident = input.call(Ident::parse_any)?;
        name.push('.');
        name.push_str(&ident.unraw().to_string());
        ident.to_tokens(&mut at);
    }
    if !input.is_empty() && !input.peek(Token![,]) && !input.peek(Token![=]) {
        let message = if input.peek(Token![!]) {
            "the message must be a string literal, so that its arguments can be checked".to_owned()
        } else {
            format!(
                "expected `,` or `=` after the field `{name}`; to log an expression, give it a name: `key = value`"
            )
        };
        return Err(if input.peek(Token![!]) {
            syn::Error::new_spanned(at, message)
        } else {
            input.error(message)
        });
    }
    // A dotted name with a value, such as `user.type = 1`, need not be an expression.
    let own = if input.peek(Token![=]) { None } else { syn::parse2(at.clone()).ok() };
    Ok((FieldName::Text { name, at }, own))
}

/// Parses a `?` or `%`, which has no effect: a value's type or policy determines how it is shown.
fn sigil(input: ParseStream<'_>) -> syn::Result<bool> {
    if input.peek(Token![?]) {
        return input.parse::<Token![?]>().map(|_| true);
    }
    if input.peek(Token![%]) {
        return input.parse::<Token![%]>().map(|_| true);
    }
    Ok(false)
}

/// Whether a path is that of `tracing::field::Empty`.
fn is_empty(path: &ExprPath) -> bool {
    let segments = &path.path.segments;
    segments.last().is_some_and(|last| last.ident == "Empty")
        && (segments.len() == 1 || segments.iter().any(|segment| segment.ident == "field"))
}

/// A statement that uses the path to `Empty`, so that its import is not unused.
///
/// Without an import, `Empty` is candor's.
pub(crate) fn use_of_empty(path: Option<&ExprPath>, private: &TokenStream) -> Option<TokenStream> {
    let path = path?;
    if path.path.get_ident().is_none() {
        return Some(quote!(let _ = #path;));
    }
    Some(quote!({
        use #private::empty::*;
        {
            use self::*;
            let _ = #path;
        }
    }))
}
