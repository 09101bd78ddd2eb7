use std::borrow::Cow;

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::edge::{ApiError, Caller, Query};
use crate::api::state::ApiState;
use crate::api::v1::list::{ListAsk, ListRow};
use crate::api::v1::places::{LeftOut, Of, Place, places, whole_days, window_of};
use crate::api::v1::view::{Span, View, compute_blocking};
use crate::geo::{LngLat, MAX_RESOLUTION, Resolution};
use crate::model::Day;
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
/// How often chance is asked when nobody says, where there is time for it.
const REPLICATIONS: u32 = 999;
/// Fewer say too little: p is at least 1 %.
const FEWEST_REPLICATIONS: u32 = 99;
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
    /// What of the area asked for stands in none of the places; `null` without `area`.
    pub left_out: Option<LeftOut>,
    /// How often chance was asked: as often as was asked for, or 999 times, or less often where that is too much work.
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
    /// First instant of the window.
    pub from: String,
    /// First instant after.
    pub to: String,
}

impl ListRow for LocationRow {
    const COLUMNS: &'static [&'static str] = &["id", "lng", "lat", "cases", "residents", "from", "to"];

    fn geometry(&self) -> Option<Cow<'_, Value>> {
        Some(Cow::Owned(
            json!({"type": "Point", "coordinates": [self.lng, self.lat]}),
        ))
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
    let window = window_of(&view, whole_days(&view)?);
    compute_blocking(move || {
        let found = places(&view, &ask.query, of, MOST_PLACES)?;
        let span = view.span(window);
        let beside = json!({"span": span, "left_out": found.left_out(&view, window)});
        let page = ask
            .page(found.all, |place| place.id.clone())
            .map(|place| LocationRow {
                lng: place.at.lng(),
                lat: place.at.lat(),
                cases: place.cases(&view, window),
                residents: place.residents,
                id: place.id,
                from: span.from.clone(),
                to: span.to.clone(),
            });
        ask.write_beside(&view.as_of(), &page, view.freshness(), Some(beside))
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
    let days = whole_days(&view)?;
    let is_space_time = query
        .read_as("model", "poisson or space_time", |text| match text {
            "poisson" => Ok(false),
            "space_time" => Ok(true),
            _ => Err("is not a model"),
        })?
        .unwrap_or(false);
    let seed = query.whole("seed", 0, u32::MAX)?.unwrap_or(1);
    let asked = query.whole("replications", FEWEST_REPLICATIONS, 99_999)?;
    let mut options = ScanOptions {
        largest_share: query.number("share", 0.01, 1.0)?.unwrap_or(0.5),
        largest_radius: query
            .number("radius_km", 0.0, 20_000.0)?
            .map(|km| LngLat::chord(km * 1000.0)),
        fewest_cases: query.whole("fewest_cases", 2, 1000)?.unwrap_or(2),
        replications: REPLICATIONS,
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
            places: &found.all,
            days,
        };
        let length = (days.1.0 - days.0.0) as usize;
        options.replications = replications(found.all.len(), length, asked, is_space_time.then_some(times))?;
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
            places: found.all.len(),
            cases,
            left_out: found.left_out(&view, window),
            residents: found.all.iter().map(|place| place.residents).sum(),
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

/// How often chance can be asked in the time that somebody waits: as often as asked for, or that is refused; where nobody
/// says, 999 times or as many of them as there is time for.
fn replications(
    places: usize,
    days: usize,
    asked: Option<u32>,
    times: Option<SpaceTimeOptions>,
) -> Result<u32, ApiError> {
    let windows_a_circle = times.map_or(1, |times| {
        let ends = if times.alive { 1 } else { days };
        // Their expected cases are not known beforehand: each takes about three times as long.
        3 * ends * times.longest_days.min(days)
    });
    let once = (places as f64).powi(2) * windows_a_circle as f64;
    let most = (MOST_WORK / once.max(1.0)).floor().min(1e6) as u32;
    match asked {
        Some(asked) if asked <= most => Ok(asked),
        Some(asked) if most >= FEWEST_REPLICATIONS => Err(ApiError::invalid(
            "replications",
            &asked.to_string(),
            format!("is too much work for {places} places"),
            format!("at most {most} here, a coarser resolution, or a smaller area"),
        )),
        // One less than hundreds, so that p comes in even steps.
        None if most >= FEWEST_REPLICATIONS => Ok(((most + 1) / 100 * 100 - 1).min(REPLICATIONS)),
        _ => Err(ApiError::invalid(
            "window",
            &format!("P{days}D"),
            format!("is too much work for {places} places, even with {FEWEST_REPLICATIONS} replications"),
            "fewer days, smaller `longest_days`, `alive=1`, a coarser resolution or tier, or a smaller area",
        )),
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

#[cfg(test)]
mod tests {
    use super::*;

    const ANY_END: Option<SpaceTimeOptions> = Some(SpaceTimeOptions {
        longest_days: 7,
        alive: false,
    });

    fn error(found: Result<u32, ApiError>) -> (String, String) {
        let Err(ApiError::Invalid(mut errors)) = found else {
            panic!("{found:?}");
        };
        let error = errors.remove(0);
        (error.field, error.expected)
    }

    #[test]
    fn what_nobody_asked_for_is_lowered_to_what_there_is_time_for() {
        assert_eq!(replications(178, 14, None, None).unwrap(), 999);
        // 178 communes, any end among 14 days: 429 at most.
        assert_eq!(replications(178, 14, None, ANY_END).unwrap(), 399);
        assert_eq!(replications(178, 14, Some(429), ANY_END).unwrap(), 429);
        let (field, expected) = error(replications(178, 14, Some(999), ANY_END));
        assert_eq!(field, "replications");
        assert!(expected.starts_with("at most 429 here"), "{expected}");
    }

    #[test]
    fn where_no_number_of_replications_would_do_the_window_is_at_fault() {
        for asked in [None, Some(99), Some(999)] {
            let (field, expected) = error(replications(3000, 28, asked, ANY_END));
            assert_eq!(field, "window");
            assert!(expected.contains("fewer days"), "{expected}");
        }
    }
}
