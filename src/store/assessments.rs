use super::{error::StoreError, open::Store, replay::AssessmentRow, venues::UNPOISONED};
use crate::model::{Assessment, Event, Timestamp, VenueId};

impl Store {
    /// The latest assessment of each (venue, author): self-declared apart from inspected.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn assessments(&self) -> Result<Vec<Event<Assessment>>, StoreError> {
        let rows: Vec<AssessmentRow> = sqlx::query_as(
            "select a.position, a.id, a.at, a.content, a.venue, a.instrument, a.author, a.answers \
             from assessment a where not exists (select 1 from assessment b \
             where b.venue = a.venue and b.author = a.author \
             and (b.at > a.at or (b.at = a.at and b.position > a.position))) \
             order by a.venue, a.author",
        )
        .fetch_all(&self.reader)
        .await?;
        let numbers = self.numbers.read().expect(UNPOISONED);
        rows.into_iter().map(|row| row.event(&numbers)).collect()
    }

    /// Every assessment of a venue that is kept and had been made at an instant, newest first.
    ///
    /// # Errors
    /// [`StoreError::UnknownVenue`], those of the database, and [`StoreError::Corrupt`].
    pub async fn assessments_of(
        &self,
        venue: &VenueId,
        at: Timestamp,
    ) -> Result<Vec<Event<Assessment>>, StoreError> {
        let all = "select position, id, at, content, venue, instrument, author, answers from assessment \
             where venue = $1 and at <= $2 order by at desc, position desc";
        self.assessments_by(all, venue, at).await
    }

    /// What a query gives for the number of a venue and an instant.
    pub(super) async fn assessments_by(
        &self,
        query: &'static str,
        venue: &VenueId,
        at: Timestamp,
    ) -> Result<Vec<Event<Assessment>>, StoreError> {
        let number = {
            let numbers = self.numbers.read().expect(UNPOISONED);
            numbers.of(venue)?
        };
        let rows: Vec<AssessmentRow> = sqlx::query_as(query)
            .bind(number.ix)
            .bind(at.0)
            .fetch_all(&self.reader)
            .await?;
        let numbers = self.numbers.read().expect(UNPOISONED);
        rows.into_iter().map(|row| row.event(&numbers)).collect()
    }
}
