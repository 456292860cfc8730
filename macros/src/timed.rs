//! What the expansions of `#[step_timed]` and `#[dependency_call]` share: the static of the site, the
//! fields at entry, and the body between a beginning and an end.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Expr, Type};

use crate::args::{Args, Attribute, CALL, FIXED, Field, Level, Policy, Ret, STEP};
use crate::errors::Errors;
use crate::function::{Function, Returns};

/// Parses, checks and expands; mistakes stand beside the untouched function.
pub(crate) fn expand(attribute: Attribute, args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = crate::args::parse(attribute, args, &mut errors);
    if attribute == Attribute::Call && args.first.is_none() {
        errors.push(syn::Error::new(
            Span::call_site(),
            "the name of the dependency is missing; write `#[dependency_call(\"payments\")]`",
        ));
    }
    let function = errors.take(parse_function(item.clone()));
    match (errors.finish(), function) {
        (Ok(()), Some(mut function)) => {
            function.name_arguments();
            timed(attribute, &args, &function)
        }
        (Err(error), _) => {
            let error = error.into_compile_error();
            quote!(#error #item)
        }
        (Ok(()), None) => item,
    }
}

fn parse_function(item: TokenStream) -> syn::Result<Function> {
    let first = item.clone().into_iter().next();
    syn::parse2(item).map_err(|error: syn::Error| {
        // What is no function at all is named as such; what is wrong inside one is named where it is.
        match first {
            Some(first) if error.to_string().starts_with("expected `fn`") => {
                syn::Error::new_spanned(first, "only a function with a body can be timed")
            }
            _ => error,
        }
    })
}

/// The function with its body between a beginning and an end:
///
/// ```text
/// async fn charge(order: &Order) -> Result<Receipt, Declined> {
///     static __SITE: Site = Site::new(&__SITE, Spec::step("charge", …));
///     let __running = Running::begin(&__SITE, |__fields| { __fields.field("order_id", …); });
///     Step::new(__running, async move { …body… }, |__value| (…Probe(__value)).ending()).await
/// }
/// ```
fn timed(attribute: Attribute, args: &Args, function: &Function) -> TokenStream {
    let private = private(args);
    let site = site(attribute, args, function, &private);
    let begin = begin(attribute, args, &private);
    let read = match function.returns() {
        Returns::Never => quote!(|_| #private::Ending::OK),
        Returns::Unit | Returns::Typed(_) => read(attribute, args, &private),
    };
    let body = if function.signature.asyncness.is_some() {
        asynchronous(function, &private, &read)
    } else {
        synchronous(function, &private, &read)
    };
    function.with_body(&quote! {
        #site
        #begin
        #body
    })
}

/// `::candor::__private`, or where `crate = …` says it is.
fn private(args: &Args) -> TokenStream {
    match &args.root {
        Some(root) => quote!(#root::__private),
        None => quote!(::candor::__private),
    }
}

fn site(
    attribute: Attribute,
    args: &Args,
    function: &Function,
    private: &TokenStream,
) -> TokenStream {
    let function_name = function.signature.ident.unraw().to_string();
    let first = args.first.as_ref().map_or_else(|| function_name.clone(), syn::LitStr::value);
    let (name, constructor) = match attribute {
        Attribute::Step => (first, quote!(step)),
        Attribute::Call => {
            let operation = args.operation.as_ref().map_or(function_name, syn::LitStr::value);
            (operation, quote!(call))
        }
    };
    let mut settings = TokenStream::new();
    if attribute == Attribute::Call {
        let dependency = &args.first;
        settings.extend(quote!(.dependency(#dependency)));
    }
    for (method, text) in
        [("target", &args.target), ("method", &args.method), ("url_template", &args.url_template)]
    {
        let method = format_ident!("{method}");
        settings.extend(text.as_ref().map(|text| quote!(.#method(#text))));
    }
    for (method, level) in [("level", &args.level), ("err", &args.err)] {
        let method = format_ident!("{method}");
        settings
            .extend(level.as_ref().map(|Level(level)| quote!(.#method(#private::Level::#level))));
    }
    settings.extend(args.slow_nanos.map(|nanos| quote!(.slow_nanos(#nanos))));
    if !args.fields.is_empty() {
        let names = event_fields(attribute, &args.fields);
        settings.extend(quote!(.fields(&[#(#names),*])));
    }
    quote! {
        static __SITE: #private::Site = #private::Site::new(
            &__SITE,
            #private::Spec::#constructor(
                #name,
                #private::core::module_path!(),
                #private::core::file!(),
                #private::core::line!(),
            ) #settings,
        );
    }
}

/// The names of the event's fields as other layers see them.
fn event_fields(attribute: Attribute, fields: &[Field]) -> Vec<String> {
    debug_assert_eq!(FIXED[12], "event");
    let own = ["message", "event"].into_iter().chain(STEP);
    let call = CALL.into_iter().filter(|_| attribute == Attribute::Call);
    own.chain(call)
        .map(str::to_owned)
        .chain(fields.iter().map(|field| field.name.unraw().to_string()))
        .collect()
}

/// The beginning: fields are evaluated here, where arguments are still the function's.
fn begin(attribute: Attribute, args: &Args, private: &TokenStream) -> TokenStream {
    let policy = match &args.root {
        Some(root) => quote!(#root::policy),
        None => quote!(::candor::policy),
    };
    let fields = args.fields.iter().map(|Field { name, value }| {
        let key = name.unraw().to_string();
        let value = borrowed(value);
        quote! {
            __fields.field(#key, const { #private::is_sensitive(#key) }, #value);
        }
    });
    // A name for the policies that no argument of the function can have.
    let import = args
        .fields
        .iter()
        .any(|field| names_policy(&field.value))
        .then(|| quote!(use #policy as __policy;));
    let fields = quote!(|__fields| { #import #(#fields)* });
    match attribute {
        Attribute::Step => quote! {
            let __running = #private::Running::begin(&__SITE, #fields);
        },
        Attribute::Call => {
            let url = match &args.url {
                Some(url) => {
                    let text = borrowed(url);
                    quote!(#private::Some(#private::url_text(#text)))
                }
                None => quote!(#private::None),
            };
            quote! {
                let __running = #private::Running::begin_call(&__SITE, || #url, #fields);
            }
        }
    }
}

/// A reference to a value, at the value's own tokens: there the compiler says that it is not loggable.
fn borrowed(value: &Expr) -> TokenStream {
    match value {
        Expr::Array(_)
        | Expr::Call(_)
        | Expr::Field(_)
        | Expr::Index(_)
        | Expr::Lit(_)
        | Expr::Macro(_)
        | Expr::MethodCall(_)
        | Expr::Paren(_)
        | Expr::Path(_)
        | Expr::Tuple(_) => quote_spanned!(value.span()=> &#value),
        _ => quote_spanned!(value.span()=> &(#value)),
    }
}

fn names_policy(value: &Expr) -> bool {
    match value {
        Expr::MethodCall(call) => names_policy(&call.receiver),
        Expr::Call(call) => matches!(&*call.func, Expr::Path(path)
            if path.path.segments.first().is_some_and(|first| first.ident == "__policy")),
        _ => false,
    }
}

/// A closure that reads from the returned value how the call ended.
fn read(attribute: Attribute, args: &Args, private: &TokenStream) -> TokenStream {
    let answer = (attribute == Attribute::Call)
        .then(|| quote!(.with_answer((&&&&#private::Returned(__value)).answer())));
    let ret = args.ret.as_ref().map(|Ret { span, policy }| {
        let shown = match policy {
            None => quote_spanned!(*span=> __shown),
            Some(Policy { name, settings }) => {
                let root = match &args.root {
                    Some(root) => quote!(#root::policy),
                    None => quote!(::candor::policy),
                };
                let settings = settings.iter().map(|(setting, value)| quote!(.#setting(#value)));
                quote_spanned!(name.span()=> #root::#name(__shown) #(#settings)*)
            }
        };
        quote_spanned! {*span=>
            .with_ret((&#private::Returned(__value)).returned().map(|__shown| #private::ret(&#shown)))
        }
    });
    quote! {
        |__value| {
            use #private::probe::*;
            (&&&&&&&#private::Returned(__value)).ending() #answer #ret
        }
    }
}

fn synchronous(function: &Function, private: &TokenStream, read: &TokenStream) -> TokenStream {
    let body = &function.body;
    let ty = match function.returns() {
        Returns::Unit | Returns::Never => {
            let body = body.stream();
            return quote! {
                let __step = #private::StepGuard::enter(__running);
                #body
            };
        }
        Returns::Typed(ty) => ty,
    };
    let value = if function.tracks_caller() && !function.may_return_early() {
        // A closure would be the caller.
        quote!(let __value: #ty = #body;)
    } else {
        let body = function.body_after(&in_drop_order(function));
        quote!(let __value = #private::call(move || -> #ty #body);)
    };
    quote! {
        let __step = #private::StepGuard::enter(__running);
        #value
        __step.read(&__value, #read);
        __value
    }
}

fn asynchronous(function: &Function, private: &TokenStream, read: &TokenStream) -> TokenStream {
    let hint = match function.returns() {
        Returns::Never => None,
        Returns::Typed(ty) if matches!(*ty, Type::Infer(_)) => None,
        Returns::Typed(ty) => Some(return_hint(&ty)),
        Returns::Unit => Some(return_hint(&syn::parse_quote!(()))),
    };
    let order = in_drop_order(function);
    let body = function.body_after(&quote!(#hint #order));
    quote! {
        #private::Step::new(__running, async move #body, #read).await
    }
}

/// What a closure or an `async` block takes along it drops in the order in which it is first named,
/// where the plain function drops its arguments from the last one on.
fn in_drop_order(function: &Function) -> TokenStream {
    let names = function.dropped();
    if names.is_empty() {
        return TokenStream::new();
    }
    quote! {
        #[allow(unknown_lints, clippy::all, clippy::pedantic, clippy::nursery)]
        if false {
            let _ = (#(&#names,)*);
        }
    }
}

/// The body's tail and its `?` infer their types from the function's return type, which an `async`
/// block has no place to write; a `return` that is never reached tells it.
fn return_hint(ty: &Type) -> TokenStream {
    quote_spanned! {ty.span()=>
        #[allow(
            unknown_lints,
            unreachable_code,
            clippy::all,
            clippy::pedantic,
            clippy::nursery,
        )]
        if false {
            let __hint: #ty = loop {};
            return __hint;
        }
    }
}
