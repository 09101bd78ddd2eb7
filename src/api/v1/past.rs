use serde::Serialize;

use crate::api::edge::ApiError;
use crate::api::state::ApiState;
use crate::api::v1::venues::{VenueRiskAnswer, links, sees_exact_risk};
use crate::api::v1::view::View;
use crate::index::VenueEntry;
use crate::model::Timestamp;
use crate::pipeline::group_of;
use crate::risk::{
    AssessmentRecord, PastVenueRisk, Rules, Text, VenueGroup, VenueInputs, air_risk, venue_risk_then,
};

/// A stay and the air after it may reach into the look-back from before it, days.
const MARGIN_DAYS: i64 = 5;
const DAY_S: i64 = 86_400;

/// What an answer for a past instant rests on.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Past {
    /// The instant asked for.
    pub at: String,
    /// Whether all that counted then is in the answer. Where it is not, a venue's level is the least that it was.
    pub complete: bool,
    /// What is not known of then, or not told any more, each in Vietnamese and English.
    #[schema(value_type = Vec<Object>)]
    pub not_known: Vec<Text>,
}

impl Past {
    /// An answer that lacks nothing so far.
    #[must_use]
    pub fn whole(view: &View) -> Self {
        Self {
            at: view.time(view.at),
            complete: true,
            not_known: Vec::new(),
        }
    }

    /// Adds something that may be missing from the result.
    pub fn lacks(&mut self, vi: impl Into<String>, en: impl Into<String>) {
        self.complete = false;
        self.note(vi, en);
    }

    /// Adds something that is not known and leaves the result as it is.
    pub fn note(&mut self, vi: impl Into<String>, en: impl Into<String>) {
        self.not_known.push(Text::new(vi, en));
    }
}

/// Marks that end before this count in no day of the look-back.
#[must_use]
pub fn marks_since(rules: &Rules, at: Timestamp) -> Timestamp {
    at.plus_s(-(i64::from(rules.tracing.look_back_days) + MARGIN_DAYS) * DAY_S)
}

/// A venue's risk at a past instant, by the marks and assessments that counted then, as the caller may see it.
///
/// # Errors
/// Those of the store.
pub async fn venue_risk_at(
    state: &ApiState,
    view: &View,
    entry: &VenueEntry,
) -> Result<VenueRiskAnswer, ApiError> {
    let rules = state.pipeline.rules();
    let store = state.pipeline.store();
    let id = &entry.venue.id;
    let since = marks_since(&rules, view.at);
    let venues = view.snapshot.venues();
    // Which venue lies in which is not known of then: as it is now.
    let group = group_of(venues, &rules.venue, entry, &|each| &each.facts.marks);
    let is_exact = sees_exact_risk(view, entry, group.as_ref());
    let mut asked = group.as_ref().map(VenueGroup::others).unwrap_or_default();
    asked.push(id);
    let of_then = store.marks_at(&asked, since, view.at).await?;
    let is_whole = of_then.is_whole;
    let marks_then = of_then.by_venue();
    let records: Vec<AssessmentRecord> = store
        .assessments_at(id, view.at)
        .await?
        .iter()
        .map(AssessmentRecord::from)
        .collect();
    let at_then = |each: &VenueEntry| marks_then.get(&each.venue.id).map_or(&[][..], Vec::as_slice);
    let group_then = group_of(venues, &rules.venue, entry, &at_then);
    let then = VenueInputs {
        marks: at_then(entry),
        group: group_then.as_ref(),
        assessments: &records,
        kind: entry.venue.kind,
        now: view.at,
        offset: view.offset,
    };
    let present = VenueInputs {
        marks: &entry.facts.marks,
        group: group.as_ref(),
        now: view.now,
        ..then
    };
    let PastVenueRisk {
        risk,
        told_from,
        has_changed,
    } = venue_risk_then(&rules, &then, &present, View::audience(is_exact));
    let mut past = Past::whole(view);
    if let Some(day) = told_from {
        past.lacks(
            format!("Phơi nhiễm của những ngày trước {day} không còn được công bố"),
            format!("Exposure of days before {day} is no longer published"),
        );
    }
    if has_changed {
        past.lacks(
            "Phơi nhiễm của một ngày đã thay đổi sau thời điểm này, nên không được nêu",
            "Exposure of a day has changed since that instant, and is not told",
        );
    }
    // Whether a mark's past was lost is itself about a case: the public gets nothing that depends on it.
    if is_exact && !is_whole {
        past.lacks(
            "Không biết mọi mốc dịch tễ đã được duyệt hay chưa vào thời điểm này",
            "Whether every mark was approved at that instant is not known",
        );
    }
    past.note(
        "Không lưu thời điểm nhận đánh giá: đánh giá được tính từ khi thực hiện",
        "When an assessment arrived is not kept: it counts from when it was made",
    );
    if entry.venue.valid_from > view.at {
        past.note(
            "Không biết thông tin đăng ký của địa điểm khi đó: dùng thông tin hiện tại",
            "The registration of then is not known: the present one is used",
        );
    }
    Ok(VenueRiskAnswer {
        as_of: view.as_of(),
        venue: id.to_string(),
        exact: is_exact,
        past: Some(past),
        risk,
        intrinsic: air_risk(&rules.air, &entry.venue, view.at),
        forecast: None,
        links: links(view, id, is_exact),
    })
}
