//! Floor 3: wire formats in. Bytes from the network or a file become checked records of `model`,
//! a chunk at a time, in bounded memory; what cannot be read is named by line, field and value.
//!
//! This is the only floor that sees a phone or a card: they become day pseudonyms here and are
//! dropped. `ingest` stores nothing, knows no HTTP, and reads no clock (the [`Door`] brings 'now').

mod day_keys;
mod decode;
mod door;
mod error;
mod field;
mod field_map;
mod format;
mod limits;
mod plain;
mod pseudonym;
mod read;
mod record;
mod records;
mod rows;
mod schema;
mod shape;
mod text;
mod values;

pub use day_keys::{DayKeys, InvalidDayKeys};
pub use decode::decoder;
pub use door::{Door, Unfit};
pub use error::{IngestError, Rejection};
pub use field_map::{FieldMap, InvalidFieldMap};
pub use format::{Encoding, Format};
pub use limits::Limits;
pub use pseudonym::{Identity, LOOK_BACK_DAYS, Pseudonyms, Purpose};
pub use read::{
    Chunk, ReadSummary, RecordKind, Source, read_area_reports, read_areas, read_events, read_events_from,
    read_venues, read_zones,
};
