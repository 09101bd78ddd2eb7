use statrs::distribution::{ContinuousCDF, Normal};

/// How daily counts grow: a Poisson regression of them on the day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// Growth of the logarithm of the expected count per day.
    pub per_day: f64,
    /// Its standard error by the Fisher information: what counts alone leave open.
    pub standard_error: f64,
    /// Pearson's χ² over its degrees of freedom: 1 where counts scatter as a Poisson distribution does, more where more.
    pub dispersion: f64,
}

/// Why no growth can be fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoGrowth {
    /// There is no case to be fitted.
    NoCase,
    /// All cases stand on the first or on the last day: any growth that is steeper fits better.
    OneEnd,
}

impl Growth {
    /// The interval that holds growth with 95 % confidence (Wald's). Counts that scatter more than a Poisson distribution
    /// does (weekends, whole clusters reported at once) tell less: the standard error is multiplied by the root of the
    /// dispersion then (quasi-Poisson; `McCullagh` and Nelder 1989, §4.5 and §6.2). Counts that scatter less do not tell more.
    #[must_use]
    pub fn interval_95(&self) -> (f64, f64) {
        let z = Normal::standard().inverse_cdf(0.975);
        let off = z * self.standard_error * self.dispersion.max(1.0).sqrt();
        (self.per_day - off, self.per_day + off)
    }
}

/// The growth of counts of days that follow each other: the greatest likelihood of a Poisson distribution whose expected
/// count is e^(a + growth · day). Days without a case count as what they are.
///
/// Given the sum n, counts of days are multinomial with shares in proportion to e^(growth · day), so that one equation is
/// left, n · E(day) = Σ day · cases, and the information on growth is n · Var(day). Newton's steps between bounds that close
/// in.
///
/// # Errors
/// [`NoGrowth`] where no growth is more likely than every other.
pub fn poisson_growth(cases: &[f64]) -> Result<Growth, NoGrowth> {
    let all: f64 = cases.iter().sum();
    if all <= 0.0 {
        return Err(NoGrowth::NoCase);
    }
    let (first, last) = (cases[0], cases[cases.len() - 1]);
    if first >= all || last >= all {
        return Err(NoGrowth::OneEnd);
    }
    let mean_day = cases
        .iter()
        .zip(0..)
        .map(|(count, day)| count * f64::from(day))
        .sum::<f64>()
        / all;
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut growth = 0.0_f64;
    for _ in 0..500 {
        let shares = shares(growth, cases.len());
        let (expected, variance) = moments(&shares);
        let off = mean_day - expected;
        if off > 0.0 {
            low = growth;
        } else {
            high = growth;
        }
        // Far from the solution a step may be wild.
        let step = (off / variance).clamp(-2.0, 2.0);
        if step.abs() <= 1e-14 * (1.0 + growth.abs()) {
            break;
        }
        let newton = growth + step;
        let next = if newton > low && newton < high {
            newton
        } else if low.is_finite() && high.is_finite() {
            f64::midpoint(low, high)
        } else {
            growth + 2.0_f64.copysign(off)
        };
        let is_there = (next - growth).abs() <= 1e-14 * (1.0 + growth.abs());
        growth = next;
        if is_there {
            break;
        }
    }
    let shares = shares(growth, cases.len());
    let (_, variance) = moments(&shares);
    Ok(Growth {
        per_day: growth,
        standard_error: (all * variance).sqrt().recip(),
        dispersion: dispersion(cases, &shares, all),
    })
}

/// Days in which cases double at that growth per day; negative: in which they halve. `None` where they do neither.
#[must_use]
pub fn doubling_days(growth_per_day: f64) -> Option<f64> {
    (growth_per_day != 0.0).then(|| std::f64::consts::LN_2 / growth_per_day)
}

/// The shares of the days, in proportion to e^(growth · day); of the largest first, so that nothing overflows.
fn shares(growth: f64, days: usize) -> Vec<f64> {
    let largest = if growth > 0.0 { days as f64 - 1.0 } else { 0.0 };
    let weights: Vec<f64> = (0..days)
        .map(|day| (growth * (day as f64 - largest)).exp())
        .collect();
    let all: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / all).collect()
}

/// Mean and variance of the day.
fn moments(shares: &[f64]) -> (f64, f64) {
    let mean: f64 = shares
        .iter()
        .enumerate()
        .map(|(day, share)| day as f64 * share)
        .sum();
    let variance = shares
        .iter()
        .enumerate()
        .map(|(day, share)| (day as f64 - mean).powi(2) * share)
        .sum();
    (mean, variance)
}

/// Pearson's χ² over the days less the two numbers fitted; 1 where none are left.
fn dispersion(cases: &[f64], shares: &[f64], all: f64) -> f64 {
    let chi_2: f64 = cases
        .iter()
        .zip(shares)
        .map(|(count, share)| (count, all * share))
        .filter(|(_, expected)| *expected > 0.0)
        .map(|(count, expected)| (count - expected).powi(2) / expected)
        .sum();
    match cases.len() {
        0..=2 => 1.0,
        days => chi_2 / (days - 2) as f64,
    }
}
