use crate::geo::Cell;
use crate::model::{AreaCode, CellStats, Hour, VenueStats};

/// The sums of one local day, each table sorted by key and hour, no row twice, no empty row.
/// What a day leaves behind when it is sealed, and what a backfilled day comes as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DaySums {
    /// Per cell of the base resolution and hour; `people` stands in the day's first hour.
    pub cells: Vec<(Cell, Hour, CellStats)>,
    /// Per venue number and hour; `people` stands in the day's first hour.
    pub venues: Vec<(u32, Hour, VenueStats)>,
    /// Counted cases per area code and hour of report; areas above are counted too.
    pub areas: Vec<(AreaCode, Hour, u32)>,
}

impl DaySums {
    /// Sorts the rows, adds up rows of the same key and hour, and drops empty ones.
    pub fn normalise(&mut self) {
        self.cells.sort_by_key(|row| (row.0, row.1));
        self.cells.dedup_by(|next, kept| {
            let same = (next.0, next.1) == (kept.0, kept.1);
            if same {
                kept.2 += next.2;
            }
            same
        });
        self.cells.retain(|row| !row.2.is_empty());
        self.venues.sort_by_key(|row| (row.0, row.1));
        self.venues.dedup_by(|next, kept| {
            let same = (next.0, next.1) == (kept.0, kept.1);
            if same {
                kept.2 += next.2;
            }
            same
        });
        self.venues.retain(|row| row.2 != VenueStats::default());
        self.areas.sort();
        self.areas.dedup_by(|next, kept| {
            let same = (&next.0, next.1) == (&kept.0, kept.1);
            if same {
                kept.2 += next.2;
            }
            same
        });
        self.areas.retain(|row| row.2 > 0);
    }

    /// Adds the sums of other events of the same day. Right for visits, cases and declarations always;
    /// for `people` only where the two saw different people.
    pub fn merge(&mut self, other: &Self) {
        self.cells.extend_from_slice(&other.cells);
        self.venues.extend_from_slice(&other.venues);
        self.areas.extend_from_slice(&other.areas);
        self.normalise();
    }

    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty() && self.venues.is_empty() && self.areas.is_empty()
    }
}
