//! Folding check-ins into the ledger, beside the bare hash map that any such fold needs.

use std::{cell::RefCell, collections::HashMap, hint::black_box};

use criterion::{BatchSize, Criterion, Throughput};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use vungxanh::aggregate::{CheckInColumns, day_sums};
use vungxanh::geo::{BASE_RESOLUTION, Cell, LngLat};
use vungxanh::index::{Ledger, Publisher};
use vungxanh::model::{Direction, Hour, PersonId, Timestamp, UtcOffset};

/// One check-in of the synthetic stream.
#[derive(Clone, Copy)]
pub struct Row {
    pub venue: u32,
    pub cell: Cell,
    pub hour: Hour,
    pub person: PersonId,
}

const OFFSET: UtcOffset = UtcOffset::VIETNAM;

/// Where the venues of the synthetic province stand: about 60 × 45 km.
pub fn places(venues: u32) -> Vec<LngLat> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    (0..venues)
        .map(|_| {
            let (lng, lat) = (
                105.5 + rng.random::<f64>() * 0.6,
                21.3 + rng.random::<f64>() * 0.4,
            );
            LngLat::new(lng, lat).expect("in Vietnam")
        })
        .collect()
}

/// Check-ins at 20,000 uneven venues over some days, in time order, by 200,000 people.
pub fn rows(count: usize, days: i32) -> Vec<Row> {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let cells: Vec<Cell> = places(20_000)
        .iter()
        .map(|at| Cell::at(*at, BASE_RESOLUTION))
        .collect();
    let mut rows: Vec<Row> = (0..count)
        .map(|_| {
            let venue = (rng.random::<f64>().powi(3) * 20_000.0) as u32;
            let mut person = [0; 16];
            person[..8].copy_from_slice(&rng.random_range(0..200_000_u64).to_le_bytes());
            Row {
                venue,
                cell: cells[venue as usize],
                hour: Hour(450_000 + rng.random_range(0..days) * 24 + rng.random_range(0..16)),
                person: PersonId(person),
            }
        })
        .collect();
    rows.sort_by_key(|row| row.hour);
    rows
}

pub fn fold(ledger: &mut Ledger, row: &Row) {
    ledger.fold_visit(row.venue, row.cell, row.hour, Direction::In, 1, Some(row.person));
}

pub fn group(criterion: &mut Criterion) {
    const COUNT: usize = 200_000;
    let rows = rows(COUNT, 2);
    let mut group = criterion.benchmark_group("ledger");
    group.sample_size(10);
    group.throughput(Throughput::Elements(COUNT as u64));
    group.bench_function("yardstick: std HashMap, visits per (cell, hour) only", |bench| {
        bench.iter(|| {
            let mut sums: HashMap<(Cell, Hour), u32> = HashMap::new();
            for row in &rows {
                *sums.entry((row.cell, row.hour)).or_default() += 1;
            }
            sums.len()
        });
    });
    group.bench_function("yardstick: polars, the same sums as the ledger", |bench| {
        bench.iter_batched(
            || {
                let mut columns = CheckInColumns::default();
                for row in &rows {
                    let at = row.hour.start();
                    columns.push(
                        row.venue,
                        row.cell,
                        at,
                        (Direction::In, 1),
                        Some(row.person),
                        OFFSET,
                    );
                }
                columns
            },
            |columns| day_sums(columns, OFFSET).map(|days| days.len()).ok(),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("fold: visits and distinct people per cell and venue", |bench| {
        bench.iter(|| {
            let mut ledger = Ledger::new(OFFSET);
            rows.iter().for_each(|row| fold(&mut ledger, row));
            ledger
        });
    });
    group.bench_function("fold with a live publisher behind it", |bench| {
        bench.iter_batched(
            || {
                let mut ledger = Ledger::new(OFFSET);
                Publisher::new(OFFSET).publish(&mut ledger, Timestamp(0));
                ledger
            },
            |mut ledger| {
                rows.iter().for_each(|row| fold(&mut ledger, row));
                ledger
            },
            BatchSize::LargeInput,
        );
    });
    let mut ledger = Ledger::new(OFFSET);
    rows.iter().for_each(|row| fold(&mut ledger, row));
    group.bench_function("checkpoint to bytes", |bench| {
        bench.iter(|| black_box(ledger.to_bytes()).len())
    });
    let bytes = ledger.to_bytes();
    group.bench_function("checkpoint from bytes", |bench| {
        bench.iter(|| Ledger::from_bytes(black_box(&bytes)).is_ok());
    });
    group.finish();
    sealing(criterion);
    under_the_lock(criterion);
}

/// A day's rows in the order in which the history is stored, hour by hour: found in one walk, beside a search of the whole
/// day for each hour.
fn sealing(criterion: &mut Criterion) {
    let rows = rows(2_000_000, 1);
    let day = rows[0].hour.day(OFFSET);
    let mut ledger = Ledger::new(OFFSET);
    rows.iter().for_each(|row| fold(&mut ledger, row));
    ledger.settle(day);
    let sums = ledger.day_sums(day);
    let mut group = criterion.benchmark_group("a day's rows hour by hour");
    group.sample_size(10);
    group.throughput(Throughput::Elements(
        (sums.cells.len() + sums.venues.len()) as u64,
    ));
    group.bench_function("yardstick: a search for each hour", |bench| {
        bench.iter(|| {
            let hours = day.window(OFFSET);
            (hours.from.0..hours.to.0)
                .map(Hour)
                .map(|hour| {
                    let cells: Vec<_> = ledger.day_cells(day).filter(|row| row.1 == hour).collect();
                    let venues: Vec<_> = ledger.day_venues(day).filter(|row| row.1 == hour).collect();
                    cells.len() + venues.len()
                })
                .sum::<usize>()
        });
    });
    group.bench_function("one walk", |bench| {
        bench.iter(|| {
            let hourly = ledger.hourly_sums(day);
            let hours = hourly.hours();
            hours
                .map(|sums| sums.cells.len() + sums.venues.len())
                .sum::<usize>()
        });
    });
    group.finish();
}

/// What commits wait for while a checkpoint of three weeks is written: once all of its encoding, now the taking
/// of it, and a copy of each day that changes before it is on the disk.
fn under_the_lock(criterion: &mut Criterion) {
    let rows = rows(3_000_000, 21);
    let mut ledger = Ledger::new(OFFSET);
    rows.iter().for_each(|row| fold(&mut ledger, row));
    let last = rows[rows.len() - 1];
    drop(rows);
    let mut group = criterion.benchmark_group("checkpoint under the lock");
    group.sample_size(10);
    group.bench_function("yardstick: encoded", |bench| {
        bench.iter(|| black_box(ledger.to_bytes()).len())
    });
    group.bench_function("taken", |bench| bench.iter(|| black_box(ledger.checkpoint())));
    let ledger = RefCell::new(ledger);
    group.bench_function("first change of a day that is being written", |bench| {
        bench.iter_batched(
            || ledger.borrow().checkpoint(),
            |taken| {
                fold(&mut ledger.borrow_mut(), &last);
                taken
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}
