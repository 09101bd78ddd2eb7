//! Noise in the activity that is released: differential privacy of check-ins, where an operator turns it on.
//!
//! The unit is the *check-in*: of two data sets that differ by one check-in of at most `most_visits` people, any release of
//! the day is at most exp(ε) times as likely under one as under the other. One check-in moves one cell's visits by its
//! people and its distinct people by one; half of ε goes to each of the two, as discrete Laplace noise
//! ([`DiscreteLaplace`]) of rate `ε/(2·most_visits)` and ε/2. Larger parties are covered in proportion: one of s people by
//! `ε/2·(1 + s/most_visits)`. Nothing stronger is promised, because the sums that are kept cannot be clamped by person: who
//! checks in m times on a day is covered by m·ε for that day, and days add up.
//!
//! Noise is drawn for every cell that has a registered venue, which everybody knows, whether or not anybody was there; other
//! cells are left out. So what is listed tells no more than the figures. Coarser cells are sums of the noisy ones, not drawn
//! again: cells add up, the budget is spent once, and what is relatively smallest for a country is largest for a cell with
//! few visits; noise of its own on each of seven tiers would cost each leaf seven times as much (Hay, Rastogi, Miklau and
//! Suciu 2010 weigh the two). Sums are shown as no less than nothing. Hiding and rounding come after the noise and so
//! cost nothing (Dwork and Roth 2014, proposition 2.1).

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::geo::Cell;
use crate::risk::methods::DiscreteLaplace;
use crate::risk::release::{Forest, ReleasedActivity, rounded};
use crate::risk::rules::Flaw;
use crate::risk::suppress::{Closed, suppress};
use crate::risk::{ReleaseRules, Text};

/// How much noise activity is released with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoiseRules {
    /// The privacy budget of one check-in on one day: a fraction.
    pub epsilon: (u32, u32),
    /// The most people of one check-in that the budget covers.
    pub most_visits: u32,
}

/// What noise is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoisyMeasure {
    /// Arrivals.
    Visits,
    /// Distinct people.
    People,
}

/// What readers are told wherever figures with noise stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NoiseNotice {
    /// What the noise is drawn from: `discrete_laplace`.
    pub mechanism: &'static str,
    /// The privacy budget ε of one unit, as a fraction: half of it for each of the measures.
    pub epsilon: String,
    /// Whose presence the budget covers: `check_in_of_a_day`.
    pub unit: &'static str,
    /// The most people of one check-in that it covers.
    pub most_visits: u32,
    /// The figures with noise; all others have none.
    pub measures: [&'static str; 2],
    /// The same in words.
    pub note: Text,
}

impl NoiseRules {
    /// What readers are told of figures that were released with it.
    #[must_use]
    pub fn notice(&self) -> NoiseNotice {
        NoiseNotice {
            mechanism: "discrete_laplace",
            epsilon: format!("{}/{}", self.epsilon.0, self.epsilon.1),
            unit: "check_in_of_a_day",
            most_visits: self.most_visits,
            measures: ["visits", "people"],
            note: self.promise(),
        }
    }

    /// What the noise of a measure is drawn from.
    #[must_use]
    pub fn distribution(&self, measure: NoisyMeasure) -> DiscreteLaplace {
        let sensitivity = match measure {
            NoisyMeasure::Visits => self.most_visits,
            NoisyMeasure::People => 1,
        };
        let (numerator, denominator) = (u64::from(self.epsilon.0), u64::from(self.epsilon.1));
        DiscreteLaplace::new(numerator, 2 * denominator * u64::from(sensitivity))
            .expect("checked where the rule was read")
    }

    /// What is promised, for readers.
    #[must_use]
    pub fn promise(&self) -> Text {
        let (numerator, denominator) = self.epsilon;
        let most = self.most_visits;
        let epsilon = if denominator == 1 {
            numerator.to_string()
        } else {
            format!("{numerator}/{denominator}")
        };
        Text::new(
            format!(
                "Lượt quét mã và số người theo ô, theo ngày được cộng nhiễu Laplace rời rạc, rút đúng một lần: riêng tư vi \
                 phân ε = {epsilon} cho mỗi lượt quét (tối đa {most} người), một nửa cho lượt, một nửa cho số người. Người \
                 quét m lần trong ngày được bảo vệ với m·ε, và các ngày cộng dồn. Ngày đã công bố không tính lại."
            ),
            format!(
                "Visits and people by cell and day carry discrete Laplace noise, drawn once: differential privacy of ε = \
                 {epsilon} for one check-in (of at most {most} people), half for visits and half for people. Who checks in \
                 m times a day is covered by m·ε, and days add up. A day that was released is not computed again."
            ),
        )
    }
}

/// Activity by cell (leaves: cell, visits, distinct people) with noise, released as
/// [`release_activity`](crate::risk::release_activity) does. `cells` are those of the base resolution that have a venue;
/// leaves elsewhere do not count. `draw` must give the same for the same measure and cell whenever it is asked.
#[must_use]
pub fn release_activity_with_noise(
    rules: &ReleaseRules,
    cells: &[Cell],
    leaves: &[(Cell, u32, u32)],
    mut draw: impl FnMut(NoisyMeasure, Cell) -> i64,
) -> Vec<(Cell, ReleasedActivity)> {
    let exact: FxHashMap<Cell, [u32; 2]> = leaves.iter().map(|leaf| (leaf.0, [leaf.1, leaf.2])).collect();
    let mut forest = Forest::of_activity(&[], cells);
    let mut sums = vec![[0_i64; 2]; forest.cells.len()];
    // The finest come last.
    for node in (0..sums.len()).rev() {
        let children = &forest.tree.order[forest.tree.children[node].clone()];
        if children.is_empty() {
            let cell = forest.cells[node];
            let [visits, people] = exact.get(&cell).copied().unwrap_or_default();
            let noise = [draw(NoisyMeasure::Visits, cell), draw(NoisyMeasure::People, cell)];
            sums[node] = [
                i64::from(visits).saturating_add(noise[0]),
                i64::from(people).saturating_add(noise[1]),
            ];
        } else {
            sums[node] = children.iter().fold([0, 0], |sum: [i64; 2], &child| {
                [
                    sum[0].saturating_add(sums[child][0]),
                    sum[1].saturating_add(sums[child][1]),
                ]
            });
        }
    }
    let shown = |sum: i64| u32::try_from(sum.max(0)).unwrap_or(u32::MAX);
    forest.figures = sums.iter().map(|sum| sum.map(shown)).collect();
    forest.tree.counts = forest.figures.iter().map(|figures| figures[1]).collect();
    let (from, total_is_public) = (rules.people_shown_from, rules.total_is_public);
    let verdict = suppress(&forest.tree, from, total_is_public, &Closed::default());
    let listed = forest.listed(
        &verdict,
        |figures| rounded(rules, figures),
        ReleasedActivity::Hidden,
    );
    let is_nothing = |row: &(Cell, ReleasedActivity)| match row.1 {
        ReleasedActivity::Shown { people, .. } => people == 0,
        ReleasedActivity::Hidden => false,
    };
    listed.into_iter().filter(|row| !is_nothing(row)).collect()
}

/// The table `noise` of the rule's file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoiseFile {
    epsilon: Fraction,
    most_visits: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fraction {
    numerator: i64,
    denominator: i64,
}

impl NoiseFile {
    pub(super) fn check(&self) -> Result<NoiseRules, Flaw> {
        let whole = |field: &str, value: i64, most: u32| {
            let fits = u32::try_from(value)
                .ok()
                .filter(|value| (1..=most).contains(value));
            let flaw = || {
                Flaw::new(
                    format!("noise.{field}"),
                    format!("is {value}"),
                    format!("1 to {most}"),
                )
            };
            fits.ok_or_else(flaw)
        };
        Ok(NoiseRules {
            epsilon: (
                whole("epsilon.numerator", self.epsilon.numerator, 1_000_000)?,
                whole("epsilon.denominator", self.epsilon.denominator, 1_000_000)?,
            ),
            most_visits: whole("most_visits", self.most_visits, 1000)?,
        })
    }
}
