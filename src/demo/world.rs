use std::ops::Range;

use crate::demo::areas::Commune;
use crate::demo::grid::GridCell;
use crate::demo::people::Person;
use crate::demo::venues::Site;
use crate::demo::{DemoConfig, areas, grid, people, reporting, venues};
use crate::model::{Area, AreaReport, Day, Timestamp, Venue};

use crate::demo::config::OFFSET;

/// The places and the people; the outbreak itself runs in [`crate::demo::DemoStream`].
#[derive(Clone, Debug)]
pub struct DemoWorld {
    /// What was asked for.
    pub config: DemoConfig,
    /// Province, districts and made-up communes, parents before children. All outlines are approximate.
    pub areas: Vec<Area>,
    /// Weekly reports of the province and its districts, by day.
    pub area_reports: Vec<AreaReport>,
    /// The registry of venues, parents before children.
    pub venues: Vec<Venue>,
    pub(super) grid: Vec<GridCell>,
    pub(super) communes: Vec<Commune>,
    pub(super) sites: Vec<Site>,
    pub(super) people: Vec<Person>,
    /// Each commune's people.
    pub(super) commune_people: Vec<Range<u32>>,
}

/// Builds the places and the people. Equal configurations give equal worlds.
#[must_use]
pub fn generate(config: &DemoConfig) -> DemoWorld {
    let config = DemoConfig {
        people: config.people.max(100),
        venues: config.venues.max(200),
        days: config.days.max(1),
        ..config.clone()
    };
    let grid = grid::province(config.seed);
    let communes = areas::communes(config.seed, &grid);
    let registered = config.end.plus_s(-i64::from(config.days + 60) * 86_400);
    let (venues, sites) = venues::venues(config.seed, config.venues, &grid, &communes, registered);
    let (people, commune_people) = people::people(config.seed, config.people, &grid, &communes, &sites);
    DemoWorld {
        areas: areas::areas(&grid, &communes, config.end),
        area_reports: reporting::area_reports(&config),
        config,
        venues,
        grid,
        communes,
        sites,
        people,
        commune_people,
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
