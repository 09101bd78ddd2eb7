use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use sha2::{Digest as _, Sha256};

use crate::aggregate::{CheckInColumns, day_sums};
use crate::geo::Cell;
use crate::model::{CellStats, CheckIn, Day, DaySums, Event, EventBatch, UtcOffset};
use crate::pipeline::close::history_rows;
use crate::pipeline::{Pipeline, PipelineError, checkpoint};

/// Check-ins of days that are past taking live events, gathered until whole days can be written.
/// Holds columns, not records: about 40 bytes a check-in.
pub struct Backfill {
    /// The first local day that still takes live events.
    first_live: Day,
    columns: CheckInColumns,
    /// (hour, hash of the id): a repeat in the file counts once.
    seen: FxHashSet<(i32, u64)>,
    days: BTreeSet<Day>,
}

/// What a backfill wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackfillDone {
    /// Whole local days replaced.
    pub days: usize,
    /// Distinct check-ins in them.
    pub rows: u64,
}

impl Pipeline {
    /// Begins to gather past days.
    #[must_use]
    pub fn start_backfill(&self) -> Backfill {
        Backfill {
            first_live: Day::of(self.oldest(), self.offset()),
            columns: CheckInColumns::default(),
            seen: FxHashSet::default(),
            days: BTreeSet::new(),
        }
    }

    /// Takes the check-ins of sealed days out of a batch; what is left is live, with its line numbers.
    #[must_use]
    pub fn take_sealed(
        &self,
        backfill: &mut Backfill,
        batch: EventBatch,
        lines: &[u64],
    ) -> (EventBatch, Vec<u64>) {
        let EventBatch::CheckIns(events) = batch else {
            return (batch, lines.to_vec());
        };
        let snapshot = self.snapshot();
        let (mut live, mut live_lines) = (Vec::new(), Vec::new());
        for (event, &line) in events.into_iter().zip(lines) {
            let day = Day::of(event.at, self.offset());
            if day >= backfill.first_live {
                live.push(event);
                live_lines.push(line);
            } else if let Some(entry) = snapshot.venues().get(&event.record.venue) {
                backfill.take(entry.ix, entry.cell, self.offset(), &event);
            }
        }
        (EventBatch::CheckIns(live), live_lines)
    }

    /// Replaces the gathered days in the history and in the ledger. Cases and declarations counted on
    /// those days stay; check-ins of the same days are replaced whole, so that a repeat counts nothing twice.
    ///
    /// # Errors
    /// [`PipelineError`]; days before the failing one are written, and writing them again is harmless.
    pub async fn finish_backfill(&self, backfill: Backfill) -> Result<BackfillDone, PipelineError> {
        let done = BackfillDone {
            days: backfill.days.len(),
            rows: backfill.columns.len() as u64,
        };
        let offset = self.offset();
        let task = tokio::task::spawn_blocking(move || day_sums(backfill.columns, offset));
        let by_day = task.await.map_err(|_panicked| PipelineError::Task)??;
        let turn = self.hold_commits().await;
        let mut state = Arc::clone(&self.inner.state).lock_owned().await;
        for (day, new) in by_day {
            let mut sums = without_visits(state.ledger.day_sums(day));
            sums.merge(&new);
            let rows = history_rows(&sums, &state.publisher);
            let version = self.inner.store.backfill_day(day, &rows).await?;
            state.ledger.set_day(day, sums);
            state.history_written(version);
            state.backfilled.insert(day);
            self.close_before(Day(day.0 + 1));
        }
        drop(turn);
        self.publish_locked(state).await?;
        checkpoint::write(self).await?;
        Ok(done)
    }
}

impl Backfill {
    fn take(&mut self, venue_ix: u32, cell: Cell, offset: UtcOffset, event: &Event<CheckIn>) {
        let hour = event.at.hour();
        let hash = Sha256::digest(event.id.as_str().as_bytes());
        let id = u64::from_le_bytes(hash[..8].try_into().expect("a digest has 32 bytes"));
        self.days.insert(Day::of(event.at, offset));
        if self.seen.insert((hour.0, id)) {
            let record = &event.record;
            let counted = (record.direction, record.party_size);
            self.columns
                .push(venue_ix, cell, event.at, counted, record.person, offset);
        }
    }
}

/// A day's sums without what check-ins brought.
fn without_visits(mut sums: DaySums) -> DaySums {
    for (_, _, stats) in &mut sums.cells {
        *stats = CellStats {
            visits: 0,
            people: 0,
            ..*stats
        };
    }
    sums.venues.clear();
    sums.normalise();
    sums
}
