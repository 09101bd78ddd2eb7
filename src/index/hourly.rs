use std::marker::PhantomData;

use crate::geo::Cell;
use crate::index::measures::{Cursor, Kind, Measures, put_varint};
use crate::index::{DaySums, Ledger};
use crate::model::{CellStats, Day, Hour, VenueStats, Window};

/// A day's sums hour by hour, found in one walk through the day. A row takes a few bytes, so that a country's day is held a
/// second time without being felt.
#[derive(Debug)]
pub struct HourlySums {
    hours: Window,
    cells: Vec<HourRows<CellStats>>,
    venues: Vec<HourRows<VenueStats>>,
}

/// The rows of an hour by ascending key, each key once: how far it is from the one before, the kind of the figures, and what
/// that leaves open.
#[derive(Debug)]
struct HourRows<S> {
    last: u64,
    bytes: Vec<u8>,
    figures: PhantomData<S>,
}

impl Ledger {
    /// The sums of a day's cells and venues as they stand, by the hours of the day.
    #[must_use]
    pub fn hourly_sums(&self, day: Day) -> HourlySums {
        let hours = day.window(self.offset());
        let cells = self.day_cells(day);
        let venues = self.day_venues(day);
        HourlySums {
            hours,
            cells: by_hour(
                hours,
                cells.map(|(cell, hour, stats)| (cell.to_u64(), hour, stats)),
            ),
            venues: by_hour(
                hours,
                venues.map(|(ix, hour, stats)| (u64::from(ix), hour, stats)),
            ),
        }
    }
}

impl HourlySums {
    /// The day's hours and the sums of each, its cells and its venue numbers ascending.
    pub fn hours(&self) -> impl Iterator<Item = DaySums> {
        let hours = (self.hours.from.0..self.hours.to.0).map(Hour);
        let rows = self.cells.iter().zip(&self.venues);
        hours.zip(rows).map(|(hour, (cells, venues))| {
            let cells = cells.rows();
            let venues = venues.rows();
            DaySums {
                cells: cells
                    .filter_map(|(id, stats)| Some((Cell::from_u64(id).ok()?, hour, stats)))
                    .collect(),
                venues: venues.map(|(ix, stats)| (ix as u32, hour, stats)).collect(),
                areas: Vec::new(),
            }
        })
    }
}

/// Deals rows sorted by key and hour to the hours of a day; what lies outside is left out.
fn by_hour<S: Measures>(hours: Window, rows: impl Iterator<Item = (u64, Hour, S)>) -> Vec<HourRows<S>> {
    let empty = || HourRows {
        last: 0,
        bytes: Vec::new(),
        figures: PhantomData,
    };
    let mut dealt: Vec<HourRows<S>> = (hours.from.0..hours.to.0).map(|_| empty()).collect();
    for (key, hour, stats) in rows.filter(|row| hours.contains(row.1)) {
        dealt[(hour.0 - hours.from.0) as usize].push(key, &stats);
    }
    dealt
}

impl<S: Measures> HourRows<S> {
    fn push(&mut self, key: u64, stats: &S) {
        let step = key.wrapping_sub(self.last).rotate_right(S::KEY_SHIFT);
        put_varint(&mut self.bytes, step);
        self.last = key;
        let kind = Kind::of(stats);
        self.bytes.push(kind.0);
        kind.put(&mut self.bytes, stats);
    }

    fn rows(&self) -> impl Iterator<Item = (u64, S)> {
        let (mut cursor, mut key) = (Cursor::new(&self.bytes), 0_u64);
        std::iter::from_fn(move || {
            if cursor.is_at_end() {
                return None;
            }
            key = key.wrapping_add(cursor.varint().rotate_left(S::KEY_SHIFT));
            let kind = Kind(cursor.byte());
            let mut stats = S::default();
            kind.add_to(&mut cursor, &mut stats);
            Some((key, stats))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geo::{BASE_RESOLUTION, LngLat};
    use crate::model::{Direction, UtcOffset};

    proptest! {
        #[test]
        fn hour_by_hour_a_day_is_what_a_search_for_each_hour_finds(
            visits in prop::collection::vec((0_u32..60, -3_i32..27, 1_u16..400), 0..300),
            is_sealed: bool,
        ) {
            let mut ledger = Ledger::new(UtcOffset::VIETNAM);
            let day = Day(18_754);
            let window = day.window(UtcOffset::VIETNAM);
            for (venue, hour, party) in visits {
                let at = LngLat::new(105.8 + 0.003 * f64::from(venue % 20), 21.59).unwrap();
                let cell = Cell::at(at, BASE_RESOLUTION);
                ledger.fold_visit(venue, cell, Hour(window.from.0 + hour), Direction::In, party, None);
            }
            if is_sealed {
                ledger.seal(day);
            }
            let hourly = ledger.hourly_sums(day);
            let found: Vec<DaySums> = hourly.hours().collect();
            prop_assert_eq!(found.len(), 24);
            for (hour, sums) in (window.from.0..).map(Hour).zip(found) {
                let cells: Vec<_> = ledger.day_cells(day).filter(|row| row.1 == hour).collect();
                let venues: Vec<_> = ledger.day_venues(day).filter(|row| row.1 == hour).collect();
                prop_assert_eq!((sums.cells, sums.venues), (cells, venues));
            }
        }
    }
}
