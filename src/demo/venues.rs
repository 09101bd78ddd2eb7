use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::demo::areas::{Commune, apportion};
use crate::demo::facts::{DISTRICTS, INDUSTRY, UNIVERSITY};
use crate::demo::grid::{GRID, GridCell, distance_km};
use crate::demo::places::{KINDS, KindFacts, facts};
use crate::demo::rng::{Topic, Weighted, dice, normal};
use crate::geo::{BASE_RESOLUTION, Cell, LngLat};
use crate::model::{Timestamp, Venue, VenueId, VenueKind};

/// What the outbreak needs of a venue, index for index with the registry.
#[derive(Clone, Debug)]
pub struct Site {
    pub kind: VenueKind,
    pub at: LngLat,
    /// Resolution 9.
    pub cell: Cell,
    pub draw: f64,
    pub jobs: f64,
    pub area_m2: f64,
    /// Chang-like: how much of an infectious hour reaches one other person, before the common factor.
    pub hazard: f64,
}

/// The registry (parents before children) and, beside it, what the simulation needs.
pub fn venues(
    seed: u64,
    count: u32,
    grid: &[GridCell],
    communes: &[Commune],
    valid_from: Timestamp,
) -> (Vec<Venue>, Vec<Site>) {
    let mut builder = Builder::new(seed, grid, communes, valid_from);
    let children = u64::from(count) / 25;
    let shares: Vec<f64> = KINDS.iter().map(|row| f64::from(row.share)).collect();
    let counts = apportion(u64::from(count) - children, &shares);
    for (row, count) in KINDS.iter().zip(counts) {
        for number in 1..=count {
            builder.add(row, number);
        }
    }
    builder.add_children(children);
    (builder.venues, builder.sites)
}

struct Builder<'a> {
    rng: ChaCha8Rng,
    grid: &'a [GridCell],
    /// Grid cell → commune.
    commune_of: Vec<usize>,
    communes: &'a [Commune],
    by_people: Weighted,
    by_towns: Weighted,
    valid_from: Timestamp,
    venues: Vec<Venue>,
    sites: Vec<Site>,
    /// Grid cell → venues there: new ones gather in the same streets.
    streets: Vec<Vec<u32>>,
}

impl<'a> Builder<'a> {
    fn new(seed: u64, grid: &'a [GridCell], communes: &'a [Commune], valid_from: Timestamp) -> Self {
        let residents = |cell: &GridCell| DISTRICTS[cell.district].population as f64 * cell.share;
        let mut commune_of = vec![0; grid.len()];
        for (index, commune) in communes.iter().enumerate() {
            for at in &commune.cells {
                commune_of[*at] = index;
            }
        }
        Self {
            rng: dice(seed, Topic::Venues, 0, 0),
            grid,
            commune_of,
            communes,
            by_people: Weighted::new(grid.iter().map(residents)),
            by_towns: Weighted::new(grid.iter().map(|cell| residents(cell).powf(1.35))),
            valid_from,
            venues: Vec::new(),
            sites: Vec::new(),
            streets: vec![Vec::new(); grid.len()],
        }
    }

    fn add(&mut self, row: &KindFacts, number: u64) {
        let (at, home, boost) = self.place(row.kind, number);
        // Few are large, and size is felt more in the number of people than in m².
        let tail = (1.0 - self.rng.random::<f64>()).powf(-1.0 / 1.25).min(45.0);
        let size = (0.45 * normal(&mut self.rng)).exp() * tail.powf(0.5) * boost;
        let prefix = row.names[self.rng.random_range(0..row.names.len())];
        let name = match (row.kind, boost > 1.0) {
            (VenueKind::School, true) => format!("Trường đại học, cao đẳng số {number}"),
            (VenueKind::Factory, true) => format!("{prefix} {number}, {}", nearest_park(at)),
            _ => format!("{prefix} {number}"),
        };
        self.push(row, home, at, name, None, (size, tail));
    }

    /// Where a venue of the kind stands, its grid cell, and how much larger than usual it is.
    fn place(&mut self, kind: VenueKind, number: u64) -> (LngLat, usize, f64) {
        if kind == VenueKind::Factory && number.is_multiple_of(3) {
            let mut roll: f64 = self.rng.random();
            for (lng, lat, share, _) in INDUSTRY {
                roll -= share;
                if roll <= 0.0 {
                    let spot = self.near(LngLat::new(lng, lat).ok(), 0.9);
                    let boost = if number == 3 { 9.0 } else { 3.0 };
                    return (spot.0, spot.1, boost);
                }
            }
        }
        if kind == VenueKind::School && number <= 8 {
            let spot = self.near(LngLat::new(UNIVERSITY.0, UNIVERSITY.1).ok(), 1.0);
            return (spot.0, spot.1, 6.0);
        }
        let everywhere = matches!(
            kind,
            VenueKind::School | VenueKind::Worship | VenueKind::Clinic | VenueKind::Shop
        );
        let by = if everywhere {
            &self.by_people
        } else {
            &self.by_towns
        };
        let home = by.draw(&mut self.rng).unwrap_or(0);
        (self.street(home), home, 1.0)
    }

    /// A point within some km, in the province.
    fn near(&mut self, centre: Option<LngLat>, spread_km: f64) -> (LngLat, usize) {
        let close = self.grid.iter().map(|cell| {
            centre.map_or(1.0, |centre| {
                (-0.5 * (distance_km(cell.cell.centre(), centre) / spread_km).powi(2)).exp()
            })
        });
        let home = Weighted::new(close).draw(&mut self.rng).unwrap_or(0);
        (self.grid[home].point(&mut self.rng), home)
    }

    /// A point in the cell, often beside a venue that is there already.
    fn street(&mut self, home: usize) -> LngLat {
        if !self.streets[home].is_empty() && self.rng.random_bool(0.7) {
            let beside = self.streets[home][self.rng.random_range(0..self.streets[home].len())];
            if let Some(at) = self.beside(home, beside as usize, 0.06) {
                return at;
            }
        }
        self.grid[home].point(&mut self.rng)
    }

    fn beside(&mut self, home: usize, venue: usize, spread_km: f64) -> Option<LngLat> {
        let origin = self.sites[venue].at;
        let east = normal(&mut self.rng) * spread_km / 103.4;
        let north = normal(&mut self.rng) * spread_km / 110.7;
        let at = LngLat::new(origin.lng() + east, origin.lat() + north).ok()?;
        (Cell::at(at, GRID) == self.grid[home].cell).then_some(at)
    }

    /// Stalls of markets, shops of malls, workshops of factories, wards of hospitals, buildings of universities.
    fn add_children(&mut self, children: u64) {
        let part = |kind| match kind {
            VenueKind::Market => Some((VenueKind::Shop, "Dãy", 0.08)),
            VenueKind::Mall => Some((VenueKind::Shop, "Tầng", 0.15)),
            VenueKind::Factory => Some((VenueKind::Factory, "Phân xưởng", 0.3)),
            VenueKind::Hospital => Some((VenueKind::Hospital, "Khoa", 0.2)),
            VenueKind::School => Some((VenueKind::School, "Giảng đường", 0.3)),
            _ => None,
        };
        let mut parents: Vec<usize> = (0..self.sites.len())
            .filter(|at| part(self.sites[*at].kind).is_some())
            .collect();
        let pull = |at: &usize| self.sites[*at].draw + 0.05 * self.sites[*at].jobs;
        parents.sort_by(|a, b| pull(b).total_cmp(&pull(a)).then(a.cmp(b)));
        parents.truncate((children / 8).max(1) as usize);
        for number in 0..children {
            let parent = parents[number as usize % parents.len()];
            let nth = number as usize / parents.len() + 1;
            let Some((kind, word, fraction)) = part(self.sites[parent].kind) else {
                continue;
            };
            let row = facts(kind);
            let cell = Cell::at(self.sites[parent].at, GRID);
            let Some(home) = self.grid.iter().position(|own| own.cell == cell) else {
                continue;
            };
            let at = self.beside(home, parent, 0.03).unwrap_or(self.sites[parent].at);
            let name = format!("{word} {nth}, {}", self.venues[parent].name);
            let of = &self.sites[parent];
            let (area, draw, jobs) = (of.area_m2 * fraction, of.draw * fraction, of.jobs * fraction);
            self.push(row, home, at, name, Some(parent), (area / row.area_m2, 1.0));
            let own = self.sites.len() - 1;
            self.sites[own].draw = draw;
            self.sites[own].jobs = jobs;
        }
    }

    fn push(
        &mut self,
        row: &KindFacts,
        home: usize,
        at: LngLat,
        name: String,
        parent: Option<usize>,
        (size, tail): (f64, f64),
    ) {
        let index = self.venues.len();
        let area_m2 = (row.area_m2 * size).clamp(12.0, 60_000.0).round();
        let ach = (row.ach * (0.3 * normal(&mut self.rng)).exp() * 10.0).round() / 10.0;
        let known = self.rng.random_bool(0.8);
        self.venues.push(Venue {
            id: VenueId::new(&format!("tn-{:05}", index + 1)).expect("short printable ids"),
            name,
            kind: row.kind,
            at,
            area: Some(self.communes[self.commune_of[home]].code.clone()),
            parent: parent.map(|parent| self.venues[parent].id.clone()),
            floor_area_m2: Some(area_m2),
            volume_m3: known.then(|| (area_m2 * row.height_m).round()),
            marks_reach_parent: None,
            ventilation_ach: known.then_some(ach),
            capacity: Some(((area_m2 / row.crowding_m2) as u32).max(2)),
            hours: Some(row.hours.to_owned()),
            valid_from: self.valid_from,
        });
        self.sites.push(Site {
            kind: row.kind,
            at,
            cell: Cell::at(at, BASE_RESOLUTION),
            draw: row.draw * tail,
            jobs: row.jobs * size,
            area_m2,
            hazard: (100.0 / area_m2) * (2.0 / ach.max(0.5)).sqrt(),
        });
        self.streets[home].push(index as u32);
    }
}

fn nearest_park(at: LngLat) -> &'static str {
    let far = |park: &(f64, f64, f64, &str)| {
        LngLat::new(park.0, park.1).map_or(f64::MAX, |centre| distance_km(centre, at))
    };
    let nearest = INDUSTRY.iter().min_by(|a, b| far(a).total_cmp(&far(b)));
    nearest.map_or("", |park| park.3)
}
