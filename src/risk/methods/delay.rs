/// Cases by the day they belong to (rows, oldest first) and by how many days later they were reported (columns).
/// `None` is what cannot be known yet; in a row nothing known stands behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportingTriangle {
    rows: Vec<Vec<Option<f64>>>,
    delays: usize,
}

/// How many of the cases of a day are reported after 0, 1, … days; sums to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct DelayDistribution(Vec<f64>);

/// A table that is not a reporting triangle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {row} of the reporting triangle {reason}")]
pub struct InvalidTriangle {
    /// From 0.
    pub row: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl ReportingTriangle {
    /// Checks a table: rows of one length, known figures first, none negative.
    ///
    /// # Errors
    /// Names the first row that breaks this.
    pub fn new(rows: Vec<Vec<Option<f64>>>) -> Result<Self, InvalidTriangle> {
        let delays = rows.first().map_or(0, Vec::len);
        for (row, figures) in rows.iter().enumerate() {
            let bad = |reason| InvalidTriangle { row, reason };
            if figures.len() != delays || delays == 0 {
                return Err(bad("has another number of delays than the first"));
            }
            if figures
                .windows(2)
                .any(|pair| pair[0].is_none() && pair[1].is_some())
            {
                return Err(bad("knows a later figure but not an earlier one"));
            }
            if figures
                .iter()
                .flatten()
                .any(|figure| !figure.is_finite() || *figure < 0.0)
            {
                return Err(bad("has a negative figure, or one that is not a number"));
            }
        }
        Ok(Self { rows, delays })
    }

    /// How reports were delayed, by the chain ladder: from the longest delay down, each delay's share of what had been
    /// reported by then, in the days for which both are known (Mack 1993; `baselinenowcast` estimates its delays so).
    /// `None` where a delay is known for no day with a case.
    #[must_use]
    pub fn delays(&self) -> Option<DelayDistribution> {
        // Factors from what had come by delay d − 1 to what had come by delay d.
        let mut share_by = vec![1.0; self.delays];
        for delay in (1..self.delays).rev() {
            let (mut by_then, mut before) = (0.0, 0.0);
            for row in &self.rows {
                let known: Option<Vec<f64>> = row[..=delay].iter().copied().collect();
                if let Some(known) = known {
                    by_then += known.iter().sum::<f64>();
                    before += known[..delay].iter().sum::<f64>();
                }
            }
            if by_then <= 0.0 {
                return None;
            }
            share_by[delay - 1] = share_by[delay] * before / by_then;
        }
        let mut last = 0.0;
        Some(DelayDistribution(
            share_by
                .iter()
                .map(|by| {
                    let own = by - last;
                    last = *by;
                    own
                })
                .collect(),
        ))
    }

    /// The triangle filled: what is not known yet is expected from what is, row by row, as the delays say. A row of which
    /// nothing is to be expected yet (no delay so short has a share) stays as it is.
    ///
    /// Known figures `s` so far, of which the delays expect a share `q`: the expected whole is (s + 1 − q) / q, the unbiased
    /// estimate that also says something when nothing was reported yet (`baselinenowcast`); the plain s / q otherwise.
    #[must_use]
    pub fn filled(&self, delays: &DelayDistribution, zero: ZeroRule) -> Vec<Vec<Option<f64>>> {
        self.rows
            .iter()
            .map(|row| {
                let known = row.iter().take_while(|figure| figure.is_some()).count();
                let so_far: f64 = row.iter().flatten().sum();
                let share: f64 = delays.0.iter().take(known).sum();
                if share <= 0.0 {
                    return row.clone();
                }
                let whole = match zero {
                    ZeroRule::Plain => so_far / share,
                    ZeroRule::Unbiased => (so_far + 1.0 - share) / share,
                };
                row.iter()
                    .zip(&delays.0)
                    .map(|(figure, delay)| figure.or(Some(whole * delay)))
                    .collect()
            })
            .collect()
    }

    /// Expected cases of each day once all are reported.
    #[must_use]
    pub fn totals(&self, delays: &DelayDistribution, zero: ZeroRule) -> Vec<Option<f64>> {
        self.filled(delays, zero)
            .into_iter()
            .map(|row| row.into_iter().sum())
            .collect()
    }
}

/// What is expected of a day of which few cases, or none, have been reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeroRule {
    /// In proportion: nothing reported, nothing expected.
    Plain,
    /// Unbiased under a flat prior: (s + 1 − q) / q.
    Unbiased,
}

impl DelayDistribution {
    /// From shares that are not negative; they are scaled to sum to 1. `None` where they do not add up to anything.
    #[must_use]
    pub fn new(shares: &[f64]) -> Option<Self> {
        let sum: f64 = shares.iter().sum();
        let good = sum.is_finite() && sum > 0.0 && shares.iter().all(|share| *share >= 0.0);
        good.then(|| Self(shares.iter().map(|share| share / sum).collect()))
    }

    /// By days of delay, from 0.
    #[must_use]
    pub fn shares(&self) -> &[f64] {
        &self.0
    }
}

/// What is still to be reported of a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StillMissing {
    /// Expected number.
    pub mean: f64,
    /// 2.5 % lie below.
    pub low: u64,
    /// 97.5 % lie below.
    pub high: u64,
}

/// How many reports are still missing, of which `so_far` came while a share of 0 < `share` ≤ 1 was to come.
///
/// If each case is reported by now with probability q, independently, and nothing is known of their number N beforehand
/// (a flat prior), N − s is negative binomial with s + 1 successes of probability q: its mean (s + 1)(1 − q) / q added to
/// s is the unbiased (s + 1 − q) / q of [`ZeroRule::Unbiased`]. The interval is that of chance in the reporting alone: it
/// takes the delays as known, and days as alike.
#[must_use]
pub fn still_missing(so_far: u32, share: f64) -> StillMissing {
    let share = share.clamp(f64::MIN_POSITIVE, 1.0);
    let (successes, failing) = (f64::from(so_far) + 1.0, 1.0 - share);
    let mean = successes * failing / share;
    if failing <= 0.0 {
        return StillMissing {
            mean: 0.0,
            low: 0,
            high: 0,
        };
    }
    // In logarithms: the first terms of large counts are too small for a figure.
    let mut log_term = successes * share.ln();
    let (mut sum, mut number, mut low) = (log_term.exp(), 0_u64, None);
    // Beyond this nothing is left but rounding.
    let most = (mean + 60.0 * (mean / share).sqrt() + 100.0) as u64;
    while sum < 0.975 && number < most {
        if sum >= 0.025 {
            low.get_or_insert(number);
        }
        log_term += ((successes + number as f64) / (number as f64 + 1.0)).ln() + failing.ln();
        sum += log_term.exp();
        number += 1;
    }
    StillMissing {
        mean,
        low: low.unwrap_or(number),
        high: number,
    }
}
