//! The pieces that every form of an expanded function consists of.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Expr, ExprLit, Lit};

use crate::args::{Args, Instrument, Ret, SiteKind};
use crate::errors::Errors;
use crate::field::{Field, FieldValue, use_of_empty};
use crate::function::Function;
use crate::inventory;
use crate::policy::{Policy, PolicyKind};
use crate::tokens::relocate;
use crate::value::{borrowed, checked, given, import_traits_of, resolve};

pub(super) struct Parts {
    /// `::candor::__private`, or that module where `crate = …` finds it.
    pub(super) private: TokenStream,
    /// The static of the call site.
    pub(super) site: TokenStream,
    /// Statements that write the fields to `__fields`, if there are any.
    pub(super) fields: Option<TokenStream>,
    /// A statement that checks `parent` and `follows_from`, and never runs.
    pub(super) relations: Option<TokenStream>,
    /// The closure that reads from the returned value how the call ended.
    pub(super) read: TokenStream,
}

impl Parts {
    pub(super) fn new(
        kind: SiteKind,
        args: &Args,
        function: &Function,
        errors: &mut Errors,
    ) -> Self {
        let root = args.root.as_ref().map_or_else(|| quote!(::candor), |root| quote!(#root));
        let (private, policies) = (quote!(#root::__private), quote!(#root::policy));
        Parts {
            site: site(kind, args, function, &private),
            fields: fields(args, function, &private, &policies, errors),
            relations: args.instrument.as_ref().and_then(|own| relations(own, &private)),
            read: read(kind, args, &private, &policies),
            private,
        }
    }

    /// `start(&__SITE)`, or `start_with(&__SITE, |__fields| { … })` if there are fields.
    pub(super) fn start(&self, start: &TokenStream, start_with: &TokenStream) -> TokenStream {
        match &self.fields {
            None => quote!(#start(&__SITE)),
            Some(fields) => quote!(#start_with(&__SITE, |__fields| { #fields })),
        }
    }

    pub(super) fn guard(&self) -> TokenStream {
        let private = &self.private;
        self.start(&quote!(#private::StepGuard::enter), &quote!(#private::StepGuard::enter_with))
    }

    /// The statement that writes the fields once the body runs.
    pub(super) fn entered(&self) -> Option<TokenStream> {
        let Parts { private, fields, .. } = self;
        fields.as_ref().map(|fields| quote!(#private::entered(&__SITE, |__fields| { #fields });))
    }
}

/// `site!(step "reserve", ["order_id"] .checked([unreserved("order_id", LineKind::Step)]));`
fn site(kind: SiteKind, args: &Args, function: &Function, private: &TokenStream) -> TokenStream {
    let mut function_name = function.signature.ident.unraw().to_string();
    if let Some(block) = &args.block {
        function_name = format!("{block}::{function_name}");
    }
    let function_name = function_name.to_token_stream();
    let subject = args.subject.as_ref().map(ToTokens::to_token_stream);
    let (site_kind, name, dependency) = match kind {
        SiteKind::Step => ("step", subject.unwrap_or(function_name), quote!("")),
        SiteKind::Call => {
            let operation = args.operation.as_ref().map(ToTokens::to_token_stream);
            ("call", operation.unwrap_or(function_name), subject.unwrap_or_else(|| quote!("")))
        }
    };
    let mut settings = TokenStream::new();
    let dependency_text = args.subject.as_ref().filter(|_| kind == SiteKind::Call);
    for (method, text) in [
        ("dependency", dependency_text),
        ("target", args.target.as_ref()),
        ("method", args.method.as_ref()),
        ("url", args.url.as_ref().filter(|url| is_literal(url))),
        ("url_template", args.url_template.as_ref()),
    ] {
        let method = format_ident!("{method}");
        settings.extend(text.map(|text| quote!(.#method(#text))));
    }
    for (method, level) in [("level", &args.level), ("err", &args.err)] {
        let method = format_ident!("{method}");
        let level = level.as_ref().map(|level| level.tokens(private));
        settings.extend(level.map(|level| quote!(.#method(#level))));
    }
    if let Some(own) = &args.instrument {
        let raises = [
            ("raise_level", &own.ret_level),
            ("raise_err", &args.level),
            ("raise_err", &own.err_level),
        ];
        for (method, level) in raises {
            let method = format_ident!("{method}");
            let level = level.as_ref().map(|level| level.tokens(private));
            settings.extend(level.map(|level| quote!(.#method(#level))));
        }
    }
    settings.extend(args.slow_nanos.map(|nanos| quote!(.slow_nanos(#nanos))));
    settings.extend(args.busy.map(|_| quote!(.busy())));
    settings.extend((!args.context.is_empty()).then(|| quote!(.with_context())));
    let line_kind = if kind == SiteKind::Step { "Step" } else { "Call" };
    // `#[instrument]` renames the fields whose names are reserved, except those that are constants.
    let is_checked = |field: &&Field| args.instrument.is_none() || field.name.text().is_none();
    let own = args.fields.iter().filter(is_checked).map(|field| (&field.name, line_kind));
    let context = args.context.iter().map(|field| (&field.name, "Context"));
    settings.extend(checked(own.chain(context), private));
    let names = args.fields.iter().map(|field| match &field.value {
        // To record a field later, `tracing` looks it up by the name that the user wrote.
        FieldValue::Empty(_) => field.name.to_token_stream(),
        _ => free_name(args, field, str::to_owned, private),
    });
    let names = names.chain(args.context.iter().map(|field| field.name.to_token_stream()));
    let has_span = args.instrument.as_ref().is_some_and(|own| own.has_span);
    let names = names.chain(has_span.then(|| quote!(#private::RECORDABLE)));
    let listed = inventory::of_args(args, private);
    let listed = inventory::submit(site_kind, &dependency, &name, listed, private);
    let site_kind = format_ident!("{site_kind}");
    quote!(#listed #private::site!(#site_kind #name, [#(#names),*] #settings);)
}

/// The name of a field as an expression, in the form that `text` gives it. `#[instrument]` appends an underscore to a
/// reserved name.
fn free_name(
    args: &Args,
    field: &Field,
    text: impl Fn(&str) -> String,
    private: &TokenStream,
) -> TokenStream {
    let Some(name) = field.name.text() else { return field.name.to_token_stream() };
    let own = text(name);
    if args.instrument.is_none() {
        return own.to_token_stream();
    }
    let mut renamed = format!("{name}_");
    while args.fields.iter().chain(&args.context).any(|other| other.name.text() == Some(&renamed)) {
        renamed.push('_');
    }
    let renamed = text(&renamed);
    quote!(const { #private::free_name(#name, #own, #renamed) })
}

fn begins_with_underscore(value: &Expr) -> bool {
    let Expr::Path(path) = value else { return false };
    path.path.get_ident().is_some_and(|name| name.to_string().starts_with('_'))
}

/// Whether an expression is a string literal.
fn is_literal(value: &Expr) -> bool {
    matches!(value, Expr::Lit(ExprLit { lit: Lit::Str(_), .. }))
}

/// The statements that write the fields, and the URL of a call.
///
/// A URL that is a [literal](is_literal) is part of the site instead.
fn fields(
    args: &Args,
    function: &Function,
    private: &TokenStream,
    policies: &TokenStream,
    errors: &mut Errors,
) -> Option<TokenStream> {
    let mut statements = TokenStream::new();
    if let Some(url) = args.url.as_ref().filter(|url| !is_literal(url)) {
        let url = borrowed(url);
        statements.extend(quote!(__fields.url(#url);));
    }
    let mut has_values = false;
    let own = args.fields.iter().map(|field| (field, false));
    for (field, is_context) in own.chain(args.context.iter().map(|field| (field, true))) {
        let Field { name, value } = field;
        let value = match value {
            FieldValue::Given(value) => value,
            FieldValue::Own(value) if is_context || is_variable(value, function) => value,
            // The body records the value of this field.
            FieldValue::Own(_) => continue,
            FieldValue::Empty(path) => {
                statements.extend(use_of_empty(path.as_ref(), private));
                continue;
            }
        };
        let resolved = resolve(value, policies, errors);
        let shown = given(value, &resolved.tokens, private);
        has_values = true;
        let sensitive = resolved.is_sensitive(name, private);
        // Every argument is recorded, even if its name begins with an underscore.
        let is_underscored = args.instrument.is_some() && begins_with_underscore(value);
        let allow = is_underscored.then(|| quote!(#[allow(clippy::used_underscore_binding)]));
        statements.extend(allow);
        statements.extend(match name.text() {
            _ if is_context => quote!(__fields.context(#name, #sensitive, &#shown);),
            Some("error") if args.instrument.is_some() => {
                let opening = free_name(args, field, |name| format!(",\"{name}\":"), private);
                quote!(__fields.error_or_other(#opening, #sensitive, &#shown);)
            }
            Some("error") => {
                let error = quote_spanned!(value.span()=> error(&#shown));
                quote!(__fields.#error;)
            }
            Some(text)
                if text
                    .bytes()
                    .all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) =>
            {
                let opening = free_name(args, field, |name| format!(",\"{name}\":"), private);
                quote!(__fields.field(#opening, #sensitive, &#shown);)
            }
            _ => {
                let name = free_name(args, field, str::to_owned, private);
                quote!(__fields.named(#name, #sensitive, &#shown);)
            }
        });
    }
    let traits = has_values.then(|| import_traits_of(args.traits(), private));
    (!statements.is_empty()).then(|| quote!(#traits #statements))
}

/// `if false { parent(&span); abort() }`: because the branch diverges, it may move an argument that the body uses.
fn relations(own: &Instrument, private: &TokenStream) -> Option<TokenStream> {
    let check = |function: &str, value: &Option<Expr>| {
        let function = format_ident!("{function}");
        value.as_ref().map(|value| quote!(#private::#function(#value);))
    };
    let parent = check("parent", &own.parent);
    let follows_from = check("follows_from", &own.follows_from);
    (parent.is_some() || follows_from.is_some()).then(|| {
        quote! {
            if false {
                #parent
                #follows_from
                #private::std::process::abort();
            }
        }
    })
}

/// Whether a name in `fields` is also its value.
///
/// That is an argument of the function, a part of one, or a constant.
fn is_variable(value: &Expr, function: &Function) -> bool {
    match value {
        Expr::Field(field) => is_variable(&field.base, function),
        Expr::Path(path) => path.path.get_ident().is_none_or(|name| {
            name == "self" || function.binds(name) || name.to_string().contains(char::is_uppercase)
        }),
        _ => true,
    }
}

/// `|__value| ending!(__value).with_answer(answered!(__value)).with_ret(…)`
///
/// A variable next to a name of the user's has its span: errors point there, and if a `macro_rules!` passes the name on,
/// a variable with another span would be another one.
fn read(kind: SiteKind, args: &Args, private: &TokenStream, policies: &TokenStream) -> TokenStream {
    let value = Ident::new("__value", Span::call_site());
    let answer = match &args.outcome {
        None if kind == SiteKind::Step => {
            quote!(.with_error_answer(|| #private::error_answered!(#value)))
        }
        None => quote!(.with_answer(#private::answered!(#value))),
        Some(outcome) if outcome.is_ident("result") => {
            quote!(.with_answer(#private::error_answered!(#value)))
        }
        Some(outcome) => {
            let span = outcome.span();
            let answered = Ident::new("__answered", span);
            let answer = quote_spanned!(span=> #private::answer(|| #outcome(#answered)));
            quote! {
                .with_answer({
                    let #answered = #value;
                    #answer
                })
            }
        }
    };
    let ret = args.ret.as_ref().map(|Ret { span, policy }| {
        let shown = |span| Ident::new("__shown", span);
        let (shown, call) = match policy {
            None if args.instrument.is_some() => {
                let shown = shown(*span);
                let private = relocate(*span, private);
                let value =
                    quote_spanned!(*span=> (&&&&&&&&&&&&& #private::Given(#shown)).candor_value());
                let call = quote_spanned!(*span=> ret(&#value));
                (shown, call)
            }
            None => {
                let shown = shown(*span);
                let call = quote_spanned!(*span=> ret(&#shown));
                (shown, call)
            }
            Some(Policy { kind: PolicyKind::With(path), .. }) => {
                let shown = shown(path.span());
                let call = quote_spanned!(path.span()=> ret_with(|| #path(#shown)));
                (shown, call)
            }
            Some(Policy { name, kind }) => {
                let ends = match kind {
                    PolicyKind::Mask { first, last } => Some(quote!(.first(#first).last(#last))),
                    _ => None,
                };
                let shown = shown(name.span());
                let call = quote_spanned!(name.span()=> #policies::#name(#shown) #ends);
                let call = quote_spanned!(*span=> ret(&#call));
                (shown, call)
            }
        };
        let traits = args.instrument.is_some().then(|| import_traits_of(args.traits(), private));
        quote_spanned! {*span=>
            .with_ret(#private::returned!(#value).map(|#shown| { #traits #private::#call }))
        }
    });
    quote!(|#value| #private::call_result!(#value) #answer #ret)
}
