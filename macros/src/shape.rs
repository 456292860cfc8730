//! The six forms of an expanded function, and which of them a function gets.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{
    AngleBracketedGenericArguments, AssocType, Attribute, Expr, GenericArgument, Ident, Path,
    PathArguments, ReturnType, Type, TypeParamBound,
};

use crate::args::{Args, SiteKind};
use crate::function::{Function, inferred};

#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub(crate) enum Shape {
    /// The body next to a guard. Enough if the outcome does not depend on the returned value.
    Guarded,
    /// The body next to a guard that sees the value of the tail and of each `return`. For
    /// `#[track_caller]`, which a closure can't have.
    TrackCaller,
    /// The body as a closure.
    Closure,
    /// An `async fn` that becomes `fn … -> impl Future`.
    Future,
    /// An `async fn` that has to stay one.
    Async,
    /// A function that returns a future or stream.
    Polled(Polled),
}

/// The future or stream that a function returns.
pub(crate) struct Polled {
    pub(crate) kind: PollKind,
    /// Whether it is `Pin<Box<dyn …>>`.
    pub(crate) boxed: bool,
    /// The output of the future, or the items of the stream. `None` if an alias such as `BoxFuture<'_, T>` determines
    /// it, which may be one of the user's.
    pub(crate) output: Option<Type>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PollKind {
    Future,
    Stream,
}

impl Shape {
    pub(crate) fn of(kind: SiteKind, args: &Args, function: &Function, keeps_async: bool) -> Self {
        let output = match &function.signature.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(&**ty),
        };
        if function.signature.asyncness.is_some() {
            let stays_async = keeps_async
                || function.has_anonymous_lifetimes()
                || matches!(output, Some(Type::Never(_)))
                || !function.attributes.iter().all(is_inert);
            return if stays_async { Shape::Async } else { Shape::Future };
        }
        let polled = output.and_then(polled).filter(|polled| {
            // `tracing`'s attribute treats a stream as a plain value.
            let is_value = args.instrument.is_some() && polled.kind == PollKind::Stream;
            cfg!(feature = "stream") || !is_value
        });
        if let Some(polled) = polled {
            return Shape::Polled(polled);
        }
        let reads_value = args.ret.is_some() || args.outcome.is_some();
        if !reads_value && output.is_none_or(|ty| is_plain(kind, ty)) {
            return Shape::Guarded;
        }
        let tracks_caller = |attribute: &Attribute| attribute.path().is_ident("track_caller");
        let tracks_caller = function.attributes.iter().any(tracks_caller);
        if tracks_caller { Shape::TrackCaller } else { Shape::Closure }
    }
}

/// Whether an attribute can't be a macro that needs the `async fn` it was written on.
pub(crate) fn is_inert(attribute: &Attribute) -> bool {
    #[rustfmt::skip]
    const INERT: [&str; 12] = [
        "allow", "cfg", "cold", "deny", "deprecated", "doc", "expect", "forbid", "inline", "warn",
        "no_mangle", "target_feature",
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

/// Whether the type, by its spelling, is neither a `Result` nor, for a call, a value that has an outcome.
fn is_plain(kind: SiteKind, ty: &Type) -> bool {
    const PLAIN: [&str; 20] = [
        "bool", "char", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64",
        "i128", "isize", "f32", "f64", "String", "Vec", "Option", "str",
    ];
    match ty {
        Type::Never(_) => true,
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        Type::Reference(_) => kind == SiteKind::Step,
        // The compiler derives from the return type that a closure takes references of any lifetime.
        Type::ImplTrait(opaque) => opaque.bounds.iter().any(is_function),
        Type::Path(path) if path.path.segments.len() == 1 => {
            PLAIN.iter().any(|plain| path.path.segments[0].ident == plain)
        }
        _ => false,
    }
}

/// Whether a bound is one of closures.
fn is_function(bound: &TypeParamBound) -> bool {
    const FUNCTIONS: [&str; 6] = ["Fn", "FnMut", "FnOnce", "AsyncFn", "AsyncFnMut", "AsyncFnOnce"];
    let TypeParamBound::Trait(bound) = bound else { return false };
    bound.path.segments.last().is_some_and(|last| FUNCTIONS.iter().any(|name| last.ident == name))
}

/// The future or stream that a type is, by the last segment of its path.
fn polled(ty: &Type) -> Option<Polled> {
    match ty {
        Type::ImplTrait(opaque) => of_bounds(opaque.bounds.iter(), false),
        Type::Path(path) => {
            let kind = match path.path.segments.last()?.ident.to_string().as_str() {
                "Pin" => return of_boxed(first_type(last_segment(&path.path)?.1)?),
                "BoxFuture" | "LocalBoxFuture" => PollKind::Future,
                "BoxStream" | "LocalBoxStream" => PollKind::Stream,
                _ => return None,
            };
            Some(Polled { kind, boxed: true, output: None })
        }
        Type::Paren(inner) => polled(&inner.elem),
        Type::Group(inner) => polled(&inner.elem),
        _ => None,
    }
}

fn of_boxed(ty: &Type) -> Option<Polled> {
    let Type::Path(path) = ty else { return None };
    let (name, arguments) = last_segment(&path.path)?;
    match first_type(arguments)? {
        Type::TraitObject(object) if name == "Box" => of_bounds(object.bounds.iter(), true),
        _ => None,
    }
}

fn of_bounds<'a>(
    mut bounds: impl Iterator<Item = &'a TypeParamBound>,
    boxed: bool,
) -> Option<Polled> {
    bounds.find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => of_trait(&bound.path, boxed),
        _ => None,
    })
}

fn of_trait(path: &Path, boxed: bool) -> Option<Polled> {
    let (name, arguments) = last_segment(path)?;
    let (kind, output) = match name.to_string().as_str() {
        "Future" => (PollKind::Future, "Output"),
        "Stream" => (PollKind::Stream, "Item"),
        _ => return None,
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(AssocType { ident, ty, .. }) if ident == output => {
            Some(Polled { kind, boxed, output: Some(inferred(ty)) })
        }
        _ => None,
    })
}

/// The last segment of a path, if that has arguments in angle brackets.
fn last_segment(path: &Path) -> Option<(&Ident, &AngleBracketedGenericArguments)> {
    let last = path.segments.last()?;
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) => Some((&last.ident, arguments)),
        _ => None,
    }
}

fn first_type(arguments: &AngleBracketedGenericArguments) -> Option<&Type> {
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// The function and the `async` block of `Box::pin(async { … })`.
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
