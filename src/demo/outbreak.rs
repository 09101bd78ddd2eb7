use std::collections::VecDeque;
use std::sync::Arc;

use rand::RngExt;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::demo::course::Course;
use crate::demo::facts::DISTRICTS;
use crate::demo::plan::{Restrictions, Visit, midnight, plan};
use crate::demo::rng::{Topic, dice, poisson};
use crate::demo::stream::Infection;
use crate::demo::world::DemoWorld;
use crate::demo::zoning::Zoning;
use crate::model::{CaseKind, Day, Timestamp, VenueKind};

/// Days simulated before the history starts, so that the outbreak is under way when it does.
pub const WARM_UP_DAYS: i32 = 14;
/// Days of visits kept for tracing.
const KEPT_DAYS: usize = 16;
/// Days of the truth log kept.
const TRUTH_DAYS: i32 = 90;
/// Days until somebody who had it can have it again: the map should live for ever.
const IMMUNE_DAYS: i32 = 120;
/// Infections per infectious hour that one other person shares in 100 m², for 60,000 simulated people.
const BETA: f64 = 8.5;
/// Days before the history on which health workers begin to look out.
const ALARM_DAYS: i32 = 2;
/// Share of the people met at marks who are found, while cases are few.
const TRACED: f64 = 0.4;
/// Chance a day to infect each housemate.
const HOUSEHOLD: f64 = 0.07;
/// Infections brought in from elsewhere, a day.
const IMPORTS: f64 = 0.35;

/// A day's visits, in the order of people and, through `by_venue`, of venues.
pub struct DayVisits {
    pub day: Day,
    pub visits: Vec<Visit>,
    /// Indices into `visits` by venue and time.
    pub by_venue: Vec<u32>,
}

impl DayVisits {
    fn new(world: &DemoWorld, day: Day, restrictions: &impl Restrictions) -> Self {
        let visits = plan(world, day, restrictions);
        let mut by_venue: Vec<u32> = (0..visits.len() as u32).collect();
        by_venue.sort_unstable_by_key(|at| {
            let visit = &visits[*at as usize];
            (visit.venue, visit.from, visit.person)
        });
        Self {
            day,
            visits,
            by_venue,
        }
    }

    /// One person's visits, in the order of time.
    pub fn of(&self, person: u32) -> &[Visit] {
        let from = self.visits.partition_point(|visit| visit.person < person);
        let to = self.visits.partition_point(|visit| visit.person <= person);
        &self.visits[from..to]
    }

    /// All visits to a venue, in the order of time.
    pub fn at(&self, venue: u32) -> impl Iterator<Item = &Visit> {
        let key = |at: &u32| self.visits[*at as usize].venue;
        let from = self.by_venue.partition_point(|at| key(at) < venue);
        let to = self.by_venue.partition_point(|at| key(at) <= venue);
        self.by_venue[from..to]
            .iter()
            .map(|at| &self.visits[*at as usize])
    }
}

/// The epidemic, a day at a time.
pub struct Outbreak {
    pub world: Arc<DemoWorld>,
    /// The next day to simulate.
    pub next_day: Day,
    pub days: VecDeque<Arc<DayVisits>>,
    pub courses: Vec<Course>,
    pub zoning: Zoning,
    pub truth: VecDeque<Infection>,
    /// Day of each person's last infection; far in the past for never.
    infected_on: Vec<i32>,
    /// Isolation or quarantine, from and to.
    away: FxHashMap<u32, (Timestamp, Timestamp)>,
    /// Community cases of each of the last 7 days by district.
    week: VecDeque<[u32; DISTRICTS.len()]>,
}

struct Today<'a> {
    outbreak: &'a Outbreak,
    day: Day,
    kept: [f64; DISTRICTS.len()],
}

impl Restrictions for Today<'_> {
    fn keeps(&self, person: u32) -> f64 {
        let someone = &self.outbreak.world.people[person as usize];
        let district = self.outbreak.world.communes[usize::from(someone.commune)].district;
        let zone = if self.outbreak.zoning.closes(someone.cell) {
            0.12
        } else {
            1.0
        };
        self.kept[district] * zone
    }

    fn isolated_from(&self, person: u32) -> Option<u32> {
        let (from, to) = self.outbreak.away.get(&person)?;
        let start = midnight(self.day);
        let end = start.plus_s(86_400);
        (*from < end && *to > start).then(|| (from.0 - start.0).clamp(0, 86_400) as u32)
    }

    fn shut(&self, venue: u32) -> bool {
        let site = &self.outbreak.world.sites[venue as usize];
        let essential = matches!(
            site.kind,
            VenueKind::Hospital | VenueKind::Clinic | VenueKind::Pharmacy
        );
        self.outbreak.zoning.shuts(venue) || (!essential && self.outbreak.zoning.closes(site.cell))
    }
}

impl Outbreak {
    /// The day from which on health workers look out: until then the virus spreads unseen.
    fn alarm(&self) -> Day {
        Day(self.world.first_day().0 - ALARM_DAYS)
    }

    /// The state before the first day of the warm-up, with its three index clusters.
    pub fn new(world: Arc<DemoWorld>) -> Self {
        let first = Day(world.first_day().0 - WARM_UP_DAYS);
        let mut outbreak = Self {
            next_day: first,
            days: VecDeque::new(),
            courses: Vec::new(),
            zoning: Zoning::default(),
            truth: VecDeque::new(),
            infected_on: vec![-1_000_000; world.people.len()],
            away: FxHashMap::default(),
            week: VecDeque::new(),
            world,
        };
        outbreak.seed_clusters(first);
        outbreak
    }

    /// Simulates the next day and returns the cases reported on it, in the order of their reports.
    pub fn step(&mut self) -> Vec<Course> {
        let day = self.next_day;
        self.next_day = Day(day.0 + 1);
        let world = Arc::clone(&self.world);
        let kept = self.behaviour();
        let visits = DayVisits::new(
            &world,
            day,
            &Today {
                outbreak: self,
                day,
                kept,
            },
        );
        let mut infections = self.spread_at_venues(&visits);
        infections.extend(self.spread_at_home(day));
        infections.extend(self.imports(day));
        infections.sort_by_key(|infection| (infection.at, infection.person));
        self.days.push_back(Arc::new(visits));
        if self.days.len() > KEPT_DAYS {
            self.days.pop_front();
        }
        for infection in infections {
            self.infect(infection, CaseKind::Community);
        }
        let mut cases: Vec<Course> = self
            .courses
            .iter()
            .filter(|c| c.reported_on(day))
            .cloned()
            .collect();
        cases.sort_by_key(|case| (case.reported, case.person));
        if day >= self.alarm() {
            self.trace(day, &cases);
        }
        self.book(day, &cases);
        cases
    }

    /// The venue visits of a person that officials would find for a case, oldest first.
    pub fn infectious_visits(&self, case: &Course) -> Vec<(Day, Visit)> {
        let sampled = case.sampled.unwrap_or(case.infectious_to);
        let from = if case.symptomatic {
            case.onset.plus_s(-3 * 86_400)
        } else {
            sampled.plus_s(-5 * 86_400)
        };
        let mut found = Vec::new();
        for visits in &self.days {
            let start = midnight(visits.day);
            for visit in visits.of(case.person) {
                let at = start.plus_s(i64::from(visit.from));
                if visit.scanned && at >= from && at <= sampled {
                    found.push((visits.day, *visit));
                }
            }
        }
        found
    }

    fn seed_clusters(&mut self, day: Day) {
        let world = Arc::clone(&self.world);
        let scale = |count: f64| ((count * world.people.len() as f64 / 60_000.0).round() as usize).max(1);
        let mut workers: FxHashMap<u32, u32> = FxHashMap::default();
        for person in &world.people {
            let factory = world
                .sites
                .get(person.work as usize)
                .is_some_and(|s| s.kind == VenueKind::Factory);
            if factory {
                *workers.entry(person.work).or_default() += 1;
            }
        }
        let factory = workers
            .iter()
            .max_by_key(|(venue, count)| (**count, u32::MAX - **venue))
            .map(|(v, _)| *v);
        let market = (0..world.sites.len())
            .filter(|at| world.sites[*at].kind == VenueKind::Market)
            .max_by(|a, b| world.sites[*a].draw.total_cmp(&world.sites[*b].draw));
        let in_factory = |at: &u32| Some(world.people[*at as usize].work) == factory;
        let at_market = |at: &u32| Some(world.people[*at as usize].usual_shop() as usize) == market;
        let everyone = || 0..world.people.len() as u32;
        let clusters: [(Vec<u32>, Option<u32>); 3] = [
            (everyone().filter(in_factory).take(scale(6.0)).collect(), factory),
            (
                everyone().filter(at_market).take(scale(5.0)).collect(),
                market.map(|at| at as u32),
            ),
            (everyone().skip(world.people.len() / 3).take(1).collect(), None),
        ];
        for (people, venue) in clusters {
            for (nth, person) in people.into_iter().enumerate() {
                let at = midnight(day).plus_s(9 * 3600 + nth as i64 * 600);
                let kind = if venue.is_none() {
                    CaseKind::Imported
                } else {
                    CaseKind::Community
                };
                self.infect(
                    Infection {
                        person,
                        by: None,
                        venue,
                        at,
                    },
                    kind,
                );
            }
        }
    }

    fn susceptible(&self, person: u32, day: Day) -> bool {
        day.0 - self.infected_on[person as usize] > IMMUNE_DAYS
    }

    fn infect(&mut self, infection: Infection, kind: CaseKind) {
        let day = Day::of(infection.at, crate::demo::config::OFFSET);
        if !self.susceptible(infection.person, day) {
            return;
        }
        self.infected_on[infection.person as usize] = day.0;
        let mut course = Course::new(
            self.world.config.seed,
            infection.person,
            infection.at,
            midnight(self.alarm()),
        );
        if course.sampled.is_some() {
            course.kind = kind;
        }
        if let Some(sampled) = course.sampled {
            self.isolate(course.person, sampled, sampled.plus_s(14 * 86_400));
        }
        self.courses.push(course);
        self.truth.push_back(infection);
    }

    fn isolate(&mut self, person: u32, from: Timestamp, to: Timestamp) {
        let span = self.away.entry(person).or_insert((from, to));
        // One span a person: an old one is replaced, an overlapping one grows.
        *span = if span.1 < from {
            (from, to)
        } else {
            (span.0.min(from), span.1.max(to))
        };
    }

    /// What each district keeps of its usual activity, given last week's cases.
    fn behaviour(&self) -> [f64; DISTRICTS.len()] {
        std::array::from_fn(|district| {
            let cases: u32 = self.week.iter().map(|day| day[district]).sum();
            let share = DISTRICTS[district].population as f64 / 1_286_751.0;
            let people = self.world.people.len() as f64 * share;
            (1.0 / (1.0 + f64::from(cases) / (people * 0.012 + 4.0))).max(0.6)
        })
    }

    fn spread_at_venues(&self, today: &DayVisits) -> Vec<Infection> {
        let start = midnight(today.day);
        let scale = BETA * 60_000.0 / self.world.people.len() as f64;
        let mut by_venue: FxHashMap<u32, Vec<(&Course, Visit)>> = FxHashMap::default();
        for course in self.courses.iter().filter(|course| course.sheds_on(today.day)) {
            for visit in today.of(course.person) {
                let at = start.plus_s(i64::from(visit.from));
                if at >= course.infectious_from && at <= course.infectious_to {
                    by_venue.entry(visit.venue).or_default().push((course, *visit));
                }
            }
        }
        let mut venues: Vec<u32> = by_venue.keys().copied().collect();
        venues.sort_unstable();
        let mut infections = Vec::new();
        for venue in venues {
            let hazard = scale * self.world.sites[venue as usize].hazard.clamp(0.02, 2.5);
            let mut rng = dice(
                self.world.config.seed,
                Topic::Venue,
                today.day.0 as u64,
                u64::from(venue),
            );
            for other in today.at(venue) {
                let roll: f64 = rng.random();
                if !self.susceptible(other.person, today.day) {
                    continue;
                }
                let mut total = 0.0;
                let mut strongest: Option<(f64, Infection)> = None;
                for (course, visit) in &by_venue[&venue] {
                    let (from, to) = (visit.from.max(other.from), visit.to.min(other.to));
                    if to <= from || course.person == other.person {
                        continue;
                    }
                    let dose = hazard * course.shed * f64::from(to - from) / 3600.0;
                    total += dose;
                    if strongest.as_ref().is_none_or(|(most, _)| dose > *most) {
                        let infection = Infection {
                            person: other.person,
                            by: Some(course.person),
                            venue: Some(venue),
                            at: start.plus_s(i64::from(from.midpoint(to))),
                        };
                        strongest = Some((dose, infection));
                    }
                }
                if let Some((_, infection)) = strongest
                    && roll < 1.0 - (-total).exp()
                {
                    infections.push(infection);
                }
            }
        }
        infections
    }

    fn spread_at_home(&self, day: Day) -> Vec<Infection> {
        let mut infections = Vec::new();
        for course in self.courses.iter().filter(|course| course.sheds_on(day)) {
            let someone = &self.world.people[course.person as usize];
            let mut rng = dice(
                self.world.config.seed,
                Topic::Household,
                day.0 as u64,
                u64::from(course.person),
            );
            let isolated = course.sampled.is_some_and(|at| at < midnight(day));
            for person in someone.household..someone.household + u32::from(someone.household_size) {
                let roll: f64 = rng.random();
                let hour = 20 * 3600 + rng.random_range(0..10_000);
                let infected = !isolated && roll < (HOUSEHOLD * course.shed).min(0.3);
                if infected && person != course.person && self.susceptible(person, day) {
                    infections.push(Infection {
                        person,
                        by: Some(course.person),
                        venue: None,
                        at: midnight(day).plus_s(hour),
                    });
                }
            }
        }
        infections
    }

    fn imports(&mut self, day: Day) -> Vec<Infection> {
        let world = Arc::clone(&self.world);
        let mut rng = dice(world.config.seed, Topic::Imports, day.0 as u64, 0);
        let count = poisson(&mut rng, IMPORTS * world.people.len() as f64 / 60_000.0);
        let mut missed = Vec::new();
        for _ in 0..count {
            let person = rng.random_range(0..world.people.len() as u32);
            let at = midnight(day).plus_s(rng.random_range(6 * 3600..22 * 3600));
            let infection = Infection {
                person,
                by: None,
                venue: None,
                at,
            };
            if rng.random_bool(0.6) {
                self.infect(infection, CaseKind::Imported);
            } else {
                missed.push(infection);
            }
        }
        missed
    }

    /// Housemates and part of the people met at marks go into quarantine from the next day on.
    fn trace(&mut self, day: Day, cases: &[Course]) {
        let world = Arc::clone(&self.world);
        let tomorrow = midnight(Day(day.0 + 1));
        // Tracers find fewer contacts a case the more cases there are.
        let found_share = TRACED / (1.0 + cases.len() as f64 / 40.0);
        let mut found: FxHashSet<u32> = FxHashSet::default();
        for case in cases {
            let mut rng = dice(
                world.config.seed,
                Topic::Tracing,
                u64::from(case.person),
                day.0 as u64,
            );
            let someone = &world.people[case.person as usize];
            found.extend(someone.household..someone.household + u32::from(someone.household_size));
            for (on, visit) in self.infectious_visits(case) {
                let Some(visits) = self.days.iter().find(|visits| visits.day == on) else {
                    continue;
                };
                for other in visits.at(visit.venue) {
                    let shared = i64::from(visit.to.min(other.to)) - i64::from(visit.from.max(other.from));
                    if other.scanned && shared >= 900 && rng.random_bool(found_share) {
                        found.insert(other.person);
                    }
                }
            }
            found.remove(&case.person);
        }
        let mut found: Vec<u32> = found.into_iter().collect();
        found.sort_unstable();
        for person in found {
            self.isolate(person, tomorrow, tomorrow.plus_s(14 * 86_400));
            for course in self.courses.iter_mut().filter(|course| course.person == person) {
                let test = tomorrow
                    .plus_s(30 * 3600)
                    .max(course.infectious_from.plus_s(3600));
                if course.reported.is_none_or(|at| at > tomorrow) {
                    course.test_in_quarantine(test);
                }
            }
        }
    }

    /// Counts the day's cases, redraws the zones, forgets what is long past.
    fn book(&mut self, day: Day, cases: &[Course]) {
        let mut counts = [0; DISTRICTS.len()];
        for case in cases.iter().filter(|case| case.kind == CaseKind::Community) {
            let commune = self.world.people[case.person as usize].commune;
            counts[self.world.communes[usize::from(commune)].district] += 1;
        }
        self.week.push_back(counts);
        if self.week.len() > 7 {
            self.week.pop_front();
        }
        let marks: Vec<(u32, Vec<u32>)> = cases
            .iter()
            .map(|case| {
                (
                    case.person,
                    self.infectious_visits(case)
                        .iter()
                        .map(|(_, v)| v.venue)
                        .collect(),
                )
            })
            .collect();
        self.zoning.update(&self.world, day, cases, &marks);
        let now = midnight(day);
        let old = now.plus_s(-40 * 86_400);
        self.courses.retain(|course| course.infected > old);
        self.away.retain(|_, (_, to)| *to > now);
        let oldest = now.plus_s(-i64::from(TRUTH_DAYS) * 86_400);
        while self.truth.front().is_some_and(|infection| infection.at < oldest) {
            self.truth.pop_front();
        }
    }
}
