use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay::{IntOverlayOptions, Overlay};
use i_overlay::core::solver::Solver;
use i_overlay::i_float::int::point::IntPoint;

use crate::geo::clip::{UnitRing, clip_to_square};
use crate::geo::rings::WorldPolygon;
use crate::geo::{BUFFER, EXTENT, TileCoord, TilePoint, WorldPoint, WorldShape};

/// A polygon on a tile's grid, as MVT 2.1 wants it: rings are simple, not closed, have three or more
/// distinct vertices and an area; the exterior's is positive (y grows south), the holes' negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TilePolygon {
    /// The outline.
    pub exterior: Vec<TilePoint>,
    /// Holes in it.
    pub holes: Vec<Vec<TilePoint>>,
}

impl WorldShape {
    /// What of the shape a tile shows, its buffer included. Snapping to the grid can make an outline cross or
    /// touch itself; that is resolved on the grid, with whole numbers.
    #[must_use]
    pub fn to_tile(&self, tile: TileCoord) -> Vec<TilePolygon> {
        on_the_grid(self.clipped(tile))
    }

    /// The same for one outline that is nearly always convex, such as a cell's: then it needs no resolving.
    /// Around a pole, or where copies to the left and right meet, it goes the general way.
    #[must_use]
    pub fn cell_to_tile(&self, tile: TileCoord) -> Vec<TilePolygon> {
        let mut rings = self.clipped(tile);
        let Some(ring) = rings.next() else {
            return Vec::new();
        };
        if rings.next().is_some() {
            return self.to_tile(tile);
        }
        match wound(snapped(&ring, |x, y| TilePoint { x, y }), true) {
            Some(exterior) if is_convex(&exterior) => vec![TilePolygon {
                exterior,
                holes: Vec::new(),
            }],
            Some(_) => self.to_tile(tile),
            None => Vec::new(),
        }
    }

    /// The tiles of a zoom, row by row within each parent, that show something of the shape, buffers included;
    /// `None` when there are more than `limit`.
    #[must_use]
    pub fn tiles(&self, zoom: u8, limit: usize) -> Option<Vec<TileCoord>> {
        self.tiles_where(zoom, limit, |tile| !self.to_tile(tile).is_empty())
    }

    /// The same where somebody else knows whether a tile shows something of the shape.
    pub fn tiles_where(
        &self,
        zoom: u8,
        limit: usize,
        shows: impl Fn(TileCoord) -> bool,
    ) -> Option<Vec<TileCoord>> {
        let mut found = Vec::new();
        let mut open = vec![TileCoord::WORLD];
        while let Some(tile) = open.pop() {
            if self.clipped(tile).next().is_none() {
                continue;
            }
            if tile.z() < zoom {
                open.extend(tile.children());
            } else if shows(tile) {
                if found.len() == limit {
                    return None;
                }
                found.push(tile);
            }
        }
        Some(found)
    }

    /// The rings inside the buffered tile, in tile units; parts that cross the antimeridian are
    /// taken at each of their places around the world.
    fn clipped(&self, tile: TileCoord) -> impl Iterator<Item = UnitRing> {
        self.polygons
            .iter()
            .flat_map(move |polygon| [-1.0, 0.0, 1.0].map(|shift| (polygon, shift)))
            .flat_map(move |(polygon, shift)| rings_in(polygon, shift, tile))
    }
}

const MIN: f64 = -(BUFFER as f64);
const MAX: f64 = (EXTENT + BUFFER) as f64;

/// Rings in tile units as clean polygons on the tile's grid.
pub(super) fn on_the_grid(rings: impl Iterator<Item = UnitRing>) -> Vec<TilePolygon> {
    let contours: Vec<Vec<IntPoint>> = rings
        .map(|ring| snapped(&ring, IntPoint::new))
        .filter(|ring| ring.len() >= 3)
        .collect();
    if contours.is_empty() {
        return Vec::new();
    }
    if let [contour] = contours.as_slice()
        && is_whole_tile(contour)
    {
        // Amid a shape there is nothing to resolve.
        let at = |x, y| TilePoint { x, y };
        let (low, high) = (MIN as i32, MAX as i32);
        return vec![TilePolygon {
            exterior: vec![at(low, low), at(high, low), at(high, high), at(low, high)],
            holes: Vec::new(),
        }];
    }
    // `ogc`: holes that touch the outline more than once may not cut a polygon in two.
    let mut overlay = Overlay::new_custom(contours.len() * 8, IntOverlayOptions::ogc(), Solver::default());
    // Positive winding: a loop that snapping turned over vanishes instead of being filled.
    let shapes = overlay
        .simplify_shape(&contours, FillRule::Positive)
        .unwrap_or(vec![contours]);
    let mut polygons: Vec<TilePolygon> = shapes
        .into_iter()
        .filter_map(|shape| {
            let mut rings = shape.into_iter().map(|contour| {
                contour
                    .iter()
                    .map(|p| TilePoint { x: p.x, y: p.y })
                    .collect::<Vec<_>>()
            });
            let exterior = wound(rings.next()?, true)?;
            let mut holes: Vec<_> = rings.filter_map(|hole| wound(hole, false)).collect();
            holes.sort_unstable_by_key(|hole| order(hole));
            Some(TilePolygon { exterior, holes })
        })
        .collect();
    // The overlay promises no order of its shapes; equal content must be equal bytes.
    polygons.sort_unstable_by_key(|polygon| order(&polygon.exterior));
    polygons
}

/// Whether a ring of positive area runs from corner to corner of the buffered tile.
fn is_whole_tile(ring: &[IntPoint]) -> bool {
    let corner = |v: i32| v == MIN as i32 || v == MAX as i32;
    let area = |a: &IntPoint, b: &IntPoint| i64::from(a.x) * i64::from(b.y) - i64::from(b.x) * i64::from(a.y);
    let side = i64::from(EXTENT + 2 * BUFFER);
    ring.len() == 4
        && ring.iter().all(|at| corner(at.x) && corner(at.y))
        && (0..4).map(|n| area(&ring[n], &ring[(n + 1) % 4])).sum::<i64>() == 2 * side * side
}

/// The rings of a polygon, moved around the world by `shift`, inside the buffered tile, in tile units.
pub(super) fn rings_in(polygon: &WorldPolygon, shift: f64, tile: TileCoord) -> Vec<UnitRing> {
    let unit = |point: WorldPoint| {
        let (x, y) = tile.to_units(WorldPoint {
            x: point.x + shift,
            y: point.y,
        });
        [x, y]
    };
    let (low, high) = (unit(polygon.min), unit(polygon.max));
    if low.iter().any(|&v| v > MAX) || high.iter().any(|&v| v < MIN) {
        return Vec::new();
    }
    let rings = polygon.rings.iter();
    let rings: Vec<UnitRing> = rings
        .map(|ring| ring.iter().map(|p| unit(*p)).collect())
        .collect();
    if low.iter().all(|&v| v >= MIN) && high.iter().all(|&v| v <= MAX) {
        rings
    } else {
        clip_to_square(rings, MIN, MAX)
    }
}

impl TileCoord {
    /// A place in tile units → world fraction.
    pub(super) fn to_world(self, [x, y]: [f64; 2]) -> WorldPoint {
        let at = |units: f64, tile: u32| (units + f64::from(tile) * f64::from(EXTENT)) / self.units_around();
        WorldPoint {
            x: at(x, self.x()),
            y: at(y, self.y()),
        }
    }

    /// Whether a point lies in the tile or its buffer, at its own place around the world.
    pub(super) fn holds_with_buffer(self, at: WorldPoint) -> bool {
        let (x, y) = self.to_units(at);
        (MIN..=MAX).contains(&x) && (MIN..=MAX).contains(&y)
    }
}

/// Where a point stands in the tile and its buffer; twice at most, at the edge of the world.
pub fn point_to_tile(world: WorldPoint, tile: TileCoord) -> impl Iterator<Item = TilePoint> {
    [-1.0, 0.0, 1.0].into_iter().filter_map(move |shift| {
        let (x, y) = tile.to_units(WorldPoint {
            x: world.x + shift,
            y: world.y,
        });
        let inside = |v: f64| (MIN..=MAX).contains(&v);
        (inside(x) && inside(y)).then(|| TilePoint {
            x: x.round() as i32,
            y: y.round() as i32,
        })
    })
}

/// Rounds to the grid without repeated neighbours.
pub(super) fn snapped<P: PartialEq + Copy>(ring: &[[f64; 2]], point: impl Fn(i32, i32) -> P) -> Vec<P> {
    let mut out: Vec<P> = Vec::with_capacity(ring.len());
    for [x, y] in ring {
        let at = point(x.round() as i32, y.round() as i32);
        if out.last() != Some(&at) {
            out.push(at);
        }
    }
    while out.len() > 1 && out.first() == out.last() {
        out.pop();
    }
    out
}

/// The ring with the winding asked for and its smallest vertex first; `None` when it has no area.
pub(super) fn wound(mut ring: Vec<TilePoint>, positive: bool) -> Option<Vec<TilePoint>> {
    let twice = twice_area(&ring);
    if ring.len() < 3 || twice == 0 {
        return None;
    }
    if (twice > 0) != positive {
        ring.reverse();
    }
    let first = (0..ring.len()).min_by_key(|&i| (ring[i].y, ring[i].x))?;
    ring.rotate_left(first);
    Some(ring)
}

/// Whether a ring of positive area never turns left.
pub(super) fn is_convex(ring: &[TilePoint]) -> bool {
    let count = ring.len();
    (0..count).all(|i| {
        let (a, b, c) = (ring[i], ring[(i + 1) % count], ring[(i + 2) % count]);
        let turn = i64::from(b.x - a.x) * i64::from(c.y - b.y) - i64::from(c.x - b.x) * i64::from(b.y - a.y);
        // A straight angle passes, a reversal does not.
        turn > 0
            || (turn == 0
                && (b.x - a.x).signum() == (c.x - b.x).signum()
                && (b.y - a.y).signum() == (c.y - b.y).signum())
    })
}

fn order(ring: &[TilePoint]) -> (i32, i32, usize, i64) {
    (ring[0].y, ring[0].x, ring.len(), twice_area(ring))
}

/// Twice the shoelace area in square units; positive when clockwise on a screen.
fn twice_area(ring: &[TilePoint]) -> i64 {
    let mut twice = 0;
    for (i, b) in ring.iter().enumerate() {
        let a = ring[(i + ring.len() - 1) % ring.len()];
        twice += i64::from(a.x) * i64::from(b.y) - i64::from(b.x) * i64::from(a.y);
    }
    twice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::{Cell, LngLat, Resolution};

    fn tile(z: u8, x: u32, y: u32) -> TileCoord {
        TileCoord::new(z, x, y).unwrap()
    }

    fn area(polygons: &[TilePolygon]) -> f64 {
        let rings = polygons
            .iter()
            .flat_map(|p| std::iter::once(&p.exterior).chain(&p.holes));
        rings.map(|ring| twice_area(ring) as f64 / 2.0).sum()
    }

    #[test]
    fn a_cell_across_the_antimeridian_shows_on_both_sides() {
        let at = LngLat::new(180.0, 0.5).unwrap();
        let cell = Cell::at(at, Resolution::new(3).unwrap());
        let shape = WorldShape::of_cell(cell);
        let row = TileCoord::containing(at, 6).unwrap().y();
        let (west, east) = (
            shape.cell_to_tile(tile(6, 0, row)),
            shape.cell_to_tile(tile(6, 63, row)),
        );
        assert!(!west.is_empty() && !east.is_empty());
        assert!(west[0].exterior.iter().all(|p| p.x < EXTENT / 2));
        assert!(east[0].exterior.iter().all(|p| p.x > EXTENT / 2));
    }

    #[test]
    fn snapping_a_spike_and_a_bow_tie_leaves_clean_rings() {
        let unit = 1.0 / (1024.0 * 4096.0);
        let ring = |points: &[(f64, f64)]| -> Vec<WorldPoint> {
            points
                .iter()
                .map(|p| WorldPoint {
                    x: 0.5 + p.0 * unit,
                    y: 0.5 + p.1 * unit,
                })
                .collect()
        };
        // A spike 0.2 units wide, and a neck that closes when snapped.
        let spiky = ring(&[
            (0.0, 0.0),
            (100.0, 0.0),
            (100.0, 50.0),
            (300.0, 50.1),
            (100.0, 50.2),
            (100.0, 100.0),
            (0.0, 100.0),
        ]);
        let necked = ring(&[
            (0.0, 0.0),
            (40.0, 0.0),
            (20.1, 20.0),
            (40.0, 40.0),
            (0.0, 40.0),
            (19.9, 20.0),
        ]);
        for (outline, expected, parts) in [(spiky, 10_000.0, 1), (necked, 800.0, 2)] {
            let shape = WorldShape {
                polygons: vec![WorldPolygon::with_rings(vec![outline]).unwrap()],
            };
            let polygons = shape.to_tile(tile(10, 512, 512));
            assert_eq!(polygons.len(), parts, "{polygons:?}");
            assert_eq!(area(&polygons), expected);
            assert!(polygons.iter().all(|p| p.exterior.iter().all(|p| p.x <= 100)));
        }
    }

    #[test]
    fn amid_a_shape_a_tile_is_one_square() {
        let around = |x: f64, y: f64| WorldPoint { x, y };
        let shape = WorldShape {
            polygons: vec![
                WorldPolygon::with_rings(vec![vec![
                    around(0.2, 0.2),
                    around(0.8, 0.21),
                    around(0.81, 0.8),
                    around(0.19, 0.79),
                ]])
                .unwrap(),
            ],
        };
        let polygons = shape.to_tile(tile(5, 16, 16));
        let corners: Vec<(i32, i32)> = polygons[0].exterior.iter().map(|at| (at.x, at.y)).collect();
        assert_eq!(corners, [(-64, -64), (4160, -64), (4160, 4160), (-64, 4160)]);
        assert_eq!(area(&polygons), 4224.0 * 4224.0);
    }

    #[test]
    fn a_shape_without_area_on_the_grid_is_left_out() {
        let at = |x: f64, y: f64| WorldPoint {
            x: 0.5 + x * 1e-9,
            y: 0.5 + y * 1e-9,
        };
        let shape = WorldShape {
            polygons: vec![
                WorldPolygon::with_rings(vec![vec![at(0.0, 0.0), at(1.0, 0.0), at(1.0, 1.0)]]).unwrap(),
            ],
        };
        assert!(shape.to_tile(tile(4, 8, 8)).is_empty());
        assert!(shape.cell_to_tile(tile(4, 8, 8)).is_empty());
    }

    #[test]
    fn a_point_in_the_buffer_is_kept_and_one_beyond_is_dropped_not_moved() {
        let home = tile(2, 2, 2);
        let at = |x: f64| WorldPoint {
            x: (2.0 + x / 4096.0) / 4.0,
            y: 0.6,
        };
        assert_eq!(point_to_tile(at(4096.0 + 60.0), home).next().unwrap().x, 4156);
        assert_eq!(point_to_tile(at(4096.0 + 70.0), home).count(), 0);
    }
}
