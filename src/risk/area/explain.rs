use serde::Serialize;

use crate::model::UtcOffset;
use crate::risk::area::condition_text::condition_text;
use crate::risk::area::decide::{Step, Truth, decide};
use crate::risk::area::measure::Figures;
use crate::risk::area::outlook::outlook;
use crate::risk::area::reported::too_old;
use crate::risk::area::{
    AreaInputs, AreaRules, Condition, LevelSet, LevelTable, Measure, Origin, Raise, Standing,
};
use crate::risk::explain::{figure, figure_that, vietnamese};
use crate::risk::{Band, Counted, Explain, Text};

/// An area's level with its reasons.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AreaRisk {
    /// 1 low ..= 4 very high; 0 where there is none.
    pub level: u8,
    /// Whether there is a level, and why not.
    pub standing: Standing,
    /// What the rule itself calls the level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<Text>,
    /// The levels that are possible for what is known, ascending; 0 stands for 'the text gives none'.
    pub possible: Vec<u8>,
    /// Community cases of seven days per 100,000 people, where both are known.
    pub rate_7d_per_100k: Option<f64>,
    /// What the rule asks for and nobody reported.
    pub missing: Vec<Text>,
    /// Why.
    pub explain: Explain,
}

/// The level of an area. What is missing leaves several levels possible; only where all that is possible is one level
/// is it given. A missing adjustment is named and not applied.
#[must_use]
pub fn area_level(rules: &AreaRules, inputs: &AreaInputs<'_>) -> AreaRisk {
    let figures = Figures::of(inputs);
    let mut explain = Explain::under(&rules.rule, inputs.as_of);
    describe(rules, inputs, &figures, &mut explain);
    if !rules.rule.in_force(inputs.as_of, UtcOffset::VIETNAM) {
        let until = rules.rule.valid_to.as_deref().unwrap_or("…");
        explain.step(
            "Quy định không có hiệu lực vào ngày này; áp dụng để so sánh",
            "The rule was not in force on this day; applied for comparison",
            format!("{} – {until}", rules.rule.valid_from),
        );
    }
    let rate = figures.of_measure(Measure::WeeklyCases).value();
    let mut steps = Vec::new();
    let decision = decide(rules, inputs, &figures, &mut |step| steps.push(step));
    let mut missing = missing(rules, inputs, &figures);
    if decision.standing == Standing::InsufficientData {
        explain.step(
            "Không đủ dữ liệu: không phỏng đoán cấp",
            "Insufficient data: no level is guessed",
            "0",
        );
    } else {
        for step in &steps {
            say(inputs, &figures, step, &mut explain);
        }
        conclude(rules, decision.level(), decision.possible, &mut explain);
    }
    if decision.standing == Standing::InsufficientData && missing.is_empty() {
        missing.push(Text::new("Số ca được công bố", "A published case count"));
    }
    for text in &missing {
        explain.next(format!("Bổ sung: {}", text.vi), format!("Report of: {}", text.en));
    }
    if decision.standing != Standing::InsufficientData {
        for text in outlook(rules, inputs, &figures, decision) {
            explain.next.push(text);
        }
    }
    AreaRisk {
        level: decision.level(),
        standing: decision.standing,
        class: rules.name_of(decision.level()).cloned(),
        possible: decision.possible.levels().collect(),
        rate_7d_per_100k: rate,
        missing,
        explain,
    }
}

fn describe(rules: &AreaRules, inputs: &AreaInputs<'_>, figures: &Figures, explain: &mut Explain) {
    let count = |cases: Counted| match cases {
        Counted::Shown(cases) => cases.to_string(),
        Counted::Hidden => "–".to_owned(),
    };
    let measures = rules.measures(inputs.tier);
    explain.input_of(
        "Ca cộng đồng mới trong 7 ngày",
        "New community cases in 7 days",
        count(inputs.cases_7d),
        inputs.counted_to,
    );
    if measures.iter().any(|each| each.case_days() == Some(14)) {
        explain.input_of(
            "Ca cộng đồng mới trong 14 ngày",
            "New community cases in 14 days",
            count(inputs.cases_14d),
            inputs.counted_to,
        );
    }
    let population = inputs.population.map_or("–".to_owned(), |p| p.to_string());
    explain.input("Dân số", "Population", population);
    let weighs_by = Some(Measure::PopulationFullDose)
        .filter(|each| measures.contains(&Measure::WeightedCases) && !measures.contains(each));
    let reported = measures.iter().filter(|measure| measure.is_reported());
    for measure in reported.chain(&weighs_by) {
        let value = figures.of_measure(*measure).value();
        let name = measure.name();
        explain.input(
            &capitalised(&name.vi),
            &capitalised(&name.en),
            value.map_or("–".to_owned(), |value| as_reported(*measure, value)),
        );
        let mut reported = inputs.reported.iter();
        let found = reported.find(|each| each.measure == *measure && each.is_current == value.is_some());
        tell_origin(found.and_then(|each| each.origin), explain);
    }
    if rules.holds_without_care {
        let care = match inputs.indicators.care_ready {
            Some(true) => "đạt / met",
            Some(false) => "không đạt / not met",
            None => "–",
        };
        explain.input("Khả năng thu dung, điều trị", "Care capacity", care);
        tell_origin(inputs.care_origin, explain);
    }
    if let (Some(level), Some(week)) = (inputs.previous_level, inputs.previous_week) {
        let (vi, en) = (
            format!("Cấp đã công bố của tuần {week}"),
            format!("Level published of week {week}"),
        );
        explain.input(&vi, &en, level.to_string());
    }
    let asks = |of: fn(&Condition) -> bool| rules.conditions_for(inputs.tier).any(of);
    if asks(Condition::looks_below) {
        let number = Some(inputs.below.len()).filter(|number| *number > 0);
        let value = number.map_or("–".to_owned(), |number| number.to_string());
        explain.input("Số đơn vị trực thuộc", "Units below", value);
    }
    if asks(Condition::looks_beside) {
        let number = inputs.neighbours.map(<[_]>::len);
        let value = number.map_or("–".to_owned(), |number| number.to_string());
        explain.input(
            "Số đơn vị giáp ranh cùng cấp hành chính",
            "Areas of the same tier that border on it",
            value,
        );
    }
}

/// Says whence the input is that was told last: of which day, and by whom.
fn tell_origin(origin: Option<Origin<'_>>, explain: &mut Explain) {
    if let (Some(origin), Some(input)) = (origin, explain.inputs.last_mut()) {
        input.as_of = Some(origin.as_of);
        input.source = origin.source.map(str::to_owned);
    }
}

/// What the rule asks for and nobody reported, or not lately.
fn missing(rules: &AreaRules, inputs: &AreaInputs<'_>, figures: &Figures) -> Vec<Text> {
    let measures = rules.measures(inputs.tier);
    let has_rates = measures.iter().any(|each| each.is_rate_of_cases());
    let mut names = Vec::new();
    if has_rates && inputs.population.is_none_or(|people| people == 0) {
        names.push(Text::new("dân số", "population"));
    }
    let hidden = |days: u32, cases: Counted| {
        cases == Counted::Hidden && measures.iter().any(|each| each.case_days() == Some(days))
    };
    if hidden(7, inputs.cases_7d) || hidden(14, inputs.cases_14d) {
        names.push(Text::new(
            "số ca (bị ẩn hoặc chưa có)",
            "cases (hidden or absent)",
        ));
    }
    let unknown = |measure: &Measure| figures.of_measure(*measure).value().is_none();
    let reported = measures.iter().filter(|measure| measure.is_reported());
    let named = |measure: Measure| {
        let mut found = inputs.reported.iter().filter(|each| each.measure == measure);
        match found.find_map(|each| each.origin.filter(|_| !each.is_current)) {
            Some(origin) => too_old(&measure.name(), origin.day, rules.reports_valid_days),
            None => measure.name(),
        }
    };
    names.extend(reported.filter(|each| unknown(each)).map(|each| named(*each)));
    let weighted = Measure::WeightedCases;
    if measures.contains(&weighted) && unknown(&Measure::PopulationFullDose) {
        names.push(named(Measure::PopulationFullDose));
    }
    if rules.holds_without_care && inputs.indicators.care_ready.is_none() {
        names.push(Text::new("khả năng điều trị", "care capacity"));
    }
    let asks = |of: fn(&Condition) -> bool| rules.conditions_for(inputs.tier).any(of);
    if asks(Condition::looks_below) && inputs.below.is_empty() {
        names.push(Text::new(
            "cấp của các đơn vị trực thuộc",
            "levels of the units below",
        ));
    }
    if asks(Condition::looks_beside) && inputs.neighbours.is_none() {
        names.push(Text::new(
            "cấp của các đơn vị giáp ranh",
            "levels of the areas that border on it",
        ));
    }
    names
}

fn say(inputs: &AreaInputs<'_>, figures: &Figures, step: &Step<'_>, explain: &mut Explain) {
    match step {
        Step::Silent => explain.step(
            "Văn bản (phần đã thu thập) không nói về cấp hành chính này",
            "The text (what was retrieved of it) does not speak of this tier",
            "–",
        ),
        Step::Required(requirement, truth) => {
            let (name, limit) = (requirement.measure.name(), figure(requirement.above));
            let value = figures.of_measure(requirement.measure).value();
            let (vi, en) = match truth {
                Truth::Yes => ("đạt", "met"),
                Truth::No => (
                    requirement.otherwise.vi.as_str(),
                    requirement.otherwise.en.as_str(),
                ),
                Truth::Unknown => ("chưa có", "not reported"),
            };
            explain.step(
                format!("Yêu cầu {} trên {}: {vi}", name.vi, vietnamese(&limit)),
                format!("Asked: {} above {limit}: {en}", name.en),
                value.map_or("–".to_owned(), |value| {
                    figure_that(value, |value| value > requirement.above)
                }),
            );
        }
        Step::Table {
            table,
            column,
            row,
            levels,
        } => say_table(table, figures, (*column, *row), *levels, explain),
        Step::Met(condition, truth, levels) => {
            let text = condition_text(condition, *truth, inputs);
            explain.step(text.vi, text.en, listed(*levels));
        }
        Step::Raised(raise, truth, levels) => say_raise(raise, *truth, *levels, explain),
        Step::Held(level) => {
            let (vi, en) = match inputs.previous_week {
                Some(week) => (format!(" của tuần {week}"), format!(" of week {week}")),
                None => (String::new(), String::new()),
            };
            explain.step(
                format!("Khả năng điều trị không đạt: không được hạ dưới cấp {level}{vi}"),
                format!("Care capacity not met: the level may not fall below level {level}{en}"),
                level.to_string(),
            );
        }
        Step::CareUnknown => explain.step(
            "Khả năng điều trị chưa có: không điều chỉnh",
            "Care capacity not reported: no adjustment made",
            "–",
        ),
    }
}

fn say_table(
    table: &LevelTable,
    figures: &Figures,
    (column, row): (Option<usize>, Option<usize>),
    levels: LevelSet,
    explain: &mut Explain,
) {
    let rows = table.rows.as_slice();
    let mut axes = Vec::new();
    if let Some((measure, bands)) = &table.columns {
        let bands = bands.as_slice();
        let value = figures.of_measure(*measure).value();
        axes.push((
            *measure,
            column.map(|at| bands[at].gives.clone()),
            value.map(|value| in_band(*measure, value, column.map(|at| &bands[at]))),
        ));
    }
    let value = figures.of_measure(table.row_measure).value();
    axes.push((
        table.row_measure,
        row.map(|at| band_text(&rows[at])),
        value.map(|value| in_band(table.row_measure, value, row.map(|at| &rows[at]))),
    ));
    for (measure, band, value) in axes {
        let name = measure.name();
        let (vi, en) = match &band {
            Some(band) => (format!("khoảng {}", vietnamese(band)), format!("band {band}")),
            None => (
                "chưa biết khoảng nào".to_owned(),
                "which band is not known".to_owned(),
            ),
        };
        explain.step(
            format!("{}: {vi}", capitalised(&name.vi)),
            format!("{}: {en}", capitalised(&name.en)),
            value.unwrap_or_else(|| "–".to_owned()),
        );
    }
    let (vi, en) = match (levels.decided(), levels == LevelSet::UNDEFINED) {
        (Some(_), _) => ("cấp theo bảng", "level by the table"),
        (None, true) => ("văn bản không cho cấp", "the text gives no level"),
        (None, false) => ("có thể là một trong các cấp", "the level could be one of"),
    };
    explain.step(
        format!("{}: {vi}", table.name.vi),
        format!("{}: {en}", table.name.en),
        listed(levels),
    );
}

fn say_raise(raise: &Raise, truth: Truth, levels: LevelSet, explain: &mut Explain) {
    let (name, limit) = (raise.measure.name(), with_unit(raise.measure, raise.below));
    let by = raise.by;
    let (vi, en) = match truth {
        Truth::Yes => (
            format!("{} dưới {limit}: tăng {by} cấp", capitalised(&name.vi)),
            format!("{} below {limit}: {by} level up", capitalised(&name.en)),
        ),
        Truth::No => (
            format!("Yêu cầu {limit} về {}: không tăng cấp", name.vi),
            format!("The {limit} asked of the {}: no rise", name.en),
        ),
        Truth::Unknown => (
            format!("Chưa có {}: không điều chỉnh", name.vi),
            format!("{} not reported: no adjustment made", capitalised(&name.en)),
        ),
    };
    explain.step(vi, en, listed(levels));
}

fn conclude(rules: &AreaRules, level: u8, possible: LevelSet, explain: &mut Explain) {
    if level == 0 {
        explain.step(
            "Quy định không xác định được cấp với dữ liệu này; có thể là",
            "Undefined by rule for these figures; the level could be",
            listed(possible),
        );
        return;
    }
    let name = rules.name_of(level);
    explain.step(
        name.map_or("Cấp".to_owned(), |name| format!("Cấp: {}", name.vi)),
        name.map_or("Level".to_owned(), |name| format!("Level: {}", name.en)),
        level.to_string(),
    );
}

/// `2, 3`; 0 is 'none by the text'.
fn listed(levels: LevelSet) -> String {
    let all: Vec<String> = levels
        .levels()
        .map(|level| {
            if level == 0 {
                "–".to_owned()
            } else {
                level.to_string()
            }
        })
        .collect();
    all.join(", ")
}

/// `20–<50`, `≥70`, `<4`.
fn band_text<T>(band: &Band<T>) -> String {
    let from = figure(band.from);
    match band.to {
        None if band.from_open => format!(">{from}"),
        None => format!("≥{from}"),
        Some(to) => {
            let to = format!("{}{}", if band.to_closed { "≤" } else { "<" }, figure(to));
            match (band.from, band.from_open) {
                (0.0, false) => to,
                (_, false) => format!("{from}–{to}"),
                (_, true) => format!(">{from}–{to}"),
            }
        }
    }
}

pub(super) fn with_unit(measure: Measure, value: f64) -> String {
    unit_of(measure, figure(value))
}

/// What somebody reported stands there as it was reported, not rounded.
fn as_reported(measure: Measure, value: f64) -> String {
    unit_of(measure, value.to_string())
}

/// A figure with enough decimals that it does not look as if it lay in another band than its own.
fn in_band<T>(measure: Measure, value: f64, band: Option<&Band<T>>) -> String {
    let is_inside = |value| band.is_some_and(|band| band.touches(value, value));
    unit_of(measure, figure_that(value, is_inside))
}

fn unit_of(measure: Measure, figure: String) -> String {
    if measure.is_percent() {
        format!("{figure} %")
    } else {
        figure
    }
}

pub(super) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}
