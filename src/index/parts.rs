use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Weak};

use rayon::prelude::*;

use crate::geo::Cell;
use crate::index::bytes::{self, Body, put_count};
use crate::index::checkpoint::{
    LIMIT_BYTES, ledger_of, put_areas, put_rows, read_areas, read_offset, read_rows,
};
use crate::index::day::{LedgerDay, OpenDay, PackedDay, SealedDay, Sums};
use crate::index::packed::PackedRows;
use crate::index::people::People;
use crate::index::{Checkpoint, InvalidCheckpoint, Ledger};
use crate::model::{AreaCode, Day, Hour, UtcOffset};

const LIST: [u8; 8] = *b"VXLEDG03";
const PART: [u8; 8] = *b"VXLPRT03";

/// Which parts of a ledger have been written, and what they were made of. A day has up to two: a large one of what is
/// packed (with the fingerprints of its people while it is open), which changes when the rest has grown to an eighth of
/// it, and a small one of the rest.
///
/// A part is known by its checksum, and what it was made of by where that stands in memory: whoever changes a day
/// changes another copy than the one that is watched here.
#[derive(Clone, Debug, Default)]
pub struct Written {
    days: BTreeMap<Day, WrittenDay>,
}

#[derive(Clone, Debug)]
struct WrittenDay {
    state: WatchedState,
    settled: Weak<PackedDay>,
    base: Option<Checksum>,
    rest: Checksum,
}

#[derive(Clone, Debug)]
enum WatchedState {
    Open(Weak<OpenDay>),
    Sealed(Weak<SealedDay>),
}

type Checksum = [u8; 32];
/// Keeps a part's bytes under its name.
type PutPart<'a, E> = dyn FnMut(&str, &[u8]) -> Result<(), E> + 'a;

impl Written {
    /// Letters of a part's name, hexadecimal digits all of them.
    pub const NAME_LENGTH: usize = 32;

    /// Whether bytes begin a list of parts of this version, and not a checkpoint in one piece.
    #[must_use]
    pub fn is_list(bytes: &[u8]) -> bool {
        bytes.starts_with(&LIST)
    }

    /// The names of the parts that the last list names.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        let days = self.days.values();
        days.flat_map(|day| day.base.iter().chain([&day.rest]))
            .map(name_of)
            .collect()
    }

    fn has(&self, day: Day, part: &Checksum) -> bool {
        let known = self.days.get(&day);
        known.is_some_and(|known| known.base.as_ref() == Some(part) || known.rest == *part)
    }
}

impl Checkpoint {
    /// Gives `put` the name and the bytes of every part that is not among the written ones, then the bytes of the list
    /// of all parts, and what is written when the list is: to be given the next time. Equal ledgers whose days were
    /// packed at the same moments give equal lists.
    ///
    /// The parts must be on the disk before the list is; one that no list names any more may be deleted.
    ///
    /// # Errors
    /// What `put` says.
    pub fn write_parts<E>(&self, written: &Written, put: &mut PutPart<E>) -> Result<(Vec<u8>, Written), E> {
        let mut now = Written::default();
        let mut list = i32::from(self.offset.hours()).to_le_bytes().to_vec();
        put_count(&mut list, self.days.len());
        for (day, state) in &self.days {
            let old = written.days.get(day);
            let mut part = |body: Vec<u8>| -> Result<Checksum, E> {
                let sealed = bytes::seal(PART, &body);
                drop(body);
                let checksum = bytes::checksum(&sealed).expect("a sealed part has its header");
                if !written.has(*day, &checksum) {
                    put(&name_of(&checksum), &sealed)?;
                }
                Ok(checksum)
            };
            let own = if let Some(old) = old.filter(|old| old.is_of(state)) {
                old.clone()
            } else {
                let base = match old.filter(|old| old.has_base_of(state)) {
                    Some(old) => old.base,
                    None => base_of(*day, state).map(&mut part).transpose()?,
                };
                WrittenDay {
                    state: WatchedState::of(state),
                    settled: Arc::downgrade(settled_of(state)),
                    base,
                    rest: part(rest_of(*day, state, self.offset))?,
                }
            };
            list.extend_from_slice(&day.0.to_le_bytes());
            list.push(u8::from(own.base.is_some()));
            list.extend(own.base.iter().flatten());
            list.extend_from_slice(&own.rest);
            now.days.insert(*day, own);
        }
        Ok((bytes::seal(LIST, &list), now))
    }
}

impl Ledger {
    /// Reads the parts that a list names, each whole as `part` finds it by its name. Several at a time.
    ///
    /// # Errors
    /// [`InvalidCheckpoint`] says what is wrong with the list, or with which part.
    pub fn read_parts(
        list: &[u8],
        part: &(dyn Fn(&str) -> io::Result<Vec<u8>> + Sync),
    ) -> Result<(Self, Written), InvalidCheckpoint> {
        read(list, part).map_err(|reason| InvalidCheckpoint { reason })
    }
}

impl WrittenDay {
    fn is_of(&self, state: &LedgerDay) -> bool {
        match (&self.state, state) {
            (WatchedState::Open(watched), LedgerDay::Open(open)) => watched.as_ptr() == Arc::as_ptr(open),
            (WatchedState::Sealed(watched), LedgerDay::Sealed(sealed)) => {
                watched.as_ptr() == Arc::as_ptr(sealed)
            }
            _ => false,
        }
    }

    /// The packed rows of a day stay when it is sealed; its fingerprints do not.
    fn has_base_of(&self, state: &LedgerDay) -> bool {
        let same_kind = matches!(
            (&self.state, state),
            (WatchedState::Open(_), LedgerDay::Open(_)) | (WatchedState::Sealed(_), LedgerDay::Sealed(_))
        );
        same_kind && self.settled.as_ptr() == Arc::as_ptr(settled_of(state))
    }
}

impl WatchedState {
    fn of(state: &LedgerDay) -> Self {
        match state {
            LedgerDay::Open(open) => Self::Open(Arc::downgrade(open)),
            LedgerDay::Sealed(sealed) => Self::Sealed(Arc::downgrade(sealed)),
        }
    }
}

fn settled_of(state: &LedgerDay) -> &Arc<PackedDay> {
    match state {
        LedgerDay::Open(open) => &open.settled,
        LedgerDay::Sealed(sealed) => &sealed.settled,
    }
}

/// What is packed of a day; `None` when nothing is.
fn base_of(day: Day, state: &LedgerDay) -> Option<Vec<u8>> {
    let settled = settled_of(state);
    let is_bare = settled.cells.len() + settled.venues.len() == 0;
    let mut body = day.0.to_le_bytes().to_vec();
    put_rows(&mut body, settled);
    match state {
        LedgerDay::Open(open) => {
            if is_bare && open.cell_people.has_settled_none() && open.venue_people.has_settled_none() {
                return None;
            }
            open.cell_people.put_settled(&mut body);
            open.venue_people.put_settled(&mut body);
        }
        LedgerDay::Sealed(_) if is_bare => return None,
        LedgerDay::Sealed(_) => {}
    }
    Some(body)
}

fn rest_of(day: Day, state: &LedgerDay, offset: UtcOffset) -> Vec<u8> {
    let mut body = day.0.to_le_bytes().to_vec();
    match state {
        LedgerDay::Open(open) => {
            body.push(0);
            let first = day.first_hour(offset);
            let fresh = PackedDay {
                cells: PackedRows::of(first, open.sums.sorted_cells().into_iter()),
                venues: PackedRows::of(first, open.sums.sorted_venues().into_iter()),
            };
            put_rows(&mut body, &fresh);
            put_areas(&mut body, &open.sums.sorted_areas());
            open.cell_people.put_fresh(&mut body);
            open.venue_people.put_fresh(&mut body);
        }
        LedgerDay::Sealed(sealed) => {
            body.push(1);
            put_areas(&mut body, &sealed.areas);
        }
    }
    body
}

fn name_of(checksum: &Checksum) -> String {
    checksum[..Written::NAME_LENGTH / 2]
        .iter()
        .fold(String::new(), |mut name, byte| {
            write!(name, "{byte:02x}").expect("a string takes all that is written to it");
            name
        })
}

type Part<'a> = &'a (dyn Fn(&str) -> io::Result<Vec<u8>> + Sync);

fn read(list: &[u8], part: Part) -> Result<(Ledger, Written), String> {
    let list = bytes::open(LIST, list, LIMIT_BYTES)?;
    let mut body = Body(&list);
    let offset = read_offset(&mut body)?;
    let mut named: Vec<(Day, Option<Checksum>, Checksum)> = Vec::new();
    for _ in 0..body.count(37)? {
        let (day, has_base) = (Day(body.i32()?), body.u8()? == 1);
        let base = if has_base { Some(body.checksum()?) } else { None };
        named.push((day, base, body.checksum()?));
    }
    body.end()?;
    let read: Vec<(Day, LedgerDay, WrittenDay)> = named
        .into_par_iter()
        .map(|(day, base, rest)| {
            let state = read_day(part, offset, day, base.as_ref(), &rest)?;
            let written = WrittenDay {
                state: WatchedState::of(&state),
                settled: Arc::downgrade(settled_of(&state)),
                base,
                rest,
            };
            Ok((day, state, written))
        })
        .collect::<Result<_, String>>()?;
    let (mut days, mut written) = (BTreeMap::new(), Written::default());
    for (day, state, of_day) in read {
        days.insert(day, state);
        written.days.insert(day, of_day);
    }
    Ok((ledger_of(offset, days), written))
}

fn read_day(
    part: Part,
    offset: UtcOffset,
    day: Day,
    base: Option<&Checksum>,
    rest: &Checksum,
) -> Result<LedgerDay, String> {
    let first = day.first_hour(offset);
    let rest_name = name_of(rest);
    let rest = open_part(part, day, rest)?;
    let mut rest = body_of(&rest, day, &rest_name)?;
    let is_open = match rest.u8()? {
        0 => true,
        1 => false,
        other => return Err(format!("has a day of state {other}")),
    };
    let (mut settled, mut cell_people, mut venue_people) =
        (PackedDay::default(), People::default(), People::default());
    if let Some(base) = base {
        let bytes = open_part(part, day, base)?;
        let mut body = body_of(&bytes, day, &name_of(base))?;
        settled = read_rows(&mut body, first)?;
        if is_open {
            (cell_people, venue_people) = (People::read(&mut body)?, People::read(&mut body)?);
        }
        body.end()?;
    }
    let settled = Arc::new(settled);
    let state = if is_open {
        let fresh = read_rows(&mut rest, first)?;
        let areas = read_areas(&mut rest)?;
        cell_people.read_fresh(&mut rest)?;
        venue_people.read_fresh(&mut rest)?;
        LedgerDay::Open(Arc::new(OpenDay {
            settled,
            sums: sums_of(&fresh, first, areas)?,
            revision: 0,
            cell_people,
            venue_people,
        }))
    } else {
        LedgerDay::Sealed(Arc::new(SealedDay {
            settled,
            areas: read_areas(&mut rest)?,
        }))
    };
    rest.end()?;
    Ok(state)
}

fn sums_of(fresh: &PackedDay, first: Hour, areas: Vec<(AreaCode, Hour, u32)>) -> Result<Sums, String> {
    let cells = fresh.cells.rows(first).map(|(id, hour, stats)| {
        let cell = Cell::from_u64(id).map_err(|error| format!("has a bad row: {error}"))?;
        Ok(((cell, hour), stats))
    });
    let venues = fresh.venues.rows(first);
    Ok(Sums {
        cells: cells.collect::<Result<_, String>>()?,
        venues: venues
            .map(|(ix, hour, stats)| ((ix as u32, hour), stats))
            .collect(),
        areas: areas
            .into_iter()
            .map(|(code, hour, n)| ((code, hour), n))
            .collect(),
    })
}

/// The body of a part, which must be the very one that was written.
fn open_part(part: Part, day: Day, checksum: &Checksum) -> Result<Vec<u8>, String> {
    let name = name_of(checksum);
    let of_it = |reason: String| format!("has a part {name} of {day} that {reason}");
    let sealed = part(&name).map_err(|error| of_it(format!("cannot be read: {error}")))?;
    let body = bytes::open(PART, &sealed, LIMIT_BYTES).map_err(of_it)?;
    if bytes::checksum(&sealed).as_ref() != Some(checksum) {
        return Err(of_it("is another than was written".to_owned()));
    }
    Ok(body)
}

fn body_of<'a>(part: &'a [u8], day: Day, name: &str) -> Result<Body<'a>, String> {
    let mut body = Body(part);
    let own = Day(body.i32()?);
    if own != day {
        return Err(format!("has a part {name} of {own} in the place of one of {day}"));
    }
    Ok(body)
}
