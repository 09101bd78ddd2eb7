use std::borrow::Cow;

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Serialize;
use serde_json::Value;

use crate::api::edge::{ApiError, Caller, Query, Segments};
use crate::api::state::ApiState;
use crate::api::v1::areas::{find, sees_exact};
use crate::api::v1::list::{ListAsk, ListRow};
use crate::api::v1::view::{Span, View, compute_blocking};
use crate::model::{AreaCode, AreaLevel, Day, Window};
use crate::risk::{Explain, Nowcast, NowcastDay, ReproductionDay, TrendGrowth, nowcast, trend};

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
    /// Growth of the logarithm of cases per day at the end, of `growth`; `null` where it is undefined.
    pub growth_per_day: Option<f64>,
    /// Days in which cases double at that growth; negative: in which they halve.
    pub doubling_days: Option<f64>,
    /// That growth with its method, days and interval.
    pub growth: GrowthAnswer,
    /// Rule, inputs and steps of the last reproduction number and of the growth.
    #[schema(value_type = Object)]
    pub explain: Explain,
    /// Cases by the day they belong to, with those that are still to be reported.
    pub nowcast: NowcastAnswer,
}

/// Growth over the last days: a Poisson log-linear regression of daily cases, days without a case included.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct GrowthAnswer {
    /// The whole local days that it is fitted over.
    pub span: Span,
    /// `method`, `days`, `cases`; `per_day` with `low` and `high` (95 %, widened by the `dispersion` of the counts where that
    /// is above 1); `doubling_days`, `doubling_days_at_low`, `doubling_days_at_high` (negative: halving); `small_number`.
    /// `undefined` says why these are `null`: `no_cases` or `cases_on_one_end_only`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub figures: TrendGrowth,
}

/// Cases by day of onset (of the sample, where there is none), and what is still to be reported of the last days: the
/// chain ladder on reporting delays. What it counts with is at `/v1/areas/{code}/reporting-triangle`.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct NowcastAnswer {
    /// Of the days asked for those that reports are looked at of, oldest first.
    pub days: Vec<NowcastRow>,
    /// The share of a day's cases that is reported after 0, 1, … days; `null` where that cannot be told.
    pub delays: Option<Vec<f64>>,
    /// Reports in the days looked at of which neither onset nor sample is known.
    pub without_date: u32,
    /// Reports before the day they belong to, or later than the longest delay.
    pub left_out: u32,
    /// Rule, inputs and steps of the last day.
    #[schema(value_type = Object)]
    pub explain: Explain,
}

/// A day of a nowcast.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct NowcastRow {
    /// The local day.
    pub day: String,
    /// `reported` so far, the `share` that should have been by now, `expected` cases when all are, and `low` and `high`
    /// (95 %, of chance in reporting alone). `null` where too few are reported to tell.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub figures: NowcastDay,
}

/// A cell of a reporting triangle.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TriangleRow {
    /// The local day that the cases belong to.
    pub day: String,
    /// Days from then to the report.
    pub delay_days: usize,
    /// Cases first reported after so many days; `null` where that day is not over yet.
    pub cases: Option<u32>,
}

impl ListRow for TriangleRow {
    const COLUMNS: &'static [&'static str] = &["day", "delay_days", "cases"];

    fn geometry(&self) -> Option<Cow<'_, Value>> {
        None
    }
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
    let code = exact_area(&view, &segments)?;
    let expected = nowcast_of(&state, &view, &code).await?;
    compute_blocking(move || {
        let rules = &state.pipeline.rules().trend;
        // The day of `at` is not over: its cases are still coming in.
        let end = view.day().0;
        let first = end - days as i32;
        let lead = rules.lead_days();
        let cases: Vec<u32> = (first - lead as i32..end)
            .map(|day| view.snapshot.area_cases(&code, Day(day).window(view.offset)))
            .collect();
        let found = trend(rules, &cases, lead, Day(end), view.at);
        let answer = AreaTrendAnswer {
            as_of: view.as_of(),
            code: code.to_string(),
            days: (first..end)
                .enumerate()
                .map(|(at, day)| TrendDay {
                    day: Day(day).to_string(),
                    cases: cases[lead + at],
                    reproduction: found.reproduction.iter().find(|r| r.day == at).copied(),
                })
                .collect(),
            growth_per_day: found.growth.per_day,
            doubling_days: found.growth.doubling_days,
            growth: GrowthAnswer {
                span: view.span(Window {
                    from: Day(end - found.growth.days as i32).first_hour(view.offset),
                    to: Day(end).first_hour(view.offset),
                }),
                figures: found.growth,
            },
            explain: found.explain,
            nowcast: NowcastAnswer {
                days: expected
                    .days
                    .iter()
                    .filter(|figures| figures.day.0 >= first)
                    .map(|figures| NowcastRow {
                        day: figures.day.to_string(),
                        figures: *figures,
                    })
                    .collect(),
                delays: expected.delays,
                without_date: expected.without_date,
                left_out: expected.left_out,
                explain: expected.explain,
            },
        };
        view.write(&headers, &answer)
    })
    .await
}

/// `GET /v1/areas/{code}/reporting-triangle`: what the nowcast counts with.
pub async fn triangle(
    State(state): State<ApiState>,
    caller: Caller,
    ask: ListAsk,
    segments: Segments,
) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &ask.query)?;
    let code = exact_area(&view, &segments)?;
    let expected = nowcast_of(&state, &view, &code).await?;
    let rows: Vec<TriangleRow> = expected
        .triangle
        .iter()
        .flat_map(|(day, row)| {
            row.iter().enumerate().map(|(delay_days, cases)| TriangleRow {
                day: day.to_string(),
                delay_days,
                cases: *cases,
            })
        })
        .collect();
    let page = ask.page(rows, |row| format!("{}/{:03}", row.day, row.delay_days));
    ask.write(&view.as_of(), &page, view.freshness())
}

/// The area of the path, if the caller sees its exact figures.
fn exact_area(view: &View, segments: &Segments) -> Result<AreaCode, ApiError> {
    let entry = find(view, segments)?;
    if sees_exact(view, entry) {
        Ok(entry.area.code.clone())
    } else {
        Err(ApiError::Forbidden(format!(
            "area `{}` lies outside the areas of this key",
            entry.area.code
        )))
    }
}

/// As of the end of the last whole day before `at`.
async fn nowcast_of(state: &ApiState, view: &View, code: &AreaCode) -> Result<Nowcast, ApiError> {
    let rules = state.pipeline.rules();
    let last = Day(view.day().0 - 1);
    let first = Day(last.0 + 1 - rules.trend.nowcast.learn_days as i32);
    // Six weeks of cases are read. Of a country or a province they are many: one such question after the other.
    let is_wide = view
        .snapshot
        .areas()
        .get(code, view.day())
        .is_none_or(|entry| matches!(entry.area.level, AreaLevel::Country | AreaLevel::Province));
    let turn = if is_wide {
        Some(state.case_readers.acquire().await.map_err(ApiError::internal)?)
    } else {
        None
    };
    let cases = state.pipeline.case_dates(code, first, last).await?;
    drop(turn);
    let at = view.at;
    compute_blocking(move || {
        let rules = &rules.trend;
        Ok(nowcast(&rules.nowcast, &rules.rule, &cases, last, at))
    })
    .await
}
