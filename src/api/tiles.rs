use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};

use crate::api::edge::{
    ApiError, Caller, Freshness, Query, Segments, answer,
    conditional::{accepted_coding, finish, none_match},
};
use crate::api::state::ApiState;
use crate::api::v1::view::{View, compute_blocking};
use crate::geo::TileCoord;
use crate::model::{Timestamp, Window};
use crate::tiles::{Coding, Layers, STYLE_NAMES, TileBody, TileRequest, tile_json as describe};

const MVT: HeaderValue = HeaderValue::from_static("application/vnd.mapbox-vector-tile");

/// `GET /tiles/{layers}/{z}/{x}/{y}`, with or without `.mvt` or `.pbf`.
pub async fn tile(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let layers = layers_of(segments.text("layers"))?;
    let coord = coord_of(&segments)?;
    let view = View::new(&state, caller, &query)?;
    // Without `at` the tile is of the snapshot's own instant, so that everybody shares it; with it, of the whole minute.
    let at = match query.at()? {
        Some(at) => Timestamp(at.0 - at.0.rem_euclid(60)),
        None => view.snapshot.as_of(),
    };
    // A tile cannot be exact in one part and not in another: officials of some areas get the public one.
    let audience = View::audience(view.caller.reads_exact_everywhere());
    let request = TileRequest {
        layers,
        coord,
        at,
        window: Window::ending(at, view.window.hours()),
        audience,
    };
    let body = if let Some(body) = state.tiles.get(view.snapshot.generation(), &request) {
        body
    } else {
        let snapshot = Arc::clone(&view.snapshot);
        let state = state.clone();
        compute_blocking(move || {
            Ok(state
                .tiles
                .get_or_encode(&snapshot, state.pipeline.rules(), &request))
        })
        .await?
    };
    Ok(respond(&headers, &body, view.freshness()))
}

fn respond(headers: &HeaderMap, tile: &TileBody, freshness: Freshness) -> Response {
    let coding = accepted_coding(headers);
    let etag = tile.etag(coding);
    if none_match(headers, etag) {
        return finish(StatusCode::NOT_MODIFIED, etag, freshness, Body::empty());
    }
    if tile.is_empty() {
        return finish(StatusCode::NO_CONTENT, etag, freshness, Body::empty());
    }
    let mut response = finish(StatusCode::OK, etag, freshness, Body::from(tile.bytes(coding)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, MVT);
    if coding == Coding::Gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// `GET /tiles/{layers}.json`: `TileJSON`. `at` and `window` are handed on to the tiles' addresses.
pub async fn tile_json(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let text = segments.text("layers");
    let Some(layers) = text.strip_suffix(".json") else {
        return Err(ApiError::NotFound(
            "a description is at /tiles/{layers}.json, a tile at /tiles/{layers}/{z}/{x}/{y}".to_owned(),
        ));
    };
    let layers = layers_of(layers)?;
    let view = View::new(&state, caller, &query)?;
    let kept: Vec<String> = query
        .pairs()
        .map(|(name, value)| {
            let value = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
            format!("{name}={value}")
        })
        .collect();
    let document = describe(layers, &state.base_url(&headers), &view.snapshot).with_query(&kept.join("&"));
    let bytes = serde_json::to_vec(&document).map_err(ApiError::internal)?;
    Ok(answer(&headers, "application/json", view.freshness(), bytes))
}

/// `GET /styles/{name}.json`.
pub async fn style(
    State(state): State<ApiState>,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let name = segments.text("name");
    let found = name
        .strip_suffix(".json")
        .and_then(|name| crate::tiles::style(name, &state.base_url(&headers)))
        .ok_or_else(|| {
            ApiError::NotFound(format!(
                "no style is called `{name}`; there are {}",
                STYLE_NAMES.map(|name| format!("{name}.json")).join(", ")
            ))
        })?;
    Ok(answer(
        &headers,
        "application/json",
        Freshness::Live(300),
        found.into_bytes(),
    ))
}

fn layers_of(text: &str) -> Result<Layers, ApiError> {
    Layers::parse(text).map_err(|error| {
        ApiError::invalid(
            "layers",
            text,
            error.reason,
            "one or several of cells, venues, areas, zones joined by commas",
        )
    })
}

fn coord_of(segments: &Segments) -> Result<TileCoord, ApiError> {
    let number = |name: &str, text: &str| -> Result<u32, ApiError> {
        let is_plain = !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>()
            .ok()
            .filter(|_| is_plain)
            .ok_or_else(|| ApiError::invalid(name, text, "is not a whole number", "a tile's z, x and y"))
    };
    let y = segments.text("y");
    let y = y
        .strip_suffix(".mvt")
        .or_else(|| y.strip_suffix(".pbf"))
        .unwrap_or(y);
    let z = number("z", segments.text("z"))?;
    let (x, y) = (number("x", segments.text("x"))?, number("y", y)?);
    TileCoord::new(u8::try_from(z).unwrap_or(u8::MAX), x, y)
        .map_err(|error| ApiError::invalid(error.field, &error.value, "is out of range", error.expected))
}
