use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use axum::{extract::State, response::Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::edge::{ApiError, Caller, Segments};
use crate::api::state::ApiState;
use crate::api::v1::list::{ListAsk, ListRow};
use crate::api::v1::marks::case_in_scope;
use crate::api::v1::past::marks_since;
use crate::api::v1::venues::{find, sees_exact_risk};
use crate::api::v1::view::{View, audit};
use crate::model::{EventId, Role, VenueId};
use crate::pipeline::group_of;
use crate::risk::{StayDay, VenueGroup, stay_days};

/// What one approved mark brings to one local day of a venue's exposure: `minutes` = `day_min` × `weight`. The minutes of
/// a day are the sum over the venue's own rows; how rows of other venues of the building join them the risk explains.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct VenueMarkRow {
    /// The local day that it counts on.
    pub day: String,
    /// The venue of the mark.
    pub venue: String,
    /// `own`, or how that venue stands to the one asked for: `part` (inside it) or `parent` (around it).
    pub relation: &'static str,
    /// Arrival.
    pub from: String,
    /// Departure, or the likely one.
    pub to: String,
    /// Tells the cases of this answer apart, from 1 on: as many as there are distinct cases.
    pub case_number: usize,
    /// The case, for those who may read its marks.
    pub case: Option<String>,
    /// The mark's id, for the same.
    pub mark: Option<String>,
    /// Days from onset to `day`; `null` where the onset is not known.
    pub days_since_onset: Option<i32>,
    /// Where the onset is not known, days from `day` to the case's report: the level is read by them.
    pub age_days: Option<i32>,
    /// The whole stay, minutes.
    pub stay_min: i64,
    /// How long the air stays infectious after it, minutes; 0 for a stay too short to count.
    pub tail_min: i64,
    /// Stay and tail on the rule's grid, minutes; 0 for a stay too short to count.
    pub counted_min: i64,
    /// Of these on `day`.
    pub day_min: u32,
    /// Transmission risk level, 1 to 8.
    pub level: u8,
    /// What a minute weighs at that level.
    pub weight: f64,
    /// Exposure minutes.
    pub minutes: f64,
}

impl ListRow for VenueMarkRow {
    const COLUMNS: &'static [&'static str] = &[
        "day",
        "venue",
        "relation",
        "from",
        "to",
        "case_number",
        "case",
        "mark",
        "days_since_onset",
        "age_days",
        "stay_min",
        "tail_min",
        "counted_min",
        "day_min",
        "level",
        "weight",
        "minutes",
    ];

    fn geometry(&self) -> Option<Cow<'_, Value>> {
        None
    }
}

/// `GET /v1/venues/{id}/marks`: what a venue's exposure is computed from. Single visits stand behind it, so for those who
/// see the venue's exact risk, and written into the audit log.
pub async fn list(
    State(state): State<ApiState>,
    caller: Caller,
    segments: Segments,
    ask: ListAsk,
) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &ask.query)?;
    let entry = find(&view, &segments)?;
    let rules = state.pipeline.rules();
    let id = &entry.venue.id;
    // Which venue lies in which is not known of a past instant: as it is now.
    let group = group_of(view.snapshot.venues(), &rules.venue, entry, &|each| {
        &each.facts.marks
    });
    if !sees_exact_risk(&view, entry, group.as_ref()) {
        return Err(ApiError::Forbidden(format!(
            "venue `{id}` lies outside the areas of this key, or what counts in it does"
        )));
    }
    audit(&state, &view.caller, "venue.marks", id.as_str(), None).await?;
    let store = state.pipeline.store();
    let since = marks_since(&rules, view.at);
    let others = group.as_ref().map(VenueGroup::others).unwrap_or_default();
    let all: Vec<&VenueId> = others.into_iter().chain([id]).collect();
    let found = store.marks_at(&all, since, view.at).await?;
    let complete = found.is_whole;
    let marks = found.by_venue();
    let parents: BTreeSet<&VenueId> = group
        .iter()
        .flat_map(|group| &group.parents)
        .map(|each| each.id)
        .collect();
    let mut stays: Vec<StayDay> = marks
        .values()
        .flat_map(|marks| stay_days(&rules.tracing, marks, view.at, view.offset))
        .collect();
    stays.sort_by_key(|stay| {
        (
            stay.day,
            stay.mark.from,
            &stay.mark.venue,
            &stay.mark.case,
            &stay.mark.id,
        )
    });

    let readable = readable_cases(&state, &view.caller, &stays).await?;
    let mut numbers: BTreeMap<&EventId, usize> = BTreeMap::new();
    let rows: Vec<(usize, VenueMarkRow)> = stays
        .iter()
        .enumerate()
        .map(|(place, stay)| {
            let next = numbers.len() + 1;
            let case_number = *numbers.entry(&stay.mark.case).or_insert(next);
            let relation = match &stay.mark.venue {
                venue if venue == id => "own",
                venue if parents.contains(venue) => "parent",
                _ => "part",
            };
            let is_readable = readable.contains(&stay.mark.case);
            (place, row(&view, stay, relation, case_number, is_readable))
        })
        .collect();
    let page = ask
        .page(rows, |(place, _)| format!("{place:06}"))
        .map(|(_, row)| row);
    let beside = json!({
        "venue": id.as_str(),
        "rule": rules.tracing.rule.label(),
        "look_back_days": rules.tracing.look_back_days,
        "complete": complete,
    });
    ask.write_beside(&view.as_of(), &page, view.freshness(), Some(beside))
}

fn row(
    view: &View,
    stay: &StayDay,
    relation: &'static str,
    case_number: usize,
    is_readable: bool,
) -> VenueMarkRow {
    let mark = stay.mark;
    VenueMarkRow {
        day: stay.day.to_string(),
        venue: mark.venue.to_string(),
        relation,
        from: view.time(mark.from),
        to: view.time(mark.to),
        case_number,
        case: is_readable.then(|| mark.case.to_string()),
        // It may be made of the case's.
        mark: is_readable.then(|| mark.id.to_string()),
        days_since_onset: mark.onset.days_since(stay.visit, stay.day),
        age_days: mark.onset.age_days(stay.day),
        stay_min: stay.stay_min,
        tail_min: stay.tail_min,
        counted_min: stay.counted_min,
        day_min: stay.day_min,
        level: stay.level,
        weight: stay.weight,
        minutes: stay.minutes,
    }
}

/// The cases whose marks the caller may ask for by their ids: those who trace, in their areas.
async fn readable_cases<'a>(
    state: &ApiState,
    caller: &Caller,
    stays: &[StayDay<'a>],
) -> Result<BTreeSet<&'a EventId>, ApiError> {
    let mut readable = BTreeSet::new();
    if !matches!(caller.role, Role::Official | Role::Approver | Role::Admin) {
        return Ok(readable);
    }
    let cases: BTreeSet<&'a EventId> = stays.iter().map(|stay| &stay.mark.case).collect();
    for case in cases {
        if case_in_scope(state, caller, case).await? {
            readable.insert(case);
        }
    }
    Ok(readable)
}
