use std::{
    array,
    ops::{AddAssign, SubAssign},
    sync::Arc,
};

use crate::geo::{BASE_RESOLUTION, BBox, Cell, Resolution, SHARD_RESOLUTION};
use crate::index::CellPopulation;
use crate::index::cells_since::Spans;
use crate::index::changed::Changed;
use crate::index::roster::Roster;
use crate::index::running::RunningTable;
use crate::model::{CellStats, Hour, Window};

/// Resolutions 4..=9 of a shard.
const LEVELS: usize = 6;
/// A tail of at most so many rows is kept apart, however small the base.
const SMALL_TAIL: usize = 4096;

/// A large table that stands still and a small one laid over it: sums merge, so a figure is the sum of both,
/// and a publication rebuilds the small one only. When the tail grows beyond a sixteenth of the base they are merged.
#[derive(Clone, Debug)]
pub(super) struct Layered<S> {
    base: Arc<RunningTable<S>>,
    tail: Arc<RunningTable<S>>,
}

impl<S> Default for Layered<S> {
    fn default() -> Self {
        Self {
            base: Arc::default(),
            tail: Arc::default(),
        }
    }
}

impl<S: Copy + Default + AddAssign + SubAssign> Layered<S> {
    /// All in the base; rows sorted by key and hour.
    pub(super) fn from_sorted(rows: &[(u64, Hour, S)]) -> Self {
        Self {
            base: Arc::new(RunningTable::from_sorted(rows)),
            tail: Arc::default(),
        }
    }

    /// The same with more rows added, sorted by key and hour.
    pub(super) fn with(&self, fresh: &[(u64, Hour, S)]) -> Self {
        let tail = merged(self.tail.rows(), fresh.iter().copied());
        if tail.len() > SMALL_TAIL.max(self.base.len() / 16) {
            Self::from_sorted(&merged(self.base.rows(), tail.into_iter()))
        } else {
            Self {
                base: Arc::clone(&self.base),
                tail: Arc::new(RunningTable::from_sorted(&tail)),
            }
        }
    }

    pub(super) fn sum(&self, key: u64, window: Window) -> S {
        let mut sum = S::default();
        for table in [&self.base, &self.tail] {
            if let Some(slot) = table.slot(key) {
                sum += table.sum(slot, window);
            }
        }
        sum
    }

    /// The rows of a key in the window, by hour.
    pub(super) fn series(&self, key: u64, window: Window) -> Vec<(Hour, S)> {
        let rows = |table: &RunningTable<S>| -> Vec<(u64, Hour, S)> {
            table.slot(key).map_or_else(Vec::new, |slot| {
                table
                    .series(slot, window)
                    .map(|(hour, stats)| (key, hour, stats))
                    .collect()
            })
        };
        let both = merged(rows(&self.base).into_iter(), rows(&self.tail).into_iter());
        let mut series: Vec<(Hour, S)> = Vec::with_capacity(both.len());
        for (_, hour, stats) in both {
            match series.last_mut() {
                Some((last, sum)) if *last == hour => *sum += stats,
                _ => series.push((hour, stats)),
            }
        }
        series
    }
}

/// Both in one sorted list; the stable sort finds the two runs and merges them in linear time.
fn merged<S>(
    a: impl Iterator<Item = (u64, Hour, S)>,
    b: impl Iterator<Item = (u64, Hour, S)>,
) -> Vec<(u64, Hour, S)> {
    let mut rows: Vec<(u64, Hour, S)> = a.chain(b).collect();
    rows.sort_by_key(|row| (row.0, row.1));
    rows
}

/// All cells below one cell of resolution 4, at each of the resolutions 4..=9.
#[derive(Clone, Debug)]
pub(super) struct Shard {
    levels: [Layered<CellStats>; LEVELS],
    rosters: Arc<[Roster; LEVELS]>,
    /// For each cell of the roster its slots in base and tail.
    slots: Arc<[Vec<(u32, u32)>; LEVELS]>,
    changed: Changed,
}

/// What leaves two spans of hours, and what enters them, as time goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    window: [Window; 2],
    week: [Window; 2],
}

impl Turn {
    pub(super) fn new(then: Spans, now: Spans) -> Self {
        // A span's sum is the difference of two running sums: it stays where both grew by the same.
        let between = |old: Window, new: Window| {
            let span = |from, to| Window { from, to };
            [span(old.from, new.from), span(old.to, new.to)]
        };
        Self {
            window: between(then.window, now.window),
            week: between(then.week, now.week),
        }
    }

    /// Whether figures with these sums are others than before.
    pub(super) fn matters(self, sum: impl Fn(Window) -> CellStats) -> bool {
        let [left, came] = self.window.map(&sum);
        left != came || {
            let [left, came] = self.week.map(&sum);
            left.cases != came.cases
        }
    }
}

/// Up to so many changed cells are looked up one by one.
const FEW: usize = 64;

const NONE: u32 = u32::MAX;

impl Shard {
    /// Builds it from rows of the base resolution, sorted by cell and hour; `changed` of a shard whose first rows
    /// are fresh, nothing where all is built anew.
    pub(super) fn from_sorted(
        rows: Vec<(u64, Hour, CellStats)>,
        population: &CellPopulation,
        changed: Changed,
    ) -> Self {
        let pyramid = pyramid(rows);
        let levels = array::from_fn(|level| Layered::from_sorted(&pyramid[level]));
        Self::of(levels, None, population, changed)
    }

    /// The same with more rows of the base resolution added in generation `generation`.
    pub(super) fn with(
        &self,
        fresh: Vec<(u64, Hour, CellStats)>,
        population: &CellPopulation,
        generation: u64,
    ) -> Self {
        let changed = self.changed.with(&fresh, generation);
        let pyramid = pyramid(fresh);
        let levels = array::from_fn(|level| self.levels[level].with(&pyramid[level]));
        Self::of(levels, Some(&self.rosters), population, changed)
    }

    fn of(
        levels: [Layered<CellStats>; LEVELS],
        old: Option<&Arc<[Roster; LEVELS]>>,
        population: &CellPopulation,
        changed: Changed,
    ) -> Self {
        let both: [Vec<u64>; LEVELS] = array::from_fn(|level| {
            let layered: &Layered<CellStats> = &levels[level];
            let mut keys = [layered.base.keys(), layered.tail.keys()].concat();
            #[expect(
                clippy::stable_sort_primitive,
                reason = "two sorted runs: the stable sort merges them in linear time"
            )]
            keys.sort();
            keys.dedup();
            keys
        });
        let same = |rosters: &&Arc<[Roster; LEVELS]>| {
            (0..LEVELS).all(|level| rosters[level].cells().len() == both[level].len())
        };
        // Cells are never taken away from a shard, so equal counts are equal cells.
        let rosters = old.filter(same).map_or_else(
            || {
                let none = Roster::default();
                Arc::new(array::from_fn(|level| {
                    let cells = both[level].iter().filter_map(|&id| Cell::from_u64(id).ok());
                    let known = old.map_or(&none, |rosters| &rosters[level]);
                    Roster::of(cells.collect(), known, population)
                }))
            },
            Arc::clone,
        );
        let slots = Arc::new(array::from_fn(|level| {
            let layered: &Layered<CellStats> = &levels[level];
            let (base, tail) = (layered.base.keys(), layered.tail.keys());
            let (mut b, mut t) = (0, 0);
            both[level]
                .iter()
                .map(|key| (step(base, &mut b, *key), step(tail, &mut t, *key)))
                .collect()
        }));
        Self {
            levels,
            rosters,
            slots,
            changed,
        }
    }

    /// What got fresh sums since it was built.
    pub(super) fn changed(&self) -> &Changed {
        &self.changed
    }

    /// Whether a cell that touches the parts of a box got fresh sums after a generation, and the shard some in the spans.
    pub(super) fn has_changed(
        &self,
        parts: &[BBox],
        resolution: Resolution,
        spans: &[Window],
        generation: u64,
    ) -> bool {
        let Some(level) = level_of(resolution).filter(|_| self.changed.since(generation, spans)) else {
            return false;
        };
        let roster = &self.rosters[level];
        let few: Vec<u64> = self.changed.cells_since(generation).take(FEW + 1).collect();
        if few.len() <= FEW {
            let cells = few
                .into_iter()
                .filter_map(|id| Cell::from_u64(id).ok()?.parent(resolution));
            return cells
                .filter_map(|cell| roster.cells().binary_search(&cell).ok())
                .any(|at| roster.touches(at, parts));
        }
        roster.touching(parts).into_iter().any(|at| {
            let ids = roster.cells()[at].descendants(BASE_RESOLUTION);
            ids.is_some_and(|(low, high)| self.changed.any_since(low..=high, generation))
        })
    }

    /// Whether time alone changes the figures of a cell that touches the parts of a box.
    pub(super) fn turns(&self, parts: &[BBox], resolution: Resolution, turn: Turn) -> bool {
        level_of(resolution).is_some_and(|level| {
            let mut touching = self.rosters[level].touching(parts).into_iter();
            touching.any(|at| turn.matters(|window| self.sum_at(level, at, window)))
        })
    }

    /// The sums of the cell at a place of a level's roster.
    fn sum_at(&self, level: usize, at: usize, window: Window) -> CellStats {
        let (layered, (base, tail)) = (&self.levels[level], self.slots[level][at]);
        let mut sum = CellStats::default();
        if base != NONE {
            sum += layered.base.sum(base as usize, window);
        }
        if tail != NONE {
            sum += layered.tail.sum(tail as usize, window);
        }
        sum
    }

    /// The sums of a cell of resolution 4..=9 in this shard.
    pub(super) fn sum(&self, cell: Cell, window: Window) -> CellStats {
        level_of(cell.resolution()).map_or_else(CellStats::default, |level| {
            self.levels[level].sum(cell.to_u64(), window)
        })
    }

    /// Calls `visit` with each cell that touches the parts of a box, its sums in each window and its residents;
    /// ascending. Cells that are empty in the first window are left out.
    pub(super) fn visit<const N: usize>(
        &self,
        parts: &[BBox],
        resolution: Resolution,
        windows: [Window; N],
        visit: &mut dyn FnMut(Cell, [CellStats; N], f64),
    ) {
        let Some(level) = level_of(resolution) else {
            return;
        };
        let roster = &self.rosters[level];
        for at in roster.touching(parts) {
            let sum_in = |window: Window| self.sum_at(level, at, window);
            let first = sum_in(windows[0]);
            if first.is_empty() {
                continue;
            }
            let sums = windows.map(|window| {
                if window == windows[0] {
                    first
                } else {
                    sum_in(window)
                }
            });
            visit(roster.cells()[at], sums, roster.population(at));
        }
    }
}

fn step(keys: &[u64], at: &mut usize, key: u64) -> u32 {
    if keys.get(*at) == Some(&key) {
        *at += 1;
        (*at - 1) as u32
    } else {
        NONE
    }
}

fn level_of(resolution: Resolution) -> Option<usize> {
    let level = usize::from(resolution.get()).checked_sub(usize::from(SHARD_RESOLUTION.get()))?;
    (level < LEVELS).then_some(level)
}

/// The rows of every resolution, coarsest first, each summed from the next finer by H3 parent.
fn pyramid(finest: Vec<(u64, Hour, CellStats)>) -> [Vec<(u64, Hour, CellStats)>; LEVELS] {
    let mut levels: [Vec<(u64, Hour, CellStats)>; LEVELS] = array::from_fn(|_| Vec::new());
    levels[LEVELS - 1] = finest;
    for level in (0..LEVELS - 1).rev() {
        let finer = SHARD_RESOLUTION.get() + level as u8 + 1;
        let mut rows: Vec<(u64, Hour, CellStats)> = levels[level + 1]
            .iter()
            .map(|&(id, hour, stats)| (parent_id(id, finer), hour, stats))
            .collect();
        rows.sort_by_key(|row| (row.0, row.1));
        rows.dedup_by(|next, kept| {
            let same = (next.0, next.1) == (kept.0, kept.1);
            if same {
                kept.2 += next.2;
            }
            same
        });
        levels[level] = rows;
    }
    levels
}

/// The id of the parent of a cell of resolution `finer`: one less in the resolution bits, its last digit unused (7).
fn parent_id(id: u64, finer: u8) -> u64 {
    (id - (1 << 52)) | (7 << (3 * (15 - u32::from(finer))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::LngLat;

    #[test]
    fn the_parent_by_bits_is_h3s_parent() {
        for n in 0..500 {
            let at = LngLat::new(f64::from(n) * 0.7 - 175.0, f64::from(n % 170) - 85.0).unwrap();
            let mut cell = Cell::at(at, BASE_RESOLUTION);
            for finer in (1..=9).rev() {
                let parent = cell.parent(Resolution::new(finer - 1).unwrap()).unwrap();
                assert_eq!(parent_id(cell.to_u64(), finer), parent.to_u64());
                cell = parent;
            }
        }
    }
}
