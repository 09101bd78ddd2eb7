use std::cmp::Ordering;

use rustc_hash::FxHashSet;

use crate::geo::borders::on_map;
use crate::geo::rings::{WorldPolygon, WorldRing, signed_area};
use crate::geo::{EXTENT, Joints, WorldPoint, WorldShape};

impl WorldShape {
    /// The shape with the detail that a zoom can show: no vertex moves, and the outline strays
    /// by at most one tile unit (an eighth of a pixel). Simplified before cutting, so the
    /// tiles of a zoom meet exactly. A part below a sixteenth of a pixel's area is left out; an
    /// island above it stays.
    #[must_use]
    pub fn simplified(&self, zoom: u8) -> Self {
        self.simplified_between(zoom, &Joints::default())
    }

    /// The same, piece by piece between joints, which stay: neighbours keep one common border, without slivers.
    #[must_use]
    pub fn simplified_between(&self, zoom: u8, joints: &Joints) -> Self {
        let joints = joints.project();
        let unit = 1.0 / (f64::from(1_u32 << zoom) * f64::from(EXTENT));
        let visible = |ring: &WorldRing| signed_area(ring).abs() >= MIN_PART_UNITS_2 * unit * unit;
        let polygons = self.polygons.iter().filter_map(|polygon| {
            let (exterior, holes) = polygon.rings.split_first()?;
            if !visible(exterior) {
                return None;
            }
            let mut rings = vec![simplify_ring(exterior, unit, &joints)];
            rings.extend(
                holes
                    .iter()
                    .filter(|hole| visible(hole))
                    .map(|hole| simplify_ring(hole, unit, &joints)),
            );
            WorldPolygon::with_rings(rings)
        });
        Self {
            polygons: polygons.collect(),
        }
    }
}

/// A sixteenth of the area of a CSS pixel (8 × 8 units on 512-pixel tiles).
const MIN_PART_UNITS_2: f64 = 4.0;

/// Douglas–Peucker on a ring, anchored at its joints; of a ring that has none at its westernmost vertex, the vertex
/// farthest from that, and the one farthest from the line between them: the result depends neither on where the ring
/// starts nor on which way it goes, and never has fewer than three vertices.
fn simplify_ring(ring: &[WorldPoint], tolerance: f64, joints: &FxHashSet<[u64; 2]>) -> WorldRing {
    let count = ring.len();
    if count <= 4 {
        return ring.to_vec();
    }
    if !joints.is_empty() {
        let at_joints = (0..count).filter(|&index| joints.contains(&on_map(ring[index])));
        let between = simplify_between(ring, &at_joints.collect::<Vec<_>>(), tolerance);
        if between.len() >= 3 {
            return between;
        }
    }
    let west = (0..count)
        .min_by(|&a, &b| {
            ring[a]
                .x
                .total_cmp(&ring[b].x)
                .then(ring[a].y.total_cmp(&ring[b].y))
        })
        .unwrap_or(0);
    let at = |index: usize| ring[(west + index) % count];
    let farthest = |distance_2: &dyn Fn(WorldPoint) -> f64| {
        (0..count)
            .max_by(|&a, &b| {
                distance_2(at(a))
                    .total_cmp(&distance_2(at(b)))
                    .then(order(at(a), at(b)))
            })
            .unwrap_or(0)
    };
    let far = farthest(&|p| squared(p.x - at(0).x, p.y - at(0).y));
    let side = farthest(&|p| segment_distance_2(p, at(0), at(far)));
    let mut keep = vec![false; count + 1];
    let mut anchors = [0, far.min(side), far.max(side), count];
    anchors.sort_unstable();
    for pair in anchors.windows(2) {
        keep_between(&at, pair[0], pair[1], tolerance, &mut keep);
    }
    (0..count).filter(|&index| keep[index]).map(at).collect()
}

/// The ring's pieces from joint to joint, each simplified for itself; nothing when there are fewer than two joints.
fn simplify_between(ring: &[WorldPoint], joints: &[usize], tolerance: f64) -> WorldRing {
    let (Some(first), Some(last)) = (joints.first(), joints.last()) else {
        return WorldRing::new();
    };
    if first == last {
        return WorldRing::new();
    }
    let count = ring.len();
    let at = |index: usize| ring[index % count];
    let mut keep = vec![false; count * 2 + 1];
    for pair in joints.windows(2) {
        keep_between(&at, pair[0], pair[1], tolerance, &mut keep);
    }
    keep_between(&at, *last, *first + count, tolerance, &mut keep);
    (0..count)
        .filter(|&index| keep[index] || keep[index + count])
        .map(at)
        .collect()
}

/// Marks what Douglas–Peucker keeps from one vertex to another, both included, the same whichever end comes first.
fn keep_between(
    at: &impl Fn(usize) -> WorldPoint,
    from: usize,
    to: usize,
    tolerance: f64,
    keep: &mut [bool],
) {
    (keep[from], keep[to]) = (true, true);
    let mut spans = vec![(from, to)];
    while let Some((from, to)) = spans.pop() {
        // From the end that comes first on the map, so that both sides of a border measure the same.
        let (a, b) = match order(at(from), at(to)) {
            Ordering::Greater => (at(to), at(from)),
            _ => (at(from), at(to)),
        };
        let (mut worst, mut worst_2) = (from, tolerance * tolerance);
        for index in from + 1..to {
            let distance_2 = segment_distance_2(at(index), a, b);
            let is_worse = distance_2 > worst_2
                || (distance_2 == worst_2 && worst != from && order(at(index), at(worst)).is_lt());
            if is_worse {
                (worst, worst_2) = (index, distance_2);
            }
        }
        if worst != from {
            keep[worst] = true;
            spans.push((from, worst));
            spans.push((worst, to));
        }
    }
}

fn order(a: WorldPoint, b: WorldPoint) -> Ordering {
    a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y))
}

fn squared(x: f64, y: f64) -> f64 {
    x * x + y * y
}

fn segment_distance_2(p: WorldPoint, a: WorldPoint, b: WorldPoint) -> f64 {
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let length_2 = squared(dx, dy);
    let along = if length_2 > 0.0 {
        (((p.x - a.x) * dx + (p.y - a.y) * dy) / length_2).clamp(0.0, 1.0)
    } else {
        0.0
    };
    squared(p.x - a.x - along * dx, p.y - a.y - along * dy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circle(radius_units: f64, zoom: u8, vertices: u32) -> WorldShape {
        let unit = 1.0 / (f64::from(1_u32 << zoom) * f64::from(EXTENT));
        let ring = (0..vertices).map(|i| {
            let angle = f64::from(i) / f64::from(vertices) * std::f64::consts::TAU;
            WorldPoint {
                x: 0.7 + radius_units * unit * angle.cos(),
                y: 0.4 + radius_units * unit * angle.sin(),
            }
        });
        WorldShape {
            polygons: vec![WorldPolygon::with_rings(vec![ring.collect()]).unwrap()],
        }
    }

    #[test]
    fn a_circle_loses_vertices_but_not_its_area() {
        let circle = circle(500.0, 10, 5000);
        let simple = circle.simplified(10);
        assert!(simple.vertices() < 100, "{}", simple.vertices());
        let kept = simple.area_units_2(10) / circle.area_units_2(10);
        assert!((kept - 1.0).abs() < 0.005, "{kept}");
    }

    #[test]
    fn the_start_of_the_ring_does_not_matter() {
        let mut circle = circle(50.0, 10, 301);
        let simple = circle.simplified(10);
        circle.polygons[0].rings[0].rotate_left(123);
        assert_eq!(circle.simplified(10), simple);
    }

    #[test]
    fn a_small_island_stays_and_an_invisible_one_goes() {
        assert!(circle(1.5, 8, 40).simplified(8).vertices() >= 3);
        assert!(circle(0.5, 8, 40).simplified(8).is_empty());
    }

    #[test]
    fn neighbours_keep_one_border_between_their_joints() {
        use crate::geo::{BBox, Borders};
        // A grid of areas whose common borders are jagged, the same on both sides, some walked the other way round.
        let (side, steps) = (4_i32, 60_i32);
        let jag =
            |a: i32, b: i32, n: i32| f64::from((a * 7919 + b * 104_729 + n * 31_337) % 97 - 48) / 97.0 * 0.01;
        let corner = |x: i32, y: i32| (105.0 + 0.1 * f64::from(x), 21.0 + 0.1 * f64::from(y));
        let border = |x: i32, y: i32, across: bool| -> Vec<(f64, f64)> {
            let (from, to) = (
                corner(x, y),
                if across {
                    corner(x + 1, y)
                } else {
                    corner(x, y + 1)
                },
            );
            (0..=steps)
                .map(|n| {
                    let part = f64::from(n) / f64::from(steps);
                    let off = if n % steps == 0 {
                        0.0
                    } else {
                        jag(x, y, n + i32::from(across))
                    };
                    let (lng, lat) = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
                    if across {
                        (lng, lat + off)
                    } else {
                        (lng + off, lat)
                    }
                })
                .collect()
        };
        let backward = |mut line: Vec<(f64, f64)>| {
            line.reverse();
            line
        };
        let areas: Vec<geo::MultiPolygon<f64>> = (0..side * side)
            .map(|n| {
                let (x, y) = (n % side, n / side);
                let mut ring = [
                    border(x, y, true),
                    border(x + 1, y, false),
                    backward(border(x, y + 1, true)),
                    backward(border(x, y, false)),
                ]
                .concat();
                ring.dedup();
                if n % 3 == 0 {
                    ring.reverse();
                }
                geo::Polygon::new(ring.into(), Vec::new()).into()
            })
            .collect();
        let borders = Borders::within(&BBox::WORLD, areas.iter());
        for zoom in [5, 8, 10, 13] {
            let mut edges: std::collections::BTreeMap<[[u64; 2]; 2], u32> = std::collections::BTreeMap::new();
            let mut vertices = 0;
            for area in &areas {
                let joints = borders.joints(&BBox::WORLD, area, &Joints::default());
                let simple = WorldShape::project(area).simplified_between(zoom, &joints);
                let ring = &simple.polygons[0].rings[0];
                vertices += ring.len();
                for (at, point) in ring.iter().enumerate() {
                    let mut edge = [on_map(*point), on_map(ring[(at + 1) % ring.len()])];
                    edge.sort_unstable();
                    *edges.entry(edge).or_default() += 1;
                }
            }
            // Each edge inside is there twice; those of the frame, four sides of some pieces, once.
            let single = edges.values().filter(|count| **count == 1).count();
            let on_frame = edges
                .keys()
                .filter(|edge| {
                    edge.iter().all(|[x, y]| {
                        let at = WorldPoint {
                            x: f64::from_bits(*x),
                            y: f64::from_bits(*y),
                        }
                        .unproject();
                        let near = |v: f64, wall: f64| (v - wall).abs() < 0.011;
                        near(at.lng(), 105.0)
                            || near(at.lng(), 105.4)
                            || near(at.lat(), 21.0)
                            || near(at.lat(), 21.4)
                    })
                })
                .count();
            assert!(edges.values().all(|count| *count <= 2));
            assert!(single <= on_frame, "zoom {zoom}: {single} of {}", edges.len());
            assert!(zoom > 10 || vertices < areas.len() * 240, "{vertices}");
        }
    }
}
