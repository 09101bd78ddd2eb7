//! The levels of a whole country: every commune, district and province of Vietnam as of 2021.

use std::hint::black_box;

use criterion::Criterion;
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
    let units: Vec<AreaUnit<'_>> = named
        .iter()
        .zip(0_u32..)
        .map(|((code, parent, tier), n)| AreaUnit {
            code,
            parent: parent.as_ref(),
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
                reported: &[],
                below: &[],
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
    group.finish();
}
