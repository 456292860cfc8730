//! Statements that install a subscriber.

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Expr, ExprMethodCall};

use super::scope::Scopes;

/// A statement that installs a subscriber.
#[derive(Debug, PartialEq)]
pub(super) enum Setup {
    /// `candor::init()` can replace it. `lost` lists settings that environment variables replace.
    Known {
        lost: Vec<String>,
    },
    Unknown {
        reason: String,
    },
}

/// Settings for the form of a line, which candor determines.
const FORM: [&str; 18] = [
    "json",
    "pretty",
    "compact",
    "with_target",
    "with_ansi",
    "with_level",
    "with_file",
    "with_line_number",
    "with_thread_ids",
    "with_thread_names",
    "with_timer",
    "without_time",
    "flatten_event",
    "with_current_span",
    "with_span_list",
    "with_span_events",
    "boxed",
    "finish",
];

/// Settings that environment variables replace.
const LOST: [&str; 4] = ["with_env_filter", "with_max_level", "with_writer", "with_filter"];

/// Reads the expression of a statement. `None` if it installs no subscriber.
pub(super) fn read(expr: &Expr, scopes: &Scopes, at: usize) -> Option<Setup> {
    let unwrapped = match expr {
        Expr::MethodCall(call) if call.method == "expect" || call.method == "unwrap" => {
            &*call.receiver
        }
        Expr::Try(inner) => &*inner.expr,
        _ => expr,
    };
    if let Some(path) = called(unwrapped, scopes, at) {
        return match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["tracing_subscriber", "fmt", "init"] | ["env_logger", "init"] => {
                Some(Setup::Known { lost: Vec::new() })
            }
            ["tracing", "subscriber", "set_global_default"] => {
                Some(Setup::Unknown { reason: "it is built elsewhere".to_owned() })
            }
            _ => None,
        };
    }
    let Expr::MethodCall(last) = unwrapped else { return None };
    if !(last.method == "init" || last.method == "try_init") || !last.args.is_empty() {
        return None;
    }
    let root = root(&last.receiver);
    let path = called(root, scopes, at)?;
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["tracing_subscriber", "fmt", ..]
        | ["tracing_subscriber", "registry"]
        | ["tracing_subscriber", "Registry", _] => {}
        ["env_logger", ..] => {
            return Some(Setup::Unknown { reason: "it sets up `env_logger` in code".to_owned() });
        }
        _ => return None,
    }
    let mut settings = Vec::new();
    Some(match chain(&last.receiver, scopes, at, &mut settings) {
        Ok(()) => Setup::Known { lost: settings },
        Err(reason) => Setup::Unknown { reason },
    })
}

/// The receiver at the start of a chain of method calls.
fn root(expr: &Expr) -> &Expr {
    match expr {
        Expr::MethodCall(call) => root(&call.receiver),
        Expr::Paren(paren) => root(&paren.expr),
        Expr::Try(inner) => root(&inner.expr),
        _ => expr,
    }
}

/// The full path of a function that is called.
fn called(expr: &Expr, scopes: &Scopes, at: usize) -> Option<Vec<String>> {
    let Expr::Call(call) = expr else { return None };
    let Expr::Path(function) = &*call.func else { return None };
    scopes.resolve(&function.path, at)
}

/// Checks the settings of a chain.
fn chain(expr: &Expr, scopes: &Scopes, at: usize, lost: &mut Vec<String>) -> Result<(), String> {
    let Expr::MethodCall(call) = expr else { return Ok(()) };
    chain(&call.receiver, scopes, at, lost)?;
    setting(call, scopes, at, lost)
}

fn setting(
    call: &ExprMethodCall,
    scopes: &Scopes,
    at: usize,
    lost: &mut Vec<String>,
) -> Result<(), String> {
    let name = call.method.to_string();
    for argument in &call.args {
        if let Some(variable) = variable(argument) {
            return Err(format!("it uses the variable `{variable}`"));
        }
    }
    if name == "with" {
        let Some(layer) = call.args.first() else { return Ok(()) };
        let path = called(root(layer), scopes, at).unwrap_or_default();
        let is_known = |names: &[&str]| path.iter().any(|part| names.contains(&part.as_str()));
        if path.first().is_some_and(|first| first == "tracing_subscriber") {
            if is_known(&["EnvFilter", "LevelFilter"]) {
                if !is_default_filter(&path) {
                    lost.push("with(EnvFilter)".to_owned());
                }
                return Ok(());
            }
            if is_known(&["fmt"]) {
                return chain(layer, scopes, at, lost);
            }
        }
        return Err("it has a layer of another crate".to_owned());
    }
    if LOST.contains(&name.as_str()) {
        let path = call.args.first().and_then(|filter| called(root(filter), scopes, at));
        if !path.is_some_and(|path| is_default_filter(&path)) {
            lost.push(name);
        }
        return Ok(());
    }
    if FORM.contains(&name.as_str()) {
        Ok(())
    } else {
        Err(format!("candor has no setting `{name}`"))
    }
}

/// Whether the filter is that of `RUST_LOG`, which candor also reads.
fn is_default_filter(path: &[String]) -> bool {
    path.ends_with(&["EnvFilter".to_owned(), "from_default_env".to_owned()])
}

/// A variable in an expression, whose value the replacement would not use.
fn variable(expr: &Expr) -> Option<String> {
    struct Variables(Option<String>);
    impl<'ast> Visit<'ast> for Variables {
        fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
            if let Some(name) = path.path.get_ident().map(ToString::to_string)
                && !name.starts_with(char::is_uppercase)
            {
                self.0 = Some(name);
            }
        }

        fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
            call.args.iter().for_each(|argument| self.visit_expr(argument));
        }

        fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}
    }
    let mut variables = Variables(None);
    variables.visit_expr(expr);
    variables.0
}

/// The first names of all paths in an expression, with their positions.
pub(super) fn names(expr: &Expr) -> Vec<(String, usize)> {
    struct Names(Vec<(String, usize)>);
    impl<'ast> Visit<'ast> for Names {
        fn visit_path(&mut self, path: &'ast syn::Path) {
            if let Some(first) = path.segments.first() {
                self.0.push((first.ident.to_string(), path.span().byte_range().start));
            }
            visit::visit_path(self, path);
        }
    }
    let mut names = Names(Vec::new());
    names.visit_expr(expr);
    names.0
}

/// Whether `?` converts every error to the error of this return type.
pub(super) fn takes_any_error(output: &str) -> bool {
    output.contains("dyn") && output.contains("Error")
        || output.contains("anyhow::")
        || output.contains("eyre::")
}
