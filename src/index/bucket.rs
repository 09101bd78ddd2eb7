use std::hash::Hash;

use rustc_hash::FxHashMap;

use crate::geo::{Cell, MAX_RESOLUTION, Resolution};
use crate::index::ReleasedCases;
use crate::index::layered::gap;
use crate::index::releases::{LEVEL_WITHOUT_CASES, TOP};
use crate::model::Window;

/// What was released of the cells in one bucket. A country has a million rows in each of hundreds of buckets, so a row
/// takes six bytes: see [`Cells`] and [`Values`].
#[derive(Debug)]
pub(super) struct CellBucket<T> {
    pub(super) window: Window,
    pub(super) seq: u32,
    cells: Cells,
    values: Values<T>,
    /// The hidden subtrees above the finest resolution as ranges of its ids, disjoint, ascending.
    hidden: Box<[(u64, u64)]>,
}

/// What a bucket says of a cell.
pub(super) enum Found<T> {
    Listed(T),
    HiddenAbove,
    Zero,
}

impl<T: Copy + Eq + Hash> CellBucket<T> {
    /// Of rows sorted by the number of their cell, each cell once, none finer than the finest resolution.
    pub(super) fn of(window: Window, seq: u32, rows: &[(Cell, T)], is_hidden: impl Fn(&T) -> bool) -> Self {
        // Wide ranges come first, so one inside an earlier one says nothing new.
        let mut hidden: Vec<(u64, u64)> = rows
            .iter()
            .filter(|row| row.0.resolution() < MAX_RESOLUTION && is_hidden(&row.1))
            .filter_map(|row| row.0.descendants(MAX_RESOLUTION))
            .collect();
        hidden.sort_by_key(|&(low, high)| (low, std::cmp::Reverse(high)));
        hidden.dedup_by(|inner, outer| inner.1 <= outer.1);
        Self {
            window,
            seq,
            cells: Cells::of(rows.iter().map(|row| row.0)),
            values: Values::of(rows.iter().map(|row| row.1)),
            hidden: Box::from(hidden.as_slice()),
        }
    }

    /// Looks ascending cells of one resolution up, one after the other, never going back.
    pub(super) fn walk(&self, cells: &[Cell], mut each: impl FnMut(usize, Found<T>)) {
        let mut at = 0;
        for (nth, cell) in cells.iter().enumerate() {
            let is_listed;
            (at, is_listed) = self.cells.seek(at, *cell);
            let found = if is_listed {
                Found::Listed(self.values.get(at))
            } else if self.is_hidden(*cell) {
                Found::HiddenAbove
            } else {
                Found::Zero
            };
            each(nth, found);
        }
    }

    /// The rows it was made of.
    pub(super) fn rows(&self) -> impl Iterator<Item = (Cell, T)> {
        let cells = self.cells.iter().enumerate();
        cells.filter_map(|(at, cell)| Some((cell?, self.values.get(at))))
    }

    fn is_hidden(&self, cell: Cell) -> bool {
        let Some((low, high)) = cell.descendants(MAX_RESOLUTION) else {
            return false;
        };
        let after = self.hidden.partition_point(|range| range.0 <= low);
        after > 0 && self.hidden[after - 1].1 >= high
    }
}

impl CellBucket<ReleasedCases> {
    /// The nearest ancestor with a shown level, and that level; an ancestor that is not listed has no cases.
    pub(super) fn nearest_shown(&self, cell: Cell) -> (Option<Cell>, u8) {
        for resolution in (TOP..cell.resolution().get()).rev() {
            let Some(above) = Resolution::new(resolution).and_then(|r| cell.parent(r)) else {
                continue;
            };
            match self.cells.seek(0, above) {
                (at, true) => {
                    if let ReleasedCases::Shown { level, .. } = self.values.get(at) {
                        return (Some(above), level);
                    }
                }
                (_, false) if self.is_hidden(above) => {}
                (_, false) => return (Some(above), LEVEL_WITHOUT_CASES),
            }
        }
        (None, 0)
    }
}

/// Cells by number in four bytes each: the last 18 bits of every id down to resolution 9 are the same, and the first 14
/// (resolution and a part of the globe) are written once for all cells that share them.
#[derive(Debug, Default)]
struct Cells {
    /// The first bits, and where the cells with them begin.
    groups: Vec<(u64, usize)>,
    rest: Box<[u32]>,
}

const UNUSED_BITS: u32 = 18;
const REST_BITS: u32 = 32;

impl Cells {
    fn of(cells: impl Iterator<Item = Cell>) -> Self {
        let mut groups: Vec<(u64, usize)> = Vec::new();
        let mut rest = Vec::new();
        for cell in cells {
            let (first, low) = parts_of(cell);
            if groups.last().is_none_or(|last| last.0 != first) {
                groups.push((first, rest.len()));
            }
            rest.push(low);
        }
        Self {
            groups,
            rest: Box::from(rest.as_slice()),
        }
    }

    /// All of them.
    fn iter(&self) -> impl Iterator<Item = Option<Cell>> {
        (0..self.rest.len()).map(|at| {
            let group = self.groups.partition_point(|group| group.1 <= at) - 1;
            let id = (self.groups[group].0 << REST_BITS | u64::from(self.rest[at])) << UNUSED_BITS;
            Cell::from_u64(id | ((1 << UNUSED_BITS) - 1)).ok()
        })
    }

    /// The first place, not before `from`, of a cell that does not come before the given one, and whether it is that.
    fn seek(&self, from: usize, cell: Cell) -> (usize, bool) {
        let (first, low) = parts_of(cell);
        let nth = self.groups.partition_point(|group| group.0 < first);
        let begin = self.groups.get(nth).map_or(self.rest.len(), |group| group.1);
        let from = from.max(begin);
        if self.groups.get(nth).is_none_or(|group| group.0 != first) {
            return (from, false);
        }
        let end = self.groups.get(nth + 1).map_or(self.rest.len(), |next| next.1);
        let Some(own) = self.rest.get(from..end) else {
            return (from, false);
        };
        let at = gap(own, &low);
        (from + at, own.get(at) == Some(&low))
    }
}

fn parts_of(cell: Cell) -> (u64, u32) {
    let id = cell.to_u64();
    (id >> (UNUSED_BITS + REST_BITS), (id >> UNUSED_BITS) as u32)
}

/// Values of which many are equal: two bytes each, unless there are too many different ones.
#[derive(Debug)]
enum Values<T> {
    Few { kinds: Vec<T>, of: Box<[u16]> },
    Many(Box<[T]>),
}

impl<T: Copy + Eq + Hash> Values<T> {
    fn of(values: impl Iterator<Item = T> + Clone) -> Self {
        let mut numbers: FxHashMap<T, u16> = FxHashMap::default();
        let (mut kinds, mut of) = (Vec::new(), Vec::new());
        for value in values.clone() {
            if let Some(number) = numbers.get(&value) {
                of.push(*number);
                continue;
            }
            let Ok(number) = u16::try_from(kinds.len()) else {
                return Self::Many(values.collect());
            };
            numbers.insert(value, number);
            kinds.push(value);
            of.push(number);
        }
        Self::Few {
            kinds,
            of: Box::from(of.as_slice()),
        }
    }

    fn get(&self, at: usize) -> T {
        match self {
            Self::Few { kinds, of } => kinds[usize::from(of[at])],
            Self::Many(values) => values[at],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::LngLat;

    #[test]
    fn cells_of_every_resolution_are_found_and_no_others() {
        let mut cells: Vec<Cell> = (0..4_000)
            .map(|n| {
                let at =
                    LngLat::new(f64::from(n * 37 % 360) - 180.0, f64::from(n * 11 % 178) - 89.0).unwrap();
                Cell::at(at, Resolution::new((n % 10) as u8).unwrap())
            })
            .collect();
        cells.sort_unstable_by_key(|cell| cell.to_u64());
        cells.dedup();
        let listed: Vec<Cell> = cells.iter().copied().step_by(3).collect();
        let packed = Cells::of(listed.iter().copied());
        assert!(packed.iter().eq(listed.iter().map(|cell| Some(*cell))));
        let mut at = 0;
        for cell in &cells {
            let before = listed.partition_point(|known| known.to_u64() < cell.to_u64());
            let plain = (before, listed.get(before) == Some(cell));
            assert_eq!(packed.seek(0, *cell), plain);
            assert_eq!(packed.seek(at, *cell), plain);
            at = plain.0;
        }
    }

    #[test]
    fn values_come_back_however_many_there_are() {
        for count in [0_u32, 10, 65_536, 65_537, 80_000] {
            let values = Values::of((0..100_000).map(|n| n % count.max(1)));
            assert_eq!(matches!(values, Values::Many(_)), count > 65_536);
            assert!((0..100_000).all(|n: u32| values.get(n as usize) == n % count.max(1)));
        }
    }
}
