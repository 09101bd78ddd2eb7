use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::geo::Cell;
use crate::index::bytes::{self, Body, put_count, put_text};
use crate::index::ledger::{Fresh, LedgerDay, OpenDay, Sums};
use crate::index::{DaySums, Ledger};
use crate::model::{AreaCode, CellStats, Day, Hour, UtcOffset, VenueStats};

const NAME: [u8; 8] = *b"VXLEDG01";
/// No checkpoint is larger unpacked; a claim beyond it is refused before anything is read.
const LIMIT_BYTES: u64 = 64 << 30;

/// Bytes that are not a whole, unchanged checkpoint of this version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the checkpoint {reason}; expected an unchanged checkpoint file of version 01")]
pub struct InvalidCheckpoint {
    /// What is wrong.
    pub reason: String,
}

/// A ledger as it stood at one moment, to be encoded while the ledger goes on. Taking one copies nothing;
/// a day that changes before the checkpoint is dropped is copied then, once.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    offset: UtcOffset,
    days: BTreeMap<Day, LedgerDay>,
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

    /// The whole ledger as bytes, as [`Checkpoint::to_bytes`] gives them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.checkpoint().to_bytes()
    }

    /// Reads [`Ledger::to_bytes`]. The first publication after it reads everything.
    ///
    /// # Errors
    /// [`InvalidCheckpoint`] says whether the bytes are of another kind or version, cut short or changed.
    pub fn from_bytes(sealed: &[u8]) -> Result<Self, InvalidCheckpoint> {
        read(sealed).map_err(|reason| InvalidCheckpoint { reason })
    }
}

impl Checkpoint {
    /// Everything as bytes: versioned, sorted, checksummed. Equal ledgers give equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&i32::from(self.offset.hours()).to_le_bytes());
        put_count(&mut out, self.days.len());
        for (day, state) in &self.days {
            out.extend_from_slice(&day.0.to_le_bytes());
            match state {
                LedgerDay::Sealed(sums) => {
                    out.push(1);
                    put_sums(&mut out, sums);
                }
                LedgerDay::Open(open) => {
                    out.push(0);
                    put_sums(&mut out, &open.sums.to_day());
                    put_set(&mut out, &open.cell_people);
                    put_set(&mut out, &open.venue_people);
                }
            }
        }
        bytes::seal(NAME, &out)
    }
}

fn read(sealed: &[u8]) -> Result<Ledger, String> {
    let unpacked = bytes::open(NAME, sealed, LIMIT_BYTES)?;
    let mut body = Body(&unpacked);
    let hours = body.i32()?;
    let offset = i8::try_from(hours)
        .ok()
        .and_then(UtcOffset::new)
        .ok_or_else(|| format!("has a UTC offset of {hours} hours"))?;
    let mut days = BTreeMap::new();
    for _ in 0..body.count(17)? {
        let day = Day(body.i32()?);
        let sealed = body.u8()?;
        let sums = read_sums(&mut body)?;
        let state = match sealed {
            1 => LedgerDay::Sealed(Arc::new(sums)),
            0 => LedgerDay::Open(Arc::new(OpenDay {
                sums: Sums {
                    cells: sums.cells.into_iter().map(|(c, h, s)| ((c, h), s)).collect(),
                    venues: sums.venues.into_iter().map(|(v, h, s)| ((v, h), s)).collect(),
                    areas: sums.areas.into_iter().map(|(a, h, n)| ((a, h), n)).collect(),
                },
                cell_people: read_set(&mut body)?,
                venue_people: read_set(&mut body)?,
            })),
            other => return Err(format!("has a day of state {other}")),
        };
        days.insert(day, state);
    }
    body.end()?;
    Ok(Ledger {
        offset,
        days,
        fresh: Fresh {
            everything: true,
            sums: Sums::default(),
        },
    })
}

fn put_sums(out: &mut Vec<u8>, sums: &DaySums) {
    put_count(out, sums.cells.len());
    for (cell, hour, stats) in &sums.cells {
        out.extend_from_slice(&cell.to_u64().to_le_bytes());
        out.extend_from_slice(&hour.0.to_le_bytes());
        for sum in [
            stats.visits,
            stats.people,
            stats.cases,
            stats.declarations,
            stats.symptomatic,
        ] {
            out.extend_from_slice(&sum.to_le_bytes());
        }
    }
    put_count(out, sums.venues.len());
    for (ix, hour, stats) in &sums.venues {
        out.extend_from_slice(&ix.to_le_bytes());
        out.extend_from_slice(&hour.0.to_le_bytes());
        out.extend_from_slice(&stats.visits.to_le_bytes());
        out.extend_from_slice(&stats.people.to_le_bytes());
    }
    put_count(out, sums.areas.len());
    for (code, hour, cases) in &sums.areas {
        put_text(out, code.as_str());
        out.extend_from_slice(&hour.0.to_le_bytes());
        out.extend_from_slice(&cases.to_le_bytes());
    }
}

fn read_sums(body: &mut Body) -> Result<DaySums, String> {
    let mut sums = DaySums::default();
    let cells = body.count(32)?;
    sums.cells.reserve_exact(cells);
    for _ in 0..cells {
        let cell = Cell::from_u64(body.u64()?).map_err(|error| format!("has a bad row: {error}"))?;
        let hour = Hour(body.i32()?);
        let stats = CellStats {
            visits: body.u32()?,
            people: body.u32()?,
            cases: body.u32()?,
            declarations: body.u32()?,
            symptomatic: body.u32()?,
        };
        sums.cells.push((cell, hour, stats));
    }
    let venues = body.count(16)?;
    sums.venues.reserve_exact(venues);
    for _ in 0..venues {
        let (ix, hour) = (body.u32()?, Hour(body.i32()?));
        let stats = VenueStats {
            visits: body.u32()?,
            people: body.u32()?,
        };
        sums.venues.push((ix, hour, stats));
    }
    for _ in 0..body.count(9)? {
        let code = AreaCode::new(body.text()?).map_err(|error| format!("has a bad area code: {error}"))?;
        sums.areas.push((code, Hour(body.i32()?), body.u32()?));
    }
    Ok(sums)
}

fn put_set(out: &mut Vec<u8>, set: &FxHashSet<u64>) {
    let mut sorted: Vec<u64> = set.iter().copied().collect();
    sorted.sort_unstable();
    put_count(out, sorted.len());
    for value in sorted {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

fn read_set(body: &mut Body) -> Result<FxHashSet<u64>, String> {
    let count = body.count(8)?;
    let mut set = FxHashSet::with_capacity_and_hasher(count, rustc_hash::FxBuildHasher);
    for _ in 0..count {
        set.insert(body.u64()?);
    }
    Ok(set)
}
