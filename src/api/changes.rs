use std::convert::Infallible;
use std::time::Duration;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use serde_json::json;

use crate::api::edge::{ApiError, Class};
use crate::api::state::ApiState;

/// A comment this often keeps proxies from closing the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The shortest time between two events: snapshots in between are told as one.
const PAUSE: Duration = Duration::from_secs(1);

/// `GET /v1/changes`: an event for each published snapshot, starting with the present one. The channel
/// holds one value, so a slow client misses generations, never piles them up.
pub async fn stream(State(state): State<ApiState>) -> Result<Response, ApiError> {
    let place = state.gates.enter(Class::Stream)?;
    let mut changes = state.pipeline.changes();
    changes.mark_changed();
    let closing = state.closing();
    let parts = futures_util::stream::unfold(
        (state, changes, closing, place, true),
        |(state, mut changes, mut closing, place, is_first)| async move {
            if !is_first {
                tokio::time::sleep(PAUSE).await;
            }
            let part = tokio::select! {
                _ = closing.wait_for(|closing| *closing) => return None,
                changed = changes.changed() => {
                    changed.ok()?;
                    let generation = *changes.borrow_and_update();
                    let as_of = state.snapshot().as_of().to_rfc3339(state.pipeline.offset());
                    let data = json!({"generation": generation, "as_of": as_of});
                    let retry = if is_first { "retry: 3000\n" } else { "" };
                    format!("{retry}event: change\nid: {generation}\ndata: {data}\n\n")
                }
                () = tokio::time::sleep(HEARTBEAT) => ": still here\n\n".to_owned(),
            };
            Some((
                Ok::<_, Infallible>(Bytes::from(part)),
                (state, changes, closing, place, false),
            ))
        },
    );
    let mut response = Response::new(Body::from_stream(parts));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
