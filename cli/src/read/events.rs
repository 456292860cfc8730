//! Reads step, call and completion events, for summaries over the whole input.

use super::blocks::{LineKind, LineSink, ScannedLine};
use super::keys::{EventFinders, Record};
use super::source::Unreadable;
use super::{Input, LINE_START};

impl Input {
    /// Calls `each` with the records of events; they may lack the keys that [`Record::from_event_line`]
    /// does not read. Returns the accumulator `T` of each thread.
    pub(crate) fn read_events<T: Default + Send>(
        &mut self,
        each: impl Fn(&mut T, &Record<'_>) + Sync,
    ) -> Result<Vec<T>, Unreadable> {
        let finders = EventFinders::new();
        let has_own_names = !self.keys.takes_own_name();
        let scan = |own: &mut T, line: &[u8], _: usize| -> ScannedLine<()> {
            let is_own = has_own_names && line.starts_with(LINE_START);
            match is_own.then(|| Record::from_event_line(line, &finders)).flatten() {
                Some(record) => {
                    each(own, &record);
                    ScannedLine::Done
                }
                None => ScannedLine::Unscanned,
            }
        };
        let mut sink = EventSink { own: T::default(), each: &each };
        let mut all = self.scan_lines(T::default, scan, &mut sink)?;
        all.push(sink.own);
        Ok(all)
    }
}

/// Passes the records that the main thread finds to `each`.
struct EventSink<'a, T, E> {
    own: T,
    each: &'a E,
}

impl<T, E: Fn(&mut T, &Record<'_>)> LineSink<()> for EventSink<'_, T, E> {
    fn scanned(&mut self, (): ()) {}

    fn record(&mut self, record: &Record<'_>) {
        (self.each)(&mut self.own, record);
    }

    fn line(&mut self, _bytes: u64, _kind: LineKind) {}

    fn end_of_source(&mut self) {}
}
