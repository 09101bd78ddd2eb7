use std::ops::RangeInclusive;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use serde::{Deserialize, Serialize};

use crate::api::edge::{ApiError, Caller, FieldError, Segments, media};
use crate::api::state::ApiState;
use crate::api::v1::registry::{json, new_id};
use crate::api::v1::view::{audit, codes_at};
use crate::model::{Case, Day, Event, EventId, Mark, MarkState, Onset, Timestamp, UtcOffset, VenueId};

/// The longest stay that a mark may be of, seconds.
const MAX_STAY_S: i64 = 3 * 86_400;
/// Days from onset to a visit that a mark may have.
const DAYS_SINCE_ONSET: RangeInclusive<i32> = -60..=60;
/// How far back marks are looked for, seconds.
const LOOK_BACK_S: i64 = 60 * 86_400;

/// A case at a venue in a time interval.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct MarkAnswer {
    /// Its id.
    pub id: String,
    /// The case.
    pub case: String,
    /// Where.
    pub venue: String,
    /// Arrival.
    pub from: String,
    /// Departure, or the likely one.
    pub to: String,
    /// Days from onset to the visit; `null` where the onset is not known.
    pub days_since_onset: Option<i32>,
    /// Where the onset is not known, days from the visit to the case's report: the transmission risk is read by them.
    pub age_days: Option<i32>,
    /// `proposed`, `approved` or `rejected`.
    #[schema(value_type = String)]
    pub state: MarkState,
}

/// The marks of a case.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct MarksAnswer {
    /// The case.
    pub case: String,
    /// Its marks inside the key's areas, by arrival.
    pub items: Vec<MarkAnswer>,
    /// Share of arrivals of those days whose end was scanned too: what is not scanned is not seen.
    pub capture_rate: Option<f64>,
}

/// A mark as an official writes it.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkRecord {
    /// Its id; made when absent.
    pub id: Option<String>,
    /// The case.
    pub case: String,
    /// Where.
    pub venue: String,
    /// Arrival, RFC 3339.
    pub from: String,
    /// Departure, RFC 3339.
    pub to: String,
    /// Days from onset to the visit, -60 to 60; from the case's reports when absent.
    pub days_since_onset: Option<i32>,
}

impl MarkAnswer {
    fn of(mark: &Mark, offset: UtcOffset) -> Self {
        let visit = Day::of(mark.from, offset);
        Self {
            id: mark.id.to_string(),
            case: mark.case.to_string(),
            venue: mark.venue.to_string(),
            from: mark.from.to_rfc3339(offset),
            to: mark.to.to_rfc3339(offset),
            days_since_onset: mark.onset.days_since(visit, visit),
            age_days: mark.onset.age_days(visit),
            state: mark.state,
        }
    }
}

/// `GET /v1/cases/{id}/marks`: joins the case with check-ins and proposes; every look-up is written down.
pub async fn propose(
    State(state): State<ApiState>,
    caller: Caller,
    segments: Segments,
) -> Result<Response, ApiError> {
    let case: EventId = segments.read_as("id", "a case's id, 1 to 64 bytes", EventId::new)?;
    let reports = reports_in_scope(&state, &caller, &case).await?;
    let newest = reports.first().ok_or_else(|| unknown(&case))?;
    audit(&state, &caller, "case.marks", case.as_str(), None).await?;
    let store = state.pipeline.store();
    let marks = store.propose_marks(&case, state.now()).await?;
    let rate = store
        .capture_rate(Day::of(newest.at, state.pipeline.offset()))
        .await?;
    let offset = state.pipeline.offset();
    let items = marks
        .iter()
        .filter(|mark| venue_in_scope(&state, &caller, &mark.venue))
        .map(|mark| MarkAnswer::of(mark, offset))
        .collect();
    let answer = MarksAnswer {
        case: case.to_string(),
        items,
        capture_rate: rate.share(),
    };
    Ok(json(StatusCode::OK, &answer))
}

/// `POST /v1/marks`: proposes one; an approver decides.
pub async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let record: MarkRecord = media::read_json(&parts.headers, body, state.config.small_body_bytes).await?;
    let case = id("case", &record.case)?;
    let venue = VenueId::new(&record.venue).map_err(|error| refuse("venue", &record.venue, &error.reason))?;
    let from = instant("from", &record.from)?;
    let to = instant("to", &record.to)?;
    if to <= from || to.0 - from.0 > MAX_STAY_S {
        return Err(refuse(
            "to",
            &record.to,
            "is not after `from` by up to three days",
        ));
    }
    if from > state.now() {
        return Err(refuse("from", &record.from, "lies in the future"));
    }
    let is_known = state.snapshot().venues().get(&venue).is_some();
    if !is_known || !venue_in_scope(&state, &caller, &venue) {
        return Err(refuse(
            "venue",
            venue.as_str(),
            "is not a registered venue in the areas of this key",
        ));
    }
    let given = record.days_since_onset;
    if let Some(days) = given.filter(|days| !DAYS_SINCE_ONSET.contains(days)) {
        return Err(ApiError::Unprocessable(vec![FieldError::new(
            "days_since_onset",
            &days.to_string(),
            "lies too far from the onset",
            "whole days, -60 to 60, or none",
        )]));
    }
    let reports = reports_in_scope(&state, &caller, &case).await?;
    let offset = state.pipeline.offset();
    let by_reports = Onset::of_case(&reports, Day::of(from, offset), offset);
    let onset = match given {
        Some(days_since) => Onset::Known { days_since },
        None => by_reports.ok_or_else(|| unknown(&case))?,
    };
    let mark = Mark {
        id: match &record.id {
            Some(text) => id("id", text)?,
            None => EventId::new(&new_id("m")?).map_err(ApiError::internal)?,
        },
        case,
        venue,
        from,
        to,
        onset,
        state: MarkState::Proposed,
    };
    if find(&state, &mark.id).await?.is_some() {
        return Err(ApiError::Conflict(format!(
            "a mark with the id `{}` exists",
            mark.id
        )));
    }
    audit(&state, &caller, "mark.propose", mark.id.as_str(), None).await?;
    let answer = MarkAnswer::of(&mark, offset);
    state.pipeline.put_mark(mark, caller.actor().to_owned()).await?;
    Ok(json(StatusCode::CREATED, &answer))
}

/// `POST /v1/marks/{id}/approve`: from now on it counts.
pub async fn approve(
    state: State<ApiState>,
    caller: Caller,
    segments: Segments,
) -> Result<Response, ApiError> {
    decide(state, caller, segments, MarkState::Approved).await
}

/// `POST /v1/marks/{id}/reject`.
pub async fn reject(
    state: State<ApiState>,
    caller: Caller,
    segments: Segments,
) -> Result<Response, ApiError> {
    decide(state, caller, segments, MarkState::Rejected).await
}

async fn decide(
    State(state): State<ApiState>,
    caller: Caller,
    segments: Segments,
    decision: MarkState,
) -> Result<Response, ApiError> {
    let id: EventId = segments.read_as("id", "a mark's id, 1 to 64 bytes", EventId::new)?;
    let missing = || ApiError::NotFound(format!("no mark has the id `{id}`"));
    let mark = find(&state, &id).await?.ok_or_else(missing)?;
    if !venue_in_scope(&state, &caller, &mark.venue) {
        return Err(missing());
    }
    let action = if decision == MarkState::Approved {
        "mark.approve"
    } else {
        "mark.reject"
    };
    audit(&state, &caller, action, id.as_str(), None).await?;
    let by = caller.actor().to_owned();
    let decided = match decision {
        MarkState::Approved => state.pipeline.approve_mark(id.clone(), by).await?,
        _ => state.pipeline.reject_mark(id.clone(), by).await?,
    };
    let decided = decided.ok_or_else(missing)?;
    Ok(json(
        StatusCode::OK,
        &MarkAnswer::of(&decided, state.pipeline.offset()),
    ))
}

async fn find(state: &ApiState, id: &EventId) -> Result<Option<Mark>, ApiError> {
    let since = state.now().plus_s(-LOOK_BACK_S);
    let marks = state.pipeline.store().marks(since).await?;
    Ok(marks.into_iter().find(|mark| mark.id == *id))
}

/// Whether the caller may read of a case: its newest report's place lies in the caller's areas.
///
/// # Errors
/// Those of the store.
pub async fn case_in_scope(state: &ApiState, caller: &Caller, case: &EventId) -> Result<bool, ApiError> {
    match reports_in_scope(state, caller, case).await {
        Ok(_) => Ok(true),
        Err(ApiError::NotFound(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The reports of a case, newest first, where the place of the newest lies in the caller's areas; any other case is as if
/// it were not there.
async fn reports_in_scope(
    state: &ApiState,
    caller: &Caller,
    case: &EventId,
) -> Result<Vec<Event<Case>>, ApiError> {
    let reports = state.pipeline.store().case_reports(case).await?;
    let snapshot = state.snapshot();
    let is_in_scope = |report: &Event<Case>| {
        let day = Day::of(report.at, state.pipeline.offset());
        let by_area = report.record.area.as_ref().is_some_and(|code| {
            let chain = snapshot.areas().ancestry(code, day);
            caller.covers(chain.iter().chain([code]))
        });
        let by_place = report
            .record
            .location
            .is_some_and(|at| caller.covers_point(at, |at| codes_at(&snapshot, at, day)));
        caller.areas.is_empty() || by_area || by_place
    };
    if reports.first().is_some_and(is_in_scope) {
        Ok(reports)
    } else {
        Err(unknown(case))
    }
}

fn unknown(case: &EventId) -> ApiError {
    ApiError::NotFound(format!("no case has the id `{case}`"))
}

fn venue_in_scope(state: &ApiState, caller: &Caller, venue: &VenueId) -> bool {
    state
        .snapshot()
        .venues()
        .get(venue)
        .is_some_and(|entry| caller.covers(entry.areas.iter()))
}

fn id(field: &str, text: &str) -> Result<EventId, ApiError> {
    EventId::new(text).map_err(|error| refuse(field, text, &error.reason))
}

fn instant(field: &str, text: &str) -> Result<Timestamp, ApiError> {
    Timestamp::parse(text).map_err(|error| refuse(field, text, &error.reason))
}

fn refuse(field: &str, value: &str, reason: &str) -> ApiError {
    ApiError::Unprocessable(vec![FieldError::new(
        field,
        value,
        reason,
        "a mark as the API document describes",
    )])
}
