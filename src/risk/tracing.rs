//! Presence tracing after the Corona-Warn-App: from a case's stay to normalised exposure minutes.
//!
//! Steps and constants as published in its client (`TimeIntervalDeriver`, `CheckInWarningMatcher`,
//! `TransmissionRiskVectorDeterminer`) and server configuration (`presence-tracing-parameters`).
//! Two differences, both deliberate: days are local (the original splits at UTC midnight), and the
//! transmission risk is read by the day's distance from onset, which the original's table is a
//! function of.

use std::borrow::Cow;

use serde::Deserialize;

use crate::model::{Day, Onset, Timestamp, UtcOffset};
use crate::risk::RuleHead;
use crate::risk::rules::Flaw;

/// Constants of presence tracing.
#[derive(Clone, Debug, PartialEq)]
pub struct TracingRules {
    /// Where they come from.
    pub rule: RuleHead,
    /// Stays shorter than this are dropped, minutes.
    pub drop_below_min: i64,
    /// How much longer the air stays infectious, by length of stay.
    pub aerosol_tail: Vec<AerosolTail>,
    /// Intervals snap to this grid, seconds.
    pub grid_s: i64,
    /// From this many normalised minutes a day on the band is 2, minutes.
    pub high_from_min: f64,
    /// Days that still count beside today.
    pub look_back_days: i32,
    first_day: i32,
    level_by_day: Vec<u8>,
    value_by_level: Vec<f64>,
    without_onset: WithoutOnset,
}

/// For stays in a range of whole minutes, tail = slope · stay + intercept.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AerosolTail {
    /// Longest stay of the range, minutes, inclusive; none: no limit. Ranges follow each other.
    pub up_to_min: Option<i64>,
    /// Seconds of tail a second of stay.
    pub slope: f64,
    /// Seconds of tail beside, given in minutes.
    pub intercept_min: f64,
}

/// What is known of a case's symptoms when it is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symptoms {
    /// They began that many days before the report.
    OnsetDaysAgo(i32),
    /// Some time in the last seven days.
    LastSevenDays,
    /// One to two weeks ago.
    OneToTwoWeeks,
    /// Longer ago.
    MoreThanTwoWeeks,
    /// Symptoms without a date.
    NoDate,
    /// None.
    NoSymptoms,
    /// Not known.
    NoInformation,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct WithoutOnset {
    last_seven_days: Vec<u8>,
    one_to_two_weeks: Vec<u8>,
    more_than_two_weeks: Vec<u8>,
    no_date: Vec<u8>,
    no_symptoms: Vec<u8>,
    no_information: Vec<u8>,
}

/// Days a transmission risk vector reaches back, today included.
const VECTOR_DAYS: i32 = 15;

/// The stay as it counts: `None` when shorter than the minimum (or reversed), else with the aerosol
/// tail added and both ends on the grid.
#[must_use]
pub fn derive_interval(
    rules: &TracingRules,
    from: Timestamp,
    to: Timestamp,
) -> Option<(Timestamp, Timestamp)> {
    let stay_s = (to.0 - from.0).max(0);
    let tail_s = aerosol_tail_s(rules, stay_s)?;
    let grid = rules.grid_s;
    let end = from.0 + stay_s + tail_s;
    let aligned_from = from.0.div_euclid(grid) * grid;
    let aligned_end = end.div_euclid(grid) * grid;
    let covered_first = aligned_from + grid - from.0;
    let covered_last = end - aligned_end;
    let length = (2 * (end - from.0) + grid).div_euclid(2 * grid) * grid;
    Some(if covered_last > covered_first {
        let snapped_end = aligned_end + grid;
        (Timestamp(snapped_end - length), Timestamp(snapped_end))
    } else {
        (Timestamp(aligned_from), Timestamp(aligned_from + length))
    })
}

/// How long the air stays infectious after a stay, seconds; `None` where the stay is too short to count.
#[must_use]
pub fn aerosol_tail_s(rules: &TracingRules, stay_s: i64) -> Option<i64> {
    let stay_min = stay_s / 60;
    if stay_min < rules.drop_below_min {
        return None;
    }
    let tail = rules
        .aerosol_tail
        .iter()
        .find(|tail| tail.up_to_min.is_none_or(|limit| stay_min <= limit))?;
    Some((tail.slope * stay_s as f64 + tail.intercept_min * 60.0).round() as i64)
}

/// The parts of an interval by local day. Reversed: none; empty: one empty part.
#[must_use]
pub fn split_by_day(from: Timestamp, to: Timestamp, offset: UtcOffset) -> Vec<(Day, Timestamp, Timestamp)> {
    let mut parts = Vec::new();
    let mut start = from;
    while start < to || (start == to && parts.is_empty()) {
        let day = Day::of(start, offset);
        let end = to.min(day.window(offset).to.start());
        parts.push((day, start, end));
        start = end;
        if from == to {
            break;
        }
    }
    parts
}

/// How long two intervals overlap, minutes rounded half up; `None` when they only touch or miss.
#[must_use]
pub fn overlap_minutes(a: (Timestamp, Timestamp), b: (Timestamp, Timestamp)) -> Option<u32> {
    let seconds = a.1.min(b.1).0 - a.0.max(b.0).0;
    (seconds > 0).then(|| u32::try_from((seconds + 30) / 60).unwrap_or(u32::MAX))
}

/// Transmission risk level, 1..=8, on the day `days_since_onset` after (negative: before) first symptoms.
#[must_use]
pub fn transmission_risk_level(rules: &TracingRules, days_since_onset: i32) -> u8 {
    let index = days_since_onset.checked_sub(rules.first_day);
    index
        .and_then(|index| usize::try_from(index).ok())
        .and_then(|index| rules.level_by_day.get(index).copied())
        .unwrap_or(1)
}

/// Transmission risk level, 1..=8, on a local day of a stay that began on `visit`: by days since onset, or, where that is
/// not known, by the day's age at the report. Ages beyond the table have level 1; a day after the report is as the day of
/// the report, for the table of those who tell nothing of symptoms ends there.
#[must_use]
pub fn transmission_risk_level_on(rules: &TracingRules, onset: Onset, visit: Day, day: Day) -> u8 {
    if let Some(days) = onset.days_since(visit, day) {
        return transmission_risk_level(rules, days);
    }
    let age = onset.age_days(day).and_then(|age| usize::try_from(age).ok());
    let levels = transmission_risk_vector(rules, Symptoms::NoInformation);
    age.and_then(|age| levels.get(age).copied()).unwrap_or(1)
}

/// Levels by age of the stay in days, 0 (the day of the report) ..= 14.
#[must_use]
pub fn transmission_risk_vector(rules: &TracingRules, symptoms: Symptoms) -> Cow<'_, [u8]> {
    let table = &rules.without_onset;
    let levels = match symptoms {
        Symptoms::OnsetDaysAgo(days) => {
            let by_age = (0..VECTOR_DAYS).map(|age| transmission_risk_level(rules, days - age));
            return Cow::Owned(by_age.collect());
        }
        Symptoms::LastSevenDays => &table.last_seven_days,
        Symptoms::OneToTwoWeeks => &table.one_to_two_weeks,
        Symptoms::MoreThanTwoWeeks => &table.more_than_two_weeks,
        Symptoms::NoDate => &table.no_date,
        Symptoms::NoSymptoms => &table.no_symptoms,
        Symptoms::NoInformation => &table.no_information,
    };
    Cow::Borrowed(levels)
}

/// The weight of a minute at a level; 0 outside 1..=8 and for the levels that do not count.
#[must_use]
pub fn transmission_risk_value(rules: &TracingRules, level: u8) -> f64 {
    let index = usize::from(level).checked_sub(1);
    index
        .and_then(|index| rules.value_by_level.get(index).copied())
        .unwrap_or(0.0)
}

/// Minutes weighted by the level's value.
#[must_use]
pub fn normalized_minutes(rules: &TracingRules, level: u8, minutes: u32) -> f64 {
    transmission_risk_value(rules, level) * f64::from(minutes)
}

/// A day's band: 0 none, 1 below the threshold, 2 from it on.
#[must_use]
pub fn exposure_band(rules: &TracingRules, normalized_min: f64) -> u8 {
    if normalized_min >= rules.high_from_min {
        2
    } else {
        u8::from(normalized_min > 0.0)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TracingFile {
    #[serde(rename = "kind")]
    _kind: String,
    rule: RuleHead,
    drop_below_min: i64,
    grid_min: i64,
    high_from_min: f64,
    look_back_days: i32,
    first_day: i32,
    level_by_day: Vec<u8>,
    value_by_level: Vec<f64>,
    aerosol_tail: Vec<AerosolTail>,
    without_onset: WithoutOnset,
}

impl TracingFile {
    pub(super) fn check(self) -> Result<TracingRules, Flaw> {
        self.rule.check()?;
        let within = |field: &str, value: i64, max: i64| {
            if (1..=max).contains(&value) {
                Ok(())
            } else {
                Err(Flaw::new(field, format!("is {value}"), format!("1 to {max}")))
            }
        };
        within("grid_min", self.grid_min, 60)?;
        within("look_back_days", i64::from(self.look_back_days), 60)?;
        within("drop_below_min", self.drop_below_min, 1440)?;
        if !(self.high_from_min.is_finite() && self.high_from_min > 0.0) {
            return Err(Flaw::new("high_from_min", "is not above 0", "minutes above 0"));
        }
        if self.value_by_level.len() != 8 {
            let found = format!("has {} weights", self.value_by_level.len());
            return Err(Flaw::new("value_by_level", found, "8 weights of 0 to 10"));
        }
        for (at, value) in self.value_by_level.iter().enumerate() {
            if !(0.0..=10.0).contains(value) {
                return Err(Flaw::new(
                    format!("value_by_level[{at}]"),
                    format!("is {value}"),
                    "0 to 10",
                ));
            }
        }
        check_transmission_levels("level_by_day", &self.level_by_day)?;
        let table = &self.without_onset;
        for (name, vector) in [
            ("last_seven_days", &table.last_seven_days),
            ("one_to_two_weeks", &table.one_to_two_weeks),
            ("more_than_two_weeks", &table.more_than_two_weeks),
            ("no_date", &table.no_date),
            ("no_symptoms", &table.no_symptoms),
            ("no_information", &table.no_information),
        ] {
            let field = format!("without_onset.{name}");
            if vector.len() != VECTOR_DAYS as usize {
                let found = format!("has {} levels", vector.len());
                return Err(Flaw::new(field, found, "15 levels"));
            }
            check_transmission_levels(&field, vector)?;
        }
        check_tails(&self.aerosol_tail)?;
        Ok(TracingRules {
            rule: self.rule,
            drop_below_min: self.drop_below_min,
            aerosol_tail: self.aerosol_tail,
            grid_s: self.grid_min * 60,
            high_from_min: self.high_from_min,
            look_back_days: self.look_back_days,
            first_day: self.first_day,
            level_by_day: self.level_by_day,
            value_by_level: self.value_by_level,
            without_onset: self.without_onset,
        })
    }
}

fn check_transmission_levels(field: &str, levels: &[u8]) -> Result<(), Flaw> {
    for (at, level) in levels.iter().enumerate() {
        if !(1..=8).contains(level) {
            return Err(Flaw::new(
                format!("{field}[{at}]"),
                format!("is {level}"),
                "levels 1 to 8",
            ));
        }
    }
    Ok(())
}

/// Ranges that follow each other up to one without an end.
fn check_tails(tails: &[AerosolTail]) -> Result<(), Flaw> {
    let mut before = Some(0);
    for (at, tail) in tails.iter().enumerate() {
        let field = |name: &str| format!("aerosol_tail[{at}].{name}");
        if !(0.0..=10.0).contains(&tail.slope) {
            return Err(Flaw::new(field("slope"), format!("is {}", tail.slope), "0 to 10"));
        }
        if !(0.0..=1440.0).contains(&tail.intercept_min) {
            return Err(Flaw::new(
                field("intercept_min"),
                format!("is {}", tail.intercept_min),
                "0 to 1440 minutes",
            ));
        }
        let expected = "ascending `up_to_min`, the last without one";
        let Some(last) = before else {
            return Err(Flaw::new(
                format!("aerosol_tail[{at}]"),
                "follows one without an end",
                expected,
            ));
        };
        if tail.up_to_min.is_some_and(|up_to| up_to <= last) {
            return Err(Flaw::new(
                field("up_to_min"),
                "overlaps the range before it",
                expected,
            ));
        }
        before = tail.up_to_min;
    }
    match before {
        None => Ok(()),
        Some(_) => Err(Flaw::new(
            "aerosol_tail",
            "leaves a gap above its last range",
            "ascending `up_to_min`, the last without one",
        )),
    }
}
