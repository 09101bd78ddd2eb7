use crate::model::Day;
use crate::risk::venue_risk::{days_of_exposure, explained, figures_with, least_cases};
use crate::risk::{Audience, Rules, VenueInputs, VenueRisk, VenueStatus, venue_risk};

/// A venue's risk at a past instant, by what counted then.
#[derive(Clone, Debug, PartialEq)]
pub struct PastVenueRisk {
    /// Level and reasons. Where something of then is not told the level is the least that it was, and never 'safe'.
    pub risk: VenueRisk,
    /// Exposure of earlier days is not told: the present answer no longer tells it.
    pub told_from: Option<Day>,
    /// Exposure of some day is not told because it has changed since.
    pub has_changed: bool,
}

/// The risk at a past instant: `then` holds that instant and the marks and assessments that counted, `present` what
/// counts now.
///
/// Officials get what was known. The public gets of it only days that the present answer tells with the very same
/// figure: a day as it was before one more case came would, beside the day as it is, tell that one case; asking for
/// one instant after the other would tell when each arrived; and a mark withdrawn since was wrong about somebody.
#[must_use]
pub fn venue_risk_then(
    rules: &Rules,
    then: &VenueInputs,
    present: &VenueInputs,
    audience: Audience,
) -> PastVenueRisk {
    if audience == Audience::Official {
        return PastVenueRisk {
            risk: venue_risk(rules, then, audience),
            told_from: None,
            has_changed: false,
        };
    }
    let least = least_cases(rules, audience);
    let told = days_of_exposure(&rules.tracing, present, least);
    let mut has_changed = false;
    let mut kept = days_of_exposure(&rules.tracing, then, least);
    kept.retain(|day| {
        let same_day = told.iter().find(|other| other.exposure.day == day.exposure.day);
        has_changed |= same_day.is_some_and(|other| other != day);
        same_day.is_some_and(|other| other == day)
    });
    let today = Day::of(present.now, present.offset);
    let told_from =
        (Day::of(then.now, then.offset) < today).then_some(Day(today.0 - rules.tracing.look_back_days));
    let mut risk = explained(rules, then, audience, figures_with(rules, then, audience, &kept));
    if (has_changed || told_from.is_some()) && risk.status == VenueStatus::Safe {
        risk.level = 0;
        risk.status = VenueStatus::NotAssessed;
        risk.explain.step(
            "Không phải mọi phơi nhiễm khi đó đều được nêu, nên không thể kết luận là an toàn",
            "Not all exposure of then is told, so that safe cannot be said",
            "0",
        );
    }
    PastVenueRisk {
        risk,
        told_from,
        has_changed,
    }
}
