//! QĐ 2686, as far as sources give it: rows of decisions, and a whole country against its definition.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn rule() -> AreaRules {
    let book = Rules::builtin().areas;
    book.find("qd2686", Day::parse("2021-06-10").unwrap())
        .unwrap()
        .clone()
}

fn finding(id: &str) -> FindingId {
    FindingId::new(id).unwrap()
}

/// An area of 5,000 people without neighbours, of which nobody declared anything.
fn area(tier: AreaLevel, cases_14d: Counted) -> AreaInputs<'static> {
    AreaInputs {
        tier,
        population: Some(5_000),
        cases_7d: cases_14d,
        cases_14d,
        indicators: AreaIndicators::default(),
        care_origin: None,
        reported: &[],
        below: &[],
        neighbours: Some(&[]),
        findings: None,
        previous_level: None,
        previous_week: None,
        counted_to: None,
        as_of: at("2021-06-10T08:00:00+07:00"),
    }
}

fn possible(inputs: &AreaInputs<'_>) -> Vec<u8> {
    let rules = rule();
    let risk = area_level(&rules, inputs);
    assert_eq!(risk.level, area_decision(&rules, inputs).level());
    risk.possible
}

#[test]
fn a_commune_is_decided_by_its_cases_its_neighbours_and_what_is_declared() {
    let commune = |cases: u32, ids: &[&str], beside: &[u8]| {
        let ids: Vec<FindingId> = ids.iter().map(|id| finding(id)).collect();
        let beside: Vec<Neighbour<'_>> = beside
            .iter()
            .map(|level| Neighbour {
                name: "Xã bên",
                possible: LevelSet::only(*level),
            })
            .collect();
        let day = Day::parse("2021-06-09").unwrap();
        let inputs = AreaInputs {
            neighbours: Some(&beside),
            findings: (!ids.is_empty()).then_some(Findings { day, ids: &ids }),
            ..area(AreaLevel::Commune, Counted::Shown(cases))
        };
        let found = possible(&inputs);
        assert_eq!(found.len(), 1, "{found:?}");
        found[0]
    };
    assert_eq!(commune(0, &[], &[]), 1, "new normal");
    assert_eq!(commune(0, &[], &[1, 2, 2]), 1);
    assert_eq!(commune(1, &[], &[]), 2, "a community case");
    assert_eq!(
        commune(500, &[], &[]),
        2,
        "of known source, whatever their number"
    );
    assert_eq!(commune(0, &["contacts_in_community"], &[]), 2);
    assert_eq!(commune(0, &["entry_or_quarantine_risk"], &[]), 2);
    assert_eq!(commune(0, &[], &[1, 3]), 2, "beside a commune at high");
    assert_eq!(commune(0, &[], &[4]), 3, "beside one at very high");
    assert_eq!(commune(1, &["case_of_unknown_source"], &[]), 3);
    assert_eq!(commune(1, &["source_at_crowded_place"], &[3]), 3);
    assert_eq!(commune(3, &["cluster_of_unknown_source"], &[]), 4);
    assert_eq!(commune(3, &["infected_where_hard_to_trace"], &[]), 4);
    // What districts and provinces are asked says nothing of a commune.
    assert_eq!(
        commune(0, &["spread_over_50_percent", "spread_beyond_province"], &[]),
        1
    );
}

#[test]
fn a_district_rolls_up_from_its_communes_and_is_left_open_below_high() {
    let district = |communes: &[u8], ids: &[&str]| {
        let below: Vec<LevelSet> = communes.iter().map(|level| LevelSet::only(*level)).collect();
        let ids: Vec<FindingId> = ids.iter().map(|id| finding(id)).collect();
        let day = Day::parse("2021-06-09").unwrap();
        possible(&AreaInputs {
            below: &below,
            findings: Some(Findings { day, ids: &ids }),
            ..area(AreaLevel::District, Counted::Shown(0))
        })
    };
    // Very high: 30 % very high, or 50 % high.
    assert_eq!(district(&[4, 4, 4, 1, 1, 1, 1, 1, 1, 1], &[]), [4]);
    assert_eq!(district(&[3, 3, 3, 3, 3, 1, 1, 1, 1, 1], &[]), [4]);
    // High: 30 % high, or 50 % at risk, or one very high.
    assert_eq!(district(&[3, 3, 3, 1, 1, 1, 1, 1, 1, 1], &[]), [3]);
    assert_eq!(district(&[2, 2, 2, 2, 2, 1, 1, 1, 1, 1], &[]), [3]);
    assert_eq!(district(&[4, 1, 1, 1, 1, 1, 1, 1, 1, 1], &[]), [3]);
    // Below that the conditions of risk for districts were not retrieved: it may be.
    assert_eq!(district(&[2, 2, 2, 2, 1, 1, 1, 1, 1, 1], &[]), [1, 2]);
    assert_eq!(district(&[3, 3, 2, 1, 1, 1, 1, 1, 1, 1], &[]), [1, 2]);
    assert_eq!(district(&[1], &["spread_over_20_percent"]), [3]);
    assert_eq!(district(&[1], &["industrial_zone_beside_source"]), [3]);
    assert_eq!(district(&[1], &["spread_over_50_percent"]), [4]);
    assert_eq!(district(&[1], &["case_of_unknown_source"]), [1, 2]);
    // Without its communes nothing is said, but what is declared.
    assert_eq!(district(&[], &[]), [1, 2, 3, 4]);
    assert_eq!(district(&[], &["spread_over_50_percent"]), [4]);
}

#[test]
fn a_province_is_decided_at_very_high_only() {
    let province = |districts: &[u8], ids: &[&str]| {
        let below: Vec<LevelSet> = districts
            .iter()
            .map(|level| {
                if *level == 0 {
                    LevelSet::only(1).or(LevelSet::only(2))
                } else {
                    LevelSet::only(*level)
                }
            })
            .collect();
        let ids: Vec<FindingId> = ids.iter().map(|id| finding(id)).collect();
        let day = Day::parse("2021-06-09").unwrap();
        possible(&AreaInputs {
            below: &below,
            findings: Some(Findings { day, ids: &ids }),
            ..area(AreaLevel::Province, Counted::Shown(0))
        })
    };
    assert_eq!(province(&[4, 4, 4, 0, 0, 0, 0, 0, 0, 0], &[]), [4]);
    assert_eq!(province(&[4, 4, 0, 0, 0, 0, 0, 0, 0, 0], &[]), [1, 2, 3]);
    assert_eq!(province(&[3, 3, 3, 3, 3, 0, 0, 0, 0, 0], &[]), [4]);
    assert_eq!(province(&[0, 0], &[]), [1, 2, 3], "new normal, risk or high");
    assert_eq!(province(&[0, 0], &["spread_beyond_province"]), [4]);
    let country = area(AreaLevel::Country, Counted::Shown(9));
    assert_eq!(possible(&country), [0], "the text does not speak of it");
}

#[test]
fn what_is_not_known_of_a_commune_is_named() {
    let rules = rule();
    let hidden = area_level(&rules, &area(AreaLevel::Commune, Counted::Hidden));
    assert_eq!((hidden.level, hidden.possible), (0, vec![1, 2]));
    let missing: Vec<&str> = hidden.missing.iter().map(|text| text.en.as_str()).collect();
    assert_eq!(missing, ["cases (hidden or absent)"]);
    let declare = "Level 4 when officials declare: a cluster of cases has no clear source";
    assert!(hidden.explain.next.iter().any(|text| text.en == declare));
    // Counts need no residents.
    let nobody = AreaInputs {
        population: None,
        ..area(AreaLevel::Commune, Counted::Shown(1))
    };
    let risk = area_level(&rules, &nobody);
    assert_eq!((risk.level, risk.missing.len()), (2, 0), "{:?}", risk.missing);
    // One commune alone in the registry: nothing is known of its neighbours.
    let alone = AreaInputs {
        neighbours: None,
        ..area(AreaLevel::Commune, Counted::Shown(0))
    };
    let risk = area_level(&rules, &alone);
    assert_eq!((risk.level, risk.possible), (0, vec![1, 2, 3]));
    assert_eq!(risk.missing[0].en, "levels of the areas that border on it");
    // Of a district neither cases nor neighbours are asked for.
    let below = [LevelSet::only(4), LevelSet::only(1)];
    let district = AreaInputs {
        below: &below,
        ..area(AreaLevel::District, Counted::Hidden)
    };
    let risk = area_level(&rules, &district);
    assert_eq!((risk.level, risk.missing.len()), (4, 0), "{:?}", risk.missing);
    assert_eq!(risk.class.unwrap().en, "Very high risk");
    let steps = risk.explain.steps.iter();
    assert!(steps.clone().any(|step| step.text.en.contains("not retrieved")));
    assert!(
        steps
            .clone()
            .any(|step| step.text.en.contains("nobody declared so"))
    );
    assert!(!risk.explain.confirmed);
}

#[test]
fn every_finding_can_be_declared_by_one_id() {
    let rules = rule();
    let ids: Vec<&str> = rules.findings().map(|asked| asked.id.as_str()).collect();
    let different: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!((ids.len(), different.len()), (10, 10), "{ids:?}");
}

/// A country of communes in districts in provinces, communes in a random graph.
#[derive(Clone, Debug)]
struct Country {
    provinces: usize,
    /// Of each district its province.
    districts: Vec<usize>,
    communes: Vec<Commune>,
    beside: Vec<(usize, usize)>,
}

#[derive(Clone, Debug)]
struct Commune {
    district: usize,
    cases: Option<u32>,
    findings: Vec<usize>,
}

const FINDINGS: [&str; 6] = [
    "contacts_in_community",
    "entry_or_quarantine_risk",
    "case_of_unknown_source",
    "source_at_crowded_place",
    "cluster_of_unknown_source",
    "infected_where_hard_to_trace",
];

fn country() -> impl Strategy<Value = Country> {
    let commune = (
        0..5_usize,
        prop::option::weighted(0.8, prop_oneof![3 => Just(0_u32), 1 => 1..9_u32]),
        prop::collection::vec(0..FINDINGS.len(), 0..2),
        prop::bool::weighted(0.3),
    );
    (
        1..3_usize,
        prop::collection::vec(0..3_usize, 1..5),
        prop::collection::vec(commune, 1..24),
        prop::collection::vec((0..24_usize, 0..24_usize), 0..40),
    )
        .prop_map(|(provinces, districts, communes, beside)| Country {
            provinces,
            communes: communes
                .into_iter()
                .map(|(district, cases, findings, is_declared)| Commune {
                    district: district % districts.len(),
                    cases,
                    findings: if is_declared { findings } else { Vec::new() },
                })
                .collect(),
            districts: districts.into_iter().map(|at| at % provinces).collect(),
            beside,
        })
        .prop_map(|mut country| {
            let number = country.communes.len();
            country
                .beside
                .retain(|(a, b)| a != b && *a < number && *b < number);
            country
        })
}

impl Country {
    /// By the words of the decision: who is very high first, then high, then at risk, and the rest.
    fn defined(&self) -> (Vec<u8>, Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let number = self.communes.len();
        let has = |at: usize, id: &str| self.communes[at].findings.iter().any(|n| FINDINGS[*n] == id);
        let beside = |at: usize, set: &BTreeSet<usize>| {
            self.beside
                .iter()
                .any(|(a, b)| (*a == at && set.contains(b)) || (*b == at && set.contains(a)))
        };
        let red: BTreeSet<usize> = (0..number)
            .filter(|at| has(*at, "cluster_of_unknown_source") || has(*at, "infected_where_hard_to_trace"))
            .collect();
        let orange: BTreeSet<usize> = (0..number)
            .filter(|at| !red.contains(at))
            .filter(|at| {
                has(*at, "case_of_unknown_source") || has(*at, "source_at_crowded_place") || beside(*at, &red)
            })
            .collect();
        let high: BTreeSet<usize> = red.union(&orange).copied().collect();
        let yellow: BTreeSet<usize> = (0..number)
            .filter(|at| !high.contains(at))
            .filter(|at| {
                self.communes[*at].cases.unwrap() > 0
                    || has(*at, "contacts_in_community")
                    || has(*at, "entry_or_quarantine_risk")
                    || beside(*at, &high)
            })
            .collect();
        let communes: Vec<u8> = (0..number)
            .map(|at| match () {
                () if red.contains(&at) => 4,
                () if orange.contains(&at) => 3,
                () if yellow.contains(&at) => 2,
                () => 1,
            })
            .collect();
        let share = |levels: &[u8], level: u8| {
            let there = levels.iter().filter(|each| **each >= level).count();
            there * 100 / levels.len()
        };
        let districts: Vec<Vec<u8>> = (0..self.districts.len())
            .map(|district| {
                let below: Vec<u8> = (0..number)
                    .filter(|at| self.communes[*at].district == district)
                    .map(|at| communes[at])
                    .collect();
                match () {
                    () if below.is_empty() => vec![1, 2, 3, 4],
                    () if share(&below, 4) >= 30 || share(&below, 3) >= 50 => vec![4],
                    () if share(&below, 3) >= 30 || share(&below, 2) >= 50 || below.contains(&4) => vec![3],
                    () => vec![1, 2],
                }
            })
            .collect();
        let provinces = (0..self.provinces)
            .map(|province| {
                let below: Vec<&Vec<u8>> = (0..self.districts.len())
                    .filter(|at| self.districts[*at] == province)
                    .map(|at| &districts[at])
                    .collect();
                let least: Vec<u8> = below.iter().map(|each| each[0]).collect();
                let most: Vec<u8> = below.iter().map(|each| *each.last().unwrap()).collect();
                let is_red = |levels: &[u8]| share(levels, 4) >= 30 || share(levels, 3) >= 50;
                match () {
                    () if below.is_empty() => vec![1, 2, 3, 4],
                    () if is_red(&least) => vec![4],
                    () if is_red(&most) => vec![1, 2, 3, 4],
                    () => vec![1, 2, 3],
                }
            })
            .collect();
        (communes, districts, provinces)
    }

    /// What the program makes of it, the units in an order of its own.
    fn decided(&self, backwards: bool) -> Vec<Vec<u8>> {
        let code = |kind: &str, at: usize| AreaCode::new(&format!("{kind}{at}")).unwrap();
        let codes = |kind: &str, number: usize| (0..number).map(|at| code(kind, at)).collect::<Vec<_>>();
        let provinces = codes("p", self.provinces);
        let districts = codes("d", self.districts.len());
        let communes = codes("c", self.communes.len());
        let declared: Vec<Vec<FindingId>> = self
            .communes
            .iter()
            .map(|commune| commune.findings.iter().map(|at| finding(FINDINGS[*at])).collect())
            .collect();
        let day = Day::parse("2021-06-09").unwrap();
        let wide = |code, parent, tier| AreaUnit {
            code,
            parent,
            neighbours: None,
            decided: None,
            inputs: area(tier, Counted::Shown(0)),
        };
        let mut units: Vec<AreaUnit<'_>> = Vec::new();
        for (at, commune) in self.communes.iter().enumerate() {
            let beside = self.beside.iter().filter_map(|(a, b)| match at {
                _ if *a == at => Some(&communes[*b]),
                _ if *b == at => Some(&communes[*a]),
                _ => None,
            });
            units.push(AreaUnit {
                code: &communes[at],
                parent: Some(&districts[commune.district]),
                neighbours: Some(beside.collect()),
                decided: None,
                inputs: AreaInputs {
                    findings: (!declared[at].is_empty()).then_some(Findings {
                        day,
                        ids: &declared[at],
                    }),
                    ..area(
                        AreaLevel::Commune,
                        commune.cases.map_or(Counted::Hidden, Counted::Shown),
                    )
                },
            });
        }
        for (at, province) in self.districts.iter().enumerate() {
            units.push(wide(
                &districts[at],
                Some(&provinces[*province]),
                AreaLevel::District,
            ));
        }
        units.extend(provinces.iter().map(|code| wide(code, None, AreaLevel::Province)));
        if backwards {
            units.reverse();
        }
        let mut decided: Vec<Vec<u8>> = area_levels(&rule(), &units)
            .iter()
            .map(|decision| decision.possible.levels().collect())
            .collect();
        if backwards {
            decided.reverse();
        }
        decided
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Where all counts are known, communes have the level that the words of the decision give, and what lies above
    /// them the levels that what was retrieved leaves.
    #[test]
    fn a_country_is_decided_as_the_decision_defines_it(mut country in country()) {
        for commune in &mut country.communes {
            commune.cases = commune.cases.or(Some(0));
        }
        let (communes, districts, provinces) = country.defined();
        let communes = communes.into_iter().map(|level| vec![level]);
        let expected: Vec<Vec<u8>> = communes.chain(districts).chain(provinces).collect();
        prop_assert_eq!(&country.decided(false), &expected);
        prop_assert_eq!(&country.decided(true), &expected);
    }

    /// Where some are hidden, whatever they are, the level they would give is among those that are possible.
    #[test]
    fn whatever_hidden_counts_are_their_levels_are_among_the_possible(country in country()) {
        let hidden: Vec<usize> = (0..country.communes.len())
            .filter(|at| country.communes[*at].cases.is_none())
            .take(6)
            .collect();
        let mut open = country.clone();
        for (at, commune) in open.communes.iter_mut().enumerate() {
            if !hidden.contains(&at) && commune.cases.is_none() {
                commune.cases = Some(0);
            }
        }
        let possible = open.decided(false);
        prop_assert_eq!(&possible, &open.decided(true));
        for bits in 0..1_u32 << hidden.len() {
            let mut known = open.clone();
            for (nth, at) in hidden.iter().enumerate() {
                known.communes[*at].cases = Some(bits >> nth & 1);
            }
            let (communes, districts, _) = known.defined();
            for (at, level) in communes.iter().enumerate() {
                prop_assert!(possible[at].contains(level), "commune {}: {} of {:?}", at, level, possible[at]);
            }
            for (at, levels) in districts.iter().enumerate() {
                let of = &possible[communes.len() + at];
                prop_assert!(levels.iter().all(|level| of.contains(level)), "district {}: {:?} of {:?}", at, levels, of);
            }
        }
    }
}
