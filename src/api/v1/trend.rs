use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Serialize;

use crate::api::edge::{ApiError, Caller, Query, Segments};
use crate::api::state::ApiState;
use crate::api::v1::areas::{find, sees_exact};
use crate::api::v1::view::{View, compute_blocking};
use crate::model::Day;
use crate::risk::{Explain, ReproductionDay, trend};

/// Days shown when nobody says.
const DAYS: u32 = 28;
/// The most days shown.
const MOST_DAYS: u32 = 366;

/// How an area's cases develop: whole local days, by day of report.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AreaTrendAnswer {
    /// When the figures were last brought up to date.
    pub as_of: String,
    /// Which area.
    pub code: String,
    /// The days, oldest first. The last is the last whole day before `at`.
    pub days: Vec<TrendDay>,
    /// Growth of the logarithm of cases per day at the end; `null` where it cannot be fitted.
    pub growth_per_day: Option<f64>,
    /// Days in which cases double at that growth; negative: in which they halve.
    pub doubling_days: Option<f64>,
    /// Rule, inputs and steps of the last reproduction number.
    #[schema(value_type = Object)]
    pub explain: Explain,
}

/// A day of a trend.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TrendDay {
    /// The local day.
    pub day: String,
    /// Confirmed community cases reported on it.
    pub cases: u32,
    /// The reproduction number of the days that end with it (Cori et al. 2013): `cases`, `mean`, `low`, `high` (95 %
    /// credible), `small_number`, `rki_r7`.
    #[schema(value_type = Object)]
    pub reproduction: Option<ReproductionDay>,
}

/// `GET /v1/areas/{code}/trend`: exact daily cases, so for those who may see them.
pub async fn of_area(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let days = query.whole("days", 1, MOST_DAYS)?.unwrap_or(DAYS);
    let view = View::new(&state, caller, &query)?;
    compute_blocking(move || {
        let entry = find(&view, &segments)?;
        if !sees_exact(&view, entry) {
            return Err(ApiError::Forbidden(format!(
                "area `{}` lies outside the areas of this key",
                entry.area.code
            )));
        }
        let rules = &state.pipeline.rules().trend;
        // The day of `at` is not over: its cases are still coming in.
        let end = view.day().0;
        let first = end - days as i32;
        let lead = rules.lead_days();
        let cases: Vec<u32> = (first - lead as i32..end)
            .map(|day| {
                view.snapshot
                    .area_cases(&entry.area.code, Day(day).window(view.offset))
            })
            .collect();
        let found = trend(rules, &cases, lead, view.at);
        let answer = AreaTrendAnswer {
            as_of: view.as_of(),
            code: entry.area.code.to_string(),
            days: (first..end)
                .enumerate()
                .map(|(at, day)| TrendDay {
                    day: Day(day).to_string(),
                    cases: cases[lead + at],
                    reproduction: found.reproduction.iter().find(|r| r.day == at).copied(),
                })
                .collect(),
            growth_per_day: found.growth_per_day,
            doubling_days: found.doubling_days,
            explain: found.explain,
        };
        view.write(&headers, &answer)
    })
    .await
}
