//! Steps, calls and ends out of many lines: what candor wrote itself on two threads, the rest on this one.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use memchr::memchr;

use super::Input;
use super::envelope::Envelopes;
use super::keys::{EventFinders, Values};
use super::lines::{Block, Lines, Whole};
use super::progress::Progress;
use super::source::{Source, Unreadable, is_cut};
use super::tally::Tally;

/// More than two would wait for the one that reads.
const WORKERS: usize = 2;
/// Blocks that are under way at each.
const AHEAD: usize = 2;

/// A block, and the lines in it that need a closer look.
struct Looked {
    whole: Whole,
    others: Vec<(usize, usize)>,
    records: u64,
}

impl Input {
    /// Calls `each` with the records of events, as far as `Values::of_event` tells of them; each thread
    /// has a `T` of its own.
    pub(crate) fn read_events<T: Default + Send>(
        &mut self,
        each: impl Fn(&mut T, &Values<'_>) + Sync,
    ) -> Result<Vec<T>, Unreadable> {
        self.tally = Tally::default();
        let finders = EventFinders::new();
        thread::scope(|scope| {
            let (each, finders) = (&each, &finders);
            let mut workers = Vec::new();
            let mut handles = Vec::new();
            for _ in 0..WORKERS {
                let (to, blocks) = sync_channel::<Whole>(AHEAD);
                let (done, from) = sync_channel::<Looked>(AHEAD);
                handles.push(scope.spawn(move || work(&blocks, &done, finders, each)));
                workers.push(Worker { to, from });
            }
            let mut own = T::default();
            let done = self.hand_out(&workers, &mut |values| each(&mut own, values));
            drop(workers);
            let mut all = vec![own];
            for handle in handles {
                all.push(handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            done.map(|()| all)
        })
    }

    fn hand_out(
        &mut self,
        workers: &[Worker],
        found: &mut dyn FnMut(&Values<'_>),
    ) -> Result<(), Unreadable> {
        let read = Rc::new(Cell::new(0));
        let mut progress = Progress::new(self.sources.iter().map(Source::size).sum());
        for source in &mut self.sources {
            let name = source.name();
            let mut envelopes = Envelopes::default();
            let mut settle = |looked: Looked| {
                self.tally.records += looked.records;
                for (from, to) in looked.others {
                    let line = &looked.whole.buffer[from..to];
                    envelopes.open(line, &self.keys, &mut self.tally, found);
                }
                looked.whole.buffer
            };
            // What comes back is taken in the order of the source.
            let mut under_way = VecDeque::new();
            let lines = source.open(false, &read).map(Lines::new);
            let done = lines.and_then(|mut lines| {
                let mut too_long = 0;
                let mut next = 0;
                let ended = loop {
                    progress.at(read.get());
                    let is_ahead = under_way.len() >= WORKERS * AHEAD;
                    let first = is_ahead.then(|| under_way.pop_front()).flatten();
                    let looked = first.and_then(|worker: usize| workers[worker].take());
                    match lines.next_block(looked.map(&mut settle).unwrap_or_default()) {
                        Ok(Some(Block::Lines(whole))) => {
                            workers[next].give(whole);
                            under_way.push_back(next);
                            next = (next + 1) % WORKERS;
                        }
                        Ok(Some(Block::TooLong)) => too_long += 1,
                        Ok(None) => break Ok(too_long),
                        Err(error) => break Err(error),
                    }
                };
                for worker in under_way.drain(..) {
                    workers[worker].take().map(&mut settle);
                }
                ended
            });
            envelopes.finish(&mut self.tally);
            match done {
                Ok(too_long) => self.tally.too_long += too_long,
                Err(error) if is_cut(&error) => self.tally.cut.push(name),
                Err(why) => return Err(Unreadable { name, why }),
            }
        }
        Ok(())
    }
}

/// One of the threads, as seen from the one that reads.
struct Worker {
    to: SyncSender<Whole>,
    from: Receiver<Looked>,
}

/// A thread ends before its channels do only by a panic, which is passed on when it is joined.
impl Worker {
    fn give(&self, whole: Whole) {
        let _ = self.to.send(whole);
    }

    fn take(&self) -> Option<Looked> {
        self.from.recv().ok()
    }
}

fn work<T: Default>(
    blocks: &Receiver<Whole>,
    done: &SyncSender<Looked>,
    finders: &EventFinders,
    each: &impl Fn(&mut T, &Values<'_>),
) -> T {
    let mut own = T::default();
    for whole in blocks {
        let mut looked = Looked { others: Vec::new(), records: 0, whole };
        let text = &looked.whole.buffer[..looked.whole.lines.end];
        let mut from = looked.whole.lines.start;
        while from < text.len() {
            let to = memchr(b'\n', &text[from..]).map_or(text.len(), |found| from + found);
            let line = &text[from..to];
            let is_own = line.starts_with(b"{\"ts\":\"");
            match is_own.then(|| Values::of_event(line, finders)).flatten() {
                Some(values) => {
                    looked.records += 1;
                    each(&mut own, &values);
                }
                None => looked.others.push((from, to)),
            }
            from = to + 1;
        }
        if done.send(looked).is_err() {
            break;
        }
    }
    own
}
