//! The flight recorder: lines that are written only if their request fails.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tracing_core::Level;

use super::Request;
use crate::base::fork::{self, ForkLocks};
use crate::base::object_lock;
use crate::format::record::Severity;
use crate::format::sites::SiteId;
use crate::levels::Raised;

/// How much a recorder may keep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Lines of one request.
    pub(crate) lines: usize,
    /// Bytes of one request.
    pub(crate) bytes: usize,
    /// Bytes of all requests together.
    pub(crate) total_bytes: usize,
}

/// The kept lines of one request.
#[derive(Debug)]
pub(crate) struct Recorder {
    raised: Arc<Raised>,
    limits: Limits,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The oldest first.
    lines: VecDeque<KeptLine>,
    bytes: usize,
    lost: u64,
    /// The logger whose lines they are; 0 before the first line.
    layer: u64,
    is_over: bool,
    /// The [generation](fork::generation) of the process that the lines and bytes belong to.
    generation: u32,
}

/// A line without its number and its line feed.
#[derive(Debug)]
pub(crate) struct KeptLine {
    pub(crate) severity: Severity,
    /// The id of the step that was active.
    pub(crate) step: u32,
    /// The call site, for the counts of the sink.
    pub(crate) site: SiteId,
    pub(crate) text: String,
}

/// The bytes that all recorders of the process keep.
static TOTAL: AtomicUsize = AtomicUsize::new(0);

impl Recorder {
    pub(crate) fn new(raised: Arc<Raised>, limits: Limits) -> Self {
        Recorder { raised, limits, kept: Mutex::default() }
    }

    pub(super) fn allows(&self, target: &str, level: Level) -> bool {
        self.raised.levels().allow(target, level)
    }

    /// Keeps a line, and drops the oldest ones to make room for it.
    pub(crate) fn keep(&self, layer: u64, severity: Severity, step: u32, site: SiteId, text: &str) {
        let Some(mut kept) = self.kept() else { return };
        if kept.layer == 0 {
            kept.layer = layer;
        }
        // With several loggers, the first one's lines are kept. After the end of the request, lines are not needed.
        if kept.layer != layer || kept.is_over {
            return;
        }
        let bytes = text.len();
        while !kept.lines.is_empty()
            && (kept.lines.len() >= self.limits.lines || kept.bytes + bytes > self.limits.bytes)
        {
            kept.forget_oldest();
        }
        while !self.has_room(bytes) {
            if !kept.forget_oldest() {
                break;
            }
        }
        if bytes > self.limits.bytes || self.limits.lines == 0 || !self.has_room(bytes) {
            kept.lost += 1;
            return;
        }
        TOTAL.fetch_add(bytes, Ordering::Relaxed);
        kept.bytes += bytes;
        kept.lines.push_back(KeptLine { severity, step, site, text: text.to_owned() });
    }

    /// Whether all recorders together may keep this many more bytes. Each concurrent thread may exceed it by one line.
    fn has_room(&self, size: usize) -> bool {
        TOTAL.load(Ordering::Relaxed).saturating_add(size) <= self.limits.total_bytes
    }

    /// Takes the lines of this logger, and returns how many were dropped. Later lines are not kept.
    pub(crate) fn finish(&self, layer: u64) -> (VecDeque<KeptLine>, u64) {
        let Some(mut kept) = self.kept() else { return Default::default() };
        kept.is_over = true;
        let bytes = mem::take(&mut kept.bytes);
        TOTAL.fetch_sub(bytes, Ordering::Relaxed);
        let lines = mem::take(&mut kept.lines);
        if kept.layer == layer { (lines, kept.lost) } else { (VecDeque::new(), 0) }
    }

    /// Drops the lines. Later lines are not kept.
    pub(crate) fn forget(&self) {
        self.finish(0);
    }

    /// Takes the lock of a request's recorder before a fork.
    pub(super) fn hold(request: &Arc<Request>, locks: &mut ForkLocks) {
        locks.hold(
            Arc::clone(request),
            |request| Some(&request.overrides.as_deref()?.recorder.as_ref()?.kept),
            |_, _| {},
        );
    }

    /// The lines of this process: a forked child leaves those before the fork to its parent. Returns `None` if it can't
    /// get the lock.
    fn kept(&self) -> Option<MutexGuard<'_, Kept>> {
        let mut kept = object_lock::if_released(&self.kept)?;
        if !kept.is_of_this_process() {
            kept.lines.clear();
            (kept.bytes, kept.lost) = (0, 0);
            kept.generation = fork::generation();
        }
        Some(kept)
    }
}

/// Lets a forked child count its own bytes only. Those of its parent are in the recorders of all requests, which the
/// child may never end.
pub(crate) fn hold(locks: &mut ForkLocks) {
    locks.in_child(|| TOTAL.store(0, Ordering::Relaxed));
}

impl Kept {
    fn is_of_this_process(&self) -> bool {
        self.generation == fork::generation()
    }

    fn forget_oldest(&mut self) -> bool {
        let Some(line) = self.lines.pop_front() else { return false };
        self.bytes -= line.text.len();
        self.lost += 1;
        TOTAL.fetch_sub(line.text.len(), Ordering::Relaxed);
        true
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if self.is_of_this_process() {
            TOTAL.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}
