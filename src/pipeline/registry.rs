use std::sync::Arc;

use tokio::sync::OwnedMutexGuard;

use crate::model::{Area, Day, EventId, Mark, MarkState, Venue, Zone};
use crate::pipeline::state::State;
use crate::pipeline::{Pipeline, PipelineError};
use crate::store::RegistryChange;

impl Pipeline {
    /// Registers venues or new versions of them; in the snapshot when this returns.
    ///
    /// # Errors
    /// [`PipelineError`]; then nothing is registered.
    pub async fn put_venues(&self, venues: Vec<Venue>) -> Result<RegistryChange, PipelineError> {
        self.detached(move |this: Pipeline, mut state| async move {
            let change = this.inner.store.put_venues(&venues).await?;
            if change.added + change.changed > 0 {
                let today = Day::of(this.inner.clock.now(), this.offset());
                state.publisher.put_venues(&venues, today);
                this.publish_locked(state).await?;
            }
            Ok(change)
        })
        .await
    }

    /// Registers areas or versions of them; in the snapshot when this returns.
    ///
    /// # Errors
    /// [`PipelineError`]; then nothing is registered.
    pub async fn put_areas(&self, areas: Vec<Area>) -> Result<RegistryChange, PipelineError> {
        self.detached(move |this: Pipeline, mut state| async move {
            let change = this.inner.store.put_areas(&areas).await?;
            if change.added + change.changed > 0 {
                state.publisher.put_areas(&areas);
                state.stale_areas = true;
                this.publish_locked(state).await?;
            }
            Ok(change)
        })
        .await
    }

    /// Writes the next version of a zone; in the snapshot when this returns.
    ///
    /// # Errors
    /// [`crate::store::StoreError::ZoneVersion`] when it changed since `expected_version` was read (0: it is new).
    pub async fn put_zone(&self, mut zone: Zone, expected_version: u32) -> Result<u32, PipelineError> {
        self.detached(move |this: Pipeline, mut state| async move {
            let version = this.inner.store.put_zone(&zone, expected_version).await?;
            zone.version = version;
            state.publisher.put_zones(&[zone]);
            this.publish_locked(state).await?;
            Ok(version)
        })
        .await
    }

    /// Takes zones from a file as they are: (written, unchanged).
    ///
    /// # Errors
    /// [`PipelineError`]; zones before the failing one stay.
    pub async fn import_zones(&self, zones: Vec<Zone>) -> Result<(u64, u64), PipelineError> {
        let (mut written, mut unchanged) = (0, 0);
        for zone in zones {
            let snapshot = self.snapshot();
            let old = snapshot
                .zones()
                .get(&zone.id)
                .map(|entry| Arc::clone(&entry.zone));
            match old {
                Some(old) if same_zone(&old, &zone) => unchanged += 1,
                Some(old) => {
                    self.put_zone(zone, old.version).await?;
                    written += 1;
                }
                None => {
                    self.put_zone(zone, 0).await?;
                    written += 1;
                }
            }
        }
        Ok((written, unchanged))
    }

    /// Stores a mark; an approved one counts when this returns.
    ///
    /// # Errors
    /// [`PipelineError`]; then nothing is stored.
    pub async fn put_mark(&self, mark: Mark, by: String) -> Result<(), PipelineError> {
        self.detached(move |this: Pipeline, mut state| async move {
            let now = this.inner.clock.now();
            this.inner.store.put_mark(&mark, &by, now).await?;
            Self::take_mark(&mut state, mark);
            drop(state);
            this.inner.dirty.notify_one();
            Ok(())
        })
        .await
    }

    /// Makes a mark count. `None` when there is no such mark.
    ///
    /// # Errors
    /// [`PipelineError`]; then nothing is decided.
    pub async fn approve_mark(&self, id: EventId, by: String) -> Result<Option<Mark>, PipelineError> {
        self.decide_mark(id, MarkState::Approved, by).await
    }

    /// Refuses a mark. `None` when there is no such mark.
    ///
    /// # Errors
    /// [`PipelineError`]; then nothing is decided.
    pub async fn reject_mark(&self, id: EventId, by: String) -> Result<Option<Mark>, PipelineError> {
        self.decide_mark(id, MarkState::Rejected, by).await
    }

    async fn decide_mark(
        &self,
        id: EventId,
        decision: MarkState,
        by: String,
    ) -> Result<Option<Mark>, PipelineError> {
        self.detached(move |this: Pipeline, mut state| async move {
            let now = this.inner.clock.now();
            let store = &this.inner.store;
            let decided = if decision == MarkState::Approved {
                store.approve_mark(&id, &by, now).await?
            } else {
                store.reject_mark(&id, &by, now).await?
            };
            if let Some(mark) = &decided {
                Self::take_mark(&mut state, mark.clone());
                this.publish_locked(state).await?;
            }
            Ok(decided)
        })
        .await
    }

    fn take_mark(state: &mut State, mark: Mark) {
        state.stale_venues.push(mark.venue.clone());
        let list = state.marks.entry(mark.venue.clone()).or_default();
        list.retain(|old| old.id != mark.id);
        if mark.state == MarkState::Approved {
            list.push(mark);
            list.sort_by(|a, b| (a.from, &a.id).cmp(&(b.from, &b.id)));
        }
    }

    /// Runs a write under the lock in a task of its own, so that a caller that goes away cannot part the
    /// commit from what follows it.
    async fn detached<R, F>(
        &self,
        write: impl FnOnce(Pipeline, OwnedMutexGuard<State>) -> F + Send + 'static,
    ) -> Result<R, PipelineError>
    where
        R: Send + 'static,
        F: Future<Output = Result<R, PipelineError>> + Send + 'static,
    {
        if self.is_stopping() {
            return Err(PipelineError::Stopping);
        }
        let this = self.clone();
        let task = tokio::spawn(async move {
            let state = Arc::clone(&this.inner.state).lock_owned().await;
            write(this, state).await
        });
        task.await.map_err(|_panicked| PipelineError::Task)?
    }
}

fn same_zone(old: &Zone, new: &Zone) -> bool {
    let mut new = new.clone();
    new.version = old.version;
    new.written_at = old.written_at;
    *old == new
}
