use crate::model::{AreaCode, Case, Day, Event};
use crate::pipeline::recount::chain_of;
use crate::pipeline::{Pipeline, PipelineError};
use crate::risk::CaseDates;

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
        let cases = self
            .store()
            .cases_first_counted(first.first_hour(offset), to)
            .await?;
        let (snapshot, code) = (self.snapshot(), code.clone());
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
