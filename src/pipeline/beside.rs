use std::path::Path;
use std::sync::Arc;

use crate::index::Snapshot;
use crate::model::{Timestamp, UtcOffset};
use crate::pipeline::{PipelineError, facts, releases, start};
use crate::risk::Rules;
use crate::store::{Store, StoreConfig};

/// What the public may see of a folder as of `now`: places, zones, releases and what is published of venues.
/// A server may run over the folder meanwhile; no event is read, nothing is folded, released or written.
/// For the same reason it answers the public only: every exact sum in it is zero.
///
/// # Errors
/// [`PipelineError`] when the folder cannot be read.
pub async fn public_snapshot(
    folder: &Path,
    offset: UtcOffset,
    now: Timestamp,
    rules: &Rules,
) -> Result<Arc<Snapshot>, PipelineError> {
    let store = Store::open_beside(folder, StoreConfig { utc_offset: offset }).await?;
    let loaded = load(&store, offset, now, rules).await;
    store.close().await;
    loaded
}

async fn load(
    store: &Store,
    offset: UtcOffset,
    now: Timestamp,
    rules: &Rules,
) -> Result<Arc<Snapshot>, PipelineError> {
    let mut state = start::registries(store, offset, now).await?;
    releases::load(store, now).await?.put_into(&mut state);
    facts::refresh(rules, offset, &mut state, now);
    Ok(state.publisher.publish(&mut state.ledger, now))
}
