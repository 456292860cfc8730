//! Reads the whole input once, on several threads.
//!
//! The main thread reads blocks of lines. Worker threads scan the lines that candor wrote, and return other lines to
//! the main thread, because its `Unwrapper` needs them in the order of the source.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use memchr::memchr;

use super::Input;
use super::envelope::Unwrapper;
use super::keys::Record;
use super::lines::{Block, Lines, NextBlock};
use super::progress::Progress;
use super::source::{Source, Unreadable};
use super::tally::Tally;

/// The number of worker threads. Two keep up with the thread that reads.
const WORKERS: usize = 2;
/// Blocks in flight per worker.
const BLOCKS_PER_WORKER: usize = 2;

/// Result of scanning a line on a worker thread.
#[derive(Debug)]
pub(crate) enum ScannedLine<F> {
    /// A record; the main thread does not need it.
    Done,
    /// A record, and the facts about it that the main thread needs.
    Fact(F),
    /// Only the main thread can parse the line.
    Unscanned,
}

/// Content of a line that the main thread has parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineKind {
    /// The line completes at least one record.
    Records,
    /// A part of a record that a later line completes.
    Part,
    Blank,
    Foreign,
    Malformed,
    TooLong,
}

/// The main thread's view of the input, in the order of the source.
pub(crate) trait LineSink<F> {
    /// A line that a worker thread has scanned.
    fn scanned(&mut self, fact: F);
    /// A record of the line that the next call of `line` reports.
    fn record(&mut self, record: &Record<'_>);
    /// The end of a line that no worker thread has scanned, with its length including the line feed.
    fn line(&mut self, bytes: u64, kind: LineKind);
    /// The end of a file or stream.
    fn end_of_source(&mut self);
}

/// A block, before and after a worker scans it.
struct ScannedBlock<F> {
    block: Block,
    /// Lines for the main thread, in the order of the block; empty before the scan. The list is reused together with
    /// the buffer of the block, because it is costly to allocate.
    lines: Vec<LineForMain<F>>,
    records: u64,
}

enum LineForMain<F> {
    Fact(F),
    /// The range of the line, including its line feed.
    Unscanned(Range<usize>),
}

impl Input {
    /// Scans all lines on worker threads, each with an accumulator, and returns the accumulators. `scan` gets each line
    /// without its line feed, and its length including the line feed.
    pub(crate) fn scan_lines<W: Send, F: Send>(
        &mut self,
        new_worker: impl Fn() -> W,
        scan: impl Fn(&mut W, &[u8], usize) -> ScannedLine<F> + Sync,
        sink: &mut dyn LineSink<F>,
    ) -> Result<Vec<W>, Unreadable> {
        self.tally = Tally::default();
        thread::scope(|scope| {
            let scan = &scan;
            let mut workers = Vec::new();
            let mut handles = Vec::new();
            for _ in 0..WORKERS {
                let (to, blocks) = sync_channel::<ScannedBlock<F>>(BLOCKS_PER_WORKER);
                let (done, from) = sync_channel::<ScannedBlock<F>>(BLOCKS_PER_WORKER);
                let own = new_worker();
                handles.push(scope.spawn(move || scan_blocks(own, &blocks, &done, scan)));
                workers.push(Worker { to, from });
            }
            let result = self.distribute(&workers, sink);
            drop(workers);
            let join = |handle: thread::ScopedJoinHandle<'_, W>| {
                handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            let all = handles.into_iter().map(join).collect();
            result.map(|()| all)
        })
    }

    /// Sends blocks to the workers and parses the lines that they return.
    fn distribute<F>(
        &mut self,
        workers: &[Worker<F>],
        sink: &mut dyn LineSink<F>,
    ) -> Result<(), Unreadable> {
        let read = Rc::new(Cell::new(0));
        let mut progress = Progress::new(self.sources.iter().map(Source::size).sum());
        for source in &mut self.sources {
            let (name, may_be_truncated) = (source.name(), source.may_be_truncated());
            let mut unwrapper = Unwrapper::default();
            // Returns the buffer and the empty list for the next block.
            let mut finish_block = |mut scanned: ScannedBlock<F>, sink: &mut dyn LineSink<F>| {
                self.tally.records += scanned.records;
                for line in scanned.lines.drain(..) {
                    let range = match line {
                        LineForMain::Fact(fact) => {
                            sink.scanned(fact);
                            continue;
                        }
                        LineForMain::Unscanned(range) => range,
                    };
                    let bytes = range.len() as u64;
                    let line = &scanned.block.buffer[range];
                    let line = line.strip_suffix(b"\n").unwrap_or(line);
                    let before = (self.tally.records, self.tally.foreign, self.tally.malformed);
                    let mut found = |record: &Record<'_>| sink.record(record);
                    unwrapper.add_line(line, &self.keys, &mut self.tally, &mut found);
                    sink.line(bytes, self.tally.kind_of_line(before, line));
                }
                (scanned.block.buffer, scanned.lines)
            };
            // The workers that have a block, in the order of the source.
            let mut in_flight = VecDeque::new();
            let mut too_long = 0;
            let lines = source.open(&read).map(Lines::new);
            let result = lines.and_then(|mut lines| {
                let mut next = 0;
                let end = loop {
                    progress.update(read.get());
                    let is_full = in_flight.len() >= WORKERS * BLOCKS_PER_WORKER;
                    let first = is_full.then(|| in_flight.pop_front()).flatten();
                    let scanned = first.and_then(|worker: usize| workers[worker].receive());
                    let spare = scanned.map(|scanned| finish_block(scanned, &mut *sink));
                    let (buffer, list) = spare.unwrap_or_default();
                    match lines.next_block(buffer) {
                        Ok(Some(NextBlock::Lines(block))) => {
                            workers[next].send(ScannedBlock { block, lines: list, records: 0 });
                            in_flight.push_back(next);
                            next = (next + 1) % WORKERS;
                        }
                        Ok(Some(NextBlock::TooLong(bytes))) => {
                            too_long += 1;
                            sink.line(bytes, LineKind::TooLong);
                        }
                        Ok(None) => break Ok(()),
                        Err(error) => break Err(error),
                    }
                };
                for worker in in_flight.drain(..) {
                    if let Some(scanned) = workers[worker].receive() {
                        finish_block(scanned, &mut *sink);
                    }
                }
                end
            });
            self.tally.too_long += too_long;
            unwrapper.finish(&mut self.tally);
            sink.end_of_source();
            self.tally.accept_truncated(name, may_be_truncated, result)?;
        }
        Ok(())
    }
}

/// The channels of a worker thread.
///
/// Errors of the channels are ignored: a worker disconnects early only if it panics, and `scan_lines`
/// resumes that panic when it joins the thread.
struct Worker<F> {
    to: SyncSender<ScannedBlock<F>>,
    from: Receiver<ScannedBlock<F>>,
}

impl<F> Worker<F> {
    fn send(&self, block: ScannedBlock<F>) {
        let _ = self.to.send(block);
    }

    fn receive(&self) -> Option<ScannedBlock<F>> {
        self.from.recv().ok()
    }
}

fn scan_blocks<W, F>(
    mut own: W,
    blocks: &Receiver<ScannedBlock<F>>,
    done: &SyncSender<ScannedBlock<F>>,
    scan: &impl Fn(&mut W, &[u8], usize) -> ScannedLine<F>,
) -> W {
    for mut scanned in blocks {
        let text = &scanned.block.buffer[..scanned.block.lines.end];
        let mut from = scanned.block.lines.start;
        while from < text.len() {
            let found = memchr(b'\n', &text[from..]).map(|found| from + found);
            let (to, next) = found.map_or((text.len(), text.len()), |found| (found, found + 1));
            match scan(&mut own, &text[from..to], next - from) {
                ScannedLine::Done => scanned.records += 1,
                ScannedLine::Fact(fact) => {
                    scanned.records += 1;
                    scanned.lines.push(LineForMain::Fact(fact));
                }
                ScannedLine::Unscanned => {
                    scanned.lines.push(LineForMain::Unscanned(from..next));
                }
            }
            from = next;
        }
        if done.send(scanned).is_err() {
            break;
        }
    }
    own
}
