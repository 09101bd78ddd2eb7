use std::sync::Arc;
use std::vec;

use rustc_hash::FxHashMap;

use crate::geo::Cell;
use crate::index::measures::Measures;
use crate::index::packed::{Merged, PackedRows, Rows, merged};
use crate::index::people::People;
use crate::model::{AreaCode, CellStats, Hour, VenueStats};

/// One day: open and counting, or sealed and summed. Shared with checkpoints under way: whoever changes
/// a day that is shared changes a copy.
#[derive(Clone, Debug)]
pub(super) enum LedgerDay {
    Open(Arc<OpenDay>),
    Sealed(Arc<SealedDay>),
}

/// The sums of an open day are those of `settled` and of `sums` together: what came lately counts in hash maps, and is
/// packed with the rest when it has grown to an eighth of it.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenDay {
    pub(super) settled: Arc<PackedDay>,
    pub(super) sums: Sums,
    /// How many events came in since it was read.
    pub(super) revision: u64,
    pub(super) cell_people: People,
    pub(super) venue_people: People,
}

#[derive(Clone, Debug, Default)]
pub(super) struct SealedDay {
    pub(super) settled: Arc<PackedDay>,
    pub(super) areas: Vec<(AreaCode, Hour, u32)>,
}

#[derive(Debug, Default)]
pub(super) struct PackedDay {
    pub(super) cells: PackedRows,
    pub(super) venues: PackedRows,
}

/// With fewer rows than this nothing is packed.
const FEW: usize = 8_192;
/// With so many more it is time, if they are an eighth.
const MANY: usize = 100_000;

#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    pub(super) cells: FxHashMap<(Cell, Hour), CellStats>,
    pub(super) venues: FxHashMap<(u32, Hour), VenueStats>,
    pub(super) areas: FxHashMap<(AreaCode, Hour), u32>,
}

type Sorted<S> = vec::IntoIter<(u64, Hour, S)>;

/// Rows of a day by key and hour: of what is packed alone, or with what came lately.
pub(super) enum RowsOf<'a, S: Measures> {
    Settled(Rows<'a, S>),
    Both(Box<Merged<Rows<'a, S>, Sorted<S>>>),
}

impl<S: Measures> Iterator for RowsOf<'_, S> {
    type Item = (u64, Hour, S);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Settled(rows) => rows.next(),
            Self::Both(rows) => rows.next(),
        }
    }
}

impl LedgerDay {
    fn settled(&self) -> &PackedDay {
        match self {
            Self::Open(open) => &open.settled,
            Self::Sealed(sealed) => &sealed.settled,
        }
    }

    /// The sums of its cells, sorted; `first` is its first hour.
    pub(super) fn cell_rows(&self, first: Hour) -> RowsOf<'_, CellStats> {
        let settled = self.settled().cells.rows(first);
        match self {
            Self::Open(open) if !open.sums.cells.is_empty() => {
                RowsOf::Both(Box::new(merged(settled, open.sums.sorted_cells().into_iter())))
            }
            _ => RowsOf::Settled(settled),
        }
    }

    /// The same of its venues.
    pub(super) fn venue_rows(&self, first: Hour) -> RowsOf<'_, VenueStats> {
        let settled = self.settled().venues.rows(first);
        match self {
            Self::Open(open) if !open.sums.venues.is_empty() => {
                RowsOf::Both(Box::new(merged(settled, open.sums.sorted_venues().into_iter())))
            }
            _ => RowsOf::Settled(settled),
        }
    }

    /// The same of its areas.
    pub(super) fn area_rows(&self) -> Vec<(AreaCode, Hour, u32)> {
        match self {
            Self::Open(open) => open.sums.sorted_areas(),
            Self::Sealed(sealed) => sealed.areas.clone(),
        }
    }
}

impl OpenDay {
    /// Whether it is time to [`OpenDay::settle`].
    pub(super) fn has_grown(&self) -> bool {
        let rows = self.sums.cells.len() + self.sums.venues.len();
        let settled_rows = self.settled.cells.len() + self.settled.venues.len();
        if rows >= MANY.max(settled_rows / 8) {
            return true;
        }
        // In hash maps they take some ten times their room, on each open day. Packing goes through the people as well: where
        // the same sums come again and again with others, most of the day are they.
        let people = [&self.cell_people, &self.venue_people].map(People::lens);
        let [settled, fresh] = [0, 1].map(|at| people[0][at] + people[1][at]);
        rows >= FEW && rows + fresh >= (settled_rows + settled) / 4
    }

    /// Packs everything but the areas' sums, of which there are few.
    pub(super) fn settle(&mut self, first: Hour) {
        self.settled = Arc::new(self.packed(first));
        self.sums.cells = FxHashMap::default();
        self.sums.venues = FxHashMap::default();
        self.cell_people.settle();
        self.venue_people.settle();
    }

    fn packed(&self, first: Hour) -> PackedDay {
        let (cells, venues) = (self.sums.sorted_cells(), self.sums.sorted_venues());
        PackedDay {
            cells: packed_with(&self.settled.cells, cells, first),
            venues: packed_with(&self.settled.venues, venues, first),
        }
    }

    /// All its sums but the areas', packed.
    pub(super) fn to_packed(&self, first: Hour) -> Arc<PackedDay> {
        if self.sums.cells.is_empty() && self.sums.venues.is_empty() {
            Arc::clone(&self.settled)
        } else {
            Arc::new(self.packed(first))
        }
    }
}

fn packed_with<S: Measures>(settled: &PackedRows, rows: Vec<(u64, Hour, S)>, first: Hour) -> PackedRows {
    PackedRows::of(first, merged(settled.rows(first), rows.into_iter()))
}

impl Sums {
    pub(super) fn sorted_cells(&self) -> Vec<(u64, Hour, CellStats)> {
        sorted(
            self.cells
                .iter()
                .map(|(key, stats)| (key.0.to_u64(), key.1, *stats)),
        )
    }

    pub(super) fn sorted_venues(&self) -> Vec<(u64, Hour, VenueStats)> {
        sorted(
            self.venues
                .iter()
                .map(|(key, stats)| (u64::from(key.0), key.1, *stats)),
        )
    }

    pub(super) fn sorted_areas(&self) -> Vec<(AreaCode, Hour, u32)> {
        let rows = self.areas.iter();
        let mut rows: Vec<(AreaCode, Hour, u32)> =
            rows.map(|(key, cases)| (key.0.clone(), key.1, *cases)).collect();
        rows.sort();
        rows
    }
}

fn sorted<S>(rows: impl Iterator<Item = (u64, Hour, S)>) -> Vec<(u64, Hour, S)> {
    let mut rows: Vec<(u64, Hour, S)> = rows.collect();
    rows.sort_unstable_by_key(|row| (row.0, row.1));
    rows
}
