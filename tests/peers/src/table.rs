//! A table, as text for a terminal or as Markdown for the docs.

use std::fmt::Write as _;

const WORDS: &str = "what";

#[derive(Debug)]
pub(crate) struct Table {
    title: &'static str,
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// The first column is text, the others are figures, except for one called `what`.
    pub(crate) fn new<const N: usize>(title: &'static str, head: [&'static str; N]) -> Self {
        Table { title, head: head.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    pub(crate) fn render(&self, markdown: bool) -> String {
        if markdown { self.markdown() } else { self.text() }
    }

    // Writing into a `String` does not fail, here and below.
    fn markdown(&self) -> String {
        let mut out = format!("### {}\n\n| {} |\n|---|", self.title, self.head.join(" | "));
        for name in &self.head[1..] {
            out += if *name == WORDS { "---|" } else { "---:|" };
        }
        out.push('\n');
        for row in &self.rows {
            let _ = writeln!(out, "| {} |", row.join(" | "));
        }
        out.push('\n');
        out
    }

    fn text(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.chain([self.head[column].chars().count()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let mut out = format!("{}\n", self.title);
        let head: Vec<String> = self.head.iter().map(|name| (*name).to_owned()).collect();
        for row in std::iter::once(&head).chain(&self.rows) {
            let mut line = String::new();
            for (nth, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let _ = match nth {
                    0 => write!(line, "{cell:width$}"),
                    _ if self.head[nth] == WORDS => write!(line, "  {cell:width$}"),
                    _ => write!(line, "  {cell:>width$}"),
                };
            }
            let _ = writeln!(out, "{}", line.trim_end());
        }
        out.push('\n');
        out
    }
}

/// Formats the value with its significant digits.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        small if small < 10.0 => format!("{value:.2}"),
        middle if middle < 1000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
