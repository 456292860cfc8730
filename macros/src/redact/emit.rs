//! The impls: one call per field; the rest is in the runtime.

use std::fmt::Write as _;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{Generics, Ident, Item, Member, Path, parse_quote};

use super::args::ItemArgs;
use super::bounds;
use super::model::{
    Content, FieldGroup, GroupShape, Redacted, RedactedField, StructForm, Tagging, Variant,
    derives_debug,
};
use crate::inventory::{ListedField, by_name, submit};
use crate::policy::PolicyKind;
use crate::tokens::{relocate, source_text, span_at};

pub(super) fn impls(redacted: &Redacted, args: &ItemArgs) -> TokenStream {
    let root = &args.root;
    let private = parse_quote!(#root::__private);
    let fields = redacted.fields();
    let (for_value, for_element) =
        bounds::of(&redacted.ident, &redacted.generics, fields, &private);
    let emit = Emit { redacted, private: &private, default: args.default };
    let body = match &redacted.content {
        Content::Struct(form, group) => emit.of_struct(form, group),
        Content::Enum(variants) if variants.is_empty() => quote!(match *self {}),
        Content::Enum(variants) => {
            let arms = variants.iter().map(|variant| emit.arm(variant));
            quote!(match self { #(#arms)* })
        }
    };
    let probed = emit.probes().then(|| quote!(use #private::fallbacks::*;));
    let body = quote!(#probed #body);
    let attributes = &redacted.attributes;
    let allow = quote!(#(#attributes)*);
    let listed = listed(redacted, args.default, &private.to_token_stream());
    let impls =
        impls_around(&body, &redacted.ident, &for_value, &for_element, &private, &allow, true);
    quote!(#impls #listed)
}

/// Empty impls next to the errors, so that uses of the type still compile.
pub(super) fn fallback(item: &Item, root: &Path) -> Option<TokenStream> {
    let (ident, generics, attrs) = match item {
        Item::Struct(item) => (&item.ident, &item.generics, &item.attrs),
        Item::Enum(item) => (&item.ident, &item.generics, &item.attrs),
        Item::Union(item) => (&item.ident, &item.generics, &item.attrs),
        _ => return None,
    };
    // A derived `Debug` is one of the mistakes; a second impl would be another.
    let with_debug = derives_debug(attrs).is_empty();
    let private: Path = parse_quote!(#root::__private);
    let body = quote!(let _ = __to;);
    let allow = TokenStream::new();
    Some(impls_around(&body, ident, generics, generics, &private, &allow, with_debug))
}

/// The impls, with `body` as the body of `log`.
fn impls_around(
    body: &TokenStream,
    ident: &Ident,
    for_value: &Generics,
    for_element: &Generics,
    private: &Path,
    allow: &TokenStream,
    with_debug: bool,
) -> TokenStream {
    let (params, args, bounds) = for_value.split_for_impl();
    let (_, _, element_bounds) = for_element.split_for_impl();
    let debug = with_debug.then(|| {
        quote! {
            #[automatically_derived]
            #allow
            impl #params #private::core::fmt::Debug for #ident #args #bounds {
                fn fmt(
                    &self,
                    __f: &mut #private::core::fmt::Formatter<'_>,
                ) -> #private::core::fmt::Result {
                    use #private::fallbacks::*;
                    #private::debug(self, (&#private::Displayed(self)).candor_display(), __f)
                }
            }
        }
    });
    quote! {
        #[automatically_derived]
        #allow
        impl #params #private::Loggable for #ident #args #bounds {
            fn log(&self, __to: &mut #private::Encoder<'_>) {
                #body
            }
        }

        #[automatically_derived]
        #allow
        impl #params #private::Element for #ident #args #element_bounds {}

        #[automatically_derived]
        #allow
        impl #params #private::Shape for #ident #args #bounds {
            fn log_shape(&self, __to: &mut #private::Encoder<'_>) {
                #private::of_loggable(self, __to)
            }
        }

        #debug
    }
}

/// The item's fields for the inventory.
fn listed(
    redacted: &Redacted,
    default: Option<&'static str>,
    private: &TokenStream,
) -> Option<TokenStream> {
    let groups: Vec<(Option<&Variant>, &FieldGroup)> = match &redacted.content {
        Content::Struct(_, group) => vec![(None, group)],
        Content::Enum(variants) => {
            variants.iter().map(|variant| (Some(variant), &variant.group)).collect()
        }
    };
    let fields = groups.into_iter().flat_map(|(variant, group)| {
        group.fields.iter().map(move |field| {
            let own = member_name(&field.member);
            let name = variant.map_or(own.clone(), |variant| format!("{}.{own}", variant.ident));
            let cfgs = variant.map_or(&[][..], |variant| &variant.cfgs);
            let cfgs = cfgs.iter().chain(&field.cfgs).cloned().collect();
            let decision = match &field.policy {
                Some(policy) => policy.to_string().to_token_stream(),
                None => {
                    let otherwise =
                        default.map_or(String::new(), |policy| format!(", else {policy}"));
                    let by_type = format!("by its type, {}{otherwise}", source_text(&field.ty));
                    by_name(&field.all_names(), &by_type, private)
                }
            };
            ListedField { cfgs, name: name.to_token_stream(), decision }
        })
    });
    let name = redacted.ident.unraw().to_string().to_token_stream();
    submit("redact", &quote!(""), &name, fields, private)
}

struct Emit<'a> {
    redacted: &'a Redacted,
    private: &'a Path,
    default: Option<&'static str>,
}

impl Emit<'_> {
    /// Whether method resolution chooses how to write a field, which needs the fallbacks in scope.
    fn probes(&self) -> bool {
        let probed = |field: &RedactedField| {
            matches!(field.kind(), Some(PolicyKind::Clear { .. } | PolicyKind::Scrub))
        };
        self.default.is_some() || self.redacted.fields().any(probed)
    }

    fn of_struct(&self, form: &StructForm, group: &FieldGroup) -> TokenStream {
        let name = self.redacted.ident.unraw().to_string();
        let value = |member: &Member| quote!(&self.#member);
        match (form, group.shape()) {
            (StructForm::Transparent(at), _) => {
                let field = &group.fields[*at];
                if field.is_skipped() {
                    return quote!(__to.unit(#name));
                }
                let write = self.write(field, &name, &value(&field.member), &quote!(__slot));
                quote!(__to.newtype_slot(#name, |__slot| { #write }))
            }
            (StructForm::Tagged { key, tag }, GroupShape::Named) => {
                let key = json_key(key);
                let (object, fields) = self.fields(group, &name, value);
                quote!(__to.tagged_object(#name, (#key, #tag), |#object| { #fields }))
            }
            (StructForm::Plain | StructForm::Tagged { .. }, _) => self.group(group, &name, value),
        }
    }

    /// `Self::Paid { amount: __amount, .. } => __to.variant("Paid", |__to| …),`
    fn arm(&self, variant: &Variant) -> TokenStream {
        let Variant { ident, tag, tagging, cfgs, group } = variant;
        let written = group.fields.iter().filter(|field| !field.is_skipped());
        let bindings = written.map(|field| {
            let (member, cfgs) = (&field.member, &field.cfgs);
            let local = local(member);
            quote!(#(#cfgs)* #member: #local,)
        });
        let rest = group.fields.iter().any(RedactedField::is_skipped).then(|| quote!(..));
        let value = |member: &Member| local(member).into_token_stream();
        let body = match (tagging, group.shape()) {
            (Tagging::External, GroupShape::Unit) => self.group(group, tag, value),
            (Tagging::External, _) => {
                let body = self.group(group, tag, value);
                quote!(__to.variant(#tag, |__to| #body))
            }
            (Tagging::Untagged, GroupShape::Unit) => quote!(__to.untagged_unit(#tag)),
            (Tagging::Untagged, _) => self.group(group, tag, value),
            (Tagging::Internal { key } | Tagging::Adjacent { key, .. }, GroupShape::Unit) => {
                let key = json_key(key);
                quote!(__to.tagged_object(#tag, (#key, #tag), |_| {}))
            }
            (Tagging::Internal { key }, GroupShape::Named) => {
                let key = json_key(key);
                let (object, fields) = self.fields(group, tag, value);
                quote!(__to.tagged_object(#tag, (#key, #tag), |#object| { #fields }))
            }
            (Tagging::Internal { key }, GroupShape::Tuple) if group.fields.len() == 1 => {
                let key = json_key(key);
                let field = &group.fields[0];
                let write = self.write(field, tag, &value(&field.member), &quote!(__slot));
                quote!(__to.tagged((#key, #tag), |__slot| { #write }))
            }
            // serde has no internally tagged tuples.
            (Tagging::Internal { key }, GroupShape::Tuple) => {
                adjacent(key, "value", tag, &self.group(group, tag, value))
            }
            (Tagging::Adjacent { key, content }, _) => {
                adjacent(key, content, tag, &self.group(group, tag, value))
            }
        };
        quote!(#(#cfgs)* Self::#ident { #(#bindings)* #rest } => #body,)
    }

    /// The call that writes the fields of a struct or variant.
    fn group(
        &self,
        group: &FieldGroup,
        name: &str,
        value: impl Fn(&Member) -> TokenStream,
    ) -> TokenStream {
        let mut written = group.fields.iter().filter(|field| !field.is_skipped());
        match group.shape() {
            GroupShape::Unit => quote!(__to.unit(#name)),
            GroupShape::Tuple if group.fields.len() == 1 => {
                let field = written.next().map(|field| {
                    let write = self.write(field, name, &value(&field.member), &quote!(__slot));
                    quote!(__to.newtype_slot(#name, |__slot| { #write }))
                });
                quote!(#field)
            }
            GroupShape::Tuple => {
                let items = written.map(|field| {
                    self.write(field, name, &value(&field.member), &quote!(__list.slot()))
                });
                quote!(__to.tuple(#name, |__list| { #(#items)* }))
            }
            GroupShape::Named => {
                let (object, fields) = self.fields(group, name, value);
                quote!(__to.object(#name, |#object| { #fields }))
            }
        }
    }

    /// The name of the object in the generated code, and the statements that write its fields.
    fn fields(
        &self,
        group: &FieldGroup,
        name: &str,
        value: impl Fn(&Member) -> TokenStream,
    ) -> (Ident, TokenStream) {
        let written = group.fields.iter().filter(|field| !field.is_skipped());
        let own = written.clone().filter(|field| !field.flatten);
        let own: Vec<_> = own.map(|field| json_key(&field.key)).collect();
        let fields = written.map(|field| {
            let value = value(&field.member);
            let write = if field.flatten {
                let write = self.write(field, name, &value, &quote!(__slot));
                let (key, other) = (json_key(&field.key), other_name(field));
                quote!(__object.flat(#key, #other, &[#(#own),*], |__slot| { #write });)
            } else if matches!(field.kind(), Some(PolicyKind::Secret)) {
                let key = json_key(&field.key);
                let hidden = format!("{key}\"[REDACTED]\"");
                quote!(__object.secret(#key, #hidden);)
            } else {
                self.write(field, name, &value, &slot(field))
            };
            let cfgs = &field.cfgs;
            if cfgs.is_empty() { write } else { quote!(#(#cfgs)* { #write }) }
        });
        let fields = quote!(#(#fields)*);
        let is_empty = group.fields.iter().all(RedactedField::is_skipped);
        (format_ident!("{}", if is_empty { "_" } else { "__object" }), fields)
    }

    /// The statement that writes a field to `slot`; `group` is the name of its struct or variant.
    fn write(
        &self,
        field: &RedactedField,
        group: &str,
        value: &TokenStream,
        slot: &TokenStream,
    ) -> TokenStream {
        let name = if field.key.is_empty() { group } else { &field.key };
        let ty = &field.ty;
        let span = span_at(ty);
        let private = relocate(span, self.private);
        let by_leaf = |leaf: TokenStream| {
            let leaf = quote!(#private::TextPolicy::#leaf);
            quote_spanned!(span=> #private::by_policy::<#ty>(#value, #leaf, #slot);)
        };
        let Some(policy) = &field.policy else { return self.by_type(field, value, slot) };
        match &policy.kind {
            PolicyKind::Clear { reason } => {
                let check = reason.is_none().then(|| self.needs_no_reason(field, &policy.name));
                // A loggable type keeps its own policies; only other text is shown as it is.
                let clear = self.probe(field, value, slot, &quote!(false), "candor_or_clear");
                quote!(#check #clear)
            }
            PolicyKind::Secret => quote!(#private::hidden(#slot);),
            PolicyKind::Mask { first, last } => {
                by_leaf(quote!(Mask { first: #first, last: #last }))
            }
            PolicyKind::Hash => by_leaf(quote!(Hash(#private::core::option::Option::Some(#name)))),
            PolicyKind::Shape => {
                quote_spanned!(span=> #private::by_shape::<#ty>(#value, #slot);)
            }
            PolicyKind::Url => by_leaf(quote!(Url)),
            PolicyKind::Email => by_leaf(quote!(Email)),
            // Only a bound can tell that a type with a parameter in it is text.
            PolicyKind::Scrub if self.is_generic(field) => by_leaf(quote!(Scrub)),
            PolicyKind::Scrub => {
                let method = Ident::new("candor_scrub", span);
                quote_spanned!(span=> (&&&&&&#private::Scrubbed::<#ty>(#value)).#method(#slot);)
            }
            PolicyKind::With(path) => {
                let span = span_at(path);
                let (private, value) = (relocate(span, self.private), relocate(span, value));
                quote_spanned!(span=> #private::by_function(#path(#value), #name, #slot);)
            }
            PolicyKind::Skip => TokenStream::new(),
        }
    }

    fn needs_no_reason(&self, field: &RedactedField, clear: &Ident) -> TokenStream {
        let span = span_at(clear);
        let private = relocate(span, self.private);
        let sensitive = sensitive(&field.names, &private);
        quote_spanned! {span=>
            const _: () = #private::needs_no_reason::<#private::KeyRule<{ #sensitive }>>();
        }
    }

    fn by_type(
        &self,
        field: &RedactedField,
        value: &TokenStream,
        slot: &TokenStream,
    ) -> TokenStream {
        let ty = &field.ty;
        let span = span_at(ty);
        let private = relocate(span, self.private);
        let sensitive = sensitive(&field.all_names(), &private);
        match self.default {
            // Method resolution in the generic impl would never find a type with a parameter in it
            // loggable; such a type gets a bound instead.
            Some(policy) if !self.is_generic(field) => {
                let method = format!("candor_or_{policy}");
                self.probe(field, value, slot, &quote!({ #sensitive }), &method)
            }
            _ => quote_spanned!(span=> #private::by_type::<#ty, { #sensitive }>(#value, #slot);),
        }
    }

    fn is_generic(&self, field: &RedactedField) -> bool {
        bounds::is_generic(&self.redacted.ident, &self.redacted.generics, &field.ty)
    }

    fn probe(
        &self,
        field: &RedactedField,
        value: &TokenStream,
        slot: &TokenStream,
        sensitive: &TokenStream,
        method: &str,
    ) -> TokenStream {
        let ty = &field.ty;
        let span = span_at(ty);
        let private = relocate(span, self.private);
        let method = Ident::new(method, span);
        quote_spanned!(span=> #private::Probe::<#ty, #sensitive>::new(#value).#method(#slot);)
    }
}

/// Whether the key rule hides one of the names, as a constant expression.
fn sensitive(names: &[String], private: &TokenStream) -> TokenStream {
    let is_hidden = names.iter().map(|name| quote!(#private::is_sensitive(#name)));
    quote!(#(#is_hidden)||*)
}

/// The slot of a field in an object, with its key as it is written.
fn slot(field: &RedactedField) -> TokenStream {
    let (json, other) = (json_key(&field.key), other_name(field));
    quote!(__object.slot(#json, #other))
}

fn adjacent(key: &str, content: &str, tag: &str, body: &TokenStream) -> TokenStream {
    let (key, content) = (json_key(key), json_key(content));
    quote!(__to.adjacent((#key, #tag), #content, |__to| #body))
}

/// The name of a field in the source if it is not the key, else empty.
fn other_name(field: &RedactedField) -> String {
    let name = member_name(&field.member);
    if name == field.key { String::new() } else { name }
}

/// `,"key":`
fn json_key(key: &str) -> String {
    format!(",{}:", json_string(key))
}

/// A key as a JSON string; only printable ASCII, letters and digits are not escaped.
fn json_string(key: &str) -> String {
    let mut json = String::from("\"");
    for c in key.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            ' '..='~' => json.push(c),
            c if c.is_alphanumeric() => json.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(json, "\\u{unit:04x}");
                }
            }
        }
    }
    json.push('"');
    json
}

fn local(member: &Member) -> Ident {
    format_ident!("__{}", member_name(member), span = Span::mixed_site())
}

fn member_name(member: &Member) -> String {
    match member {
        Member::Named(ident) => ident.unraw().to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    }
}
