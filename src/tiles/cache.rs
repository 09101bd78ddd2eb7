use std::sync::Arc;

use moka::sync::Cache;

use crate::index::Snapshot;
use crate::risk::Rules;
use crate::tiles::TileRequest;
use crate::tiles::body::TileBody;
use crate::tiles::encode::encode_with;
use crate::tiles::outlines::Outlines;

/// Finished tiles by everything they depend on. Many who ask for the same missing tile wait for one to encode
/// it. The generation is part of the key: nothing of an old snapshot is ever served for a new one, and
/// what nobody asks for any more falls out by age.
#[derive(Clone, Debug)]
pub struct TileCache {
    tiles: Cache<TileKey, Arc<TileBody>>,
    outlines: Outlines,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct TileKey {
    generation: u64,
    request: TileRequest,
}

/// Outlines get this share of the cache's memory.
const OUTLINE_SHARE: u64 = 4;

impl TileCache {
    /// A cache of about so many bytes.
    #[must_use]
    pub fn new(capacity_bytes: u64) -> Self {
        let outlines = capacity_bytes / OUTLINE_SHARE;
        let tiles = Cache::builder()
            .max_capacity(capacity_bytes - outlines)
            .weigher(|_key: &TileKey, tile: &Arc<TileBody>| tile.weight())
            .build();
        Self {
            tiles,
            outlines: Outlines::new(outlines),
        }
    }

    /// The finished tile. CPU work: a few milliseconds when it is not there yet. A server calls it where
    /// blocking is allowed.
    #[must_use]
    pub fn get_or_encode(&self, snapshot: &Snapshot, rules: &Rules, request: &TileRequest) -> Arc<TileBody> {
        let key = TileKey {
            generation: snapshot.generation(),
            request: *request,
        };
        self.tiles.get_with(key, || {
            Arc::new(TileBody::new(encode_with(
                &self.outlines,
                snapshot,
                rules,
                request,
            )))
        })
    }

    /// The finished tile if it is there. Never blocks for long.
    #[must_use]
    pub fn get(&self, generation: u64, request: &TileRequest) -> Option<Arc<TileBody>> {
        let request = *request;
        self.tiles.get(&TileKey { generation, request })
    }
}
