use std::borrow::Cow;

use axum::{extract::State, response::Response};
use serde::Serialize;
use serde_json::Value;

use crate::api::edge::{ApiError, Caller};
use crate::api::state::ApiState;
use crate::api::v1::list::{ListAsk, ListRow};
use crate::api::v1::view::View;
use crate::risk::{RuleHead, Text};

/// A rule that levels or figures come from.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RuleRow {
    /// `air`, `area`, `cell`, `forecast`, `venue`, `tracing`, `trend`, `release` or `instrument`.
    pub kind: &'static str,
    /// Short id.
    pub id: String,
    /// Version.
    pub version: String,
    /// Vietnamese name.
    pub title_vi: String,
    /// English name.
    pub title_en: String,
    /// Legal or scientific source.
    pub source: String,
    /// First local day it holds.
    pub valid_from: String,
    /// First local day it no longer holds.
    pub valid_to: Option<String>,
    /// Whether it holds on the day of `at`.
    pub valid: bool,
    /// Whether figures are published by it on the day of `at` (of several rules for areas one is).
    pub in_force: bool,
    /// Whether every part was checked against the primary text.
    pub confirmed: bool,
    /// What is not confirmed, or was decided here.
    #[schema(value_type = Vec<Object>)]
    pub notes: Vec<Text>,
}

impl ListRow for RuleRow {
    const COLUMNS: &'static [&'static str] = &[
        "kind",
        "id",
        "version",
        "title_vi",
        "title_en",
        "source",
        "valid_from",
        "valid_to",
        "valid",
        "in_force",
        "confirmed",
    ];

    fn geometry(&self) -> Option<Cow<'_, Value>> {
        None
    }
}

/// `GET /v1/rules`.
pub async fn list(State(state): State<ApiState>, caller: Caller, ask: ListAsk) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &ask.query)?;
    let rules = state.pipeline.rules();
    let chosen = rules.areas.on(view.day()).rule.label();
    let rows: Vec<RuleRow> = rules
        .heads()
        .into_iter()
        .map(|(kind, head)| row(&view, kind, head, &chosen))
        .collect();
    let page = ask.page(rows, |row| format!("{}/{}@{}", row.kind, row.id, row.version));
    ask.write(&view.as_of(), &page, view.freshness())
}

fn row(view: &View, kind: &'static str, head: &RuleHead, chosen: &str) -> RuleRow {
    RuleRow {
        kind,
        id: head.id.clone(),
        version: head.version.clone(),
        title_vi: head.title.vi.clone(),
        title_en: head.title.en.clone(),
        source: head.source.clone(),
        valid_from: head.valid_from.clone(),
        valid_to: head.valid_to.clone(),
        valid: head.is_valid_on(view.day()),
        in_force: if kind == "area" {
            head.label() == chosen
        } else {
            head.is_valid_on(view.day())
        },
        confirmed: head.confirmed,
        notes: head.notes.clone(),
    }
}
