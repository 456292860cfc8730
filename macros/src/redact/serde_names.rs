//! The names that serde gives to fields and variants, and the forms that it gives to types.
//!
//! Unknown and malformed attributes are ignored: serde's own derive reports them.

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, LitStr, Meta};

/// The `#[serde(…)]` attributes of one item, variant or field, as far as they matter here.
#[derive(Default)]
pub(super) struct SerdeNames {
    /// The name in the output.
    pub(super) rename: Option<String>,
    /// Further names in an input.
    pub(super) others: Vec<String>,
    pub(super) rename_all: Rules,
    pub(super) rename_all_fields: Rules,
    pub(super) tag: Option<String>,
    pub(super) content: Option<String>,
    /// Arguments without a value: `untagged`, `flatten`, `skip`.
    flags: Vec<String>,
}

/// The naming convention of the output, and that of the input if it differs.
#[derive(Clone, Copy, Default)]
pub(super) struct Rules {
    pub(super) output: Option<Case>,
    pub(super) input: Option<Case>,
}

impl Rules {
    fn parse(value: Value) -> Rules {
        let (output, input) = both_sides(value);
        let case = |name: Option<String>| name.and_then(|name| Case::named(&name));
        Rules { output: case(output), input: case(input) }
    }

    pub(super) fn or(self, other: Rules) -> Rules {
        Rules { output: self.output.or(other.output), input: self.input.or(other.input) }
    }
}

impl SerdeNames {
    pub(super) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|own| own == flag)
    }

    pub(super) fn read(attributes: &[Attribute]) -> Self {
        let mut names = SerdeNames::default();
        for attribute in attributes {
            let Meta::List(list) = &attribute.meta else { continue };
            if list.path.is_ident("serde") {
                names.read_list(list.tokens.clone());
            } else if list.path.is_ident("cfg_attr") {
                // The condition is not known here; the attribute is read as if it held.
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
                ("rename", value) => {
                    let (output, input) = both_sides(value);
                    self.rename = output.or_else(|| self.rename.take());
                    self.others.extend(input);
                }
                ("rename_all", value) => self.rename_all = Rules::parse(value),
                ("rename_all_fields", value) => self.rename_all_fields = Rules::parse(value),
                ("tag", Value::Text(key)) => self.tag = Some(key),
                ("content", Value::Text(key)) => self.content = Some(key),
                ("alias", Value::Text(name)) => self.others.push(name),
                (flag, Value::None) => self.flags.push(flag.to_owned()),
                _ => {}
            }
        }
    }
}

/// Reads `"name"` or `(serialize = "name", deserialize = "name")`.
fn both_sides(value: Value) -> (Option<String>, Option<String>) {
    let (mut output, mut input) = (None, None);
    match value {
        Value::Text(text) => output = Some(text),
        Value::List(list) => {
            for side in entries(list) {
                match (&*side.name, side.value) {
                    ("serialize", Value::Text(text)) => output = Some(text),
                    ("deserialize", Value::Text(text)) => input = Some(text),
                    _ => {}
                }
            }
        }
        Value::None => {}
    }
    (output, input)
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

/// Splits `a, b = "x", c(…)`, and ignores parts of another form.
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

    /// Converts the name of a field from `snake_case`.
    pub(super) fn of_field(self, name: &str) -> String {
        match self {
            Case::Lower | Case::Snake => name.to_owned(),
            Case::Upper | Case::ScreamingSnake => name.to_ascii_uppercase(),
            Case::Pascal => {
                name.split('_').map(|word| change_first(word, str::to_ascii_uppercase)).collect()
            }
            Case::Camel => change_first(&Case::Pascal.of_field(name), str::to_ascii_lowercase),
            Case::Kebab => name.replace('_', "-"),
            Case::ScreamingKebab => name.to_ascii_uppercase().replace('_', "-"),
        }
    }

    /// Converts the name of a variant from `PascalCase`.
    pub(super) fn of_variant(self, name: &str) -> String {
        match self {
            Case::Pascal => name.to_owned(),
            Case::Lower => name.to_ascii_lowercase(),
            Case::Upper => name.to_ascii_uppercase(),
            Case::Camel => change_first(name, str::to_ascii_lowercase),
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

/// Changes the first character of a word.
fn change_first(word: &str, change: fn(&str) -> String) -> String {
    let at = word.chars().next().map_or(0, char::len_utf8);
    let (head, tail) = word.split_at(at);
    change(head) + tail
}
