//! How fast check-ins come in. Through the door: text to checked, pseudonymous events, one core; the yardstick beside
//! it is serde_json reading the same lines into a bare struct. To the disk: text to events that are committed, told
//! from repeats, indexed for tracing and folded; the yardstick is a plain multi-row insert of the same rows into a table
//! with the same three ways in: by key, by venue, by person. Both of these begin with a fresh file and end with the last
//! commit. `INGEST_EVENTS` says how many check-ins (400,000).

use std::cell::RefCell;
use std::fmt::Write as _;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};
use vungxanh::geo::LngLat;
use vungxanh::ingest::{Chunk, Door, FieldMap, Format, Limits, Pseudonyms, read_events};
use vungxanh::model::{Clock, EventKind, Timestamp, UtcOffset, Venue, VenueId, VenueKind};
use vungxanh::pipeline::{Pipeline, PipelineConfig};
use vungxanh::risk::Rules;

const ROWS: u32 = 20_000;
const NOW: &str = "2021-05-07T23:00:00+07:00";

pub fn group(criterion: &mut Criterion) {
    through_the_door(criterion);
    to_the_disk(criterion);
}

fn through_the_door(criterion: &mut Criterion) {
    let keys = Pseudonyms::new([7; 32]);
    let door = Door {
        now: Timestamp::parse(NOW).expect("written so"),
        offset: UtcOffset::VIETNAM,
        future_tolerance_s: Door::FUTURE_TOLERANCE_S,
        oldest: None,
        bounds: None,
        keys: &keys,
        known_venue: &|id| id.starts_with('v'),
        known_area: &|_| true,
        check_assessment: &|_| Ok(()),
    };
    let ndjson = ndjson(0..ROWS, ROWS);
    let mut csv = "id,venue,phone,at,direction,method\n".to_owned();
    for n in 0..ROWS {
        let row = Row::of(n, ROWS);
        writeln!(
            csv,
            "{},v{},0{},{},in,venue_qr",
            row.id, row.venue, row.phone, row.at
        )
        .expect("a string takes everything");
    }
    let mut group = criterion.benchmark_group("ingest");
    group.throughput(Throughput::Elements(u64::from(ROWS)));
    for (name, format, text) in [
        ("check-ins, NDJSON", Format::Ndjson, &ndjson),
        ("check-ins, CSV", Format::Csv, &csv),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut sink = |chunk: Chunk| {
                    black_box(chunk);
                    ControlFlow::Continue(())
                };
                read_events(
                    EventKind::CheckIn,
                    format,
                    &FieldMap::identity(),
                    text.as_bytes(),
                    &door,
                    &Limits::HTTP,
                    &mut sink,
                )
                .expect("the input is good")
            });
        });
    }
    group.bench_function("yardstick: serde_json into a struct", |bencher| {
        bencher.iter(|| {
            for line in ndjson.lines() {
                black_box(serde_json::from_str::<Bare<'_>>(line).expect("the input is good"));
            }
        });
    });
    group.finish();
}

/// Check-ins in one fresh file unless `INGEST_EVENTS` says otherwise, and the threads that read them.
const STORED: u32 = 400_000;
const READERS: u32 = 4;
const VENUES: u32 = 977;
/// Rows of a statement and of a transaction of the yardstick: more change little.
const STATEMENT: usize = 1_000;
const TRANSACTION: usize = 50_000;

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn stopwatch() -> Instant {
    Instant::now()
}

fn to_the_disk(criterion: &mut Criterion) {
    let stored = std::env::var("INGEST_EVENTS").ok();
    let stored: u32 = stored.map_or(STORED, |text| text.parse().expect("a number of events"));
    let runtime = tokio::runtime::Runtime::new().expect("two threads can be had");
    let texts: Vec<String> = (0..READERS)
        .map(|part| ndjson(part * (stored / READERS)..(part + 1) * (stored / READERS), stored))
        .collect();
    let rows = raw_rows(stored);
    let (ours, raw) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let mut group = criterion.benchmark_group("ingest");
    group.throughput(Throughput::Elements(u64::from(stored)));
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(Duration::from_secs(10));
    group.bench_function("check-ins, NDJSON, to the disk", |bencher| {
        bencher.iter_custom(|count| timed(count, &ours, || runtime.block_on(store_ours(&texts))));
    });
    group.bench_function("yardstick: multi-row insert", |bencher| {
        bencher.iter_custom(|count| timed(count, &raw, || runtime.block_on(insert_raw(&rows))));
    });
    group.finish();
    if let (Some(ours), Some(raw)) = (median(ours), median(raw)) {
        let per_second = |time: Duration| f64::from(stored) / time.as_secs_f64();
        println!(
            "ingest: {:.0} check-ins/s to the disk, {:.0} rows/s inserted plainly: {:.2} of it",
            per_second(ours),
            per_second(raw),
            raw.as_secs_f64() / ours.as_secs_f64()
        );
    }
}

fn timed(count: u64, times: &RefCell<Vec<Duration>>, run: impl Fn() -> Duration) -> Duration {
    let all: Vec<Duration> = (0..count).map(|_| run()).collect();
    times.borrow_mut().extend(&all);
    all.iter().sum()
}

fn median(times: RefCell<Vec<Duration>>) -> Option<Duration> {
    let mut times = times.into_inner();
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

/// As the server does it: threads read, batches wait together, each is answered once it is durable.
async fn store_ours(texts: &[String]) -> Duration {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let clock = Clock::fixed(Timestamp::parse(NOW).expect("written so"));
    let pipeline = Pipeline::open(
        folder.path(),
        PipelineConfig::default(),
        clock,
        Arc::new(Rules::builtin()),
    )
    .await
    .expect("an empty folder opens");
    pipeline.put_venues(venues()).await.expect("the venues are good");
    let runtime = tokio::runtime::Handle::current();
    let begun = stopwatch();
    let (flow, runtime) = (&pipeline, &runtime);
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            for text in texts {
                scope.spawn(move || {
                    let mut waiting = std::collections::VecDeque::new();
                    flow.with_door(false, |door| {
                        read_events(
                            EventKind::CheckIn,
                            Format::Ndjson,
                            &FieldMap::identity(),
                            text.as_bytes(),
                            door,
                            &Limits::HTTP,
                            &mut |chunk| {
                                let flow = flow.clone();
                                waiting
                                    .push_back(runtime.spawn(async move { flow.append(chunk.batch).await }));
                                if waiting.len() > 4 {
                                    let first = waiting.pop_front().expect("there are five");
                                    runtime.block_on(first).expect("no panic").expect("it is stored");
                                }
                                ControlFlow::Continue(())
                            },
                        )
                    })
                    .expect("the input is good");
                    for rest in waiting {
                        runtime.block_on(rest).expect("no panic").expect("it is stored");
                    }
                });
            }
        });
    });
    let took = begun.elapsed();
    let stored = pipeline.store().position().await.expect("the store answers");
    let sent: usize = texts.iter().map(|text| text.lines().count()).sum();
    assert_eq!(stored, sent as i64);
    pipeline.close().await.expect("it closes");
    took
}

type RawRow = (i32, i64, i64, i64, i32, i64, [u8; 16], i64);

/// The same rows as values, those of a transaction in the order of their key.
fn raw_rows(stored: u32) -> Vec<RawRow> {
    let mix = |n: u64| {
        let mut mixed = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let keys = (0..stored).map(|n| {
        let row = Row::of(n, stored);
        let at = Timestamp::parse(&row.at).expect("written so");
        let mut person = [0; 16];
        person[..8].copy_from_slice(&mix(u64::from(row.phone)).to_le_bytes());
        person[8..].copy_from_slice(&mix(u64::from(row.phone) << 32).to_le_bytes());
        let hour = at.hour();
        let (id, content) = (mix(u64::from(n)) as i64, mix(u64::from(n) << 32) as i64);
        let day = hour.day(UtcOffset::VIETNAM);
        (
            hour.0,
            id,
            content,
            id & 63,
            day.0,
            i64::from(row.venue) + 1,
            person,
            at.0,
        )
    });
    let mut rows: Vec<RawRow> = keys.collect();
    for transaction in rows.chunks_mut(TRANSACTION) {
        transaction.sort_unstable();
    }
    rows
}

const RAW_TABLE: &str = "
create table check_in (
    position integer primary key, hour integer not null, id_hash integer not null, content integer not null,
    part integer not null, day integer not null, venue integer not null, person blob, at integer not null,
    direction integer not null, method integer not null, party_size integer not null);
create unique index check_in_key on check_in (hour, id_hash);
create index check_in_venue on check_in (day, hour, venue);
create index check_in_person on check_in (day, hour, person) where person is not null;";

async fn insert_raw(rows: &[RawRow]) -> Duration {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut connection = SqliteConnectOptions::new()
        .filename(folder.path().join("raw.sqlite"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("temp_store", "memory")
        .pragma("cache_size", "-131072")
        .pragma("wal_autocheckpoint", "65536")
        .disable_statement_logging()
        .connect()
        .await
        .expect("the file opens");
    sqlx::raw_sql(RAW_TABLE)
        .execute(&mut connection)
        .await
        .expect("the schema is good");
    let statement = format!(
        "insert into check_in (position, hour, id_hash, content, part, day, venue, person, at, direction, \
         method, party_size) values {}",
        vec!["(?,?,?,?,?,?,?,?,?,?,?,?)"; STATEMENT].join(",")
    );
    let begun = stopwatch();
    let mut position = 0_i64;
    for transaction in rows.chunks(TRANSACTION) {
        let mut tx = connection.begin().await.expect("nobody else writes");
        for some in transaction.chunks(STATEMENT) {
            let mut query = sqlx::query(sqlx::AssertSqlSafe(statement.as_str()));
            for &(hour, id, content, part, day, venue, person, at) in some {
                position += 1;
                query = query
                    .bind(position)
                    .bind(hour)
                    .bind(id)
                    .bind(content)
                    .bind(part)
                    .bind(day)
                    .bind(venue)
                    .bind(person.to_vec())
                    .bind(at)
                    .bind(0)
                    .bind(0)
                    .bind(1);
            }
            query.execute(&mut *tx).await.expect("the rows are good");
        }
        tx.commit().await.expect("the disk has room");
    }
    let took = begun.elapsed();
    connection.close().await.expect("it closes");
    took
}

struct Row {
    id: String,
    venue: u32,
    phone: u32,
    at: String,
}

impl Row {
    /// The `n`th of `total` in 22 hours at most, twelve a second where they fit.
    fn of(n: u32, total: u32) -> Self {
        let second = n / (total / 79_200).max(12);
        Self {
            id: format!("01f52{n:021}"),
            venue: n * 7 % VENUES,
            phone: 912_000_000 + n * 31 % 100_000,
            at: format!(
                "2021-05-07T{:02}:{:02}:{:02}+07:00",
                second / 3600 % 22,
                second / 60 % 60,
                second % 60
            ),
        }
    }
}

fn ndjson(range: std::ops::Range<u32>, total: u32) -> String {
    let mut text = String::new();
    for n in range {
        let Row { id, venue, phone, at } = Row::of(n, total);
        writeln!(
            text,
            r#"{{"id":"{id}","venue":"v{venue}","phone":"0{phone}","at":"{at}","direction":"in","method":"venue_qr"}}"#
        )
        .expect("a string takes everything");
    }
    text
}

fn venues() -> Vec<Venue> {
    (0..VENUES)
        .map(|n| Venue {
            id: VenueId::new(&format!("v{n}")).expect("written so"),
            name: format!("Quán {n}"),
            kind: VenueKind::Cafe,
            at: LngLat::new(105.5 + 0.01 * f64::from(n % 32), 21.0 + 0.01 * f64::from(n / 32))
                .expect("in the world"),
            area: None,
            parent: None,
            floor_area_m2: None,
            volume_m3: None,
            marks_reach_parent: None,
            ventilation_ach: None,
            capacity: None,
            hours: None,
            valid_from: Timestamp::parse("2021-01-01T00:00:00+07:00").expect("written so"),
        })
        .collect()
}

#[derive(serde::Deserialize)]
#[expect(dead_code, reason = "read by nobody: a yardstick")]
struct Bare<'a> {
    id: &'a str,
    venue: &'a str,
    phone: &'a str,
    at: &'a str,
    direction: &'a str,
    method: &'a str,
}
