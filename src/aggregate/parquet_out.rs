use std::{io::Write, sync::Arc};

use parquet::{
    basic::{Compression, ZstdLevel},
    data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};

use crate::geo::Cell;
use crate::model::{AreaCode, CellStats, Hour, VenueId, VenueStats};

/// A history file that could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// No such Parquet file, or the disk failed.
    #[error("the Parquet file could not be written or read: {0}")]
    Parquet(#[from] ParquetError),
    /// A column is missing, of another type, or a value is not what the column holds.
    #[error("column `{column}`: {reason}")]
    Column {
        /// Which.
        column: &'static str,
        /// What is wrong, and what was expected.
        reason: String,
    },
}

/// Rows in a row group: what a reader must load to look at any of them.
const ROW_GROUP: usize = 256 * 1024;

/// `cell`: 15 hexadecimal digits; `hour`: start of the hour, UTC; then the sums of that hour.
/// `people` are distinct people of the local day and stand in its first hour.
pub(super) const CELL_HOURS: &str = "message cell_hours {
    required binary cell (STRING);
    required int64 hour (TIMESTAMP(MILLIS, true));
    required int32 visits (INTEGER(32, false));
    required int32 people (INTEGER(32, false));
    required int32 cases (INTEGER(32, false));
    required int32 declarations (INTEGER(32, false));
    required int32 symptomatic (INTEGER(32, false));
}";

/// `venue`: its id; the rest as in [`CELL_HOURS`].
pub(super) const VENUE_HOURS: &str = "message venue_hours {
    required binary venue (STRING);
    required int64 hour (TIMESTAMP(MILLIS, true));
    required int32 visits (INTEGER(32, false));
    required int32 people (INTEGER(32, false));
}";

/// `area`: its code; `cases` of that hour of report, in the area and all below it.
pub(super) const AREA_HOURS: &str = "message area_hours {
    required binary area (STRING);
    required int64 hour (TIMESTAMP(MILLIS, true));
    required int32 cases (INTEGER(32, false));
}";

/// Writes sums per cell and hour, sorted by cell and hour, zstd. Columns: `cell` (hexadecimal text), `hour`
/// (UTC), `visits`, `people`, `cases`, `declarations`, `symptomatic`. Equal rows give equal bytes.
///
/// # Errors
/// [`HistoryError`] when the sink fails.
pub fn write_cell_hours<W: Write + Send>(
    sink: W,
    rows: &[(Cell, Hour, CellStats)],
) -> Result<(), HistoryError> {
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(|row| (row.0, row.1));
    let mut file = Table::begin(sink, CELL_HOURS)?;
    for group in sorted.chunks(ROW_GROUP) {
        let sums = |of: fn(&CellStats) -> u32| group.iter().map(|row| of(&row.2)).collect::<Vec<_>>();
        file.group(
            group.iter().map(|row| row.0.to_string()),
            group.iter().map(|row| row.1),
            &[
                sums(|stats| stats.visits),
                sums(|stats| stats.people),
                sums(|stats| stats.cases),
                sums(|stats| stats.declarations),
                sums(|stats| stats.symptomatic),
            ],
        )?;
    }
    file.end()
}

/// Writes sums per venue and hour, sorted by venue id and hour, zstd. Columns: `venue`, `hour` (UTC), `visits`,
/// `people`.
///
/// # Errors
/// [`HistoryError`] when the sink fails.
pub fn write_venue_hours<W: Write + Send>(
    sink: W,
    rows: &[(VenueId, Hour, VenueStats)],
) -> Result<(), HistoryError> {
    let mut sorted: Vec<_> = rows.iter().collect();
    sorted.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    let mut file = Table::begin(sink, VENUE_HOURS)?;
    for group in sorted.chunks(ROW_GROUP) {
        file.group(
            group.iter().map(|row| row.0.to_string()),
            group.iter().map(|row| row.1),
            &[
                group.iter().map(|row| row.2.visits).collect(),
                group.iter().map(|row| row.2.people).collect(),
            ],
        )?;
    }
    file.end()
}

/// Writes cases per area and hour of report, sorted by code and hour, zstd. Columns: `area`, `hour` (UTC), `cases`.
///
/// # Errors
/// [`HistoryError`] when the sink fails.
pub fn write_area_hours<W: Write + Send>(
    sink: W,
    rows: &[(AreaCode, Hour, u32)],
) -> Result<(), HistoryError> {
    let mut sorted: Vec<_> = rows.iter().collect();
    sorted.sort();
    let mut file = Table::begin(sink, AREA_HOURS)?;
    for group in sorted.chunks(ROW_GROUP) {
        file.group(
            group.iter().map(|row| row.0.to_string()),
            group.iter().map(|row| row.1),
            &[group.iter().map(|row| row.2).collect()],
        )?;
    }
    file.end()
}

struct Table<W: Write + Send>(SerializedFileWriter<W>);

impl<W: Write + Send> Table<W> {
    fn begin(sink: W, schema: &str) -> Result<Self, HistoryError> {
        let schema = Arc::new(parse_message_type(schema)?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_created_by("vungxanh".to_owned())
            .build();
        Ok(Self(SerializedFileWriter::new(
            sink,
            schema,
            Arc::new(properties),
        )?))
    }

    fn group(
        &mut self,
        keys: impl Iterator<Item = String>,
        hours: impl Iterator<Item = Hour>,
        sums: &[Vec<u32>],
    ) -> Result<(), HistoryError> {
        let keys: Vec<ByteArray> = keys.map(|key| ByteArray::from(key.into_bytes())).collect();
        let hours: Vec<i64> = hours.map(|hour| hour.start().0 * 1000).collect();
        let mut group = self.0.next_row_group()?;
        if let Some(mut column) = group.next_column()? {
            column.typed::<ByteArrayType>().write_batch(&keys, None, None)?;
            column.close()?;
        }
        if let Some(mut column) = group.next_column()? {
            column.typed::<Int64Type>().write_batch(&hours, None, None)?;
            column.close()?;
        }
        for sum in sums {
            let values: Vec<i32> = sum.iter().map(|value| value.cast_signed()).collect();
            if let Some(mut column) = group.next_column()? {
                column.typed::<Int32Type>().write_batch(&values, None, None)?;
                column.close()?;
            }
        }
        group.close()?;
        Ok(())
    }

    fn end(self) -> Result<(), HistoryError> {
        self.0.close()?;
        Ok(())
    }
}
