//! The item as the expansion needs it, and the checks that need no type.

use syn::punctuated::Punctuated;
use syn::{Attribute, Fields, Generics, Ident, Item, Member, Meta, Path, Token, Type};

use super::plain;
use super::policy::Policy;
use super::serde_names::{Case, Rules, SerdeNames};
use crate::errors::Errors;

/// A struct or enum without mistakes.
pub(super) struct Redacted {
    pub(super) ident: Ident,
    pub(super) generics: Generics,
    /// Lint levels and deprecations, which the impls have to share.
    pub(super) attributes: Vec<Attribute>,
    pub(super) content: Content,
}

pub(super) enum Content {
    Struct(Group),
    Enum(Vec<Variant>),
}

pub(super) struct Variant {
    pub(super) ident: Ident,
    /// Its name in the log.
    pub(super) tag: String,
    pub(super) cfgs: Vec<Attribute>,
    pub(super) group: Group,
}

/// The fields of a struct or variant.
pub(super) struct Group {
    pub(super) shape: Shape,
    pub(super) fields: Vec<Field>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Shape {
    Unit,
    Tuple,
    Named,
}

pub(super) struct Field {
    pub(super) member: Member,
    pub(super) ty: Type,
    /// The key in the log; empty in a tuple.
    pub(super) key: String,
    /// Every name the key rule is asked about.
    pub(super) names: Vec<String>,
    pub(super) policy: Option<Policy>,
    pub(super) cfgs: Vec<Attribute>,
}

impl Redacted {
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> {
        let groups: Vec<&Group> = match &self.content {
            Content::Struct(group) => vec![group],
            Content::Enum(variants) => variants.iter().map(|variant| &variant.group).collect(),
        };
        groups.into_iter().flat_map(|group| &group.fields)
    }

    /// Reads the item and takes candor's attributes off it, whatever mistakes there are.
    pub(super) fn parse(item: &mut Item, errors: &mut Errors) -> Option<Redacted> {
        match item {
            Item::Struct(item) => {
                check_item(&mut item.attrs, errors);
                let rules = SerdeNames::read(&item.attrs).rename_all;
                let group = Group::parse(&mut item.fields, rules, &[plain(&item.ident)], errors);
                Some(Redacted {
                    ident: item.ident.clone(),
                    generics: item.generics.clone(),
                    attributes: shared_attributes(&item.attrs, [&item.fields]),
                    content: Content::Struct(group),
                })
            }
            Item::Enum(item) => {
                check_item(&mut item.attrs, errors);
                let names = SerdeNames::read(&item.attrs);
                let variants = item
                    .variants
                    .iter_mut()
                    .map(|variant| Variant::parse(variant, &names, errors))
                    .collect();
                let fields = item.variants.iter().map(|variant| &variant.fields);
                let mut attributes = shared_attributes(&item.attrs, fields);
                for variant in &item.variants {
                    attributes.extend(deprecations(&variant.attrs));
                }
                Some(Redacted {
                    ident: item.ident.clone(),
                    generics: item.generics.clone(),
                    attributes,
                    content: Content::Enum(variants),
                })
            }
            Item::Union(item) => {
                check_item(&mut item.attrs, errors);
                for field in &mut item.fields.named {
                    take_redact(&mut field.attrs);
                }
                errors.add(
                    &item.union_token,
                    "`#[redact]` can't know which field of a union holds a value; implement `candor::Loggable` by hand",
                );
                None
            }
            other => {
                let message = "`#[redact]` goes on a struct or an enum";
                match other {
                    Item::Fn(item) => errors.add(&item.sig.fn_token, message),
                    Item::Trait(item) => errors.add(&item.trait_token, message),
                    Item::Impl(item) => errors.add(&item.impl_token, message),
                    Item::Mod(item) => errors.add(&item.mod_token, message),
                    Item::Type(item) => errors.add(&item.type_token, message),
                    other => errors.add(other, message),
                }
                None
            }
        }
    }
}

impl Variant {
    fn parse(variant: &mut syn::Variant, item: &SerdeNames, errors: &mut Errors) -> Variant {
        for attribute in take_redact(&mut variant.attrs) {
            errors.add(
                &attribute.meta,
                "a policy goes on a field; put it before the type, as in `Variant(#[redact(clear)] String)`",
            );
        }
        let names = SerdeNames::read(&variant.attrs);
        let rust = plain(&variant.ident);
        let (tag, tags) = all_names(&rust, &names, item.rename_all, Case::of_variant);
        let rules = names.rename_all.or(item.rename_all_fields);
        Variant {
            ident: variant.ident.clone(),
            tag,
            cfgs: cfgs(&variant.attrs),
            group: Group::parse(&mut variant.fields, rules, &tags, errors),
        }
    }
}

impl Group {
    /// `outer` are the names of the struct or variant, which stand for those a tuple's fields lack.
    fn parse(fields: &mut Fields, rules: Rules, outer: &[String], errors: &mut Errors) -> Group {
        let shape = match fields {
            Fields::Named(_) => Shape::Named,
            Fields::Unnamed(_) => Shape::Tuple,
            Fields::Unit => Shape::Unit,
        };
        let mut parsed: Vec<Field> = Vec::new();
        for (at, field) in fields.iter_mut().enumerate() {
            let attributes = take_redact(&mut field.attrs);
            let policy = Policy::parse(&attributes, errors);
            check_conditional(&mut field.attrs, errors);
            let cfgs = cfgs(&field.attrs);
            let (member, key, names) = if let Some(ident) = &field.ident {
                let rust = plain(ident);
                let serde = SerdeNames::read(&field.attrs);
                let (key, names) = all_names(&rust, &serde, rules, Case::of_field);
                (Member::Named(ident.clone()), key, names)
            } else {
                if let Some(cfg) = cfgs.first() {
                    errors.add(&cfg.meta, "`#[redact]` can't follow a `cfg` on a field without a name; name the field");
                }
                (Member::from(at), String::new(), outer.to_vec())
            };
            parsed.push(Field { member, ty: field.ty.clone(), key, names, policy, cfgs });
        }
        if shape == Shape::Named {
            make_unique(&mut parsed);
        }
        Group { shape, fields: parsed }
    }
}

/// serde may give two fields one key where it writes only one of them; the log writes both, and the
/// later one under its Rust name.
fn make_unique(fields: &mut [Field]) {
    for at in 1..fields.len() {
        let (before, rest) = fields.split_at_mut(at);
        let field = &mut rest[0];
        if !field.cfgs.is_empty() {
            continue;
        }
        let taken = |key: &str| {
            before
                .iter()
                .any(|other| other.key == key && !matches!(other.policy, Some(Policy::Skip)))
        };
        if taken(&field.key) {
            if let Member::Named(ident) = &field.member {
                field.key = plain(ident);
            }
            while taken(&field.key) {
                field.key.push('_');
            }
        }
    }
}

/// The name in the log, and all names.
fn all_names(
    rust: &str,
    serde: &SerdeNames,
    rules: Rules,
    apply: fn(Case, &str) -> String,
) -> (String, Vec<String>) {
    let by_rule = rules.output.map(|case| apply(case, rust));
    let key = serde.rename.clone().or(by_rule).unwrap_or_else(|| rust.to_owned());
    let mut names = vec![rust.to_owned(), key.clone()];
    names.extend(rules.input.map(|case| apply(case, rust)));
    names.extend(serde.others.iter().cloned());
    names.sort();
    names.dedup();
    (key, names)
}

fn check_item(attributes: &mut Vec<Attribute>, errors: &mut Errors) {
    for again in take_redact(attributes) {
        errors.add(&again.meta, "`#[redact]` stands here twice; put its arguments into one");
    }
    for debug in derives_debug(attributes) {
        errors.add(
            &debug,
            "`#[redact]` generates a `Debug` that shows what the log may show; remove the derived one",
        );
    }
}

/// Every `Debug` among the derives below.
pub(super) fn derives_debug(attributes: &[Attribute]) -> Vec<Path> {
    let mut found = Vec::new();
    for attribute in attributes {
        if !attribute.path().is_ident("derive") {
            continue;
        }
        let parse = Punctuated::<Path, Token![,]>::parse_terminated;
        let Ok(paths) = attribute.parse_args_with(parse) else { continue };
        found.extend(paths.into_iter().filter(|path| is_last(path, "Debug")));
    }
    found
}

fn is_last(path: &Path, name: &str) -> bool {
    path.segments.last().is_some_and(|last| last.ident == name)
}

/// Takes candor's own attributes out of a list.
fn take_redact(attributes: &mut Vec<Attribute>) -> Vec<Attribute> {
    attributes.extract_if(.., |attribute| is_last(attribute.path(), "redact")).collect()
}

/// A condition on a policy would be a condition on what leaks.
fn check_conditional(attributes: &mut Vec<Attribute>, errors: &mut Errors) {
    attributes.retain(|attribute| {
        let Meta::List(list) = &attribute.meta else { return true };
        if !list.path.is_ident("cfg_attr") {
            return true;
        }
        let mut tokens = list.tokens.clone().into_iter();
        let Some(redact) = tokens.find(|token| token.to_string() == "redact") else { return true };
        errors.add(&redact, "a policy can't depend on `cfg_attr`; write `#[redact(…)]` on its own");
        false
    });
}

fn cfgs(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect()
}

/// What the user allowed on the item, also for the impls; deprecated fields are the user's affair.
fn shared_attributes<'a>(
    item: &[Attribute],
    fields: impl IntoIterator<Item = &'a Fields>,
) -> Vec<Attribute> {
    let allows = item.iter().filter_map(|attribute| {
        if attribute.path().is_ident("allow") {
            return Some(attribute.clone());
        }
        // An expectation is met by the item itself; the impls must not fail to meet it.
        let metas = attribute
            .path()
            .is_ident("expect")
            .then(|| attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated));
        let metas = metas?.ok()?;
        let lints = metas.iter().map(Meta::path).filter(|path| !path.is_ident("reason"));
        Some(syn::parse_quote!(#[allow(#(#lints),*)]))
    });
    let mut attributes: Vec<Attribute> = allows.collect();
    attributes.extend(deprecations(item));
    for fields in fields {
        for field in fields {
            attributes.extend(deprecations(&field.attrs));
        }
    }
    attributes
}

fn deprecations(attributes: &[Attribute]) -> Option<Attribute> {
    attributes
        .iter()
        .any(|attribute| attribute.path().is_ident("deprecated"))
        .then(|| syn::parse_quote!(#[allow(deprecated)]))
}
