//! Infers from the syntax of a type or an expression whether candor logs its values without a policy.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use syn::{
    BinOp, Expr, GenericArgument, Lit, Member, Pat, PathArguments, Type, TypeParamBound, UnOp,
};

use super::modules::{ModuleFile, PackageFiles};
use super::scope::Scopes;

/// The kind of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Number {
        is_element: bool,
    },
    /// Loggable, even as an item of a collection.
    Plain,
    /// Loggable, but not as an item of a collection.
    Single,
    /// An error, whose text is scrubbed.
    Error,
    Text,
    Instant,
    /// A value of a type of this package that is not loggable.
    Struct(OwnType),
    Unknown,
}

/// A struct or enum of the package.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OwnType {
    pub(super) name: String,
    /// `None` if the definition is not found.
    definition: Option<ScopedName>,
    /// `None` for the file that is read.
    file: Option<PathBuf>,
    /// The location in another file: `src/orders.rs:3`.
    pub(super) location: Option<String>,
}

impl OwnType {
    /// A type of the file that is read, as seen from a position.
    pub(super) fn here(name: String, types: Types<'_>, at: usize) -> Self {
        OwnType { definition: types.definition(&name, at), name, file: None, location: None }
    }
}

impl Kind {
    pub(super) fn is_loggable(&self) -> bool {
        matches!(self, Kind::Number { .. } | Kind::Plain | Kind::Single | Kind::Error)
    }

    fn is_element(&self) -> bool {
        matches!(self, Kind::Number { is_element: true } | Kind::Plain)
    }

    fn is_number(&self) -> bool {
        matches!(self, Kind::Number { .. })
    }

    /// The kind of a container that is logged as this value or `null`.
    fn optional(self) -> Kind {
        match self {
            Kind::Number { is_element: true } | Kind::Plain => Kind::Plain,
            Kind::Number { .. } | Kind::Single => Kind::Single,
            Kind::Error => Kind::Error,
            _ => Kind::Unknown,
        }
    }

    /// The kind of a list of these values.
    fn listed(&self) -> Kind {
        if self.is_element() { Kind::Plain } else { Kind::Unknown }
    }
}

/// A name that a scope of a file defines.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ScopedName {
    /// The modules and blocks from the scope of the file.
    pub(super) scope: Vec<String>,
    pub(super) name: String,
}

/// The types that a file defines.
#[derive(Default)]
pub(super) struct Definitions {
    /// The named fields of each struct. `None` for an enum, or if two types have the name.
    pub(super) structs: HashMap<ScopedName, Option<HashMap<String, Type>>>,
    pub(super) aliases: HashMap<ScopedName, Option<Type>>,
    pub(super) constants: HashMap<ScopedName, Option<Type>>,
    /// Types with `#[redact]` or an `impl` of `Loggable`.
    pub(super) redacted: HashSet<ScopedName>,
    /// The lines of the structs and enums.
    pub(super) lines: HashMap<ScopedName, usize>,
}

impl Definitions {
    /// Whether the file defines a type with this name.
    pub(super) fn has(&self, name: &ScopedName) -> bool {
        self.structs.contains_key(name) || self.aliases.contains_key(name)
    }
}

/// The data that is needed to resolve the types of a file.
#[derive(Clone, Copy)]
pub(super) struct Types<'a> {
    pub(super) scopes: &'a Scopes,
    pub(super) definitions: &'a Definitions,
    /// Whether `uuid::Uuid` is of the version that candor supports.
    pub(super) has_uuid: bool,
    /// The other files of the package.
    pub(super) files: &'a PackageFiles,
    /// The module of the file, as a path from `crate`.
    pub(super) module: &'a [String],
    /// The file, if it is not the one that is read.
    pub(super) file: Option<&'a ModuleFile>,
}

/// Maximum depth of nested types, because an alias may refer to itself.
const DEPTH: usize = 16;

impl Types<'_> {
    /// The kind of the values of a type. `at` is the position whose imports apply.
    pub(super) fn kind(self, ty: &Type, at: usize) -> Kind {
        self.kind_at(ty, at, DEPTH)
    }

    fn kind_at(self, ty: &Type, at: usize, depth: usize) -> Kind {
        let Some(depth) = depth.checked_sub(1) else { return Kind::Unknown };
        let kind = |ty: &Type| self.kind_at(ty, at, depth);
        match ty {
            Type::Group(group) => kind(&group.elem),
            Type::Paren(paren) => kind(&paren.elem),
            Type::Reference(reference) => kind(&reference.elem),
            Type::Array(array) => kind(&array.elem).listed(),
            Type::Slice(slice) => kind(&slice.elem).listed(),
            Type::Tuple(tuple) if tuple.elems.is_empty() => Kind::Plain,
            Type::Tuple(tuple) => {
                let is_list = tuple.elems.len() <= 12
                    && tuple.elems.iter().all(|item| kind(item).is_element());
                if is_list { Kind::Plain } else { Kind::Unknown }
            }
            Type::TraitObject(object) => self.bounds(object.bounds.iter(), at),
            Type::ImplTrait(bounds) => self.bounds(bounds.bounds.iter(), at),
            Type::Path(path) if path.qself.is_none() => self.path(&path.path, at, depth),
            _ => Kind::Unknown,
        }
    }

    fn bounds<'t>(self, bounds: impl Iterator<Item = &'t TypeParamBound>, at: usize) -> Kind {
        let is_error = |bound: &TypeParamBound| match bound {
            TypeParamBound::Trait(bound) => {
                let path = self.scopes.resolve(&bound.path, at);
                path.is_some_and(|path| {
                    matches!(path.join("::").as_str(), "std::error::Error" | "core::error::Error")
                })
            }
            _ => false,
        };
        if bounds.into_iter().any(is_error) { Kind::Error } else { Kind::Unknown }
    }

    fn path(self, path: &syn::Path, at: usize, depth: usize) -> Kind {
        let Some(last) = path.segments.last() else { return Kind::Unknown };
        let arguments = match &last.arguments {
            PathArguments::None => Vec::new(),
            PathArguments::AngleBracketed(generics) => {
                let types = generics.args.iter().filter_map(|argument| match argument {
                    GenericArgument::Type(ty) => Some(self.kind_at(ty, at, depth)),
                    _ => None,
                });
                types.collect()
            }
            PathArguments::Parenthesized(_) => return Kind::Unknown,
        };
        if let Some(name) = path.get_ident().map(ToString::to_string) {
            if let Some(found) = self.definition(&name, at) {
                return self.defined(&found, depth);
            }
            if let Some(kind) = primitive(&name) {
                return kind;
            }
        }
        let paths = self.files.paths(path, at, self.scopes, self.module);
        if let Some((file, name)) = self.files.find(&paths) {
            return self.in_file(&file, |types| types.defined(&name, depth));
        }
        // Names of the prelude need no import.
        let Some(full) = self.scopes.resolve(path, at) else { return Kind::Unknown };
        let full: Vec<&str> = full.iter().map(String::as_str).collect();
        let name = match full.as_slice() {
            [name] if path.leading_colon.is_none() => *name,
            ["std" | "core" | "alloc", .., name]
            | ["tokio", "time", name @ ("Duration" | "Instant")] => *name,
            ["uuid", "Uuid"] if self.has_uuid => return Kind::Plain,
            ["anyhow", "Error"] | ["eyre" | "color_eyre", "Report"] => return Kind::Error,
            ["sqlx" | "reqwest" | "serde_json" | "hyper" | "config", "Error"] => {
                return Kind::Error;
            }
            _ => return Kind::Unknown,
        };
        let is_std = full.len() > 1;
        match (name, arguments.as_slice()) {
            ("Option" | "Box" | "Rc" | "Arc", [inner]) => inner.clone().optional(),
            ("Vec" | "VecDeque" | "BTreeSet" | "HashSet", [inner, ..]) => inner.listed(),
            ("BTreeMap" | "HashMap", [key, value, ..])
                if key.is_element() && value.is_element() =>
            {
                Kind::Plain
            }
            ("String", []) => Kind::Text,
            ("Instant", []) if is_std => Kind::Instant,
            ("Error", []) if matches!(full.as_slice(), ["std", "io", _] | [_, "fmt", _]) => {
                Kind::Error
            }
            (
                "Duration" | "SystemTime" | "NonZeroU32" | "NonZeroU64" | "NonZeroU128"
                | "NonZeroUsize" | "NonZeroI32" | "NonZeroI64" | "NonZeroI128" | "NonZeroIsize",
                [],
            ) if is_std => Kind::Plain,
            _ => Kind::Unknown,
        }
    }

    /// Calls `f` with the data of another file.
    fn in_file<T>(self, file: &ModuleFile, f: impl FnOnce(Types<'_>) -> T) -> T {
        f(Types {
            scopes: &file.scopes,
            definitions: &file.definitions,
            module: &file.module,
            file: Some(file),
            ..self
        })
    }

    /// The definition of a type in the file, as seen from a position.
    fn definition(self, name: &str, at: usize) -> Option<ScopedName> {
        let definitions = self.definitions;
        let is_known =
            |name: &ScopedName| definitions.has(name) || definitions.redacted.contains(name);
        self.scopes.definition(name, at, is_known)
    }

    /// The kind of a type that the file defines.
    fn defined(self, found: &ScopedName, depth: usize) -> Kind {
        if self.definitions.redacted.contains(found) {
            return Kind::Plain;
        }
        let is_struct = self.definitions.structs.contains_key(found);
        match self.definitions.aliases.get(found) {
            Some(Some(ty)) if !is_struct => {
                return self.kind_at(ty, self.scopes.position(&found.scope), depth);
            }
            Some(_) => return Kind::Unknown,
            None => {}
        }
        let line = self.definitions.lines.get(found);
        let location = self.file.zip(line);
        Kind::Struct(OwnType {
            name: found.name.clone(),
            definition: Some(found.clone()),
            file: self.file.map(|file| file.path.clone()),
            location: location
                .map(|(file, line)| format!("{}:{line}", self.files.name(&file.path))),
        })
    }

    /// The kind of a field of a struct.
    fn field(self, base: &Kind, member: &Member) -> Kind {
        let (Kind::Struct(of), Member::Named(member)) = (base, member) else {
            return Kind::Unknown;
        };
        let Some(found) = &of.definition else { return Kind::Unknown };
        let member = member.to_string();
        let kind = |types: Types<'_>| {
            let fields = types.definitions.structs.get(found).and_then(Option::as_ref);
            let field = fields.and_then(|fields| fields.get(&member));
            field.map_or(Kind::Unknown, |ty| types.kind(ty, types.scopes.position(&found.scope)))
        };
        match &of.file {
            None => kind(self),
            Some(path) => match self.files.loaded(path) {
                Some(file) => self.in_file(&file, kind),
                None => Kind::Unknown,
            },
        }
    }
}

fn primitive(name: &str) -> Option<Kind> {
    Some(match name {
        "u32" | "u64" | "u128" | "usize" | "i16" | "i32" | "i64" | "i128" | "isize" | "f32"
        | "f64" => Kind::Number { is_element: true },
        "u8" | "u16" | "i8" => Kind::Number { is_element: false },
        "bool" => Kind::Plain,
        "char" => Kind::Single,
        "str" => Kind::Text,
        _ => return None,
    })
}

/// Variables with their kinds, the innermost scope last.
#[derive(Debug, Default)]
pub(super) struct Locals {
    scopes: Vec<HashMap<String, Kind>>,
}

impl Locals {
    pub(super) fn enter(&mut self) {
        self.scopes.push(HashMap::new());
    }

    pub(super) fn leave(&mut self) {
        self.scopes.pop();
    }

    pub(super) fn get(&self, name: &str) -> Option<&Kind> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    fn add(&mut self, name: String, kind: Kind) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name, kind);
        }
    }

    /// Adds `self`.
    pub(super) fn bind_self(&mut self, kind: Kind) {
        self.add("self".to_owned(), kind);
    }

    /// Adds the variables of a pattern whose value is of this kind.
    pub(super) fn bind(&mut self, pattern: &Pat, kind: &Kind) {
        match pattern {
            Pat::Ident(ident) if ident.subpat.is_none() => {
                self.add(ident.ident.to_string(), kind.clone());
            }
            Pat::Paren(paren) => self.bind(&paren.pat, kind),
            Pat::Reference(reference) => self.bind(&reference.pat, kind),
            _ => {
                for name in names(pattern) {
                    self.add(name, Kind::Unknown);
                }
            }
        }
    }

    /// Adds the variables of an argument or of a pattern with a type.
    pub(super) fn bind_typed(&mut self, pattern: &Pat, ty: &Type, types: Types<'_>, at: usize) {
        self.bind(pattern, &Kind::Unknown);
        for (name, kind) in typed_names(pattern, ty, types, at) {
            self.add(name, kind);
        }
    }
}

/// The variables of a pattern, in the order of the source.
pub(super) fn names(pattern: &Pat) -> Vec<String> {
    struct Names(Vec<String>);
    impl<'ast> syn::visit::Visit<'ast> for Names {
        fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
            self.0.push(pattern.ident.to_string());
            syn::visit::visit_pat_ident(self, pattern);
        }
    }
    let mut names = Names(Vec::new());
    syn::visit::Visit::visit_pat(&mut names, pattern);
    names.0
}

/// The variables of a pattern with the kinds that the type next to it gives them. In `Path(id): Path<u64>`, the
/// pattern takes the only type argument.
pub(super) fn typed_names(
    pattern: &Pat,
    ty: &Type,
    types: Types<'_>,
    at: usize,
) -> Vec<(String, Kind)> {
    match (pattern, ty) {
        (Pat::Ident(ident), _) if ident.subpat.is_none() => {
            vec![(ident.ident.to_string(), types.kind(ty, at))]
        }
        (Pat::Paren(paren), _) => typed_names(&paren.pat, ty, types, at),
        (Pat::Reference(reference), Type::Reference(of)) => {
            typed_names(&reference.pat, &of.elem, types, at)
        }
        (Pat::Tuple(tuple), Type::Tuple(of)) if tuple.elems.len() == of.elems.len() => {
            let pairs = tuple.elems.iter().zip(&of.elems);
            pairs.flat_map(|(pattern, ty)| typed_names(pattern, ty, types, at)).collect()
        }
        (Pat::TupleStruct(outer), Type::Path(of)) if outer.elems.len() == 1 => {
            let (constructor, last) = (outer.path.segments.last(), of.path.segments.last());
            let inner = match (constructor, last) {
                (Some(constructor), Some(last)) if constructor.ident == last.ident => {
                    match &last.arguments {
                        PathArguments::AngleBracketed(generics) if generics.args.len() == 1 => {
                            match &generics.args[0] {
                                GenericArgument::Type(inner) => Some(inner),
                                _ => None,
                            }
                        }
                        _ => None,
                    }
                }
                _ => None,
            };
            match inner {
                Some(inner) => typed_names(&outer.elems[0], inner, types, at),
                None => unknown(pattern),
            }
        }
        _ => unknown(pattern),
    }
}

fn unknown(pattern: &Pat) -> Vec<(String, Kind)> {
    names(pattern).into_iter().map(|name| (name, Kind::Unknown)).collect()
}

/// Methods without arguments whose result is a number on every type that has them in practice.
const NUMBERS: [&str; 14] = [
    "len",
    "count",
    "capacity",
    "as_millis",
    "as_micros",
    "as_nanos",
    "as_secs",
    "as_secs_f32",
    "as_secs_f64",
    "subsec_nanos",
    "subsec_millis",
    "as_u16",
    "num_rows",
    "rows_affected",
];

/// The same for `bool`.
const BOOLS: [&str; 5] = ["is_empty", "is_some", "is_none", "is_ok", "is_err"];

/// The kind of an expression's value.
pub(super) fn of_expr(value: &Expr, locals: &Locals, types: Types<'_>, at: usize) -> Kind {
    let kind = |value: &Expr| of_expr(value, locals, types, at);
    match value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => {
                primitive(number.suffix()).unwrap_or(Kind::Number { is_element: true })
            }
            Lit::Float(_) => Kind::Number { is_element: true },
            Lit::Bool(_) => Kind::Plain,
            Lit::Char(_) => Kind::Single,
            Lit::Str(_) => Kind::Text,
            _ => Kind::Unknown,
        },
        Expr::Paren(paren) => kind(&paren.expr),
        Expr::Group(group) => kind(&group.expr),
        Expr::Reference(reference) => kind(&reference.expr),
        Expr::Unary(unary) => match (unary.op, kind(&unary.expr)) {
            (UnOp::Deref(_), kind) => kind,
            (UnOp::Neg(_), number) if number.is_number() => number,
            (UnOp::Not(_), value) if value.is_number() || value == Kind::Plain => value,
            _ => Kind::Unknown,
        },
        Expr::Binary(binary) => match binary.op {
            BinOp::Eq(_)
            | BinOp::Ne(_)
            | BinOp::Lt(_)
            | BinOp::Le(_)
            | BinOp::Gt(_)
            | BinOp::Ge(_)
            | BinOp::And(_)
            | BinOp::Or(_) => Kind::Plain,
            BinOp::Add(_) | BinOp::Sub(_) | BinOp::Mul(_) | BinOp::Div(_) | BinOp::Rem(_) => {
                let (left, right) = (kind(&binary.left), kind(&binary.right));
                if left.is_number() && right.is_number() { left } else { Kind::Unknown }
            }
            _ => Kind::Unknown,
        },
        Expr::Cast(cast) => types.kind(&cast.ty, at),
        Expr::Field(field) => types.field(&kind(&field.base), &field.member),
        Expr::Path(path) => of_path(path, locals, types, at),
        Expr::Struct(literal) => match types.path(&literal.path, at, DEPTH) {
            kind @ Kind::Struct(_) => kind,
            _ => Kind::Unknown,
        },
        Expr::Call(call) => {
            let Expr::Path(function) = &*call.func else { return Kind::Unknown };
            let Some(path) = types.scopes.resolve(&function.path, at) else { return Kind::Unknown };
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            match path.as_slice() {
                ["std" | "tokio", "time", "Instant", "now"] => Kind::Instant,
                ["uuid", "Uuid", "new_v4" | "now_v7"] if types.has_uuid => Kind::Plain,
                _ => Kind::Unknown,
            }
        }
        Expr::MethodCall(call) => {
            let receiver = || kind(&call.receiver);
            match call.method.to_string().as_str() {
                name if call.args.is_empty() && NUMBERS.contains(&name) => {
                    Kind::Number { is_element: true }
                }
                name if call.args.is_empty() && BOOLS.contains(&name) => Kind::Plain,
                "elapsed" | "duration_since" if receiver() == Kind::Instant => Kind::Plain,
                "clone" | "to_owned" if call.args.is_empty() => match receiver() {
                    kind @ (Kind::Number { .. } | Kind::Plain | Kind::Text) => kind,
                    _ => Kind::Unknown,
                },
                "to_string" => Kind::Text,
                _ => Kind::Unknown,
            }
        }
        _ => Kind::Unknown,
    }
}

/// The kind of the items of a `for` loop over a range of numbers.
pub(super) fn of_item(items: &Expr, locals: &Locals, types: Types<'_>, at: usize) -> Kind {
    match items {
        Expr::Paren(paren) => of_item(&paren.expr, locals, types, at),
        Expr::Range(range) => match (&range.start, &range.end) {
            (Some(start), Some(end)) => {
                let [start, end] = [start, end].map(|bound| of_expr(bound, locals, types, at));
                if start.is_number() && end.is_number() { end } else { Kind::Unknown }
            }
            _ => Kind::Unknown,
        },
        _ => Kind::Unknown,
    }
}

fn of_path(path: &syn::ExprPath, locals: &Locals, types: Types<'_>, at: usize) -> Kind {
    if let Some(name) = path.path.get_ident().map(ToString::to_string) {
        if let Some(local) = locals.get(&name) {
            return local.clone();
        }
        let constants = &types.definitions.constants;
        let found = types.scopes.definition(&name, at, |name| constants.contains_key(name));
        return match found.and_then(|found| Some((constants.get(&found)?.as_ref()?, found.scope))) {
            Some((ty, scope)) => types.kind(ty, types.scopes.position(&scope)),
            None => Kind::Unknown,
        };
    }
    let mut segments = path.path.segments.iter();
    match (segments.next(), segments.next(), segments.next()) {
        (Some(first), Some(_), None) => match primitive(&first.ident.to_string()) {
            Some(number) if number.is_number() => number,
            _ => Kind::Unknown,
        },
        _ => Kind::Unknown,
    }
}
