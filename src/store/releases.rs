use sqlx::FromRow;

use super::{error::StoreError, open::Store};
use crate::model::{Hour, Timestamp};

/// One publication of figures: written once, never edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseRow {
    /// What is published, such as `cases` or `activity`.
    pub measure: String,
    /// First bucket covered.
    pub bucket_from: Hour,
    /// First bucket after.
    pub bucket_to: Hour,
    /// 1 for the first release of this bucket; a correction takes the next number.
    pub seq: u32,
    /// When it was made.
    pub made_at: Timestamp,
    /// The figures, in the publisher's own form.
    pub body: Vec<u8>,
}

impl Store {
    /// Stores a release. The very same release again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::ReleaseExists`] when the number is taken by other figures.
    pub async fn put_release(&self, release: &ReleaseRow) -> Result<(), StoreError> {
        self.put_release_with(release, None).await
    }

    /// The same with what is not published of it, in the publisher's own form: read by [`Store::release_beneath`] only.
    ///
    /// # Errors
    /// As [`Store::put_release`].
    pub async fn put_release_with(
        &self,
        release: &ReleaseRow,
        beneath: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let old: Option<Vec<u8>> = sqlx::query_scalar(
            "select body from release \
             where measure = $1 and bucket_from = $2 and bucket_to = $3 and seq = $4",
        )
        .bind(release.measure.as_str())
        .bind(release.bucket_from.0)
        .bind(release.bucket_to.0)
        .bind(release.seq)
        .fetch_optional(&mut *tx)
        .await?;
        match old {
            Some(old) if old == release.body => return Ok(()),
            Some(_) => {
                return Err(StoreError::ReleaseExists {
                    measure: release.measure.clone(),
                    seq: release.seq,
                });
            }
            None => {}
        }
        sqlx::query(
            "insert into release (measure, bucket_from, bucket_to, seq, made_at, body, beneath) \
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(release.measure.as_str())
        .bind(release.bucket_from.0)
        .bind(release.bucket_to.0)
        .bind(release.seq)
        .bind(release.made_at.0)
        .bind(release.body.as_slice())
        .bind(beneath)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// What is not published of a release; `None` where nothing was kept.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn release_beneath(
        &self,
        measure: &str,
        bucket_from: Hour,
        seq: u32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let found: Option<Option<Vec<u8>>> = sqlx::query_scalar(
            "select beneath from release where measure = $1 and bucket_from = $2 and seq = $3",
        )
        .bind(measure)
        .bind(bucket_from.0)
        .bind(seq)
        .fetch_optional(&self.reader)
        .await?;
        Ok(found.flatten())
    }

    /// Every release whose bucket ends after `since`, corrections after what they correct.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn load_releases(&self, since: Hour) -> Result<Vec<ReleaseRow>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select measure, bucket_from, bucket_to, seq, made_at, body from release \
             where bucket_to > $1 order by bucket_to, bucket_from, measure, seq",
        )
        .bind(since.0)
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(ReleaseRow::from).collect())
    }
}

#[derive(FromRow)]
struct Row {
    measure: String,
    bucket_from: i32,
    bucket_to: i32,
    seq: u32,
    made_at: i64,
    body: Vec<u8>,
}

impl From<Row> for ReleaseRow {
    fn from(row: Row) -> Self {
        Self {
            measure: row.measure,
            bucket_from: Hour(row.bucket_from),
            bucket_to: Hour(row.bucket_to),
            seq: row.seq,
            made_at: Timestamp(row.made_at),
            body: row.body,
        }
    }
}
