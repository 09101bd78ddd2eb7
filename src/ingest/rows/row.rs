use std::ops::ControlFlow;

use crate::ingest::record::{Fault, Record};

/// One row: its number, its bytes, and what it holds.
pub(in crate::ingest) struct Row<'r, 'a> {
    pub line: u64,
    pub bytes: usize,
    pub record: Result<&'r Record<'a>, Fault>,
}

/// Takes rows; may stop the reading.
pub(in crate::ingest) type RowSink<'s> = dyn FnMut(Row<'_, '_>) -> ControlFlow<()> + 's;

pub(super) fn give(
    line: u64,
    bytes: usize,
    record: &Result<Record<'_>, Fault>,
    sink: &mut RowSink<'_>,
) -> ControlFlow<()> {
    let record = record.as_ref().map_err(Fault::clone);
    sink(Row { line, bytes, record })
}
