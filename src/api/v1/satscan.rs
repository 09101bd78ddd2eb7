//! What a scan counts with, as the input files of `SaTScan`: cases, population and coordinates. `docs/satscan.en.md` says
//! what stands in them.

use std::fmt::Write as _;

use axum::{extract::State, http::HeaderMap, response::Response};

use crate::api::edge::{ApiError, Caller, Query, answer};
use crate::api::state::ApiState;
use crate::api::v1::clusters::{MOST_PLACES, of};
use crate::api::v1::places::{Place, places, whole_days};
use crate::api::v1::view::{View, compute_blocking};
use crate::model::Day;

/// A file of `SaTScan`: fields with blanks between, a line each.
#[derive(Clone, Copy)]
enum File {
    /// Place, cases, day: a line for each place and day with a case.
    Cases,
    /// Place, day, residents: a line for each place.
    Population,
    /// Place, latitude, longitude: a line for each place.
    Coordinates,
}

/// `GET /v1/clusters/satscan.cas`.
pub async fn cases(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    write(&state, caller, query, headers, File::Cases).await
}

/// `GET /v1/clusters/satscan.pop`.
pub async fn population(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    write(&state, caller, query, headers, File::Population).await
}

/// `GET /v1/clusters/satscan.geo`.
pub async fn coordinates(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    write(&state, caller, query, headers, File::Coordinates).await
}

async fn write(
    state: &ApiState,
    caller: Caller,
    query: Query,
    headers: HeaderMap,
    file: File,
) -> Result<Response, ApiError> {
    let view = View::new(state, caller, &query)?;
    let (of, days) = (of(&query)?, whole_days(&view)?);
    compute_blocking(move || {
        let places = places(&view, &query, of, MOST_PLACES)?;
        let text = lines(file, &view, &places.all, days).map_err(ApiError::internal)?;
        Ok(answer(
            &headers,
            "text/plain; charset=utf-8",
            view.freshness(),
            text.into_bytes(),
        ))
    })
    .await
}

fn lines(
    file: File,
    view: &View,
    places: &[Place],
    (from, to): (Day, Day),
) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for place in places {
        // Blanks part the fields.
        let id = place.id.replace(char::is_whitespace, "_");
        match file {
            File::Cases => {
                for day in (from.0..to.0).map(Day) {
                    let cases = place.cases(view, day.window(view.offset));
                    if cases > 0 {
                        writeln!(text, "{id} {cases} {}", slashed(day))?;
                    }
                }
            }
            File::Population => writeln!(text, "{id} {} {}", slashed(from), place.residents)?,
            File::Coordinates => writeln!(text, "{id} {} {}", place.at.lat(), place.at.lng())?,
        }
    }
    Ok(text)
}

/// `2021/05/07`, as `SaTScan` reads days.
fn slashed(day: Day) -> String {
    day.to_string().replace('-', "/")
}
