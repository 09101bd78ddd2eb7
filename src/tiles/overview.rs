use moka::sync::Cache;

use crate::geo::{BUFFER, TileCoord};
use crate::index::{Snapshot, VenueEntry, VenueSelection};
use crate::risk::Audience;
use crate::tiles::encode::{Asked, venue_feature};
use crate::tiles::features::OVERVIEW_LEVEL;

/// The few venues that overviews show, found once for each version of what venues show: a tile of a province would
/// look at all of its venues to leave nearly every one out.
#[derive(Clone, Debug)]
pub(super) struct Overview {
    cache: Cache<Key, VenueSelection, rustc_hash::FxBuildHasher>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    venues: u64,
    audience: Audience,
    live: bool,
}

/// Both audiences, now and the version before.
const KEPT: u64 = 8;

impl Overview {
    pub fn new() -> Self {
        Self {
            cache: Cache::builder()
                .max_capacity(KEPT)
                .build_with_hasher(rustc_hash::FxBuildHasher),
        }
    }

    /// Those of them in a tile and its buffer.
    pub fn in_tile<'a>(
        &self,
        snapshot: &'a Snapshot,
        asked: &Asked,
        coord: TileCoord,
    ) -> Vec<&'a VenueEntry> {
        let (audience, live) = (asked.audience, asked.live);
        let venues = snapshot.versions().venues;
        let key = Key {
            venues,
            audience,
            live,
        };
        let index = snapshot.venues();
        let select = || index.select(|entry| venue_feature(entry, audience, live).level >= OVERVIEW_LEVEL);
        let mut selection = self.cache.get_with(key, select);
        // Versions tell the snapshots of one publisher apart; of another's the same number means something else.
        if !index.made(&selection) {
            selection = select();
            self.cache.insert(key, selection.clone());
        }
        index.selected_in_tile(&selection, coord, BUFFER)
    }
}
