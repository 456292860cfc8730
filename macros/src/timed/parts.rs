//! The pieces that every form of an expanded function consists of.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Expr, ExprLit, Lit, LitStr};

use crate::args::{Args, FieldArg, Level, Ret, SiteKind};
use crate::function::Function;
use crate::inventory;
use crate::policy::{Policy, PolicyKind};
use crate::value::{borrowed, borrowed_as, checked, resolve_policies};

pub(super) struct Parts {
    /// `::candor::__private`, or that module where `crate = …` finds it.
    pub(super) private: TokenStream,
    /// The static of the call site.
    pub(super) site: TokenStream,
    /// Statements that write the fields to `__fields`, if there are any.
    pub(super) fields: Option<TokenStream>,
    /// The closure that reads from the returned value how the call ended.
    pub(super) read: TokenStream,
}

impl Parts {
    pub(super) fn new(kind: SiteKind, args: &Args, function: &Function) -> Self {
        let root = args.root.as_ref().map_or_else(|| quote!(::candor), |root| quote!(#root));
        let (private, policies) = (quote!(#root::__private), quote!(#root::policy));
        Parts {
            site: site(kind, args, function, &private),
            fields: fields(args, &private, &policies),
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

/// `site!(step "reserve" ["order_id"].checked([unreserved("order_id", LineKind::Step)]));`
fn site(kind: SiteKind, args: &Args, function: &Function, private: &TokenStream) -> TokenStream {
    let mut function_name = function.signature.ident.unraw().to_string();
    if let Some(block) = &args.block {
        function_name = format!("{block}::{function_name}");
    }
    let subject = args.subject.as_ref().map(LitStr::value);
    let (site_kind, name, dependency) = match kind {
        SiteKind::Step => ("step", subject.unwrap_or(function_name), String::new()),
        SiteKind::Call => {
            let operation = args.operation.as_ref().map_or(function_name, LitStr::value);
            ("call", operation, subject.unwrap_or_default())
        }
    };
    let mut settings = TokenStream::new();
    let dependency_text = args.subject.as_ref().filter(|_| kind == SiteKind::Call);
    for (method, text) in [
        ("dependency", dependency_text),
        ("target", args.target.as_ref()),
        ("method", args.method.as_ref()),
        ("url", args.url.as_ref().and_then(literal)),
        ("url_template", args.url_template.as_ref()),
    ] {
        let method = format_ident!("{method}");
        settings.extend(text.map(|text| quote!(.#method(#text))));
    }
    for (method, level) in [("level", &args.level), ("err", &args.err)] {
        let method = format_ident!("{method}");
        let level = level.as_ref();
        settings.extend(level.map(|Level(level)| quote!(.#method(#private::Level::#level))));
    }
    settings.extend(args.slow_nanos.map(|nanos| quote!(.slow_nanos(#nanos))));
    settings.extend(args.busy.map(|_| quote!(.busy())));
    let names: Vec<_> = args.fields.iter().map(|field| field.name.unraw().to_string()).collect();
    let line_kind = if kind == SiteKind::Step { "Step" } else { "Call" };
    let idents = args.fields.iter().map(|field| &field.name);
    settings.extend(checked(names.iter().zip(idents), line_kind, private));
    let listed = inventory::of_args(args, private);
    let listed = inventory::submit(site_kind, &dependency, &name, listed, private);
    let site_kind = format_ident!("{site_kind}");
    quote!(#listed #private::site!(#site_kind #name [#(#names),*] #settings);)
}

/// The text of an expression that is a string literal.
fn literal(value: &Expr) -> Option<&LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text),
        _ => None,
    }
}

/// The statements that write the fields, and the URL of a call unless that is a [literal], which is
/// part of the site.
fn fields(args: &Args, private: &TokenStream, policies: &TokenStream) -> Option<TokenStream> {
    let url = args.url.as_ref().filter(|url| literal(url).is_none()).map(|url| {
        let url = borrowed(url);
        quote!(__fields.url(#url);)
    });
    let fields = args.fields.iter().map(|FieldArg { name, value }| {
        let key = name.unraw().to_string();
        let opening = format!(",\"{key}\":");
        let mut resolved = value.clone();
        resolve_policies(&mut resolved, policies);
        let value = borrowed_as(value, &resolved.into_token_stream());
        quote!(__fields.field(#opening, const { #private::is_sensitive(#key) }, #value);)
    });
    (url.is_some() || !args.fields.is_empty()).then(|| quote!(#url #(#fields)*))
}

/// `|__value| ending!(__value).with_answer(answered!(__value)).with_ret(…)`
fn read(kind: SiteKind, args: &Args, private: &TokenStream, policies: &TokenStream) -> TokenStream {
    let answer = (kind == SiteKind::Call).then(|| match &args.outcome {
        None => quote!(.with_answer(#private::answered!(__value))),
        Some(outcome) if outcome.is_ident("result") => {
            quote!(.with_answer(#private::error_answered!(__value)))
        }
        Some(outcome) => {
            let span = outcome.span();
            let answer = quote_spanned!(span=> #private::answer(|| #outcome(__value)));
            quote!(.with_answer(#answer))
        }
    });
    let ret = args.ret.as_ref().map(|Ret { span, policy }| {
        let shown = match policy {
            None => quote_spanned!(*span=> ret(&__shown)),
            Some(Policy { kind: PolicyKind::With(path), .. }) => {
                quote_spanned!(path.span()=> ret_with(|| #path(__shown)))
            }
            Some(Policy { name, kind }) => {
                let ends = match kind {
                    PolicyKind::Mask { first, last } => Some(quote!(.first(#first).last(#last))),
                    _ => None,
                };
                let shown = quote_spanned!(name.span()=> #policies::#name(__shown) #ends);
                quote_spanned!(*span=> ret(&#shown))
            }
        };
        quote_spanned! {*span=>
            .with_ret(#private::returned!(__value).map(|__shown| #private::#shown))
        }
    });
    quote!(|__value| #private::call_result!(__value) #answer #ret)
}
