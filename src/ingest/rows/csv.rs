use std::borrow::Cow;
use std::io::Read;

use crate::ingest::IngestError;
use crate::ingest::field::Field;
use crate::ingest::record::{Fault, Record};
use crate::ingest::rows::columns::bind;
use crate::ingest::rows::json::{not_utf8, too_long};
use crate::ingest::rows::lines::{Line, Lines, Owned};
use crate::ingest::rows::{RowSink, give};
use crate::ingest::schema::Bindings;

/// Lines that one quoted record may span: beyond, the quote was never meant to be open.
const RECORD_LINES: usize = 16;

/// CSV with a header; the separator is the one the header uses most: comma, semicolon or tab.
pub(in crate::ingest) fn read_csv(
    input: impl Read,
    bindings: &Bindings,
    limit: usize,
    sink: &mut RowSink<'_>,
) -> Result<(), IngestError> {
    let mut lines = Lines::new(input, limit);
    let Some(header) = header(&mut lines, bindings)? else {
        return Ok(());
    };
    let mut first = Vec::new();
    loop {
        let line = match lines.next()? {
            None => return Ok(()),
            Some((line, Line::TooLong(bytes))) => {
                if too_long(line, bytes, limit, sink).is_break() {
                    return Ok(());
                }
                continue;
            }
            Some((_, Line::Whole(text))) if text.trim_ascii().is_empty() => continue,
            Some((line, Line::Whole(text))) => {
                first.clear();
                first.extend_from_slice(text);
                line
            }
        };
        let mut text = std::mem::take(&mut first);
        let whole = complete(&mut lines, &mut text, header.separator, limit)?;
        let bytes = text.len();
        let record = match std::str::from_utf8(&text) {
            _ if !whole => Err(Fault::whole(
                format!("has a quote that is not closed within {RECORD_LINES} lines"),
                "quotes in pairs; a quote inside a quoted cell written twice",
            )),
            Err(error) => Err(not_utf8(error)),
            Ok(text) => header.record(text, bindings),
        };
        let flow = give(line, bytes, &record, sink);
        if flow.is_break() {
            return Ok(());
        }
        first = text;
    }
}

/// Adds lines until no quote is open. When that does not come about, the lines go back and only the
/// first is lost.
fn complete<R: Read>(
    lines: &mut Lines<R>,
    text: &mut Vec<u8>,
    separator: u8,
    limit: usize,
) -> Result<bool, IngestError> {
    if !quote_open(text, separator) {
        return Ok(true);
    }
    let first = text.len();
    let mut taken: Vec<(u64, Owned)> = Vec::new();
    while taken.len() + 1 < RECORD_LINES {
        let Some((number, line)) = lines.next()? else {
            break;
        };
        match line {
            Line::Whole(next) if text.len() + next.len() < limit => {
                text.push(b'\n');
                text.extend_from_slice(next);
                taken.push((number, Ok(next.to_vec())));
                if !quote_open(text, separator) {
                    return Ok(true);
                }
            }
            Line::Whole(next) => {
                taken.push((number, Ok(next.to_vec())));
                break;
            }
            Line::TooLong(bytes) => {
                taken.push((number, Err(bytes)));
                break;
            }
        }
    }
    text.truncate(first);
    lines.give_back(taken.into_iter());
    Ok(false)
}

struct Header {
    separator: u8,
    /// The slots each column fills.
    columns: Vec<Vec<usize>>,
}

fn header<R: Read>(lines: &mut Lines<R>, bindings: &Bindings) -> Result<Option<Header>, IngestError> {
    let refuse = |reason: String, expected: String| IngestError::Header { reason, expected };
    let text = loop {
        match lines.next()? {
            None => return Ok(None),
            Some((_, Line::Whole(text))) if text.trim_ascii().is_empty() => {}
            Some((_, Line::Whole(text))) => break text.to_vec(),
            Some((_, Line::TooLong(bytes))) => {
                return Err(refuse(format!("has {bytes} bytes"), "column names".to_owned()));
            }
        }
    };
    let text = std::str::from_utf8(&text)
        .map_err(|_source| refuse("is not UTF-8".to_owned(), "UTF-8 text".to_owned()))?;
    let separator = sniff(text);
    let names: Vec<_> = cells(text, separator).collect();
    let names: Vec<&str> = names.iter().map(|name| name.trim()).collect();
    let columns = bind(&names, bindings)?;
    Ok(Some(Header { separator, columns }))
}

impl Header {
    fn record<'a>(&self, text: &'a str, bindings: &'a Bindings) -> Result<Record<'a>, Fault> {
        let mut record = Record::new(bindings);
        let mut found = 0;
        for cell in cells(text, self.separator) {
            if let Some(slots) = self.columns.get(found) {
                if let [slot] = slots[..] {
                    record.fields[slot] = Field::Text(cell);
                } else {
                    for &slot in slots {
                        record.fields[slot] = Field::Text(cell.clone());
                    }
                }
            }
            found += 1;
        }
        if found == self.columns.len() {
            Ok(record)
        } else {
            Err(Fault::whole(
                format!("has {found} cells"),
                format!("{} cells, as the header has", self.columns.len()),
            ))
        }
    }
}

/// The separator that stands most often outside quotes.
fn sniff(header: &str) -> u8 {
    let mut counts = [(0, b','), (0, b';'), (0, b'\t')];
    let mut quoted = false;
    for byte in header.bytes() {
        quoted ^= byte == b'"';
        for (count, separator) in &mut counts {
            *count += usize::from(byte == *separator && !quoted);
        }
    }
    // On a tie the comma, which stands first.
    let mut best = counts[0];
    for other in &counts[1..] {
        if other.0 > best.0 {
            best = *other;
        }
    }
    best.1
}

/// Whether the text ends inside a quoted cell. A quote opens only at a cell's beginning (RFC 4180).
fn quote_open(text: &[u8], separator: u8) -> bool {
    if !text.contains(&b'"') {
        return false;
    }
    let mut at_start = true;
    let mut quoted = false;
    for &byte in text {
        if quoted {
            // A doubled quote closes and opens again.
            quoted = byte != b'"';
            at_start = byte == b'"';
        } else if byte == b'"' && at_start {
            quoted = true;
        } else {
            at_start = byte == separator;
        }
    }
    quoted
}

fn cells(text: &str, separator: u8) -> Cells<'_> {
    Cells {
        rest: Some(text),
        separator: char::from(separator),
    }
}

struct Cells<'a> {
    rest: Option<&'a str>,
    separator: char,
}

impl<'a> Iterator for Cells<'a> {
    type Item = Cow<'a, str>;

    fn next(&mut self) -> Option<Cow<'a, str>> {
        let rest = self.rest?;
        let Some(quoted) = rest.strip_prefix('"') else {
            let (cell, after) = match rest.split_once(self.separator) {
                Some((cell, after)) => (cell, Some(after)),
                None => (rest, None),
            };
            self.rest = after;
            return Some(Cow::Borrowed(cell));
        };
        let mut cell = Cow::Borrowed("");
        let mut tail = quoted;
        loop {
            let (part, after) = tail.split_once('"').unwrap_or((tail, ""));
            join(&mut cell, part);
            if let Some(more) = after.strip_prefix('"') {
                join(&mut cell, "\"");
                tail = more;
                continue;
            }
            // What stands between the closing quote and the separator is kept as it is.
            let (loose, next) = match after.split_once(self.separator) {
                Some((loose, next)) => (loose, Some(next)),
                None => (after, None),
            };
            join(&mut cell, loose);
            self.rest = next;
            return Some(cell);
        }
    }
}

fn join<'a>(cell: &mut Cow<'a, str>, part: &'a str) {
    if cell.is_empty() {
        *cell = Cow::Borrowed(part);
    } else if !part.is_empty() {
        cell.to_mut().push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_read_after_rfc_4180() {
        let read = |text| cells(text, b',').map(Cow::into_owned).collect::<Vec<_>>();
        assert_eq!(read(r#"a,"b,""c""",,d"e"#), ["a", "b,\"c\"", "", "d\"e"]);
        assert_eq!(read(""), [""]);
        assert_eq!(read("\"\","), ["", ""]);
        assert!(quote_open(b"a,\"b", b','));
        assert!(!quote_open(b"a,b\"c", b','));
        assert!(!quote_open(br#"a,"b""c""#, b','));
    }

    #[test]
    fn the_separator_is_found_in_the_header() {
        assert_eq!(sniff("a;b;c,d"), b';');
        assert_eq!(sniff("a\tb\tc"), b'\t');
        assert_eq!(sniff("\"a;b;c\",d"), b',');
        assert_eq!(sniff("a"), b',');
    }
}
