//! The syntax of the event macros: that of `tracing`.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, LitStr, Token, braced};

use super::format::Format;
use crate::errors::{Errors, listed};
use crate::value::resolve_policies;

/// One event.
pub(super) struct Event {
    /// `$crate`, from the macro of candor's that the user called.
    root: TokenTree,
    /// A variant of `Severity`, or `Audit`.
    pub(super) severity: Ident,
    pub(super) name: Option<Expr>,
    pub(super) target: Option<Expr>,
    pub(super) parent: Option<Expr>,
    pub(super) fields: Vec<EventField>,
    pub(super) message: Option<Message>,
}

impl Event {
    pub(super) fn private(&self) -> TokenStream {
        let root = &self.root;
        quote!(#root::__private)
    }

    /// Whether the event is one of `audit!`.
    pub(super) fn is_audit(&self) -> bool {
        self.severity == "Audit"
    }
}

/// `key = value`.
pub(super) struct EventField {
    pub(super) key: String,
    /// The tokens of the key.
    pub(super) at: TokenStream,
    pub(super) value: Expr,
    /// Whether no field of the same name follows.
    pub(super) is_last: bool,
}

pub(super) enum Message {
    /// A format string with its arguments.
    Format { text: LitStr, args: Vec<FormatArg>, format: Format },
    /// The value of a field called `message`.
    Value(Expr),
}

/// A format argument after the text.
pub(super) struct FormatArg {
    pub(super) name: Option<Ident>,
    pub(super) value: Expr,
}

/// Parses `$crate Info, …`; candor's macro puts the first two in front of the user's tokens.
pub(super) fn parse(tokens: TokenStream) -> syn::Result<Event> {
    let reader = |input: ParseStream<'_>| {
        let mut event = Event {
            root: input.parse()?,
            severity: input.parse()?,
            name: None,
            target: None,
            parent: None,
            fields: Vec::new(),
            message: None,
        };
        input.parse::<Token![,]>()?;
        if input.is_empty() {
            return Err(syn::Error::new(
                Span::call_site(),
                "an event needs a message or a field, such as `info!(order_id = order.id, \"charged\")`",
            ));
        }
        settings(&mut event, input)?;
        contents(&mut event, input)?;
        let mut errors = Errors::default();
        check(&mut event, &mut errors);
        errors.finish()?;
        Ok(event)
    };
    reader.parse2(tokens)
}

/// `target: "…", parent: …, name: "…"` in any order.
fn settings(event: &mut Event, input: ParseStream<'_>) -> syn::Result<()> {
    let is_audit = event.is_audit();
    while input.peek(Ident::peek_any) && input.peek2(Token![:]) && !input.peek2(Token![::]) {
        let key = input.call(Ident::parse_any)?;
        input.parse::<Token![:]>()?;
        let place = match key.to_string().as_str() {
            "name" => &mut event.name,
            "target" => &mut event.target,
            "parent" => &mut event.parent,
            other => {
                let known = listed(&["name", "target", "parent"]);
                let message = format!("unknown argument `{other}:`; expected one of {known}");
                return Err(syn::Error::new_spanned(key, message));
            }
        };
        if place.is_some() {
            return Err(syn::Error::new_spanned(&key, format!("duplicate argument `{key}:`")));
        }
        if is_audit && key == "parent" {
            let message = "an audit event goes past `tracing`, and so has no `parent:`";
            return Err(syn::Error::new_spanned(&key, message));
        }
        *place = Some(input.parse()?);
        comma(input)?;
    }
    Ok(())
}

/// Fields, then the message with its arguments.
fn contents(event: &mut Event, input: ParseStream<'_>) -> syn::Result<()> {
    if input.peek(syn::token::Brace) {
        let list;
        braced!(list in input);
        fields(event, &list)?;
        if !list.is_empty() {
            return Err(list.error("the message stands behind the braces of the fields"));
        }
        if input.peek(Token![=]) {
            return Err(input.error("a field's name is written out, not taken from a constant"));
        }
        comma(input)?;
    } else {
        fields(event, input)?;
    }
    if input.is_empty() {
        return Ok(());
    }
    if !input.peek(LitStr) {
        return Err(input.error("expected the message, a format string in quotes"));
    }
    let text: LitStr = input.parse()?;
    if event.message.is_some() {
        return Err(syn::Error::new_spanned(&text, "duplicate message"));
    }
    comma(input)?;
    let mut args = Vec::new();
    while !input.is_empty() {
        args.push(arg(input, &event.root)?);
        comma(input)?;
    }
    let names: Vec<_> =
        args.iter().map(|arg| arg.name.as_ref().map(|name| name.unraw().to_string())).collect();
    let format = Format::read(&text.value(), &names);
    event.message = Some(Message::Format { text, args, format });
    Ok(())
}

/// Fields up to the message or the end.
fn fields(event: &mut Event, input: ParseStream<'_>) -> syn::Result<()> {
    let is_message = || input.peek(LitStr) && !is_assignment(input);
    while !(input.is_empty() || is_message()) {
        let (key, at, shorthand) = key(input)?;
        let value = match shorthand {
            Some(value) if !input.peek(Token![=]) => value,
            _ => {
                input.parse::<Token![=]>()?;
                sigil(input)?;
                value(input, &event.root)?
            }
        };
        if key == "message" {
            if event.message.is_some() {
                return Err(syn::Error::new_spanned(at, "duplicate message"));
            }
            event.message = Some(Message::Value(value));
        } else {
            event.fields.push(EventField { key, at, value, is_last: true });
        }
        comma(input)?;
    }
    Ok(())
}

/// Whether the next token is a name with a value.
fn is_assignment(input: ParseStream<'_>) -> bool {
    input.peek2(Token![=]) && !input.peek2(Token![==])
}

/// Parses the name of a field: as text, as tokens, and, if no value follows, as an expression.
fn key(input: ParseStream<'_>) -> syn::Result<(String, TokenStream, Option<Expr>)> {
    if input.peek(LitStr) {
        let key: LitStr = input.parse()?;
        return Ok((key.value(), key.to_token_stream(), None));
    }
    let has_sigil = sigil(input)?;
    if !input.peek(Ident::peek_any) {
        return Err(input.error(
            "expected a field (`key = value`, or `key` where that is a variable) or the message, \
             a format string in quotes",
        ));
    }
    let mut name = input.call(Ident::parse_any)?;
    let mut key = name.unraw().to_string();
    let mut at = name.to_token_stream();
    while input.peek(Token![.]) && input.peek2(Ident::peek_any) {
        input.parse::<Token![.]>()?.to_tokens(&mut at);
        name = input.call(Ident::parse_any)?;
        key.push('.');
        key.push_str(&name.unraw().to_string());
        name.to_tokens(&mut at);
    }
    if input.peek(Token![!]) {
        return Err(syn::Error::new_spanned(
            at,
            "the message is a format string in quotes; what a macro makes can't be checked",
        ));
    }
    if has_sigil && input.peek(Token![=]) {
        return Err(input.error("the sigil stands before the value: `key = ?value`"));
    }
    if !input.is_empty() && !input.peek(Token![,]) && !input.peek(Token![=]) {
        return Err(input.error(format!(
            "expected `,` or `=` behind the field `{key}`; a value that is no variable needs a name: `key = value`"
        )));
    }
    // A dotted name with a value, such as `user.type = 1`, need not be an expression.
    let shorthand = if input.peek(Token![=]) { None } else { Some(syn::parse2(at.clone())?) };
    Ok((key, at, shorthand))
}

/// Parses a `?` or `%`, which has no effect: a value's policy determines how it is shown.
fn sigil(input: ParseStream<'_>) -> syn::Result<bool> {
    if input.peek(Token![?]) {
        return input.parse::<Token![?]>().map(|_| true);
    }
    if input.peek(Token![%]) {
        return input.parse::<Token![%]>().map(|_| true);
    }
    Ok(false)
}

fn arg(input: ParseStream<'_>, root: &TokenTree) -> syn::Result<FormatArg> {
    let name = if input.peek(Ident::peek_any) && is_assignment(input) {
        let name = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        Some(name)
    } else {
        None
    };
    Ok(FormatArg { name, value: value(input, root)? })
}

fn comma(input: ParseStream<'_>) -> syn::Result<()> {
    if input.is_empty() {
        return Ok(());
    }
    input.parse::<Token![,]>().map(|_| ())
}

/// Reports empty names, and named arguments that the message does not show (other crates write fields
/// as in `"done", rows = 3`), and marks the last one of several fields with one name.
fn check(event: &mut Event, errors: &mut Errors) {
    for at in 0..event.fields.len() {
        let key = event.fields[at].key.clone();
        if key.is_empty() {
            errors.add(&event.fields[at].at, "a field needs a name");
        }
        event.fields[at].is_last = event.fields[at + 1..].iter().all(|later| later.key != key);
    }
    let Some(Message::Format { args, format, .. }) = &event.message else { return };
    for (arg, used) in args.iter().zip(&format.explicit) {
        if let Some(name) = arg.name.as_ref().filter(|_| !used.is_used) {
            errors.add(
                name,
                format!("the message does not show `{name}`; a field stands before the message"),
            );
        }
    }
}

/// Parses a value with its policies.
fn value(input: ParseStream<'_>, root: &TokenTree) -> syn::Result<Expr> {
    let mut value = input.parse()?;
    resolve_policies(&mut value, &quote!(#root::policy));
    Ok(value)
}
