//! The records of one request to the collector, grouped by scope.

use super::LineOrigin;
use super::queue::PendingLines;
use super::span::Span;
use crate::format::otel::{OtelRecord, Reading};

/// The most bytes of lines in a batch: collectors limit the size of a request.
const MAX_BYTES: usize = 2 << 20;

#[derive(Debug)]
pub(super) struct ExportBatch<'a> {
    items: Vec<Item<'a>>,
}

/// A line with its record and its span.
#[derive(Debug)]
pub(super) struct Item<'a> {
    pub(super) line: &'a str,
    pub(super) record: OtelRecord<'a>,
    pub(super) origin: LineOrigin,
    span: Option<Span<'a>>,
}

impl<'a> ExportBatch<'a> {
    /// Takes lines, starting at the index `from`. Returns the batch, and the index of the first line that is not in it.
    pub(super) fn take(
        lines: &'a PendingLines,
        from: usize,
        most: usize,
        reading: Reading<'_>,
    ) -> (Self, usize) {
        let mut items = Vec::with_capacity(most.min(lines.ends.len() - from));
        let mut start = from.checked_sub(1).map_or(0, |before| lines.ends[before].0);
        let first = start;
        let mut next = from;
        while let Some(&(end, ref origin)) = lines.ends.get(next) {
            let is_full = next - from >= most || (next > from && end - first > MAX_BYTES);
            if is_full {
                break;
            }
            let line = &lines.text[start..end];
            if let Some(record) = OtelRecord::parse(line, origin.step, reading) {
                let span = if reading.has_step_spans { Span::of(&record, origin) } else { None };
                items.push(Item { line, record, origin: origin.clone(), span });
            }
            (start, next) = (end, next + 1);
        }
        (ExportBatch { items }, next)
    }

    pub(super) fn records(&self) -> u64 {
        self.items.len() as u64
    }

    pub(super) fn spans(&self) -> u64 {
        self.items.iter().filter(|item| item.span.is_some()).count() as u64
    }

    /// The records of each scope, in their original order.
    pub(super) fn records_by_scope(&self) -> Vec<(&'a str, Vec<&Item<'a>>)> {
        by_scope(self.items.iter().map(|item| (item.record.scope, item)))
    }

    /// The spans of each scope, with the records of their lines.
    pub(super) fn spans_by_scope(&self) -> Vec<(&'a str, Vec<(&OtelRecord<'a>, &Span<'a>)>)> {
        by_scope(
            self.items
                .iter()
                .filter_map(|item| Some((item.record.scope, (&item.record, item.span.as_ref()?)))),
        )
    }
}

fn by_scope<'a, T>(items: impl Iterator<Item = (&'a str, T)>) -> Vec<(&'a str, Vec<T>)> {
    // A service has few scopes; a list keeps their order.
    let mut scopes: Vec<(&str, Vec<T>)> = Vec::new();
    for (scope, item) in items {
        match scopes.iter_mut().find(|(known, _)| *known == scope) {
            Some((_, items)) => items.push(item),
            None => scopes.push((scope, vec![item])),
        }
    }
    scopes
}
