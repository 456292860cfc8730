//! The grammar of a policy, shared by `#[redact(…)]` on a field and `ret = …`: `clear`,
//! `mask(last = 4)`, `with = path`.
//!
//! In `fields(…)` and in events a policy is a function call instead, see [`value`](crate::value).

use std::fmt;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Ident, Lit, Path, Token, parenthesized};

use crate::errors::{Errors, unknown};
use crate::tokens::source_text;

/// The most characters that a mask shows at one end.
const MOST_SHOWN: usize = 64;

/// All policies. Those before `skip` are functions in `candor::policy` too.
const POLICIES: [&str; 10] =
    ["secret", "mask", "hash", "shape", "url", "email", "scrub", "clear", "skip", "with"];

/// Whether `candor::policy` has a function of this name.
pub(crate) fn is_function(name: &Ident) -> bool {
    POLICIES[..8].iter().any(|policy| name == policy) || name == "error"
}

/// `name`, `name(list)` or `name = value`: the form of a policy and of each argument of `#[redact]`.
pub(crate) struct MetaArg {
    pub(crate) name: Ident,
    pub(crate) list: Option<TokenStream>,
    pub(crate) value: Option<Expr>,
    tokens: TokenStream,
}

impl MetaArg {
    /// Parses arguments separated by commas.
    pub(crate) fn parse_all(tokens: TokenStream) -> syn::Result<Punctuated<MetaArg, Token![,]>> {
        Punctuated::parse_terminated.parse2(tokens)
    }

    /// The list or the `= value`.
    fn after_name(&self) -> TokenStream {
        self.tokens.clone().into_iter().skip(1).collect()
    }
}

impl Parse for MetaArg {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let ahead = input.fork();
        let name = input
            .call(Ident::parse_any)
            .map_err(|error| syn::Error::new(error.span(), "expected a name"))?;
        let (mut list, mut value) = (None, None);
        if input.peek(syn::token::Paren) {
            let content;
            parenthesized!(content in input);
            list = Some(content.parse()?);
        } else if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            value = Some(input.parse()?);
        }
        let mut tokens = TokenStream::new();
        while ahead.cursor() != input.cursor() {
            tokens.extend([ahead.parse::<TokenTree>()?]);
        }
        Ok(MetaArg { name, list, value, tokens })
    }
}

impl ToTokens for MetaArg {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.tokens.clone());
    }
}

/// A policy as the user wrote it.
pub(crate) struct Policy {
    pub(crate) name: Ident,
    pub(crate) kind: PolicyKind,
}

pub(crate) enum PolicyKind {
    Clear { reason: Option<String> },
    Secret,
    Mask { first: usize, last: usize },
    Hash,
    Shape,
    Url,
    Email,
    Scrub,
    Skip,
    With(Path),
}

impl Policy {
    /// Reads a policy for a field of a type, which can be `skip`ped, or for a returned value.
    pub(crate) fn parse(arg: &MetaArg, for_field: bool, errors: &mut Errors) -> Option<Policy> {
        let name = arg.name.clone();
        let kind = match &*name.to_string() {
            "mask" => mask(arg, errors)?,
            "with" => PolicyKind::With(with(arg, errors)?),
            simple => {
                let kind = match simple {
                    "clear" => PolicyKind::Clear { reason: None },
                    "secret" => PolicyKind::Secret,
                    "hash" => PolicyKind::Hash,
                    "shape" => PolicyKind::Shape,
                    "url" => PolicyKind::Url,
                    "email" => PolicyKind::Email,
                    "scrub" => PolicyKind::Scrub,
                    "skip" if for_field => PolicyKind::Skip,
                    _ => {
                        let known = Policy::known(for_field);
                        errors.add(&name, unknown("policy", &name.to_string(), "", &known));
                        return None;
                    }
                };
                if arg.list.is_some() || arg.value.is_some() {
                    errors.add(&arg.after_name(), format_args!("`{name}` takes no argument"));
                    return None;
                }
                kind
            }
        };
        Some(Policy { name, kind })
    }

    /// Reads a policy from a call whose settings follow the value.
    ///
    /// For example, `clear(&x, reason = "…")`.
    pub(crate) fn of_call(arg: &MetaArg, errors: &mut Errors) -> Option<Policy> {
        if arg.name != "clear" {
            return Policy::parse(arg, false, errors);
        }
        let settings = errors.take(MetaArg::parse_all(arg.list.clone().unwrap_or_default()))?;
        let mut reason = None;
        for setting in &settings {
            if setting.name == "reason" && reason.is_none() {
                reason = Some(reason_text(setting, errors)?);
            } else {
                errors.add(setting, "expected one argument `reason = \"…\"`");
            }
        }
        Some(Policy { name: arg.name.clone(), kind: PolicyKind::Clear { reason } })
    }

    /// The names that [`Policy::parse`] accepts.
    pub(crate) fn known(for_field: bool) -> Vec<&'static str> {
        POLICIES.into_iter().filter(|name| for_field || *name != "skip").collect()
    }

    pub(crate) fn is_name(name: &Ident) -> bool {
        POLICIES.iter().any(|policy| name == policy)
    }
}

impl fmt::Display for Policy {
    /// The policy as it was written, for the inventory.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            PolicyKind::Clear { reason: Some(reason) } => write!(f, "clear, because {reason}"),
            PolicyKind::Mask { first: 0, last } => write!(f, "mask(last = {last})"),
            PolicyKind::Mask { first, last: 0 } => write!(f, "mask(first = {first})"),
            PolicyKind::Mask { first, last } => write!(f, "mask(first = {first}, last = {last})"),
            PolicyKind::With(path) => write!(f, "with = {}", source_text(path)),
            _ => self.name.fmt(f),
        }
    }
}

fn with(arg: &MetaArg, errors: &mut Errors) -> Option<Path> {
    let expected = "expected the path of a function: `with = shown_part`";
    match &arg.value {
        Some(Expr::Path(path)) if path.qself.is_none() && path.attrs.is_empty() => {
            return Some(path.path.clone());
        }
        Some(value) => errors.add(value, expected),
        None => errors.add(arg, expected),
    }
    None
}

fn mask(arg: &MetaArg, errors: &mut Errors) -> Option<PolicyKind> {
    let Some(arguments) = arg.list.clone().filter(|list| !list.is_empty()) else {
        errors.add(
            arg,
            "`mask` requires `first` or `last`, as in `mask(last = 4)` or `mask(first = 2, last = 2)`",
        );
        return None;
    };
    let arguments = errors
        .take(MetaArg::parse_all(arguments).map_err(|error| {
            syn::Error::new(error.span(), "expected `first = …` or `last = …`")
        }))?;
    let (mut first, mut last) = (None, None);
    let mut is_valid = true;
    for argument in &arguments {
        let name = &argument.name;
        let slot = match &*name.to_string() {
            "first" => &mut first,
            "last" => &mut last,
            other => {
                errors.add(name, unknown("argument", other, " of `mask`", &["first", "last"]));
                is_valid = false;
                continue;
            }
        };
        if slot.is_some() {
            errors.add(name, format_args!("duplicate argument `{name}`"));
            is_valid = false;
            continue;
        }
        *slot = Some(errors.take(characters(argument)).unwrap_or_default());
    }
    let (first, last) = (first.unwrap_or(0), last.unwrap_or(0));
    (is_valid && first + last > 0).then_some(PolicyKind::Mask { first, last })
}

fn characters(argument: &MetaArg) -> syn::Result<usize> {
    let name = &argument.name;
    let expected = format!("expected a number of characters: `{name} = 4`");
    let literal = match &argument.value {
        Some(Expr::Lit(ExprLit { lit: Lit::Int(literal), .. })) => literal,
        Some(value) => return Err(syn::Error::new_spanned(value, expected)),
        None => return Err(syn::Error::new_spanned(argument, expected)),
    };
    match literal.base10_parse::<usize>() {
        Ok(0) => Err(syn::Error::new_spanned(
            literal,
            format!("`{name} = 0` shows nothing; remove it, or use `secret`"),
        )),
        Ok(number) if number <= MOST_SHOWN => Ok(number),
        _ => Err(syn::Error::new_spanned(
            literal,
            format!("expected a number of characters from 1 to {MOST_SHOWN}"),
        )),
    }
}

/// The text of `reason = "…"`.
pub(crate) fn reason_text(arg: &MetaArg, errors: &mut Errors) -> Option<String> {
    let expected = "expected a string literal: `reason = \"…\"`";
    match &arg.value {
        Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => {
            let reason = text.value().trim().to_owned();
            if !reason.is_empty() {
                return Some(reason);
            }
            errors.add(text, "`reason` must not be empty; explain why the value may be shown");
        }
        Some(value) => errors.add(value, expected),
        None => errors.add(arg, expected),
    }
    None
}
