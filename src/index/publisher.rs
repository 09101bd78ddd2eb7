use std::{array, collections::BTreeMap, sync::Arc};

use rustc_hash::FxHashMap;

use crate::geo::{Cell, Resolution, SHARD_RESOLUTION};
use crate::index::changed::Changed;
use crate::index::delta::Delta;
use crate::index::ledger::{LedgerDay, Sums};
use crate::index::roster::Roster;
use crate::index::running::RunningTable;
use crate::index::shard::{Layered, Shard};
use crate::index::snapshot::AreaCases;
use crate::index::{
    AreaFacts, AreaIndex, CellPopulation, Ledger, Release, ReleaseIndex, Snapshot, VenueFacts, VenueIndex,
    ZoneIndex,
};
use crate::model::{Area, AreaCode, CellStats, Day, Hour, Timestamp, UtcOffset, Venue, VenueStats, Zone};

/// Venues whose hours are rebuilt together.
pub(super) const VENUES_PER_BLOCK: usize = 1024;

/// Makes snapshots: holds the registries, takes in facts and releases, and lays the ledger's fresh sums over
/// the last snapshot. One owner; readers hold what [`Publisher::publish`] returned.
#[derive(Debug)]
pub struct Publisher {
    next: Snapshot,
    day: Option<Day>,
    areas_changed: bool,
    delta: Delta,
    /// Whether cells came where there was none.
    first_cells: bool,
    area_rows: BTreeMap<(AreaCode, Hour), u32>,
}

impl Publisher {
    /// Nothing registered, nothing published.
    #[must_use]
    pub fn new(offset: UtcOffset) -> Self {
        Self {
            next: Snapshot::empty(offset),
            day: None,
            areas_changed: false,
            delta: Delta::default(),
            first_cells: false,
            area_rows: BTreeMap::new(),
        }
    }

    /// The venues as the next snapshot will have them: their numbers and cells are what folding needs.
    #[must_use]
    pub fn venues(&self) -> &VenueIndex {
        &self.next.venues
    }

    /// The areas as the next snapshot will have them.
    #[must_use]
    pub fn areas(&self) -> &AreaIndex {
        &self.next.areas
    }

    /// The zones as the next snapshot will have them.
    #[must_use]
    pub fn zones(&self) -> &ZoneIndex {
        &self.next.zones
    }

    /// The releases as the next snapshot will have them.
    #[must_use]
    pub fn releases(&self) -> &ReleaseIndex {
        &self.next.releases
    }

    /// Residents of a cell by the areas of the last publication.
    #[must_use]
    pub fn population(&self, cell: Cell) -> f64 {
        self.next.population.of(cell)
    }

    /// Adds areas or replaces versions of them; venues are placed again at the next publication.
    pub fn put_areas(&mut self, areas: &[Area]) {
        self.next.areas = self.next.areas.with(areas);
        self.areas_changed = true;
        self.delta.areas = true;
    }

    /// Registers venues or replaces their registration, found in the areas as of `day`. New venues get the next
    /// numbers in the order given: after a restart give them in the order of first registration.
    pub fn put_venues(&mut self, venues: &[Venue], day: Day) {
        self.next.venues.put(venues, &self.next.areas, day);
        let numbers = venues.iter().filter_map(|venue| self.next.venues.ix(&venue.id));
        self.delta.venues.extend(numbers);
        self.delta.registrations |= !venues.is_empty();
    }

    /// Adds zones or replaces them by a higher version.
    pub fn put_zones(&mut self, zones: &[Zone]) {
        self.next.zones = self.next.zones.with(zones);
        self.delta.zones = true;
    }

    /// Takes in a release.
    pub fn put_release(&mut self, release: &Release) {
        self.next.releases.put(release);
        self.delta.releases = true;
    }

    /// Replaces the facts of some venues.
    pub fn set_venue_facts(&mut self, facts: impl IntoIterator<Item = (u32, VenueFacts)>) {
        let changed = self.next.venues.set_facts(facts);
        self.delta.venues.extend(changed);
    }

    /// Replaces the facts of the versions of some areas that are valid on `day`.
    pub fn set_area_facts(&mut self, facts: impl IntoIterator<Item = (AreaCode, AreaFacts)>, day: Day) {
        self.delta.areas |= self.next.areas.set_facts(facts, day);
    }

    /// Publishes: the next generation, with everything that came into the ledger since the last.
    /// The work is in proportion to what is fresh, unless days were loaded, replaced or dropped, or areas changed.
    pub fn publish(&mut self, ledger: &mut Ledger, as_of: Timestamp) -> Arc<Snapshot> {
        let day = Day::of(as_of, self.next.offset);
        let moved_on = self
            .day
            .is_some_and(|last| last != day && self.next.areas.changes_between(last, day));
        let areas_changed = std::mem::take(&mut self.areas_changed) || moved_on;
        self.day = Some(day);
        if areas_changed {
            self.next.venues.relocate(&self.next.areas, day);
            self.delta.every_venue = true;
            self.delta.areas = true;
            self.next.population = Arc::new(CellPopulation::new(&self.next.areas, day));
        }
        let fresh = ledger.take_fresh();
        // Should the work below panic, the next publication reads everything again.
        ledger.mark_stale();
        if fresh.everything || areas_changed {
            self.delta.every_cell = true;
            self.delta.areas = true;
            self.rebuild(ledger);
        } else {
            self.delta.cells.extend(fresh.sums.cells.keys().map(|key| key.0));
            self.delta.areas |= !fresh.sums.areas.is_empty();
            self.lay_over(&fresh.sums);
        }
        ledger.mark_fresh();
        self.next.generation += 1;
        self.next.as_of = as_of;
        self.note_changes();
        Arc::new(self.next.clone())
    }

    /// Writes down which parts this generation changed.
    fn note_changes(&mut self) {
        let delta = std::mem::take(&mut self.delta);
        let generation = self.next.generation;
        if delta.every_cell || self.first_cells {
            self.next.cells_rebuilt = generation;
        }
        self.first_cells = false;
        let versions = &mut self.next.versions;
        for (changed, version) in [
            (delta.every_cell || !delta.cells.is_empty(), &mut versions.cells),
            (
                delta.every_venue || !delta.venues.is_empty(),
                &mut versions.venues,
            ),
            (delta.registrations, &mut versions.registrations),
            (delta.areas, &mut versions.areas),
            (delta.zones, &mut versions.zones),
            (delta.releases, &mut versions.releases),
        ] {
            if changed {
                *version = generation;
            }
        }
        self.next.deltas.push(generation, delta);
    }

    fn rebuild(&mut self, ledger: &Ledger) {
        let (mut cells, mut venues) = (Vec::new(), Vec::new());
        self.area_rows.clear();
        for state in ledger.days.values() {
            match state {
                LedgerDay::Open(open) => {
                    cells.extend(open.sums.cells.iter().map(|(key, s)| (key.0.to_u64(), key.1, *s)));
                    venues.extend(
                        open.sums
                            .venues
                            .iter()
                            .map(|(key, s)| (u64::from(key.0), key.1, *s)),
                    );
                    for (key, count) in &open.sums.areas {
                        *self.area_rows.entry(key.clone()).or_default() += count;
                    }
                }
                LedgerDay::Sealed(sums) => {
                    cells.extend(sums.cells.iter().map(|row| (row.0.to_u64(), row.1, row.2)));
                    venues.extend(sums.venues.iter().map(|row| (u64::from(row.0), row.1, row.2)));
                    for (code, hour, count) in &sums.areas {
                        *self.area_rows.entry((code.clone(), *hour)).or_default() += count;
                    }
                }
            }
        }
        self.next.shards = Arc::default();
        self.next.venue_blocks = Arc::default();
        self.put_cells(cells);
        self.put_visits(venues);
        self.sum_areas();
    }

    fn lay_over(&mut self, fresh: &Sums) {
        self.put_cells(
            fresh
                .cells
                .iter()
                .map(|(key, s)| (key.0.to_u64(), key.1, *s))
                .collect(),
        );
        self.put_visits(
            fresh
                .venues
                .iter()
                .map(|(key, s)| (u64::from(key.0), key.1, *s))
                .collect(),
        );
        if !fresh.areas.is_empty() {
            for (key, count) in &fresh.areas {
                *self.area_rows.entry(key.clone()).or_default() += count;
            }
            self.sum_areas();
        }
    }

    fn put_cells(&mut self, rows: Vec<(u64, Hour, CellStats)>) {
        let mut by_shard: FxHashMap<Cell, Vec<(u64, Hour, CellStats)>> = FxHashMap::default();
        for row in rows {
            let shard = Cell::from_u64(row.0)
                .ok()
                .and_then(|cell| cell.parent(SHARD_RESOLUTION));
            if let Some(shard) = shard {
                by_shard.entry(shard).or_default().push(row);
            }
        }
        if by_shard.is_empty() {
            return;
        }
        let before = self.next.shards.len();
        let (population, generation) = (&self.next.population, self.next.generation + 1);
        let is_anew = self.next.shards.is_empty();
        self.first_cells |= is_anew;
        let mut shards = Vec::clone(&self.next.shards);
        for (id, mut rows) in by_shard {
            rows.sort_unstable_by_key(|row| (row.0, row.1));
            match shards.binary_search_by_key(&id, |(known, _)| *known) {
                Ok(at) => shards[at].1 = Arc::new(shards[at].1.with(rows, population, generation)),
                Err(at) => {
                    let changed = if is_anew {
                        Changed::default()
                    } else {
                        Changed::default().with(&rows, generation)
                    };
                    let shard = Shard::from_sorted(rows, population, changed);
                    shards.insert(at, (id, Arc::new(shard)));
                }
            }
        }
        if shards.len() != before {
            self.next.above = Arc::new(array::from_fn(|resolution| {
                let resolution = Resolution::new(resolution as u8).expect("0..=3");
                let mut cells: Vec<Cell> = shards
                    .iter()
                    .filter_map(|(id, _)| id.parent(resolution))
                    .collect();
                cells.dedup();
                Roster::of(cells, &Roster::default(), population)
            }));
        }
        self.next.shards = Arc::new(shards);
    }

    fn put_visits(&mut self, mut rows: Vec<(u64, Hour, VenueStats)>) {
        if rows.is_empty() {
            return;
        }
        rows.sort_unstable_by_key(|row| (row.0, row.1));
        let mut blocks = Vec::clone(&self.next.venue_blocks);
        let block_of = |row: &(u64, Hour, VenueStats)| row.0 as usize / VENUES_PER_BLOCK;
        for of_block in rows.chunk_by(|a, b| block_of(a) == block_of(b)) {
            let at = block_of(&of_block[0]);
            if blocks.len() <= at {
                blocks.resize(at + 1, Layered::default());
            }
            blocks[at] = blocks[at].with(of_block);
        }
        self.next.venue_blocks = Arc::new(blocks);
    }

    fn sum_areas(&mut self) {
        let mut codes: Vec<AreaCode> = Vec::new();
        let mut rows = Vec::with_capacity(self.area_rows.len());
        for ((code, hour), count) in &self.area_rows {
            if codes.last() != Some(code) {
                codes.push(code.clone());
            }
            rows.push((codes.len() as u64 - 1, *hour, *count));
        }
        self.next.area_cases = Arc::new(AreaCases {
            codes,
            table: RunningTable::from_sorted(&rows),
        });
    }
}
