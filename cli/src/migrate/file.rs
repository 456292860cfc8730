//! One source file: its call sites, the edits that migrate them, and the decisions that are left.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::path::Path;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Expr, ExprMethodCall, ItemFn, Macro, Meta, Pat, Signature, Stmt};

use super::attribute::{Refusal, Step, translate};
use super::event::{self, LEVELS, SPANS, ValueCheck};
use super::imports;
use super::modules::PackageFiles;
use super::package::Package;
use super::scope::{self, Origin, Scopes};
use super::subscriber::{self, Setup};
use super::types::{Definitions, Kind, Locals, OwnType, Types, of_expr, of_item};

/// A replacement of a range of bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

/// A line and a column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place {
    fn of(span: Span) -> Self {
        let start = span.start();
        Place { line: start.line, column: start.column + 1 }
    }
}

/// A call site whose values the compiler does not check.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) at: Place,
    /// The macro or attribute.
    pub(super) what: String,
    /// Whether it stays unchecked after the edits.
    pub(super) remains: bool,
}

/// A message about a place that needs a decision.
#[derive(Debug, Clone)]
pub(super) struct Decision {
    pub(super) at: Place,
    pub(super) text: String,
}

/// Which layers of candor the rewritten sources use.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct HttpLayers {
    pub(super) http: bool,
    pub(super) grpc: bool,
}

/// The result for one file.
#[derive(Debug, Default)]
pub(super) struct Analysis {
    pub(super) edits: Vec<Edit>,
    /// Call sites that the edits rewrite.
    pub(super) rewritten: usize,
    pub(super) sites: Vec<Site>,
    pub(super) decisions: Vec<Decision>,
    pub(super) layers: HttpLayers,
    /// Names whose imports are removed, with the edits. A file of a submodule may still need these names.
    pub(super) imports: Vec<imports::Removal>,
    /// Names that the file imports from the file of its parent module and still needs.
    pub(super) inherited: BTreeSet<String>,
}

/// Reads the source. The error is a message without the path.
pub(super) fn analyse(
    source: &str,
    path: &Path,
    package: &Package,
    files: &PackageFiles,
    parent: Option<Scopes>,
) -> Result<Analysis, (Option<Place>, String)> {
    let syntax_error = |error: &syn::Error| {
        (
            Some(Place::of(error.span())),
            format!("syntax error ({error}); the file is left as it is"),
        )
    };
    let tokens: TokenStream = source.parse().map_err(|error: proc_macro2::LexError| {
        (Some(Place::of(error.span())), "syntax error; the file is left as it is".to_owned())
    })?;
    let file: syn::File = syn::parse2(tokens.clone()).map_err(|error| syntax_error(&error))?;
    let (mut scopes, definitions) = scope::collect(&file, source.len());
    scopes.parent = parent.map(Box::new);
    scopes.macro_crates.extend(package.macro_crates.iter().cloned());
    let module = files.module_of(path);
    let mut reader = Reader {
        source,
        package,
        files,
        module: &module,
        scopes: &scopes,
        definitions: &definitions,
        locals: Locals::default(),
        own_type: None,
        function: None,
        layer_arguments: HashSet::new(),
        freed: BTreeSet::new(),
        found: Analysis::default(),
    };
    reader.visit_file(&file);
    let Reader { mut found, freed, .. } = reader;
    let tokens = imports::flatten(tokens);
    found.imports = imports::removals(source, &scopes, &freed, &found.edits, &tokens);
    if scopes.parent.is_some() {
        let ranges: Vec<_> = found.edits.iter().map(|edit| edit.range.clone()).collect();
        found.inherited = imports::used(&tokens, &ranges);
        found.inherited.retain(|name| scopes.takes_from_parent(name));
    }
    found.sites.sort_by_key(|site| site.at);
    found.decisions.sort_by_key(|decision| decision.at);
    Ok(found)
}

struct Reader<'a> {
    source: &'a str,
    package: &'a Package,
    files: &'a PackageFiles,
    /// The module of the file, as a path from `crate`.
    module: &'a [String],
    scopes: &'a Scopes,
    definitions: &'a Definitions,
    locals: Locals,
    /// The type of the `impl` block.
    own_type: Option<OwnType>,
    /// The enclosing function, with its body.
    function: Option<Function>,
    /// Where the arguments of `.layer(…)` start.
    layer_arguments: HashSet<usize>,
    /// Names whose import may be unused after the edits, with the position of the use.
    freed: BTreeSet<(String, usize)>,
    found: Analysis,
}

struct Function {
    is_main: bool,
    body: Range<usize>,
    output: String,
}

/// Macros whose arguments are ordinary expressions and blocks, so that events in them are read.
const TRANSPARENT: [&str; 10] = [
    "select",
    "join",
    "try_join",
    "vec",
    "stream",
    "try_stream",
    "assert",
    "assert_eq",
    "matches",
    "cfg_if",
];

impl<'a> Reader<'a> {
    fn types(&self) -> Types<'a> {
        Types {
            scopes: self.scopes,
            definitions: self.definitions,
            has_uuid: self.package.has_uuid,
            files: self.files,
            module: self.module,
            file: None,
        }
    }

    fn edit(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.found.edits.push(Edit { range, text: text.into() });
    }

    fn decide(&mut self, span: Span, text: impl Into<String>) {
        self.found.decisions.push(Decision { at: Place::of(span), text: text.into() });
    }

    fn site(&mut self, span: Span, what: impl Into<String>, remains: bool) {
        self.found.sites.push(Site { at: Place::of(span), what: what.into(), remains });
    }

    /// Records that a path is no longer used.
    fn free(&mut self, path: &syn::Path) {
        if let Some(first) = path.segments.first() {
            self.freed.insert((first.ident.to_string(), path.span().byte_range().start));
        }
    }

    /// Reads one call of a macro. If `is_opaque` is set, the variables around it may not be in scope.
    fn call(&mut self, path: &syn::Path, tokens: &TokenStream, is_opaque: bool) {
        let span = path.span();
        let at = span.byte_range().start;
        let Some(last) = path.segments.last().map(|last| last.ident.to_string()) else { return };
        let is_event = LEVELS.contains(&last.as_str()) || matches!(last.as_str(), "event" | "log");
        let is_span = SPANS.contains(&last.as_str());
        let origin = self.scopes.origin(path, at);
        let owner = match &origin {
            // An import may have renamed the macro.
            Origin::Path(full) => match full.as_slice() {
                [owner, name] if owner == "tracing" || owner == "log" => {
                    Some((owner.clone(), name.clone()))
                }
                _ => None,
            },
            _ => None,
        };
        let Some((owner, name)) = owner else {
            let is_named = is_event && last != "log" || is_span;
            if is_named && path.get_ident().is_some() && origin == Origin::Glob {
                self.site(span, format!("{last}!"), true);
                self.decide(
                    span,
                    format!("`{last}!` comes from a glob import; import it from `tracing` by name"),
                );
            } else if last == "macro_rules" {
                self.definition(span, tokens);
            } else if !is_named {
                self.nested(&last, tokens);
            }
            return;
        };
        if owner == "tracing" && SPANS.contains(&name.as_str()) {
            self.site(span, format!("{last}!"), true);
            return;
        }
        let is_level = LEVELS.contains(&name.as_str());
        if !is_level && !matches!(name.as_str(), "event" | "log") {
            return;
        }
        let rewritten = self.event(&owner, &name, tokens, is_opaque, at);
        self.site(span, format!("{last}!"), rewritten.is_err());
        match rewritten {
            Ok((level, change)) => {
                self.found.rewritten += 1;
                self.free(path);
                self.edit(span.byte_range(), format!("candor::{level}"));
                self.found.edits.extend(change);
            }
            Err(reason) => {
                self.decide(
                    span,
                    format!(
                        "`{last}!` is not rewritten to `candor::{}!`: {reason}",
                        if is_level { &name } else { "info" }
                    ),
                );
            }
        }
    }

    /// The level of the macro to call, and the edit of its arguments.
    fn event(
        &self,
        owner: &str,
        name: &str,
        tokens: &TokenStream,
        is_opaque: bool,
        at: usize,
    ) -> Result<(String, Option<Edit>), event::Reason> {
        let none = Locals::default();
        let locals = if is_opaque { &none } else { &self.locals };
        let values = ValueCheck { locals, types: self.types(), at };
        if LEVELS.contains(&name) {
            if owner == "log"
                && let Some(semicolon) = event::check_key_values(tokens, values)
            {
                let comma = Edit { range: semicolon?, text: ",".to_owned() };
                return Ok((name.to_owned(), Some(comma)));
            }
            event::check(tokens.clone(), values)?;
            return Ok((name.to_owned(), None));
        }
        if owner != "tracing" {
            return Err("the level is not a constant".to_owned());
        }
        // `event!(Level::INFO, …)`
        let mut trees = tokens.clone().into_iter();
        let mut first = Vec::new();
        let start = tokens.clone().into_iter().next().map(|tree| tree.span().byte_range().start);
        let mut end = 0;
        for tree in trees.by_ref() {
            if matches!(&tree, TokenTree::Punct(comma) if comma.as_char() == ',') {
                end = tree.span().byte_range().end;
                break;
            }
            first.push(tree);
        }
        let level = match first.last() {
            Some(TokenTree::Ident(level)) if first.len() <= 7 => level.to_string(),
            _ => return Err("the level is not a constant".to_owned()),
        };
        let name = level.to_ascii_lowercase();
        if level.to_ascii_uppercase() != level || !LEVELS.contains(&name.as_str()) {
            return Err("the level is not a constant".to_owned());
        }
        let rest: TokenStream = trees.collect();
        let next = rest.clone().into_iter().next().map(|tree| tree.span().byte_range().start);
        event::check(rest, values)?;
        let start = start.ok_or_else(String::new)?;
        Ok((name, Some(Edit { range: start..next.unwrap_or(end), text: String::new() })))
    }

    /// Reads the tokens of a macro of another crate.
    fn nested(&mut self, name: &str, tokens: &TokenStream) {
        let is_read = TRANSPARENT.contains(&name);
        let inside = format!("inside `{name}!`");
        self.calls_in(tokens, &mut |reader, path, arguments| {
            if is_read {
                reader.call(path, arguments, true);
            } else {
                reader.left(path, &inside);
            }
        });
    }

    /// Counts the events in the definition of a macro.
    fn definition(&mut self, _: Span, tokens: &TokenStream) {
        self.calls_in(tokens, &mut |reader, path, _| {
            reader.left(path, "in the definition of a macro");
        });
    }

    /// Counts an event that is not rewritten because of its location.
    fn left(&mut self, path: &syn::Path, location: &str) {
        let span = path.span();
        let Origin::Path(full) = self.scopes.origin(path, span.byte_range().start) else { return };
        let [owner, name] = full.as_slice() else { return };
        let is_event = LEVELS.contains(&name.as_str()) || matches!(name.as_str(), "event" | "log");
        let is_span = SPANS.contains(&name.as_str());
        if owner == "log" && is_event || owner == "tracing" && (is_event || is_span) {
            self.site(span, format!("{name}!"), true);
            if is_event {
                self.decide(span, format!("`{name}!` {location} is not rewritten; write `candor::{name}!` if its values are loggable"));
            }
        }
    }

    /// Calls `each` for every macro call among the tokens that looks like an event.
    fn calls_in(
        &mut self,
        tokens: &TokenStream,
        each: &mut dyn FnMut(&mut Self, &syn::Path, &TokenStream),
    ) {
        let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
        for (at, tree) in trees.iter().enumerate() {
            let TokenTree::Group(group) = tree else { continue };
            let is_call = at >= 2
                && matches!(&trees[at - 1], TokenTree::Punct(mark) if mark.as_char() == '!')
                && matches!(&trees[at - 2], TokenTree::Ident(_));
            if is_call {
                // The path goes back over `::` and names.
                let mut start = at - 2;
                let is_colon = |at: usize| matches!(&trees[at], TokenTree::Punct(mark) if mark.as_char() == ':');
                while start >= 2 && is_colon(start - 1) && is_colon(start - 2) {
                    start -= 2;
                    if start > 0 && matches!(&trees[start - 1], TokenTree::Ident(_)) {
                        start -= 1;
                    } else {
                        break;
                    }
                }
                let path: TokenStream = trees[start..at - 1].iter().cloned().collect();
                if let Ok(path) = syn::parse2::<syn::Path>(path) {
                    let last =
                        path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
                    let is_dollar = start > 0
                        && matches!(&trees[start - 1], TokenTree::Punct(mark) if mark.as_char() == '$');
                    if is_dollar {
                        self.calls_in(&group.stream(), each);
                    } else if is_event_name(&last) {
                        each(self, &path, &group.stream());
                    } else {
                        self.calls_in(&group.stream(), each);
                    }
                    continue;
                }
            }
            self.calls_in(&group.stream(), each);
        }
    }

    /// Reads the attributes of a function.
    fn attributes(
        &mut self,
        attributes: &[Attribute],
        signature: &Signature,
        body: Option<&Block>,
    ) {
        for attribute in attributes {
            let path = attribute.path();
            let span = attribute.meta.span();
            let at = span.byte_range().start;
            if path.is_ident("cfg_attr") {
                self.conditional(attribute);
                continue;
            }
            let Origin::Path(full) = self.scopes.origin(path, at) else { continue };
            let full: Vec<&str> = full.iter().map(String::as_str).collect();
            let tokens = match &attribute.meta {
                Meta::List(list) => list.tokens.clone(),
                _ => TokenStream::new(),
            };
            match full.as_slice() {
                ["candor", "instrument"] => {
                    let is_strict = tokens
                        .into_iter()
                        .any(|tree| matches!(tree, TokenTree::Ident(name) if name == "strict"));
                    if !is_strict {
                        self.site(span, "#[candor::instrument]", true);
                    }
                }
                ["tracing", "instrument"] => self.instrument(attribute, &tokens, signature, body),
                _ => {}
            }
        }
    }

    fn conditional(&mut self, attribute: &Attribute) {
        let Meta::List(list) = &attribute.meta else { return };
        let mentions = |tokens: &TokenStream| {
            tokens
                .clone()
                .into_iter()
                .any(|tree| matches!(tree, TokenTree::Ident(name) if name == "instrument"))
        };
        if mentions(&list.tokens) {
            let span = attribute.meta.span();
            self.site(span, "#[instrument]", true);
            self.decide(span, "`#[instrument]` stays, because it is inside `cfg_attr`; decide whether the step needs the condition");
        }
    }

    fn instrument(
        &mut self,
        attribute: &Attribute,
        tokens: &TokenStream,
        signature: &Signature,
        body: Option<&Block>,
    ) {
        let span = attribute.meta.span();
        let range = span.byte_range();
        let values = ValueCheck { locals: &self.locals, types: self.types(), at: range.start };
        let mut step = translate(tokens, signature, self.source, values);
        let text = self.source.get(range.clone()).unwrap_or_default();
        if text.contains("//") && text.contains('\n') || text.contains("/*") {
            let reason = "there is a comment among its arguments".to_owned();
            step = step.and(Err(Refusal::Lenient(vec![reason])));
        }
        let mentions_span = body
            .and_then(|body| self.source.get(body.span().byte_range()))
            .is_some_and(|body| body.contains("Span::current") || body.contains("current_span"));
        if mentions_span {
            let reason =
                "the function uses the current span, which a step does not have".to_owned();
            match &mut step {
                Ok(_) => step = Err(Refusal::Lenient(vec![reason])),
                Err(Refusal::Lenient(reasons)) => reasons.push(reason),
                Err(Refusal::Stays(_) | Refusal::Unknown) => {}
            }
        }
        let stays = match &step {
            Err(Refusal::Unknown) => Some("its arguments are not understood"),
            Err(Refusal::Stays(reason)) => Some(reason.as_str()),
            _ => None,
        };
        if let Some(reason) = stays {
            let text = format!("`#[instrument]` stays, because {reason}");
            self.site(span, "#[instrument]", true);
            self.decide(span, text);
            return;
        }
        self.found.rewritten += 1;
        self.free(attribute.path());
        match step {
            Ok(step) => {
                self.site(span, "#[instrument]", false);
                let text = self.step_text(&step, range.start);
                self.edit(range, text);
            }
            Err(refusal) => {
                let reasons = match refusal {
                    Refusal::Lenient(reasons) => reasons,
                    Refusal::Stays(_) | Refusal::Unknown => Vec::new(),
                };
                self.site(span, "#[instrument]", true);
                self.edit(attribute.path().span().byte_range(), "candor::instrument");
                self.decide(
                    span,
                    format!(
                        "`#[instrument]` is now `#[candor::instrument]`, which records only the shape of values \
                         that are not loggable: {}",
                        reasons.join("; ")
                    ),
                );
            }
        }
    }

    /// The new attribute, on several lines if it would be longer than 100 columns.
    fn step_text(&self, step: &Step, at: usize) -> String {
        if step.arguments.is_empty() {
            return "candor::step_timed".to_owned();
        }
        let line = format!("candor::step_timed({})", step.arguments.join(", "));
        let start = self.source[..at].rfind('\n').map_or(0, |feed| feed + 1);
        let indent: String =
            self.source[start..].chars().take_while(|c| *c == ' ' || *c == '\t').collect();
        if (at - start) + line.len() < 100 {
            return line;
        }
        let feed = if self.source[..at].ends_with("\r\n") || self.source[..start].ends_with("\r\n")
        {
            "\r\n"
        } else {
            "\n"
        };
        let rows: Vec<_> = step
            .arguments
            .iter()
            .map(|argument| format!("{indent}    {argument},{feed}"))
            .collect();
        format!("candor::step_timed({feed}{}{indent})", rows.concat())
    }

    /// Reads a function with its variables in scope.
    fn function(&mut self, attributes: &[Attribute], signature: &Signature, body: Option<&Block>) {
        let around = std::mem::take(&mut self.locals);
        self.locals.enter();
        let at = signature.span().byte_range().start;
        for input in &signature.inputs {
            match input {
                syn::FnArg::Receiver(_) => {
                    if let Some(own) = self.own_type.clone() {
                        self.locals.bind_self(Kind::Struct(own));
                    }
                }
                syn::FnArg::Typed(argument) => {
                    let types = self.types();
                    self.locals.bind_typed(&argument.pat, &argument.ty, types, at);
                }
            }
        }
        self.attributes(attributes, signature, body);
        if let Some(body) = body {
            let output = match &signature.output {
                syn::ReturnType::Type(_, ty) => {
                    self.source.get(ty.span().byte_range()).unwrap_or_default().to_owned()
                }
                syn::ReturnType::Default => String::new(),
            };
            let own = Function {
                is_main: signature.ident == "main",
                body: body.span().byte_range(),
                output,
            };
            let outer = self.function.replace(own);
            self.visit_block(body);
            self.function = outer;
        }
        self.locals = around;
    }

    /// Replaces the installation of a subscriber.
    fn setup(&mut self, statement: &Stmt, block: &Block) {
        let Stmt::Expr(expr, Some(_)) = statement else { return };
        let span = expr.span();
        let at = span.byte_range().start;
        let Some(setup) = subscriber::read(expr, self.scopes, at) else { return };
        let is_in_main =
            |function: &&Function| function.is_main && function.body == block.span().byte_range();
        let Some(function) = self.function.as_ref().filter(is_in_main) else {
            self.decide(span, "the subscriber is installed outside of `main`; call `candor::init()` in `main` and keep the guard that it returns until `main` ends");
            return;
        };
        let error = if subscriber::takes_any_error(&function.output) {
            "?"
        } else {
            ".expect(\"the logging configuration is valid\")"
        };
        match setup {
            Setup::Known { lost } => {
                self.found.rewritten += 1;
                for (name, at) in subscriber::names(expr) {
                    self.freed.insert((name, at));
                }
                for name in imports::SUBSCRIBER_TRAITS {
                    self.freed.insert((name.to_owned(), at));
                }
                self.edit(span.byte_range(), format!("let _logging = candor::init(){error}"));
                if !lost.is_empty() {
                    self.decide(span, format!("the environment now configures the log (`LOG_LEVEL`, `LOG_FORMAT`, `LOG_OUTPUT`); set the variables for these removed settings: {}", lost.join(", ")));
                }
            }
            Setup::Unknown { reason } => {
                self.decide(span, format!("the subscriber stays: {reason}; add candor's layer from `candor::Config::from_env()?.build()?`, or install it with `candor::init()`"));
            }
        }
    }
}

impl Reader<'_> {
    /// Replaces tower-http's layer.
    fn trace_layer(&mut self, function: &syn::Path, span: Span, is_grpc: bool) {
        let range = span.byte_range();
        let is_whole = self.layer_arguments.contains(&range.start)
            && self.layer_arguments.contains(&range.end);
        if !is_whole {
            self.decide(span, "`TraceLayer` stays, because it has settings; replace it with `candor::http::RequestLayer`, and set the fields of its span with `candor::context::set` in a handler or middleware");
        } else if is_grpc && self.package.tonic.is_none() {
            self.decide(span, "`TraceLayer` stays: candor's layer reads the gRPC code with tonic 0.12.2 or later; with it, replace the layer with `candor::http::RequestLayer::new()`");
        } else if !is_grpc && !self.package.has_http_1 {
            self.decide(span, "`TraceLayer` stays: candor's layer needs version 1 of `http`, which axum 0.7 and tower-http 0.5 use");
        } else {
            self.found.rewritten += 1;
            self.found.layers.http |= !is_grpc;
            self.found.layers.grpc |= is_grpc;
            self.free(function);
            self.edit(range, "candor::http::RequestLayer::new()");
        }
    }
}

fn is_event_name(name: &str) -> bool {
    LEVELS.contains(&name) || SPANS.contains(&name) || matches!(name, "event" | "log")
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_macro(&mut self, call: &'ast Macro) {
        self.call(&call.path, &call.tokens, false);
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if item.ident.is_some() {
            self.definition(item.span(), &item.mac.tokens);
        } else {
            self.visit_macro(&item.mac);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.function(&item.attrs, &item.sig, Some(&item.block));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.attrs, &item.sig, Some(&item.block));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        let own_type = self.own_type.take();
        self.function(&item.attrs, &item.sig, item.default.as_ref());
        self.own_type = own_type;
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let name = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        let at = item.self_ty.span().byte_range().start;
        let own = match self.types().kind(&item.self_ty, at) {
            Kind::Struct(own) => Some(own),
            _ => name.map(|name| OwnType::here(name, self.types(), at)),
        };
        let outer = std::mem::replace(&mut self.own_type, own);
        visit::visit_item_impl(self, item);
        self.own_type = outer;
    }

    fn visit_block(&mut self, block: &'ast Block) {
        self.locals.enter();
        for statement in &block.stmts {
            self.setup(statement, block);
            self.visit_stmt(statement);
        }
        self.locals.leave();
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        visit::visit_local(self, local);
        let at = local.span().byte_range().start;
        let types = self.types();
        match (&local.pat, &local.init) {
            (Pat::Type(pattern), _) => self.locals.bind_typed(&pattern.pat, &pattern.ty, types, at),
            (pattern, Some(init)) => {
                let kind = of_expr(&init.expr, &self.locals, types, at);
                self.locals.bind(pattern, &kind);
            }
            (pattern, None) => self.locals.bind(pattern, &Kind::Unknown),
        }
    }

    fn visit_expr_let(&mut self, expr: &'ast syn::ExprLet) {
        visit::visit_expr_let(self, expr);
        self.locals.bind(&expr.pat, &Kind::Unknown);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.locals.enter();
        self.locals.bind(&arm.pat, &Kind::Unknown);
        visit::visit_arm(self, arm);
        self.locals.leave();
    }

    fn visit_expr_for_loop(&mut self, expr: &'ast syn::ExprForLoop) {
        self.visit_expr(&expr.expr);
        let item = of_item(&expr.expr, &self.locals, self.types(), expr.span().byte_range().start);
        self.locals.enter();
        self.locals.bind(&expr.pat, &item);
        self.visit_block(&expr.body);
        self.locals.leave();
    }

    fn visit_expr_if(&mut self, expr: &'ast syn::ExprIf) {
        self.locals.enter();
        visit::visit_expr_if(self, expr);
        self.locals.leave();
    }

    fn visit_expr_while(&mut self, expr: &'ast syn::ExprWhile) {
        self.locals.enter();
        visit::visit_expr_while(self, expr);
        self.locals.leave();
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        self.locals.enter();
        let types = self.types();
        let at = closure.span().byte_range().start;
        for input in &closure.inputs {
            match input {
                Pat::Type(pattern) => self.locals.bind_typed(&pattern.pat, &pattern.ty, types, at),
                pattern => self.locals.bind(pattern, &Kind::Unknown),
            }
        }
        // In this body, `?` and the end of `main` have another meaning than in the function.
        let function = self.function.take();
        self.visit_expr(&closure.body);
        self.function = function;
        self.locals.leave();
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if call.method == "layer" && call.args.len() == 1 {
            self.layer_arguments.insert(call.args[0].span().byte_range().start);
            if let Expr::Call(layer) = &call.args[0] {
                self.layer_arguments.insert(layer.span().byte_range().end);
            }
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let Expr::Path(function) = &*call.func {
            let span = call.span();
            let range = span.byte_range();
            let full = self.scopes.resolve(&function.path, range.start);
            let is_current = full.as_ref().is_some_and(|full| {
                full.iter().map(String::as_str).eq(["tracing", "Span", "current"])
            });
            if is_current {
                self.decide(
                    span,
                    "`Span::current()` is not a step: record fields with `candor::record(…)`, and take the context \
                     to a thread or task with `candor::context::carry` or `.in_context()`",
                );
            }
            let layer = full.as_deref().and_then(|full| match full {
                [owner, .., ty, function] if owner == "tower_http" && ty == "TraceLayer" => {
                    Some(function.as_str())
                }
                _ => None,
            });
            if let Some(kind @ ("new_for_http" | "new_for_grpc")) = layer {
                self.trace_layer(&function.path, span, kind == "new_for_grpc");
            }
        }
        visit::visit_expr_call(self, call);
    }
}
