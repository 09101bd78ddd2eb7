use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::geo::{BASE_RESOLUTION, Cell};
use crate::index::Snapshot;
use crate::ingest::Rejection;
use crate::model::{Case, Declaration, Event, EventBatch};
use crate::pipeline::recount::chain_of;
use crate::pipeline::start::{home_cell, replay};
use crate::pipeline::state::State;
use crate::pipeline::{Pipeline, PipelineError};
use crate::store::{Appended, Outcome};

impl Pipeline {
    /// Commits a batch and folds what was accepted. When this returns, the events are on the disk and will
    /// be in the next snapshot. Runs to its end even when the caller goes away.
    ///
    /// # Errors
    /// [`PipelineError`]; the batch may be stored all the same, so the answer to any error is to send
    /// the same ids again.
    pub async fn append(&self, batch: EventBatch) -> Result<Appended, PipelineError> {
        if self.inner.stopping.load(Ordering::SeqCst) {
            return Err(PipelineError::Stopping);
        }
        let this = self.clone();
        // A task of its own: a client that hangs up must not part the fold from its commit.
        let task = tokio::spawn(async move { this.append_locked(batch).await });
        task.await.map_err(|_panicked| PipelineError::Task)?
    }

    async fn append_locked(self, batch: EventBatch) -> Result<Appended, PipelineError> {
        let mut state = self.inner.state.lock().await;
        // Events are folded where the store has their venues.
        self.read_unread(&mut state).await?;
        let appended = self.inner.store.append(&batch).await?;
        let snapshot = self.snapshot();
        let first = if appended.first_position > appended.position {
            appended.position + 1
        } else {
            appended.first_position
        };
        if first == state.position + 1 {
            fold(&mut state, &snapshot, batch, &appended.outcomes);
            state.position = appended.position;
        } else {
            // An earlier commit reported an error and yet happened: the ledger catches up from the store.
            tracing::warn!(
                position = state.position,
                "events were committed unseen; replaying them"
            );
            replay(&self.inner.store, &mut state, &snapshot).await?;
        }
        drop(state);
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
