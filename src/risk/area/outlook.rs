//! What would change a level: the rule is asked again with one figure in another of its bands.

use crate::model::{Day, FindingId, UtcOffset};
use crate::risk::area::condition_text::{condition_text, finding_text};
use crate::risk::area::decide::{Truth, decide};
use crate::risk::area::explain::with_unit;
use crate::risk::area::measure::{Figures, Span};
use crate::risk::area::{AreaDecision, AreaInputs, AreaRules, Findings, Measure, When};
use crate::risk::explain::vietnamese;
use crate::risk::{Band, Text};

/// A stretch of a measure on which the rule answers alike.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: f64,
    to: Option<f64>,
    from_open: bool,
    to_closed: bool,
}

/// What would change the level, or decide one: each measure alone, the nearest way up and down; then what
/// officials may declare, and the units below and beside.
pub(super) fn outlook(
    rules: &AreaRules,
    inputs: &AreaInputs<'_>,
    figures: &Figures,
    now: AreaDecision,
) -> Vec<Text> {
    let mut texts = Vec::new();
    for measure in rules.measures(inputs.tier) {
        let stretches = stretches(rules, inputs, measure);
        let level_in = |stretch: &Stretch| {
            let mut other = *figures;
            other.set(measure, Span::known(stretch.inside()));
            decide(rules, inputs, &other, &mut |_| {}).level()
        };
        let present = figures.of_measure(measure);
        match present.value() {
            Some(value) => {
                let changes = |stretch: &&Stretch| {
                    let level = level_in(stretch);
                    level != 0 && level != now.level()
                };
                let above = stretches
                    .iter()
                    .filter(|each| each.from >= value && !each.holds(value));
                let below = stretches
                    .iter()
                    .rev()
                    .filter(|each| each.to.is_some_and(|to| to <= value));
                if let Some(stretch) = above.clone().find(changes) {
                    let cases = cases_for(inputs, measure, stretch.from);
                    texts.push(stretch.going_up(measure, level_in(stretch), cases));
                }
                if let Some(stretch) = below.filter(|each| !each.holds(value)).find(changes) {
                    texts.push(stretch.going_down(measure, level_in(stretch)));
                }
            }
            // Of what is not known, only what would then be decided, or decided otherwise.
            None if measure.is_reported() => {
                for stretch in &stretches {
                    let level = level_in(stretch);
                    if level != 0 && level != now.level() {
                        texts.push(stretch.going_up(measure, level, None));
                    }
                }
            }
            None => {}
        }
    }
    texts.extend(by_findings(rules, inputs, figures, now));
    let open = rules.conditions_for(inputs.tier).filter(|condition| {
        let looks_around = condition.looks_below() || condition.looks_beside();
        looks_around && condition.level > now.level() && now.level() > 0
    });
    for condition in open {
        texts.push(condition_text(condition, Truth::No, inputs));
    }
    texts
}

/// What one more finding, or one less, would make of the level.
fn by_findings(
    rules: &AreaRules,
    inputs: &AreaInputs<'_>,
    figures: &Figures,
    now: AreaDecision,
) -> Vec<Text> {
    let declared: &[FindingId] = inputs.findings.map_or(&[], |findings| findings.ids);
    let day = Day::of(inputs.as_of, UtcOffset::VIETNAM);
    let mut seen: Vec<&FindingId> = Vec::new();
    let mut texts = Vec::new();
    for asked in rules.findings() {
        let is_for = asked.tiers.is_empty() || asked.tiers.contains(&inputs.tier);
        if !is_for || seen.contains(&asked.id) {
            continue;
        }
        seen.push(asked.id);
        let is_declared = declared.contains(asked.id);
        let mut ids: Vec<FindingId> = declared.iter().filter(|id| *id != asked.id).cloned().collect();
        if !is_declared {
            ids.push(asked.id.clone());
        }
        let other = AreaInputs {
            findings: Some(Findings { day, ids: &ids }),
            ..*inputs
        };
        let level = decide(rules, &other, figures, &mut |_| {}).level();
        if level != 0 && level != now.level() {
            texts.push(finding_text(&asked, is_declared, level));
        }
    }
    texts
}

/// The count that reaches a rate of cases.
fn cases_for(inputs: &AreaInputs<'_>, measure: Measure, rate: f64) -> Option<(u32, u64)> {
    let days = measure
        .case_days()
        .filter(|_| measure.is_rate_of_cases() && measure != Measure::WeightedCases)?;
    let people = inputs.population.filter(|people| *people > 0)? as f64;
    let per_day = if measure == Measure::DailyCases { 7.0 } else { 1.0 };
    // A hair less, so that a rate that is met exactly needs no case more.
    Some((
        days,
        (rate * per_day * people / 100_000.0 - 1e-9).ceil().max(0.0) as u64,
    ))
}

/// Where the rule's answer may change with a measure.
fn stretches(rules: &AreaRules, inputs: &AreaInputs<'_>, measure: Measure) -> Vec<Stretch> {
    // The ends of stretches: (figure, whether the figure itself belongs to the lower one).
    let mut cuts: Vec<(f64, bool)> = Vec::new();
    for table in &rules.tables {
        if table.row_measure == measure {
            starts(table.rows.as_slice(), &mut cuts);
        }
        if let Some((column, bands)) = &table.columns
            && *column == measure
        {
            starts(bands.as_slice(), &mut cuts);
        }
    }
    let conditions = rules
        .conditions_for(inputs.tier)
        .filter_map(|condition| match condition.when {
            When::Above(each, limit) if each == measure => Some((limit, true)),
            _ => None,
        });
    let raises = rules.raises.iter().filter(|raise| raise.measure == measure);
    let requirements = rules.requirements.iter().filter(|each| each.measure == measure);
    cuts.extend(conditions);
    cuts.extend(raises.map(|raise| (raise.below, false)));
    cuts.extend(requirements.map(|requirement| (requirement.above, true)));
    cuts.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    cuts.dedup();
    if cuts.is_empty() {
        return Vec::new();
    }
    let starts = std::iter::once((0.0, false)).chain(cuts.iter().copied());
    let ends = cuts.iter().copied().map(Some).chain([None]);
    starts
        .zip(ends)
        .map(|((from, from_open), end)| Stretch {
            from,
            from_open,
            to: end.map(|(to, _)| to),
            to_closed: end.is_some_and(|(_, closed)| closed),
        })
        .collect()
}

/// Where bands begin, the first apart.
fn starts<T>(bands: &[Band<T>], cuts: &mut Vec<(f64, bool)>) {
    cuts.extend(bands.iter().skip(1).map(|band| (band.from, band.from_open)));
}

impl Stretch {
    fn inside(&self) -> f64 {
        match self.to {
            Some(to) => f64::midpoint(self.from, to),
            None => self.from + 1.0,
        }
    }

    fn holds(&self, value: f64) -> bool {
        let above = value > self.from || (value >= self.from && !self.from_open);
        above
            && self
                .to
                .is_none_or(|to| value < to || (value <= to && self.to_closed))
    }

    fn going_up(&self, measure: Measure, level: u8, cases: Option<(u32, u64)>) -> Text {
        let (name, from) = (measure.name(), with_unit(measure, self.from));
        let (vi, en) = match (self.from > 0.0, self.from_open) {
            (true, false) => (format!("từ {}", vietnamese(&from)), format!("from {from}")),
            (true, true) => (format!("trên {}", vietnamese(&from)), format!("above {from}")),
            (false, _) => {
                let to = self.to.map_or(String::new(), |to| with_unit(measure, to));
                if self.to_closed {
                    (format!("đến {}", vietnamese(&to)), format!("up to {to}"))
                } else {
                    (format!("dưới {}", vietnamese(&to)), format!("below {to}"))
                }
            }
        };
        let (cases_vi, cases_en) = match cases {
            Some((days, count)) if !self.from_open => (
                format!(" ({count} ca trong {days} ngày)"),
                format!(" ({count} cases in {days} days)"),
            ),
            _ => (String::new(), String::new()),
        };
        Text::new(
            format!("Cấp {level} khi {} {vi}{cases_vi}", name.vi),
            format!("Level {level} when {} {en}{cases_en}", name.en),
        )
    }

    fn going_down(&self, measure: Measure, level: u8) -> Text {
        let name = measure.name();
        let to = with_unit(measure, self.to.unwrap_or_default());
        let (vi, en) = if self.to_closed {
            (format!("không quá {}", vietnamese(&to)), format!("at most {to}"))
        } else {
            (format!("dưới {}", vietnamese(&to)), format!("below {to}"))
        };
        Text::new(
            format!("Cấp {level} khi {} {vi}", name.vi),
            format!("Level {level} when {} {en}", name.en),
        )
    }
}
