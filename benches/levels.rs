//! The levels of a whole country: every commune, district and province of Vietnam as of 2021.

use std::hint::black_box;

use criterion::Criterion;
use geo::{MultiPolygon, Polygon};
use vungxanh::geo::neighbours;
use vungxanh::model::{AreaCode, AreaIndicators, AreaLevel, Day, Timestamp};
use vungxanh::risk::{AreaInputs, AreaUnit, Counted, Rules, area_level, area_levels};

const PROVINCES: u32 = 63;
const DISTRICTS: u32 = 705;
const COMMUNES: u32 = 10_599;

pub fn group(c: &mut Criterion) {
    let mut group = c.benchmark_group("levels");
    let mut named: Vec<(AreaCode, Option<AreaCode>, AreaLevel)> = Vec::new();
    let code = |tier: &str, n: u32| AreaCode::new(&format!("{tier}{n}")).unwrap();
    for n in 0..PROVINCES {
        named.push((code("p", n), None, AreaLevel::Province));
    }
    for n in 0..DISTRICTS {
        named.push((code("d", n), Some(code("p", n % PROVINCES)), AreaLevel::District));
    }
    for n in 0..COMMUNES {
        named.push((code("c", n), Some(code("d", n % DISTRICTS)), AreaLevel::Commune));
    }
    // Areas of a tier in a row of squares, eight around each.
    let tiers = [PROVINCES, DISTRICTS, COMMUNES];
    let beside = |place: u32| -> Vec<&AreaCode> {
        let mut from = 0;
        let tier = tiers.iter().find(|tier| {
            let is_here = place < from + **tier;
            from += if is_here { 0 } else { **tier };
            is_here
        });
        let (wide, last) = (100, from + tier.unwrap());
        let steps = [1, wide - 1, wide, wide + 1];
        let west = steps
            .iter()
            .filter_map(|step| place.checked_sub(*step).filter(|at| *at >= from));
        let east = steps.iter().map(|step| place + step).filter(|at| *at < last);
        west.chain(east).map(|at| &named[at as usize].0).collect()
    };
    let units: Vec<AreaUnit<'_>> = named
        .iter()
        .zip(0_u32..)
        .map(|((code, parent, tier), n)| AreaUnit {
            code,
            parent: parent.as_ref(),
            neighbours: Some(beside(n)),
            decided: None,
            inputs: AreaInputs {
                tier: *tier,
                population: Some(u64::from(5_000 + n * 7 % 20_000)),
                cases_7d: Counted::Shown(n * 31 % 40),
                cases_14d: Counted::Shown(n * 31 % 80),
                indicators: AreaIndicators {
                    adults_one_dose_percent: Some(f64::from(n * 17 % 100)),
                    elderly_full_dose_percent: Some(f64::from(n * 13 % 100)),
                    care_ready: Some(n % 5 != 0),
                },
                care_origin: None,
                reported: &[],
                below: &[],
                neighbours: None,
                findings: None,
                previous_level: Some((n % 4 + 1) as u8),
                previous_week: None,
                counted_to: None,
                as_of: Timestamp(1_636_500_000),
            },
        })
        .collect();
    let book = Rules::builtin().areas;
    for id in ["qd4800", "qd2686"] {
        let rules = book.find(id, Day(18_900)).unwrap();
        group.bench_function(format!("a country of 11,367 areas, {id}"), |b| {
            b.iter(|| area_levels(rules, black_box(&units)));
        });
    }
    let rules = book.find("qd4800", Day(18_900)).unwrap();
    group.bench_function("the same with words", |b| {
        b.iter(|| {
            units
                .iter()
                .map(|unit| area_level(rules, black_box(&unit.inputs)).explain.steps.len())
                .sum::<usize>()
        });
    });
    let communes = crooked(105, 250);
    let shapes: Vec<&MultiPolygon<f64>> = communes.iter().collect();
    group.sample_size(10);
    group.bench_function("who borders on whom of 11,025 communes of 1,000 vertices", |b| {
        b.iter(|| neighbours(black_box(&shapes), 30.0, |_, _| true));
    });
    group.finish();
}

/// A square of so many areas a side, each border of so many crooked edges that both sides have in common.
fn crooked(wide: u32, edges: u32) -> Vec<MultiPolygon<f64>> {
    // Along a border of a row or a column, by how much it leaves the straight line, degrees.
    let bend = |border: u32, along: u32| f64::from((border * 7919 + along * 104_729) % 100) * 2e-5;
    let size = 0.05;
    let place = |at: u32, along: u32| (f64::from(at) + f64::from(along) / f64::from(edges)) * size;
    // Borders are straight where they cross, so that none leaves its place there.
    let straight = |along: u32| along.is_multiple_of(edges);
    let south = |column: u32, row: u32, along: u32| {
        let by = if straight(along) {
            0.0
        } else {
            bend(row, column * edges + along)
        };
        (100.0 + place(column, along), 10.0 + place(row, 0) + by)
    };
    let west = |column: u32, row: u32, along: u32| {
        let by = if straight(along) {
            0.0
        } else {
            bend(column + 500, row * edges + along)
        };
        (100.0 + place(column, 0) + by, 10.0 + place(row, along))
    };
    let area = |at: u32| {
        let (column, row) = (at % wide, at / wide);
        let up = 0..edges;
        let down = (1..=edges).rev();
        let ring: Vec<(f64, f64)> = up
            .clone()
            .map(|along| south(column, row, along))
            .chain(up.map(|along| west(column + 1, row, along)))
            .chain(down.clone().map(|along| south(column, row + 1, along)))
            .chain(down.map(|along| west(column, row, along)))
            .collect();
        MultiPolygon(vec![Polygon::new(ring.into(), Vec::new())])
    };
    (0..wide * wide).map(area).collect()
}
