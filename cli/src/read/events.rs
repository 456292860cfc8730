//! Reads step, call and completion events in parallel, for summaries over the whole input.
//!
//! The main thread reads blocks of lines. Worker threads scan the lines that candor wrote, and return the
//! other lines to the main thread, whose `Unwrapper` needs them in the order of the source.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use memchr::memchr;

use super::envelope::Unwrapper;
use super::keys::{EventFinders, Record};
use super::lines::{Block, Lines, NextBlock};
use super::progress::Progress;
use super::source::{Source, Unreadable};
use super::tally::Tally;
use super::{Input, LINE_START};

/// Worker threads; two keep up with the thread that reads.
const WORKERS: usize = 2;
/// Blocks in flight per worker.
const BLOCKS_PER_WORKER: usize = 2;

/// A block after a worker has scanned it.
struct ScannedBlock {
    block: Block,
    /// Ranges of the lines that only the main thread can parse.
    unscanned: Vec<Range<usize>>,
    records: u64,
}

impl Input {
    /// Calls `each` with the records of events; they may lack the keys that [`Record::from_event_line`]
    /// does not read. Returns the accumulator `T` of each thread.
    pub(crate) fn read_events<T: Default + Send>(
        &mut self,
        each: impl Fn(&mut T, &Record<'_>) + Sync,
    ) -> Result<Vec<T>, Unreadable> {
        self.tally = Tally::default();
        let finders = EventFinders::new();
        let has_own_names = !self.keys.takes_own_name();
        thread::scope(|scope| {
            let (each, finders) = (&each, &finders);
            let mut workers = Vec::new();
            let mut handles = Vec::new();
            for _ in 0..WORKERS {
                let (to, blocks) = sync_channel::<Block>(BLOCKS_PER_WORKER);
                let (done, from) = sync_channel::<ScannedBlock>(BLOCKS_PER_WORKER);
                handles.push(
                    scope.spawn(move || scan_blocks(&blocks, &done, finders, has_own_names, each)),
                );
                workers.push(Worker { to, from });
            }
            let mut own = T::default();
            let result = self.distribute(&workers, &mut |record| each(&mut own, record));
            drop(workers);
            let mut all = vec![own];
            for handle in handles {
                all.push(handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            result.map(|()| all)
        })
    }

    /// Sends blocks to the workers and parses the lines that they return.
    fn distribute(
        &mut self,
        workers: &[Worker],
        found: &mut dyn FnMut(&Record<'_>),
    ) -> Result<(), Unreadable> {
        let read = Rc::new(Cell::new(0));
        let mut progress = Progress::new(self.sources.iter().map(Source::size).sum());
        for source in &mut self.sources {
            let (name, may_be_truncated) = (source.name(), source.may_be_truncated());
            let mut unwrapper = Unwrapper::default();
            // Returns the buffer, for the next block.
            let mut finish_block = |scanned: ScannedBlock| {
                self.tally.records += scanned.records;
                for range in scanned.unscanned {
                    let line = &scanned.block.buffer[range];
                    unwrapper.add_line(line, &self.keys, &mut self.tally, found);
                }
                scanned.block.buffer
            };
            // The workers that hold a block, in the order of the source.
            let mut in_flight = VecDeque::new();
            let lines = source.open(&read).map(Lines::new);
            let result = lines.and_then(|mut lines| {
                let mut too_long = 0;
                let mut next = 0;
                let end = loop {
                    progress.update(read.get());
                    let is_full = in_flight.len() >= WORKERS * BLOCKS_PER_WORKER;
                    let first = is_full.then(|| in_flight.pop_front()).flatten();
                    let scanned = first.and_then(|worker: usize| workers[worker].receive());
                    match lines.next_block(scanned.map(&mut finish_block).unwrap_or_default()) {
                        Ok(Some(NextBlock::Lines(block))) => {
                            workers[next].send(block);
                            in_flight.push_back(next);
                            next = (next + 1) % WORKERS;
                        }
                        Ok(Some(NextBlock::TooLong)) => too_long += 1,
                        Ok(None) => break Ok(too_long),
                        Err(error) => break Err(error),
                    }
                };
                for worker in in_flight.drain(..) {
                    workers[worker].receive().map(&mut finish_block);
                }
                end
            });
            unwrapper.finish(&mut self.tally);
            let result = result.map(|too_long| self.tally.too_long += too_long);
            self.tally.accept_truncated(name, may_be_truncated, result)?;
        }
        Ok(())
    }
}

/// The channels of a worker thread.
///
/// Errors of the channels are ignored: a worker disconnects early only if it panics, and `read_events`
/// resumes that panic when it joins the thread.
struct Worker {
    to: SyncSender<Block>,
    from: Receiver<ScannedBlock>,
}

impl Worker {
    fn send(&self, block: Block) {
        let _ = self.to.send(block);
    }

    fn receive(&self) -> Option<ScannedBlock> {
        self.from.recv().ok()
    }
}

fn scan_blocks<T: Default>(
    blocks: &Receiver<Block>,
    done: &SyncSender<ScannedBlock>,
    finders: &EventFinders,
    has_own_names: bool,
    each: &impl Fn(&mut T, &Record<'_>),
) -> T {
    let mut own = T::default();
    for block in blocks {
        let mut scanned = ScannedBlock { unscanned: Vec::new(), records: 0, block };
        let text = &scanned.block.buffer[..scanned.block.lines.end];
        let mut from = scanned.block.lines.start;
        while from < text.len() {
            let to = memchr(b'\n', &text[from..]).map_or(text.len(), |found| from + found);
            let line = &text[from..to];
            let is_own = has_own_names && line.starts_with(LINE_START);
            match is_own.then(|| Record::from_event_line(line, finders)).flatten() {
                Some(record) => {
                    scanned.records += 1;
                    each(&mut own, &record);
                }
                None => scanned.unscanned.push(from..to),
            }
            from = to + 1;
        }
        if done.send(scanned).is_err() {
            break;
        }
    }
    own
}
