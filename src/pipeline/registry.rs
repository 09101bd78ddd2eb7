use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::model::{Area, AreaReport, Day, EventId, Mark, MarkState, Timestamp, Venue, VenueId, Zone};
use crate::pipeline::parents::check_parents;
use crate::pipeline::recount::recount_areas;
use crate::pipeline::start;
use crate::pipeline::state::{Registry, State};
use crate::pipeline::{Pipeline, PipelineError};
use crate::store::{RegistryChange, Store, StoreError};

/// When a change is to be seen.
enum Shown {
    /// In the snapshot, before the writer gets an answer.
    Now,
    /// In the snapshot, before the writer gets an answer; only by those who see exact figures. To all others not even
    /// the time changes at which something was brought up to date; the number of the snapshot goes on, as with each scan.
    NowAside,
    /// In the next snapshot.
    Soon,
    /// There is nothing new to see.
    Unchanged,
}

impl Pipeline {
    /// Registers venues or new versions of them; in the snapshot when this returns. The version that has begun last
    /// is the current one, in whatever order they come; one that begins later waits for [`Pipeline::begin_venues`].
    ///
    /// # Errors
    /// [`PipelineError::CyclicParents`] before anything is written; with any other they may be registered all the same,
    /// and then they are in the snapshot.
    pub async fn put_venues(&self, venues: Vec<Venue>) -> Result<RegistryChange, PipelineError> {
        check_parents(self.snapshot().venues(), &venues)?;
        let (this, now) = (self.clone(), self.inner.clock.now());
        let today = Day::of(now, self.offset());
        self.register(
            Registry::Venues,
            move |store: Store| async move {
                let (change, current) = store.put_venues(&venues, now).await?;
                Ok((change, current, store.next_venue_version(now).await?))
            },
            move |state, (change, current, next)| {
                this.wait_for_venues(next);
                (change, take_venues(state, current, today))
            },
        )
        .await
    }

    /// Has versions of venues begin whose time has come; in the snapshot when this returns. Cheap while there is none.
    ///
    /// # Errors
    /// [`PipelineError`]; they may have begun all the same, and then they are in the snapshot.
    pub async fn begin_venues(&self) -> Result<(), PipelineError> {
        let (this, now) = (self.clone(), self.inner.clock.now());
        if now.0 < self.inner.next_venue.load(Ordering::SeqCst) {
            return Ok(());
        }
        let today = Day::of(now, self.offset());
        self.register(
            Registry::Venues,
            move |store: Store| async move {
                let begun = store.begin_venues(now).await?;
                Ok((begun, store.next_venue_version(now).await?))
            },
            move |state, (begun, next)| {
                this.wait_for_venues(next);
                ((), take_venues(state, begun, today))
            },
        )
        .await
    }

    fn wait_for_venues(&self, next: Option<Timestamp>) {
        let at = next.map_or(i64::MAX, |next| next.0);
        self.inner.next_venue.store(at, Ordering::SeqCst);
    }

    /// Registers areas or versions of them; in the snapshot when this returns.
    ///
    /// # Errors
    /// [`PipelineError`]; they may be registered all the same, and then they are in the snapshot.
    pub async fn put_areas(&self, areas: Vec<Area>) -> Result<RegistryChange, PipelineError> {
        let areas = Arc::new(areas);
        let (written, this) = (Arc::clone(&areas), self.clone());
        self.register(
            Registry::Areas,
            move |store: Store| async move {
                // In its turn: of two at once the later one counts, here and in the registry.
                store.put_areas(&written, this.inner.clock.now()).await
            },
            move |state, (change, turns)| {
                if change.added + change.changed == 0 {
                    return (change, Shown::Unchanged);
                }
                state.publisher.put_areas(&areas);
                state.publisher.take_area_turns(&turns);
                state.stale_areas = true;
                (change, Shown::Now)
            },
        )
        .await
    }

    /// Takes in what was reported of areas; in the snapshot when this returns. One of an area and day replaces the one
    /// before. `by` is the key whose act it was, for the audit log. Published reports stand behind released levels from
    /// the next closing on, those of weeks that are closed too.
    ///
    /// # Errors
    /// [`PipelineError`]; they may be stored all the same, and then they are in the snapshot.
    pub async fn put_area_reports(
        &self,
        reports: Vec<AreaReport>,
        by: Option<String>,
    ) -> Result<RegistryChange, PipelineError> {
        self.register(
            Registry::AreaReports,
            move |store: Store| async move { store.put_area_reports(&reports, by.as_deref()).await },
            move |state, change| {
                if change.written.is_empty() {
                    return (change.counts, Shown::Unchanged);
                }
                state.publisher.put_area_reports(&change.written);
                if !change.is_public {
                    return (change.counts, Shown::NowAside);
                }
                state.stale_areas = true;
                (change.counts, Shown::Now)
            },
        )
        .await
    }

    /// Writes the next version of a zone; in the snapshot when this returns.
    ///
    /// # Errors
    /// [`StoreError::ZoneVersion`] when it changed since `expected_version` was read (0: it is new).
    pub async fn put_zone(&self, zone: Zone, expected_version: u32) -> Result<u32, PipelineError> {
        self.register(
            Registry::Zones,
            move |store: Store| async move {
                let version = store.put_zone(&zone, expected_version).await?;
                Ok(Zone { version, ..zone })
            },
            |state, zone| {
                let version = zone.version;
                state.publisher.put_zones(&[zone]);
                (version, Shown::Now)
            },
        )
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
    /// [`PipelineError`]; it may be stored all the same, and then it counts.
    pub async fn put_mark(&self, mark: Mark, by: String) -> Result<(), PipelineError> {
        let now = self.inner.clock.now();
        self.register(
            Registry::Marks,
            move |store: Store| async move {
                store.put_mark(&mark, &by, now).await?;
                Ok(mark)
            },
            |state, mark| {
                state.take_mark(mark);
                ((), Shown::Soon)
            },
        )
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
        let now = self.inner.clock.now();
        self.register(
            Registry::Marks,
            move |store: Store| async move {
                if decision == MarkState::Approved {
                    store.approve_mark(&id, &by, now).await
                } else {
                    store.reject_mark(&id, &by, now).await
                }
            },
            |state, decided| match &decided {
                Some(mark) => {
                    state.take_mark(mark.clone());
                    (decided, Shown::Now)
                }
                None => (None, Shown::Unchanged),
            },
        )
        .await
    }

    /// Writes to a registry and takes what was written into memory, under the lock and in a task of its own:
    /// a caller that goes away cannot part the commit from what follows it. A write that reports an error, or
    /// panics, may have happened; then memory is read again from the store.
    async fn register<W, R, F>(
        &self,
        registry: Registry,
        write: impl FnOnce(Store) -> F + Send + 'static,
        take: impl FnOnce(&mut State, W) -> (R, Shown) + Send + 'static,
    ) -> Result<R, PipelineError>
    where
        F: Future<Output = Result<W, StoreError>> + Send,
        W: Send + 'static,
        R: Send + 'static,
    {
        if self.is_stopping() {
            return Err(PipelineError::Stopping);
        }
        let this = self.clone();
        let task = tokio::spawn(async move {
            // In this order: then every event that was committed is folded, at the place that it was committed at.
            let turn = this.hold_commits().await;
            let mut state = Arc::clone(&this.inner.state).lock_owned().await;
            this.read_unread(&mut state).await?;
            // Noted before the write and struck out after it: a panic in between leaves word too.
            this.note_unread(&mut state, registry);
            let written = match write(this.inner.store.clone()).await {
                Ok(written) => written,
                Err(StoreError::UnknownVenue(venue)) => {
                    this.strike_unread(&mut state, registry);
                    return Err(StoreError::UnknownVenue(venue).into());
                }
                Err(error) => {
                    if let Err(again) = this.read_unread(&mut state).await {
                        tracing::warn!(error = %again, "reading again failed; the next write tries it first");
                    }
                    return Err(error.into());
                }
            };
            let (result, shown) = take(&mut state, written);
            if registry == Registry::Areas && !matches!(shown, Shown::Unchanged) {
                recount_areas(&this.inner.store, &mut state).await?;
            }
            this.strike_unread(&mut state, registry);
            drop(turn);
            match shown {
                Shown::Now => drop(this.publish_locked(state).await?),
                Shown::NowAside => drop(this.publish_aside_locked(state).await?),
                Shown::Soon => this.inner.dirty.notify_one(),
                Shown::Unchanged => {}
            }
            Ok(result)
        });
        task.await.map_err(|_panicked| PipelineError::Task)?
    }

    fn note_unread(&self, state: &mut State, registry: Registry) {
        state.unread.insert(registry);
        self.inner.has_unread.store(true, Ordering::SeqCst);
    }

    fn strike_unread(&self, state: &mut State, registry: Registry) {
        state.unread.remove(&registry);
        self.inner
            .has_unread
            .store(!state.unread.is_empty(), Ordering::SeqCst);
    }

    /// Takes from the store what may have been written unseen, and publishes it. Called by every writer before it
    /// writes: events must be folded where the store has their venues.
    pub(super) async fn read_unread(&self, state: &mut State) -> Result<(), PipelineError> {
        if state.unread.is_empty() {
            return Ok(());
        }
        let (store, now) = (&self.inner.store, self.inner.clock.now());
        while let Some(registry) = state.unread.first().copied() {
            tracing::warn!(
                ?registry,
                "a write reported an error and may have happened; reading again"
            );
            match registry {
                Registry::Areas => {
                    state.publisher.put_areas(&store.load_areas().await?);
                    let turns = start::begun(store.load_area_turns().await?, now);
                    state.publisher.take_area_turns(&turns);
                    recount_areas(store, state).await?;
                }
                Registry::AreaReports => {
                    state
                        .publisher
                        .put_area_reports(&store.load_area_reports().await?);
                }
                Registry::Venues => {
                    store.begin_venues(now).await?;
                    let venues = store.load_venues(now).await?;
                    self.wait_for_venues(store.next_venue_version(now).await?);
                    put_venues(state, &venues, Day::of(now, self.offset()));
                }
                Registry::Zones => state.publisher.put_zones(&store.load_zones().await?),
                Registry::Marks => {
                    let marks = start::marks(store, now).await?;
                    let old = std::mem::replace(&mut state.marks, marks);
                    state.stale_venues.extend(old.into_keys());
                    state.stale_venues.extend(state.marks.keys().cloned());
                }
            }
            self.strike_unread(state, registry);
        }
        // On this thread: it is rare, and whoever waits for the lock must find it done.
        self.publish_blocking(state);
        Ok(())
    }
}

/// Takes the current versions of venues into memory, those that are others than before.
fn take_venues(state: &mut State, current: Vec<Venue>, today: Day) -> Shown {
    let known = state.publisher.venues();
    let is_new = |venue: &Venue| known.get(&venue.id).is_none_or(|old| *old.venue != *venue);
    let new: Vec<Venue> = current.into_iter().filter(is_new).collect();
    if new.is_empty() {
        return Shown::Unchanged;
    }
    put_venues(state, &new, today);
    Shown::Now
}

fn put_venues(state: &mut State, venues: &[Venue], today: Day) {
    let known = state.publisher.venues();
    let left: Vec<Option<VenueId>> = venues
        .iter()
        .map(|venue| {
            known
                .get(&venue.id)?
                .venue
                .parent
                .clone()
                .filter(|old| venue.parent.as_ref() != Some(old))
        })
        .collect();
    state.publisher.put_venues(venues, today);
    for (venue, left) in venues.iter().zip(left) {
        state.venue_changed(venue, left);
    }
}

fn same_zone(old: &Zone, new: &Zone) -> bool {
    let mut new = new.clone();
    new.version = old.version;
    new.written_at = old.written_at;
    *old == new
}
