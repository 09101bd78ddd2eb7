use std::borrow::Cow;
use std::path::Path;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::edge::{ApiError, Caller, FieldError, Query, Segments};
use crate::api::state::ApiState;
use crate::api::v1::list::{ListAsk, ListRow};
use crate::api::v1::registry;
use crate::api::v1::view::View;
use crate::model::Role;
use crate::pipeline::{RulesError, file_name};
use crate::risk::{FindingAsked, RuleHead, Text};

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
    /// Legal or scientific source, in Vietnamese.
    pub source_vi: String,
    /// The same in English.
    pub source_en: String,
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
    /// What officials may declare of areas, for the rule to count with (kind `area`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingRow>,
}

/// What officials may declare of an area.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct FindingRow {
    /// By what it is declared.
    pub id: String,
    /// What it says, in Vietnamese.
    pub vi: String,
    /// The same in English.
    pub en: String,
    /// The level that it makes the least.
    pub level: u8,
    /// Of which tiers; of every one when empty.
    pub tiers: Vec<&'static str>,
}

impl ListRow for RuleRow {
    const COLUMNS: &'static [&'static str] = &[
        "kind",
        "id",
        "version",
        "title_vi",
        "title_en",
        "source_vi",
        "source_en",
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
        .map(|(kind, head)| {
            let area = rules
                .areas
                .all()
                .iter()
                .find(|each| kind == "area" && each.rule == *head);
            RuleRow {
                findings: area.map_or(Vec::new(), |area| area.findings().map(finding).collect()),
                ..row(&view, kind, head, &chosen)
            }
        })
        .collect();
    let page = ask.page(rows, |row| format!("{}/{}@{}", row.kind, row.id, row.version));
    let status = state.pipeline.rules_status();
    let mut reload = json!({
        "since": view.time(status.since),
        "failed_at": status.failed.as_ref().map(|(at, _)| view.time(*at)),
    });
    // What is wrong in the operator's files is theirs to know.
    if view.caller.role == Role::Admin
        && let Some((_, error)) = &status.failed
    {
        reload["error"] = json!(error);
    }
    ask.write_beside(
        &view.as_of(),
        &page,
        view.freshness(),
        Some(json!({ "reload": reload })),
    )
}

/// A rule, whole.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RuleAnswer {
    /// When the figures were last brought up to date.
    pub as_of: String,
    /// What is said of it in the list.
    #[serde(flatten)]
    pub row: RuleRow,
    /// What its file says, comments apart: every band, weight and constant.
    pub file: Value,
}

/// `GET /v1/rules/{kind}/{rule}`.
pub async fn one(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &query)?;
    let rules = state.pipeline.rules();
    let (kind, label) = (segments.text("kind"), segments.text("rule"));
    let heads = rules.heads();
    let found = heads
        .iter()
        .find(|(each, head)| *each == kind && head.label() == label);
    let (Some((kind, head)), Some(file)) = (found, rules.file(kind, label)) else {
        return Err(ApiError::NotFound(format!(
            "no rule `{kind}/{label}`; /v1/rules lists those there are"
        )));
    };
    let chosen = rules.areas.on(view.day()).rule.label();
    let answer = RuleAnswer {
        as_of: view.as_of(),
        row: row(&view, kind, head, &chosen),
        file: json!(file),
    };
    view.write(&headers, &answer)
}

/// Rules that were put in force.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ReloadAnswer {
    /// Since when they hold.
    pub since: String,
    /// What is other than before: `+kind/id@version` new, `-` gone, `~kind` says something else.
    pub changed: String,
    /// Every rule there is now, `kind/id@version`.
    pub rules: Vec<String>,
}

/// `POST /v1/rules/reload`: reads the files again and puts them in force; with one that is wrong nothing changes.
pub async fn reload(State(state): State<ApiState>, caller: Caller) -> Result<Response, ApiError> {
    let folder = state.config.rules.as_ref().filter(|rules| rules.folder.is_some());
    let folder = folder.ok_or_else(|| {
        ApiError::Conflict("the server was started without a folder of rules (--rules)".to_owned())
    })?;
    let changed = state.pipeline.reload_rules(folder, caller.actor()).await?;
    let rules = state.pipeline.rules();
    let heads = rules.heads().into_iter();
    let body = ReloadAnswer {
        since: state
            .pipeline
            .rules_status()
            .since
            .to_rfc3339(state.pipeline.offset()),
        changed,
        rules: heads
            .map(|(kind, head)| format!("{kind}/{}", head.label()))
            .collect(),
    };
    Ok(registry::json(StatusCode::OK, &body))
}

impl From<RulesError> for ApiError {
    fn from(error: RulesError) -> Self {
        match error {
            RulesError::Io { path, source } => Self::Unprocessable(vec![FieldError {
                file: Some(file_name(&path)),
                ..FieldError::new(
                    "rules",
                    "",
                    source.to_string(),
                    "a folder of TOML files that can be read",
                )
            }]),
            RulesError::Invalid(invalid) => Self::Unprocessable(vec![FieldError {
                field: invalid.field.map_or_else(|| "rules".to_owned(), String::from),
                value: invalid.value.map(String::from),
                reason: invalid.reason,
                expected: invalid.expected,
                file: Some(file_name(Path::new(&invalid.file))),
                line: invalid.line,
            }]),
            RulesError::UnknownArea { asked, known } => Self::Unprocessable(vec![FieldError::new(
                "area_rules",
                &asked,
                "is no rule for areas",
                format!("ids of {}", known.join(", ")),
            )]),
            RulesError::Pipeline(error) => error.into(),
        }
    }
}

fn row(view: &View, kind: &'static str, head: &RuleHead, chosen: &str) -> RuleRow {
    RuleRow {
        kind,
        id: head.id.clone(),
        version: head.version.clone(),
        title_vi: head.title.vi.clone(),
        title_en: head.title.en.clone(),
        source_vi: head.source.vi.clone(),
        source_en: head.source.en.clone(),
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
        findings: Vec::new(),
    }
}

fn finding(asked: FindingAsked<'_>) -> FindingRow {
    FindingRow {
        id: asked.id.to_string(),
        vi: asked.text.vi.clone(),
        en: asked.text.en.clone(),
        level: asked.level,
        tiers: asked.tiers.iter().map(|tier| tier.as_str()).collect(),
    }
}
