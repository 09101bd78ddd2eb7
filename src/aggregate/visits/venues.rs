use std::io;

use parquet::column::reader::ColumnReader;
use parquet::file::reader::{ChunkReader, RowGroupReader};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::aggregate::decode::Kind;
use crate::aggregate::visits::TableError;
use crate::aggregate::visits::meanings::short;
use crate::aggregate::visits::table::Table;
use crate::geo::{BASE_RESOLUTION, Cell, LngLat};

/// The cell of each venue, computed once. Venues are known by the exact bytes of their ids; a file that numbers
/// its venues finds them by the same digits.
#[derive(Debug)]
pub struct VenueCells {
    /// Ascending, each once; a cell's place here is its rank.
    cells: Vec<Cell>,
    /// Ids of up to 15 bytes stand in the map itself: each row group's dictionary asks for all of them.
    by_short: FxHashMap<[u64; 2], u32>,
    by_long: FxHashMap<Box<[u8]>, u32>,
    by_number: FxHashMap<i64, u32>,
}

/// One id at two places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("venue `{id}` stands twice, in different cells; expected each venue once")]
pub struct VenueTwice {
    /// The venue's id.
    pub id: String,
}

/// The columns of a Parquet file of venues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueFields {
    /// Text or whole numbers.
    pub id: String,
    /// Degrees.
    pub lng: String,
    /// Degrees.
    pub lat: String,
}

impl Default for VenueFields {
    fn default() -> Self {
        Self {
            id: "id".to_owned(),
            lng: "lng".to_owned(),
            lat: "lat".to_owned(),
        }
    }
}

impl VenueCells {
    /// Of venues by id. A venue that stands twice in the same cell is one.
    ///
    /// # Errors
    /// [`VenueTwice`] for an id in two cells.
    pub fn new(venues: Vec<(Box<str>, LngLat)>) -> Result<Self, VenueTwice> {
        let own: Vec<Cell> = venues
            .par_iter()
            .map(|(_, at)| Cell::at(*at, BASE_RESOLUTION))
            .collect();
        let mut cells = own.clone();
        cells.par_sort_unstable();
        cells.dedup();
        let ranks: FxHashMap<Cell, u32> = cells.iter().copied().zip(0..).collect();
        let mut found = Self {
            cells,
            by_short: FxHashMap::with_capacity_and_hasher(venues.len(), rustc_hash::FxBuildHasher),
            by_long: FxHashMap::default(),
            by_number: FxHashMap::default(),
        };
        for ((id, _), cell) in venues.into_iter().zip(own) {
            let rank = ranks[&cell];
            if let Ok(number) = id.parse::<i64>()
                && number.to_string() == *id
            {
                found.by_number.insert(number, rank);
            }
            let before = match short(id.as_bytes()) {
                Some(bits) => found.by_short.insert(bits, rank),
                None => found.by_long.insert(id.as_bytes().into(), rank),
            };
            if before.is_some_and(|before| before != rank) {
                return Err(VenueTwice {
                    id: id.chars().take(80).collect(),
                });
            }
        }
        Ok(found)
    }

    /// How many venues.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_short.len() + self.by_long.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cells that hold a venue, ascending.
    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    pub(super) fn rank_of_text(&self, id: &[u8]) -> Option<u32> {
        match short(id) {
            Some(bits) => self.by_short.get(&bits).copied(),
            None => self.by_long.get(id).copied(),
        }
    }

    pub(super) fn rank_of_number(&self, id: i64) -> Option<u32> {
        self.by_number.get(&id).copied()
    }
}

/// Reads a Parquet file of venues; `open` gives a handle of its own each time.
///
/// # Errors
/// [`TableError`] names column and type, or the row at fault.
pub fn read_venue_cells<R: ChunkReader + 'static>(
    open: impl Fn() -> io::Result<R>,
    fields: &VenueFields,
) -> Result<VenueCells, TableError> {
    let table = Table::open(open)?;
    let is_id = |kind| matches!(kind, Kind::Text | Kind::Whole);
    let (id, _) = table.column("id", &fields.id, is_id, "text or whole numbers")?;
    let place = |field: &'static str, name: &str| {
        table.find(name).ok_or_else(|| TableError::Column {
            field,
            column: name.to_owned(),
            reason: "is missing".to_owned(),
            expected: "degrees as DOUBLE or FLOAT".to_owned(),
        })
    };
    let (lng, lat) = (place("lng", &fields.lng)?, place("lat", &fields.lat)?);
    let mut venues = Vec::new();
    for (nth, rows) in table.groups().into_iter().enumerate() {
        let first = venues.len() as u64;
        let (ids, lngs, lats) = table.with_group(nth, |group| {
            let rows = usize::try_from(rows).map_err(|error| error.to_string())?;
            let named = |name: &str, error: String| format!("column `{name}` {error}");
            let ids = texts(group, id, rows).map_err(|error| named(&fields.id, error))?;
            let lngs = degrees(group, lng, rows).map_err(|error| named(&fields.lng, error))?;
            let lats = degrees(group, lat, rows).map_err(|error| named(&fields.lat, error))?;
            Ok((ids, lngs, lats))
        })?;
        for (at, id) in ids.into_iter().enumerate() {
            let at_place = LngLat::new(lngs[at], lats[at]).map_err(|error| TableError::Venue {
                row: first + at as u64 + 1,
                field: "lng, lat",
                reason: error.to_string(),
                expected: "degrees, -180 to 180 and -90 to 90",
            })?;
            venues.push((id, at_place));
        }
    }
    let rows = venues.len() as u64;
    VenueCells::new(venues).map_err(|twice| TableError::Venue {
        row: rows,
        field: "id",
        reason: format!("`{}` stands twice up to here, in different cells", twice.id),
        expected: "each venue once",
    })
}

fn texts(group: &dyn RowGroupReader, at: usize, rows: usize) -> Result<Vec<Box<str>>, String> {
    let own = |error: parquet::errors::ParquetError| error.to_string();
    let mut levels = Vec::new();
    let ids: Vec<Box<str>> = match group.get_column_reader(at).map_err(own)? {
        ColumnReader::ByteArrayColumnReader(mut reader) => {
            let mut ids = Vec::new();
            reader
                .read_records(rows, Some(&mut levels), None, &mut ids)
                .map_err(own)?;
            let text = |id: &parquet::data_type::ByteArray| id.as_utf8().map(Box::from).map_err(own);
            ids.iter().map(text).collect::<Result<_, _>>()?
        }
        ColumnReader::Int64ColumnReader(mut reader) => {
            let mut ids = Vec::new();
            reader
                .read_records(rows, Some(&mut levels), None, &mut ids)
                .map_err(own)?;
            ids.iter().map(|id| id.to_string().into()).collect()
        }
        ColumnReader::Int32ColumnReader(mut reader) => {
            let mut ids = Vec::new();
            reader
                .read_records(rows, Some(&mut levels), None, &mut ids)
                .map_err(own)?;
            ids.iter().map(|id| id.to_string().into()).collect()
        }
        _ => return Err("is of another type".to_owned()),
    };
    whole(ids, rows)
}

fn degrees(group: &dyn RowGroupReader, at: usize, rows: usize) -> Result<Vec<f64>, String> {
    let own = |error: parquet::errors::ParquetError| error.to_string();
    let mut levels = Vec::new();
    let values = match group.get_column_reader(at).map_err(own)? {
        ColumnReader::DoubleColumnReader(mut reader) => {
            let mut values = Vec::new();
            reader
                .read_records(rows, Some(&mut levels), None, &mut values)
                .map_err(own)?;
            values
        }
        ColumnReader::FloatColumnReader(mut reader) => {
            let mut values = Vec::new();
            reader
                .read_records(rows, Some(&mut levels), None, &mut values)
                .map_err(own)?;
            values.into_iter().map(f64::from).collect()
        }
        _ => return Err("is not made of degrees; expected DOUBLE or FLOAT".to_owned()),
    };
    whole(values, rows)
}

fn whole<T>(values: Vec<T>, rows: usize) -> Result<Vec<T>, String> {
    if values.len() == rows {
        Ok(values)
    } else {
        Err(format!(
            "has {} values in {rows} rows; expected one in each",
            values.len()
        ))
    }
}
