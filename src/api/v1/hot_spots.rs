use std::borrow::Cow;
use std::collections::HashMap;

use axum::{extract::State, response::Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::edge::{ApiError, Caller};
use crate::api::state::ApiState;
use crate::api::v1::list::{ListAsk, ListRow};
use crate::api::v1::places::{Of, Place, places, whole_days, window_of};
use crate::api::v1::shape;
use crate::api::v1::view::{View, compute_blocking};
use crate::geo::{Cell, MAX_RESOLUTION, Resolution};
use crate::model::Window;
use crate::risk::methods::{
    Counted, Neighbours, Weights, empirical_bayes, getis_ord, significant_at, two_sided_p,
};
use crate::risk::poisson_interval_95;

/// The most cells looked at at once.
const MOST_CELLS: usize = 50_000;
const RESOLUTION: u8 = 8;
/// Rings of neighbours when nobody says.
const RINGS: u32 = 1;
/// Of the cells called hot, this share may be so by chance.
const FALSE_SHARE: f64 = 0.05;

/// A cell among its neighbours.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct HotSpotRow {
    /// H3 cell.
    pub cell: String,
    /// First instant of the window: whole local days, the last the one before the day of `at`.
    pub from: String,
    /// First instant after.
    pub to: String,
    /// Confirmed community cases in the window.
    pub cases: u32,
    /// Residents, apportioned by land area.
    pub residents: f64,
    /// Cases of seven days per 100,000 residents.
    pub rate_7d_per_100k: f64,
    /// Lower end of its exact 95 % interval (Garwood 1936).
    pub rate_low: f64,
    /// Upper end.
    pub rate_high: f64,
    /// Whether so few cases stand behind it that it says little.
    pub small_number: bool,
    /// The rate drawn towards the mean of all, the more the fewer residents (Marshall 1991).
    pub smoothed_rate_7d_per_100k: f64,
    /// Getis and Ord's Gi* of the smoothed rates, as a z-score.
    pub z: f64,
    /// Two-sided, normal.
    pub p: f64,
    /// Hot (1), cold (−1) or neither (0), with at most 5 % false among those called so (Benjamini and Hochberg 1995).
    pub hot: i8,
}

impl ListRow for HotSpotRow {
    const COLUMNS: &'static [&'static str] = &[
        "cell",
        "from",
        "to",
        "cases",
        "residents",
        "rate_7d_per_100k",
        "rate_low",
        "rate_high",
        "small_number",
        "smoothed_rate_7d_per_100k",
        "z",
        "p",
        "hot",
    ];

    fn geometry(&self) -> Option<Cow<'_, Value>> {
        self.cell.parse::<Cell>().ok().map(shape::of_cell).map(Cow::Owned)
    }
}

/// `GET /v1/hot-spots`, over the days that `/v1/clusters` looks at.
pub async fn list(State(state): State<ApiState>, caller: Caller, ask: ListAsk) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &ask.query)?;
    let resolution = ask
        .query
        .whole("resolution", 0, u32::from(MAX_RESOLUTION.get()))?
        .map_or(RESOLUTION, |number| number as u8);
    let resolution = Resolution::new(resolution).unwrap_or(MAX_RESOLUTION);
    let rings = ask.query.whole("rings", 1, 5)?.unwrap_or(RINGS);
    let window = window_of(&view, whole_days(&view)?);
    compute_blocking(move || {
        let found = places(&view, &ask.query, Of::Cells(resolution), MOST_CELLS)?;
        let beside = json!({"span": view.span(window), "left_out": found.left_out(&view, window)});
        let reliable_from = state.pipeline.rules().cell.reliable_from_cases;
        let rows = rows(&view, &found.all, window, rings, reliable_from);
        let page = ask.page(rows, |row| row.cell.clone());
        ask.write_beside(&view.as_of(), &page, view.freshness(), Some(beside))
    })
    .await
}

fn rows(view: &View, found: &[Place], window: Window, rings: u32, reliable_from: u32) -> Vec<HotSpotRow> {
    let span = view.span(window);
    let cells: Vec<Cell> = found.iter().filter_map(|place| place.cell).collect();
    let cases: Vec<u32> = found.iter().map(|place| place.cases(view, window)).collect();
    let counted: Vec<Counted> = found
        .iter()
        .zip(&cases)
        .map(|(place, cases)| Counted {
            cases: f64::from(*cases),
            people: place.residents,
        })
        .collect();
    let smoothed = empirical_bayes(&counted);
    let places: HashMap<Cell, usize> = cells.iter().enumerate().map(|(at, cell)| (*cell, at)).collect();
    let beside = cells
        .iter()
        .map(|cell| {
            let around = cell.grid_disk(rings).into_iter();
            around.filter_map(|near| places.get(&near).copied()).collect()
        })
        .collect();
    let scores = getis_ord(&smoothed, &Neighbours::new(beside), Weights::Binary, true);
    let p_values: Vec<f64> = scores.iter().map(|z| two_sided_p(*z)).collect();
    let stands = significant_at(FALSE_SHARE, &p_values);
    let weeks = f64::from(window.hours()) / 168.0;
    cells
        .iter()
        .enumerate()
        .map(|(at, cell)| {
            let residents = found[at].residents;
            let rate = |cases: f64| cases / weeks / residents * 100_000.0;
            let (low, high) = poisson_interval_95(cases[at]);
            HotSpotRow {
                cell: cell.to_string(),
                from: span.from.clone(),
                to: span.to.clone(),
                cases: cases[at],
                residents,
                rate_7d_per_100k: rate(f64::from(cases[at])),
                rate_low: rate(low),
                rate_high: rate(high),
                small_number: (1..reliable_from).contains(&cases[at]),
                smoothed_rate_7d_per_100k: smoothed[at] / weeks * 100_000.0,
                z: scores[at],
                p: p_values[at],
                hot: if stands[at] { scores[at].signum() as i8 } else { 0 },
            }
        })
        .collect()
}
