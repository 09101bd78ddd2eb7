use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};

use crate::ingest::IngestError;

const BUFFER: usize = 256 << 10;

/// Lines of bounded length. A longer line is skipped without being held.
pub(super) struct Lines<R> {
    input: BufReader<R>,
    limit: usize,
    number: u64,
    buffer: Vec<u8>,
    returned: VecDeque<(u64, Owned)>,
}

/// A line that was taken back: its bytes, or how many were skipped.
pub(super) type Owned = Result<Vec<u8>, usize>;

/// One line, without its end.
pub(super) enum Line<'l> {
    Whole(&'l [u8]),
    /// So many bytes were skipped.
    TooLong(usize),
}

impl<R: Read> Lines<R> {
    pub fn new(input: R, limit: usize) -> Self {
        Self {
            input: BufReader::with_capacity(BUFFER, input),
            limit,
            number: 0,
            buffer: Vec::new(),
            returned: VecDeque::new(),
        }
    }

    /// The next line and its number from 1; `None` at the end. A line cut off by a failing source
    /// is not given out: it may be half a record.
    pub fn next(&mut self) -> Result<Option<(u64, Line<'_>)>, IngestError> {
        if let Some((number, line)) = self.returned.pop_front() {
            return Ok(Some(match line {
                Ok(line) => {
                    self.buffer = line;
                    (number, Line::Whole(&self.buffer))
                }
                Err(bytes) => (number, Line::TooLong(bytes)),
            }));
        }
        self.buffer.clear();
        let most = self.limit as u64 + 2;
        let read = self
            .input
            .by_ref()
            .take(most)
            .read_until(b'\n', &mut self.buffer)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        let ended = self.buffer.last() == Some(&b'\n');
        if !ended && read as u64 == most {
            let skipped = self.input.skip_until(b'\n')?;
            self.buffer.clear();
            return Ok(Some((self.number, Line::TooLong(read + skipped))));
        }
        if self.number == 1 {
            self.strip_mark()?;
        }
        while matches!(self.buffer.last(), Some(b'\n' | b'\r')) {
            self.buffer.pop();
        }
        if self.buffer.len() > self.limit {
            let length = self.buffer.len();
            return Ok(Some((self.number, Line::TooLong(length))));
        }
        Ok(Some((self.number, Line::Whole(&self.buffer))))
    }

    /// Takes lines back; they come first next time.
    pub fn give_back(&mut self, lines: impl DoubleEndedIterator<Item = (u64, Owned)>) {
        for line in lines.rev() {
            self.returned.push_front(line);
        }
    }

    fn strip_mark(&mut self) -> Result<(), IngestError> {
        if self.buffer.starts_with(b"\xef\xbb\xbf") {
            self.buffer.drain(..3);
        } else if self.buffer.starts_with(b"\xff\xfe") || self.buffer.starts_with(b"\xfe\xff") {
            return Err(IngestError::NotUtf8 { found: "UTF-16" });
        }
        Ok(())
    }
}

/// Reads a whole source of bounded size.
pub(super) fn read_bounded(mut input: impl Read, limit: usize) -> Result<Vec<u8>, IngestError> {
    let mut bytes = Vec::new();
    let read = input.by_ref().take(limit as u64 + 1).read_to_end(&mut bytes);
    match read {
        Ok(n) if n > limit => Err(IngestError::TooLarge {
            stage: "that must be held to be read (import Parquet as a plain file)",
            limit: limit as u64,
        }),
        Ok(_) => Ok(bytes),
        Err(error) => Err(io::Error::into(error)),
    }
}
