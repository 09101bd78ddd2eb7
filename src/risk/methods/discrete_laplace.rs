use std::num::NonZeroU64;

/// Where random bits come from: 64 uniform ones a call.
pub trait RandomBits {
    /// The next.
    fn next_bits(&mut self) -> u64;
}

impl<F: FnMut() -> u64> RandomBits for F {
    fn next_bits(&mut self) -> u64 {
        self()
    }
}

/// The discrete Laplace distribution (two-sided geometric): P(x) = (1−a)/(1+a)·a^|x| with a = exp(−rate), drawn exactly.
///
/// Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy" (2020), algorithms 1 and 2, on integers
/// alone: no rounding, no logarithm, so none of the holes that floating point leaves in noise (Mironov 2012).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscreteLaplace {
    numerator: NonZeroU64,
    denominator: NonZeroU64,
}

impl DiscreteLaplace {
    /// The largest numerator and denominator of a rate.
    pub const MOST: u64 = 1 << 40;

    /// With a rate of `numerator / denominator`: a privacy budget over a sensitivity. `None` unless both lie in
    /// 1..=[`DiscreteLaplace::MOST`].
    #[must_use]
    pub fn new(numerator: u64, denominator: u64) -> Option<Self> {
        let part = |value: u64| NonZeroU64::new(value).filter(|value| value.get() <= Self::MOST);
        Some(Self {
            numerator: part(numerator)?,
            denominator: part(denominator)?,
        })
    }

    /// Draws once.
    pub fn draw(&self, source: &mut impl RandomBits) -> i64 {
        let (scale, step) = (self.denominator.get(), self.numerator.get());
        loop {
            let below = uniform(source, scale);
            if !bernoulli_exp(source, below, scale) {
                continue;
            }
            let mut whole: u64 = 0;
            while bernoulli_exp(source, 1, 1) {
                whole += 1;
            }
            let size = (u128::from(whole) * u128::from(scale) + u128::from(below)) / u128::from(step);
            let is_negative = source.next_bits() & 1 == 1;
            // Zero has one sign only.
            if is_negative && size == 0 {
                continue;
            }
            let size = i64::try_from(size).unwrap_or(i64::MAX);
            return if is_negative { -size } else { size };
        }
    }

    /// The probability of a value.
    #[must_use]
    pub fn probability(&self, value: i64) -> f64 {
        let a = (-(self.numerator.get() as f64 / self.denominator.get() as f64)).exp();
        (1.0 - a) / (1.0 + a) * a.powf(value.unsigned_abs() as f64)
    }
}

/// True with probability exp(−numerator/denominator).
fn bernoulli_exp(source: &mut impl RandomBits, numerator: u64, denominator: u64) -> bool {
    for _ in 0..numerator / denominator {
        if !bernoulli_exp_below_one(source, 1, 1) {
            return false;
        }
    }
    bernoulli_exp_below_one(source, numerator % denominator, denominator)
}

/// The same for a fraction of at most one: how many trials of g, g/2, g/3, … succeed in a row is even just that often.
fn bernoulli_exp_below_one(source: &mut impl RandomBits, numerator: u64, denominator: u64) -> bool {
    let mut trial: u64 = 1;
    while bernoulli(
        source,
        u128::from(numerator),
        u128::from(denominator) * u128::from(trial),
    ) {
        trial += 1;
    }
    trial % 2 == 1
}

/// True with probability numerator/denominator.
fn bernoulli(source: &mut impl RandomBits, numerator: u128, denominator: u128) -> bool {
    match u64::try_from(denominator) {
        Ok(denominator) => u128::from(uniform(source, denominator)) < numerator,
        Err(_wide) => uniform_wide(source, denominator) < numerator,
    }
}

/// A number below `end`, which is not 0, each as likely: draws that would favour the first are thrown away.
fn uniform(source: &mut impl RandomBits, end: u64) -> u64 {
    let mask = u64::MAX.checked_shr((end - 1).leading_zeros()).unwrap_or(0);
    loop {
        let value = source.next_bits() & mask;
        if value < end {
            return value;
        }
    }
}

fn uniform_wide(source: &mut impl RandomBits, end: u128) -> u128 {
    let mask = u128::MAX.checked_shr((end - 1).leading_zeros()).unwrap_or(0);
    loop {
        let wide = (u128::from(source.next_bits()) << 64) | u128::from(source.next_bits());
        if wide & mask < end {
            return wide & mask;
        }
    }
}
