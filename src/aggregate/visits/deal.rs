use std::ops::Range;

use parquet::errors::{ParquetError, Result};
use parquet::file::reader::RowGroupReader;

use crate::aggregate::decode::{Column, Meaning, open_column};
use crate::aggregate::visits::meanings::{
    HourOf, NO_HOUR, NO_RANK, PartyOf, Person, PersonBits, VenueRank, Way, WayOf,
};

/// Rows dealt at once: their columns and the dealt rows stay in a core's cache.
const STEP: usize = 32 * 1024;

/// A row that counts: where and when and how many ([`Key`]), and who.
pub(super) type Row = [u64; 3];

/// Bits of the people of a party in a row's first word; above them the hour, above it the cell's rank.
const PARTY_BITS: u32 = 16;
/// Hours of three centuries.
pub(super) const HOUR_BITS: u32 = 22;
/// A rank that leaves room for both.
pub(super) const MAX_CELLS: usize = 1 << (64 - PARTY_BITS - HOUR_BITS);
/// Of a row that does not count.
const LEFT_OUT: u64 = u64::MAX;

/// Which part a cell is dealt to: its rank's lowest bits, so that busy neighbours go to different parts, and all rows
/// of a cell to the same.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    /// There are 2^bits of them.
    pub(super) bits: u32,
    /// Those dealt to now; rows of others are passed over.
    pub(super) now: Range<usize>,
}

/// Some rows of the file, those of one part together.
pub(super) struct Dealt {
    /// Where the rows of each part of `Parts::now` begin, and where the last ends.
    starts: Vec<u32>,
    rows: Vec<Row>,
}

/// Rows that count nothing, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) departures: u64,
    pub(super) unknown_venues: u64,
    pub(super) bad_times: u64,
    pub(super) bad_values: u64,
}

/// The columns to read, by place.
#[derive(Clone, Copy)]
pub(super) struct Places {
    pub(super) venue: usize,
    pub(super) at: usize,
    pub(super) person: usize,
    pub(super) direction: Option<usize>,
    pub(super) party_size: Option<usize>,
}

/// What the columns mean.
pub(super) struct Meanings<'v> {
    pub(super) venue: VenueRank<'v>,
    pub(super) at: HourOf,
    pub(super) person: PersonBits,
}

/// Part and hour of a row, as ordered within the part.
pub(super) fn key(row: &Row) -> u64 {
    row[0] >> PARTY_BITS
}

/// People counted by a row.
pub(super) fn party(row: &Row) -> u64 {
    row[0] & ((1 << PARTY_BITS) - 1)
}

/// Who came.
pub(super) fn person(row: &Row) -> Person {
    [row[1], row[2]]
}

impl Dealt {
    /// The rows of a part, counted from the first of `Parts::now`.
    pub(super) fn part(&self, nth: usize) -> &[Row] {
        &self.rows[self.starts[nth] as usize..self.starts[nth + 1] as usize]
    }
}

impl LeftOut {
    pub(super) fn add(&mut self, other: Self) {
        self.departures += other.departures;
        self.unknown_venues += other.unknown_venues;
        self.bad_times += other.bad_times;
        self.bad_values += other.bad_values;
    }
}

/// Columns of some rows, reused from step to step.
#[derive(Default)]
struct Step {
    ranks: Vec<u32>,
    hours: Vec<u32>,
    people: Vec<Person>,
    ways: Vec<Way>,
    parties: Vec<u16>,
    words: Vec<u64>,
}

/// Reads rows of a row group and deals them.
///
/// # Errors
/// With the column named: the file is broken, or a column ends too early.
pub(super) fn deal(
    group: &dyn RowGroupReader,
    rows: Range<usize>,
    places: Places,
    meanings: &Meanings<'_>,
    parts: &Parts,
) -> std::result::Result<(Vec<Dealt>, LeftOut), String> {
    let open = |name: &str, error: ParquetError| format!("{name}: {error}");
    let mut venue =
        open_column(group, places.venue, &meanings.venue).map_err(|error| open("venue", error))?;
    let mut at = open_column(group, places.at, &meanings.at).map_err(|error| open("at", error))?;
    let mut person =
        open_column(group, places.person, &meanings.person).map_err(|error| open("person", error))?;
    let way = places.direction.map(|column| open_column(group, column, &WayOf));
    let mut way = way.transpose().map_err(|error| open("direction", error))?;
    let party = places
        .party_size
        .map(|column| open_column(group, column, &PartyOf));
    let mut party = party.transpose().map_err(|error| open("party_size", error))?;

    skip(&mut venue, rows.start).map_err(|error| open("venue", error))?;
    skip(&mut at, rows.start).map_err(|error| open("at", error))?;
    skip(&mut person, rows.start).map_err(|error| open("person", error))?;
    if let Some(way) = &mut way {
        skip(way, rows.start).map_err(|error| open("direction", error))?;
    }
    if let Some(party) = &mut party {
        skip(party, rows.start).map_err(|error| open("party_size", error))?;
    }

    let mut step = Step::default();
    let (mut dealt, mut left_out) = (Vec::new(), LeftOut::default());
    let mut first = rows.start;
    while first < rows.end {
        let count = STEP.min(rows.end - first);
        read(&mut venue, count, &mut step.ranks).map_err(|error| open("venue", error))?;
        read(&mut at, count, &mut step.hours).map_err(|error| open("at", error))?;
        read(&mut person, count, &mut step.people).map_err(|error| open("person", error))?;
        if let Some(way) = &mut way {
            read(way, count, &mut step.ways).map_err(|error| open("direction", error))?;
        }
        if let Some(party) = &mut party {
            read(party, count, &mut step.parties).map_err(|error| open("party_size", error))?;
        }
        left_out.add(step.weigh(way.is_some(), party.is_some()));
        dealt.push(step.deal(parts));
        first += count;
    }
    Ok((dealt, left_out))
}

fn skip<M: Meaning>(column: &mut Column<'_, M>, rows: usize) -> Result<()> {
    if rows == 0 || column.skip(rows)? == rows {
        Ok(())
    } else {
        Err(ends_early())
    }
}

fn read<M: Meaning>(column: &mut Column<'_, M>, rows: usize, out: &mut Vec<M::Value>) -> Result<()> {
    column.read(rows, out)?;
    if out.len() == rows {
        Ok(())
    } else {
        Err(ends_early())
    }
}

fn ends_early() -> ParquetError {
    ParquetError::General("the column ends before the row group does".to_owned())
}

impl Step {
    /// Makes the first word of every row.
    fn weigh(&mut self, has_ways: bool, has_parties: bool) -> LeftOut {
        let mut out = LeftOut::default();
        self.words.clear();
        self.words.extend((0..self.ranks.len()).map(|nth| {
            let (rank, hour) = (self.ranks[nth], self.hours[nth]);
            let way = if has_ways { self.ways[nth] } else { Way::Arrival };
            let party = if has_parties { self.parties[nth] } else { 1 };
            let why = if way == Way::Unclear || party == 0 {
                &mut out.bad_values
            } else if rank == NO_RANK {
                &mut out.unknown_venues
            } else if hour == NO_HOUR {
                &mut out.bad_times
            } else if way == Way::Departure {
                &mut out.departures
            } else {
                let place = u64::from(rank) << HOUR_BITS | u64::from(hour);
                return place << PARTY_BITS | u64::from(party);
            };
            *why += 1;
            LEFT_OUT
        }));
        out
    }

    /// Sorts the rows by part: counted first, then put where they belong.
    fn deal(&self, parts: &Parts) -> Dealt {
        let part_of = |word: u64| {
            let part = (word >> (PARTY_BITS + HOUR_BITS)) as usize & ((1 << parts.bits) - 1);
            let nth = part.wrapping_sub(parts.now.start);
            (word != LEFT_OUT && nth < parts.now.len()).then_some(nth)
        };
        let mut starts = vec![0_u32; parts.now.len() + 1];
        for word in &self.words {
            if let Some(nth) = part_of(*word) {
                starts[nth + 1] += 1;
            }
        }
        for nth in 1..starts.len() {
            starts[nth] += starts[nth - 1];
        }
        let mut next = starts.clone();
        let mut rows = vec![[0; 3]; starts[parts.now.len()] as usize];
        for (word, person) in self.words.iter().zip(&self.people) {
            if let Some(nth) = part_of(*word) {
                rows[next[nth] as usize] = [*word, person[0], person[1]];
                next[nth] += 1;
            }
        }
        Dealt { starts, rows }
    }
}
