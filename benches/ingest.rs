//! Check-ins into SQLite, durable when the append returns. The yardstick puts the same rows with the
//! same indexes through plain multi-row statements, without dedupe answers, positions or registry.

use std::{hint::black_box, path::Path};

use criterion::{BatchSize, Criterion, Throughput};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::runtime::Runtime;
use vungxanh::{
    geo::LngLat,
    model::{
        CheckIn, ContentHash, Direction, Event, EventBatch, EventId, Method, PersonId, Timestamp, Venue,
        VenueId, VenueKind,
    },
    store::{Store, StoreConfig},
};

const VENUES: u32 = 20_000;
const BATCH: usize = 5_000;
const BATCHES: usize = 8;
/// 2021-05-07T08:00:00+07:00.
const START: i64 = 1_620_349_200;

pub fn group(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime starts");
    let batches = check_ins();
    let mut group = criterion.benchmark_group("ingest");
    group.sample_size(10);
    group.throughput(Throughput::Elements((BATCH * BATCHES) as u64));
    group.bench_function("store_append", |bencher| {
        bencher.iter_batched(
            || runtime.block_on(Ours::new()),
            |ours| runtime.block_on(ours.append(&batches)),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("store_append_of_repeats", |bencher| {
        let ours = runtime.block_on(async { Ours::new().await.append(&batches).await });
        bencher.iter(|| {
            for batch in &batches {
                black_box(
                    runtime
                        .block_on(ours.store.append(batch))
                        .expect("the store answers"),
                );
            }
        });
    });
    group.bench_function("yardstick_raw_insert", |bencher| {
        bencher.iter_batched(
            || runtime.block_on(Raw::new()),
            |raw| runtime.block_on(raw.insert(&batches)),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// Seeded: venues unevenly busy, one batch a minute, one person in ten scans twice.
fn check_ins() -> Vec<EventBatch> {
    let mut rng = ChaCha8Rng::seed_from_u64(2021);
    let mut batch = |minute: usize| {
        let events = (0..BATCH).map(|n| {
            let busy: f64 = rng.random();
            let mut person = [0; 16];
            person[..4].copy_from_slice(&(rng.random_range(0..1_000_000_u32)).to_be_bytes());
            Event {
                id: EventId::new(&format!("018f-{minute:06}-{n:06}")).expect("short and printable"),
                at: Timestamp(START + minute as i64 * 60 + rng.random_range(0..60)),
                content: ContentHash(rng.random()),
                record: CheckIn {
                    venue: venue_id((busy * busy * busy * f64::from(VENUES)) as u32),
                    person: Some(PersonId(person)),
                    direction: Direction::In,
                    method: Method::VenueQr,
                    party_size: 1,
                },
            }
        });
        EventBatch::CheckIns(events.collect())
    };
    (0..BATCHES).map(&mut batch).collect()
}

fn venue_id(n: u32) -> VenueId {
    VenueId::new(&format!("venue-{n:05}")).expect("short and printable")
}

struct Ours {
    store: Store,
    _folder: tempfile::TempDir,
}

impl Ours {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path(), StoreConfig::default())
            .await
            .expect("a store opens");
        let venues: Vec<Venue> = (0..VENUES)
            .map(|n| Venue {
                id: venue_id(n),
                name: format!("Quán {n}"),
                kind: VenueKind::Cafe,
                at: LngLat::new(
                    105.6 + f64::from(n % 200) * 0.002,
                    21.4 + f64::from(n / 200) * 0.004,
                )
                .expect("in Thái Nguyên"),
                area: None,
                parent: None,
                floor_area_m2: None,
                volume_m3: None,
                ventilation_ach: None,
                capacity: None,
                hours: None,
                valid_from: Timestamp(0),
            })
            .collect();
        store.put_venues(&venues).await.expect("venues are stored");
        Self {
            store,
            _folder: folder,
        }
    }

    async fn append(self, batches: &[EventBatch]) -> Self {
        for batch in batches {
            black_box(self.store.append(batch).await.expect("the store answers"));
        }
        self
    }
}

struct Raw {
    connection: SqliteConnection,
    statement: &'static str,
    _folder: tempfile::TempDir,
}

/// The event table and indexes of the store's schema.
const RAW_SCHEMA: &str = "
    create table check_in (position integer primary key, hour integer not null, id_hash integer not null,
        content integer not null, part integer not null, day integer not null, venue integer not null,
        person blob, at integer not null, direction integer not null, method integer not null,
        party_size integer not null);
    create unique index check_in_key on check_in (hour, id_hash);
    create index check_in_venue on check_in (day, venue, at);
    create index check_in_person on check_in (day, person) where person is not null;";

const RAW_ROWS: usize = 1_000;

impl Raw {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut connection = options(folder.path()).connect().await.expect("a file opens");
        sqlx::raw_sql(RAW_SCHEMA)
            .execute(&mut connection)
            .await
            .expect("tables are made");
        let row = "(?,?,?,?,?,?,?,?,?,?,?,?)";
        let text = format!("insert into check_in values {}", vec![row; RAW_ROWS].join(","));
        Self {
            connection,
            statement: Box::leak(text.into_boxed_str()),
            _folder: folder,
        }
    }

    async fn insert(mut self, batches: &[EventBatch]) -> Self {
        let mut position = 0_i64;
        for batch in batches {
            let EventBatch::CheckIns(events) = batch else {
                continue;
            };
            let mut tx = self.connection.begin().await.expect("a transaction starts");
            for rows in events.chunks(RAW_ROWS) {
                let mut query = sqlx::query(self.statement);
                for event in rows {
                    position += 1;
                    let record = &event.record;
                    let hour = event.at.hour().0;
                    query = query
                        .bind(position)
                        .bind(hour)
                        // Some 64 bits that are free to have: the yardstick hashes nothing.
                        .bind(event.content.0.rotate_left(17) as i64)
                        .bind(event.content.0 as i64)
                        .bind(0_i64)
                        .bind((hour + 7) / 24)
                        .bind(event.content.0 as i64 & 0x3fff)
                        .bind(record.person.map(|person| person.0.to_vec()))
                        .bind(event.at.0)
                        .bind(0_i64)
                        .bind(0_i64)
                        .bind(i64::from(record.party_size));
                }
                query.execute(&mut *tx).await.expect("rows are stored");
            }
            tx.commit().await.expect("the commit lands");
        }
        self
    }
}

fn options(folder: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(folder.join("raw.sqlite"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", "-65536")
        .pragma("wal_autocheckpoint", "4000")
        .disable_statement_logging()
}
