//! Questions to a snapshot beside brute force, and what a publication costs.

use std::{cell::RefCell, hint::black_box};

use criterion::{BatchSize, Criterion};
use vungxanh::geo::{BBox, LngLat, Resolution, TileCoord};
use vungxanh::index::{Ledger, Publisher};
use vungxanh::model::{Day, Hour, Timestamp, UtcOffset, Venue, VenueId, VenueKind, Window};

use crate::ledger::{fold, places, rows};

const OFFSET: UtcOffset = UtcOffset::VIETNAM;
const DAYS: i32 = 21;

fn registered(venues: u32) -> Vec<Venue> {
    places(venues)
        .into_iter()
        .enumerate()
        .map(|(n, at)| Venue {
            id: VenueId::new(&format!("venue-{n}")).expect("short"),
            name: format!("Chợ {n}"),
            kind: VenueKind::Market,
            at,
            area: None,
            parent: None,
            floor_area_m2: None,
            volume_m3: None,
            marks_reach_parent: None,
            ventilation_ach: None,
            capacity: None,
            hours: None,
            valid_from: Timestamp(0),
        })
        .collect()
}

pub fn group(criterion: &mut Criterion) {
    let now = Hour(450_000 + DAYS * 24).start();
    let mut publisher = Publisher::new(OFFSET);
    publisher.put_venues(&registered(20_000), Day(18_750));
    let mut ledger = Ledger::new(OFFSET);
    for row in rows(1_500_000, DAYS) {
        fold(&mut ledger, &row);
    }
    let snapshot = publisher.publish(&mut ledger, now);
    let mut group = criterion.benchmark_group("index");
    group.sample_size(20);

    let tile = TileCoord::containing(LngLat::new(105.8, 21.5).expect("in Vietnam"), 12).expect("a zoom");
    let bbox = tile.bbox(64);
    let all: Vec<(u32, LngLat)> = snapshot
        .venues()
        .iter()
        .map(|entry| (entry.ix, entry.venue.at))
        .collect();
    group.bench_function("venues of a z12 tile, brute force", |bench| {
        bench.iter(|| all.iter().filter(|(_, at)| bbox.contains(*at)).count());
    });
    group.bench_function("venues of a z12 tile, Morton slice", |bench| {
        bench.iter(|| snapshot.venues().in_tile(black_box(tile), 64).len());
    });
    group.bench_function("venues of the same box, by number", |bench| {
        bench.iter(|| snapshot.venues().in_bbox(black_box(&bbox), usize::MAX).len());
    });
    let here = LngLat::new(105.81, 21.52).expect("in Vietnam");
    group.bench_function("10 nearest venues, brute force", |bench| {
        bench.iter(|| {
            let mut near: Vec<f64> = all.iter().map(|(_, at)| at.distance_m(here)).collect();
            near.select_nth_unstable_by(10, f64::total_cmp);
            near[10]
        });
    });
    group.bench_function("10 nearest venues, R-tree", |bench| {
        bench.iter(|| snapshot.venues().nearest(black_box(here), 5_000.0, 10).len());
    });

    let nine = Resolution::new(9).expect("a resolution");
    let fortnight = Window::ending(now, 14 * 24);
    let day = ledger.day_sums(Day(18_760));
    group.bench_function("yardstick: one day's cell rows summed by scan", |bench| {
        bench.iter(|| day.cells.iter().map(|row| row.2.visits).sum::<u32>());
    });
    group.bench_function("cells of a z12 tile over 14 days", |bench| {
        bench.iter(|| snapshot.cells_in(black_box(&bbox), nine, fortnight).len());
    });
    group.bench_function("all cells of resolution 9 over 14 days", |bench| {
        bench.iter(|| snapshot.cells_in(black_box(&BBox::WORLD), nine, fortnight).len());
    });

    let mut fresh = rows(200, 1);
    for row in &mut fresh {
        row.hour = Hour(450_000 + DAYS * 24);
    }
    let live = RefCell::new(ledger);
    group.bench_function("publish after 200 check-ins, 21 days behind them", |bench| {
        bench.iter_batched(
            || {
                let mut ledger = live.borrow_mut();
                fresh.iter().for_each(|row| fold(&mut ledger, row));
            },
            |()| publisher.publish(&mut live.borrow_mut(), now).generation(),
            BatchSize::PerIteration,
        );
    });
    group.sample_size(10);
    group.bench_function("publish everything (restart)", |bench| {
        bench.iter_batched(
            || Ledger::from_bytes(&live.borrow().to_bytes()).expect("just written"),
            |mut ledger| publisher.publish(&mut ledger, now).generation(),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}
