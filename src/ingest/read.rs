use std::io::Read;
use std::ops::ControlFlow;

use crate::ingest::{Door, FieldMap, Format, IngestError, Limits, Rejection};
use crate::model::{Area, EventBatch, EventKind, Venue, Zone};

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

/// Reads events of one kind, chunk by chunk. Decompress with [`crate::ingest::decoder`] before.
///
/// # Errors
/// [`IngestError`] when the input cannot be read to its end; chunks handed on before stand.
pub fn read_events(
    _kind: EventKind,
    _format: Format,
    _map: &FieldMap,
    _reader: impl Read,
    _door: &Door<'_>,
    _limits: &Limits,
    _sink: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
) -> Result<ReadSummary, IngestError> {
    Err(not_yet())
}

/// Reads venues: CSV, NDJSON, JSON, Parquet, or GeoJSON points.
///
/// # Errors
/// As [`read_events`].
pub fn read_venues(
    _format: Format,
    _map: &FieldMap,
    _reader: impl Read,
    _door: &Door<'_>,
    _limits: &Limits,
    _sink: &mut dyn FnMut(Chunk<Vec<Venue>>) -> ControlFlow<()>,
) -> Result<ReadSummary, IngestError> {
    Err(not_yet())
}

/// Reads areas: GeoJSON features, or records whose `geometry` is GeoJSON or WKT.
///
/// # Errors
/// As [`read_events`].
pub fn read_areas(
    _format: Format,
    _map: &FieldMap,
    _reader: impl Read,
    _door: &Door<'_>,
    _limits: &Limits,
    _sink: &mut dyn FnMut(Chunk<Vec<Area>>) -> ControlFlow<()>,
) -> Result<ReadSummary, IngestError> {
    Err(not_yet())
}

/// Reads zones: as areas.
///
/// # Errors
/// As [`read_events`].
pub fn read_zones(
    _format: Format,
    _map: &FieldMap,
    _reader: impl Read,
    _door: &Door<'_>,
    _limits: &Limits,
    _sink: &mut dyn FnMut(Chunk<Vec<Zone>>) -> ControlFlow<()>,
) -> Result<ReadSummary, IngestError> {
    Err(not_yet())
}

fn not_yet() -> IngestError {
    IngestError::Unsupported {
        kind: "records",
        format: "this format",
        expected: "a later build",
    }
}
