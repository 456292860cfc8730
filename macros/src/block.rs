//! An attribute on a whole `impl` block or on a trait's declaration: every method with a body.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::parse::{ParseStream, Parser as _};
use syn::{ItemImpl, ItemTrait, Meta, Signature, Token, Type};

use crate::args::{Args, SiteKind};
use crate::errors::Errors;
use crate::function::{Function, allow_expected};
use crate::{shape, timed};

/// Whether the item is a block, by its first keywords.
pub(crate) fn is_block(item: &TokenStream) -> bool {
    let after_attributes = |input: ParseStream<'_>| -> syn::Result<bool> {
        input.call(syn::Attribute::parse_outer)?;
        input.parse::<syn::Visibility>()?;
        input.parse::<Option<Token![unsafe]>>()?;
        let is_block = input.peek(Token![impl]) || input.peek(Token![trait]);
        input.parse::<TokenStream>()?;
        Ok(is_block)
    };
    after_attributes.parse2(item.clone()).unwrap_or(false)
}

/// The parts of a block.
struct Block {
    /// The tokens before the braces.
    header: TokenStream,
    /// The last segment of the type's path, or the trait's name.
    name: String,
    /// Whether an `async fn` in it has to stay one: in a trait's declaration, and if another attribute
    /// of the block may need it.
    keeps_async: bool,
    body: Group,
}

pub(crate) fn expand(
    kind: SiteKind,
    args: &Args,
    item: TokenStream,
    errors: &mut Errors,
) -> Option<TokenStream> {
    const FOR_ALL: [&str; 6] = ["dependency", "level", "target", "slow", "err", "crate"];
    for key in args.keys.iter().filter(|key| !FOR_ALL.iter().any(|known| key == known)) {
        errors.add(
            key,
            format!("`{key}` is not supported on an `impl` block; set it on the methods"),
        );
    }
    if let (SiteKind::Step, Some(name)) = (kind, &args.subject) {
        errors.add(
            name,
            "`name` is not supported on an `impl` block; its steps are named `Type::method`",
        );
    }
    let block = errors.take(parse(item))?;
    let expand_all = |input: ParseStream<'_>| {
        let mut inner = input.call(syn::Attribute::parse_inner)?;
        inner.iter_mut().for_each(allow_expected);
        let mut methods = quote!(#(#inner)*);
        while !input.is_empty() {
            methods.extend(expand_method(kind, args, &block, input, errors)?);
        }
        Ok(methods)
    };
    let methods = expand_all.parse2(block.body.stream());
    let methods = errors.take(methods)?;
    let mut body = Group::new(Delimiter::Brace, methods);
    body.set_span(block.body.span());
    let header = block.header;
    Some(quote!(#header #body))
}

fn parse(item: TokenStream) -> syn::Result<Block> {
    let mut tokens: Vec<TokenTree> = item.clone().into_iter().collect();
    let Some(TokenTree::Group(body)) = tokens.pop() else {
        return Err(syn::Error::new_spanned(
            item,
            "expected an `impl` block or a trait with methods",
        ));
    };
    let header = |input: ParseStream<'_>| -> syn::Result<TokenStream> {
        let mut attributes = input.call(syn::Attribute::parse_outer)?;
        attributes.iter_mut().for_each(allow_expected);
        let rest: TokenStream = input.parse()?;
        Ok(quote!(#(#attributes)* #rest))
    };
    let header = header.parse2(tokens.into_iter().collect())?;
    let empty = quote!(#header {});
    if let Ok(item) = syn::parse2::<ItemTrait>(empty.clone()) {
        return Ok(Block { header, name: item.ident.to_string(), keeps_async: true, body });
    }
    let item: ItemImpl = syn::parse2(empty)?;
    // `#[async_trait]` below rewrites each `async fn`.
    let keeps_async = !item.attrs.iter().all(shape::is_inert);
    Ok(Block { header, name: name_of(&item.self_ty), keeps_async, body })
}

fn name_of(ty: &Type) -> String {
    match ty {
        Type::Path(path) => {
            path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default()
        }
        Type::Reference(reference) => name_of(&reference.elem),
        Type::Group(group) => name_of(&group.elem),
        Type::Paren(paren) => name_of(&paren.elem),
        other => other.to_token_stream().to_string().replace(' ', ""),
    }
}

/// Expands the next item of the block: a method unless that has no body, is a `const fn`, has
/// `#[step_timed(skip)]` or the other attribute.
fn expand_method(
    kind: SiteKind,
    block_args: &Args,
    block: &Block,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> syn::Result<TokenStream> {
    if !is_timeable(&input.fork()) {
        return verbatim(input);
    }
    let mut function: Function = input.parse()?;
    let mut own = None;
    let mut has_other = false;
    function.attributes.retain(|candidate| {
        let Some(last) = candidate.path().segments.last() else { return true };
        has_other |= last.ident == kind.other().attribute();
        let is_own = last.ident == kind.attribute();
        if is_own {
            own = Some(candidate.clone());
        }
        !is_own
    });
    let args = match own.map(|own| own.meta) {
        None if has_other => return Ok(function.into_token_stream()),
        None => Args::default(),
        Some(Meta::List(list)) => Args::parse(kind, list.tokens, errors),
        Some(_) => Args::parse(kind, TokenStream::new(), errors),
    };
    if args.skip.is_some() {
        return Ok(function.into_token_stream());
    }
    let args = args.inherit(block_args, &block.name);
    let fallback = function.to_token_stream();
    if !args.check_dependency(kind, errors) {
        return Ok(fallback);
    }
    let expanded = timed::expand(kind, &args, function, block.keeps_async);
    Ok(errors.take(expanded).unwrap_or(fallback))
}

/// Whether the next item is a method with a body and not a `const fn`.
fn is_timeable(input: ParseStream<'_>) -> bool {
    let read = || -> syn::Result<bool> {
        input.call(syn::Attribute::parse_outer)?;
        input.parse::<syn::Visibility>()?;
        crate::function::default(input)?;
        let signature: Signature = input.parse()?;
        Ok(signature.constness.is_none() && input.peek(syn::token::Brace))
    };
    read().unwrap_or(false)
}

/// Copies the next item: up to its `;`, or up to its braces unless it is a constant or a type.
fn verbatim(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let attributes = input.call(syn::Attribute::parse_outer)?;
    let visibility: syn::Visibility = input.parse()?;
    let is_value =
        (input.peek(Token![const]) && !input.peek2(Token![fn])) || input.peek(Token![type]);
    let mut tokens = quote!(#(#attributes)* #visibility);
    while !input.is_empty() {
        let next: TokenTree = input.parse()?;
        let ends = match &next {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && !is_value,
            _ => false,
        };
        tokens.extend([next]);
        if ends {
            break;
        }
    }
    Ok(tokens)
}
