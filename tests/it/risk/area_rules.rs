//! The rules for areas that come with the program, against what was published about them.

use proptest::prelude::*;

use super::*;

fn rule(label: &str) -> AreaRules {
    let book = Rules::builtin().areas;
    book.find(label, Day::parse("2022-06-01").unwrap())
        .unwrap()
        .clone()
}

/// A commune of 100,000 people: a count is a rate.
fn counted(cases_7d: u32, cases_14d: u32) -> AreaInputs<'static> {
    AreaInputs {
        tier: AreaLevel::Commune,
        population: Some(100_000),
        cases_7d: Counted::Shown(cases_7d),
        cases_14d: Counted::Shown(cases_14d),
        indicators: AreaIndicators::default(),
        care_origin: None,
        reported: &[],
        below: &[],
        neighbours: None,
        findings: None,
        previous_level: None,
        previous_week: None,
        counted_to: None,
        as_of: at("2021-11-10T08:00:00+07:00"),
    }
}

fn level(rules: &AreaRules, inputs: &AreaInputs<'_>) -> u8 {
    let risk = area_level(rules, inputs);
    // Words and figures are two ways out of one decision.
    assert_eq!(risk.level, area_decision(rules, inputs).level());
    assert_eq!(risk.level > 0, risk.standing == Standing::Given);
    risk.level
}

#[test]
fn the_european_traffic_light_of_october_2020_is_the_published_one() {
    let rules = rule("ecdc@2020-10");
    let colour = |cases: u32, positive: f64| {
        let reported = [
            Reported::of(Measure::Tests, 1000.0),
            Reported::of(Measure::TestPositivity, positive),
        ];
        let inputs = counted(0, cases);
        level(
            &rules,
            &AreaInputs {
                reported: &reported,
                ..inputs
            },
        )
    };
    let below = [0, 24, 25, 49, 50, 150, 151].map(|cases| colour(cases, 3.9));
    assert_eq!(below, [1, 1, 2, 2, 2, 2, 3], "below 4 %");
    let from = [0, 24, 25, 49, 50, 150, 151].map(|cases| colour(cases, 4.0));
    assert_eq!(from, [2, 2, 2, 2, 3, 3, 3], "from 4 %");
}

#[test]
fn the_european_traffic_light_of_june_2021_is_the_published_one() {
    let rules = rule("ecdc@2021-06");
    let colour = |cases: u32, positive: f64| {
        let reported = [
            Reported::of(Measure::Tests, 1000.0),
            Reported::of(Measure::TestPositivity, positive),
        ];
        let inputs = counted(0, cases);
        level(
            &rules,
            &AreaInputs {
                reported: &reported,
                ..inputs
            },
        )
    };
    let cases = [49, 50, 74, 75, 199, 200, 499, 500];
    assert_eq!(cases.map(|c| colour(c, 0.9)), [1, 1, 1, 2, 2, 3, 3, 4]);
    assert_eq!(cases.map(|c| colour(c, 1.0)), [1, 2, 2, 2, 2, 3, 3, 4]);
    assert_eq!(cases.map(|c| colour(c, 4.0)), [2, 2, 2, 3, 3, 3, 3, 4]);
}

#[test]
fn dark_red_came_in_february_2021() {
    let reported = [
        Reported::of(Measure::Tests, 1000.0),
        Reported::of(Measure::TestPositivity, 4.0),
    ];
    let inputs = AreaInputs {
        reported: &reported,
        ..counted(0, 500)
    };
    assert_eq!(level(&rule("ecdc@2020-10"), &inputs), 3);
    assert_eq!(level(&rule("ecdc@2021-02"), &inputs), 4);
}

#[test]
fn the_weighted_rate_of_2022_is_green_where_a_retelling_of_it_says_so() {
    let rules = rule("ecdc@2022-02");
    let colour = |cases: u32, vaccinated: f64| {
        let reported = [
            Reported::of(Measure::Tests, 1000.0),
            Reported::of(Measure::PopulationFullDose, vaccinated),
        ];
        let inputs = counted(0, cases);
        level(
            &rules,
            &AreaInputs {
                reported: &reported,
                ..inputs
            },
        )
    };
    // The highest whole rates that are green: 72 at 89 %, 55 at 57 %, 79 at 99 %.
    for (cases, vaccinated) in [(72, 89.0), (55, 57.0), (79, 99.0)] {
        assert_eq!(colour(cases, vaccinated), 1, "{cases} at {vaccinated}");
        assert_eq!(colour(cases + 1, vaccinated), 2, "{cases} + 1 at {vaccinated}");
    }
    assert_eq!([50, 125, 375].map(|cases| colour(cases, 40.0)), [2, 3, 4]);
}

#[test]
fn of_an_unknown_vaccination_only_what_it_cannot_change_is_said() {
    let rules = rule("ecdc@2022-02");
    let tested = [Reported::of(Measure::Tests, 1000.0)];
    let found = |cases| {
        let inputs = AreaInputs {
            reported: &tested,
            ..counted(0, cases)
        };
        area_level(&rules, &inputs)
    };
    assert_eq!(found(39).level, 1, "at most 39, whoever is vaccinated");
    assert_eq!(found(600).level, 4, "at least 300");
    let open = found(100);
    assert_eq!((open.level, open.possible), (0, vec![2, 3]));
    assert_eq!(open.standing, Standing::UndefinedByRule);
    assert!(open.missing.iter().any(|text| text.en.contains("full-dose")));
    assert!(
        open.explain
            .next
            .iter()
            .any(|text| text.en.contains("Report of: full-dose"))
    );
}

#[test]
fn the_european_light_is_grey_where_too_few_are_tested_and_open_where_nobody_says() {
    let rules = rule("ecdc@2020-10");
    let few = [
        Reported::of(Measure::Tests, 300.0),
        Reported::of(Measure::TestPositivity, 1.0),
    ];
    let grey = area_level(
        &rules,
        &AreaInputs {
            reported: &few,
            ..counted(0, 5)
        },
    );
    assert_eq!((grey.level, grey.possible), (0, vec![0]));
    let open = area_level(&rules, &counted(0, 5));
    assert_eq!((open.level, open.possible), (0, vec![0, 1, 2]));
    let named: Vec<&str> = open.missing.iter().map(|text| text.en.as_str()).collect();
    assert_eq!(
        named,
        ["tests per 100,000 people in 7 days", "share of positive tests"]
    );
}

#[test]
fn cdc_community_levels_take_the_higher_of_admissions_and_beds() {
    let rules = rule("cdc-community-levels");
    let found = |cases: u32, admissions: f64, beds: f64| {
        let reported = [
            Reported::of(Measure::Admissions, admissions),
            Reported::of(Measure::CovidBeds, beds),
        ];
        let inputs = counted(cases, cases);
        level(
            &rules,
            &AreaInputs {
                reported: &reported,
                ..inputs
            },
        )
    };
    assert_eq!(
        [9.9, 10.0, 19.9, 20.0].map(|rate| found(199, rate, 0.0)),
        [1, 2, 2, 3]
    );
    assert_eq!(
        [9.9, 10.0, 14.9, 15.0].map(|beds| found(199, 0.0, beds)),
        [1, 2, 2, 3]
    );
    assert_eq!([9.9, 10.0].map(|rate| found(200, rate, 0.0)), [2, 3]);
    assert_eq!([9.9, 10.0].map(|beds| found(200, 0.0, beds)), [2, 3]);
    let unreported = area_level(&rules, &counted(300, 300));
    assert_eq!((unreported.level, unreported.possible), (0, vec![2, 3]));
    assert_eq!(unreported.missing.len(), 2);
    // One of the two is enough where it gives the worst.
    let full = [Reported::of(Measure::CovidBeds, 20.0)];
    let inputs = AreaInputs {
        reported: &full,
        ..counted(10, 10)
    };
    assert_eq!(level(&rules, &inputs), 3);
}

#[test]
fn harvards_levels_need_nothing_but_cases() {
    let rules = rule("harvard@2020");
    let by_week = |cases| level(&rules, &counted(cases, cases));
    assert_eq!(
        [0, 6, 7, 69, 70, 174, 175].map(by_week),
        [1, 1, 2, 2, 3, 3, 4],
        "1, 10 and 25 a day"
    );
    let risk = area_level(&rules, &counted(100, 100));
    assert_eq!(risk.class.unwrap().en, "Orange: accelerated spread");
    let next: Vec<&str> = risk.explain.next.iter().map(|text| text.en.as_str()).collect();
    assert_eq!(
        next,
        [
            "Level 4 when new cases per 100,000 people and day (mean of 7 days) from 25 (175 cases in 7 days)",
            "Level 2 when new cases per 100,000 people and day (mean of 7 days) below 10",
        ]
    );
}

#[test]
fn qd_218_names_what_it_asks_for_and_gives_no_level() {
    let open = area_level(&rule("qd218"), &counted(700, 1200));
    assert_eq!((open.level, open.standing), (0, Standing::UndefinedByRule));
    assert_eq!(open.missing.len(), 4, "{:?}", open.missing);
    assert!(
        open.explain
            .steps
            .iter()
            .any(|step| step.text.en.contains(">600"))
    );
}

#[test]
fn what_would_change_a_level_changes_it() {
    let rules = rule("qd4800");
    let known = AreaIndicators {
        adults_one_dose_percent: Some(95.0),
        elderly_full_dose_percent: Some(90.0),
        care_ready: Some(true),
    };
    let inputs = |cases, indicators| AreaInputs {
        indicators,
        ..counted(cases, cases)
    };
    let next = |inputs: &AreaInputs<'_>| -> Vec<String> {
        let risk = area_level(&rules, inputs);
        risk.explain.next.into_iter().map(|text| text.en).collect()
    };
    assert_eq!(
        next(&inputs(78, known)),
        [
            "Level 3 when new cases per 100,000 people in 7 days from 150 (150 cases in 7 days)",
            "Level 1 when new cases per 100,000 people in 7 days below 50",
            "Level 3 when one-dose coverage of adults below 70 %",
            "Level 3 when full-dose coverage of the older age group below 80 %",
        ]
    );
    assert_eq!(level(&rules, &inputs(149, known)), 2);
    assert_eq!(level(&rules, &inputs(150, known)), 3);
    // Of what nobody reported: what each answer would decide.
    let unknown = AreaIndicators {
        adults_one_dose_percent: None,
        ..known
    };
    let all = next(&inputs(78, unknown));
    assert!(
        all.contains(&"Level 2 when one-dose coverage of adults from 70 %".to_owned()),
        "{all:?}"
    );
    assert!(
        all.contains(&"Level 3 when one-dose coverage of adults below 70 %".to_owned()),
        "{all:?}"
    );
}

#[test]
fn figures_that_cannot_be_are_not_taken() {
    let rules = rule("qd4800");
    for wrong in [f64::NAN, -1.0, 100.5, f64::INFINITY] {
        let inputs = AreaInputs {
            indicators: AreaIndicators {
                adults_one_dose_percent: Some(wrong),
                elderly_full_dose_percent: Some(90.0),
                care_ready: Some(true),
            },
            ..counted(78, 78)
        };
        let risk = area_level(&rules, &inputs);
        assert_eq!((risk.level, risk.possible), (0, vec![2, 3]), "{wrong}");
        assert_eq!(risk.missing[0].en, "one-dose coverage of adults");
    }
    // What is counted here is not taken from anybody.
    let reported = [Reported::of(Measure::WeeklyCases, 1.0)];
    let inputs = AreaInputs {
        reported: &reported,
        ..counted(200, 200)
    };
    assert_eq!(area_level(&rule("harvard"), &inputs).level, 4);
    let nobody = AreaInputs {
        population: Some(0),
        ..counted(5, 5)
    };
    let risk = area_level(&rule("harvard"), &nobody);
    assert_eq!(
        (risk.level, risk.standing, risk.missing[0].en.as_str()),
        (0, Standing::InsufficientData, "population")
    );
}

#[test]
fn areas_above_themselves_get_no_level_and_the_others_do() {
    let rules = rule("qd2686");
    let codes = ["a", "b", "c", "d", "e"].map(|code| AreaCode::new(code).unwrap());
    let [a, b, c, d, e] = &codes;
    let unit = |code, parent, tier| AreaUnit {
        code,
        parent,
        neighbours: None,
        decided: None,
        inputs: AreaInputs {
            tier,
            ..counted(0, 0)
        },
    };
    let units = [
        unit(a, Some(b), AreaLevel::District),
        unit(b, Some(a), AreaLevel::District),
        unit(c, Some(a), AreaLevel::Commune),
        unit(d, Some(d), AreaLevel::District),
        unit(e, None, AreaLevel::Commune),
    ];
    let standing: Vec<Standing> = area_levels(&rules, &units)
        .iter()
        .map(|found| found.standing)
        .collect();
    let (circle, open) = (Standing::CircleOfParents, Standing::UndefinedByRule);
    assert_eq!(standing, [circle, circle, open, circle, open]);
}

#[test]
fn the_rule_in_force_follows_what_was_chosen_and_the_day() {
    let book = Rules::builtin().areas;
    let on = |book: &vungxanh::risk::AreaRuleBook, day: &str| book.on(Day::parse(day).unwrap()).rule.label();
    assert_eq!(on(&book, "2021-05-07"), "qd4800@2021-10-12");
    assert_eq!(on(&book, "2024-01-01"), "qd4800@2021-10-12");
    let all = ["qd2686", "qd4800", "qd218"].map(str::to_owned);
    let vietnam = book.choosing(&all).unwrap();
    assert_eq!(on(&vietnam, "2020-01-01"), "qd2686@2021-05-31");
    assert_eq!(on(&vietnam, "2021-10-11"), "qd2686@2021-05-31");
    assert_eq!(on(&vietnam, "2021-10-12"), "qd4800@2021-10-12");
    assert_eq!(on(&vietnam, "2022-01-27"), "qd218@2022-01-27");
    let europe = book.choosing(&["ecdc".to_owned()]).unwrap();
    assert_eq!(on(&europe, "2021-03-01"), "ecdc@2021-02");
    let unknown = book.choosing(&["qd1".to_owned()]).unwrap_err();
    assert_eq!(unknown.asked, "qd1");
    assert!(unknown.known.contains(&"harvard@2020".to_owned()));
    assert!(book.choosing(&[]).is_err());
    assert_eq!(
        book.find("ecdc", Day::parse("2020-12-01").unwrap())
            .unwrap()
            .rule
            .version,
        "2020-10"
    );
    let of_2021 = book.find("ecdc@2021", Day(0)).unwrap();
    assert_eq!(of_2021.rule.version, "2021-06", "the last of that year");
    assert!(book.find("ecdc@2019", Day(0)).is_err());
}

fn percent() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![Just(None), (0.0..=100.0).prop_map(Some)]
}

proptest! {
    /// More cases never make anything better, by whatever rule and whatever is not known beside.
    #[test]
    fn more_cases_never_lower_a_level(
        cases in 0_u32..900, more in 0_u32..900, before in 0_u32..900, adults in percent(), elderly in percent(),
        positive in percent(), tests in 0.0..2000.0,
    ) {
        let reported: Vec<Reported<'_>> = [(Measure::TestPositivity, positive), (Measure::Tests, Some(tests))]
            .into_iter()
            .filter_map(|(measure, value)| Some(Reported::of(measure, value?)))
            .collect();
        for rules in Rules::builtin().areas.all() {
            let found = |cases: u32| {
                let inputs = AreaInputs {
                    indicators: AreaIndicators {
                        adults_one_dose_percent: adults,
                        elderly_full_dose_percent: elderly,
                        care_ready: None,
                    },
                    reported: &reported,
                    ..counted(cases, cases + before)
                };
                area_decision(rules, &inputs).possible
            };
            let (few, many) = (found(cases), found(cases + more));
            prop_assert!(few.levels().min() <= many.levels().min(), "{}", rules.rule.label());
            prop_assert!(few.levels().max() <= many.levels().max(), "{}", rules.rule.label());
        }
    }

    /// What becomes known only narrows what was possible.
    #[test]
    fn knowing_more_rules_levels_out_and_none_in(
        cases in 0_u32..900, adults in 0.0..=100.0, positive in 0.0..=100.0, tests in 0.0..2000.0, full in 0.0..=100.0,
        admissions in 0.0..60.0, beds in 0.0..=100.0,
    ) {
        let reported = [
            Reported::of(Measure::TestPositivity, positive),
            Reported::of(Measure::Tests, tests),
            Reported::of(Measure::PopulationFullDose, full),
            Reported::of(Measure::Admissions, admissions),
            Reported::of(Measure::CovidBeds, beds),
        ];
        for rules in Rules::builtin().areas.all() {
            let found = |adults: Option<f64>, reported: &[Reported<'_>]| {
                let inputs = AreaInputs {
                    indicators: AreaIndicators {
                        adults_one_dose_percent: adults,
                        elderly_full_dose_percent: Some(90.0),
                        care_ready: None,
                    },
                    reported,
                    ..counted(cases, cases)
                };
                area_decision(rules, &inputs).possible
            };
            let known = found(Some(adults), &reported);
            for (adults, many) in [(None, 5), (Some(adults), 0), (None, 0), (Some(adults), 2), (None, 3)] {
                let less = found(adults, &reported[..many]);
                let narrowed = known.levels().all(|level| less.levels().any(|each| each == level));
                prop_assert!(narrowed, "{}: {known:?} of {less:?}", rules.rule.label());
            }
        }
    }
}

#[test]
fn a_rate_weighted_by_vaccination_names_the_vaccinated_it_is_weighted_by() {
    let reported = [
        Reported::of(Measure::Tests, 1000.0),
        Reported::of(Measure::PopulationFullDose, 57.3),
    ];
    let inputs = AreaInputs {
        reported: &reported,
        ..counted(0, 60)
    };
    let said = |inputs: &AreaInputs<'_>| {
        let explain = area_level(&rule("ecdc@2022-02"), inputs).explain;
        let name = "Full-dose coverage of the population";
        let found: Vec<String> = explain
            .inputs
            .into_iter()
            .filter(|input| input.name.en == name)
            .map(|input| input.value)
            .collect();
        found
    };
    assert_eq!(said(&inputs), ["57.3 %"]);
    assert_eq!(said(&counted(0, 60)), ["–"]);
}
