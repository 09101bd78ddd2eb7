use std::sync::Arc;

use crate::model::{AreaCode, Day, FindingId, Role, Timestamp};

/// What was reported of an area for a day: figures that nobody can count here, and what officials found to be so.
#[derive(Clone, Debug, PartialEq)]
pub struct AreaReport {
    /// Which area.
    pub area: AreaCode,
    /// The last local day it speaks of.
    pub day: Day,
    /// The figures, ascending, each once, inside [`Indicator::highest`].
    pub figures: Vec<(Indicator, f64)>,
    /// Whether the care plan of criterion 3 of the Vietnamese rules is met.
    pub care_ready: Option<bool>,
    /// Ids of what officials found to be so, ascending, each once, such as `unknown_source_cluster`. An empty list says
    /// that nothing of the kind holds; `None` says nothing.
    pub findings: Option<Vec<FindingId>>,
    /// Whether all of it is published elsewhere, so that public levels and answers may rest on it.
    ///
    /// Why it must be said, and is not so by itself: 0.5 deaths per 100,000 of a commune of 6,000 people are 0.03
    /// deaths, so such a rate can only be nought or tell of single people: 16.7 is one death, and whoever knows the
    /// residents (they are public) has the number back. The same holds of admissions and of oxygen, and of percentages
    /// with a small whole behind them: 'beds', 'tests'. What was counted here goes through the release, which hides
    /// small numbers and what they could be computed from; a reported figure cannot go through it, for the counts behind
    /// it are not ours, and a level that follows from a hidden figure tells in which band it lies. So a figure that is
    /// not published by whoever answers for it is for those alone who see exact figures of the area, and nothing that
    /// the public sees may differ by it: no level, explanation, list, bulletin, tag or announced change. One that is
    /// published can tell nobody more than they may know already.
    ///
    /// A report replaces the one before of its area and day as a whole: published figures are withdrawn by the same
    /// report without this word.
    pub published: bool,
    /// Where the figures are published or who gave them, at most 300 bytes; shown to readers.
    pub source: Option<Arc<str>>,
    /// When it came in.
    pub received_at: Timestamp,
    /// What whoever sent it may do: a role, never a person.
    pub received_from: Role,
}

/// A figure of an area that is reported, never counted here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Indicator {
    /// People of 18 and over with at least one dose, percent.
    AdultsOneDose,
    /// The older age group fully vaccinated, percent.
    ElderlyFullDose,
    /// Everybody fully vaccinated, percent.
    PopulationFullDose,
    /// People at risk fully vaccinated, percent.
    AtRiskFullDose,
    /// Tests that are positive, percent, of seven days.
    TestPositivity,
    /// Tests of seven days per 100,000 people.
    Tests,
    /// Patients on oxygen in seven days per 100,000 people.
    Oxygen,
    /// Deaths of seven days per 100,000 people.
    Deaths,
    /// Admissions to hospital of seven days per 100,000 people.
    Admissions,
    /// Staffed beds with such patients, percent, mean of seven days.
    CovidBeds,
}

impl AreaReport {
    /// Most findings of one report.
    pub const MAX_FINDINGS: usize = 16;
    /// Longest source, bytes.
    pub const MAX_SOURCE_BYTES: usize = 300;

    /// A figure, where it has it.
    #[must_use]
    pub fn figure(&self, indicator: Indicator) -> Option<f64> {
        let found = self.figures.iter().find(|(each, _)| *each == indicator);
        found.map(|(_, value)| *value)
    }

    /// Whether it says nothing at all.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.figures.is_empty() && self.care_ready.is_none() && self.findings.is_none()
    }

    /// Whether another says the same of the same area and day, whenever and from whomever it came.
    #[must_use]
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        let other = Self {
            received_at: self.received_at,
            received_from: self.received_from,
            ..other.clone()
        };
        *self == other
    }
}

impl Indicator {
    /// How many there are.
    pub const COUNT: usize = 10;

    /// All of them, ascending.
    pub const ALL: [Self; Self::COUNT] = [
        Self::AdultsOneDose,
        Self::ElderlyFullDose,
        Self::PopulationFullDose,
        Self::AtRiskFullDose,
        Self::TestPositivity,
        Self::Tests,
        Self::Oxygen,
        Self::Deaths,
        Self::Admissions,
        Self::CovidBeds,
    ];

    /// Its name in data and in rule files, with its unit.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AdultsOneDose => "adults_one_dose_percent",
            Self::ElderlyFullDose => "elderly_full_dose_percent",
            Self::PopulationFullDose => "population_full_dose_percent",
            Self::AtRiskFullDose => "at_risk_full_dose_percent",
            Self::TestPositivity => "test_positivity_percent",
            Self::Tests => "tests_7d_per_100k",
            Self::Oxygen => "oxygen_7d_per_100k",
            Self::Deaths => "deaths_7d_per_100k",
            Self::Admissions => "admissions_7d_per_100k",
            Self::CovidBeds => "covid_beds_percent",
        }
    }

    /// The highest that can be meant: 100 percent, or a rate that only a slip of the unit goes beyond (everybody tested
    /// a hundred times in a week).
    #[must_use]
    pub const fn highest(self) -> f64 {
        match self {
            Self::Tests | Self::Oxygen | Self::Deaths | Self::Admissions => 10_000_000.0,
            _ => 100.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indicators_are_numbered_in_their_order() {
        for (at, indicator) in Indicator::ALL.into_iter().enumerate() {
            assert_eq!(indicator as usize, at);
        }
        assert!(Indicator::ALL.is_sorted());
    }

    #[test]
    fn the_same_words_at_another_time_are_the_same_report() {
        let report = AreaReport {
            area: AreaCode::new("164").unwrap(),
            day: Day(18_900),
            figures: vec![(Indicator::Tests, 400.0)],
            care_ready: None,
            findings: Some(Vec::new()),
            published: false,
            source: None,
            received_at: Timestamp(1),
            received_from: Role::Official,
        };
        let again = AreaReport {
            received_at: Timestamp(2),
            received_from: Role::Ingest,
            ..report.clone()
        };
        assert!(report.says_the_same_as(&again));
        let silent = AreaReport {
            findings: None,
            ..again
        };
        assert!(!report.says_the_same_as(&silent), "'none' is not 'nothing said'");
    }
}
