use crate::geo::rings::{WorldPolygon, WorldRing, signed_area};
use crate::geo::{EXTENT, WorldPoint, WorldShape};

impl WorldShape {
    /// The shape with the detail that a zoom can show: no vertex moves, and the outline strays
    /// by at most one tile unit (an eighth of a pixel). Simplified before cutting, so the
    /// tiles of a zoom meet exactly. A part below a sixteenth of a pixel's area is left out; an
    /// island above it stays.
    #[must_use]
    pub fn simplified(&self, zoom: u8) -> Self {
        let unit = 1.0 / (f64::from(1_u32 << zoom) * f64::from(EXTENT));
        let visible = |ring: &WorldRing| signed_area(ring).abs() >= MIN_PART_UNITS_2 * unit * unit;
        let polygons = self.polygons.iter().filter_map(|polygon| {
            let (exterior, holes) = polygon.rings.split_first()?;
            if !visible(exterior) {
                return None;
            }
            let mut rings = vec![simplify_ring(exterior, unit)];
            rings.extend(
                holes
                    .iter()
                    .filter(|hole| visible(hole))
                    .map(|hole| simplify_ring(hole, unit)),
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

/// Douglas–Peucker on a ring, anchored at its westernmost vertex, the vertex farthest from that, and the
/// one farthest from the line between them: the result does not depend on where the ring starts
/// and never has fewer than three vertices.
fn simplify_ring(ring: &[WorldPoint], tolerance: f64) -> WorldRing {
    let count = ring.len();
    if count <= 4 {
        return ring.to_vec();
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
            .max_by(|&a, &b| distance_2(at(a)).total_cmp(&distance_2(at(b))))
            .unwrap_or(0)
    };
    let far = farthest(&|p| squared(p.x - at(0).x, p.y - at(0).y));
    let side = farthest(&|p| segment_distance_2(p, at(0), at(far)));
    let mut keep = vec![false; count + 1];
    let mut anchors = [0, far.min(side), far.max(side), count];
    anchors.sort_unstable();
    let mut spans: Vec<(usize, usize)> = anchors.windows(2).map(|pair| (pair[0], pair[1])).collect();
    for anchor in anchors {
        keep[anchor] = true;
    }
    while let Some((from, to)) = spans.pop() {
        let (mut worst, mut worst_2) = (from, tolerance * tolerance);
        for index in from + 1..to {
            let distance_2 = segment_distance_2(at(index), at(from), at(to));
            if distance_2 > worst_2 {
                (worst, worst_2) = (index, distance_2);
            }
        }
        if worst != from {
            keep[worst] = true;
            spans.push((from, worst));
            spans.push((worst, to));
        }
    }
    (0..count).filter(|&index| keep[index]).map(at).collect()
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
}
