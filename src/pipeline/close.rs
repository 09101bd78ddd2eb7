use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::index::{Measure, Publisher};
use crate::model::{Day, DaySums, Timestamp};
use crate::pipeline::noise::NoiseKey;
use crate::pipeline::releases::{Made, Stored, View};
use crate::pipeline::{Pipeline, PipelineError, checkpoint, master_key, releases};
use crate::risk::Rules;
use crate::store::{HistoryRow, StoreError};

/// How long after local midnight a day is closed: late events have that long to arrive unnoticed.
const GRACE_S: i64 = 3600;
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// So often a store that is busy is no news: whoever writes for long is done by then.
const PATIENCE: u32 = 5;

/// Closes days as the clock passes them, until the flow stops.
pub(super) async fn run(pipeline: Pipeline) {
    let mut stop = pipeline.inner.stop.subscribe();
    let mut closed = None;
    let mut failed = 0;
    loop {
        let before = pipeline.closed_before();
        if closed != Some(before) {
            match pipeline.close_day(before).await {
                Ok(()) => (closed, failed) = (Some(before), 0),
                Err(error) => {
                    failed += 1;
                    if is_grave(&error, failed) {
                        tracing::error!(%error, failed, "closing a day failed; trying again");
                    } else {
                        tracing::warn!(%error, failed, "closing a day has to wait; trying again");
                    }
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = pipeline.inner.closed_under_other_rules.notified() => closed = None,
            _ = stop.changed() => return,
        }
    }
}

/// Whether a failure, the so manieth in a row, needs somebody: one that goes away by itself does not.
fn is_grave(error: &PipelineError, failed: u32) -> bool {
    let passes = matches!(
        error,
        PipelineError::Store(StoreError::Busy(_) | StoreError::Fenced { .. })
    );
    !passes || failed > PATIENCE
}

impl Pipeline {
    /// Makes every release that is due now.
    ///
    /// # Errors
    /// [`PipelineError`]; releases made before the failing one stay.
    pub async fn close_buckets(&self) -> Result<(), PipelineError> {
        self.close_day(self.closed_before()).await
    }

    /// The first local day that is not closed yet.
    fn closed_before(&self) -> Day {
        Day::of(self.inner.clock.now().plus_s(-GRACE_S), self.offset())
    }

    async fn close_day(&self, before: Day) -> Result<(), PipelineError> {
        // Presence is deleted in time even when a release fails.
        let released = self.release(before).await;
        self.seal_old_days().await?;
        released
    }

    async fn release(&self, before: Day) -> Result<(), PipelineError> {
        let now = self.inner.clock.now();
        // One closing after the other: no release is computed of sums that are older than a stored one's.
        let _turn = self.inner.closing.lock().await;
        let rules = self.rules();
        let noise = match rules.release.noise {
            Some(_) => {
                let folder = self.inner.store.folder();
                let key = self
                    .inner
                    .noise
                    .get_or_try_init(|| NoiseKey::load_or_make(folder));
                Some(key.await?)
            }
            None => None,
        };
        let view = View::take(&mut *self.inner.state.lock().await, noise);
        let backfilled = view.backfilled.clone();
        let released = self.release_due(view, rules, before, now).await;
        if released.is_err() {
            self.inner.state.lock().await.backfilled.extend(backfilled);
        }
        released
    }

    async fn release_due(
        &self,
        view: View,
        rules: Arc<Rules>,
        before: Day,
        now: Timestamp,
    ) -> Result<(), PipelineError> {
        // No more than two of them are held at once, whatever is due.
        let (sender, mut made) = mpsc::channel(1);
        let (store, flow) = (self.inner.store.clone(), Handle::current());
        let made_by = Arc::clone(&rules);
        let task = tokio::task::spawn_blocking(move || {
            let unread = OnceCell::new();
            let mut beneath_of = |measure: Measure, from| {
                let seq = view.last_seq(measure, from)?;
                let found = flow.block_on(store.release_beneath(measure.as_str(), from, seq));
                found.unwrap_or_else(|error| {
                    let _ = unread.set(error);
                    None
                })
            };
            // What is made without that could tell too much.
            let each = &mut |made| unread.get().is_none() && sender.blocking_send(made).is_ok();
            let looked_at = releases::due(&view, &rules, before, now, &mut beneath_of, each);
            unread.into_inner().map_or(Ok(looked_at), Err)
        });
        // Nobody else makes releases meanwhile: see `closing`.
        let mut all = Stored::of(&*self.inner.state.lock().await);
        let mut count = 0;
        let mut stored = Ok(());
        while let Some(one) = made.recv().await {
            stored = self.store_release(one, &mut all).await;
            if stored.is_err() {
                break;
            }
            count += 1;
        }
        // Nothing more is wanted, if that was an error.
        drop(made);
        let looked_at = task.await.map_err(|_panicked| PipelineError::Task);
        let mut state = Arc::clone(&self.inner.state).lock_owned().await;
        if count > 0 {
            all.put_into(&mut state);
        }
        if stored.is_err() {
            // What was stored may decide of what follows: all is looked at again.
            state.looked_at = releases::LookedAt::default();
        }
        stored?;
        // Under other rules, put in force meanwhile, all would be looked at again.
        let looked_at = looked_at??.filter(|_| Arc::ptr_eq(&made_by, &self.rules()));
        state.looked_at = looked_at.unwrap_or_default();
        if count == 0 {
            return Ok(());
        }
        tracing::info!(releases = count, "released");
        self.publish_locked(state).await?;
        Ok(())
    }

    async fn store_release(&self, made: Made, all: &mut Stored) -> Result<(), PipelineError> {
        let Made { mut release, beneath } = made;
        let store = &self.inner.store;
        let beneath = beneath.as_deref();
        // The number is taken when an earlier try was stored although it reported an error.
        while let Err(error) = store.put_release_with(&releases::row(&release), beneath).await {
            if !matches!(error, StoreError::ReleaseExists { .. }) {
                return Err(error.into());
            }
            release.seq += 1;
        }
        all.take(&release);
        Ok(())
    }

    /// Moves days that left the retention into the history, then deletes their presence.
    async fn seal_old_days(&self) -> Result<(), PipelineError> {
        let first_kept = Day::of(self.oldest(), self.offset());
        let days: Vec<Day> = {
            let state = self.inner.state.lock().await;
            let open = state.ledger.days().filter(|(_, sealed)| !sealed);
            open.map(|(day, _)| day).filter(|day| *day < first_kept).collect()
        };
        for day in days {
            // No commit between the day's sums and its seal: it would be in neither.
            let turn = self.hold_commits().await;
            let mut state = self.inner.state.lock().await;
            let mut writer = self.inner.store.replace_day(day).await?;
            state.ledger.settle(day);
            // An hour at a time, in the order in which the history is stored.
            let hourly = state.ledger.hourly_sums(day);
            for sums in hourly.hours() {
                writer.put(&history_rows(&sums, &state.publisher)).await?;
            }
            drop(hourly);
            let version = writer.seal().await?;
            state.ledger.seal(day);
            state.history_written(version);
            self.close_before(Day(day.0 + 1));
            drop(state);
            drop(turn);
            // Nothing is deleted that only an older checkpoint could need; and the newer one has no fingerprints
            // of the day any more.
            checkpoint::write(self).await?;
            let retired = self.inner.store.delete_day(day).await?;
            tracing::info!(%day, check_ins = retired.check_ins, "sealed, presence deleted");
        }
        // Presence of days that never reached the ledger (all of it rejected, or a crash half-way).
        self.inner.store.delete_days_before(first_kept).await?;
        // Last, and done again until it succeeds: from here on nobody can say who somebody was.
        master_key::forget_before(self, first_kept).await
    }
}

/// Sums as the store keeps them: venues by id, not by number.
pub(super) fn history_rows(sums: &DaySums, publisher: &Publisher) -> Vec<HistoryRow> {
    let cells = sums.cells.iter();
    let cells = cells.map(|&(cell, hour, stats)| HistoryRow::Cell { cell, hour, stats });
    let venues = sums.venues.iter().filter_map(|&(ix, hour, stats)| {
        let venue = publisher.venues().by_ix(ix)?.venue.id.clone();
        Some(HistoryRow::Venue { venue, hour, stats })
    });
    cells.chain(venues).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_store_is_an_error_only_when_it_stays_busy() {
        let busy = || PipelineError::Store(StoreError::Fenced { expected: 1 });
        assert!((1..=PATIENCE).all(|failed| !is_grave(&busy(), failed)));
        assert!(is_grave(&busy(), PATIENCE + 1));
        let damaged = PipelineError::Store(StoreError::Corrupt {
            reason: String::new(),
        });
        assert!(is_grave(&damaged, 1));
        assert!(is_grave(&PipelineError::Task, 1));
    }
}
