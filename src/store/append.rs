use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use sqlx::Transaction;

use super::{
    dialect::{Db, DbConnection},
    error::StoreError,
    events::{self, Record, Row, Table},
    open::Store,
    venues::UNPOISONED,
};
use crate::model::{Day, Event, EventBatch, EventId, Hour};

/// What became of a batch. It is on the disk when this is returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The position of the first accepted event of its transaction; `position + 1` when none was.
    pub first_position: i64,
    /// The position after its transaction: that of the last accepted event ever.
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

/// A batch whose ids are hashed: what can be done before its turn to be written comes.
#[derive(Clone, Debug)]
pub struct Keyed {
    batch: EventBatch,
    id_hashes: Vec<i64>,
}

impl Keyed {
    /// Hashes the ids of a batch.
    #[must_use]
    pub fn new(batch: EventBatch) -> Self {
        Self {
            id_hashes: hash_ids(&batch),
            batch,
        }
    }

    /// How many events it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.id_hashes.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.id_hashes.is_empty()
    }

    /// The events.
    #[must_use]
    pub fn into_batch(self) -> EventBatch {
        self.batch
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
        let id_hashes = hash_ids(batch);
        let mut appended = self.append_parts(&[(batch, &id_hashes)]).await?;
        appended
            .pop()
            .ok_or_else(|| StoreError::corrupt("a batch got no answer"))
    }

    /// Stores several batches in one transaction, as if they were one; each gets its own answer.
    ///
    /// # Errors
    /// As [`Store::append`], for all of them together.
    pub async fn append_group(&self, group: &[Keyed]) -> Result<Vec<Appended>, StoreError> {
        let parts: Vec<Part<'_>> = group
            .iter()
            .map(|keyed| (&keyed.batch, keyed.id_hashes.as_slice()))
            .collect();
        self.append_parts(&parts).await
    }

    /// The position of the last accepted event, 0 before the first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn position(&self) -> Result<i64, StoreError> {
        let position = sqlx::query_scalar("select position from meta where one = 1");
        Ok(position.fetch_one(&self.reader).await?)
    }

    async fn append_parts(&self, parts: &[Part<'_>]) -> Result<Vec<Appended>, StoreError> {
        // The common case first: everything is new, and one statement a thousand rows says so. A savepoint
        // would do to take that back, but SQLite copies each page it touches inside of one.
        if let Some(appended) = self.try_append(parts, Repeats::Unexpected).await? {
            return Ok(appended);
        }
        let appended = self.try_append(parts, Repeats::LookedUp).await?;
        appended.ok_or_else(|| StoreError::corrupt("an index of event keys disagrees with its table"))
    }

    /// `None`, and nothing stored, when a key was there already that should not have been.
    async fn try_append(
        &self,
        parts: &[Part<'_>],
        repeats: Repeats,
    ) -> Result<Option<Vec<Appended>>, StoreError> {
        let mut write = Write::begin(self, repeats).await?;
        let mut outcomes = vec![Vec::new(); parts.len()];
        let done = write
            .kind(self, parts, &mut outcomes, |batch| match batch {
                EventBatch::CheckIns(events) => Some(events.as_slice()),
                _ => None,
            })
            .await?
            && write
                .kind(self, parts, &mut outcomes, |batch| match batch {
                    EventBatch::Declarations(events) => Some(events.as_slice()),
                    _ => None,
                })
                .await?
            && write
                .kind(self, parts, &mut outcomes, |batch| match batch {
                    EventBatch::Contacts(events) => Some(events.as_slice()),
                    _ => None,
                })
                .await?
            && write
                .kind(self, parts, &mut outcomes, |batch| match batch {
                    EventBatch::Assessments(events) => Some(events.as_slice()),
                    _ => None,
                })
                .await?
            && write
                .kind(self, parts, &mut outcomes, |batch| match batch {
                    EventBatch::Cases(events) => Some(events.as_slice()),
                    _ => None,
                })
                .await?;
        if done {
            write.commit(outcomes).await.map(Some)
        } else {
            write.tx.rollback().await?;
            Ok(None)
        }
    }
}

/// A batch and the hashes of its ids.
type Part<'a> = (&'a EventBatch, &'a [i64]);

/// What a write does about events that are stored already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeats {
    /// Gives up when it meets one.
    Unexpected,
    /// Asks for them first.
    LookedUp,
}

/// One append under way.
struct Write {
    tx: Transaction<'static, Db>,
    repeats: Repeats,
    base: i64,
    next: i64,
    sealed_before: Day,
}

impl Write {
    async fn begin(store: &Store, repeats: Repeats) -> Result<Self, StoreError> {
        let mut tx = store.write().await?;
        let (base, sealed): (i64, i32) =
            sqlx::query_as("select position, sealed_before from meta where one = 1")
                .fetch_one(&mut *tx)
                .await?;
        Ok(Self {
            tx,
            repeats,
            base,
            next: base + 1,
            sealed_before: Day(sealed),
        })
    }

    /// Stores the events of one kind; `false` when it gave up.
    async fn kind<T: Record>(
        &mut self,
        store: &Store,
        parts: &[Part<'_>],
        outcomes: &mut [Vec<Outcome>],
        pick: impl Fn(&EventBatch) -> Option<&[Event<T>]>,
    ) -> Result<bool, StoreError> {
        let mut events: Vec<(&Event<T>, i64)> = Vec::new();
        let mut lengths = vec![0; parts.len()];
        for ((batch, id_hashes), length) in parts.iter().zip(&mut lengths) {
            if let Some(picked) = pick(batch) {
                events.extend(picked.iter().zip(id_hashes.iter().copied()));
                *length = picked.len();
            }
        }
        if events.is_empty() {
            return Ok(true);
        }
        let Some(all) = self.events(store, &events).await? else {
            return Ok(false);
        };
        let mut rest = all.as_slice();
        for (own, length) in outcomes.iter_mut().zip(lengths) {
            let (first, after) = rest.split_at(length);
            own.extend_from_slice(first);
            rest = after;
        }
        Ok(true)
    }

    /// Stores what is new and answers for every event; `None` when it gave up.
    async fn events<T: Record>(
        &mut self,
        store: &Store,
        events: &[(&Event<T>, i64)],
    ) -> Result<Option<Vec<Outcome>>, StoreError> {
        let table = events::table(T::KIND);
        let mut outcomes = vec![Outcome::Duplicate; events.len()];
        // Sorted by key, so that its index is walked in order; ties keep the order of the batch.
        let mut keys: Vec<Key> = Vec::with_capacity(events.len());
        for (line, &(event, id_hash)) in events.iter().enumerate() {
            let hour = event.at.hour();
            if table.retained_by_day && hour.day(store.offset) < self.sealed_before {
                outcomes[line] = Outcome::Sealed;
            } else {
                keys.push((hour.0, id_hash, line));
            }
        }
        keys.sort_unstable();

        let mut firsts: Vec<Key> = Vec::with_capacity(keys.len());
        for &(hour, id_hash, line) in &keys {
            match firsts.last() {
                Some(&(h, i, first)) if (h, i) == (hour, id_hash) => {
                    outcomes[line] = repeat_of(events[first].0.content.0 as i64, events[line].0);
                }
                _ => firsts.push((hour, id_hash, line)),
            }
        }
        if self.repeats == Repeats::LookedUp {
            let stored = stored_keys(&mut self.tx, &table, &firsts).await?;
            firsts.retain(|&(hour, id_hash, _)| !stored.contains_key(&(hour, id_hash)));
            for &(hour, id_hash, line) in &keys {
                if let Some(content) = stored.get(&(hour, id_hash)) {
                    outcomes[line] = repeat_of(*content, events[line].0);
                }
            }
        }
        let rows = self.rows(store, events, &firsts);
        let venues = {
            let numbers = store.numbers.read().expect(UNPOISONED);
            events::venues_of(&rows, &numbers)?
        };
        if !T::insert(&mut self.tx, store.offset, &rows, &venues).await? {
            return Ok(None);
        }
        for (row, &(_, _, line)) in rows.iter().zip(&firsts) {
            outcomes[line] = Outcome::Accepted(row.position);
        }
        self.next += rows.len() as i64;
        Ok(Some(outcomes))
    }

    fn rows<'a, T>(&self, store: &Store, events: &[(&'a Event<T>, i64)], firsts: &[Key]) -> Vec<Row<'a, T>> {
        let positions = self.next..;
        let rows = firsts.iter().zip(positions);
        rows.map(|(&(hour, id_hash, line), position)| Row {
            position,
            hour,
            id_hash,
            day: Hour(hour).day(store.offset),
            event: events[line].0,
        })
        .collect()
    }

    /// Moves the position with the data. Conditional, though we hold the write lock: a connection
    /// that was cut off from its lock must not count on what it read.
    async fn commit(mut self, outcomes: Vec<Vec<Outcome>>) -> Result<Vec<Appended>, StoreError> {
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
        let appended = outcomes.into_iter().map(|outcomes| Appended {
            first_position: self.base + 1,
            position,
            outcomes,
        });
        Ok(appended.collect())
    }
}

/// Hour, hash of the id, and where in the group the event stands.
type Key = (i32, i64, usize);

/// Which of the keys are in the table, and with which content.
async fn stored_keys(
    connection: &mut DbConnection,
    table: &Table,
    keys: &[Key],
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

fn hash_ids(batch: &EventBatch) -> Vec<i64> {
    fn of<T>(events: &[Event<T>]) -> Vec<i64> {
        events.iter().map(|event| hash_id(&event.id)).collect()
    }
    match batch {
        EventBatch::CheckIns(events) => of(events),
        EventBatch::Declarations(events) => of(events),
        EventBatch::Contacts(events) => of(events),
        EventBatch::Assessments(events) => of(events),
        EventBatch::Cases(events) => of(events),
    }
}

/// 64 bits of an id. Cryptographic, because clients choose ids: nobody shall be able to make one
/// that displaces another's event. Two ids of one hour meet by chance once in 2⁶⁴ pairs.
fn hash_id(id: &EventId) -> i64 {
    let digest: [u8; 32] = Sha256::digest(id.as_str().as_bytes()).into();
    let (first, _) = digest.split_first_chunk::<8>().expect("a digest has 32 bytes");
    i64::from_be_bytes(*first)
}
