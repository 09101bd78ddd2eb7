use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;

use crate::ingest::record::{Fault, Record};
use crate::ingest::records::{self, Maker};
use crate::ingest::rows::{
    Row, RowSink, read_csv, read_elements, read_lines, read_parquet, read_parquet_file,
};
use crate::ingest::schema::{Bindings, Schema};
use crate::ingest::{Door, FieldMap, Format, IngestError, Limits, Rejection};
use crate::model::{Area, AreaReport, EventBatch, EventKind, Venue, Zone};

/// What a file or request holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// One of the event streams.
    Events(EventKind),
    /// The registry of venues.
    Venues,
    /// The registry of areas.
    Areas,
    /// Zones.
    Zones,
    /// What was reported of areas.
    AreaReports,
}

impl RecordKind {
    /// The kind with that name, as in paths and on the command line: `check-ins`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        const ALL: [RecordKind; 9] = [
            RecordKind::Areas,
            RecordKind::AreaReports,
            RecordKind::Venues,
            RecordKind::Events(EventKind::CheckIn),
            RecordKind::Events(EventKind::Declaration),
            RecordKind::Events(EventKind::Contact),
            RecordKind::Events(EventKind::Assessment),
            RecordKind::Events(EventKind::Case),
            RecordKind::Zones,
        ];
        ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Its name in the plural.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.schema().name
    }

    /// Its fields, and whether each must be there.
    pub fn fields(self) -> impl Iterator<Item = (&'static str, bool)> {
        self.schema()
            .fields
            .iter()
            .map(|field| (field.name, field.required))
    }

    fn schema(self) -> &'static Schema {
        match self {
            Self::Events(EventKind::CheckIn) => &records::CHECK_INS,
            Self::Events(EventKind::Declaration) => &records::DECLARATIONS,
            Self::Events(EventKind::Contact) => &records::CONTACTS,
            Self::Events(EventKind::Assessment) => &records::ASSESSMENTS,
            Self::Events(EventKind::Case) => &records::CASES,
            Self::Venues => &records::VENUES,
            Self::Areas => &records::AREAS,
            Self::Zones => &records::ZONES,
            Self::AreaReports => &records::AREA_REPORTS,
        }
    }
}

/// Rows of one input, in order, no more than [`Limits::chunk_rows`].
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk<T = EventBatch> {
    /// The accepted records.
    pub batch: T,
    /// Line (or element) number of each accepted record.
    pub lines: Vec<u64>,
    /// The others.
    pub rejections: Vec<Rejection>,
    /// Bytes of the input they were read from.
    pub bytes: usize,
}

/// What became of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadSummary {
    /// Records handed on.
    pub accepted: u64,
    /// Records refused.
    pub rejected: u64,
    /// Whether the sink stopped the reading before the end.
    pub stopped: bool,
}

/// Where records come from: a stream, or a plain file, in which Parquet of any size can be read.
#[derive(Debug)]
pub enum Source<R> {
    /// Read from here to its end.
    Stream(R),
    /// A file that is not compressed as a whole.
    Plain(File),
}

/// Reads events of one kind, chunk by chunk. Decompress with [`crate::ingest::decoder`] before.
/// Every line or element that is not blank comes out once: accepted, or as a [`Rejection`].
///
/// # Errors
/// [`IngestError`] when the input cannot be read to its end; chunks handed on before stand.
pub fn read_events(
    kind: EventKind,
    format: Format,
    map: &FieldMap,
    reader: impl Read,
    door: &Door<'_>,
    limits: &Limits,
    sink: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
) -> Result<ReadSummary, IngestError> {
    read_events_from(kind, format, map, Source::Stream(reader), door, limits, sink)
}

/// As [`read_events`], from either kind of [`Source`].
///
/// # Errors
/// As [`read_events`].
pub fn read_events_from<R: Read>(
    kind: EventKind,
    format: Format,
    map: &FieldMap,
    source: Source<R>,
    door: &Door<'_>,
    limits: &Limits,
    sink: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
) -> Result<ReadSummary, IngestError> {
    let input = Input {
        kind: RecordKind::Events(kind),
        format,
        map,
        door,
        limits,
    };
    match kind {
        EventKind::CheckIn => input.read(source, records::check_in, EventBatch::CheckIns, sink),
        EventKind::Declaration => input.read(source, records::declaration, EventBatch::Declarations, sink),
        EventKind::Contact => input.read(source, records::contact, EventBatch::Contacts, sink),
        EventKind::Assessment => input.read(source, records::assessment, EventBatch::Assessments, sink),
        EventKind::Case => input.read(source, records::case, EventBatch::Cases, sink),
    }
}

/// Reads venues: CSV, NDJSON, JSON, Parquet, or GeoJSON points.
///
/// # Errors
/// As [`read_events`].
pub fn read_venues(
    format: Format,
    map: &FieldMap,
    reader: impl Read,
    door: &Door<'_>,
    limits: &Limits,
    sink: &mut dyn FnMut(Chunk<Vec<Venue>>) -> ControlFlow<()>,
) -> Result<ReadSummary, IngestError> {
    let input = Input {
        kind: RecordKind::Venues,
        format,
        map,
        door,
        limits,
    };
    input.read(Source::Stream(reader), records::venue, |rows| rows, sink)
}

/// Reads areas: GeoJSON features, or records whose `geometry` is GeoJSON or WKT.
///
/// # Errors
/// As [`read_events`].
pub fn read_areas(
    format: Format,
    map: &FieldMap,
    reader: impl Read,
    door: &Door<'_>,
    limits: &Limits,
    sink: &mut dyn FnMut(Chunk<Vec<Area>>) -> ControlFlow<()>,
) -> Result<ReadSummary, IngestError> {
    let input = Input {
        kind: RecordKind::Areas,
        format,
        map,
        door,
        limits,
    };
    input.read(Source::Stream(reader), records::area, |rows| rows, sink)
}

/// Reads zones: as areas.
///
/// # Errors
/// As [`read_events`].
pub fn read_zones(
    format: Format,
    map: &FieldMap,
    reader: impl Read,
    door: &Door<'_>,
    limits: &Limits,
    sink: &mut dyn FnMut(Chunk<Vec<Zone>>) -> ControlFlow<()>,
) -> Result<ReadSummary, IngestError> {
    let input = Input {
        kind: RecordKind::Zones,
        format,
        map,
        door,
        limits,
    };
    input.read(Source::Stream(reader), records::zone, |rows| rows, sink)
}

/// Reads what was reported of areas: CSV, NDJSON, JSON, Parquet.
///
/// # Errors
/// As [`read_events`].
pub fn read_area_reports(
    format: Format,
    map: &FieldMap,
    reader: impl Read,
    door: &Door<'_>,
    limits: &Limits,
    sink: &mut dyn FnMut(Chunk<Vec<AreaReport>>) -> ControlFlow<()>,
) -> Result<ReadSummary, IngestError> {
    let input = Input {
        kind: RecordKind::AreaReports,
        format,
        map,
        door,
        limits,
    };
    input.read(Source::Stream(reader), records::area_report, |rows| rows, sink)
}

struct Input<'i> {
    kind: RecordKind,
    format: Format,
    map: &'i FieldMap,
    door: &'i Door<'i>,
    limits: &'i Limits,
}

impl Input<'_> {
    fn read<T, B>(
        &self,
        source: Source<impl Read>,
        make: impl Fn(&Record<'_>, &mut Maker<'_>) -> Result<T, Fault>,
        batch: impl Fn(Vec<T>) -> B,
        sink: &mut dyn FnMut(Chunk<B>) -> ControlFlow<()>,
    ) -> Result<ReadSummary, IngestError> {
        let bindings = Bindings::new(self.kind.schema(), self.map)?;
        let mut maker = Maker::new(self.door, self.limits);
        let mut pending = Pending::new();
        let mut summary = ReadSummary::default();
        let mut flush = |pending: &mut Pending<T>| {
            if pending.lines.is_empty() && pending.rejections.is_empty() {
                return ControlFlow::Continue(());
            }
            let next = Pending::with_capacity(pending.rows.len());
            let full = std::mem::replace(pending, next);
            sink(Chunk {
                batch: batch(full.rows),
                lines: full.lines,
                rejections: full.rejections,
                bytes: full.bytes,
            })
        };
        let mut too_many = false;
        let read = self.rows(source, &bindings, &mut |row: Row<'_, '_>| {
            if summary.accepted + summary.rejected == self.limits.records {
                too_many = true;
                return ControlFlow::Break(());
            }
            match row.record.and_then(|record| make(record, &mut maker)) {
                Ok(made) => {
                    summary.accepted += 1;
                    pending.rows.push(made);
                    pending.lines.push(row.line);
                }
                Err(fault) => {
                    summary.rejected += 1;
                    pending.rejections.push(fault.at_line(row.line));
                }
            }
            pending.bytes += row.bytes;
            if pending.lines.len() + pending.rejections.len() >= self.limits.chunk_rows
                || pending.bytes >= self.limits.chunk_bytes
            {
                let flow = flush(&mut pending);
                summary.stopped = flow.is_break();
                return flow;
            }
            ControlFlow::Continue(())
        });
        // What was read before the input failed is kept.
        if !summary.stopped && flush(&mut pending).is_break() {
            summary.stopped = true;
        }
        read?;
        if too_many {
            return Err(IngestError::TooManyRecords {
                limit: self.limits.records,
            });
        }
        Ok(summary)
    }

    fn rows(
        &self,
        source: Source<impl Read>,
        bindings: &Bindings,
        sink: &mut RowSink<'_>,
    ) -> Result<(), IngestError> {
        let limits = self.limits;
        let shaped = bindings.schema.geometry.is_some();
        let limit = if shaped {
            limits.feature_bytes
        } else {
            limits.line_bytes
        };
        let reader: Box<dyn Read + '_> = match (source, self.format) {
            (Source::Plain(file), Format::Parquet) => return read_parquet_file(file, bindings, sink),
            (Source::Plain(file), _) => Box::new(file),
            (Source::Stream(reader), _) => Box::new(reader),
        };
        match self.format {
            Format::Ndjson => read_lines(reader, bindings, limit, limits, sink),
            Format::Csv => read_csv(reader, bindings, limit, sink),
            Format::Json => read_elements(reader, bindings, limit, limits, sink),
            Format::GeoJson if shaped => read_elements(reader, bindings, limit, limits, sink),
            Format::GeoJson => Err(IngestError::Unsupported {
                kind: bindings.schema.name,
                format: "GeoJSON",
                expected: "NDJSON, JSON, CSV or Parquet",
            }),
            Format::Parquet => read_parquet(reader, bindings, limits, sink),
        }
    }
}

/// The rows of the chunk that is being filled.
struct Pending<T> {
    rows: Vec<T>,
    lines: Vec<u64>,
    rejections: Vec<Rejection>,
    bytes: usize,
}

impl<T> Pending<T> {
    fn new() -> Self {
        Self {
            rows: Vec::new(),
            lines: Vec::new(),
            rejections: Vec::new(),
            bytes: 0,
        }
    }

    /// Room for as many rows as the chunk before had.
    fn with_capacity(rows: usize) -> Self {
        Self {
            rows: Vec::with_capacity(rows),
            lines: Vec::with_capacity(rows),
            ..Self::new()
        }
    }
}
