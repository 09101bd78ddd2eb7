use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;

use crate::api::edge::{ApiError, FieldError};

/// The longest pause between two parts of a body, seconds.
pub const BODY_IDLE_S: u64 = 30;

/// The media type of the body without its parameters, in lower case.
#[must_use]
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let bare = value.split(';').next().unwrap_or("").trim();
    Some(bare.to_ascii_lowercase())
}

/// The next part of a body.
///
/// # Errors
/// 408 when it does not come, 400 when the connection breaks.
pub async fn next_part(
    stream: &mut (impl futures_util::Stream<Item = Result<Bytes, axum::Error>> + Unpin),
) -> Result<Option<Bytes>, ApiError> {
    let pause = std::time::Duration::from_secs(BODY_IDLE_S);
    match tokio::time::timeout(pause, stream.next()).await {
        Err(_elapsed) => Err(ApiError::TooSlow),
        Ok(None) => Ok(None),
        Ok(Some(Ok(part))) => Ok(Some(part)),
        Ok(Some(Err(error))) => Err(ApiError::invalid(
            "body",
            "",
            error.to_string(),
            "a complete body",
        )),
    }
}

/// A small body whole.
///
/// # Errors
/// 413 above `limit` bytes; see [`next_part`].
pub async fn read_small(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::TooLarge(format!("the body has more than {limit} bytes"));
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    if headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|coding| coding != "identity")
    {
        return Err(ApiError::UnsupportedMedia {
            field: "Content-Encoding",
            value: String::from_utf8_lossy(headers[header::CONTENT_ENCODING].as_bytes()).into_owned(),
            expected: "a plain body".to_owned(),
        });
    }
    let mut stream = body.into_data_stream();
    let mut whole = BytesMut::new();
    while let Some(part) = next_part(&mut stream).await? {
        if whole.len() + part.len() > limit {
            return Err(too_large());
        }
        whole.extend_from_slice(&part);
    }
    Ok(whole.freeze())
}

/// A small JSON body. Its depth is bounded by `serde_json` (128) before any type is filled.
///
/// # Errors
/// 415 for another type, 413, 400 when it is no JSON, 422 when it says something else than expected.
pub async fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<T, ApiError> {
    match media_type(headers).as_deref() {
        Some("application/json" | "application/geo+json") => {}
        other => {
            return Err(ApiError::UnsupportedMedia {
                field: "Content-Type",
                value: other.unwrap_or("none").chars().take(100).collect(),
                expected: "application/json".to_owned(),
            });
        }
    }
    let bytes = read_small(headers, body, limit).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let field = format!("body, line {} column {}", error.line(), error.column());
        let fault = FieldError {
            field,
            value: None,
            reason: error.to_string(),
            expected: "JSON as the API document describes".to_owned(),
            file: None,
            line: None,
        };
        if error.is_data() {
            ApiError::Unprocessable(vec![fault])
        } else {
            ApiError::Invalid(vec![fault])
        }
    })
}
