use crate::model::{Case, CaseStatus, Day, Event, UtcOffset};

/// By what the transmission risk of a case's stay is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onset {
    /// The day of first symptoms is known: days from it to the local day on which the stay began; negative before it.
    Known {
        /// Those days.
        days_since: i32,
    },
    /// It is not: the age of the stay is counted back from the local day on which the case was reported.
    NotKnown {
        /// That day. It stays with the mark, so that a later report does not change what was decided.
        reported: Day,
    },
}

impl Onset {
    /// What the reports of a case (newest first) say for a stay that began on `visit`; `None` without a report.
    ///
    /// The newest report that names an onset holds. Where none does, the day is that of the first report after the
    /// case was more than suspected: later ones tell how the person fares, not when the case was found.
    #[must_use]
    pub fn of_case(reports: &[Event<Case>], visit: Day, offset: UtcOffset) -> Option<Self> {
        if let Some(onset) = reports.iter().find_map(|report| report.record.onset) {
            let days_since = visit.0.saturating_sub(onset.0);
            return Some(Self::Known { days_since });
        }
        let found = reports
            .iter()
            .rev()
            .find(|report| report.record.status != CaseStatus::Suspected);
        let reported = Day::of(found.or(reports.last())?.at, offset);
        Some(Self::NotKnown { reported })
    }

    /// Days from onset to a local day of a stay that began on `visit`, where the onset is known.
    #[must_use]
    pub fn days_since(self, visit: Day, day: Day) -> Option<i32> {
        match self {
            Self::Known { days_since } => Some(days_since.saturating_add(day.0.saturating_sub(visit.0))),
            Self::NotKnown { .. } => None,
        }
    }

    /// Days from a local day of the stay to the report, where the onset is not known; 0 after the report.
    #[must_use]
    pub fn age_days(self, day: Day) -> Option<i32> {
        match self {
            Self::Known { .. } => None,
            Self::NotKnown { reported } => Some(reported.0.saturating_sub(day.0).max(0)),
        }
    }
}
