use statrs::distribution::{ContinuousCDF, Normal};

/// A number above 0 that is not known exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Uncertain {
    /// Known after all.
    Exactly(f64),
    /// Anything between two numbers, equally likely.
    Uniform {
        /// The least.
        from: f64,
        /// The most.
        to: f64,
    },
    /// A normal distribution, cut off at both sides.
    CutNormal {
        /// Of the distribution before it was cut.
        mean: f64,
        /// Of the distribution before it was cut.
        deviation: f64,
        /// The least.
        from: f64,
        /// The most.
        to: f64,
    },
    /// Its natural logarithm is normally distributed.
    LogNormal {
        /// Of the logarithm.
        mean_ln: f64,
        /// Of the logarithm.
        deviation_ln: f64,
    },
    /// Its decimal logarithm has a Weibull distribution, cut off at both sides.
    LogWeibull {
        /// Of the logarithm.
        shape: f64,
        /// Of the logarithm.
        scale: f64,
        /// The least of the logarithm.
        from: f64,
        /// The most of the logarithm.
        to: f64,
    },
}

/// Slices for the mean of one number.
const FINE: usize = 4_000;
/// Slices for each of several numbers: those of heavy tails need more.
const COARSE: usize = 14;
const COARSE_HEAVY: usize = 280;

impl Uncertain {
    /// The number below which it lies with probability `probability`, 0..=1.
    #[must_use]
    pub fn quantile(&self, probability: f64) -> f64 {
        match *self {
            Self::Exactly(number) => number,
            Self::Uniform { from, to } => from + (to - from) * probability,
            Self::CutNormal {
                mean,
                deviation,
                from,
                to,
            } => {
                let Ok(normal) = Normal::new(mean, deviation) else {
                    return mean;
                };
                let (low, high) = (normal.cdf(from), normal.cdf(to));
                normal
                    .inverse_cdf(low + (high - low) * probability)
                    .clamp(from, to)
            }
            Self::LogNormal {
                mean_ln,
                deviation_ln,
            } => Normal::new(mean_ln, deviation_ln)
                .map_or(mean_ln, |normal| normal.inverse_cdf(probability))
                .exp(),
            Self::LogWeibull {
                shape,
                scale,
                from,
                to,
            } => {
                let below = |x: f64| -(-(x / scale).powf(shape)).exp_m1();
                let within = below(from) + (below(to) - below(from)) * probability;
                10.0_f64.powf(scale * (-(-within).ln_1p()).powf(1.0 / shape))
            }
        }
    }

    /// Equally likely numbers: the middles of so many slices of its probability.
    #[must_use]
    pub fn slices(&self, count: usize) -> Vec<f64> {
        if matches!(self, Self::Exactly(_)) {
            return vec![self.quantile(0.5)];
        }
        (0..count)
            .map(|slice| self.quantile((slice as f64 + 0.5) / count as f64))
            .collect()
    }

    /// What it is on average.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match *self {
            Self::LogNormal {
                mean_ln,
                deviation_ln,
            } => (mean_ln + deviation_ln.powi(2) / 2.0).exp(),
            _ => mean(&self.slices(FINE)),
        }
    }

    /// The average of a function of a product of independent numbers and of one more.
    pub fn mean_of_products(factors: &[&Self], one_more: &Self, of: impl Fn(f64, f64) -> f64) -> f64 {
        let mut products = vec![1.0];
        for factor in factors {
            let slices = factor.slices(factor.coarse());
            products = products
                .iter()
                .flat_map(|product| slices.iter().map(move |slice| product * slice))
                .collect();
        }
        let others = one_more.slices(one_more.coarse());
        let sum: f64 = products
            .iter()
            .map(|product| others.iter().map(|other| of(*product, *other)).sum::<f64>())
            .sum();
        sum / (products.len() * others.len()) as f64
    }

    fn coarse(&self) -> usize {
        match self {
            Self::LogWeibull { .. } => COARSE_HEAVY,
            _ => COARSE,
        }
    }
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}
