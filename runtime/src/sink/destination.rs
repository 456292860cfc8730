//! The places that a sink can write to.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::file::LogFile;
use super::stats::{Counters, SinkKind};
use super::stream::Stream;
use super::target::{Batch, Loss};
use super::writer::UserWriter;
use crate::base::fork::ForkLocks;

pub(crate) enum Destination {
    /// Lines reach captures only.
    #[cfg(feature = "testing")]
    Nowhere,
    Stdout(Stream),
    Stderr(Stream),
    File(LogFile),
    Writer(UserWriter),
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind().fmt(f)
    }
}

impl Destination {
    pub(super) fn kind(&self) -> SinkKind {
        match self {
            #[cfg(feature = "testing")]
            Destination::Nowhere => SinkKind::Writer,
            Destination::Stdout(_) => SinkKind::Stdout,
            Destination::Stderr(_) => SinkKind::Stderr,
            Destination::File(_) => SinkKind::File,
            Destination::Writer(_) => SinkKind::Writer,
        }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.stream().is_some_and(|stream| stream.is_terminal)
    }

    #[inline(always)]
    pub(super) fn write(&self, batch: Batch<'_>, counters: &Arc<Counters>) -> Result<(), Loss> {
        match self {
            #[cfg(feature = "testing")]
            Destination::Nowhere => Ok(()),
            Destination::Stdout(stream) | Destination::Stderr(stream) => {
                stream.write(batch, counters)
            }
            Destination::File(file) => file.write(batch, counters),
            Destination::Writer(writer) => writer.write(batch, counters),
        }
    }

    /// Takes the lock before a fork.
    pub(super) fn hold(this: &Arc<Self>, locks: &mut ForkLocks) {
        let owner = Arc::clone(this);
        match **this {
            #[cfg(feature = "testing")]
            Destination::Nowhere => {}
            Destination::Stdout(_) | Destination::Stderr(_) => {
                Stream::hold(owner, |owner| owner.stream(), locks);
            }
            Destination::File(_) => LogFile::hold(owner, |owner| owner.file(), locks),
            Destination::Writer(_) => UserWriter::hold(owner, |owner| owner.writer(), locks),
        }
    }

    fn stream(&self) -> Option<&Stream> {
        match self {
            Destination::Stdout(stream) | Destination::Stderr(stream) => Some(stream),
            _ => None,
        }
    }

    fn file(&self) -> Option<&LogFile> {
        if let Destination::File(file) = self { Some(file) } else { None }
    }

    fn writer(&self) -> Option<&UserWriter> {
        if let Destination::Writer(writer) = self { Some(writer) } else { None }
    }

    /// Flushes a user's writer, and waits until `deadline` at most; the other destinations do not buffer.
    pub(super) fn flush(&self, deadline: Instant) {
        if let Destination::Writer(writer) = self {
            writer.flush(deadline);
        }
    }

    /// Like [`flush`](Self::flush), on this thread, however long it takes.
    pub(super) fn flush_here(&self) {
        if let Destination::Writer(writer) = self {
            writer.flush_here(Instant::now());
        }
    }
}
