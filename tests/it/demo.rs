//! The generated world: facts, shapes and an epidemic that moves through shared venues.

mod lift;

use geo::{Area as _, BooleanOps, Contains, Validation};

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use vungxanh::demo::{
    Changes, DISTRICTS, DemoConfig, DemoStream, DemoWorld, Pseudonymise, generate, half_hour_profile,
};
use vungxanh::model::{
    Area, AreaLevel, Case, CheckIn, Day, Direction, Event, EventBatch, Mark, MarkState, PersonId, UtcOffset,
    VenueId, Zone, ZoneState,
};
use vungxanh::risk::{AssessmentOutcome, AssessmentRecord, Rules, assess};

fn small() -> DemoConfig {
    DemoConfig {
        people: 6_000,
        venues: 2_000,
        days: 7,
        ..DemoConfig::default()
    }
}

/// Pseudonyms without keys: fast, and as good for counting.
fn fake() -> Pseudonymise {
    Arc::new(|purpose, day, phone| {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&day.0.to_be_bytes());
        id[4] = purpose as u8;
        let number: u64 = phone.trim_start_matches('+').parse().unwrap();
        id[8..].copy_from_slice(&number.to_be_bytes());
        PersonId(id)
    })
}

fn district<'a>(world: &'a DemoWorld, code: &str) -> &'a Area {
    world
        .areas
        .iter()
        .find(|area| area.code.as_str() == code)
        .unwrap()
}

fn km2(area: &Area) -> f64 {
    // On a plane of kilometres around 21.7° N.
    area.geometry.unsigned_area() * 103.4 * 110.7
}

#[test]
fn districts_have_the_codes_names_populations_and_sizes_of_the_facts() {
    let world = generate(&small());
    let province = district(&world, "19");
    assert_eq!(province.population, Some(1_286_751));
    for facts in DISTRICTS {
        let area = district(&world, facts.code);
        assert_eq!(area.name, facts.name);
        assert_eq!(area.population, Some(facts.population));
        assert_eq!(area.level, AreaLevel::District);
        assert!(area.approximate);
        assert_eq!(area.geometry.0.len(), 1, "{} is in one piece", facts.code);
        let ratio = km2(area) / facts.area_km2;
        println!("{} {:.0} km² {ratio:.3}", facts.code, km2(area));
        assert!((0.85..1.15).contains(&ratio), "{}: {ratio}", facts.code);
        assert!(
            area.geometry
                .contains(&geo::Point::new(facts.point.0, facts.point.1)),
            "{}",
            facts.code
        );
    }
    let communes: Vec<&Area> = world
        .areas
        .iter()
        .filter(|area| area.level == AreaLevel::Commune)
        .collect();
    assert_eq!(communes.len(), 178);
    let people: u64 = communes.iter().filter_map(|area| area.population).sum();
    assert_eq!(people, 1_286_751);
}

#[test]
fn districts_tile_the_province_without_gaps_or_overlaps() {
    let world = generate(&small());
    let whole = km2(district(&world, "19"));
    for level in [AreaLevel::District, AreaLevel::Commune] {
        let parts: Vec<&Area> = world.areas.iter().filter(|area| area.level == level).collect();
        let sum: f64 = parts.iter().map(|area| km2(area)).sum();
        assert!((sum / whole - 1.0).abs() < 1e-6, "{level:?}: {sum} of {whole}");
    }
    let (a, b) = (district(&world, "164"), district(&world, "169"));
    assert!(a.geometry.intersection(&b.geometry).unsigned_area() < 1e-9);
}

fn stream(config: &DemoConfig) -> DemoStream {
    DemoStream::new(Arc::new(generate(config)), fake())
}

/// All changes of the history, joined kind by kind.
#[derive(Default, PartialEq)]
struct Whole {
    check_ins: Vec<Event<CheckIn>>,
    cases: Vec<Event<Case>>,
    declarations: usize,
    assessments: usize,
    contacts: usize,
    marks: Vec<Mark>,
    zones: Vec<Zone>,
}

impl Whole {
    fn of(changes: impl Iterator<Item = Changes>) -> Self {
        let mut whole = Self::default();
        for changes in changes {
            for batch in changes.batches {
                match batch {
                    EventBatch::CheckIns(mut events) => whole.check_ins.append(&mut events),
                    EventBatch::Cases(mut events) => whole.cases.append(&mut events),
                    EventBatch::Declarations(events) => whole.declarations += events.len(),
                    EventBatch::Assessments(events) => whole.assessments += events.len(),
                    EventBatch::Contacts(events) => whole.contacts += events.len(),
                }
            }
            whole.marks.extend(changes.marks);
            whole.zones.extend(changes.zones);
        }
        whole
    }
}

#[test]
fn equal_seeds_give_equal_worlds_and_equal_histories() {
    let config = DemoConfig {
        people: 2_000,
        venues: 800,
        days: 3,
        ..DemoConfig::default()
    };
    let (a, b) = (generate(&config), generate(&config));
    assert_eq!(a.venues, b.venues);
    assert_eq!(a.areas, b.areas);
    let (mut a, mut b) = (stream(&config), stream(&config));
    assert!(Whole::of(a.history()) == Whole::of(b.history()));
    let other = generate(&DemoConfig { seed: 20, ..config });
    assert_ne!(other.venues, b.world().venues);
}

#[test]
fn polling_in_one_step_or_in_many_gives_the_same() {
    let config = DemoConfig {
        people: 3_000,
        venues: 800,
        days: 2,
        ..DemoConfig::default()
    };
    let (start, end) = (generate(&config).start(), config.end.plus_s(12 * 86_400));
    let mut once = stream(&config);
    let whole = Whole::of(std::iter::once(once.events_between(start, end)));
    for steps_s in [vec![3_600], vec![7, 100_000, 61], vec![86_400 * 3, 1]] {
        let mut many = stream(&config);
        let mut steps = steps_s.into_iter().cycle();
        let parts = std::iter::from_fn(|| {
            let from = many.now();
            let step = if from.0 - start.0 > 86_400 {
                50_000
            } else {
                steps.next().unwrap()
            };
            (from < end).then(|| many.events_between(from, from.plus_s(step).min(end)))
        });
        assert!(Whole::of(parts) == whole);
    }
    assert!(!whole.marks.is_empty() && !whole.cases.is_empty());
    let ids: HashSet<&str> = whole.check_ins.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids.len(), whole.check_ins.len(), "ids do not repeat");
    assert!(whole.check_ins.is_sorted_by_key(|event| event.at));
    assert!(whole.cases.is_sorted_by_key(|event| event.at));
}

#[test]
fn check_ins_have_the_shape_of_the_national_figures() {
    let config = DemoConfig {
        days: 7,
        people: 12_000,
        venues: 4_000,
        ..DemoConfig::default()
    };
    let whole = Whole::of(stream(&config).history());
    let (mut per_slot, mut expected) = ([0.0; 48 * 7], [0.0; 48 * 7]);
    for weekday in 0..7 {
        for slot in 0..48 {
            expected[weekday * 48 + slot] = f64::from(half_hour_profile(weekday as u8)[slot]);
        }
    }
    let arrivals: Vec<&Event<CheckIn>> = whole
        .check_ins
        .iter()
        .filter(|event| event.record.direction == Direction::In)
        .collect();
    let mut people_days = HashSet::new();
    let mut visits: HashMap<&VenueId, f64> = HashMap::new();
    for event in &arrivals {
        let day = Day::of(event.at, UtcOffset::VIETNAM);
        let second = event.at.0 - day.first_hour(UtcOffset::VIETNAM).start().0;
        per_slot[(day.0 - day.monday().0) as usize * 48 + second as usize / 1800] += 1.0;
        people_days.insert(event.record.person);
        *visits.entry(&event.record.venue).or_default() += 1.0;
    }
    let r = correlation(&per_slot, &expected);
    assert!(r > 0.95, "half-hour profile: r = {r:.3}");
    let departures = whole.check_ins.len() - arrivals.len();
    let missing = 1.0 - departures as f64 / arrivals.len() as f64;
    assert!(
        (0.08..0.12).contains(&missing),
        "missing check-outs: {missing:.3}"
    );
    let per_person_day = arrivals.len() as f64 / people_days.len() as f64;
    assert!(
        (1.5..2.2).contains(&per_person_day),
        "check-ins a person and day: {per_person_day:.2}"
    );
    let mut counts: Vec<f64> = visits.into_values().collect();
    counts.resize(config.venues as usize, 0.0);
    let gini = gini(&mut counts);
    assert!((0.6..0.95).contains(&gini), "venues are uneven: Gini {gini:.2}");
    println!(
        "r {r:.3}, missing check-outs {missing:.3}, check-ins a person-day {per_person_day:.2}, Gini {gini:.2}"
    );
    assert!(whole.declarations > 0 && whole.assessments > 0 && whole.contacts > 0);
}

#[test]
fn venues_lie_inside_their_district_and_parents_come_first() {
    let world = generate(&small());
    assert_eq!(world.venues.len(), 2_000);
    let districts: Vec<&Area> = world
        .areas
        .iter()
        .filter(|area| area.level == AreaLevel::District)
        .collect();
    let communes: HashMap<&str, &Area> = world
        .areas
        .iter()
        .map(|area| (area.code.as_str(), area))
        .collect();
    let mut seen = HashSet::new();
    for venue in &world.venues {
        let point = geo::Point::new(venue.at.lng(), venue.at.lat());
        let commune = communes[venue.area.as_ref().unwrap().as_str()];
        assert!(commune.geometry.contains(&point), "{}", venue.id);
        let inside: Vec<&&Area> = districts
            .iter()
            .filter(|area| area.geometry.contains(&point))
            .collect();
        assert_eq!(inside.len(), 1, "{}", venue.id);
        assert_eq!(Some(&inside[0].code), commune.parent.as_ref());
        assert!(venue.parent.as_ref().is_none_or(|parent| seen.contains(parent)));
        assert!(seen.insert(venue.id.clone()), "{} once", venue.id);
    }
    assert!(world.venues.iter().any(|venue| venue.parent.is_some()));
}

#[test]
fn hot_venues_are_where_the_virus_moved() {
    let config = DemoConfig {
        people: 24_000,
        venues: 8_000,
        ..DemoConfig::default()
    };
    let mut stream = stream(&config);
    let start = stream.world().start();
    let whole = Whole::of(stream.history());
    let mut minutes: HashMap<&VenueId, i64> = HashMap::new();
    for mark in whole
        .marks
        .iter()
        .filter(|mark| mark.state == MarkState::Approved)
    {
        *minutes.entry(&mark.venue).or_default() += (mark.to.0 - mark.from.0) / 60;
    }
    let venues = &stream.world().venues;
    let mut ranked: Vec<u32> = (0..venues.len() as u32).collect();
    let exposure = |at: &u32| minutes.get(&venues[*at as usize].id).copied().unwrap_or(0);
    ranked.sort_by_key(|at| std::cmp::Reverse(exposure(at)));
    let hottest: HashSet<u32> = ranked[..venues.len() / 10].iter().copied().collect();
    let at_venues: Vec<u32> = stream
        .truth()
        .filter(|i| i.at >= start)
        .filter_map(|i| i.venue)
        .collect();
    assert!(at_venues.len() >= 30, "{} infections at venues", at_venues.len());
    let held = at_venues.iter().filter(|venue| hottest.contains(venue)).count() as f64;
    let lift = held / at_venues.len() as f64 / 0.1;
    println!(
        "lift {lift:.1}, {} cases, {} infections at venues",
        whole.cases.len(),
        at_venues.len()
    );
    assert!(lift >= 5.0, "the hottest tenth holds {lift:.1} times its share");
    for zone in &whole.zones {
        assert!(zone.geometry.is_valid(), "{}", zone.id);
        assert!(zone.decision.is_some() || zone.state == ZoneState::Draft);
    }
    let approved = whole
        .marks
        .iter()
        .filter(|mark| mark.state == MarkState::Approved)
        .count() as f64;
    let proposed = whole
        .marks
        .iter()
        .filter(|mark| mark.state == MarkState::Proposed)
        .count() as f64;
    assert!((0.65..0.9).contains(&(approved / proposed)));
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let dot = |f: &dyn Fn(usize) -> f64| (0..a.len()).map(f).sum::<f64>();
    dot(&|i| (a[i] - ma) * (b[i] - mb))
        / (dot(&|i| (a[i] - ma).powi(2)) * dot(&|i| (b[i] - mb).powi(2))).sqrt()
}

fn gini(counts: &mut [f64]) -> f64 {
    counts.sort_by(f64::total_cmp);
    let n = counts.len() as f64;
    let weighted: f64 = counts
        .iter()
        .enumerate()
        .map(|(i, count)| (i as f64 + 1.0) * count)
        .sum();
    2.0 * weighted / (n * counts.iter().sum::<f64>()) - (n + 1.0) / n
}

#[test]
fn most_assessments_come_to_a_class_of_their_instrument() {
    let rules = Rules::builtin();
    let mut outcomes: BTreeMap<String, u32> = BTreeMap::new();
    let (mut classed, mut all) = (0_u32, 0_u32);
    for changes in stream(&small()).history() {
        for batch in changes.batches {
            let EventBatch::Assessments(events) = batch else {
                continue;
            };
            for event in events {
                let record = AssessmentRecord {
                    at: event.at,
                    instrument: event.record.instrument.clone(),
                    answers: event.record.answers,
                    by: event.record.by,
                };
                let outcome = match assess(&rules.instruments, &record).outcome {
                    AssessmentOutcome::Class { level, .. } => format!("level {level}"),
                    AssessmentOutcome::UndefinedByRule(_) => "undefined".to_owned(),
                    AssessmentOutcome::Incomplete(why) => panic!("{}: {}", record.instrument, why.en),
                };
                // The classes of QĐ 4999 are not known.
                if !record.instrument.starts_with("qd4999") {
                    all += 1;
                    classed += u32::from(outcome != "undefined");
                }
                *outcomes
                    .entry(format!("{} {outcome}", record.instrument))
                    .or_default() += 1;
            }
        }
    }
    println!("{outcomes:#?}");
    assert!(f64::from(classed) > 0.85 * f64::from(all), "{classed} of {all}");
}

#[test]
fn districts_report_every_week_up_to_the_last_sunday_and_all_of_it_can_be() {
    let config = small();
    let world = generate(&config);
    let sunday = Day::parse("2021-11-21").unwrap();
    let reports = &world.area_reports;
    assert_eq!(
        reports.len(),
        2 * (DISTRICTS.len() + 1),
        "of a week and the one before"
    );
    for report in reports {
        assert!(
            report.day == sunday || report.day == Day(sunday.0 - 7),
            "{}",
            report.day
        );
        assert!(report.published && report.source.as_deref().unwrap().contains("mô phỏng"));
        assert!(world.areas.iter().any(|area| area.code == report.area));
        assert!(report.received_at <= config.end);
        for (indicator, value) in &report.figures {
            assert!(
                (0.0..=indicator.highest()).contains(value),
                "{indicator:?} {value}"
            );
        }
    }
}
