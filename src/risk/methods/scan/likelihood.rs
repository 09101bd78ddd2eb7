/// The log-likelihood ratio of a window with more cases than expected, with n·ln n of whole numbers from a table: a scan
/// asks it hundreds of millions of times.
#[derive(Debug)]
pub(super) struct Likelihood {
    cases: u32,
    fewest: u32,
    n_ln_n: Vec<f64>,
}

/// Expected cases of a window with the logarithms that the ratio needs of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub cases: f64,
    ln_inside: f64,
    ln_outside: f64,
}

impl Expected {
    /// So many cases of `all`.
    pub fn new(cases: f64, all: u32) -> Self {
        Self {
            cases,
            ln_inside: cases.ln(),
            ln_outside: (f64::from(all) - cases).ln(),
        }
    }
}

impl Likelihood {
    pub fn new(cases: u32, fewest: u32) -> Self {
        let n_ln_n = |n: u32| {
            if n == 0 {
                0.0
            } else {
                f64::from(n) * f64::from(n).ln()
            }
        };
        Self {
            cases,
            fewest: fewest.max(1),
            n_ln_n: (0..=cases).map(n_ln_n).collect(),
        }
    }

    pub fn all(&self) -> u32 {
        self.cases
    }

    /// Whether so many cases may make a window at all.
    pub fn is_candidate(&self, inside: u32, expected: f64) -> bool {
        inside >= self.fewest && f64::from(inside) > expected
    }

    /// c ln(c/E) + (C − c) ln((C − c)/(C − E)) where the risk inside is the higher one, else 0.
    pub fn ratio(&self, inside: u32, expected: &Expected) -> f64 {
        if !self.is_candidate(inside, expected.cases) {
            return 0.0;
        }
        let outside = self.cases - inside;
        let mut ratio = self.n_ln_n[inside as usize] + self.n_ln_n[outside as usize]
            - f64::from(inside) * expected.ln_inside;
        if outside > 0 {
            ratio -= f64::from(outside) * expected.ln_outside;
        }
        ratio.max(0.0)
    }

    /// Risk inside over risk outside.
    pub fn relative_risk(&self, inside: u32, expected: f64) -> f64 {
        let outside = f64::from(self.cases - inside) / (f64::from(self.cases) - expected);
        f64::from(inside) / expected / outside
    }
}

/// The rank of a ratio among those that chance gave (sorted upward), over their number and itself.
pub(super) fn p_value(ratio: f64, by_chance: &[f64]) -> f64 {
    let below = by_chance.partition_point(|other| *other < ratio);
    (by_chance.len() - below + 1) as f64 / (by_chance.len() as f64 + 1.0)
}
