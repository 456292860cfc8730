//! The annotated function: its signature parsed, its body as it was typed.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt as _, format_ident, quote};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::visit_mut::{VisitMut, visit_type_mut};
use syn::{
    AttrStyle, Attribute, BoundLifetimes, FnArg, Ident, Lifetime, Meta, Pat, PatIdent,
    ReceiverKind, ReturnType, Signature, Token, Type, TypeFnPtr, TypeTraitObject, Visibility,
    parse_quote, parse_quote_spanned,
};

use crate::tokens::mentions;

/// A function with a body. The body is not parsed, so that a half-typed one expands too: the editor
/// can complete in it, and the compiler reports what is wrong with it.
#[derive(Clone)]
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    /// `default`, of the unstable feature `specialization`.
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
                "a `const fn` can't be timed, since it can run at compile time",
            ));
        }
        if input.peek(Token![;]) {
            return Err(syn::Error::new_spanned(
                &signature.ident,
                "a method without a body can't be timed; annotate the implementations",
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
    /// Its attributes, which the binding in the body gets too.
    attributes: Vec<Attribute>,
    /// Its name in the signature.
    pub(crate) name: Ident,
    /// The user's pattern, which the body binds.
    pattern: TokenStream,
    /// Whether the name is generated.
    renamed: bool,
}

impl Argument {
    /// `let a = a;`, so that arguments are dropped in the order of the plain function. A pattern gets
    /// `let __arg2 = __arg2; let (a, _) = __arg2;`: parts it does not bind are dropped after the others.
    pub(crate) fn rebound(&self) -> TokenStream {
        let Argument { attributes, name, pattern, renamed } = self;
        let conditions = attributes.iter().filter(|attribute| is_condition(attribute));
        let whole = renamed.then(|| {
            // `ref mut` borrows from the variable, unless the argument is itself a reference.
            let mutability = binds_by_exclusive_reference(pattern)
                .then(|| (quote!(#[allow(unused_mut)]), quote!(mut)));
            let (allow, mutability) = mutability.unzip();
            quote!(#(#conditions)* #allow let #mutability #name = #name;)
        });
        let ignored = self.is_ignored();
        // As a tuple, since clippy's `no_effect_underscore_binding` would fire on `let _a = __arg2;`.
        let is_name = pattern
            .clone()
            .into_iter()
            .all(|token| matches!(token, TokenTree::Ident(ident) if ident != "ref"));
        let (pattern, value) = if *renamed && !ignored && is_name {
            (quote!((#pattern,)), quote!((#name,)))
        } else {
            (quote!(#pattern), quote!(#name))
        };
        let allow = (!renamed).then(|| quote!(#[allow(clippy::shadow_same)]));
        let part = (!ignored).then(|| quote!(#(#attributes)* #allow let #pattern = #value;));
        quote!(#whole #part)
    }

    /// Whether the argument may not exist. It is then captured, since an attribute can't remove a value that is
    /// passed on.
    pub(crate) fn is_conditional(&self) -> bool {
        self.attributes.iter().any(is_condition)
    }

    /// The argument as a parameter of a closure.
    pub(crate) fn parameter(&self) -> TokenStream {
        let Argument { attributes, pattern, renamed, .. } = self;
        let allow = (!renamed).then(|| quote!(#[allow(clippy::shadow_reuse)]));
        quote!(#(#attributes)* #allow #pattern)
    }

    fn is_ignored(&self) -> bool {
        self.renamed && self.name == self.pattern.to_string()
    }
}

impl Function {
    /// Returns the arguments, and puts a plain name in place of each pattern of the signature.
    pub(crate) fn take_arguments(&mut self) -> Vec<Argument> {
        let mut arguments = Vec::new();
        for (at, input) in self.signature.inputs.iter_mut().enumerate() {
            let FnArg::Typed(typed) = input else { continue };
            let generated = || {
                Ident::new(&format!("__arg{at}"), Span::mixed_site().located_at(typed.pat.span()))
            };
            let (name, pattern, renamed) = match &*typed.pat {
                Pat::Ident(pat) if is_plain(pat) => {
                    let mutability = pat.mutability;
                    let name = pat.ident.clone();
                    (name.clone(), quote!(#mutability #name), false)
                }
                Pat::Wild(_) => (generated(), generated().into_token_stream(), true),
                pat => (generated(), pat.into_token_stream(), true),
            };
            *typed.pat = syn::parse_quote!(#name);
            let attributes = typed.attrs.clone();
            // The parameter is used, so that the lint fires at the binding only.
            typed.attrs.retain(|attribute| !attribute.path().is_ident("expect"));
            arguments.push(Argument { attributes, name, pattern, renamed });
        }
        arguments
    }

    /// A statement that makes a closure or future capture all of `self`, even if it uses only a part.
    pub(crate) fn whole_self(&self, references_too: bool) -> Option<TokenStream> {
        let receiver = self.signature.receiver()?;
        let reference = matches!(receiver.kind, ReceiverKind::Reference(..));
        let own = &receiver.self_token;
        (references_too || !reference).then(|| quote!(let _ = &#own;))
    }

    /// Allows a `mut self` that is assigned and not read again: rustc warns of it in a closure, but not
    /// in a function.
    pub(crate) fn allow_changed_self(&mut self) {
        let changed = |receiver: &syn::Receiver| {
            receiver.mutability.is_some() && !matches!(receiver.kind, ReceiverKind::Reference(..))
        };
        if self.signature.receiver().is_some_and(changed) {
            self.attributes.push(syn::parse_quote!(#[allow(unused_assignments)]));
        }
    }

    /// The return type as an expression can name it: with `_` in place of `impl Trait`.
    pub(crate) fn output(&self) -> Type {
        match &self.signature.output {
            ReturnType::Default => {
                let span = self.body.span_open();
                parse_quote_spanned!(span=> ())
            }
            ReturnType::Type(_, ty) => inferred(ty),
        }
    }

    /// Whether an argument, or a part of its pattern, has this name.
    pub(crate) fn binds(&self, name: &Ident) -> bool {
        self.signature.inputs.iter().any(|input| match input {
            FnArg::Typed(typed) => mentions(&typed.pat.to_token_stream(), name),
            FnArg::Receiver(_) => false,
        })
    }

    /// Whether the `impl Trait` of an argument has a lifetime without a name, which only an `async fn` may have.
    pub(crate) fn has_anonymous_lifetimes(&self) -> bool {
        #[derive(Default)]
        struct Anonymous {
            inside_impl: bool,
            found: bool,
        }
        impl<'ast> Visit<'ast> for Anonymous {
            fn visit_type_impl_trait(&mut self, opaque: &'ast syn::TypeImplTrait) {
                let around = std::mem::replace(&mut self.inside_impl, true);
                visit::visit_type_impl_trait(self, opaque);
                self.inside_impl = around;
            }

            fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
                self.found |= self.inside_impl && lifetime.ident == "_";
            }

            fn visit_type_reference(&mut self, reference: &'ast syn::TypeReference) {
                self.found |= self.inside_impl && reference.lifetime.is_none();
                visit::visit_type_reference(self, reference);
            }

            // The lifetimes of `Fn(&str)` and `fn(&str)` are their own.
            fn visit_parenthesized_generic_arguments(
                &mut self,
                _: &'ast syn::ParenthesizedGenericArguments,
            ) {
            }
            fn visit_type_fn_ptr(&mut self, _: &'ast TypeFnPtr) {}
        }
        let mut anonymous = Anonymous::default();
        for input in &self.signature.inputs {
            if let FnArg::Typed(typed) = input {
                anonymous.visit_type(&typed.ty);
            }
        }
        anonymous.found
    }

    /// Whether an argument has a pattern, whose names only the body knows.
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

    /// Moves the inner attributes of the body, which belong to the function, in front of it.
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
            // To lints about attributes, it is not one that the user put there.
            let span = Span::call_site().located_at(attribute.pound_token.span());
            attribute.pound_token = Token![#](span);
        }
        self.attributes.extend(inner);
        let span = self.body.span();
        self.body = Group::new(Delimiter::Brace, rest);
        self.body.set_span(span);
    }

    /// Allows the lints of clippy that an `#[expect]` on the function names: many of them look at a whole function, and
    /// don't fire at an expanded one.
    pub(crate) fn allow_expected(&mut self) {
        self.attributes.iter_mut().for_each(allow_expected);
    }

    /// The function with another body.
    pub(crate) fn with_body(mut self, body: TokenStream) -> TokenStream {
        // Lints look at the end of a function to find out whether it is generated.
        let span = self.body.span();
        self.body = Group::new(Delimiter::Brace, body);
        self.body.set_span(span);
        self.into_token_stream()
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

/// Whether an argument can keep its name in the signature. Passing on one that starts with `_` would
/// count as a use of it.
fn is_plain(pat: &PatIdent) -> bool {
    pat.by_ref.is_none() && pat.subpat.is_none() && !pat.ident.to_string().starts_with('_')
}

/// Makes an `#[expect]` of lints of clippy an `#[allow]`.
pub(crate) fn allow_expected(attribute: &mut Attribute) {
    let is_expectation = attribute.path().is_ident("expect");
    let Meta::List(list) = &attribute.meta else { return };
    if is_expectation && mentions(&list.tokens, &format_ident!("clippy")) {
        let lints = &list.tokens;
        let style = attribute.style;
        *attribute = parse_quote!(#[allow(#lints)]);
        attribute.style = style;
    }
}

/// Whether an attribute can remove its item: `cfg` and `cfg_attr`.
pub(crate) fn is_condition(attribute: &Attribute) -> bool {
    ["cfg", "cfg_attr"].iter().any(|name| attribute.path().is_ident(name))
}

/// Whether a pattern contains `ref mut`.
fn binds_by_exclusive_reference(pattern: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = pattern.clone().into_iter().collect();
    let is_here = tokens.windows(2).any(|pair| {
        matches!(pair, [TokenTree::Ident(first), TokenTree::Ident(second)]
            if first == "ref" && second == "mut")
    });
    is_here
        || tokens.iter().any(|token| match token {
            TokenTree::Group(group) => binds_by_exclusive_reference(&group.stream()),
            _ => false,
        })
}

/// A type with `_` for every `impl Trait` in it, which only a signature can name.
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

/// `call2`, the function of the runtime that calls a closure with two arguments.
pub(crate) fn caller(arguments: usize) -> Ident {
    format_ident!("call{arguments}")
}
