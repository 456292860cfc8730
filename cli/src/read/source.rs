//! Where lines come from: files, plain or compressed, and standard input.

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flate2::read::MultiGzDecoder;
use tempfile::SpooledTempFile;

/// What of a stream stays in memory where it is read twice.
const IN_MEMORY: usize = 8 << 20;

/// How files begin that hold lines in a form that is not read, and what the form is called.
const FOREIGN: [(&[u8], &str); 5] = [
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"\xfd7zXZ\0", "compressed with xz"),
    (b"BZh", "compressed with bzip2"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\xff\xfe", "text in UTF-16"),
];

/// One of the FILES of the command line.
#[derive(Debug)]
pub(super) enum Source {
    File(PathBuf),
    /// Standard input, or a pipe such as `<(…)`: it can be opened and read once only, so what is to be
    /// read again is kept in a nameless temporary file.
    Stream {
        name: String,
        /// Nothing for standard input, and where it was taken.
        pipe: Option<File>,
        kept: Option<SpooledTempFile>,
    },
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
            let name = "standard input".to_owned();
            return Ok(Source::Stream { name, pipe: None, kept: None });
        }
        let name = path.display().to_string();
        let open = File::open(path).and_then(|file| Ok((file.metadata()?.file_type(), file)));
        match open {
            Ok((kind, _)) if kind.is_dir() => {
                Err(Unreadable { name, why: io::ErrorKind::IsADirectory.into() })
            }
            Ok((kind, _)) if kind.is_file() => Ok(Source::File(path.to_owned())),
            Ok((_, pipe)) => Ok(Source::Stream { name, pipe: Some(pipe), kept: None }),
            Err(why) => Err(Unreadable { name, why }),
        }
    }

    pub(super) fn name(&self) -> String {
        match self {
            Source::File(path) => path.display().to_string(),
            Source::Stream { name, .. } => name.clone(),
        }
    }

    /// What tells whether two names are of the same file: it has one path without links.
    pub(super) fn identity(&self) -> Option<PathBuf> {
        match self {
            Source::File(path) => path.canonicalize().ok(),
            Source::Stream { .. } => None,
        }
    }

    /// Its size as it is stored, where that is known.
    pub(super) fn size(&self) -> Option<u64> {
        match self {
            Source::File(path) => path.metadata().ok().map(|file| file.len()),
            Source::Stream { .. } => None,
        }
    }

    /// What it holds, decompressed; `again` where it will be opened once more.
    pub(super) fn open(
        &mut self,
        again: bool,
        read: &Rc<Cell<u64>>,
    ) -> io::Result<Box<dyn Read + '_>> {
        let mut raw: Box<dyn Read + '_> = match self {
            Source::File(path) => Box::new(File::open(path)?),
            Source::Stream { kept: Some(kept), .. } => {
                kept.seek(SeekFrom::Start(0))?;
                Box::new(kept)
            }
            Source::Stream { pipe, kept, .. } => {
                let mut from: Box<dyn Read> = match pipe.take() {
                    Some(pipe) => Box::new(pipe),
                    None => Box::new(io::stdin().lock()),
                };
                if again {
                    let copy = kept.insert(SpooledTempFile::new(IN_MEMORY));
                    io::copy(&mut from, copy)?;
                    copy.seek(SeekFrom::Start(0))?;
                    Box::new(copy)
                } else {
                    from
                }
            }
        };
        let mut magic = Vec::new();
        raw.by_ref().take(6).read_to_end(&mut magic)?;
        if let Some((_, form)) = FOREIGN.iter().find(|(begin, _)| magic.starts_with(begin)) {
            let why = format!("it is {form}; plain text and gzip are read");
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        let is_gzip = magic.starts_with(&[0x1f, 0x8b]);
        let counted = Counted { from: Cursor::new(magic).chain(raw), read: Rc::clone(read) };
        Ok(if is_gzip {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 16, counted)))
        } else {
            Box::new(counted)
        })
    }
}

/// Compressed data that ends too early or is damaged: what was read until there counts.
pub(super) fn is_cut(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
    )
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
