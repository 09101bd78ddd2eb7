use std::collections::{BTreeMap, BTreeSet};

use crate::geo::BBox;
use crate::index::{AreaEntry, AreaIndex};
use crate::model::{AreaCode, Case, Day, Event};
use crate::pipeline::recount::chain_of;
use crate::pipeline::{Pipeline, PipelineError};
use crate::risk::CaseDates;
use crate::store::CasePlace;

impl Pipeline {
    /// When the cases of an area that were first reported in first ..= last began (onset, or else the sample), and when
    /// they were reported. They count where the area's sums count them: in the areas as they are now.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn case_dates(
        &self,
        code: &AreaCode,
        first: Day,
        last: Day,
    ) -> Result<Vec<CaseDates>, PipelineError> {
        let offset = self.offset();
        let to = Day(last.0 + 1).first_hour(offset);
        let (snapshot, code) = (self.snapshot(), code.clone());
        let place = place_of(snapshot.areas(), &code);
        let cases = self
            .store()
            .cases_first_counted(first.first_hour(offset), to, place.as_ref())
            .await?;
        let dates = move |event: &Event<Case>| {
            let is_here = chain_of(snapshot.areas(), event, offset).contains(&code);
            let sampled = event.record.sampled.map(|at| Day::of(at, offset));
            is_here.then(|| CaseDates {
                belongs_to: event.record.onset.or(sampled),
                reported: Day::of(event.at, offset),
            })
        };
        // Points in outlines: CPU work.
        let found = tokio::task::spawn_blocking(move || cases.iter().filter_map(dates).collect());
        found.await.map_err(|_panicked| PipelineError::Task)
    }
}

/// The area and all that any version of them lies inside it, as wide as any version of them reaches: whatever counts in
/// the area lies there, and more may.
fn place_of(areas: &AreaIndex, code: &AreaCode) -> Option<CasePlace> {
    let mut inside: BTreeMap<&AreaCode, Vec<&AreaCode>> = BTreeMap::new();
    for entry in areas.entries() {
        if let Some(parent) = &entry.area.parent {
            inside.entry(parent).or_default().push(&entry.area.code);
        }
    }
    let mut codes = BTreeSet::from([code]);
    let mut waiting = vec![code];
    while let Some(holder) = waiting.pop() {
        for part in inside.remove(holder).unwrap_or_default() {
            if codes.insert(part) {
                waiting.push(part);
            }
        }
    }
    let versions = codes.iter().flat_map(|code| areas.versions(code));
    let bbox = versions.map(|entry: &AreaEntry| entry.bbox).reduce(around)?;
    Some(CasePlace {
        areas: codes.into_iter().cloned().collect(),
        bbox,
    })
}

/// A box around both. Around one that crosses the antimeridian it goes round the globe.
fn around(a: BBox, b: BBox) -> BBox {
    let goes_round = a.min_lng > a.max_lng || b.min_lng > b.max_lng;
    BBox {
        min_lng: if goes_round {
            -180.0
        } else {
            a.min_lng.min(b.min_lng)
        },
        min_lat: a.min_lat.min(b.min_lat),
        max_lng: if goes_round {
            180.0
        } else {
            a.max_lng.max(b.max_lng)
        },
        max_lat: a.max_lat.max(b.max_lat),
    }
}
