use std::fmt;

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{
    ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::RowGroupReader;
use parquet::schema::types::ColumnDescriptor;

use crate::aggregate::decode::texts::{self, TextReader, spread};

/// What a column may be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::aggregate) enum Kind {
    /// UTF-8, or bytes that say nothing else.
    Text,
    /// Signed or unsigned, 8 to 64 bits.
    Whole,
    /// Bytes of one length, as UUIDs are.
    Fixed,
    /// Counted from 1970 in UTC, so many to a second.
    Instant(i64),
}

impl Kind {
    /// What a column is made of; `Err` in words where it is nothing that is read here.
    pub(in crate::aggregate) fn of(column: &ColumnDescriptor) -> std::result::Result<Self, String> {
        if column.max_rep_level() > 0 || column.max_def_level() > 1 {
            return Err("is nested".to_owned());
        }
        // Old writers say less, and mean UTC.
        let old = column.converted_type();
        match (column.physical_type(), column.logical_type_ref()) {
            (Physical::INT64, Some(LogicalType::Timestamp(stamp))) => match stamp.unit {
                _ if !stamp.is_adjusted_to_u_t_c => Err("is a wall-clock time without an offset".to_owned()),
                TimeUnit::MILLIS => Ok(Self::Instant(1_000)),
                TimeUnit::MICROS => Ok(Self::Instant(1_000_000)),
                TimeUnit::NANOS => Ok(Self::Instant(1_000_000_000)),
            },
            (Physical::INT64, None) if old == ConvertedType::TIMESTAMP_MILLIS => Ok(Self::Instant(1_000)),
            (Physical::INT64, None) if old == ConvertedType::TIMESTAMP_MICROS => Ok(Self::Instant(1_000_000)),
            (Physical::INT32 | Physical::INT64, Some(LogicalType::Integer(_))) => Ok(Self::Whole),
            (Physical::INT32 | Physical::INT64, None) if is_plain_number(old) => Ok(Self::Whole),
            (Physical::BYTE_ARRAY, None | Some(LogicalType::String | LogicalType::Enum)) => Ok(Self::Text),
            (Physical::FIXED_LEN_BYTE_ARRAY, None | Some(LogicalType::Uuid)) => Ok(Self::Fixed),
            (physical, None) => Err(format!("is {physical}")),
            (physical, Some(logical)) => Err(format!("is {physical}, {logical:?}")),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Whole => "whole numbers",
            Self::Fixed => "bytes of one length",
            Self::Instant(_) => "TIMESTAMP in UTC (isAdjustedToUTC)",
        })
    }
}

/// Whether the words of old writers name an integer, and neither a date nor a decimal.
fn is_plain_number(old: ConvertedType) -> bool {
    use ConvertedType as Old;
    matches!(
        old,
        Old::NONE
            | Old::INT_8
            | Old::INT_16
            | Old::INT_32
            | Old::INT_64
            | Old::UINT_8
            | Old::UINT_16
            | Old::UINT_32
            | Old::UINT_64
    )
}

/// What the values of a column stand for.
pub(in crate::aggregate) trait Meaning {
    /// What a value becomes: a few bytes.
    type Value: Copy;

    /// Of a null.
    fn absent(&self) -> Self::Value;
    /// Of a text, or of bytes.
    fn text(&self, text: &[u8]) -> Self::Value;
    /// Of a whole number.
    fn whole(&self, number: i64) -> Self::Value;
}

/// An open column chunk of one row group, read through what its values mean.
pub(in crate::aggregate) struct Column<'a, M: Meaning> {
    meaning: &'a M,
    is_nullable: bool,
    reader: Reader<'a, M>,
    levels: Vec<i16>,
}

enum Reader<'a, M: Meaning> {
    Text(TextReader<'a, M>),
    /// Texts of the rarer encodings.
    Bytes(ColumnReaderImpl<ByteArrayType>, Vec<ByteArray>),
    Int32(ColumnReaderImpl<Int32Type>, Vec<i32>),
    /// The same without a sign.
    Uint32(ColumnReaderImpl<Int32Type>, Vec<i32>),
    Int64(ColumnReaderImpl<Int64Type>, Vec<i64>),
    Fixed(ColumnReaderImpl<FixedLenByteArrayType>, Vec<FixedLenByteArray>),
}

/// Opens the column at a place of a row group. Its [`Kind`] was looked at before.
///
/// # Errors
/// Where the file is broken, or the column is of a kind that none of [`Kind`] is.
pub(in crate::aggregate) fn open_column<'a, M: Meaning>(
    group: &dyn RowGroupReader,
    at: usize,
    meaning: &'a M,
) -> Result<Column<'a, M>> {
    let descr = group.metadata().schema_descr().column(at);
    let is_nullable = descr.max_def_level() > 0;
    let is_unsigned = match descr.logical_type_ref() {
        Some(LogicalType::Integer(number)) => !number.is_signed,
        _ => descr.converted_type() == ConvertedType::UINT_32,
    };
    let is_text = descr.physical_type() == Physical::BYTE_ARRAY;
    let reader = if is_text && texts::reads(group.metadata().column(at).encodings()) {
        let pages = group.get_column_page_reader(at)?;
        Reader::Text(TextReader::new(meaning, pages, is_nullable))
    } else {
        match group.get_column_reader(at)? {
            ColumnReader::ByteArrayColumnReader(reader) => Reader::Bytes(reader, Vec::new()),
            ColumnReader::Int32ColumnReader(reader) if is_unsigned => Reader::Uint32(reader, Vec::new()),
            ColumnReader::Int32ColumnReader(reader) => Reader::Int32(reader, Vec::new()),
            ColumnReader::Int64ColumnReader(reader) => Reader::Int64(reader, Vec::new()),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => Reader::Fixed(reader, Vec::new()),
            _ => return Err(ParquetError::General("the column is of another type".to_owned())),
        }
    };
    Ok(Column {
        meaning,
        is_nullable,
        reader,
        levels: Vec::new(),
    })
}

impl<M: Meaning> Column<'_, M> {
    /// Passes over rows.
    pub(in crate::aggregate) fn skip(&mut self, rows: usize) -> Result<usize> {
        match &mut self.reader {
            Reader::Text(reader) => reader.skip(rows),
            Reader::Bytes(reader, _) => reader.skip_records(rows),
            Reader::Int32(reader, _) | Reader::Uint32(reader, _) => reader.skip_records(rows),
            Reader::Int64(reader, _) => reader.skip_records(rows),
            Reader::Fixed(reader, _) => reader.skip_records(rows),
        }
    }

    /// Puts what the next rows mean into `out`, in place of what stood there; fewer when the chunk ends.
    pub(in crate::aggregate) fn read(&mut self, rows: usize, out: &mut Vec<M::Value>) -> Result<()> {
        out.clear();
        self.levels.clear();
        let meaning = self.meaning;
        let levels = self.is_nullable.then_some(&mut self.levels);
        match &mut self.reader {
            Reader::Text(reader) => reader.read(rows, out)?,
            Reader::Bytes(reader, raw) => {
                raw.clear();
                reader.read_records(rows, levels, None, raw)?;
                out.extend(raw.iter().map(|bytes| meaning.text(bytes.data())));
            }
            Reader::Int32(reader, raw) => {
                raw.clear();
                reader.read_records(rows, levels, None, raw)?;
                out.extend(raw.iter().map(|number| meaning.whole(i64::from(*number))));
            }
            Reader::Uint32(reader, raw) => {
                raw.clear();
                reader.read_records(rows, levels, None, raw)?;
                out.extend(
                    raw.iter()
                        .map(|number| meaning.whole(i64::from(number.cast_unsigned()))),
                );
            }
            Reader::Int64(reader, raw) => {
                raw.clear();
                reader.read_records(rows, levels, None, raw)?;
                out.extend(raw.iter().map(|number| meaning.whole(*number)));
            }
            Reader::Fixed(reader, raw) => {
                raw.clear();
                reader.read_records(rows, levels, None, raw)?;
                out.extend(raw.iter().map(|bytes| meaning.text(bytes.data())));
            }
        }
        if out.len() < self.levels.len() {
            let present: Vec<bool> = self.levels.iter().map(|level| *level > 0).collect();
            spread(out, 0, &present, meaning.absent());
        }
        Ok(())
    }
}
