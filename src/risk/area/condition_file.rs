use serde::Deserialize;

use crate::model::{AreaLevel, FindingId};
use crate::risk::Text;
use crate::risk::area::file::{figure, level};
use crate::risk::area::{Condition, Measure, Raise, When};
use crate::risk::rules::Flaw;

/// A condition as a file says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConditionFile {
    level: u8,
    #[serde(default)]
    tiers: Vec<AreaLevel>,
    measure: Option<Measure>,
    above: Option<f64>,
    units_at: Option<u8>,
    units_percent: Option<f64>,
    units: Option<u32>,
    neighbours_at: Option<u8>,
    judged: Option<Text>,
    finding: Option<String>,
    not_retrieved: Option<Text>,
}

impl ConditionFile {
    pub(super) fn check(self, at: usize) -> Result<Condition, Flaw> {
        let place = format!("condition[{at}]");
        level(&format!("{place}.level"), self.level)?;
        let ways = [
            self.measure.is_some() || self.above.is_some(),
            self.units_at.is_some() || self.units.is_some() || self.units_percent.is_some(),
            self.neighbours_at.is_some(),
            self.judged.is_some() || self.finding.is_some(),
            self.not_retrieved.is_some(),
        ];
        let one_way = || {
            Flaw::new(
                place.clone(),
                "says in no way, in two ways or in half a way when it is met",
                "`measure` and `above`, or `units_at` with `units_percent` or `units`, or `neighbours_at`, or `judged` \
                 and `finding`, or `not_retrieved`",
            )
        };
        if ways.iter().filter(|way| **way).count() != 1 {
            return Err(one_way());
        }
        let when = if let Some((measure, above)) = self.measure.zip(self.above) {
            figure(&format!("{place}.above"), above)?;
            When::Above(measure, above)
        } else if let Some(units_at) = self.units_at {
            level(&format!("{place}.units_at"), units_at)?;
            units(&place, units_at, self.units_percent, self.units)?.ok_or_else(one_way)?
        } else if let Some(neighbours_at) = self.neighbours_at {
            level(&format!("{place}.neighbours_at"), neighbours_at)?;
            When::NeighboursAt(neighbours_at)
        } else if let Some(text) = self.judged {
            When::Judged {
                finding: finding(&place, self.finding.as_deref())?,
                text,
            }
        } else {
            When::NotRetrieved(self.not_retrieved.ok_or_else(one_way)?)
        };
        Ok(Condition {
            level: self.level,
            tiers: self.tiers,
            when,
        })
    }
}

fn units(place: &str, level: u8, percent: Option<f64>, number: Option<u32>) -> Result<Option<When>, Flaw> {
    match (percent, number) {
        (Some(percent), None) if percent > 0.0 && percent <= 100.0 => {
            Ok(Some(When::ShareBelow { level, percent }))
        }
        (None, Some(number @ 1..)) => Ok(Some(When::NumberBelow { level, number })),
        (Some(percent), None) => Err(Flaw::new(
            format!("{place}.units_percent"),
            format!("is {percent}"),
            "above 0, at most 100",
        )),
        (None, Some(number)) => {
            let field = format!("{place}.units");
            Err(Flaw::new(field, format!("is {number}"), "1 or more"))
        }
        _ => Ok(None),
    }
}

fn finding(place: &str, id: Option<&str>) -> Result<FindingId, Flaw> {
    let field = format!("{place}.finding");
    let Some(id) = id else {
        let expected = "the id by which officials declare what is judged";
        return Err(Flaw::new(field, "is missing", expected));
    };
    FindingId::new(id).map_err(|error| Flaw::new(field, format!("`{id}` {}", error.reason), error.expected))
}

/// What is wrong between conditions: a finding that means two things, and levels that would rest on themselves.
pub(super) fn check_together(
    conditions: &[Condition],
    raises: &[Raise],
    holds_without_care: bool,
) -> Result<(), Flaw> {
    for (at, condition) in conditions.iter().enumerate() {
        match &condition.when {
            When::Judged { finding, text } => {
                let other = conditions[..at].iter().position(|before| {
                    matches!(&before.when, When::Judged { finding: id, text: said } if id == finding && said != text)
                });
                if let Some(other) = other {
                    return Err(Flaw::new(
                        format!("condition[{at}].finding"),
                        format!("`{finding}` says something else in condition[{other}]"),
                        "one meaning for each id",
                    ));
                }
            }
            When::NeighboursAt(neighbours) => {
                // What raises add comes on top: an area could lift its neighbour to the level that lifts it.
                let rise: u8 = raises.iter().fold(0, |sum, raise| sum.saturating_add(raise.by));
                let gives = condition.level.saturating_add(rise);
                if *neighbours <= gives {
                    return Err(Flaw::new(
                        format!("condition[{at}].neighbours_at"),
                        format!("is {neighbours}, where the condition leads to level {gives}: circular"),
                        format!("above {gives}, so that no two neighbours hold each other up"),
                    ));
                }
                if holds_without_care {
                    return Err(Flaw::new(
                        "holds_without_care",
                        format!("stands beside condition[{at}].neighbours_at"),
                        "one of the two: a level that may not fall would hold its neighbours' up",
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(())
}
