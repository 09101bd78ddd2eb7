use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::Markup;
use moka::sync::Cache;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::api::edge::{ApiError, Freshness, answer, conditional::hex};
use crate::api::pages::picture::{PictureRequest, Theme, draw};
use crate::api::pages::view::PageView;
use crate::api::pages::words::Language;
use crate::api::pages::{assets, bulletin, document, formats};
use crate::model::AreaCode;

/// Scripts and everything else from here only; pictures may be data (the map's patterns).
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'self'";

/// Pages answer within this many seconds of a change, and tell caches so.
const PAGE_MAX_AGE_S: u32 = 10;
/// The same for pictures.
const PICTURE_CACHE: &str = "public, max-age=10, stale-while-revalidate=60";

/// Bytes of pictures kept.
const PICTURE_CACHE_BYTES: u64 = 32 << 20;

/// What an entry takes beside its name and picture, about.
const PICTURE_KEY_BYTES: usize = 256;

/// How long a place is waited for: enough for those who want the same picture of a new snapshot.
const DRAWING_WAIT: Duration = Duration::from_secs(1);

#[derive(Clone)]
struct Pages {
    view: Arc<dyn Fn() -> Arc<PageView> + Send + Sync>,
    pictures: Cache<(u64, PictureRequest), Option<Picture>>,
    /// Places for drawing.
    drawing: Arc<Semaphore>,
}

#[derive(Clone)]
struct Picture {
    png: Bytes,
    /// Of the content, so that a new generation with the same picture keeps it.
    etag: Arc<str>,
}

impl Picture {
    fn new(png: Vec<u8>) -> Self {
        let etag = format!("\"{}\"", hex(&Sha256::digest(&png)[..16]));
        Self {
            png: Bytes::from(png),
            etag: Arc::from(etag),
        }
    }
}

/// `/`, `/en/`, `/formats`, `/bulletin`, `/assets/…`, `/static/{area}.png`, `/favicon.svg`, `/robots.txt`.
/// `view` gives the figures of the current snapshot and is called once a request. So many pictures are drawn at the
/// same time; who finds no place in time is asked to come again.
pub fn router<F>(view: F, pictures_at_once: usize) -> Router
where
    F: Fn() -> Arc<PageView> + Send + Sync + 'static,
{
    let pages = Pages {
        view: Arc::new(view),
        pictures: Cache::builder()
            .max_capacity(PICTURE_CACHE_BYTES)
            .weigher(|key: &(u64, PictureRequest), picture: &Option<Picture>| {
                let name = key.1.area.as_ref().map_or(0, String::len);
                let png = picture.as_ref().map_or(0, |picture| picture.png.len());
                (PICTURE_KEY_BYTES + name + png) as u32
            })
            .build(),
        drawing: Arc::new(Semaphore::new(pictures_at_once)),
    };
    Router::new()
        .route("/", get(home))
        .route("/en/", get(english))
        .route("/formats", get(compare_formats))
        .route("/bulletin", get(weekly_bulletin))
        .route("/assets/{hash}/{*path}", get(assets::serve))
        .route("/static/{file}", get(picture))
        .route("/favicon.svg", get(favicon))
        .route("/favicon.ico", get(favicon))
        .route("/robots.txt", get(robots))
        .with_state(pages)
}

#[derive(Deserialize)]
struct HomeQuery {
    lang: Option<String>,
}

async fn home(State(pages): State<Pages>, Query(query): Query<HomeQuery>, headers: HeaderMap) -> Response {
    let language = Language::of_code(query.lang.as_deref().unwrap_or("vi"));
    page(document::render(&(pages.view)(), language), language, &headers)
}

async fn english(State(pages): State<Pages>, headers: HeaderMap) -> Response {
    let language = Language::English;
    page(document::render(&(pages.view)(), language), language, &headers)
}

async fn compare_formats(
    State(pages): State<Pages>,
    Query(query): Query<HomeQuery>,
    headers: HeaderMap,
) -> Response {
    let language = Language::of_code(query.lang.as_deref().unwrap_or("vi"));
    page(formats::render(&(pages.view)(), language), language, &headers)
}

async fn weekly_bulletin(
    State(pages): State<Pages>,
    Query(query): Query<HomeQuery>,
    headers: HeaderMap,
) -> Response {
    let language = Language::of_code(query.lang.as_deref().unwrap_or("vi"));
    page(bulletin::render(&(pages.view)(), language), language, &headers)
}

/// Open pages ask for themselves again at each change: compressed, and tagged so that nothing comes twice.
fn page(markup: Markup, language: Language, headers: &HeaderMap) -> Response {
    let text = markup.into_string();
    let freshness = Freshness::Live(PAGE_MAX_AGE_S);
    let mut response = answer(headers, "text/html; charset=utf-8", freshness, text.into_bytes());
    for (name, value) in [
        (header::CONTENT_LANGUAGE, language.code()),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

#[derive(Deserialize)]
struct PictureQuery {
    w: Option<u32>,
    h: Option<u32>,
    lang: Option<String>,
    theme: Option<String>,
}

async fn picture(
    State(pages): State<Pages>,
    Path(file): Path<String>,
    Query(query): Query<PictureQuery>,
    headers: HeaderMap,
) -> Response {
    let Some(area) = file.strip_suffix(".png") else {
        return no_picture();
    };
    let view = (pages.view)();
    // Nothing is kept under a name that is not an area's.
    let is_known = area == "all"
        || AreaCode::new(area).is_ok_and(|code| view.areas.iter().any(|row| row.area.code == code));
    if !is_known {
        return no_picture();
    }
    let request = PictureRequest {
        area: (area != "all").then(|| area.to_owned()),
        width: PictureRequest::snap(query.w.unwrap_or(1200)),
        height: PictureRequest::snap(query.h.unwrap_or(630)),
        language: Language::of_code(query.lang.as_deref().unwrap_or("vi")),
        theme: if query.theme.as_deref() == Some("dark") {
            Theme::Dark
        } else {
            Theme::Light
        },
    };
    let key = (view.generation, request);
    let picture = if let Some(picture) = pages.pictures.get(&key) {
        picture
    } else {
        let place = Arc::clone(&pages.drawing).acquire_owned();
        let Ok(Ok(place)) = tokio::time::timeout(DRAWING_WAIT, place).await else {
            return ApiError::Busy {
                retry_after_s: 1,
                reason: "too many pictures are being drawn".to_owned(),
            }
            .into_response();
        };
        // Drawing is CPU work; moka lets one caller draw and the others of the same key wait.
        let drawn = tokio::task::spawn_blocking(move || {
            let _place = place;
            let make = || draw(&view, &key.1).map(Picture::new);
            pages.pictures.get_with_by_ref(&key, make)
        });
        match drawn.await {
            Ok(picture) => picture,
            Err(error) => return ApiError::internal(format!("drawing a picture: {error}")).into_response(),
        }
    };
    let Some(Picture { png, etag }) = picture else {
        return no_picture();
    };
    let kept = [
        (header::CACHE_CONTROL, PICTURE_CACHE.to_owned()),
        (header::ETAG, etag.to_string()),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*".to_owned()),
    ];
    let seen = headers.get(header::IF_NONE_MATCH).map(HeaderValue::as_bytes);
    if seen.is_some_and(|seen| seen == etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    (kept, [(header::CONTENT_TYPE, "image/png")], png).into_response()
}

fn no_picture() -> Response {
    ApiError::NotFound("there is a picture `all.png`, and one of each area, `<code>.png`".to_owned())
        .into_response()
}

const FAVICON: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><path fill=\"#12805a\" \
     d=\"M16 1 29 8.5v15L16 31 3 23.5v-15Z\"/><path fill=\"none\" stroke=\"#fff\" stroke-width=\"3.2\" \
     stroke-linecap=\"round\" stroke-linejoin=\"round\" d=\"m10 16.2 4.3 4.3L22 11.8\"/></svg>";

async fn favicon() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "public, max-age=86400"),
    ];
    (headers, FAVICON).into_response()
}

async fn robots() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (
        headers,
        "User-agent: *\nAllow: /\nDisallow: /tiles/\nDisallow: /v1/\n",
    )
        .into_response()
}
