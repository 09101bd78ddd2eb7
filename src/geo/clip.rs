/// A ring in tile units, without its closing vertex.
pub(super) type UnitRing = Vec<[f64; 2]>;

/// Cuts one polygon (an exterior and its holes, wound oppositely) to a square, `min..=max` on both axes.
/// One side after the other; at each the pieces inside are joined again along the cut in the order in which
/// they cross it, so a concave shape falls into several rings instead of one with slivers along the edge,
/// and a hole that reaches the edge becomes part of the outline.
pub(super) fn clip_to_square(mut rings: Vec<UnitRing>, min: f64, max: f64) -> Vec<UnitRing> {
    for axis in [0, 1] {
        rings = clip_half_plane(rings, axis, &|p| p[axis] - min);
        rings = clip_half_plane(rings, axis, &|p| max - p[axis]);
    }
    rings
}

/// Where the outline crosses the cut.
struct Crossing {
    along: f64,
    piece: usize,
    enters: bool,
}

/// Keeps what has `depth >= 0`. A vertex on the cut counts as inside everywhere, so every ring
/// crosses it an even number of times; what is merely touched comes out without area and falls to the snapping.
fn clip_half_plane(rings: Vec<UnitRing>, axis: usize, depth: &dyn Fn(&[f64; 2]) -> f64) -> Vec<UnitRing> {
    let mut kept = Vec::with_capacity(rings.len());
    let mut pieces: Vec<UnitRing> = Vec::new();
    let mut crossings: Vec<Crossing> = Vec::new();
    for ring in rings {
        let count = ring.len();
        let inside = |index: usize| depth(&ring[index % count]) >= 0.0;
        let Some(start) = (0..count).find(|&i| !inside(i) && inside(i + 1)) else {
            if count > 0 && inside(0) {
                kept.push(ring);
            }
            continue;
        };
        let mut piece = UnitRing::new();
        for index in start..start + count {
            let (from, to) = (&ring[index % count], &ring[(index + 1) % count]);
            match (inside(index), inside(index + 1)) {
                (false, true) => {
                    let at = cut(from, to, depth);
                    crossings.push(Crossing {
                        along: at[1 - axis],
                        piece: pieces.len(),
                        enters: true,
                    });
                    piece = vec![at, *to];
                }
                (true, true) => piece.push(*to),
                (true, false) => {
                    let at = cut(from, to, depth);
                    crossings.push(Crossing {
                        along: at[1 - axis],
                        piece: pieces.len(),
                        enters: false,
                    });
                    piece.push(at);
                    pieces.push(std::mem::take(&mut piece));
                }
                (false, false) => {}
            }
        }
    }
    kept.extend(join(pieces, crossings));
    kept
}

/// Along the cut the shape's inside lies between every second pair of neighbouring crossings. The stack also
/// settles crossings at the same place, and crossed input, without losing a piece.
fn join(mut pieces: Vec<UnitRing>, mut crossings: Vec<Crossing>) -> Vec<UnitRing> {
    crossings.sort_by(|a, b| a.along.total_cmp(&b.along));
    let mut next = vec![0; pieces.len()];
    let mut open: Vec<&Crossing> = Vec::new();
    for crossing in &crossings {
        match open.pop_if(|other| other.enters != crossing.enters) {
            Some(other) if other.enters => next[crossing.piece] = other.piece,
            Some(other) => next[other.piece] = crossing.piece,
            None => open.push(crossing),
        }
    }
    let mut rings = Vec::new();
    for first in 0..pieces.len() {
        let mut ring = std::mem::take(&mut pieces[first]);
        if ring.is_empty() {
            continue;
        }
        let mut piece = next[first];
        while piece != first {
            ring.append(&mut pieces[piece]);
            piece = next[piece];
        }
        rings.push(ring);
    }
    rings
}

fn cut(from: &[f64; 2], to: &[f64; 2], depth: &dyn Fn(&[f64; 2]) -> f64) -> [f64; 2] {
    // From the outer end, whichever it is: two neighbours cut their common edge at the very same point.
    let (inner, outer) = if depth(from) >= 0.0 {
        (from, to)
    } else {
        (to, from)
    };
    let (near, far) = (depth(inner), depth(outer));
    let part = near / (near - far);
    [
        inner[0] + (outer[0] - inner[0]) * part,
        inner[1] + (outer[1] - inner[1]) * part,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(rings: &[UnitRing]) -> f64 {
        let ring_area = |ring: &UnitRing| {
            let n = ring.len();
            (0..n)
                .map(|i| ring[i][0] * ring[(i + 1) % n][1] - ring[(i + 1) % n][0] * ring[i][1])
                .sum::<f64>()
                / 2.0
        };
        rings.iter().map(ring_area).sum()
    }

    fn rect(x0: f64, y0: f64, x1: f64, y1: f64) -> UnitRing {
        vec![[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
    }

    fn reversed(mut ring: UnitRing) -> UnitRing {
        ring.reverse();
        ring
    }

    #[test]
    fn a_comb_falls_into_its_teeth() {
        // Teeth inside the square, their common back outside: the clip of a textbook leaves slivers here.
        let mut comb: UnitRing = Vec::new();
        for tooth in 0..5 {
            let x = f64::from(tooth) * 20.0;
            comb.extend([[x, 150.0], [x, 50.0], [x + 10.0, 50.0], [x + 10.0, 150.0]]);
        }
        comb.extend([[90.0, 160.0], [0.0, 160.0]]);
        let clipped = clip_to_square(vec![comb], 0.0, 100.0);
        assert_eq!(clipped.len(), 5);
        assert!((area(&clipped).abs() - 5.0 * 10.0 * 50.0).abs() < 1e-9);
        assert!(
            clipped
                .iter()
                .all(|ring| (area(std::slice::from_ref(ring)).abs() - 500.0).abs() < 1e-9)
        );
    }

    #[test]
    fn a_hole_across_the_edge_becomes_outline() {
        let frame = vec![
            rect(-50.0, 20.0, 150.0, 80.0),
            reversed(rect(-20.0, 40.0, 30.0, 60.0)),
        ];
        let clipped = clip_to_square(frame, 0.0, 100.0);
        assert_eq!(clipped.len(), 1);
        assert!((area(&clipped) - (6000.0 - 600.0)).abs() < 1e-9);
    }

    #[test]
    fn a_hole_across_the_whole_square_splits_it() {
        let frame = vec![
            rect(-50.0, -50.0, 150.0, 150.0),
            reversed(rect(-20.0, 40.0, 120.0, 60.0)),
        ];
        let clipped = clip_to_square(frame, 0.0, 100.0);
        assert_eq!(clipped.len(), 2);
        assert!((area(&clipped) - 8000.0).abs() < 1e-9);
    }

    #[test]
    fn a_shape_around_the_square_fills_it_and_one_beside_it_vanishes() {
        let clipped = clip_to_square(vec![rect(-500.0, -500.0, 500.0, 500.0)], 0.0, 100.0);
        assert!((area(&clipped) - 10_000.0).abs() < 1e-9);
        // Outside a corner: an envelope test alone would keep the corner as a sliver.
        let beside = vec![vec![[-50.0, 40.0], [40.0, -50.0], [-50.0, -50.0]]];
        assert!(area(&clip_to_square(beside, 0.0, 100.0)).abs() < 1e-9);
    }

    #[test]
    fn clipping_agrees_with_boolean_operations_on_random_stars() {
        use geo::{Area as _, BooleanOps as _};
        let mut seed = 7_u64;
        let mut random = move || {
            seed = seed
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (seed >> 11) as f64 / (1_u64 << 53) as f64
        };
        for _ in 0..300 {
            let (cx, cy, count) = (
                random() * 140.0 - 20.0,
                random() * 140.0 - 20.0,
                3 + (random() * 60.0) as u32,
            );
            let star = |scale: f64, random: &mut dyn FnMut() -> f64| -> UnitRing {
                (0..count)
                    .map(|i| {
                        let angle = f64::from(i) / f64::from(count) * std::f64::consts::TAU;
                        let radius = scale * (0.5 + random());
                        [cx + radius * angle.cos(), cy + radius * angle.sin()]
                    })
                    .collect()
            };
            let outer = star(60.0, &mut random);
            let inner = reversed(star(8.0, &mut random));
            let line = |ring: &UnitRing| {
                geo::LineString::from(ring.iter().map(|p| (p[0], p[1])).collect::<Vec<_>>())
            };
            let polygon = geo::Polygon::new(line(&outer), vec![line(&inner)]);
            let square = geo::Rect::new((0.0, 0.0), (100.0, 100.0)).to_polygon();
            let holes_inside = count >= 5;
            if !holes_inside {
                continue;
            }
            let expected = polygon.intersection(&square).unsigned_area();
            let got = area(&clip_to_square(vec![outer, inner], 0.0, 100.0));
            assert!(
                (expected - got).abs() < 1e-3 * expected.max(1.0),
                "{expected} {got}"
            );
        }
    }
}
