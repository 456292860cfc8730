//! The names serde gives to fields and variants, and the forms it gives to types.
//!
//! Only what is understood is read: serde's own derive, where there is one, reports mistakes, and
//! where there is none its attributes are not ours to judge.

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, LitStr, Meta};

/// What the `#[serde(…)]` of one item, variant or field say about names.
#[derive(Default)]
pub(super) struct SerdeNames {
    /// The name in the output.
    pub(super) rename: Option<String>,
    /// Other names the same value has in an input.
    pub(super) others: Vec<String>,
    pub(super) rename_all: Rules,
    pub(super) rename_all_fields: Rules,
    pub(super) tag: Option<String>,
    pub(super) content: Option<String>,
    /// Words without a value: `untagged`, `flatten`, `skip`.
    words: Vec<String>,
}

/// A naming convention for the output, and the one for the input where it differs.
#[derive(Clone, Copy, Default)]
pub(super) struct Rules {
    pub(super) output: Option<Case>,
    pub(super) input: Option<Case>,
}

impl Rules {
    pub(super) fn or(self, other: Rules) -> Rules {
        Rules { output: self.output.or(other.output), input: self.input.or(other.input) }
    }
}

impl SerdeNames {
    /// Whether a word without a value is there.
    pub(super) fn has(&self, word: &str) -> bool {
        self.words.iter().any(|own| own == word)
    }

    pub(super) fn read(attributes: &[Attribute]) -> Self {
        let mut names = SerdeNames::default();
        for attribute in attributes {
            let Meta::List(list) = &attribute.meta else { continue };
            if list.path.is_ident("serde") {
                names.read_list(list.tokens.clone());
            } else if list.path.is_ident("cfg_attr") {
                // Whether the condition holds is not known here; the name is taken as if it did.
                for entry in entries(list.tokens.clone()) {
                    if let ("serde", Value::List(tokens)) = (&*entry.name, entry.value) {
                        names.read_list(tokens);
                    }
                }
            }
        }
        names
    }

    fn read_list(&mut self, tokens: TokenStream) {
        for entry in entries(tokens) {
            match (&*entry.name, entry.value) {
                ("rename", Value::Text(name)) => self.rename = Some(name),
                ("rename", Value::List(list)) => {
                    for side in entries(list) {
                        match (&*side.name, side.value) {
                            ("serialize", Value::Text(name)) => self.rename = Some(name),
                            ("deserialize", Value::Text(name)) => self.others.push(name),
                            _ => {}
                        }
                    }
                }
                ("tag", Value::Text(key)) => self.tag = Some(key),
                ("content", Value::Text(key)) => self.content = Some(key),
                (word, Value::None) => self.words.push(word.to_owned()),
                ("alias", Value::Text(name)) => self.others.push(name),
                ("rename_all", value) => self.rename_all = rules(value),
                ("rename_all_fields", value) => self.rename_all_fields = rules(value),
                _ => {}
            }
        }
    }
}

fn rules(value: Value) -> Rules {
    match value {
        Value::Text(text) => Rules { output: Case::named(&text), input: None },
        Value::List(list) => {
            let mut rules = Rules::default();
            for side in entries(list) {
                match (&*side.name, side.value) {
                    ("serialize", Value::Text(text)) => rules.output = Case::named(&text),
                    ("deserialize", Value::Text(text)) => rules.input = Case::named(&text),
                    _ => {}
                }
            }
            rules
        }
        Value::None => Rules::default(),
    }
}

struct Entry {
    name: String,
    value: Value,
}

enum Value {
    None,
    Text(String),
    List(TokenStream),
}

/// Splits `a, b = "x", c(…)`, and passes over what has another form.
fn entries(tokens: TokenStream) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut part: Vec<TokenTree> = Vec::new();
    let mut tokens = tokens.into_iter();
    loop {
        let token = tokens.next();
        match token {
            Some(TokenTree::Punct(punct)) if punct.as_char() == ',' => {}
            Some(token) => {
                part.push(token);
                continue;
            }
            None if part.is_empty() => return entries,
            None => {}
        }
        let mut parts = std::mem::take(&mut part).into_iter();
        let (name, second, third) = (parts.next(), parts.next(), parts.next());
        let Some(TokenTree::Ident(name)) = name else { continue };
        let value = match (second, third) {
            (Some(TokenTree::Punct(_)), Some(literal)) => {
                match syn::parse2::<LitStr>(TokenStream::from(literal)) {
                    Ok(text) => Value::Text(text.value()),
                    Err(_) => Value::None,
                }
            }
            (Some(TokenTree::Group(group)), None) => Value::List(group.stream()),
            _ => Value::None,
        };
        entries.push(Entry { name: name.to_string(), value });
    }
}

/// serde's naming conventions.
#[derive(Clone, Copy)]
pub(super) enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

impl Case {
    fn named(name: &str) -> Option<Case> {
        Some(match name {
            "lowercase" => Case::Lower,
            "UPPERCASE" => Case::Upper,
            "PascalCase" => Case::Pascal,
            "camelCase" => Case::Camel,
            "snake_case" => Case::Snake,
            "SCREAMING_SNAKE_CASE" => Case::ScreamingSnake,
            "kebab-case" => Case::Kebab,
            "SCREAMING-KEBAB-CASE" => Case::ScreamingKebab,
            _ => return None,
        })
    }

    /// The name of a field, which is `snake_case` in Rust.
    pub(super) fn of_field(self, name: &str) -> String {
        match self {
            Case::Lower | Case::Snake => name.to_owned(),
            Case::Upper | Case::ScreamingSnake => name.to_ascii_uppercase(),
            Case::Pascal => {
                name.split('_').map(|word| first(word, str::to_ascii_uppercase)).collect()
            }
            Case::Camel => first(&Case::Pascal.of_field(name), str::to_ascii_lowercase),
            Case::Kebab => name.replace('_', "-"),
            Case::ScreamingKebab => name.to_ascii_uppercase().replace('_', "-"),
        }
    }

    /// The name of a variant, which is `PascalCase` in Rust.
    pub(super) fn of_variant(self, name: &str) -> String {
        match self {
            Case::Pascal => name.to_owned(),
            Case::Lower => name.to_ascii_lowercase(),
            Case::Upper => name.to_ascii_uppercase(),
            Case::Camel => first(name, str::to_ascii_lowercase),
            Case::Snake => {
                let mut snake = String::new();
                for (at, c) in name.char_indices() {
                    if at > 0 && c.is_uppercase() {
                        snake.push('_');
                    }
                    snake.push(c.to_ascii_lowercase());
                }
                snake
            }
            Case::ScreamingSnake => Case::Snake.of_variant(name).to_ascii_uppercase(),
            Case::Kebab => Case::Snake.of_variant(name).replace('_', "-"),
            Case::ScreamingKebab => Case::ScreamingSnake.of_variant(name).replace('_', "-"),
        }
    }
}

/// The word with its first character changed.
fn first(word: &str, change: fn(&str) -> String) -> String {
    let at = word.chars().next().map_or(0, char::len_utf8);
    let (head, tail) = word.split_at(at);
    change(head) + tail
}
