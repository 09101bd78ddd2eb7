use rustc_hash::FxHashSet;

use crate::geo::TileCoord;
use crate::tiles::{LayerKind, Layers};

/// Which tiles of a layer show something else than before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerChange {
    /// Any tile may.
    pub every: bool,
    /// These do.
    pub tiles: FxHashSet<TileCoord>,
    /// These may, and any below them: where there would be too many to name.
    pub below: FxHashSet<TileCoord>,
}

/// Which live tiles (of the snapshot's own instant and the window of [`crate::tiles::LIVE_WINDOW_HOURS`]) show
/// something else than before, layer by layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TileChanges {
    layers: [LayerChange; LayerKind::ALL.len()],
}

impl LayerChange {
    /// Whether the tile may have changed.
    #[must_use]
    pub fn touches(&self, coord: TileCoord) -> bool {
        self.every
            || self.tiles.contains(&coord)
            || (!self.below.is_empty()
                && std::iter::successors(Some(coord), |one| one.parent())
                    .any(|above| self.below.contains(&above)))
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.every && self.tiles.is_empty() && self.below.is_empty()
    }

    /// Names at most `limit` tiles: the deepest are told by those above them. What is told covers what was.
    #[must_use]
    pub fn merged(mut self, limit: usize) -> Self {
        if self.every {
            return Self {
                every: true,
                ..Self::default()
            };
        }
        self.tidy();
        while self.tiles.len() + self.below.len() > limit {
            let deepest = self.tiles.iter().chain(&self.below).map(|tile| tile.z()).max();
            let Some(cut) = deepest.and_then(|z| z.checked_sub(1)) else {
                return Self {
                    every: true,
                    ..Self::default()
                };
            };
            let (kept, deep): (Vec<TileCoord>, Vec<TileCoord>) =
                self.tiles.iter().partition(|tile| tile.z() <= cut);
            self.tiles = kept.into_iter().collect();
            self.below = self
                .below
                .iter()
                .copied()
                .chain(deep)
                .map(|tile| {
                    if tile.z() > cut {
                        tile.parent().unwrap_or(tile)
                    } else {
                        tile
                    }
                })
                .collect();
            self.tidy();
        }
        self
    }

    /// Takes out what stands below something that is named with all below it.
    fn tidy(&mut self) {
        if self.below.is_empty() {
            return;
        }
        let below = &self.below;
        let is_covered = |tile: &TileCoord| {
            std::iter::successors(tile.parent(), |one| one.parent()).any(|above| below.contains(&above))
        };
        self.tiles
            .retain(|tile| !below.contains(tile) && !is_covered(tile));
        let top: FxHashSet<TileCoord> = below.iter().copied().filter(|tile| !is_covered(tile)).collect();
        self.below = top;
    }

    fn add(&mut self, other: &Self) {
        self.every |= other.every;
        self.tiles.extend(&other.tiles);
        self.below.extend(&other.below);
    }
}

impl TileChanges {
    /// Anything may have changed.
    #[must_use]
    pub fn everything() -> Self {
        let mut all = Self::default();
        all.layers.iter_mut().for_each(|layer| layer.every = true);
        all
    }

    /// Those of a layer.
    #[must_use]
    pub fn layer(&self, kind: LayerKind) -> &LayerChange {
        &self.layers[kind as usize]
    }

    /// Those of a layer, to be added to.
    pub(super) fn layer_mut(&mut self, kind: LayerKind) -> &mut LayerChange {
        &mut self.layers[kind as usize]
    }

    /// Whether a tile of those layers may have changed.
    #[must_use]
    pub fn touches(&self, layers: Layers, coord: TileCoord) -> bool {
        layers.iter().any(|kind| self.layer(kind).touches(coord))
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.layers.iter().all(LayerChange::is_empty)
    }

    /// How many tiles are named.
    #[must_use]
    pub fn len(&self) -> usize {
        self.layers
            .iter()
            .map(|layer| layer.tiles.len() + layer.below.len())
            .sum()
    }

    /// Both together.
    pub fn add(&mut self, other: &Self) {
        for (layer, more) in self.layers.iter_mut().zip(&other.layers) {
            layer.add(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tile(z: u8, x: u32, y: u32) -> TileCoord {
        TileCoord::new(z, x, y).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_merged_covers_what_was_there(
            places in prop::collection::vec((2_u8..=16, 0_u32..1 << 16, 0_u32..1 << 16, any::<bool>()), 1..80),
            limit in 0_usize..40,
        ) {
            let mut change = LayerChange::default();
            for (z, x, y, below) in places {
                let coord = tile(z, x >> (16 - z), y >> (16 - z));
                if below { change.below.insert(coord) } else { change.tiles.insert(coord) };
            }
            let merged = change.clone().merged(limit);
            prop_assert!(merged.every || merged.tiles.len() + merged.below.len() <= limit);
            for coord in &change.tiles {
                prop_assert!(merged.touches(*coord));
            }
            for coord in &change.below {
                let child = if coord.z() < 16 { tile(coord.z() + 1, coord.x() * 2 + 1, coord.y() * 2) } else { *coord };
                prop_assert!(merged.touches(*coord) && merged.touches(child));
            }
        }
    }

    #[test]
    fn few_tiles_stay_as_they_are() {
        let mut change = LayerChange::default();
        change.tiles.extend([tile(3, 1, 2), tile(9, 400, 200)]);
        assert_eq!(change.clone().merged(2), change);
        assert!(!change.touches(tile(2, 0, 1)) && !change.touches(tile(4, 2, 4)));
    }
}
