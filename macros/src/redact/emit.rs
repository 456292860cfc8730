//! The impls: one call a field, the rest is in the runtime.

use std::fmt::Write as _;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Ident, Member, Path, parse_quote};

use super::args::{Args, Default};
use super::model::{Content, Field, Form, Group, Redacted, Shape, Tagging, Variant};
use super::policy::Policy;
use super::{bounds, plain};
use crate::inventory::{Listed, by_name, submit, text_of};

pub(super) fn impls(redacted: &Redacted, args: &Args) -> TokenStream {
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
    let listed = listed(redacted, args.default, &private.to_token_stream());
    let impls = super::impls(
        &redacted.ident,
        &for_value,
        &for_element,
        &private,
        &quote!(#(#attributes)*),
        &body,
        true,
    );
    quote!(#impls #listed)
}

/// The item's fields for the inventory.
fn listed(
    redacted: &Redacted,
    default: Option<Default>,
    private: &TokenStream,
) -> Option<TokenStream> {
    let groups: Vec<(Option<&Variant>, &Group)> = match &redacted.content {
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
                    let otherwise = match default {
                        None => "",
                        Some(Default::Clear) => ", else clear",
                        Some(Default::Secret) => ", else secret",
                        Some(Default::Shape) => ", else shape",
                    };
                    let by_type = format!("by its type, {}{otherwise}", text_of(&field.ty));
                    by_name(&field.all_names(), &by_type, private)
                }
            };
            Listed { cfgs, name, decision }
        })
    });
    submit("redact", "", &plain(&redacted.ident), fields, private)
}

struct Emit<'a> {
    redacted: &'a Redacted,
    private: &'a Path,
    default: Option<Default>,
}

impl Emit<'_> {
    /// Whether some field is left to method resolution, which needs the fallbacks in scope.
    fn probes(&self) -> bool {
        let probed =
            |field: &Field| matches!(field.policy, Some(Policy::Clear { .. } | Policy::Scrub));
        self.default.is_some() || self.redacted.fields().any(probed)
    }

    fn of_struct(&self, form: &Form, group: &Group) -> TokenStream {
        let name = plain(&self.redacted.ident);
        let value = |member: &Member| quote!(&self.#member);
        match (form, group.shape()) {
            (Form::Transparent(at), _) => {
                let field = &group.fields[*at];
                if field.is_skipped() {
                    return quote!(__to.unit(#name));
                }
                let write = self.write(field, &name, &value(&field.member), &quote!(__slot));
                quote!(__to.only(#name, |__slot| { #write }))
            }
            (Form::Tagged { key, tag }, Shape::Named) => {
                let key = json_key(key);
                let (object, fields) = self.fields(group, &name, value);
                quote!(__to.tagged_object(#name, (#key, #tag), |#object| { #fields }))
            }
            (Form::Plain | Form::Tagged { .. }, _) => self.group(group, &name, value),
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
        let rest = group.fields.iter().any(Field::is_skipped).then(|| quote!(..));
        let value = |member: &Member| local(member).into_token_stream();
        let body = match (tagging, group.shape()) {
            (Tagging::External, Shape::Unit) => self.group(group, tag, value),
            (Tagging::External, _) => {
                let body = self.group(group, tag, value);
                quote!(__to.variant(#tag, |__to| #body))
            }
            (Tagging::Untagged, Shape::Unit) => quote!(__to.untagged_unit(#tag)),
            (Tagging::Untagged, _) => self.group(group, tag, value),
            (Tagging::Internal { key } | Tagging::Adjacent { key, .. }, Shape::Unit) => {
                let key = json_key(key);
                quote!(__to.tagged_object(#tag, (#key, #tag), |_| {}))
            }
            (Tagging::Internal { key }, Shape::Named) => {
                let key = json_key(key);
                let (object, fields) = self.fields(group, tag, value);
                quote!(__to.tagged_object(#tag, (#key, #tag), |#object| { #fields }))
            }
            (Tagging::Internal { key }, Shape::Tuple) if group.fields.len() == 1 => {
                let key = json_key(key);
                let field = &group.fields[0];
                let write = self.write(field, tag, &value(&field.member), &quote!(__slot));
                quote!(__to.tagged((#key, #tag), |__slot| { #write }))
            }
            // serde has no such form of a tuple.
            (Tagging::Internal { key }, Shape::Tuple) => {
                adjacent(key, "value", tag, &self.group(group, tag, value))
            }
            (Tagging::Adjacent { key, content }, _) => {
                adjacent(key, content, tag, &self.group(group, tag, value))
            }
        };
        quote!(#(#cfgs)* Self::#ident { #(#bindings)* #rest } => #body,)
    }

    /// The call that writes a struct, or what a variant holds.
    fn group(
        &self,
        group: &Group,
        name: &str,
        value: impl Fn(&Member) -> TokenStream,
    ) -> TokenStream {
        let mut written = group.fields.iter().filter(|field| !field.is_skipped());
        match group.shape() {
            Shape::Unit => quote!(__to.unit(#name)),
            Shape::Tuple if group.fields.len() == 1 => {
                let field = written.next().map(|field| {
                    let write = self.write(field, name, &value(&field.member), &quote!(__slot));
                    quote!(__to.only(#name, |__slot| { #write }))
                });
                quote!(#field)
            }
            Shape::Tuple => {
                let items = written.map(|field| {
                    self.write(field, name, &value(&field.member), &quote!(__list.slot()))
                });
                quote!(__to.tuple(#name, |__list| { #(#items)* }))
            }
            Shape::Named => {
                let (object, fields) = self.fields(group, name, value);
                quote!(__to.object(#name, |#object| { #fields }))
            }
        }
    }

    /// The statements that write the fields of an object, and what they call it.
    fn fields(
        &self,
        group: &Group,
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
            } else if matches!(field.policy, Some(Policy::Secret)) {
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
        let is_empty = group.fields.iter().all(Field::is_skipped);
        (format_ident!("{}", if is_empty { "_" } else { "__object" }), fields)
    }

    /// The statement that puts a field of the group of this name into its place.
    fn write(
        &self,
        field: &Field,
        group: &str,
        value: &TokenStream,
        slot: &TokenStream,
    ) -> TokenStream {
        let name = if field.key.is_empty() { group } else { &field.key };
        let ty = &field.ty;
        let at = at(ty);
        let private = relocated(self.private, at);
        let by_leaf = |leaf: TokenStream| {
            let leaf = quote!(#private::Leaf::#leaf);
            quote_spanned!(at=> #private::by_policy::<#ty>(#value, #leaf, #slot);)
        };
        match &field.policy {
            None => self.by_type(field, value, slot),
            Some(Policy::Clear { word, reason }) => {
                let check = reason.is_none().then(|| self.needs_no_reason(field, word));
                // Text that is not loggable by itself, or a type that is and so has decided already.
                let clear = self.probe(field, value, slot, &quote!(false), "candor_or_clear");
                quote!(#check #clear)
            }
            Some(Policy::Secret) => quote!(#private::hidden(#slot);),
            Some(Policy::Mask { first, last }) => {
                by_leaf(quote!(Mask { first: #first, last: #last }))
            }
            Some(Policy::Hash) => {
                by_leaf(quote!(Hash(#private::core::option::Option::Some(#name))))
            }
            Some(Policy::Shape) => {
                quote_spanned!(at=> #private::by_shape::<#ty>(#value, #slot);)
            }
            Some(Policy::Url) => by_leaf(quote!(Url)),
            Some(Policy::Email) => by_leaf(quote!(Email)),
            // With a parameter in it only a bound can say that it has a text.
            Some(Policy::Scrub) if self.is_generic(field) => by_leaf(quote!(Scrub)),
            Some(Policy::Scrub) => {
                let method = Ident::new("candor_scrub", at);
                quote_spanned!(at=> (&&&&&&#private::Scrubbed::<#ty>(#value)).#method(#slot);)
            }
            Some(Policy::With(path)) => {
                let at = self::at(path);
                let (private, value) = (relocated(self.private, at), relocated(value, at));
                quote_spanned!(at=> #private::by_function(#path(#value), #name, #slot);)
            }
            Some(Policy::Skip) => TokenStream::new(),
        }
    }

    fn needs_no_reason(&self, field: &Field, word: &Ident) -> TokenStream {
        let at = at(word);
        let private = relocated(self.private, at);
        let sensitive = sensitive(&field.names, &private);
        quote_spanned! {at=>
            const _: () = #private::needs_no_reason::<#private::KeyRule<{ #sensitive }>>();
        }
    }

    fn by_type(&self, field: &Field, value: &TokenStream, slot: &TokenStream) -> TokenStream {
        let ty = &field.ty;
        let at = at(ty);
        let private = relocated(self.private, at);
        let sensitive = sensitive(&field.all_names(), &private);
        // With a parameter in it the type is known only where the item is used, and probing here
        // would find every such field undecided; a bound decides it there.
        let generic = self.is_generic(field);
        let method = match self.default {
            Some(Default::Clear) if !generic => "candor_or_clear",
            Some(Default::Secret) if !generic => "candor_or_secret",
            Some(Default::Shape) if !generic => "candor_or_shape",
            _ => {
                return quote_spanned!(at=> #private::by_type::<#ty, { #sensitive }>(#value, #slot););
            }
        };
        self.probe(field, value, slot, &quote!({ #sensitive }), method)
    }

    fn is_generic(&self, field: &Field) -> bool {
        bounds::is_generic(&self.redacted.ident, &self.redacted.generics, &field.ty)
    }

    fn probe(
        &self,
        field: &Field,
        value: &TokenStream,
        slot: &TokenStream,
        sensitive: &TokenStream,
        method: &str,
    ) -> TokenStream {
        let ty = &field.ty;
        let at = at(ty);
        let private = relocated(self.private, at);
        let method = Ident::new(method, at);
        quote_spanned!(at=> #private::Probe::<#ty, #sensitive>::new(#value).#method(#slot);)
    }
}

impl Field {
    /// The names that decide on a field without a policy.
    fn all_names(&self) -> Vec<String> {
        let mut names = self.names.clone();
        let more = self.under.iter().filter(|key| !self.names.contains(key));
        names.extend(more.cloned());
        names
    }

    fn is_skipped(&self) -> bool {
        matches!(self.policy, Some(Policy::Skip))
    }
}

impl Group {
    /// A tuple that shows none of its fields is a name.
    fn shape(&self) -> Shape {
        match self.shape {
            Shape::Tuple if self.fields.iter().all(Field::is_skipped) => Shape::Unit,
            shape => shape,
        }
    }
}

/// Whether the key rule hits one of the names, as a constant expression.
fn sensitive(names: &[String], private: &TokenStream) -> TokenStream {
    let asked = names.iter().map(|name| quote!(#private::is_sensitive(#name)));
    quote!(#(#asked)||*)
}

/// The place of a field in a struct, by its key ready to be written.
fn slot(field: &Field) -> TokenStream {
    let (json, other) = (json_key(&field.key), other_name(field));
    quote!(__object.slot(#json, #other))
}

fn adjacent(key: &str, content: &str, tag: &str, body: &TokenStream) -> TokenStream {
    let (key, content) = (json_key(key), json_key(content));
    quote!(__to.adjacent((#key, #tag), #content, |__to| #body))
}

/// The name of a field in the code, where the log has another one.
fn other_name(field: &Field) -> String {
    let name = member_name(&field.member);
    if name == field.key { String::new() } else { name }
}

/// `,"key":`
fn json_key(key: &str) -> String {
    format!(",{}:", json_string(key))
}

/// A key as JSON; what is neither printable ASCII nor a letter or digit is escaped.
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
        Member::Named(ident) => plain(ident),
        Member::Unnamed(index) => index.index.to_string(),
    }
}

/// Errors point at the user's token; the code they are about stays the macro's, for the lints.
fn at(token: &impl ToTokens) -> Span {
    Span::mixed_site().located_at(token.span())
}

/// The same tokens, with errors about them reported somewhere else.
fn relocated(tokens: &impl ToTokens, at: Span) -> TokenStream {
    tokens
        .to_token_stream()
        .into_iter()
        .map(|mut token| {
            token.set_span(token.span().located_at(at));
            token
        })
        .collect()
}
