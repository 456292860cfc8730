//! The types that the other files of a package define.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::scope::{self, Scopes};
use super::types::{Definitions, ScopedName};

/// The files below `src` of one package. A file is read when a path first leads to it.
#[derive(Default)]
pub(super) struct PackageFiles {
    folder: PathBuf,
    /// The name by which tests and programs of the package import its library.
    library: String,
    read: RefCell<HashMap<PathBuf, Option<Rc<ModuleFile>>>>,
    /// The results of [`find`](Self::find), by path.
    found: RefCell<HashMap<Vec<String>, Option<FoundType>>>,
}

/// The file that defines a type, and the name of the type there.
type FoundType = (Rc<ModuleFile>, ScopedName);

/// The file of a module.
pub(super) struct ModuleFile {
    pub(super) path: PathBuf,
    /// Its path from `crate`.
    pub(super) module: Vec<String>,
    pub(super) scopes: Scopes,
    pub(super) definitions: Definitions,
}

impl PackageFiles {
    pub(super) fn new(folder: &Path, library: String) -> Self {
        PackageFiles { folder: folder.to_owned(), library, ..PackageFiles::default() }
    }

    /// The module of a file, as a path from `crate`. Empty if the file is not below `src`, or is a program of its own.
    pub(super) fn module_of(&self, path: &Path) -> Vec<String> {
        let Ok(inside) = path.strip_prefix(self.folder.join("src")) else { return Vec::new() };
        let mut module = vec!["crate".to_owned()];
        module.extend(inside.with_extension("").iter().map(|name| name.to_string_lossy().into()));
        let is_root = module.len() == 2 && matches!(module[1].as_str(), "lib" | "main");
        if is_root || module.last().is_some_and(|last| last == "mod") {
            module.pop();
        }
        if module.get(1).is_some_and(|first| first == "bin") {
            return Vec::new();
        }
        module
    }

    /// The path without the folder of the package.
    pub(super) fn name(&self, path: &Path) -> String {
        path.strip_prefix(&self.folder).unwrap_or(path).display().to_string()
    }

    /// The file that defines the type with one of these paths, and the name of the type there.
    pub(super) fn find(&self, paths: &[Vec<String>]) -> Option<FoundType> {
        paths.iter().find_map(|path| self.find_at(path))
    }

    /// Follows the re-exports of a path. Modules may re-export each other, so each path is visited once.
    fn find_at(&self, path: &[String]) -> Option<FoundType> {
        let mut visited = HashSet::new();
        let mut next = vec![path.to_vec()];
        let mut result = None;
        while let Some(target) = next.pop() {
            let known = self.found.borrow().get(&target).cloned();
            if known.is_some() || !visited.insert(target.clone()) {
                result = known.flatten();
            } else if let Some((name, module)) = target.split_last() {
                let files = self.files_of(module);
                // The module is that of the file, or a module inside the file.
                let inside = |file: &ModuleFile| {
                    module.strip_prefix(file.module.as_slice()).unwrap_or_default().to_vec()
                };
                result = files.iter().find_map(|file| {
                    let found = ScopedName { scope: inside(file), name: name.clone() };
                    file.definitions.has(&found).then(|| (Rc::clone(file), found))
                });
                next.extend(files.iter().rev().flat_map(|file| {
                    let inside = inside(file);
                    let exports = file.scopes.exports(name, &file.module, &inside, &self.library);
                    exports.into_iter().rev()
                }));
            }
            if result.is_some() {
                break;
            }
        }
        let mut found = self.found.borrow_mut();
        if result.is_none() {
            // All that `path` leads to is visited, so none of these paths leads to a type.
            found.extend(visited.into_iter().map(|target| (target, None)));
        }
        found.insert(path.to_vec(), result.clone());
        result
    }

    /// The files that may contain a module: its own file, or that of the module around it.
    fn files_of(&self, module: &[String]) -> Vec<Rc<ModuleFile>> {
        let Some((first, rest)) = module.split_first().filter(|(first, _)| *first == "crate")
        else {
            return Vec::new();
        };
        let source = self.folder.join("src");
        let Some((last, around)) = rest.split_last() else {
            let roots = ["lib.rs", "main.rs"].map(|root| source.join(root));
            return roots.iter().filter_map(|path| self.load(path, module)).collect();
        };
        let folder = around.iter().fold(source, |folder, name| folder.join(name));
        let own = [folder.join(format!("{last}.rs")), folder.join(last).join("mod.rs")];
        if let Some(file) = own.iter().find_map(|path| self.load(path, module)) {
            return vec![file];
        }
        let around: Vec<String> = [first].into_iter().chain(around).cloned().collect();
        let mut files = self.files_of(&around);
        files.retain(|file| file.scopes.has_module(last));
        files
    }

    /// A file that [`find`](Self::find) has returned.
    pub(super) fn loaded(&self, path: &Path) -> Option<Rc<ModuleFile>> {
        self.read.borrow().get(path)?.clone()
    }

    fn load(&self, path: &Path, module: &[String]) -> Option<Rc<ModuleFile>> {
        if let Some(known) = self.read.borrow().get(path) {
            return known.clone();
        }
        let file = read(path).map(|(scopes, definitions)| {
            Rc::new(ModuleFile {
                path: path.to_owned(),
                module: module.to_vec(),
                scopes,
                definitions,
            })
        });
        self.read.borrow_mut().insert(path.to_owned(), file.clone());
        file
    }

    /// The paths from `crate` that a path in a file of this package may stand for.
    pub(super) fn paths(
        &self,
        path: &syn::Path,
        at: usize,
        scopes: &Scopes,
        module: &[String],
    ) -> Vec<Vec<String>> {
        scopes.own_paths(path, at, module, &self.library)
    }
}

fn read(path: &Path) -> Option<(Scopes, Definitions)> {
    let is_large = fs::metadata(path).is_ok_and(|data| data.len() > super::MAX_BYTES);
    if is_large {
        return None;
    }
    let text = fs::read_to_string(path).ok()?;
    if super::is_too_deep(&text) {
        return None;
    }
    let file = super::parse(&text).ok()?;
    Some(scope::collect(&file, text.len()))
}
