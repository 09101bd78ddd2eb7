use std::cell::{OnceCell, RefCell};

use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader};

use crate::aggregate::HistoryError;
use crate::aggregate::decode::{Kind, Meaning, open_column};
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
        let cells = group.keys("cell", &|text: &str| {
            text.parse::<Cell>().map_err(|error| error.to_string())
        })?;
        let hours = group.hours()?;
        let (visits, people) = (group.sums("visits")?, group.sums("people")?);
        let cases = group.sums("cases")?;
        let (declarations, symptomatic) = (group.sums("declarations")?, group.sums("symptomatic")?);
        rows.reserve(cells.len());
        for (at, (cell, hour)) in cells.into_iter().zip(hours).enumerate() {
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
    let (named, ids) = (RefCell::new(Vec::new()), VenueId::new);
    let rows = read_venue_hours_by(source, &|text| number(&named, ids(text)))?;
    let named = named.into_inner();
    let row =
        |(nth, hour, stats): (u32, Hour, VenueStats)| (VenueId::clone(&named[nth as usize]), hour, stats);
    Ok(rows.into_iter().map(row).collect())
}

/// The same with each venue as what `known` says of its id: asked once for each of a dictionary, not once a row.
///
/// # Errors
/// As [`read_cell_hours`], and with what `known` says of a venue that cannot be.
pub fn read_venue_hours_by<R: ChunkReader + 'static, T: Copy>(
    source: R,
    known: &dyn Fn(&str) -> Result<T, String>,
) -> Result<Vec<(T, Hour, VenueStats)>, HistoryError> {
    let file = SerializedFileReader::new(source)?;
    let mut rows = Vec::new();
    for nth in 0..file.num_row_groups() {
        let group = Group(file.get_row_group(nth)?);
        let (venues, hours) = (group.keys("venue", known)?, group.hours()?);
        let (visits, people) = (group.sums("visits")?, group.sums("people")?);
        rows.reserve(venues.len());
        for (at, (venue, hour)) in venues.into_iter().zip(hours).enumerate() {
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
    let named = RefCell::new(Vec::new());
    let mut rows = Vec::new();
    for nth in 0..file.num_row_groups() {
        let group = Group(file.get_row_group(nth)?);
        let areas = group.keys("area", &|text: &str| number(&named, AreaCode::new(text)))?;
        let (hours, cases) = (group.hours()?, group.sums("cases")?);
        let named = named.borrow();
        for (at, (nth, hour)) in areas.into_iter().zip(hours).enumerate() {
            rows.push((AreaCode::clone(&named[nth as usize]), hour, cases[at]));
        }
    }
    Ok(rows)
}

/// Keeps an id and gives its number.
fn number<I, E: ToString>(named: &RefCell<Vec<I>>, id: Result<I, E>) -> Result<u32, String> {
    let mut named = named.borrow_mut();
    named.push(id.map_err(|error| error.to_string())?);
    u32::try_from(named.len() - 1).map_err(|_wide| "has more texts than can be numbered".to_owned())
}

/// Keys by their texts; the first that cannot be is remembered in words.
struct Keys<'k, T> {
    known: &'k dyn Fn(&str) -> Result<T, String>,
    bad: OnceCell<String>,
}

impl<T: Copy> Meaning for Keys<'_, T> {
    type Value = Option<T>;

    fn absent(&self) -> Option<T> {
        None
    }

    fn text(&self, text: &[u8]) -> Option<T> {
        let text = std::str::from_utf8(text).map_err(|error| error.to_string());
        text.and_then(self.known)
            .map_err(|reason| self.bad.get_or_init(|| reason))
            .ok()
    }

    fn whole(&self, _number: i64) -> Option<T> {
        None
    }
}

/// Whole numbers as they are.
struct Numbers;

impl Meaning for Numbers {
    type Value = i64;

    fn absent(&self) -> i64 {
        0
    }

    fn text(&self, _text: &[u8]) -> i64 {
        0
    }

    fn whole(&self, number: i64) -> i64 {
        number
    }
}

struct Group<'a>(Box<dyn RowGroupReader + 'a>);

impl Group<'_> {
    fn keys<T: Copy>(
        &self,
        column: &'static str,
        known: &dyn Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, HistoryError> {
        let keys = Keys {
            known,
            bad: OnceCell::new(),
        };
        let read = self.read(column, Kind::Text, &keys)?;
        if let Some(reason) = keys.bad.into_inner() {
            return Err(bad(column, reason));
        }
        let keys = read.into_iter().collect::<Option<Vec<T>>>();
        keys.ok_or_else(|| bad(column, "has rows without a text".to_owned()))
    }

    fn hours(&self) -> Result<Vec<Hour>, HistoryError> {
        let times = self.read("hour", Kind::Instant(1_000), &Numbers)?;
        times
            .into_iter()
            .map(|ms| {
                let hour = i32::try_from(ms.div_euclid(3_600_000)).ok().map(Hour);
                hour.filter(|_| ms.rem_euclid(3_600_000) == 0)
                    .ok_or_else(|| bad("hour", format!("{ms} ms is not the start of an hour")))
            })
            .collect()
    }

    fn sums(&self, column: &'static str) -> Result<Vec<u32>, HistoryError> {
        let sums = self.read(column, Kind::Whole, &Numbers)?;
        let whole = |sum| u32::try_from(sum).map_err(|_range| bad(column, format!("{sum} is not a count")));
        sums.into_iter().map(whole).collect()
    }

    fn read<M: Meaning>(
        &self,
        column: &'static str,
        kind: Kind,
        meaning: &M,
    ) -> Result<Vec<M::Value>, HistoryError> {
        let schema = self.0.metadata().schema_descr();
        let at = (0..schema.num_columns())
            .find(|&at| schema.column(at).path().string() == column)
            .ok_or_else(|| bad(column, "is missing".to_owned()))?;
        let descr = schema.column(at);
        if descr.max_def_level() > 0 || descr.max_rep_level() > 0 {
            return Err(bad(
                column,
                "may be null or repeated; expected a required column".to_owned(),
            ));
        }
        let found = Kind::of(&descr).map_err(|reason| bad(column, format!("{reason}; expected {kind}")))?;
        if found != kind {
            return Err(bad(column, format!("is {found}; expected {kind}")));
        }
        // In steps, so that memory follows what the file really holds.
        let named = |error: ParquetError| bad(column, error.to_string());
        let mut reader = open_column(&*self.0, at, meaning).map_err(named)?;
        let mut left = usize::try_from(self.0.metadata().num_rows()).unwrap_or(0);
        let (mut all, mut step) = (Vec::new(), Vec::new());
        while left > 0 {
            reader.read(left.min(64 * 1024), &mut step).map_err(named)?;
            if step.is_empty() {
                return Err(bad(column, format!("ends {left} rows too early")));
            }
            left -= step.len();
            all.extend_from_slice(&step);
        }
        Ok(all)
    }
}

fn bad(column: &'static str, reason: String) -> HistoryError {
    HistoryError::Column { column, reason }
}
