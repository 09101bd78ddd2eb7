use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::geo::{BASE_RESOLUTION, Cell};
use crate::index::layered::ahead;
use crate::index::measures::Measures;
use crate::model::{CellStats, Hour, Window};

/// A row that a publication brought, and the last generation that added to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FreshRow<S> {
    pub key: u64,
    pub hour: Hour,
    pub sums: S,
    pub generation: u64,
}

/// Rows that are published, and wait to be laid over the tables of their groups (the shards, the blocks of venues). A few
/// changes all over a country touch most of its groups, and each that is touched costs the same for one row as for a
/// hundred: so rows are laid down together with those that come to the same group later. A publication takes as many
/// groups' rows as came, never all at once: the whole of its work depends on what is fresh, not on how many groups there are.
///
/// Readers add what waits to what is laid down. Sums merge, so it does not matter when a row goes from here to there.
#[derive(Clone, Debug)]
pub(super) struct Waiting<S> {
    /// What came last: merged with each publication's rows, so it stays short.
    young: Rows<S>,
    old: Rows<S>,
    /// What is being laid down, in the order of keys; the first `laid` rows have been.
    leaving: Rows<S>,
    laid: usize,
    /// How many more rows may be laid down for those that came.
    credit: usize,
    /// The last generation that brought any.
    latest: u64,
    /// Rows that `old` may hold.
    most: usize,
}

type Rows<S> = Arc<Vec<FreshRow<S>>>;

/// Rows that `old` may hold: with fewer, groups are touched for too few rows each; with more, readers of coarse cells
/// have more to add up.
const MOST: usize = 16_384;
/// As many times fewer are `young`.
const YOUNG: usize = 16;
/// At most so many rows of one group are laid down at once.
const AT_ONCE: usize = 2_048;

impl<S> Default for Waiting<S> {
    fn default() -> Self {
        Self::of_at_most(MOST)
    }
}

impl<S> Waiting<S> {
    /// None yet, and never many more than three times `most`.
    pub(super) fn of_at_most(most: usize) -> Self {
        Self {
            young: Arc::default(),
            old: Arc::default(),
            leaving: Arc::default(),
            laid: 0,
            credit: 0,
            latest: 0,
            most,
        }
    }

    /// The same room with nothing in it.
    pub(super) fn emptied(&self) -> Self {
        Self::of_at_most(self.most)
    }

    /// What waits of some keys.
    pub(super) fn within(&self, keys: &RangeInclusive<u64>) -> Within<'_, S> {
        Within([&self.young[..], &self.old[..], &self.leaving[self.laid..]].map(|rows| between(rows, keys)))
    }
}

impl<S: Measures> Waiting<S> {
    /// Adds fresh rows, sorted by key and hour. Gives the rows, sorted as well, that are to be laid over the tables in the same
    /// publication: they wait no longer.
    pub(super) fn add(&mut self, fresh: Vec<FreshRow<S>>, group_of: impl Fn(u64) -> u64) -> Vec<FreshRow<S>> {
        // So many touch each group for many rows anyway.
        if fresh.len() > self.most / 2 {
            return fresh;
        }
        self.latest = fresh.iter().map(|row| row.generation).fold(self.latest, u64::max);
        self.credit += fresh.len() + fresh.len() / 4;
        self.young = Arc::new(merged(&self.young, &fresh));
        let mut due = 0;
        if self.young.len() > self.most / YOUNG {
            self.old = Arc::new(merged(&self.old, &self.young));
            self.young = Arc::default();
            if self.old.len() > self.most {
                // What leaves goes a quarter faster than rows come: it is gone by now, or nearly.
                due = self.leaving.len() - self.laid;
            }
        }
        let rest = &self.leaving[self.laid..];
        while due < rest.len() {
            let group = group_of(rest[due].key);
            let own = rest[due..].iter().take(AT_ONCE);
            let own = own.take_while(|row| group_of(row.key) == group).count();
            if own > self.credit {
                break;
            }
            self.credit -= own;
            due += own;
        }
        let due = rest[..due].to_vec();
        self.laid += due.len();
        if self.laid == self.leaving.len() {
            (self.laid, self.credit) = (0, 0);
            self.leaving = if self.old.len() > self.most {
                std::mem::take(&mut self.old)
            } else {
                Arc::default()
            };
        }
        due
    }
}

impl Waiting<CellStats> {
    /// What waits of a cell and of those below it.
    pub(super) fn below(&self, cell: Cell) -> Within<'_, CellStats> {
        keys_below(cell).map_or_else(Within::default, |keys| self.within(&keys))
    }

    /// Whether anything waits that came after a generation.
    pub(super) fn any_since(&self, generation: u64) -> bool {
        self.latest > generation
    }
}

/// Keys of the base resolution in a cell.
fn keys_below(cell: Cell) -> Option<RangeInclusive<u64>> {
    cell.descendants(BASE_RESOLUTION).map(|(low, high)| low..=high)
}

/// Waiting rows of some keys, in up to three sorted lists.
#[derive(Clone, Copy, Debug)]
pub(super) struct Within<'a, S>([&'a [FreshRow<S>]; 3]);

impl<S> Default for Within<'_, S> {
    fn default() -> Self {
        Self([&[]; 3])
    }
}

impl<'a, S> Within<'a, S> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|rows| rows.is_empty())
    }

    /// Those of the next keys, for who asks in the order of keys: whatever comes before them is not found again.
    pub(super) fn next(&mut self, keys: &RangeInclusive<u64>) -> Self {
        Self(self.0.each_mut().map(|rest| {
            let rows = *rest;
            let rows = &rows[ahead(rows, |row| row.key < *keys.start())..];
            let (own, later) = rows.split_at(ahead(rows, |row| row.key <= *keys.end()));
            *rest = later;
            own
        }))
    }

    /// Every row of some hours that came after a generation, list after list.
    pub(super) fn since(&self, generation: u64, spans: &[Window]) -> impl Iterator<Item = &'a FreshRow<S>> {
        let is_in = |row: &FreshRow<S>| spans.iter().any(|span| span.contains(row.hour));
        self.rows()
            .filter(move |row| row.generation > generation && is_in(row))
    }

    /// Every row, list after list.
    pub(super) fn rows(&self) -> impl Iterator<Item = &'a FreshRow<S>> {
        self.0.into_iter().flatten()
    }
}

impl Within<'_, CellStats> {
    /// Those in the next cell, for who asks in ascending order.
    pub(super) fn next_below(&mut self, cell: Cell) -> Self {
        keys_below(cell).map_or_else(Within::default, |keys| self.next(&keys))
    }
}

impl<S: Measures> Within<'_, S> {
    /// Adds them to the sums of windows.
    pub(super) fn add_to<const N: usize>(&self, sums: &mut [S; N], windows: [Window; N]) {
        for row in self.rows() {
            for (sum, window) in sums.iter_mut().zip(windows) {
                if window.contains(row.hour) {
                    *sum += row.sums;
                }
            }
        }
    }

    /// Their sum in a window.
    pub(super) fn sum(&self, window: Window) -> S {
        let mut sum = [S::default()];
        self.add_to(&mut sum, [window]);
        sum[0]
    }

    /// Whether one is in one of the windows.
    pub(super) fn has_any(&self, windows: &[Window]) -> bool {
        let mut rows = self.rows();
        rows.any(|row| windows.iter().any(|window| window.contains(row.hour)))
    }
}

fn between<'a, S>(rows: &'a [FreshRow<S>], keys: &RangeInclusive<u64>) -> &'a [FreshRow<S>] {
    let rows = &rows[rows.partition_point(|row| row.key < *keys.start())..];
    &rows[..ahead(rows, |row| row.key <= *keys.end())]
}

/// Both in one sorted list; rows of the same key and hour are added up.
fn merged<S: Measures>(old: &[FreshRow<S>], fresh: &[FreshRow<S>]) -> Vec<FreshRow<S>> {
    let mut all = Vec::with_capacity(old.len() + fresh.len());
    let mut old = old;
    for row in fresh {
        let before = ahead(old, |known| (known.key, known.hour) < (row.key, row.hour));
        all.extend_from_slice(&old[..before]);
        old = &old[before..];
        match old.first() {
            Some(known) if (known.key, known.hour) == (row.key, row.hour) => {
                let mut sums = known.sums;
                sums += row.sums;
                all.push(FreshRow { sums, ..*row });
                old = &old[1..];
            }
            _ => all.push(*row),
        }
    }
    all.extend_from_slice(old);
    all
}

/// Rows as [`Waiting::add`] wants them.
pub(super) fn sorted<S>(rows: impl Iterator<Item = FreshRow<S>>) -> Vec<FreshRow<S>> {
    let mut rows: Vec<FreshRow<S>> = rows.collect();
    rows.sort_unstable_by_key(|row| (row.key, row.hour));
    rows
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_waits_and_what_was_laid_down_are_all_that_came(
            most in 8_usize..200,
            batches in prop::collection::vec(
                prop::collection::vec((0_u64..300, 0_i32..6, 1_u32..9), 0..40), 1..60),
        ) {
            let mut waiting = Waiting::<u32>::of_at_most(most);
            let (mut came, mut laid) = (BTreeMap::new(), BTreeMap::new());
            for (generation, batch) in (1..).zip(batches) {
                let mut sums = BTreeMap::new();
                for (key, hour, n) in batch {
                    *sums.entry((key, hour)).or_insert(0) += n;
                    *came.entry((key, hour)).or_insert(0) += n;
                }
                let fresh = sums.into_iter().map(|((key, hour), sums)| FreshRow {
                    key,
                    hour: Hour(hour),
                    sums,
                    generation,
                });
                let due = waiting.add(fresh.collect(), |key| key / 50);
                prop_assert!(due.is_sorted_by_key(|row| (row.key, row.hour)));
                for row in due {
                    *laid.entry((row.key, row.hour.0)).or_insert(0) += row.sums;
                }
                prop_assert!(waiting.within(&(0..=u64::MAX)).rows().count() <= 3 * most + most / YOUNG + 1);
                let mut all = laid.clone();
                for row in waiting.within(&(0..=u64::MAX)).rows() {
                    prop_assert!(row.generation <= generation);
                    *all.entry((row.key, row.hour.0)).or_insert(0) += row.sums;
                }
                prop_assert_eq!(&all, &came);
            }
            let window = |from, to| Window { from: Hour(from), to: Hour(to) };
            let windows = [window(0, 6), window(2, 4), window(3, 3)];
            let mut rest = waiting.within(&(20..=300));
            for low in (20..280).step_by(7) {
                let keys = low..=low + 4;
                let own = rest.next(&keys);
                let plain = windows.map(|window| {
                    let own = came.range((low, window.from.0)..).take_while(|(at, _)| at.0 <= low + 4);
                    let own = own.filter(|(at, _)| window.contains(Hour(at.1)));
                    own.map(|(at, n)| n - laid.get(at).unwrap_or(&0)).sum::<u32>()
                });
                let mut sums = [0; 3];
                own.add_to(&mut sums, windows);
                prop_assert_eq!(sums, plain);
                for (window, sum) in windows.into_iter().zip(plain) {
                    prop_assert_eq!(waiting.within(&keys).sum(window), sum);
                    prop_assert_eq!(own.has_any(&[window]), sum > 0);
                }
                prop_assert_eq!(own.is_empty(), sums[0] == 0);
            }
        }
    }
}
