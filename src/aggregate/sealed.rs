use std::collections::BTreeMap;

use parquet::file::reader::ChunkReader;
use rayon::prelude::*;

use crate::aggregate::{HistoryError, read_area_hours, read_cell_hours, read_venue_hours_by};
use crate::model::{Day, DaySums, Hour, UtcOffset};

/// The files of sealed days, as [`crate::aggregate::write_cell_hours`] and its like write them.
pub struct SealedFiles<R> {
    /// Sums per cell and hour.
    pub cells: R,
    /// Sums per venue and hour.
    pub venues: R,
    /// Cases per area and hour.
    pub areas: R,
}

/// Days further apart than this are not of one folder: 1900 to 2199.
const MAX_DAYS: usize = 109_600;

/// Rebuilds the sums of whole days out of their files: what the ledger held when it sealed them, row for row.
/// Columns are read as columns, cells and venues on two threads; no event, and no SQL, is in it.
///
/// # Errors
/// [`HistoryError`] as the readers of the files; also for a venue that `venue_number` does not know, and for people
/// booked in an hour that begins no local day at `offset`: then the files were written at another offset.
pub fn read_sealed_days<R: ChunkReader + 'static>(
    files: SealedFiles<R>,
    venue_number: &(dyn Fn(&str) -> Option<u32> + Sync),
    offset: UtcOffset,
) -> Result<BTreeMap<Day, DaySums>, HistoryError> {
    let SealedFiles { cells, venues, areas } = files;
    let known = |id: &str| venue_number(id).ok_or_else(|| format!("`{id}` is not a registered venue"));
    let (cells, venues) = rayon::join(|| read_cell_hours(cells), || read_venue_hours_by(venues, &known));
    let (cells, venues, areas) = (cells?, venues?, read_area_hours(areas)?);
    let hours = cells.iter().map(|row| row.1);
    let hours = hours.chain(venues.iter().map(|row| row.1));
    let hours = hours.chain(areas.iter().map(|row| row.1));
    let Some((low, high)) = hours.fold(None, |span: Option<(Hour, Hour)>, hour| {
        Some(span.map_or((hour, hour), |(low, high)| (low.min(hour), high.max(hour))))
    }) else {
        return Ok(BTreeMap::new());
    };
    let (first, last) = (low.day(offset), high.day(offset));
    let span = usize::try_from(i64::from(last.0) - i64::from(first.0)).unwrap_or(0) + 1;
    if span > MAX_DAYS {
        return Err(bad(format!("spans {first} to {last}, longer than any history")));
    }
    let mut days = vec![DaySums::default(); span];
    // Days by place: rows come by cell, so each next row is of another day.
    let nth = |hour: Hour| (hour.day(offset).0 - first.0) as usize;
    let is_off = |hour: Hour| hour.day(offset).first_hour(offset) != hour;
    for row in cells {
        if row.2.people > 0 && is_off(row.1) {
            return Err(other_offset(row.1, offset));
        }
        days[nth(row.1)].cells.push(row);
    }
    for row in venues {
        if row.2.people > 0 && is_off(row.1) {
            return Err(other_offset(row.1, offset));
        }
        days[nth(row.1)].venues.push(row);
    }
    for row in areas {
        days[nth(row.1)].areas.push(row);
    }
    // Rows are in order already but for the venues, whose numbers follow their registration and not their ids.
    days.par_iter_mut().for_each(DaySums::normalise);
    let days = (first.0..).map(Day).zip(days);
    Ok(days.filter(|(_, sums)| !sums.is_empty()).collect())
}

fn other_offset(hour: Hour, offset: UtcOffset) -> HistoryError {
    bad(format!(
        "people are booked at {}, which begins no day at an offset of {} hours; expected the offset of the folder \
         that the files were written from",
        hour.start().to_rfc3339(offset),
        offset.hours()
    ))
}

fn bad(reason: String) -> HistoryError {
    HistoryError::Column {
        column: "hour",
        reason,
    }
}
