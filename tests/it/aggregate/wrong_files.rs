//! What is wrong with a file of check-ins or of venues is said with what was expected.

use std::sync::Arc;

use bytes::Bytes;
use parquet::data_type::{ByteArrayType, DoubleType};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use vungxanh::aggregate::{CheckInFields, VenueFields, cell_hours, read_venue_cells};

use super::visits::{LIMITS, PLAIN, Writing, file, put, rows, venues};

fn error_of(file: &Bytes, fields: &CheckInFields) -> String {
    let open = || Ok(Bytes::clone(file));
    let found = cell_hours(open, fields, &venues(PLAIN), LIMITS, &|_, _| ());
    found.unwrap_err().to_string()
}

#[test]
fn what_is_wrong_with_a_file_names_column_or_row_group_and_what_was_expected() {
    let good = file(
        &rows(6, 5_000),
        Writing {
            is_packed: false,
            ..PLAIN
        },
    );
    let fields = CheckInFields::default;
    let missing = CheckInFields {
        person: "who".to_owned(),
        ..fields()
    };
    let said = error_of(&good, &missing);
    assert_eq!(
        said,
        "column `who` for `person` is missing; expected text, whole numbers or bytes of one length"
    );
    let not_a_time = CheckInFields {
        at: "party_size".to_owned(),
        ..fields()
    };
    let said = error_of(&good, &not_a_time);
    assert!(
        said.starts_with("column `party_size` for `at` is whole numbers; expected TIMESTAMP in UTC"),
        "{said}"
    );
    let not_optional_any_more = CheckInFields {
        direction: "way".to_owned(),
        ..fields()
    };
    assert!(error_of(&good, &not_optional_any_more).contains("`way` for `direction` is missing"));
    for length in [0, 3, 40, good.len() / 2, good.len() - 1] {
        let said = error_of(&good.slice(..length), &fields());
        assert!(said.ends_with("expected a Parquet file"), "{said}");
    }
    // Broken pages are an error that names their row group, or other figures, and never a crash.
    let mut named = 0;
    for at in (4..good.len() / 2).step_by(997) {
        let mut bytes = good.to_vec();
        bytes[at..at + 8].fill(0xff);
        let broken = Bytes::from(bytes);
        let open = || Ok(Bytes::clone(&broken));
        if let Err(error) = cell_hours(open, &fields(), &venues(PLAIN), LIMITS, &|_, _| ()) {
            assert!(error.to_string().starts_with("row group 0: "), "{error}");
            named += 1;
        }
    }
    assert!(named > 0);
}

#[test]
fn a_time_without_an_offset_is_refused() {
    let schema = "message check_ins { required binary venue (STRING); required int64 at (TIMESTAMP(MICROS, false)); \
                  required int64 person; }";
    let mut out = Vec::new();
    let schema = Arc::new(parse_message_type(schema).unwrap());
    SerializedFileWriter::new(&mut out, schema, Arc::default())
        .unwrap()
        .close()
        .unwrap();
    let said = error_of(&Bytes::from(out), &CheckInFields::default());
    assert!(
        said.contains("`at` is a wall-clock time without an offset; expected TIMESTAMP in UTC"),
        "{said}"
    );
}

#[test]
fn venues_come_from_a_file_and_each_stands_at_one_place() {
    let file = |rows: &[(&str, f64, f64)]| {
        let schema =
            "message venues { required binary id (STRING); required double lng; required double lat; }";
        let mut out = Vec::new();
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let mut file = SerializedFileWriter::new(&mut out, schema, Arc::default()).unwrap();
        let mut group = file.next_row_group().unwrap();
        put::<ByteArrayType>(
            &mut group,
            &rows.iter().map(|row| Some(row.0.into())).collect::<Vec<_>>(),
        );
        put::<DoubleType>(
            &mut group,
            &rows.iter().map(|row| Some(row.1)).collect::<Vec<_>>(),
        );
        put::<DoubleType>(
            &mut group,
            &rows.iter().map(|row| Some(row.2)).collect::<Vec<_>>(),
        );
        group.close().unwrap();
        file.close().unwrap();
        Bytes::from(out)
    };
    let read = |rows: &[(&str, f64, f64)]| {
        let file = file(rows);
        read_venue_cells(|| Ok(Bytes::clone(&file)), &VenueFields::default())
    };
    // Twice at the same place is one.
    assert_eq!(
        read(&[("a", 105.8, 21.6), ("b", 105.9, 21.6), ("a", 105.8, 21.6)])
            .unwrap()
            .len(),
        2
    );
    let said = read(&[("a", 105.8, 21.6), ("a", 105.9, 21.6)])
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("`a` stands twice") && said.contains("expected each venue once"),
        "{said}"
    );
    let said = read(&[("a", 105.8, 21.6), ("b", 21.6, 105.8)])
        .unwrap_err()
        .to_string();
    assert!(said.starts_with("row 2: `lng, lat`"), "{said}");
    let fields = VenueFields {
        id: "place".to_owned(),
        ..VenueFields::default()
    };
    let file = file(&[("a", 105.8, 21.6)]);
    let said = read_venue_cells(|| Ok(Bytes::clone(&file)), &fields)
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "column `place` for `id` is missing; expected text or whole numbers"
    );
}
