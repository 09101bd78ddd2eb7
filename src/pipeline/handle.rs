use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, Notify, OnceCell, watch};

use crate::geo::BBox;
use crate::index::{Snapshot, Written};
use crate::ingest::{Door, Pseudonyms, Unfit};
use crate::model::{AreaCode, Assessment, Clock, Day, Timestamp, UtcOffset};
use crate::pipeline::noise::NoiseKey;
use crate::pipeline::state::State;
use crate::pipeline::write::Waiting;
use crate::pipeline::{PipelineError, RulesStatus};
use crate::risk::Rules;
use crate::store::Store;

/// What the flow must know of the deployment.
#[derive(Clone, Debug)]
pub struct PipelineConfig {
    /// Where local days are cut.
    pub offset: UtcOffset,
    /// Local days before today whose presence is kept and that still take events.
    pub retention_days: u32,
    /// Where coordinates may lie; the whole globe when absent.
    pub bounds: Option<BBox>,
}

impl Default for PipelineConfig {
    fn default() -> Self {
        Self {
            offset: UtcOffset::VIETNAM,
            retention_days: 21,
            bounds: None,
        }
    }
}

/// The running flow over one data folder. Cheap to clone: clones are the same flow.
#[derive(Clone)]
pub struct Pipeline {
    pub(super) inner: Arc<Inner>,
}

/// A flow that somebody else keeps: its folder is free when they have let go of it.
#[derive(Clone)]
pub struct WeakPipeline {
    inner: Weak<Inner>,
}

impl WeakPipeline {
    /// The flow, if it is still there.
    #[must_use]
    pub fn upgrade(&self) -> Option<Pipeline> {
        self.inner.upgrade().map(|inner| Pipeline { inner })
    }
}

pub(super) struct Inner {
    pub(super) store: Store,
    pub(super) clock: Clock,
    /// The rules in force. Replaced under the lock on `state`.
    pub(super) rules: ArcSwap<Rules>,
    pub(super) rules_status: ArcSwap<RulesStatus>,
    /// Rules are put in force one set after the other.
    pub(super) reloading: Mutex<()>,
    /// Days may have to be looked at again.
    pub(super) closed_under_other_rules: Notify,
    pub(super) config: PipelineConfig,
    pub(super) pseudonyms: Pseudonyms,
    /// What noise is drawn from, once a rule has asked for any.
    pub(super) noise: OnceCell<NoiseKey>,
    /// Batches that wait to be committed, in the order they came.
    pub(super) waiting: std::sync::Mutex<VecDeque<Waiting>>,
    /// The turn to commit events. Always taken before `state`; kept from the commit until `state` is ours, so that
    /// folds keep the order of commits and whoever holds both knows that everything committed is folded.
    pub(super) commits: Arc<Mutex<()>>,
    /// Whenever the lock is free, the ledger equals the committed events up to `State::position`.
    pub(super) state: Arc<Mutex<State>>,
    /// Whose turn it is to replace a file of the folder, and which parts of the ledger stand there. Taken before `state`.
    pub(super) files: Mutex<Written>,
    /// Releases are made one closing after the other.
    pub(super) closing: Mutex<()>,
    pub(super) snapshot: ArcSwap<Snapshot>,
    pub(super) generation: watch::Sender<u64>,
    pub(super) dirty: Notify,
    /// The first local day after every sealed one.
    pub(super) first_open: AtomicI32,
    /// Whether `State::unread` holds anything: asked before every commit, without the lock.
    pub(super) has_unread: AtomicBool,
    /// When the next version of a venue begins, seconds; `i64::MAX` when none is known.
    pub(super) next_venue: AtomicI64,
    pub(super) stopping: AtomicBool,
    pub(super) stop: watch::Sender<bool>,
}

impl Pipeline {
    /// Opens a folder: loads the registries, the checkpoint and the events after it, and publishes the
    /// first snapshot. Nothing runs in the background until [`Pipeline::start`].
    ///
    /// # Errors
    /// [`PipelineError`] when the folder cannot be used.
    pub async fn open(
        folder: &Path,
        config: PipelineConfig,
        clock: Clock,
        rules: Arc<Rules>,
    ) -> Result<Self, PipelineError> {
        crate::pipeline::start::open(folder, config, clock, rules).await
    }

    /// The same flow, not kept.
    #[must_use]
    pub fn downgrade(&self) -> WeakPipeline {
        WeakPipeline {
            inner: Arc::downgrade(&self.inner),
        }
    }

    /// Starts publishing, closing days and writing checkpoints in the background, until [`Pipeline::close`].
    pub fn start(&self) {
        tokio::spawn(crate::pipeline::publish::run(self.clone()));
        tokio::spawn(crate::pipeline::close::run(self.clone()));
        tokio::spawn(crate::pipeline::checkpoint::run(self.clone()));
    }

    /// What is known now. Readers hold it as long as they like; it never changes.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.inner.snapshot.load_full()
    }

    /// Wakes whenever a snapshot is published; the value is its generation.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.generation.subscribe()
    }

    /// The storage, for reading and for keys. Events and registries are written through the flow only.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Where 'now' comes from.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The rules in force. Whoever computes one answer takes them once.
    #[must_use]
    pub fn rules(&self) -> Arc<Rules> {
        self.inner.rules.load_full()
    }

    /// Where local days are cut.
    #[must_use]
    pub fn offset(&self) -> UtcOffset {
        self.inner.config.offset
    }

    /// Remembers that everything before a day is closed.
    pub(super) fn close_before(&self, day: Day) {
        self.inner.first_open.fetch_max(day.0, Ordering::SeqCst);
    }

    /// Keys that turn people into pseudonyms.
    #[must_use]
    pub fn pseudonyms(&self) -> &Pseudonyms {
        &self.inner.pseudonyms
    }

    /// The first instant that still takes live events: the start of the local day `retention_days` ago.
    #[must_use]
    pub fn oldest(&self) -> Timestamp {
        let offset = self.offset();
        let today = Day::of(self.inner.clock.now(), offset);
        let kept = Day(today.0 - self.inner.config.retention_days as i32);
        // A day that was sealed or backfilled stays closed, even for a clock that was set back.
        let open = Day(self.inner.first_open.load(Ordering::SeqCst));
        // Nor is there a live event whose people could not be told apart after a restart.
        let keyed = self.inner.pseudonyms.first_kept().unwrap_or(open);
        kept.max(open).max(keyed).first_hour(offset).start()
    }

    /// Runs `read` with the door as it stands now: clock, bounds, known venues and areas.
    /// `backfill` also lets older days in.
    pub fn with_door<R>(&self, backfill: bool, read: impl FnOnce(&Door<'_>) -> R) -> R {
        let inner = &self.inner;
        let knows_venue = |id: &str| inner.snapshot.load().venues().knows(id);
        let knows_area = |code: &str| {
            let snapshot = inner.snapshot.load();
            AreaCode::new(code).is_ok_and(|code| snapshot.areas().knows(&code))
        };
        let rules = self.rules();
        let check_assessment = |assessment: &Assessment| {
            let snapshot = inner.snapshot.load();
            // Of a venue that nobody knows another check tells.
            let Some(entry) = snapshot.venues().get(&assessment.venue) else {
                return Ok(());
            };
            let checked = rules.instruments.check_new(assessment, entry.venue.kind);
            checked.map_err(|misfit| Unfit {
                field: misfit.field,
                value: misfit.value,
                reason: misfit.reason,
                expected: misfit.expected,
            })
        };
        read(&Door {
            now: inner.clock.now(),
            offset: inner.config.offset,
            future_tolerance_s: Door::FUTURE_TOLERANCE_S,
            oldest: (!backfill).then(|| self.oldest()),
            bounds: inner.config.bounds,
            keys: &inner.pseudonyms,
            known_venue: &knows_venue,
            known_area: &knows_area,
            check_assessment: &check_assessment,
        })
    }

    /// Stops the background, writes a checkpoint and closes the store.
    ///
    /// # Errors
    /// [`PipelineError`] when the checkpoint cannot be written; the store is closed all the same, and the
    /// next start replays instead.
    pub async fn close(&self) -> Result<(), PipelineError> {
        self.inner.stopping.store(true, Ordering::SeqCst);
        self.inner.stop.send_replace(true);
        let written = crate::pipeline::checkpoint::write(self).await;
        self.inner.store.close().await;
        written
    }

    /// Whether [`Pipeline::close`] has begun.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.inner.stopping.load(Ordering::SeqCst)
    }
}
