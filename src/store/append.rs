use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use sqlx::{Acquire, Transaction};

use super::{
    dialect::{Db, DbConnection},
    error::StoreError,
    events::{self, Record, Row, Table},
    open::Store,
    venues::UNPOISONED,
};
use crate::model::{Case, Day, Event, EventBatch, EventId, EventKind};

/// What became of a batch. It is on the disk when this is returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The position of the first accepted event; `position + 1` when none was.
    pub first_position: i64,
    /// The position after the batch: that of the last accepted event ever.
    pub position: i64,
    /// One answer for each event, in the order of the batch.
    pub outcomes: Vec<Outcome>,
}

/// What became of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// New, stored at this position.
    Accepted(i64),
    /// The same event was there already, or came earlier in the batch.
    Duplicate,
    /// An event with this id and hour, but other content, came first and stays.
    Conflict,
    /// Its day has been sealed and its presence deleted: it could not be told from a repeat.
    Sealed,
}

impl Appended {
    /// How many were accepted, were duplicates, conflicted, and came too late.
    #[must_use]
    pub fn counts(&self) -> [u64; 4] {
        let mut counts = [0; 4];
        for outcome in &self.outcomes {
            counts[match outcome {
                Outcome::Accepted(_) => 0,
                Outcome::Duplicate => 1,
                Outcome::Conflict => 2,
                Outcome::Sealed => 3,
            }] += 1;
        }
        counts
    }
}

impl Store {
    /// Stores a batch in one transaction with the position it leads to. Repeats are recognised by
    /// (hour of `at`, id), also inside the batch; positions are given without gaps.
    ///
    /// # Errors
    /// [`StoreError::UnknownVenue`] (nothing is stored), and those of the database: then the batch may
    /// or may not be stored, and sending it again settles which.
    pub async fn append(&self, batch: &EventBatch) -> Result<Appended, StoreError> {
        match batch {
            EventBatch::CheckIns(events) => self.append_all(events).await,
            EventBatch::Declarations(events) => self.append_all(events).await,
            EventBatch::Contacts(events) => self.append_all(events).await,
            EventBatch::Assessments(events) => self.append_all(events).await,
            EventBatch::Cases(events) => self.append_cases(events).await,
        }
    }

    /// The position of the last accepted event, 0 before the first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn position(&self) -> Result<i64, StoreError> {
        let position = sqlx::query_scalar("select position from meta where one = 1");
        Ok(position.fetch_one(&self.reader).await?)
    }

    async fn append_all<T: Record>(&self, events: &[Event<T>]) -> Result<Appended, StoreError> {
        let mut write = Write::begin(self).await?;
        let (outcomes, _rows) = write.events(self, events).await?;
        write.commit(outcomes).await
    }

    async fn append_cases(&self, events: &[Event<Case>]) -> Result<Appended, StoreError> {
        let mut write = Write::begin(self).await?;
        let (outcomes, rows) = write.events(self, events).await?;
        events::insert_case_persons(&mut write.tx, &rows).await?;
        write.commit(outcomes).await
    }
}

/// One append under way.
struct Write {
    tx: Transaction<'static, Db>,
    base: i64,
    next: i64,
    sealed_before: Day,
}

impl Write {
    async fn begin(store: &Store) -> Result<Self, StoreError> {
        let mut tx = store.write().await?;
        let (base, sealed): (i64, i32) =
            sqlx::query_as("select position, sealed_before from meta where one = 1")
                .fetch_one(&mut *tx)
                .await?;
        Ok(Self {
            tx,
            base,
            next: base + 1,
            sealed_before: Day(sealed),
        })
    }

    /// Stores what is new and answers for every event.
    async fn events<'a, T: Record>(
        &mut self,
        store: &Store,
        events: &'a [Event<T>],
    ) -> Result<(Vec<Outcome>, Vec<Row<'a, T>>), StoreError> {
        let table = events::table(T::KIND);
        let mut outcomes = vec![Outcome::Duplicate; events.len()];
        // Sorted by key, so that each index is walked in order; ties keep the order of the batch.
        let mut keys: Vec<(i32, i64, usize)> = Vec::with_capacity(events.len());
        for (line, event) in events.iter().enumerate() {
            let hour = event.at.hour();
            if table.retained_by_day && hour.day(store.offset) < self.sealed_before {
                outcomes[line] = Outcome::Sealed;
            } else {
                keys.push((hour.0, hash_id(&event.id), line));
            }
        }
        keys.sort_unstable();

        let mut firsts: Vec<(i32, i64, usize)> = Vec::with_capacity(keys.len());
        for &(hour, id_hash, line) in &keys {
            match firsts.last() {
                Some(&(h, i, first)) if (h, i) == (hour, id_hash) => {
                    outcomes[line] = repeat_of(events[first].content.0 as i64, &events[line]);
                }
                _ => firsts.push((hour, id_hash, line)),
            }
        }

        let rows = self.rows(store, events, &firsts);
        // The common case first: everything is new, and one statement a thousand rows says so.
        let rows = if T::KIND == EventKind::CheckIn && self.all_new(store, &rows).await? {
            rows
        } else {
            let stored = stored_keys(&mut self.tx, &table, &firsts).await?;
            firsts.retain(|&(hour, id_hash, _)| !stored.contains_key(&(hour, id_hash)));
            for &(hour, id_hash, line) in &keys {
                if let Some(content) = stored.get(&(hour, id_hash)) {
                    outcomes[line] = repeat_of(*content, &events[line]);
                }
            }
            let rows = self.rows(store, events, &firsts);
            let venues = self.venues(store, &rows)?;
            let landed = events::insert(&mut self.tx, &rows, &venues).await?;
            if landed != rows.len() as u64 {
                return Err(StoreError::corrupt(
                    "an index of event keys disagrees with its table",
                ));
            }
            rows
        };
        for (row, &(_, _, line)) in rows.iter().zip(&firsts) {
            outcomes[line] = Outcome::Accepted(row.position);
        }
        self.next += rows.len() as i64;
        Ok((outcomes, rows))
    }

    /// Tries to insert every row; takes all of it back when one was there already, so that
    /// positions stay without gaps.
    async fn all_new<T: Record>(&mut self, store: &Store, rows: &[Row<'_, T>]) -> Result<bool, StoreError> {
        let venues = self.venues(store, rows)?;
        let mut savepoint = self.tx.begin().await?;
        if events::insert(&mut savepoint, rows, &venues).await? == rows.len() as u64 {
            savepoint.commit().await?;
            Ok(true)
        } else {
            savepoint.rollback().await?;
            Ok(false)
        }
    }

    fn rows<'a, T>(
        &self,
        store: &Store,
        events: &'a [Event<T>],
        firsts: &[(i32, i64, usize)],
    ) -> Vec<Row<'a, T>> {
        let positions = self.next..;
        let rows = firsts.iter().zip(positions);
        rows.map(|(&(hour, id_hash, line), position)| Row {
            position,
            hour,
            id_hash,
            day: crate::model::Hour(hour).day(store.offset),
            event: &events[line],
        })
        .collect()
    }

    #[expect(clippy::unused_self, reason = "reads as a step of the write")]
    fn venues<T: Record>(
        &self,
        store: &Store,
        rows: &[Row<'_, T>],
    ) -> Result<Vec<super::venues::VenueNumber>, StoreError> {
        let numbers = store.numbers.read().expect(UNPOISONED);
        events::venues_of(rows, &numbers)
    }

    /// Moves the position with the data. Conditional, though we hold the write lock: a connection
    /// that was cut off from its lock must not count on what it read.
    async fn commit(mut self, outcomes: Vec<Outcome>) -> Result<Appended, StoreError> {
        let position = self.next - 1;
        if position > self.base {
            let moved = sqlx::query("update meta set position = $1 where one = 1 and position = $2")
                .bind(position)
                .bind(self.base)
                .execute(&mut *self.tx)
                .await?;
            if moved.rows_affected() != 1 {
                return Err(StoreError::Fenced { expected: self.base });
            }
            self.tx.commit().await?;
        } else {
            self.tx.rollback().await?;
        }
        Ok(Appended {
            first_position: self.base + 1,
            position,
            outcomes,
        })
    }
}

/// Which of the keys are in the table, and with which content.
async fn stored_keys(
    connection: &mut DbConnection,
    table: &Table,
    keys: &[(i32, i64, usize)],
) -> Result<FxHashMap<(i32, i64), i64>, StoreError> {
    let mut stored = FxHashMap::default();
    for (range, statement) in table.stored.cut(keys.len()) {
        let mut query = sqlx::query_as(statement);
        for &(hour, id_hash, _) in &keys[range] {
            query = query.bind(hour).bind(id_hash);
        }
        let rows: Vec<(i32, i64, i64)> = query.fetch_all(&mut *connection).await?;
        stored.extend(
            rows.into_iter()
                .map(|(hour, id_hash, content)| ((hour, id_hash), content)),
        );
    }
    Ok(stored)
}

fn repeat_of<T>(content: i64, event: &Event<T>) -> Outcome {
    if content == event.content.0 as i64 {
        Outcome::Duplicate
    } else {
        Outcome::Conflict
    }
}

/// 64 bits of an id. Cryptographic, because clients choose ids: nobody shall be able to make one
/// that displaces another's event. Two ids of one hour meet by chance once in 2⁶⁴ pairs.
fn hash_id(id: &EventId) -> i64 {
    let digest: [u8; 32] = Sha256::digest(id.as_str().as_bytes()).into();
    let (first, _) = digest.split_first_chunk::<8>().expect("a digest has 32 bytes");
    i64::from_be_bytes(*first)
}
