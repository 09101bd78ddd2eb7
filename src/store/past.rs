use super::{
    codes::Code, error::StoreError, marks::MarkRow, open::Store, replay::AssessmentRow, venues::UNPOISONED,
};
use crate::model::{Assessment, Event, Mark, MarkState, Timestamp, VenueId};

/// The marks that counted at a venue at a past instant.
#[derive(Clone, Debug, PartialEq)]
pub struct PastMarks {
    /// Approved at that instant, as they were then, by arrival.
    pub marks: Vec<Mark>,
    /// Whether there can have been no other: false where a mark was changed before its changes were kept.
    pub is_whole: bool,
}

impl Store {
    /// The marks of a venue that were approved at an instant and end at `since` or later.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn marks_at(
        &self,
        venue: &VenueId,
        since: Timestamp,
        at: Timestamp,
    ) -> Result<PastMarks, StoreError> {
        let rows: Vec<MarkRow> = sqlx::query_as(
            "select v.mark as id, v.case_id, v.venue, v.arrived, v.departed, v.days_since_onset, v.reported_day, v.state \
             from mark_version v where v.venue = $1 and v.departed >= $2 and v.written_at <= $3 and v.state = $4 \
             and not exists (select 1 from mark_version w where w.mark = v.mark and w.seq > v.seq \
             and w.written_at <= $3) order by v.arrived, v.mark",
        )
        .bind(venue.as_str())
        .bind(since.0)
        .bind(at.0)
        .bind(MarkState::Approved.code())
        .fetch_all(&self.reader)
        .await?;
        let lost: i64 = sqlx::query_scalar(
            "select count(*) from mark_version where venue = $1 and departed >= $2 and written_at > $3 \
             and earlier_unknown = 1",
        )
        .bind(venue.as_str())
        .bind(since.0)
        .bind(at.0)
        .fetch_one(&self.reader)
        .await?;
        Ok(PastMarks {
            marks: rows.into_iter().map(MarkRow::mark).collect::<Result<_, _>>()?,
            is_whole: lost == 0,
        })
    }

    /// The latest assessment of a venue by each author that had been made at an instant. When it arrived is not
    /// kept: it counts from when it was made.
    ///
    /// # Errors
    /// [`StoreError::UnknownVenue`], those of the database, and [`StoreError::Corrupt`].
    pub async fn assessments_at(
        &self,
        venue: &VenueId,
        at: Timestamp,
    ) -> Result<Vec<Event<Assessment>>, StoreError> {
        let number = {
            let numbers = self.numbers.read().expect(UNPOISONED);
            numbers.of(venue)?
        };
        let rows: Vec<AssessmentRow> = sqlx::query_as(
            "select a.position, a.id, a.at, a.content, a.venue, a.instrument, a.author, a.answers \
             from assessment a where a.venue = $1 and a.at <= $2 and not exists (select 1 from assessment b \
             where b.venue = a.venue and b.author = a.author and b.at <= $2 \
             and (b.at > a.at or (b.at = a.at and b.position > a.position))) order by a.author",
        )
        .bind(number.ix)
        .bind(at.0)
        .fetch_all(&self.reader)
        .await?;
        let numbers = self.numbers.read().expect(UNPOISONED);
        rows.into_iter().map(|row| row.event(&numbers)).collect()
    }
}
