use parquet::{
    column::reader::ColumnReader,
    data_type::ByteArray,
    file::reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader},
};

use crate::aggregate::HistoryError;
use crate::geo::Cell;
use crate::model::{AreaCode, CellStats, Hour, VenueId, VenueStats};

/// Reads what [`crate::aggregate::write_cell_hours`] wrote; columns are found by name, others are passed over.
///
/// # Errors
/// [`HistoryError`] when it is no Parquet file, or a column is missing, of another type, null, or holds a value that
/// is not a cell, an hour or a count.
pub fn read_cell_hours<R: ChunkReader + 'static>(
    source: R,
) -> Result<Vec<(Cell, Hour, CellStats)>, HistoryError> {
    let file = SerializedFileReader::new(source)?;
    let mut rows = Vec::new();
    for nth in 0..file.num_row_groups() {
        let group = Group(file.get_row_group(nth)?);
        let (cells, hours) = (group.texts("cell")?, group.hours()?);
        let (visits, people) = (group.sums("visits")?, group.sums("people")?);
        let cases = group.sums("cases")?;
        let (declarations, symptomatic) = (group.sums("declarations")?, group.sums("symptomatic")?);
        for (at, (cell, hour)) in cells.iter().zip(hours).enumerate() {
            let cell = cell
                .parse::<Cell>()
                .map_err(|error| bad("cell", error.to_string()))?;
            let stats = CellStats {
                visits: visits[at],
                people: people[at],
                cases: cases[at],
                declarations: declarations[at],
                symptomatic: symptomatic[at],
            };
            rows.push((cell, hour, stats));
        }
    }
    Ok(rows)
}

/// Reads what [`crate::aggregate::write_venue_hours`] wrote.
///
/// # Errors
/// As [`read_cell_hours`].
pub fn read_venue_hours<R: ChunkReader + 'static>(
    source: R,
) -> Result<Vec<(VenueId, Hour, VenueStats)>, HistoryError> {
    let file = SerializedFileReader::new(source)?;
    let mut rows = Vec::new();
    for nth in 0..file.num_row_groups() {
        let group = Group(file.get_row_group(nth)?);
        let (venues, hours) = (group.texts("venue")?, group.hours()?);
        let (visits, people) = (group.sums("visits")?, group.sums("people")?);
        for (at, (venue, hour)) in venues.iter().zip(hours).enumerate() {
            let venue = VenueId::new(venue).map_err(|error| bad("venue", error.to_string()))?;
            let stats = VenueStats {
                visits: visits[at],
                people: people[at],
            };
            rows.push((venue, hour, stats));
        }
    }
    Ok(rows)
}

/// Reads what [`crate::aggregate::write_area_hours`] wrote.
///
/// # Errors
/// As [`read_cell_hours`].
pub fn read_area_hours<R: ChunkReader + 'static>(
    source: R,
) -> Result<Vec<(AreaCode, Hour, u32)>, HistoryError> {
    let file = SerializedFileReader::new(source)?;
    let mut rows = Vec::new();
    for nth in 0..file.num_row_groups() {
        let group = Group(file.get_row_group(nth)?);
        let (areas, hours, cases) = (group.texts("area")?, group.hours()?, group.sums("cases")?);
        for (at, (code, hour)) in areas.iter().zip(hours).enumerate() {
            let code = AreaCode::new(code).map_err(|error| bad("area", error.to_string()))?;
            rows.push((code, hour, cases[at]));
        }
    }
    Ok(rows)
}

struct Group<'a>(Box<dyn RowGroupReader + 'a>);

impl Group<'_> {
    fn texts(&self, column: &'static str) -> Result<Vec<String>, HistoryError> {
        let ColumnReader::ByteArrayColumnReader(mut reader) = self.open(column)? else {
            return Err(bad(column, "is not text; expected a string column".to_owned()));
        };
        let mut values: Vec<ByteArray> = Vec::new();
        self.all(column, |count| {
            let (records, ..) = reader.read_records(count, None, None, &mut values)?;
            Ok(records)
        })?;
        values
            .iter()
            .map(|value| {
                let text = value.as_utf8().map_err(|error| bad(column, error.to_string()))?;
                Ok(text.to_owned())
            })
            .collect()
    }

    fn hours(&self) -> Result<Vec<Hour>, HistoryError> {
        let ColumnReader::Int64ColumnReader(mut reader) = self.open("hour")? else {
            let reason = "is not a 64-bit time; expected milliseconds UTC";
            return Err(bad("hour", reason.to_owned()));
        };
        let mut values: Vec<i64> = Vec::new();
        self.all("hour", |count| {
            let (records, ..) = reader.read_records(count, None, None, &mut values)?;
            Ok(records)
        })?;
        values
            .into_iter()
            .map(|ms| {
                let hour = i32::try_from(ms.div_euclid(3_600_000)).ok().map(Hour);
                hour.filter(|_| ms.rem_euclid(3_600_000) == 0)
                    .ok_or_else(|| bad("hour", format!("{ms} ms is not the start of an hour")))
            })
            .collect()
    }

    fn sums(&self, column: &'static str) -> Result<Vec<u32>, HistoryError> {
        let ColumnReader::Int32ColumnReader(mut reader) = self.open(column)? else {
            return Err(bad(column, "is not a 32-bit count".to_owned()));
        };
        let mut values: Vec<i32> = Vec::new();
        self.all(column, |count| {
            let (records, ..) = reader.read_records(count, None, None, &mut values)?;
            Ok(records)
        })?;
        Ok(values.into_iter().map(i32::cast_unsigned).collect())
    }

    fn open(&self, column: &'static str) -> Result<ColumnReader, HistoryError> {
        let schema = self.0.metadata().schema_descr();
        let at = (0..schema.num_columns())
            .find(|&at| schema.column(at).path().string() == column)
            .ok_or_else(|| bad(column, "is missing".to_owned()))?;
        if schema.column(at).max_def_level() > 0 || schema.column(at).max_rep_level() > 0 {
            return Err(bad(
                column,
                "may be null or repeated; expected a required column".to_owned(),
            ));
        }
        Ok(self.0.get_column_reader(at)?)
    }

    /// Reads until the group's rows are there, in steps, so that memory follows what the file really holds.
    fn all(
        &self,
        column: &'static str,
        mut read: impl FnMut(usize) -> Result<usize, HistoryError>,
    ) -> Result<(), HistoryError> {
        let mut left = usize::try_from(self.0.metadata().num_rows()).unwrap_or(0);
        while left > 0 {
            let records = read(left.min(64 * 1024))?;
            if records == 0 {
                return Err(bad(column, format!("ends {left} rows too early")));
            }
            left -= records.min(left);
        }
        Ok(())
    }
}

fn bad(column: &'static str, reason: String) -> HistoryError {
    HistoryError::Column { column, reason }
}
