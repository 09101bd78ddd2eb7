//! The generated world: facts, shapes and an epidemic that moves through shared venues.

use geo::{Area as _, BooleanOps, Contains};
use std::sync::Arc;

use vungxanh::demo::{DISTRICTS, DemoConfig, DemoWorld, Pseudonymise, generate};
use vungxanh::model::{Area, AreaLevel, EventBatch, PersonId};

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
