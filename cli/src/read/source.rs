//! Inputs: plain and gzip-compressed files, pipes, standard input, and responses of a server.

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flate2::read::MultiGzDecoder;
use tempfile::SpooledTempFile;

/// Bytes of the copy of a stream that stay in memory; a larger copy goes to a temporary file.
const MEMORY_LIMIT: usize = 8 << 20;

/// The first bytes of unsupported file formats, with a description for the error message.
const UNSUPPORTED: [(&[u8], &str); 5] = [
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"\xfd7zXZ\0", "compressed with xz"),
    (b"BZh", "compressed with bzip2"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\xff\xfe", "text in UTF-16"),
];

/// One of the FILES of the command line, or the response of the server that `--from` names.
#[derive(Debug)]
pub(super) enum Source {
    File(PathBuf),
    /// Standard input, a pipe such as `<(…)`, or a response. It can be read only once.
    Stream {
        name: String,
        stream: Stream,
        copy: StreamCopy,
    },
}

/// Bytes that can be read only once.
pub(super) enum Stream {
    Stdin,
    Pipe(File),
    /// The response of a server. Its errors are final: a partial response must not look complete.
    Answer(Box<dyn Read>),
    /// `open` has taken it.
    Taken,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stream::Stdin => "Stdin",
            Stream::Pipe(_) => "Pipe",
            Stream::Answer(_) => "Answer",
            Stream::Taken => "Taken",
        })
    }
}

impl Stream {
    fn take(&mut self) -> Box<dyn Read> {
        match std::mem::replace(self, Stream::Taken) {
            Stream::Stdin => Box::new(io::stdin().lock()),
            Stream::Pipe(pipe) => Box::new(pipe),
            Stream::Answer(answer) => answer,
            Stream::Taken => Box::new(io::empty()),
        }
    }
}

/// Copy of a stream for a second pass.
#[derive(Debug)]
pub(super) enum StreamCopy {
    NotNeeded,
    Needed,
    /// In a temporary file without a name.
    Made(SpooledTempFile),
}

/// Error of a source, with its name.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) name: String,
    pub(crate) why: io::Error,
}

impl Unreadable {
    /// Bytes by which a format is recognised.
    pub(crate) const START: u64 = 6;

    /// The error for a source in an unsupported format, by its first bytes.
    pub(crate) fn unsupported(start: &[u8]) -> Option<io::Error> {
        let (_, format) = UNSUPPORTED.iter().find(|(magic, _)| start.starts_with(magic))?;
        let why = format!("it is {format}; plain text and gzip are read");
        Some(io::Error::new(io::ErrorKind::Unsupported, why))
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "can't read {}: {}", self.name, self.why)
    }
}

impl Source {
    /// Opens the path once, so that a missing file is reported before any output.
    pub(super) fn new(path: &Path) -> Result<Self, Unreadable> {
        if path == Path::new("-") {
            let name = "standard input".to_owned();
            let stream = Stream::Stdin;
            return Ok(Source::Stream { name, stream, copy: StreamCopy::NotNeeded });
        }
        let name = path.display().to_string();
        let open = File::open(path).and_then(|file| Ok((file.metadata()?.file_type(), file)));
        match open {
            Ok((kind, _)) if kind.is_dir() => {
                Err(Unreadable { name, why: io::ErrorKind::IsADirectory.into() })
            }
            Ok((kind, _)) if kind.is_file() => Ok(Source::File(path.to_owned())),
            Ok((_, pipe)) => {
                let stream = Stream::Pipe(pipe);
                Ok(Source::Stream { name, stream, copy: StreamCopy::NotNeeded })
            }
            Err(why) => Err(Unreadable { name, why }),
        }
    }

    /// The response of a server.
    pub(super) fn answer(name: String, answer: Box<dyn Read>) -> Self {
        Source::Stream { name, stream: Stream::Answer(answer), copy: StreamCopy::NotNeeded }
    }

    /// Whether the lines before damage in compressed data are used. Those of a response are not.
    pub(super) fn may_be_truncated(&self) -> bool {
        !matches!(self, Source::Stream { stream: Stream::Answer(_), .. })
    }

    pub(super) fn name(&self) -> String {
        match self {
            Source::File(path) => path.display().to_string(),
            Source::Stream { name, .. } => name.clone(),
        }
    }

    /// The path without links, by which a file that is named twice is recognised.
    pub(super) fn identity(&self) -> Option<PathBuf> {
        match self {
            Source::File(path) => path.canonicalize().ok(),
            Source::Stream { .. } => None,
        }
    }

    /// The size on disk; `None` for streams.
    pub(super) fn size(&self) -> Option<u64> {
        match self {
            Source::File(path) => path.metadata().ok().map(|file| file.len()),
            Source::Stream { .. } => None,
        }
    }

    /// Makes the next `open` of a stream keep a copy.
    pub(super) fn keep_stream(&mut self) {
        if let Source::Stream { copy, .. } = self {
            *copy = StreamCopy::Needed;
        }
    }

    /// Opens the source and decompresses it. Adds the bytes read from the file or stream to `read`.
    pub(super) fn open(&mut self, read: &Rc<Cell<u64>>) -> io::Result<Box<dyn Read + '_>> {
        let mut raw: Box<dyn Read + '_> = match self {
            Source::File(path) => Box::new(File::open(path)?),
            Source::Stream { stream, copy, .. } => {
                if let StreamCopy::Needed = copy {
                    let mut file = SpooledTempFile::new(MEMORY_LIMIT);
                    io::copy(&mut stream.take(), &mut file)?;
                    *copy = StreamCopy::Made(file);
                }
                if let StreamCopy::Made(file) = copy {
                    file.seek(SeekFrom::Start(0))?;
                    Box::new(file)
                } else {
                    stream.take()
                }
            }
        };
        let mut magic = Vec::new();
        raw.by_ref().take(Unreadable::START).read_to_end(&mut magic)?;
        if let Some(why) = Unreadable::unsupported(&magic) {
            return Err(why);
        }
        let is_gzip = magic.starts_with(&[0x1f, 0x8b]);
        let counted =
            CountingReader { inner: Cursor::new(magic).chain(raw), read: Rc::clone(read) };
        Ok(if is_gzip {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 16, counted)))
        } else {
            Box::new(counted)
        })
    }
}

/// Whether an error means that compressed data is incomplete or damaged.
pub(super) fn is_truncated(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
    )
}

/// Counts bytes for the progress bar.
struct CountingReader<R> {
    inner: R,
    read: Rc<Cell<u64>>,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.read.set(self.read.get() + count as u64);
        Ok(count)
    }
}
