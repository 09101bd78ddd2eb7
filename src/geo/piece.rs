use crate::geo::rings::WorldPolygon;
use crate::geo::snap::{on_the_grid, rings_in};
use crate::geo::{TileCoord, TilePolygon, WorldPoint, WorldShape};

/// What of a shape lies in a tile and around it: all that the tiles below need, so that whoever cuts one of them
/// looks at the vertices near it only. A tile amid a shape is a piece of four corners.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// As in [`WorldShape`], but each may have several exteriors; all at their place around the world.
    polygons: Vec<WorldPolygon>,
}

impl WorldShape {
    /// The piece of a tile. Its buffer is that of the tile, many times that of the tiles three zooms below.
    #[must_use]
    pub fn piece(&self, tile: TileCoord) -> Piece {
        Piece::of(&self.polygons, &[-1.0, 0.0, 1.0], tile)
    }

    /// Whether the shape lies in the tile and its buffer as a whole: then its piece would be the same again.
    #[must_use]
    pub fn is_within(&self, tile: TileCoord) -> bool {
        self.polygons.iter().all(|polygon| {
            let inside = |corner: WorldPoint| tile.holds_with_buffer(corner);
            inside(polygon.min) && inside(polygon.max)
        })
    }
}

impl Piece {
    /// The piece of a tile below.
    #[must_use]
    pub fn piece(&self, tile: TileCoord) -> Self {
        Self::of(&self.polygons, &[0.0], tile)
    }

    /// What a tile below shows, as [`WorldShape::to_tile`] would say.
    #[must_use]
    pub fn to_tile(&self, tile: TileCoord) -> Vec<TilePolygon> {
        let rings = self
            .polygons
            .iter()
            .flat_map(|polygon| rings_in(polygon, 0.0, tile));
        on_the_grid(rings)
    }

    /// Number of vertices.
    #[must_use]
    pub fn vertices(&self) -> usize {
        self.polygons.iter().flat_map(|p| &p.rings).map(Vec::len).sum()
    }

    fn of(polygons: &[WorldPolygon], shifts: &[f64], tile: TileCoord) -> Self {
        let both = polygons
            .iter()
            .flat_map(|polygon| shifts.iter().map(move |shift| (polygon, *shift)));
        let cut = both.filter_map(|(polygon, shift)| {
            let rings = rings_in(polygon, shift, tile).into_iter();
            WorldPolygon::around_rings(
                rings
                    .map(|ring| ring.iter().map(|at| tile.to_world(*at)).collect())
                    .collect(),
            )
        });
        Self {
            polygons: cut.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::LngLat;

    /// A jagged ring with a hole, around a place.
    fn star(seed: u64, lng: f64, lat: f64, radius: f64, vertices: u32) -> WorldShape {
        let mut state = seed;
        let mut random = move || {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut ring = |scale: f64| -> geo::LineString<f64> {
            (0..vertices)
                .map(|i| {
                    let angle = f64::from(i) / f64::from(vertices) * std::f64::consts::TAU;
                    let reach = scale * radius * (1.0 + 0.3 * (angle * 5.0).sin() + 0.1 * random());
                    let x = lng + reach * angle.cos();
                    ((x + 540.0).rem_euclid(360.0) - 180.0, lat + reach * angle.sin())
                })
                .collect()
        };
        let polygon = geo::Polygon::new(ring(1.0), vec![ring(0.4)]);
        WorldShape::project(&geo::MultiPolygon(vec![polygon]))
    }

    #[test]
    fn a_tile_of_a_piece_is_the_tile_of_the_shape() {
        let (mut compared, mut seen) = (0, 0);
        for (seed, lng, lat) in [
            (1, 105.84, 21.59),
            (2, 179.95, -16.5),
            (3, -179.9, 64.0),
            (4, 0.0, 0.0),
        ] {
            let shape = star(seed, lng, lat, 0.6, 900);
            for zoom in [4, 7, 9, 11] {
                let simple = shape.simplified(zoom);
                for (dx, dy) in (-6..=6).flat_map(|dx| (-6..=6).map(move |dy| (dx, dy))) {
                    let east = (lng + f64::from(dx) * 0.15 + 540.0_f64).rem_euclid(360.0) - 180.0;
                    let at = LngLat::new(east, lat + f64::from(dy) * 0.15).unwrap();
                    let tile = TileCoord::containing(at, zoom).unwrap();
                    let above =
                        |steps: usize| std::iter::successors(Some(tile), |one| one.parent()).nth(steps);
                    let direct = simple.to_tile(tile);
                    let near = simple.piece(above(3).unwrap());
                    assert_eq!(near.to_tile(tile), direct, "seed {seed} {tile}");
                    if let Some(far) = above(6) {
                        let near = simple.piece(far).piece(above(3).unwrap());
                        assert_eq!(near.to_tile(tile), direct, "seed {seed} {tile}");
                    }
                    compared += 1;
                    seen += usize::from(!direct.is_empty());
                }
            }
        }
        assert!(seen * 3 > compared, "{seen} of {compared}");
    }

    #[test]
    fn a_piece_amid_a_shape_is_a_square() {
        let square = geo::Rect::new((100.0, 10.0), (110.0, 30.0)).to_polygon();
        let shape = WorldShape::project(&geo::MultiPolygon(vec![square]));
        let tile = TileCoord::containing(LngLat::new(105.0, 20.0).unwrap(), 9).unwrap();
        assert_eq!(shape.piece(tile).vertices(), 4);
        assert!(!shape.is_within(tile) && shape.is_within(TileCoord::WORLD));
    }
}
