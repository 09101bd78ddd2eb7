use serde::Serialize;

use crate::model::{Assessment, AssessmentAuthor, Event, Timestamp};
use crate::risk::explain::{figure, instant, maybe_instant, vietnamese};
use crate::risk::instrument_rules::{Class, Score};
use crate::risk::{Instrument, Instruments, Text, VenueStatus};

/// An assessment as it came in.
#[derive(Clone, Debug, PartialEq)]
pub struct AssessmentRecord {
    /// When it was made.
    pub at: Timestamp,
    /// Instrument and version.
    pub instrument: String,
    /// Item number (`"1"`…) → points; `None` is 'not applicable'; a missing item was not answered.
    /// `applicable_max` may state the most points of the applicable items where the instrument gives no
    /// points by item (as in 98 of 142).
    pub answers: Vec<(String, Option<f64>)>,
    /// Who filled it in.
    pub by: AssessmentAuthor,
}

impl From<&Event<Assessment>> for AssessmentRecord {
    fn from(event: &Event<Assessment>) -> Self {
        Self {
            at: event.at,
            instrument: event.record.instrument.clone(),
            answers: event.record.answers.clone(),
            by: event.record.by,
        }
    }
}

/// What an assessment came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AssessmentResult {
    /// `id@version`, or what the record named where no such instrument is known.
    pub instrument: String,
    /// Who filled it in.
    pub by: AssessmentAuthor,
    /// When; RFC 3339.
    #[serde(serialize_with = "instant")]
    pub at: Timestamp,
    /// From when on it no longer counts; RFC 3339.
    #[serde(serialize_with = "instant")]
    pub expires: Timestamp,
    /// Score in the instrument's own unit, where it could be formed.
    pub score: Option<f64>,
    /// The outcome.
    pub outcome: AssessmentOutcome,
    /// Whether rule and items were checked against the primary text.
    pub confirmed: bool,
    /// Until when the class holds without a better assessment, where the text sets a time to fix things; RFC 3339.
    #[serde(serialize_with = "maybe_instant", skip_serializing_if = "Option::is_none")]
    pub fix_until: Option<Timestamp>,
    /// How many items are not fully met.
    pub to_fix: u32,
    /// What to fix first: the items that can veto the class, then those that lost most points. At most three.
    ///
    /// For those who see exact figures only; empty for the public, who see class, score, age and `to_fix`. The instruments
    /// have a venue's result published (the status on the map, the printed code at the entrance), and none that was
    /// retrieved has its answers published: single items say where a hospital has no isolation room or which workshop
    /// wears no masks, and who declares honestly would be shown up beside who does not.
    pub fix_first: Vec<FixItem>,
}

/// An item that is not fully met.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FixItem {
    /// Its number.
    pub item: u32,
    /// What it asks.
    pub name: Text,
    /// Points it has.
    pub points: f64,
    /// Points it should have.
    pub wanted: f64,
    /// Whether it can veto the class on its own.
    pub veto: bool,
}

/// A class of the instrument, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AssessmentOutcome {
    /// The text gives a class.
    Class {
        /// Its id.
        id: String,
        /// Public status.
        status: VenueStatus,
        /// 1..=4.
        level: u8,
        /// Its name.
        name: Text,
        /// What follows.
        action: Text,
    },
    /// The rule's text does not say.
    UndefinedByRule(Text),
    /// The answers cannot be scored.
    Incomplete(Text),
}

/// The name of the answer that states the applicable maximum.
pub(super) const APPLICABLE_MAX: &str = "applicable_max";
const DAY_S: i64 = 86_400;

/// How many items are named to be fixed first.
const FIX_FIRST: usize = 3;

/// What an assessment comes to at an instant: once the time to fix things is over without a better one, its class is that
/// which the rule names for then. Where the text names none the class stands: no venue gets better by waiting.
#[must_use]
pub fn assess_at(instruments: &Instruments, record: &AssessmentRecord, now: Timestamp) -> AssessmentResult {
    let mut result = assess(instruments, record);
    if let AssessmentOutcome::Class { id, .. } = &result.outcome
        && result.fix_until.is_some_and(|until| until <= now)
        && let Some(instrument) = instruments.find(&record.instrument)
    {
        let grace = instrument.class(id).and_then(|class| class.grace.as_ref());
        let then = grace.and_then(|grace| instrument.class(grace.then.as_deref()?));
        if let Some(then) = then {
            result.outcome = of_class(then);
        }
    }
    result
}

/// Scores one assessment.
#[must_use]
pub fn assess(instruments: &Instruments, record: &AssessmentRecord) -> AssessmentResult {
    let mut result = AssessmentResult {
        instrument: record.instrument.clone(),
        by: record.by,
        at: record.at,
        expires: record.at,
        score: None,
        outcome: AssessmentOutcome::Incomplete(Text::new("Không có bộ tiêu chí này", "No such instrument")),
        confirmed: false,
        fix_until: None,
        to_fix: 0,
        fix_first: Vec::new(),
    };
    let Some(instrument) = instruments.find(&record.instrument) else {
        return result;
    };
    result.instrument = instrument.rule.label();
    result.expires = record.at.plus_s(i64::from(instrument.expires_days) * DAY_S);
    result.confirmed = instrument.rule.confirmed && instrument.items_confirmed;
    let scored = read_answers(instrument, &record.answers)
        .and_then(|answers| score(instrument, &answers).map(|score| (answers, score)));
    match scored {
        Ok((answers, score)) => {
            result.score = Some(score);
            result.outcome = conclude(instrument, &answers, score);
            let open = to_fix(instrument, &answers);
            result.to_fix = u32::try_from(open.len()).unwrap_or(u32::MAX);
            result.fix_first = open.into_iter().take(FIX_FIRST).collect();
            if let AssessmentOutcome::Class { id, .. } = &result.outcome {
                let grace = instrument.class(id).and_then(|class| class.grace.as_ref());
                result.fix_until = grace.map(|grace| record.at.plus_s(i64::from(grace.hours) * 3600));
            }
        }
        Err(outcome) => result.outcome = outcome,
    }
    result
}

struct Answers {
    /// By item: points, or not applicable.
    points: Vec<Option<f64>>,
    stated_max: Option<f64>,
}

fn read_answers(
    instrument: &Instrument,
    answers: &[(String, Option<f64>)],
) -> Result<Answers, AssessmentOutcome> {
    let incomplete = |vi: String, en: String| AssessmentOutcome::Incomplete(Text::new(vi, en));
    let mut points: Vec<Option<Option<f64>>> = vec![None; instrument.item_count as usize];
    let mut stated_max = None;
    for (name, value) in answers {
        if name == APPLICABLE_MAX {
            stated_max = value.filter(|max| *max > 0.0 && max.is_finite());
            continue;
        }
        let number = name
            .parse::<u32>()
            .ok()
            .filter(|n| (1..=instrument.item_count).contains(n));
        let Some(number) = number else {
            let shown: String = name.chars().take(20).collect();
            return Err(incomplete(
                format!("Không có mục {shown}"),
                format!("No item {shown}"),
            ));
        };
        let top = instrument
            .max_of(number)
            .or(instrument.total_max)
            .unwrap_or(f64::MAX);
        if let Some(value) = value
            && !(instrument.item_min..=top).contains(value)
        {
            return Err(incomplete(
                format!("Điểm mục {number} ngoài khoảng cho phép"),
                format!("Points of item {number} out of range"),
            ));
        }
        points[number as usize - 1] = Some(*value);
    }
    let open = points.iter().filter(|answer| answer.is_none()).count();
    if open > 0 {
        return Err(incomplete(
            format!("Còn {open} mục chưa trả lời"),
            format!("{open} items not answered"),
        ));
    }
    Ok(Answers {
        points: points.into_iter().flatten().collect(),
        stated_max,
    })
}

fn score(instrument: &Instrument, answers: &Answers) -> Result<f64, AssessmentOutcome> {
    let undefined = |vi: &str, en: &str| AssessmentOutcome::UndefinedByRule(Text::new(vi, en));
    let not_applicable = answers.points.iter().any(Option::is_none);
    let sum: f64 = answers.points.iter().flatten().sum();
    let max = match instrument.score {
        Score::Passed | Score::PercentOfTotal if not_applicable => {
            return Err(undefined(
                "Văn bản không nói về mục không áp dụng",
                "The text says nothing of items that do not apply",
            ));
        }
        Score::Passed => {
            let passed = answers.points.iter().flatten().filter(|points| **points >= 1.0);
            return Ok(passed.count() as f64);
        }
        Score::PercentOfTotal => instrument.total_max,
        Score::PercentOfApplicable => applicable_max(instrument, answers, not_applicable),
    };
    match max {
        Some(max) if sum <= max => Ok(sum * 100.0 / max),
        Some(_) => Err(AssessmentOutcome::Incomplete(Text::new(
            "Tổng điểm vượt điểm tối đa",
            "More points than the maximum",
        ))),
        None => Err(undefined(
            "Chưa biết điểm tối đa của các mục áp dụng",
            "The most points of the applicable items are not known",
        )),
    }
}

fn applicable_max(instrument: &Instrument, answers: &Answers, not_applicable: bool) -> Option<f64> {
    let by_item: Option<f64> = (1..)
        .zip(&answers.points)
        .filter(|(_, p)| p.is_some())
        .map(|(n, _)| instrument.max_of(n))
        .sum();
    let stated = answers
        .stated_max
        .filter(|max| instrument.total_max.is_none_or(|total| *max <= total));
    let total = instrument.total_max.filter(|_| !not_applicable);
    by_item.or(total).or(stated).filter(|max| *max > 0.0)
}

fn conclude(instrument: &Instrument, answers: &Answers, score: f64) -> AssessmentOutcome {
    let undefined = |vi: String, en: String| AssessmentOutcome::UndefinedByRule(Text::new(vi, en));
    let Some(band) = instrument.bands.find(score) else {
        let score = figure(score);
        return undefined(
            format!("Văn bản không xếp loại cho {}", vietnamese(&score)),
            format!("The text has no class for {score}"),
        );
    };
    let verdict = &band.gives;
    let points = |number: u32| answers.points.get(number as usize - 1).copied().flatten();
    let mandatory_met = || {
        // An item that does not apply cannot fail.
        let met = |number: &u32| points(*number).is_none_or(|p| p >= instrument.mandatory_from);
        instrument.mandatory.iter().all(met)
    };
    let mut given = answers.points.iter().flatten();
    let kept = (!verdict.needs_mandatory || mandatory_met())
        && (!verdict.needs_no_zero || given.clone().all(|points| *points != 0.0))
        && verdict
            .needs_items_below
            .is_none_or(|limit| given.all(|points| *points < limit));
    let class = if kept {
        instrument.class(&verdict.class)
    } else {
        verdict.otherwise.as_deref().and_then(|id| instrument.class(id))
    };
    match class {
        Some(class) => of_class(class),
        None => undefined(
            "Điểm đạt nhưng một điều kiện bắt buộc không đạt: văn bản không xếp loại".to_owned(),
            "The score would do but a condition is not met: the text has no class for that".to_owned(),
        ),
    }
}

/// Items not fully met: vetoes first, then by points lost; ties in the order of the items.
fn to_fix(instrument: &Instrument, answers: &Answers) -> Vec<FixItem> {
    let counts_risk = instrument.counts_risk();
    let any_zero_vetoes = instrument
        .bands
        .as_slice()
        .iter()
        .any(|band| band.gives.needs_no_zero);
    let limit = instrument
        .bands
        .as_slice()
        .iter()
        .filter_map(|band| band.gives.needs_items_below)
        .fold(f64::INFINITY, f64::min);
    let mut open: Vec<FixItem> = (1..)
        .zip(&answers.points)
        .filter_map(|(item, points)| {
            let points = (*points)?;
            let mandatory = instrument.mandatory.contains(&item) && points < instrument.mandatory_from;
            let (wanted, veto) = if counts_risk {
                (instrument.item_min, points >= limit)
            } else {
                // Where the most points of an item are not known, all that is known is that none is too few.
                let most = match instrument.score {
                    Score::Passed => Some(1.0),
                    _ => instrument.max_of(item),
                };
                (
                    most.unwrap_or(1.0),
                    mandatory || (any_zero_vetoes && points == 0.0),
                )
            };
            let lost = if counts_risk {
                points > wanted
            } else {
                points < wanted
            };
            (lost || veto).then(|| FixItem {
                item,
                name: instrument.name_of(item),
                points,
                wanted,
                veto,
            })
        })
        .collect();
    let lost = |item: &FixItem| (item.wanted - item.points).abs();
    open.sort_by(|a, b| {
        b.veto
            .cmp(&a.veto)
            .then(lost(b).total_cmp(&lost(a)))
            .then(a.item.cmp(&b.item))
    });
    open
}

fn of_class(class: &Class) -> AssessmentOutcome {
    AssessmentOutcome::Class {
        id: class.id.clone(),
        status: class.status,
        level: class.level,
        name: class.name.clone(),
        action: class.action.clone(),
    }
}
