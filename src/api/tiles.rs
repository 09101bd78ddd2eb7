use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use tokio::sync::OwnedSemaphorePermit;

use crate::api::edge::{
    ApiError, Caller, Freshness, Query, Segments,
    accept::accepted_format,
    answer,
    conditional::{accepted_coding, finish, none_match, say_coding},
    read_filter,
};
use crate::api::state::ApiState;
use crate::api::v1::view::{View, compute_blocking};
use crate::geo::{MAX_RESOLUTION, Resolution, TileCoord, finest_for_zoom};
use crate::index::Snapshot;
use crate::model::Timestamp;
use crate::risk::Audience;
use crate::tiles::{
    Coding, LayerKind, Layers, STYLE_NAMES, TileBody, TileFilter, TileFormat, TileRequest, find_edition,
    style as plain_style, style_with_basemap, tile_json as describe,
};

/// What an answer with a tile in it depends on beside its address.
const VARY: HeaderValue = HeaderValue::from_static("Accept, Accept-Encoding, Authorization");

/// `GET /tiles/{layers}/{z}/{x}/{y}`, perhaps with the ending of a format.
pub async fn tile(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let layers = layers_of(segments.text("layers"))?;
    let (coord, ending) = coord_of(&segments)?;
    let format = format_of(layers, ending, &segments, &headers)?;
    let view = View::new(&state, caller, &query)?;
    let request = TileRequest {
        layers,
        format,
        coord,
        resolution: resolution_of(&query, layers, Some(coord.z()))?,
        // Without `at` the tile is the live one; with it, that of the whole minute.
        at: query.at()?.map(|at| Timestamp(at.0 - at.0.rem_euclid(60))),
        window_hours: view.window.hours(),
        // A tile cannot be exact in one part and not in another: officials of some areas get the public one.
        audience: View::audience(view.caller.reads_exact_everywhere()),
    };
    let freshness = view.freshness();
    let snapshot = if request.at.is_some() {
        view.snapshot
    } else {
        state.live_snapshot().await
    };
    let filter = read_filter(&query, |filter| TileFilter::new(filter, layers))?;
    send(&state, snapshot, request, filter, &headers, freshness).await
}

/// `GET /tiles/cells/@{release}/{z}/{x}/{y}`: a tile of an edition of what is published of cells. It never changes;
/// when a correction comes out, its address is gone and the next edition has another.
pub async fn tile_of_release(
    State(state): State<ApiState>,
    query: Query,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let layers = layers_of(segments.text("layers"))?;
    if layers != Layers::one(LayerKind::Cells) {
        return Err(ApiError::invalid(
            "layers",
            segments.text("layers"),
            "is not only `cells`: venues, areas and zones are not published in editions",
            "cells",
        ));
    }
    let (coord, ending) = coord_of(&segments)?;
    let format = format_of(layers, ending, &segments, &headers)?;
    let view = View::new(&state, Caller::public(), &query)?;
    let name = segments.text("release");
    let at = name
        .strip_prefix('@')
        .and_then(|name| find_edition(name, &view.snapshot))
        .ok_or_else(|| {
            ApiError::NotFound(format!(
                "no edition is called `{}`, or a correction took its place; /tiles/cells.json names the present one",
                name.chars().take(60).collect::<String>()
            ))
        })?;
    let request = TileRequest {
        layers,
        format,
        coord,
        resolution: resolution_of(&query, layers, Some(coord.z()))?,
        at: Some(at),
        window_hours: view.window.hours(),
        audience: Audience::Public,
    };
    let filter = read_filter(&query, |filter| TileFilter::new(filter, layers))?;
    send(&state, view.snapshot, request, filter, &headers, Freshness::Fixed).await
}

async fn send(
    state: &ApiState,
    snapshot: Arc<Snapshot>,
    request: TileRequest,
    filter: Option<TileFilter>,
    headers: &HeaderMap,
    freshness: Freshness,
) -> Result<Response, ApiError> {
    let coding = accepted_coding(headers);
    // Whether a kept tile of past areas still holds takes the levels of all of them: not on a thread that talks to clients.
    let judges = request.audience == Audience::Official
        && request.layers.contains(LayerKind::Areas)
        && request.at.is_some();
    let at_hand = || {
        let rules = state.pipeline.rules();
        let body = state
            .tiles
            .get_filtered(&snapshot, &rules, &request, filter.as_ref())?;
        body.ready(coding).is_some().then_some(body)
    };
    let body = if let Some(body) = (!judges).then(at_hand).flatten() {
        body
    } else if filter.is_none() && state.tiles.is_small(&snapshot, &request, coding) {
        made(state, &snapshot, &request, None, coding)
    } else {
        let makers = Arc::clone(&state.makers);
        let turn = makers.acquire_owned().await.map_err(ApiError::internal)?;
        // Another may have made it meanwhile.
        match (!judges).then(at_hand).flatten() {
            Some(body) => body,
            None => make(state.clone(), snapshot, request, filter, coding, turn).await?,
        }
    };
    let mut response = respond(headers, &body, request.format, coding, freshness);
    response.headers_mut().insert(header::VARY, VARY);
    Ok(response)
}

/// Makes a tile off the threads that talk to clients, and compresses it there too.
async fn make(
    state: ApiState,
    snapshot: Arc<Snapshot>,
    request: TileRequest,
    filter: Option<TileFilter>,
    coding: Coding,
    turn: OwnedSemaphorePermit,
) -> Result<Arc<TileBody>, ApiError> {
    compute_blocking(move || {
        let _turn = turn;
        Ok(made(&state, &snapshot, &request, filter.as_ref(), coding))
    })
    .await
}

fn made(
    state: &ApiState,
    snapshot: &Arc<Snapshot>,
    request: &TileRequest,
    filter: Option<&TileFilter>,
    coding: Coding,
) -> Arc<TileBody> {
    let rules = state.pipeline.rules();
    let body = state
        .tiles
        .get_or_encode_filtered(snapshot, &rules, request, filter, coding);
    // One that was kept in another coding only.
    let _compressed = body.bytes(coding);
    body
}

fn respond(
    headers: &HeaderMap,
    tile: &TileBody,
    format: TileFormat,
    coding: Coding,
    freshness: Freshness,
) -> Response {
    let etag = tile.etag(coding);
    if none_match(headers, etag) {
        return finish(StatusCode::NOT_MODIFIED, etag, freshness, Body::empty());
    }
    if tile.is_empty() {
        return finish(StatusCode::NO_CONTENT, etag, freshness, Body::empty());
    }
    let mut response = finish(StatusCode::OK, etag, freshness, Body::from(tile.bytes(coding)));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(format.media_type()),
    );
    say_coding(headers, coding);
    response
}

/// `GET /tiles/{layers}.json`: `TileJSON`; `/tiles/{layers}.mlt.json` describes the same tiles in that format. What was
/// asked is handed on to the tiles' addresses.
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
    let (layers, ending) = TileFormat::split_ending(layers);
    let layers = layers_of(layers)?;
    let view = View::new(&state, caller, &query)?;
    let resolution = resolution_of(&query, layers, None)?;
    read_filter(&query, |filter| TileFilter::new(filter, layers))?;
    let kept: Vec<String> = query
        .pairs()
        .map(|(name, value)| {
            let value = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
            format!("{name}={value}")
        })
        .collect();
    // Exact figures have none.
    let noise = Some(view.snapshot.releases())
        .filter(|_| !view.caller.reads_exact_everywhere())
        .and_then(|releases| releases.noise(view.at, view.window));
    let mut document = describe(layers, &state.base_url(&headers), &view.snapshot).with_noise(noise);
    if let Some(format) = ending {
        check_holds(format, layers, &segments)?;
        document = document.with_format(format);
    }
    if let Some(resolution) = resolution {
        document = document.with_resolution(resolution);
    }
    let document = document.with_query(&kept.join("&"));
    let bytes = serde_json::to_vec(&document).map_err(ApiError::internal)?;
    Ok(answer(&headers, "application/json", view.freshness(), bytes))
}

/// `GET /styles/{name}.json`, over the basemap where there is one.
pub async fn style(
    State(state): State<ApiState>,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let name = segments.text("name");
    let found = name
        .strip_suffix(".json")
        .and_then(|name| {
            let base = state.base_url(&headers);
            match &state.config.basemap {
                Some(basemap) => style_with_basemap(name, &base, &basemap.kind()),
                None => plain_style(name, &base),
            }
        })
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

/// `resolution=`, as fine as a zoom (`None`: any) allows. Figures of every resolution are released, so the public may ask
/// for any, as at `/v1/cells`.
fn resolution_of(query: &Query, layers: Layers, zoom: Option<u8>) -> Result<Option<Resolution>, ApiError> {
    let finest = zoom.map_or(MAX_RESOLUTION, finest_for_zoom).get();
    let at_zoom = zoom.map_or_else(String::new, |zoom| format!(" at zoom {zoom}"));
    query.read_as(
        "resolution",
        &format!("a whole number from 0 to {finest}{at_zoom}, with the layer `cells`"),
        |text| match text.parse::<u8>() {
            _ if !layers.contains(LayerKind::Cells) => Err("is asked of layers without cells".to_owned()),
            Ok(number) if number <= finest => Resolution::new(number).ok_or_else(String::new),
            Ok(_) => Err(format!("is out of range{at_zoom}")),
            Err(error) => Err(error.to_string()),
        },
    )
}

/// The format of the address's ending; without one, what `Accept` likes best.
fn format_of(
    layers: Layers,
    ending: Option<TileFormat>,
    segments: &Segments,
    headers: &HeaderMap,
) -> Result<TileFormat, ApiError> {
    match ending {
        Some(format) => check_holds(format, layers, segments).map(|()| format),
        None => Ok(accepted_format(headers, |format| format.holds(layers))),
    }
}

fn check_holds(format: TileFormat, layers: Layers, segments: &Segments) -> Result<(), ApiError> {
    if format.holds(layers) {
        return Ok(());
    }
    Err(ApiError::invalid(
        "layers",
        segments.text("layers"),
        "is not only `cells`, of which alone the ending `.cells` speaks",
        "cells, or another ending: .mvt or .mlt",
    ))
}

/// The tile, and the format that the ending of its row names.
fn coord_of(segments: &Segments) -> Result<(TileCoord, Option<TileFormat>), ApiError> {
    let number = |name: &str, text: &str| -> Result<u32, ApiError> {
        let is_plain = !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>()
            .ok()
            .filter(|_| is_plain)
            .ok_or_else(|| ApiError::invalid(name, text, "is not a whole number", "a tile's z, x and y"))
    };
    let (y, ending) = TileFormat::split_ending(segments.text("y"));
    let z = number("z", segments.text("z"))?;
    let (x, y) = (number("x", segments.text("x"))?, number("y", y)?);
    TileCoord::new(u8::try_from(z).unwrap_or(u8::MAX), x, y)
        .map(|coord| (coord, ending))
        .map_err(|error| ApiError::invalid(error.field, &error.value, "is out of range", error.expected))
}
