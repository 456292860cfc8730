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
    Struct(Form, Group),
    Enum(Vec<Variant>),
}

/// How serde writes a struct, beside its fields.
pub(super) enum Form {
    Plain,
    /// `{"type":"Name",…}`.
    Tagged {
        key: String,
        tag: String,
    },
    /// As the field at this place alone.
    Transparent(usize),
}

/// How serde writes which variant of an enum it is.
#[derive(Clone)]
pub(super) enum Tagging {
    /// `{"Variant":…}`
    External,
    /// `{"t":"Variant",…}`
    Internal { key: String },
    /// `{"t":"Variant","c":…}`
    Adjacent { key: String, content: String },
    /// Not at all.
    Untagged,
}

pub(super) struct Variant {
    pub(super) ident: Ident,
    /// Its name in the log.
    pub(super) tag: String,
    pub(super) tagging: Tagging,
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
    /// Keys it stands under beside its own: a sensitive one hides all that is not decided.
    pub(super) under: Vec<String>,
    pub(super) policy: Option<Policy>,
    /// Whether its fields stand among those of the item.
    pub(super) flatten: bool,
    pub(super) cfgs: Vec<Attribute>,
}

impl Redacted {
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> {
        let groups: Vec<&Group> = match &self.content {
            Content::Struct(_, group) => vec![group],
            Content::Enum(variants) => variants.iter().map(|variant| &variant.group).collect(),
        };
        groups.into_iter().flat_map(|group| &group.fields)
    }

    /// Reads the item and takes candor's attributes off it, whatever mistakes there are.
    pub(super) fn parse(item: &mut Item, errors: &mut Errors) -> Option<Redacted> {
        match item {
            Item::Struct(item) => {
                check_item(&mut item.attrs, errors);
                let serde = SerdeNames::read(&item.attrs);
                let name = plain(&item.ident);
                let outer = Outer {
                    names: vec![name.clone()],
                    keys: Vec::new(),
                    tag: serde.tag.clone(),
                    transparent: serde.has("transparent"),
                };
                let form = match (&serde.tag, transparent_field(&serde, &item.fields)) {
                    (_, Some(at)) => Form::Transparent(at),
                    (Some(key), None) => {
                        let tag = serde.rename.clone().unwrap_or(name);
                        Form::Tagged { key: key.clone(), tag }
                    }
                    (None, None) => Form::Plain,
                };
                let group = Group::parse(&mut item.fields, serde.rename_all, &outer, errors);
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
            group: Group::parse(&mut variant.fields, rules, &outer, errors),
        }
    }
}

impl Group {
    fn parse(fields: &mut Fields, rules: Rules, outer: &Outer, errors: &mut Errors) -> Group {
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
            let serde = SerdeNames::read(&field.attrs);
            let (member, key, names) = if let Some(ident) = &field.ident {
                let rust = plain(ident);
                let (key, mut names) = all_names(&rust, &serde, rules, Case::of_field);
                if outer.transparent {
                    names.extend(outer.names.iter().cloned());
                }
                (Member::Named(ident.clone()), key, names)
            } else {
                if let Some(cfg) = cfgs.first() {
                    errors.add(&cfg.meta, "`#[redact]` can't follow a `cfg` on a field without a name; name the field");
                }
                (Member::from(at), String::new(), outer.names.clone())
            };
            let flatten = serde.has("flatten") && shape == Shape::Named;
            let ty = field.ty.clone();
            let under = outer.keys.clone();
            parsed.push(Field { member, ty, key, names, under, policy, flatten, cfgs });
        }
        if shape == Shape::Named {
            make_unique(&mut parsed, outer.tag.as_deref());
        }
        Group { shape, fields: parsed }
    }
}

/// What a group of fields stands in.
struct Outer {
    /// The names of the struct or variant, which stand for those a tuple's fields lack.
    names: Vec<String>,
    /// The key that the fields stand under.
    keys: Vec<String>,
    /// The key of the tag that stands among the fields.
    tag: Option<String>,
    /// Whether a field with a name is written without it.
    transparent: bool,
}

/// The field that serde writes in the place of the struct.
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

/// serde may give two fields one key where it writes only one of them; the log writes both, and the
/// later one under its Rust name.
fn make_unique(fields: &mut [Field], tag: Option<&str>) {
    for at in 0..fields.len() {
        let (before, rest) = fields.split_at_mut(at);
        let field = &mut rest[0];
        if !field.cfgs.is_empty() {
            continue;
        }
        let taken = |key: &str| {
            before
                .iter()
                .any(|other| other.key == key && !matches!(other.policy, Some(Policy::Skip)))
                || tag == Some(key)
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
