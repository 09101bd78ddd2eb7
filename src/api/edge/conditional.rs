use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::api::edge::ApiError;
use crate::tiles::{Coding, content_tag};

/// Bodies smaller than this are not worth compressing, bytes.
const COMPRESS_FROM: usize = 1024;

/// How long an answer may be kept, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Public figures that move on: anybody may keep it for that many seconds.
    Live(u32),
    /// Never changes: anybody may keep it for ever.
    Fixed,
    /// Exact figures: nobody keeps it.
    Private,
}

impl Freshness {
    fn header(self) -> HeaderValue {
        match self {
            Self::Live(seconds) => HeaderValue::try_from(format!(
                "public, max-age={seconds}, stale-while-revalidate={}",
                seconds * 10
            ))
            .unwrap_or_else(|_error| HeaderValue::from_static("no-cache")),
            Self::Fixed => HeaderValue::from_static("public, max-age=31536000, immutable"),
            Self::Private => HeaderValue::from_static("private, no-store"),
        }
    }
}

/// The coding that the client likes best of those we have (RFC 9110 §12.5.3); of equals, the one we do.
/// Nothing acceptable, or no header, means identity.
#[must_use]
pub fn accepted_coding(headers: &HeaderMap) -> Coding {
    accepted_among(headers, &Coding::ALL)
}

/// The same where only some codings are at hand, what we like to send first.
#[must_use]
pub fn accepted_among(headers: &HeaderMap, at_hand: &[Coding]) -> Coding {
    let mut weights = vec![None; at_hand.len()];
    let mut any: Option<f32> = None;
    for line in headers.get_all(header::ACCEPT_ENCODING) {
        for part in line.to_str().unwrap_or("").split(',') {
            let mut pieces = part.split(';').map(str::trim);
            let name = pieces.next().unwrap_or("");
            let name = name
                .strip_prefix("x-")
                .or_else(|| name.strip_prefix("X-"))
                .unwrap_or(name);
            let weight = pieces
                .find_map(|piece| piece.strip_prefix("q=").or_else(|| piece.strip_prefix("Q=")))
                .map_or(1.0, |q| q.trim().parse::<f32>().unwrap_or(0.0));
            if name == "*" {
                any = Some(weight);
            } else if let Some(at) = at_hand
                .iter()
                .position(|coding| coding.as_str().eq_ignore_ascii_case(name))
            {
                weights[at] = Some(weight);
            }
        }
    }
    let mut best = (Coding::Identity, 0.0);
    for (&coding, weight) in at_hand.iter().zip(weights) {
        // Identity is always acceptable when nobody speaks of it, but liked less than what is named.
        let weight = weight
            .or(any.filter(|_| coding != Coding::Identity))
            .unwrap_or(0.0);
        if weight > best.1 {
            best = (coding, weight);
        }
    }
    best.0
}

/// Whether `If-None-Match` names that tag: `*`, or a list compared weakly (RFC 9110 §13.1.2).
#[must_use]
pub fn none_match(headers: &HeaderMap, etag: &str) -> bool {
    names_tag(headers, header::IF_NONE_MATCH, etag)
}

fn names_tag(headers: &HeaderMap, name: header::HeaderName, etag: &str) -> bool {
    headers.get_all(name).iter().any(|line| {
        line.to_str().unwrap_or("").split(',').any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
        })
    })
}

/// The tag of a version that writes compare: `"v3"`.
#[must_use]
pub fn version_etag(version: u32) -> String {
    format!("\"v{version}\"")
}

/// Checks `If-Match` of a write against the present version.
///
/// # Errors
/// 428 without the header, 412 when it names another version.
pub fn require_match(headers: &HeaderMap, version: u32) -> Result<(), ApiError> {
    if !headers.contains_key(header::IF_MATCH) {
        return Err(ApiError::PreconditionRequired);
    }
    let etag = version_etag(version);
    if names_tag(headers, header::IF_MATCH, &etag) {
        Ok(())
    } else {
        Err(ApiError::PreconditionFailed(format!(
            "the present version is {etag}"
        )))
    }
}

/// A whole answer: tagged by its content, 304 where the client has it, compressed where the client likes it.
#[must_use]
pub fn answer(
    headers: &HeaderMap,
    content_type: &'static str,
    freshness: Freshness,
    body: Vec<u8>,
) -> Response {
    let coding = if body.len() < COMPRESS_FROM {
        Coding::Identity
    } else {
        accepted_coding(headers)
    };
    let etag = content_tag(&body, coding);
    if none_match(headers, &etag) {
        return finish(StatusCode::NOT_MODIFIED, &etag, freshness, Body::empty());
    }
    let bytes = match coding {
        Coding::Identity => body,
        coding => coding.compress(&body),
    };
    let mut response = finish(StatusCode::OK, &etag, freshness, Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    say_coding(headers, coding);
    response
}

/// Names the coding of a body; the body as it is needs no word.
pub fn say_coding(headers: &mut HeaderMap, coding: Coding) {
    if coding != Coding::Identity {
        headers.insert(
            header::CONTENT_ENCODING,
            HeaderValue::from_static(coding.as_str()),
        );
    }
}

/// The same for bytes whose tag and coding are already known (tiles).
#[must_use]
pub fn finish(status: StatusCode, etag: &str, freshness: Freshness, body: Body) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    if let Ok(tag) = HeaderValue::from_str(etag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CACHE_CONTROL, freshness.header());
    headers.insert(
        header::VARY,
        HeaderValue::from_static("Accept-Encoding, Authorization"),
    );
    response
}

/// Lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").expect("writing to a String cannot fail");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(
            header::HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )])
    }

    #[test]
    fn codings_follow_their_weights() {
        for (value, coding) in [
            ("gzip", Coding::Gzip),
            ("x-gzip", Coding::Gzip),
            ("gzip, deflate, br, zstd", Coding::Zstd),
            ("gzip, deflate, br", Coding::Brotli),
            ("gzip, br;q=0.9, zstd;q=0.8", Coding::Gzip),
            ("GZIP;q=0.5, BR;q=0.7", Coding::Brotli),
            ("br;q=0, *", Coding::Zstd),
            ("zstd;q=0, br;q=0, *;q=0.3", Coding::Gzip),
            ("identity, br;q=0.2", Coding::Identity),
            ("deflate", Coding::Identity),
            ("", Coding::Identity),
            ("gzip;q=0", Coding::Identity),
            ("identity, gzip;q=0.5", Coding::Identity),
            ("*", Coding::Zstd),
            ("*;q=0", Coding::Identity),
            ("br", Coding::Brotli),
            ("gzip;q=nonsense", Coding::Identity),
        ] {
            assert_eq!(
                accepted_coding(&headers("accept-encoding", value)),
                coding,
                "{value}"
            );
        }
    }

    #[test]
    fn a_tag_is_found_in_a_list_and_weakly() {
        assert!(none_match(&headers("if-none-match", "\"a\", W/\"b\""), "\"b\""));
        assert!(none_match(&headers("if-none-match", "*"), "\"b\""));
        assert!(!none_match(&headers("if-none-match", "\"c\""), "\"b\""));
        assert!(!none_match(&HeaderMap::new(), "\"b\""));
    }

    #[test]
    fn a_write_needs_the_version_it_read() {
        assert!(matches!(
            require_match(&HeaderMap::new(), 3),
            Err(ApiError::PreconditionRequired)
        ));
        assert!(matches!(
            require_match(&headers("if-match", "\"v2\""), 3),
            Err(ApiError::PreconditionFailed(_))
        ));
        assert!(require_match(&headers("if-match", "\"v3\""), 3).is_ok());
    }

    #[test]
    fn the_same_answer_twice_is_not_sent_twice() {
        let first = answer(
            &HeaderMap::new(),
            "text/plain",
            Freshness::Live(15),
            b"xin chao".to_vec(),
        );
        let tag = first.headers()[header::ETAG].clone();
        let again = HeaderMap::from_iter([(header::IF_NONE_MATCH, tag)]);
        let second = answer(&again, "text/plain", Freshness::Live(15), b"xin chao".to_vec());
        assert_eq!(second.status(), StatusCode::NOT_MODIFIED);
    }
}
