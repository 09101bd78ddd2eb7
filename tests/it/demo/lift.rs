//! Whether the scores find the venues where the virus goes next: the simulation knows, the scores do not.

use vungxanh::geo::{Cell, LngLat, Resolution};
use vungxanh::index::{AreaIndex, CellPopulation};
use vungxanh::model::{CaseKind, Hour, Timestamp};
use vungxanh::risk::{
    Audience, Homes, Prevalence, VenueAir, VenueForecastInputs, VenueInputs, air_risk, forecast_figures,
    prevalence, venue_figures,
};

use super::*;

const DAY_S: i64 = 86_400;
/// Days after the cut in which infections are looked for.
const AHEAD_DAYS: i64 = 3;
const OFFSET: UtcOffset = UtcOffset::VIETNAM;

/// What a deployment knows at the cut, and where infections happened in the days behind it.
struct Cut {
    world: Arc<DemoWorld>,
    now: Timestamp,
    /// Arrivals by venue and hour.
    arrivals: Vec<Vec<(Hour, u32)>>,
    /// Marks that had been approved, by venue.
    marks: Vec<Vec<Mark>>,
    /// Reported community cases with a place.
    cases: Vec<(Timestamp, LngLat)>,
    /// Infections at each venue in the days after.
    infections: Vec<u32>,
}

impl Cut {
    fn of(seed: u64) -> Self {
        let config = DemoConfig {
            seed,
            people: 24_000,
            venues: 8_000,
            days: 21,
            ..DemoConfig::default()
        };
        let mut stream = stream(&config);
        let world = Arc::clone(stream.world());
        let now = config.end;
        let numbers: HashMap<&VenueId, usize> = world
            .venues
            .iter()
            .enumerate()
            .map(|(at, venue)| (&venue.id, at))
            .collect();
        let whole = Whole::of(stream.history());
        let mut by_hour: Vec<BTreeMap<Hour, u32>> = vec![BTreeMap::new(); world.venues.len()];
        for event in whole
            .check_ins
            .iter()
            .filter(|event| event.record.direction != Direction::Out)
        {
            let sums = &mut by_hour[numbers[&event.record.venue]];
            *sums.entry(event.at.hour()).or_default() += u32::from(event.record.party_size);
        }
        let mut latest: BTreeMap<&str, &Mark> = BTreeMap::new();
        for mark in &whole.marks {
            latest.insert(mark.id.as_str(), mark);
        }
        let mut marks: Vec<Vec<Mark>> = vec![Vec::new(); world.venues.len()];
        for mark in latest
            .into_values()
            .filter(|mark| mark.state == MarkState::Approved)
        {
            marks[numbers[&mark.venue]].push(mark.clone());
        }
        let community = whole
            .cases
            .iter()
            .filter(|event| event.record.kind == CaseKind::Community);
        let cases = community
            .filter_map(|event| Some((event.at, event.record.location?)))
            .collect();
        stream.events_between(now, now.plus_s(AHEAD_DAYS * DAY_S));
        let mut infections = vec![0; world.venues.len()];
        for infection in stream.truth() {
            if infection.at >= now
                && infection.at < now.plus_s(AHEAD_DAYS * DAY_S)
                && infection.by.is_some()
                && let Some(venue) = infection.venue
            {
                infections[venue as usize] += 1;
            }
        }
        Self {
            arrivals: by_hour
                .into_iter()
                .map(|hours| hours.into_iter().collect())
                .collect(),
            world,
            now,
            marks,
            cases,
            infections,
        }
    }

    /// Exposure minutes of the worst recent day, as officials see it.
    fn now_scores(&self, rules: &Rules) -> Vec<f64> {
        let venues = self.world.venues.iter().zip(&self.marks);
        venues
            .map(|(venue, marks)| {
                let inputs = VenueInputs {
                    marks,
                    group: None,
                    assessments: &[],
                    kind: venue.kind,
                    now: self.now,
                    offset: OFFSET,
                };
                let figures = venue_figures(rules, &inputs, Audience::Official);
                figures.exposure.iter().map(|day| day.minutes).fold(0.0, f64::max)
            })
            .collect()
    }

    fn intrinsic_scores(&self, rules: &Rules) -> Vec<f64> {
        let venues = self.world.venues.iter();
        venues
            .map(|venue| air_risk(&rules.air, venue, self.now).group)
            .collect()
    }

    /// Expected infections, as `/v1/forecasts` computes them.
    fn forecast_scores(&self, rules: &Rules) -> Vec<f64> {
        let rules_of = &rules.forecast;
        let areas = AreaIndex::new(&self.world.areas);
        let population = CellPopulation::new(&areas, Day::of(self.now, OFFSET));
        let resolution = Resolution::new(rules_of.homes.resolution).unwrap();
        let mut ill: HashMap<Cell, f64> = HashMap::new();
        let since = self.now.plus_s(-i64::from(rules_of.case_days) * DAY_S);
        for (_, place) in self.cases.iter().filter(|(at, _)| *at >= since) {
            *ill.entry(Cell::at(*place, resolution)).or_default() += 1.0;
        }
        let mut known: HashMap<Cell, (Homes, Option<Prevalence>)> = HashMap::new();
        let venues = self.world.venues.iter().zip(&self.arrivals);
        venues
            .map(|(venue, arrivals)| {
                let cell = Cell::at(venue.at, resolution);
                let (homes, infectious) = *known.entry(cell).or_insert_with(|| {
                    let around = cell.grid_disk(rules_of.homes.rings).into_iter().map(|home| {
                        let km = cell.centre().distance_m(home.centre()) / 1000.0;
                        (km, ill.get(&home).copied().unwrap_or(0.0), population.of(home))
                    });
                    let homes = Homes::around(&rules_of.homes, around);
                    (homes, prevalence(rules_of, &homes))
                });
                let air = VenueAir::of(&rules.air, venue);
                let inputs = VenueForecastInputs {
                    arrivals,
                    area_m2: air.area_m2,
                    stay_min: air.kind.stay_min,
                    homes: &homes,
                    infectious,
                    now: self.now.hour(),
                    as_of: self.now,
                };
                forecast_figures(rules_of, &inputs)
                    .infections
                    .map_or(0.0, |interval| interval.mean)
            })
            .collect()
    }

    fn visit_scores(&self) -> Vec<f64> {
        let sum = |hours: &Vec<(Hour, u32)>| f64::from(hours.iter().map(|(_, visits)| visits).sum::<u32>());
        self.arrivals.iter().map(sum).collect()
    }

    /// How many times its share the top tenth by a score holds: of venues with infections, and of infections.
    /// Venues of equal score stand in for each other: each counts by the part of them that is in the tenth.
    fn lift(&self, scores: &[f64]) -> (f64, f64) {
        let mut sorted = scores.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let tenth = scores.len() / 10;
        let least = sorted[tenth - 1];
        let above = scores.iter().filter(|score| **score > least).count();
        let ties = scores.iter().filter(|score| **score == least).count();
        let of_ties = (tenth - above) as f64 / ties as f64;
        let (mut held, mut all, mut held_infections, mut all_infections) = (0.0, 0.0, 0.0, 0.0);
        for (score, infections) in scores
            .iter()
            .zip(&self.infections)
            .filter(|(_, count)| **count > 0)
        {
            let part = if *score > least {
                1.0
            } else if *score == least {
                of_ties
            } else {
                0.0
            };
            held += part;
            all += 1.0;
            held_infections += part * f64::from(*infections);
            all_infections += f64::from(*infections);
        }
        let share = tenth as f64 / scores.len() as f64;
        (held / all / share, held_infections / all_infections / share)
    }
}

/// Printed for every score. What holds is asserted of the forecast: it is what is meant to look ahead. Plain numbers of
/// visits find as many of these venues in this world, where most infections happen where most people are; the forecast
/// adds how many infections to expect, and per visit.
#[test]
fn the_forecast_finds_the_venues_where_the_virus_goes_next() {
    let rules = Rules::builtin();
    let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    // Chosen before anybody saw what comes of them.
    let seeds = [101, 211, 307];
    for seed in seeds {
        let cut = Cut::of(seed);
        let with: usize = cut.infections.iter().filter(|count| **count > 0).count();
        println!(
            "seed {seed}: {} infections at {with} of {} venues within {AHEAD_DAYS} days, {} cases with a place reported before",
            cut.infections.iter().sum::<u32>(),
            cut.infections.len(),
            cut.cases.len()
        );
        let scores = [
            ("now", cut.now_scores(&rules)),
            ("intrinsic", cut.intrinsic_scores(&rules)),
            ("forecast", cut.forecast_scores(&rules)),
            ("visits alone", cut.visit_scores()),
        ];
        for (name, scores) in &scores {
            let (venues, infections) = cut.lift(scores);
            println!(
                "  {name:>12}: top tenth holds {venues:.1} × its share of these venues, {infections:.1} × of infections"
            );
            let sum = sums.entry(name).or_default();
            *sum = (sum.0 + venues, sum.1 + infections);
        }
    }
    let n = seeds.len() as f64;
    for (name, (venues, infections)) in &sums {
        println!(
            "mean {name:>12}: {:.1} × of venues, {:.1} × of infections",
            venues / n,
            infections / n
        );
    }
    let lift = sums["forecast"].0 / n;
    assert!(
        lift >= 5.0,
        "the forecast's top tenth holds {lift:.1} times its share"
    );
    assert!(
        sums["now"].0 / n > 1.0,
        "exposure of now says something about tomorrow"
    );
}
