use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::{AssessmentAuthor, Day, EventId, Mark, Timestamp, UtcOffset, VenueKind};
use crate::risk::cell_risk::check_level;
use crate::risk::parent_rules::ParentsFile;
use crate::risk::rules::Flaw;
use crate::risk::venue_explain::explain_venue;
use crate::risk::venue_group::{Counting, day};
use crate::risk::{
    AssessmentOutcome, AssessmentRecord, AssessmentResult, Audience, Explain, OtherExposure, ParentRules,
    RuleHead, Rules, TracingRules, VenueGroup, assess_at, exposure_band,
};

/// How exposure and assessments become a venue's level.
#[derive(Clone, Debug, PartialEq)]
pub struct VenueRules {
    /// Where the rule comes from.
    pub rule: RuleHead,
    /// Distinct cases of a local day from which on the public sees its exposure.
    pub public_from_cases: u32,
    /// The level when the worst day of the look-back is in band 1 or 2.
    pub level_by_band: [u8; 2],
    /// The best level that a venue's own declaration can give.
    pub self_declared_best_level: u8,
    /// What marks at parts are to the venue that holds them, and the other way round.
    pub parents: ParentRules,
}

/// What a venue's risk is computed from.
#[derive(Clone, Copy, Debug)]
pub struct VenueInputs<'a> {
    /// Approved marks at the venue; others are passed over.
    pub marks: &'a [Mark],
    /// What lies inside and around it as far as marks reach it; `None`: it stands alone.
    pub group: Option<&'a VenueGroup<'a>>,
    /// Its assessments; of each author the latest counts.
    pub assessments: &'a [AssessmentRecord],
    /// What kind of place it is.
    pub kind: VenueKind,
    /// The instant asked for.
    pub now: Timestamp,
    /// The deployment's offset.
    pub offset: UtcOffset,
}

/// A venue's level, without the words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VenueFigures {
    /// 0 not assessed, 1 low ..= 4 very high.
    pub level: u8,
    /// Public status.
    pub status: VenueStatus,
    /// Exposure by local day, ascending; only days with some.
    pub exposure: Vec<DayExposure>,
    /// What of it other venues of the building bring, by day.
    pub from_others: Vec<OtherExposure>,
    /// Distinct cases behind the exposure; 0 when withheld. For the public the least number from which on exposure is
    /// published, however many there are.
    pub cases: u32,
    /// The venue's own latest assessment that has not expired.
    pub self_declared: Option<AssessmentResult>,
    /// The latest inspection that has not expired.
    pub inspected: Option<AssessmentResult>,
}

/// A venue's level with its reasons.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VenueRisk {
    /// 0 not assessed, 1 low ..= 4 very high.
    pub level: u8,
    /// Public status.
    pub status: VenueStatus,
    /// Exposure by local day, ascending; only days with some.
    pub exposure: Vec<DayExposure>,
    /// What of it other venues of the building bring, by day.
    pub from_others: Vec<OtherExposure>,
    /// Distinct cases behind the exposure; 0 when withheld. For the public the least number from which on exposure is
    /// published, however many there are.
    pub cases: u32,
    /// The venue's own latest assessment that has not expired.
    pub self_declared: Option<AssessmentResult>,
    /// The latest inspection that has not expired.
    pub inspected: Option<AssessmentResult>,
    /// Why.
    pub explain: Explain,
}

/// Normalised exposure minutes of a local day.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DayExposure {
    /// The local day, written `2021-05-07`.
    #[serde(serialize_with = "day")]
    pub day: Day,
    /// Minutes weighted by transmission risk.
    pub minutes: f64,
    /// 1 below the threshold, 2 from it on.
    pub band: u8,
}

/// What the public is told of a venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VenueStatus {
    /// An toàn.
    Safe,
    /// Có rủi ro.
    HasRisk,
    /// Không an toàn.
    Unsafe,
    /// Chưa đánh giá.
    NotAssessed,
}

impl VenueStatus {
    /// The name used in data: `has_risk`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::HasRisk => "has_risk",
            Self::Unsafe => "unsafe",
            Self::NotAssessed => "not_assessed",
        }
    }

    const fn of_level(level: u8) -> Self {
        match level {
            0 => Self::NotAssessed,
            1 => Self::Safe,
            2 | 3 => Self::HasRisk,
            _ => Self::Unsafe,
        }
    }
}

/// The level of a venue: the worst of its exposure and its assessment.
///
/// Exposure: each approved mark's stay by the tracing rules, split by local day, weighted by the
/// case's transmission risk on that day; days of the look-back. Marks of other venues of the building count as the rule
/// for parents says. The public sees only days with several distinct cases. Assessment: the inspection counts; the venue's own can make it worse, not better.
#[must_use]
pub fn venue_figures(rules: &Rules, inputs: &VenueInputs, audience: Audience) -> VenueFigures {
    let days = days_of_exposure(&rules.tracing, inputs, least_cases(rules, audience));
    figures_with(rules, inputs, audience, &days)
}

/// The figures that follow from some days of exposure and the assessments.
pub(super) fn figures_with(
    rules: &Rules,
    inputs: &VenueInputs,
    audience: Audience,
    days: &[ExposedDay<'_>],
) -> VenueFigures {
    let behind: BTreeSet<&EventId> = days.iter().flat_map(|day| &day.cases).copied().collect();
    let cases = u32::try_from(behind.len()).unwrap_or(u32::MAX);
    // A small count is public nowhere: here it would tell what the releases of cells and areas hide.
    let cases = match audience {
        Audience::Public => cases.min(least_cases(rules, audience)),
        Audience::Official => cases,
    };
    let exposure: Vec<DayExposure> = days.iter().map(|day| day.exposure).collect();
    let from_others = days.iter().flat_map(|day| day.others.clone()).collect();
    let latest = |by: AssessmentAuthor| {
        let made = inputs
            .assessments
            .iter()
            .filter(|record| record.by == by && record.at <= inputs.now);
        let result = assess_at(
            &rules.instruments,
            made.max_by_key(|record| record.at)?,
            inputs.now,
        );
        let fix_first = match audience {
            Audience::Public => Vec::new(),
            Audience::Official => result.fix_first,
        };
        let result = AssessmentResult { fix_first, ..result };
        (inputs.now < result.expires).then_some(result)
    };
    let self_declared = latest(AssessmentAuthor::Venue);
    let inspected = latest(AssessmentAuthor::Inspector);

    let by_exposure = exposure_level(rules, &exposure);
    let by_assessment = assessment_level(rules, self_declared.as_ref(), inspected.as_ref());
    let level = by_exposure.max(by_assessment);
    VenueFigures {
        level,
        status: VenueStatus::of_level(level),
        exposure,
        from_others,
        cases,
        self_declared,
        inspected,
    }
}

/// [`venue_figures`] with the reasons.
#[must_use]
pub fn venue_risk(rules: &Rules, inputs: &VenueInputs, audience: Audience) -> VenueRisk {
    explained(rules, inputs, audience, venue_figures(rules, inputs, audience))
}

/// Figures with their reasons.
pub(super) fn explained(
    rules: &Rules,
    inputs: &VenueInputs,
    audience: Audience,
    figures: VenueFigures,
) -> VenueRisk {
    let explain = explain_venue(rules, inputs, audience, &figures);
    VenueRisk {
        level: figures.level,
        status: figures.status,
        exposure: figures.exposure,
        from_others: figures.from_others,
        cases: figures.cases,
        self_declared: figures.self_declared,
        inspected: figures.inspected,
        explain,
    }
}

/// The level that exposure alone gives; 0 without any.
pub(super) fn exposure_level(rules: &Rules, exposure: &[DayExposure]) -> u8 {
    match exposure.iter().map(|day| day.band).max() {
        Some(2) => rules.venue.level_by_band[1],
        Some(1) => rules.venue.level_by_band[0],
        _ => 0,
    }
}

/// The level that assessments alone give; 0 without a usable one.
pub(super) fn assessment_level(
    rules: &Rules,
    self_declared: Option<&AssessmentResult>,
    inspected: Option<&AssessmentResult>,
) -> u8 {
    let level = |result: Option<&AssessmentResult>| match result.map(|result| &result.outcome) {
        Some(AssessmentOutcome::Class { level, .. }) => *level,
        _ => 0,
    };
    let own = match level(self_declared) {
        0 => 0,
        own => own.max(rules.venue.self_declared_best_level),
    };
    // Where no inspection can be used the venue's own word stands, marked as such.
    own.max(level(inspected))
}

/// Distinct cases of a day from which on its exposure is told.
pub(super) fn least_cases(rules: &Rules, audience: Audience) -> u32 {
    match audience {
        Audience::Public => rules.venue.public_from_cases,
        Audience::Official => 1,
    }
}

/// A day's exposure, the cases behind it, and what other venues bring of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ExposedDay<'a> {
    pub(super) exposure: DayExposure,
    pub(super) cases: BTreeSet<&'a EventId>,
    pub(super) others: Vec<OtherExposure>,
}

/// Days of the look-back with at least that many distinct cases, ascending.
pub(super) fn days_of_exposure<'a>(
    rules: &TracingRules,
    inputs: &VenueInputs<'a>,
    least_cases: u32,
) -> Vec<ExposedDay<'a>> {
    let counting = Counting {
        rules,
        now: inputs.now,
        offset: inputs.offset,
        least_cases: least_cases as usize,
    };
    let days = counting.days(inputs.marks, inputs.group).into_iter();
    days.map(|each| ExposedDay {
        exposure: DayExposure {
            day: each.day,
            minutes: each.minutes,
            band: exposure_band(rules, each.minutes),
        },
        cases: each.cases,
        others: each.others,
    })
    .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VenueFile {
    #[serde(rename = "kind")]
    _kind: String,
    rule: RuleHead,
    public_from_cases: u32,
    level_by_band: [u8; 2],
    self_declared_best_level: u8,
    #[serde(default)]
    parents: ParentsFile,
}

impl VenueFile {
    pub(super) fn check(self) -> Result<VenueRules, Flaw> {
        self.rule.check()?;
        for (at, level) in self.level_by_band.into_iter().enumerate() {
            check_level(&format!("level_by_band[{at}]"), level)?;
        }
        check_level("self_declared_best_level", self.self_declared_best_level)?;
        if self.public_from_cases == 0 {
            return Err(Flaw::new("public_from_cases", "is 0", "at least 1"));
        }
        Ok(VenueRules {
            rule: self.rule,
            public_from_cases: self.public_from_cases,
            level_by_band: self.level_by_band,
            self_declared_best_level: self.self_declared_best_level,
            parents: self.parents.check()?,
        })
    }
}
