use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::index::AreaIndex;
use crate::model::{AreaCode, Case, Day, Event, Hour, UtcOffset};
use crate::pipeline::PipelineError;
use crate::pipeline::state::State;
use crate::store::Store;

const PAGE: u32 = 20_000;

/// Counts every case up to the ledger's position in the areas as they are now. The areas' sums are a function
/// of the stored cases and the present areas, live and after a restart: a border that is corrected corrects
/// the sums, and no old outline needs to be kept for a replay.
pub(super) async fn recount_areas(store: &Store, state: &mut State) -> Result<(), PipelineError> {
    let version = store.areas_version().await?;
    let (areas, offset) = (Arc::new(state.publisher.areas().clone()), state.ledger.offset());
    let mut counted = FxHashSet::default();
    let mut placed: Vec<(Hour, Vec<AreaCode>)> = Vec::new();
    let mut after = 0;
    loop {
        let mut page = store.cases(after, state.position, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        page.retain(|(_, event)| event.counts() && counted.insert(event.id.clone()));
        let areas = Arc::clone(&areas);
        // Points in outlines: CPU work.
        let task = tokio::task::spawn_blocking(move || {
            let chains = page.iter();
            let chains = chains.map(|(_, event)| (event.at.hour(), chain_of(&areas, event, offset)));
            chains.collect::<Vec<_>>()
        });
        placed.extend(task.await.map_err(|_panicked| PipelineError::Task)?);
    }
    let rows = placed.iter().map(|(hour, chain)| (*hour, chain.as_slice()));
    state.ledger.set_area_cases(rows);
    state.areas_version = version;
    state.stale_areas = true;
    Ok(())
}

/// The areas a case counts in, finest first: its declared area and those above; without one, those at its place.
pub(super) fn chain_of(areas: &AreaIndex, event: &Event<Case>, offset: UtcOffset) -> Vec<AreaCode> {
    let day = Day::of(event.at, offset);
    match (&event.record.area, event.record.location) {
        (Some(code), _) => areas.ancestry(code, day),
        (None, Some(at)) => areas.chain_of(at, None, day).to_vec(),
        (None, None) => Vec::new(),
    }
}
