use std::{fmt, io};

use serde::Serialize;

use crate::ingest::{Encoding, InvalidFieldMap};

/// One record that was refused, and why. Never holds a person's phone, name or document number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// Line of the input from 1 (NDJSON; CSV, where the header is line 1), or the number of the
    /// element from 1 (JSON array, GeoJSON feature, Parquet row).
    pub line: u64,
    /// The field at fault; `None` when the whole record is.
    pub field: Option<String>,
    /// The value refused, at most 80 characters; absent for fields that may hold personal data.
    pub value: Option<String>,
    /// What is wrong.
    pub reason: String,
    /// What would have been accepted.
    pub expected: String,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if let Some(field) = &self.field {
            write!(f, "{field} ")?;
        }
        if let Some(value) = &self.value {
            write!(f, "`{value}` ")?;
        }
        write!(f, "{}; expected {}", self.reason, self.expected)
    }
}

/// An input that could not be read to its end. Chunks handed on before it stand.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The source failed.
    #[error("the input could not be read: {0}")]
    Io(io::Error),
    /// A compressed stream that is broken or cut off.
    #[error("the {} stream {reason}; rows before that were read", .encoding.as_str())]
    Compressed {
        /// Which compression.
        encoding: Encoding,
        /// What is wrong.
        reason: String,
    },
    /// More bytes than the limit.
    #[error("the input has more than {limit} bytes {stage}; send it in parts")]
    TooLarge {
        /// `on the wire` or `once decompressed`.
        stage: &'static str,
        /// The bound, bytes.
        limit: u64,
    },
    /// A stream that grows beyond reason when decompressed.
    #[error("the {} stream grows more than {ratio}-fold when decompressed; refused as a zip bomb", .encoding.as_str())]
    Bomb {
        /// Which compression.
        encoding: Encoding,
        /// The bound.
        ratio: u64,
    },
    /// More records than the limit.
    #[error("the input has more than {limit} records; send it in parts")]
    TooManyRecords {
        /// The bound.
        limit: u64,
    },
    /// Text in another encoding than UTF-8 throughout.
    #[error("the input is {found}; expected UTF-8")]
    NotUtf8 {
        /// What it looks like.
        found: &'static str,
    },
    /// A header that does not fit the kind of record.
    #[error("header: {reason}; expected {expected}")]
    Header {
        /// What is wrong.
        reason: String,
        /// What was expected.
        expected: String,
    },
    /// JSON whose structure around the elements is broken: what follows cannot be found.
    #[error("after element {element}: {reason}; rows before that were read")]
    Structure {
        /// The last element read, from 1.
        element: u64,
        /// What is wrong.
        reason: String,
    },
    /// A Parquet file that cannot be read.
    #[error("Parquet, after row {row}: {reason}")]
    Parquet {
        /// The last row read, from 1.
        row: u64,
        /// What is wrong.
        reason: String,
    },
    /// A map that names fields this kind of record has not.
    #[error(transparent)]
    Map(#[from] InvalidFieldMap),
    /// A format in which this kind of record is not read.
    #[error("{kind} are not read from {format}; expected {expected}")]
    Unsupported {
        /// The kind of record.
        kind: &'static str,
        /// The format.
        format: &'static str,
        /// What is read.
        expected: &'static str,
    },
}

impl From<io::Error> for IngestError {
    /// Readers of `decode` report through `io::Error`; their own errors are taken out again here.
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(error) => Self::Io(error),
        }
    }
}
