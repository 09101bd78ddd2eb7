use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::Arc;

use rayon::prelude::*;

use crate::geo::Cell;
use crate::index::Ledger;
use crate::index::bytes::{self, Body, put_count, put_text};
use crate::index::day::{LedgerDay, OpenDay, PackedDay, SealedDay, Sums};
use crate::index::ledger::{CaseTurns, Fresh};
use crate::index::packed::PackedRows;
use crate::index::people::People;
use crate::model::{AreaCode, CellStats, Day, Hour, UtcOffset, VenueStats};

const NAME: [u8; 8] = *b"VXLEDG02";
/// No part of a checkpoint is larger, packed or unpacked; a claim beyond it is refused before anything is read.
pub(super) const LIMIT_BYTES: u64 = 8 << 30;

/// Bytes that are not a whole, unchanged checkpoint of this version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the checkpoint {reason}; expected an unchanged checkpoint of version 02 or 03")]
pub struct InvalidCheckpoint {
    /// What is wrong.
    pub reason: String,
}

/// A ledger as it stood at one moment, to be encoded while the ledger goes on. Taking one copies nothing;
/// a day that changes before the checkpoint is dropped is copied then, once.
///
/// It is written whole, in one file of version 02, or in parts that are written again only where something changed,
/// see [`Checkpoint::write_parts`].
#[derive(Clone, Debug)]
pub struct Checkpoint {
    pub(super) offset: UtcOffset,
    pub(super) days: BTreeMap<Day, LedgerDay>,
}

impl Ledger {
    /// What stands in it now. In proportion to the number of days, whatever they hold.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            offset: self.offset,
            days: self.days.clone(),
        }
    }

    /// The whole ledger as bytes, as [`Checkpoint::write_to`] writes them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let written = self.checkpoint().write_to(&mut out);
        written.expect("a vector takes all that is written to it");
        out
    }

    /// Reads [`Ledger::to_bytes`]. The first publication after it reads everything.
    ///
    /// # Errors
    /// [`InvalidCheckpoint`] says whether the bytes are of another kind or version, cut short or changed.
    pub fn from_bytes(sealed: &[u8]) -> Result<Self, InvalidCheckpoint> {
        Self::read_from(&mut &*sealed)
    }

    /// The same from a file or whatever can be read, to its end, a day at a time.
    ///
    /// # Errors
    /// As [`Ledger::from_bytes`].
    pub fn read_from(input: &mut dyn Read) -> Result<Self, InvalidCheckpoint> {
        read(input).map_err(|reason| InvalidCheckpoint { reason })
    }
}

impl Checkpoint {
    /// Writes everything, a day at a time: versioned, sorted, checksummed. Equal ledgers give equal bytes.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut head = i32::from(self.offset.hours()).to_le_bytes().to_vec();
        put_count(&mut head, self.days.len());
        put_part(out, &head)?;
        for (day, state) in &self.days {
            let mut body = day.0.to_le_bytes().to_vec();
            match state {
                LedgerDay::Sealed(sealed) => {
                    body.push(1);
                    put_rows(&mut body, &sealed.settled);
                    put_areas(&mut body, &sealed.areas);
                }
                LedgerDay::Open(open) => {
                    body.push(0);
                    let settled = open.to_packed(day.first_hour(self.offset));
                    put_rows(&mut body, &settled);
                    put_areas(&mut body, &open.sums.sorted_areas());
                    open.cell_people.put(&mut body);
                    open.venue_people.put(&mut body);
                }
            }
            put_part(out, &body)?;
        }
        Ok(())
    }
}

/// Each part is sealed alone and stands behind its length, so that no more than one is held in memory twice.
fn put_part(out: &mut dyn Write, body: &[u8]) -> io::Result<()> {
    let sealed = bytes::seal(NAME, body);
    out.write_all(&sealed[..bytes::NAME_LENGTH])?;
    out.write_all(&(sealed.len() as u64).to_le_bytes())?;
    out.write_all(&sealed[bytes::NAME_LENGTH..])
}

fn read_sealed(input: &mut dyn Read) -> Result<Vec<u8>, String> {
    let mut head = Vec::new();
    let wanted = bytes::NAME_LENGTH + 8;
    take(input, wanted as u64, &mut head)?;
    if head.len() < wanted {
        return Err(format!(
            "is cut short: a part has {wanted} bytes and more, {} are left",
            head.len()
        ));
    }
    let length = u64::from_le_bytes(
        head.split_off(bytes::NAME_LENGTH)
            .try_into()
            .expect("eight bytes"),
    );
    if length > LIMIT_BYTES {
        return Err(format!(
            "claims a part of {length} bytes, more than {LIMIT_BYTES}"
        ));
    }
    let mut sealed = head;
    take(
        input,
        length.saturating_sub(bytes::NAME_LENGTH as u64),
        &mut sealed,
    )?;
    if (sealed.len() as u64) < length {
        return Err(format!("is cut short: {} bytes of {length}", sealed.len()));
    }
    Ok(sealed)
}

/// Memory grows with what is really there, not with what a length claims.
fn take(input: &mut dyn Read, length: u64, into: &mut Vec<u8>) -> Result<(), String> {
    let read = input.take(length).read_to_end(into);
    read.map(|_count| ())
        .map_err(|error| format!("cannot be read: {error}"))
}

fn read(input: &mut dyn Read) -> Result<Ledger, String> {
    let head = bytes::open(NAME, &read_sealed(input)?, LIMIT_BYTES)?;
    let mut body = Body(&head);
    let offset = read_offset(&mut body)?;
    let mut left = body.u32()? as usize;
    body.end()?;
    let mut days = BTreeMap::new();
    // Some days at a time: as many as there are cores to unpack them.
    while left > 0 {
        let some = left.min(rayon::current_num_threads());
        let sealed: Vec<Vec<u8>> = (0..some)
            .map(|_| read_sealed(input))
            .collect::<Result<_, String>>()?;
        let opened: Vec<(Day, LedgerDay)> = sealed
            .into_par_iter()
            .map(|sealed| {
                let part = bytes::open(NAME, &sealed, LIMIT_BYTES)?;
                drop(sealed);
                read_day(&part, offset)
            })
            .collect::<Result<_, String>>()?;
        days.extend(opened);
        left -= some;
    }
    let mut rest = Vec::new();
    take(input, 1, &mut rest)?;
    if !rest.is_empty() {
        return Err("goes on behind its last day".to_owned());
    }
    Ok(ledger_of(offset, days))
}

/// A ledger as it was read: nothing of it is published yet.
pub(super) fn ledger_of(offset: UtcOffset, days: BTreeMap<Day, LedgerDay>) -> Ledger {
    Ledger {
        offset,
        days,
        fresh: Fresh {
            everything: true,
            sums: Sums::default(),
        },
        cases: CaseTurns::default(),
    }
}

pub(super) fn read_offset(body: &mut Body) -> Result<UtcOffset, String> {
    let hours = body.i32()?;
    i8::try_from(hours)
        .ok()
        .and_then(UtcOffset::new)
        .ok_or_else(|| format!("has a UTC offset of {hours} hours"))
}

fn read_day(part: &[u8], offset: UtcOffset) -> Result<(Day, LedgerDay), String> {
    let mut body = Body(part);
    let day = Day(body.i32()?);
    let (first, is_sealed) = (day.first_hour(offset), body.u8()?);
    let settled = Arc::new(read_rows(&mut body, first)?);
    let areas = read_areas(&mut body)?;
    let state = match is_sealed {
        1 => LedgerDay::Sealed(Arc::new(SealedDay { settled, areas })),
        0 => LedgerDay::Open(Arc::new(OpenDay {
            settled,
            sums: Sums {
                areas: areas.into_iter().map(|(a, h, n)| ((a, h), n)).collect(),
                ..Sums::default()
            },
            revision: 0,
            cell_people: People::read(&mut body)?,
            venue_people: People::read(&mut body)?,
        })),
        other => return Err(format!("has a day of state {other}")),
    };
    body.end()?;
    Ok((day, state))
}

pub(super) fn put_rows(out: &mut Vec<u8>, settled: &PackedDay) {
    for rows in [&settled.cells, &settled.venues] {
        put_count(out, rows.len());
        put_count(out, rows.bytes().len());
        out.extend_from_slice(rows.bytes());
    }
}

pub(super) fn read_rows(body: &mut Body, first: Hour) -> Result<PackedDay, String> {
    let (len, bytes) = (body.u32()? as usize, body.u32()? as usize);
    let cells =
        PackedRows::from_bytes::<CellStats>(first, len, body.slice(bytes)?, |id| Cell::from_u64(id).is_ok())?;
    let (len, bytes) = (body.u32()? as usize, body.u32()? as usize);
    let venues =
        PackedRows::from_bytes::<VenueStats>(first, len, body.slice(bytes)?, |ix| u32::try_from(ix).is_ok())?;
    Ok(PackedDay { cells, venues })
}

pub(super) fn put_areas(out: &mut Vec<u8>, areas: &[(AreaCode, Hour, u32)]) {
    put_count(out, areas.len());
    for (code, hour, cases) in areas {
        put_text(out, code.as_str());
        out.extend_from_slice(&hour.0.to_le_bytes());
        out.extend_from_slice(&cases.to_le_bytes());
    }
}

pub(super) fn read_areas(body: &mut Body) -> Result<Vec<(AreaCode, Hour, u32)>, String> {
    let mut areas = Vec::new();
    for _ in 0..body.count(9)? {
        let code = AreaCode::new(body.text()?).map_err(|error| format!("has a bad area code: {error}"))?;
        areas.push((code, Hour(body.i32()?), body.u32()?));
    }
    Ok(areas)
}
