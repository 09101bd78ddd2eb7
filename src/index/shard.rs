use std::{
    array,
    ops::{AddAssign, SubAssign},
    sync::Arc,
};

use crate::geo::{BBox, Cell, Resolution, SHARD_RESOLUTION};
use crate::index::CellPopulation;
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
}

const NONE: u32 = u32::MAX;

impl Shard {
    /// Builds it from rows of the base resolution, sorted by cell and hour.
    pub(super) fn from_sorted(rows: Vec<(u64, Hour, CellStats)>, population: &CellPopulation) -> Self {
        let pyramid = pyramid(rows);
        let levels = array::from_fn(|level| Layered::from_sorted(&pyramid[level]));
        Self::of(levels, None, population)
    }

    /// The same with more rows of the base resolution added.
    pub(super) fn with(&self, fresh: Vec<(u64, Hour, CellStats)>, population: &CellPopulation) -> Self {
        let pyramid = pyramid(fresh);
        let levels = array::from_fn(|level| self.levels[level].with(&pyramid[level]));
        Self::of(levels, Some(&self.rosters), population)
    }

    fn of(
        levels: [Layered<CellStats>; LEVELS],
        old: Option<&Arc<[Roster; LEVELS]>>,
        population: &CellPopulation,
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
        }
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
        let (layered, roster) = (&self.levels[level], &self.rosters[level]);
        for at in roster.touching(parts) {
            let (base, tail) = self.slots[level][at];
            let sum_in = |window: Window| {
                let mut sum = CellStats::default();
                if base != NONE {
                    sum += layered.base.sum(base as usize, window);
                }
                if tail != NONE {
                    sum += layered.tail.sum(tail as usize, window);
                }
                sum
            };
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
    use crate::geo::{BASE_RESOLUTION, LngLat};

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
