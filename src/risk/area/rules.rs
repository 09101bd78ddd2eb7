use crate::model::{AreaLevel, FindingId};
use crate::risk::area::{FindingAsked, Measure};
use crate::risk::{Bands, RuleHead, Text};

/// A level rule for areas: the worst of its tables and conditions, then its adjustments.
#[derive(Clone, Debug, PartialEq)]
pub struct AreaRules {
    /// Where the rule comes from.
    pub rule: RuleHead,
    /// What the rule calls its levels, where it has names of its own.
    pub names: Vec<(u8, Text)>,
    /// What must be so for the rule to give a level at all.
    pub requirements: Vec<Requirement>,
    /// Levels by bands of one or two measures.
    pub tables: Vec<LevelTable>,
    /// What makes the level at least so high.
    pub conditions: Vec<Condition>,
    /// Adjustments upwards, in order.
    pub raises: Vec<Raise>,
    /// While the care plan is not met the level may not fall.
    pub holds_without_care: bool,
    /// How many days a report of an area counts after the day it speaks of.
    pub reports_valid_days: u16,
    /// Measures that the text asks for beside those of the tables, and in ways that were not retrieved.
    pub asks: Vec<Measure>,
}

/// A measure that must lie above a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    /// Which.
    pub measure: Measure,
    /// The figure.
    pub above: f64,
    /// What the rule says where it does not.
    pub otherwise: Text,
}

/// Levels by the bands of one measure, or of two.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelTable {
    /// What the table is called in the text.
    pub name: Text,
    /// The measure whose bands are rows.
    pub row_measure: Measure,
    /// From 0 up without gaps; each gives a level for each column (0: the text gives none).
    pub rows: Bands<Vec<u8>>,
    /// The measure whose bands are columns, with their names. None: one column.
    pub columns: Option<(Measure, Bands<String>)>,
}

/// What makes the level at least so high.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The level.
    pub level: u8,
    /// The tiers it is for; every tier when empty.
    pub tiers: Vec<AreaLevel>,
    /// When.
    pub when: When,
}

/// What a condition asks.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// A measure above a figure.
    Above(Measure, f64),
    /// So many percent of the units below at that level or a higher one.
    ShareBelow {
        /// Their level.
        level: u8,
        /// Percent of their number.
        percent: f64,
    },
    /// So many of the units below at that level or a higher one.
    NumberBelow {
        /// Their level.
        level: u8,
        /// How many.
        number: u32,
    },
    /// At least one area of the same tier that borders on it at that level or a higher one; it lies above the condition's
    /// own, so that no two neighbours hold each other up.
    NeighboursAt(u8),
    /// Officials declare so. Where nobody declared anything it is taken as not so, and the explanation says it.
    Judged {
        /// By what it is declared.
        finding: FindingId,
        /// What it says.
        text: Text,
    },
    /// The text has more, which was not retrieved: the level may be so high.
    NotRetrieved(Text),
}

/// A rise where a measure lies below a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Raise {
    /// Which.
    pub measure: Measure,
    /// The figure.
    pub below: f64,
    /// How many levels.
    pub by: u8,
    /// Not where there was no case.
    pub except_without_cases: bool,
}

impl AreaRules {
    /// [`AreaRules::reports_valid_days`] where a rule does not say: a weekly report, and one that comes a week late.
    pub const REPORTS_VALID_DAYS: u16 = 14;

    /// Whether it looks at the units below an area.
    #[must_use]
    pub fn looks_below(&self) -> bool {
        self.conditions.iter().any(Condition::looks_below)
    }

    /// Whether it looks at the areas that border on one.
    #[must_use]
    pub fn looks_beside(&self) -> bool {
        self.conditions.iter().any(Condition::looks_beside)
    }

    /// What officials may declare, in the order of the file.
    pub fn findings(&self) -> impl Iterator<Item = FindingAsked<'_>> {
        self.conditions
            .iter()
            .filter_map(|condition| match &condition.when {
                When::Judged { finding, text } => Some(FindingAsked {
                    id: finding,
                    text,
                    level: condition.level,
                    tiers: &condition.tiers,
                }),
                _ => None,
            })
    }

    pub(super) fn conditions_for(&self, tier: AreaLevel) -> impl Iterator<Item = &Condition> {
        self.conditions.iter().filter(move |each| each.is_for(tier))
    }

    /// What the rule calls a level.
    #[must_use]
    pub fn name_of(&self, level: u8) -> Option<&Text> {
        let found = self.names.iter().find(|(each, _)| *each == level);
        found.map(|(_, name)| name)
    }

    /// Whether the rule speaks of a tier at all.
    pub(super) fn speaks_of(&self, tier: AreaLevel) -> bool {
        !self.tables.is_empty() || self.conditions.iter().any(|condition| condition.is_for(tier))
    }

    /// Every measure it asks for of a tier, in the order in which it does.
    #[must_use]
    pub fn measures(&self, tier: AreaLevel) -> Vec<Measure> {
        let required = self.requirements.iter().map(|each| each.measure);
        let tables = self.tables.iter().flat_map(LevelTable::measures);
        let conditions = self.conditions_for(tier).filter_map(|each| match each.when {
            When::Above(measure, _) => Some(measure),
            _ => None,
        });
        let raises = self.raises.iter().map(|raise| raise.measure);
        let mut all = Vec::new();
        for measure in required
            .chain(tables)
            .chain(conditions)
            .chain(raises)
            .chain(self.asks.iter().copied())
        {
            if !all.contains(&measure) {
                all.push(measure);
            }
        }
        all
    }

    /// Whether a table cannot be read without a count of cases.
    pub(super) fn tables_count_cases(&self) -> bool {
        let mut measures = self.tables.iter().flat_map(LevelTable::measures);
        measures.any(|measure| measure.case_days().is_some())
    }
}

impl LevelTable {
    pub(super) fn measures(&self) -> impl Iterator<Item = Measure> {
        let column = self.columns.as_ref().map(|(measure, _)| *measure);
        column.into_iter().chain([self.row_measure])
    }
}

impl Condition {
    pub(super) fn is_for(&self, tier: AreaLevel) -> bool {
        self.tiers.is_empty() || self.tiers.contains(&tier)
    }

    pub(super) fn looks_below(&self) -> bool {
        matches!(self.when, When::ShareBelow { .. } | When::NumberBelow { .. })
    }

    pub(super) fn looks_beside(&self) -> bool {
        matches!(self.when, When::NeighboursAt(_))
    }
}
