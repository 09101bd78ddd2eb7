use std::borrow::Cow;

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::edge::{ApiError, Caller, Query};
use crate::api::state::ApiState;
use crate::api::v1::list::{ListAsk, ListRow};
use crate::api::v1::places::{Of, Place, places};
use crate::api::v1::view::{Span, View, compute_blocking};
use crate::geo::{LngLat, MAX_RESOLUTION, Resolution};
use crate::model::{Day, Window};
use crate::risk::methods::{
    InvalidScan, Location, ScanOptions, SpaceTimeOptions, scan_poisson, scan_space_time,
};

/// The most places a scan looks at: circles around each are kept, so memory grows with the square.
pub(super) const MOST_PLACES: usize = 3_000;
/// Windows that a scan may look at, those of every replication counted: a few seconds on two cores.
const MOST_WORK: f64 = 4e9;
/// Cells when nobody says: about 5 km².
const RESOLUTION: u8 = 7;
const LONGEST_DAYS: u32 = 7;
const REPLICATIONS: u32 = 999;
/// Clusters answered.
const MOST_CLUSTERS: usize = 50;

/// Where cases stand closer together than chance puts them.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ClustersAnswer {
    /// When the figures were last brought up to date.
    pub as_of: String,
    /// `poisson` (cases against residents) or `space_time` (the permutation scan).
    pub model: &'static str,
    /// Where the method comes from.
    pub source: &'static str,
    /// The whole local days looked at.
    pub span: Span,
    /// How many places were looked at; `/v1/clusters/locations` lists them with their figures.
    pub places: usize,
    /// Cases in them.
    pub cases: u32,
    /// Residents in them.
    pub residents: f64,
    /// How often chance was asked.
    pub replications: u32,
    /// The seed of chance: the same one gives the same answer.
    pub seed: u32,
    /// The clusters, the least likely first, at most 50. They share no place.
    pub clusters: Vec<ClusterRow>,
}

/// One cluster.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ClusterRow {
    /// Codes or cells, the middle first.
    pub places: Vec<String>,
    /// Longitude of the middle, degrees.
    pub lng: f64,
    /// Latitude of the middle, degrees.
    pub lat: f64,
    /// From the middle to the farthest of them, km.
    pub radius_km: f64,
    /// First instant.
    pub from: String,
    /// First instant after.
    pub to: String,
    /// Cases in it.
    pub cases: u32,
    /// Cases that chance lets expect.
    pub expected: f64,
    /// Cases over expected cases.
    pub observed_over_expected: f64,
    /// Risk inside over risk outside; not for `space_time`, which knows no residents.
    pub relative_risk: Option<f64>,
    /// Log-likelihood ratio.
    pub log_likelihood_ratio: f64,
    /// How often chance alone gives as much: rank / (replications + 1).
    pub p: f64,
    /// Days between two such alarms by chance when scanned daily: 1 / p.
    pub recurrence_days: f64,
}

/// What a scan counts with, so that others can count again.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct LocationRow {
    /// Code or cell.
    pub id: String,
    /// Longitude, degrees.
    pub lng: f64,
    /// Latitude, degrees.
    pub lat: f64,
    /// Cases in the window.
    pub cases: u32,
    /// Residents.
    pub residents: f64,
}

impl ListRow for LocationRow {
    const COLUMNS: &'static [&'static str] = &["id", "lng", "lat", "cases", "residents"];

    fn geometry(&self) -> Option<Cow<'_, Value>> {
        Some(Cow::Owned(
            json!({"type": "Point", "coordinates": [self.lng, self.lat]}),
        ))
    }
}

/// The whole local days that end before the day of `at`.
pub(super) fn days_of(view: &View) -> Result<(Day, Day), ApiError> {
    let hours = view.window.hours();
    if hours % 24 != 0 {
        return Err(ApiError::invalid(
            "window",
            &format!("PT{hours}H"),
            "is not of whole days",
            "whole days, such as P28D",
        ));
    }
    let end = view.day();
    Ok((Day(end.0 - hours / 24), end))
}

fn window_of(view: &View, (from, to): (Day, Day)) -> Window {
    Window {
        from: from.first_hour(view.offset),
        to: to.first_hour(view.offset),
    }
}

/// `level=` names a tier of areas; without it cells are looked at, of `resolution=`.
pub(super) fn of(query: &Query) -> Result<Of, ApiError> {
    let tier = query.tier()?;
    let resolution = query.whole("resolution", 0, u32::from(MAX_RESOLUTION.get()))?;
    match (tier, resolution) {
        (Some(_), Some(resolution)) => Err(ApiError::invalid(
            "resolution",
            &resolution.to_string(),
            "stands beside `level`",
            "`level` for areas, or `resolution` for cells",
        )),
        (Some(tier), None) => Ok(Of::Areas(tier)),
        (None, number) => {
            let number = number.map_or(RESOLUTION, |number| number as u8);
            Ok(Of::Cells(Resolution::new(number).unwrap_or(MAX_RESOLUTION)))
        }
    }
}

/// `GET /v1/clusters/locations`: what a scan with the same parameters counts with.
pub async fn locations(
    State(state): State<ApiState>,
    caller: Caller,
    ask: ListAsk,
) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &ask.query)?;
    let of = of(&ask.query)?;
    let window = window_of(&view, days_of(&view)?);
    compute_blocking(move || {
        let found = places(&view, &ask.query, of, MOST_PLACES)?;
        let page = ask
            .page(found, |place| place.id.clone())
            .map(|place| LocationRow {
                lng: place.at.lng(),
                lat: place.at.lat(),
                cases: place.cases(&view, window),
                residents: place.residents,
                id: place.id,
            });
        ask.write(&view.as_of(), &page, view.freshness())
    })
    .await
}

/// `GET /v1/clusters`.
pub async fn find(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &query)?;
    let of = of(&query)?;
    let days = days_of(&view)?;
    let is_space_time = query
        .read_as("model", "poisson or space_time", |text| match text {
            "poisson" => Ok(false),
            "space_time" => Ok(true),
            _ => Err("is not a model"),
        })?
        .unwrap_or(false);
    let seed = query.whole("seed", 0, u32::MAX)?.unwrap_or(1);
    let options = ScanOptions {
        largest_share: query.number("share", 0.01, 1.0)?.unwrap_or(0.5),
        largest_radius: query
            .number("radius_km", 0.0, 20_000.0)?
            .map(|km| LngLat::chord(km * 1000.0)),
        fewest_cases: query.whole("fewest_cases", 2, 1000)?.unwrap_or(2),
        replications: query.whole("replications", 99, 99_999)?.unwrap_or(REPLICATIONS),
        seed: u64::from(seed),
    };
    let longest_days = query.whole("longest_days", 1, 60)?;
    if let (Some(longest), false) = (longest_days, is_space_time) {
        return Err(ApiError::invalid(
            "longest_days",
            &longest.to_string(),
            "says nothing to the model `poisson`",
            "model=space_time beside it",
        ));
    }
    let times = SpaceTimeOptions {
        longest_days: longest_days.unwrap_or(LONGEST_DAYS) as usize,
        alive: query.whole("alive", 0, 1)?.unwrap_or(1) == 1,
    };
    compute_blocking(move || {
        let found = places(&view, &query, of, MOST_PLACES)?;
        let scan = Scan {
            view: &view,
            places: &found,
            days,
        };
        let (cases, clusters) = if is_space_time {
            scan.space_time(times, &options)
        } else {
            scan.poisson(&options)
        }?;
        let window = window_of(&view, days);
        let answer = ClustersAnswer {
            as_of: view.as_of(),
            model: if is_space_time { "space_time" } else { "poisson" },
            source: if is_space_time {
                "Kulldorff et al. 2005, PLoS Medicine 2(3): space-time permutation scan statistic"
            } else {
                "Kulldorff 1997, Communications in Statistics 26(6): spatial scan statistic, Poisson model"
            },
            span: view.span(window),
            places: found.len(),
            cases,
            residents: found.iter().map(|place| place.residents).sum(),
            replications: options.replications,
            seed,
            clusters,
        };
        view.write(&headers, &answer)
    })
    .await
}

struct Scan<'a> {
    view: &'a View,
    places: &'a [Place],
    days: (Day, Day),
}

/// What both models say of a cluster.
struct Found<'a> {
    locations: &'a [usize],
    days: (Day, Day),
    cases: u32,
    expected: f64,
    relative_risk: Option<f64>,
    ratio: f64,
    p: f64,
}

impl Scan<'_> {
    /// All cases, and the clusters among them.
    fn poisson(&self, options: &ScanOptions) -> Result<(u32, Vec<ClusterRow>), ApiError> {
        self.check_work(1.0, options)?;
        let window = window_of(self.view, self.days);
        let locations: Vec<Location> = self
            .places
            .iter()
            .map(|place| Location {
                point: place.at.on_sphere(),
                cases: place.cases(self.view, window),
                people: place.residents,
            })
            .collect();
        let found = scan_poisson(&locations, options).map_err(|error| refused(&error))?;
        let clusters = found
            .iter()
            .take(MOST_CLUSTERS)
            .map(|cluster| {
                self.row(&Found {
                    locations: &cluster.locations,
                    days: self.days,
                    cases: cluster.cases,
                    expected: cluster.expected,
                    relative_risk: Some(cluster.relative_risk).filter(|risk| risk.is_finite()),
                    ratio: cluster.log_likelihood_ratio,
                    p: cluster.p,
                })
            })
            .collect();
        Ok((locations.iter().map(|place| place.cases).sum(), clusters))
    }

    fn space_time(
        &self,
        times: SpaceTimeOptions,
        options: &ScanOptions,
    ) -> Result<(u32, Vec<ClusterRow>), ApiError> {
        let days = (self.days.1.0 - self.days.0.0) as usize;
        let ends = if times.alive { 1 } else { days };
        // Their expected cases are not known beforehand: each takes about three times as long.
        self.check_work((3 * ends * times.longest_days.min(days)) as f64, options)?;
        let points: Vec<[f64; 3]> = self.places.iter().map(|place| place.at.on_sphere()).collect();
        let cases: Vec<Vec<u32>> = self
            .places
            .iter()
            .map(|place| {
                (self.days.0.0..self.days.1.0)
                    .map(|day| place.cases(self.view, Day(day).window(self.view.offset)))
                    .collect()
            })
            .collect();
        let found = scan_space_time(&points, &cases, times, options).map_err(|error| refused(&error))?;
        let clusters = found
            .iter()
            .take(MOST_CLUSTERS)
            .map(|cluster| {
                let day = |at: usize| Day(self.days.0.0 + at as i32);
                self.row(&Found {
                    locations: &cluster.locations,
                    days: (day(cluster.first_day), day(cluster.last_day + 1)),
                    cases: cluster.cases,
                    expected: cluster.expected,
                    relative_risk: None,
                    ratio: cluster.log_likelihood_ratio,
                    p: cluster.p,
                })
            })
            .collect();
        Ok((cases.iter().flatten().sum(), clusters))
    }

    /// Refuses what would take longer than somebody waits.
    fn check_work(&self, windows_a_circle: f64, options: &ScanOptions) -> Result<(), ApiError> {
        let circles = (self.places.len() as f64).powi(2);
        let once = circles * windows_a_circle;
        let most = (MOST_WORK / once.max(1.0)).floor();
        if f64::from(options.replications) <= most {
            return Ok(());
        }
        Err(ApiError::invalid(
            "replications",
            &options.replications.to_string(),
            format!("is too much work for {} places", self.places.len()),
            format!("at most {most:.0} here, a coarser resolution, or a smaller area"),
        ))
    }

    fn row(&self, found: &Found<'_>) -> ClusterRow {
        let middle = &self.places[found.locations[0]];
        let farthest_m = found
            .locations
            .iter()
            .map(|at| middle.at.distance_m(self.places[*at].at))
            .fold(0.0, f64::max);
        let Span { from, to } = self.view.span(window_of(self.view, found.days));
        ClusterRow {
            places: found
                .locations
                .iter()
                .map(|at| self.places[*at].id.clone())
                .collect(),
            lng: middle.at.lng(),
            lat: middle.at.lat(),
            radius_km: farthest_m / 1000.0,
            from,
            to,
            cases: found.cases,
            expected: found.expected,
            observed_over_expected: f64::from(found.cases) / found.expected,
            relative_risk: found.relative_risk,
            log_likelihood_ratio: found.ratio,
            p: found.p,
            recurrence_days: 1.0 / found.p,
        }
    }
}

fn refused(error: &InvalidScan) -> ApiError {
    ApiError::invalid(
        error.field,
        &error.value.to_string(),
        error.reason,
        "a number in its range",
    )
}
