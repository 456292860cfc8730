//! Parses `#[instrument]`, the grammar of `tracing`'s attribute, into the arguments of a step.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, format_ident, quote};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::{Expr, FnArg, LitStr, Pat, Path, Token, parenthesized, parse_quote_spanned};

use crate::args::{
    Args, Instrument, Level, Ret, SiteKind, equals, err, fields, level, nanos, once, ret,
    skip_to_comma, text,
};
use crate::errors::{Errors, listed, unknown};
use crate::expand::parse_function;
use crate::field::{Field, FieldName, FieldValue};
use crate::function::{Function, is_condition};
use crate::timed;
use crate::tokens::mentions;

/// Expands the attribute on a function. If there are mistakes, the function stays as it is, next to the errors.
pub(crate) fn expand(is_strict: bool, args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut args = SpanArgs::parse(args, &mut errors);
    args.own.is_strict |= is_strict;
    let function = errors.take(parse_function(item.clone(), "instrument", "functions"));
    let expanded = function.and_then(|function| {
        let args = args.for_function(&function, &mut errors);
        errors.take(timed::expand(SiteKind::Step, &args, function, false))
    });
    match (errors.finish(), expanded) {
        (Ok(()), Some(expanded)) => expanded,
        (Ok(()), None) => item,
        (Err(error), _) => {
            let error = error.into_compile_error();
            quote!(#error #item)
        }
    }
}

/// The arguments as they were written.
#[derive(Default)]
struct SpanArgs {
    args: Args,
    own: Instrument,
    /// The names in `skip(…)`.
    skips: Vec<Ident>,
    skips_all: bool,
}

#[rustfmt::skip]
const ARGUMENTS: [&str; 15] = [
    "name", "level", "target", "parent", "follows_from", "skip", "skip_all", "fields", "ret", "err", "strict",
    "context", "slow", "busy", "crate",
];

impl SpanArgs {
    /// Parses all arguments. Mistakes are collected, and the other arguments are kept. As in `tracing`, commas between
    /// arguments may be missing or repeated.
    fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = SpanArgs::default();
        let mut seen = Vec::new();
        let reader = |input: ParseStream<'_>| -> syn::Result<()> {
            while !input.is_empty() {
                if input.peek(Token![,]) {
                    input.parse::<Token![,]>()?;
                } else if let Err(error) = args.argument(input, &mut seen, errors) {
                    errors.push(error);
                    skip_to_comma(input)?;
                }
            }
            Ok(())
        };
        if let Err(error) = reader.parse2(tokens) {
            errors.push(error);
        }
        args
    }

    fn argument(
        &mut self,
        input: ParseStream<'_>,
        seen: &mut Vec<String>,
        errors: &mut Errors,
    ) -> syn::Result<()> {
        let SpanArgs { args, own, .. } = self;
        if input.peek(LitStr) {
            let name: LitStr = input.parse()?;
            once("name", &name, seen)?;
            args.subject = Some(syn::parse2(name.into_token_stream())?);
            return Ok(());
        }
        if !input.peek(Ident::peek_any) {
            let message = format!("expected an argument, one of {}", listed(&ARGUMENTS));
            return Err(input.error(message));
        }
        let key = input.call(Ident::parse_any)?;
        let name = key.to_string();
        if !ARGUMENTS.contains(&name.as_str()) {
            let message = unknown("argument", &name, "", &ARGUMENTS);
            return Err(syn::Error::new_spanned(key, message));
        }
        once(&name, &key, seen)?;
        match name.as_str() {
            "name" => args.subject = Some(text(&key, input)?),
            "target" => args.target = Some(text(&key, input)?),
            "level" => {
                equals(&key, input)?;
                args.level = Some(level(input)?);
            }
            "parent" => own.parent = Some(value(&key, input)?),
            "follows_from" => own.follows_from = Some(value(&key, input)?),
            "skip" => {
                let names = list(&key, "skip(password)", input)?;
                self.skips = skips(names, errors)?;
            }
            "skip_all" => self.skips_all = true,
            "fields" => {
                let list = list(&key, "fields(order_id = order.id)", input)?;
                let read = |list: ParseStream<'_>| fields(list, Field::parse_of_span, errors);
                let fields = read.parse2(list)?;
                args.check_duplicates(&fields, errors);
                args.fields = fields;
            }
            "context" => {
                let list = list(&key, "context(order_id = order.id)", input)?;
                let read = |list: ParseStream<'_>| fields(list, <Field as Parse>::parse, errors);
                let fields = read.parse2(list)?;
                args.check_duplicates(&fields, errors);
                args.context = fields;
            }
            "ret" => args.ret = Ret::new(&key, ret(input, Some(&mut own.ret_level))?, errors),
            "err" => {
                let error = || Level::Known(format_ident!("ERROR"));
                own.err_level = Some(err(input)?.unwrap_or_else(error));
            }
            "slow" => args.slow_nanos = Some(nanos(&text(&key, input)?)?),
            "busy" => args.busy = Some(key.span()),
            "strict" => own.is_strict = true,
            _ => {
                equals(&key, input)?;
                args.root = Some(input.call(Path::parse_mod_style)?);
            }
        }
        if self.skips_all && !self.skips.is_empty() {
            let message = "`skip` and `skip_all` are mutually exclusive; remove one of them";
            return Err(syn::Error::new_spanned(key, message));
        }
        Ok(())
    }

    /// The arguments of a step: the recorded arguments of the function become fields, before those of `fields(…)`.
    fn for_function(self, function: &Function, errors: &mut Errors) -> Args {
        let SpanArgs { mut args, mut own, skips, skips_all } = self;
        let bindings = Bindings::of(function);
        for skip in &skips {
            bindings.check(skip, errors);
        }
        let given = std::mem::take(&mut args.fields);
        let is_recorded = |name: &&Ident| {
            let text = name.unraw().to_string();
            let has_name = |field: &Field| field.name.text() == Some(&text);
            !skips_all && !skips.contains(name) && !given.iter().chain(&args.context).any(has_name)
        };
        let mut all: Vec<Field> =
            bindings.recorded.iter().filter(is_recorded).map(recorded).collect();
        own.has_span = mentions(&function.body.stream(), &format_ident!("Span"))
            || given.iter().any(|field| matches!(field.value, FieldValue::Empty(_)));
        all.extend(given);
        args.fields = all;
        args.instrument = Some(own);
        args
    }
}

/// The field of an argument.
fn recorded(name: &Ident) -> Field {
    let value: Expr = parse_quote_spanned!(name.span()=> #name);
    let text = name.unraw().to_string();
    let name = FieldName::Text { name: text, at: name.to_token_stream() };
    Field { name, value: FieldValue::Given(value) }
}

/// The names that the arguments of a function bind.
#[derive(Default)]
struct Bindings {
    /// Names that can be recorded.
    recorded: Vec<Ident>,
    /// Names of arguments that may not exist, and of patterns that another attribute has replaced.
    others: Vec<Ident>,
}

impl Bindings {
    fn of(function: &Function) -> Self {
        let mut bindings = Bindings::default();
        for input in &function.signature.inputs {
            let mut names = Vec::new();
            let is_conditional = match input {
                FnArg::Receiver(receiver) => {
                    names.push(Ident::from(receiver.self_token));
                    receiver.attrs.iter().any(is_condition)
                }
                FnArg::Typed(typed) => {
                    bound(&typed.pat, &mut names);
                    typed.attrs.iter().any(is_condition)
                }
            };
            for name in names {
                // `#[async_trait]` moves patterns into the body.
                let is_generated = name.to_string().starts_with("__arg");
                if is_conditional || is_generated {
                    bindings.others.push(name);
                } else {
                    bindings.recorded.push(name);
                }
            }
        }
        bindings
    }

    /// Reports a name in `skip` that is not an argument.
    fn check(&self, skip: &Ident, errors: &mut Errors) {
        let Bindings { recorded, others } = self;
        let has_moved = others.iter().any(|name| name.to_string().starts_with("__arg"));
        if has_moved || recorded.iter().chain(others).any(|name| name == skip) {
            return;
        }
        let names: Vec<String> = recorded.iter().chain(others).map(Ident::to_string).collect();
        let message = if names.is_empty() {
            format!("unknown argument `{skip}` in `skip`; the function has no arguments")
        } else {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            unknown("argument", &skip.to_string(), " in `skip`", &names)
        };
        errors.add(skip, message);
    }
}

/// The names that a pattern binds.
fn bound(pattern: &Pat, names: &mut Vec<Ident>) {
    match pattern {
        Pat::Ident(pattern) => {
            names.push(pattern.ident.clone());
            if let Some((_, inner)) = &pattern.subpat {
                bound(inner, names);
            }
        }
        Pat::Reference(pattern) => bound(&pattern.pat, names),
        Pat::Paren(pattern) => bound(&pattern.pat, names),
        Pat::Struct(pattern) => pattern.fields.iter().for_each(|field| bound(&field.pat, names)),
        Pat::Tuple(pattern) => pattern.elems.iter().for_each(|item| bound(item, names)),
        Pat::TupleStruct(pattern) => pattern.elems.iter().for_each(|item| bound(item, names)),
        Pat::Slice(pattern) => pattern.elems.iter().for_each(|item| bound(item, names)),
        _ => {}
    }
}

/// Parses `= value`.
fn value(key: &Ident, input: ParseStream<'_>) -> syn::Result<Expr> {
    equals(key, input)?;
    input.parse()
}

/// The tokens between the parentheses after `key`.
fn list(key: &Ident, example: &str, input: ParseStream<'_>) -> syn::Result<TokenStream> {
    if !input.peek(syn::token::Paren) {
        return Err(syn::Error::new_spanned(key, format!("expected a list: `{example}`")));
    }
    let list;
    parenthesized!(list in input);
    list.parse()
}

fn skips(names: TokenStream, errors: &mut Errors) -> syn::Result<Vec<Ident>> {
    let parser = Punctuated::<Ident, Token![,]>::parse_terminated_with;
    let read = |input: ParseStream<'_>| parser(input, Ident::parse_any);
    let mut skips: Vec<Ident> = Vec::new();
    for name in read.parse2(names)? {
        if skips.contains(&name) {
            errors.add(&name, format!("duplicate argument `{name}` in `skip`"));
        } else {
            skips.push(name);
        }
    }
    Ok(skips)
}

#[cfg(test)]
mod tests {
    use expect_test::{ExpectFile, expect_file};

    use super::*;

    fn check(args: TokenStream, item: TokenStream, expected: &ExpectFile) {
        let file = syn::parse2(expand(false, args, item)).expect("items");
        expected.assert_eq(&prettyplease::unparse(&file));
    }

    #[test]
    fn of_a_method_with_fields_of_every_kind() {
        let item = quote! {
            fn reserve(&self, (a, _b): (u32, u32), step: Step) -> Result<u32, Refused> {
                self.left(a, step)
            }
        };
        let args = quote!(skip(self), fields(id = %self.id, rows), err, ret, parent = &self.span);
        check(args, item, &expect_file!["snapshots/instrument_sync.rs"]);
    }

    #[test]
    fn an_environment_variable_follows_the_key_rule_as_error_too() {
        let args = quote!(fields(error = env!("API_KEY")));
        let expanded = expand(
            false,
            args,
            quote!(
                fn f() {}
            ),
        )
        .to_string();
        assert!(expanded.contains(r#"is_sensitive ("API_KEY")"#), "{expanded}");
    }

    #[test]
    fn of_an_async_function() {
        let item = quote! {
            async fn charge(order: Order) {
                order.pay().await;
            }
        };
        check(quote!(level = "debug"), item, &expect_file!["snapshots/instrument_async.rs"]);
    }
}
