use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::geo::{BBox, Cell, Resolution, SHARD_RESOLUTION};
use crate::index::delta::{Delta, Deltas};
use crate::index::layered::{Layered, by_hour};
use crate::index::publisher::VENUES_PER_BLOCK;
use crate::index::roster::Roster;
use crate::index::shard::Shard;
use crate::index::waiting::Waiting;
use crate::index::{AreaIndex, AreaReportIndex, CellPopulation, ReleaseIndex, VenueIndex, ZoneIndex};
use crate::model::{AreaCode, CellStats, Hour, Timestamp, UtcOffset, VenueStats, Window};

/// Everything a reader may ask, as of one moment. Never changes after it is published; readers hold an
/// `Arc` of it and no lock. The figures of cells, venues and areas here are exact: they are for officials
/// and analysts. What the public may see of them is in [`Snapshot::releases`].
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(super) generation: u64,
    pub(super) as_of: Timestamp,
    pub(super) offset: UtcOffset,
    /// One per cell of resolution 4, ascending.
    pub(super) shards: Arc<Vec<(Cell, Arc<Shard>)>>,
    /// The cells of resolutions 0..=3 above the shards.
    pub(super) above: Arc<[Roster; 4]>,
    /// What is published and not yet laid over the shards.
    pub(super) waiting_cells: Waiting<CellStats>,
    pub(super) venue_blocks: Arc<Vec<Layered<VenueStats>>>,
    /// The same of the blocks.
    pub(super) waiting_visits: Waiting<VenueStats>,
    /// The number of each area in `area_cases`.
    pub(super) area_codes: Arc<FxHashMap<AreaCode, u64>>,
    pub(super) area_cases: Layered<u32>,
    pub(super) population: Arc<CellPopulation>,
    pub(super) venues: VenueIndex,
    pub(super) areas: AreaIndex,
    pub(super) area_reports: AreaReportIndex,
    /// By exact counts, at `as_of`.
    pub(super) exact_levels: Arc<FxHashMap<AreaCode, u8>>,
    pub(super) zones: ZoneIndex,
    pub(super) releases: ReleaseIndex,
    pub(super) deltas: Deltas,
    pub(super) versions: Versions,
    /// The generation that last built all sums of cells anew.
    pub(super) cells_rebuilt: u64,
}

/// In which generation each part last changed. Parts of equal versions are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Versions {
    /// The exact sums of cells.
    pub cells: u64,
    /// Venues and their facts.
    pub venues: u64,
    /// Registrations of venues, without their facts.
    pub registrations: u64,
    /// Areas, their facts and exact counts.
    pub areas: u64,
    /// Zones.
    pub zones: u64,
    /// What the public may see.
    pub releases: u64,
}

/// A cell's exact sums in a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellFigure {
    /// The cell.
    pub cell: Cell,
    /// Its sums.
    pub stats: CellStats,
    /// Residents apportioned by land area, see [`CellPopulation`].
    pub population: f64,
}

impl Snapshot {
    /// Nothing at all: generation 0.
    #[must_use]
    pub fn empty(offset: UtcOffset) -> Self {
        Self {
            generation: 0,
            as_of: Timestamp(0),
            offset,
            shards: Arc::default(),
            above: Arc::default(),
            waiting_cells: Waiting::default(),
            venue_blocks: Arc::default(),
            waiting_visits: Waiting::default(),
            area_codes: Arc::default(),
            area_cases: Layered::default(),
            population: Arc::default(),
            venues: VenueIndex::default(),
            areas: AreaIndex::default(),
            area_reports: AreaReportIndex::default(),
            exact_levels: Arc::default(),
            zones: ZoneIndex::default(),
            releases: ReleaseIndex::default(),
            deltas: Deltas::default(),
            versions: Versions::default(),
            cells_rebuilt: 0,
        }
    }

    /// Its number: each publication is one more than the last.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// What may differ from an earlier generation of the same run; `None` when that is too long ago to say.
    #[must_use]
    pub fn since(&self, generation: u64) -> Option<Delta> {
        self.deltas.since(generation)
    }

    /// In which generation each part last changed.
    #[must_use]
    pub fn versions(&self) -> Versions {
        self.versions
    }

    /// The level that exact counts give to an area valid at [`Snapshot::as_of`]: 0 where there is none. Not for the public.
    #[must_use]
    pub fn exact_level(&self, code: &AreaCode) -> u8 {
        self.exact_levels.get(code).copied().unwrap_or(0)
    }

    /// When it was published, by the server's clock.
    #[must_use]
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// Where local days begin.
    #[must_use]
    pub fn offset(&self) -> UtcOffset {
        self.offset
    }

    /// The exact sums of a cell (resolution 0..=9; nothing is known of finer ones) in a window.
    #[must_use]
    pub fn cell_stats(&self, cell: Cell, window: Window) -> CellStats {
        let mut sum = self.waiting_cells.below(cell).sum(window);
        if cell.resolution() < SHARD_RESOLUTION {
            for (id, shard) in self.shards_below(cell) {
                sum += shard.sum(*id, window);
            }
        } else if let Some(shard) = self.shard_of(cell) {
            sum += shard.sum(cell, window);
        }
        sum
    }

    /// The cells of a resolution (0..=9) that touch the box (by each hexagon's own box) and where something
    /// happened in the window; ascending.
    #[must_use]
    pub fn cells_in(&self, bbox: &BBox, resolution: Resolution, window: Window) -> Vec<CellFigure> {
        let mut found = Vec::new();
        self.visit(bbox, resolution, [window], &mut |cell, [stats], population| {
            found.push(CellFigure {
                cell,
                stats,
                population,
            });
        });
        found
    }

    /// Calls `each` with the same cells and each one's sums in a second window.
    pub fn visit_cells_in_two(
        &self,
        bbox: &BBox,
        resolution: Resolution,
        [window, other]: [Window; 2],
        mut each: impl FnMut(CellFigure, CellStats),
    ) {
        self.visit(
            bbox,
            resolution,
            [window, other],
            &mut |cell, [stats, second], population| {
                let figure = CellFigure {
                    cell,
                    stats,
                    population,
                };
                each(figure, second);
            },
        );
    }

    /// The cells of a resolution (0..=9) in which anything is counted in one of the windows; ascending. Looks only below
    /// the given cells of the next coarser resolution, which ascend too (at resolution 0 everywhere).
    #[must_use]
    pub fn cells_with_any(&self, above: &[Cell], resolution: Resolution, windows: &[Window]) -> Vec<Cell> {
        let waits = |cell: &Cell| self.waiting_cells.below(*cell).has_any(windows);
        let in_shards = |cell: &Cell| {
            let mut shards = self.shards_below(*cell).iter();
            shards.any(|(id, shard)| shard.has_any(*id, windows))
        };
        if resolution < SHARD_RESOLUTION {
            let cells = self.above[usize::from(resolution.get())].cells().iter();
            return cells
                .filter(|cell| {
                    let coarser = resolution.get().checked_sub(1).and_then(Resolution::new);
                    coarser
                        .and_then(|coarser| cell.parent(coarser))
                        .is_none_or(|parent| above.binary_search(&parent).is_ok())
                })
                .filter(|cell| in_shards(cell) || waits(cell))
                .copied()
                .collect();
        }
        let mut found = Vec::new();
        for parent in above {
            if resolution == SHARD_RESOLUTION {
                let shards = self.shards_below(*parent).iter();
                let with_any = shards.filter(|(id, shard)| shard.has_any(*id, windows) || waits(id));
                found.extend(with_any.map(|(id, _)| *id));
            } else if let Some(shard) = self.shard_of(*parent) {
                let children = shard.children_of(*parent).iter();
                found.extend(children.filter(|cell| shard.has_any(**cell, windows) || waits(cell)));
            }
        }
        found
    }

    fn visit<const N: usize>(
        &self,
        bbox: &BBox,
        resolution: Resolution,
        windows: [Window; N],
        visit: &mut dyn FnMut(Cell, [CellStats; N], f64),
    ) {
        let parts = bbox.parts();
        if resolution < SHARD_RESOLUTION {
            let roster = &self.above[usize::from(resolution.get())];
            for at in roster.touching(&parts) {
                let cell = roster.cells()[at];
                let sums = windows.map(|window| self.cell_stats(cell, window));
                if !sums[0].is_empty() {
                    visit(cell, sums, roster.population(at));
                }
            }
            return;
        }
        for (_, shard) in self.shards.iter() {
            shard.visit(&parts, resolution, windows, &self.waiting_cells, visit);
        }
    }

    /// Residents of a cell, apportioned by land area; 0 where none are known.
    #[must_use]
    pub fn population(&self, cell: Cell) -> f64 {
        self.population.of(cell)
    }

    /// The venues.
    #[must_use]
    pub fn venues(&self) -> &VenueIndex {
        &self.venues
    }

    /// A venue's exact sums in a window; nothing for an unknown number.
    #[must_use]
    pub fn venue_stats(&self, ix: u32, window: Window) -> VenueStats {
        let key = u64::from(ix);
        let mut sum = self.waiting_visits.within(&(key..=key)).sum(window);
        if let Some(block) = self.venue_blocks.get(ix as usize / VENUES_PER_BLOCK) {
            sum += block.sum(key, window);
        }
        sum
    }

    /// A venue's exact sums per hour in a window, by hour, empty hours left out.
    #[must_use]
    pub fn venue_hours(&self, ix: u32, window: Window) -> Vec<(Hour, VenueStats)> {
        let key = u64::from(ix);
        let waiting = self.waiting_visits.within(&(key..=key));
        let mut hours: Vec<(Hour, VenueStats)> = self
            .venue_blocks
            .get(ix as usize / VENUES_PER_BLOCK)
            .map_or_else(Vec::new, |block| block.series(key, window));
        let waiting = waiting.rows().filter(|row| window.contains(row.hour));
        hours.extend(waiting.map(|row| (row.hour, row.sums)));
        by_hour(hours)
    }

    /// The areas.
    #[must_use]
    pub fn areas(&self) -> &AreaIndex {
        &self.areas
    }

    /// What was reported of areas, published or not.
    #[must_use]
    pub fn area_reports(&self) -> &AreaReportIndex {
        &self.area_reports
    }

    /// The exact count of cases in an area by hour of report.
    #[must_use]
    pub fn area_cases(&self, code: &AreaCode, window: Window) -> u32 {
        self.area_codes
            .get(code)
            .map_or(0, |number| self.area_cases.sum(*number, window))
    }

    /// The zones.
    #[must_use]
    pub fn zones(&self) -> &ZoneIndex {
        &self.zones
    }

    /// What the public may see.
    #[must_use]
    pub fn releases(&self) -> &ReleaseIndex {
        &self.releases
    }

    /// The shard of a cell of resolution 4..=9.
    fn shard_of(&self, cell: Cell) -> Option<&Shard> {
        let id = cell.parent(SHARD_RESOLUTION)?;
        let at = self.shards.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(&self.shards[at].1)
    }

    fn shards_below(&self, cell: Cell) -> &[(Cell, Arc<Shard>)] {
        let Some((low, high)) = cell.descendants(SHARD_RESOLUTION) else {
            return &[];
        };
        let from = self.shards.partition_point(|(id, _)| id.to_u64() < low);
        let to = self.shards.partition_point(|(id, _)| id.to_u64() <= high);
        &self.shards[from..to]
    }
}
