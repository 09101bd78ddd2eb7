use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{AreaCode, Day, DaySums, Hour, Timestamp, UtcOffset};
use crate::pipeline::close::history_rows;
use crate::pipeline::recount::recount_areas;
use crate::pipeline::{Pipeline, PipelineError, checkpoint, start};
use crate::store::Store;

/// What putting sealed days back did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Days replaced in the history and in the ledger.
    pub written: usize,
    /// Days that stood there already, row for row.
    pub unchanged: usize,
    /// Days on which the folder's own cases make other sums of the areas than were given; the folder's are kept.
    pub other_cases: Vec<Day>,
}

impl Pipeline {
    /// Replaces whole sealed days by given sums, in the history and in the ledger. Days that are equal are left alone;
    /// doing it again changes nothing. The areas' sums are never taken over: they follow the stored cases.
    ///
    /// # Errors
    /// [`PipelineError::LiveDay`] for a day that still takes events, before anything is written; days before one
    /// that fails later are written, and writing them again is harmless.
    pub async fn rebuild_days(&self, days: BTreeMap<Day, DaySums>) -> Result<Rebuilt, PipelineError> {
        let first_live = Day::of(self.oldest(), self.offset());
        if let Some((&day, _)) = days.range(first_live..).next() {
            return Err(PipelineError::LiveDay { day, first_live });
        }
        let mut done = Rebuilt::default();
        let turn = self.hold_commits().await;
        let mut state = Arc::clone(&self.inner.state).lock_owned().await;
        for (day, mut sums) in days {
            sums.normalise();
            let own = state.ledger.day_sums(day);
            if own.areas != sums.areas {
                done.other_cases.push(day);
                sums.areas.clone_from(&own.areas);
            }
            if own == sums && state.ledger.is_sealed(day) {
                done.unchanged += 1;
                continue;
            }
            let rows = history_rows(&sums, &state.publisher);
            self.inner.store.backfill_day(day, &rows).await?;
            state.ledger.set_day(day, sums);
            state.backfilled.insert(day);
            self.close_before(Day(day.0 + 1));
            done.written += 1;
        }
        drop(turn);
        if done.written > 0 {
            self.publish_locked(state).await?;
            checkpoint::write(self).await?;
        }
        Ok(done)
    }
}

/// Cases per area and hour on the sealed days of a folder, as the ledger counts them: by the stored cases and the
/// present areas. Nothing is written; a server may run meanwhile.
///
/// # Errors
/// [`PipelineError`] when the folder cannot be read.
pub async fn sealed_area_hours(
    store: &Store,
    offset: UtcOffset,
    now: Timestamp,
) -> Result<Vec<(AreaCode, Hour, u32)>, PipelineError> {
    let mut state = start::registries(store, offset, now).await?;
    state.position = store.position().await?;
    recount_areas(store, &mut state).await?;
    let sealed_before = store.sealed_before().await?;
    let mut sealed: Vec<Day> = store.history_days().await?;
    let days: Vec<Day> = state.ledger.days().map(|(day, _)| day).collect();
    sealed.extend(
        days.iter()
            .filter(|day| sealed_before.is_some_and(|first_open| **day < first_open)),
    );
    sealed.sort_unstable();
    let days = days.into_iter().filter(|day| sealed.binary_search(day).is_ok());
    Ok(days.flat_map(|day| state.ledger.day_sums(day).areas).collect())
}
