use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::api::edge::{ApiError, Caller};
use crate::api::state::ApiState;

/// `GET /healthz`: the process answers. Touches nothing else.
pub async fn healthz() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], "ok\n").into_response()
}

/// `GET /readyz`: a snapshot is loaded, the database answers, and nobody asked us to stop. How many events there
/// are is told to keys only: two looks at it count what came in between.
pub async fn readyz(State(state): State<ApiState>, caller: Caller) -> Response {
    let database = state.pipeline.store().position().await;
    let is_stopping = state.pipeline.is_stopping();
    // A server whose rules could not be reloaded is ready: those from before are in force.
    let is_ready = database.is_ok() && !is_stopping;
    let (rules, offset) = (state.pipeline.rules_status(), state.pipeline.offset());
    let mut body = json!({
        "ready": is_ready,
        "generation": state.snapshot().generation(),
        "as_of": state.snapshot().as_of().to_rfc3339(offset),
        "database": if database.is_ok() { "ok" } else { "failing" },
        "stopping": is_stopping,
        "rules": {
            "since": rules.since.to_rfc3339(offset),
            "failed_at": rules.failed.as_ref().map(|(at, _)| at.to_rfc3339(offset)),
        },
    });
    if caller.key.is_some() {
        body["position"] = json!(database.ok());
    }
    let status = if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("no-store"),
    );
    if !is_ready {
        headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("2"));
    }
    (status, headers, body.to_string()).into_response()
}

/// `GET /metrics`, Prometheus text. It holds raw counts, so it needs a key: `authorization: { credentials: … }` in
/// the scrape job.
pub async fn metrics(State(state): State<ApiState>) -> Result<Response, ApiError> {
    let handle = state
        .metrics
        .as_ref()
        .ok_or_else(|| ApiError::NotFound("this server records no metrics".to_owned()))?;
    let kind = (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    Ok(([kind, (header::CACHE_CONTROL, "no-store")], handle.render()).into_response())
}
