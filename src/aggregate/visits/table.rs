use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::{ReaderProperties, ReaderPropertiesPtr};
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::file::serialized_reader::SerializedRowGroupReader;

use crate::aggregate::decode::Kind;

/// Uncompressed bytes of one column in one row group: pages are held whole.
const MAX_COLUMN_CHUNK_BYTES: i64 = 1 << 30;

/// A Parquet file of check-ins or of venues that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// It cannot be opened.
    #[error("the file cannot be opened: {0}")]
    Open(io::Error),
    /// It is no Parquet file, or its index is broken.
    #[error("{0}; expected a Parquet file")]
    NoParquet(ParquetError),
    /// A column is missing, or of a type that cannot mean what is asked of it.
    #[error("column `{column}` for `{field}` {reason}; expected {expected}")]
    Column {
        /// What is asked for, in our words.
        field: &'static str,
        /// The column of the file.
        column: String,
        /// What is wrong.
        reason: String,
        /// What was expected.
        expected: String,
    },
    /// A row group is broken or cut short.
    #[error("row group {group}: {reason}; expected whole pages of the columns asked for")]
    Group {
        /// Which, counted from 0 as Parquet tools do.
        group: usize,
        /// What is wrong, with the column where one is at fault.
        reason: String,
    },
    /// A venue's row cannot be used.
    #[error("row {row}: `{field}` {reason}; expected {expected}")]
    Venue {
        /// Which row, counted from 1.
        row: u64,
        /// What is at fault, in our words.
        field: &'static str,
        /// What is wrong.
        reason: String,
        /// What was expected.
        expected: &'static str,
    },
}

/// An open Parquet file that several threads read, each through a handle of its own: handles of one open file would
/// move each other's position.
pub(super) struct Table<F> {
    open: F,
    metadata: Arc<ParquetMetaData>,
    properties: ReaderPropertiesPtr,
}

impl<R: ChunkReader + 'static, F: Fn() -> io::Result<R>> Table<F> {
    pub(super) fn open(open: F) -> Result<Self, TableError> {
        let source = open().map_err(TableError::Open)?;
        let opened = catch_unwind(AssertUnwindSafe(|| SerializedFileReader::new(source)));
        let metadata = match opened {
            Ok(Ok(reader)) => Arc::new(reader.metadata().clone()),
            Ok(Err(error)) => return Err(TableError::NoParquet(error)),
            // The crate panics on some broken files; a broken file must cost itself only.
            Err(_panic) => {
                let error = ParquetError::General("the file is broken".to_owned());
                return Err(TableError::NoParquet(error));
            }
        };
        Ok(Self {
            open,
            metadata,
            properties: Arc::new(ReaderProperties::builder().build()),
        })
    }

    /// The rows of each row group.
    pub(super) fn groups(&self) -> Vec<u64> {
        let groups = self.metadata.row_groups().iter();
        groups
            .map(|group| u64::try_from(group.num_rows()).unwrap_or(0))
            .collect()
    }

    /// The place of a column that must be there, and what it is made of.
    pub(super) fn column(
        &self,
        field: &'static str,
        name: &str,
        is_fit: impl Fn(Kind) -> bool,
        expected: &str,
    ) -> Result<(usize, Kind), TableError> {
        let refuse = |reason: String| TableError::Column {
            field,
            column: name.to_owned(),
            reason,
            expected: expected.to_owned(),
        };
        let at = self.find(name).ok_or_else(|| refuse("is missing".to_owned()))?;
        let schema = self.metadata.file_metadata().schema_descr();
        let kind = Kind::of(&schema.column(at)).map_err(refuse)?;
        if !is_fit(kind) {
            return Err(refuse(format!("is {kind}")));
        }
        for group in self.metadata.row_groups() {
            if group.column(at).uncompressed_size() > MAX_COLUMN_CHUNK_BYTES {
                return Err(refuse("holds more than 1 GiB in one row group".to_owned()));
            }
        }
        Ok((at, kind))
    }

    /// The place of a column, where there is one of that name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let schema = self.metadata.file_metadata().schema_descr();
        (0..schema.num_columns()).find(|at| schema.column(*at).path().string() == name)
    }

    /// Reads from one row group, with the group named where that fails.
    pub(super) fn with_group<T>(
        &self,
        group: usize,
        read: impl FnOnce(&SerializedRowGroupReader<'_, R>) -> Result<T, String>,
    ) -> Result<T, TableError> {
        let source = (self.open)().map_err(TableError::Open)?;
        let work = || {
            let properties = ReaderPropertiesPtr::clone(&self.properties);
            let (metadata, index) = (
                self.metadata.row_group(group),
                self.metadata.page_index_for_row_group(group),
            );
            let reader = SerializedRowGroupReader::new(Arc::new(source), metadata, index, properties);
            read(&reader.map_err(|error| error.to_string())?)
        };
        let read = catch_unwind(AssertUnwindSafe(work))
            .unwrap_or_else(|_panic| Err("the file is broken".to_owned()));
        read.map_err(|reason| TableError::Group { group, reason })
    }
}
