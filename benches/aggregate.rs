//! Files of check-ins, and sealed days rebuilt out of theirs.

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::reader::ColumnReader;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use polars::prelude::{Column, DataFrame};
use rustc_hash::FxHashMap;
use vungxanh::aggregate::{
    CheckInFields, SealedFiles, VenueCells, VisitLimits, cell_hours, read_sealed_days, write_area_hours,
    write_cell_hours, write_venue_hours,
};
use vungxanh::geo::{BASE_RESOLUTION, Cell};
use vungxanh::index::Ledger;
use vungxanh::model::{Day, UtcOffset, VenueId};

use crate::ledger::{Row, fold, places, rows};

const OFFSET: UtcOffset = UtcOffset::VIETNAM;
const VENUES: u32 = 20_000;

pub fn group(criterion: &mut Criterion) {
    check_ins(criterion);
    sealed_days(criterion);
}

/// 2 million check-ins as a file: venue (text), at, person (number); zstd, row groups of 2^20 rows.
fn check_in_file(rows: &[Row]) -> Bytes {
    let schema = "message check_ins { required binary venue (STRING); required int64 at (TIMESTAMP(MILLIS, true)); \
                  required int64 person; }";
    let properties =
        WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap()));
    let mut out = Vec::new();
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut file = SerializedFileWriter::new(&mut out, schema, Arc::new(properties.build())).unwrap();
    for rows in rows.chunks(1 << 20) {
        let mut group = file.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let venues: Vec<ByteArray> = rows.iter().map(|row| name(row.venue).as_str().into()).collect();
        column
            .typed::<ByteArrayType>()
            .write_batch(&venues, None, None)
            .unwrap();
        column.close().unwrap();
        let times = rows.iter().map(|row| row.hour.start().0 * 1000).collect();
        let people = rows.iter().map(|row| person(row) as i64).collect();
        for values in [times, people] {
            let values: Vec<i64> = values;
            let mut column = group.next_column().unwrap().unwrap();
            column
                .typed::<Int64Type>()
                .write_batch(&values, None, None)
                .unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    file.close().unwrap();
    Bytes::from(out)
}

fn name(venue: u32) -> String {
    format!("v{venue:06}")
}

fn person(row: &Row) -> u64 {
    u64::from_le_bytes(row.person.0[..8].try_into().unwrap())
}

fn check_ins(criterion: &mut Criterion) {
    const COUNT: usize = 2_000_000;
    let rows = rows(COUNT, 14);
    let file = check_in_file(&rows);
    let places = places(VENUES);
    let named = (0..VENUES).map(|venue| (name(venue).into(), places[venue as usize]));
    let venues = VenueCells::new(named.collect()).unwrap();
    let mut group = criterion.benchmark_group("check-ins by cell and hour");
    group.sample_size(10);
    group.throughput(Throughput::Elements(COUNT as u64));

    let cells: FxHashMap<String, u64> = (0..VENUES)
        .map(|venue| {
            (
                name(venue),
                Cell::at(places[venue as usize], BASE_RESOLUTION).to_u64(),
            )
        })
        .collect();
    group.bench_function("yardstick: the same columns decoded, nothing counted", |bench| {
        bench.iter(|| decode(&file, &cells));
    });
    group.bench_function(
        "yardstick: polars, with cells and hours given in memory",
        |bench| {
            let (cell, hour, person) = decode(&file, &cells);
            let columns = || {
                vec![
                    Column::new("cell".into(), &cell),
                    Column::new("hour".into(), &hour),
                    Column::new("person".into(), &person),
                ]
            };
            bench.iter_batched(columns, by_polars, criterion::BatchSize::LargeInput);
        },
    );
    let limits = VisitLimits {
        row_bytes: 1 << 30,
        seed: 1,
    };
    let count = || {
        let open = || Ok(Bytes::clone(&file));
        cell_hours(open, &CheckInFields::default(), &venues, limits, &|_, _| ()).unwrap()
    };
    {
        let (cell, hour, person) = decode(&file, &cells);
        let frame = by_polars(vec![
            Column::new("cell".into(), cell),
            Column::new("hour".into(), hour),
            Column::new("person".into(), person),
        ]);
        assert_eq!(frame, count().rows.len(), "both find the same groups");
    }
    group.bench_function("a Parquet file to visits and distinct people", |bench| {
        bench.iter(|| count().rows.len());
    });
    group.finish();
}

/// Cells, hours and people of each row, as a program without our way of reading would make them.
fn decode(file: &Bytes, cells: &FxHashMap<String, u64>) -> (Vec<u64>, Vec<i32>, Vec<i64>) {
    let file = SerializedFileReader::new(Bytes::clone(file)).unwrap();
    let (mut cell, mut hour, mut person) = (Vec::new(), Vec::new(), Vec::new());
    for nth in 0..file.num_row_groups() {
        let group = file.get_row_group(nth).unwrap();
        let rows = group.metadata().num_rows() as usize;
        let ColumnReader::ByteArrayColumnReader(mut reader) = group.get_column_reader(0).unwrap() else {
            panic!("texts");
        };
        let mut venues = Vec::new();
        reader.read_records(rows, None, None, &mut venues).unwrap();
        cell.extend(venues.iter().map(|venue| cells[venue.as_utf8().unwrap()]));
        let numbers = |column| {
            let ColumnReader::Int64ColumnReader(mut reader) = group.get_column_reader(column).unwrap() else {
                panic!("numbers");
            };
            let mut values = Vec::new();
            reader.read_records(rows, None, None, &mut values).unwrap();
            values
        };
        hour.extend(numbers(1).into_iter().map(|ms| (ms / 3_600_000) as i32));
        person.extend(numbers(2));
    }
    (cell, hour, person)
}

/// Distinct (cell, hour, person) first, then groups of them and of all rows.
fn by_polars(columns: Vec<Column>) -> usize {
    let frame = DataFrame::new_infer_height(columns).unwrap();
    let visits = frame
        .group_by(["cell", "hour"])
        .unwrap()
        .get_groups()
        .group_count();
    let distinct =
        DataFrame::new_infer_height(frame.group_by(["cell", "hour", "person"]).unwrap().keys()).unwrap();
    let people = distinct
        .group_by(["cell", "hour"])
        .unwrap()
        .get_groups()
        .group_count();
    black_box((visits, &people));
    people.len()
}

/// 3 million check-ins of three weeks, sealed: their files back into a ledger.
fn sealed_days(criterion: &mut Criterion) {
    const COUNT: usize = 3_000_000;
    let mut live = Ledger::new(OFFSET);
    rows(COUNT, 21).iter().for_each(|row| fold(&mut live, row));
    let days: Vec<Day> = live.days().map(|(day, _)| day).collect();
    let (mut cells, mut venues) = (Vec::new(), Vec::new());
    for day in days {
        live.seal(day);
        let sums = live.day_sums(day);
        cells.extend(sums.cells);
        let named = sums.venues.into_iter();
        venues.extend(named.map(|(ix, hour, stats)| (VenueId::new(&name(ix)).unwrap(), hour, stats)));
    }
    let mut files = [Vec::new(), Vec::new(), Vec::new()];
    write_cell_hours(&mut files[0], &cells).unwrap();
    write_venue_hours(&mut files[1], &venues).unwrap();
    write_area_hours(&mut files[2], &[]).unwrap();
    let files = files.map(Bytes::from);
    println!(
        "{COUNT} check-ins in {} cell-hours and {} venue-hours",
        cells.len(),
        venues.len()
    );
    let numbers: FxHashMap<String, u32> = (0..VENUES).map(|venue| (name(venue), venue)).collect();
    let rebuild = || {
        let [cells, venues, areas] = files.clone();
        let files = SealedFiles { cells, venues, areas };
        let mut ledger = Ledger::new(OFFSET);
        for (day, sums) in read_sealed_days(files, &|id| numbers.get(id).copied(), OFFSET).unwrap() {
            ledger.set_day(day, sums);
        }
        ledger
    };
    assert!(rebuild().to_bytes() == live.to_bytes(), "bit for bit");

    let mut group = criterion.benchmark_group("ledger rebuilt out of sealed files");
    group.sample_size(10);
    // By rows, each of which stands for one check-in or more: the events a second are no fewer.
    group.throughput(Throughput::Elements((cells.len() + venues.len()) as u64));
    group.bench_function(
        "yardstick: the same columns decoded by the parquet crate",
        |bench| {
            bench.iter(|| files.iter().map(decode_all).sum::<usize>());
        },
    );
    group.bench_function("yardstick: a checkpoint of the same days read", |bench| {
        let bytes = live.to_bytes();
        bench.iter(|| Ledger::from_bytes(black_box(&bytes)).is_ok());
    });
    group.bench_function("files to ledger", |bench| bench.iter(rebuild));
    group.finish();
}

fn decode_all(file: &Bytes) -> usize {
    let file = SerializedFileReader::new(Bytes::clone(file)).unwrap();
    let mut count = 0;
    for nth in 0..file.num_row_groups() {
        let group = file.get_row_group(nth).unwrap();
        let rows = group.metadata().num_rows() as usize;
        for column in 0..group.num_columns() {
            count += match group.get_column_reader(column).unwrap() {
                ColumnReader::ByteArrayColumnReader(mut reader) => {
                    let mut values = Vec::new();
                    reader.read_records(rows, None, None, &mut values).unwrap();
                    values.len()
                }
                ColumnReader::Int64ColumnReader(mut reader) => {
                    let mut values = Vec::new();
                    reader.read_records(rows, None, None, &mut values).unwrap();
                    values.len()
                }
                ColumnReader::Int32ColumnReader(mut reader) => {
                    let mut values = Vec::new();
                    reader.read_records(rows, None, None, &mut values).unwrap();
                    values.len()
                }
                _ => panic!("no such column"),
            };
        }
    }
    count
}
