use std::borrow::Cow;

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use rust_embed::RustEmbed;

use crate::api::edge::conditional::none_match;
use crate::api::edge::ranges::{Part, asked_part};

/// What build.rs laid out: `app/`, `css/`, `i18n/` and, where npm was there, `vendor/`.
#[derive(RustEmbed)]
#[folder = "$OUT_DIR/assets"]
#[allow_missing = true]
struct Assets;

/// The folder that all assets stand under: a hash of their content, so that browsers may keep them.
pub const HASH: &str = env!("VUNGXANH_ASSETS_HASH");

/// A worker follows the policy of its own file, not the page's: the map's worker fetches the tiles.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; font-src 'self'";

/// Whether the map library is part of this build.
pub fn live_map() -> bool {
    env!("VUNGXANH_LIVE_MAP") == "1"
}

/// The URL path of an asset.
pub fn url(path: &str) -> String {
    format!("/assets/{HASH}/{path}")
}

/// `GET /assets/{hash}/{path}`. Another build's hash is answered too (a page opened before an
/// upgrade), but not kept for ever. A broken download goes on where it ended (`Range`): the bytes of a file in a coding are
/// the same as long as this build runs.
pub async fn serve(
    method: Method,
    Path((hash, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let climbs = path.split('/').any(|part| part == "..");
    let Some(mime) = mime(&path).filter(|_| !climbs) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let found = [("br", ".br"), ("gzip", ".gz")]
        .into_iter()
        .filter(|(coding, _)| accepts(accepted, coding))
        .find_map(|(coding, suffix)| Some((Some(coding), Assets::get(&format!("{path}{suffix}"))?)))
        .or_else(|| Some((None, Assets::get(&path)?)));
    let Some((coding, file)) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let bytes = match file.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    // A tag is looked at together with the path.
    let etag = format!("\"{HASH}-{}\"", coding.unwrap_or("plain"));
    let keep = if hash == HASH {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let mut response = match asked_part(&method, &headers, &etag, bytes.len()) {
        _ if none_match(&headers, &etag) => StatusCode::NOT_MODIFIED.into_response(),
        Part::Whole => Body::from(bytes).into_response(),
        Part::Bytes(range) => {
            let said = format!("bytes {}-{}/{}", range.start, range.end - 1, bytes.len());
            let head = [(header::CONTENT_RANGE, said)];
            (StatusCode::PARTIAL_CONTENT, head, bytes.slice(range)).into_response()
        }
        Part::Beyond => {
            let said = format!("bytes */{}", bytes.len());
            return (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, said)]).into_response();
        }
    };
    let out = response.headers_mut();
    if let Ok(etag) = HeaderValue::try_from(etag) {
        out.insert(header::ETAG, etag);
    }
    out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    out.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    out.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    // The map's worker and fonts load from sandboxed frames and from other people's styles too.
    out.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if let Some(coding) = coding {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}

/// The type by the file's ending. A module with a wrong one is refused by browsers.
fn mime(path: &str) -> Option<&'static str> {
    match path.rsplit_once('.')?.1 {
        "js" | "mjs" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "json" => Some("application/json"),
        "woff2" => Some("font/woff2"),
        "svg" => Some("image/svg+xml"),
        "txt" => Some("text/plain; charset=utf-8"),
        _ => None,
    }
}

/// Whether an `Accept-Encoding` names the coding without forbidding it.
fn accepts(accepted: &str, coding: &str) -> bool {
    accepted.split(',').any(|part| {
        let mut pieces = part.split(';').map(str::trim);
        pieces
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(coding))
            && !pieces.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_with_weight_zero_is_not_accepted() {
        assert!(accepts("gzip, deflate, br", "br"));
        assert!(accepts("GZIP;q=0.5", "gzip"));
        assert!(!accepts("br;q=0, gzip", "br"));
        assert!(!accepts("", "gzip"));
    }

    #[test]
    fn modules_are_javascript_to_the_browser() {
        assert_eq!(
            mime("vendor/maplibre-gl/maplibre-gl-worker.mjs"),
            Some("text/javascript; charset=utf-8")
        );
        assert_eq!(mime("app/main.js.br"), None);
        assert_eq!(mime("vendor/.lock"), None);
    }

    #[test]
    fn the_pages_own_files_are_embedded() {
        for path in ["app/main.js", "css/page.css", "i18n/vi.json", "i18n/en.json"] {
            assert!(Assets::get(path).is_some(), "{path}");
        }
        let library = Assets::get("vendor/maplibre-gl/maplibre-gl.mjs").is_some();
        assert_eq!(library, live_map());
    }
}
