use rustc_hash::{FxHashMap, FxHashSet};

use crate::geo::{BBox, LngLat, WorldPoint};

/// Where borders of several areas meet or part: the points of a set of outlines at which more than two edges end.
/// Between two of them neighbours share the same vertices, or none.
#[derive(Debug, Default)]
pub struct Borders {
    meet: FxHashSet<Spot>,
}

/// The points of one outline where others meet it or leave it, ascending. Outlines that are simplified between them
/// keep their common borders in common: each piece of border comes out the same for both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Joints(Vec<Spot>);

/// A vertex, to the last bit: longitude and latitude.
type Spot = [u64; 2];

impl Borders {
    /// Of the outlines given, within a box: every outline with a vertex in it must be there.
    #[must_use]
    pub fn within<'a>(bbox: &BBox, shapes: impl Iterator<Item = &'a geo::MultiPolygon<f64>>) -> Self {
        let mut ends: FxHashMap<Spot, [Spot; 2]> = FxHashMap::default();
        let mut meet = FxHashSet::default();
        for ring in shapes.flat_map(geo::MultiPolygon::iter).flat_map(rings) {
            let ring = open(ring);
            for (at, coord) in ring.iter().enumerate().filter(|(_, coord)| holds(bbox, coord)) {
                let next = |step: usize| spot(&ring[(at + step) % ring.len()]);
                let mut both = [next(1), next(ring.len() - 1)];
                both.sort_unstable();
                let known = ends.entry(spot(coord)).or_insert(both);
                if *known != both {
                    meet.insert(spot(coord));
                }
            }
        }
        Self { meet }
    }

    /// The joints of an outline in the box; outside of it those it had stay.
    #[must_use]
    pub fn joints(&self, bbox: &BBox, shape: &geo::MultiPolygon<f64>, before: &Joints) -> Joints {
        let mut joints: Vec<Spot> = before
            .0
            .iter()
            .copied()
            .filter(|[lng, lat]| {
                let coord = geo::Coord {
                    x: f64::from_bits(*lng),
                    y: f64::from_bits(*lat),
                };
                !holds(bbox, &coord)
            })
            .collect();
        let coords = shape.iter().flat_map(rings).flat_map(open);
        joints.extend(coords.map(spot).filter(|spot| self.meet.contains(spot)));
        joints.sort_unstable();
        joints.dedup();
        Joints(joints)
    }
}

impl Joints {
    /// The joints on the map. A joint across the antimeridian may not be found again there.
    pub(super) fn project(&self) -> FxHashSet<Spot> {
        let points = self
            .0
            .iter()
            .filter_map(|[lng, lat]| LngLat::new(f64::from_bits(*lng), f64::from_bits(*lat)).ok());
        points.map(|at| on_map(WorldPoint::project(at))).collect()
    }
}

/// A point of the map, to the last bit.
pub(super) fn on_map(at: WorldPoint) -> Spot {
    [at.x.to_bits(), at.y.to_bits()]
}

fn rings(polygon: &geo::Polygon<f64>) -> impl Iterator<Item = &geo::LineString<f64>> {
    std::iter::once(polygon.exterior()).chain(polygon.interiors())
}

/// Without the closing vertex.
fn open(ring: &geo::LineString<f64>) -> &[geo::Coord<f64>] {
    match ring.0.as_slice() {
        [first, rest @ .., last] if first == last => &ring.0[..=rest.len()],
        all => all,
    }
}

fn spot(coord: &geo::Coord<f64>) -> Spot {
    // Zero has two signs.
    [(coord.x + 0.0).to_bits(), (coord.y + 0.0).to_bits()]
}

fn holds(bbox: &BBox, coord: &geo::Coord<f64>) -> bool {
    (bbox.min_lng..=bbox.max_lng).contains(&coord.x) && (bbox.min_lat..=bbox.max_lat).contains(&coord.y)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(west: f64, south: f64) -> geo::MultiPolygon<f64> {
        geo::Rect::new((west, south), (west + 1.0, south + 1.0))
            .to_polygon()
            .into()
    }

    fn corners(joints: &Joints) -> Vec<(f64, f64)> {
        let joints = joints.0.iter();
        joints
            .map(|[x, y]| (f64::from_bits(*x), f64::from_bits(*y)))
            .collect()
    }

    #[test]
    fn joints_stand_where_borders_meet_and_are_looked_for_in_the_box_only() {
        let (a, b, c) = (square(0.0, 0.0), square(1.0, 0.0), square(5.0, 5.0));
        let all = [&a, &b, &c];
        let borders = Borders::within(&BBox::WORLD, all.into_iter());
        let none = Joints::default();
        let of_a = borders.joints(&BBox::WORLD, &a, &none);
        assert_eq!(corners(&of_a), [(1.0, 0.0), (1.0, 1.0)]);
        assert_eq!(borders.joints(&BBox::WORLD, &c, &none), none);
        // The neighbour goes: only what stands in its box is looked at again.
        let lower = BBox {
            min_lng: 0.5,
            min_lat: -0.5,
            max_lng: 2.5,
            max_lat: 0.5,
        };
        let borders = Borders::within(&lower, [&a, &c].into_iter());
        assert_eq!(corners(&borders.joints(&lower, &a, &of_a)), [(1.0, 1.0)]);
    }
}
