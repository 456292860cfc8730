//! The bounds on type parameters that the impls need.
//!
//! Bounds are on parameters and their projections, never on whole field types: the proof of a bound on
//! a type that contains the item itself would need that very bound.

use syn::{
    GenericArgument, GenericParam, Generics, Ident, Path, PathArguments, Type, WherePredicate,
    parse_quote,
};

use super::model::RedactedField;
use crate::policy::PolicyKind;
use crate::tokens::source_text;

/// The trait that a parameter has to implement. An `Element` is `Loggable` too.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Need {
    Loggable,
    /// For a value in a list.
    Element,
    /// For a policy that shows text; implies neither of the others.
    Text,
    /// For the `shape` policy; implies none of the others.
    Shape,
}

/// The generics for the impl of `Loggable` and for that of `Element`.
pub(super) fn of<'a>(
    item: &Ident,
    generics: &Generics,
    fields: impl IntoIterator<Item = &'a RedactedField>,
    private: &Path,
) -> (Generics, Generics) {
    let mut search = Search::new(item, generics);
    for field in fields {
        match field.kind() {
            None => search.walk(&field.ty, Need::Loggable),
            Some(
                PolicyKind::Clear { .. }
                | PolicyKind::Mask { .. }
                | PolicyKind::Hash
                | PolicyKind::Url
                | PolicyKind::Email
                | PolicyKind::Scrub,
            ) => search.walk(&field.ty, Need::Text),
            Some(PolicyKind::Shape) => search.walk(&field.ty, Need::Shape),
            Some(PolicyKind::Secret | PolicyKind::Skip | PolicyKind::With(_)) => {}
        }
    }
    let (mut for_value, mut for_element) = (generics.clone(), generics.clone());
    let listed = search.listed;
    for (ty, need) in search.found {
        let in_value = if listed { need.of_elements() } else { need }.bound(&ty, private);
        // Else a newtype around `u8` would be an `Element`, and a list of it would show bytes.
        let in_element = need.of_elements().bound(&ty, private);
        for_value.make_where_clause().predicates.push(in_value);
        for_element.make_where_clause().predicates.push(in_element);
    }
    (for_value, for_element)
}

impl Need {
    fn bound(self, ty: &Type, private: &Path) -> WherePredicate {
        match self {
            Need::Loggable => parse_quote!(#ty: #private::Loggable),
            Need::Element => parse_quote!(#ty: #private::Element),
            Need::Text => parse_quote!(#ty: #private::Text),
            Need::Shape => parse_quote!(#ty: #private::Shape),
        }
    }
}

/// Whether a type depends on a type parameter.
pub(super) fn is_generic(item: &Ident, generics: &Generics, ty: &Type) -> bool {
    let mut search = Search::new(item, generics);
    search.walk(ty, Need::Loggable);
    !search.found.is_empty() || search.names_itself && generics.type_params().next().is_some()
}

struct Search<'a> {
    item: &'a Ident,
    generics: &'a Generics,
    found: Vec<(Type, Need)>,
    /// Whether a field is a list of the item, which then has to be an `Element` itself.
    listed: bool,
    names_itself: bool,
}

impl<'a> Search<'a> {
    fn new(item: &'a Ident, generics: &'a Generics) -> Self {
        Search { item, generics, found: Vec::new(), listed: false, names_itself: false }
    }

    fn is_param(&self, ident: &Ident) -> bool {
        self.generics.params.iter().any(|param| match param {
            GenericParam::Type(param) => param.ident == *ident,
            _ => false,
        })
    }

    fn add(&mut self, ty: Type, need: Need) {
        for (known, known_need) in &mut self.found {
            let alike = *known_need == need || known_need.is_ordered() && need.is_ordered();
            if alike && source_text(known) == source_text(&ty) {
                if need > *known_need {
                    *known_need = need;
                }
                return;
            }
        }
        self.found.push((ty, need));
    }

    fn walk(&mut self, ty: &Type, need: Need) {
        match ty {
            Type::Group(inner) => self.walk(&inner.elem, need),
            Type::Paren(inner) => self.walk(&inner.elem, need),
            Type::Reference(inner) => self.walk(&inner.elem, need),
            // The shape of a list is its length, whatever its elements are.
            Type::Array(_) | Type::Slice(_) | Type::Tuple(_) if need == Need::Shape => {}
            Type::Array(inner) => self.walk(&inner.elem, need.of_elements()),
            Type::Slice(inner) => self.walk(&inner.elem, need.of_elements()),
            Type::Tuple(tuple) => {
                for item in &tuple.elems {
                    self.walk(item, need.of_elements());
                }
            }
            Type::Path(path) => match &path.qself {
                Some(qself) if is_generic(self.item, self.generics, &qself.ty) => {
                    self.add(ty.clone(), need);
                }
                Some(_) => {}
                None => self.walk_path(&path.path, ty, need),
            },
            _ => {}
        }
    }

    fn walk_path(&mut self, path: &Path, ty: &Type, need: Need) {
        let Some(first) = path.segments.first() else { return };
        let Some(last) = path.segments.last() else { return };
        if path.leading_colon.is_none() && self.is_param(&first.ident) {
            return self.add(ty.clone(), need);
        }
        if path.is_ident("Self") || last.ident == *self.item {
            self.names_itself = true;
            self.listed |= need == Need::Element;
        }
        let PathArguments::AngleBracketed(arguments) = &last.arguments else { return };
        let types = arguments.args.iter().filter_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        });
        let name = last.ident.to_string();
        for (at, ty) in types.enumerate() {
            let need = match (&*name, at) {
                ("PhantomData", _) | ("HashMap", 2..) | ("HashSet", 1..) => continue,
                ("Option" | "Box" | "Rc" | "Arc" | "Cow", _) => need,
                _ if need == Need::Shape && last.ident != *self.item => continue,
                ("HashMap" | "BTreeMap", 1) if need != Need::Text => Need::Loggable,
                _ if last.ident == *self.item => need,
                _ => need.of_elements(),
            };
            self.walk(ty, need);
        }
    }
}

impl Need {
    fn is_ordered(self) -> bool {
        matches!(self, Need::Loggable | Need::Element)
    }

    fn of_elements(self) -> Need {
        match self {
            Need::Text | Need::Shape => self,
            Need::Loggable | Need::Element => Need::Element,
        }
    }
}
