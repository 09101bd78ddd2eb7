use super::{
    dialect::DbConnection, error::StoreError, moves, open::Store, venue_versions::Versions,
    venues::VenueNumber,
};
use crate::geo::Cell;
use crate::model::{Timestamp, Venue};

impl Store {
    /// Has the versions of venues begin whose time has come by `now` (and, where the clock was set back, no longer
    /// counts those that have not begun). Gives the present version of each venue that has another than before.
    /// Events up to here stay where they were counted.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn begin_venues(&self, now: Timestamp) -> Result<Vec<Venue>, StoreError> {
        let mut tx = self.write().await?;
        let begun = begin(&mut tx, now).await?;
        tx.commit().await?;
        Ok(begun)
    }

    /// When the next version of any venue begins after `now`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn next_venue_version(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let next: Option<i64> =
            sqlx::query_scalar("select min(valid_from) from venue_version where valid_from > $1")
                .bind(now.0)
                .fetch_one(&self.reader)
                .await?;
        Ok(next.map(Timestamp))
    }
}

/// The same inside a transaction.
pub(super) async fn begin(connection: &mut DbConnection, now: Timestamp) -> Result<Vec<Venue>, StoreError> {
    let before: i64 = sqlx::query_scalar("select venues_as_of from meta where one = 1")
        .fetch_one(&mut *connection)
        .await?;
    let before = Timestamp(before);
    if before == now {
        return Ok(Vec::new());
    }
    let between: Vec<(i64, i64)> = sqlx::query_as(
        "select ix, part from venue where ix in \
         (select venue from venue_version where valid_from > $1 and valid_from <= $2) order by ix",
    )
    .bind(before.min(now).0)
    .bind(before.max(now).0)
    .fetch_all(&mut *connection)
    .await?;
    let mut begun = Vec::new();
    let mut left: Vec<(i64, Cell)> = Vec::new();
    for (ix, part) in between {
        let versions = Versions::load(connection, VenueNumber { ix, part }, before).await?;
        let Some(current) = versions
            .current(now)
            .filter(|new| versions.current(before) != Some(new))
        else {
            continue;
        };
        left.extend(versions.left(now));
        begun.push(current.clone());
    }
    moves::write(connection, &left).await?;
    sqlx::query("update meta set venues_as_of = $1 where one = 1")
        .bind(now.0)
        .execute(&mut *connection)
        .await?;
    Ok(begun)
}
