//! The five event tables: which columns they have, and how a record fills them.

use std::ops::Range;

use sqlx::query::Query;

use super::{
    check_ins,
    codes::Code,
    dialect::{Db, DbArguments, DbConnection, ManyRows},
    error::StoreError,
    text::{self, EntryText, PlaceText},
    venues::{PARTS, VenueNumber, VenueNumbers, part_of},
};
use crate::geo::{BASE_RESOLUTION, Cell, LngLat};
use crate::model::{
    AreaCode, Assessment, Case, CheckIn, Contact, ContactParty, Day, Declaration, Event, EventKind, PersonId,
    Place, UtcOffset, VenueId,
};

/// One event on its way into a table.
pub(super) struct Row<'a, T> {
    pub(super) position: i64,
    pub(super) hour: i32,
    pub(super) id_hash: i64,
    pub(super) day: Day,
    pub(super) event: &'a Event<T>,
}

type Statement<'q> = Query<'q, Db, DbArguments>;

/// The names of a table, for the statements that are alike for all five.
pub(super) struct Table {
    /// Existing keys out of a list of (hour, hash of the id).
    pub(super) stored: &'static ManyRows,
    /// Whether rows leave with the retention.
    pub(super) retained_by_day: bool,
}

macro_rules! stored {
    ($name:ident, $table:literal) => {
        static $name: ManyRows = ManyRows::new(
            concat!(
                "select hour, id_hash, content from ",
                $table,
                " where (hour, id_hash) in (values"
            ),
            2,
            ")",
        );
    };
}
stored!(STORED_CHECK_INS, "check_in_key");
stored!(STORED_DECLARATIONS, "declaration");
stored!(STORED_CONTACTS, "contact");
stored!(STORED_ASSESSMENTS, "assessment");
stored!(STORED_CASES, "case_report");

/// The table of a kind.
pub(super) const fn table(kind: EventKind) -> Table {
    let (stored, retained_by_day) = match kind {
        EventKind::CheckIn => (&STORED_CHECK_INS, true),
        EventKind::Declaration => (&STORED_DECLARATIONS, true),
        EventKind::Contact => (&STORED_CONTACTS, true),
        EventKind::Assessment => (&STORED_ASSESSMENTS, false),
        EventKind::Case => (&STORED_CASES, false),
    };
    Table {
        stored,
        retained_by_day,
    }
}

/// A record that can be stored.
pub(super) trait Record: Sized + Sync {
    const KIND: EventKind;

    /// The venue it happened at, where it must be a registered one.
    fn venue(&self) -> Option<&VenueId>;

    /// Inserts events in their order; stops, with `false`, at a key that is there already.
    fn insert(
        connection: &mut DbConnection,
        offset: UtcOffset,
        rows: &[Row<'_, Self>],
        venues: &[VenueNumber],
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// A record that is a row of a table.
trait Tabular: Record {
    /// One statement for many rows; a key that is there already is skipped.
    const INSERT: &'static ManyRows;

    /// Fills one row.
    fn bind<'q>(query: Statement<'q>, row: &Row<'_, Self>, venue: VenueNumber) -> Statement<'q>;
}

async fn insert_rows<T: Tabular>(
    connection: &mut DbConnection,
    rows: &[Row<'_, T>],
    venues: &[VenueNumber],
) -> Result<bool, StoreError> {
    let fill = |(range, statement): (Range<usize>, &'static str)| {
        let mut query = sqlx::query(statement);
        let count = range.len() as u64;
        for (row, venue) in rows[range.clone()].iter().zip(&venues[range]) {
            query = T::bind(query, row, *venue);
        }
        (query, count)
    };
    let mut cuts = T::INSERT.cut(rows.len()).into_iter();
    let mut next = cuts.next().map(fill);
    while let Some((query, count)) = next {
        // SQLite works on a thread of its own: this one fills the next statement meanwhile.
        let (done, filled) = tokio::join!(query.execute(&mut *connection), async { cuts.next().map(fill) });
        if done?.rows_affected() != count {
            return Ok(false);
        }
        next = filled;
    }
    Ok(true)
}

/// The venue numbers of rows; zero where a kind has none.
pub(super) fn venues_of<T: Record>(
    rows: &[Row<'_, T>],
    numbers: &VenueNumbers,
) -> Result<Vec<VenueNumber>, StoreError> {
    let none = VenueNumber { ix: 0, part: 0 };
    rows.iter()
        .map(|row| row.event.record.venue().map_or(Ok(none), |id| numbers.of(id)))
        .collect()
}

fn bind_key<'q, T>(query: Statement<'q>, row: &Row<'_, T>, part: i64) -> Statement<'q> {
    query
        .bind(row.position)
        .bind(row.hour)
        .bind(row.id_hash)
        .bind(row.event.content.0 as i64)
        .bind(part)
        .bind(row.day.0)
}

fn part_at(point: Option<LngLat>, id_hash: i64) -> i64 {
    point.map_or(id_hash.rem_euclid(PARTS as i64), |at| {
        part_of(Cell::at(at, BASE_RESOLUTION))
    })
}

fn blob(person: Option<&PersonId>) -> Option<Vec<u8>> {
    person.map(|person| person.0.to_vec())
}

impl Record for CheckIn {
    const KIND: EventKind = EventKind::CheckIn;

    fn venue(&self) -> Option<&VenueId> {
        Some(&self.venue)
    }

    async fn insert(
        connection: &mut DbConnection,
        offset: UtcOffset,
        rows: &[Row<'_, Self>],
        venues: &[VenueNumber],
    ) -> Result<bool, StoreError> {
        check_ins::insert(connection, offset, rows, venues).await
    }
}

static INSERT_DECLARATIONS: ManyRows = ManyRows::new(
    "insert into declaration (position, hour, id_hash, content, part, day, id, at, kind, person, home_area, \
     home_venue, home_lng, home_lat, symptoms, exposures, places, entry) values",
    18,
    "on conflict (hour, id_hash) do nothing",
);

impl Record for Declaration {
    const KIND: EventKind = EventKind::Declaration;

    fn venue(&self) -> Option<&VenueId> {
        None
    }

    async fn insert(
        connection: &mut DbConnection,
        _offset: UtcOffset,
        rows: &[Row<'_, Self>],
        venues: &[VenueNumber],
    ) -> Result<bool, StoreError> {
        insert_rows(connection, rows, venues).await
    }
}

impl Tabular for Declaration {
    const INSERT: &'static ManyRows = &INSERT_DECLARATIONS;

    fn bind<'q>(query: Statement<'q>, row: &Row<'_, Self>, _venue: VenueNumber) -> Statement<'q> {
        let record = &row.event.record;
        let (area, venue, point) = match &record.home {
            Some(Place::Area(area)) => (Some(area.as_str()), None, None),
            Some(Place::Venue(venue)) => (None, Some(venue.as_str()), None),
            Some(Place::Point(at)) => (None, None, Some(*at)),
            None => (None, None, None),
        };
        let places: Vec<PlaceText> = record.places.iter().map(PlaceText::from).collect();
        bind_key(query, row, part_at(point, row.id_hash))
            .bind(row.event.id.as_str().to_owned())
            .bind(row.event.at.0)
            .bind(record.kind.code())
            .bind(blob(record.person.as_ref()))
            .bind(area.map(str::to_owned))
            .bind(venue.map(str::to_owned))
            .bind(point.map(LngLat::lng))
            .bind(point.map(LngLat::lat))
            .bind(text::write(&record.symptoms))
            .bind(text::write(&record.exposures))
            .bind(text::write(&places))
            .bind(
                record
                    .entry
                    .as_ref()
                    .map(|entry| text::write(&EntryText::from(entry))),
            )
    }
}

static INSERT_CONTACTS: ManyRows = ManyRows::new(
    "insert into contact (position, hour, id_hash, content, part, day, id, at, until, a_person, a_rotating, \
     b_person, b_rotating, rssi_dbm, attenuation_db) values",
    15,
    "on conflict (hour, id_hash) do nothing",
);

impl Record for Contact {
    const KIND: EventKind = EventKind::Contact;

    fn venue(&self) -> Option<&VenueId> {
        None
    }

    async fn insert(
        connection: &mut DbConnection,
        _offset: UtcOffset,
        rows: &[Row<'_, Self>],
        venues: &[VenueNumber],
    ) -> Result<bool, StoreError> {
        insert_rows(connection, rows, venues).await
    }
}

impl Tabular for Contact {
    const INSERT: &'static ManyRows = &INSERT_CONTACTS;

    fn bind<'q>(query: Statement<'q>, row: &Row<'_, Self>, _venue: VenueNumber) -> Statement<'q> {
        let record = &row.event.record;
        let party = |party: &ContactParty| match party {
            ContactParty::Person(person) => (Some(person.0.to_vec()), None),
            ContactParty::RotatingId(id) => (None, Some(id.to_vec())),
        };
        let ((a_person, a_rotating), (b_person, b_rotating)) = (party(&record.a), party(&record.b));
        bind_key(query, row, part_at(None, row.id_hash))
            .bind(row.event.id.as_str().to_owned())
            .bind(row.event.at.0)
            .bind(record.to.0)
            .bind(a_person)
            .bind(a_rotating)
            .bind(b_person)
            .bind(b_rotating)
            .bind(text::write(&record.rssi_dbm))
            .bind(text::write(&record.attenuation_db))
    }
}

static INSERT_ASSESSMENTS: ManyRows = ManyRows::new(
    "insert into assessment (position, hour, id_hash, content, part, day, id, at, venue, instrument, author, \
     answers) values",
    12,
    "on conflict (hour, id_hash) do nothing",
);

impl Record for Assessment {
    const KIND: EventKind = EventKind::Assessment;

    fn venue(&self) -> Option<&VenueId> {
        Some(&self.venue)
    }

    async fn insert(
        connection: &mut DbConnection,
        _offset: UtcOffset,
        rows: &[Row<'_, Self>],
        venues: &[VenueNumber],
    ) -> Result<bool, StoreError> {
        insert_rows(connection, rows, venues).await
    }
}

impl Tabular for Assessment {
    const INSERT: &'static ManyRows = &INSERT_ASSESSMENTS;

    fn bind<'q>(query: Statement<'q>, row: &Row<'_, Self>, venue: VenueNumber) -> Statement<'q> {
        let record = &row.event.record;
        bind_key(query, row, venue.part)
            .bind(row.event.id.as_str().to_owned())
            .bind(row.event.at.0)
            .bind(venue.ix)
            .bind(record.instrument.clone())
            .bind(record.by.code())
            .bind(text::write(&record.answers))
    }
}

static INSERT_CASES: ManyRows = ManyRows::new(
    "insert into case_report (position, hour, id_hash, content, part, day, id, at, area, lng, lat, onset, \
     sampled, kind, status, symptoms) values",
    16,
    "on conflict (hour, id_hash) do nothing",
);

impl Record for Case {
    const KIND: EventKind = EventKind::Case;

    fn venue(&self) -> Option<&VenueId> {
        None
    }

    async fn insert(
        connection: &mut DbConnection,
        _offset: UtcOffset,
        rows: &[Row<'_, Self>],
        venues: &[VenueNumber],
    ) -> Result<bool, StoreError> {
        let is_new = insert_rows(connection, rows, venues).await?;
        if is_new {
            insert_persons(connection, rows).await?;
        }
        Ok(is_new)
    }
}

impl Tabular for Case {
    const INSERT: &'static ManyRows = &INSERT_CASES;

    fn bind<'q>(query: Statement<'q>, row: &Row<'_, Self>, _venue: VenueNumber) -> Statement<'q> {
        let record = &row.event.record;
        bind_key(query, row, part_at(record.location, row.id_hash))
            .bind(row.event.id.as_str().to_owned())
            .bind(row.event.at.0)
            .bind(record.area.as_ref().map(AreaCode::as_str).map(str::to_owned))
            .bind(record.location.map(LngLat::lng))
            .bind(record.location.map(LngLat::lat))
            .bind(record.onset.map(|day| day.0))
            .bind(record.sampled.map(|at| at.0))
            .bind(record.kind.code())
            .bind(record.status.code())
            .bind(text::write(&record.symptoms))
    }
}

/// The pseudonyms that link cases to check-ins.
async fn insert_persons(connection: &mut DbConnection, rows: &[Row<'_, Case>]) -> Result<(), StoreError> {
    let days: Vec<(i64, Day, PersonId)> = rows
        .iter()
        .flat_map(|row| {
            let days = &row.event.record.person_days;
            days.iter().map(|(day, person)| (row.position, *day, *person))
        })
        .collect();
    for (range, statement) in INSERT_CASE_PERSONS.cut(days.len()) {
        let mut query = sqlx::query(statement);
        for (position, day, person) in &days[range] {
            query = query.bind(*position).bind(day.0).bind(person.0.to_vec());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

static INSERT_CASE_PERSONS: ManyRows =
    ManyRows::new("insert into case_person (position, day, person) values", 3, "");
