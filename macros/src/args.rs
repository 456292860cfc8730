//! The arguments of `#[step_timed]` and `#[dependency_call]`, parsed and checked.

use std::time::Duration;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::{Expr, Ident, LitStr, Path, Token, parenthesized};

use crate::errors::{Errors, listed};
use crate::policy::{MetaArg, Policy};

/// Which of the two attributes is expanded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SiteKind {
    Step,
    Call,
}

/// Only for a method of an annotated block, so errors don't list it.
const SKIP: &str = "skip";

impl SiteKind {
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            SiteKind::Step => "step_timed",
            SiteKind::Call => "dependency_call",
        }
    }

    pub(crate) fn other(self) -> Self {
        match self {
            SiteKind::Step => SiteKind::Call,
            SiteKind::Call => SiteKind::Step,
        }
    }

    /// The argument that a lone string stands for.
    fn subject(self) -> &'static str {
        match self {
            SiteKind::Step => "name",
            SiteKind::Call => "dependency",
        }
    }

    #[rustfmt::skip]
    fn arguments(self) -> &'static [&'static str] {
        match self {
            SiteKind::Step => {
                &["name", "level", "target", "fields", "ret", "slow", "err", "busy", "crate"]
            }
            SiteKind::Call => &[
                "dependency", "operation", "method", "url", "url_template", "outcome", "fields",
                "level", "target", "slow", "ret", "busy", "crate",
            ],
        }
    }
}

/// All arguments of one attribute, each at most once.
#[derive(Default)]
pub(crate) struct Args {
    /// `name` of a step, `dependency` of a call.
    pub(crate) subject: Option<LitStr>,
    pub(crate) operation: Option<LitStr>,
    pub(crate) method: Option<LitStr>,
    pub(crate) url: Option<Expr>,
    pub(crate) url_template: Option<LitStr>,
    pub(crate) level: Option<Level>,
    pub(crate) err: Option<Level>,
    pub(crate) target: Option<LitStr>,
    pub(crate) slow_nanos: Option<u64>,
    pub(crate) ret: Option<Ret>,
    pub(crate) fields: Vec<FieldArg>,
    pub(crate) busy: Option<Span>,
    /// The function that reads the outcome of a call from the returned value, or `result`.
    pub(crate) outcome: Option<Path>,
    /// The value of `crate = …`.
    pub(crate) root: Option<Path>,
    pub(crate) skip: Option<Span>,
    /// The type whose method is annotated, if the attribute is on the whole block.
    pub(crate) block: Option<String>,
    /// The names of all arguments.
    pub(crate) keys: Vec<Ident>,
}

/// A level, by the name of its constant in `tracing::Level`.
#[derive(Clone)]
pub(crate) struct Level(pub(crate) Ident);

/// `ret`, or `ret = policy`.
pub(crate) struct Ret {
    pub(crate) span: Span,
    pub(crate) policy: Option<Policy>,
}

/// One of `fields(…)`.
pub(crate) struct FieldArg {
    pub(crate) name: Ident,
    pub(crate) value: Expr,
}

impl Args {
    /// Parses all arguments; mistakes are collected and the rest is kept.
    pub(crate) fn parse(kind: SiteKind, tokens: TokenStream, errors: &mut Errors) -> Args {
        let mut args = Args::default();
        let mut seen: Vec<String> = Vec::new();
        let reader = |input: ParseStream<'_>| -> syn::Result<()> {
            while !input.is_empty() {
                let before = input.cursor();
                if let Err(error) = argument(kind, input, &mut args, &mut seen, errors) {
                    errors.push(error);
                    skip_to_comma(input)?;
                }
                if input.is_empty() {
                    break;
                }
                if input.peek(Token![,]) {
                    input.parse::<Token![,]>()?;
                } else {
                    errors.push(input.error("expected `,` between arguments"));
                    skip_to_comma(input)?;
                }
                if input.cursor() == before {
                    break;
                }
            }
            Ok(())
        };
        if let Err(error) = reader.parse2(tokens) {
            errors.push(error);
        }
        args
    }

    /// The arguments of a method, completed by those of the block around it.
    pub(crate) fn inherit(mut self, block: &Args, block_name: &str) -> Self {
        self.subject = self.subject.or_else(|| block.subject.clone());
        self.level = self.level.or_else(|| block.level.clone());
        self.err = self.err.or_else(|| block.err.clone());
        self.target = self.target.or_else(|| block.target.clone());
        self.slow_nanos = self.slow_nanos.or(block.slow_nanos);
        self.root = self.root.or_else(|| block.root.clone());
        self.block = Some(block_name.to_owned());
        self
    }

    /// Reports a call without the name of the dependency; returns whether all is well.
    pub(crate) fn check_dependency(&self, kind: SiteKind, errors: &mut Errors) -> bool {
        let is_missing = kind == SiteKind::Call && self.subject.is_none() && self.skip.is_none();
        if is_missing {
            errors.push(syn::Error::new(
                Span::call_site(),
                "the name of the dependency is missing; write `#[dependency_call(\"payments\")]`",
            ));
        }
        !is_missing
    }
}

fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

fn argument(
    kind: SiteKind,
    input: ParseStream<'_>,
    args: &mut Args,
    seen: &mut Vec<String>,
    errors: &mut Errors,
) -> syn::Result<()> {
    if input.peek(LitStr) {
        let text: LitStr = input.parse()?;
        once(kind.subject(), &text, seen)?;
        args.subject = Some(text);
        return Ok(());
    }
    let known = kind.arguments();
    if !input.peek(Ident::peek_any) {
        return Err(input.error(format!("expected an argument; they are {}", listed(known))));
    }
    let key = input.call(Ident::parse_any)?;
    let name = key.to_string();
    if name != SKIP && !known.contains(&name.as_str()) {
        let message = format!("unknown argument `{key}`; expected one of {}", listed(known));
        return Err(syn::Error::new_spanned(key, message));
    }
    once(&name, &key, seen)?;
    args.keys.push(key.clone());
    match name.as_str() {
        "name" | "dependency" => args.subject = Some(text(&key, input)?),
        "operation" => args.operation = Some(text(&key, input)?),
        "method" => args.method = Some(text(&key, input)?),
        "target" => args.target = Some(text(&key, input)?),
        "url_template" => args.url_template = Some(text(&key, input)?),
        "url" => {
            equals(&key, "an expression", input)?;
            args.url = Some(input.parse()?);
        }
        "level" => args.level = Some(level(&text(&key, input)?)?),
        "err" => args.err = Some(level(&text(&key, input)?)?),
        "slow" => args.slow_nanos = Some(nanos(&text(&key, input)?)?),
        "crate" => {
            equals(&key, "a path", input)?;
            args.root = Some(input.call(Path::parse_mod_style)?);
        }
        SKIP => args.skip = Some(key.span()),
        "busy" => args.busy = Some(key.span()),
        "outcome" => {
            equals(&key, "the path of a function", input)?;
            args.outcome = Some(input.parse()?);
        }
        "ret" => {
            let policy = if input.peek(Token![=]) {
                input.parse::<Token![=]>()?;
                let policy: MetaArg = input.parse()?;
                let Some(policy) = Policy::parse(&policy, false, errors) else { return Ok(()) };
                Some(policy)
            } else {
                None
            };
            args.ret = Some(Ret { span: key.span(), policy });
        }
        _ => {
            if !input.peek(syn::token::Paren) {
                return Err(syn::Error::new_spanned(
                    &key,
                    "`fields` needs a list, such as `fields(order_id = order.id)`",
                ));
            }
            let list;
            parenthesized!(list in input);
            fields(&list, args, errors)?;
        }
    }
    Ok(())
}

fn fields(list: ParseStream<'_>, args: &mut Args, errors: &mut Errors) -> syn::Result<()> {
    while !list.is_empty() {
        match list.parse::<FieldArg>() {
            Ok(field) => {
                let name = field.name.unraw();
                if args.fields.iter().any(|other| other.name.unraw() == name) {
                    errors.add(&field.name, format!("duplicate field `{name}`"));
                }
                args.fields.push(field);
            }
            Err(error) => {
                errors.push(error);
                skip_to_comma(list)?;
            }
        }
        if !list.is_empty() {
            list.parse::<Token![,]>()?;
        }
    }
    Ok(())
}

fn once(name: &str, at: &dyn ToTokens, seen: &mut Vec<String>) -> syn::Result<()> {
    if seen.iter().any(|known| known == name) {
        let message = format!("duplicate argument `{name}`");
        return Err(syn::Error::new_spanned(at.to_token_stream(), message));
    }
    seen.push(name.to_owned());
    Ok(())
}

fn equals(key: &Ident, expected: &str, input: ParseStream<'_>) -> syn::Result<()> {
    if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        return Ok(());
    }
    Err(syn::Error::new_spanned(key, format!("`{key}` needs {expected}: `{key} = …`")))
}

fn text(key: &Ident, input: ParseStream<'_>) -> syn::Result<LitStr> {
    equals(key, "a text", input)?;
    if !input.peek(LitStr) {
        return Err(input.error(format!("`{key}` takes a text in quotes")));
    }
    let text: LitStr = input.parse()?;
    if text.value().trim().is_empty() {
        return Err(syn::Error::new_spanned(&text, format!("`{key}` must not be empty")));
    }
    Ok(text)
}

fn level(text: &LitStr) -> syn::Result<Level> {
    let level = match text.value().to_ascii_lowercase().as_str() {
        "trace" => "TRACE",
        "debug" => "DEBUG",
        "info" => "INFO",
        "warn" | "warning" => "WARN",
        "error" => "ERROR",
        other => {
            let expected = listed(&["trace", "debug", "info", "warn", "error"]);
            let message = format!("unknown level `{other}`; expected one of {expected}");
            return Err(syn::Error::new_spanned(text, message));
        }
    };
    Ok(Level(Ident::new(level, text.span())))
}

/// Converts `"250ms"` to nanoseconds.
fn nanos(text: &LitStr) -> syn::Result<u64> {
    let invalid = || {
        syn::Error::new_spanned(
            text,
            "expected a duration above zero such as `250ms`; units are `ns`, `us`, `ms`, `s` and `m`",
        )
    };
    let value = text.value();
    let split = value.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(invalid)?;
    let (number, unit) = value.split_at(split);
    let number: f64 = number.parse().map_err(|_| invalid())?;
    let unit = match unit.trim() {
        "ns" => 1.0,
        "us" | "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        _ => return Err(invalid()),
    };
    let nanos = (number * unit).round();
    // No call takes a year, and `Duration::from_secs_f64` panics on far larger numbers.
    if !(1.0..=3.2e16).contains(&nanos) {
        return Err(invalid());
    }
    u64::try_from(Duration::from_secs_f64(nanos / 1e9).as_nanos()).map_err(|_| invalid())
}

impl Parse for FieldArg {
    /// Parses `name = value`, or the name of a variable.
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            return Err(input.error("a field's name is written without quotes"));
        }
        let name = input.call(Ident::parse_any)?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            let value = input.parse()?;
            if !input.is_empty() && !input.peek(Token![,]) {
                return Err(input.error("expected `,` between fields"));
            }
            value
        } else if input.is_empty() || input.peek(Token![,]) {
            let path = Path::from(name.clone());
            syn::parse_quote!(#path)
        } else {
            return Err(input.error(
                "expected `name = value`, or the name of a variable, with `,` between fields",
            ));
        };
        Ok(FieldArg { name, value })
    }
}
