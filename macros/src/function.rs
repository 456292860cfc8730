//! The annotated function: its signature parsed, its body as it was typed.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt as _, format_ident, quote};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::visit_mut::{VisitMut, visit_type_mut};
use syn::{
    AttrStyle, Attribute, BoundLifetimes, FnArg, Ident, Lifetime, Pat, PatIdent, ReceiverKind,
    ReturnType, Signature, Token, Type, TypeFnPtr, TypeTraitObject, Visibility,
    parse_quote_spanned,
};

/// A function with a body. The body is not parsed: a half-typed one expands too, so that the editor
/// can complete in it, and what is wrong with it is the compiler's to say.
#[derive(Clone)]
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    /// `default`, where specialization is on.
    pub(crate) defaultness: Option<Ident>,
    pub(crate) signature: Signature,
    pub(crate) body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let defaultness = default(input)?;
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
        let content;
        let brace = syn::braced!(content in input);
        let mut body = Group::new(Delimiter::Brace, content.parse()?);
        body.set_span(brace.span.join());
        Ok(Function { attributes, visibility, defaultness, signature, body })
    }
}

pub(crate) fn default(input: ParseStream<'_>) -> syn::Result<Option<Ident>> {
    let next = input.fork().call(Ident::parse_any);
    if next.is_ok_and(|next| next == "default") {
        input.call(Ident::parse_any).map(Some)
    } else {
        Ok(None)
    }
}

/// An argument as it is passed on into the generated body.
pub(crate) struct Argument {
    /// Its attributes, which hold for the binding too.
    attributes: Vec<Attribute>,
    /// What it is called in the signature.
    pub(crate) name: Ident,
    /// What the body knows it by.
    pub(crate) pattern: TokenStream,
    /// Whether the name is made up.
    renamed: bool,
}

impl Argument {
    /// `let a = a;`, so that it is dropped where the function's own argument is. What a pattern leaves
    /// of its value is dropped behind what it takes.
    pub(crate) fn rebound(&self) -> TokenStream {
        let Argument { attributes, name, pattern, renamed } = self;
        let whole = renamed.then(|| quote!(let #name = #name;));
        let ignored = self.is_ignored();
        // A lint on a binding that starts with `_` and has no effect would find it.
        let is_name = pattern
            .clone()
            .into_iter()
            .all(|token| matches!(token, TokenTree::Ident(ident) if ident != "ref"));
        let (pattern, value) = if *renamed && !ignored && is_name {
            (quote!((#pattern,)), quote!((#name,)))
        } else {
            (quote!(#pattern), quote!(#name))
        };
        let part = (!ignored).then(|| quote!(#(#attributes)* let #pattern = #value;));
        quote!(#whole #part)
    }

    /// The parameter of a closure that takes its place.
    pub(crate) fn parameter(&self) -> TokenStream {
        let Argument { attributes, pattern, .. } = self;
        quote!(#(#attributes)* #pattern)
    }

    fn is_ignored(&self) -> bool {
        self.renamed && self.name == self.pattern.to_string()
    }
}

impl Function {
    /// Takes the names that the body gives its arguments out of the signature, which keeps plain ones.
    pub(crate) fn take_arguments(&mut self) -> Vec<Argument> {
        let mut arguments = Vec::new();
        for (at, input) in self.signature.inputs.iter_mut().enumerate() {
            let FnArg::Typed(typed) = input else { continue };
            let made_up = || {
                Ident::new(&format!("__arg{at}"), Span::mixed_site().located_at(typed.pat.span()))
            };
            let (name, pattern, renamed) = match &*typed.pat {
                Pat::Ident(pat) if is_plain(pat) => {
                    let mutability = pat.mutability;
                    let name = pat.ident.clone();
                    (name.clone(), quote!(#mutability #name), false)
                }
                Pat::Wild(_) => (made_up(), made_up().into_token_stream(), true),
                pat => (made_up(), pat.into_token_stream(), true),
            };
            *typed.pat = syn::parse_quote!(#name);
            let attributes = typed.attrs.clone();
            arguments.push(Argument { attributes, name, pattern, renamed });
        }
        arguments
    }

    /// A statement that has the body own all of `self`, whatever it uses of it.
    pub(crate) fn whole_self(&self, references_too: bool) -> Option<TokenStream> {
        let receiver = self.signature.receiver()?;
        let reference = matches!(receiver.kind, ReceiverKind::Reference(..));
        let own = &receiver.self_token;
        (references_too || !reference).then(|| quote!(let _ = &#own;))
    }

    /// Silences what is said of a `self` that is changed and not looked at again: of an argument
    /// nothing is said, of what a closure owns it is.
    pub(crate) fn allow_changed_self(&mut self) {
        let changed = |receiver: &syn::Receiver| {
            receiver.mutability.is_some() && !matches!(receiver.kind, ReceiverKind::Reference(..))
        };
        if self.signature.receiver().is_some_and(changed) {
            self.attributes.push(syn::parse_quote!(#[allow(unused_assignments)]));
        }
    }

    /// The return type where a type can be written in an expression: `_` in place of `impl Trait`.
    pub(crate) fn output(&self) -> Type {
        match &self.signature.output {
            ReturnType::Default => {
                let span = self.body.span_open();
                parse_quote_spanned!(span=> ())
            }
            ReturnType::Type(_, ty) => inferred(ty),
        }
    }

    /// Whether arguments have patterns, whose names are known in the body alone.
    pub(crate) fn has_patterns(&self) -> bool {
        self.signature.inputs.iter().any(|input| match input {
            FnArg::Typed(typed) => match &*typed.pat {
                Pat::Ident(pat) => !is_plain(pat),
                Pat::Wild(_) => false,
                _ => true,
            },
            FnArg::Receiver(_) => false,
        })
    }

    /// Moves the body's inner attributes, which are the function's, before it.
    pub(crate) fn hoist_attributes(&mut self) {
        let split = |input: ParseStream<'_>| -> syn::Result<(Vec<Attribute>, TokenStream)> {
            Ok((input.call(Attribute::parse_inner)?, input.parse()?))
        };
        let Ok((mut inner, rest)) = split.parse2(self.body.stream()) else { return };
        if inner.is_empty() {
            return;
        }
        for attribute in &mut inner {
            attribute.style = AttrStyle::Outer;
        }
        self.attributes.extend(inner);
        let span = self.body.span();
        self.body = Group::new(Delimiter::Brace, rest);
        self.body.set_span(span);
    }

    /// The function with another body.
    pub(crate) fn with_body(&self, body: &TokenStream) -> TokenStream {
        let Function { attributes, visibility, defaultness, signature, body: own } = self;
        // With the user's braces the function stays the user's: lints look at where it ends.
        let mut braces = Group::new(Delimiter::Brace, body.clone());
        braces.set_span(own.span());
        quote! {
            #(#attributes)* #visibility #defaultness #signature #braces
        }
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Function { attributes, visibility, defaultness, signature, body } = self;
        tokens.append_all(attributes);
        visibility.to_tokens(tokens);
        defaultness.to_tokens(tokens);
        signature.to_tokens(tokens);
        body.to_tokens(tokens);
    }
}

/// Whether an argument can keep its name in the signature. One that starts with `_` is not to be used,
/// which passing it on would be.
fn is_plain(pat: &PatIdent) -> bool {
    pat.by_ref.is_none() && pat.subpat.is_none() && !pat.ident.to_string().starts_with('_')
}

/// A type with `_` for every `impl Trait` in it, which only a signature may name.
pub(crate) fn inferred(ty: &Type) -> Type {
    struct Infer;
    impl VisitMut for Infer {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if let Type::ImplTrait(opaque) = ty {
                let span = opaque.span();
                *ty = parse_quote_spanned!(span=> _);
            } else {
                visit_type_mut(self, ty);
            }
        }
    }
    let mut ty = ty.clone();
    Infer.visit_type_mut(&mut ty);
    ty
}

/// A type with `'_` for every lifetime of the signature.
pub(crate) fn without_lifetimes(mut ty: Type) -> Type {
    struct Elide;
    impl VisitMut for Elide {
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            lifetime.ident = Ident::new("_", lifetime.ident.span());
        }

        // Those of `for<'a>` are the type's own.
        fn visit_bound_lifetimes_mut(&mut self, _: &mut BoundLifetimes) {}
        fn visit_type_fn_ptr_mut(&mut self, _: &mut TypeFnPtr) {}
        fn visit_type_trait_object_mut(&mut self, _: &mut TypeTraitObject) {}
    }
    Elide.visit_type_mut(&mut ty);
    ty
}

/// `call2`, by the number of arguments.
pub(crate) fn caller(arguments: usize) -> Ident {
    format_ident!("call{arguments}")
}
