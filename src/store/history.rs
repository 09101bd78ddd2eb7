use sqlx::Transaction;

use super::{
    dialect::{Db, ManyRows},
    error::StoreError,
    open::Store,
    venues::UNPOISONED,
};
use crate::geo::Cell;
use crate::model::{CellStats, Day, Hour, VenueId, VenueStats};

/// The sums of one bucket of a sealed day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryRow {
    /// Of a cell of the base resolution.
    Cell {
        /// Which cell.
        cell: Cell,
        /// Which bucket.
        hour: Hour,
        /// Its sums.
        stats: CellStats,
    },
    /// Of a venue.
    Venue {
        /// Which venue.
        venue: VenueId,
        /// Which bucket.
        hour: Hour,
        /// Its sums.
        stats: VenueStats,
    },
}

impl HistoryRow {
    /// Its bucket.
    #[must_use]
    pub const fn hour(&self) -> Hour {
        match self {
            Self::Cell { hour, .. } | Self::Venue { hour, .. } => *hour,
        }
    }
}

static INSERT_CELLS: ManyRows = ManyRows::new(
    "insert into history_cell (day, hour, cell, visits, people, cases, declarations, symptomatic) values",
    8,
    "",
);

static INSERT_VENUES: ManyRows = ManyRows::new(
    "insert into history_venue (day, hour, venue, visits, people) values",
    5,
    "",
);

impl Store {
    /// Replaces a whole past day in the history, atomically: writing the same day twice counts
    /// nothing twice. (hour, cell) and (hour, venue) appear once each in `rows`. Gives the history's new version.
    ///
    /// # Errors
    /// [`StoreError::OtherDay`] when a row lies outside the day, [`StoreError::UnknownVenue`], and
    /// those of the database; nothing is replaced then.
    pub async fn backfill_day(&self, day: Day, rows: &[HistoryRow]) -> Result<i64, StoreError> {
        let mut writer = self.replace_day(day).await?;
        writer.put(rows).await?;
        writer.finish().await
    }

    /// Writes a day that leaves the live window into the history, and in the same transaction stops
    /// taking presence of that day and the days before. Its presence rows go with [`Store::delete_day`].
    ///
    /// # Errors
    /// As [`Store::backfill_day`].
    pub async fn seal_day(&self, day: Day, rows: &[HistoryRow]) -> Result<i64, StoreError> {
        let mut writer = self.replace_day(day).await?;
        writer.put(rows).await?;
        writer.seal().await
    }

    /// Begins to replace a whole day, for rows that come a batch at a time: a country's day is larger than one wants
    /// to hold. Nobody else writes meanwhile; dropping the writer replaces nothing.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn replace_day(&self, day: Day) -> Result<DayWriter<'_>, StoreError> {
        let mut tx = self.write().await?;
        for delete in [
            "delete from history_cell where day = $1",
            "delete from history_venue where day = $1",
        ] {
            sqlx::query(delete).bind(day.0).execute(&mut *tx).await?;
        }
        Ok(DayWriter { store: self, day, tx })
    }

    /// The first local day whose presence is still taken; days before it are sealed.
    /// `None` when none is.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sealed_before(&self) -> Result<Option<Day>, StoreError> {
        let day: i32 = sqlx::query_scalar("select sealed_before from meta where one = 1")
            .fetch_one(&self.reader)
            .await?;
        Ok((day != i32::MIN).then_some(Day(day)))
    }

    /// How many days have been written into the history so far, repeats too.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn history_version(&self) -> Result<i64, StoreError> {
        let version = sqlx::query_scalar("select history_version from meta where one = 1")
            .fetch_one(&self.reader)
            .await?;
        Ok(version)
    }

    /// The history of local days `from..to`, cells first, by bucket and cell or venue.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn load_history(&self, from: Day, to: Day) -> Result<Vec<HistoryRow>, StoreError> {
        let mut rows = Vec::new();
        let cells: Vec<(i32, i64, u32, u32, u32, u32, u32)> = sqlx::query_as(
            "select hour, cell, visits, people, cases, declarations, symptomatic from history_cell \
             where day >= $1 and day < $2 order by hour, cell",
        )
        .bind(from.0)
        .bind(to.0)
        .fetch_all(&self.reader)
        .await?;
        for (hour, cell, visits, people, cases, declarations, symptomatic) in cells {
            rows.push(HistoryRow::Cell {
                cell: Cell::from_u64(cell as u64).map_err(|error| StoreError::corrupt(error.to_string()))?,
                hour: Hour(hour),
                stats: CellStats {
                    visits,
                    people,
                    cases,
                    declarations,
                    symptomatic,
                },
            });
        }
        let venues: Vec<(i32, i64, u32, u32)> = sqlx::query_as(
            "select hour, venue, visits, people from history_venue \
             where day >= $1 and day < $2 order by hour, venue",
        )
        .bind(from.0)
        .bind(to.0)
        .fetch_all(&self.reader)
        .await?;
        let numbers = self.numbers.read().expect(UNPOISONED);
        for (hour, venue, visits, people) in venues {
            rows.push(HistoryRow::Venue {
                venue: numbers.id(venue)?.clone(),
                hour: Hour(hour),
                stats: VenueStats { visits, people },
            });
        }
        Ok(rows)
    }

    /// The local days that the history holds anything of, ascending.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn history_days(&self) -> Result<Vec<Day>, StoreError> {
        let days: Vec<i32> = sqlx::query_scalar(
            "select day from history_cell union select day from history_venue order by day",
        )
        .fetch_all(&self.reader)
        .await?;
        Ok(days.into_iter().map(Day).collect())
    }
}

/// A day of the history while it is replaced.
#[derive(Debug)]
pub struct DayWriter<'a> {
    store: &'a Store,
    day: Day,
    tx: Transaction<'static, Db>,
}

impl DayWriter<'_> {
    /// Writes some of its rows. (hour, cell) and (hour, venue) appear once each in all of them together; hour after hour
    /// is the fastest.
    ///
    /// # Errors
    /// As [`Store::backfill_day`].
    pub async fn put(&mut self, rows: &[HistoryRow]) -> Result<(), StoreError> {
        let window = self.day.window(self.store.offset);
        let mut cells: Vec<(Hour, Cell, CellStats)> = Vec::new();
        let mut venues: Vec<(Hour, i64, VenueStats)> = Vec::new();
        {
            let numbers = self.store.numbers.read().expect(UNPOISONED);
            for row in rows {
                if !window.contains(row.hour()) {
                    return Err(StoreError::OtherDay { hour: row.hour().0 });
                }
                match row {
                    HistoryRow::Cell { cell, hour, stats } => cells.push((*hour, *cell, *stats)),
                    HistoryRow::Venue { venue, hour, stats } => {
                        venues.push((*hour, numbers.of(venue)?.ix, *stats));
                    }
                }
            }
        }
        cells.sort_unstable_by_key(|(hour, cell, _)| (*hour, *cell));
        venues.sort_unstable_by_key(|(hour, venue, _)| (*hour, *venue));
        for (range, statement) in INSERT_CELLS.cut(cells.len()) {
            let mut query = sqlx::query(statement);
            for (hour, cell, stats) in &cells[range] {
                query = query
                    .bind(self.day.0)
                    .bind(hour.0)
                    .bind(cell.to_u64() as i64)
                    .bind(stats.visits)
                    .bind(stats.people)
                    .bind(stats.cases)
                    .bind(stats.declarations)
                    .bind(stats.symptomatic);
            }
            query.execute(&mut *self.tx).await?;
        }
        for (range, statement) in INSERT_VENUES.cut(venues.len()) {
            let mut query = sqlx::query(statement);
            for (hour, venue, stats) in &venues[range] {
                query = query
                    .bind(self.day.0)
                    .bind(hour.0)
                    .bind(*venue)
                    .bind(stats.visits)
                    .bind(stats.people);
            }
            query.execute(&mut *self.tx).await?;
        }
        Ok(())
    }

    /// Commits it. Gives the history's new version.
    ///
    /// # Errors
    /// Those of the database; nothing is replaced then.
    pub async fn finish(mut self) -> Result<i64, StoreError> {
        let version = sqlx::query_scalar(
            "update meta set history_version = history_version + 1 where one = 1 returning history_version",
        )
        .fetch_one(&mut *self.tx)
        .await?;
        self.tx.commit().await?;
        Ok(version)
    }

    /// The same, and in the same transaction stops taking presence of that day and the days before.
    ///
    /// # Errors
    /// As [`DayWriter::finish`].
    pub async fn seal(mut self) -> Result<i64, StoreError> {
        sqlx::query("update meta set sealed_before = $1 where one = 1 and sealed_before < $1")
            .bind(self.day.0 + 1)
            .execute(&mut *self.tx)
            .await?;
        self.finish().await
    }
}
