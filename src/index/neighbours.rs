use std::sync::OnceLock;

use crate::geo::neighbours;
use crate::index::{AreaEntry, AreaIndex};
use crate::model::{Area, AreaLevel, Day};

/// Official outlines of neighbours leave slivers between them: lines that run so near each other are a common border.
const BORDER_M: f64 = 30.0;

/// Which areas border on which of their tier, over all versions that are ever valid together. A tier is looked at when
/// somebody asks for it first: of ten thousand communes that takes a second or two.
#[derive(Debug, Default)]
pub(super) struct Neighbours([OnceLock<OfTier>; AreaLevel::ALL.len()]);

/// Of each entry of a tier those it borders on, by their places among the tier's.
type OfTier = Vec<Box<[u32]>>;

/// The areas valid on a local day that border on each other.
#[derive(Clone, Copy, Debug)]
pub struct NeighboursOn<'a> {
    areas: &'a AreaIndex,
    day: Day,
    /// By tier: whether several areas of it are valid on the day.
    several: [bool; AreaLevel::ALL.len()],
}

impl AreaIndex {
    /// Who borders on whom on a local day.
    #[must_use]
    pub fn neighbours_on(&self, day: Day) -> NeighboursOn<'_> {
        let several = AreaLevel::ALL.map(|tier| {
            let (_, entries) = self.tier(tier);
            entries
                .iter()
                .filter(|entry| entry.valid_on(day))
                .nth(1)
                .is_some()
        });
        NeighboursOn {
            areas: self,
            day,
            several,
        }
    }

    /// The entries of a tier, which stand side by side, and where the first of them stands.
    fn tier(&self, tier: AreaLevel) -> (usize, &[AreaEntry]) {
        let entries = self.entries();
        let from = entries.partition_point(|entry| entry.area.level < tier);
        let to = entries.partition_point(|entry| entry.area.level <= tier);
        (from, &entries[from..to])
    }
}

impl<'a> NeighboursOn<'a> {
    /// The areas of the same tier that border on one, by code. `None` where nothing can be said: no other area of its tier
    /// is registered on the day.
    #[must_use]
    pub fn of(&self, entry: &AreaEntry) -> Option<Vec<&'a AreaEntry>> {
        let tier = entry.area.level;
        if !self.several[tier as usize] {
            return None;
        }
        let (from, entries) = self.areas.tier(tier);
        let place = self.areas.place(&entry.area.code, self.day)?.checked_sub(from)?;
        let all = self.areas.neighbours.0[tier as usize].get_or_init(|| found(entries));
        let beside = all.get(place)?.iter().map(|at| &entries[*at as usize]);
        Some(beside.filter(|entry| entry.valid_on(self.day)).collect())
    }
}

fn found(entries: &[AreaEntry]) -> OfTier {
    let shapes: Vec<_> = entries.iter().map(|entry| &entry.area.geometry).collect();
    neighbours(&shapes, BORDER_M, |one, other| {
        let (one, other) = (&entries[one].area, &entries[other].area);
        one.code != other.code && begins_before_end(one, other) && begins_before_end(other, one)
    })
}

fn begins_before_end(one: &Area, other: &Area) -> bool {
    one.valid_from
        .zip(other.valid_to)
        .is_none_or(|(from, to)| from < to)
}
