use serde::{Deserialize, Serialize};

use crate::model::{AreaIndicators, Timestamp, UtcOffset};
use crate::risk::cell_risk::{check_levels, from_zero};
use crate::risk::explain::figure;
use crate::risk::rules::Flaw;
use crate::risk::{Band, Bands, Counted, Explain, RuleHead, Text};

/// A level rule for areas: incidence bands × coverage rows, then two adjustments.
#[derive(Clone, Debug, PartialEq)]
pub struct AreaRules {
    /// Where the rule comes from.
    pub rule: RuleHead,
    /// New community cases per 100,000 people and week; the names of the matrix' columns.
    pub incidence: Bands<String>,
    /// Percent of adults with at least one dose → levels by incidence band.
    pub coverage: Bands<Vec<u8>>,
    /// Full vaccination of the older age group that is asked for, percent; below it the level rises by one.
    pub elderly_required_percent: f64,
}

/// What an area's level is computed from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AreaInputs {
    /// Residents.
    pub population: Option<u64>,
    /// New community cases of seven days.
    pub cases_7d: Counted,
    /// Vaccination and care.
    pub indicators: AreaIndicators,
    /// The level before, where one was in force.
    pub previous_level: Option<u8>,
    /// The instant the figures hold for.
    pub as_of: Timestamp,
}

/// An area's level with its reasons.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AreaRisk {
    /// 1 low ..= 4 very high; 0 insufficient data.
    pub level: u8,
    /// Community cases of seven days per 100,000 people, where both are known.
    pub rate_7d_per_100k: Option<f64>,
    /// What the rule asks for and nobody reported.
    pub missing: Vec<Text>,
    /// Why.
    pub explain: Explain,
}

/// The level of an area. Missing or hidden cases, or a missing population, give level 0; a missing
/// coverage does so only where it matters; a missing adjustment is named and not applied.
#[must_use]
pub fn area_level(rules: &AreaRules, inputs: &AreaInputs) -> AreaRisk {
    let mut explain = Explain::under(&rules.rule, inputs.as_of);
    describe(inputs, &mut explain);
    let mut missing = missing(inputs);
    if !rules.rule.in_force(inputs.as_of, UtcOffset::VIETNAM) {
        let until = rules.rule.valid_to.as_deref().unwrap_or("…");
        explain.step(
            "Quy định không có hiệu lực vào ngày này; áp dụng để so sánh",
            "The rule was not in force on this day; applied for comparison",
            format!("{} – {until}", rules.rule.valid_from),
        );
    }
    let (rate, level) = matrix_level(rules, inputs, &mut explain);
    let level = if let Some(level) = level {
        adjusted(rules, inputs, level, &mut explain)
    } else {
        explain.step(
            "Không đủ dữ liệu: không phỏng đoán cấp",
            "Insufficient data: no level is guessed",
            "0",
        );
        0
    };
    if level == 0 && missing.is_empty() {
        missing.push(Text::new("Số ca được công bố", "A published case count"));
    }
    for text in &missing {
        explain.next(format!("Bổ sung: {}", text.vi), format!("Report of: {}", text.en));
    }
    if rate.is_some() {
        what_would_change(rules, rate.unwrap_or_default(), &mut explain);
    }
    AreaRisk {
        level,
        rate_7d_per_100k: rate,
        missing,
        explain,
    }
}

fn describe(inputs: &AreaInputs, explain: &mut Explain) {
    let percent = |value: Option<f64>| value.map_or("–".to_owned(), |p| format!("{} %", figure(p)));
    let cases = match inputs.cases_7d {
        Counted::Shown(cases) => cases.to_string(),
        Counted::Hidden => "–".to_owned(),
    };
    explain.input(
        "Ca cộng đồng mới trong 7 ngày",
        "New community cases in 7 days",
        cases,
    );
    let population = inputs.population.map_or("–".to_owned(), |p| p.to_string());
    explain.input("Dân số", "Population", population);
    let indicators = &inputs.indicators;
    explain.input(
        "Người từ 18 tuổi đã tiêm ít nhất 1 mũi",
        "Adults with at least one dose",
        percent(indicators.adults_one_dose_percent),
    );
    explain.input(
        "Nhóm tuổi nguy cơ cao đã tiêm đủ liều",
        "Older age group fully vaccinated",
        percent(indicators.elderly_full_dose_percent),
    );
    let care = match indicators.care_ready {
        Some(true) => "đạt / met",
        Some(false) => "không đạt / not met",
        None => "–",
    };
    explain.input("Khả năng thu dung, điều trị", "Care capacity", care);
}

fn missing(inputs: &AreaInputs) -> Vec<Text> {
    let indicators = &inputs.indicators;
    let unknown = |percent: Option<f64>| percent.is_none_or(|p| !(0.0..=100.0).contains(&p));
    let wanted = [
        (inputs.population.is_none_or(|p| p == 0), "dân số", "population"),
        (
            inputs.cases_7d == Counted::Hidden,
            "số ca (bị ẩn hoặc chưa có)",
            "cases (hidden or absent)",
        ),
        (
            unknown(indicators.adults_one_dose_percent),
            "tỷ lệ tiêm ít nhất 1 mũi",
            "one-dose coverage of adults",
        ),
        (
            unknown(indicators.elderly_full_dose_percent),
            "tỷ lệ tiêm đủ liều của nhóm tuổi nguy cơ cao",
            "full-dose coverage of the older age group",
        ),
        (
            indicators.care_ready.is_none(),
            "khả năng điều trị",
            "care capacity",
        ),
    ];
    let names = wanted.into_iter().filter(|(absent, ..)| *absent);
    names.map(|(_, vi, en)| Text::new(vi, en)).collect()
}

fn matrix_level(rules: &AreaRules, inputs: &AreaInputs, explain: &mut Explain) -> (Option<f64>, Option<u8>) {
    let (Counted::Shown(cases), Some(population @ 1..)) = (inputs.cases_7d, inputs.population) else {
        return (None, None);
    };
    let rate = f64::from(cases) * 100_000.0 / population as f64;
    explain.step(
        "Tiêu chí 1: ca mới trên 100.000 dân mỗi tuần",
        "Criterion 1: new cases per 100,000 people and week",
        figure(rate),
    );
    let Some(column) = rules.incidence.position(rate) else {
        return (Some(rate), None);
    };
    let name = &rules.incidence.as_slice()[column].gives;
    explain.step("Khoảng của tiêu chí 1", "Band of criterion 1", name.clone());

    let coverage = inputs.indicators.adults_one_dose_percent;
    if let Some(row) = coverage
        .filter(|p| *p <= 100.0)
        .and_then(|p| rules.coverage.find(p))
    {
        let level = row.gives[column];
        explain.step(
            format!("Tiêu chí 2: hàng ≥{} %; cấp theo bảng", figure(row.from)),
            format!(
                "Criterion 2: row from {} %; level by the matrix",
                figure(row.from)
            ),
            level.to_string(),
        );
        return (Some(rate), Some(level));
    }
    let mut levels: Vec<u8> = rules
        .coverage
        .as_slice()
        .iter()
        .map(|row| row.gives[column])
        .collect();
    levels.sort_unstable();
    levels.dedup();
    if let [level] = levels[..] {
        explain.step(
            "Tiêu chí 2 chưa có, nhưng mọi hàng cho cùng một cấp",
            "Criterion 2 not reported, but every row gives the same level",
            level.to_string(),
        );
        return (Some(rate), Some(level));
    }
    let listed: Vec<String> = levels.iter().map(u8::to_string).collect();
    explain.step(
        "Tiêu chí 2 chưa có: có thể là một trong các cấp",
        "Criterion 2 not reported: the level could be one of",
        listed.join(", "),
    );
    (Some(rate), None)
}

fn adjusted(rules: &AreaRules, inputs: &AreaInputs, matrix: u8, explain: &mut Explain) -> u8 {
    let mut level = matrix;
    let no_cases = inputs.cases_7d == Counted::Shown(0);
    let required = figure(rules.elderly_required_percent);
    match inputs.indicators.elderly_full_dose_percent {
        Some(percent) if percent < rules.elderly_required_percent && level < 4 && !no_cases => {
            level += 1;
            explain.step(
                format!("Nhóm tuổi nguy cơ cao chưa đạt {required} %: tăng một cấp"),
                format!("Older age group below {required} %: one level up"),
                level.to_string(),
            );
        }
        Some(_) => explain.step(
            format!("Yêu cầu {required} % nhóm tuổi nguy cơ cao: không tăng cấp"),
            format!("The {required} % asked of the older age group: no rise"),
            level.to_string(),
        ),
        None => explain.step(
            "Tỷ lệ của nhóm tuổi nguy cơ cao chưa có: không điều chỉnh",
            "Older age group not reported: no adjustment made",
            level.to_string(),
        ),
    }
    match (inputs.indicators.care_ready, inputs.previous_level) {
        (Some(false), Some(previous)) if previous > level => {
            level = previous.min(4);
            explain.step(
                "Tiêu chí 3 không đạt: không được hạ cấp",
                "Criterion 3 not met: the level may not fall",
                level.to_string(),
            );
        }
        (None, _) => explain.step(
            "Tiêu chí 3 chưa có: không điều chỉnh",
            "Criterion 3 not reported: no adjustment made",
            level.to_string(),
        ),
        _ => {}
    }
    level
}

fn what_would_change(rules: &AreaRules, rate: f64, explain: &mut Explain) {
    let Some(column) = rules.incidence.position(rate) else {
        return;
    };
    let bands = rules.incidence.as_slice();
    if let Some(to) = bands[column].to {
        let to = figure(to);
        explain.next(
            format!("Từ {to} ca/100.000 dân/tuần: khoảng cao hơn"),
            format!("From {to} cases per 100,000 and week: the band above"),
        );
    }
    if column > 0 {
        let from = figure(bands[column].from);
        explain.next(
            format!("Dưới {from} ca/100.000 dân/tuần: khoảng thấp hơn"),
            format!("Below {from} cases per 100,000 and week: the band below"),
        );
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AreaFile {
    #[serde(rename = "kind")]
    _kind: String,
    rule: RuleHead,
    elderly_required_percent: f64,
    incidence: Vec<Band<String>>,
    coverage: Vec<Band<Vec<u8>>>,
}

impl AreaFile {
    pub(super) fn check(self) -> Result<AreaRules, Flaw> {
        self.rule.check()?;
        let columns = self.incidence.len();
        if let Some(row) = self.coverage.iter().position(|row| row.gives.len() != columns) {
            let found = format!("has {} levels", self.coverage[row].gives.len());
            return Err(Flaw::new(
                format!("coverage[{row}].gives"),
                found,
                format!("{columns} levels"),
            ));
        }
        check_levels(
            "coverage",
            self.coverage.iter().flat_map(|row| row.gives.iter().copied()),
        )?;
        if !(0.0..=100.0).contains(&self.elderly_required_percent) {
            return Err(Flaw::new(
                "elderly_required_percent",
                "is no percentage",
                "0 to 100",
            ));
        }
        Ok(AreaRules {
            incidence: from_zero("incidence", self.incidence)?,
            coverage: from_zero("coverage", self.coverage)?,
            rule: self.rule,
            elderly_required_percent: self.elderly_required_percent,
        })
    }
}
