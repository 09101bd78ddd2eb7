use std::collections::{HashMap, HashSet};

use crate::index::VenueIndex;
use crate::model::{Venue, VenueId};
use crate::pipeline::PipelineError;

/// Refuses venues that would hold themselves, over however many others, when the batch is registered: whoever walks from
/// a room to its building must arrive. A parent that nobody knows ends the way.
pub(super) fn check_parents(known: &VenueIndex, batch: &[Venue]) -> Result<(), PipelineError> {
    if batch.iter().all(|venue| venue.parent.is_none()) {
        return Ok(());
    }
    let new: HashMap<&VenueId, Option<&VenueId>> = batch
        .iter()
        .map(|venue| (&venue.id, venue.parent.as_ref()))
        .collect();
    let above = |id: &VenueId| match new.get(id) {
        Some(parent) => parent.cloned(),
        None => known.get(id).and_then(|entry| entry.venue.parent.clone()),
    };
    for venue in batch {
        let mut seen = HashSet::new();
        let mut at = venue.parent.clone();
        while let Some(parent) = at {
            if parent == venue.id {
                return Err(PipelineError::CyclicParents {
                    venue: venue.id.clone(),
                    parent: venue.parent.clone().unwrap_or(parent),
                });
            }
            // Others going round is not this venue's fault.
            if !seen.insert(parent.clone()) {
                break;
            }
            at = above(&parent);
        }
    }
    Ok(())
}
