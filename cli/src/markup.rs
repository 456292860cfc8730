//! Self-contained HTML pages.
//!
//! They have no scripts and load nothing, and all log content is escaped.

use crate::screen::escape;

/// Colours for light and dark mode, and the common layout of all pages.
const STYLE: &str = include_str!("markup.css");

/// Returns a page with a title, additional styles, and the content of `<main>`.
pub(crate) fn page(title: &str, style: &str, content: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{}</title>\n<style>\n{STYLE}{style}</style>\n</head>\n<body>\n<main>\n{content}</main>\n</body>\n</html>\n",
        text(title)
    )
}

/// Escapes text for HTML. `escape` handles characters that could reorder or hide the surrounding text.
pub(crate) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in escape(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Longer words may break after their separators.
const LONG_WORD: usize = 8;

/// Escapes text for HTML, and allows line breaks after the separators in long names, so that they do not have
/// to break within a word.
pub(crate) fn breakable(names: &str) -> String {
    let mut out = String::new();
    for word in names.split_inclusive(' ') {
        if word.trim_end().chars().count() <= LONG_WORD {
            out.push_str(&text(word));
            continue;
        }
        for part in word.split_inclusive(['_', '.', ':', '/', '-', ',', '=', '&', '?']) {
            out.push_str(&text(part));
            out.push_str("<wbr>");
        }
        out.truncate(out.trim_end_matches("<wbr>").len());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_break_after_separators_and_stay_escaped() {
        let shown = breakable("GET /orders in 12.5 ms: load_profile <wbr>");
        assert_eq!(shown, "GET /orders in 12.5 ms: load_<wbr>profile &lt;wbr&gt;");
        assert_eq!(
            breakable("long_enough&<b>'<wbr>"),
            "long_<wbr>enough&amp;<wbr>&lt;b&gt;&#39;&lt;wbr&gt;"
        );
        assert_eq!(breakable(""), "");
    }
}
