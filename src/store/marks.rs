use sha2::{Digest, Sha256};
use sqlx::FromRow;

use super::{
    codes::Code,
    dialect::DbConnection,
    error::StoreError,
    open::Store,
    replay::CaseRow,
    text,
    tracing::{self, Scan},
    venues::UNPOISONED,
};
use crate::model::{
    Case, CaseKind, CaseStatus, Day, Event, EventId, Mark, MarkState, Onset, Timestamp, VenueId,
};

impl Store {
    /// Writes a mark as an official wants it: a new one, or the same id with other content.
    ///
    /// # Errors
    /// [`StoreError::UnknownVenue`], and those of the database.
    pub async fn put_mark(&self, mark: &Mark, by: &str, now: Timestamp) -> Result<(), StoreError> {
        self.known(&mark.venue)?;
        let mut tx = self.write().await?;
        write(&mut tx, mark, Some(by), now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Makes a mark count. `None` when there is no such mark.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn approve_mark(
        &self,
        id: &EventId,
        by: &str,
        now: Timestamp,
    ) -> Result<Option<Mark>, StoreError> {
        self.decide(id, MarkState::Approved, by, now).await
    }

    /// Refuses a mark. `None` when there is no such mark.
    ///
    /// # Errors
    /// As [`Store::approve_mark`].
    pub async fn reject_mark(
        &self,
        id: &EventId,
        by: &str,
        now: Timestamp,
    ) -> Result<Option<Mark>, StoreError> {
        self.decide(id, MarkState::Rejected, by, now).await
    }

    /// Every mark, whatever its state, that ends at `since` or later, by arrival.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn marks(&self, since: Timestamp) -> Result<Vec<Mark>, StoreError> {
        let rows: Vec<MarkRow> = sqlx::query_as(
            "select id, case_id, venue, arrived, departed, days_since_onset, reported_day, state from mark \
             where departed >= $1 order by arrived, id",
        )
        .bind(since.0)
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter().map(MarkRow::mark).collect()
    }

    /// The ids of the cases that count (confirmed, in the community) in some report up to a position.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn counted_cases(&self, up_to: i64) -> Result<Vec<EventId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(
            "select distinct id from case_report where position <= $1 and kind = $2 and status <> $3",
        )
        .bind(up_to)
        .bind(CaseKind::Community.code())
        .bind(CaseStatus::Suspected.code())
        .fetch_all(&self.reader)
        .await?;
        ids.iter()
            .map(|id| EventId::new(id).map_err(|error| StoreError::corrupt(error.to_string())))
            .collect()
    }

    /// A case as it was reported, its pseudonyms included, newest report first.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn case_reports(&self, id: &EventId) -> Result<Vec<Event<Case>>, StoreError> {
        let rows: Vec<CaseRow> = sqlx::query_as(
            "select position, id, at, content, area, lng, lat, onset, sampled, kind, status, symptoms \
             from case_report where id = $1 order by at desc, position desc",
        )
        .bind(id.as_str())
        .fetch_all(&self.reader)
        .await?;
        let mut reports = Vec::new();
        for row in rows {
            let position = row.position;
            let mut report = row.event()?;
            let days: Vec<(i32, Vec<u8>)> =
                sqlx::query_as("select day, person from case_person where position = $1 order by day desc")
                    .bind(position)
                    .fetch_all(&self.reader)
                    .await?;
            for (day, bytes) in days {
                if let Some(person) = super::replay::person(Some(bytes))? {
                    report.record.person_days.push((Day(day), person));
                }
            }
            reports.push(report);
        }
        Ok(reports)
    }

    /// Joins a case's pseudonyms with check-ins and proposes a mark for each stay. Proposed marks
    /// count for nothing; marks that exist (approved, rejected, edited) stay as they are.
    /// Returns all marks of the case. Where nobody saw the person leave, the mark ends half-way
    /// between the bounds of the stay.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn propose_marks(&self, case: &EventId, now: Timestamp) -> Result<Vec<Mark>, StoreError> {
        let reports = self.case_reports(case).await?;
        let mut proposals = Vec::new();
        if let Some(report) = reports.first() {
            for (day, person) in &report.record.person_days {
                let scans = Scan::of_person(self, *day, *person).await?;
                for tracing::Visit { venue, stay, .. } in tracing::visits(&scans) {
                    let venue = {
                        let numbers = self.numbers.read().expect(UNPOISONED);
                        numbers.id(venue)?.clone()
                    };
                    let visit = Day::of(stay.from, self.offset);
                    let onset = Onset::of_case(&reports, visit, self.offset);
                    proposals.push(Mark {
                        id: mark_id(case, &venue, stay.from)?,
                        case: case.clone(),
                        venue,
                        from: stay.from,
                        to: Timestamp(i64::midpoint(stay.to_min.0, stay.to_max.0)),
                        onset: onset.unwrap_or(Onset::NotKnown { reported: *day }),
                        state: MarkState::Proposed,
                    });
                }
            }
        }
        let mut tx = self.write().await?;
        for mark in &proposals {
            let known: i64 = sqlx::query_scalar("select count(*) from mark where id = $1")
                .bind(mark.id.as_str())
                .fetch_one(&mut *tx)
                .await?;
            if known == 0 {
                write(&mut tx, mark, None, now).await?;
            }
        }
        let rows: Vec<MarkRow> = sqlx::query_as(
            "select id, case_id, venue, arrived, departed, days_since_onset, reported_day, state from mark \
             where case_id = $1 order by arrived, id",
        )
        .bind(case.as_str())
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter().map(MarkRow::mark).collect()
    }

    async fn decide(
        &self,
        id: &EventId,
        state: MarkState,
        by: &str,
        now: Timestamp,
    ) -> Result<Option<Mark>, StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("update mark set state = $1, changed_by = $2, changed_at = $3 where id = $4")
            .bind(state.code())
            .bind(by)
            .bind(now.0)
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        keep_version(&mut tx, id).await?;
        let row: Option<MarkRow> = sqlx::query_as(
            "select id, case_id, venue, arrived, departed, days_since_onset, reported_day, state from mark where id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        row.map(MarkRow::mark).transpose()
    }

    fn known(&self, venue: &VenueId) -> Result<(), StoreError> {
        let numbers = self.numbers.read().expect(UNPOISONED);
        numbers.of(venue).map(|_number| ())
    }
}

/// The same stay always gets the same id, so that proposing again proposes nothing new.
fn mark_id(case: &EventId, venue: &VenueId, from: Timestamp) -> Result<EventId, StoreError> {
    let mut hash = Sha256::new();
    for text in [case.as_str(), venue.as_str()] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.update(from.0.to_be_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let (first, _) = digest.split_first_chunk::<16>().expect("a digest has 32 bytes");
    text::id(EventId::new(&format!(
        "mark-{:032x}",
        u128::from_be_bytes(*first)
    )))
}

async fn write(
    connection: &mut DbConnection,
    mark: &Mark,
    by: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (days_since, reported) = match mark.onset {
        Onset::Known { days_since } => (days_since, None),
        Onset::NotKnown { reported } => (0, Some(reported.0)),
    };
    sqlx::query(
        "insert into mark (id, case_id, venue, arrived, departed, days_since_onset, state, changed_at, changed_by, \
         reported_day) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         on conflict (id) do update set case_id = excluded.case_id, venue = excluded.venue, \
         arrived = excluded.arrived, departed = excluded.departed, \
         days_since_onset = excluded.days_since_onset, reported_day = excluded.reported_day, state = excluded.state, \
         changed_at = excluded.changed_at, changed_by = excluded.changed_by",
    )
    .bind(mark.id.as_str())
    .bind(mark.case.as_str())
    .bind(mark.venue.as_str())
    .bind(mark.from.0)
    .bind(mark.to.0)
    .bind(days_since)
    .bind(mark.state.code())
    .bind(now.0)
    .bind(by)
    .bind(reported)
    .execute(&mut *connection)
    .await?;
    keep_version(connection, &mark.id).await
}

/// Keeps what a mark is from now on beside what it was before.
async fn keep_version(connection: &mut DbConnection, id: &EventId) -> Result<(), StoreError> {
    sqlx::query(
        "insert into mark_version (seq, mark, case_id, venue, arrived, departed, days_since_onset, reported_day, \
         state, written_at, earlier_unknown) select (select coalesce(max(seq), 0) + 1 from mark_version), id, case_id, \
         venue, arrived, departed, days_since_onset, reported_day, state, changed_at, 0 from mark where id = $1",
    )
    .bind(id.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

/// A mark's columns.
#[derive(FromRow)]
pub(super) struct MarkRow {
    id: String,
    case_id: String,
    venue: String,
    arrived: i64,
    departed: i64,
    days_since_onset: i32,
    reported_day: Option<i32>,
    state: i64,
}

impl MarkRow {
    pub(super) fn mark(self) -> Result<Mark, StoreError> {
        Ok(Mark {
            id: text::id(EventId::new(&self.id))?,
            case: text::id(EventId::new(&self.case_id))?,
            venue: text::id(VenueId::new(&self.venue))?,
            from: Timestamp(self.arrived),
            to: Timestamp(self.departed),
            onset: match self.reported_day {
                Some(day) => Onset::NotKnown { reported: Day(day) },
                None => Onset::Known {
                    days_since: self.days_since_onset,
                },
            },
            state: MarkState::from_code(self.state)?,
        })
    }
}
