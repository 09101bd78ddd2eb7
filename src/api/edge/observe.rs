use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::Response,
};
use tracing::Instrument as _;

use crate::api::edge::{conditional::hex, problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a page may do: nothing from elsewhere, nothing inline, no frames.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
    font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; frame-ancestors 'none'; \
    base-uri 'none'; form-action 'self'";
/// What a body of data may do if a browser shows it.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// The outermost layer: an id for the request, its span, its metrics, and the headers that every answer carries.
pub async fn observe(request: Request, next: Next) -> Response {
    let id = request_id(&request);
    let method = request.method().clone();
    // The route, never the path: paths hold ids.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!("request", id = %id, method = method_label(&method), route = %route);
    #[expect(
        clippy::disallowed_methods,
        reason = "measures our own latency, not the world's time"
    )]
    let start = std::time::Instant::now();

    let mut response = next.run(request).instrument(span.clone()).await;

    let seconds = start.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    span.in_scope(|| tracing::debug!(status, ms = seconds * 1000.0, "answered"));
    let labels = [
        ("method", method_label(&method).to_owned()),
        ("route", route),
        ("status", status.to_string()),
    ];
    metrics::histogram!("http_server_request_duration_seconds", &labels).record(seconds);

    problem::name_instance(&mut response, &id);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        let is_page = headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        let policy = if is_page { PAGE_POLICY } else { DATA_POLICY };
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        if is_page {
            headers.insert(
                HeaderName::from_static("cross-origin-opener-policy"),
                HeaderValue::from_static("same-origin"),
            );
        }
    }
    response
}

/// The method as a label: clients invent methods, and each new label is a series that stays.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The client's own id when it is a plain word, else one of ours.
fn request_id(request: &Request) -> String {
    let given = request
        .headers()
        .get(&REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    match given {
        Some(id)
            if (1..=64).contains(&id.len())
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') =>
        {
            id.to_owned()
        }
        _ => next_id(),
    }
}

/// The process's own random beginning, and a number: the system is not asked for each request.
fn next_id() -> String {
    static PROCESS: LazyLock<[u8; 8]> = LazyLock::new(|| {
        let mut random = [0; 8];
        // An id that repeats is a nuisance in a log, not a fault: zeros will do where there is no entropy.
        let _filled = getrandom::fill(&mut random);
        random
    });
    static LAST: AtomicU32 = AtomicU32::new(0);
    let mut id = [0; 12];
    id[..8].copy_from_slice(&*PROCESS);
    id[8..].copy_from_slice(&LAST.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    hex(&id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invented_method_makes_no_label_of_its_own() {
        assert_eq!(method_label(&Method::PUT), "PUT");
        assert_eq!(method_label(&Method::from_bytes(b"X-9F3A").unwrap()), "other");
    }
}
