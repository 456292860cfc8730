//! Events: whether candor's macros accept the arguments of a macro of `tracing` or `log`.

use std::ops::Range;

use proc_macro2::{Punct, Spacing, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, ExprLit, Ident, Lit, LitStr, Token, braced};

use super::types::{Kind, Locals, Types, of_expr};

/// The levels, which are the names of the macros.
pub(super) const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

/// The macros of `tracing` that make a span.
pub(super) const SPANS: [&str; 6] =
    ["span", "trace_span", "debug_span", "info_span", "warn_span", "error_span"];

/// Reason why an event stays as it is, with a way to fix it.
pub(super) type Reason = String;

/// The data that is needed to check the values of an event.
#[derive(Clone, Copy)]
pub(super) struct ValueCheck<'a> {
    pub(super) locals: &'a Locals,
    pub(super) types: Types<'a>,
    pub(super) at: usize,
}

impl ValueCheck<'_> {
    /// Whether candor logs the value without a policy.
    pub(super) fn check(self, shown: &str, value: &Expr) -> Result<(), Reason> {
        if is_literal_text(value) {
            return Ok(());
        }
        of_kind(shown, &of_expr(value, self.locals, self.types, self.at))
    }

    fn check_name(self, name: &str) -> Result<(), Reason> {
        let kind = match self.locals.get(name) {
            Some(kind) => kind.clone(),
            None => match syn::parse_str::<Expr>(name) {
                Ok(value) => of_expr(&value, self.locals, self.types, self.at),
                Err(_) => Kind::Unknown,
            },
        };
        of_kind(name, &kind)
    }
}

/// Whether candor logs values of this kind without a policy.
pub(super) fn of_kind(shown: &str, kind: &Kind) -> Result<(), Reason> {
    match kind {
        kind if kind.is_loggable() => Ok(()),
        Kind::Text => {
            Err(format!("`{shown}` is text and needs a policy, such as `clear({shown})`"))
        }
        Kind::Struct(of) => {
            let location = of.location.as_ref().map(|at| format!(" ({at})")).unwrap_or_default();
            Err(format!("`{shown}` needs `#[redact]` on the type `{}`{location}", of.name))
        }
        _ => Err(format!(
            "the type of `{shown}` is not known here (it needs a policy unless it is loggable or an error)"
        )),
    }
}

/// Whether a value is a string in the source code, which candor's macros show as it is.
pub(super) fn is_literal_text(value: &Expr) -> bool {
    const MACROS: [&str; 4] = ["concat", "env", "module_path", "stringify"];
    match value {
        Expr::Lit(literal) => matches!(literal.lit, Lit::Str(_)),
        Expr::Macro(call) => MACROS.iter().any(|name| call.mac.path.is_ident(name)),
        Expr::Reference(reference) => is_literal_text(&reference.expr),
        Expr::Group(group) => is_literal_text(&group.expr),
        Expr::Paren(paren) => is_literal_text(&paren.expr),
        _ => false,
    }
}

/// Checks the arguments of a macro of `log` with fields before a semicolon: `info!(rows = 3; "read")`. Returns the range
/// of the semicolon, which candor's macros write as a comma.
pub(super) fn check_key_values(
    tokens: &TokenStream,
    values: ValueCheck<'_>,
) -> Option<Result<Range<usize>, Reason>> {
    const MODIFIERS: [&str; 5] = ["err", "sval", "serde", "debug", "display"];
    let mut semicolon = None;
    let mut has_modifier = false;
    let mut before = None;
    let trees = tokens.clone().into_iter().map(|tree| {
        let TokenTree::Punct(mark) = &tree else {
            // `rows:err = …`
            let is_named = matches!(&tree, TokenTree::Ident(name) if MODIFIERS.iter().any(|known| name == known));
            has_modifier |= is_named && before.is_some();
            before = None;
            return tree;
        };
        let range = mark.span().byte_range();
        match mark.as_char() {
            ';' if semicolon.is_none() => {
                semicolon = Some(range);
                return Punct::new(',', Spacing::Alone).into();
            }
            // `rows:? = …` and `rows:% = …`
            '?' | '%' if before == Some(range.start) => has_modifier = true,
            _ => {}
        }
        // The second `:` of `::` is not the start of a modifier.
        let is_path = before == Some(range.start);
        before = (mark.as_char() == ':' && !is_path).then_some(range.end);
        tree
    });
    let trees: TokenStream = trees.collect();
    let semicolon = semicolon?;
    if has_modifier {
        return Some(Err(
            "write the fields of `log` as `key = value` without `:?` or `:err`, and a comma before the message"
                .to_owned(),
        ));
    }
    Some(match check(trees, values) {
        Ok(()) => Ok(semicolon),
        Err(reason) => Err(format!("{reason}; the `;` before the message becomes a comma")),
    })
}

/// Checks the arguments of an event.
pub(super) fn check(tokens: TokenStream, values: ValueCheck<'_>) -> Result<(), Reason> {
    let mut reason = None;
    let reader = |input: ParseStream<'_>| {
        if input.is_empty() {
            reason = Some("an event needs a message or a field".to_owned());
            return Ok(());
        }
        if let Err(found) = event(input, values)? {
            reason = Some(found);
            // The remaining arguments need no check.
            input.parse::<TokenStream>()?;
        }
        Ok(())
    };
    match reader.parse2(tokens) {
        _ if reason.is_some() => Err(reason.unwrap_or_default()),
        Ok(()) => Ok(()),
        Err(_) => Err("candor's macros do not have this syntax".to_owned()),
    }
}

fn event(input: ParseStream<'_>, values: ValueCheck<'_>) -> syn::Result<Result<(), Reason>> {
    while input.peek(Ident::peek_any) && input.peek2(Token![:]) && !input.peek2(Token![::]) {
        let key = input.call(Ident::parse_any)?;
        input.parse::<Token![:]>()?;
        let value: Expr = input.parse()?;
        let is_constant = is_literal_text(&value) || matches!(value, Expr::Path(_));
        if key == "parent" {
            return Ok(Err(
                "`parent:` needs a span; candor's events belong to the step around them".to_owned(),
            ));
        }
        if !(key == "target" || key == "name") || !is_constant {
            return Ok(Err(format!("candor's macros have no argument `{key}:`")));
        }
        comma(input)?;
    }
    let is_constant_name = {
        let ahead = input.fork();
        ahead.parse::<TokenTree>().is_ok() && ahead.peek(Token![=])
    };
    if input.peek(syn::token::Brace) && !is_constant_name {
        let list;
        braced!(list in input);
        if let Err(reason) = fields(&list, values)? {
            return Ok(Err(reason));
        }
        if !list.is_empty() {
            return Err(list.error("expected a field"));
        }
        comma(input)?;
    } else if let Err(reason) = fields(input, values)? {
        return Ok(Err(reason));
    }
    if input.is_empty() { Ok(Ok(())) } else { message(input, values) }
}

/// Checks fields up to the message or the end.
fn fields(input: ParseStream<'_>, values: ValueCheck<'_>) -> syn::Result<Result<(), Reason>> {
    let is_message = || input.peek(LitStr) && (!input.peek2(Token![=]) || input.peek2(Token![==]));
    while !(input.is_empty() || is_message()) {
        if let Err(reason) = field(input, values, &EVENT_KEYS)? {
            return Ok(Err(reason));
        }
        comma(input)?;
    }
    Ok(Ok(()))
}

/// Keys that candor itself writes on the line of an event.
const EVENT_KEYS: [&str; 10] =
    ["ts", "level", "logger", "msg", "trace_id", "span_id", "seq", "event", "exc", "truncated"];

/// Keys that candor itself writes on the line of a step. The value of `error` must be an error.
pub(super) const STEP_KEYS: [&str; 23] = [
    "ts",
    "level",
    "logger",
    "msg",
    "trace_id",
    "span_id",
    "seq",
    "event",
    "exc",
    "truncated",
    "step",
    "duration_ms",
    "outcome",
    "step_id",
    "parent_id",
    "offset_ms",
    "error",
    "error_type",
    "error_detail",
    "error_fields",
    "ret",
    "busy_ms",
    "message",
];

/// Checks one field. Only a comma or the end may follow it.
pub(super) fn field(
    input: ParseStream<'_>,
    values: ValueCheck<'_>,
    reserved: &[&str],
) -> syn::Result<Result<(), Reason>> {
    sigil(input)?;
    let mut own = None;
    let name = if input.peek(LitStr) {
        Some(input.parse::<LitStr>()?.value())
    } else if input.peek(syn::token::Brace) {
        let key;
        braced!(key in input);
        key.parse::<Expr>()?;
        None
    } else {
        let mut name = input.call(Ident::parse_any)?.unraw().to_string();
        while input.peek(Token![.]) {
            input.parse::<Token![.]>()?;
            name.push('.');
            name.push_str(&input.call(Ident::parse_any)?.unraw().to_string());
        }
        own = syn::parse_str::<Expr>(&name).ok();
        Some(name)
    };
    let shown = name.clone().unwrap_or_else(|| "{ … }".to_owned());
    let value = if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        sigil(input)?;
        let value: Expr = input.parse()?;
        if matches!(&value, Expr::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Empty"))
        {
            return Ok(Err(format!(
                "`{shown}` gets its value later; use `candor::record(\"{shown}\", …)`"
            )));
        }
        value
    } else {
        match own {
            Some(own) => own,
            None => return Err(input.error("expected a value")),
        }
    };
    if !input.is_empty() && !input.peek(Token![,]) {
        return Err(input.error("expected a comma"));
    }
    if name.is_some_and(|name| name.is_empty() || reserved.contains(&name.as_str())) {
        return Ok(Err(format!(
            "`{shown}` is one of candor's own keys; give the field another name"
        )));
    }
    Ok(values.check(&shown, &value))
}

fn sigil(input: ParseStream<'_>) -> syn::Result<()> {
    if input.peek(Token![?]) {
        input.parse::<Token![?]>()?;
    } else if input.peek(Token![%]) {
        input.parse::<Token![%]>()?;
    }
    Ok(())
}

fn comma(input: ParseStream<'_>) -> syn::Result<()> {
    if input.is_empty() { Ok(()) } else { input.parse::<Token![,]>().map(|_| ()) }
}

fn message(input: ParseStream<'_>, values: ValueCheck<'_>) -> syn::Result<Result<(), Reason>> {
    if !input.peek(LitStr) {
        return Ok(Err("the message must be a string literal".to_owned()));
    }
    let text: LitStr = input.parse()?;
    comma(input)?;
    let mut named = Vec::new();
    while !input.is_empty() {
        let name =
            if input.peek(Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==]) {
                let name = input.call(Ident::parse_any)?.unraw().to_string();
                input.parse::<Token![=]>()?;
                Some(name)
            } else {
                None
            };
        let value: Expr = input.parse()?;
        let shown = name.clone().unwrap_or_else(|| described(&value));
        if let Err(reason) = values.check(&shown, &value) {
            return Ok(Err(reason));
        }
        named.extend(name);
        comma(input)?;
    }
    let Some(placeholders) = placeholders(&text.value()) else {
        return Ok(Err("the format of the message is not understood".to_owned()));
    };
    for name in &named {
        if !placeholders.contains(name) {
            return Ok(Err(format!(
                "the message does not show `{name}`; put fields before the message"
            )));
        }
    }
    for name in placeholders.iter().filter(|name| !named.contains(name)) {
        if let Err(reason) = values.check_name(name) {
            return Ok(Err(reason));
        }
    }
    Ok(Ok(()))
}

/// A short form of a value for a message.
pub(super) fn described(value: &Expr) -> String {
    match value {
        Expr::Path(path) => {
            path.path.segments.last().map_or_else(String::new, |last| last.ident.to_string())
        }
        Expr::Field(field) => match &field.member {
            syn::Member::Named(name) => format!("{}.{name}", described(&field.base)),
            syn::Member::Unnamed(index) => format!("{}.{}", described(&field.base), index.index),
        },
        Expr::Reference(reference) => described(&reference.expr),
        Expr::MethodCall(call) => format!("{}.{}(…)", described(&call.receiver), call.method),
        Expr::Call(call) => format!("{}(…)", described(&call.func)),
        Expr::Lit(ExprLit { .. }) => "the literal".to_owned(),
        _ => "the value".to_owned(),
    }
}

/// The names that a format string refers to, as values or as widths. `None` if it has a part that is not understood.
fn placeholders(text: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '}' {
            chars.next().filter(|next| *next == '}')?;
        }
        if c != '{' {
            continue;
        }
        if chars.peek() == Some(&'{') {
            chars.next();
            continue;
        }
        let mut inside = String::new();
        loop {
            match chars.next()? {
                '}' => break,
                c => inside.push(c),
            }
        }
        let (name, spec) = inside.split_once(':').unwrap_or((&inside, ""));
        let is_plain = |c: char| {
            c.is_alphanumeric()
                || matches!(c, '_' | '#' | '?' | '.' | '<' | '>' | '^' | '+' | '$' | ' ')
        };
        if !spec.chars().all(is_plain) || spec.ends_with('p') {
            return None;
        }
        let mut rest = spec;
        while let Some((before, after)) = rest.split_once('$') {
            let start =
                before.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
            names.extend(identifier(&before[start..]));
            rest = after;
        }
        names.extend(identifier(name.trim()));
    }
    Some(names)
}

fn identifier(name: &str) -> Option<String> {
    let is_name = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
    is_name.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_format_string() {
        let found = |text| placeholders(text).map(|names| names.join(" "));
        assert_eq!(found("{a} {b:?} {{c}} {} {0} {d:>w$.p$}").as_deref(), Some("a b w p d"));
        for broken in ["{", "}", "{a:p}", "{a:}>8}"] {
            assert_eq!(found(broken), None, "{broken}");
        }
    }
}
