//! Imports that the edits make unused.

use std::collections::BTreeSet;
use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};
use syn::UseTree;
use syn::spanned::Spanned as _;

use super::event::{LEVELS, SPANS};
use super::file::Edit;
use super::scope::{Leaf, Scopes, Use, leaf};

/// Traits whose methods install a subscriber. Their names are not written where they are used.
pub(super) const SUBSCRIBER_TRAITS: [&str; 2] = ["SubscriberExt", "SubscriberInitExt"];

/// Names that are searched for in the files of submodules.
const INHERITED: [&str; 5] = ["instrument", "TraceLayer", "tracing", "log", "event"];

/// A name or punctuation character with its position.
#[derive(Debug)]
pub(super) struct Word {
    text: String,
    range: Range<usize>,
}

/// The words of a file. Literals are left out.
pub(super) fn flatten(tokens: TokenStream) -> Vec<Word> {
    fn add(tokens: TokenStream, words: &mut Vec<Word>) {
        for tree in tokens {
            let range = tree.span().byte_range();
            match tree {
                TokenTree::Ident(name) => words.push(Word { text: name.to_string(), range }),
                TokenTree::Punct(mark) => {
                    words.push(Word { text: mark.as_char().to_string(), range });
                }
                TokenTree::Literal(_) => words.push(Word { text: String::new(), range }),
                TokenTree::Group(group) => {
                    let (open, close) =
                        (group.span_open().byte_range(), group.span_close().byte_range());
                    words.push(Word { text: "(".to_owned(), range: open });
                    add(group.stream(), words);
                    words.push(Word { text: ")".to_owned(), range: close });
                }
            }
        }
    }
    let mut words = Vec::new();
    add(tokens, &mut words);
    words
}

/// Whether the word refers to an imported name.
fn is_use(words: &[Word], at: usize) -> bool {
    let text = |back: usize| at.checked_sub(back).map_or("", |at| words[at].text.as_str());
    let name = words[at].text.as_str();
    if text(1) == "." && text(2) != "." {
        return false;
    }
    if text(1) == ":" && text(2) == ":" && !matches!(text(3), "self" | "super" | "crate") {
        return false;
    }
    let is_macro = LEVELS.contains(&name) || SPANS.contains(&name) || name == "event";
    !is_macro || words.get(at + 1).is_some_and(|next| next.text == "!")
}

/// The names that the file still uses outside the edited ranges and may import from the file of its parent module.
pub(super) fn used(words: &[Word], edited: &[Range<usize>]) -> BTreeSet<String> {
    let is_edited = |range: &Range<usize>| {
        edited.iter().any(|edited| edited.start <= range.start && range.end <= edited.end)
    };
    let matters =
        |name: &str| INHERITED.contains(&name) || LEVELS.contains(&name) || SPANS.contains(&name);
    let found = words
        .iter()
        .enumerate()
        .filter(|(at, word)| matters(&word.text) && !is_edited(&word.range) && is_use(words, *at));
    found.map(|(_, word)| word.text.clone()).collect()
}

/// A part of a `use` item.
#[derive(Debug, Clone)]
enum UseNode {
    Path(String, Box<UseNode>),
    Leaf { text: String, leaf: Leaf },
    Group(Vec<UseNode>),
}

impl UseNode {
    fn of(tree: &UseTree, path: &mut Vec<String>) -> UseNode {
        match tree {
            UseTree::Path(inner) => {
                let name = inner.ident.to_string();
                path.push(name.clone());
                let node = UseNode::of(&inner.tree, path);
                path.pop();
                UseNode::Path(name, Box::new(node))
            }
            UseTree::Name(name) => {
                let text = name.ident.to_string();
                UseNode::Leaf { leaf: leaf(&text, None, path), text }
            }
            UseTree::Rename(rename) => {
                let (name, new) = (rename.ident.to_string(), rename.rename.to_string());
                UseNode::Leaf {
                    text: format!("{name} as {new}"),
                    leaf: leaf(&name, Some(new), path),
                }
            }
            UseTree::Glob(_) => UseNode::Leaf {
                text: "*".to_owned(),
                leaf: Leaf { name: "*".to_owned(), path: path.clone() },
            },
            UseTree::Group(group) => {
                UseNode::Group(group.items.iter().map(|item| UseNode::of(item, path)).collect())
            }
        }
    }

    /// The node without some of its leaves.
    fn without(&self, is_gone: &dyn Fn(&Leaf) -> bool) -> Option<UseNode> {
        match self {
            UseNode::Path(name, inner) => {
                Some(UseNode::Path(name.clone(), Box::new(inner.without(is_gone)?)))
            }
            UseNode::Leaf { leaf, .. } => (!is_gone(leaf)).then(|| self.clone()),
            UseNode::Group(items) => {
                let kept: Vec<_> = items.iter().filter_map(|item| item.without(is_gone)).collect();
                match kept.as_slice() {
                    [] => None,
                    // `use tracing::{self}` is written `use tracing`.
                    [only]
                        if kept.len() < items.len()
                            && !matches!(only, UseNode::Leaf { text, .. } if text.starts_with("self")) =>
                    {
                        Some(only.clone())
                    }
                    _ => Some(UseNode::Group(kept)),
                }
            }
        }
    }

    fn text(&self) -> String {
        match self {
            UseNode::Path(name, inner) => format!("{name}::{}", inner.text()),
            UseNode::Leaf { text, .. } => text.clone(),
            UseNode::Group(items) => {
                let items: Vec<_> = items.iter().map(UseNode::text).collect();
                format!("{{{}}}", items.join(", "))
            }
        }
    }
}

/// Names to remove from one `use` item.
#[derive(Debug, Clone)]
pub(super) struct Removal {
    node: UseNode,
    /// The item with its attributes.
    item: Range<usize>,
    /// The names within it.
    tree: Range<usize>,
    gone: Vec<Leaf>,
    /// The lines of the item, to remove if no name is left.
    lines: Range<usize>,
}

impl Removal {
    /// The edit, unless all names are needed by the files of submodules.
    pub(super) fn edit(&self, needed: &BTreeSet<String>) -> Option<Edit> {
        let gone: Vec<&Leaf> =
            self.gone.iter().filter(|leaf| !needed.contains(&leaf.name)).collect();
        if gone.is_empty() {
            return None;
        }
        let Some(kept) = self.node.without(&|leaf| gone.contains(&leaf)) else {
            return Some(Edit { range: self.lines.clone(), text: String::new() });
        };
        // A crate needs no import.
        if matches!(&kept, UseNode::Path(_, inner) if matches!(&**inner, UseNode::Group(items) if matches!(items.as_slice(), [UseNode::Leaf { text, .. }] if text == "self")))
        {
            return Some(Edit { range: self.lines.clone(), text: String::new() });
        }
        let mut text = kept.text();
        let width = self.tree.start - self.item.start + text.len() + 1;
        if width > 100
            && let UseNode::Path(name, inner) = &kept
            && let UseNode::Group(items) = &**inner
        {
            let rows: Vec<_> = items.iter().map(|item| format!("    {},\n", item.text())).collect();
            text = format!("{name}::{{\n{}}}", rows.concat());
        }
        Some(Edit { range: self.tree.clone(), text })
    }
}

/// The names of each `use` item that no code needs after the edits.
pub(super) fn removals(
    source: &str,
    scopes: &Scopes,
    freed: &BTreeSet<(String, usize)>,
    edits: &[Edit],
    words: &[Word],
) -> Vec<Removal> {
    let mut removals = Vec::new();
    if freed.is_empty() {
        return removals;
    }
    let is_edited = |range: &Range<usize>| {
        edits.iter().any(|edit| edit.range.start <= range.start && range.end <= edit.range.end)
    };
    let in_use = |range: &Range<usize>| {
        scopes
            .uses
            .iter()
            .any(|item| item.range.start <= range.start && range.end <= item.range.end)
    };
    let is_used = |name: &str, item: &Use| {
        let in_words = words.iter().enumerate().any(|(at, word)| {
            word.text == name
                && item.scope.contains(&word.range.start)
                && !is_edited(&word.range)
                && !in_use(&word.range)
                && is_use(words, at)
                && scopes.may_come_from(item, name, word.range.start)
        });
        // Another `use` item may import it from this module.
        in_words
            || scopes.uses.iter().flat_map(|item| &item.leaves).any(|leaf| {
                leaf.path
                    .first()
                    .is_some_and(|first| matches!(first.as_str(), "self" | "super" | "crate"))
                    && leaf.path.last().is_some_and(|last| last == name)
            })
    };
    let calls_trait = words.windows(2).any(|pair| {
        pair[0].text == "."
            && matches!(
                pair[1].text.as_str(),
                "with" | "init" | "try_init" | "set_default" | "with_subscriber"
            )
            && !is_edited(&pair[1].range)
    });
    for item in scopes.uses.iter().filter(|item| !item.is_public) {
        let is_freed =
            |name: &str| freed.iter().any(|(freed, at)| freed == name && item.scope.contains(at));
        let is_gone = |leaf: &Leaf| {
            let first = leaf.path.first().map_or("", String::as_str);
            let last = leaf.path.last().map_or("", String::as_str);
            if first == "tracing_subscriber"
                && (SUBSCRIBER_TRAITS.contains(&last) || leaf.name == "*" && last == "prelude")
            {
                return is_freed(SUBSCRIBER_TRAITS[0]) && !calls_trait;
            }
            is_freed(&leaf.name)
                && matches!(
                    first,
                    "tracing" | "log" | "tower_http" | "tracing_subscriber" | "env_logger"
                )
                && !is_used(&leaf.name, item)
        };
        let gone: Vec<Leaf> = item.leaves.iter().filter(|leaf| is_gone(leaf)).cloned().collect();
        let text = source.get(item.range.clone()).unwrap_or_default();
        let has_comment = text.contains("/*") || text.contains("//");
        if gone.is_empty() || has_comment && gone.len() < item.leaves.len() {
            continue;
        }
        removals.push(Removal {
            node: UseNode::of(&item.tree, &mut Vec::new()),
            item: item.range.clone(),
            tree: item.tree.span().byte_range(),
            gone,
            lines: whole_lines(source, &item.range),
        });
    }
    removals
}

/// The range with the rest of its lines, if nothing else is on them.
fn whole_lines(source: &str, range: &Range<usize>) -> Range<usize> {
    let start = source[..range.start].rfind('\n').map_or(0, |feed| feed + 1);
    let end = source[range.end..].find('\n').map_or(source.len(), |feed| range.end + feed + 1);
    let is_blank =
        |range: Range<usize>| source.get(range).is_some_and(|text| text.trim().is_empty());
    if is_blank(start..range.start) && is_blank(range.end..end) {
        start..end
    } else {
        range.clone()
    }
}
