use serde::{Deserialize, Serialize};

use crate::model::Indicator;
use crate::risk::area::AreaInputs;
use crate::risk::{Counted, Text};

/// What rules measure areas by. Those that nothing is held of are named as missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Measure {
    /// New community cases of seven days per 100,000 people.
    #[serde(rename = "cases_7d_per_100k")]
    WeeklyCases,
    /// New community cases of fourteen days per 100,000 people.
    #[serde(rename = "cases_14d_per_100k")]
    FortnightlyCases,
    /// New community cases of fourteen days, whatever the number of people.
    #[serde(rename = "cases_14d")]
    CasesOfFortnight,
    /// New community cases per 100,000 people and day, mean of seven days.
    #[serde(rename = "cases_per_day_per_100k")]
    DailyCases,
    /// (C + C · (100 − V) / 100) / 2 of the cases C of fourteen days per 100,000 people and the vaccinated V, percent:
    /// the European Centre for Disease Prevention and Control's weighted rate of 2022.
    #[serde(rename = "weighted_cases_14d_per_100k")]
    WeightedCases,
    /// People of 18 and over with at least one dose, percent.
    #[serde(rename = "adults_one_dose_percent")]
    AdultsOneDose,
    /// The older age group fully vaccinated, percent.
    #[serde(rename = "elderly_full_dose_percent")]
    ElderlyFullDose,
    /// Everybody fully vaccinated, percent.
    #[serde(rename = "population_full_dose_percent")]
    PopulationFullDose,
    /// People at risk fully vaccinated, percent.
    #[serde(rename = "at_risk_full_dose_percent")]
    AtRiskFullDose,
    /// Tests that are positive, percent, weekly.
    #[serde(rename = "test_positivity_percent")]
    TestPositivity,
    /// Tests of seven days per 100,000 people.
    #[serde(rename = "tests_7d_per_100k")]
    Tests,
    /// Patients on oxygen in seven days per 100,000 people.
    #[serde(rename = "oxygen_7d_per_100k")]
    Oxygen,
    /// Deaths of seven days per 100,000 people.
    #[serde(rename = "deaths_7d_per_100k")]
    Deaths,
    /// Admissions to hospital of seven days per 100,000 people.
    #[serde(rename = "admissions_7d_per_100k")]
    Admissions,
    /// Staffed beds with such patients, percent, mean of seven days.
    #[serde(rename = "covid_beds_percent")]
    CovidBeds,
}

/// How many there are.
const COUNT: usize = 15;

/// What a figure may be: one value where it is known, a span where it is not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub low: f64,
    pub high: f64,
}

/// Every measure of an area.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figures([Span; COUNT]);

impl Measure {
    /// Every measure.
    pub const ALL: [Self; COUNT] = [
        Self::WeeklyCases,
        Self::FortnightlyCases,
        Self::CasesOfFortnight,
        Self::DailyCases,
        Self::WeightedCases,
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

    /// What it is called, with its unit.
    #[must_use]
    pub fn name(self) -> Text {
        let (vi, en) = match self {
            Self::WeeklyCases => (
                "ca mới trên 100.000 dân trong 7 ngày",
                "new cases per 100,000 people in 7 days",
            ),
            Self::FortnightlyCases => (
                "ca mới trên 100.000 dân trong 14 ngày",
                "new cases per 100,000 people in 14 days",
            ),
            Self::CasesOfFortnight => (
                "số ca cộng đồng mới trong 14 ngày",
                "new community cases in 14 days",
            ),
            Self::DailyCases => (
                "ca mới trên 100.000 dân mỗi ngày (trung bình 7 ngày)",
                "new cases per 100,000 people and day (mean of 7 days)",
            ),
            Self::WeightedCases => (
                "ca trong 14 ngày trên 100.000 dân, có trọng số theo tỷ lệ tiêm",
                "cases of 14 days per 100,000 people, weighted by vaccination",
            ),
            Self::AdultsOneDose => ("tỷ lệ tiêm ít nhất 1 mũi", "one-dose coverage of adults"),
            Self::ElderlyFullDose => (
                "tỷ lệ tiêm đủ liều của nhóm tuổi nguy cơ cao",
                "full-dose coverage of the older age group",
            ),
            Self::PopulationFullDose => (
                "tỷ lệ dân số tiêm đủ liều",
                "full-dose coverage of the population",
            ),
            Self::AtRiskFullDose => (
                "tỷ lệ nhóm nguy cơ tiêm đủ liều",
                "full-dose coverage of people at risk",
            ),
            Self::TestPositivity => ("tỷ lệ xét nghiệm dương tính", "share of positive tests"),
            Self::Tests => (
                "số xét nghiệm trên 100.000 dân trong 7 ngày",
                "tests per 100,000 people in 7 days",
            ),
            Self::Oxygen => (
                "bệnh nhân thở ô xy trên 100.000 dân trong 7 ngày",
                "patients on oxygen per 100,000 people in 7 days",
            ),
            Self::Deaths => (
                "ca tử vong trên 100.000 dân trong 7 ngày",
                "deaths per 100,000 people in 7 days",
            ),
            Self::Admissions => (
                "ca nhập viện trên 100.000 dân trong 7 ngày",
                "hospital admissions per 100,000 people in 7 days",
            ),
            Self::CovidBeds => (
                "tỷ lệ giường có bệnh nhân COVID-19",
                "share of staffed beds with COVID-19 patients",
            ),
        };
        Text::new(vi, en)
    }

    /// Whether it is a percentage.
    #[must_use]
    pub const fn is_percent(self) -> bool {
        matches!(
            self,
            Self::AdultsOneDose
                | Self::ElderlyFullDose
                | Self::PopulationFullDose
                | Self::AtRiskFullDose
                | Self::TestPositivity
                | Self::CovidBeds
        )
    }

    /// Over how many days it counts cases; `None` where it counts something else.
    #[must_use]
    pub const fn case_days(self) -> Option<u32> {
        match self {
            Self::WeeklyCases | Self::DailyCases => Some(7),
            Self::FortnightlyCases | Self::CasesOfFortnight | Self::WeightedCases => Some(14),
            _ => None,
        }
    }

    /// Whether it counts cases for a number of people.
    #[must_use]
    pub const fn is_rate_of_cases(self) -> bool {
        self.case_days().is_some() && !matches!(self, Self::CasesOfFortnight)
    }

    /// Whether it is what was reported of the area, neither counted here nor derived from counts.
    #[must_use]
    pub const fn is_reported(self) -> bool {
        self.case_days().is_none()
    }

    /// What a report has for it; `None` where it is counted here.
    #[must_use]
    pub const fn indicator(self) -> Option<Indicator> {
        match self {
            Self::WeeklyCases
            | Self::FortnightlyCases
            | Self::CasesOfFortnight
            | Self::DailyCases
            | Self::WeightedCases => None,
            Self::AdultsOneDose => Some(Indicator::AdultsOneDose),
            Self::ElderlyFullDose => Some(Indicator::ElderlyFullDose),
            Self::PopulationFullDose => Some(Indicator::PopulationFullDose),
            Self::AtRiskFullDose => Some(Indicator::AtRiskFullDose),
            Self::TestPositivity => Some(Indicator::TestPositivity),
            Self::Tests => Some(Indicator::Tests),
            Self::Oxygen => Some(Indicator::Oxygen),
            Self::Deaths => Some(Indicator::Deaths),
            Self::Admissions => Some(Indicator::Admissions),
            Self::CovidBeds => Some(Indicator::CovidBeds),
        }
    }

    /// The measure that a reported figure is of.
    #[must_use]
    pub const fn reported_as(indicator: Indicator) -> Self {
        match indicator {
            Indicator::AdultsOneDose => Self::AdultsOneDose,
            Indicator::ElderlyFullDose => Self::ElderlyFullDose,
            Indicator::PopulationFullDose => Self::PopulationFullDose,
            Indicator::AtRiskFullDose => Self::AtRiskFullDose,
            Indicator::TestPositivity => Self::TestPositivity,
            Indicator::Tests => Self::Tests,
            Indicator::Oxygen => Self::Oxygen,
            Indicator::Deaths => Self::Deaths,
            Indicator::Admissions => Self::Admissions,
            Indicator::CovidBeds => Self::CovidBeds,
        }
    }

    const fn highest(self) -> f64 {
        if self.is_percent() { 100.0 } else { f64::INFINITY }
    }
}

impl Span {
    pub(super) const fn known(value: f64) -> Self {
        Self {
            low: value,
            high: value,
        }
    }

    pub(super) fn value(self) -> Option<f64> {
        (self.low.total_cmp(&self.high).is_eq()).then_some(self.low)
    }
}

impl Figures {
    /// Figures that are negative, above their ceiling or not a number count as not reported.
    pub(super) fn of(inputs: &AreaInputs<'_>) -> Self {
        let mut all = Self(Measure::ALL.map(|measure| Span {
            low: 0.0,
            high: measure.highest(),
        }));
        let indicators = &inputs.indicators;
        let registered = [
            (Measure::AdultsOneDose, indicators.adults_one_dose_percent),
            (Measure::ElderlyFullDose, indicators.elderly_full_dose_percent),
        ];
        let registered = registered
            .into_iter()
            .filter_map(|(measure, value)| Some((measure, value?)));
        // What was reported for a day comes after what was registered without one.
        let reported = inputs.reported.iter().filter(|each| each.is_current);
        for (measure, value) in registered.chain(reported.map(|each| (each.measure, each.value))) {
            if measure.is_reported() && value.is_finite() && (0.0..=measure.highest()).contains(&value) {
                all.set(measure, Span::known(value));
            }
        }
        if let Counted::Shown(cases) = inputs.cases_14d {
            all.set(Measure::CasesOfFortnight, Span::known(f64::from(cases)));
        }
        let Some(people) = inputs.population.filter(|people| *people > 0) else {
            return all;
        };
        let rate = |cases: u32| f64::from(cases) * 100_000.0 / people as f64;
        if let Counted::Shown(cases) = inputs.cases_7d {
            all.set(Measure::WeeklyCases, Span::known(rate(cases)));
            all.set(Measure::DailyCases, Span::known(rate(cases) / 7.0));
        }
        if let Counted::Shown(cases) = inputs.cases_14d {
            all.set(Measure::FortnightlyCases, Span::known(rate(cases)));
            let vaccinated = all.of_measure(Measure::PopulationFullDose);
            let weighted = |percent: f64| f64::midpoint(rate(cases), rate(cases) * (100.0 - percent) / 100.0);
            let span = Span {
                low: weighted(vaccinated.high),
                high: weighted(vaccinated.low),
            };
            all.set(Measure::WeightedCases, span);
        }
        all
    }

    pub(super) const fn of_measure(&self, measure: Measure) -> Span {
        self.0[measure as usize]
    }

    pub(super) const fn set(&mut self, measure: Measure, span: Span) {
        self.0[measure as usize] = span;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reported_measures_are_called_in_rule_files_as_in_reports() {
        for measure in Measure::ALL {
            let name = serde_json::to_value(measure).unwrap();
            let indicator = measure.indicator();
            assert_eq!(indicator.is_some(), measure.is_reported(), "{name}");
            if let Some(indicator) = indicator {
                assert_eq!(name, indicator.as_str());
                assert_eq!(Measure::reported_as(indicator), measure);
                assert_eq!(measure.is_percent(), indicator.highest() <= 100.0, "{name}");
            }
        }
    }
}
