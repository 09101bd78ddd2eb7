use serde::{Deserialize, Serialize};

use crate::geo::Cell;
use crate::model::Timestamp;
use crate::risk::explain::{figure, vietnamese};
use crate::risk::rules::Flaw;
use crate::risk::{Band, Bands, Explain, RuleHead, Text};

/// Decimals of residents shown at most.
const MOST_DECIMALS: usize = 9;

/// A cell's level by its seven-day case rate.
#[derive(Clone, Debug, PartialEq)]
pub struct CellRules {
    /// Where the rule comes from.
    pub rule: RuleHead,
    /// Cases per 100,000 people and week → level 1..=4.
    pub incidence: Bands<u8>,
    /// Rates from fewer cases are flagged as unreliable.
    pub reliable_from_cases: u32,
}

/// A cell's level and what it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CellRisk {
    /// 1..=4; 0 when the population is not known.
    pub level: u8,
    /// Cases of seven days per 100,000 people; 0 when the population is not known.
    pub rate_7d_per_100k: f64,
    /// Whether the rate rests on so few cases (but not zero) that it is unreliable.
    pub small_number: bool,
}

/// The level of a cell with so many cases in seven days and so many residents.
#[must_use]
pub fn cell_risk(rules: &CellRules, cases_7d: u32, population: f64) -> CellRisk {
    let small_number = (1..rules.reliable_from_cases).contains(&cases_7d);
    if !(population.is_finite() && population > 0.0) {
        return CellRisk {
            level: 0,
            rate_7d_per_100k: 0.0,
            small_number,
        };
    }
    let rate = f64::from(cases_7d) * 100_000.0 / population;
    CellRisk {
        level: rules.incidence.find(rate).map_or(0, |band| band.gives),
        rate_7d_per_100k: rate,
        small_number,
    }
}

/// The same with its reasons.
#[must_use]
pub fn explain_cell(rules: &CellRules, cases_7d: u32, population: f64, as_of: Timestamp) -> Explain {
    let mut explain = Explain::under(&rules.rule, as_of);
    explain_rate(rules, cases_7d, population, &mut explain);
    explain
}

/// Why a cell that can show nothing of its own has the level of the area of that name: by the area's released cases.
#[must_use]
pub fn explain_cell_by_area(
    rules: &CellRules,
    area: &str,
    cases_7d: u32,
    population: f64,
    as_of: Timestamp,
) -> Explain {
    let mut explain = Explain::under(&rules.rule, as_of);
    explain.step(
        "Số ca của ô và của các ô lớn hơn chứa nó không được công bố: cùng với số của đơn vị hành chính, chúng có thể làm lộ một số nhỏ. Cấp ở đây được tính từ số ca đã công bố của đơn vị hành chính nhỏ nhất chứa tâm ô và không nhỏ hơn ô",
        "The cases of the cell and of the larger cells around it are not published: together with those of areas they could give a small number away. The level here is counted from the published cases of the smallest area that holds the cell's centre and is not smaller than the cell",
        area,
    );
    explain_rate(rules, cases_7d, population, &mut explain);
    of_whom(&mut explain, area, area);
    explain
}

/// Why a cell whose own count is hidden has the level of a larger cell: by the released cases of that one.
#[must_use]
pub fn explain_cell_by_parent(
    rules: &CellRules,
    parent: Cell,
    cases_7d: u32,
    population: f64,
    as_of: Timestamp,
) -> Explain {
    let mut explain = Explain::under(&rules.rule, as_of);
    explain.step(
        "Số ca của ô không được công bố vì nhỏ, hoặc vì có thể làm lộ một số nhỏ của ô bên cạnh. Cấp ở đây là của ô lớn hơn gần nhất đã công bố chứa ô này",
        "The cases of the cell are not published: they are few, or could give a small number beside it away. The level here is that of the nearest published larger cell that holds this one",
        parent.to_string(),
    );
    explain_rate(rules, cases_7d, population, &mut explain);
    of_whom(&mut explain, &format!("ô {parent}"), &format!("cell {parent}"));
    explain
}

/// Says whose the two inputs are.
fn of_whom(explain: &mut Explain, vi: &str, en: &str) {
    let names = [
        (
            format!("Ca cộng đồng trong 7 ngày: {vi}"),
            format!("Community cases in 7 days: {en}"),
        ),
        (format!("Dân số: {vi}"), format!("Residents: {en}")),
    ];
    for (input, (vi, en)) in explain.inputs.iter_mut().zip(names) {
        input.name = Text::new(vi, en);
    }
}

/// Residents are apportioned by land area and so not whole: as many decimals of them are shown as it takes to count again to
/// the same figures.
fn explain_rate(rules: &CellRules, cases_7d: u32, population: f64, explain: &mut Explain) {
    let mut exact = explain.clone();
    say_rate(rules, cases_7d, population, &mut exact);
    let residents = (0..=MOST_DECIMALS)
        .map(|decimals| format!("{population:.decimals$}"))
        .find(|text| {
            let mut by_hand = explain.clone();
            say_rate(rules, cases_7d, text.parse().unwrap_or(population), &mut by_hand);
            by_hand == exact
        })
        .unwrap_or_else(|| population.to_string());
    explain.input(
        "Ca cộng đồng trong 7 ngày",
        "Community cases in 7 days",
        cases_7d.to_string(),
    );
    explain.input("Dân số của ô", "Residents of the cell", residents);
    explain.steps = exact.steps;
    explain.next = exact.next;
}

fn say_rate(rules: &CellRules, cases_7d: u32, population: f64, explain: &mut Explain) {
    let risk = cell_risk(rules, cases_7d, population);
    if risk.level == 0 {
        explain.step(
            "Chưa biết dân số: không tính được tỷ lệ",
            "Population not known: no rate can be formed",
            "–",
        );
        explain.next("Có số dân của ô", "A population figure for the cell");
        return;
    }
    explain.step(
        "Ca trên 100.000 dân trong 7 ngày",
        "Cases per 100,000 people in 7 days",
        figure(risk.rate_7d_per_100k),
    );
    let (low, high) = poisson_interval_95(cases_7d);
    let per_100k = |cases: f64| figure(cases * 100_000.0 / population);
    explain.step(
        "Khoảng tin cậy 95 % (Poisson chính xác)",
        "95 % interval (exact Poisson)",
        format!("{}–{}", per_100k(low), per_100k(high)),
    );
    if risk.small_number {
        explain.step(
            format!("Ít hơn {} ca: tỷ lệ chưa chắc chắn", rules.reliable_from_cases),
            format!(
                "Fewer than {} cases: the rate is unreliable",
                rules.reliable_from_cases
            ),
            cases_7d.to_string(),
        );
    }
    explain.step("Cấp theo bảng", "Level by the table", risk.level.to_string());
    what_would_change(rules, risk.level, population, explain);
}

/// The other levels, each with its rates and the counts that give them here.
fn what_would_change(rules: &CellRules, level: u8, population: f64, explain: &mut Explain) {
    // A hair less, so that a rate that is met exactly needs no case more.
    let least = |rate: f64| (rate * population / 100_000.0 - 1e-9).ceil().max(0.0) + 0.0;
    for band in rules.incidence.as_slice() {
        if band.gives == level {
            continue;
        }
        let from = least(band.from);
        // A cell of few residents may jump over a band: no count gives that level.
        let (span, counts) = match band.to.map(|to| (to, least(to) - 1.0)) {
            Some((_, to)) if to < from => continue,
            Some((above, to)) => (
                format!("{}–<{}", figure(band.from), figure(above)),
                if to > from {
                    format!("{}–{}", figure(from), figure(to))
                } else {
                    figure(from)
                },
            ),
            None => (format!("≥{}", figure(band.from)), format!("≥{}", figure(from))),
        };
        explain.next(
            format!(
                "Cấp {} khi tỷ lệ {}: {} ca trong 7 ngày",
                band.gives,
                vietnamese(&span),
                vietnamese(&counts)
            ),
            format!(
                "Level {} at a rate of {span}: {counts} {} in 7 days",
                band.gives,
                if counts == "1" { "case" } else { "cases" }
            ),
        );
    }
}

/// The exact (Garwood) 95 % interval of a Poisson count: the means under which seeing this many or
/// more, or this many or fewer, has probability 2.5 %.
#[must_use]
pub fn poisson_interval_95(count: u32) -> (f64, f64) {
    let spread = 8.0 * f64::from(count + 1).sqrt() + 10.0;
    let centre = f64::from(count);
    // P(X ≤ n | mean) falls as the mean grows.
    let mean_where = |n: u32, probability: f64| {
        let (mut low, mut high) = ((centre - spread).max(0.0), centre + spread);
        for _ in 0..80 {
            let middle = f64::midpoint(low, high);
            if poisson_at_most(n, middle) > probability {
                low = middle;
            } else {
                high = middle;
            }
        }
        f64::midpoint(low, high)
    };
    let lower = if count == 0 {
        0.0
    } else {
        mean_where(count - 1, 0.975)
    };
    (lower, mean_where(count, 0.025))
}

fn poisson_at_most(n: u32, mean: f64) -> f64 {
    if mean <= 0.0 {
        return 1.0;
    }
    let (mut log_term, mut sum) = (-mean, (-mean).exp());
    for k in 1..=n {
        log_term += mean.ln() - f64::from(k).ln();
        sum += log_term.exp();
    }
    sum
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CellFile {
    #[serde(rename = "kind")]
    _kind: String,
    rule: RuleHead,
    reliable_from_cases: u32,
    incidence: Vec<Band<u8>>,
}

impl CellFile {
    pub(super) fn check(self) -> Result<CellRules, Flaw> {
        self.rule.check()?;
        for (at, band) in self.incidence.iter().enumerate() {
            check_level(&format!("incidence[{at}].gives"), band.gives)?;
        }
        Ok(CellRules {
            incidence: from_zero("incidence", self.incidence)?,
            rule: self.rule,
            reliable_from_cases: self.reliable_from_cases,
        })
    }
}

/// Complete bands that begin at zero.
pub(super) fn from_zero<T>(field: &str, bands: Vec<Band<T>>) -> Result<Bands<T>, Flaw> {
    let bands = Bands::complete(field, bands)?;
    if bands.find(0.0).is_some() {
        Ok(bands)
    } else {
        Err(Flaw::new(
            format!("{field}[0]"),
            "leaves a gap below its first band",
            "the first band to start at 0",
        ))
    }
}

/// Levels are 1..=4.
pub(super) fn check_level(field: &str, level: u8) -> Result<(), Flaw> {
    if (1..=4).contains(&level) {
        Ok(())
    } else {
        Err(Flaw::new(field, format!("is level {level}"), "levels 1 to 4"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_poisson_interval_is_garwoods() {
        // Published values (Garwood 1936, 95 %).
        for (count, low, high) in [
            (0, 0.0, 3.689),
            (1, 0.0253, 5.572),
            (3, 0.619, 8.767),
            (10, 4.795, 18.39),
            (100, 81.36, 121.63),
        ] {
            let found = poisson_interval_95(count);
            assert!(
                (found.0 - low).abs() < 0.005 && (found.1 - high).abs() < 0.005,
                "{count}: {found:?}"
            );
        }
    }
}
