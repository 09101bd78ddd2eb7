use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use axum::http::HeaderMap;

use crate::api::edge::ApiError;
use crate::api::state::ApiState;

/// Keeps the same Idempotency-Key from being worked on twice at once.
pub(super) struct Slot {
    under_way: Arc<Mutex<HashSet<(String, String)>>>,
    /// Who sent it, and the key.
    pub(super) name: (String, String),
}

impl Slot {
    pub(super) fn take(state: &ApiState, actor: &str, key: String) -> Result<Self, ApiError> {
        let name = (actor.to_owned(), key);
        let under_way = Arc::clone(&state.under_way);
        let is_first = under_way.lock().is_ok_and(|mut names| names.insert(name.clone()));
        if is_first {
            Ok(Self { under_way, name })
        } else {
            Err(ApiError::Conflict(
                "a batch with this Idempotency-Key is under way; ask again when it is done".to_owned(),
            ))
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Ok(mut names) = self.under_way.lock() {
            names.remove(&self.name);
        }
    }
}

/// The key of a request that has one.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    const EXPECTED: &str = "1 to 128 visible ASCII characters";
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or("");
    if (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(Some(text.to_owned()))
    } else {
        Err(ApiError::invalid(
            "Idempotency-Key",
            text,
            "is not usable",
            EXPECTED,
        ))
    }
}
