//! A whole `impl` block, or a trait's declaration: every method with a body.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::parse::{ParseStream, Parser as _};
use syn::{ItemImpl, ItemTrait, Meta, Signature, Token, Type};

use crate::args::{Args, Attribute};
use crate::errors::Errors;
use crate::function::Function;
use crate::shape::Place;
use crate::timed::{needs_dependency, timed};

/// Whether the item is one, by its first words.
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

/// The block around its methods.
struct Header {
    tokens: TokenStream,
    /// The last word of the type's path, or the trait's name.
    name: String,
    place: Place,
    root: Group,
}

pub(crate) fn expand(
    attribute: Attribute,
    args: &Args,
    item: TokenStream,
    errors: &mut Errors,
) -> Option<TokenStream> {
    const FOR_ALL: [&str; 6] = ["dependency", "level", "target", "slow", "err", "crate"];
    for key in args.keys.iter().filter(|key| !FOR_ALL.iter().any(|known| key == known)) {
        errors.add(
            key,
            format!("`{key}` is for one method; a block takes `level`, `target`, `slow`, `err` and `crate`"),
        );
    }
    if let (Attribute::Step, Some(name)) = (attribute, &args.first) {
        errors.add(name, "a name is for one method; the methods of a block are named after it");
    }
    let header = errors.take(header(item))?;
    let read = |input: ParseStream<'_>| {
        let mut methods = TokenStream::new();
        while !input.is_empty() {
            methods.extend(one(attribute, args, &header, input, errors)?);
        }
        Ok(methods)
    };
    let methods = read.parse2(header.root.stream());
    let methods = errors.take(methods)?;
    let mut body = Group::new(Delimiter::Brace, methods);
    body.set_span(header.root.span());
    let tokens = header.tokens;
    Some(quote!(#tokens #body))
}

fn header(item: TokenStream) -> syn::Result<Header> {
    let mut tokens: Vec<TokenTree> = item.clone().into_iter().collect();
    let Some(TokenTree::Group(root)) = tokens.pop() else {
        return Err(syn::Error::new_spanned(item, "expected a block with methods"));
    };
    let tokens: TokenStream = tokens.into_iter().collect();
    let empty = quote!(#tokens {});
    if let Ok(block) = syn::parse2::<ItemTrait>(empty.clone()) {
        let place = Place { keeps_async: true };
        return Ok(Header { tokens, name: block.ident.to_string(), place, root });
    }
    let block: ItemImpl = syn::parse2(empty)?;
    // `#[async_trait]` below rewrites what is still an `async fn`.
    let place = Place { keeps_async: !block.attrs.iter().all(crate::shape::is_inert) };
    Ok(Header { tokens, name: name_of(&block.self_ty), place, root })
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

/// One item of the block.
fn one(
    attribute: Attribute,
    block: &Args,
    header: &Header,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> syn::Result<TokenStream> {
    if !has_body(&input.fork()) {
        return verbatim(input);
    }
    let mut function: Function = input.parse()?;
    let mut own = None;
    let mut is_other = false;
    function.attributes.retain(|candidate| {
        let Some(last) = candidate.path().segments.last() else { return true };
        is_other |= last.ident == attribute.other().name();
        let is_own = last.ident == attribute.name();
        if is_own {
            own = Some(candidate.clone());
        }
        !is_own
    });
    let args = match &own {
        None if is_other => return Ok(function.into_token_stream()),
        None => Args::default(),
        Some(own) => {
            let tokens = match &own.meta {
                Meta::List(list) => list.tokens.clone(),
                _ => TokenStream::new(),
            };
            crate::args::parse(attribute, tokens, errors)
        }
    };
    if args.skip.is_some() {
        return Ok(function.into_token_stream());
    }
    let mut args = args.under(block, &header.name);
    if attribute == Attribute::Call {
        args.first = args.first.or_else(|| block.first.clone());
    }
    let fallback = function.to_token_stream();
    if !needs_dependency(attribute, &args, errors) {
        return Ok(fallback);
    }
    Ok(errors.take(timed(attribute, &args, function, header.place)).unwrap_or(fallback))
}

/// Whether what comes next is a method that can be timed: with a body, and no `const fn`.
fn has_body(input: ParseStream<'_>) -> bool {
    let read = || -> syn::Result<bool> {
        input.call(syn::Attribute::parse_outer)?;
        input.parse::<syn::Visibility>()?;
        crate::function::default(input)?;
        let signature: Signature = input.parse()?;
        Ok(signature.constness.is_none() && input.peek(syn::token::Brace))
    };
    read().unwrap_or(false)
}

/// An item that is left as it is: to its `;`, or to its braces where it is no constant or type.
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
