use std::io;
use std::ops::Range;

use parquet::file::reader::ChunkReader;
use rayon::prelude::*;

use crate::aggregate::decode::Kind;
use crate::aggregate::visits::deal::{Dealt, LeftOut, MAX_CELLS, Meanings, Parts, Places, Row, deal};
use crate::aggregate::visits::groups::{Group, Scratch, gather};
use crate::aggregate::visits::meanings::{HourOf, PersonBits, VenueRank};
use crate::aggregate::visits::table::Table;
use crate::aggregate::visits::{CellHour, TableError, VenueCells};

/// The columns of a Parquet file of check-ins, by our fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckInFields {
    /// The venue's id: text or whole numbers.
    pub venue: String,
    /// When: `TIMESTAMP` in UTC, or RFC 3339 text with offset.
    pub at: String,
    /// Who: text, whole numbers or bytes of one length, compared as written. Nobody where it is null or empty.
    pub person: String,
    /// `in`, `out` or `unknown`: departures are no visits. Without the column every row is an arrival.
    pub direction: String,
    /// People counted by a row, 1 to 1000. Without the column each counts one.
    pub party_size: String,
}

impl Default for CheckInFields {
    fn default() -> Self {
        Self {
            venue: "venue".to_owned(),
            at: "at".to_owned(),
            person: "person".to_owned(),
            direction: "direction".to_owned(),
            party_size: "party_size".to_owned(),
        }
    }
}

/// What a run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VisitLimits {
    /// Bytes of rows held at once (24 each); a larger file is read as often as that takes. The groups found (48 bytes
    /// each while they are put in order) come on top.
    pub row_bytes: u64,
    /// A number that nobody who writes a file knows: it seeds the hash of long person ids.
    pub seed: u64,
}

/// Every (cell, hour) of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CellHours {
    /// Ascending by cell and hour, each once.
    pub rows: Vec<CellHour>,
    /// Rows of the file.
    pub read: u64,
    /// Rows that are departures: they count nothing.
    pub departures: u64,
    /// Rows left out: their venue is missing, or none of those given.
    pub unknown_venues: u64,
    /// Rows left out: their time is missing, no time, or outside 1900 to 2199.
    pub bad_times: u64,
    /// Rows left out: their direction or party size cannot be.
    pub bad_values: u64,
}

/// Rows of a part: its words to sort, and its rows, stay in a core's cache.
const ROWS_A_PART: u64 = 16 * 1024;
const MAX_PART_BITS: u32 = 10;
/// Rows read by one thread at a time: a file of one row group is read by several, too.
const UNIT: usize = 1 << 20;

/// Counts visits and distinct people per cell of the base resolution and hour, over all check-ins of a Parquet file.
/// `open` gives a handle of its own each time; `progress` is told how many more rows were read, and of how many (a
/// row counts as often as the file is read). Works on the threads of the current `rayon` pool.
///
/// People are exact: values of up to 15 bytes and whole numbers are compared as they are, longer ones by 127 bits of
/// a seeded hash (two of 20 million people share them with a probability of 1 in 10²³).
///
/// # Errors
/// [`TableError`] names row group, column and what was expected.
pub fn cell_hours<R: ChunkReader + 'static>(
    open: impl Fn() -> io::Result<R> + Sync,
    fields: &CheckInFields,
    venues: &VenueCells,
    limits: VisitLimits,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<CellHours, TableError> {
    let table = Table::open(open)?;
    let (places, ticks) = places(&table, fields)?;
    let meanings = Meanings {
        venue: VenueRank(venues),
        at: HourOf { ticks },
        person: PersonBits { seed: limits.seed },
    };
    let units = units(&table.groups());
    let read: u64 = table.groups().iter().sum();
    let cells = venues.cells();
    assert!(cells.len() < MAX_CELLS, "H3 has fewer cells on land than that");

    let bits = (read / ROWS_A_PART).max(1).ilog2().min(MAX_PART_BITS);
    let row_bytes = read.saturating_mul(size_of::<Row>() as u64);
    let times = row_bytes.div_ceil(limits.row_bytes.max(1)).clamp(1, 1 << bits) as usize;
    let total = read.saturating_mul(times as u64);
    let mut found: Vec<Vec<Group>> = Vec::with_capacity(1 << bits);
    let mut left_out = LeftOut::default();
    for time in 0..times {
        let bound = |nth: usize| (nth << bits) / times;
        let parts = Parts {
            bits,
            now: bound(time)..bound(time + 1),
        };
        let read = units.par_iter().map(|(group, rows)| {
            let dealt = table.with_group(*group, |reader| {
                deal(reader, Range::clone(rows), places, &meanings, &parts)
            });
            progress(rows.len() as u64, total);
            dealt
        });
        let mut dealt: Vec<Dealt> = Vec::new();
        for (some, out) in read.collect::<Result<Vec<_>, _>>()? {
            dealt.extend(some);
            if time == 0 {
                left_out.add(out);
            }
        }
        let counted = (0..parts.now.len())
            .into_par_iter()
            .map_init(Scratch::default, |scratch, nth| {
                scratch.count(dealt.iter().map(|some| some.part(nth)), bits)
            });
        found.par_extend(counted);
    }
    Ok(CellHours {
        rows: gather(&found, cells),
        read,
        departures: left_out.departures,
        unknown_venues: left_out.unknown_venues,
        bad_times: left_out.bad_times,
        bad_values: left_out.bad_values,
    })
}

/// Row ranges of row groups, each a thread's work.
fn units(groups: &[u64]) -> Vec<(usize, Range<usize>)> {
    let mut units = Vec::new();
    for (group, rows) in groups.iter().enumerate() {
        let rows = usize::try_from(*rows).unwrap_or(usize::MAX);
        // Equal shares: a rest of a few rows would open every column again.
        let count = rows.div_ceil(UNIT);
        units.extend((0..count).map(|nth| (group, rows * nth / count..rows * (nth + 1) / count)));
    }
    units
}

/// Where the columns stand, and how many ticks of the time's clock are a second.
fn places<R: ChunkReader + 'static, F: Fn() -> io::Result<R>>(
    table: &Table<F>,
    fields: &CheckInFields,
) -> Result<(Places, i64), TableError> {
    let is_id = |kind| matches!(kind, Kind::Text | Kind::Whole);
    let is_person = |kind| matches!(kind, Kind::Text | Kind::Whole | Kind::Fixed);
    let is_time = |kind| matches!(kind, Kind::Text | Kind::Instant(_));
    let (venue, _) = table.column("venue", &fields.venue, is_id, "text or whole numbers")?;
    let expected = "TIMESTAMP in UTC (isAdjustedToUTC), or text in RFC 3339 with offset";
    let (at, kind) = table.column("at", &fields.at, is_time, expected)?;
    let expected = "text, whole numbers or bytes of one length";
    let (person, _) = table.column("person", &fields.person, is_person, expected)?;
    // They may be missing under their own names; who names another column means it.
    let optional =
        |field: &'static str, name: &str, is_fit: fn(Kind) -> bool, expected| match table.find(name) {
            None if name == field => Ok(None),
            _ => table
                .column(field, name, is_fit, expected)
                .map(|(at, _)| Some(at)),
        };
    let direction = optional("direction", &fields.direction, |kind| kind == Kind::Text, "text")?;
    let party_size = optional(
        "party_size",
        &fields.party_size,
        |kind| kind == Kind::Whole,
        "whole numbers",
    )?;
    let ticks = match kind {
        Kind::Instant(ticks) => ticks,
        _ => 1,
    };
    let places = Places {
        venue,
        at,
        person,
        direction,
        party_size,
    };
    Ok((places, ticks))
}
