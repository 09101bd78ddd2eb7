use std::ops::Range;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::demo::areas::{Commune, apportion};
use crate::demo::grid::{GridCell, distance_km};
use crate::demo::places::{Errand, facts};
use crate::demo::rng::{Topic, Weighted, dice, normal};
use crate::demo::venues::Site;
use crate::geo::{BASE_RESOLUTION, Cell, LngLat};
use crate::model::VenueKind;

/// No workplace.
pub const NOWHERE: u32 = u32::MAX;
const SHOPS: usize = 4;
const TABLES: usize = 3;
const OTHERS: usize = 3;

/// Somebody who does not exist.
#[derive(Clone, Debug)]
pub struct Person {
    /// Index into the communes.
    pub commune: u16,
    /// Index into the grid.
    pub home_cell: u32,
    pub home: LngLat,
    /// Resolution 9.
    pub cell: Cell,
    /// Index of the household's first person; the others follow.
    pub household: u32,
    pub household_size: u8,
    /// Where the person works or studies, or [`NOWHERE`].
    pub work: u32,
    /// Usual venues by errand, the most liked first.
    favourites: [u32; SHOPS + TABLES + OTHERS],
    /// Mean chance to go out (and scan) on a day.
    pub activity: f32,
    /// Whether the person's phone watches for others by Bluetooth.
    pub bluetooth: bool,
}

impl Person {
    /// The shop or market the person likes most.
    pub fn usual_shop(&self) -> u32 {
        self.favourites[0]
    }

    /// A usual venue for an errand other than work, the first ones more often.
    pub fn favourite(&self, errand: Errand, rng: &mut ChaCha8Rng) -> u32 {
        let span = match errand {
            Errand::Food => SHOPS..SHOPS + TABLES,
            Errand::Other => SHOPS + TABLES..SHOPS + TABLES + OTHERS,
            _ => 0..SHOPS,
        };
        let roll: f64 = rng.random();
        let nth = (roll * roll * span.len() as f64) as usize;
        self.favourites[span.start + nth.min(span.len() - 1)]
    }
}

/// All people, households together and communes together, and each commune's range.
pub fn people(
    seed: u64,
    count: u32,
    grid: &[GridCell],
    communes: &[Commune],
    sites: &[Site],
) -> (Vec<Person>, Vec<Range<u32>>) {
    let shares: Vec<f64> = communes.iter().map(|commune| commune.residents as f64).collect();
    let counts = apportion(u64::from(count), &shares);
    let groups: Vec<Vec<Person>> = communes
        .par_iter()
        .zip(counts)
        .enumerate()
        .map(|(index, (commune, count))| residents(seed, index, commune, count as usize, grid, sites))
        .collect();
    let mut people = Vec::with_capacity(count as usize);
    let mut ranges = Vec::with_capacity(communes.len());
    for group in groups {
        let first = people.len() as u32;
        people.extend(group.into_iter().map(|mut person: Person| {
            person.household += first;
            person
        }));
        ranges.push(first..people.len() as u32);
    }
    (people, ranges)
}

/// Which venues a commune's people choose from: nearer and larger ones more often.
struct Choice {
    venues: Vec<u32>,
    weights: Weighted,
}

impl Choice {
    fn new(sites: &[Site], from: LngLat, reach_km: f64, pull: impl Fn(&Site) -> f64) -> Self {
        let (venues, weights): (Vec<u32>, Vec<f64>) = sites
            .iter()
            .enumerate()
            .filter_map(|(index, site)| {
                let far = distance_km(site.at, from) / reach_km;
                let weight = pull(site) / (1.0 + far * far * far);
                (weight > 0.0 && far < 9.0).then_some((index as u32, weight))
            })
            .unzip();
        Self {
            venues,
            weights: Weighted::new(weights),
        }
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> u32 {
        self.weights.draw(rng).map_or(0, |at| self.venues[at])
    }
}

fn residents(
    seed: u64,
    index: usize,
    commune: &Commune,
    count: usize,
    grid: &[GridCell],
    sites: &[Site],
) -> Vec<Person> {
    let mut rng = dice(seed, Topic::People, index as u64, 0);
    let by_share = Weighted::new(commune.cells.iter().map(|at| grid[*at].share));
    let densest = commune
        .cells
        .iter()
        .max_by(|a, b| grid[**a].share.total_cmp(&grid[**b].share));
    let Some(centre) = densest.map(|at| grid[*at].cell.centre()) else {
        return Vec::new();
    };
    let visits = |errand: Errand, reach_km: f64| {
        Choice::new(sites, centre, reach_km, |site| {
            if facts(site.kind).errand == errand {
                site.draw
            } else {
                0.0
            }
        })
    };
    let by_errand = [
        visits(Errand::Shopping, 2.2),
        visits(Errand::Food, 2.6),
        visits(Errand::Other, 4.0),
    ];
    let jobs = Choice::new(sites, centre, 7.0, |site| {
        if site.kind == VenueKind::School {
            0.0
        } else {
            site.jobs
        }
    });
    let schools = Choice::new(sites, centre, 2.0, |site| {
        if site.kind == VenueKind::School {
            site.jobs
        } else {
            0.0
        }
    });
    let mut people: Vec<Person> = Vec::with_capacity(count);
    while people.len() < count {
        let household = people.len() as u32;
        let roll: f64 = rng.random();
        let size = 1 + [0.09, 0.26, 0.5, 0.79, 0.92]
            .iter()
            .filter(|limit| roll > **limit)
            .count();
        let size = size.min(count - people.len());
        let home_cell = commune.cells[by_share.draw(&mut rng).unwrap_or(0)];
        let home = grid[home_cell].point(&mut rng);
        for _ in 0..size {
            let role: f64 = rng.random();
            let work = if role < 0.52 {
                jobs.draw(&mut rng)
            } else if role < 0.68 {
                schools.draw(&mut rng)
            } else {
                NOWHERE
            };
            let favourites = std::array::from_fn(|slot| {
                let errand = usize::from(slot >= SHOPS) + usize::from(slot >= SHOPS + TABLES);
                by_errand[errand].draw(&mut rng)
            });
            people.push(Person {
                commune: index as u16,
                home_cell: home_cell as u32,
                home,
                cell: Cell::at(home, BASE_RESOLUTION),
                household,
                household_size: size as u8,
                work,
                favourites,
                activity: (0.26 * (0.55 * normal(&mut rng)).exp()).min(0.95) as f32,
                bluetooth: rng.random_bool(0.55),
            });
        }
    }
    people
}
