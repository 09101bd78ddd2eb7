use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{OwnedMutexGuard, oneshot};

use crate::geo::{BASE_RESOLUTION, Cell};
use crate::index::Snapshot;
use crate::ingest::Rejection;
use crate::model::{Case, Declaration, Event, EventBatch};
use crate::pipeline::recount::chain_of;
use crate::pipeline::start::{home_cell, replay};
use crate::pipeline::state::State;
use crate::pipeline::{Pipeline, PipelineError};
use crate::store::{Appended, Keyed, Outcome};

/// A batch that waits for its turn to be committed.
pub(super) struct Waiting {
    batch: Keyed,
    answer: oneshot::Sender<Result<Appended, PipelineError>>,
}

/// Why the lock on those who wait cannot be poisoned.
const UNPOISONED: &str = "no thread panics while it holds the lock";

/// Most events in one transaction of several batches: what an answer may have to wait for. Transactions grow to it by
/// themselves when events come faster than they are stored, and each costs less the more it holds: the keys of an
/// hour that is filled lie all over its part of their tree, whose pages are written once a transaction.
const GROUP_EVENTS: usize = 100_000;

impl Pipeline {
    /// Commits a batch and folds what was accepted. When this returns, the events are on the disk and will
    /// be in the next snapshot. Runs to its end even when the caller goes away. Batches that wait together
    /// share one transaction: its price is paid once for all of them.
    ///
    /// # Errors
    /// [`PipelineError`]; the batch may be stored all the same, so the answer to any error is to send
    /// the same ids again.
    pub async fn append(&self, batch: EventBatch) -> Result<Appended, PipelineError> {
        self.submit(Keyed::new(batch)).await
    }

    /// As [`Pipeline::append`]; the batch has its place among those that wait when this returns, before the future
    /// is waited for. Must be called on a runtime.
    ///
    /// # Errors
    /// As [`Pipeline::append`].
    pub fn submit(
        &self,
        batch: Keyed,
    ) -> impl Future<Output = Result<Appended, PipelineError>> + Send + use<> {
        let (answer, answered) = oneshot::channel();
        let is_stopping = self.is_stopping();
        if !is_stopping {
            self.inner
                .waiting
                .lock()
                .expect(UNPOISONED)
                .push_back(Waiting { batch, answer });
            // A task of its own: a client that hangs up must not part the fold from its commit. Whoever gets the
            // turn first takes all that wait; the others then find nothing left to do.
            tokio::spawn(self.clone().commit_waiting());
        }
        async move {
            if is_stopping {
                return Err(PipelineError::Stopping);
            }
            answered.await.map_err(|_panicked| PipelineError::Task)?
        }
    }

    /// Keeps events from being committed; once the state's lock is taken too, all that were are folded.
    pub(super) async fn hold_commits(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.inner.commits).lock_owned().await
    }

    async fn commit_waiting(self) {
        let mut turn = Some(self.hold_commits().await);
        // Events are folded where the store has their venues. Whoever waits is told to send again.
        if let Err(error) = self.settle().await {
            tracing::warn!(%error, "no events are taken before the registries have been read again");
            drop(self.next_group());
            return;
        }
        let mut groups = VecDeque::from([self.next_group()]);
        while let Some(group) = groups.pop_front() {
            let (batches, answers): (Vec<Keyed>, Vec<_>) =
                group.into_iter().map(|one| (one.batch, one.answer)).unzip();
            if batches.is_empty() {
                return;
            }
            match self.inner.store.append_group(&batches).await {
                Ok(appended) => {
                    let turn = if groups.is_empty() { turn.take() } else { None };
                    match self.fold_group(batches, appended, turn).await {
                        Ok(appended) => {
                            for (answer, one) in answers.into_iter().zip(appended) {
                                let _gone = answer.send(Ok(one));
                            }
                        }
                        // The answers that are dropped with this say so to those who wait.
                        Err(error) => tracing::error!(%error, "committed events were not folded"),
                    }
                }
                // What is wrong with one must not fail the others: now each alone. Should the commit have
                // happened in spite of its error, they come out as repeats.
                Err(_) if batches.len() > 1 => {
                    let alone = batches.into_iter().zip(answers);
                    groups.extend(alone.map(|(batch, answer)| vec![Waiting { batch, answer }]));
                }
                Err(error) => {
                    if let Some(answer) = answers.into_iter().next() {
                        let _gone = answer.send(Err(error.into()));
                    }
                }
            }
        }
    }

    /// Reads registries again if a write to them may have happened unseen. The turn to commit must be held:
    /// what is read counts everything that was committed.
    async fn settle(&self) -> Result<(), PipelineError> {
        if !self.inner.has_unread.load(Ordering::SeqCst) {
            return Ok(());
        }
        let mut state = self.inner.state.lock().await;
        self.read_unread(&mut state).await
    }

    fn next_group(&self) -> Vec<Waiting> {
        let mut waiting = self.inner.waiting.lock().expect(UNPOISONED);
        let mut events = 0;
        let count = waiting.iter().take_while(|one| {
            events += one.batch.len();
            events <= GROUP_EVENTS
        });
        let count = count.count().max(1).min(waiting.len());
        waiting.drain(..count).collect()
    }

    /// Folds what a transaction accepted. The turn to commit goes on as soon as the turn to fold is ours:
    /// the next transaction runs while this one is folded or a snapshot is built, and cannot overtake it.
    async fn fold_group(
        &self,
        batches: Vec<Keyed>,
        appended: Vec<Appended>,
        turn: Option<OwnedMutexGuard<()>>,
    ) -> Result<Vec<Appended>, PipelineError> {
        let Some((first, position)) = appended.first().map(|one| (one.first_position, one.position)) else {
            return Ok(appended);
        };
        let mut state = Arc::clone(&self.inner.state).lock_owned().await;
        let snapshot = self.snapshot();
        let appended = if first.min(position + 1) == state.position + 1 {
            drop(turn);
            let task = tokio::task::spawn_blocking(move || {
                for (batch, one) in batches.into_iter().zip(&appended) {
                    fold(&mut state, &snapshot, batch.into_batch(), &one.outcomes);
                }
                state.position = position;
                appended
            });
            task.await.map_err(|_panicked| PipelineError::Task)?
        } else {
            // An earlier commit reported an error and yet happened: the ledger catches up from the store.
            tracing::warn!(
                position = state.position,
                "events were committed unseen; replaying them"
            );
            replay(&self.inner.store, &mut state, &snapshot).await?;
            appended
        };
        self.inner.dirty.notify_one();
        Ok(appended)
    }

    /// Rejections for the events of a batch that conflicted or came too late; `lines` has one number an event.
    #[must_use]
    pub fn refusals(appended: &Appended, lines: &[u64]) -> Vec<Rejection> {
        let refused = appended.outcomes.iter().zip(lines);
        refused
            .filter_map(|(outcome, &line)| {
                let (field, reason, expected) = match outcome {
                    Outcome::Accepted(_) | Outcome::Duplicate => return None,
                    Outcome::Conflict => (
                        "id",
                        "the same id came before with other content; the first stays",
                        "a new id for a new event, or the same content again",
                    ),
                    Outcome::Sealed => (
                        "at",
                        "lies in a day that has been sealed",
                        "a day inside the retention; older days go through `vungxanh import --backfill`",
                    ),
                };
                Some(Rejection {
                    line,
                    field: Some(field.to_owned()),
                    value: None,
                    reason: reason.to_owned(),
                    expected: expected.to_owned(),
                })
            })
            .collect()
    }
}

/// Folds the accepted events of a batch.
pub(super) fn fold(state: &mut State, snapshot: &Arc<Snapshot>, batch: EventBatch, outcomes: &[Outcome]) {
    let accepted = |at: usize| matches!(outcomes.get(at), Some(Outcome::Accepted(_)));
    match batch {
        EventBatch::CheckIns(events) => {
            for (at, event) in events.iter().enumerate() {
                if accepted(at)
                    && let Some(entry) = snapshot.venues().get(&event.record.venue)
                {
                    state
                        .ledger
                        .fold_check_in(entry.ix, entry.cell, event.at.hour(), event);
                }
            }
        }
        EventBatch::Declarations(events) => {
            for (at, event) in events.iter().enumerate() {
                if accepted(at) {
                    fold_declaration(state, snapshot, event, None);
                }
            }
        }
        EventBatch::Cases(events) => {
            for (at, event) in events.iter().enumerate() {
                if accepted(at) {
                    fold_case(state, snapshot, event);
                }
            }
        }
        EventBatch::Assessments(events) => {
            for (at, event) in events.into_iter().enumerate() {
                if accepted(at) {
                    state.put_assessment(event);
                }
            }
        }
        // Contacts count in no sum yet: they are matched when tracing asks.
        EventBatch::Contacts(_) => {}
    }
}

/// `moved` is the cell of the home where that is a venue which has moved since.
pub(super) fn fold_declaration(
    state: &mut State,
    snapshot: &Snapshot,
    event: &Event<Declaration>,
    moved: Option<Cell>,
) {
    let cell = moved.or_else(|| home_cell(event.record.home.as_ref(), snapshot));
    if let Some(cell) = cell {
        state
            .ledger
            .fold_declaration(cell, event.at.hour(), &event.record);
    }
}

pub(super) fn fold_case(state: &mut State, snapshot: &Snapshot, event: &Event<Case>) {
    // A case counts once, in the hour of the first report that counts, whatever becomes of the person.
    if !event.counts() || !state.counted.insert(event.id.clone()) {
        return;
    }
    let cell = event.record.location.map(|at| Cell::at(at, BASE_RESOLUTION));
    let chain = chain_of(snapshot.areas(), event, state.ledger.offset());
    state.ledger.fold_case(cell, &chain, event.at.hour());
    state.stale_areas = true;
}
