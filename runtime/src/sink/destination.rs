//! What a sink writes to.

use std::fmt;
use std::time::Instant;

use super::file::LogFile;
use super::place::{Lines, Loss};
use super::stats::Counts;
use super::stream::Stream;
use super::writer::Writer;

/// What takes the bytes.
pub(crate) enum Destination {
    /// Lines go only to captures.
    #[cfg(feature = "testing")]
    Nowhere,
    Stdout(Stream),
    Stderr(Stream),
    File(LogFile),
    Writer(Writer),
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            #[cfg(feature = "testing")]
            Destination::Nowhere => "Nowhere",
            Destination::Stdout(_) => "Stdout",
            Destination::Stderr(_) => "Stderr",
            Destination::File(_) => "File",
            Destination::Writer(_) => "Writer",
        })
    }
}

impl Destination {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "one branch")]
    pub(super) fn write(&self, lines: Lines<'_>, counts: &Counts) -> Result<(), Loss> {
        match self {
            #[cfg(feature = "testing")]
            Destination::Nowhere => Ok(()),
            Destination::Stdout(stream) | Destination::Stderr(stream) => {
                stream.write(lines, counts)
            }
            Destination::File(file) => file.write(lines, counts),
            Destination::Writer(writer) => writer.write(lines, counts),
        }
    }

    /// Nothing is kept back but by someone's own writer.
    pub(super) fn flush(&self, deadline: Instant) {
        if let Destination::Writer(writer) = self {
            writer.flush(deadline);
        }
    }
}
