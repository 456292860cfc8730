//! The annotated function: its signature parsed, its body as it was typed.

use proc_macro2::{Group, TokenStream};
use quote::{ToTokens, TokenStreamExt as _, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, ReturnType, Signature, Token, Type, Visibility};

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
        let attributes = input.call(Attribute::parse_outer)?;
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
        let body = input.parse()?;
        Ok(Function { attributes, visibility, signature, body })
    }
}

/// What the expansion has to know of a return type.
pub(crate) enum Returns<'a> {
    /// Nothing that could say how the call ended: `()`, or nothing at all with `!`.
    Nothing,
    /// A type that can be written down again.
    Typed(&'a Type),
    /// `impl Trait` somewhere, which can't.
    Opaque,
}

impl Function {
    pub(crate) fn returns(&self) -> Returns<'_> {
        match &self.signature.output {
            ReturnType::Default => Returns::Nothing,
            ReturnType::Type(_, ty) => match &**ty {
                Type::Never(_) => Returns::Nothing,
                Type::Tuple(tuple) if tuple.elems.is_empty() => Returns::Nothing,
                ty if mentions_impl(ty) => Returns::Opaque,
                ty => Returns::Typed(ty),
            },
        }
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

fn mentions_impl(ty: &Type) -> bool {
    struct Finder(bool);
    impl<'ast> syn::visit::Visit<'ast> for Finder {
        fn visit_type_impl_trait(&mut self, _: &'ast syn::TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut finder = Finder(false);
    syn::visit::Visit::visit_type(&mut finder, ty);
    finder.0
}
