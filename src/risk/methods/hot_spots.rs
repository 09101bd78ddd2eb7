use statrs::function::erf::erfc;

/// Which places lie beside which, each list without the place itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbours(Vec<Vec<usize>>);

impl Neighbours {
    /// By number, 0 ..= places − 1. Unknown numbers and a place's own are left out.
    #[must_use]
    pub fn new(mut lists: Vec<Vec<usize>>) -> Self {
        let places = lists.len();
        for (place, list) in lists.iter_mut().enumerate() {
            list.retain(|each| *each < places && *each != place);
            list.sort_unstable();
            list.dedup();
        }
        Self(lists)
    }

    /// The neighbours of a place.
    #[must_use]
    pub fn of(&self, place: usize) -> &[usize] {
        &self.0[place]
    }
}

/// How neighbours weigh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// Each 1.
    Binary,
    /// Each one over their number.
    RowStandardised,
}

/// Getis and Ord's local statistic as a z-score for each place, positive where high values stand together.
///
/// With `itself` the place's own value counts (Gi*); without it is left out of sum, mean and variance (Gi). Ord and Getis
/// 1995, "Local spatial autocorrelation statistics". The variance is written with the sum of weights alone, as `esda` and
/// `spdep` do: with binary weights that is the paper's; with others it is theirs. 0 where nothing can be said: all values equal, or every place a
/// neighbour.
#[must_use]
pub fn getis_ord(values: &[f64], neighbours: &Neighbours, weights: Weights, itself: bool) -> Vec<f64> {
    let all = Moments::of(values);
    values
        .iter()
        .enumerate()
        .map(|(place, value)| {
            let list = neighbours.of(place);
            let near: f64 = list.iter().map(|each| values[*each]).sum();
            let (moments, near, members) = if itself {
                (all, near + value, list.len() + 1)
            } else {
                (all.without(*value), near, list.len())
            };
            let members = members as f64;
            let (weight, sum_of_weights) = match weights {
                Weights::Binary => (1.0, members),
                Weights::RowStandardised if members > 0.0 => (1.0 / members, 1.0),
                Weights::RowStandardised => (0.0, 0.0),
            };
            let scale = sum_of_weights * (moments.count - sum_of_weights) / (moments.count - 1.0);
            let deviation = (moments.variance() * scale).sqrt();
            if deviation > 0.0 {
                (weight * near - moments.mean() * sum_of_weights) / deviation
            } else {
                0.0
            }
        })
        .collect()
}

#[derive(Clone, Copy)]
struct Moments {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn of(values: &[f64]) -> Self {
        Self {
            count: values.len() as f64,
            sum: values.iter().sum(),
            squares: values.iter().map(|value| value * value).sum(),
        }
    }

    fn without(self, value: f64) -> Self {
        Self {
            count: self.count - 1.0,
            sum: self.sum - value,
            squares: self.squares - value * value,
        }
    }

    fn mean(self) -> f64 {
        self.sum / self.count
    }

    fn variance(self) -> f64 {
        (self.squares / self.count - self.mean().powi(2)).max(0.0)
    }
}

/// The probability 0..=1 of a z-score so far from 0 by chance, on either side (normal).
#[must_use]
pub fn two_sided_p(z: f64) -> f64 {
    erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// Which of many tests stand when a share `rate` of those that stand may be false (Benjamini and Hochberg 1995).
#[must_use]
pub fn significant_at(rate: f64, p_values: &[f64]) -> Vec<bool> {
    let mut sorted: Vec<f64> = p_values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let tests = sorted.len() as f64;
    let threshold = sorted
        .iter()
        .enumerate()
        .rev()
        .find(|(rank, p)| **p <= rate * (*rank as f64 + 1.0) / tests)
        .map(|(_, p)| *p);
    p_values
        .iter()
        .map(|p| threshold.is_some_and(|threshold| *p <= threshold))
        .collect()
}
