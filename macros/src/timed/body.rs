//! The body of a function as tokens: as a block, its tail and its `return`s.
//!
//! A body is parsed only if its `return`s matter; see [`Function`](crate::function::Function).

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::parse::Parser as _;
use syn::visit_mut::{VisitMut, visit_expr_mut};
use syn::{Block, Expr, Item, Stmt, parse_quote};

/// The body as the value of a `let`. If it has no value, the compiler says so at `span`.
pub(super) fn block(body: &TokenStream, span: Span) -> TokenStream {
    // Without a statement before it, a lone expression would have unused braces.
    let filler = (!starts_with_item(body)).then(|| quote!(let () = ();));
    let mut block = Group::new(Delimiter::Brace, quote!(#filler #body));
    block.set_span(span);
    block.into_token_stream()
}

/// Whether the body starts with an item or an attribute, before which clippy wants no statement.
pub(super) fn starts_with_item(body: &TokenStream) -> bool {
    #[rustfmt::skip]
    const ITEMS: [&str; 13] = [
        "const", "enum", "extern", "fn", "impl", "macro_rules", "mod", "pub", "static", "struct", "trait", "type",
        "use",
    ];
    // Words that begin an item or an expression.
    const EITHER: [&str; 2] = ["async", "unsafe"];
    let mut tokens = body.clone().into_iter();
    match tokens.next() {
        Some(TokenTree::Ident(first)) if EITHER.iter().any(|word| first == word) => {
            let next = tokens.next();
            let is_closure = matches!(&next, Some(TokenTree::Ident(next)) if next == "move");
            matches!(next, Some(TokenTree::Ident(_))) && !is_closure
        }
        // `union` is a keyword only here.
        Some(TokenTree::Ident(first)) if first == "union" => {
            matches!(tokens.next(), Some(TokenTree::Ident(_)))
        }
        Some(TokenTree::Ident(first)) => ITEMS.iter().any(|item| first == item),
        Some(TokenTree::Punct(first)) => first.as_char() == '#',
        _ => false,
    }
}

/// The span of the first token of the last statement.
pub(super) fn tail_span(body: &TokenStream) -> Option<Span> {
    const BLOCKS: [&str; 6] = ["if", "match", "while", "loop", "for", "unsafe"];
    let mut tail = None;
    let mut is_start = true;
    // Whether the statement begins like a block, and whether its braces came last: then it needs no `;`.
    let (mut is_block, mut is_after_braces) = (false, false);
    for token in body.clone() {
        let continues = match &token {
            TokenTree::Ident(ident) => ident == "else",
            TokenTree::Punct(punct) => matches!(punct.as_char(), '.' | '?' | ';'),
            _ => false,
        };
        if is_start || is_block && is_after_braces && !continues {
            tail = Some(token.span());
            is_block = match &token {
                TokenTree::Ident(ident) => BLOCKS.iter().any(|block| ident == block),
                TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                _ => false,
            };
        }
        is_start = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ';');
        is_after_braces =
            matches!(&token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    }
    tail
}

/// Replaces the value of each `return`; a body that does not parse is the compiler's to report.
pub(super) fn replace_returns(
    body: TokenStream,
    replace: impl Fn(&Expr) -> TokenStream,
) -> TokenStream {
    let Ok(mut statements) = Block::parse_within.parse2(body.clone()) else { return body };
    visit_returns(&mut statements, |expr| {
        if let Expr::Return(returned) = expr
            && let Some(value) = &returned.expr
        {
            let replaced = replace(value);
            *expr = parse_quote!({ #replaced });
        }
    });
    quote!(#(#statements)*)
}

/// Splits a body without `return`s into its statements and its tail expression.
pub(super) fn split_tail(body: &TokenStream) -> Option<(Vec<Stmt>, Expr)> {
    let mut statements = Block::parse_within.parse2(body.clone()).ok()?;
    let mut has_returns = false;
    visit_returns(&mut statements, |_| has_returns = true);
    let tail = match statements.pop()? {
        Stmt::Expr(tail, None) => tail,
        Stmt::Macro(tail) if tail.semi_token.is_none() => {
            let tail = tail.mac;
            parse_quote!(#tail)
        }
        _ => return None,
    };
    (!has_returns).then_some((statements, tail))
}

/// Visits the `return`s of a function, but not those of closures, `async` blocks and items in it.
fn visit_returns(statements: &mut [Stmt], visit: impl FnMut(&mut Expr)) {
    struct Returns<F>(F);
    impl<F: FnMut(&mut Expr)> VisitMut for Returns<F> {
        fn visit_expr_mut(&mut self, expr: &mut Expr) {
            if let Expr::Closure(_) | Expr::Async(_) = expr {
                return;
            }
            visit_expr_mut(self, expr);
            if let Expr::Return(_) = expr {
                (self.0)(expr);
            }
        }

        fn visit_item_mut(&mut self, _: &mut Item) {}
    }
    let mut returns = Returns(visit);
    for statement in statements {
        returns.visit_stmt_mut(statement);
    }
}
