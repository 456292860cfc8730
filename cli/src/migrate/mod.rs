//! `candor migrate`: rewrites the sources of a service that uses `tracing` or `log`, and counts what is left.
//!
//! `walk` finds the sources and `package` reads their manifests. `file` reads one source with `scope`, `types` and
//! `modules`, and collects edits: those of `event`, `attribute`, `subscriber` and `imports`. `diff` applies and prints them.

mod attribute;
mod diff;
mod event;
mod file;
mod imports;
mod modules;
mod package;
mod scope;
mod subscriber;
mod types;
mod walk;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use crate::args::parse_count;
use crate::output::{Failure, Output};
use crate::screen::{Screen, escape, is_unsafe, json_line};
use file::{Analysis, Decision, Edit, HttpLayers, Place, Site};
use modules::PackageFiles;
use package::Package;
use scope::Scopes;

/// Options of `candor migrate`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The output is a diff. Call sites that need a decision go to standard error:
  src/api.rs:41:9: `info!` is not rewritten to `candor::info!`: the type of …
  12 call sites in 3 files to rewrite, 1 needs a decision, 1 unchecked

Examples:
  candor migrate                     print the diff for the current folder
  candor migrate --write crates/api  rewrite the files of a package
  candor migrate --check 120         in CI: fail if more are unchecked

Exits with 0, with 1 if --check finds more than N, or with 2 if the arguments or a file can't be read.")]
pub(crate) struct MigrateArgs {
    /// Folder of a package or workspace, or a file
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Write the files instead of printing a diff
    #[arg(long, conflicts_with = "check")]
    write: bool,
    /// Write even if the folder has uncommitted changes
    #[arg(long, requires = "write")]
    allow_dirty: bool,
    /// Write even if the folder is not in a git repository
    #[arg(long, requires = "write")]
    allow_no_vcs: bool,
    /// Count the call sites whose values the compiler does not check, and fail if there are more than N
    #[arg(long, value_name = "N", value_parser = parse_count)]
    check: Option<usize>,
    /// Print one JSON object for each decision, for each unchecked call site, and for the totals
    #[arg(long, conflicts_with = "write")]
    json: bool,
}

/// Stack size of the threads that read sources. Nested expressions are read recursively.
const STACK: usize = 256 << 20;
/// Maximum depth of nested brackets.
const MAX_DEPTH: usize = 500;
/// Maximum number of operators between two separators.
const MAX_OPERATORS: usize = 20_000;
/// Maximum size of a source.
const MAX_BYTES: u64 = 4 << 20;

/// Prints the diff, writes the files, or counts. Returns whether the check holds.
pub(crate) fn run(args: &MigrateArgs, out: &mut Output) -> Result<bool, Failure> {
    let root = Root::of(&args.path)?;
    if args.write {
        root.check_committed(args)?;
    }
    let files = root.files();
    if files.is_empty() {
        return Err(Failure::usage(format!("{} contains no Rust sources", args.path.display())));
    }
    let reports = read_all(&files);
    if let Some(limit) = args.check {
        return check(&root, &reports, limit, args.json, out);
    }
    let mut totals = MigrationTotals::default();
    let mut decisions = Vec::new();
    let mut needs: BTreeMap<PathBuf, (Arc<Package>, HttpLayers)> = BTreeMap::new();
    let needed = needed_by_submodules(&reports);
    for report in &reports {
        let name = root.name(&report.path);
        let analysis = match &report.result {
            Ok(analysis) => analysis,
            Err((at, why)) => {
                decisions.push((name, at.unwrap_or(Place { line: 1, column: 1 }), why.clone()));
                continue;
            }
        };
        let no_names = BTreeSet::new();
        let needed = needed.get(&report.path).unwrap_or(&no_names);
        let edits = report.edits(needed);
        let change = if edits.is_empty() { None } else { Some(NewText::of(report, edits)) };
        let change = match change {
            Some(Err(why)) => {
                decisions.push((name, Place { line: 1, column: 1 }, why));
                totals.unchecked += analysis.sites.len();
                continue;
            }
            Some(Ok(change)) => Some(change),
            None => None,
        };
        decisions.extend(
            analysis
                .decisions
                .iter()
                .map(|Decision { at, text }| (name.clone(), *at, text.clone())),
        );
        totals.unchecked += analysis.sites.iter().filter(|site| site.remains).count();
        if let Some(change) = change {
            totals.rewritten += analysis.rewritten;
            totals.files += 1;
            if let Some(package) = &report.package {
                let entry = needs
                    .entry(package.manifest.clone())
                    .or_insert_with(|| (Arc::clone(package), HttpLayers::default()));
                entry.1.http |= analysis.layers.http;
                entry.1.grpc |= analysis.layers.grpc;
            }
            change.deliver(&name, args, out)?;
        }
        if args.json {
            for Site { at, what, .. } in analysis.sites.iter().filter(|site| site.remains) {
                out.print(&json_line(&json!({
                    "kind": "unchecked", "file": name, "line": at.line, "column": at.column, "what": what,
                })))?;
            }
        }
    }
    for (manifest, (package, layers)) in needs {
        let name = root.name(&manifest);
        let at = Place { line: 1, column: 1 };
        let Ok(text) = fs::read_to_string(&manifest) else { continue };
        match package.with_candor(&text, layers) {
            Err(why) => decisions.push((name, at, why)),
            Ok(new) => {
                let Some(edit) = diff::difference(&text, &new) else { continue };
                if !root.contains(&manifest) {
                    let added: Vec<_> = edit
                        .text
                        .lines()
                        .filter(|line| line.starts_with("candor"))
                        .map(str::to_owned)
                        .collect();
                    decisions.push((
                        name,
                        at,
                        format!("add to the dependencies: {}", added.join(" ")),
                    ));
                    continue;
                }
                NewText { path: manifest, text, new, edits: vec![edit] }
                    .deliver(&name, args, out)?;
            }
        }
    }
    totals.decisions = decisions.len();
    report(args, &decisions, &totals, out)?;
    Ok(true)
}

#[derive(Debug, Default)]
struct MigrationTotals {
    files: usize,
    rewritten: usize,
    decisions: usize,
    unchecked: usize,
}

/// Prints the decisions and the totals: to standard error, so that standard output is a patch.
fn report(
    args: &MigrateArgs,
    decisions: &[(String, Place, String)],
    totals: &MigrationTotals,
    out: &mut Output,
) -> Result<(), Failure> {
    if args.json {
        for (name, at, text) in decisions {
            out.print(&json_line(&json!({
                "kind": "decision", "file": name, "line": at.line, "column": at.column, "text": text,
            })))?;
        }
        return out.print(&json_line(&json!({
            "kind": "total", "files": totals.files, "rewritten": totals.rewritten,
            "decisions": totals.decisions, "unchecked": totals.unchecked,
        })));
    }
    out.flush()?;
    let mut stderr = std::io::stderr().lock();
    for (name, Place { line, column }, text) in decisions {
        let _ = writeln!(stderr, "{}:{line}:{column}: {}", escape(name), escape(text));
    }
    let done = if args.write { "rewritten" } else { "to rewrite (write them with --write)" };
    let _ = writeln!(
        stderr,
        "{} in {} {done}, {}, {} unchecked",
        counted(totals.rewritten, "call site"),
        counted(totals.files, "file"),
        needing_a_decision(totals.decisions),
        counted(totals.unchecked, "call site"),
    );
    Ok(())
}

/// `1 needs a decision`, `2 need a decision`.
fn needing_a_decision(count: usize) -> String {
    format!("{count} {} a decision", if count == 1 { "needs" } else { "need" })
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// The folder to migrate.
struct Root {
    folder: PathBuf,
    /// The file, if only one is to be read.
    file: Option<PathBuf>,
    /// The folder that paths are relative to in the output.
    base: PathBuf,
}

impl Root {
    fn of(path: &Path) -> Result<Self, Failure> {
        let full = path
            .canonicalize()
            .map_err(|error| Failure::usage(format!("can't read {}: {error}", path.display())))?;
        let (folder, file) = if full.is_dir() {
            (full, None)
        } else {
            (full.parent().unwrap_or(Path::new("/")).to_owned(), Some(full))
        };
        let current = std::env::current_dir().and_then(|current| current.canonicalize()).ok();
        let base = current.filter(|current| folder.starts_with(current));
        Ok(Root { base: base.unwrap_or_else(|| folder.clone()), folder, file })
    }

    fn files(&self) -> Vec<PathBuf> {
        self.file.clone().map_or_else(|| walk::sources(&self.folder), |file| vec![file])
    }

    /// Whether the path may be written.
    fn contains(&self, path: &Path) -> bool {
        self.file.as_ref().map_or_else(|| path.starts_with(&self.folder), |file| file == path)
    }

    /// The path with `/` as its separator, relative to the current folder if that contains the folder to migrate, and
    /// relative to the folder to migrate otherwise.
    fn name(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.base).unwrap_or(path);
        let parts: Vec<_> =
            path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        parts.join("/").replace("//", "/")
    }

    /// Refuses to overwrite changes that can't be restored.
    fn check_committed(&self, args: &MigrateArgs) -> Result<(), Failure> {
        match walk::uncommitted(&self.folder) {
            None if args.allow_no_vcs => Ok(()),
            None => Err(Failure::usage(
                "the folder is not in a git repository, so the changes could not be undone; \
                 use --allow-no-vcs to write anyway"
                    .to_owned(),
            )),
            Some(files) if files.is_empty() || args.allow_dirty => Ok(()),
            Some(files) => Err(Failure::usage(format!(
                "the folder has uncommitted changes in {}; commit them, or use --allow-dirty to write anyway",
                match files.as_slice() {
                    [file] => file.clone(),
                    files => format!("{} files, such as {}", files.len(), files[0]),
                }
            ))),
        }
    }
}

/// The result for a file with call sites, or the reason why the file was not read.
struct Report {
    path: PathBuf,
    package: Option<Arc<Package>>,
    result: Result<Analysis, (Option<Place>, String)>,
    /// The file of the parent module, if the file imports names from it.
    parent: Option<PathBuf>,
    /// Hash of the text that was read.
    hash: u64,
    /// Bytes before the text that was read: a byte order mark and a `#!` line.
    skipped: usize,
}

impl Report {
    /// All edits, in the order of the text.
    fn edits(&self, needed: &BTreeSet<String>) -> Vec<Edit> {
        let Ok(analysis) = &self.result else { return Vec::new() };
        let mut edits = analysis.edits.clone();
        edits.extend(analysis.imports.iter().filter_map(|removal| removal.edit(needed)));
        for edit in &mut edits {
            edit.range = edit.range.start + self.skipped..edit.range.end + self.skipped;
        }
        edits.sort_by_key(|edit| edit.range.start);
        edits
    }
}

/// The names that each file must keep importing, for the files of its submodules.
fn needed_by_submodules(reports: &[Report]) -> HashMap<PathBuf, BTreeSet<String>> {
    let mut needed: HashMap<PathBuf, BTreeSet<String>> = HashMap::new();
    for report in reports {
        if let (Some(parent), Ok(analysis)) = (&report.parent, &report.result) {
            needed.entry(parent.clone()).or_default().extend(analysis.inherited.iter().cloned());
        }
    }
    needed
}

/// The new text of a file.
struct NewText {
    path: PathBuf,
    text: String,
    new: String,
    edits: Vec<Edit>,
}

impl NewText {
    fn of(report: &Report, edits: Vec<Edit>) -> Result<Self, String> {
        let text =
            fs::read_to_string(&report.path).map_err(|error| format!("can't be read: {error}"))?;
        if hash(&text) != report.hash {
            return Err("the file has changed in the meantime; run the command again".to_owned());
        }
        let failed =
            || "the rewritten file would have a syntax error, so it is left as it is".to_owned();
        let new = diff::apply(&text, &edits).ok_or_else(failed)?;
        if parses(&new) {
            Ok(NewText { path: report.path.clone(), text, new, edits })
        } else {
            Err(failed())
        }
    }

    /// Prints the diff, or writes the file.
    fn deliver(&self, name: &str, args: &MigrateArgs, out: &mut Output) -> Result<(), Failure> {
        if args.json {
            return Ok(());
        }
        if !args.write {
            return out.print(&coloured(&diff::unified(name, &self.text, &self.edits)));
        }
        let failed = |error: std::io::Error| Failure::usage(format!("can't write {name}: {error}"));
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(self.new.as_bytes()).map_err(failed)?;
        let permissions = fs::metadata(&self.path).map_err(failed)?.permissions();
        fs::set_permissions(file.path(), permissions).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&self.path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

/// The diff: with colours for a terminal, unchanged for a file or a pipe.
fn coloured(diff: &str) -> String {
    use std::fmt::Write as _;
    use std::io::IsTerminal as _;

    let screen = Screen::detect();
    if !std::io::stdout().is_terminal() && !screen.colour {
        return diff.to_owned();
    }
    let mut out = String::new();
    for line in diff.lines() {
        let code = match line.as_bytes() {
            [b'-', b'-', b'-', ..] | [b'+', b'+', b'+', ..] => "1",
            [b'@', ..] => "36",
            [b'-', ..] => "31",
            [b'+', ..] => "32",
            _ => "",
        };
        // Tabs are part of the text; other control characters could steer the terminal.
        let text: String = line
            .split('\t')
            .map(|part| if part.chars().any(is_unsafe) { escape(part) } else { part.to_owned() })
            .collect::<Vec<_>>()
            .join("\t");
        if screen.colour && !code.is_empty() {
            let _ = writeln!(out, "\x1b[{code}m{text}\x1b[0m");
        } else {
            out.push_str(&text);
            out.push('\n');
        }
    }
    out
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Reads all files, on several threads. Files without call sites are left out.
fn read_all(files: &[PathBuf]) -> Vec<Report> {
    let next = AtomicUsize::new(0);
    let found: Mutex<Vec<(usize, Report)>> = Mutex::new(Vec::new());
    let packages: Mutex<HashMap<PathBuf, Arc<Package>>> = Mutex::new(HashMap::new());
    let work = || {
        // Each thread reads the files that others refer to by itself, because their syntax trees can't be shared.
        let mut known = HashMap::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = files.get(at) else { break };
            if let Some(report) = read(path, &packages, &mut known) {
                found.lock().unwrap_or_else(PoisonError::into_inner).push((at, report));
            }
            // Otherwise the thread would keep the positions of all files.
            proc_macro2::extra::invalidate_current_thread_spans();
        }
    };
    let threads =
        std::thread::available_parallelism().map_or(1, usize::from).min(files.len()).min(16);
    std::thread::scope(|scope| {
        let spawned = (0..threads)
            .map(|_| std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work));
        if spawned.filter_map(Result::ok).count() == 0 {
            work();
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, report)| report).collect()
}

/// A file with a call site contains at least one of these words.
const WORDS: [&str; 14] = [
    "tracing",
    "log::",
    "instrument",
    "TraceLayer",
    "env_logger",
    "info!",
    "warn!",
    "error!",
    "debug!",
    "trace!",
    "event!",
    "span!",
    "extern crate log",
    "log!",
];

fn read(
    path: &Path,
    packages: &Mutex<HashMap<PathBuf, Arc<Package>>>,
    known: &mut HashMap<PathBuf, PackageFiles>,
) -> Option<Report> {
    let mut report = Report {
        path: path.to_owned(),
        package: None,
        result: Err((None, String::new())),
        parent: None,
        hash: 0,
        skipped: 0,
    };
    let refused = |mut report: Report, why: String| {
        report.result = Err((None, why));
        Some(report)
    };
    let is_large = fs::metadata(path).is_ok_and(|data| data.len() > MAX_BYTES);
    if is_large {
        return refused(report, "the file is larger than 4 MiB and is not read".to_owned());
    }
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return refused(report, format!("can't be read: {error}")),
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return refused(report, "the file is not UTF-8 and is not read".to_owned());
    };
    let is_generated = text.lines().take(10).any(|line| line.contains("@generated"));
    if is_generated || !WORDS.iter().any(|word| text.contains(word)) {
        return None;
    }
    report.hash = hash(&text);
    let (skipped, source) = body(&text);
    report.skipped = skipped;
    if is_too_deep(source) {
        return refused(
            report,
            "an expression is nested too deeply; the file is not read".to_owned(),
        );
    }
    let folder = Package::folder_of(path);
    let package = folder.as_ref().map(|folder| {
        let mut packages = packages.lock().unwrap_or_else(PoisonError::into_inner);
        let known =
            packages.entry(folder.clone()).or_insert_with(|| Arc::new(Package::read(folder)));
        Arc::clone(known)
    });
    let parent = if source.contains("use super::") || source.contains("use super ::") {
        parent_file(path)
    } else {
        None
    };
    let parent_scopes = parent.as_deref().and_then(scopes_of);
    let no_package = Package::default();
    let package_or_none = package.as_deref().unwrap_or(&no_package);
    let folder = folder.unwrap_or_default();
    let files = known
        .entry(folder.clone())
        .or_insert_with(|| PackageFiles::new(&folder, package_or_none.library.clone()));
    report.result = file::analyse(source, path, package_or_none, files, parent_scopes);
    report.package = package;
    report.parent = parent;
    let is_empty = |analysis: &Analysis| {
        analysis.sites.is_empty()
            && analysis.edits.is_empty()
            && analysis.decisions.is_empty()
            && analysis.inherited.is_empty()
    };
    (!report.result.as_ref().is_ok_and(is_empty)).then_some(report)
}

/// The text without a byte order mark and a `#!` line, and the number of bytes before it.
fn body(text: &str) -> (usize, &str) {
    let source = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_shebang =
        source.strip_prefix("#!").is_some_and(|rest| !rest.trim_start().starts_with('['));
    let source =
        if is_shebang { source.find('\n').map_or("", |feed| &source[feed..]) } else { source };
    (text.len() - source.len(), source)
}

fn parse(text: &str) -> syn::Result<syn::File> {
    syn::parse_str(body(text).1)
}

/// Whether the text has no syntax error. It is parsed on a thread with a larger stack.
fn parses(text: &str) -> bool {
    std::thread::scope(|scope| {
        let read = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, || parse(text).is_ok());
        read.is_ok_and(|thread| thread.join().unwrap_or(false))
    })
}

/// Whether an expression might be nested so deeply that reading it overflows the stack. Brackets count, and operators,
/// since each may be a level. Those in strings and comments also count.
fn is_too_deep(text: &str) -> bool {
    let (mut depth, mut operators) = (0_usize, 0_usize);
    text.bytes().any(|byte| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match byte {
            b';' | b',' | b'{' | b'}' => operators = 0,
            _ if byte.is_ascii_punctuation() => operators += 1,
            _ => {}
        }
        depth > MAX_DEPTH || operators > MAX_OPERATORS
    })
}

/// The imports of a file.
fn scopes_of(path: &Path) -> Option<Scopes> {
    let text = fs::read_to_string(path).ok()?;
    if is_too_deep(&text) {
        return None;
    }
    let file = parse(&text).ok()?;
    Some(scope::collect(&file, text.len()).0)
}

/// The file that declares the module of this file.
fn parent_file(path: &Path) -> Option<PathBuf> {
    let folder = path.parent()?;
    let name = path.file_stem()?.to_str()?;
    let (folder, module) = if name == "mod" {
        (folder.parent()?, folder.file_name()?.to_str()?)
    } else {
        (folder, name)
    };
    let of_folder = folder.file_name().and_then(|name| name.to_str());
    let beside = of_folder.and_then(|name| Some(folder.parent()?.join(format!("{name}.rs"))));
    let inside = ["mod.rs", "lib.rs", "main.rs"].iter().map(|name| folder.join(name));
    let declaration = format!("mod {module};");
    inside.chain(beside).find(|parent| {
        parent != path && fs::read_to_string(parent).is_ok_and(|text| text.contains(&declaration))
    })
}

/// Maximum number of call sites that are printed if the limit is exceeded.
const SHOWN: usize = 20;

/// Compares the number of unchecked call sites with the limit.
fn check(
    root: &Root,
    reports: &[Report],
    limit: usize,
    is_json: bool,
    out: &mut Output,
) -> Result<bool, Failure> {
    let mut sites = Vec::new();
    for report in reports {
        match &report.result {
            Ok(analysis) => sites.extend(analysis.sites.iter().map(|site| (report, site))),
            Err((at, why)) => {
                let line = at.map_or(1, |at| at.line);
                out.note(format!(
                    "{}:{line}: {why}; its call sites are not counted",
                    root.name(&report.path)
                ));
            }
        }
    }
    let count = sites.len();
    if is_json {
        for (report, Site { at, what, .. }) in &sites {
            let name = root.name(&report.path);
            out.print(&json_line(&json!({
                "kind": "unchecked", "file": name, "line": at.line, "column": at.column, "what": what,
            })))?;
        }
        out.print(&json_line(&json!({ "kind": "total", "unchecked": count, "limit": limit })))?;
        return Ok(count <= limit);
    }
    out.print(&format!("{} unchecked, {limit} allowed\n", counted(count, "call site")))?;
    if count < limit {
        out.note(format!("lower the limit: candor migrate --check {count}"));
    }
    if count <= limit {
        return Ok(true);
    }
    for (report, site) in newest(root, sites, (count - limit).clamp(1, SHOWN)) {
        let (name, Place { line, column }) = (root.name(&report.path), site.at);
        out.print(&format!("{}:{line}:{column}: {}\n", escape(&name), escape(&site.what)))?;
    }
    out.note(format!(
        "{} more than allowed; the newest are listed. Use candor's macros for them: `candor migrate` shows which ones it can rewrite",
        counted(count - limit, "call site"),
    ));
    Ok(false)
}

/// The call sites whose lines were changed last.
fn newest<'a>(
    root: &Root,
    sites: Vec<(&'a Report, &'a Site)>,
    count: usize,
) -> Vec<(&'a Report, &'a Site)> {
    /// Files whose history is read.
    const FILES: usize = 20;
    let mut by_file: HashMap<&Path, Vec<(&'a Report, &'a Site)>> = HashMap::new();
    for (report, site) in sites {
        by_file.entry(&report.path).or_default().push((report, site));
    }
    let mut order: Vec<PathBuf> = walk::recently_changed(&root.folder);
    order.retain(|path| by_file.contains_key(path.as_path()));
    let known: HashSet<PathBuf> = order.iter().cloned().collect();
    let mut rest: Vec<PathBuf> = by_file
        .keys()
        .filter(|path| !known.contains(**path))
        .map(|path| (*path).to_owned())
        .collect();
    rest.sort_unstable();
    order.extend(rest);
    let mut dated = Vec::new();
    for path in order.iter().take(FILES) {
        let Some(sites) = by_file.get(path.as_path()) else { continue };
        let lines: Vec<usize> = sites.iter().map(|(_, site)| site.at.line).collect();
        let ages = walk::ages(path, &lines);
        dated.extend(sites.iter().map(|(report, site)| {
            (
                std::cmp::Reverse(ages.get(&site.at.line).copied().unwrap_or(0)),
                &report.path,
                site.at,
                (*report, *site),
            )
        }));
    }
    dated.sort_by(|left, right| (left.0, left.1, left.2).cmp(&(right.0, right.1, right.2)));
    dated.into_iter().take(count).map(|(.., found)| found).collect()
}
