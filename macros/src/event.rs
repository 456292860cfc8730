//! Expansion of the event macros: `info!(order_id = order.id, "charged {amount}")`.

mod format;
mod input;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Expr, Member};

use self::format::Usage;
use self::input::{Event, EventField, FormatArg, Message};
use crate::field::use_of_empty;
use crate::value::{borrowed, checked, given, import_traits};

/// Parses, checks and expands; errors take the place of the event.
///
/// ```text
/// {
///     static __SITE: EventSite = EventSite::new(&__SITE, Severity::Info, …, &["message", "order_id"])
///         .checked([unreserved("order_id", LineKind::Event)]);
///     if __SITE.is_enabled() {
///         match ((&&&Given(&order.id)).candor_value(),) {
///             (__field0,) => {
///                 let amount = MessageArg::new((&&&Given(&amount)).candor_captured(), "amount", const { … });
///                 __SITE.write(
///                     format_args!("charged {amount}"),
///                     &[__field0.candor_named("order_id", const { is_sensitive("order_id") })],
///                     &[(&amount).candor_error()],
///                 );
///             }
///         }
///     }
/// }
/// ```
///
/// Values are evaluated in the function itself, not in a closure, so that `?` and `.await` have their
/// usual meaning.
pub(crate) fn expand(tokens: TokenStream) -> TokenStream {
    match input::parse(tokens) {
        Ok(event) => written(&event),
        Err(error) => error.into_compile_error(),
    }
}

fn written(event: &Event) -> TokenStream {
    let private = &event.private();
    let site = site(event, private);
    let mut values = Values::default();
    let fields = fields(&event.fields, private, &mut values);
    let fields = if event.fields.iter().all(|field| field.name.text().is_some()) {
        quote!(&[#(#fields),*])
    } else {
        quote!(&#private::last_of_each(&[#(#fields),*]))
    };
    let Text { captures, message, errors } = text(event.message.as_ref(), private, &mut values);
    let Values { names, values } = values;
    let traits = (!names.is_empty() || !captures.is_empty()).then(|| import_traits(private));
    let declared = event.declared.iter().map(|(_, path)| use_of_empty(path.as_ref(), private));
    if event.is_audit() {
        // Levels don't apply, and the event is a value, a `Result`.
        return quote! {{
            #site
            #traits
            #(#declared)*
            match (#(#values,)*) {
                (#(#names,)*) => {
                    #(#captures)*
                    __SITE.audit(#message, #fields, &[#(#errors),*])
                }
            }
        }};
    }
    let write = match &event.parent {
        None => quote!(__SITE.write(#message, #fields, &[#(#errors),*])),
        Some(parent) => {
            quote!(__SITE.write_under(#parent, #message, #fields, &[#(#errors),*]))
        }
    };
    quote! {{
        #site
        if __SITE.is_enabled() {
            #traits
            #(#declared)*
            match (#(#values,)*) {
                (#(#names,)*) => {
                    #(#captures)*
                    #write;
                }
            }
        }
    }}
}

fn site(event: &Event, private: &TokenStream) -> TokenStream {
    let severity = if event.is_audit() { &format_ident!("Info") } else { &event.severity };
    let location = quote! { #private::core::file!(), ":", #private::core::line!() };
    let name = event.name.as_ref().map_or_else(
        || quote!(#private::core::concat!("event ", #location)),
        ToTokens::to_token_stream,
    );
    let target = event
        .target
        .as_ref()
        .map_or_else(|| quote!(#private::core::module_path!()), ToTokens::to_token_stream);
    let fields = event.fields.iter().filter(|field| field.is_last).map(|field| &field.name);
    let fields = fields.chain(event.declared.iter().map(|(name, _)| name));
    // Other layers see the other keys of an error under the usual names; those of another name as one JSON object.
    let has = |name: &str| event.fields.iter().any(|field| field.name.text() == Some(name));
    let shows_error = has("error") || has("err") || has("e");
    let error_keys = ["error", "error_type", "error_detail"];
    let error_keys = error_keys.into_iter().filter(|key| shows_error && !has(key));
    let names = event.fields.iter().map(|field| &field.name);
    let names = names.chain(event.declared.iter().map(|(name, _)| name));
    let checked = checked(names.map(|name| (name, "Event")), private);
    quote! {
        static __SITE: #private::EventSite = #private::EventSite::new(
            &__SITE,
            #private::Severity::#severity,
            #name,
            #target,
            #private::core::module_path!(),
            #private::core::file!(),
            #private::core::line!(),
            &["message", #(#fields,)* #(#error_keys,)* #private::RECORDED],
        )
        #checked;
    }
}

/// The values to evaluate before anything is written, in the order of the source.
#[derive(Default)]
struct Values {
    names: Vec<Ident>,
    values: Vec<TokenStream>,
}

impl Values {
    fn add(&mut self, kind: &str, at: Span, value: TokenStream) -> Ident {
        let span = Span::mixed_site().located_at(at);
        let name = format_ident!("__{kind}{}", self.names.len(), span = span);
        self.names.push(name.clone());
        self.values.push(value);
        name
    }
}

/// The fields to write: the last one of each name.
fn fields(fields: &[EventField], private: &TokenStream, values: &mut Values) -> Vec<TokenStream> {
    let mut written = Vec::new();
    for EventField { name: key, value, resolved, is_last } in fields {
        let kind = if *is_last { "field" } else { "_field" };
        let name = values.add(kind, value.span(), given(value, &resolved.tokens, private));
        if *is_last {
            let sensitive = resolved.is_sensitive(key, private);
            written.push(quote!(#name.candor_named(#key, #sensitive)));
        }
    }
    written
}

/// The message.
struct Text {
    /// Statements to run before it.
    captures: Vec<TokenStream>,
    /// An expression of type `fmt::Arguments`.
    message: TokenStream,
    /// Expressions for the arguments that may be errors.
    errors: Vec<TokenStream>,
}

impl Text {
    fn without_args(message: TokenStream) -> Self {
        Text { captures: Vec::new(), message, errors: Vec::new() }
    }
}

fn text(message: Option<&Message>, private: &TokenStream, values: &mut Values) -> Text {
    let (text, args, format) = match message {
        None => return Text::without_args(quote!(#private::core::format_args!(""))),
        // A string literal is a message, not a value that needs a policy.
        Some(Message::Value(value @ Expr::Lit(literal), _))
            if matches!(literal.lit, syn::Lit::Str(_)) =>
        {
            return Text::without_args(quote!(#private::core::format_args!("{}", #value)));
        }
        Some(Message::Value(value, resolved)) => {
            let shown = given(value, &resolved.tokens, private);
            let shown = quote!(#shown.candor_shown("message", false));
            let shown = values.add("message", value.span(), shown);
            let message = quote!(#private::core::format_args!("{}", #shown));
            return Text {
                errors: vec![quote!((&#shown).candor_error())],
                ..Text::without_args(message)
            };
        }
        Some(Message::Format { text, args, format }) => (text, args, format),
    };
    let mut passed = Vec::new();
    let mut errors = Vec::new();
    for (place, arg) in args.iter().enumerate() {
        let usage = format.explicit.get(place);
        let shown = explicit(arg, usage, private, values);
        if usage.is_none_or(|usage| !usage.is_count) {
            errors.push(quote!((&#shown).candor_error()));
        }
        passed.push(match &arg.name {
            Some(name) => quote!(#name = #shown),
            None => shown,
        });
    }
    let mut captures = Vec::new();
    for captured in &format.captured {
        let name = captured_ident(&captured.name, text.span());
        if captured.usage.is_count {
            captures.push(quote!(#private::count(&#name);));
            continue;
        }
        let hidden = hidden(Some(&captured.name), &captured.usage, private);
        let key = &captured.name;
        let shown = if captured.usage.is_numeric {
            quote!(#private::MessageArg::new(&#name, #key, #hidden))
        } else {
            let value = quote!((&&&&&&&&&&&&& #private::Given(&#name)).candor_captured());
            quote!(#private::MessageArg::new(#value, #key, #hidden))
        };
        if is_binding(&captured.name) {
            // rustc reports errors about a captured argument at its span inside the text, which a macro
            // can't make. So the text captures a variable of the same name.
            captures.push(quote! {
                #[allow(
                    unknown_lints,
                    clippy::shadow_reuse,
                    clippy::shadow_same,
                    clippy::shadow_unrelated
                )]
                let #name = #shown;
            });
            errors.push(quote!((&#name).candor_error()));
        } else {
            let shown = values.add("capture", text.span(), shown);
            errors.push(quote!((&#shown).candor_error()));
            passed.push(quote!(#name = #shown));
        }
    }
    let message = quote!(#private::core::format_args!(#text #(, #passed)*));
    Text { captures, message, errors }
}

/// A format argument after the text.
fn explicit(
    arg: &FormatArg,
    usage: Option<&Usage>,
    private: &TokenStream,
    values: &mut Values,
) -> TokenStream {
    let unused = Usage::default();
    let usage = usage.unwrap_or(&unused);
    let span = arg.value.span();
    if usage.is_count {
        let value = borrowed(&arg.value);
        let count = values.add("count", span, quote!(#private::count(#value)));
        return quote_spanned!(span=> *#count);
    }
    let name = arg.name.as_ref().map(|name| name.unraw().to_string());
    let name = name.or_else(|| name_of(&arg.value));
    let mut hidden = hidden(name.as_deref(), usage, private);
    if let Some(by_variable) = arg.resolved.is_sensitive_alone(private) {
        hidden = quote!(#hidden || #by_variable);
    }
    let key = name.as_deref().unwrap_or("");
    let shown = if usage.is_numeric {
        let value = borrowed(&arg.value);
        quote!(#private::MessageArg::new(#value, #key, #hidden))
    } else {
        let value = given(&arg.value, &arg.resolved.tokens, private);
        quote!(#value.candor_shown(#key, #hidden))
    };
    values.add("arg", span, shown).into_token_stream()
}

/// Whether the key rule hides an argument, by its name or by a label in front of it in the text.
fn hidden(name: Option<&str>, usage: &Usage, private: &TokenStream) -> TokenStream {
    let by_name = name.map(|name| quote!(#private::is_sensitive(#name)));
    let by_label = usage.labels.iter().map(|label| quote!(#private::labels_secret(#label)));
    let rules: Vec<_> = by_name.into_iter().chain(by_label).collect();
    if rules.is_empty() { quote!(false) } else { quote!(const { #(#rules)||* }) }
}

/// The name of a value that is a variable or a field of one: `pin`, `card.pin`.
fn name_of(value: &Expr) -> Option<String> {
    match value {
        Expr::Path(path) => path.path.segments.last().map(|last| last.ident.unraw().to_string()),
        Expr::Field(field) => match &field.member {
            Member::Named(name) => Some(name.unraw().to_string()),
            Member::Unnamed(_) => name_of(&field.base),
        },
        Expr::Group(group) => name_of(&group.expr),
        Expr::Paren(paren) => name_of(&paren.expr),
        Expr::Reference(reference) => name_of(&reference.expr),
        Expr::Unary(unary) => name_of(&unary.expr),
        _ => None,
    }
}

/// The variable that `{name}` captures, with the hygiene of the text.
fn captured_ident(name: &str, span: Span) -> Ident {
    let mut ident = syn::parse_str::<Ident>(name).unwrap_or_else(|_| match name {
        "self" | "Self" | "super" | "crate" => Ident::new(name, span),
        keyword => Ident::new_raw(keyword, span),
    });
    ident.set_span(span);
    ident
}

/// Whether a `let` can shadow the name: not `self`, and not a constant.
fn is_binding(name: &str) -> bool {
    name != "self" && !name.chars().any(char::is_uppercase)
}
