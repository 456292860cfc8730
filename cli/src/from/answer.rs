//! The response of `ClickHouse`, as lines.
//!
//! The server may fail after it has sent the status 200 and some of the rows. Older versions then append the error to
//! the rows, and a proxy may close the connection. So the response uses a format with an explicit end: `JSONCompact`
//! closes with the number of rows, which is compared with the rows that arrived. Unlike a separate `count()`, the
//! number comes from the same run of the same query, and no row is held back for it.
//!
//! ```text
//! {
//!     "meta": [{ "name": "line", "type": "String" }],
//!     "data":
//!     [
//!         ["{\"ts\":…}"],
//!         ["skip_unavailable_shards=0"]
//!     ],
//!     "rows": 2
//! }
//! ```

use std::io::{self, BufRead, BufReader, Read};

use super::complaint::{self, Secrets};
use super::remark;
use super::sql::SKIPS;
use crate::read::Remarks;

/// The longest line of a response. A row has one log line, escaped.
const MAX_ROW: usize = 64 << 20;
/// Bytes of lines that are produced at once.
const BLOCK_SIZE: usize = 1 << 16;

/// Writes the lines of a row. The arguments are its columns and the buffer for the lines.
pub(super) type RowWriter = fn(&[String], &mut Vec<u8>);

/// Reads the rows of a response as lines.
pub(super) struct Rows<R> {
    from: BufReader<R>,
    write: RowWriter,
    remarks: Remarks,
    /// Kept out of error messages.
    secrets: Secrets,
    part: AnswerPart,
    count: u64,
    /// The number of rows that the response states at its end.
    stated: Option<u64>,
    row: Vec<u8>,
    /// Lines, of which the first `taken` bytes have been read.
    lines: Vec<u8>,
    taken: usize,
}

/// The part of the response that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AnswerPart {
    Head,
    Rows,
    /// After the rows, up to the closing brace, within this many nested objects.
    Tail(u32),
    End,
}

impl<R: Read> Rows<R> {
    pub(super) fn new(from: R, write: RowWriter, remarks: Remarks, secrets: Secrets) -> Self {
        Rows {
            from: BufReader::with_capacity(1 << 16, from),
            write,
            remarks,
            secrets,
            part: AnswerPart::Head,
            count: 0,
            stated: None,
            row: Vec::new(),
            lines: Vec::with_capacity(BLOCK_SIZE * 2),
            taken: 0,
        }
    }

    /// Reads one line of the response. Returns whether there may be another.
    fn advance(&mut self) -> io::Result<bool> {
        self.row.clear();
        let limit = MAX_ROW as u64;
        let count = self.from.by_ref().take(limit).read_until(b'\n', &mut self.row)?;
        if count == 0 {
            return self.finish().map(|()| false);
        }
        if count == MAX_ROW {
            return Err(io::Error::other("a row of the response is too long"));
        }
        let row = self.row.trim_ascii();
        let row = row.strip_suffix(b",").unwrap_or(row);
        match self.part {
            _ if row.is_empty() => {}
            _ if complaint::is_one(row) => return Err(self.complaint()),
            AnswerPart::Head if row == b"\"data\":" => self.part = AnswerPart::Rows,
            AnswerPart::Head if row.starts_with(b"\"data\":") => return Err(unknown()),
            AnswerPart::Head => {}
            AnswerPart::Rows if row == b"[" => {}
            AnswerPart::Rows if row == b"]" => self.part = AnswerPart::Tail(0),
            AnswerPart::Rows => {
                match serde_json::from_slice::<Vec<String>>(row) {
                    Ok(columns) => {
                        self.count += 1;
                        self.add(&columns);
                    }
                    // An error may follow a partial row.
                    Err(_) if contains_complaint(row) => return Err(self.complaint()),
                    Err(_) => return Err(unknown()),
                }
            }
            AnswerPart::Tail(0) if row == b"}" => self.part = AnswerPart::End,
            AnswerPart::Tail(depth) if matches!(row, b"}" | b"]") => {
                self.part = AnswerPart::Tail(depth.saturating_sub(1));
            }
            AnswerPart::Tail(depth) if row.ends_with(b"{") || row.ends_with(b"[") => {
                self.part = AnswerPart::Tail(depth + 1);
            }
            AnswerPart::Tail(_) => {
                if let Some(count) = row.strip_prefix(b"\"rows\":") {
                    self.stated =
                        std::str::from_utf8(count).ok().and_then(|it| it.trim().parse().ok());
                }
            }
            AnswerPart::End => return Err(unknown()),
        }
        Ok(true)
    }

    fn add(&mut self, columns: &[String]) {
        match columns.first().and_then(|first| first.strip_prefix(SKIPS)) {
            Some("0") => {}
            Some(_) => remark(
                &self.remarks,
                "the server is configured to skip shards that do not answer \
                 (skip_unavailable_shards=1), so lines may be missing",
            ),
            None if matches!(columns, [line] if line.is_empty()) => remark(
                &self.remarks,
                "the table has rows without a line; set LOG_OTLP_ORIGINAL=1 for the export, or add \
                 ?layout=otel to the URL",
            ),
            None => (self.write)(columns, &mut self.lines),
        }
    }

    /// The server's error, which begins on the latest line.
    fn complaint(&mut self) -> io::Error {
        let mut text = std::mem::take(&mut self.row);
        let _ = self.from.by_ref().take(complaint::MAX as u64).read_to_end(&mut text);
        io::Error::other(complaint::explain(&String::from_utf8_lossy(&text), &self.secrets))
    }

    fn finish(&self) -> io::Result<()> {
        if self.part == AnswerPart::End && self.stated == Some(self.count) {
            return Ok(());
        }
        // The format never ends without a count.
        Err(io::Error::other("the response is cut off"))
    }
}

fn contains_complaint(row: &[u8]) -> bool {
    memchr::memmem::find(row, b"DB::Exception").is_some()
}

fn unknown() -> io::Error {
    io::Error::other("the response is not from ClickHouse")
}

impl<R: Read> Read for Rows<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.lines.len() {
            self.lines.clear();
            self.taken = 0;
            while self.lines.len() < BLOCK_SIZE && self.advance()? {}
        }
        let rest = &self.lines[self.taken..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(answer: &str) -> Result<String, String> {
        let write: RowWriter = |columns, out| {
            out.extend_from_slice(columns[0].as_bytes());
            out.push(b'\n');
        };
        let mut all = String::new();
        let mut rows = Rows::new(answer.as_bytes(), write, Remarks::default(), Secrets::default());
        rows.read_to_string(&mut all).map_err(|error| error.to_string())?;
        Ok(all)
    }

    const WHOLE: &str = "{\n\t\"meta\":\n\t[\n\t\t{\n\t\t\t\"name\": \"line\"\n\t\t}\n\t],\n\n\t\"data\":\n\t[\n\
                         \t\t[\"a\\/b\"],\n\t\t[\"skip_unavailable_shards=0\"],\n\t\t[\"c\\\"d\"]\n\t],\n\n\
                         \t\"rows\": 3,\n\n\t\"statistics\":\n\t{\n\t\t\"elapsed\": 0.1\n\t}\n}\n";

    #[test]
    fn the_rows_of_a_whole_answer_are_lines() {
        assert_eq!(lines(WHOLE).as_deref(), Ok("a/b\nc\"d\n"));
        let none = "{\n\"meta\":\n[\n],\n\"data\":\n[\n\n],\n\"rows\": 0\n}\n";
        assert_eq!(lines(none).as_deref(), Ok(""));
    }

    #[test]
    fn an_answer_that_is_cut_off_anywhere_is_an_error() {
        for end in 0..WHOLE.len() - 2 {
            assert!(lines(&WHOLE[..end]).is_err(), "{}", &WHOLE[..end]);
        }
    }

    #[test]
    fn an_answer_that_lacks_a_row_is_an_error() {
        let lacking = WHOLE.replace("\t\t[\"a\\/b\"],\n", "");
        assert_eq!(lines(&lacking), Err("the response is cut off".to_owned()));
    }
}
