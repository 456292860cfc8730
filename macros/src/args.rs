//! The arguments of `#[step_timed]` and `#[dependency_call]`, parsed and checked.

use std::time::Duration;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::{Expr, ExprLit, ExprPath, Ident, Lit, LitStr, Path, Token, parenthesized};

use crate::errors::{Errors, listed, unknown};
use crate::field::Field;
use crate::policy::{MetaArg, Policy};

/// Which of the two attributes is expanded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SiteKind {
    Step,
    Call,
}

/// Arguments that errors don't list: `skip` in a block, and those of `#[instrument]`.
const UNLISTED: [&str; 4] = ["skip", "skip_all", "parent", "follows_from"];

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
                &["name", "level", "target", "fields", "context", "ret", "slow", "err", "busy", "crate"]
            }
            SiteKind::Call => &[
                "dependency", "operation", "method", "url", "url_template", "outcome", "fields",
                "context", "level", "target", "slow", "err", "ret", "busy", "crate",
            ],
        }
    }
}

/// All arguments of one attribute, each at most once.
#[derive(Default)]
pub(crate) struct Args {
    /// `name` of a step, `dependency` of a call.
    pub(crate) subject: Option<Expr>,
    pub(crate) operation: Option<Expr>,
    pub(crate) method: Option<Expr>,
    pub(crate) url: Option<Expr>,
    pub(crate) url_template: Option<Expr>,
    pub(crate) level: Option<Level>,
    pub(crate) err: Option<Level>,
    pub(crate) target: Option<Expr>,
    pub(crate) slow_nanos: Option<u64>,
    pub(crate) ret: Option<Ret>,
    pub(crate) fields: Vec<Field>,
    /// Fields that all lines inside the step have, too.
    pub(crate) context: Vec<Field>,
    pub(crate) busy: Option<Span>,
    /// Function that reads the outcome of a call from the returned value, or `result`.
    pub(crate) outcome: Option<Path>,
    /// The value of `crate = …`.
    pub(crate) root: Option<Path>,
    pub(crate) skip: Option<Span>,
    /// The type whose method is annotated, if the attribute is on the whole block.
    pub(crate) block: Option<String>,
    /// The names of all arguments.
    pub(crate) keys: Vec<Ident>,
    /// The arguments that only `#[instrument]` has.
    pub(crate) instrument: Option<Instrument>,
}

/// The arguments that only `#[instrument]` has.
#[derive(Default)]
pub(crate) struct Instrument {
    /// Whether each recorded value has to be loggable.
    pub(crate) is_strict: bool,
    /// The values of `parent` and `follows_from`.
    pub(crate) parent: Option<Expr>,
    pub(crate) follows_from: Option<Expr>,
    /// The levels of `ret(level = …)` and `err`, which only raise the level of the line.
    pub(crate) ret_level: Option<Level>,
    pub(crate) err_level: Option<Level>,
    /// Whether the step has a span of its own, for fields that the body records through `tracing`.
    pub(crate) has_span: bool,
}

/// The level of a line.
#[derive(Clone)]
pub(crate) enum Level {
    /// The name of its constant in `tracing::Level`.
    Known(Ident),
    /// A path to a `tracing::Level` constant, such as `Level::DEBUG`.
    Const(ExprPath),
}

impl Level {
    pub(crate) fn tokens(&self, private: &TokenStream) -> TokenStream {
        match self {
            Level::Known(name) => quote!(#private::Level::#name),
            Level::Const(path) => path.to_token_stream(),
        }
    }
}

/// `ret`, or `ret = policy`.
pub(crate) struct Ret {
    pub(crate) span: Span,
    pub(crate) policy: Option<Policy>,
}

impl Ret {
    /// If the policy has a mistake, the mistake is reported and `ret` is ignored.
    pub(crate) fn new(key: &Ident, policy: Option<MetaArg>, errors: &mut Errors) -> Option<Self> {
        let policy = policy.map(|policy| Policy::parse(&policy, false, errors));
        let is_valid = !matches!(policy, Some(None));
        is_valid.then(|| Ret { span: key.span(), policy: policy.flatten() })
    }
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

    /// Reports fields with the name of an earlier field.
    pub(crate) fn check_duplicates(&self, own: &[Field], errors: &mut Errors) {
        for (at, field) in own.iter().enumerate() {
            let earlier = self.fields.iter().chain(&self.context).chain(&own[..at]);
            if earlier.into_iter().any(|other| other.name.is_same(&field.name)) {
                let name = field.name.text().unwrap_or_default();
                errors.add(field.name.at(), format!("duplicate field `{name}`"));
            }
        }
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

    /// The module whose traits determine how the values of fields are shown.
    pub(crate) fn traits(&self) -> &'static str {
        match &self.instrument {
            None => "values",
            Some(own) if own.is_strict => "recorded_strictly",
            Some(_) => "recorded",
        }
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

pub(crate) fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
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
        let text = ungrouped(input.parse()?);
        once(kind.subject(), &text, seen)?;
        args.subject = Some(text);
        return Ok(());
    }
    let known = kind.arguments();
    if !input.peek(Ident::peek_any) {
        return Err(input.error(format!("expected an argument, one of {}", listed(known))));
    }
    let key = input.call(Ident::parse_any)?;
    let name = key.to_string();
    if !known.contains(&name.as_str()) && !UNLISTED.contains(&name.as_str()) {
        let message = unknown("argument", &name, "", known);
        return Err(syn::Error::new_spanned(key, message));
    }
    once(&name, &key, seen)?;
    if !name.starts_with("skip") {
        args.keys.push(key.clone());
    }
    match name.as_str() {
        "name" | "dependency" => args.subject = Some(text(&key, input)?),
        "operation" => args.operation = Some(text(&key, input)?),
        "method" => args.method = Some(text(&key, input)?),
        "target" => args.target = Some(text(&key, input)?),
        "url_template" => args.url_template = Some(text(&key, input)?),
        "url" => {
            equals(&key, input)?;
            args.url = Some(ungrouped(input.parse()?));
        }
        "level" => {
            equals(&key, input)?;
            args.level = Some(level(input)?);
        }
        "err" => args.err = err(input)?.or(args.err.take()),
        "slow" => {
            let text = text(&key, input)?;
            args.slow_nanos = Some(nanos(&text)?);
        }
        "crate" => {
            equals(&key, input)?;
            args.root = Some(input.call(Path::parse_mod_style)?);
        }
        // No argument is logged unless `fields` names it.
        "skip" if input.peek(syn::token::Paren) => {
            let list;
            parenthesized!(list in input);
            list.parse::<TokenStream>()?;
        }
        "skip" => args.skip = Some(key.span()),
        "skip_all" => {}
        "busy" => args.busy = Some(key.span()),
        "outcome" => {
            equals(&key, input)?;
            args.outcome = Some(input.parse()?);
        }
        "ret" => args.ret = Ret::new(&key, ret(input, None)?, errors),
        "parent" => {
            return Err(syn::Error::new_spanned(
                key,
                "`parent` is not supported: the parent of a step is the step that is running when it begins; \
                 to begin it in another request, use `request.enter_with(…)` or `request.scope(…)`",
            ));
        }
        "follows_from" => {
            return Err(syn::Error::new_spanned(
                key,
                "`follows_from` is not supported: use `.in_context()` or \
                 `context::carry` for work that continues a request",
            ));
        }
        _ => {
            if !input.peek(syn::token::Paren) {
                return Err(syn::Error::new_spanned(
                    &key,
                    format!("expected a list: `{key}(order_id = order.id)`"),
                ));
            }
            let list;
            parenthesized!(list in input);
            let own = fields(&list, <Field as Parse>::parse, errors)?;
            args.check_duplicates(&own, errors);
            if key == "context" { args.context = own } else { args.fields = own }
        }
    }
    Ok(())
}

pub(crate) fn fields(
    list: ParseStream<'_>,
    parse: fn(ParseStream<'_>) -> syn::Result<Field>,
    errors: &mut Errors,
) -> syn::Result<Vec<Field>> {
    let mut fields = Vec::new();
    while !list.is_empty() {
        match parse(list) {
            Ok(field) => {
                if field.name.text().is_some_and(str::is_empty) {
                    errors.add(field.name.at(), "a field needs a name");
                }
                fields.push(field);
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
    Ok(fields)
}

/// Parses the rest of `err`: nothing, `= "error"`, or `(Debug, level = "warn")`.
///
/// The list is that of `#[instrument]`. `Debug` and `Display` have no effect: a line always shows the class, type and
/// scrubbed text of the error.
pub(crate) fn err(input: ParseStream<'_>) -> syn::Result<Option<Level>> {
    if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        return level(input).map(Some);
    }
    if !input.peek(syn::token::Paren) {
        return Ok(None);
    }
    let list;
    parenthesized!(list in input);
    let mut found = None;
    while !list.is_empty() {
        let key = list.call(Ident::parse_any)?;
        if key == "level" {
            list.parse::<Token![=]>()?;
            found = Some(level(&list)?);
        } else if key != "Debug" && key != "Display" {
            let message = unknown("argument", &key.to_string(), " of `err`", &["level"]);
            return Err(syn::Error::new_spanned(key, message));
        }
        if !list.is_empty() {
            list.parse::<Token![,]>()?;
        }
    }
    Ok(found)
}

/// Parses the rest of `ret`: nothing, `= policy`, `(policy)`, or `(Debug)`. A level in the list is put into `own_level`,
/// unless the attribute has none.
pub(crate) fn ret(
    input: ParseStream<'_>,
    mut own_level: Option<&mut Option<Level>>,
) -> syn::Result<Option<MetaArg>> {
    if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        return input.parse().map(Some);
    }
    let mut policy = None;
    if input.peek(syn::token::Paren) {
        let list;
        parenthesized!(list in input);
        while !list.is_empty() {
            let ahead = list.fork();
            let arg: MetaArg = list.parse()?;
            if let (true, Some(own)) = (arg.name == "level", own_level.as_deref_mut()) {
                let key = ahead.call(Ident::parse_any)?;
                equals(&key, &ahead)?;
                *own = Some(level(&ahead)?);
            } else if arg.name == "level" {
                return Err(syn::Error::new_spanned(
                    arg.name,
                    "`ret` is a field of the step's line; set the level of the line with `level = …`",
                ));
            } else if arg.name != "Debug" && arg.name != "Display" {
                policy = Some(arg);
            }
            if !list.is_empty() {
                list.parse::<Token![,]>()?;
            }
        }
    }
    Ok(policy)
}

pub(crate) fn once(name: &str, at: &dyn ToTokens, seen: &mut Vec<String>) -> syn::Result<()> {
    if seen.iter().any(|known| known == name) {
        let message = format!("duplicate argument `{name}`");
        return Err(syn::Error::new_spanned(at.to_token_stream(), message));
    }
    seen.push(name.to_owned());
    Ok(())
}

pub(crate) fn equals(key: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
    if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        return Ok(());
    }
    Err(syn::Error::new_spanned(key, format!("expected `{key} = …`")))
}

/// Parses `= "text"`, or `=` and a constant or a macro that expands to a string.
pub(crate) fn text(key: &Ident, input: ParseStream<'_>) -> syn::Result<Expr> {
    if !input.peek(Token![=]) {
        return Err(syn::Error::new_spanned(key, format!("expected `{key} = \"…\"`")));
    }
    input.parse::<Token![=]>()?;
    let text = ungrouped(input.parse()?);
    let is_constant = match &text {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
            if text.value().trim().is_empty() {
                return Err(syn::Error::new_spanned(text, format!("`{key}` must not be empty")));
            }
            true
        }
        Expr::Path(_) | Expr::Macro(_) => true,
        _ => false,
    };
    if is_constant {
        return Ok(text);
    }
    let message = format!("expected a string literal or a constant: `{key} = \"…\"`");
    Err(syn::Error::new_spanned(text, message))
}

/// An expression without the invisible group that a `macro_rules!` puts around it.
fn ungrouped(value: Expr) -> Expr {
    match value {
        Expr::Group(group) => ungrouped(*group.expr),
        value => value,
    }
}

/// Parses `"debug"`, `Level::DEBUG`, or the number that `tracing` gives a level: 1 is TRACE, 5 is ERROR.
pub(crate) fn level(input: ParseStream<'_>) -> syn::Result<Level> {
    const NAMES: [&str; 5] = ["trace", "debug", "info", "warn", "error"];
    let value = ungrouped(input.parse()?);
    let name = match &value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
            let name = text.value().to_ascii_lowercase();
            if name == "warning" { "warn".to_owned() } else { name }
        }
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => {
            let number: usize = number.base10_parse()?;
            let name = number.checked_sub(1).and_then(|at| NAMES.get(at));
            name.map_or_else(|| number.to_string(), |name| (*name).to_owned())
        }
        Expr::Path(path)
            if !path
                .path
                .get_ident()
                .is_some_and(|name| NAMES.iter().any(|known| name == known)) =>
        {
            return Ok(Level::Const(path.clone()));
        }
        _ => {
            let message = "expected a level, such as `\"debug\"` or `Level::DEBUG`";
            return Err(syn::Error::new_spanned(value, message));
        }
    };
    if !NAMES.contains(&name.as_str()) {
        let message = unknown("level", &name, "", &NAMES);
        return Err(syn::Error::new_spanned(value, message));
    }
    Ok(Level::Known(Ident::new(&name.to_ascii_uppercase(), value.span())))
}

/// Converts `"250ms"` to nanoseconds.
pub(crate) fn nanos(text: &Expr) -> syn::Result<u64> {
    let invalid = || {
        syn::Error::new_spanned(
            text,
            "expected a duration above zero such as `250ms`; units are `ns`, `us`, `ms`, `s` and `m`",
        )
    };
    let Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) = text else { return Err(invalid()) };
    let value = literal.value();
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
