//! Collects the mistakes of one attribute, so that they are reported together.

use std::fmt::Display;

use quote::ToTokens;

/// The errors so far.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Adds an error at the tokens that the user has to change.
    pub(crate) fn add(&mut self, at: &dyn ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(at.to_token_stream(), message));
    }

    /// Adds an error that has its span already.
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Returns the value of a result, or collects its error.
    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// All errors as one.
    pub(crate) fn finish(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Names as an error lists them: `` `a`, `b`, `c` ``.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The message about a name that is not one of `known`: it suggests the name that was probably meant, or lists all.
///
/// `what` is the kind of the name, and `of` a clause that follows it, such as `` of `mask` ``.
pub(crate) fn unknown(what: &str, name: &str, of: &str, known: &[&str]) -> String {
    if let Some(meant) = nearest(name, known) {
        return format!("unknown {what} `{name}`{of}: did you mean `{meant}`?");
    }
    match known {
        [one] => format!("unknown {what} `{name}`{of}; expected `{one}`"),
        [one, other] => format!("unknown {what} `{name}`{of}; expected `{one}` or `{other}`"),
        _ => format!("unknown {what} `{name}`{of}; expected one of {}", listed(known)),
    }
}

/// The known name with the fewest typing mistakes in `name`, if at most a third of its characters are wrong.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let most = name.chars().count().max(3) / 3;
    let distances = known.iter().map(|known| (distance(name, known), *known));
    distances
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// The number of inserted, removed, replaced and swapped characters between two names.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let is_other = usize::from(a[i - 1] != b[j - 1]);
            let mut least =
                (row[j - 1] + 1).min(rows[i - 1][j] + 1).min(rows[i - 1][j - 1] + is_other);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_suggested() {
        let known = ["name", "level", "target", "slow"];
        for (name, meant) in
            [("levle", "level"), ("nmae", "name"), ("targets", "target"), ("slo", "slow")]
        {
            let expected = format!("unknown argument `{name}`: did you mean `{meant}`?");
            assert_eq!(unknown("argument", name, "", &known), expected);
        }
    }

    #[test]
    fn other_names_are_answered_with_a_list() {
        let message = unknown("argument", "colour", "", &["name", "level", "slow"]);
        assert_eq!(message, "unknown argument `colour`; expected one of `name`, `level`, `slow`");
        let message = unknown("argument", "middle", " of `mask`", &["first", "last"]);
        assert_eq!(message, "unknown argument `middle` of `mask`; expected `first` or `last`");
        let message = unknown("argument", "Json", " of `err`", &["level"]);
        assert_eq!(message, "unknown argument `Json` of `err`; expected `level`");
    }
}
