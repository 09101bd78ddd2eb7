use std::sync::Arc;

use moka::sync::Cache;
use rustc_hash::FxBuildHasher;

use crate::geo::{Piece, TileCoord, TilePoint, TilePolygon, WorldPoint, WorldShape};
use crate::tiles::outlines::Source;

/// Outlines cut into tiles, each once: every audience, instant and generation draws the same. A tile that is not there
/// yet is cut from the piece three zooms above it, which is cut from the one above that: nothing walks along a whole
/// border to cut a corner of it. Which pieces a tile comes from depends on the outline and the tile only, so what was
/// kept or lost makes no difference.
#[derive(Clone, Debug)]
pub(super) struct Cuts {
    tiles: Cache<(Source, TileCoord), Arc<[TilePolygon]>, FxBuildHasher>,
    /// By the zoom whose detail it has, and its place.
    pieces: Cache<(Source, u8, TileCoord), Arc<Piece>, FxBuildHasher>,
}

/// Zooms from one piece to the next: a piece serves the 64 tiles below it.
const STEP: u8 = 3;
/// An outline of so few vertices is cut as fast as a piece of it.
const FEW_VERTICES: usize = 48;

impl Cuts {
    pub fn new(capacity_bytes: u64) -> Self {
        let of_tile = |_key: &(Source, TileCoord), polygons: &Arc<[TilePolygon]>| -> u32 {
            let points =
                |one: &TilePolygon| one.exterior.len() + one.holes.iter().map(Vec::len).sum::<usize>();
            let bytes = polygons
                .iter()
                .map(|one| points(one) * size_of::<TilePoint>() + 64)
                .sum::<usize>();
            u32::try_from(bytes + 128).unwrap_or(u32::MAX)
        };
        let of_piece = |_key: &(Source, u8, TileCoord), piece: &Arc<Piece>| -> u32 {
            u32::try_from(piece.vertices() * size_of::<WorldPoint>() + 256).unwrap_or(u32::MAX)
        };
        Self {
            tiles: Cache::builder()
                .max_capacity(capacity_bytes / 2)
                .weigher(of_tile)
                .build_with_hasher(FxBuildHasher),
            pieces: Cache::builder()
                .max_capacity(capacity_bytes / 2)
                .weigher(of_piece)
                .build_with_hasher(FxBuildHasher),
        }
    }

    /// What a tile shows of an outline, which `shape` has in the detail of the tile's zoom.
    pub fn get(&self, source: &Source, shape: &WorldShape, tile: TileCoord) -> Arc<[TilePolygon]> {
        let key = (source.clone(), tile);
        if let Some(known) = self.tiles.get(&key) {
            return known;
        }
        // Found before the tile is made: making one thing never waits for the making of another.
        let piece = self.piece_above(source, shape, tile.z(), tile);
        self.tiles.get_with(key, || {
            let polygons = piece.map_or_else(|| shape.to_tile(tile), |piece| piece.to_tile(tile));
            polygons.into()
        })
    }

    /// The piece that a tile, or a piece, is cut from; `None` when it is the whole.
    fn piece_above(
        &self,
        source: &Source,
        shape: &WorldShape,
        detail: u8,
        below: TileCoord,
    ) -> Option<Arc<Piece>> {
        if shape.vertices() <= FEW_VERTICES {
            return None;
        }
        let above = (0..STEP).try_fold(below, |tile, _step| tile.parent())?;
        if shape.is_within(above) {
            return None;
        }
        let key = (source.clone(), detail, above);
        if let Some(known) = self.pieces.get(&key) {
            return Some(known);
        }
        let larger = self.piece_above(source, shape, detail, above);
        let make = || larger.map_or_else(|| shape.piece(above), |larger| larger.piece(above));
        Some(self.pieces.get_with(key, || Arc::new(make())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Area, AreaCode, AreaIndicators, AreaLevel};

    fn province(vertices: u32) -> Source {
        let ring: ::geo::LineString<f64> = (0..vertices)
            .map(|i| {
                let angle = f64::from(i) / f64::from(vertices) * std::f64::consts::TAU;
                let reach = 0.5 * (1.0 + 0.2 * (angle * 7.0).sin() + 0.03 * (angle * 91.0).sin());
                (105.8 + reach * angle.cos(), 21.6 + reach * angle.sin())
            })
            .collect();
        let area = Area {
            code: AreaCode::new("19").unwrap(),
            level: AreaLevel::Province,
            parent: None,
            name: "Thái Nguyên".to_owned(),
            population: None,
            valid_from: None,
            valid_to: None,
            geometry: ::geo::MultiPolygon(vec![::geo::Polygon::new(ring, Vec::new())]),
            approximate: false,
            indicators: AreaIndicators::default(),
        };
        Source::Area(Arc::new(area), Arc::default())
    }

    #[test]
    fn what_was_asked_before_makes_no_difference() {
        let source = province(4000);
        let shape = |zoom| WorldShape::project(source.geometry()).simplified(zoom);
        let (busy, mut tiles) = (Cuts::new(8 << 20), vec![TileCoord::WORLD]);
        for zoom in 0..=10 {
            let detailed = shape(zoom);
            for tile in &tiles {
                let direct = detailed.to_tile(*tile);
                assert_eq!(*busy.get(&source, &detailed, *tile), *direct, "{tile}");
                let fresh = Cuts::new(1 << 20);
                assert_eq!(*fresh.get(&source, &detailed, *tile), *direct, "{tile}");
            }
            let below = tiles.iter().flat_map(|tile| tile.children());
            let stands = |tile: &TileCoord| detailed.to_tile(*tile).len() == 1;
            tiles = below
                .filter(|child| child.parent().as_ref().is_some_and(stands))
                .collect();
        }
        assert!(tiles.len() >= 40, "{}", tiles.len());
    }
}
