use rayon::prelude::*;

/// For each place, the others by distance from it, as far as a window may reach: every prefix is a circle.
#[derive(Debug)]
pub(super) struct Windows {
    pub around: Vec<Vec<Reached>>,
}

/// A place that a growing circle takes in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reached {
    pub location: u32,
    pub distance: f64,
    /// The measure (people, or cases) of the circle that ends here.
    pub measure: f64,
    /// Whether the next place lies just as far away: a circle holds both or neither.
    pub tied: bool,
}

impl Windows {
    /// Circles up to a measure and a distance. Places without any measure belong to no circle of their own but widen others.
    pub fn new(points: &[[f64; 3]], measures: &[f64], most: f64, farthest: Option<f64>) -> Self {
        let farthest = farthest.unwrap_or(f64::INFINITY);
        let around = points
            .par_iter()
            .map(|middle| {
                let mut order: Vec<(f64, u32)> = points
                    .iter()
                    .enumerate()
                    .map(|(place, other)| (distance(*middle, *other), place as u32))
                    .filter(|(away, _)| *away <= farthest)
                    .collect();
                order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                let mut list = Vec::new();
                let mut measure = 0.0;
                for (place, (away, location)) in order.iter().enumerate() {
                    measure += measures[*location as usize];
                    if measure > most {
                        break;
                    }
                    list.push(Reached {
                        location: *location,
                        distance: *away,
                        measure,
                        tied: order.get(place + 1).is_some_and(|next| next.0 == *away),
                    });
                }
                list
            })
            .collect();
        Self { around }
    }
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}
