use std::{io::Write, sync::Arc};

use parquet::{
    basic::{Compression, ZstdLevel},
    data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};

use crate::aggregate::CellHour;
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
const CELL_HOURS: &str = "message cell_hours {
    required binary cell (STRING);
    required int64 hour (TIMESTAMP(MILLIS, true));
    required int32 visits (INTEGER(32, false));
    required int32 people (INTEGER(32, false));
    required int32 cases (INTEGER(32, false));
    required int32 declarations (INTEGER(32, false));
    required int32 symptomatic (INTEGER(32, false));
}";

/// `venue`: its id; the rest as in [`CELL_HOURS`].
const VENUE_HOURS: &str = "message venue_hours {
    required binary venue (STRING);
    required int64 hour (TIMESTAMP(MILLIS, true));
    required int32 visits (INTEGER(32, false));
    required int32 people (INTEGER(32, false));
}";

/// `area`: its code; `cases` of that hour of report, in the area and all below it.
const AREA_HOURS: &str = "message area_hours {
    required binary area (STRING);
    required int64 hour (TIMESTAMP(MILLIS, true));
    required int32 cases (INTEGER(32, false));
}";

/// As [`CELL_HOURS`], but `people` are distinct people of the hour and stand in it.
const CHECK_IN_HOURS: &str = "message check_in_hours {
    required binary cell (STRING);
    required int64 hour (TIMESTAMP(MILLIS, true));
    required int64 visits (INTEGER(64, false));
    required int32 people (INTEGER(32, false));
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
        let sums = |of: fn(&CellStats) -> u32| Sums::Narrow(group.iter().map(|row| of(&row.2)).collect());
        file.group(
            &texts(group.iter().map(|row| &row.0)),
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
            &texts(group.iter().map(|row| &row.0)),
            group.iter().map(|row| row.1),
            &[
                Sums::Narrow(group.iter().map(|row| row.2.visits).collect()),
                Sums::Narrow(group.iter().map(|row| row.2.people).collect()),
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
            &texts(group.iter().map(|row| &row.0)),
            group.iter().map(|row| row.1),
            &[Sums::Narrow(group.iter().map(|row| row.2).collect())],
        )?;
    }
    file.end()
}

/// Writes what [`crate::aggregate::cell_hours`] found, in its order, zstd. Columns: `cell` (hexadecimal text), `hour`
/// (UTC), `visits`, `people`: here distinct people of the *hour*, not of the day.
///
/// # Errors
/// [`HistoryError`] when the sink fails.
pub fn write_check_in_hours<W: Write + Send>(sink: W, rows: &[CellHour]) -> Result<(), HistoryError> {
    let mut file = Table::begin(sink, CHECK_IN_HOURS)?;
    for group in rows.chunks(ROW_GROUP) {
        file.group(
            &texts(group.iter().map(|row| &row.cell)),
            group.iter().map(|row| row.hour),
            &[
                Sums::Wide(group.iter().map(|row| row.visits).collect()),
                Sums::Narrow(group.iter().map(|row| row.people).collect()),
            ],
        )?;
    }
    file.end()
}

/// The same as CSV: a header, then a line each, `cell,hour,visits,people`; hours in RFC 3339, UTC.
///
/// # Errors
/// When the sink fails.
pub fn write_check_in_hours_csv<W: Write>(mut sink: W, rows: &[CellHour]) -> std::io::Result<()> {
    writeln!(sink, "cell,hour,visits,people")?;
    for row in rows {
        writeln!(
            sink,
            "{},{},{},{}",
            row.cell,
            row.hour.start(),
            row.visits,
            row.people
        )?;
    }
    Ok(())
}

/// One column of sums.
enum Sums {
    Narrow(Vec<u32>),
    Wide(Vec<u64>),
}

/// Keys as texts. Rows of one key stand together: its text is made once for them.
fn texts<'k, K: ToString + PartialEq + 'k>(keys: impl Iterator<Item = &'k K>) -> Vec<ByteArray> {
    let mut last: Option<(&K, ByteArray)> = None;
    keys.map(|key| {
        if let Some((same, text)) = &last
            && *same == key
        {
            return text.clone();
        }
        let text = ByteArray::from(key.to_string().into_bytes());
        last = Some((key, text.clone()));
        text
    })
    .collect()
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
        keys: &[ByteArray],
        hours: impl Iterator<Item = Hour>,
        sums: &[Sums],
    ) -> Result<(), HistoryError> {
        let hours: Vec<i64> = hours.map(|hour| hour.start().0 * 1000).collect();
        let mut group = self.0.next_row_group()?;
        if let Some(mut column) = group.next_column()? {
            column.typed::<ByteArrayType>().write_batch(keys, None, None)?;
            column.close()?;
        }
        if let Some(mut column) = group.next_column()? {
            column.typed::<Int64Type>().write_batch(&hours, None, None)?;
            column.close()?;
        }
        for sum in sums {
            let Some(mut column) = group.next_column()? else {
                break;
            };
            match sum {
                Sums::Narrow(values) => {
                    let values: Vec<i32> = values.iter().map(|value| value.cast_signed()).collect();
                    column.typed::<Int32Type>().write_batch(&values, None, None)?;
                }
                Sums::Wide(values) => {
                    let values: Vec<i64> = values.iter().map(|value| value.cast_signed()).collect();
                    column.typed::<Int64Type>().write_batch(&values, None, None)?;
                }
            }
            column.close()?;
        }
        group.close()?;
        Ok(())
    }

    fn end(self) -> Result<(), HistoryError> {
        self.0.close()?;
        Ok(())
    }
}
