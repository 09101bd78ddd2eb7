use ::geo::line_intersection::{LineIntersection, line_intersection};
use ::geo::{Coord, Line};

/// Where rings meet in a way that a valid shape may not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Meeting {
    /// Two edges cross.
    Crossing(Coord<f64>),
    /// Two edges run along each other, or one turns back on itself.
    Overlap(Coord<f64>),
    /// A ring comes back to one of its own points.
    Touch(Coord<f64>),
    /// The work allowed was spent before an answer was found.
    TooEntangled,
}

/// Edges under one node of the tree.
const FAN: usize = 4;

/// Boxes of consecutive edges: west, south, east, north.
type Bounds = [f64; 4];

/// Finds a forbidden meeting of any two edges, and which rings touch each other in points (allowed).
///
/// Neighbouring edges of a ring lie near each other, so a tree of boxes over them in ring order
/// needs no sorting. Real outlines cost about n log n; `work` bounds the others, which would cost n².
pub fn find_meeting(rings: &[&[Coord<f64>]], work: &mut u64) -> Result<Vec<bool>, Meeting> {
    let mut edges = Vec::new();
    let mut owner = Vec::new();
    let mut spans = Vec::new();
    for (ring, coords) in rings.iter().enumerate() {
        let first = edges.len();
        for pair in coords.windows(2) {
            edges.push(Line::new(pair[0], pair[1]));
            owner.push(ring);
        }
        spans.push(first..edges.len());
    }
    let levels = levels(&edges);
    let mut touched = vec![false; rings.len()];
    let mut open = vec![(levels.len() - 1, 0_usize, 0_usize)];
    while let Some((level, i, j)) = open.pop() {
        *work = work.checked_sub(1).ok_or(Meeting::TooEntangled)?;
        if i != j && !overlap(&levels[level][i], &levels[level][j]) {
            continue;
        }
        if level > 0 {
            let end = levels[level - 1].len();
            for a in i * FAN..(i * FAN + FAN).min(end) {
                let from = if i == j { a } else { j * FAN };
                for b in from..(j * FAN + FAN).min(end) {
                    open.push((level - 1, a, b));
                }
            }
        } else if i != j {
            let (i, j) = (i.min(j), i.max(j));
            let same_ring = owner[i] == owner[j];
            let span = &spans[owner[i]];
            let next = same_ring && j == i + 1;
            let around = same_ring && i == span.start && j + 1 == span.end;
            if next || around {
                let (before, after) = if next {
                    (edges[i], edges[j])
                } else {
                    (edges[j], edges[i])
                };
                if turns_back(before, after) {
                    return Err(Meeting::Overlap(before.end));
                }
                continue;
            }
            match line_intersection(edges[i], edges[j]) {
                None => {}
                Some(LineIntersection::Collinear { intersection })
                    if intersection.start != intersection.end =>
                {
                    return Err(Meeting::Overlap(intersection.start));
                }
                Some(LineIntersection::SinglePoint {
                    intersection,
                    is_proper: true,
                }) => {
                    return Err(Meeting::Crossing(intersection));
                }
                Some(_) if same_ring => return Err(Meeting::Touch(edges[j].start)),
                Some(_) => {
                    touched[owner[i]] = true;
                    touched[owner[j]] = true;
                }
            }
        }
    }
    Ok(touched)
}

/// Whether the second edge runs back along the first.
fn turns_back(before: Line<f64>, after: Line<f64>) -> bool {
    use ::geo::algorithm::kernels::{Kernel, Orientation, RobustKernel};
    let turn = RobustKernel::orient2d(before.start, before.end, after.end);
    turn == Orientation::Collinear && before.dx() * after.dx() + before.dy() * after.dy() < 0.0
}

fn levels(edges: &[Line<f64>]) -> Vec<Vec<Bounds>> {
    let boxes: Vec<Bounds> = edges
        .iter()
        .map(|edge| {
            let (a, b) = (edge.start, edge.end);
            [a.x.min(b.x), a.y.min(b.y), a.x.max(b.x), a.y.max(b.y)]
        })
        .collect();
    let mut levels = vec![boxes];
    while levels[levels.len() - 1].len() > 1 {
        let merged = levels[levels.len() - 1]
            .chunks(FAN)
            .map(|group| group.iter().skip(1).fold(group[0], |sum, part| merge(&sum, part)))
            .collect();
        levels.push(merged);
    }
    levels
}

pub fn merge(a: &Bounds, b: &Bounds) -> Bounds {
    [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]
}

pub fn overlap(a: &Bounds, b: &Bounds) -> bool {
    a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(points: &[(f64, f64)]) -> Vec<Coord<f64>> {
        points.iter().map(|&(x, y)| Coord { x, y }).collect()
    }

    fn find(points: &[(f64, f64)]) -> Result<Vec<bool>, Meeting> {
        find_meeting(&[&ring(points)], &mut 10_000)
    }

    #[test]
    fn a_bow_tie_crosses_and_a_square_does_not() {
        assert_eq!(
            find(&[(0., 0.), (1., 0.), (1., 1.), (0., 1.), (0., 0.)]),
            Ok(vec![false])
        );
        let bow = find(&[(0., 0.), (1., 1.), (1., 0.), (0., 1.), (0., 0.)]);
        assert_eq!(bow, Err(Meeting::Crossing(Coord { x: 0.5, y: 0.5 })));
        let spike = find(&[(0., 0.), (2., 0.), (1., 0.), (1., 1.), (0., 0.)]);
        // Which of its faults is met first depends on the tree's order.
        assert!(
            matches!(spike, Err(Meeting::Overlap(_) | Meeting::Touch(_))),
            "{spike:?}"
        );
        let eight = find(&[
            (0., 0.),
            (1., 1.),
            (2., 0.),
            (2., 2.),
            (1., 1.),
            (0., 2.),
            (0., 0.),
        ]);
        assert!(matches!(eight, Err(Meeting::Touch(_))), "{eight:?}");
    }

    #[test]
    fn work_is_bounded_for_a_shape_made_to_be_slow() {
        let mut points = Vec::new();
        for i in 0..20_000_i32 {
            let x = f64::from(i) * 1e-4;
            points.push(if i % 2 == 0 { (x, x) } else { (x + 90.0, x + 80.0) });
        }
        points.push(points[0]);
        let mut work = 1_000_000;
        let coords = ring(&points);
        let found = find_meeting(&[&coords], &mut work);
        assert!(found.is_err());
    }
}
