//! A Parquet file of check-ins counted by cell and hour, against sets and maps, and against polars.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use vungxanh::aggregate::{
    CellHours, CheckInColumns, CheckInFields, VenueCells, VisitLimits, cell_hours, day_sums,
};
use vungxanh::geo::{BASE_RESOLUTION, Cell, LngLat};
use vungxanh::model::{Direction, Hour, PersonId, Timestamp, UtcOffset};

pub const LIMITS: VisitLimits = VisitLimits {
    row_bytes: 1 << 30,
    seed: 5,
};

#[derive(Clone, Debug)]
pub struct Row {
    venue: Option<u32>,
    at_ms: Option<i64>,
    person: Option<u32>,
    direction: Option<&'static str>,
    party: Option<i32>,
}

/// How the file is written.
#[derive(Clone, Copy, Debug)]
pub struct Writing {
    pub has_dictionary: bool,
    pub is_version_2: bool,
    pub is_packed: bool,
    pub rows_a_group: usize,
    pub rows_a_page: usize,
    /// Ids as numbers, or as texts (some of them long).
    pub has_numbers: bool,
    pub has_party: bool,
    /// In the encoding that the crate reads for us.
    pub is_delta: bool,
}

fn place(venue: u32) -> LngLat {
    // Several venues share a cell.
    LngLat::new(
        105.7 + f64::from(venue % 7) * 0.01,
        21.5 + f64::from(venue / 21) * 0.01,
    )
    .unwrap()
}

fn venue_id(venue: u32, writing: Writing) -> String {
    if writing.has_numbers {
        venue.to_string()
    } else {
        format!("địa điểm {venue}")
    }
}

fn person_id(person: u32) -> String {
    match person % 3 {
        0 => format!("p{person}"),
        1 => format!("someone with a long name, number {person}"),
        // Exactly at the bound of what stands in 128 bits as it is.
        _ => format!("{person:015}"),
    }
}

pub fn rows(seed: u64, count: usize) -> Vec<Row> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|_| Row {
            venue: rng.random_bool(0.97).then(|| rng.random_range(0..65)),
            at_ms: rng
                .random_bool(0.97)
                .then(|| 1_620_000_000_000 + rng.random_range(0..90_000_000)),
            person: rng.random_bool(0.9).then(|| rng.random_range(0..40)),
            direction: rng
                .random_bool(0.5)
                .then(|| ["in", "out", "unknown", "sideways"][rng.random_range(0..4_usize)]),
            party: rng.random_bool(0.5).then(|| rng.random_range(0..4)),
        })
        .collect()
}

/// Writes one column: the values that are there, and whether each row has one.
pub fn put<T: DataType>(group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>, values: &[Option<T::T>]) {
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let there: Vec<T::T> = values.iter().flatten().cloned().collect();
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<T>()
        .write_batch(&there, Some(&levels), None)
        .unwrap();
    column.close().unwrap();
}

pub fn file(rows: &[Row], writing: Writing) -> Bytes {
    let id = if writing.has_numbers { "int64" } else { "binary" };
    let text = if writing.has_numbers { "" } else { "(STRING)" };
    let party = if writing.has_party {
        "optional int32 party_size (INTEGER(16, false));"
    } else {
        ""
    };
    let schema = format!(
        "message check_ins {{ optional {id} venue {text}; optional int64 at (TIMESTAMP(MILLIS, true)); \
         optional {id} person {text}; optional binary direction (STRING); {party} }}"
    );
    let mut properties = WriterProperties::builder()
        .set_dictionary_enabled(writing.has_dictionary)
        .set_data_page_row_count_limit(writing.rows_a_page)
        .set_write_batch_size(writing.rows_a_page.min(64))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_compression(if writing.is_packed {
            Compression::ZSTD(ZstdLevel::try_new(1).unwrap())
        } else {
            Compression::UNCOMPRESSED
        })
        .set_writer_version(if writing.is_version_2 {
            WriterVersion::PARQUET_2_0
        } else {
            WriterVersion::PARQUET_1_0
        });
    if writing.is_delta && !writing.has_numbers {
        for column in ["venue", "person"] {
            properties = properties
                .set_column_dictionary_enabled(column.into(), false)
                .set_column_encoding(column.into(), Encoding::DELTA_LENGTH_BYTE_ARRAY);
        }
    }
    let mut out = Vec::new();
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let mut file = SerializedFileWriter::new(&mut out, schema, Arc::new(properties.build())).unwrap();
    for rows in rows.chunks(writing.rows_a_group) {
        let mut group = file.next_row_group().unwrap();
        let times = rows.iter().map(|row| row.at_ms).collect::<Vec<_>>();
        if writing.has_numbers {
            put::<Int64Type>(
                &mut group,
                &rows
                    .iter()
                    .map(|row| row.venue.map(i64::from))
                    .collect::<Vec<_>>(),
            );
            put::<Int64Type>(&mut group, &times);
            put::<Int64Type>(
                &mut group,
                &rows
                    .iter()
                    .map(|row| row.person.map(i64::from))
                    .collect::<Vec<_>>(),
            );
        } else {
            let text = |text: String| ByteArray::from(text.into_bytes());
            let venues = rows
                .iter()
                .map(|row| row.venue.map(|venue| text(venue_id(venue, writing))));
            put::<ByteArrayType>(&mut group, &venues.collect::<Vec<_>>());
            put::<Int64Type>(&mut group, &times);
            let people = rows
                .iter()
                .map(|row| row.person.map(|person| text(person_id(person))));
            put::<ByteArrayType>(&mut group, &people.collect::<Vec<_>>());
        }
        let ways = rows.iter().map(|row| row.direction.map(ByteArray::from));
        put::<ByteArrayType>(&mut group, &ways.collect::<Vec<_>>());
        if writing.has_party {
            put::<Int32Type>(&mut group, &rows.iter().map(|row| row.party).collect::<Vec<_>>());
        }
        group.close().unwrap();
    }
    file.close().unwrap();
    Bytes::from(out)
}

/// Venues 0..60; the file also names 60..65, which nobody registered.
pub fn venues(writing: Writing) -> VenueCells {
    let venues = (0..60).map(|venue| (venue_id(venue, writing).into(), place(venue)));
    VenueCells::new(venues.collect()).unwrap()
}

/// By the definition: a map of sets.
fn brute_force(rows: &[Row], writing: Writing) -> CellHours {
    let mut found = CellHours {
        read: rows.len() as u64,
        ..CellHours::default()
    };
    let mut groups: BTreeMap<(Cell, Hour), (u64, BTreeSet<u32>)> = BTreeMap::new();
    for row in rows {
        let party = if writing.has_party {
            row.party.unwrap_or(1)
        } else {
            1
        };
        if row.direction == Some("sideways") || party == 0 {
            found.bad_values += 1;
            continue;
        }
        let Some(venue) = row.venue.filter(|venue| *venue < 60) else {
            found.unknown_venues += 1;
            continue;
        };
        let Some(at_ms) = row.at_ms else {
            found.bad_times += 1;
            continue;
        };
        if row.direction == Some("out") {
            found.departures += 1;
            continue;
        }
        let cell = Cell::at(place(venue), BASE_RESOLUTION);
        let hour = Timestamp(at_ms.div_euclid(1000)).hour();
        let group = groups.entry((cell, hour)).or_default();
        group.0 += party as u64;
        group.1.extend(row.person);
    }
    found.rows = groups
        .into_iter()
        .map(|((cell, hour), (visits, people))| vungxanh::aggregate::CellHour {
            cell,
            hour,
            people: people.len() as u32,
            visits,
        })
        .collect();
    found
}

fn counted(file: &Bytes, writing: Writing, row_bytes: u64) -> CellHours {
    let limits = VisitLimits { row_bytes, ..LIMITS };
    let open = || Ok(Bytes::clone(file));
    cell_hours(
        open,
        &CheckInFields::default(),
        &venues(writing),
        limits,
        &|_, _| (),
    )
    .unwrap()
}

fn writings() -> impl Strategy<Value = Writing> {
    (
        any::<[bool; 6]>(),
        prop::sample::select(vec![70_usize, 1_000, 100_000]),
        prop::sample::select(vec![13_usize, 200, 20_000]),
    )
        .prop_map(|(is, rows_a_group, rows_a_page)| Writing {
            has_dictionary: is[0],
            is_version_2: is[1],
            is_packed: is[2],
            rows_a_group,
            rows_a_page,
            has_numbers: is[3],
            has_party: is[4],
            is_delta: is[5],
        })
}

pub const PLAIN: Writing = Writing {
    has_dictionary: true,
    is_version_2: false,
    is_packed: true,
    rows_a_group: 40_000,
    rows_a_page: 3_000,
    has_numbers: false,
    has_party: true,
    is_delta: false,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_file_however_written_is_counted_as_by_sets(seed in any::<u64>(), count in 0_usize..3_000, writing in writings()) {
        let rows = rows(seed, count);
        let file = file(&rows, writing);
        prop_assert_eq!(counted(&file, writing, 1 << 30), brute_force(&rows, writing));
    }
}

#[test]
fn a_file_larger_than_the_memory_it_may_take_is_counted_in_turns() {
    let rows = rows(3, 120_000);
    let file = file(&rows, PLAIN);
    let expected = brute_force(&rows, PLAIN);
    for row_bytes in [1 << 30, 1 << 20, 1] {
        let read = std::sync::atomic::AtomicU64::new(0);
        let limits = VisitLimits { row_bytes, ..LIMITS };
        let found = cell_hours(
            || Ok(Bytes::clone(&file)),
            &CheckInFields::default(),
            &venues(PLAIN),
            limits,
            &|more, total| {
                assert_eq!(total % 120_000, 0);
                read.fetch_add(more, std::sync::atomic::Ordering::Relaxed);
            },
        );
        assert_eq!(found.unwrap(), expected, "{row_bytes}");
        let turns = read.into_inner() / 120_000;
        assert_eq!(turns > 1, row_bytes < 1 << 30, "{turns} turns for {row_bytes}");
    }
}

#[test]
fn one_row_group_of_many_rows_is_shared_out_without_a_row_lost() {
    // More than a unit of work: both halves begin inside pages.
    let writing = Writing {
        rows_a_group: usize::MAX,
        rows_a_page: 20_000,
        ..PLAIN
    };
    let rows = rows(4, (1 << 20) + 100_000);
    assert_eq!(
        counted(&file(&rows, writing), writing, 1 << 30),
        brute_force(&rows, writing)
    );
}

#[test]
fn polars_counts_the_same_visits_and_people() {
    let rows = rows(5, 50_000);
    let mut columns = CheckInColumns::default();
    let zero = UtcOffset::new(0).unwrap();
    for row in &rows {
        let known = row
            .venue
            .filter(|venue| *venue < 60 && row.direction != Some("sideways"));
        let (Some(venue), Some(at), 1..) = (known, row.at_ms, row.party.unwrap_or(1)) else {
            continue;
        };
        let direction = if row.direction == Some("out") {
            Direction::Out
        } else {
            Direction::In
        };
        let mut person = [0; 16];
        person[..4].copy_from_slice(&row.person.unwrap_or(0).to_le_bytes());
        // It counts people per day: each hour becomes a day of its own.
        let at = Timestamp(i64::from(Timestamp(at.div_euclid(1000)).hour().0) * 86_400);
        columns.push(
            venue,
            Cell::at(place(venue), BASE_RESOLUTION),
            at,
            (direction, row.party.unwrap_or(1) as u16),
            row.person.map(|_| PersonId(person)),
            zero,
        );
    }
    let mut expected = Vec::new();
    for (day, sums) in day_sums(columns, zero).unwrap() {
        for (cell, _, stats) in sums.cells {
            expected.push((cell, Hour(day.0), u64::from(stats.visits), stats.people));
        }
    }
    expected.sort();
    let found = counted(&file(&rows, PLAIN), PLAIN, 1 << 30).rows;
    let found: Vec<_> = found
        .iter()
        .map(|row| (row.cell, row.hour, row.visits, row.people))
        .collect();
    assert_eq!(found, expected);
}

/// Four rows under other names: two of one person in an hour, one in the next, one at a venue nobody knows.
pub fn small_file() -> Bytes {
    let schema = "message scans { optional binary place (STRING); optional binary time (STRING); \
                  optional binary person (STRING); }";
    let mut out = Vec::new();
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut file = SerializedFileWriter::new(&mut out, schema, Arc::default()).unwrap();
    let mut group = file.next_row_group().unwrap();
    for column in [
        ["v1", "v1", "v2", "nowhere"],
        [
            "2021-05-07T08:10:00+07:00",
            "2021-05-07T08:50:00+07:00",
            "2021-05-07T09:00:00+07:00",
            "2021-05-07T09:00:00+07:00",
        ],
        ["a", "a", "b", "c"],
    ] {
        put::<ByteArrayType>(&mut group, &column.map(|text| Some(ByteArray::from(text))));
    }
    group.close().unwrap();
    file.close().unwrap();
    Bytes::from(out)
}
