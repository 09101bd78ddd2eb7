use std::collections::BTreeMap;

use super::{codes::Code, dialect::ManyRows, error::StoreError, marks::MarkRow, open::Store};
use crate::model::{Assessment, Event, Mark, MarkState, Timestamp, VenueId};

/// The marks that counted at some venues at a past instant.
#[derive(Clone, Debug, PartialEq)]
pub struct PastMarks {
    /// Approved at that instant, as they were then; those of a venue by arrival.
    pub marks: Vec<Mark>,
    /// Whether there can have been no other: false where a mark was changed before its changes were kept.
    pub is_whole: bool,
}

static COUNTED_THEN: ManyRows = ManyRows::new(
    "with asked (venue) as (values",
    1,
    ") select v.mark as id, v.case_id, v.venue, v.arrived, v.departed, v.days_since_onset, v.reported_day, \
     v.state \
     from mark_version v where v.venue in (select venue from asked) and v.departed >= ? and v.written_at <= ? \
     and v.state = ? and not exists (select 1 from mark_version w where w.mark = v.mark and w.seq > v.seq \
     and w.written_at <= ?) order by v.arrived, v.mark",
);

static LOST_SINCE: ManyRows = ManyRows::new(
    "with asked (venue) as (values",
    1,
    ") select count(*) from mark_version where venue in (select venue from asked) and departed >= ? \
     and written_at > ? and earlier_unknown = 1",
);

impl PastMarks {
    /// The marks of each venue that has any.
    #[must_use]
    pub fn by_venue(self) -> BTreeMap<VenueId, Vec<Mark>> {
        let mut found: BTreeMap<VenueId, Vec<Mark>> = BTreeMap::new();
        for mark in self.marks {
            found.entry(mark.venue.clone()).or_default().push(mark);
        }
        found
    }
}

impl Store {
    /// The marks of these venues that were approved at an instant and end at `since` or later: asked for together, however
    /// many parts a building has.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn marks_at(
        &self,
        venues: &[&VenueId],
        since: Timestamp,
        at: Timestamp,
    ) -> Result<PastMarks, StoreError> {
        let mut found = PastMarks {
            marks: Vec::new(),
            is_whole: true,
        };
        let mut rest = venues;
        while let [.., last] = rest {
            let (size, counted_then) = COUNTED_THEN.holding(rest.len());
            let (_, lost_since) = LOST_SINCE.holding(rest.len());
            let asked;
            (asked, rest) = rest.split_at(size.min(rest.len()));
            let asked = || asked.iter().chain(std::iter::repeat(last)).take(size);
            let query = asked().fold(sqlx::query_as(counted_then), |query, venue| {
                query.bind(venue.as_str())
            });
            let query = query.bind(since.0).bind(at.0);
            let query = query.bind(MarkState::Approved.code()).bind(at.0);
            let rows: Vec<MarkRow> = query.fetch_all(&self.reader).await?;
            let query = asked().fold(sqlx::query_scalar(lost_since), |query, venue| {
                query.bind(venue.as_str())
            });
            let lost: i64 = query.bind(since.0).bind(at.0).fetch_one(&self.reader).await?;
            for row in rows {
                found.marks.push(row.mark()?);
            }
            found.is_whole &= lost == 0;
        }
        Ok(found)
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
        let latest = "select a.position, a.id, a.at, a.content, a.venue, a.instrument, a.author, a.answers \
             from assessment a where a.venue = $1 and a.at <= $2 and not exists (select 1 from assessment b \
             where b.venue = a.venue and b.author = a.author and b.at <= $2 \
             and (b.at > a.at or (b.at = a.at and b.position > a.position))) order by a.author";
        self.assessments_by(latest, venue, at).await
    }
}
