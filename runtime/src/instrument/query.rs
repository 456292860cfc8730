//! The query of a request, on its `request_started` line.

use std::collections::BTreeMap;

use crate::json::escape;
use crate::redact::loggable::Encoder;
use crate::redact::scrub;
use crate::redact::shown::{self, Redacted};

/// How many names are searched one by one.
const SEARCHED: usize = 16;

/// Appends a query as an object of lists: `a=1&a=2&password=x` is `{"a":["1","2"],"password":["[REDACTED]"]}`.
pub(crate) fn write(query: &str, limit: usize, out: &mut String) {
    let mut names: Vec<(Redacted<'_>, Vec<Redacted<'_>>)> = Vec::new();
    // The positions of the names after the first ones: a search in all of them would take quadratic time.
    let mut positions: BTreeMap<String, usize> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (scrub::form_decoded(name), scrub::form_decoded(value));
        let shown = shown::query_value(&name, &value).into_owned();
        let name = shown::query_name(&name).into_owned();
        let first = names.iter().take(SEARCHED);
        let position =
            first.map(|(known, _)| known).position(|known| known.as_str() == name.as_str());
        let position = position.or_else(|| positions.get(name.as_str()).copied());
        match position.and_then(|position| names.get_mut(position)) {
            Some((_, values)) => values.push(shown),
            None => {
                if names.len() >= SEARCHED {
                    positions.insert(name.as_str().to_owned(), names.len());
                }
                names.push((name, vec![shown]));
            }
        }
    }
    out.push('{');
    for (index, (name, values)) in names.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        escape::json_string(name.shown(), out);
        out.push_str(":[");
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            Encoder::json(out, limit).shown(value);
        }
        out.push(']');
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_repeated_name_has_all_its_values_in_order() {
        let first = (0..40).map(|n| format!("n{n}=first"));
        let second = (0..40).rev().map(|n| format!("n{n}=second"));
        let query: Vec<_> = first.chain(second).collect();
        let mut out = String::new();
        write(&query.join("&"), 100, &mut out);
        let members: Vec<_> = (0..40).map(|n| format!(r#""n{n}":["first","second"]"#)).collect();
        assert_eq!(out, format!("{{{}}}", members.join(",")));
    }

    #[test]
    fn bug_a_query_of_many_names_took_quadratic_time() {
        const NAMES: usize = 300_000;
        let (done, is_done) = mpsc::channel();
        thread::spawn(move || {
            let mut query = String::new();
            for n in 0..NAMES {
                let _ = write!(query, "{n:x}&");
            }
            let mut out = String::new();
            write(&query, 100, &mut out);
            done.send(out.matches(":[").count())
        });
        assert_eq!(is_done.recv_timeout(Duration::from_mins(1)), Ok(NAMES));
    }
}
