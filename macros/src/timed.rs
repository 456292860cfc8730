//! What the expansions of `#[step_timed]` and `#[dependency_call]` share: the static of the site, the
//! fields at entry, and the body between a beginning and an end.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::parse::Parser as _;
use syn::spanned::Spanned as _;
use syn::visit_mut::{VisitMut, visit_expr_mut};
use syn::{Block, Expr, ExprLit, Ident, Item, Lit, LitStr, Stmt, Type, parse_quote};

use crate::args::{Args, Attribute, Field, Level, Policy, Ret, policy_of};
use crate::block;
use crate::errors::Errors;
use crate::function::{Argument, Function, caller, without_lifetimes};
use crate::inventory;
use crate::shape::{Kind, Place, Polled, Shape, pinned};

/// Parses, checks and expands; mistakes stand beside the untouched item.
pub(crate) fn expand(attribute: Attribute, args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = crate::args::parse(attribute, args, &mut errors);
    let is_block = block::is_block(&item);
    let expanded = if is_block {
        block::expand(attribute, &args, item.clone(), &mut errors)
    } else {
        if let Some(skip) = args.skip {
            errors.push(syn::Error::new(
                skip,
                format!("`skip` is for a method in a block under `#[{}]`", attribute.name()),
            ));
        }
        needs_dependency(attribute, &args, &mut errors);
        errors
            .take(parse_function(item.clone()))
            .and_then(|function| errors.take(timed(attribute, &args, function, Place::default())))
    };
    match (errors.finish(), expanded) {
        (Ok(()), Some(expanded)) => expanded,
        (Err(error), expanded) => {
            let error = error.into_compile_error();
            // The methods of a block are without their own attributes, which nobody else may know.
            let item = expanded.filter(|_| is_block).unwrap_or(item);
            quote!(#error #item)
        }
        (Ok(()), None) => item,
    }
}

/// Whether the dependency is named, where it has to be.
pub(crate) fn needs_dependency(attribute: Attribute, args: &Args, errors: &mut Errors) -> bool {
    let is_missing = attribute == Attribute::Call && args.first.is_none() && args.skip.is_none();
    if is_missing {
        errors.push(syn::Error::new(
            Span::call_site(),
            "the name of the dependency is missing; write `#[dependency_call(\"payments\")]`",
        ));
    }
    !is_missing
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
/// fn charge(order: &Order) -> impl Future<Output = Result<Receipt, Declined>> {
///     site!(step "charge" ["order_id"]);
///     Step::new::<Result<Receipt, Declined>>(&__SITE, async move {
///         let order = order;
///         entered(&__SITE, |__fields| { __fields.field("order_id", …); });
///         if false { return hint::<Result<Receipt, Declined>>(); }
///         let __value: Result<Receipt, Declined> = { …body… };
///         __value
///     }, |__value| ending!(__value))
/// }
/// ```
pub(crate) fn timed(
    attribute: Attribute,
    args: &Args,
    mut function: Function,
    place: Place,
) -> syn::Result<TokenStream> {
    function.hoist_attributes();
    let shape = Shape::of(attribute, args, &function, place);
    check(args, &shape)?;
    let parts = Parts::new(attribute, args, &function);
    let site = &parts.site;
    let body = match &shape {
        Shape::InPlace => in_place(&parts, &function),
        Shape::Located => located(&parts, &function),
        Shape::Called => called(&parts, &mut function),
        Shape::Future => future(&parts, &mut function),
        Shape::Async => stays_async(&parts, &mut function),
        Shape::Polled(polled) => returns_polled(&parts, &mut function, polled),
    };
    Ok(function.with_body(&quote!(#site #body)))
}

fn check(args: &Args, shape: &Shape) -> syn::Result<()> {
    let is_polled = matches!(shape, Shape::Future | Shape::Async | Shape::Polled(_));
    let is_stream = matches!(shape, Shape::Polled(Polled { kind: Kind::Stream, .. }));
    if let Some(busy) = args.busy
        && !is_polled
    {
        let message = "`busy` is the time inside `poll`, which only an async function has";
        return Err(syn::Error::new(busy, message));
    }
    if let Some(ret) = &args.ret
        && is_stream
    {
        return Err(syn::Error::new(
            ret.span,
            "`ret` has no value to show where a stream is returned",
        ));
    }
    if let (Shape::Polled(Polled { kind: Kind::Stream, output, .. }), false) =
        (shape, cfg!(feature = "stream"))
    {
        let message = "a stream is timed where candor's feature `stream` is on";
        return Err(syn::Error::new_spanned(output, message));
    }
    Ok(())
}

/// What every form of the body is made of.
struct Parts {
    private: TokenStream,
    site: TokenStream,
    /// Statements that evaluate the fields, where there are any.
    fields: Option<TokenStream>,
    /// The closure that reads how the call ended.
    read: TokenStream,
}

impl Parts {
    fn new(attribute: Attribute, args: &Args, function: &Function) -> Self {
        let private = private(args);
        let site = site(attribute, args, function, &private);
        let fields = fields(args, &private);
        let read = read(attribute, args, &private);
        Parts { private, site, fields, read }
    }

    /// `enter(&__SITE)`, or with fields.
    fn begin(&self, what: &TokenStream, bare: &str, with_fields: &str) -> TokenStream {
        match &self.fields {
            None => {
                let bare = format_ident!("{bare}");
                quote!(#what::#bare(&__SITE))
            }
            Some(fields) => {
                let with_fields = format_ident!("{with_fields}");
                quote!(#what::#with_fields(&__SITE, |__fields| { #fields }))
            }
        }
    }

    fn guard(&self) -> TokenStream {
        let private = &self.private;
        self.begin(&quote!(#private::StepGuard), "enter", "enter_with")
    }

    /// Evaluates the fields inside the body.
    fn entered(&self) -> Option<TokenStream> {
        let Parts { private, fields, .. } = self;
        fields.as_ref().map(|fields| quote!(#private::entered(&__SITE, |__fields| { #fields });))
    }
}

fn in_place(parts: &Parts, function: &Function) -> TokenStream {
    let guard = parts.guard();
    let mut body = function.body.stream();
    // Items at the start of a block stay there.
    if starts_with_item(&body) {
        body = function.body.to_token_stream();
    }
    quote! {
        let __step = #guard;
        #body
    }
}

/// The body beside a guard that is told what leaves by the tail or by a `return`; what leaves by a
/// `?` is known to be an error by the return type alone.
fn located(parts: &Parts, function: &Function) -> TokenStream {
    let Parts { private, read, .. } = parts;
    let output = function.output();
    let guard = parts.guard();
    let told = |value: TokenStream| {
        quote! {
            let __value: #output = #value;
            // Where the body does not come here, it is the user's own, and no news.
            #[allow(unreachable_code)]
            {
                __step.read(&__value, #read);
                return __value;
            }
        }
    };
    let body = match Block::parse_within.parse2(function.body.stream()) {
        Ok(mut statements) => {
            let mut returns = Returns { told: &told };
            for statement in &mut statements {
                returns.visit_stmt_mut(statement);
            }
            quote!(#(#statements)*)
        }
        Err(_) => function.body.stream(),
    };
    let value = told(block(&body, output.span()));
    quote! {
        let mut __step = #guard.unread(#private::unread!(#output));
        #value
    }
}

/// Finds the `return`s of a function, not those of what is defined inside it.
struct Returns<'a> {
    told: &'a dyn Fn(TokenStream) -> TokenStream,
}

impl VisitMut for Returns<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Closure(_) | Expr::Async(_) => {}
            Expr::Return(returned) => {
                if let Some(value) = &mut returned.expr {
                    visit_expr_mut(self, value);
                    let told = (self.told)(value.to_token_stream());
                    *expr = parse_quote!({ #told });
                }
            }
            other => visit_expr_mut(self, other),
        }
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// The body as a closure whose parameters are the function's arguments.
fn called(parts: &Parts, function: &mut Function) -> TokenStream {
    let Parts { private, read, .. } = parts;
    let output = function.output();
    let inside = function.has_patterns().then(|| parts.entered()).flatten();
    let guard = match inside {
        Some(_) => quote!(#private::StepGuard::enter_before(&__SITE)),
        None => parts.guard(),
    };
    let value = call(parts, function, &output, inside.as_ref());
    quote! {
        let mut __step = #guard;
        let __value = #value;
        __step.read(&__value, #read);
        __value
    }
}

/// `call2(a, b, move |a, b| -> Output { … })`
fn call(
    parts: &Parts,
    function: &mut Function,
    output: &Type,
    first: Option<&TokenStream>,
) -> TokenStream {
    /// Arguments beyond these are captured, and dropped in the order in which the body names them.
    const MOST: usize = 12;
    let private = &parts.private;
    let whole_self = function.whole_self(false);
    function.allow_changed_self();
    let mut arguments = function.take_arguments();
    let rest = arguments.split_off(arguments.len().min(MOST));
    let rest = rest.iter().map(Argument::rebound);
    // What only a field names is used all the same.
    let used = arguments.iter().map(|argument| &argument.name);
    let used = used.filter(|name| parts.fields.as_ref().is_some_and(|fields| names(fields, name)));
    let mut first = quote!(#first #whole_self #(let _ = &#used;)* #(#rest)*);
    first.extend(function.body.stream());
    let mut body = Group::new(Delimiter::Brace, first);
    // Of a body without a value the compiler speaks at the function's return type.
    body.set_span(match &function.signature.output {
        syn::ReturnType::Type(_, ty) if !starts_with_item(&function.body.stream()) => ty.span(),
        _ => Span::mixed_site().located_at(function.body.span()),
    });
    let caller = caller(arguments.len());
    let given = arguments.iter().map(|argument| &argument.name);
    let parameters = arguments.iter().map(Argument::parameter);
    quote!(#private::#caller(#(#given,)* move |#(#parameters),*| -> #output #body))
}

fn names(tokens: &TokenStream, name: &Ident) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => names(&group.stream(), name),
        _ => false,
    })
}

/// `fn … -> impl Future`, whose arguments are stored once.
fn future(parts: &Parts, function: &mut Function) -> TokenStream {
    let private = &parts.private;
    let step = step(parts, function);
    let output = match &function.signature.output {
        syn::ReturnType::Default => quote!(()),
        syn::ReturnType::Type(_, ty) => ty.to_token_stream(),
    };
    // A signature that ends at the user's tokens is the user's own to the lints.
    let end = output.clone().into_iter().last().map_or_else(Span::call_site, |last| last.span());
    let end = quote_spanned!(end=> >);
    function.signature.asyncness = None;
    function.signature.output = parse_quote!(-> impl #private::Future<Output = #output #end);
    step
}

/// An `async fn` around the step, where it has to be one.
fn stays_async(parts: &Parts, function: &mut Function) -> TokenStream {
    if let syn::ReturnType::Type(_, ty) = &mut function.signature.output
        && let Type::Never(never) = &**ty
    {
        // Nothing but a signature may name `!`; the body meets another type without values.
        let private = &parts.private;
        let span = never.span();
        let declared =
            std::mem::replace(ty, syn::parse_quote_spanned!(span=> #private::Infallible));
        let step = step(parts, function);
        function.signature.output = parse_quote!(-> #declared);
        return quote!(match #step.await {});
    }
    let step = step(parts, function);
    quote!(#step.await)
}

/// The body of an `async fn` as a step, which owns what the function owns, in the same order.
fn step(parts: &Parts, function: &mut Function) -> TokenStream {
    let Parts { private, read, .. } = parts;
    // The body's lifetimes are what the compiler finds; they meet the function's own at its end.
    let output = without_lifetimes(function.output());
    let entered = parts.entered();
    let whole_self = function.whole_self(true);
    function.allow_changed_self();
    let arguments = function.take_arguments();
    let arguments = arguments.iter().map(Argument::rebound);
    let hint = hint(private, &function.output());
    let body = function.body.stream();
    // Where the value may not leave, the compiler says so at the body's tail.
    let tail = tail(&body).unwrap_or_else(|| function.body.span());
    let value = Ident::new("__value", tail);
    let body = block(&body, function.body.span());
    let future = quote! {
        async move {
            #whole_self
            #(#arguments)*
            #entered
            #hint
            let #value: #output = #body;
            #[allow(unreachable_code)]
            return #value;
        }
    };
    let mut arguments = Group::new(Delimiter::Parenthesis, quote!(&__SITE, #future, #read));
    arguments.set_span(tail);
    let private = at(tail, private);
    quote_spanned!(tail=> #private::Step::new::<#output> #arguments)
}

/// The body's `return`s and `?`s infer their types from the function's return type, which an `async`
/// block has no place to write; a `return` that is never reached tells it.
fn hint(private: &TokenStream, output: &Type) -> Option<TokenStream> {
    let span = output.span();
    let private = at(span, private);
    let known = !matches!(output, Type::Infer(_));
    known.then(|| {
        // What a wrong type is compared with, the compiler shows at the function's own.
        let told = quote_spanned!(span=> return #private::hint::<#output>());
        quote!(if false { #told; })
    })
}

/// Tokens as if they stood elsewhere.
fn at(span: Span, tokens: &TokenStream) -> TokenStream {
    let moved = tokens.clone().into_iter().map(|mut token| {
        token.set_span(span);
        token
    });
    moved.collect()
}

/// A body as the value of a `let`. Where it has no value, the compiler says so at `span`.
fn block(body: &TokenStream, span: Span) -> TokenStream {
    // A block of one expression would be told that it needs no braces.
    let filler = (!starts_with_item(body)).then(|| quote!(let () = ();));
    let mut block = Group::new(Delimiter::Brace, quote!(#filler #body));
    block.set_span(span);
    block.into_token_stream()
}

/// Where the last statement of a body begins.
fn tail(body: &TokenStream) -> Option<Span> {
    let mut tail = None;
    let mut behind = true;
    for token in body.clone() {
        if behind {
            tail = Some(token.span());
        }
        behind = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ';');
    }
    tail
}

fn starts_with_item(body: &TokenStream) -> bool {
    const ITEMS: [&str; 11] = [
        "const",
        "enum",
        "extern",
        "fn",
        "macro_rules",
        "mod",
        "static",
        "struct",
        "trait",
        "type",
        "use",
    ];
    match body.clone().into_iter().next() {
        Some(TokenTree::Ident(first)) => ITEMS.iter().any(|item| first == item),
        Some(TokenTree::Punct(first)) => first.as_char() == '#',
        _ => false,
    }
}

/// What the function returns, as a step from its first poll on.
fn returns_polled(parts: &Parts, function: &mut Function, polled: &Polled) -> TokenStream {
    let Parts { private, read, .. } = parts;
    let output = &polled.output;
    let entry = match &parts.fields {
        None => quote!(&__SITE),
        Some(_) => parts.begin(&quote!(#private::Entry), "new", "new"),
    };
    let step = match polled.kind {
        Kind::Future => quote!(#private::Step),
        Kind::Stream => quote!(#private::StepStream),
    };
    if let Some((statements, tail)) = without_returns(&function.body) {
        let entry = parts.fields.is_some().then(|| quote!(let __entry = #entry;));
        let named = if entry.is_some() { quote!(__entry) } else { quote!(&__SITE) };
        let step = |polled: TokenStream| quote!(#step::new::<#output>(#named, #polled, #read));
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
        return quote!(#entry #(#statements)* #tail);
    }
    let declared = function.output();
    let polled_value = call(parts, function, &declared, None);
    let step = quote!(#step::new::<#output>(__entry, __polled, #read));
    let value = if polled.boxed { quote!(#private::Box::pin(#step)) } else { step };
    quote! {
        let __entry = #entry;
        let __polled = #polled_value;
        #value
    }
}

/// The statements and the tail of a body that has no other way out.
fn without_returns(body: &Group) -> Option<(Vec<Stmt>, Expr)> {
    struct Finder(bool);
    impl VisitMut for Finder {
        fn visit_expr_mut(&mut self, expr: &mut Expr) {
            match expr {
                Expr::Closure(_) | Expr::Async(_) => {}
                Expr::Return(_) => self.0 = true,
                other => visit_expr_mut(self, other),
            }
        }

        fn visit_item_mut(&mut self, _: &mut Item) {}
    }
    let mut statements = Block::parse_within.parse2(body.stream()).ok()?;
    let mut finder = Finder(false);
    for statement in &mut statements {
        finder.visit_stmt_mut(statement);
    }
    let tail = match statements.pop()? {
        Stmt::Expr(tail, None) => tail,
        Stmt::Macro(tail) if tail.semi_token.is_none() => {
            let tail = tail.mac;
            parse_quote!(#tail)
        }
        _ => return None,
    };
    (!finder.0).then_some((statements, tail))
}

/// `::candor::__private`, or where `crate = …` says it is.
fn private(args: &Args) -> TokenStream {
    match &args.root {
        Some(root) => quote!(#root::__private),
        None => quote!(::candor::__private),
    }
}

fn policies(args: &Args) -> TokenStream {
    match &args.root {
        Some(root) => quote!(#root::policy),
        None => quote!(::candor::policy),
    }
}
fn site(
    attribute: Attribute,
    args: &Args,
    function: &Function,
    private: &TokenStream,
) -> TokenStream {
    let function_name = function.signature.ident.unraw().to_string();
    let function_name = match &args.block {
        Some(block) => format!("{block}::{function_name}"),
        None => function_name,
    };
    let first = args.first.as_ref().map_or_else(|| function_name.clone(), LitStr::value);
    let (name, kind) = match attribute {
        Attribute::Step => (first, quote!(step)),
        Attribute::Call => {
            let operation = args.operation.as_ref().map_or(function_name, LitStr::value);
            (operation, quote!(call))
        }
    };
    let mut settings = TokenStream::new();
    if attribute == Attribute::Call {
        let dependency = &args.first;
        settings.extend(quote!(.dependency(#dependency)));
    }
    for (method, text) in [
        ("target", args.target.as_ref()),
        ("method", args.method.as_ref()),
        ("url", args.url.as_ref().and_then(text_of)),
        ("url_template", args.url_template.as_ref()),
    ] {
        let method = format_ident!("{method}");
        settings.extend(text.map(|text| quote!(.#method(#text))));
    }
    for (method, level) in [("level", &args.level), ("err", &args.err)] {
        let method = format_ident!("{method}");
        settings
            .extend(level.as_ref().map(|Level(level)| quote!(.#method(#private::Level::#level))));
    }
    settings.extend(args.slow_nanos.map(|nanos| quote!(.slow_nanos(#nanos))));
    settings.extend(args.busy.map(|_| quote!(.busy())));
    let fields = args.fields.iter().map(|field| field.name.unraw().to_string());
    let dependency = match (attribute, &args.first) {
        (Attribute::Call, Some(dependency)) => dependency.value(),
        _ => String::new(),
    };
    let of_args = inventory::of_args(args, private);
    let listed = inventory::submit(&kind.to_string(), &dependency, &name, of_args, private);
    quote!(#listed #private::site!(#kind #name [#(#fields),*] #settings);)
}

/// The text of an expression that is a literal.
fn text_of(value: &Expr) -> Option<&LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text),
        _ => None,
    }
}

/// The statements that take the fields, and the URL of a call where that is no [literal](text_of).
fn fields(args: &Args, private: &TokenStream) -> Option<TokenStream> {
    let url = args.url.as_ref().filter(|url| text_of(url).is_none()).map(|url| {
        let url = borrowed(url, &url.to_token_stream());
        quote!(__fields.url(#url);)
    });
    let policies = policies(args);
    let fields = args.fields.iter().map(|Field { name, value }| {
        let key = name.unraw().to_string();
        let opening = format!(",\"{key}\":");
        let decided = with_policy(value.clone(), &policies);
        let value = borrowed(value, &decided.to_token_stream());
        quote! {
            __fields.field(#opening, const { #private::is_sensitive(#key) }, #value);
        }
    });
    (url.is_some() || !args.fields.is_empty()).then(|| quote!(#url #(#fields)*))
}

/// A reference to a value, at the value's own tokens: there the compiler says that it is not loggable.
pub(crate) fn borrowed(value: &Expr, decided: &TokenStream) -> TokenStream {
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
        | Expr::Tuple(_) => quote_spanned!(value.span()=> &#decided),
        _ => quote_spanned!(value.span()=> &(#decided)),
    }
}

/// A policy in front of a value is the user's name where there is one of that name, so that an
/// import of it is used, and candor's elsewhere: what is near wins over what stands further out, and
/// both are nearer than nothing.
pub(crate) fn with_policy(value: Expr, policies: &TokenStream) -> Expr {
    match value {
        Expr::MethodCall(mut call) => {
            *call.receiver = with_policy(*call.receiver, policies);
            Expr::MethodCall(call)
        }
        Expr::Call(mut call) => {
            if let Some(name) = policy_of(&call) {
                let name = name.clone();
                call.func = parse_quote!({
                    use #policies::*;
                    {
                        use self::*;
                        #name
                    }
                });
            }
            // `Some(clear(x))` is as near.
            for argument in call.args.iter_mut().filter(|_| is_wrapper(&call.func)) {
                *argument = with_policy(argument.clone(), policies);
            }
            Expr::Call(call)
        }
        Expr::Reference(mut reference) => {
            *reference.expr = with_policy(*reference.expr, policies);
            Expr::Reference(reference)
        }
        Expr::Paren(mut paren) => {
            *paren.expr = with_policy(*paren.expr, policies);
            Expr::Paren(paren)
        }
        Expr::Tuple(mut tuple) => {
            for item in &mut tuple.elems {
                *item = with_policy(item.clone(), policies);
            }
            Expr::Tuple(tuple)
        }
        Expr::Array(mut array) => {
            for item in &mut array.elems {
                *item = with_policy(item.clone(), policies);
            }
            Expr::Array(array)
        }
        other => other,
    }
}

/// `Some`, `Ok`, `Err`: what stands around a value without being anything of its own.
fn is_wrapper(function: &Expr) -> bool {
    let Expr::Path(function) = function else { return false };
    ["Some", "Ok", "Err"].iter().any(|name| function.path.is_ident(name))
}

/// A closure that reads from the returned value how the call ended.
fn read(attribute: Attribute, args: &Args, private: &TokenStream) -> TokenStream {
    let answer = (attribute == Attribute::Call).then(|| match &args.outcome {
        None => quote!(.with_answer(#private::answered!(__value))),
        Some(outcome) => {
            let told = quote_spanned!(outcome.span()=> #private::answer(|| #outcome(__value)));
            quote!(.with_answer(#told))
        }
    });
    let ret = args.ret.as_ref().map(|Ret { span, policy }| {
        let shown = match policy {
            None => quote_spanned!(*span=> ret(&__shown)),
            Some(Policy::Named { name, settings }) => {
                let policies = policies(args);
                let settings = settings.iter().map(|(setting, value)| quote!(.#setting(#value)));
                let shown = quote_spanned!(name.span()=> #policies::#name(__shown) #(#settings)*);
                quote_spanned!(*span=> ret(&#shown))
            }
            Some(Policy::With(path)) => quote_spanned!(path.span()=> ret_with(|| #path(__shown))),
        };
        quote_spanned! {*span=>
            .with_ret(#private::returned!(__value).map(|__shown| #private::#shown))
        }
    });
    quote!(|__value| #private::ending!(__value) #answer #ret)
}

#[cfg(test)]
mod tests {
    use expect_test::{ExpectFile, expect_file};

    use super::*;

    fn check(attribute: Attribute, args: TokenStream, item: TokenStream, expected: &ExpectFile) {
        let file = syn::parse2(expand(attribute, args, item)).expect("items");
        expected.assert_eq(&prettyplease::unparse(&file));
    }

    #[test]
    fn of_a_function_that_returns_nothing() {
        let item = quote!(
            fn tidy(a: u32) {
                println!("{a}");
            }
        );
        check(Attribute::Step, quote!(), item, &expect_file!["snapshots/step_in_place.rs"]);
    }

    #[test]
    fn of_a_fallible_function() {
        let item = quote! {
            pub fn reserve(order: &Order, mut left: u32, _: Key) -> Result<u32, Refused> {
                left -= order.count()?;
                Ok(left)
            }
        };
        let args = quote!(fields(id = order.id), slow = "250ms");
        check(Attribute::Step, args, item, &expect_file!["snapshots/step_sync.rs"]);
    }

    #[test]
    fn of_an_async_function() {
        let item = quote! {
            async fn charge(&self, order: &Order, (a, _): (u32, u32)) -> Result<Receipt, Declined> {
                self.send(order, a).await
            }
        };
        let args = quote!("payments", method = "POST", url = self.url());
        check(Attribute::Call, args, item, &expect_file!["snapshots/call_async.rs"]);
    }

    #[test]
    fn of_a_call_of_a_url_that_stands_in_the_program() {
        let item = quote! {
            async fn ping() -> Result<(), Down> {
                get().await
            }
        };
        let args = quote!("payments", url = "https://pay.example/ping");
        check(Attribute::Call, args, item, &expect_file!["snapshots/call_literal_url.rs"]);
    }

    #[test]
    fn of_an_async_function_that_has_to_stay_one() {
        let item = quote!(
            #[must_use]
            async fn count() -> u32 {
                7
            }
        );
        check(Attribute::Step, quote!(busy), item, &expect_file!["snapshots/step_stays_async.rs"]);
    }

    #[test]
    fn of_a_function_with_a_location() {
        let item = quote! {
            #[track_caller]
            fn find(at: usize) -> Result<u32, Missing> {
                if at == 0 {
                    return Err(Missing);
                }
                look(at)
            }
        };
        check(Attribute::Step, quote!(), item, &expect_file!["snapshots/step_located.rs"]);
    }

    #[test]
    fn of_a_boxed_future() {
        let item = quote! {
            fn load(&self) -> Pin<Box<dyn Future<Output = u32> + Send + '_>> {
                let at = self.at;
                Box::pin(async move { at })
            }
        };
        check(Attribute::Step, quote!(), item, &expect_file!["snapshots/step_boxed.rs"]);
    }

    #[test]
    fn of_a_block() {
        let item = quote! {
            impl Store {
                const SIZE: usize = { 4 };
                const fn size(&self) -> usize { Self::SIZE }
                fn clear(&self) {}
                #[step_timed(skip)]
                fn touch(&self) {}
            }
        };
        check(
            Attribute::Step,
            quote!(level = "debug"),
            item,
            &expect_file!["snapshots/step_block.rs"],
        );
    }
}
