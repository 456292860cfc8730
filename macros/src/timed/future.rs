//! Functions whose body is polled: `async fn`s, and functions that return a future or stream.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{ReturnType, Stmt, Type, parse_quote};

use super::body::{block, split_tail, tail_span};
use super::parts::Parts;
use super::sync::call;
use crate::function::{Argument, Function, without_lifetimes};
use crate::shape::{PollKind, Polled, pinned};
use crate::tokens::{local, mentions, respan, span_at};

/// `fn f(…) -> impl Future<Output = T> { step }`: unlike an `async fn`, the future stores the arguments
/// once.
pub(super) fn returns_future(parts: &Parts, function: &mut Function) -> TokenStream {
    let private = &parts.private;
    let step = step(parts, function);
    let output = match &function.signature.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => ty.to_token_stream(),
    };
    // Lints look at the end of a signature to find out whether it is generated.
    let end = output.clone().into_iter().last().map_or_else(Span::call_site, |last| last.span());
    let end = quote_spanned!(end=> >);
    function.signature.asyncness = None;
    // The compiler reports a value that does not implement an `impl Trait` of the output at the body, and other
    // diagnostics about the future at the output.
    let span = match &function.signature.output {
        ReturnType::Type(_, ty) if !mentions(&ty.to_token_stream(), &format_ident!("impl")) => {
            span_at(ty)
        }
        _ => span_at(&function.body),
    };
    let future = quote_spanned!(span=> -> impl #private::Future<Output = #output #end);
    function.signature.output = parse_quote!(#future);
    returned(function, &step)
}

/// `async fn f(…) -> T { step.await }`
pub(super) fn stays_async(parts: &Parts, function: &mut Function) -> TokenStream {
    if let ReturnType::Type(_, ty) = &mut function.signature.output
        && let Type::Never(never) = &**ty
    {
        // Only a signature can name `!`, so the body returns another type without values.
        let private = &parts.private;
        let span = never.span();
        let declared =
            std::mem::replace(ty, syn::parse_quote_spanned!(span=> #private::Infallible));
        let step = step(parts, function);
        function.signature.output = parse_quote!(-> #declared);
        return quote!(match #step.await {});
    }
    let step = step(parts, function);
    returned(function, &quote!(#step.await))
}

/// `return value;`, with the span of the body, so that type errors are reported there.
fn returned(function: &Function, value: &TokenStream) -> TokenStream {
    let span = span_at(&function.body);
    quote_spanned!(span=> return #value;)
}

/// The body of an `async fn` as a future that owns the arguments, in the function's order:
///
/// ```text
/// Step::new::<Output>(&__SITE, async move {
///     let a = a;
///     entered(&__SITE, |__fields| { … });
///     if false { return hint::<Output>(); }
///     let __value: Output = { body };
///     return __value;
/// }, read)
/// ```
fn step(parts: &Parts, function: &mut Function) -> TokenStream {
    let Parts { private, read, relations, .. } = parts;
    // The compiler infers the lifetimes and compares them with the signature's where the future is
    // returned.
    let output = without_lifetimes(function.output());
    let entered = parts.entered();
    let whole_self = function.whole_self(true);
    function.allow_changed_self();
    let arguments = function.take_arguments();
    let arguments = arguments.iter().map(Argument::rebound);
    let hint = return_type_hint(private, &function.output());
    let body = function.body.stream();
    // The compiler reports a value that can't leave the future at the tail.
    let tail = tail_span(&body).unwrap_or_else(|| function.body.span());
    let value = Ident::new("__value", tail);
    let body = block(&body, function.body.span());
    let returned = if let Type::Infer(_) = output {
        // The compiler would name a variable in its errors about mismatched types.
        quote!(return #body;)
    } else {
        let declared = declared(&output);
        quote! {
            let #value: #declared = #body;
            #[allow(unreachable_code)]
            return #value;
        }
    };
    let future = quote! {
        async move {
            #whole_self
            #(#arguments)*
            #relations
            #entered
            #hint
            #returned
        }
    };
    let mut arguments = Group::new(Delimiter::Parenthesis, quote!(&__SITE, #future, #read));
    arguments.set_span(tail);
    let private = respan(tail, private);
    quote_spanned!(tail=> #private::Step::new::<#output> #arguments)
}

/// The output as the type of a variable. Its ends are generated if the type is long: else clippy's `type_complexity`,
/// which does not look at the output of an `async fn`, would fire. A short one stays the user's, because the compiler
/// reports an unknown name once for each span.
fn declared(output: &Type) -> TokenStream {
    const LONG: usize = 16;
    fn count(tokens: TokenStream) -> usize {
        let of = |token| match token {
            TokenTree::Group(group) => count(group.stream()) + 1,
            _ => 1,
        };
        tokens.into_iter().map(of).sum()
    }
    let tokens = output.to_token_stream();
    if count(tokens.clone()) < LONG {
        return tokens;
    }
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let last = tokens.len() - 1;
    for at in [0, last] {
        let span = Span::call_site().located_at(tokens[at].span());
        tokens[at].set_span(span);
    }
    tokens.into_iter().collect()
}

/// A `return` that never runs. An `async` block can't declare its type, from which the `return`s and
/// `?`s of the body infer theirs.
fn return_type_hint(private: &TokenStream, output: &Type) -> Option<TokenStream> {
    // The compiler compares a wrong type with the function's return type at its span.
    let span = output.span();
    let private = respan(span, private);
    let is_known = !matches!(output, Type::Infer(_));
    is_known.then(|| {
        let hint = quote_spanned!(span=> return #private::hint::<#output>());
        quote!(if false { #hint; })
    })
}

/// The returned future or stream as a step, which starts with its first poll:
///
/// ```text
/// statements
/// Box::pin(Step::new::<Output>(&__SITE, async move { … }, read))
/// ```
///
/// A body with `return`s becomes a closure, whose value is wrapped.
pub(super) fn returns_polled(
    parts: &Parts,
    function: &mut Function,
    polled: &Polled,
) -> TokenStream {
    let Parts { private, read, relations, .. } = parts;
    let output = match (&polled.output, polled.kind) {
        (Some(output), _) => output.to_token_stream(),
        (None, kind) => {
            let declared = function.output();
            match kind {
                PollKind::Future => quote!(<#declared as #private::Future>::Output),
                PollKind::Stream => quote!(<#declared as #private::Stream>::Item),
            }
        }
    };
    let new_entry = quote!(#private::StepStart::new);
    let entry = match &parts.fields {
        None => quote!(&__SITE),
        Some(_) => parts.start(&new_entry, &new_entry),
    };
    let wrapper = match polled.kind {
        PollKind::Future => quote!(#private::Step),
        PollKind::Stream => quote!(#private::StepStream),
    };
    let bound = local("__entry");
    if let Some((statements, tail)) = split_tail(&function.body.stream()) {
        let bind_entry = parts.fields.is_some().then(|| quote!(let #bound = #entry;));
        let entry = if bind_entry.is_some() { quote!(#bound) } else { entry };
        let step = |polled: TokenStream| quote!(#wrapper::new::<#output>(#entry, #polled, #read));
        let tail = match (polled.boxed, pinned(&tail)) {
            (true, Some((pin, future))) => {
                let step = step(future.to_token_stream());
                quote!(#pin(#step))
            }
            (true, None) => {
                let declared = function.output();
                let step = step(quote!(__polled));
                quote!({
                    let __polled: #declared = #tail;
                    #private::Box::pin(#step)
                })
            }
            (false, _) => step(tail.to_token_stream()),
        };
        // Clippy wants items before statements.
        let items = statements.iter().take_while(|statement| matches!(statement, Stmt::Item(_)));
        let (items, statements) = statements.split_at(items.count());
        return quote!(#(#items)* #relations #bind_entry #(#statements)* return #tail;);
    }
    let declared = function.output();
    let polled_value = call(parts, function, &declared, None);
    let step = quote!(#wrapper::new::<#output>(#bound, __polled, #read));
    let value = if polled.boxed { quote!(#private::Box::pin(#step)) } else { step };
    quote! {
        #relations
        let #bound = #entry;
        let __polled = #polled_value;
        return #value;
    }
}
