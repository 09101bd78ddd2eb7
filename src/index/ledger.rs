use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::geo::Cell;
use crate::index::DaySums;
use crate::index::day::{LedgerDay, OpenDay, PackedDay, SealedDay, Sums};
use crate::index::packed::PackedRows;
use crate::model::{
    AreaCode, CellStats, CheckIn, Day, Declaration, Direction, Event, Hour, PersonId, UtcOffset, VenueStats,
};

/// The sums of everything that happened, per (cell of the base resolution, hour), (venue, hour) and
/// (area, hour). Folding commutes: any order and any split of the same distinct events gives the same ledger.
///
/// Distinct people are counted per local day by 64-bit fingerprints of (place, pseudonym), which live as
/// long as the day is open, and are booked in the day's first bucket. Only arrivals count people. Two people
/// share a fingerprint by chance with probability n²/2⁶⁵: 1 in 90,000 for a day of 20 million check-ins.
///
/// Venue numbers are those of `VenueIndex`: the order of first registration, the same after every restart.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(super) offset: UtcOffset,
    pub(super) days: BTreeMap<Day, LedgerDay>,
    pub(super) fresh: Fresh,
    pub(super) cases: CaseTurns,
}

/// How often cases came into each day, and how often into any, since the ledger was read.
#[derive(Clone, Debug, Default)]
pub(super) struct CaseTurns {
    every_day: u64,
    days: BTreeMap<Day, u64>,
}

/// What came in since the last publication: small sums to lay over what is published, or word that
/// everything must be read again.
#[derive(Clone, Debug, Default)]
pub(super) struct Fresh {
    pub(super) everything: bool,
    pub(super) sums: Sums,
}

/// Which figures changed since the last publication; each list ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Days were loaded, replaced or dropped: take everything as changed. The lists are empty then.
    pub everything: bool,
    /// Cells of the base resolution.
    pub cells: Vec<Cell>,
    /// Venue numbers.
    pub venues: Vec<u32>,
    /// Areas with new cases.
    pub areas: Vec<AreaCode>,
}

impl Ledger {
    /// An empty ledger whose local days lie at `offset`.
    #[must_use]
    pub fn new(offset: UtcOffset) -> Self {
        Self {
            offset,
            days: BTreeMap::new(),
            // Nothing is published yet: the first publication reads everything anyway.
            fresh: Fresh {
                everything: true,
                sums: Sums::default(),
            },
            cases: CaseTurns::default(),
        }
    }

    /// Where local days begin.
    #[must_use]
    pub fn offset(&self) -> UtcOffset {
        self.offset
    }

    /// Counts a check-in at a venue and in the venue's cell. `false`, and nothing counted, when its day is sealed.
    pub fn fold_check_in(&mut self, venue_ix: u32, cell: Cell, hour: Hour, event: &Event<CheckIn>) -> bool {
        let record = &event.record;
        self.fold_visit(
            venue_ix,
            cell,
            hour,
            record.direction,
            record.party_size,
            record.person,
        )
    }

    /// The same from the parts of a check-in, for replay.
    pub fn fold_visit(
        &mut self,
        venue_ix: u32,
        cell: Cell,
        hour: Hour,
        direction: Direction,
        party_size: u16,
        person: Option<PersonId>,
    ) -> bool {
        let at_venue = VenueStats::of_check_in(direction, party_size);
        if at_venue.visits == 0 {
            return !self.is_sealed(hour.day(self.offset));
        }
        let in_cell = CellStats::of_check_in(direction, party_size);
        let first = hour.day(self.offset).first_hour(self.offset);
        let Some((open, mut fresh)) = self.open(hour) else {
            return false;
        };
        add_cell(&mut open.sums, &mut fresh, cell, hour, in_cell);
        add_venue(&mut open.sums, &mut fresh, venue_ix, hour, at_venue);
        if let Some(person) = person {
            if open.cell_people.insert(fingerprint(cell.to_u64(), person)) {
                add_cell(&mut open.sums, &mut fresh, cell, first, CellStats::of_person());
            }
            if open.venue_people.insert(fingerprint(u64::from(venue_ix), person)) {
                add_venue(
                    &mut open.sums,
                    &mut fresh,
                    venue_ix,
                    first,
                    VenueStats::of_person(),
                );
            }
        }
        true
    }

    /// Counts a declaration made from a home in the cell. `false` when its day is sealed.
    pub fn fold_declaration(&mut self, cell: Cell, hour: Hour, declaration: &Declaration) -> bool {
        let Some((open, mut fresh)) = self.open(hour) else {
            return false;
        };
        add_cell(
            &mut open.sums,
            &mut fresh,
            cell,
            hour,
            CellStats::of_declaration(declaration),
        );
        true
    }

    /// Counts a case (the caller asked [`Event::counts`]) in its cell, if known, and in each area of the chain
    /// (its own and those above). `false` when its day is sealed: then it counts in the areas only, whose sums
    /// follow the stored cases and not the history.
    pub fn fold_case(&mut self, cell: Option<Cell>, areas: &[AreaCode], hour: Hour) -> bool {
        *self.cases.days.entry(hour.day(self.offset)).or_default() += 1;
        for code in areas {
            self.add_area(code, hour);
        }
        let Some((open, mut fresh)) = self.open(hour) else {
            return false;
        };
        if let Some(cell) = cell {
            add_cell(&mut open.sums, &mut fresh, cell, hour, CellStats::of_case());
        }
        true
    }

    /// Replaces every area's sums by those of the given cases: for when the areas themselves have changed.
    pub fn set_area_cases<'a>(&mut self, cases: impl IntoIterator<Item = (Hour, &'a [AreaCode])>) {
        for day in self.days.values_mut() {
            match day {
                LedgerDay::Open(open) => Arc::make_mut(open).sums.areas.clear(),
                LedgerDay::Sealed(sums) if sums.areas.is_empty() => {}
                LedgerDay::Sealed(sums) => Arc::make_mut(sums).areas.clear(),
            }
        }
        self.fresh = everything();
        self.cases.every_day += 1;
        for (hour, areas) in cases {
            for code in areas {
                self.add_area(code, hour);
            }
        }
    }

    /// Packs what came lately into an open day with the rest of it: to go through it many times.
    pub fn settle(&mut self, day: Day) {
        if let Some(LedgerDay::Open(open)) = self.days.get_mut(&day) {
            Arc::make_mut(open).settle(day.first_hour(self.offset));
        }
    }

    /// Closes a day for good: its fingerprints go, its sums stay.
    pub fn seal(&mut self, day: Day) {
        let entry = self
            .days
            .entry(day)
            .or_insert_with(|| LedgerDay::Sealed(Arc::default()));
        if let LedgerDay::Open(open) = entry {
            let open = Arc::make_mut(open);
            open.settle(day.first_hour(self.offset));
            *entry = LedgerDay::Sealed(Arc::new(SealedDay {
                settled: Arc::clone(&open.settled),
                areas: open.sums.sorted_areas(),
            }));
        }
    }

    /// Replaces a whole day by given sums and seals it: for backfill and for loading the history.
    /// Repeating it counts nothing twice.
    pub fn set_day(&mut self, day: Day, mut sums: DaySums) {
        sums.normalise();
        let first = day.first_hour(self.offset);
        let settled = PackedDay {
            cells: PackedRows::of(first, sums.cells.iter().map(|row| (row.0.to_u64(), row.1, row.2))),
            venues: PackedRows::of(
                first,
                sums.venues.iter().map(|row| (u64::from(row.0), row.1, row.2)),
            ),
        };
        let sealed = SealedDay {
            settled: Arc::new(settled),
            areas: sums.areas,
        };
        self.days.insert(day, LedgerDay::Sealed(Arc::new(sealed)));
        *self.cases.days.entry(day).or_default() += 1;
        self.fresh = everything();
    }

    /// Forgets a day.
    pub fn drop_day(&mut self, day: Day) {
        if self.days.remove(&day).is_some() {
            *self.cases.days.entry(day).or_default() += 1;
            self.fresh = everything();
        }
    }

    /// Whether the day takes no more events.
    #[must_use]
    pub fn is_sealed(&self, day: Day) -> bool {
        matches!(self.days.get(&day), Some(LedgerDay::Sealed(_)))
    }

    /// The days that hold anything, ascending, and whether each is sealed.
    pub fn days(&self) -> impl Iterator<Item = (Day, bool)> {
        self.days
            .iter()
            .map(|(day, state)| (*day, matches!(state, LedgerDay::Sealed(_))))
    }

    /// Another number after each event of a day; `None` when the day takes no more events, or has none. Counts from the
    /// start of the program.
    #[must_use]
    pub fn revision(&self, day: Day) -> Option<u64> {
        match self.days.get(&day)? {
            LedgerDay::Open(open) => Some(open.revision),
            LedgerDay::Sealed(_) => None,
        }
    }

    /// Other numbers after each case of a day, and after each day that is replaced. They count from the start of the program.
    #[must_use]
    pub fn case_revision(&self, day: Day) -> (u64, u64) {
        let of_day = self.cases.days.get(&day).copied().unwrap_or(0);
        (self.cases.every_day, of_day)
    }

    /// The sums of a day as they stand; empty when nothing happened.
    #[must_use]
    pub fn day_sums(&self, day: Day) -> DaySums {
        let Some(state) = self.days.get(&day) else {
            return DaySums::default();
        };
        DaySums {
            cells: self.day_cells(day).collect(),
            venues: self.day_venues(day).collect(),
            areas: state.area_rows(),
        }
    }

    /// The sums of a day's venues as they stand, sorted by number and hour, one after the other.
    pub fn day_venues(&self, day: Day) -> impl Iterator<Item = (u32, Hour, VenueStats)> {
        let first = day.first_hour(self.offset);
        let rows = self.days.get(&day).map(|state| state.venue_rows(first));
        let rows = rows.into_iter().flatten();
        rows.map(|(ix, hour, stats)| (ix as u32, hour, stats))
    }

    /// The sums of a day's cells as they stand, sorted by cell and hour, one after the other.
    pub fn day_cells(&self, day: Day) -> impl Iterator<Item = (Cell, Hour, CellStats)> {
        let first = day.first_hour(self.offset);
        let rows = self.days.get(&day).map(|state| state.cell_rows(first));
        rows.into_iter()
            .flatten()
            .filter_map(|(id, hour, stats)| Some((Cell::from_u64(id).ok()?, hour, stats)))
    }

    /// A day's counted cases by area and hour, sorted.
    #[must_use]
    pub fn day_areas(&self, day: Day) -> Vec<(AreaCode, Hour, u32)> {
        self.days.get(&day).map_or_else(Vec::new, LedgerDay::area_rows)
    }

    /// What changed since the last publication.
    #[must_use]
    pub fn touched(&self) -> Touched {
        if self.fresh.everything {
            return Touched {
                everything: true,
                ..Touched::default()
            };
        }
        let sums = &self.fresh.sums;
        let cells: BTreeSet<Cell> = sums.cells.keys().map(|key| key.0).collect();
        let venues: BTreeSet<u32> = sums.venues.keys().map(|key| key.0).collect();
        let areas: BTreeSet<&AreaCode> = sums.areas.keys().map(|key| &key.0).collect();
        Touched {
            everything: false,
            cells: cells.into_iter().collect(),
            venues: venues.into_iter().collect(),
            areas: areas.into_iter().cloned().collect(),
        }
    }

    /// Takes what is to be laid over the last publication.
    pub(super) fn take_fresh(&mut self) -> Fresh {
        std::mem::take(&mut self.fresh)
    }

    /// The next publication must read everything.
    pub(super) fn mark_stale(&mut self) {
        self.fresh = everything();
    }

    /// Everything is published.
    pub(super) fn mark_fresh(&mut self) {
        self.fresh = Fresh::default();
    }

    /// The open day of a bucket and, unless everything is read again anyway, the sums since the last publication.
    fn open(&mut self, hour: Hour) -> Option<(&mut OpenDay, Option<&mut Sums>)> {
        let day = self
            .days
            .entry(hour.day(self.offset))
            .or_insert_with(|| LedgerDay::Open(Arc::default()));
        let fresh = if self.fresh.everything {
            None
        } else {
            Some(&mut self.fresh.sums)
        };
        match day {
            LedgerDay::Open(open) => {
                let open = Arc::make_mut(open);
                open.revision += 1;
                if open.has_grown() {
                    open.settle(hour.day(self.offset).first_hour(self.offset));
                }
                Some((open, fresh))
            }
            LedgerDay::Sealed(_) => None,
        }
    }

    fn add_area(&mut self, code: &AreaCode, hour: Hour) {
        let day = self
            .days
            .entry(hour.day(self.offset))
            .or_insert_with(|| LedgerDay::Open(Arc::default()));
        match day {
            LedgerDay::Open(open) => {
                *Arc::make_mut(open)
                    .sums
                    .areas
                    .entry((code.clone(), hour))
                    .or_default() += 1;
            }
            LedgerDay::Sealed(sums) => {
                let rows = &mut Arc::make_mut(sums).areas;
                match rows.binary_search_by(|row| (&row.0, row.1).cmp(&(code, hour))) {
                    Ok(at) => rows[at].2 += 1,
                    Err(at) => rows.insert(at, (code.clone(), hour, 1)),
                }
            }
        }
        if !self.fresh.everything {
            *self.fresh.sums.areas.entry((code.clone(), hour)).or_default() += 1;
        }
    }
}

fn everything() -> Fresh {
    Fresh {
        everything: true,
        sums: Sums::default(),
    }
}

fn add_cell(sums: &mut Sums, fresh: &mut Option<&mut Sums>, cell: Cell, hour: Hour, stats: CellStats) {
    *sums.cells.entry((cell, hour)).or_default() += stats;
    if let Some(fresh) = fresh {
        *fresh.cells.entry((cell, hour)).or_default() += stats;
    }
}

fn add_venue(sums: &mut Sums, fresh: &mut Option<&mut Sums>, ix: u32, hour: Hour, stats: VenueStats) {
    *sums.venues.entry((ix, hour)).or_default() += stats;
    if let Some(fresh) = fresh {
        *fresh.venues.entry((ix, hour)).or_default() += stats;
    }
}

/// 64 bits of (place, pseudonym). Pseudonyms are HMACs, so already uniform; two rounds of multiply-and-fold
/// keep places apart. Written here, not a crate's hash: checkpoints hold it, so it may never change.
fn fingerprint(place: u64, person: PersonId) -> u64 {
    let bits = u128::from_le_bytes(person.0);
    let fold = |a: u64, b: u64| {
        let wide = u128::from(a) * u128::from(b);
        (wide as u64) ^ ((wide >> 64) as u64)
    };
    let place = fold(place ^ 0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93);
    let low = fold(bits as u64 ^ place, 0xa076_1d64_78bd_642f);
    fold(low ^ (bits >> 64) as u64, 0xe703_7ed1_a0b4_28db) ^ low.rotate_left(32)
}
