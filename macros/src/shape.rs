//! What an annotated function is to the expansion: run in place, called, awaited or polled.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{
    AngleBracketedGenericArguments, AssocType, Attribute, Expr, GenericArgument, Path,
    PathArguments, ReturnType, Type, TypeParamBound,
};

use crate::args::{self, Args};
use crate::function::{Function, inferred};

#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub(crate) enum Shape {
    /// Nothing in the returned value says how the call ended: a guard beside the body is enough.
    InPlace,
    /// `#[track_caller]`, which no closure has: a guard beside the body, which is seen through its
    /// tail and its `return`s.
    Located,
    /// The body as a closure, so that `return` and `?` reach its caller.
    Called,
    /// An `async fn` that becomes `fn … -> impl Future`.
    Future,
    /// An `async fn` that has to stay one.
    Async,
    /// A function that returns something to be polled.
    Polled(Polled),
}

/// A future or stream that a function returns.
pub(crate) struct Polled {
    pub(crate) kind: Kind,
    /// Whether it is `Pin<Box<dyn …>>`.
    pub(crate) boxed: bool,
    /// Its output, or its items.
    pub(crate) output: Type,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Future,
    Stream,
}

/// Where the function stands, as far as that is known.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place {
    /// An `async fn` has to stay one: in a trait's declaration, or since another attribute of the
    /// block wants it.
    pub(crate) keeps_async: bool,
}

impl Shape {
    pub(crate) fn of(
        attribute: args::Attribute,
        args: &Args,
        function: &Function,
        place: Place,
    ) -> Self {
        let output = match &function.signature.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(&**ty),
        };
        if function.signature.asyncness.is_some() {
            let stays = place.keeps_async
                || matches!(output, Some(Type::Never(_)))
                || !function.attributes.iter().all(is_inert);
            return if stays { Shape::Async } else { Shape::Future };
        }
        if let Some(polled) = output.and_then(polled) {
            return Shape::Polled(polled);
        }
        let reads = args.ret.is_some() || args.outcome.is_some();
        if !reads && output.is_none_or(|ty| tells_nothing(attribute, ty)) {
            return Shape::InPlace;
        }
        let located = |attribute: &Attribute| attribute.path().is_ident("track_caller");
        if function.attributes.iter().any(located) { Shape::Located } else { Shape::Called }
    }
}

/// Attributes that change nothing of what the function is to those who call it. What is not among
/// them may be another macro, which wants the `async fn` it was written on.
pub(crate) fn is_inert(attribute: &Attribute) -> bool {
    const INERT: [&str; 12] = [
        "allow",
        "cfg",
        "cold",
        "deny",
        "deprecated",
        "doc",
        "expect",
        "forbid",
        "inline",
        "warn",
        "no_mangle",
        "target_feature",
    ];
    const TOOLS: [&str; 4] = ["clippy", "rustfmt", "diagnostic", "rust_analyzer"];
    let path = attribute.path();
    match path.get_ident() {
        Some(name) => INERT.iter().any(|inert| name == inert),
        None => {
            path.segments.first().is_some_and(|tool| TOOLS.iter().any(|name| tool.ident == name))
        }
    }
}

/// Whether a type is known by its spelling to be no result, nor anything that answers for a
/// dependency.
fn tells_nothing(attribute: args::Attribute, ty: &Type) -> bool {
    const PLAIN: [&str; 20] = [
        "bool", "char", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64",
        "i128", "isize", "f32", "f64", "String", "Vec", "Option", "str",
    ];
    match ty {
        Type::Never(_) => true,
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        Type::Reference(_) => attribute == args::Attribute::Step,
        Type::Path(path) => {
            path.path.segments.len() == 1
                && path
                    .path
                    .segments
                    .first()
                    .is_some_and(|segment| PLAIN.iter().any(|plain| segment.ident == plain))
        }
        _ => false,
    }
}

/// What a returned type is to be polled as, known by the last word of its path.
fn polled(ty: &Type) -> Option<Polled> {
    match ty {
        Type::ImplTrait(opaque) => of_bounds(opaque.bounds.iter(), false),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
            let kind = match last.ident.to_string().as_str() {
                "Pin" => return of_boxed(first_type(arguments)?),
                "BoxFuture" | "LocalBoxFuture" => Kind::Future,
                "BoxStream" | "LocalBoxStream" => Kind::Stream,
                _ => return None,
            };
            Some(Polled { kind, boxed: true, output: inferred(first_type(arguments)?) })
        }
        Type::Paren(inner) => polled(&inner.elem),
        Type::Group(inner) => polled(&inner.elem),
        _ => None,
    }
}

fn of_boxed(ty: &Type) -> Option<Polled> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match first_type(arguments)? {
        Type::TraitObject(object) if last.ident == "Box" => of_bounds(object.bounds.iter(), true),
        _ => None,
    }
}

fn first_type(arguments: &AngleBracketedGenericArguments) -> Option<&Type> {
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

fn of_bounds<'a>(bounds: impl Iterator<Item = &'a TypeParamBound>, boxed: bool) -> Option<Polled> {
    bounds
        .filter_map(|bound| match bound {
            TypeParamBound::Trait(bound) => of_trait(&bound.path),
            _ => None,
        })
        .map(|(kind, output)| Polled { kind, boxed, output })
        .next()
}

fn of_trait(path: &Path) -> Option<(Kind, Type)> {
    let last = path.segments.last()?;
    let (kind, name) = match last.ident.to_string().as_str() {
        "Future" => (Kind::Future, "Output"),
        "Stream" => (Kind::Stream, "Item"),
        _ => return None,
    };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(AssocType { ident, ty, .. }) if ident == name => {
            Some((kind, inferred(ty)))
        }
        _ => None,
    })
}

/// Whether an expression is a visible `Box::pin(…)`, and of what.
pub(crate) fn pinned(tail: &Expr) -> Option<(TokenStream, &Expr)> {
    let Expr::Call(call) = tail else { return None };
    let Expr::Path(function) = &*call.func else { return None };
    let mut segments = function.path.segments.iter().rev();
    let is_pin = segments.next().is_some_and(|last| last.ident == "pin")
        && segments.next().is_some_and(|boxed| boxed.ident == "Box");
    match call.args.first() {
        Some(future @ Expr::Async(_)) if is_pin && call.args.len() == 1 => {
            Some((call.func.to_token_stream(), future))
        }
        _ => None,
    }
}
