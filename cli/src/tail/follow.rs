//! Follows files and streams.
//!
//! A thread for each of them waits for new lines and sends them to the command. A file is followed by its name. If another file gets the name, the first file is read to its end, and then the
//! second one from its start. A file that becomes shorter is read from its start again.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SendError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use memchr::{memchr, memrchr, memrchr_iter};

use crate::output::Failure;
use crate::read::{MAX_LINE, Unreadable};

/// Interval at which a file is checked.
const POLL: Duration = Duration::from_millis(50);
/// Size of one read in bytes.
const BLOCK: usize = 64 << 10;
/// The maximum number of blocks that wait for the command. Beyond it, the writer of a pipe blocks.
const MAX_WAITING: usize = 8;
/// The number of bytes before a file's start position that are also read, so that open requests are complete.
const BEFORE: u64 = 1 << 20;

/// The position from which a file is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Beginning,
    /// This number of lines before the end.
    Last(u64),
}

/// A message from one of the inputs.
#[derive(Debug)]
pub(super) enum News {
    Lines {
        /// Index of the input.
        input: usize,
        /// Complete lines; the last line of an input may lack its line feed.
        bytes: Vec<u8>,
        /// Whether they precede the position from which the file is followed.
        is_earlier: bool,
    },
    /// The input has ended. Files never end.
    Ended(Result<(), Unreadable>),
    Note(String),
}

/// Error: the command no longer receives messages.
type Gone = SendError<News>;

/// Starts to follow the inputs; `-` is standard input.
pub(super) fn follow(paths: &[PathBuf], start: Start) -> Result<Receiver<News>, Failure> {
    let (sender, news) = sync_channel(MAX_WAITING);
    for (input, path) in paths.iter().enumerate() {
        let inbox = Inbox { sender: sender.clone(), input, partial: Vec::new() };
        // The threads end with the process, because a blocked read can't be interrupted.
        if path == Path::new("-") {
            thread::spawn(move || read_stream(io::stdin().lock(), "standard input", inbox));
            continue;
        }
        let name = path.display().to_string();
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                let why = io::ErrorKind::IsADirectory.into();
                return Err(Unreadable { name, why }.into());
            }
            Ok(found) if !found.is_file() => {
                let path = path.clone();
                // Opening a named pipe waits for its writer.
                thread::spawn(move || match File::open(path) {
                    Ok(pipe) => read_stream(pipe, &name, inbox),
                    Err(why) => inbox.end(Err(Unreadable { name, why })),
                });
            }
            Ok(_) => {
                let file =
                    File::open(path).map_err(|why| Unreadable { name: name.clone(), why })?;
                let file = FollowedFile::open(path.clone(), file, start)
                    .map_err(|why| Unreadable { name, why })?;
                thread::spawn(move || file.run(inbox));
            }
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                let path = path.clone();
                thread::spawn(move || FollowedFile::missing(path).run(inbox));
            }
            Err(why) => return Err(Unreadable { name, why }.into()),
        }
    }
    Ok(news)
}

/// Splits the bytes of one input after the last complete line, and sends the lines.
#[derive(Debug)]
struct Inbox {
    sender: SyncSender<News>,
    input: usize,
    /// The beginning of a line whose end has not been read yet.
    partial: Vec<u8>,
}

impl Inbox {
    fn add(&mut self, read: &[u8], is_earlier: bool) -> Result<(), Gone> {
        let complete = memrchr(b'\n', read).map_or(0, |at| at + 1);
        if complete > 0 {
            self.partial.extend_from_slice(&read[..complete]);
            self.flush(is_earlier)?;
        }
        self.partial.extend_from_slice(&read[complete..]);
        // Candor doesn't write longer lines, so the parts of such a line may be shown separately.
        if self.partial.len() > MAX_LINE { self.flush(is_earlier) } else { Ok(()) }
    }

    /// Sends the lines so far, including an incomplete last one.
    fn flush(&mut self, is_earlier: bool) -> Result<(), Gone> {
        if self.partial.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.partial);
        self.sender.send(News::Lines { input: self.input, bytes, is_earlier })
    }

    fn note(&self, note: String) -> Result<(), Gone> {
        self.sender.send(News::Note(note))
    }

    fn end(mut self, result: Result<(), Unreadable>) {
        let _ = self.flush(false).and_then(|()| self.sender.send(News::Ended(result)));
    }
}

/// Reads a pipe to its end.
fn read_stream(mut from: impl Read, name: &str, mut inbox: Inbox) {
    let mut block = vec![0; BLOCK];
    let mut is_start = true;
    let result = loop {
        let read = match from.read(&mut block) {
            Ok(0) => break Ok(()),
            Ok(count) => &block[..count],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => break Err(error),
        };
        if std::mem::take(&mut is_start)
            && let Some(why) = compressed(read)
        {
            break Err(why);
        }
        if inbox.add(read, false).is_err() {
            return;
        }
    };
    inbox.end(result.map_err(|why| Unreadable { name: name.to_owned(), why }));
}

/// Returns an error for compressed data, which can't be read while it grows.
fn compressed(start: &[u8]) -> Option<io::Error> {
    if start.starts_with(&[0x1f, 0x8b]) {
        let why = "it is compressed with gzip; unpack it first: zcat FILE | candor tail";
        return Some(io::Error::new(io::ErrorKind::Unsupported, why));
    }
    Unreadable::unsupported(start)
}

/// A file that is followed by its name.
#[derive(Debug)]
struct FollowedFile {
    path: PathBuf,
    /// The file that has the name, or had it most recently.
    file: Option<File>,
    /// The position of the next read.
    at: u64,
    /// The start position. Lines before it are earlier ones.
    start: u64,
    /// Whether another file had the name at the previous check.
    is_replaced: bool,
    /// The last error on opening the file, so that it is reported only once.
    trouble: Option<io::ErrorKind>,
}

impl FollowedFile {
    fn open(path: PathBuf, mut file: File, start: Start) -> io::Result<Self> {
        let mut magic = Vec::new();
        file.by_ref().take(Unreadable::START).read_to_end(&mut magic)?;
        if let Some(why) = compressed(&magic) {
            return Err(why);
        }
        let start = match start {
            Start::Beginning => 0,
            Start::Last(lines) => last_lines(&mut file, lines)?,
        };
        let mut at = start.saturating_sub(BEFORE);
        file.seek(SeekFrom::Start(at))?;
        if at > 0 {
            // The first line that is read must be a complete one.
            let mut block = vec![0; usize::try_from(BEFORE.min(start - at)).unwrap_or(BLOCK)];
            file.read_exact(&mut block)?;
            at += memchr(b'\n', &block).map_or(start - at, |found| found as u64 + 1);
            file.seek(SeekFrom::Start(at))?;
        }
        Ok(FollowedFile { path, file: Some(file), at, start, is_replaced: false, trouble: None })
    }

    fn missing(path: PathBuf) -> Self {
        FollowedFile { path, file: None, at: 0, start: 0, is_replaced: false, trouble: None }
    }

    fn run(mut self, mut inbox: Inbox) {
        let mut block = vec![0; BLOCK];
        while self.poll(&mut block, &mut inbox).is_ok() {
            thread::sleep(POLL);
        }
    }

    /// Reads new bytes, and checks whether the name still belongs to the same file.
    fn poll(&mut self, block: &mut [u8], inbox: &mut Inbox) -> Result<(), Gone> {
        self.read_new(block, inbox)?;
        let held = self.file.as_ref().and_then(|file| file.metadata().ok());
        if let Some(held) = &held
            && held.len() < self.at
        {
            inbox.flush(false)?;
            (self.at, self.start) = (0, 0);
            inbox.note(format!(
                "{} was truncated; reading it from its start",
                self.path.display()
            ))?;
            return self.read_new(block, inbox);
        }
        match fs::metadata(&self.path) {
            Ok(named) if held.is_some_and(|held| is_same_file(&held, &named)) => {
                self.is_replaced = false;
            }
            // A writer may keep the old file open after a rename, so the old file is read once more.
            Ok(_) if self.file.is_some() && !self.is_replaced => self.is_replaced = true,
            // Opening a named pipe would wait for its writer.
            Ok(named) if !named.is_file() => {
                let why = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
                self.report(&why, inbox)?;
            }
            Ok(_) => match File::open(&self.path) {
                Ok(file) => {
                    inbox.flush(false)?;
                    self.file = Some(file);
                    (self.at, self.start) = (0, 0);
                    (self.is_replaced, self.trouble) = (false, None);
                    return self.read_new(block, inbox);
                }
                Err(why) => self.report(&why, inbox)?,
            },
            // During rotation, no file has the name for a moment.
            Err(why) if self.file.is_some() && why.kind() == io::ErrorKind::NotFound => {}
            Err(why) => self.report(&why, inbox)?,
        }
        Ok(())
    }

    fn report(&mut self, why: &io::Error, inbox: &Inbox) -> Result<(), Gone> {
        if self.trouble.replace(why.kind()) == Some(why.kind()) {
            return Ok(());
        }
        let path = self.path.display();
        inbox.note(if why.kind() == io::ErrorKind::NotFound {
            format!("{path} does not exist yet; waiting for it to be created")
        } else {
            format!("can't read {path}: {why}; trying again")
        })
    }

    /// Reads the file to its end.
    fn read_new(&mut self, block: &mut [u8], inbox: &mut Inbox) -> Result<(), Gone> {
        let Some(file) = &mut self.file else { return Ok(()) };
        if let Err(why) = file.seek(SeekFrom::Start(self.at)) {
            return self.report(&why, inbox);
        }
        loop {
            let is_earlier = self.at < self.start;
            let most = if is_earlier { self.start - self.at } else { BLOCK as u64 };
            let most = usize::try_from(most).unwrap_or(BLOCK).min(block.len());
            match file.read(&mut block[..most]) {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    inbox.add(&block[..count], is_earlier)?;
                    self.at += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => return self.report(&why, inbox),
            }
        }
    }
}

/// Returns the position of the last lines of a file. A last line without a line feed is not counted, because it is
/// still being written.
fn last_lines(file: &mut File, lines: u64) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut block = vec![0; BLOCK];
    let mut left = lines;
    while end > 0 {
        let from = end.saturating_sub(BLOCK as u64);
        let part = &mut block[..usize::try_from(end - from).unwrap_or(BLOCK)];
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(part)?;
        for found in memrchr_iter(b'\n', part) {
            if left == 0 {
                return Ok(from + found as u64 + 1);
            }
            left -= 1;
        }
        end = from;
    }
    Ok(0)
}

#[cfg(unix)]
fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// On other systems, a rotated file is recognised by its creation time.
#[cfg(not(unix))]
fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
    one.created().ok() == other.created().ok()
}
