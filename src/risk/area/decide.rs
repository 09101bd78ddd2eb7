use crate::model::{AreaIndicators, AreaLevel, IsoWeek, Timestamp};
use crate::risk::area::measure::{Figures, Span};
use crate::risk::area::{
    AreaRules, Condition, Findings, LevelSet, LevelTable, Measure, Neighbour, Origin, Raise, Reported,
    Requirement, When,
};
use crate::risk::{Band, Counted};

/// What an area's level is computed from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AreaInputs<'a> {
    /// Its tier.
    pub tier: AreaLevel,
    /// Residents.
    pub population: Option<u64>,
    /// New community cases of seven days.
    pub cases_7d: Counted,
    /// New community cases of fourteen days.
    pub cases_14d: Counted,
    /// Vaccination and care, as registered; where a report speaks of care, as it says.
    pub indicators: AreaIndicators,
    /// Whence `indicators.care_ready` is, where that was reported.
    pub care_origin: Option<Origin<'a>>,
    /// Further figures, where somebody has them. Of a measure that is counted here nothing is taken.
    pub reported: &'a [Reported<'a>],
    /// What is possible of each unit below.
    pub below: &'a [LevelSet],
    /// The areas of its tier that border on it; `None` where it is not known which do.
    pub neighbours: Option<&'a [Neighbour<'a>]>,
    /// What officials declared of it; `None` where nobody declared anything.
    pub findings: Option<Findings<'a>>,
    /// The level before, where one was in force.
    pub previous_level: Option<u8>,
    /// The week that level is of.
    pub previous_week: Option<IsoWeek>,
    /// When the counted days ended, where that is not `as_of`: a closed week.
    pub counted_to: Option<Timestamp>,
    /// The instant the figures hold for.
    pub as_of: Timestamp,
}

/// What a rule makes of an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AreaDecision {
    /// The levels that are possible.
    pub possible: LevelSet,
    /// Whether there is a level, and why not.
    pub standing: Standing,
}

/// Whether an area has a level, and why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It has.
    Given,
    /// The rule gives several, or none, for what is known.
    UndefinedByRule,
    /// Not even residents and cases are known.
    InsufficientData,
    /// The area is above itself.
    CircleOfParents,
}

/// What was done, in order. Words are made of it elsewhere, so that a whole country is decided without any.
pub(super) enum Step<'r> {
    Required(&'r Requirement, Truth),
    Table {
        table: &'r LevelTable,
        column: Option<usize>,
        row: Option<usize>,
        levels: LevelSet,
    },
    Met(&'r Condition, Truth, LevelSet),
    Raised(&'r Raise, Truth, LevelSet),
    Held(u8),
    CareUnknown,
    Silent,
}

/// True, false, or not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    Unknown,
}

impl AreaDecision {
    /// 1 low ..= 4 very high; 0 where there is none.
    #[must_use]
    pub fn level(self) -> u8 {
        match self.standing {
            Standing::Given => self.possible.decided().unwrap_or(0),
            _ => 0,
        }
    }
}

/// What a rule makes of an area.
#[must_use]
pub fn area_decision(rules: &AreaRules, inputs: &AreaInputs<'_>) -> AreaDecision {
    decide(rules, inputs, &Figures::of(inputs), &mut |_| {})
}

/// The one way from figures to a decision.
pub(super) fn decide<'r>(
    rules: &'r AreaRules,
    inputs: &AreaInputs<'_>,
    figures: &Figures,
    note: &mut impl FnMut(Step<'r>),
) -> AreaDecision {
    if !rules.speaks_of(inputs.tier) {
        note(Step::Silent);
        return AreaDecision {
            possible: LevelSet::UNDEFINED,
            standing: Standing::UndefinedByRule,
        };
    }
    let mut possible = if rules.tables.is_empty() {
        LevelSet::only(1)
    } else {
        LevelSet::default()
    };
    for (nth, table) in rules.tables.iter().enumerate() {
        let (column, row, levels) = look_up(table, figures);
        note(Step::Table {
            table,
            column,
            row,
            levels,
        });
        possible = if nth == 0 {
            levels
        } else {
            possible.worst_with(levels)
        };
    }
    for condition in rules.conditions_for(inputs.tier) {
        let truth = is_met(condition, inputs, figures);
        possible = match truth {
            Truth::Yes => possible.raised_to(condition.level),
            Truth::No => possible,
            Truth::Unknown => possible.or(possible.raised_to(condition.level)),
        };
        note(Step::Met(condition, truth, possible));
    }
    for raise in &rules.raises {
        let truth = is_raised(raise, figures);
        // A raise whose measure nobody reported is named and not applied, as officials do.
        if truth == Truth::Yes {
            possible = possible.raised_by(raise.by);
        }
        note(Step::Raised(raise, truth, possible));
    }
    if rules.holds_without_care {
        possible = held(inputs, possible, note);
    }
    for requirement in &rules.requirements {
        let truth = above(figures.of_measure(requirement.measure), requirement.above);
        possible = match truth {
            Truth::Yes => possible,
            Truth::No => LevelSet::UNDEFINED,
            Truth::Unknown => possible.or(LevelSet::UNDEFINED),
        };
        note(Step::Required(requirement, truth));
    }
    let is_counted = figures.of_measure(Measure::WeeklyCases).value().is_some();
    let standing = if rules.tables_count_cases() && !is_counted {
        Standing::InsufficientData
    } else if possible.decided().is_some() {
        Standing::Given
    } else {
        Standing::UndefinedByRule
    };
    AreaDecision { possible, standing }
}

fn held<'r>(inputs: &AreaInputs<'_>, possible: LevelSet, note: &mut impl FnMut(Step<'r>)) -> LevelSet {
    match (inputs.indicators.care_ready, inputs.previous_level) {
        (Some(false), Some(previous)) if possible.decided().is_some_and(|level| previous > level) => {
            note(Step::Held(previous.min(4)));
            LevelSet::only(previous)
        }
        (None, _) => {
            note(Step::CareUnknown);
            possible
        }
        _ => possible,
    }
}

/// The only column and row, where there is one, and the levels of all that are possible.
fn look_up(table: &LevelTable, figures: &Figures) -> (Option<usize>, Option<usize>, LevelSet) {
    let columns = match &table.columns {
        Some((measure, bands)) => touched(bands.as_slice(), figures.of_measure(*measure)),
        None => vec![0],
    };
    let rows = touched(table.rows.as_slice(), figures.of_measure(table.row_measure));
    let mut levels = LevelSet::default();
    for row in &rows {
        let gives = &table.rows.as_slice()[*row].gives;
        for column in &columns {
            levels = levels.or(LevelSet::only(gives[*column]));
        }
    }
    let only = |found: &[usize]| (found.len() == 1).then(|| found[0]);
    (
        table.columns.as_ref().and_then(|_| only(&columns)),
        only(&rows),
        levels,
    )
}

fn touched<T>(bands: &[Band<T>], span: Span) -> Vec<usize> {
    (0..bands.len())
        .filter(|at| bands[*at].touches(span.low, span.high))
        .collect()
}

pub(super) fn is_met(condition: &Condition, inputs: &AreaInputs<'_>, figures: &Figures) -> Truth {
    let below = || inputs.below.iter().copied();
    match &condition.when {
        When::Above(measure, figure) => above(figures.of_measure(*measure), *figure),
        // Of an area whose units are not registered nothing can be said by them.
        When::ShareBelow { .. } | When::NumberBelow { .. } if inputs.below.is_empty() => Truth::Unknown,
        When::ShareBelow { level, percent } => {
            let all = inputs.below.len() as f64;
            counted(below(), *level, |number| number as f64 * 100.0 >= percent * all)
        }
        When::NumberBelow { level, number } => {
            counted(below(), *level, |found| found as u64 >= u64::from(*number))
        }
        When::NeighboursAt(level) => inputs.neighbours.map_or(Truth::Unknown, |all| {
            counted(all.iter().map(|each| each.possible), *level, |found| found > 0)
        }),
        When::Judged { finding, .. } => match inputs.findings {
            Some(declared) if declared.ids.contains(finding) => Truth::Yes,
            _ => Truth::No,
        },
        When::NotRetrieved(_) => Truth::Unknown,
    }
}

/// Whether enough of some areas are at that level or a higher one.
fn counted(
    areas: impl Iterator<Item = LevelSet> + Clone,
    level: u8,
    is_enough: impl Fn(usize) -> bool,
) -> Truth {
    let certain = areas.clone().filter(|each| each.is_at_least(level)).count();
    // One that is not decided yet, or never will be as it stands above itself, may be anything.
    let may = |each: &LevelSet| *each == LevelSet::default() || each.may_be_at_least(level);
    let possible = areas.filter(may).count();
    match (is_enough(certain), is_enough(possible)) {
        (true, _) => Truth::Yes,
        (false, true) => Truth::Unknown,
        (false, false) => Truth::No,
    }
}

fn above(span: Span, figure: f64) -> Truth {
    if span.low > figure {
        Truth::Yes
    } else if span.high <= figure {
        Truth::No
    } else {
        Truth::Unknown
    }
}

fn is_raised(raise: &Raise, figures: &Figures) -> Truth {
    if raise.except_without_cases && figures.of_measure(Measure::WeeklyCases).high <= 0.0 {
        return Truth::No;
    }
    let span = figures.of_measure(raise.measure);
    if span.high < raise.below {
        Truth::Yes
    } else if span.low >= raise.below {
        Truth::No
    } else {
        Truth::Unknown
    }
}
