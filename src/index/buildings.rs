use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::model::VenueId;

/// Which venues lie directly inside which. The holder need not be registered.
#[derive(Clone, Debug, Default)]
pub(super) struct Buildings(Arc<FxHashMap<VenueId, Vec<u32>>>);

impl Buildings {
    /// The numbers of the venues directly inside, ascending.
    pub fn inside(&self, id: &VenueId) -> &[u32] {
        self.0.get(id).map_or(&[], Vec::as_slice)
    }

    /// Takes a venue out of what held it and puts it into what holds it now.
    pub fn move_venue(&mut self, ix: u32, from: Option<&VenueId>, to: Option<&VenueId>) {
        if from == to {
            return;
        }
        let inside = Arc::make_mut(&mut self.0);
        if let Some(parts) = from.and_then(|from| inside.get_mut(from)) {
            parts.retain(|part| *part != ix);
        }
        if let Some(to) = to {
            let parts = inside.entry(to.clone()).or_default();
            if let Err(at) = parts.binary_search(&ix) {
                parts.insert(at, ix);
            }
        }
    }
}
