//! The arguments of `#[step_timed]` and `#[dependency_call]`, parsed into what later stages use.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::{Expr, Ident, LitStr, Path, Token, parenthesized};

use crate::errors::Errors;

/// Which of the two attributes is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attribute {
    Step,
    Call,
}

/// `skip`, which only a method of an annotated block takes, is not among those an error lists.
const SKIP: &str = "skip";

impl Attribute {
    /// What the positional argument is short for.
    fn first(self) -> &'static str {
        match self {
            Attribute::Step => "name",
            Attribute::Call => "dependency",
        }
    }

    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Attribute::Step => "step_timed",
            Attribute::Call => "dependency_call",
        }
    }

    /// The attribute that this one is not.
    pub(crate) fn other(self) -> Self {
        match self {
            Attribute::Step => Attribute::Call,
            Attribute::Call => Attribute::Step,
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Attribute::Step => {
                &["name", "level", "target", "fields", "ret", "slow", "err", "busy", "crate"]
            }
            Attribute::Call => &[
                "dependency",
                "operation",
                "method",
                "url",
                "url_template",
                "outcome",
                "fields",
                "level",
                "target",
                "slow",
                "ret",
                "busy",
                "crate",
            ],
        }
    }
}

/// All arguments of one attribute, each at most once.
#[derive(Default)]
pub(crate) struct Args {
    /// `name`, or `dependency`.
    pub(crate) first: Option<LitStr>,
    pub(crate) operation: Option<LitStr>,
    pub(crate) method: Option<LitStr>,
    pub(crate) url: Option<Expr>,
    pub(crate) url_template: Option<LitStr>,
    pub(crate) level: Option<Level>,
    pub(crate) err: Option<Level>,
    pub(crate) target: Option<LitStr>,
    pub(crate) slow_nanos: Option<u64>,
    pub(crate) ret: Option<Ret>,
    pub(crate) fields: Vec<Field>,
    /// Where `busy` stands.
    pub(crate) busy: Option<Span>,
    /// The function that reads a dependency's answer.
    pub(crate) outcome: Option<Path>,
    pub(crate) root: Option<Path>,
    /// Where `skip` stands.
    pub(crate) skip: Option<Span>,
    /// The type whose method this is, where a whole block is annotated.
    pub(crate) block: Option<String>,
    /// The keys that were given, where they stand.
    pub(crate) keys: Vec<Ident>,
}

impl Args {
    /// What holds for a method from the block around it, where the method does not say otherwise.
    pub(crate) fn under(mut self, block: &Args, name: &str) -> Self {
        let or = |own: Option<Level>, outer: &Option<Level>| {
            own.or_else(|| outer.as_ref().map(|Level(level)| Level(level.clone())))
        };
        self.level = or(self.level, &block.level);
        self.err = or(self.err, &block.err);
        self.target = self.target.or_else(|| block.target.clone());
        self.slow_nanos = self.slow_nanos.or(block.slow_nanos);
        self.root = self.root.or_else(|| block.root.clone());
        self.block = Some(name.to_owned());
        self
    }
}

/// A level of `tracing`'s, by the name of its constant.
pub(crate) struct Level(pub(crate) Ident);

/// `ret`, with the policy its value goes through.
pub(crate) struct Ret {
    pub(crate) span: Span,
    pub(crate) policy: Option<Policy>,
}

/// A policy on a value that has no field to stand at: `mask(last = 4)`, `with = path`.
pub(crate) enum Policy {
    /// A function of `candor::policy`, with the setters and numbers of `mask`.
    Named { name: Ident, settings: Vec<(Ident, syn::LitInt)> },
    /// The user's function.
    With(Path),
}

/// One of `fields(…)`.
pub(crate) struct Field {
    pub(crate) name: Ident,
    pub(crate) value: Expr,
}

/// Policies by the name of their function, as they may stand in front of a value.
const POLICIES: [&str; 8] = ["clear", "secret", "mask", "hash", "shape", "url", "email", "scrub"];

const WITH: &str = "with";

/// Reads all arguments; what is wrong is collected, and the rest is kept.
pub(crate) fn parse(attribute: Attribute, tokens: TokenStream, errors: &mut Errors) -> Args {
    let mut args = Args::default();
    let mut seen: Vec<String> = Vec::new();
    let reader = |input: ParseStream<'_>| -> syn::Result<()> {
        while !input.is_empty() {
            let before = input.cursor();
            if let Err(error) = argument(attribute, input, &mut args, &mut seen, errors) {
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

fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

fn argument(
    attribute: Attribute,
    input: ParseStream<'_>,
    args: &mut Args,
    seen: &mut Vec<String>,
    errors: &mut Errors,
) -> syn::Result<()> {
    if input.peek(LitStr) {
        let text: LitStr = input.parse()?;
        once(attribute.first(), &text, seen)?;
        args.first = Some(text);
        return Ok(());
    }
    if !input.peek(Ident::peek_any) {
        return Err(input
            .error(format!("expected an argument; they are {}", listed(attribute.arguments()))));
    }
    let key = input.call(Ident::parse_any)?;
    let name = key.to_string();
    if name != SKIP && !attribute.arguments().contains(&name.as_str()) {
        return Err(unknown(attribute, &key));
    }
    once(&name, &key, seen)?;
    args.keys.push(key.clone());
    match name.as_str() {
        "name" | "dependency" => args.first = Some(text(&key, input)?),
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
                Some(input.parse()?)
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
            fields(attribute, &list, args, errors)?;
        }
    }
    Ok(())
}

fn fields(
    attribute: Attribute,
    list: ParseStream<'_>,
    args: &mut Args,
    errors: &mut Errors,
) -> syn::Result<()> {
    while !list.is_empty() {
        match list.parse::<Field>() {
            Ok(field) => {
                check_field(&field, &args.fields, attribute, errors);
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
        let message = format!("`{name}` is given twice");
        return Err(syn::Error::new_spanned(at.to_token_stream(), message));
    }
    seen.push(name.to_owned());
    Ok(())
}

fn unknown(attribute: Attribute, key: &Ident) -> syn::Error {
    let known = listed(attribute.arguments());
    syn::Error::new_spanned(key, format!("unknown argument `{key}`; expected one of {known}"))
}

/// `` `a`, `b`, `c` ``
fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn equals(key: &Ident, what: &str, input: ParseStream<'_>) -> syn::Result<()> {
    if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        return Ok(());
    }
    Err(syn::Error::new_spanned(key, format!("`{key}` needs {what}: `{key} = …`")))
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
            return Err(syn::Error::new_spanned(
                text,
                format!(
                    "unknown level `{other}`; expected one of `trace`, `debug`, `info`, `warn`, \
                     `error`"
                ),
            ));
        }
    };
    Ok(Level(Ident::new(level, text.span())))
}

/// `"250ms"` as nanoseconds.
fn nanos(text: &LitStr) -> syn::Result<u64> {
    let wrong = || {
        syn::Error::new_spanned(
            text,
            "expected a duration above zero such as `250ms`; units are `ns`, `us`, `ms`, `s` and `m`",
        )
    };
    let value = text.value();
    let split = value.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
    let (number, unit) = value.split_at(split);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let unit = match unit.trim() {
        "ns" => 1.0,
        "us" | "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        _ => return Err(wrong()),
    };
    let nanos = (number * unit).round();
    // A year is beyond any call.
    if !(1.0..=3.2e16).contains(&nanos) {
        return Err(wrong());
    }
    u64::try_from(Duration::from_secs_f64(nanos / 1e9).as_nanos()).map_err(|_| wrong())
}

impl Parse for Field {
    /// `name = value`, or a name that is its own value.
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
        Ok(Field { name, value })
    }
}

/// The keys of a line that candor writes itself.
pub(crate) const FIXED: [&str; 15] = [
    "ts",
    "level",
    "logger",
    "msg",
    "request_id",
    "user_id",
    "method",
    "path",
    "service",
    "trace_id",
    "span_id",
    "seq",
    "event",
    "exc",
    "truncated",
];

const STEP: [&str; 10] = [
    "step",
    "duration_ms",
    "outcome",
    "step_id",
    "parent_id",
    "offset_ms",
    "error",
    "error_detail",
    "ret",
    "busy_ms",
];

const CALL: [&str; 7] =
    ["dependency", "operation", "dependency_method", "url", "status", "retries", "last_attempt_ms"];

fn check_field(field: &Field, before: &[Field], attribute: Attribute, errors: &mut Errors) {
    let name = field.name.unraw().to_string();
    let own = FIXED.contains(&name.as_str())
        || name == "message"
        || STEP.contains(&name.as_str())
        || (attribute == Attribute::Call && CALL.contains(&name.as_str()));
    if own {
        errors.add(
            &field.name,
            format!("`{name}` is a key of candor's own line; choose another name for the field"),
        );
    }
    if before.iter().any(|other| other.name.unraw() == field.name.unraw()) {
        errors.add(&field.name, format!("the field `{name}` is given twice"));
    }
}

/// The policy that is called by its bare name.
pub(crate) fn policy_of(call: &syn::ExprCall) -> Option<&Ident> {
    let Expr::Path(function) = &*call.func else { return None };
    function.path.get_ident().filter(|name| POLICIES.iter().any(|policy| name == policy))
}

impl Parse for Policy {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = input.call(Ident::parse_any)?;
        if name == WITH {
            equals(&name, "the path of a function", input)?;
            return input.call(Path::parse_mod_style).map(Policy::With);
        }
        if !POLICIES.iter().any(|policy| name == policy) {
            return Err(syn::Error::new_spanned(
                &name,
                format!("unknown policy `{name}`; expected one of {}, `with`", listed(&POLICIES)),
            ));
        }
        let mut settings: Vec<(Ident, syn::LitInt)> = Vec::new();
        if input.peek(syn::token::Paren) {
            let list;
            parenthesized!(list in input);
            while !list.is_empty() {
                let setting = setting(&name, &list).and_then(|setting| {
                    let is_known = settings.iter().any(|(known, _)| *known == setting.0);
                    let again = || format!("`{}` is given twice", setting.0);
                    if is_known {
                        Err(syn::Error::new_spanned(&setting.0, again()))
                    } else {
                        Ok(setting)
                    }
                });
                match setting {
                    Ok(setting) => settings.push(setting),
                    Err(error) => {
                        // What is left would be complained of as well.
                        list.parse::<TokenStream>()?;
                        return Err(error);
                    }
                }
            }
        }
        if name == "mask" && settings.is_empty() {
            return Err(syn::Error::new_spanned(
                &name,
                "`mask` needs to know what stays readable, as in `mask(last = 4)` or `mask(first = 2, last = 2)`",
            ));
        }
        Ok(Policy::Named { name, settings })
    }
}

/// `last = 4`, with the comma behind it.
fn setting(policy: &Ident, list: ParseStream<'_>) -> syn::Result<(Ident, syn::LitInt)> {
    let setting = list.call(Ident::parse_any)?;
    if policy != "mask" || (setting != "first" && setting != "last") {
        let message = if policy == "mask" {
            format!("unknown setting `{setting}` of `mask`; expected `first` or `last`")
        } else {
            format!("`{policy}` has no settings")
        };
        return Err(syn::Error::new_spanned(setting, message));
    }
    equals(&setting, "a number of characters", list)?;
    let number: syn::LitInt = list.parse()?;
    match number.base10_parse::<usize>() {
        Ok(0) => {
            return Err(syn::Error::new_spanned(
                &number,
                format!("`{setting} = 0` shows nothing; leave it out, or use `secret`"),
            ));
        }
        Ok(1..=64) => {}
        _ => {
            return Err(syn::Error::new_spanned(
                &number,
                "expected a number of characters from 1 to 64",
            ));
        }
    }
    if !list.is_empty() {
        list.parse::<Token![,]>()?;
    }
    Ok((setting, number))
}
