use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{LogicalType, Type as Physical};
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::record::Field as Column;
use parquet::schema::types::Type;

use crate::ingest::field::Field;
use crate::ingest::record::Record;
use crate::ingest::rows::columns::bind;
use crate::ingest::rows::lines::read_bounded;
use crate::ingest::rows::{RowSink, give};
use crate::ingest::schema::Bindings;
use crate::ingest::{IngestError, Limits};

/// Uncompressed bytes of one column in one row group: pages are held whole.
const MAX_COLUMN_CHUNK_BYTES: i64 = 1 << 30;

/// Parquet from a stream: its index stands at the end, so it is held, up to a bound.
pub(in crate::ingest) fn read_parquet(
    input: impl Read,
    bindings: &Bindings,
    limits: &Limits,
    sink: &mut RowSink<'_>,
) -> Result<(), IngestError> {
    read(
        Bytes::from(read_bounded(input, limits.parquet_bytes)?),
        bindings,
        sink,
    )
}

/// Parquet from a plain file, of any size.
pub(in crate::ingest) fn read_parquet_file(
    file: File,
    bindings: &Bindings,
    sink: &mut RowSink<'_>,
) -> Result<(), IngestError> {
    read(file, bindings, sink)
}

fn read<R: ChunkReader + 'static>(
    source: R,
    bindings: &Bindings,
    sink: &mut RowSink<'_>,
) -> Result<(), IngestError> {
    let reader = guarded(0, || SerializedFileReader::new(source))?;
    for group in reader.metadata().row_groups() {
        for column in group.columns() {
            if column.uncompressed_size() > MAX_COLUMN_CHUNK_BYTES {
                return Err(broken(0, format!("column {} is too large", column.column_path())));
            }
        }
    }
    let schema = reader.metadata().file_metadata().schema_descr().root_schema();
    let names: Vec<&str> = schema.get_fields().iter().map(|field| field.name()).collect();
    let columns = bind(&names, bindings)?;
    let mut wanted = Vec::new();
    let mut targets = Vec::new();
    for (field, slots) in schema.get_fields().iter().zip(columns) {
        if slots.is_empty() {
            continue;
        }
        if !field.is_primitive() {
            return Err(IngestError::Header {
                reason: format!("column `{}` is nested", field.name()),
                expected: "flat columns".to_owned(),
            });
        }
        wanted.push(Arc::clone(field));
        targets.push((slots, TimeKind::of(field)));
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let projection = guarded(0, || {
        Type::group_type_builder(schema.name())
            .with_fields(wanted)
            .build()
    })?;
    let mut rows = guarded(0, || reader.get_row_iter(Some(projection)))?;
    let mut line = 0;
    while let Some(row) = guarded(line, || rows.next().transpose())? {
        line += 1;
        let mut record = Record::new(bindings);
        let mut bytes = 0;
        for ((_, column), (slots, time)) in row.get_column_iter().zip(&targets) {
            let field = convert(column, *time);
            bytes += match &field {
                Field::Text(text) => text.len(),
                _ => 8,
            };
            for &slot in slots {
                record.fields[slot] = field.clone();
            }
        }
        if give(line, bytes, &Ok(record), sink).is_break() {
            break;
        }
    }
    Ok(())
}

/// The crate panics on some broken files; a broken file must cost itself only.
fn guarded<T>(row: u64, work: impl FnOnce() -> parquet::errors::Result<T>) -> Result<T, IngestError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(broken(row, error.to_string())),
        Err(_panic) => Err(broken(row, "the file is broken".to_owned())),
    }
}

fn broken(row: u64, reason: String) -> IngestError {
    IngestError::Parquet { row, reason }
}

/// How a column of times is to be understood.
#[derive(Clone, Copy)]
enum TimeKind {
    /// Counted from 1970 in UTC, or no time at all.
    Utc,
    /// The same in nanoseconds, which the row reader gives as plain numbers.
    Nanos,
    /// Wall-clock time of nobody knows where.
    Local,
}

impl TimeKind {
    fn of(field: &Type) -> Self {
        use parquet::basic::TimeUnit;
        if field.get_physical_type() == Physical::INT96 {
            return Self::Local;
        }
        match field.get_basic_info().logical_type_ref() {
            Some(LogicalType::Timestamp(stamp)) if !stamp.is_adjusted_to_u_t_c => Self::Local,
            Some(LogicalType::Timestamp(stamp)) if matches!(stamp.unit, TimeUnit::NANOS) => Self::Nanos,
            _ => Self::Utc,
        }
    }
}

fn convert(column: &Column, time: TimeKind) -> Field<'_> {
    match (column, time) {
        (Column::Null, _) => Field::Missing,
        (Column::TimestampMillis(_) | Column::TimestampMicros(_) | Column::Long(_), TimeKind::Local) => {
            Field::Local
        }
        (Column::Long(n), TimeKind::Nanos) => Field::Instant(n.div_euclid(1_000_000_000)),
        (Column::TimestampMillis(n), _) => Field::Instant(n.div_euclid(1_000)),
        (Column::TimestampMicros(n), _) => Field::Instant(n.div_euclid(1_000_000)),
        (Column::Bool(flag), _) => Field::Flag(*flag),
        (Column::Byte(n), _) => Field::Whole(i64::from(*n)),
        (Column::Short(n), _) => Field::Whole(i64::from(*n)),
        (Column::Int(n), _) => Field::Whole(i64::from(*n)),
        (Column::Long(n), _) => Field::Whole(*n),
        (Column::UByte(n), _) => Field::Whole(i64::from(*n)),
        (Column::UShort(n), _) => Field::Whole(i64::from(*n)),
        (Column::UInt(n), _) => Field::Whole(i64::from(*n)),
        (Column::ULong(n), _) => i64::try_from(*n).map_or(Field::Number(*n as f64), Field::Whole),
        (Column::Float(n), _) => Field::Number(f64::from(*n)),
        (Column::Double(n), _) => Field::Number(*n),
        (Column::Date(day), _) => Field::Date(*day),
        (Column::Str(text), _) => Field::Text(Cow::Borrowed(text)),
        // Writers that do not mark their texts as UTF-8 leave plain bytes.
        (Column::Bytes(bytes), _) => Field::Text(String::from_utf8_lossy(bytes.data())),
        (other, _) => Field::Text(Cow::Owned(other.to_string())),
    }
}
