use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Serialize;

use crate::api::edge::{ApiError, Caller, Query, Segments};
use crate::api::state::ApiState;
use crate::api::v1::venues::find;
use crate::api::v1::view::{View, audit};
use crate::model::{Day, Hour};
use crate::risk::{AirDay, AirDayInputs, air_of_day};

/// Stays and the air behind them reach this far over the ends of a day.
const BESIDE_S: i64 = 86_400;

/// What infectious visits did to a venue's air on one local day.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct VenueAirAnswer {
    /// When the figures were last brought up to date.
    pub as_of: String,
    /// Which venue.
    pub venue: String,
    /// The local day.
    pub day: String,
    /// Infectious visits, each hour's people, air and probability, expected infections by both models, explanation.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub air: AirDay,
}

/// `GET /v1/venues/{id}/air?day=`: single visits stand behind it, so for those who trace, in
/// their areas, and written into the audit log.
pub async fn of_day(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &query)?;
    let asked = query.read_as("day", "a local day, such as 2021-05-07", |text| {
        Day::parse(text).map_err(|error| error.reason)
    })?;
    let today = Day::of(view.now, view.offset);
    let day = asked.unwrap_or(today);
    if day > today {
        let (value, expected) = (day.to_string(), format!("a day up to {today}"));
        return Err(ApiError::invalid("day", &value, "lies in the future", expected));
    }
    let first = Day::of(state.pipeline.oldest(), view.offset);
    if day < first {
        let (value, expected) = (day.to_string(), format!("a day from {first} to {today}"));
        let reason = "lies before the days whose visits are kept";
        return Err(ApiError::invalid("day", &value, reason, expected));
    }
    let entry = find(&view, &segments)?;
    if !view.sees_exact(entry.areas.iter()) {
        return Err(ApiError::Forbidden(format!(
            "venue `{}` lies outside the areas of this key",
            entry.venue.id
        )));
    }
    audit(&state, &view.caller, "venue.air", entry.venue.id.as_str(), None).await?;
    let start = day.first_hour(view.offset).start();
    let store = state.pipeline.store();
    let marks = store
        .marks_at(&[&entry.venue.id], start.plus_s(-BESIDE_S), view.now)
        .await?;
    let mut marks = marks.marks;
    marks.retain(|mark| mark.from < start.plus_s(86_400 + BESIDE_S));
    let mut arrivals = [0.0; 24];
    let first: Hour = day.first_hour(view.offset);
    for (hour, stats) in view.snapshot.venue_hours(entry.ix, day.window(view.offset)) {
        arrivals[(hour.0 - first.0).clamp(0, 23) as usize] = f64::from(stats.visits);
    }
    let inputs = AirDayInputs {
        venue: &entry.venue,
        marks: &marks,
        arrivals: &arrivals,
        day,
        offset: view.offset,
        as_of: view.now,
    };
    let rules = state.pipeline.rules();
    let answer = VenueAirAnswer {
        as_of: view.as_of(),
        venue: entry.venue.id.to_string(),
        day: day.to_string(),
        air: air_of_day(&rules.air, &rules.tracing, &inputs),
    };
    view.write(&headers, &answer)
}
