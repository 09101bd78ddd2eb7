use serde::Deserialize;

use crate::risk::RuleHead;
use crate::risk::air::within;
use crate::risk::rules::Flaw;

/// How infections at venues are forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct ForecastRules {
    /// Where the rule comes from.
    pub rule: RuleHead,
    /// How far it looks ahead, days, 1..=14.
    pub days: u32,
    /// How many weeks before the occupancy is the mean of.
    pub profile_weeks: ProfileWeeks,
    /// How the last week moves it.
    pub trend: OccupancyTrend,
    /// The transmission constant's range, square feet.
    pub psi_ft2: PsiRange,
    /// Days whose reported cases count as present infections.
    pub case_days: u32,
    /// Days that each is infectious.
    pub infectious_days: f64,
    /// Infections behind each reported case.
    pub infections_per_case: f64,
    /// Share of visitors who can be infected, 0..=1.
    pub susceptible: f64,
    /// Where visitors live.
    pub homes: HomeRules,
}

/// Weeks of history that an occupancy is the mean of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileWeeks {
    /// Divided by at least so many, however short the history.
    pub least: u32,
    /// Looked back at most so many.
    pub most: u32,
}

/// How much the last week counts against the mean of all.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OccupancyTrend {
    /// Visits by which the ratio is drawn towards 1.
    pub drawn_by_visits: f64,
    /// Its lowest value.
    pub lowest: f64,
    /// Its highest value.
    pub highest: f64,
}

/// The range of the transmission constant of Chang et al., square feet.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PsiRange {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Where visitors live: weights by distance.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HomeRules {
    /// H3 resolution of the homes, 5..=9.
    pub resolution: u8,
    /// Rings of cells around the venue, 0..=20.
    pub rings: u32,
    /// Added to the distance, km.
    pub near_km: f64,
    /// How fast the weight falls with distance.
    pub exponent: f64,
}

impl PsiRange {
    /// What the expectation takes.
    #[must_use]
    pub fn middle(&self) -> f64 {
        f64::midpoint(self.low, self.high)
    }
}

impl HomeRules {
    /// The weight of somebody who lives that far away.
    #[must_use]
    pub fn weight(&self, km: f64) -> f64 {
        (km + self.near_km).powf(-self.exponent)
    }
}

impl ForecastRules {
    /// Hours of history an occupancy looks at.
    #[must_use]
    pub fn profile_hours(&self) -> i32 {
        self.profile_weeks.most as i32 * 168
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::risk) struct ForecastFile {
    #[serde(rename = "kind")]
    _kind: String,
    rule: RuleHead,
    days: u32,
    profile_weeks: ProfileWeeks,
    trend: OccupancyTrend,
    psi_ft2: PsiRange,
    case_days: u32,
    infectious_days: f64,
    infections_per_case: f64,
    susceptible: f64,
    homes: HomeRules,
}

impl ForecastFile {
    pub(in crate::risk) fn check(self) -> Result<ForecastRules, Flaw> {
        self.rule.check()?;
        let whole = |field: &str, value: u32, low: u32, high: u32| {
            within(field, f64::from(value), f64::from(low), f64::from(high))
        };
        whole("days", self.days, 1, 14)?;
        whole("profile_weeks.least", self.profile_weeks.least, 1, 12)?;
        whole(
            "profile_weeks.most",
            self.profile_weeks.most,
            self.profile_weeks.least,
            12,
        )?;
        within("trend.drawn_by_visits", self.trend.drawn_by_visits, 0.001, 1e6)?;
        within("trend.lowest", self.trend.lowest, 0.0, 1.0)?;
        within("trend.highest", self.trend.highest, 1.0, 100.0)?;
        within("psi_ft2.low", self.psi_ft2.low, 0.001, 1e6)?;
        within("psi_ft2.high", self.psi_ft2.high, self.psi_ft2.low, 1e6)?;
        whole("case_days", self.case_days, 1, 60)?;
        within("infectious_days", self.infectious_days, 0.1, 60.0)?;
        within("infections_per_case", self.infections_per_case, 1.0, 100.0)?;
        within("susceptible", self.susceptible, 0.0, 1.0)?;
        whole("homes.resolution", u32::from(self.homes.resolution), 5, 9)?;
        whole("homes.rings", self.homes.rings, 0, 20)?;
        within("homes.near_km", self.homes.near_km, 0.01, 100.0)?;
        within("homes.exponent", self.homes.exponent, 0.0, 10.0)?;
        Ok(ForecastRules {
            rule: self.rule,
            days: self.days,
            profile_weeks: self.profile_weeks,
            trend: self.trend,
            psi_ft2: self.psi_ft2,
            case_days: self.case_days,
            infectious_days: self.infectious_days,
            infections_per_case: self.infections_per_case,
            susceptible: self.susceptible,
            homes: self.homes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecast_without_sense_is_refused_by_its_field() {
        let shipped = include_str!("../../../data/rules/forecast.toml");
        for (old, new, field) in [
            ("days = 7", "days = 0", "days"),
            ("least = 2, most = 4", "least = 5, most = 4", "profile_weeks.most"),
            ("low = 515.4025", "low = 5000", "psi_ft2.high"),
            (
                "infections_per_case = 4",
                "infections_per_case = 0.5",
                "infections_per_case",
            ),
            ("susceptible = 1", "susceptible = 1.5", "susceptible"),
            ("resolution = 7", "resolution = 12", "homes.resolution"),
            ("near_km = 1.5", "near_km = 0", "homes.near_km"),
            (
                "valid_from = \"2020-01-01\"",
                "valid_from = \"2020\"",
                "rule.valid_from",
            ),
        ] {
            assert!(shipped.contains(old), "{old}");
            let file: ForecastFile = toml::from_str(&shipped.replacen(old, new, 1)).expect("it can be read");
            let flaw = file.check().expect_err("it is refused");
            assert_eq!(flaw.field, field, "{flaw:?}");
        }
        assert!(toml::from_str::<ForecastFile>(&shipped.replacen("rings =", "ring =", 1)).is_err());
    }
}
