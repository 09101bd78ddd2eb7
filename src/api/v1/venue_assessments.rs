use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use axum::{extract::State, response::Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::edge::{ApiError, Caller, Segments};
use crate::api::state::ApiState;
use crate::api::v1::list::{ListAsk, ListRow};
use crate::api::v1::venues::find;
use crate::api::v1::view::View;
use crate::model::AssessmentAuthor;
use crate::risk::{AssessmentOutcome, AssessmentRecord, Text, assess_at};

/// An assessment with its answers, and what they come to by the instrument in force.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct VenueAssessmentRow {
    /// Its id.
    pub id: String,
    /// When it was made.
    pub at: String,
    /// `self` or `inspector`.
    pub by: &'static str,
    /// The instrument it was sent for.
    pub instrument: String,
    /// The version that scores it; `null` where no rule in force knows it any more.
    pub scored_by: Option<String>,
    /// Whether it counts: the latest of its author, not expired.
    pub in_force: bool,
    /// From when on it does not count.
    pub expires: Option<String>,
    /// Score in the instrument's own unit.
    pub score: Option<f64>,
    /// Id of the class in the instrument; `null` where the text gives none.
    pub class: Option<String>,
    /// Level of the class, 1 to 4.
    pub level: Option<u8>,
    /// The class in words, or why there is none; Vietnamese and English.
    #[schema(value_type = Object)]
    pub outcome: Text,
    /// The class in words, English; for tables.
    pub outcome_en: String,
    /// How many items are not fully met.
    pub to_fix: u32,
    /// Item to points; `null` is 'not applicable'.
    #[schema(value_type = Object)]
    pub answers: BTreeMap<String, Option<f64>>,
}

impl ListRow for VenueAssessmentRow {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "at",
        "by",
        "instrument",
        "scored_by",
        "in_force",
        "expires",
        "score",
        "class",
        "level",
        "outcome_en",
        "to_fix",
        "answers",
    ];

    fn geometry(&self) -> Option<Cow<'_, Value>> {
        None
    }
}

/// `GET /v1/venues/{id}/assessments`: every assessment that is kept, newest first. Answers say where a hospital has no
/// isolation room: they are for those who see exact figures of the venue; class, score and age are public in its risk.
pub async fn list(
    State(state): State<ApiState>,
    caller: Caller,
    segments: Segments,
    ask: ListAsk,
) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &ask.query)?;
    let entry = find(&view, &segments)?;
    let id = &entry.venue.id;
    if !view.sees_exact(entry.areas.iter()) {
        return Err(ApiError::Forbidden(format!(
            "venue `{id}` lies outside the areas of this key"
        )));
    }
    let rules = state.pipeline.rules();
    let events = state.pipeline.store().assessments_of(id, view.at).await?;
    let mut seen = BTreeSet::new();
    let rows: Vec<VenueAssessmentRow> = events
        .iter()
        .map(|event| {
            let record = AssessmentRecord::from(event);
            let result = assess_at(&rules.instruments, &record, view.at);
            let is_latest = seen.insert(record.by == AssessmentAuthor::Inspector);
            let is_known = rules.instruments.find(&record.instrument).is_some();
            let (class, level, outcome) = match result.outcome {
                AssessmentOutcome::Class { id, level, name, .. } => (Some(id), Some(level), name),
                AssessmentOutcome::UndefinedByRule(why) | AssessmentOutcome::Incomplete(why) => {
                    (None, None, why)
                }
            };
            VenueAssessmentRow {
                id: event.id.to_string(),
                at: view.time(event.at),
                by: match record.by {
                    AssessmentAuthor::Venue => "self",
                    AssessmentAuthor::Inspector => "inspector",
                },
                instrument: record.instrument,
                scored_by: is_known.then_some(result.instrument),
                in_force: is_latest && is_known && view.at < result.expires,
                expires: is_known.then(|| view.time(result.expires)),
                score: result.score,
                class,
                level,
                outcome_en: outcome.en.clone(),
                outcome,
                to_fix: result.to_fix,
                answers: record.answers.into_iter().collect(),
            }
        })
        .collect();
    let rows: Vec<(usize, VenueAssessmentRow)> = rows.into_iter().enumerate().collect();
    let page = ask
        .page(rows, |(place, _)| format!("{place:06}"))
        .map(|(_, row)| row);
    let beside = json!({"venue": id.as_str()});
    ask.write_beside(&view.as_of(), &page, view.freshness(), Some(beside))
}
