use std::borrow::Cow;

use axum::{extract::State, response::Response};
use rustc_hash::FxHashMap;
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::edge::{ApiError, Caller, Query};
use crate::api::state::ApiState;
use crate::api::v1::list::{ListAsk, ListRow};
use crate::api::v1::shape;
use crate::api::v1::view::{View, compute_blocking};
use crate::geo::{BASE_RESOLUTION, Cell, LngLat, Resolution};
use crate::index::VenueEntry;
use crate::model::{AreaCode, Hour, VenueKind, Window};
use crate::risk::{
    AirCategory, ForecastFigures, ForecastRules, Homes, Interval, Prevalence, Rules, VenueAir, VenueForecast,
    VenueForecastInputs, air_risk, forecast_figures, forecast_venue, prevalence,
};

/// The most venues ranked at once.
const MOST_VENUES: usize = 50_000;

/// A venue and what its visits of the coming days would lead to.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ForecastRow {
    /// Stable id.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Kind, such as `supermarket`.
    pub kind: &'static str,
    /// The finest area that holds it.
    pub area: Option<String>,
    /// Degrees east.
    pub lng: f64,
    /// Degrees north.
    pub lat: f64,
    /// Expected visits.
    pub visits: f64,
    /// Share of visitors expected to be infectious, 0 to 1; `null` where no residents are known.
    pub infectious: Option<f64>,
    /// Expected infections.
    pub infections: Option<f64>,
    /// Lower end of their 95 % interval.
    pub infections_low: Option<f64>,
    /// Upper end.
    pub infections_high: Option<f64>,
    /// Expected infections a thousand visits.
    pub per_1000_visits: Option<f64>,
    /// Lower end of their 95 % interval.
    pub per_1000_low: Option<f64>,
    /// Upper end.
    pub per_1000_high: Option<f64>,
    /// How easily its air spreads disease: `low`, `medium` or `high`.
    #[schema(value_type = String)]
    pub air: AirCategory,
}

impl ListRow for ForecastRow {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "name",
        "kind",
        "area",
        "lng",
        "lat",
        "visits",
        "infectious",
        "infections",
        "infections_low",
        "infections_high",
        "per_1000_visits",
        "per_1000_low",
        "per_1000_high",
        "air",
    ];

    fn geometry(&self) -> Option<Cow<'_, Value>> {
        LngLat::new(self.lng, self.lat)
            .ok()
            .map(shape::of_point)
            .map(Cow::Owned)
    }
}

/// What venues are ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Infections,
    PerThousandVisits,
}

impl Order {
    fn read(query: &Query) -> Result<Self, ApiError> {
        let found = query.read_as("order", "infections or per_1000_visits", |text| match text {
            "infections" => Ok(Self::Infections),
            "per_1000_visits" => Ok(Self::PerThousandVisits),
            _ => Err("is no order of forecasts"),
        })?;
        Ok(found.unwrap_or(Self::Infections))
    }

    fn of(self, figures: &ForecastFigures) -> Option<Interval> {
        match self {
            Self::Infections => figures.infections,
            Self::PerThousandVisits => figures.per_1000_visits(),
        }
    }
}

/// `GET /v1/forecasts`: venues with visits, the most expected infections first.
pub async fn list(State(state): State<ApiState>, caller: Caller, ask: ListAsk) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &ask.query)?;
    let order = Order::read(&ask.query)?;
    let kinds = || VenueKind::ALL.map(VenueKind::as_str).join(", ");
    let kind = ask.query.read_as("kind", &kinds(), |text| {
        VenueKind::parse(text).ok_or("is not a kind of venue")
    })?;
    let area = ask.query.read_as("area", "the code of an area", AreaCode::new)?;
    compute_blocking(move || {
        if let Some(code) = &area
            && view.snapshot.areas().get(code, view.day()).is_none()
        {
            let reason = format!("is no area that is valid on {}", view.day());
            let expected = "the code of one; /v1/areas lists them";
            return Err(ApiError::invalid("area", code.as_str(), reason, expected));
        }
        let venues: Vec<&VenueEntry> = view
            .snapshot
            .venues()
            .iter()
            .filter(|entry| {
                kind.is_none_or(|kind| entry.venue.kind == kind)
                    && area.as_ref().is_none_or(|code| entry.areas.contains(code))
                    && view.sees_exact(entry.areas.iter())
            })
            .collect();
        if venues.len() > MOST_VENUES {
            return Err(ApiError::invalid(
                "area",
                area.as_ref().map_or("", AreaCode::as_str),
                format!("holds {} venues", venues.len()),
                format!("at most {MOST_VENUES}: a smaller area, or one kind of venue"),
            ));
        }
        let rules = state.pipeline.rules();
        let mut forecasting = Forecasting::new(&view, &rules);
        // Largest first, ties by number: a key that ascends in that order.
        let mut ranked: Vec<(String, &VenueEntry, ForecastFigures)> = venues
            .into_iter()
            .map(|entry| (entry, forecasting.figures(entry)))
            .filter(|(_, figures)| figures.visits > 0.0)
            .map(|(entry, figures)| {
                let by = order.of(&figures).map_or(0.0, |interval| interval.mean.max(0.0));
                (
                    format!("{:016x}-{:010}", u64::MAX - by.to_bits(), entry.ix),
                    entry,
                    figures,
                )
            })
            .collect();
        ranked.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let page = ask
            .page(ranked, |(key, _, _)| key.clone())
            .map(|(_, entry, figures)| row(&view, &rules, entry, &figures));
        let beside = json!({ "counts_with": counts_with(&rules.forecast) });
        ask.write_beside(&view.as_of(), &page, view.freshness(), Some(beside))
    })
    .await
}

/// The numbers of the rule, and where the rest that a forecast counts with is to be had.
fn counts_with(rules: &ForecastRules) -> Value {
    let window = format!("P{}D", rules.case_days);
    let link = |rel: &str, href: &str| json!({"rel": rel, "type": "application/json", "href": href});
    json!({
        "rule": rules.rule.label(),
        "days": rules.days,
        "profile_weeks": {"least": rules.profile_weeks.least, "most": rules.profile_weeks.most},
        "trend": {
            "drawn_by_visits": rules.trend.drawn_by_visits,
            "lowest": rules.trend.lowest,
            "highest": rules.trend.highest,
        },
        "psi_ft2": {"low": rules.psi_ft2.low, "middle": rules.psi_ft2.middle(), "high": rules.psi_ft2.high},
        "case_days": rules.case_days,
        "infectious_days": rules.infectious_days,
        "infections_per_case": rules.infections_per_case,
        "susceptible": rules.susceptible,
        "homes": {
            "resolution": rules.homes.resolution,
            "rings": rules.homes.rings,
            "near_km": rules.homes.near_km,
            "exponent": rules.homes.exponent,
        },
        // `{id}` is that of a row; its explanation names every step.
        "links": [
            link("explain", "/v1/venues/{id}/risk"),
            link("arrivals", "/v1/venues/{id}/hours"),
            link("cases", &format!("/v1/cells?resolution={}&window={window}&bbox={{bbox}}", rules.homes.resolution)),
            link("rule", "/v1/rules"),
        ],
    })
}

fn row(view: &View, rules: &Rules, entry: &VenueEntry, figures: &ForecastFigures) -> ForecastRow {
    let per_1000 = figures.per_1000_visits();
    let venue = &entry.venue;
    ForecastRow {
        id: venue.id.to_string(),
        name: venue.name.clone(),
        kind: venue.kind.as_str(),
        area: entry.areas.first().map(ToString::to_string),
        lng: venue.at.lng(),
        lat: venue.at.lat(),
        visits: figures.visits,
        infectious: figures.infectious.map(|share| share.mean),
        infections: figures.infections.map(|interval| interval.mean),
        infections_low: figures.infections.map(|interval| interval.low),
        infections_high: figures.infections.map(|interval| interval.high),
        per_1000_visits: per_1000.map(|interval| interval.mean),
        per_1000_low: per_1000.map(|interval| interval.low),
        per_1000_high: per_1000.map(|interval| interval.high),
        air: air_risk(&rules.air, venue, view.at).category,
    }
}

/// A venue's forecast, for one who sees its exact figures.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ForecastAnswer {
    /// The first instant it looks at.
    pub from: String,
    /// The first instant after.
    pub to: String,
    /// Visits, share of infectious visitors, infections with their 95 % intervals, explanation.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub forecast: VenueForecast,
    /// Hour by hour.
    pub hours: Vec<ForecastHourRow>,
}

/// A coming hour.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ForecastHourRow {
    /// Its start.
    pub hour: String,
    /// Expected arrivals.
    pub arrivals: f64,
    /// People present.
    pub present: f64,
    /// Expected infections.
    pub infections: f64,
}

/// The forecast of one venue.
#[must_use]
pub fn answer(view: &View, rules: &Rules, entry: &VenueEntry) -> ForecastAnswer {
    let forecast = Forecasting::new(view, rules).whole(entry);
    let hours: Vec<ForecastHourRow> = forecast
        .hours
        .iter()
        .map(|row| ForecastHourRow {
            hour: view.time(row.hour.start()),
            arrivals: row.arrivals,
            present: row.present,
            infections: row.infections,
        })
        .collect();
    let from = view.at.hour();
    let to = Hour(from.0 + forecast.hours.len() as i32);
    ForecastAnswer {
        from: view.time(from.start()),
        to: view.time(to.start()),
        forecast,
        hours,
    }
}

/// Forecasts of venues of one snapshot: what is known of homes is found once for all venues of a cell.
struct Forecasting<'a> {
    view: &'a View,
    rules: &'a Rules,
    around: FxHashMap<Cell, (Homes, Option<Prevalence>)>,
    of_areas: FxHashMap<AreaCode, (Homes, Option<Prevalence>)>,
}

impl<'a> Forecasting<'a> {
    fn new(view: &'a View, rules: &'a Rules) -> Self {
        Self {
            view,
            rules,
            around: FxHashMap::default(),
            of_areas: FxHashMap::default(),
        }
    }

    fn figures(&mut self, entry: &VenueEntry) -> ForecastFigures {
        let rules = self.rules;
        self.with_inputs(entry, |inputs| forecast_figures(&rules.forecast, inputs))
    }

    fn whole(&mut self, entry: &VenueEntry) -> VenueForecast {
        let rules = self.rules;
        self.with_inputs(entry, |inputs| forecast_venue(&rules.forecast, inputs))
    }

    fn with_inputs<T>(&mut self, entry: &VenueEntry, forecast: impl FnOnce(&VenueForecastInputs) -> T) -> T {
        let (homes, infectious) = self.homes(entry);
        let now = self.view.at.hour();
        let past = Window {
            from: Hour(now.0 - self.rules.forecast.profile_hours()),
            to: now,
        };
        let arrivals: Vec<(Hour, u32)> = self
            .view
            .snapshot
            .venue_hours(entry.ix, past)
            .into_iter()
            .map(|(hour, stats)| (hour, stats.visits))
            .collect();
        let air = VenueAir::of(&self.rules.air, &entry.venue);
        forecast(&VenueForecastInputs {
            arrivals: &arrivals,
            area_m2: air.area_m2,
            stay_min: air.kind.stay_min,
            homes: &homes,
            infectious,
            now,
            as_of: self.view.at,
        })
    }

    /// Where the visitors of a venue live: cells around it, or, for a key that is limited to areas, its own area as a
    /// whole, so that no figure of another area is in it.
    fn homes(&mut self, entry: &VenueEntry) -> (Homes, Option<Prevalence>) {
        let rules = &self.rules.forecast;
        let own = &self.view.caller.areas;
        if own.is_empty() {
            let resolution = Resolution::new(rules.homes.resolution).unwrap_or(BASE_RESOLUTION);
            let cell = Cell::at(entry.venue.at, resolution);
            if let Some(known) = self.around.get(&cell) {
                return *known;
            }
            let found = self.homes_around(cell);
            let found = (found, prevalence(rules, &found));
            self.around.insert(cell, found);
            return found;
        }
        let Some(code) = entry.areas.iter().rev().find(|code| own.contains(code)) else {
            return (Homes::of_area(0, 0.0), None);
        };
        if let Some(known) = self.of_areas.get(code) {
            return *known;
        }
        let area = self.view.snapshot.areas().get(code, self.view.day());
        let residents = area.and_then(|entry| entry.area.population).unwrap_or(0);
        let cases = self.view.snapshot.area_cases(code, self.case_window());
        let found = Homes::of_area(cases, residents as f64);
        let found = (found, prevalence(rules, &found));
        self.of_areas.insert(code.clone(), found);
        found
    }

    fn homes_around(&self, cell: Cell) -> Homes {
        let rules = &self.rules.forecast.homes;
        let snapshot = &self.view.snapshot;
        let (centre, window) = (cell.centre(), self.case_window());
        let homes = cell.grid_disk(rules.rings).into_iter().map(|home| {
            let km = centre.distance_m(home.centre()) / 1000.0;
            let cases = f64::from(snapshot.cell_stats(home, window).cases);
            (km, cases, snapshot.population(home))
        });
        Homes::around(rules, homes)
    }

    fn case_window(&self) -> Window {
        Window::ending(self.view.at, self.rules.forecast.case_days as i32 * 24)
    }
}
