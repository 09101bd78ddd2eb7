//! Files and requests in: formats, encodings, maps, and what a record becomes.

mod arbitrary;
mod formats;
mod records;

use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::path::Path;

use proptest::prelude::*;
use vungxanh::geo::BBox;
use vungxanh::ingest::{
    Chunk, Door, Encoding, FieldMap, Format, Identity, IngestError, Limits, Pseudonyms, Purpose, ReadSummary,
    RecordKind, Rejection, decoder, read_area_reports, read_areas, read_events, read_venues, read_zones,
};
use vungxanh::model::{
    Area, AreaReport, Case, CheckIn, Day, Declaration, Direction, Event, EventBatch, EventKind, Method,
    Place, Timestamp, UtcOffset, Venue, VenueKind, Zone,
};

use crate::support::shared;

pub const NOW: &str = "2021-05-07T08:00:00+07:00";

pub fn keys() -> Pseudonyms {
    Pseudonyms::new([7; 32])
}

/// A door in Thái Nguyên on 7 May 2021 that knows venues beginning with `v` and areas of digits.
pub fn door(keys: &Pseudonyms) -> Door<'_> {
    Door {
        now: Timestamp::parse(NOW).unwrap(),
        offset: UtcOffset::VIETNAM,
        future_tolerance_s: Door::FUTURE_TOLERANCE_S,
        oldest: Some(Timestamp::parse("2021-04-16T00:00:00+07:00").unwrap()),
        bounds: Some(BBox::parse("102,8,110,24").unwrap()),
        keys,
        known_venue: &|id| id.starts_with('v'),
        known_area: &|code| !code.is_empty() && code.bytes().all(|b| b.is_ascii_digit()),
        check_assessment: &|_| Ok(()),
    }
}

/// Everything that came out of one input.
pub struct Taken<T> {
    pub rows: Vec<T>,
    pub lines: Vec<u64>,
    pub rejections: Vec<Rejection>,
    pub end: Result<ReadSummary, IngestError>,
    pub chunks: usize,
}

pub fn events(kind: EventKind, format: Format, map: &str, input: &[u8]) -> Taken<EventBatch> {
    events_with(kind, format, map, input, &Limits::HTTP)
}

pub fn events_with(
    kind: EventKind,
    format: Format,
    map: &str,
    input: impl Read,
    limits: &Limits,
) -> Taken<EventBatch> {
    let keys = keys();
    let mut taken = Taken {
        rows: vec![],
        lines: vec![],
        rejections: vec![],
        end: Ok(ReadSummary::default()),
        chunks: 0,
    };
    taken.end = read_events(
        kind,
        format,
        &FieldMap::parse(map).unwrap(),
        input,
        &door(&keys),
        limits,
        &mut |chunk: Chunk| {
            taken.chunks += 1;
            taken.rows.push(chunk.batch);
            taken.lines.extend(chunk.lines);
            taken.rejections.extend(chunk.rejections);
            ControlFlow::Continue(())
        },
    );
    taken
}

macro_rules! registry {
    ($name:ident, $read:ident, $row:ty) => {
        pub fn $name(format: Format, map: &str, input: impl Read, bounded: bool) -> Taken<$row> {
            let keys = keys();
            let mut door = door(&keys);
            if !bounded {
                door.bounds = None;
            }
            let mut taken = Taken {
                rows: vec![],
                lines: vec![],
                rejections: vec![],
                end: Ok(ReadSummary::default()),
                chunks: 0,
            };
            taken.end = $read(
                format,
                &FieldMap::parse(map).unwrap(),
                input,
                &door,
                &Limits::HTTP,
                &mut |chunk: Chunk<Vec<$row>>| {
                    taken.chunks += 1;
                    taken.rows.extend(chunk.batch);
                    taken.lines.extend(chunk.lines);
                    taken.rejections.extend(chunk.rejections);
                    ControlFlow::Continue(())
                },
            );
            taken
        }
    };
}
registry!(venues, read_venues, Venue);
registry!(areas, read_areas, Area);
registry!(zones, read_zones, Zone);
registry!(area_reports, read_area_reports, AreaReport);

impl Taken<EventBatch> {
    pub fn check_ins(&self) -> Vec<Event<CheckIn>> {
        let each = self.rows.iter().map(|batch| match batch {
            EventBatch::CheckIns(list) => list.clone(),
            other => panic!("not check-ins: {other:?}"),
        });
        each.flatten().collect()
    }

    fn declarations(&self) -> Vec<Event<Declaration>> {
        let each = self.rows.iter().map(|batch| match batch {
            EventBatch::Declarations(list) => list.clone(),
            other => panic!("not declarations: {other:?}"),
        });
        each.flatten().collect()
    }

    fn cases(&self) -> Vec<Event<Case>> {
        let each = self.rows.iter().map(|batch| match batch {
            EventBatch::Cases(list) => list.clone(),
            other => panic!("not cases: {other:?}"),
        });
        each.flatten().collect()
    }
}

const THREE: &str = r#"{"id":"a","venue":"v1","phone":"0912 345 678","at":"2021-05-07T07:00:00+07:00","direction":"in","method":"person_qr","party_size":3}
{"at":"2021-05-07T00:30:00Z","venue":"v2","id":"b","person":"device-7"}
{"id":"c","venue":"v1","at":"2021-05-06T23:59:59.9+07:00","direction":"out"}
"#;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

pub fn compress(encoding: Encoding, bytes: &[u8]) -> Vec<u8> {
    match encoding {
        Encoding::Identity => bytes.to_vec(),
        Encoding::Gzip => gzip(bytes),
        Encoding::Zstd => zstd::encode_all(bytes, 3).unwrap(),
        Encoding::Brotli => {
            let mut out = Vec::new();
            brotli::CompressorWriter::new(&mut out, 4096, 4, 20)
                .write_all(bytes)
                .unwrap();
            out
        }
    }
}
