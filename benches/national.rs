//! A country: what grows with what is stored and what only with what changed. One curve over sizes.
//!
//! The world: res-9 cells side by side, a seventh of the res-7 cells around them towns, a quarter villages, the rest
//! country; a venue for every three cells, nearly all in towns and villages. Every cell has something in each of 30
//! days (a declaration at home), a venue visits in 1 to 5 hours of each day: on average about two (cell, hour) buckets
//! per cell and day, in towns five. 21 days are open, with the fingerprints of their people, the first nine sealed.
//!
//! `VUNGXANH_BENCH_CELLS` bounds the largest size (3,000,000 when it is not set), `VUNGXANH_BENCH_FROM` the smallest: a
//! country takes minutes to make, and its column can be had alone. With `VUNGXANH_BENCH_FOLDER` the
//! largest country is written as a data folder (venues and a checkpoint) and nothing is measured: `load/national.mjs`
//! starts the program on it.

use std::{
    cell::RefCell,
    collections::HashSet,
    hint::black_box,
    io::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion};
use vungxanh::geo::{BASE_RESOLUTION, Cell, LngLat, Resolution, TileCoord};
use vungxanh::index::{Ledger, Publisher, Release, ReleaseBody, ReleasedActivity, Snapshot};
use vungxanh::model::{
    Day, Declaration, DeclarationKind, Direction, Hour, PersonId, Timestamp, UtcOffset, Venue, VenueId,
    VenueKind,
};
use vungxanh::risk::{self, Audience, Rules};
use vungxanh::store::{Store, StoreConfig};
use vungxanh::tiles::{
    Kept, LIVE_WINDOW_HOURS, LayerKind, Layers, TileCache, TileFormat, TileRequest, encode_with,
};

const SIZES: [usize; 4] = [10_000, 100_000, 1_000_000, 3_000_000];
const OFFSET: UtcOffset = UtcOffset::VIETNAM;
const FIRST: Day = Day(18_750);
const DAYS: i32 = 30;
const OPEN: i32 = 21;

pub fn group(criterion: &mut Criterion) {
    // Building a country takes minutes: not for somebody who asked for another group.
    let mut wanted = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .peekable();
    if wanted.peek().is_some()
        && !wanted.any(|word| "national".contains(word.as_str()) || word.contains("national"))
    {
        return;
    }
    let largest: usize = std::env::var("VUNGXANH_BENCH_CELLS")
        .ok()
        .and_then(|cells| cells.parse().ok())
        .unwrap_or(3_000_000);
    let smallest: usize = std::env::var("VUNGXANH_BENCH_FROM")
        .ok()
        .and_then(|cells| cells.parse().ok())
        .unwrap_or(0);
    if let Ok(folder) = std::env::var("VUNGXANH_BENCH_FOLDER") {
        write_folder(largest, &folder);
        return;
    }
    let mut curve: Vec<(usize, Vec<(&str, String)>)> = Vec::new();
    for cells in SIZES
        .into_iter()
        .filter(|cells| (smallest..=largest).contains(cells))
    {
        curve.push((cells, measured(criterion, cells)));
    }
    let Some((_, first)) = curve.first() else { return };
    print!("\n{:<58}", "cells");
    for (cells, _) in &curve {
        print!("{cells:>14}");
    }
    println!();
    for (nth, (name, _)) in first.iter().enumerate() {
        print!("{name:<58}");
        for (_, row) in &curve {
            print!("{:>14}", row[nth].1);
        }
        println!();
    }
}

fn measured(criterion: &mut Criterion, cells: usize) -> Vec<(&'static str, String)> {
    let rules = Rules::builtin();
    let mut rows: Vec<(&str, String)> = Vec::new();
    let before = resident();
    let started = Instant::now();
    let country = Country::new(cells);
    let mut publisher = Publisher::new(OFFSET);
    publisher.put_venues(&country.registered(), Day(FIRST.0 + DAYS - 1));
    let mut ledger = Ledger::new(OFFSET);
    let (buckets, events) = country.fold_all(&mut ledger);
    rows.push(("events", events.to_string()));
    rows.push(("(cell, hour) sums and (venue, hour) sums", buckets.to_string()));
    rows.push(("made in", seconds(started)));

    let started = Instant::now();
    let bytes = ledger.to_bytes();
    rows.push(("checkpoint encoded in", seconds(started)));
    rows.push(("checkpoint", mb(bytes.len() as u64)));
    drop(ledger);
    let started = Instant::now();
    let mut ledger = Ledger::from_bytes(&bytes).expect("just written");
    rows.push(("checkpoint loaded in", seconds(started)));
    drop(bytes);
    let now = RefCell::new(Hour(Day(FIRST.0 + DAYS).first_hour(OFFSET).0 - 8));
    let started = Instant::now();
    let snapshot = publisher.publish(&mut ledger, now.borrow().start());
    rows.push(("first publication in", seconds(started)));
    rows.push(("resident then", mb(resident().saturating_sub(before))));

    let started = Instant::now();
    for day in DAYS - 8..DAYS - 1 {
        publisher.put_release(&release(&rules, &ledger, Day(FIRST.0 + day)));
    }
    rows.push(("seven days released in", seconds(started)));
    drop(snapshot);
    let snapshot = publisher.publish(&mut ledger, now.borrow().start());

    let mut group = criterion.benchmark_group("national");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(700));
    let middle = country.middle;
    for (name, audience, zoom) in [
        ("official tile, z10", Audience::Official, 10),
        ("official tile, z12", Audience::Official, 12),
        ("official tile, z14", Audience::Official, 14),
        ("public tile, z10", Audience::Public, 10),
        ("public tile, z12", Audience::Public, 12),
    ] {
        let kept = Kept::new(64 << 20);
        let request = TileRequest {
            layers: Layers::one(LayerKind::Cells),
            format: TileFormat::Mvt,
            coord: TileCoord::containing(middle, zoom).expect("a zoom"),
            resolution: None,
            at: None,
            window_hours: LIVE_WINDOW_HOURS,
            audience,
        };
        let mut best = Duration::MAX;
        group.bench_function(BenchmarkId::new(name, cells), |bench| {
            bench.iter_custom(|times| {
                let started = Instant::now();
                for _ in 0..times {
                    black_box(encode_with(&kept, &snapshot, &rules, &request));
                }
                best = best.min(started.elapsed() / times as u32);
                started.elapsed()
            });
        });
        rows.push((name, ms(best)));
    }

    // A batch that touches 200 cells, published and compared; then an hour turns.
    let cache = TileCache::new(256 << 20);
    cache.advance(&snapshot, &rules);
    drop(snapshot);
    let mut nth = 0;
    let (mut publish, mut compare) = (Vec::new(), Vec::new());
    group.bench_function(
        BenchmarkId::new("200 cells: publish and compare", cells),
        |bench| {
            bench.iter_custom(|times| {
                let mut spent = Duration::ZERO;
                for _ in 0..times {
                    nth += 1;
                    country.batch(&country.venues, &mut ledger, nth, *now.borrow());
                    let started = Instant::now();
                    let snapshot = publisher.publish(&mut ledger, now.borrow().start());
                    publish.push(started.elapsed());
                    let between = Instant::now();
                    cache.advance(&snapshot, &rules);
                    compare.push(between.elapsed());
                    spent += started.elapsed();
                }
                spent
            });
        },
    );
    rows.push(("200 cells: publish, median", ms(median(&mut publish))));
    rows.push(("200 cells: publish, mean", ms(mean(&publish))));
    rows.push((
        "200 cells: publish, slowest",
        ms(publish.last().copied().unwrap_or_default()),
    ));
    rows.push(("200 cells: compare", ms(median(&mut compare))));
    // Nothing between the publications, and long enough that whatever is put off comes up.
    for (places, median_name, mean_name) in [
        (
            &country.venues,
            "one after the other: publish, median",
            "one after the other: publish, mean",
        ),
        (
            &country.near,
            "the same in one district: publish, median",
            "the same in one district: publish, mean",
        ),
    ] {
        publish.clear();
        for _ in 0..400 {
            nth += 1;
            // Of the last ten days, so that few of them add to one row in a small country either.
            let hour = Hour(now.borrow().0 - (nth * 7 % 240) as i32);
            country.batch(places, &mut ledger, nth, hour);
            let started = Instant::now();
            let snapshot = publisher.publish(&mut ledger, now.borrow().start());
            publish.push(started.elapsed());
            drop(snapshot);
        }
        rows.push((median_name, ms(median(&mut publish))));
        rows.push((mean_name, ms(mean(&publish))));
    }
    let snapshot = publisher.publish(&mut ledger, now.borrow().start());
    cache.advance(&snapshot, &rules);
    drop(snapshot);
    let (mut publish, mut compare) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let hour = Hour(now.borrow().0 + 1);
        *now.borrow_mut() = hour;
        let started = Instant::now();
        let snapshot = publisher.publish(&mut ledger, hour.start());
        publish.push(started.elapsed());
        let started = Instant::now();
        cache.advance(&snapshot, &rules);
        compare.push(started.elapsed());
    }
    rows.push(("hour turn: publish", ms(median(&mut publish))));
    rows.push(("hour turn: compare", ms(median(&mut compare))));
    let started = Instant::now();
    publisher.put_release(&release(&rules, &ledger, Day(FIRST.0 + DAYS - 1)));
    let snapshot = publisher.publish(&mut ledger, now.borrow().start());
    rows.push(("a day released: compute and publish", seconds(started)));
    let started = Instant::now();
    cache.advance(&snapshot, &rules);
    rows.push(("a day released: compare", ms(started.elapsed())));
    rows.push(("resident at the end", mb(resident().saturating_sub(before))));
    group.finish();
    drop::<Arc<Snapshot>>(snapshot);
    rows
}

/// A data folder of a country at position 0: its venues in the database, its sums in a checkpoint.
fn write_folder(cells: usize, folder: &str) {
    let country = Country::new(cells);
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    runtime.block_on(async {
        let config = StoreConfig { utc_offset: OFFSET };
        let store = Store::open(std::path::Path::new(folder), config)
            .await
            .expect("a new folder");
        for venues in country.registered().chunks(20_000) {
            store
                .put_venues(venues, Timestamp(0))
                .await
                .expect("venues are valid");
        }
        store.close().await;
    });
    let mut ledger = Ledger::new(OFFSET);
    let (buckets, events) = country.fold_all(&mut ledger);
    let mut file =
        std::fs::File::create(std::path::Path::new(folder).join("ledger.checkpoint")).expect("a file");
    // Position, number of the areas, number of the history.
    file.write_all(&[0; 24]).expect("room on the disk");
    ledger.checkpoint().write_to(&mut file).expect("room on the disk");
    let venues = country.venues.len();
    println!(
        "{cells} cells, {venues} venues, {events} events, {buckets} sums, {} resident",
        mb(resident())
    );
}

/// What is released of a day, as the pipeline does it.
fn release(rules: &Rules, ledger: &Ledger, day: Day) -> Release {
    let mut leaves: Vec<(Cell, u32, u32)> = Vec::new();
    for (cell, _, stats) in ledger.day_sums(day).cells {
        match leaves.last_mut() {
            Some(last) if last.0 == cell => {
                last.1 += stats.visits;
                last.2 += stats.people;
            }
            _ => leaves.push((cell, stats.visits, stats.people)),
        }
    }
    leaves.retain(|leaf| leaf.1 + leaf.2 > 0);
    let rows = risk::release_activity(&rules.release, &leaves).into_iter();
    let body = rows.map(|(cell, released)| match released {
        risk::ReleasedActivity::Shown { visits, people } => {
            (cell, ReleasedActivity::Shown { visits, people })
        }
        risk::ReleasedActivity::Hidden => (cell, ReleasedActivity::Hidden),
    });
    Release {
        bucket: day.window(OFFSET),
        seq: 1,
        made_at: Day(day.0 + 1).first_hour(OFFSET).start(),
        body: ReleaseBody::Activity(body.collect()),
    }
}

struct Country {
    middle: LngLat,
    cells: Vec<Cell>,
    /// Each venue's number, and its place in `cells`.
    venues: Vec<(u32, u32)>,
    /// Those in the smallest country, which is the middle of all others.
    near: Vec<(u32, u32)>,
}

impl Country {
    fn new(count: usize) -> Self {
        let middle = LngLat::new(105.84, 21.59).expect("on the globe");
        let shard = Cell::at(middle, Resolution::new(4).expect("four"));
        let mut rings = 1;
        let mut cells: Vec<Cell> = Vec::new();
        while cells.len() < count {
            rings += 1;
            cells = shard
                .grid_disk(rings)
                .into_iter()
                .flat_map(|shard| descendants(shard, BASE_RESOLUTION))
                .collect();
        }
        // The nearest ones, and no two equally near.
        let seven = Resolution::new(7).expect("seven");
        cells.sort_by_cached_key(|cell| {
            let block = cell.parent(seven).expect("coarser");
            ((block.centre().distance_m(middle) * 1e3) as u64, *cell)
        });
        cells.truncate(count);
        let middle_cells: HashSet<Cell> = cells[..SIZES[0].min(count)].iter().copied().collect();
        cells.sort_unstable();
        let mut venues = Vec::new();
        for (at, cell) in (0..).zip(&cells) {
            let block = random(cell.parent(seven).expect("coarser").to_u64(), 1) % 100;
            let per_thousand = match block {
                0..15 => 1600,
                15..40 => 320,
                _ => 20,
            };
            let dice = random(cell.to_u64(), 2) % 1000;
            let more = u64::from(dice < per_thousand % 1000);
            venues.extend(std::iter::repeat_n(at, (per_thousand / 1000 + more) as usize));
        }
        let venues: Vec<(u32, u32)> = (0..).zip(venues).collect();
        let is_near = |at: u32| middle_cells.contains(&cells[at as usize]);
        Self {
            middle,
            near: venues.iter().copied().filter(|venue| is_near(venue.1)).collect(),
            cells,
            venues,
        }
    }

    fn registered(&self) -> Vec<Venue> {
        self.venues
            .iter()
            .map(|(nth, at)| Venue {
                id: VenueId::new(&format!("venue-{nth}")).expect("short"),
                name: format!("Cửa hàng {nth}"),
                kind: VenueKind::Market,
                at: self.cells[*at as usize].centre(),
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

    /// Everything that happened; gives the number of sums and of events.
    fn fold_all(&self, ledger: &mut Ledger) -> (usize, usize) {
        let declaration = declaration();
        let (mut buckets, mut events) = (0, 0);
        for nth in 0..DAYS {
            let day = Day(FIRST.0 + nth);
            let first = day.first_hour(OFFSET).0;
            for cell in &self.cells {
                let hour = Hour(first + 6 + (random(cell.to_u64(), nth as u64) % 16) as i32);
                ledger.fold_declaration(*cell, hour, &declaration);
                events += 1;
            }
            for &(ix, at) in &self.venues {
                let dice = random(u64::from(ix), 1000 + nth as u64);
                for visit in 0..1 + dice % 5 {
                    let dice = random(dice, visit);
                    let hour = Hour(first + 6 + (dice % 16) as i32);
                    self.visit(ledger, ix, at, hour, dice);
                    events += 1;
                }
            }
            if nth < DAYS - OPEN {
                ledger.seal(day);
            }
            if nth == 0 || nth == DAYS - 1 {
                let sums = ledger.day_sums(day);
                buckets += (sums.cells.len() + sums.venues.len()) * DAYS as usize / 2;
            }
        }
        (buckets, events)
    }

    /// Check-ins in 200 cells all over some venues.
    fn batch(&self, venues: &[(u32, u32)], ledger: &mut Ledger, nth: u64, hour: Hour) {
        for visit in 0..200 {
            let dice = random(nth, visit);
            let (ix, at) = venues[(dice % venues.len() as u64) as usize];
            self.visit(ledger, ix, at, hour, dice);
        }
    }

    fn visit(&self, ledger: &mut Ledger, ix: u32, at: u32, hour: Hour, dice: u64) {
        let mut person = [0; 16];
        person[..8].copy_from_slice(&random(dice, 7).to_le_bytes());
        person[8..].copy_from_slice(&random(dice, 8).to_le_bytes());
        let cell = self.cells[at as usize];
        ledger.fold_visit(ix, cell, hour, Direction::In, 1, Some(PersonId(person)));
    }
}

fn descendants(cell: Cell, resolution: Resolution) -> Vec<Cell> {
    if cell.resolution() == resolution {
        return vec![cell];
    }
    let children = cell.children().into_iter();
    children
        .flat_map(|child| descendants(child, resolution))
        .collect()
}

fn declaration() -> Declaration {
    Declaration {
        kind: DeclarationKind::Domestic,
        person: None,
        home: None,
        symptoms: Vec::new(),
        exposures: Vec::new(),
        places: Vec::new(),
        entry: None,
    }
}

/// The same number for the same pair, on every machine.
fn random(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b.wrapping_mul(0xd6e8_feb8_6659_fd93);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Resident memory of this process, bytes; 0 where that cannot be read.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn mean(times: &[Duration]) -> Duration {
    let all: Duration = times.iter().sum();
    all.checked_div(times.len() as u32).unwrap_or_default()
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn seconds(started: Instant) -> String {
    format!("{:.2} s", started.elapsed().as_secs_f64())
}

fn mb(bytes: u64) -> String {
    format!("{} MB", bytes >> 20)
}
