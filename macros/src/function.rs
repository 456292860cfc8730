//! The annotated function: its signature parsed, its body as it was typed.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt as _, format_ident, quote};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::visit::Visit;
use syn::visit_mut::{VisitMut, visit_type_mut};
use syn::{AttrStyle, Attribute, FnArg, Pat, ReturnType, Signature, Token, Type, Visibility};

/// A function with a body. The body is not parsed: a half-typed one expands too, so that the editor
/// can complete in it, and what is wrong with it is the compiler's to say.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature: Signature = input.parse()?;
        if let Some(constness) = &signature.constness {
            return Err(syn::Error::new_spanned(
                constness,
                "a `const fn` can't be timed, since it may run in the compiler",
            ));
        }
        if input.peek(Token![;]) {
            return Err(syn::Error::new_spanned(
                &signature.ident,
                "a method without a body can't be timed; annotate its implementations",
            ));
        }
        let body: Group = input.parse()?;
        let (inner, rest) = split_attributes.parse2(body.stream())?;
        // They speak of the function wherever they stand, and have no place in the middle of a body.
        attributes
            .extend(inner.into_iter().map(|inner| Attribute { style: AttrStyle::Outer, ..inner }));
        let body = braced(&body, rest);
        Ok(Function { attributes, visibility, signature, body })
    }
}

fn split_attributes(input: ParseStream<'_>) -> syn::Result<(Vec<Attribute>, TokenStream)> {
    Ok((input.call(Attribute::parse_inner)?, input.parse()?))
}

/// Another content between the same braces.
fn braced(like: &Group, content: TokenStream) -> Group {
    let mut group = Group::new(Delimiter::Brace, content);
    group.set_span(like.span());
    group
}

/// What the expansion has to know of a return type.
pub(crate) enum Returns {
    /// Nothing that could say how the call ended.
    Unit,
    /// Nothing ever.
    Never,
    /// A type, with `_` for every `impl Trait` in it, which can't be written down again.
    Typed(Box<Type>),
}

impl Function {
    pub(crate) fn returns(&self) -> Returns {
        match &self.signature.output {
            ReturnType::Default => Returns::Unit,
            ReturnType::Type(_, ty) => match &**ty {
                Type::Never(_) => Returns::Never,
                Type::Tuple(tuple) if tuple.elems.is_empty() => Returns::Unit,
                ty => {
                    let mut ty = Box::new(ty.clone());
                    EraseImpl.visit_type_mut(&mut ty);
                    Returns::Typed(ty)
                }
            },
        }
    }

    /// The body with something before it.
    pub(crate) fn body_after(&self, before: &TokenStream) -> Group {
        let body = self.body.stream();
        braced(&self.body, quote!(#before #body))
    }

    pub(crate) fn tracks_caller(&self) -> bool {
        self.attributes.iter().any(|attribute| attribute.path().is_ident("track_caller"))
    }

    /// Whether the body may leave the function before its end.
    pub(crate) fn may_return_early(&self) -> bool {
        any_token(self.body.stream(), &|token| match token {
            TokenTree::Ident(ident) => ident == "return",
            TokenTree::Punct(punct) => punct.as_char() == '?',
            _ => false,
        })
    }

    /// Gives every `_` among the arguments a name, so that it can be handed on to the body.
    pub(crate) fn name_arguments(&mut self) {
        for (index, argument) in self.signature.inputs.iter_mut().enumerate() {
            if let FnArg::Typed(argument) = argument
                && let Pat::Wild(_) = &*argument.pat
            {
                let name = format_ident!("__unnamed_{index}");
                *argument.pat = syn::parse_quote!(#name);
            }
        }
    }

    /// The arguments in the order in which they are dropped, the last one first, apart from those
    /// the body does not know: they are for the compiler to warn of.
    pub(crate) fn dropped(&self) -> Vec<Ident> {
        let mut names = Names(Vec::new());
        for argument in &self.signature.inputs {
            match argument {
                FnArg::Receiver(receiver) => {
                    names.0.push(Ident::new("self", receiver.self_token.span));
                }
                FnArg::Typed(argument) => names.visit_pat(&argument.pat),
            }
        }
        names.0.reverse();
        names.0.retain(|name| {
            let text = name.unraw().to_string();
            text.starts_with('_')
                || any_token(self.body.stream(), &|token| match token {
                    TokenTree::Ident(ident) => ident == name,
                    // `"{name}"`
                    TokenTree::Literal(literal) => literal.to_string().contains(&text),
                    _ => false,
                })
        });
        names.0
    }

    /// The function with another body.
    pub(crate) fn with_body(&self, body: &TokenStream) -> TokenStream {
        let Function { attributes, visibility, signature, .. } = self;
        quote! {
            #(#attributes)* #visibility #signature {
                #body
            }
        }
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Function { attributes, visibility, signature, body } = self;
        tokens.append_all(attributes);
        visibility.to_tokens(tokens);
        signature.to_tokens(tokens);
        body.to_tokens(tokens);
    }
}

fn any_token(tokens: TokenStream, wanted: &dyn Fn(&TokenTree) -> bool) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => any_token(group.stream(), wanted),
        token => wanted(&token),
    })
}

struct EraseImpl;

impl VisitMut for EraseImpl {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::ImplTrait(_) = ty {
            *ty = syn::parse_quote!(_);
        } else {
            visit_type_mut(self, ty);
        }
    }
}

/// The names a pattern binds.
struct Names(Vec<Ident>);

impl<'ast> Visit<'ast> for Names {
    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        self.0.push(pattern.ident.clone());
        syn::visit::visit_pat_ident(self, pattern);
    }
}
