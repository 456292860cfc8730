//! Where lines come from: files, plain or compressed, and standard input.

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flate2::read::MultiGzDecoder;
use tempfile::SpooledTempFile;

/// What of standard input stays in memory where it is read twice.
const IN_MEMORY: usize = 8 << 20;

/// One of the FILES of the command line.
#[derive(Debug)]
pub(super) enum Source {
    File(PathBuf),
    /// Standard input, kept in a nameless temporary file once it was read.
    Stdin(Option<SpooledTempFile>),
}

/// Why a source can't be read, in one sentence.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) name: String,
    pub(crate) why: io::Error,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "can't read {}: {}", self.name, self.why)
    }
}

impl Source {
    /// A source that is there; what can't be opened is better said before the work begins.
    pub(super) fn new(path: &Path) -> Result<Self, Unreadable> {
        if path == Path::new("-") {
            return Ok(Source::Stdin(None));
        }
        let source = Source::File(path.to_owned());
        let open = File::open(path).and_then(|file| file.metadata()).and_then(|metadata| {
            if metadata.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(()) }
        });
        open.map_err(|why| source.unreadable(why))?;
        Ok(source)
    }

    pub(super) fn name(&self) -> String {
        match self {
            Source::File(path) => path.display().to_string(),
            Source::Stdin(_) => "standard input".to_owned(),
        }
    }

    pub(super) fn unreadable(&self, why: io::Error) -> Unreadable {
        Unreadable { name: self.name(), why }
    }

    /// Its size as it is stored, where that is known.
    pub(super) fn size(&self) -> Option<u64> {
        match self {
            Source::File(path) => {
                path.metadata().ok().filter(std::fs::Metadata::is_file).map(|file| file.len())
            }
            Source::Stdin(_) => None,
        }
    }

    /// What it holds, decompressed; `again` where it will be opened once more.
    pub(super) fn open(
        &mut self,
        again: bool,
        read: &Rc<Cell<u64>>,
    ) -> io::Result<Box<dyn Read + '_>> {
        if let Source::Stdin(kept @ None) = self
            && again
        {
            let mut copy = SpooledTempFile::new(IN_MEMORY);
            io::copy(&mut io::stdin().lock(), &mut copy)?;
            *kept = Some(copy);
        }
        let mut raw: Box<dyn Read + '_> = match self {
            Source::File(path) => Box::new(File::open(path)?),
            Source::Stdin(Some(kept)) => {
                kept.seek(SeekFrom::Start(0))?;
                Box::new(kept)
            }
            Source::Stdin(None) => Box::new(io::stdin().lock()),
        };
        let mut magic = Vec::new();
        raw.by_ref().take(2).read_to_end(&mut magic)?;
        let is_gzip = magic == [0x1f, 0x8b];
        let counted = Counted { from: Cursor::new(magic).chain(raw), read: Rc::clone(read) };
        Ok(if is_gzip {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 16, counted)))
        } else {
            Box::new(counted)
        })
    }
}

/// Counts what is read, for the progress bar.
struct Counted<R> {
    from: R,
    read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let many = self.from.read(into)?;
        self.read.set(self.read.get() + many as u64);
        Ok(many)
    }
}
