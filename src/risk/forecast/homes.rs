use serde::Serialize;
use statrs::distribution::{ContinuousCDF, Gamma, Normal};

use crate::risk::forecast::{ForecastRules, HomeRules};
use crate::risk::methods::RandomMeeting;

/// Equally likely values taken of each uncertain number.
const DRAWS: usize = 40;

/// From this shape on a gamma distribution is taken from the normal one.
const LARGE: f64 = 200.0;

/// Cases and residents where the visitors of a venue live, weighted by how likely somebody from there comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Homes {
    /// Whose figures they are.
    pub of: HomesOf,
    /// Residents that the weighted figures are worth (Kish's effective number); 0 where nobody is known to live.
    pub residents: f64,
    /// Reported cases that go with so many residents.
    pub cases: f64,
}

/// Where homes were looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HomesOf {
    /// Cells around the venue, by distance.
    CellsAround,
    /// One area as a whole: for those who see the figures of no other.
    Area,
}

impl Homes {
    /// Of homes around a venue: (distance in km, cases, residents) each.
    ///
    /// The share of infected among those who come is Σ w·cases / Σ w·residents. How sure it is depends on how evenly the
    /// weights lie: (Σ w·residents)² / Σ w²·residents people would, all counted alike, tell as much (Kish 1965).
    #[must_use]
    pub fn around(rules: &HomeRules, homes: impl Iterator<Item = (f64, f64, f64)>) -> Self {
        let (mut cases, mut residents, mut squares) = (0.0, 0.0, 0.0);
        for (km, ill, people) in homes {
            let weight = rules.weight(km);
            cases += weight * ill;
            residents += weight * people;
            squares += weight * weight * people;
        }
        let effective = if squares > 0.0 {
            residents * residents / squares
        } else {
            0.0
        };
        Self {
            of: HomesOf::CellsAround,
            residents: effective,
            cases: if residents > 0.0 {
                cases / residents * effective
            } else {
                0.0
            },
        }
    }

    /// Of one area as a whole.
    #[must_use]
    pub fn of_area(cases: u32, residents: f64) -> Self {
        Self {
            of: HomesOf::Area,
            residents,
            cases: f64::from(cases),
        }
    }
}

/// The share of people who are infectious where visitors live, each 0..=1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Prevalence {
    /// Expected.
    pub mean: f64,
    /// 2.5 % lie below.
    pub low: f64,
    /// 97.5 % lie below.
    pub high: f64,
    /// By what expected infections are multiplied at the 2.5 % and 97.5 % quantile: this share and the transmission
    /// constant, both uncertain.
    #[serde(skip)]
    pub(super) spread: (f64, f64),
}

/// From reported cases to the share of people infectious (Chande et al. 2020; see [`RandomMeeting::from_cases`]). Few cases
/// say little: the posterior is a gamma distribution of shape cases + ½ (Jeffreys' prior). `None` where nobody lives.
#[must_use]
pub fn prevalence(rules: &ForecastRules, homes: &Homes) -> Option<Prevalence> {
    let shape = homes.cases + 0.5;
    if homes.residents <= 0.0 {
        return None;
    }
    let of = |cases: f64| {
        let a_day = cases / f64::from(rules.case_days);
        RandomMeeting::from_cases(
            homes.residents,
            a_day,
            rules.infectious_days,
            rules.infections_per_case,
        )
        .infectious
    };
    Some(Prevalence {
        mean: of(shape),
        low: of(quantile(shape, 0.025)?),
        high: of(quantile(shape, 0.975)?),
        spread: spread(rules, shape)?,
    })
}

/// Below which that part of a gamma distribution of scale 1 lies.
fn quantile(shape: f64, part: f64) -> Option<f64> {
    // The library's quantiles of very large shapes are wrong (of 2 million all are the same); Wilson and Hilferty's of
    // 1931 are good to 10⁻⁴ there.
    if shape < LARGE {
        return Gamma::new(shape, 1.0).ok().map(|gamma| gamma.inverse_cdf(part));
    }
    let z = Normal::new(0.0, 1.0).ok()?.inverse_cdf(part);
    Some(shape * (1.0 - 1.0 / (9.0 * shape) + z / (3.0 * shape.sqrt())).powi(3))
}

/// The quantiles of (constant / its middle) × (cases / their mean) over all combinations of equally likely values.
fn spread(rules: &ForecastRules, shape: f64) -> Option<(f64, f64)> {
    let parts = (0..DRAWS).map(|nth| (nth as f64 + 0.5) / DRAWS as f64);
    let cases = parts
        .clone()
        .map(|part| quantile(shape, part).map(|cases| cases / shape))
        .collect::<Option<Vec<f64>>>()?;
    let mut all = Vec::with_capacity(DRAWS * DRAWS);
    for part in parts {
        let psi = rules.psi_ft2.low + part * (rules.psi_ft2.high - rules.psi_ft2.low);
        all.extend(cases.iter().map(|cases| psi / rules.psi_ft2.middle() * cases));
    }
    all.sort_by(f64::total_cmp);
    let at = |part: f64| all[(part * all.len() as f64) as usize];
    Some((at(0.025), at(0.975)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_a_quantile_agree_where_they_meet() {
        for part in [0.0125, 0.025, 0.5, 0.975, 0.9875] {
            let below = quantile(LARGE - 1e-9, part).expect("a quantile");
            let above = quantile(LARGE, part).expect("a quantile");
            assert!((below / above - 1.0).abs() < 1e-4, "{part}: {below} {above}");
        }
    }
}
