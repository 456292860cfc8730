//! The syntax of the event macros: that of `tracing`.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, ExprPath, LitStr, Token, braced};

use super::format::Format;
use crate::errors::{Errors, unknown};
use crate::field::{Field, FieldName, FieldValue};
use crate::value::{Resolved, resolve};

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
    /// Fields without a value, which are declared for other layers.
    pub(super) declared: Vec<(FieldName, Option<ExprPath>)>,
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

/// A field, and the tokens of its value with the policies resolved.
pub(super) struct EventField {
    pub(super) name: FieldName,
    pub(super) value: Expr,
    pub(super) resolved: Resolved,
    /// Whether no field of the same name follows.
    pub(super) is_last: bool,
}

pub(super) enum Message {
    /// A format string with its arguments.
    Format { text: LitStr, args: Vec<FormatArg>, format: Format },
    /// The value of a `message` field: as written, and with its policies resolved.
    Value(Expr, Resolved),
}

/// A format argument after the text.
pub(super) struct FormatArg {
    pub(super) name: Option<Ident>,
    pub(super) value: Expr,
    pub(super) resolved: Resolved,
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
            declared: Vec::new(),
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
        let mut errors = Errors::default();
        contents(&mut event, input, &mut errors)?;
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
                let message = unknown("argument", other, "", &["name", "target", "parent"]);
                return Err(syn::Error::new_spanned(key, message));
            }
        };
        if place.is_some() {
            return Err(syn::Error::new_spanned(&key, format!("duplicate argument `{key}`")));
        }
        if is_audit && key == "parent" {
            let message = "`parent:` is not supported by `audit!`";
            return Err(syn::Error::new_spanned(&key, message));
        }
        *place = Some(input.parse()?);
        comma(input)?;
    }
    Ok(())
}

/// Fields, then the message with its arguments.
fn contents(event: &mut Event, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<()> {
    if input.peek(syn::token::Brace) && !is_constant_name(input) {
        let list;
        braced!(list in input);
        fields(event, &list, errors)?;
        if !list.is_empty() {
            return Err(
                list.error("put the message after the braces: `info!({ a = 1 }, \"done\")`")
            );
        }
        comma(input)?;
    } else {
        fields(event, input, errors)?;
    }
    if input.is_empty() {
        return Ok(());
    }
    if !input.peek(LitStr) {
        return Err(input
            .error("the message must be a string literal, so that its arguments can be checked"));
    }
    let text: LitStr = input.parse()?;
    if event.message.is_some() {
        return Err(syn::Error::new_spanned(&text, "duplicate message"));
    }
    comma(input)?;
    let mut args = Vec::new();
    while !input.is_empty() {
        args.push(arg(input, &event.root, errors)?);
        comma(input)?;
    }
    let names: Vec<_> =
        args.iter().map(|arg| arg.name.as_ref().map(|name| name.unraw().to_string())).collect();
    let format = Format::read(&text.value(), &names);
    event.message = Some(Message::Format { text, args, format });
    Ok(())
}

/// Whether the braces are the name of a field, `{ KEY } = value`.
fn is_constant_name(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    ahead.parse::<TokenTree>().is_ok() && ahead.peek(Token![=])
}

/// Fields up to the message or the end.
fn fields(event: &mut Event, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<()> {
    let root = &event.root;
    let policies = quote!(#root::policy);
    let is_message = || input.peek(LitStr) && !is_assignment(input);
    while !(input.is_empty() || is_message()) {
        let Field { name, value } = input.parse()?;
        let value = match value {
            FieldValue::Given(value) | FieldValue::Own(value) => value,
            FieldValue::Empty(path) => {
                event.declared.push((name, path));
                comma(input)?;
                continue;
            }
        };
        let resolved = resolve(&value, &policies, errors);
        if name.text() == Some("message") {
            if event.message.is_some() {
                return Err(syn::Error::new_spanned(name.at(), "duplicate message"));
            }
            event.message = Some(Message::Value(value, resolved));
        } else {
            event.fields.push(EventField { name, value, resolved, is_last: true });
        }
        comma(input)?;
    }
    Ok(())
}

/// Whether the next token is a name with a value.
fn is_assignment(input: ParseStream<'_>) -> bool {
    input.peek2(Token![=]) && !input.peek2(Token![==])
}

fn arg(input: ParseStream<'_>, root: &TokenTree, errors: &mut Errors) -> syn::Result<FormatArg> {
    let name = if input.peek(Ident::peek_any) && is_assignment(input) {
        let name = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        Some(name)
    } else {
        None
    };
    let value = input.parse()?;
    let resolved = resolve(&value, &quote!(#root::policy), errors);
    Ok(FormatArg { name, value, resolved })
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
        let (field, later) = event.fields[at..].split_first_mut().expect("it is one of them");
        if field.name.text().is_some_and(str::is_empty) {
            errors.add(field.name.at(), "a field needs a name");
        }
        field.is_last = !later.iter().any(|later| later.name.is_same(&field.name));
    }
    let Some(Message::Format { args, format, .. }) = &event.message else { return };
    for (arg, used) in args.iter().zip(&format.explicit) {
        if let Some(name) = arg.name.as_ref().filter(|_| !used.is_used) {
            errors.add(
                name,
                format!("unused argument `{name}`; put fields before the message: `info!({name} = …, \"…\")`"),
            );
        }
    }
}
