use std::path::Path;
use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};

use crate::api::edge::{
    ApiError, Freshness, Segments, answer,
    conditional::{accepted_among, finish, none_match, say_coding},
};
use crate::api::state::ApiState;
use crate::api::v1::view::compute_blocking;
use crate::archive::{Archive, ArchiveError, Compression, TileId, TileType};
use crate::tiles::{BasemapKind, Coding, content_tag};

/// A basemap changes when its file is replaced and the server started again.
const FRESHNESS: Freshness = Freshness::Live(86_400);
/// The codings an archive's tiles are at hand in.
const STORED: [Coding; 2] = [Coding::Gzip, Coding::Identity];
/// The tag of a tile that is not there.
const NOTHING: &str = "\"none\"";

/// The operator's own basemap: an archive of vector tiles or pictures, served tile by tile.
#[derive(Debug)]
pub struct Basemap {
    archive: Archive,
}

struct Tile {
    bytes: Vec<u8>,
    etag: String,
    coding: Coding,
}

impl Basemap {
    /// Opens a `PMTiles` file. Blocks.
    ///
    /// # Errors
    /// [`ArchiveError`] when it is no archive of version 3, or one that cannot be served.
    pub fn open_blocking(path: &Path) -> Result<Self, ArchiveError> {
        let archive = Archive::open_blocking(path)?;
        Ok(Self { archive })
    }

    /// What its tiles hold.
    #[must_use]
    pub fn kind(&self) -> BasemapKind {
        if self.archive.header().tile_type.is_picture() {
            return BasemapKind::Pictures;
        }
        let layers = self.archive.metadata().get("vector_layers");
        let ids = layers.and_then(Value::as_array).map(|layers| {
            let ids = layers.iter().filter_map(|layer| layer["id"].as_str());
            ids.map(str::to_owned).collect()
        });
        BasemapKind::Vector(ids)
    }

    const fn media_type(&self) -> &'static str {
        match self.archive.header().tile_type {
            TileType::Mvt => "application/vnd.mapbox-vector-tile",
            TileType::Png => "image/png",
            TileType::Jpeg => "image/jpeg",
            TileType::Webp => "image/webp",
            TileType::Avif => "image/avif",
            TileType::Unknown => "application/octet-stream",
        }
    }

    /// `TileJSON` 3.0 from the header and, as far as it is text, the metadata.
    fn described(&self, base: &str) -> Value {
        let header = self.archive.header();
        let [west, south, east, north] = header.bounds;
        let is_box = west < east && south < north;
        let mut described = json!({
            "tilejson": "3.0.0",
            "scheme": "xyz",
            "tiles": [format!("{base}/basemap/{{z}}/{{x}}/{{y}}")],
            "minzoom": header.min_zoom,
            "maxzoom": header.max_zoom,
            "bounds": if is_box { header.bounds } else { [-180.0, -85.051_128, 180.0, 85.051_128] },
            "center": [header.center[0], header.center[1], f64::from(header.center_zoom)],
        });
        for key in ["name", "description", "attribution", "version"] {
            if let Some(text) = self.archive.metadata().get(key).filter(|value| value.is_string()) {
                described[key] = text.clone();
            }
        }
        if let Some(layers) = self.archive.metadata().get("vector_layers") {
            described["vector_layers"] = layers.clone();
        }
        described
    }

    /// A tile in the coding that the client takes. A compressed one is handed on as it is stored.
    fn tile_blocking(&self, id: TileId, accepted: Coding) -> Result<Option<Tile>, ArchiveError> {
        let Some(stored) = self.archive.tile_blocking(id)? else {
            return Ok(None);
        };
        let is_packed = self.archive.header().tile_compression == Compression::Gzip;
        let coding = if is_packed { accepted } else { Coding::Identity };
        let etag = content_tag(&stored, coding);
        let bytes = if coding == Coding::Gzip {
            stored
        } else {
            self.archive.decompressed(stored)?
        };
        Ok(Some(Tile { bytes, etag, coding }))
    }
}

/// `GET /basemap/{z}/{x}/{y}`.
pub async fn tile(
    State(state): State<ApiState>,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let basemap = present(&state)?;
    let id = id_of(&segments)?;
    let (basemap, accepted) = (Arc::clone(basemap), accepted_among(&headers, &STORED));
    let media_type = basemap.media_type();
    let tile =
        compute_blocking(move || basemap.tile_blocking(id, accepted).map_err(ApiError::internal)).await?;
    let etag = tile.as_ref().map_or(NOTHING, |tile| &tile.etag);
    if none_match(&headers, etag) {
        return Ok(finish(StatusCode::NOT_MODIFIED, etag, FRESHNESS, Body::empty()));
    }
    let Some(Tile { bytes, etag, coding }) = tile else {
        return Ok(finish(StatusCode::NO_CONTENT, NOTHING, FRESHNESS, Body::empty()));
    };
    let mut response = finish(StatusCode::OK, &etag, FRESHNESS, Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    say_coding(headers, coding);
    Ok(response)
}

/// `GET /basemap.json`.
pub async fn tile_json(State(state): State<ApiState>, headers: HeaderMap) -> Result<Response, ApiError> {
    let described = present(&state)?.described(&state.base_url(&headers));
    let bytes = described.to_string().into_bytes();
    Ok(answer(&headers, "application/json", Freshness::Live(300), bytes))
}

fn present(state: &ApiState) -> Result<&Arc<Basemap>, ApiError> {
    let none = || ApiError::NotFound("this server has no basemap; its operator may set one".to_owned());
    state.config.basemap.as_ref().ok_or_else(none)
}

fn id_of(segments: &Segments) -> Result<TileId, ApiError> {
    let number = |name: &str| -> Result<u32, ApiError> {
        let text = segments.text(name);
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let read = text.parse().ok().filter(|_| is_plain);
        read.ok_or_else(|| ApiError::invalid(name, text, "is not a whole number", "a tile's z, x and y"))
    };
    let (z, x, y) = (number("z")?, number("x")?, number("y")?);
    u8::try_from(z)
        .ok()
        .and_then(|z| TileId::of(z, x, y))
        .ok_or_else(|| {
            let given = format!("{z}/{x}/{y}");
            ApiError::invalid("tile", &given, "is out of range", "z up to 30, x and y below 2^z")
        })
}
