use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use crate::index::Snapshot;
use crate::levels::exact_levels;
use crate::model::Timestamp;
use crate::pipeline::facts;
use crate::pipeline::state::State;
use crate::pipeline::{Pipeline, PipelineError};

/// How long a burst may gather before it is shown.
const DEBOUNCE: Duration = Duration::from_millis(100);
/// How often time alone is looked at: exposures age, zones begin and end.
const TICK: Duration = Duration::from_secs(1);

/// Publishes a snapshot soon after each change, until the flow stops.
pub(super) async fn run(pipeline: Pipeline) {
    let mut stop = pipeline.inner.stop.subscribe();
    loop {
        let changed = tokio::select! {
            () = pipeline.inner.dirty.notified() => true,
            () = tokio::time::sleep(TICK) => false,
            _ = stop.changed() => return,
        };
        if let Err(error) = pipeline.begin_venues().await {
            tracing::error!(%error, "versions of venues that begin now were not taken up");
        }
        if changed {
            tokio::time::sleep(DEBOUNCE).await;
            if let Err(error) = pipeline.publish().await {
                tracing::error!(%error, "publishing failed");
            }
        } else if pipeline.time_has_changed_something()
            && let Err(error) = pipeline.publish().await
        {
            tracing::error!(%error, "publishing failed");
        }
    }
}

impl Pipeline {
    /// Publishes what has been folded so far, now.
    ///
    /// # Errors
    /// [`PipelineError::Task`] when building the snapshot panicked.
    pub async fn publish(&self) -> Result<Arc<Snapshot>, PipelineError> {
        let state = Arc::clone(&self.inner.state).lock_owned().await;
        self.publish_locked(state).await
    }

    /// The same for a caller that holds the lock; gives it back.
    pub(super) async fn publish_locked(
        &self,
        state: OwnedMutexGuard<State>,
    ) -> Result<Arc<Snapshot>, PipelineError> {
        self.publish_at(state, self.inner.clock.now()).await
    }

    /// Publishes what the public must see nothing of: as of the same instant as before, so that all it is answered stays
    /// the same to the byte. Events that wait to be shown are in it, as of a tenth of a second ago; they come again with
    /// their own time.
    pub(super) async fn publish_aside_locked(
        &self,
        state: OwnedMutexGuard<State>,
    ) -> Result<Arc<Snapshot>, PipelineError> {
        let as_of = self.snapshot().as_of();
        self.publish_at(state, as_of).await
    }

    async fn publish_at(
        &self,
        mut state: OwnedMutexGuard<State>,
        now: Timestamp,
    ) -> Result<Arc<Snapshot>, PipelineError> {
        let this = self.clone();
        let built = tokio::task::spawn_blocking(move || this.build_blocking(&mut state, now));
        built.await.map_err(|_panicked| PipelineError::Task)
    }

    /// Computes stale facts, builds the snapshot and swaps it in. CPU-bound.
    pub(super) fn publish_blocking(&self, state: &mut State) -> Arc<Snapshot> {
        self.build_blocking(state, self.inner.clock.now())
    }

    fn build_blocking(&self, state: &mut State, now: Timestamp) -> Arc<Snapshot> {
        let rules = self.rules();
        facts::refresh(&rules, self.offset(), state, now);
        let judge = |snapshot: &Snapshot| exact_levels(snapshot, &rules.areas, now);
        let snapshot = state.publisher.publish_judged(&mut state.ledger, now, judge);
        self.inner.snapshot.store(Arc::clone(&snapshot));
        self.inner.generation.send_replace(snapshot.generation());
        metrics::gauge!("vungxanh_snapshot_generation").set(snapshot.generation() as f64);
        snapshot
    }

    /// Whether the hour has turned, or a zone began or ended, since the last publication.
    fn time_has_changed_something(&self) -> bool {
        let (snapshot, now) = (self.snapshot(), self.inner.clock.now());
        let as_of = snapshot.as_of();
        as_of.hour() != now.hour() || snapshot.zones().changes_between(as_of, now)
    }
}
