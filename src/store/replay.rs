use sqlx::{FromRow, QueryBuilder};

use super::{
    codes::Code,
    dialect::{Db, DbConnection},
    error::StoreError,
    open::Store,
    packs::{self, Packed},
    text::{self, EntryText, PlaceText},
    venues::{UNPOISONED, VenueNumbers},
};
use crate::geo::BBox;
use crate::model::{
    AreaCode, Assessment, AssessmentAuthor, Case, CaseKind, CaseStatus, CheckIn, ContentHash, Day,
    Declaration, DeclarationKind, Event, EventId, Hour, PersonId, Place, Timestamp, VenueId,
};

/// An accepted event as the store has it.
#[derive(Clone, Debug, PartialEq)]
pub enum ReplayEvent {
    /// A check-in. Its id is kept as a hash only.
    CheckIn {
        /// When.
        at: Timestamp,
        /// The record.
        record: CheckIn,
    },
    /// A declaration.
    Declaration(Event<Declaration>),
    /// A contact: it counts in no sum.
    Contact {
        /// When.
        at: Timestamp,
    },
    /// An assessment.
    Assessment(Event<Assessment>),
    /// A case, without its pseudonyms (no sum needs them).
    Case(Event<Case>),
}

impl Store {
    /// Accepted events with positions after `after`, in the order of positions, at most `limit`.
    /// Positions of deleted days are missing. An empty answer means that there are no more.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn replay(&self, after: i64, limit: u32) -> Result<Vec<(i64, ReplayEvent)>, StoreError> {
        // One read transaction: the five tables are seen at the same position.
        let mut tx = self.reader.begin().await?;
        let Some(first) = first_after(&mut tx, after).await? else {
            tx.rollback().await?;
            return Ok(Vec::new());
        };
        // So many positions hold no more events than that.
        let end = first + i64::from(limit);
        let packs: Vec<(i64, i32, Vec<u8>)> = sqlx::query_as(
            "select position, day, body from check_in where position >= (select coalesce(max(position), 0) \
             from check_in where position <= $1) and position < $2 order by position",
        )
        .bind(first)
        .bind(end)
        .fetch_all(&mut *tx)
        .await?;
        let declarations: Vec<DeclarationRow> = sqlx::query_as(
            "select position, id, at, content, kind, person, home_area, home_venue, home_lng, home_lat, \
             symptoms, exposures, places, entry from declaration where position >= $1 and position < $2",
        )
        .bind(first)
        .bind(end)
        .fetch_all(&mut *tx)
        .await?;
        let contacts: Vec<(i64, i64)> =
            sqlx::query_as("select position, at from contact where position >= $1 and position < $2")
                .bind(first)
                .bind(end)
                .fetch_all(&mut *tx)
                .await?;
        let assessments: Vec<AssessmentRow> = sqlx::query_as(
            "select position, id, at, content, venue, instrument, author, answers from assessment \
             where position >= $1 and position < $2",
        )
        .bind(first)
        .bind(end)
        .fetch_all(&mut *tx)
        .await?;
        let cases: Vec<CaseRow> = sqlx::query_as(
            "select position, id, at, content, area, lng, lat, onset, sampled, kind, status, symptoms \
             from case_report where position >= $1 and position < $2",
        )
        .bind(first)
        .bind(end)
        .fetch_all(&mut *tx)
        .await?;
        tx.rollback().await?;

        let numbers = self.numbers.read().expect(UNPOISONED);
        let mut events: Vec<(i64, ReplayEvent)> = Vec::new();
        for (position, day, body) in packs {
            let midnight = packs::start_of(Day(day), self.offset);
            for (position, packed) in (position..).zip(packs::read_pack(&body)?) {
                if (first..end).contains(&position) {
                    events.push((position, check_in(packed, midnight, &numbers)?));
                }
            }
        }
        for row in declarations {
            events.push((row.position, ReplayEvent::Declaration(row.event()?)));
        }
        for (position, at) in contacts {
            events.push((position, ReplayEvent::Contact { at: Timestamp(at) }));
        }
        for row in assessments {
            events.push((row.position, ReplayEvent::Assessment(row.event(&numbers)?)));
        }
        for row in cases {
            events.push((row.position, ReplayEvent::Case(row.event()?)));
        }
        events.sort_unstable_by_key(|(position, _)| *position);
        Ok(events)
    }
}

impl Store {
    /// Reports of cases with positions after `after` and up to `up_to`, in the order of positions, at
    /// most `limit`. They never leave with the retention, so every sum over cases can be made again.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn cases(
        &self,
        after: i64,
        up_to: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Event<Case>)>, StoreError> {
        let rows: Vec<CaseRow> = sqlx::query_as(
            "select position, id, at, content, area, lng, lat, onset, sampled, kind, status, symptoms \
             from case_report where position > $1 and position <= $2 order by position limit $3",
        )
        .bind(after)
        .bind(up_to)
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter()
            .map(|row| Ok((row.position, row.event()?)))
            .collect()
    }
}

impl Store {
    /// The first report that counts in community figures of each case reported between two hours, in no order, without
    /// pseudonyms. A case that counted before is not among them. With a place only those that can lie there: what that
    /// costs goes with these, not with all that was reported.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn cases_first_counted(
        &self,
        from: Hour,
        to: Hour,
        place: Option<&CasePlace>,
    ) -> Result<Vec<Event<Case>>, StoreError> {
        let Some(place) = place.filter(|place| place.areas.len() <= MOST_AREAS) else {
            let mut all = first_counted("report.hour", from, to);
            return self.case_rows(&mut all).await;
        };
        // A question for each index.
        let mut named = first_counted("report.hour", from, to);
        named.push(" and report.area in (");
        let mut codes = named.separated(", ");
        for code in &place.areas {
            codes.push_bind(code.as_str().to_owned());
        }
        named.push(")");
        let mut found = self.case_rows(&mut named).await?;
        for part in place.bbox.parts() {
            // The sign and the function keep the index from being chosen by hour or area: six weeks of a country are more
            // than a place.
            let mut there = first_counted("+report.hour", from, to);
            there
                .push(" and coalesce(report.area, '') = '' and report.lat >= ")
                .push_bind(part.min_lat);
            there.push(" and report.lat <= ").push_bind(part.max_lat);
            there.push(" and report.lng >= ").push_bind(part.min_lng);
            there.push(" and report.lng <= ").push_bind(part.max_lng);
            found.extend(self.case_rows(&mut there).await?);
        }
        Ok(found)
    }

    async fn case_rows(&self, query: &mut QueryBuilder<Db>) -> Result<Vec<Event<Case>>, StoreError> {
        let rows: Vec<CaseRow> = query.build_query_as().fetch_all(&self.reader).await?;
        rows.into_iter().map(CaseRow::event).collect()
    }
}

/// Where cases are asked of.
#[derive(Clone, Debug, PartialEq)]
pub struct CasePlace {
    /// Codes that a report may name to lie there.
    pub areas: Vec<AreaCode>,
    /// Where a report lies that names a point and no area.
    pub bbox: BBox,
}

/// With more areas than this all cases are read: a country has most of them.
const MOST_AREAS: usize = 2_000;

fn first_counted(hour: &str, from: Hour, to: Hour) -> QueryBuilder<Db> {
    let counts = |name: &str| {
        let (kind, status) = (CaseKind::Community.code(), CaseStatus::Suspected.code());
        format!("{name}.kind = {kind} and {name}.status <> {status}")
    };
    let mut query = QueryBuilder::new(
        "select position, id, at, content, area, lng, lat, onset, sampled, kind, status, symptoms \
         from case_report as report where ",
    );
    query.push(counts("report"));
    query.push(
        " and not exists (select 1 from case_report as earlier where earlier.id = report.id \
         and earlier.position < report.position and ",
    );
    query.push(counts("earlier")).push(") and ");
    query.push(hour).push(" >= ").push_bind(from.0);
    query.push(" and ").push(hour).push(" < ").push_bind(to.0);
    query
}

/// The first position after `after` that holds an event.
async fn first_after(connection: &mut DbConnection, after: i64) -> Result<Option<i64>, StoreError> {
    // The last pack that begins by the next position may hold it.
    let pack: Option<i64> = sqlx::query_scalar(
        "select position + events from check_in where position <= $1 order by position desc limit 1",
    )
    .bind(after + 1)
    .fetch_optional(&mut *connection)
    .await?;
    if pack.is_some_and(|end| end > after + 1) {
        return Ok(Some(after + 1));
    }
    let first = sqlx::query_scalar(
        "select min(position) from (select min(position) as position from check_in where position > $1 \
         union all select min(position) from declaration where position > $1 \
         union all select min(position) from contact where position > $1 \
         union all select min(position) from assessment where position > $1 \
         union all select min(position) from case_report where position > $1) as firsts",
    );
    Ok(first.bind(after).fetch_one(connection).await?)
}

/// A pseudonym column.
pub(super) fn person(bytes: Option<Vec<u8>>) -> Result<Option<PersonId>, StoreError> {
    let person = bytes.map(|bytes| <[u8; 16]>::try_from(bytes.as_slice()));
    match person.transpose() {
        Ok(person) => Ok(person.map(PersonId)),
        Err(_length) => Err(StoreError::corrupt("a pseudonym does not have 16 bytes")),
    }
}

fn event<T>(id: &str, at: i64, content: i64, record: T) -> Result<Event<T>, StoreError> {
    Ok(Event {
        id: text::id(EventId::new(id))?,
        at: Timestamp(at),
        content: ContentHash(content as u64),
        record,
    })
}

fn check_in(packed: Packed, midnight: Timestamp, numbers: &VenueNumbers) -> Result<ReplayEvent, StoreError> {
    Ok(ReplayEvent::CheckIn {
        at: midnight.plus_s(i64::from(packed.second)),
        record: CheckIn {
            venue: numbers.id(i64::from(packed.venue))?.clone(),
            person: packed.person,
            direction: packed.direction,
            method: packed.method,
            party_size: packed.party_size,
        },
    })
}

#[derive(FromRow)]
struct DeclarationRow {
    position: i64,
    id: String,
    at: i64,
    content: i64,
    kind: i64,
    person: Option<Vec<u8>>,
    home_area: Option<String>,
    home_venue: Option<String>,
    home_lng: Option<f64>,
    home_lat: Option<f64>,
    symptoms: String,
    exposures: String,
    places: String,
    entry: Option<String>,
}

impl DeclarationRow {
    fn event(self) -> Result<Event<Declaration>, StoreError> {
        let home = match (self.home_area, self.home_venue, self.home_lng, self.home_lat) {
            (Some(area), ..) => Some(Place::Area(text::id(AreaCode::new(&area))?)),
            (_, Some(venue), ..) => Some(Place::Venue(text::id(VenueId::new(&venue))?)),
            (.., Some(lng), Some(lat)) => Some(Place::Point(text::point(lng, lat)?)),
            _ => None,
        };
        let places: Vec<PlaceText> = text::read(&self.places)?;
        let entry: Option<EntryText> = self.entry.as_deref().map(text::read).transpose()?;
        let record = Declaration {
            kind: DeclarationKind::from_code(self.kind)?,
            person: person(self.person)?,
            home,
            symptoms: text::read(&self.symptoms)?,
            exposures: text::read(&self.exposures)?,
            places: places
                .into_iter()
                .map(PlaceText::into_place)
                .collect::<Result<_, _>>()?,
            entry: entry.map(Into::into),
        };
        event(&self.id, self.at, self.content, record)
    }
}

/// An assessment's columns, also for the latest of each venue.
#[derive(FromRow)]
pub(super) struct AssessmentRow {
    position: i64,
    id: String,
    at: i64,
    content: i64,
    venue: i64,
    instrument: String,
    author: i64,
    answers: String,
}

impl AssessmentRow {
    pub(super) fn event(self, numbers: &VenueNumbers) -> Result<Event<Assessment>, StoreError> {
        let record = Assessment {
            venue: numbers.id(self.venue)?.clone(),
            instrument: self.instrument,
            answers: text::read(&self.answers)?,
            by: AssessmentAuthor::from_code(self.author)?,
        };
        event(&self.id, self.at, self.content, record)
    }
}

/// A case's columns, also for one case by its id.
#[derive(FromRow)]
pub(super) struct CaseRow {
    pub(super) position: i64,
    id: String,
    at: i64,
    content: i64,
    area: Option<String>,
    lng: Option<f64>,
    lat: Option<f64>,
    onset: Option<i32>,
    sampled: Option<i64>,
    kind: i64,
    status: i64,
    symptoms: String,
}

impl CaseRow {
    pub(super) fn event(self) -> Result<Event<Case>, StoreError> {
        let location = match (self.lng, self.lat) {
            (Some(lng), Some(lat)) => Some(text::point(lng, lat)?),
            _ => None,
        };
        let record = Case {
            person_days: Vec::new(),
            area: self.area.map(|code| text::id(AreaCode::new(&code))).transpose()?,
            location,
            onset: self.onset.map(Day),
            sampled: self.sampled.map(Timestamp),
            kind: CaseKind::from_code(self.kind)?,
            status: CaseStatus::from_code(self.status)?,
            symptoms: text::read(&self.symptoms)?,
        };
        event(&self.id, self.at, self.content, record)
    }
}
