use ::geo::algorithm::coordinate_position::{CoordPos, coord_pos_relative_to_ring};
use ::geo::orient::{Direction, Orient};
use ::geo::{
    BooleanOps, BoundingRect, Coord, Intersects, LineString, MapCoords, MultiPolygon, Polygon, Rect,
};

use crate::geo::{BBox, LngLat};
use crate::ingest::Limits;
use crate::ingest::shape::crossings::{Meeting, find_meeting};
use crate::ingest::shape::parse::Unusable;

/// Where a shape must lie, and what it may cost.
pub struct Fit<'l> {
    pub limits: &'l Limits,
    /// At least one vertex must lie inside.
    pub bounds: Option<BBox>,
}

type Ring = Vec<Coord<f64>>;

/// Checks rings as they were written and makes them a valid multipolygon: rings wound after
/// RFC 7946, repeated points dropped, shapes over the antimeridian cut there.
pub fn multi_polygon(polygons: Vec<Vec<Ring>>, fit: &Fit<'_>) -> Result<MultiPolygon<f64>, Unusable> {
    if polygons.is_empty() || polygons.iter().any(Vec::is_empty) {
        return refuse("has no rings", "at least one closed ring");
    }
    let mut cleaned = Vec::with_capacity(polygons.len());
    let mut wraps = false;
    for rings in polygons {
        let mut rings = rings.into_iter().map(clean_ring).collect::<Result<Vec<_>, _>>()?;
        wraps |= unwrap_antimeridian(&mut rings)?;
        cleaned.push(rings);
    }
    check_bounds(&cleaned, fit)?;
    let shape = MultiPolygon::new(
        cleaned
            .into_iter()
            .map(|rings| {
                let mut lines = rings.into_iter().map(LineString::new);
                let exterior = lines.next().unwrap_or_else(|| LineString::new(Vec::new()));
                Polygon::new(exterior, lines.collect())
            })
            .collect(),
    );
    let mut work = fit.limits.shape_work;
    check_meetings(&shape, &mut work)?;
    let shape = if wraps { cut_at_antimeridian(&shape) } else { shape };
    Ok(shape.orient(Direction::Default))
}

fn refuse<T>(reason: impl Into<String>, expected: impl Into<String>) -> Result<T, Unusable> {
    Err((reason.into(), expected.into()))
}

fn at(c: Coord<f64>) -> String {
    format!("{},{}", c.x, c.y)
}

fn clean_ring(ring: Ring) -> Result<Ring, Unusable> {
    for c in &ring {
        if LngLat::new(c.x, c.y).is_err() {
            let turned = LngLat::new(c.y, c.x).is_ok();
            let hint = if turned { "; lng and lat look swapped" } else { "" };
            return refuse(
                format!("has the position {} outside the globe{hint}", at(*c)),
                "lng -180..180, then lat -90..90",
            );
        }
    }
    let (Some(first), Some(last)) = (ring.first().copied(), ring.last().copied()) else {
        return refuse("has an empty ring", "rings of at least 4 positions");
    };
    if first != last {
        return refuse(
            format!(
                "has a ring that is not closed: it begins at {} and ends at {}",
                at(first),
                at(last)
            ),
            "rings whose last position repeats the first",
        );
    }
    let mut clean = ring;
    clean.dedup();
    if clean.len() < 4 {
        return refuse(
            format!(
                "has a ring of {} different positions near {}",
                clean.len().saturating_sub(1),
                at(first)
            ),
            "rings of at least 4 positions, the last repeating the first",
        );
    }
    Ok(clean)
}

/// Turns a jump over the antimeridian into longitudes that go on beyond ±180.
fn unwrap_antimeridian(rings: &mut [Ring]) -> Result<bool, Unusable> {
    let mut wraps = false;
    for ring in rings.iter_mut() {
        let mut shift = 0.0;
        let mut before = ring[0].x;
        for c in ring.iter_mut().skip(1) {
            let step = c.x - before;
            before = c.x;
            if step.abs() > 180.0 && step.abs() < 360.0 {
                shift -= 360.0 * step.signum();
                wraps = true;
            }
            c.x += shift;
        }
        if shift != 0.0 {
            return refuse("goes round a pole", "a shape that leaves the poles outside");
        }
    }
    if wraps && rings.len() > 1 {
        // Holes are moved to the same side as their exterior.
        let reach = |ring: &Ring| {
            let west = ring.iter().map(|c| c.x).fold(f64::INFINITY, f64::min);
            let east = ring.iter().map(|c| c.x).fold(f64::NEG_INFINITY, f64::max);
            (west, east)
        };
        let (west, east) = reach(&rings[0]);
        for hole in &mut rings[1..] {
            let (hole_west, hole_east) = reach(hole);
            let shift = if hole_west < west {
                360.0
            } else if hole_east > east {
                -360.0
            } else {
                0.0
            };
            for c in hole.iter_mut() {
                c.x += shift;
            }
        }
    }
    Ok(wraps)
}

fn check_bounds(polygons: &[Vec<Ring>], fit: &Fit<'_>) -> Result<(), Unusable> {
    let Some(bounds) = fit.bounds else {
        return Ok(());
    };
    let any = |inside: &dyn Fn(&Coord<f64>) -> bool| polygons.iter().flatten().flatten().any(inside);
    if any(&|c| LngLat::new(c.x, c.y).is_ok_and(|at| bounds.contains(at))) {
        return Ok(());
    }
    let swapped = any(&|c| LngLat::new(c.y, c.x).is_ok_and(|at| bounds.contains(at)));
    refuse(
        if swapped {
            "lies outside the bounds; lng and lat look swapped"
        } else {
            "lies outside the bounds"
        },
        format!(
            "a shape inside lng {}..{}, lat {}..{}",
            bounds.min_lng, bounds.max_lng, bounds.min_lat, bounds.max_lat
        ),
    )
}

fn check_meetings(shape: &MultiPolygon<f64>, work: &mut u64) -> Result<(), Unusable> {
    let rings: Vec<&[Coord<f64>]> = shape
        .iter()
        .flat_map(|part| std::iter::once(part.exterior()).chain(part.interiors()))
        .map(|ring| ring.0.as_slice())
        .collect();
    let simple = "rings that neither cross nor touch themselves, nor run along each other";
    let touched = match find_meeting(&rings, work) {
        Ok(touched) => touched,
        Err(Meeting::Crossing(c)) => return refuse(format!("crosses itself at {}", at(c)), simple),
        Err(Meeting::Overlap(c)) => return refuse(format!("runs along itself at {}", at(c)), simple),
        Err(Meeting::Touch(c)) => return refuse(format!("touches itself at {}", at(c)), simple),
        Err(Meeting::TooEntangled) => return too_entangled(),
    };
    let mut ring = 0;
    for part in shape {
        for (n, hole) in part.interiors().iter().enumerate() {
            // Without a touch the whole hole lies on one side; with one, each piece may differ.
            let tests = if touched[ring + 1 + n] { hole.0.len() } else { 1 };
            for pair in hole.0.windows(2).take(tests) {
                let middle = (pair[0] + pair[1]) / 2.0;
                spend(work, 2 * part.exterior().0.len())?;
                if [pair[0], middle]
                    .into_iter()
                    .any(|c| coord_pos_relative_to_ring(c, part.exterior()) == CoordPos::Outside)
                {
                    return refuse(
                        format!("has a hole outside its exterior ring near {}", at(pair[0])),
                        "holes inside the first ring",
                    );
                }
            }
        }
        ring += 1 + part.interiors().len();
    }
    check_parts(shape, work)
}

/// No part may lie inside another: its figures would count twice.
fn check_parts(shape: &MultiPolygon<f64>, work: &mut u64) -> Result<(), Unusable> {
    let mut order: Vec<(Rect<f64>, &Polygon<f64>)> = shape
        .iter()
        .filter_map(|part| part.bounding_rect().map(|rect| (rect, part)))
        .collect();
    order.sort_by(|a, b| a.0.min().x.total_cmp(&b.0.min().x));
    for (n, (rect, part)) in order.iter().enumerate() {
        for (other_rect, other) in &order[n + 1..] {
            if other_rect.min().x > rect.max().x {
                break;
            }
            spend(work, 1)?;
            if !rect.intersects(other_rect) {
                continue;
            }
            if lies_inside(part, other, work)? || lies_inside(other, part, work)? {
                return refuse(
                    format!("has a part inside another near {}", at(rect.center())),
                    "parts that do not overlap",
                );
            }
        }
    }
    Ok(())
}

/// For parts that do not cross: the first corner off the other's boundary decides.
fn lies_inside(part: &Polygon<f64>, other: &Polygon<f64>, work: &mut u64) -> Result<bool, Unusable> {
    for &corner in &part.exterior().0 {
        spend(work, other.exterior().0.len())?;
        match coord_pos_relative_to_ring(corner, other.exterior()) {
            CoordPos::OnBoundary => {}
            CoordPos::Outside => return Ok(false),
            CoordPos::Inside => {
                for hole in other.interiors() {
                    spend(work, hole.0.len())?;
                    if coord_pos_relative_to_ring(corner, hole) != CoordPos::Outside {
                        return Ok(false);
                    }
                }
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn spend(work: &mut u64, steps: usize) -> Result<(), Unusable> {
    match work.checked_sub(steps as u64) {
        Some(left) => {
            *work = left;
            Ok(())
        }
        None => too_entangled(),
    }
}

fn too_entangled<T>() -> Result<T, Unusable> {
    refuse(
        "is too entangled to be checked in bounded time",
        "a simpler outline: fewer vertices, or edges that lie less over each other",
    )
}

fn cut_at_antimeridian(shape: &MultiPolygon<f64>) -> MultiPolygon<f64> {
    let mut parts = Vec::new();
    for turn in [-360.0, 0.0, 360.0] {
        let window = Rect::new(
            Coord {
                x: turn - 180.0,
                y: -90.0,
            },
            Coord {
                x: turn + 180.0,
                y: 90.0,
            },
        );
        let cut = shape.intersection(&window.to_polygon());
        parts.extend(cut.map_coords(|c| Coord {
            x: (c.x - turn).clamp(-180.0, 180.0),
            y: c.y.clamp(-90.0, 90.0),
        }));
    }
    MultiPolygon::new(parts)
}

#[cfg(test)]
mod tests {
    use ::geo::{Area, Validation, Winding};
    use proptest::prelude::*;

    use super::*;

    fn ring(points: &[(f64, f64)]) -> Ring {
        points.iter().map(|&(x, y)| Coord { x, y }).collect()
    }

    fn check(polygons: Vec<Vec<Ring>>) -> Result<MultiPolygon<f64>, Unusable> {
        let limits = Limits::HTTP;
        multi_polygon(
            polygons,
            &Fit {
                limits: &limits,
                bounds: None,
            },
        )
    }

    fn square(x: f64, y: f64, side: f64) -> Ring {
        ring(&[(x, y), (x, y + side), (x + side, y + side), (x + side, y), (x, y)])
    }

    #[test]
    fn clockwise_rings_are_rewound() {
        let shape = check(vec![vec![square(0., 0., 4.), square(1., 1., 1.)]]).unwrap();
        assert!(shape.0[0].exterior().is_ccw());
        assert!(shape.0[0].interiors()[0].is_cw());
        assert_eq!(shape.unsigned_area(), 15.0);
    }

    #[test]
    fn each_kind_of_bad_ring_is_told_apart() {
        let open = ring(&[(0., 0.), (1., 0.), (1., 1.), (0., 1.)]);
        let flat = ring(&[(0., 0.), (1., 0.), (1., 0.), (0., 0.)]);
        let swapped = ring(&[(21., 105.), (22., 105.), (22., 106.), (21., 105.)]);
        for (polygons, reason) in [
            (vec![], "no rings"),
            (vec![vec![open]], "not closed"),
            (vec![vec![flat]], "2 different positions"),
            (vec![vec![swapped]], "look swapped"),
            (vec![vec![square(0., 0., 1.), square(5., 5., 1.)]], "hole outside"),
            (
                vec![vec![square(0., 0., 4.), square(3., 3., 4.)]],
                "crosses itself",
            ),
            (
                vec![vec![square(0., 0., 4.)], vec![square(1., 1., 1.)]],
                "part inside another",
            ),
            (
                vec![vec![square(0., 0., 4.)], vec![square(0., 0., 4.)]],
                "runs along",
            ),
        ] {
            let (found, _) = check(polygons).unwrap_err();
            assert!(found.contains(reason), "{found} for {reason}");
        }
    }

    #[test]
    fn a_part_in_another_parts_hole_is_fine() {
        let shape = check(vec![
            vec![square(0., 0., 9.), square(1., 1., 7.)],
            vec![square(3., 3., 2.)],
        ]);
        assert_eq!(shape.unwrap().unsigned_area(), 81. - 49. + 4.);
    }

    #[test]
    fn a_shape_over_the_antimeridian_is_cut_there() {
        let across = ring(&[
            (179., -17.),
            (-179., -17.),
            (-179., -16.),
            (179., -16.),
            (179., -17.),
        ]);
        let shape = check(vec![vec![across]]).unwrap();
        assert_eq!(shape.0.len(), 2);
        assert!((shape.unsigned_area() - 2.0).abs() < 1e-6);
        assert!(shape.is_valid());
        let split = vec![
            vec![ring(&[
                (179., 0.),
                (180., 0.),
                (180., 1.),
                (179., 1.),
                (179., 0.),
            ])],
            vec![ring(&[
                (-180., 0.),
                (-179., 0.),
                (-179., 1.),
                (-180., 1.),
                (-180., 0.),
            ])],
        ];
        assert_eq!(check(split).unwrap().0.len(), 2);
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_valid_to_geo_as_well(points in prop::collection::vec((0..8_i32, 0..8_i32), 3..9)) {
            let mut coords: Ring = points.iter().map(|&(x, y)| Coord { x: f64::from(x), y: f64::from(y) }).collect();
            coords.push(coords[0]);
            let theirs = Polygon::new(LineString::new(coords.clone()), vec![]).is_valid();
            match check(vec![vec![coords]]) {
                Ok(shape) => prop_assert!(shape.is_valid()),
                // geo lets flat triangles and spikes pass; we do not.
                Err((reason, _)) => prop_assert!(!theirs || !reason.contains("crosses")),
            }
        }
    }
}
