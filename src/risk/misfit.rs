use crate::model::{Assessment, VenueKind};
use crate::risk::explain::figure;
use crate::risk::instrument::APPLICABLE_MAX;
use crate::risk::instrument_rules::Instrument;
use crate::risk::{Instruments, RuleHead};

/// What of an assessment does not fit the instrument that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The field at fault, such as `answers.99`.
    pub field: String,
    /// Its value.
    pub value: String,
    /// What is wrong.
    pub reason: String,
    /// What would be accepted.
    pub expected: String,
}

/// How far from a whole number of steps points may be written.
const STEP_TOLERANCE: f64 = 1e-9;

impl Instruments {
    /// Whether a new assessment of a venue of that kind is one by its instrument: it is known and for that kind, and every
    /// answer is one of its items with points that the item can have. Items may be missing: such an assessment is
    /// incomplete, and says so. What was stored is never judged again.
    ///
    /// # Errors
    /// The first [`Misfit`].
    pub fn check_new(&self, assessment: &Assessment, kind: VenueKind) -> Result<(), Misfit> {
        let named = &assessment.instrument;
        let for_kind: Vec<String> = self.for_kind(kind).map(|each| each.rule.label()).collect();
        let misnamed = |reason: String| Misfit {
            field: "instrument".to_owned(),
            value: named.clone(),
            reason,
            expected: if for_kind.is_empty() {
                format!(
                    "no assessment: no instrument is for a venue of the kind {}",
                    kind.as_str()
                )
            } else {
                format!(
                    "for a venue of the kind {}: {}",
                    kind.as_str(),
                    for_kind.join(", ")
                )
            },
        };
        let Some(instrument) = self.find(named) else {
            return Err(misnamed("is no instrument of the rules in force".to_owned()));
        };
        if !instrument.applies_to.contains(&kind) {
            let kinds: Vec<&str> = instrument.applies_to.iter().map(|kind| kind.as_str()).collect();
            return Err(misnamed(match kinds[..] {
                [] => "is for no kind of venue".to_owned(),
                _ => format!("is for {} only", kinds.join(", ")),
            }));
        }
        assessment
            .answers
            .iter()
            .try_for_each(|(item, points)| check_answer(instrument, item, *points))
    }
}

fn check_answer(instrument: &Instrument, item: &str, points: Option<f64>) -> Result<(), Misfit> {
    let RuleHead { id, version, .. } = &instrument.rule;
    let misfit = |reason: &str, expected: String| {
        let shown: String = item.chars().take(40).collect();
        Err(Misfit {
            field: format!("answers.{shown}"),
            value: points.map_or_else(|| "null".to_owned(), |points| points.to_string()),
            reason: reason.to_owned(),
            expected: format!("{expected} ({id}@{version})"),
        })
    };
    if item == APPLICABLE_MAX {
        let most = instrument.total_max.unwrap_or(f64::MAX);
        return match points {
            Some(points) if !(points > 0.0 && points <= most) => {
                let most = instrument.total_max.map(|max| format!(" up to {}", figure(max)));
                misfit(
                    "is no number of points",
                    format!("points above 0{}", most.unwrap_or_default()),
                )
            }
            _ => Ok(()),
        };
    }
    let number = item.parse::<u32>().ok();
    // `01` would be a second name of item 1.
    let number = number.filter(|n| (1..=instrument.item_count).contains(n) && n.to_string() == item);
    let Some(number) = number else {
        return misfit(
            "is no item of the instrument",
            format!("items 1 to {}", instrument.item_count),
        );
    };
    let Some(points) = points else { return Ok(()) };
    let least = instrument.item_min;
    let most = instrument.max_of(number).or(instrument.total_max);
    let step = instrument.item_step;
    let to_most = most.map(|most| format!(" to {}", figure(most)));
    let in_steps = if (step - 1.0).abs() < STEP_TOLERANCE {
        "whole points".to_owned()
    } else {
        format!("points in steps of {}", figure(step))
    };
    let expected = format!(
        "{in_steps}, {}{}",
        figure(least),
        to_most.unwrap_or_else(|| " or more".to_owned())
    );
    if points < least {
        return misfit("is below the least points of the item", expected);
    }
    if most.is_some_and(|most| points > most) {
        return misfit("is above the most points of the item", expected);
    }
    let steps = (points - least) / step;
    if (steps - steps.round()).abs() > STEP_TOLERANCE {
        return misfit("lies between the points that can be given", expected);
    }
    Ok(())
}
