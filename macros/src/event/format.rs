//! How a format string uses its arguments. Its syntax is not checked: `format_args!` gets the same
//! text and reports mistakes.

/// The uses of all arguments of one text.
pub(super) struct Format {
    /// Of the arguments after the text, in their order.
    pub(super) explicit: Vec<Usage>,
    /// Of the variables that the text captures.
    pub(super) captured: Vec<Captured>,
}

pub(super) struct Captured {
    pub(super) name: String,
    pub(super) usage: Usage,
}

/// How a text uses one argument.
#[derive(Default)]
pub(super) struct Usage {
    /// The text has a placeholder for it.
    pub(super) is_used: bool,
    /// It is a width or a precision.
    pub(super) is_count: bool,
    /// It is shown as hexadecimal, octal, binary or with an exponent.
    pub(super) is_numeric: bool,
    /// The text before each of its placeholders that ends in `=` or `:`, such as `" password="`.
    pub(super) labels: Vec<String>,
}

/// The argument that a placeholder refers to.
enum ArgumentRef<'a> {
    Next,
    At(usize),
    Named(&'a str),
}

impl Format {
    /// Reads `text`; `explicit` are the names, if any, of the arguments after it.
    pub(super) fn read(text: &str, explicit: &[Option<String>]) -> Self {
        let mut format = Format {
            explicit: explicit.iter().map(|_| Usage::default()).collect(),
            captured: Vec::new(),
        };
        let mut next = 0;
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(doubled) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = doubled;
                continue;
            }
            let Some(end) = end_of(rest).filter(|_| brace == "{") else { continue };
            format.placeholder(&rest[..end], &literal, explicit, &mut next);
            rest = &rest[end + 1..];
            literal.clear();
        }
        format
    }

    /// Reads the text between two braces.
    fn placeholder(
        &mut self,
        inside: &str,
        before: &str,
        explicit: &[Option<String>],
        next: &mut usize,
    ) {
        let (argument, spec) = inside.split_once(':').unwrap_or((inside, ""));
        let spec = Spec::read(spec.trim_end());
        for count in spec.counts {
            if let Some(used) = self.find(&count, explicit, next) {
                used.is_used = true;
                used.is_count = true;
            }
        }
        if let Some(used) = self.find(&ArgumentRef::of(argument.trim()), explicit, next) {
            used.is_used = true;
            used.is_numeric |= matches!(spec.kind, "x" | "X" | "o" | "b" | "e" | "E");
            let label = before.trim_end_matches([' ', '"', '\'', '`']);
            if label.ends_with(['=', ':']) {
                used.labels.push(label.to_owned());
            }
        }
    }

    fn find(
        &mut self,
        argument: &ArgumentRef<'_>,
        explicit: &[Option<String>],
        next: &mut usize,
    ) -> Option<&mut Usage> {
        let place = match *argument {
            ArgumentRef::Next => {
                *next += 1;
                *next - 1
            }
            ArgumentRef::At(place) => place,
            ArgumentRef::Named(name) => {
                let known = explicit.iter().position(|other| other.as_deref() == Some(name));
                match known {
                    Some(place) => place,
                    None => return Some(self.capture(name)),
                }
            }
        };
        self.explicit.get_mut(place)
    }

    fn capture(&mut self, name: &str) -> &mut Usage {
        let known = self.captured.iter().position(|captured| captured.name == name);
        let place = known.unwrap_or_else(|| {
            self.captured.push(Captured { name: name.to_owned(), usage: Usage::default() });
            self.captured.len() - 1
        });
        &mut self.captured[place].usage
    }
}

/// The index of the brace that ends a placeholder; that in `{:}<8}` is a fill character.
fn end_of(rest: &str) -> Option<usize> {
    let stop = rest.find(['}', ':'])?;
    let mut chars = rest[stop..].strip_prefix(':').unwrap_or("").chars();
    let from = match (chars.next(), chars.next()) {
        (Some(_), Some('<' | '^' | '>')) => rest.len() - chars.as_str().len(),
        _ => stop,
    };
    rest[from..].find('}').map(|at| from + at)
}

impl<'a> ArgumentRef<'a> {
    fn of(text: &'a str) -> Self {
        match text.parse() {
            Ok(place) => ArgumentRef::At(place),
            Err(_) if text.is_empty() => ArgumentRef::Next,
            Err(_) => ArgumentRef::Named(text),
        }
    }
}

/// The text after the colon: `[[fill]align][sign]['#']['0'][width]['.' precision][kind]`.
struct Spec<'a> {
    counts: Vec<ArgumentRef<'a>>,
    kind: &'a str,
}

impl<'a> Spec<'a> {
    fn read(text: &'a str) -> Self {
        let mut rest = text;
        let mut chars = rest.chars();
        let (first, second) = (chars.next(), chars.next());
        let is_align = |c: Option<char>| matches!(c, Some('<' | '^' | '>'));
        if is_align(second) {
            rest = chars.as_str();
        } else if is_align(first) {
            rest = &rest[1..];
        }
        rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        rest = rest.strip_prefix('#').unwrap_or(rest);
        if !rest.starts_with("0$") {
            rest = rest.strip_prefix('0').unwrap_or(rest);
        }
        let mut counts = Vec::new();
        rest = count(rest, &mut counts);
        if let Some(precision) = rest.strip_prefix('.') {
            rest = match precision.strip_prefix('*') {
                Some(rest) => {
                    counts.push(ArgumentRef::Next);
                    rest
                }
                None => count(precision, &mut counts),
            };
        }
        Spec { counts, kind: rest }
    }
}

/// Reads a width or a precision, which is a number or, before a `$`, an argument.
fn count<'a>(text: &'a str, counts: &mut Vec<ArgumentRef<'a>>) -> &'a str {
    let word = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    if let Some(rest) = text[word..].strip_prefix('$') {
        counts.push(ArgumentRef::of(&text[..word]));
        return rest;
    }
    text.trim_start_matches(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, explicit: &[&str]) -> Format {
        let names: Vec<_> =
            explicit.iter().map(|name| (!name.is_empty()).then(|| (*name).to_owned())).collect();
        Format::read(text, &names)
    }

    #[test]
    fn variables_the_text_names() {
        let format = read("{{no}} {a} {b:?} {a:}>8} {c:x} {d}", &["d"]);
        let captured: Vec<_> = format.captured.iter().map(|captured| &*captured.name).collect();
        assert_eq!(captured, ["a", "b", "c"]);
        assert!(format.captured[2].usage.is_numeric && !format.captured[1].usage.is_numeric);
    }

    #[test]
    fn widths_and_precisions() {
        let format = read("{:.*} {:1$} {v:>w$.p$} {:*^08.2}", &["", "", "", ""]);
        let counts: Vec<_> = format.explicit.iter().map(|how| how.is_count).collect();
        // `.*` takes the first and shows the second, which the next placeholder takes as its width.
        assert_eq!(counts, [true, true, false, false]);
        let captured: Vec<_> =
            format.captured.iter().map(|c| (&*c.name, c.usage.is_count)).collect();
        assert_eq!(captured, [("w", true), ("p", true), ("v", false)]);
    }

    #[test]
    fn labels_in_front_of_values() {
        let format = read("a {} password={} {{\"key\": \"{}\"}} {1}", &["", "", ""]);
        let labels: Vec<_> = format.explicit.iter().map(|how| how.labels.join("|")).collect();
        assert_eq!(labels, ["", " password=", " {\"key\":"]);
    }

    #[test]
    fn what_is_no_format_is_left_to_rustc() {
        for text in ["{", "}", "{ {", "{:", "{}}", "{a:b:c}", "{:é>3}", "{:é", "{0", "{é}"] {
            let _ = read(text, &[""]);
        }
    }
}
