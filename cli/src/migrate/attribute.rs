//! Translates `#[instrument]` to a `#[step_timed]` with the same fields, or says why that is not possible.

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::{
    Expr, ExprLit, FnArg, Ident, Lit, LitStr, ReturnType, Signature, Token, Type, parenthesized,
};

use super::event::{Reason, STEP_KEYS, ValueCheck, field, of_kind};
use super::types::typed_names;

/// The arguments of `#[step_timed]`, each as text.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Step {
    pub(super) arguments: Vec<String>,
}

/// Why an attribute does not become `#[step_timed]`.
#[derive(Debug, PartialEq)]
pub(super) enum Refusal {
    /// `#[candor::instrument]` takes the same arguments.
    Lenient(Vec<Reason>),
    /// The attribute stays as it is: candor's attributes can't evaluate this field.
    Stays(Reason),
    /// The attribute stays as it is.
    Unknown,
}

/// The arguments of `#[instrument]`.
#[derive(Default)]
struct Arguments {
    skipped: Vec<String>,
    skips_all: bool,
    /// `name`, `target` and `level`, which are copied.
    kept: Vec<String>,
    err: Option<String>,
    has_ret: bool,
    /// Names of the fields, and their source.
    fields: Vec<(Option<String>, String)>,
    /// A field whose value leaves the function, such as `fields(rows = load()?)`.
    leaving: Option<String>,
    reasons: Vec<Reason>,
}

/// Translates the arguments. The refusal lists the reasons why they can't be translated.
///
/// `source` is the text of the file, from which arguments are copied.
pub(super) fn translate(
    tokens: &TokenStream,
    signature: &Signature,
    source: &str,
    values: ValueCheck<'_>,
) -> Result<Step, Refusal> {
    let mut found = Arguments::default();
    let reader = |input: ParseStream<'_>| {
        while !input.is_empty() {
            if input.peek(Token![,]) {
                input.parse::<Token![,]>()?;
                continue;
            }
            argument(input, &mut found, source, values)?;
        }
        Ok(())
    };
    if reader.parse2(tokens.clone()).is_err() {
        return Err(Refusal::Unknown);
    }
    if let Some(field) = found.leaving {
        return Err(Refusal::Stays(format!(
            "candor evaluates `{field}` in a closure, in which `?` and `.await` don't compile; compute the value in the \
             body and record it with `candor::record`"
        )));
    }
    let mut reasons = std::mem::take(&mut found.reasons);
    let mut fields = Vec::new();
    for name in recorded(signature, &found, values, &mut reasons) {
        fields.push(name);
    }
    fields.extend(found.fields.into_iter().map(|(_, text)| text));
    if signature.constness.is_some() {
        reasons.push("a `const fn` can't be timed".to_owned());
    }
    if found.has_ret && !returns_loggable(&signature.output, values) {
        reasons.push("the type of the returned value is not known to be loggable".to_owned());
    }
    if !reasons.is_empty() {
        return Err(Refusal::Lenient(reasons));
    }
    let mut arguments = found.kept;
    if !fields.is_empty() {
        arguments.push(format!("fields({})", fields.join(", ")));
    }
    arguments.extend(found.has_ret.then(|| "ret".to_owned()));
    arguments.extend(found.err.map(|level| format!("err = {level}")));
    Ok(Step { arguments })
}

/// The arguments of the function that `#[instrument]` records, if all of them are loggable.
fn recorded(
    signature: &Signature,
    found: &Arguments,
    values: ValueCheck<'_>,
    reasons: &mut Vec<Reason>,
) -> Vec<String> {
    if found.skips_all {
        return Vec::new();
    }
    let is_recorded = |name: &str| {
        let is_field = found.fields.iter().any(|(field, _)| field.as_deref() == Some(name));
        !is_field && !found.skipped.iter().any(|skipped| skipped == name)
    };
    let mut names = Vec::new();
    for input in &signature.inputs {
        let (pattern, ty) = match input {
            FnArg::Receiver(_) if is_recorded("self") => {
                reasons.push("`self` is recorded; its type is not known to be loggable".to_owned());
                continue;
            }
            FnArg::Receiver(_) => continue,
            FnArg::Typed(argument) => (&argument.pat, &argument.ty),
        };
        for (name, kind) in typed_names(pattern, ty, values.types, values.at) {
            let name = name.strip_prefix("r#").unwrap_or(&name).to_owned();
            if !is_recorded(&name) {
                continue;
            }
            if STEP_KEYS.contains(&name.as_str()) {
                reasons.push(format!(
                    "`{name}` is one of candor's own keys; give the field another name"
                ));
            } else if let Err(reason) = of_kind(&name, &kind) {
                reasons.push(reason);
            }
            names.push(name);
        }
    }
    names
}

fn argument(
    input: ParseStream<'_>,
    found: &mut Arguments,
    source: &str,
    values: ValueCheck<'_>,
) -> syn::Result<()> {
    let text =
        |span: proc_macro2::Span| source.get(span.byte_range()).unwrap_or_default().to_owned();
    if input.peek(LitStr) {
        let name: LitStr = input.parse()?;
        found.kept.push(format!("name = {}", text(name.span())));
        return Ok(());
    }
    let key = input.call(Ident::parse_any)?;
    match key.to_string().as_str() {
        "skip_all" => found.skips_all = true,
        "skip" => {
            let list;
            parenthesized!(list in input);
            let names = list.parse_terminated(Ident::parse_any, Token![,])?;
            found.skipped.extend(names.iter().map(|name| name.unraw().to_string()));
        }
        "name" | "target" => {
            input.parse::<Token![=]>()?;
            let value: Expr = input.parse()?;
            if matches!(&value, Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value().trim().is_empty())
            {
                found.reasons.push(format!("`{key}` is empty"));
            }
            found.kept.push(format!("{key} = {}", text(value.span())));
        }
        "level" => {
            input.parse::<Token![=]>()?;
            let value: Expr = input.parse()?;
            if !is_level(&value) {
                found.reasons.push("the level is not understood".to_owned());
            }
            found.kept.push(format!("level = {}", text(value.span())));
        }
        "err" if input.peek(syn::token::Paren) => {
            let list;
            parenthesized!(list in input);
            found.err = Some("\"error\"".to_owned());
            while !list.is_empty() {
                let key = list.call(Ident::parse_any)?;
                if key == "level" {
                    list.parse::<Token![=]>()?;
                    let value: Expr = list.parse()?;
                    if !is_level(&value) {
                        found.reasons.push("the level of `err` is not understood".to_owned());
                    }
                    found.err = Some(text(value.span()));
                }
                if !list.is_empty() {
                    list.parse::<Token![,]>()?;
                }
            }
        }
        // The line of a step shows the error even without `err`, but at WARN.
        "err" => found.err = Some("\"error\"".to_owned()),
        "ret" => {
            found.has_ret = true;
            if input.peek(syn::token::Paren) {
                let list;
                parenthesized!(list in input);
                let tokens: TokenStream = list.parse()?;
                if tokens.to_string().contains("level") {
                    found
                        .reasons
                        .push("`ret(level = …)` sets the level of a separate event".to_owned());
                }
            }
        }
        "fields" => fields(input, found, source, values)?,
        "parent" | "follows_from" => {
            input.parse::<Token![=]>()?;
            input.parse::<Expr>()?;
            found.reasons.push(format!("`{key}` is not an argument of a step"));
        }
        _ => return Err(input.error("unknown argument")),
    }
    Ok(())
}

/// Reads the list of `fields(…)`.
fn fields(
    input: ParseStream<'_>,
    found: &mut Arguments,
    source: &str,
    values: ValueCheck<'_>,
) -> syn::Result<()> {
    let list;
    parenthesized!(list in input);
    while !list.is_empty() {
        let start = list.span().byte_range().start;
        let name = {
            let ahead = list.fork();
            if ahead.peek(Token![?]) || ahead.peek(Token![%]) {
                ahead.parse::<TokenTree>()?;
            }
            let name = ahead.call(Ident::parse_any).ok();
            name.filter(|_| !ahead.peek(Token![.])).map(|name| name.unraw().to_string())
        };
        // `fields(rows)` also declares a field.
        let has_sigil = list.peek(Token![?]) || list.peek(Token![%]);
        match field(&list, values, &STEP_KEYS) {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => found.reasons.push(reason),
            Err(error) => return Err(error),
        }
        let end = list.span().byte_range().start;
        let text = source.get(start..end).unwrap_or_default().trim_end();
        if text.parse().is_ok_and(leaves) {
            found.leaving.get_or_insert_with(|| text.to_owned());
        }
        if !has_sigil && !text.contains('=') {
            found.reasons.push(format!(
                "the field `{text}` has no value here; write `{text} = …`, or use `candor::record(\"{text}\", …)`"
            ));
        }
        found.fields.push((name, text.to_owned()));
        if !list.is_empty() {
            list.parse::<Token![,]>()?;
        }
    }
    Ok(())
}

/// Whether the tokens of a field contain `?` after a value, or `.await`.
fn leaves(tokens: TokenStream) -> bool {
    let mut follows_value = false;
    let mut follows_dot = false;
    for tree in tokens {
        let is_leaving = match &tree {
            TokenTree::Punct(mark) => mark.as_char() == '?' && follows_value,
            TokenTree::Ident(name) => name == "await" && follows_dot,
            TokenTree::Group(group) => leaves(group.stream()),
            TokenTree::Literal(_) => false,
        };
        if is_leaving {
            return true;
        }
        follows_value = !matches!(tree, TokenTree::Punct(_));
        follows_dot = matches!(&tree, TokenTree::Punct(mark) if mark.as_char() == '.');
    }
    false
}

fn is_level(value: &Expr) -> bool {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
            super::event::LEVELS.contains(&text.value().to_ascii_lowercase().as_str())
        }
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => {
            number.base10_parse::<u8>().is_ok_and(|number| (1..=5).contains(&number))
        }
        Expr::Path(path) => path.path.segments.len() > 1,
        _ => false,
    }
}

/// Whether the returned value, or that of `Ok`, is loggable.
fn returns_loggable(output: &ReturnType, values: ValueCheck<'_>) -> bool {
    let ReturnType::Type(_, ty) = output else { return true };
    let Type::Path(path) = &**ty else { return values.types.kind(ty, values.at).is_loggable() };
    let Some(last) = path.path.segments.last() else { return false };
    if last.ident == "Result" {
        if let syn::PathArguments::AngleBracketed(generics) = &last.arguments
            && let Some(syn::GenericArgument::Type(ok)) = generics.args.first()
        {
            return values.types.kind(ok, values.at).is_loggable();
        }
        return false;
    }
    values.types.kind(ty, values.at).is_loggable()
}
