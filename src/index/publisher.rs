use std::{array, sync::Arc};

use rustc_hash::FxHashMap;

use crate::geo::{Cell, Resolution, SHARD_RESOLUTION};
use crate::index::changed::Changed;
use crate::index::day::{LedgerDay, Sums};
use crate::index::delta::Delta;
use crate::index::layered::Layered;
use crate::index::rebuild::{Shards, rebuild};
use crate::index::roster::Roster;
use crate::index::shard::{CellRows, Shard};
use crate::index::{
    AreaFacts, AreaIndex, CellPopulation, Ledger, Release, ReleaseIndex, Snapshot, VenueFacts, VenueIndex,
    ZoneIndex,
};
use crate::model::{Area, AreaCode, Day, Hour, Timestamp, UtcOffset, Venue, VenueStats, Zone};

/// Venues whose hours are rebuilt together.
pub(super) const VENUES_PER_BLOCK: usize = 1024;
/// How many rows one publication may merge beside those that it must: shards that grow alike are due together, and
/// nobody should wait for all of them. Some tens of milliseconds.
const MERGED_AT_ONCE: usize = 1_000_000;

/// Makes snapshots: holds the registries, takes in facts and releases, and lays the ledger's fresh sums over
/// the last snapshot. One owner; readers hold what [`Publisher::publish`] returned.
#[derive(Debug)]
pub struct Publisher {
    next: Snapshot,
    day: Option<Day>,
    areas_changed: bool,
    /// Whether areas came after venues: those must be placed again.
    misplaced: bool,
    delta: Delta,
    /// Whether cells came where there was none.
    first_cells: bool,
}

impl Publisher {
    /// Nothing registered, nothing published.
    #[must_use]
    pub fn new(offset: UtcOffset) -> Self {
        Self {
            next: Snapshot::empty(offset),
            day: None,
            areas_changed: false,
            misplaced: false,
            delta: Delta::default(),
            first_cells: false,
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

    /// Residents of cells by the areas of the last publication.
    #[must_use]
    pub fn population(&self) -> &Arc<CellPopulation> {
        &self.next.population
    }

    /// Adds areas or replaces versions of them; venues are placed again at the next publication.
    pub fn put_areas(&mut self, areas: &[Area]) {
        self.next.areas = self.next.areas.with(areas);
        self.areas_changed = true;
        self.misplaced |= !self.next.venues.is_empty();
        self.delta.areas = true;
    }

    /// Registers venues or replaces their registration, found in the areas as of `day`. New venues get the next
    /// numbers in the order given: after a restart give them in the order of first registration.
    pub fn put_venues(&mut self, venues: &[Venue], day: Day) {
        self.day.get_or_insert(day);
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

    /// Takes in all releases at once, in the place of those that are known.
    pub fn set_releases(&mut self, releases: ReleaseIndex) {
        self.next.releases = releases;
        self.delta.releases = true;
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

    /// Takes note that officials' levels of cells follow from another rule than before.
    pub fn rule_of_cells_changed(&mut self) {
        self.delta.every_cell = true;
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
        if std::mem::take(&mut self.misplaced) || moved_on {
            self.next.venues.relocate(&self.next.areas, day);
        }
        if areas_changed {
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
        let (shards, blocks) = rebuild(ledger, &self.next.population);
        self.put_shards(shards);
        self.next.venue_blocks = Arc::new(blocks);

        self.next.area_codes = Arc::default();
        self.next.area_cases = Layered::default();
        self.put_area_cases(
            ledger
                .days
                .values()
                .flat_map(LedgerDay::area_rows)
                .map(|(code, hour, cases)| ((code, hour), cases)),
        );
    }

    fn lay_over(&mut self, fresh: &Sums) {
        let mut budget = MERGED_AT_ONCE;
        self.put_cells(
            fresh
                .cells
                .iter()
                .map(|(key, s)| (key.0.to_u64(), key.1, *s))
                .collect(),
            &mut budget,
        );
        self.put_visits(
            fresh
                .venues
                .iter()
                .map(|(key, s)| (u64::from(key.0), key.1, *s))
                .collect(),
            &mut budget,
        );
        self.put_area_cases(fresh.areas.iter().map(|(key, cases)| (key.clone(), *cases)));
    }

    fn put_cells(&mut self, rows: CellRows, budget: &mut usize) {
        let mut by_shard: FxHashMap<Cell, CellRows> = FxHashMap::default();
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
        let (population, generation) = (&self.next.population, self.next.generation + 1);
        let is_anew = self.next.shards.is_empty();
        self.first_cells |= is_anew;
        let mut shards = Vec::clone(&self.next.shards);
        for (id, mut rows) in by_shard {
            rows.sort_unstable_by_key(|row| (row.0, row.1));
            match shards.binary_search_by_key(&id, |(known, _)| *known) {
                Ok(at) => shards[at].1 = Arc::new(shards[at].1.with(rows, population, budget, generation)),
                Err(at) => {
                    let changed = if is_anew {
                        Changed::default()
                    } else {
                        Changed::default().with(&rows, generation)
                    };
                    let shard = Shard::from_sorted(&mut rows, &mut Vec::new(), population, changed);
                    shards.insert(at, (id, Arc::new(shard)));
                }
            }
        }
        self.put_shards(shards);
    }

    fn put_shards(&mut self, shards: Shards) {
        let ids = |shards: &[(Cell, Arc<Shard>)]| shards.iter().map(|(id, _)| *id).collect::<Vec<_>>();
        let (old, new) = (ids(&self.next.shards), ids(&shards));
        // Residents too: after areas changed all shards are others, and so are these.
        if old != new || self.delta.every_cell {
            let population = &self.next.population;
            self.next.above = Arc::new(array::from_fn(|resolution| {
                let resolution = Resolution::new(resolution as u8).expect("0..=3");
                let mut cells: Vec<Cell> = new.iter().filter_map(|id| id.parent(resolution)).collect();
                cells.dedup();
                Roster::of(&cells, &Roster::default(), population)
            }));
        }
        self.next.shards = Arc::new(shards);
    }

    fn put_visits(&mut self, mut rows: Vec<(u64, Hour, VenueStats)>, budget: &mut usize) {
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
            blocks[at] = blocks[at].with(of_block, budget);
        }
        self.next.venue_blocks = Arc::new(blocks);
    }

    /// Adds counted cases of areas; each code gets a number when it is first seen.
    fn put_area_cases(&mut self, cases: impl Iterator<Item = ((AreaCode, Hour), u32)>) {
        let mut rows: Vec<(u64, Hour, u32)> = Vec::new();
        for ((code, hour), count) in cases {
            let codes = &self.next.area_codes;
            let number = codes.get(&code).copied().unwrap_or(codes.len() as u64);
            if number == codes.len() as u64 {
                Arc::make_mut(&mut self.next.area_codes).insert(code, number);
            }
            rows.push((number, hour, count));
        }
        rows.sort_unstable_by_key(|row| (row.0, row.1));
        let mut unbounded = usize::MAX;
        self.next.area_cases = self.next.area_cases.with(&rows, &mut unbounded);
    }
}
