use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use crate::geo::Cell;

/// Which parts of a snapshot may differ from an earlier one. It may name too much (a figure that was computed
/// again and came out the same), never too little.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// Sums of any cell may differ: days were loaded, replaced or dropped, or residents apportioned anew.
    pub every_cell: bool,
    /// Cells of the base resolution with fresh sums.
    pub cells: BTreeSet<Cell>,
    /// Venues registered, moved, or with new facts, by number.
    pub venues: BTreeSet<u32>,
    /// Whether any of them was registered or its registration replaced.
    pub registrations: bool,
    /// Any venue may differ in what areas hold it.
    pub every_venue: bool,
    /// Areas, their facts, or their counts of cases.
    pub areas: bool,
    /// Zones.
    pub zones: bool,
    /// What the public may see.
    pub releases: bool,
}

impl Delta {
    fn add(&mut self, later: &Self) {
        self.every_cell |= later.every_cell;
        self.cells.extend(&later.cells);
        self.venues.extend(&later.venues);
        self.registrations |= later.registrations;
        self.every_venue |= later.every_venue;
        self.areas |= later.areas;
        self.zones |= later.zones;
        self.releases |= later.releases;
    }
}

/// The deltas of the last generations, so that a reader who missed some still learns what changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Deltas {
    last: VecDeque<(u64, Arc<Delta>)>,
    places: usize,
}

/// Generations remembered.
const KEPT: usize = 1024;
/// Cells and venues remembered over all of them.
const KEPT_PLACES: usize = 500_000;

impl Deltas {
    /// Remembers what generation `generation` changed.
    pub fn push(&mut self, generation: u64, delta: Delta) {
        self.places += size_of_delta(&delta);
        self.last.push_back((generation, Arc::new(delta)));
        while self.last.len() > KEPT || (self.places > KEPT_PLACES && self.last.len() > 1) {
            if let Some((_, oldest)) = self.last.pop_front() {
                self.places -= size_of_delta(&oldest);
            }
        }
    }

    /// What changed after `generation`; `None` when that is too long ago to say.
    pub fn since(&self, generation: u64) -> Option<Delta> {
        let (oldest, _) = self.last.front()?;
        if *oldest > generation + 1 {
            return None;
        }
        let mut sum = Delta::default();
        for (_, delta) in self.last.iter().filter(|(number, _)| *number > generation) {
            sum.add(delta);
        }
        Some(sum)
    }
}

fn size_of_delta(delta: &Delta) -> usize {
    delta.cells.len() + delta.venues.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_adds_up_until_it_is_too_long_ago() {
        let mut deltas = Deltas::default();
        assert_eq!(deltas.since(0), None);
        for generation in 1..=1100 {
            let delta = Delta {
                venues: BTreeSet::from([generation as u32]),
                zones: generation == 1090,
                ..Delta::default()
            };
            deltas.push(generation, delta);
        }
        let last = deltas.since(1089).unwrap();
        assert!(last.zones && last.venues == (1090..=1100).collect());
        assert!(!deltas.since(1090).unwrap().zones);
        assert_eq!(deltas.since(1100), Some(Delta::default()));
        assert_eq!(
            deltas.since(1100 - KEPT as u64).map(|delta| delta.venues.len()),
            Some(KEPT)
        );
        assert_eq!(deltas.since(1099 - KEPT as u64), None);
    }
}
