use std::borrow::Cow;

use geo::{Coord, LineString, MultiPolygon};

/// Edges that share a box.
const EDGES: usize = 32;
/// A degree of a great circle of the mean Earth (IUGG), metres.
const DEGREE_M: f64 = 111_195.08;
/// From this longitude on an edge is looked at on the other side of the antimeridian too.
const NEAR_ANTIMERIDIAN: f64 = 179.0;

/// Which outlines border on each other: of each the numbers of the others, ascending. Two border where their lines touch,
/// cross, or run within so many metres of each other; one that lies inside another, far from its lines, does not.
///
/// Distances are taken on a plane as wide as the Earth is in the middle of where both boxes meet: for outlines of a few
/// degrees that is within a hundredth of the distance. Pairs that `may_meet` (smaller number first) rules out are not
/// looked at.
#[must_use]
pub fn neighbours(
    shapes: &[&MultiPolygon<f64>],
    within_m: f64,
    may_meet: impl Fn(usize, usize) -> bool,
) -> Vec<Box<[u32]>> {
    let outlines: Vec<Outline<'_>> = shapes.iter().map(|shape| Outline::of(shape)).collect();
    let mut order: Vec<usize> = (0..outlines.len())
        .filter(|at| !outlines[*at].strips.is_empty())
        .collect();
    order.sort_by(|a, b| outlines[*a].around.min.x.total_cmp(&outlines[*b].around.min.x));
    let mut found: Vec<Vec<u32>> = vec![Vec::new(); outlines.len()];
    for (nth, &one) in order.iter().enumerate() {
        let around = &outlines[one].around;
        let reach = Reach::of(within_m, around.min.y, around.max.y);
        for &other in &order[nth + 1..] {
            if outlines[other].around.min.x > around.max.x + reach.lng {
                break;
            }
            if may_meet(one.min(other), one.max(other))
                && outlines[one].borders_on(&outlines[other], within_m)
            {
                found[one].push(other as u32);
                found[other].push(one as u32);
            }
        }
    }
    found
        .into_iter()
        .map(|mut numbers| {
            numbers.sort_unstable();
            numbers.into()
        })
        .collect()
}

/// All edges of an area, holes too: what fills a hole borders on what is around it.
struct Outline<'a> {
    strips: Vec<Strip<'a>>,
    around: Extent,
}

/// A few edges in a row.
struct Strip<'a> {
    corners: Cow<'a, [Coord<f64>]>,
    around: Extent,
}

/// A box, degrees. East of the antimeridian longitudes go on above 180.
#[derive(Clone, Copy)]
struct Extent {
    min: Coord<f64>,
    max: Coord<f64>,
}

/// A distance in degrees.
#[derive(Clone, Copy)]
struct Reach {
    lng: f64,
    lat: f64,
}

impl<'a> Outline<'a> {
    fn of(shape: &'a MultiPolygon<f64>) -> Self {
        let rings = shape
            .iter()
            .flat_map(|part| std::iter::once(part.exterior()).chain(part.interiors()));
        let strips: Vec<Strip<'a>> = rings.flat_map(strips).collect();
        let around = strips.iter().map(|strip| strip.around).reduce(Extent::with);
        Self {
            around: around.unwrap_or(Extent {
                min: Coord::zero(),
                max: Coord::zero(),
            }),
            strips,
        }
    }

    fn borders_on(&self, other: &Self, within_m: f64) -> bool {
        let low = self.around.min.y.max(other.around.min.y);
        let high = self.around.max.y.min(other.around.max.y);
        let reach = Reach::of(within_m, low.min(high), high.max(low));
        if !self.around.is_near(&other.around, reach) {
            return false;
        }
        let mut theirs: Vec<&Strip<'_>> = other
            .strips
            .iter()
            .filter(|strip| strip.around.is_near(&self.around, reach))
            .collect();
        theirs.sort_by(|a, b| a.around.min.x.total_cmp(&b.around.min.x));
        let widest = theirs
            .iter()
            .map(|strip| strip.around.width())
            .fold(0.0, f64::max);
        let plane = Plane::at(f64::midpoint(low, high));
        let ours = self
            .strips
            .iter()
            .filter(|strip| strip.around.is_near(&other.around, reach));
        ours.into_iter().any(|strip| {
            let from = strip.around.min.x - reach.lng - widest;
            let first = theirs.partition_point(|each| each.around.min.x < from);
            theirs[first..]
                .iter()
                .take_while(|each| each.around.min.x <= strip.around.max.x + reach.lng)
                .any(|each| {
                    strip.around.is_near(&each.around, reach)
                        && plane.come_near(&strip.corners, &each.corners, within_m)
                })
        })
    }
}

/// A ring cut into strips, those near the antimeridian on both sides of it.
fn strips(ring: &LineString<f64>) -> Vec<Strip<'_>> {
    let jumps = |pair: &[Coord<f64>]| turn(pair[0].x, pair[1].x) != 0.0;
    let mut strips: Vec<Strip<'_>> = if ring.0.windows(2).any(jumps) {
        let mut shift = 0.0;
        let mut before: Option<f64> = None;
        let unrolled: Vec<Coord<f64>> = ring
            .0
            .iter()
            .map(|corner| {
                shift += before.map_or(0.0, |before| turn(before, corner.x));
                before = Some(corner.x);
                Coord {
                    x: corner.x + shift,
                    y: corner.y,
                }
            })
            .collect();
        cut(&unrolled)
            .map(|corners| Strip::new(Cow::Owned(corners.to_vec())).normal())
            .collect()
    } else {
        cut(&ring.0)
            .map(|corners| Strip::new(Cow::Borrowed(corners)))
            .collect()
    };
    let behind: Vec<Strip<'_>> = strips
        .iter()
        .filter(|strip| strip.around.max.x > NEAR_ANTIMERIDIAN)
        .map(|strip| strip.moved(-360.0))
        .collect();
    strips.extend(behind);
    strips
}

/// By how much longitudes go on after an edge of more than 180°, which crosses the antimeridian; one of exactly 360° runs
/// around the world.
fn turn(from: f64, to: f64) -> f64 {
    let step = to - from;
    if step.abs() > 180.0 && step.abs() < 360.0 {
        -360.0 * step.signum()
    } else {
        0.0
    }
}

/// Each piece begins with the corner that the one before ends with.
fn cut(corners: &[Coord<f64>]) -> impl Iterator<Item = &[Coord<f64>]> {
    let starts = (0..corners.len().saturating_sub(1)).step_by(EDGES);
    starts.map(|from| &corners[from..corners.len().min(from + EDGES + 1)])
}

impl<'a> Strip<'a> {
    fn new(corners: Cow<'a, [Coord<f64>]>) -> Self {
        let first = corners.first().copied().unwrap_or_default();
        let start = Extent {
            min: first,
            max: first,
        };
        let around = corners.iter().fold(start, |all, corner| {
            all.with(Extent {
                min: *corner,
                max: *corner,
            })
        });
        Self { corners, around }
    }

    fn moved(&self, by_lng: f64) -> Strip<'static> {
        let moved = self.corners.iter().map(|corner| Coord {
            x: corner.x + by_lng,
            y: corner.y,
        });
        Strip::new(Cow::Owned(moved.collect()))
    }

    /// Beginning between -180 and 180.
    fn normal(self) -> Self {
        let rounds = ((self.around.min.x + 180.0) / 360.0).floor();
        if rounds == 0.0 {
            self
        } else {
            self.moved(-360.0 * rounds)
        }
    }
}

impl Extent {
    fn with(self, other: Self) -> Self {
        Self {
            min: Coord {
                x: self.min.x.min(other.min.x),
                y: self.min.y.min(other.min.y),
            },
            max: Coord {
                x: self.max.x.max(other.max.x),
                y: self.max.y.max(other.max.y),
            },
        }
    }

    fn width(&self) -> f64 {
        self.max.x - self.min.x
    }

    fn is_near(&self, other: &Self, reach: Reach) -> bool {
        self.min.x <= other.max.x + reach.lng
            && other.min.x <= self.max.x + reach.lng
            && self.min.y <= other.max.y + reach.lat
            && other.min.y <= self.max.y + reach.lat
    }
}

impl Reach {
    /// Enough for the distance anywhere between two latitudes.
    fn of(within_m: f64, low: f64, high: f64) -> Self {
        let lat = within_m / DEGREE_M;
        let farthest = (low.abs().max(high.abs()) + lat).min(90.0);
        // At a pole everything is near.
        let narrow = farthest.to_radians().cos().max(0.0);
        Self {
            lng: lat / narrow,
            lat,
        }
    }
}

/// Metres a degree east and a degree north around a place.
#[derive(Clone, Copy)]
struct Plane {
    east: f64,
    north: f64,
}

/// Metres from some origin.
type Point = [f64; 2];

impl Plane {
    fn at(lat: f64) -> Self {
        Self {
            east: DEGREE_M * lat.to_radians().cos(),
            north: DEGREE_M,
        }
    }

    /// Whether two rows of edges come so near.
    fn come_near(self, one: &[Coord<f64>], other: &[Coord<f64>], within_m: f64) -> bool {
        let origin = one[0];
        let on_plane = |corner: &Coord<f64>| {
            [
                (corner.x - origin.x) * self.east,
                (corner.y - origin.y) * self.north,
            ]
        };
        one.windows(2).any(|edge| {
            let (from, to) = (on_plane(&edge[0]), on_plane(&edge[1]));
            other.windows(2).any(|edge| {
                let theirs = (on_plane(&edge[0]), on_plane(&edge[1]));
                are_close((from, to), theirs, within_m)
            })
        })
    }
}

fn are_close(one: (Point, Point), other: (Point, Point), within_m: f64) -> bool {
    for axis in 0..2 {
        let span = |(a, b): (Point, Point)| (a[axis].min(b[axis]), a[axis].max(b[axis]));
        let ((low, high), (from, to)) = (span(one), span(other));
        if low > to + within_m || from > high + within_m {
            return false;
        }
    }
    let limit_2 = within_m * within_m;
    let ends = [(one.0, other), (one.1, other), (other.0, one), (other.1, one)];
    ends.iter().any(|(end, edge)| distance_2(*end, *edge) <= limit_2) || cross(one, other)
}

/// From a point to an edge.
fn distance_2(point: Point, (from, to): (Point, Point)) -> f64 {
    let (along, away) = (minus(to, from), minus(point, from));
    let length_2 = dot(along, along);
    let share = if length_2 > 0.0 {
        (dot(away, along) / length_2).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let foot = [away[0] - share * along[0], away[1] - share * along[1]];
    dot(foot, foot)
}

/// Whether each edge has its ends on both sides of the other. Where an end lies on the other edge, the distance is 0.
fn cross((a, b): (Point, Point), (c, d): (Point, Point)) -> bool {
    let side = |from: Point, to: Point, of: Point| {
        let (along, away) = (minus(to, from), minus(of, from));
        along[0] * away[1] - along[1] * away[0]
    };
    side(a, b, c) * side(a, b, d) < 0.0 && side(c, d, a) * side(c, d, b) < 0.0
}

fn minus(a: Point, b: Point) -> Point {
    [a[0] - b[0], a[1] - b[1]]
}

fn dot(a: Point, b: Point) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::{Polygon, polygon};

    fn boxed(min: (f64, f64), max: (f64, f64)) -> MultiPolygon<f64> {
        let (west, south, east, north) = (min.0, min.1, max.0, max.1);
        MultiPolygon(vec![polygon![
            (x: west, y: south), (x: east, y: south), (x: east, y: north), (x: west, y: north),
        ]])
    }

    fn found(shapes: &[MultiPolygon<f64>]) -> Vec<Vec<u32>> {
        let shapes: Vec<&MultiPolygon<f64>> = shapes.iter().collect();
        let found = neighbours(&shapes, 30.0, |_, _| true);
        found.iter().map(|numbers| numbers.to_vec()).collect()
    }

    #[test]
    fn a_common_border_a_corner_a_crossing_and_a_sliver_make_neighbours() {
        let home = boxed((105.0, 21.0), (105.1, 21.1));
        // 0.0001° of longitude are 10.4 m here, 0.0004° are 41.5 m.
        let others = [
            (boxed((105.1, 21.05), (105.2, 21.2)), true),
            (boxed((105.1, 21.1), (105.2, 21.2)), true),
            (boxed((105.05, 21.05), (105.2, 21.2)), true),
            (boxed((105.1001, 21.0), (105.2, 21.1)), true),
            (boxed((105.1004, 21.0), (105.2, 21.1)), false),
            (boxed((105.0, 21.1004), (105.1, 21.2)), false),
            // Inside, away from the border.
            (boxed((105.04, 21.04), (105.06, 21.06)), false),
        ];
        for (nth, (other, is_beside)) in others.into_iter().enumerate() {
            let expected = if is_beside { vec![1] } else { vec![] };
            assert_eq!(found(&[home.clone(), other])[0], expected, "{nth}");
        }
    }

    #[test]
    fn what_fills_a_hole_borders_on_what_is_around_it() {
        let ring = |(west, east): (f64, f64)| boxed((west, west - 84.0), (east, east - 84.0));
        let inside = ring((105.2, 105.4));
        let outer = ring((105.0, 105.6)).0.remove(0);
        let hole = inside.0[0].exterior().clone();
        let around = MultiPolygon(vec![Polygon::new(outer.exterior().clone(), vec![hole])]);
        assert_eq!(found(&[around, inside]), [vec![1], vec![0]]);
    }

    #[test]
    fn the_antimeridian_parts_nobody() {
        let west = boxed((179.0, -17.0), (180.0, -16.0));
        let east = boxed((-180.0, -17.0), (-179.5, -16.0));
        let over = MultiPolygon(vec![polygon![
            (x: 179.5, y: -16.0), (x: -179.5, y: -16.0), (x: -179.5, y: -15.0), (x: 179.5, y: -15.0),
        ]]);
        let far = boxed((-179.0, -17.0), (-178.0, -16.0));
        assert_eq!(
            found(&[west, east, over, far]),
            [vec![1, 2], vec![0, 2], vec![0, 1], vec![]]
        );
    }

    #[test]
    fn an_empty_outline_has_no_neighbours_and_pairs_can_be_ruled_out() {
        let home = boxed((105.0, 21.0), (105.1, 21.1));
        assert_eq!(
            found(&[home.clone(), MultiPolygon(Vec::new()), home.clone()]),
            [vec![2], vec![], vec![0]]
        );
        let none = neighbours(&[&home, &home], 30.0, |_, _| false);
        assert!(none.iter().all(|numbers| numbers.is_empty()));
    }
}
