//! The words in a field's `#[redact(…)]`.

use std::fmt;

use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, Meta, Path, Token};

use super::args::Word;
use super::quoted;
use crate::errors::Errors;
use crate::inventory::text_of;

/// What one field shows.
pub(super) enum Policy {
    Clear { word: Ident, reason: Option<String> },
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

impl fmt::Display for Policy {
    /// As it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Policy::Clear { reason: Some(reason), .. } => write!(f, "clear, because {reason}"),
            Policy::Clear { reason: None, .. } => f.write_str("clear"),
            Policy::Secret => f.write_str("secret"),
            Policy::Mask { first: 0, last } => write!(f, "mask(last = {last})"),
            Policy::Mask { first, last: 0 } => write!(f, "mask(first = {first})"),
            Policy::Mask { first, last } => write!(f, "mask(first = {first}, last = {last})"),
            Policy::Hash => f.write_str("hash"),
            Policy::Shape => f.write_str("shape"),
            Policy::Url => f.write_str("url"),
            Policy::Email => f.write_str("email"),
            Policy::Scrub => f.write_str("scrub"),
            Policy::Skip => f.write_str("skip"),
            Policy::With(path) => write!(f, "with = {}", text_of(path)),
        }
    }
}

const POLICIES: &[&str] =
    &["clear", "secret", "mask", "hash", "shape", "url", "email", "scrub", "skip", "with"];

impl Policy {
    /// Reads all `#[redact(…)]` of one field. `None` is a field without one, or one with mistakes.
    pub(super) fn parse(attributes: &[Attribute], errors: &mut Errors) -> Option<Policy> {
        let mut found: Option<(Ident, Option<Policy>)> = None;
        let mut reason: Option<(Ident, Option<String>)> = None;
        for attribute in attributes {
            for word in words(attribute, errors) {
                if word.name == "reason" {
                    match &reason {
                        Some(_) => errors.add(&word.name, "duplicate `reason`"),
                        None => reason = Some((word.name.clone(), reason_given(&word, errors))),
                    }
                    continue;
                }
                let policy = policy(&word, errors);
                match &found {
                    Some((first, _)) if *first == word.name => {
                        errors.add(&word.name, format_args!("duplicate policy `{first}`"));
                    }
                    Some((first, _)) if POLICIES.contains(&&*word.name.to_string()) => errors.add(
                        &word.name,
                        format_args!(
                            "`{}` contradicts `{first}`; a field has one policy",
                            word.name
                        ),
                    ),
                    Some(_) => {}
                    None => found = Some((word.name, policy)),
                }
            }
        }
        match (found, reason) {
            (Some((_, Some(Policy::Clear { word, .. }))), reason) => {
                // One with a mistake counts: it is an error already, and must not be two.
                let reason = reason.map(|(_, text)| text.unwrap_or_default());
                Some(Policy::Clear { word, reason })
            }
            (found, Some((at, _))) => {
                match found {
                    Some((name, Some(_))) => errors
                        .add(&at, format_args!("`reason` belongs to `clear`; `{name}` needs none")),
                    Some((_, None)) => {}
                    None => errors
                        .add(&at, "`reason` belongs to a policy, as in `clear, reason = \"…\"`"),
                }
                None
            }
            (found, None) => found.and_then(|(_, policy)| policy),
        }
    }
}

fn words(attribute: &Attribute, errors: &mut Errors) -> Vec<Word> {
    let list = match &attribute.meta {
        Meta::List(list) if !list.tokens.is_empty() => list,
        meta => {
            let expected = quoted(POLICIES);
            errors.add(meta, format_args!("expected a policy in parentheses, one of {expected}"));
            return Vec::new();
        }
    };
    let parse = Punctuated::<Word, Token![,]>::parse_terminated;
    errors
        .take(parse.parse2(list.tokens.clone()))
        .map(|words| words.into_iter().collect())
        .unwrap_or_default()
}

fn reason_given(word: &Word, errors: &mut Errors) -> Option<String> {
    let expected = "expected a sentence, as in `reason = \"…\"`";
    match &word.value {
        Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => {
            let given = text.value().trim().to_owned();
            if given.is_empty() {
                errors.add(text, "the reason is empty; say why the value may be shown");
                return None;
            }
            return Some(given);
        }
        Some(value) => errors.add(value, expected),
        None => errors.add(word, expected),
    }
    None
}

fn policy(word: &Word, errors: &mut Errors) -> Option<Policy> {
    let name = word.name.clone();
    let text = name.to_string();
    match &*text {
        "mask" => return mask(word, errors),
        "with" => return with(word, errors).map(Policy::With),
        _ => {}
    }
    let policy = match &*text {
        "clear" => Policy::Clear { word: name, reason: None },
        "secret" => Policy::Secret,
        "hash" => Policy::Hash,
        "shape" => Policy::Shape,
        "url" => Policy::Url,
        "email" => Policy::Email,
        "scrub" => Policy::Scrub,
        "skip" => Policy::Skip,
        _ => {
            let expected = quoted(POLICIES);
            errors.add(&name, format_args!("unknown policy `{name}`; expected one of {expected}"));
            return None;
        }
    };
    if word.is_bare() {
        return Some(policy);
    }
    errors.add(&word.after_name(), format_args!("`{text}` takes no argument"));
    None
}

fn with(word: &Word, errors: &mut Errors) -> Option<Path> {
    match &word.value {
        Some(Expr::Path(path)) if path.qself.is_none() && path.attrs.is_empty() => {
            Some(path.path.clone())
        }
        Some(value) => {
            errors.add(value, "expected the path of a function, as in `with = shown_part`");
            None
        }
        None => {
            errors.add(word, "`with` needs a function, as in `with = shown_part`");
            None
        }
    }
}

fn mask(word: &Word, errors: &mut Errors) -> Option<Policy> {
    let Some(arguments) = word.list.as_ref().filter(|tokens| !tokens.is_empty()) else {
        errors.add(
            word,
            "`mask` needs to know what stays readable, as in `mask(last = 4)` or `mask(first = 2, last = 2)`",
        );
        return None;
    };
    let parse = Punctuated::<Word, Token![,]>::parse_terminated;
    let arguments =
        errors.take(parse.parse2(arguments.clone()).map_err(|error| {
            syn::Error::new(error.span(), "expected `first = …` or `last = …`")
        }))?;
    let (mut first, mut last) = (None, None);
    let mut wrong = false;
    for argument in &arguments {
        let slot = match &*argument.name.to_string() {
            "first" => &mut first,
            "last" => &mut last,
            other => {
                let message =
                    format!("unknown argument `{other}` of `mask`; expected `first` or `last`");
                errors.add(&argument.name, message);
                wrong = true;
                continue;
            }
        };
        if slot.is_some() {
            errors.add(&argument.name, format_args!("duplicate argument `{}`", argument.name));
            wrong = true;
            continue;
        }
        *slot = Some(errors.take(characters(argument)).unwrap_or_default());
    }
    let (first, last) = (first.unwrap_or(0), last.unwrap_or(0));
    (!wrong && first + last > 0).then(|| Policy::Mask { first, last })
}

/// Nobody reads more of a masked value, and the sum of two can't overflow.
const MOST_SHOWN: usize = 64;

fn characters(argument: &Word) -> syn::Result<usize> {
    let name = &argument.name;
    let expected = format!("expected a number of characters, as in `{name} = 4`");
    let literal = match &argument.value {
        Some(Expr::Lit(ExprLit { lit: Lit::Int(literal), .. })) => literal,
        Some(value) => return Err(syn::Error::new_spanned(value, expected)),
        None => return Err(syn::Error::new_spanned(argument, expected)),
    };
    match literal.base10_parse::<usize>() {
        Ok(0) => Err(syn::Error::new_spanned(
            literal,
            format!("`{name} = 0` shows nothing; leave it out, or use `secret`"),
        )),
        Ok(number) if number <= MOST_SHOWN => Ok(number),
        _ => Err(syn::Error::new_spanned(
            literal,
            format!("expected a number of characters from 1 to {MOST_SHOWN}"),
        )),
    }
}
