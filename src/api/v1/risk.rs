use axum::{body::Body, extract::State, http::HeaderMap, response::Response};
use serde::Serialize;
use serde_json::Value;

use crate::api::edge::{ApiError, Caller, FieldError, Query, media};
use crate::api::state::ApiState;
use crate::api::v1::areas::{self, AreaLevelAnswer};
use crate::api::v1::cells::{self, CellAnswer};
use crate::api::v1::shape;
use crate::api::v1::venues::VenueRow;
use crate::api::v1::view::{Span, View, audit, compute_blocking};
use crate::api::v1::zones::ZoneRow;
use crate::geo::{BASE_RESOLUTION, BBox, Cell, cover_polygon};
use crate::model::CellStats;
use crate::risk::cell_risk;

/// How far around a point venues are told of, metres.
const AROUND_M: f64 = 500.0;
/// How many of them.
const VENUES: usize = 20;

/// Everything about one place.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RiskAtAnswer {
    /// When the figures were last brought up to date.
    pub as_of: String,
    /// The worst level of what follows: 0 not assessed, 1 green to 4 red.
    pub level: u8,
    /// The cell at the point.
    pub cell: CellAnswer,
    /// The areas at the point, finest first, with their levels.
    pub areas: Vec<AreaLevelAnswer>,
    /// Venues within 500 m, nearest first, at most 20.
    pub venues: Vec<VenueRow>,
    /// Zones in force at the point.
    pub zones: Vec<ZoneRow>,
}

/// Exact figures inside a polygon.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RiskInAnswer {
    /// When the figures were last brought up to date.
    pub as_of: String,
    /// The span asked for.
    pub window: Span,
    /// Cells of resolution 9 whose centre lies inside.
    pub cells: usize,
    /// Arrivals.
    pub visits: u32,
    /// Distinct people per cell and day, summed: an upper bound.
    pub people: u32,
    /// Confirmed community cases with a place.
    pub cases: u32,
    /// Residents, apportioned by area.
    pub population: f64,
    /// Cases of seven days per 100,000 residents.
    pub rate_7d_per_100k: Option<f64>,
    /// 0 to 4 for the polygon as a whole.
    pub level: u8,
    /// Venues inside.
    pub venues: usize,
    /// Venues inside by level, 0 to 4.
    pub venues_by_level: [u32; 5],
}

/// `GET /v1/risk/at`.
pub async fn at_point(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let point = query.required_point()?;
    let view = View::new(&state, caller, &query)?;
    compute_blocking(move || {
        let snapshot = &view.snapshot;
        let cell = cells::explained(&state, &view, Cell::at(point, BASE_RESOLUTION));
        let mut found = snapshot.areas().at(point, view.day());
        found.sort_by_key(|entry| std::cmp::Reverse(entry.area.level));
        let areas: Vec<AreaLevelAnswer> = found
            .into_iter()
            .map(|entry| areas::explained(&state, &view, entry))
            .collect();
        let venues: Vec<VenueRow> = snapshot
            .venues()
            .nearest(point, AROUND_M, VENUES)
            .into_iter()
            .map(|(metres, entry)| VenueRow::seen(&view, entry, Some(metres)))
            .collect();
        let zones: Vec<ZoneRow> = snapshot
            .zones()
            .at(point, view.at)
            .into_iter()
            .map(|entry| ZoneRow::of(&view, &entry.zone, false))
            .collect();
        let level = areas
            .first()
            .map_or(0, |area| area.risk.level)
            .max(cell.row.level)
            .max(if zones.is_empty() { 0 } else { 4 });
        let answer = RiskAtAnswer {
            as_of: view.as_of(),
            level,
            cell,
            areas,
            venues,
            zones,
        };
        view.write(&headers, &answer)
    })
    .await
}

/// `POST /v1/risk/in`: a free polygon, for analysts; every look-up is written down.
pub async fn inside(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let value: Value = media::read_json(&headers, body, state.config.small_body_bytes).await?;
    let view = View::new(&state, caller.clone(), &query)?;
    let limits = (state.config.polygon_vertices, state.config.cover_cells);
    let (shape, cells) = compute_blocking(move || {
        let shape = shape::read_polygon(&value, limits.0)?;
        let cells = cover_polygon(&shape, BASE_RESOLUTION, limits.1).map_err(|error| {
            ApiError::Unprocessable(vec![FieldError::new(
                "coordinates",
                "…",
                error.reason,
                format!("a polygon of at most {} cells of resolution 9", limits.1),
            )])
        })?;
        Ok((shape, cells))
    })
    .await?;
    let subject = BBox::around(&shape).map_or_else(String::new, |bbox| {
        format!(
            "{:.4},{:.4},{:.4},{:.4}",
            bbox.min_lng, bbox.min_lat, bbox.max_lng, bbox.max_lat
        )
    });
    audit(&state, &caller, "risk.in", &subject, None).await?;
    compute_blocking(move || {
        let snapshot = &view.snapshot;
        let mut sum = CellStats::default();
        let (mut cases_7d, mut population) = (0_u32, 0.0);
        let mut counted = 0;
        for cell in cells.iter().copied().filter(|cell| view.sees_exact_cell(*cell)) {
            counted += 1;
            sum += snapshot.cell_stats(cell, view.window);
            cases_7d += snapshot.cell_stats(cell, view.week()).cases;
            population += snapshot.population(cell);
        }
        let risk = cell_risk(&state.pipeline.rules().cell, cases_7d, population);
        let mut venues_by_level = [0; 5];
        if let Some(bbox) = BBox::around(&shape) {
            use ::geo::Contains as _;
            for entry in snapshot.venues().in_bbox(&bbox, 1_000_000) {
                let at = entry.venue.at;
                if shape.contains(&::geo::Point::new(at.lng(), at.lat()))
                    && view.sees_exact(entry.areas.iter())
                {
                    venues_by_level[usize::from(entry.facts.exact.level.min(4))] += 1;
                }
            }
        }
        let answer = RiskInAnswer {
            as_of: view.as_of(),
            window: view.span(view.window),
            cells: counted,
            visits: sum.visits,
            people: sum.people,
            cases: sum.cases,
            population: population.round(),
            rate_7d_per_100k: (population > 0.0).then_some(risk.rate_7d_per_100k),
            level: risk.level,
            venues: venues_by_level.iter().sum::<u32>() as usize,
            venues_by_level,
        };
        view.write(&headers, &answer)
    })
    .await
}
