use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use moka::sync::Cache;
use serde::Deserialize;

use crate::api::pages::picture::{PictureRequest, Theme, draw};
use crate::api::pages::view::PageView;
use crate::api::pages::words::Language;
use crate::api::pages::{assets, document};

/// Scripts and everything else from here only; pictures may be data (the map's patterns).
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'self'";

/// Pages answer within this many seconds of a change, and tell caches so.
const PAGE_CACHE: &str = "public, max-age=10, stale-while-revalidate=60";

/// Bytes of pictures kept.
const PICTURE_CACHE_BYTES: u64 = 32 << 20;

#[derive(Clone)]
struct Pages {
    view: Arc<dyn Fn() -> Arc<PageView> + Send + Sync>,
    pictures: Cache<(u64, PictureRequest), Option<Arc<[u8]>>>,
}

/// `/`, `/en/`, `/assets/…`, `/static/{area}.png`, `/favicon.svg`, `/robots.txt`.
/// `view` gives the figures of the current snapshot and is called once a request.
pub fn router<F>(view: F) -> Router
where
    F: Fn() -> Arc<PageView> + Send + Sync + 'static,
{
    let pages = Pages {
        view: Arc::new(view),
        pictures: Cache::builder()
            .max_capacity(PICTURE_CACHE_BYTES)
            .weigher(|_key, png: &Option<Arc<[u8]>>| png.as_ref().map_or(64, |png| png.len() as u32))
            .build(),
    };
    Router::new()
        .route("/", get(home))
        .route("/en/", get(english))
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

async fn home(State(pages): State<Pages>, Query(query): Query<HomeQuery>) -> Response {
    page(&pages, Language::of_code(query.lang.as_deref().unwrap_or("vi")))
}

async fn english(State(pages): State<Pages>) -> Response {
    page(&pages, Language::English)
}

fn page(pages: &Pages, language: Language) -> Response {
    let markup = document::render(&(pages.view)(), language);
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, PAGE_CACHE),
        (header::CONTENT_LANGUAGE, language.code()),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, markup.into_string()).into_response()
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
        return StatusCode::NOT_FOUND.into_response();
    };
    let side = |wanted: Option<u32>, usual: u32| {
        wanted
            .unwrap_or(usual)
            .clamp(PictureRequest::MIN_SIDE, PictureRequest::MAX_SIDE)
    };
    let request = PictureRequest {
        area: (area != "all").then(|| area.to_owned()),
        width: side(query.w, 1200),
        height: side(query.h, 630),
        language: Language::of_code(query.lang.as_deref().unwrap_or("vi")),
        theme: if query.theme.as_deref() == Some("dark") {
            Theme::Dark
        } else {
            Theme::Light
        },
    };
    let view = (pages.view)();
    let etag = format!("\"{}-{:x}\"", view.generation, view.as_of.0);
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|seen| seen.as_bytes() == etag.as_bytes())
    {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    let key = (view.generation, request);
    // Drawing is CPU work; moka lets one caller draw and the others of the same key wait.
    let png = tokio::task::spawn_blocking(move || {
        pages
            .pictures
            .get_with_by_ref(&key, || draw(&view, &key.1).map(Arc::from))
    })
    .await;
    match png {
        Ok(Some(png)) => {
            let headers = [
                (header::CONTENT_TYPE, "image/png".to_owned()),
                (header::CACHE_CONTROL, PAGE_CACHE.to_owned()),
                (header::ETAG, etag),
                (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*".to_owned()),
            ];
            (headers, png.to_vec()).into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_panicked_or_cancelled) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
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
