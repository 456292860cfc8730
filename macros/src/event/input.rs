//! The syntax of the event macros, which is `tracing`'s.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, LitStr, Token, braced};

use super::format::Format;
use crate::args::FIXED;
use crate::errors::Errors;
use crate::timed::with_policy;

/// One event.
pub(super) struct Event {
    /// The crate, as `$crate` of the macro that the user wrote.
    root: TokenTree,
    /// A variant of `Severity`, or `Audit`.
    pub(super) severity: Ident,
    pub(super) name: Option<Expr>,
    pub(super) target: Option<Expr>,
    pub(super) parent: Option<Expr>,
    pub(super) fields: Vec<Field>,
    pub(super) message: Option<Message>,
}

impl Event {
    pub(super) fn private(&self) -> TokenStream {
        let root = &self.root;
        quote!(#root::__private)
    }

    /// Whether it is one of `audit!`, which is a value: what became of the event.
    pub(super) fn is_audit(&self) -> bool {
        self.severity == "Audit"
    }
}

/// `key = value`.
pub(super) struct Field {
    pub(super) key: String,
    /// The tokens of the key.
    at: TokenStream,
    pub(super) value: Expr,
    /// Whether no field of the same name follows.
    pub(super) is_last: bool,
}

pub(super) enum Message {
    /// A format string with its arguments.
    Format { text: LitStr, args: Vec<Arg>, format: Format },
    /// The value of a field called `message`.
    Value(Expr),
}

/// A format argument behind the text.
pub(super) struct Arg {
    pub(super) name: Option<Ident>,
    pub(super) value: Expr,
}

const SETTINGS: [&str; 3] = ["name", "target", "parent"];

/// Reads `$crate Info, …`, where the first two come from candor's own macro.
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
                let known = SETTINGS.map(|name| format!("`{name}`")).join(", ");
                let message = format!("unknown setting `{other}:`; expected one of {known}");
                return Err(syn::Error::new_spanned(key, message));
            }
        };
        if place.is_some() {
            return Err(syn::Error::new_spanned(&key, format!("`{key}:` is given twice")));
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
        return Err(syn::Error::new_spanned(&text, "the message is given twice"));
    }
    let mut args = Vec::new();
    comma(input)?;
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
                decided(input.parse()?, &event.root)
            }
        };
        if key == "message" {
            if event.message.is_some() {
                return Err(syn::Error::new_spanned(at, "the message is given twice"));
            }
            event.message = Some(Message::Value(value));
        } else {
            event.fields.push(Field { key, at, value, is_last: true });
        }
        comma(input)?;
    }
    Ok(())
}

/// Whether a name, of one token, is followed by its value.
fn is_assignment(input: ParseStream<'_>) -> bool {
    input.peek2(Token![=]) && !input.peek2(Token![==])
}

/// A field's name, its tokens, and the value that it names itself where none follows.
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
    // A dotted name that is no expression, such as `user.type = 1`, has a value of its own.
    let shorthand = if input.peek(Token![=]) { None } else { Some(syn::parse2(at.clone())?) };
    Ok((key, at, shorthand))
}

/// `?` and `%`, which ask for `Debug` and `Display` in tracing.
fn sigil(input: ParseStream<'_>) -> syn::Result<bool> {
    if input.peek(Token![?]) {
        return input.parse::<Token![?]>().map(|_| true);
    }
    if input.peek(Token![%]) {
        return input.parse::<Token![%]>().map(|_| true);
    }
    Ok(false)
}

fn arg(input: ParseStream<'_>, root: &TokenTree) -> syn::Result<Arg> {
    let name = if input.peek(Ident::peek_any) && is_assignment(input) {
        let name = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        Some(name)
    } else {
        None
    };
    Ok(Arg { name, value: decided(input.parse()?, root) })
}

fn comma(input: ParseStream<'_>) -> syn::Result<()> {
    if input.is_empty() {
        return Ok(());
    }
    input.parse::<Token![,]>().map(|_| ())
}

/// Reserved and empty names are mistakes, and so are named arguments that the message does not show
/// (`"done", rows = 3`, as other crates write fields); of several fields of one name the last one counts.
fn check(event: &mut Event, errors: &mut Errors) {
    for at in 0..event.fields.len() {
        let key = event.fields[at].key.clone();
        if FIXED.contains(&key.as_str()) {
            errors.add(
                &event.fields[at].at,
                format!("`{key}` is a key of candor's own line; choose another name for the field"),
            );
        }
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

/// A value with its policy, which is found as in `fields(…)`.
fn decided(value: Expr, root: &TokenTree) -> Expr {
    with_policy(value, &quote!(#root::policy))
}
