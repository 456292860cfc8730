//! Functions whose body runs at once: next to a guard, or as a closure.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{ToTokens as _, quote};
use syn::Type;
use syn::spanned::Spanned as _;

use super::body::{block, replace_returns, starts_with_item};
use super::parts::Parts;
use crate::function::{Argument, Function, caller};
use crate::tokens::{local, mentions};

/// ```text
/// let __step = StepGuard::enter(&__SITE);
/// body
/// ```
pub(super) fn guarded(parts: &Parts, function: &Function) -> TokenStream {
    let guard = parts.guard();
    let mut body = function.body.stream();
    // Items at the start of a block stay there.
    if starts_with_item(&body) {
        body = function.body.to_token_stream();
    }
    let step = local("__step");
    let relations = &parts.relations;
    quote! {
        #relations
        let #step = #guard;
        #body
    }
}

/// A guard that is shown the value of the tail and of each `return`. An error that leaves by `?` is
/// known by the return type only, hence `unobserved!`.
///
/// ```text
/// let mut __step = StepGuard::enter(&__SITE).unobserved(unobserved!(Output));
/// let __value: Output = { body };
/// { __step.read(&__value, read); return __value; }
/// ```
pub(super) fn track_caller(parts: &Parts, function: &Function) -> TokenStream {
    let Parts { private, read, .. } = parts;
    let output = function.output();
    let guard = parts.guard();
    let step = local("__step");
    let report = |value: TokenStream| {
        quote! {
            let __value: #output = #value;
            // If the body diverges, rustc already warns at the user's code.
            #[allow(unreachable_code)]
            {
                #step.read(&__value, #read);
                return __value;
            }
        }
    };
    let body = replace_returns(function.body.stream(), |value| report(value.to_token_stream()));
    let value = report(block(&body, output.span()));
    let relations = &parts.relations;
    quote! {
        #relations
        let mut #step = #guard.unobserved(#private::unobserved!(#output));
        #value
    }
}

/// The body as a closure, which keeps its `return`s and `?`s in the function:
///
/// ```text
/// let mut __step = StepGuard::enter(&__SITE);
/// let __value = call2(a, b, move |a, b| -> Output { body });
/// __step.read(&__value, read);
/// return __value;
/// ```
///
/// Fields can name what an argument's pattern binds; then they are evaluated inside the closure.
pub(super) fn closure(parts: &Parts, function: &mut Function) -> TokenStream {
    let Parts { private, read, .. } = parts;
    let output = function.output();
    let entered = function.has_patterns().then(|| parts.entered()).flatten();
    let guard = match entered {
        Some(_) => quote!(#private::StepGuard::enter_before(&__SITE)),
        None => parts.guard(),
    };
    let relations = &parts.relations;
    let (inside, outside) = if function.has_patterns() {
        (quote!(#relations #entered), None)
    } else {
        (quote!(), relations.as_ref())
    };
    let value = call(parts, function, &output, Some(&inside));
    quote! {
        #outside
        let mut __step = #guard;
        let __value = #value;
        __step.read(&__value, #read);
        return __value;
    }
}

/// `call2(a, b, move |a, b| -> Output { first body })`: arguments are passed on, not captured, so that
/// they are dropped in the function's order.
pub(super) fn call(
    parts: &Parts,
    function: &mut Function,
    output: &Type,
    first: Option<&TokenStream>,
) -> TokenStream {
    /// Further arguments are captured, and dropped in the order in which the body names them.
    const MOST: usize = 12;
    let private = &parts.private;
    let whole_self = function.whole_self(false);
    function.allow_changed_self();
    let mut arguments = function.take_arguments();
    let passed = arguments.iter().position(Argument::is_conditional).unwrap_or(arguments.len());
    let rest = arguments.split_off(passed.min(MOST));
    let rest = rest.iter().map(Argument::rebound);
    // Else the compiler would warn of an argument that only a field names.
    let used = arguments.iter().map(|argument| &argument.name);
    let used =
        used.filter(|name| parts.fields.as_ref().is_some_and(|fields| mentions(fields, name)));
    let mut statements = quote!(#first #whole_self #(let _ = &#used;)* #(#rest)*);
    statements.extend(function.body.stream());
    let mut body = Group::new(Delimiter::Brace, statements);
    // The compiler reports a body without a value at the function's return type.
    body.set_span(match &function.signature.output {
        syn::ReturnType::Type(_, ty) if !starts_with_item(&function.body.stream()) => ty.span(),
        _ => Span::mixed_site().located_at(function.body.span()),
    });
    let caller = caller(arguments.len());
    let passed = arguments.iter().map(|argument| &argument.name);
    let parameters = arguments.iter().map(Argument::parameter);
    quote!(#private::#caller(#(#passed,)* move |#(#parameters),*| -> #output #body))
}
