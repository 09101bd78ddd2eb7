use rayon::prelude::*;

use crate::archive::TileId;
use crate::geo::{BBox, BUFFER, TileCoord, resolution_for_zoom};
use crate::index::Snapshot;
use crate::model::{Day, Timestamp};
use crate::tiles::encode::around;
use crate::tiles::{LayerKind, Layers};

/// Where to look for tiles that hold something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pyramid {
    /// Which layers.
    pub layers: Layers,
    /// The instant shown.
    pub at: Timestamp,
    /// First and last zoom, 0..=16.
    pub zooms: (u8, u8),
    /// Only tiles that touch this box.
    pub bbox: Option<BBox>,
}

impl Pyramid {
    /// The tiles that may hold something, by number. Goes down from zoom 0 and leaves out everything below a tile
    /// that no area, zone, venue or released cell touches, so that the world costs no more than the places in it.
    /// Some of these tiles turn out empty: boxes are asked, not outlines.
    pub fn occupied(&self, snapshot: &Snapshot) -> Vec<TileId> {
        let (min_zoom, max_zoom) = self.zooms;
        let mut found = Vec::new();
        let mut level: Vec<TileId> = TileId::of(0, 0, 0).into_iter().collect();
        for zoom in 0..=max_zoom {
            level = level
                .into_par_iter()
                .filter(|id| coord_of(*id).is_some_and(|coord| self.may_hold(snapshot, coord)))
                .collect();
            if zoom >= min_zoom {
                found.extend_from_slice(&level);
            }
            if zoom < max_zoom {
                level = level.iter().flat_map(|id| id.children()).collect();
            }
        }
        found
    }

    /// Whether the tile or one below it may hold something: a tile below reaches no farther than this one with
    /// its buffer, and the same indexes are asked as when it is encoded.
    fn may_hold(&self, snapshot: &Snapshot, coord: TileCoord) -> bool {
        if self.bbox.is_some_and(|bbox| !overlap(&bbox, &coord.bbox(0))) {
            return false;
        }
        let within = around(coord);
        let shows = |kind: LayerKind| self.layers.contains(kind);
        let day = Day::of(self.at, snapshot.offset());
        (shows(LayerKind::Areas) && !snapshot.areas().in_bbox(&within, day).is_empty())
            || (shows(LayerKind::Zones) && !snapshot.zones().in_bbox(&within, self.at).is_empty())
            || (shows(LayerKind::Cells)
                && snapshot
                    .releases()
                    .lists_any_in(&within, resolution_for_zoom(coord.z())))
            || (shows(LayerKind::Venues) && !snapshot.venues().in_tile(coord, BUFFER).is_empty())
    }
}

/// The map's tile of that number; none beyond the deepest zoom served.
pub(super) fn coord_of(id: TileId) -> Option<TileCoord> {
    let (z, x, y) = id.place();
    TileCoord::new(z, x, y).ok()
}

fn overlap(bbox: &BBox, tile: &BBox) -> bool {
    bbox.parts().iter().any(|part| {
        part.min_lng <= tile.max_lng
            && part.max_lng >= tile.min_lng
            && part.min_lat <= tile.max_lat
            && part.max_lat >= tile.min_lat
    })
}
