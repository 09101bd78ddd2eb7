use std::collections::BTreeMap;

use polars::prelude::{ChunkCompareEq, Column, DataFrame, IntoColumn, PolarsError};

use crate::aggregate::CheckInColumns;
use crate::geo::{Cell, InvalidCell};
use crate::model::{CellStats, Day, DaySums, Hour, UtcOffset, VenueStats};

/// A sum that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AggregateError {
    /// Polars refused a step: a defect of ours, not of the data.
    #[error("summing check-ins failed: {0}")]
    Polars(#[from] PolarsError),
    /// A cell came back changed: a defect of ours.
    #[error(transparent)]
    Cell(#[from] InvalidCell),
}

/// The sums of the check-ins per local day: visits per (cell, hour) and (venue, hour), and distinct people per
/// (cell, day) and (venue, day) booked in the day's first hour: what the ledger would hold after folding them.
/// People are told apart by all 128 bits of their pseudonyms.
///
/// # Errors
/// [`AggregateError`] on a defect inside.
pub fn day_sums(
    columns: CheckInColumns,
    offset: UtcOffset,
) -> Result<BTreeMap<Day, DaySums>, AggregateError> {
    let mut days: BTreeMap<Day, DaySums> = BTreeMap::new();
    if columns.is_empty() {
        return Ok(days);
    }
    let rows = columns.len();
    let frame = DataFrame::new(
        rows,
        vec![
            Column::new("venue".into(), columns.venue),
            Column::new("cell".into(), columns.cell),
            Column::new("hour".into(), columns.hour),
            Column::new("day".into(), columns.day),
            Column::new("visits".into(), columns.visits),
            Column::new("named".into(), columns.named),
            Column::new("high".into(), columns.person_high),
            Column::new("low".into(), columns.person_low),
        ],
    )?;

    let (cells, hours, visits) = read_u64(&visits_per(&frame, "cell")?, "cell", "hour", "visits")?;
    for ((cell, hour), visits) in cells.into_iter().zip(hours).zip(visits) {
        let (hour, stats) = (
            Hour(hour),
            CellStats {
                visits,
                ..CellStats::default()
            },
        );
        let row = (Cell::from_u64(cell)?, hour, stats);
        days.entry(hour.day(offset)).or_default().cells.push(row);
    }
    let (cells, at, people) = read_u64(&people_per(&frame, "cell")?, "cell", "day", "people")?;
    for ((cell, day), people) in cells.into_iter().zip(at).zip(people) {
        let stats = CellStats {
            people,
            ..CellStats::default()
        };
        let row = (Cell::from_u64(cell)?, Day(day).first_hour(offset), stats);
        days.entry(Day(day)).or_default().cells.push(row);
    }
    let (venues, hours, visits) = read_u32(&visits_per(&frame, "venue")?, "venue", "hour", "visits")?;
    for ((venue, hour), visits) in venues.into_iter().zip(hours).zip(visits) {
        let row = (venue, Hour(hour), VenueStats { visits, people: 0 });
        days.entry(Hour(hour).day(offset)).or_default().venues.push(row);
    }
    let (venues, at, people) = read_u32(&people_per(&frame, "venue")?, "venue", "day", "people")?;
    for ((venue, day), people) in venues.into_iter().zip(at).zip(people) {
        let row = (
            venue,
            Day(day).first_hour(offset),
            VenueStats { visits: 0, people },
        );
        days.entry(Day(day)).or_default().venues.push(row);
    }
    days.values_mut().for_each(DaySums::normalise);
    Ok(days)
}

// Polars without its lazy engine: half as much to build, and these sums have nothing to optimise.

fn visits_per(frame: &DataFrame, key: &str) -> Result<DataFrame, PolarsError> {
    #[expect(deprecated, reason = "the lazy engine that it points to is what we leave out")]
    let mut sums = frame.group_by([key, "hour"])?.select(["visits"]).sum()?;
    sums.set_column_names(&[key, "hour", "visits"])?;
    Ok(sums)
}

/// Distinct (key, day, person) first, then a count of them: exact, and no wide type is needed.
fn people_per(frame: &DataFrame, key: &str) -> Result<DataFrame, PolarsError> {
    let is_named = frame.column("named")?.u32()?.equal(1);
    let named = frame.select([key, "day", "high", "low"])?.filter(&is_named)?;
    let distinct = DataFrame::new_infer_height(named.group_by([key, "day", "high", "low"])?.keys())?;
    let places = distinct.group_by([key, "day"])?;
    let mut columns = places.keys();
    let mut people = places.get_groups().group_count();
    people.rename("people".into());
    columns.push(people.into_column());
    DataFrame::new_infer_height(columns)
}

type Rows<K> = (Vec<K>, Vec<i32>, Vec<u32>);

fn read_u64(frame: &DataFrame, key: &str, time: &str, sum: &str) -> Result<Rows<u64>, PolarsError> {
    let keys = frame.column(key)?.u64()?.into_no_null_iter().collect();
    let (times, sums) = times_and_sums(frame, time, sum)?;
    Ok((keys, times, sums))
}

fn read_u32(frame: &DataFrame, key: &str, time: &str, sum: &str) -> Result<Rows<u32>, PolarsError> {
    let keys = frame.column(key)?.u32()?.into_no_null_iter().collect();
    let (times, sums) = times_and_sums(frame, time, sum)?;
    Ok((keys, times, sums))
}

fn times_and_sums(frame: &DataFrame, time: &str, sum: &str) -> Result<(Vec<i32>, Vec<u32>), PolarsError> {
    let times = frame.column(time)?.i32()?.into_no_null_iter().collect();
    let sums = frame.column(sum)?.u32()?.into_no_null_iter().collect();
    Ok((times, sums))
}
