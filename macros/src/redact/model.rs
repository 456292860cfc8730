//! The item, parsed and checked as far as that is possible without knowing types.

use syn::ext::IdentExt as _;
use syn::punctuated::Punctuated;
use syn::{Attribute, Fields, Generics, Ident, Item, Member, Meta, Path, Token, Type};

use super::attribute;
use super::serde_names::{Case, Rules, SerdeNames};
use crate::errors::Errors;
use crate::policy::{Policy, PolicyKind};

/// A struct or enum without mistakes.
pub(super) struct Redacted {
    pub(super) ident: Ident,
    pub(super) generics: Generics,
    /// `#[allow(…)]`s for the impls: those of the item, and of deprecations.
    pub(super) attributes: Vec<Attribute>,
    pub(super) content: Content,
}

pub(super) enum Content {
    Struct(StructForm, FieldGroup),
    Enum(Vec<Variant>),
}

/// The form that serde gives to a struct.
pub(super) enum StructForm {
    Plain,
    /// `{"type":"Name",…}`.
    Tagged {
        key: String,
        tag: String,
    },
    /// The value of the field with this index.
    Transparent(usize),
}

/// How serde represents the variant of an enum.
#[derive(Clone)]
pub(super) enum Tagging {
    /// `{"Variant":…}`
    External,
    /// `{"t":"Variant",…}`
    Internal { key: String },
    /// `{"t":"Variant","c":…}`
    Adjacent { key: String, content: String },
    /// `…`
    Untagged,
}

pub(super) struct Variant {
    pub(super) ident: Ident,
    /// The name in the log.
    pub(super) tag: String,
    pub(super) tagging: Tagging,
    pub(super) cfgs: Vec<Attribute>,
    pub(super) group: FieldGroup,
}

/// The fields of a struct or variant.
pub(super) struct FieldGroup {
    shape: GroupShape,
    pub(super) fields: Vec<RedactedField>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum GroupShape {
    Unit,
    Tuple,
    Named,
}

pub(super) struct RedactedField {
    pub(super) member: Member,
    pub(super) ty: Type,
    /// The key in the log; empty in a tuple.
    pub(super) key: String,
    /// All names of the field, for the key rule.
    pub(super) names: Vec<String>,
    /// The names of the variant around it. If they are sensitive, a field without a policy is hidden.
    outer_keys: Vec<String>,
    pub(super) policy: Option<Policy>,
    /// Whether the item has the fields of this one in its place.
    pub(super) flatten: bool,
    pub(super) cfgs: Vec<Attribute>,
}

impl RedactedField {
    pub(super) fn kind(&self) -> Option<&PolicyKind> {
        self.policy.as_ref().map(|policy| &policy.kind)
    }

    pub(super) fn is_skipped(&self) -> bool {
        matches!(self.kind(), Some(PolicyKind::Skip))
    }

    /// The names for the key rule if the field has no policy.
    pub(super) fn all_names(&self) -> Vec<String> {
        let outer = self.outer_keys.iter().filter(|key| !self.names.contains(key));
        self.names.iter().chain(outer).cloned().collect()
    }
}

impl Redacted {
    pub(super) fn fields(&self) -> impl Iterator<Item = &RedactedField> {
        let groups: Vec<&FieldGroup> = match &self.content {
            Content::Struct(_, group) => vec![group],
            Content::Enum(variants) => variants.iter().map(|variant| &variant.group).collect(),
        };
        groups.into_iter().flat_map(|group| &group.fields)
    }

    /// Parses the item and removes candor's attributes from it, even if there are mistakes.
    pub(super) fn parse(item: &mut Item, errors: &mut Errors) -> Option<Redacted> {
        match item {
            Item::Struct(item) => {
                check_item(&mut item.attrs, errors);
                let serde = SerdeNames::read(&item.attrs);
                let name = item.ident.unraw().to_string();
                let outer = Outer {
                    names: vec![name.clone()],
                    keys: Vec::new(),
                    tag: serde.tag.clone(),
                    transparent: serde.has("transparent"),
                };
                let form = match (&serde.tag, transparent_field(&serde, &item.fields)) {
                    (_, Some(at)) => StructForm::Transparent(at),
                    (Some(key), None) => {
                        let tag = serde.rename.clone().unwrap_or(name);
                        StructForm::Tagged { key: key.clone(), tag }
                    }
                    (None, None) => StructForm::Plain,
                };
                let group = FieldGroup::parse(&mut item.fields, serde.rename_all, &outer, errors);
                Some(Redacted {
                    ident: item.ident.clone(),
                    generics: item.generics.clone(),
                    attributes: shared_attributes(&item.attrs, [&item.fields]),
                    content: Content::Struct(form, group),
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
                    "`#[redact]` can only be applied to structs and enums; implement `candor::Loggable` for a union",
                );
                None
            }
            other => {
                let message = "`#[redact]` can only be applied to structs and enums";
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
                "a policy applies to a field; put it before the type: `Variant(#[redact(secret)] String)`",
            );
        }
        let names = SerdeNames::read(&variant.attrs);
        let rust = variant.ident.unraw().to_string();
        let (tag, tags) = all_names(&rust, &names, item.rename_all, Case::of_variant);
        let rules = names.rename_all.or(item.rename_all_fields);
        let tagging = match (&item.tag, &item.content) {
            _ if item.has("untagged") || names.has("untagged") => Tagging::Untagged,
            (Some(key), Some(content)) => {
                Tagging::Adjacent { key: key.clone(), content: content.clone() }
            }
            (Some(key), None) => Tagging::Internal { key: key.clone() },
            (None, _) => Tagging::External,
        };
        let inside = match &tagging {
            Tagging::Internal { key } => Some(key.clone()),
            _ => None,
        };
        let keys = match &tagging {
            Tagging::External => tags.clone(),
            Tagging::Internal { .. } | Tagging::Adjacent { .. } | Tagging::Untagged => Vec::new(),
        };
        let outer = Outer { names: tags, keys, tag: inside, transparent: false };
        Variant {
            ident: variant.ident.clone(),
            tag,
            tagging,
            cfgs: cfgs(&variant.attrs),
            group: FieldGroup::parse(&mut variant.fields, rules, &outer, errors),
        }
    }
}

impl FieldGroup {
    fn parse(fields: &mut Fields, rules: Rules, outer: &Outer, errors: &mut Errors) -> FieldGroup {
        let shape = match fields {
            Fields::Named(_) => GroupShape::Named,
            Fields::Unnamed(_) => GroupShape::Tuple,
            Fields::Unit => GroupShape::Unit,
        };
        let mut parsed: Vec<RedactedField> = Vec::new();
        for (at, field) in fields.iter_mut().enumerate() {
            let attributes = take_redact(&mut field.attrs);
            let policy = attribute::policy(&attributes, errors);
            check_conditional(&mut field.attrs, errors);
            let cfgs = cfgs(&field.attrs);
            let serde = SerdeNames::read(&field.attrs);
            let (member, key, names) = if let Some(ident) = &field.ident {
                let rust = ident.unraw().to_string();
                let (key, mut names) = all_names(&rust, &serde, rules, Case::of_field);
                if outer.transparent {
                    names.extend(outer.names.iter().cloned());
                }
                (Member::Named(ident.clone()), key, names)
            } else {
                if let Some(cfg) = cfgs.first() {
                    errors.add(
                        &cfg.meta,
                        "`cfg` is not supported on a field without a name; name the field",
                    );
                }
                (Member::from(at), String::new(), outer.names.clone())
            };
            parsed.push(RedactedField {
                member,
                ty: field.ty.clone(),
                key,
                names,
                outer_keys: outer.keys.clone(),
                policy,
                flatten: serde.has("flatten") && shape == GroupShape::Named,
                cfgs,
            });
        }
        if shape == GroupShape::Named {
            make_unique(&mut parsed, outer.tag.as_deref());
        }
        FieldGroup { shape, fields: parsed }
    }

    /// The shape in the log: a tuple whose fields are all skipped is only a name.
    pub(super) fn shape(&self) -> GroupShape {
        match self.shape {
            GroupShape::Tuple if self.fields.iter().all(RedactedField::is_skipped) => {
                GroupShape::Unit
            }
            shape => shape,
        }
    }
}

/// The struct or variant around a group of fields.
struct Outer {
    /// Its names, which the fields of a tuple have too.
    names: Vec<String>,
    /// Its names if it is a variant and the log has the fields under its key.
    keys: Vec<String>,
    /// The key of the tag that is written next to the fields.
    tag: Option<String>,
    /// Whether a field is written without its name.
    transparent: bool,
}

/// The index of the field that serde writes in place of a `transparent` struct.
fn transparent_field(serde: &SerdeNames, fields: &Fields) -> Option<usize> {
    let is_written = |field: &syn::Field| {
        let is_marker = match &field.ty {
            Type::Path(path) => is_last(&path.path, "PhantomData"),
            _ => false,
        };
        let serde = SerdeNames::read(&field.attrs);
        !is_marker && !serde.has("skip") && !serde.has("skip_serializing")
    };
    serde.has("transparent").then(|| fields.iter().position(is_written)).flatten()
}

/// Two fields can have the same key if serde writes only one of them. The log writes both, the later
/// one under its Rust name.
fn make_unique(fields: &mut [RedactedField], tag: Option<&str>) {
    for at in 0..fields.len() {
        let (before, rest) = fields.split_at_mut(at);
        let field = &mut rest[0];
        if !field.cfgs.is_empty() {
            continue;
        }
        let taken = |key: &str| {
            before.iter().any(|other| other.key == key && !other.is_skipped()) || tag == Some(key)
        };
        if taken(&field.key) {
            if let Member::Named(ident) = &field.member {
                field.key = ident.unraw().to_string();
            }
            while taken(&field.key) {
                field.key.push('_');
            }
        }
    }
}

/// The key of a field or variant, and all its names.
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
        errors.add(&again.meta, "duplicate `#[redact]`; merge the arguments");
    }
    for debug in derives_debug(attributes) {
        errors.add(
            &debug,
            "`#[redact]` implements `Debug`, with the same redaction; remove the derived `Debug`",
        );
    }
}

/// Every `Debug` in a `#[derive(…)]`.
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

/// Removes `#[redact(…)]` from a list of attributes.
fn take_redact(attributes: &mut Vec<Attribute>) -> Vec<Attribute> {
    attributes.extract_if(.., |attribute| is_last(attribute.path(), "redact")).collect()
}

/// Reports policies under `cfg_attr`: the build would decide about what leaks.
fn check_conditional(attributes: &mut Vec<Attribute>, errors: &mut Errors) {
    attributes.retain(|attribute| {
        let Meta::List(list) = &attribute.meta else { return true };
        if !list.path.is_ident("cfg_attr") {
            return true;
        }
        let mut tokens = list.tokens.clone().into_iter();
        let Some(redact) = tokens.find(|token| token.to_string() == "redact") else { return true };
        errors.add(
            &redact,
            "a policy must not depend on `cfg_attr`; write `#[redact(…)]` without it",
        );
        false
    });
}

fn cfgs(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect()
}

/// The item's `#[allow(…)]`s for the impls too, and `#[allow(deprecated)]` if a field is deprecated.
fn shared_attributes<'a>(
    item: &[Attribute],
    fields: impl IntoIterator<Item = &'a Fields>,
) -> Vec<Attribute> {
    let allows = item.iter().filter_map(|attribute| {
        if attribute.path().is_ident("allow") {
            return Some(attribute.clone());
        }
        // The impls need not fulfill the item's expectations.
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
