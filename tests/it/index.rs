//! The ledger against a plain fold and its laws, R-trees and tables against brute force, releases.

mod cells;
mod drawn;
mod ledger;
mod neighbours;
mod parts;
mod registries;
mod releases;
mod thinned;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ::geo::Contains;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use vungxanh::geo::{BASE_RESOLUTION, BBox, Cell, LngLat, Resolution, TileCoord};
use vungxanh::index::{
    AreaIndex, DaySums, Ledger, Publisher, Release, ReleaseBody, ReleasedActivity, ReleasedCases, Snapshot,
    VenueFacts, VenueScore, ZoneIndex,
};
use vungxanh::model::{
    AreaCode, AreaLevel, AreaTurn, CellStats, Day, Direction, Hour, IsoWeek, PersonId, Timestamp, UtcOffset,
    Venue, VenueStats, Window, Zone, ZoneId, ZoneState,
};

use crate::fixtures::{self, area, square, zone};

const OFFSET: UtcOffset = UtcOffset::VIETNAM;

/// A visit in the few numbers that matter.
#[derive(Clone, Debug)]
pub struct Visit {
    pub venue: u32,
    pub cell: Cell,
    pub at: Timestamp,
    pub direction: Direction,
    pub party: u16,
    pub person: Option<PersonId>,
}

pub fn visits(seed: u64, count: usize, days: i64) -> Vec<Visit> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|_| {
            let venue = rng.random_range(0..60_u32);
            let mut place = ChaCha8Rng::seed_from_u64(u64::from(venue));
            let at = LngLat::new(
                105.6 + place.random::<f64>() * 0.5,
                21.4 + place.random::<f64>() * 0.4,
            )
            .unwrap();
            Visit {
                venue,
                cell: Cell::at(at, BASE_RESOLUTION),
                at: Timestamp(1_620_000_000 + rng.random_range(0..days * 86_400)),
                direction: [Direction::In, Direction::Out, Direction::Unknown][rng.random_range(0..3)],
                party: rng.random_range(1..4),
                person: rng.random_bool(0.8).then(|| {
                    let mut id = [0; 16];
                    id[..8].copy_from_slice(&rng.random_range(0..200_u64).to_le_bytes());
                    PersonId(id)
                }),
            }
        })
        .collect()
}

pub fn fold(ledger: &mut Ledger, visit: &Visit) -> bool {
    let hour = visit.at.hour();
    ledger.fold_visit(
        visit.venue,
        visit.cell,
        hour,
        visit.direction,
        visit.party,
        visit.person,
    )
}

fn folded(visits: &[Visit]) -> Ledger {
    let mut ledger = Ledger::new(OFFSET);
    for visit in visits {
        assert!(fold(&mut ledger, visit));
    }
    ledger
}

fn code(text: &str) -> AreaCode {
    AreaCode::new(text).unwrap()
}

fn window(from: i32, to: i32) -> Window {
    Window {
        from: Hour(from),
        to: Hour(to),
    }
}

/// Sums by the definition: filters and sets over all visits.
pub fn plain_fold(visits: &[Visit]) -> BTreeMap<Day, DaySums> {
    let mut cells: BTreeMap<(Cell, Hour), CellStats> = BTreeMap::new();
    let mut venues: BTreeMap<(u32, Hour), VenueStats> = BTreeMap::new();
    let mut seen_in_cell = BTreeSet::new();
    let mut seen_at_venue = BTreeSet::new();
    for visit in visits.iter().filter(|visit| visit.direction != Direction::Out) {
        let hour = visit.at.hour();
        let first = hour.day(OFFSET).first_hour(OFFSET);
        cells.entry((visit.cell, hour)).or_default().visits += u32::from(visit.party);
        venues.entry((visit.venue, hour)).or_default().visits += u32::from(visit.party);
        if let Some(person) = visit.person {
            if seen_in_cell.insert((visit.cell, first, person)) {
                cells.entry((visit.cell, first)).or_default().people += 1;
            }
            if seen_at_venue.insert((visit.venue, first, person)) {
                venues.entry((visit.venue, first)).or_default().people += 1;
            }
        }
    }
    let mut days: BTreeMap<Day, DaySums> = BTreeMap::new();
    for ((cell, hour), stats) in cells {
        days.entry(hour.day(OFFSET))
            .or_default()
            .cells
            .push((cell, hour, stats));
    }
    for ((venue, hour), stats) in venues {
        days.entry(hour.day(OFFSET))
            .or_default()
            .venues
            .push((venue, hour, stats));
    }
    days
}

fn published(ledger: &mut Ledger) -> std::sync::Arc<Snapshot> {
    Publisher::new(OFFSET).publish(ledger, Timestamp(1_620_500_000))
}

fn venue(id: u32, at: LngLat) -> Venue {
    Venue {
        name: format!("Chợ Đồng Quang {id}"),
        ..fixtures::venue(&format!("v{id}"), at.lng(), at.lat())
    }
}
