//! Polars against the ledger and a plain fold; Parquet there and back.

mod sealed;
mod visits;
mod wrong_files;

use bytes::Bytes;
use vungxanh::aggregate::{
    CheckInColumns, day_sums, read_area_hours, read_cell_hours, read_venue_hours, write_area_hours,
    write_cell_hours, write_venue_hours,
};
use vungxanh::index::Ledger;
use vungxanh::model::{AreaCode, CellStats, Hour, UtcOffset, VenueId};

use super::index::{fold, plain_fold, visits};

const OFFSET: UtcOffset = UtcOffset::VIETNAM;

#[test]
fn polars_and_the_ledger_and_a_plain_fold_agree() {
    let visits = visits(11, 30_000, 6);
    let mut columns = CheckInColumns::default();
    let mut ledger = Ledger::new(OFFSET);
    for visit in &visits {
        fold(&mut ledger, visit);
        let party = (visit.direction, visit.party);
        columns.push(visit.venue, visit.cell, visit.at, party, visit.person, OFFSET);
    }
    let days = day_sums(columns, OFFSET).unwrap();
    assert_eq!(days, plain_fold(&visits));
    for (day, sums) in days {
        assert_eq!(ledger.day_sums(day), sums, "{day}");
        let mut backfilled = Ledger::new(OFFSET);
        backfilled.set_day(day, sums);
        ledger.seal(day);
        assert_eq!(backfilled.day_sums(day), ledger.day_sums(day));
    }
}

#[test]
fn nothing_sums_to_nothing() {
    assert!(day_sums(CheckInColumns::default(), OFFSET).unwrap().is_empty());
}

#[test]
fn history_goes_to_parquet_and_back() {
    let days = plain_fold(&visits(12, 8_000, 3));
    let mut cells: Vec<_> = days.values().flat_map(|day| day.cells.clone()).collect();
    cells.push((
        cells[0].0,
        Hour(1),
        CellStats {
            cases: u32::MAX,
            declarations: 2,
            symptomatic: 1,
            ..CellStats::default()
        },
    ));
    let mut file = Vec::new();
    write_cell_hours(&mut file, &cells).unwrap();
    cells.sort_by_key(|row| (row.0, row.1));
    assert_eq!(read_cell_hours(Bytes::from(file.clone())).unwrap(), cells);
    let mut again = Vec::new();
    write_cell_hours(&mut again, &cells).unwrap();
    assert_eq!(file, again, "equal rows give equal bytes");

    let mut venues: Vec<_> = days
        .values()
        .flat_map(|day| &day.venues)
        .map(|(ix, hour, stats)| (VenueId::new(&format!("địa điểm {ix}")).unwrap(), *hour, *stats))
        .collect();
    let mut file = Vec::new();
    write_venue_hours(&mut file, &venues).unwrap();
    venues.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    assert_eq!(read_venue_hours(Bytes::from(file)).unwrap(), venues);

    let areas = vec![
        (AreaCode::new("019").unwrap(), Hour(450_000), 3),
        (AreaCode::new("164").unwrap(), Hour(-5), 1),
    ];
    let mut file = Vec::new();
    write_area_hours(&mut file, &areas).unwrap();
    assert_eq!(read_area_hours(Bytes::from(file)).unwrap(), areas);
}

#[test]
fn a_foreign_or_cut_parquet_file_is_refused_with_the_column_named() {
    let areas = vec![(AreaCode::new("19").unwrap(), Hour(450_000), 3)];
    let mut file = Vec::new();
    write_area_hours(&mut file, &areas).unwrap();
    let error = read_cell_hours(Bytes::from(file.clone()))
        .unwrap_err()
        .to_string();
    assert!(error.contains("`cell`") && error.contains("missing"), "{error}");
    for length in [0, 3, 12, file.len() - 1] {
        assert!(read_area_hours(Bytes::from(file[..length].to_vec())).is_err());
    }
}
