use std::io::Read;
use std::ops::ControlFlow;

use crate::ingest::record::{Fault, Record};
use crate::ingest::rows::elements::{Element, Elements};
use crate::ingest::rows::lines::{Line, Lines};
use crate::ingest::rows::{RowSink, give};
use crate::ingest::schema::Bindings;
use crate::ingest::{IngestError, Limits};

/// NDJSON: a broken line costs only itself.
pub(in crate::ingest) fn read_lines(
    input: impl Read,
    bindings: &Bindings,
    limit: usize,
    limits: &Limits,
    sink: &mut RowSink<'_>,
) -> Result<(), IngestError> {
    let mut lines = Lines::new(input, limit);
    while let Some((line, text)) = lines.next()? {
        let flow = match text {
            Line::Whole(text) => {
                // RFC 8142 sequences mark each record.
                let text = text.strip_prefix(b"\x1e").unwrap_or(text);
                if text.trim_ascii().is_empty() {
                    continue;
                }
                row(line, text, bindings, limits, sink)
            }
            Line::TooLong(bytes) => too_long(line, bytes, limit, sink),
        };
        if flow.is_break() {
            break;
        }
    }
    Ok(())
}

/// A JSON document, element by element.
pub(in crate::ingest) fn read_elements(
    input: impl Read,
    bindings: &Bindings,
    limit: usize,
    limits: &Limits,
    sink: &mut RowSink<'_>,
) -> Result<(), IngestError> {
    let mut elements = Elements::new(input, limit, bindings.schema.geometry.is_some());
    while let Some((number, element)) = elements.next()? {
        let flow = match element {
            Element::Whole(text) => row(number, text, bindings, limits, sink),
            Element::TooLong(bytes) => too_long(number, bytes, limit, sink),
        };
        if flow.is_break() {
            break;
        }
    }
    Ok(())
}

fn row(
    line: u64,
    text: &[u8],
    bindings: &Bindings,
    limits: &Limits,
    sink: &mut RowSink<'_>,
) -> ControlFlow<()> {
    let bytes = text.len();
    let record = match std::str::from_utf8(text) {
        Ok(text) => Record::from_json(bindings, text, limits.depth),
        Err(error) => Err(not_utf8(error)),
    };
    give(line, bytes, &record, sink)
}

pub(super) fn not_utf8(error: std::str::Utf8Error) -> Fault {
    Fault::whole(
        format!("is not UTF-8 from byte {}", error.valid_up_to() + 1),
        "UTF-8 text",
    )
}

pub(super) fn too_long(line: u64, bytes: usize, limit: usize, sink: &mut RowSink<'_>) -> ControlFlow<()> {
    let fault = Fault::whole(
        format!("has {bytes} bytes and was skipped"),
        format!("at most {limit} bytes"),
    );
    give(line, 0, &Err(fault), sink)
}
