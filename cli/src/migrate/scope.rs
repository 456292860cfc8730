//! Imports, and the full paths of names. Every scope is a range of bytes of the file.

use std::collections::HashSet;
use std::ops::Range;

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Item, UseTree, Visibility};

use super::types::{Definitions, ScopedName};

/// The names that a file imports and defines, by scope.
#[derive(Default)]
pub(super) struct Scopes {
    /// The scope of the file is the first. Every scope follows the scope around it.
    all: Vec<Scope>,
    pub(super) uses: Vec<Use>,
    /// Macros that the file defines.
    macros: HashSet<String>,
    /// Crates whose macros need no import, because of `#[macro_use]`.
    pub(super) macro_crates: Vec<String>,
    /// The imports of the file of the parent module, for `use super::*`.
    pub(super) parent: Option<Box<Scopes>>,
}

#[derive(Debug)]
struct Scope {
    range: Range<usize>,
    is_module: bool,
    /// The name of a module inside the file.
    name: Option<String>,
    /// The modules and blocks from the scope of the file. A block has its position as a name, so that no module is equal.
    path: Vec<String>,
    /// Modules and types that the scope defines.
    items: HashSet<String>,
}

/// A `use` item.
pub(super) struct Use {
    pub(super) range: Range<usize>,
    /// The range of bytes in which the names are visible.
    pub(super) scope: Range<usize>,
    pub(super) is_public: bool,
    pub(super) leaves: Vec<Leaf>,
    pub(super) tree: UseTree,
}

/// A name that a `use` item imports.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaf {
    /// `*` for a glob.
    pub(super) name: String,
    pub(super) path: Vec<String>,
}

/// The result of a look-up.
enum Resolved {
    Path(Vec<String>),
    /// The file defines it.
    Defined,
    /// Unknown: a glob import may contain it.
    Nothing {
        has_globs: bool,
    },
}

/// The origin of a macro or attribute.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Origin {
    Path(Vec<String>),
    Defined,
    /// It comes from a glob import that is not followed.
    Glob,
    Nothing,
}

/// Imports and definitions of a file.
pub(super) fn collect(file: &syn::File, len: usize) -> (Scopes, Definitions) {
    let mut collector = Collector::default();
    collector.open(0..len.max(1), true, None);
    collector.add_items(&file.items);
    visit::visit_file(&mut collector, file);
    let Collector { scopes, mut definitions, loggable, .. } = collector;
    for (found, at) in loggable {
        // A type that is not defined in this file is imported where the `impl` is.
        let own = scopes.definition(&found.name, at, |name| definitions.has(name));
        definitions.redacted.insert(own.unwrap_or(found));
    }
    (scopes, definitions)
}

#[derive(Default)]
struct Collector {
    scopes: Scopes,
    definitions: Definitions,
    /// The types with an `impl` of `Loggable`, with its position.
    loggable: Vec<(ScopedName, usize)>,
    open: Vec<usize>,
}

impl Collector {
    fn open(&mut self, range: Range<usize>, is_module: bool, name: Option<String>) {
        let mut path = self.path();
        if !self.open.is_empty() {
            path.push(name.clone().unwrap_or_else(|| range.start.to_string()));
        }
        self.open.push(self.scopes.all.len());
        self.scopes.all.push(Scope { range, is_module, name, path, items: HashSet::new() });
    }

    /// The path of the scope that is read.
    fn path(&self) -> Vec<String> {
        let scope = self.open.last().and_then(|at| self.scopes.all.get(*at));
        scope.map(|scope| scope.path.clone()).unwrap_or_default()
    }

    /// A name in the scope that is read.
    fn name(&self, name: &syn::Ident) -> ScopedName {
        ScopedName { scope: self.path(), name: name.to_string() }
    }

    fn add_items(&mut self, items: &[Item]) {
        let Some(scope) = self.open.last().and_then(|at| self.scopes.all.get_mut(*at)) else {
            return;
        };
        for item in items {
            let name = match item {
                Item::Mod(item) => &item.ident,
                Item::Struct(item) => &item.ident,
                Item::Enum(item) => &item.ident,
                Item::Type(item) => &item.ident,
                Item::Trait(item) => &item.ident,
                Item::Union(item) => &item.ident,
                _ => continue,
            };
            scope.items.insert(name.to_string());
        }
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let Some((brace, items)) = &item.content else { return };
        self.open(brace.span.join().byte_range(), true, Some(item.ident.to_string()));
        self.add_items(items);
        visit::visit_item_mod(self, item);
        self.open.pop();
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.open(block.span().byte_range(), false, None);
        visit::visit_block(self, block);
        self.open.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let Some(scope) = self.open.last().and_then(|at| self.scopes.all.get(*at)) else {
            return;
        };
        let mut leaves = Vec::new();
        add_leaves(&item.tree, &mut Vec::new(), &mut leaves);
        self.scopes.uses.push(Use {
            range: item.span().byte_range(),
            scope: scope.range.clone(),
            is_public: !matches!(item.vis, Visibility::Inherited),
            leaves,
            tree: item.tree.clone(),
        });
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        if item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_use")) {
            self.scopes.macro_crates.push(item.ident.to_string());
        }
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        self.scopes.macros.extend(item.ident.as_ref().map(ToString::to_string));
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        let fields = item
            .fields
            .iter()
            .filter_map(|field| Some((field.ident.as_ref()?.to_string(), field.ty.clone())));
        let fields = item.generics.params.is_empty().then(|| fields.collect());
        let name = self.name(&item.ident);
        define(&mut self.definitions.structs, name, fields);
        self.add_type(&item.attrs, &item.ident);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        let name = self.name(&item.ident);
        define(&mut self.definitions.structs, name, None);
        self.add_type(&item.attrs, &item.ident);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let is_loggable = item.trait_.as_ref().is_some_and(|(path, ..)| {
            path.segments.last().is_some_and(|last| last.ident == "Loggable")
        });
        if let (true, syn::Type::Path(own)) = (is_loggable, &*item.self_ty)
            && let Some(name) = own.path.get_ident()
        {
            self.loggable.push((self.name(name), item.span().byte_range().start));
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        let ty = item.generics.params.is_empty().then(|| (*item.ty).clone());
        let name = self.name(&item.ident);
        define(&mut self.definitions.aliases, name, ty);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        let name = self.name(&item.ident);
        define(&mut self.definitions.constants, name, Some((*item.ty).clone()));
        visit::visit_item_const(self, item);
    }
}

impl Collector {
    fn add_type(&mut self, attributes: &[syn::Attribute], name: &syn::Ident) {
        self.definitions.lines.insert(self.name(name), name.span().start().line);
        let is_redact = |attribute: &syn::Attribute| {
            attribute.path().segments.last().is_some_and(|last| last.ident == "redact")
        };
        if attributes.iter().any(is_redact) {
            self.definitions.redacted.insert(self.name(name));
        }
    }
}

/// Adds a definition. If a name is defined twice, its type is unknown.
fn define<T>(
    known: &mut std::collections::HashMap<ScopedName, Option<T>>,
    name: ScopedName,
    value: Option<T>,
) {
    known.entry(name).and_modify(|known| *known = None).or_insert(value);
}

fn add_leaves(tree: &UseTree, path: &mut Vec<String>, leaves: &mut Vec<Leaf>) {
    match tree {
        UseTree::Path(inner) => {
            path.push(inner.ident.to_string());
            add_leaves(&inner.tree, path, leaves);
            path.pop();
        }
        UseTree::Name(name) => leaves.push(leaf(&name.ident.to_string(), None, path)),
        UseTree::Rename(rename) => {
            leaves.push(leaf(&rename.ident.to_string(), Some(rename.rename.to_string()), path));
        }
        UseTree::Glob(_) => leaves.push(Leaf { name: "*".to_owned(), path: path.clone() }),
        UseTree::Group(group) => {
            for item in &group.items {
                add_leaves(item, path, leaves);
            }
        }
    }
}

/// The leaf of a name below `path`, as `name` or `name as rename`.
pub(super) fn leaf(name: &str, rename: Option<String>, path: &[String]) -> Leaf {
    let mut full = path.to_vec();
    if name != "self" || full.is_empty() {
        full.push(name.to_owned());
    }
    let name = rename.unwrap_or_else(|| full.last().cloned().unwrap_or_default());
    Leaf { name, path: full }
}

impl Scopes {
    /// The full path of a path at a position, such as `tracing::info` for `info`. `None` if it can't be known.
    pub(super) fn resolve(&self, path: &syn::Path, at: usize) -> Option<Vec<String>> {
        let segments: Vec<_> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if path.leading_colon.is_some() {
            return Some(segments);
        }
        let (first, rest) = segments.split_first()?;
        match self.look_up(first, at) {
            Resolved::Path(mut full) => {
                full.extend_from_slice(rest);
                Some(full)
            }
            Resolved::Nothing { .. }
                if !matches!(first.as_str(), "self" | "super" | "crate" | "Self") =>
            {
                Some(segments)
            }
            _ => None,
        }
    }

    /// The paths from `crate` that a path at a position may stand for, if it leads into the package. `module` is the
    /// module of the file, and `library` the name of the package's library.
    pub(super) fn own_paths(
        &self,
        path: &syn::Path,
        at: usize,
        module: &[String],
        library: &str,
    ) -> Vec<Vec<String>> {
        let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let around: Vec<&Scope> =
            self.all.iter().rev().filter(|scope| scope.range.contains(&at)).collect();
        // The names of the modules around a scope, from that of the file.
        let module_of = |from: usize| -> Vec<String> {
            let inside = around[from..].iter().rev().filter_map(|scope| scope.name.clone());
            module.iter().cloned().chain(inside).collect()
        };
        let Some(first) = names.first() else { return Vec::new() };
        if let Some(full) = from_crate(&names, &module_of(0), library) {
            return vec![full];
        }
        let mut found = Vec::new();
        for (from, scope) in around.iter().enumerate() {
            let own = module_of(from);
            let full = |leaf: &[String], rest: &[String]| {
                let full: Vec<String> = leaf.iter().chain(rest).cloned().collect();
                // A path may begin with a module of the scope.
                from_crate(&full, &own, library).or_else(|| {
                    let is_here = leaf.first().is_some_and(|first| scope.items.contains(first));
                    (is_here && !own.is_empty()).then(|| own.iter().cloned().chain(full).collect())
                })
            };
            let uses = self.uses.iter().filter(|item| item.scope == scope.range);
            for leaf in uses.flat_map(|item| &item.leaves) {
                if leaf.name == *first {
                    return full(&leaf.path, &names[1..]).into_iter().collect();
                }
                if leaf.name == "*" {
                    found.extend(full(&leaf.path, &names));
                }
            }
            if scope.items.contains(first) {
                return full(&names, &[]).filter(|_| names.len() > 1).into_iter().collect();
            }
            if scope.is_module {
                break;
            }
        }
        found
    }

    /// The definition of a name, as seen from a position. `None` if the name is imported from elsewhere.
    pub(super) fn definition(
        &self,
        name: &str,
        at: usize,
        is_defined: impl Fn(&ScopedName) -> bool,
    ) -> Option<ScopedName> {
        let mut is_behind_module = false;
        for scope in self.all.iter().rev().filter(|scope| scope.range.contains(&at)) {
            // Blocks between the modules are not in scope.
            if is_behind_module && !scope.is_module {
                continue;
            }
            let found = ScopedName { scope: scope.path.clone(), name: name.to_owned() };
            if is_defined(&found) {
                return Some(found);
            }
            if scope.items.contains(name) {
                return None;
            }
            let uses = self.uses.iter().filter(|item| item.scope == scope.range);
            let leaves: Vec<_> = uses.flat_map(|item| &item.leaves).collect();
            let sees_parent = match leaves.iter().find(|leaf| leaf.name == name) {
                Some(leaf) if scope.is_module => leaf.path == ["super", name],
                Some(_) => return None,
                None => leaves.iter().any(|leaf| leaf.name == "*" && leaf.path == ["super"]),
            };
            if scope.is_module && !sees_parent {
                return None;
            }
            is_behind_module = scope.is_module;
        }
        None
    }

    /// A position in a scope.
    pub(super) fn position(&self, path: &[String]) -> usize {
        self.all.iter().find(|scope| scope.path == path).map_or(0, |scope| scope.range.start)
    }

    /// The paths from `crate` under which a module re-exports a name. `module` is the module of the file, and `inside`
    /// the path from there.
    pub(super) fn exports(
        &self,
        name: &str,
        module: &[String],
        inside: &[String],
        library: &str,
    ) -> Vec<Vec<String>> {
        let Some(scope) = self.all.iter().find(|scope| scope.path == inside) else {
            return Vec::new();
        };
        let module = [module, inside].concat();
        let uses = self.uses.iter().filter(|item| item.scope == scope.range);
        let leaves = uses.flat_map(|item| &item.leaves);
        let found =
            leaves.filter(|leaf| leaf.name == name || leaf.name == "*").filter_map(|leaf| {
                let mut path = leaf.path.clone();
                if leaf.name == "*" {
                    path.push(name.to_owned());
                }
                from_crate(&path, &module, library).or_else(|| {
                    let is_here = path.first().is_some_and(|first| scope.items.contains(first));
                    is_here.then(|| module.iter().cloned().chain(path).collect())
                })
            });
        found.collect()
    }

    /// Whether the file contains a module with this name.
    pub(super) fn has_module(&self, name: &str) -> bool {
        self.all.iter().any(|scope| scope.name.as_deref() == Some(name))
    }

    /// The origin of a macro or attribute at a position.
    pub(super) fn origin(&self, path: &syn::Path, at: usize) -> Origin {
        let Some(name) = path.get_ident().filter(|_| path.leading_colon.is_none()) else {
            return self.resolve(path, at).map_or(Origin::Nothing, Origin::Path);
        };
        let name = name.to_string();
        match self.look_up(&name, at) {
            Resolved::Path(path) => Origin::Path(path),
            Resolved::Defined => Origin::Defined,
            Resolved::Nothing { .. } if self.macros.contains(&name) => Origin::Defined,
            Resolved::Nothing { has_globs } => {
                let owner = self
                    .macro_crates
                    .iter()
                    .find(|name| matches!(name.as_str(), "tracing" | "log"));
                match owner {
                    Some(owner) => Origin::Path(vec![owner.clone(), name]),
                    None if has_globs => Origin::Glob,
                    None => Origin::Nothing,
                }
            }
        }
    }

    /// Whether the file imports the name from the file of its parent module.
    pub(super) fn takes_from_parent(&self, name: &str) -> bool {
        let file = self.all.first().map(|scope| &scope.range);
        let uses = self.uses.iter().filter(|item| Some(&item.scope) == file);
        let leaves: Vec<&Leaf> = uses.flat_map(|item| &item.leaves).collect();
        match leaves.iter().find(|leaf| leaf.name == name) {
            Some(leaf) => leaf.path.first().is_some_and(|first| first == "super"),
            None => leaves.iter().any(|leaf| leaf.name == "*" && leaf.path == ["super"]),
        }
    }

    /// Whether the name may be the one that `item` imports, at a position within the scope of the item.
    pub(super) fn may_come_from(&self, item: &Use, name: &str, at: usize) -> bool {
        let around = self.all.iter().rev().filter(|scope| scope.range.contains(&at));
        for scope in around {
            let uses = self.uses.iter().filter(|item| item.scope == scope.range);
            let leaves: Vec<_> =
                uses.flat_map(|item| item.leaves.iter().map(move |leaf| (item, leaf))).collect();
            if let Some((found, _)) = leaves.iter().find(|(_, leaf)| leaf.name == name) {
                return found.range == item.range;
            }
            // A module sees the names around it only through an import.
            let sees_more = leaves.iter().any(|(_, leaf)| {
                leaf.path
                    .first()
                    .is_some_and(|first| matches!(first.as_str(), "super" | "crate" | "self"))
            });
            if scope.is_module && !sees_more {
                return false;
            }
        }
        true
    }

    fn look_up(&self, name: &str, at: usize) -> Resolved {
        let around: Vec<&Scope> =
            self.all.iter().rev().filter(|scope| scope.range.contains(&at)).collect();
        let mut globs: Vec<&[String]> = Vec::new();
        let mut has_globs = false;
        let mut scopes = around.into_iter();
        while let Some(scope) = scopes.next() {
            let uses = self.uses.iter().filter(|item| item.scope == scope.range);
            for leaf in uses.flat_map(|item| &item.leaves) {
                if leaf.name == name {
                    return self.found(leaf);
                }
                if leaf.name == "*" {
                    globs.push(&leaf.path);
                }
            }
            if scope.items.contains(name) {
                return Resolved::Defined;
            }
            if !scope.is_module {
                continue;
            }
            // The names of the module around are visible only if they are imported.
            let mut goes_on = false;
            for glob in globs.drain(..) {
                match glob {
                    [parent] if parent == "super" => goes_on = true,
                    [owner] if is_logging(owner) => {
                        if is_known(name) {
                            return Resolved::Path(vec![owner.clone(), name.to_owned()]);
                        }
                    }
                    [first, ..]
                        if is_logging(first)
                            || matches!(
                                first.as_str(),
                                "std" | "core" | "alloc" | "tracing_subscriber"
                            ) => {}
                    _ => has_globs = true,
                }
            }
            if !goes_on {
                return Resolved::Nothing { has_globs };
            }
            if scopes.as_slice().iter().all(|scope| !scope.is_module) {
                break;
            }
            // Blocks between the modules are not in scope.
            while scopes.as_slice().first().is_some_and(|scope| !scope.is_module) {
                scopes.next();
            }
        }
        match &self.parent {
            Some(parent) => parent.look_up(name, 0),
            None => Resolved::Nothing { has_globs: true },
        }
    }

    fn found(&self, leaf: &Leaf) -> Resolved {
        match leaf.path.first().map(String::as_str) {
            Some("self" | "super" | "crate") => match (leaf.path.as_slice(), &self.parent) {
                ([first, name], Some(parent)) if first == "super" => {
                    match parent.look_up(name, 0) {
                        Resolved::Path(path) => Resolved::Path(path),
                        _ => Resolved::Defined,
                    }
                }
                _ => Resolved::Defined,
            },
            _ => Resolved::Path(leaf.path.clone()),
        }
    }
}

/// The path from `crate` of a path in `module`. `None` if the path begins with another name.
fn from_crate(path: &[String], module: &[String], library: &str) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    let mut full = match first.as_str() {
        "crate" if !module.is_empty() => vec!["crate".to_owned()],
        "self" | "super" if !module.is_empty() => module.to_vec(),
        library_name if library_name == library => vec!["crate".to_owned()],
        _ => return None,
    };
    if first == "super" {
        full.pop();
    }
    for name in rest {
        if name == "super" {
            full.pop();
        } else {
            full.push(name.clone());
        }
    }
    (!full.is_empty()).then_some(full)
}

fn is_logging(owner: &str) -> bool {
    matches!(owner, "tracing" | "log" | "candor")
}

/// Whether a glob import of `tracing` or `log` contains the name, as far as it matters here.
fn is_known(name: &str) -> bool {
    matches!(
        name,
        "trace"
            | "debug"
            | "info"
            | "warn"
            | "error"
            | "event"
            | "log"
            | "span"
            | "instrument"
            | "trace_span"
            | "debug_span"
            | "info_span"
            | "warn_span"
            | "error_span"
    )
}
