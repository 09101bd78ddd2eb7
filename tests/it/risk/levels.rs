//! Areas and cells.

use super::*;

fn area(
    cases: Counted,
    one_dose: Option<f64>,
    elderly: Option<f64>,
    care: Option<bool>,
) -> AreaInputs<'static> {
    AreaInputs {
        tier: AreaLevel::Commune,
        population: Some(100_000),
        cases_7d: cases,
        cases_14d: Counted::Hidden,
        indicators: AreaIndicators {
            adults_one_dose_percent: one_dose,
            elderly_full_dose_percent: elderly,
            care_ready: care,
        },
        care_origin: None,
        reported: &[],
        below: &[],
        neighbours: None,
        findings: None,
        previous_level: Some(4),
        previous_week: None,
        counted_to: None,
        as_of: at("2021-11-10T08:00:00+07:00"),
    }
}

/// The rule that levels are published by.
fn in_force() -> AreaRules {
    Rules::builtin()
        .areas
        .on(Day::parse("2021-11-10").unwrap())
        .clone()
}

#[test]
fn the_matrix_of_qd_4800_is_read_by_band_and_row() {
    let rules = in_force();
    let level = |cases, coverage| {
        area_level(
            &rules,
            &area(Counted::Shown(cases), Some(coverage), Some(90.0), Some(true)),
        )
        .level
    };
    assert_eq!(
        [0, 19, 20, 49, 50, 149, 150].map(|c| level(c, 70.0)),
        [1, 1, 1, 1, 2, 2, 3]
    );
    assert_eq!(
        [0, 19, 20, 49, 50, 149, 150].map(|c| level(c, 69.9)),
        [1, 1, 2, 2, 3, 3, 4]
    );
    // Published: HCMC on 14 October 2021, about 78 a week, coverage above 90 %; Đống Đa on 11 December, 177.
    assert_eq!((level(78, 95.0), level(177, 95.0)), (2, 3));
}

#[test]
fn qd_4800_adjusts_for_the_elderly_and_for_care() {
    let rules = in_force();
    let level = |inputs: &AreaInputs<'_>| area_level(&rules, inputs).level;
    let shown = Counted::Shown;
    assert_eq!(
        level(&area(shown(60), Some(90.0), Some(79.0), Some(true))),
        3,
        "one level up"
    );
    assert_eq!(
        level(&area(shown(200), Some(60.0), Some(10.0), Some(true))),
        4,
        "never above 4"
    );
    assert_eq!(
        level(&area(shown(0), Some(90.0), Some(10.0), Some(true))),
        1,
        "not without cases"
    );
    assert_eq!(
        level(&area(shown(0), Some(90.0), Some(90.0), Some(false))),
        4,
        "may not fall"
    );
}

#[test]
fn an_area_without_figures_gets_no_level_but_the_names_of_what_is_missing() {
    let rules = in_force();
    let hidden = area_level(&rules, &area(Counted::Hidden, Some(90.0), Some(90.0), Some(true)));
    assert_eq!((hidden.level, hidden.rate_7d_per_100k), (0, None));
    assert!(hidden.missing[0].en.contains("cases"), "{:?}", hidden.missing);

    let mut nobody = area(Counted::Shown(5), None, None, None);
    nobody.population = None;
    let nobody = area_level(&rules, &nobody);
    assert_eq!((nobody.level, nobody.missing.len()), (0, 4));

    let unvaccinated = |cases| area_level(&rules, &area(Counted::Shown(cases), None, None, None));
    assert_eq!(unvaccinated(5).level, 1, "both rows of the matrix agree");
    let open = unvaccinated(60);
    assert_eq!(open.level, 0, "the rows disagree");
    assert_eq!(open.rate_7d_per_100k, Some(60.0));
    assert!(
        open.explain.steps.iter().any(|step| step.value == "2, 3"),
        "{:?}",
        open.explain.steps
    );
    assert!(!open.explain.confirmed);
}

#[test]
fn a_cells_level_follows_its_rate_and_flags_small_numbers() {
    let rules = Rules::builtin().cell;
    let level = |cases, population| cell_risk(&rules, cases, population).level;
    assert_eq!(
        [0, 1, 2, 5, 15].map(|cases| level(cases, 10_000.0)),
        [1, 1, 2, 3, 4]
    );
    assert_eq!(level(3, 0.0), 0);
    assert_eq!(level(3, f64::NAN), 0);
    assert!(cell_risk(&rules, 15, 10_000.0).small_number);
    assert!(!cell_risk(&rules, 16, 10_000.0).small_number);
    assert!(!cell_risk(&rules, 0, 10_000.0).small_number);
    let explain = explain_cell(&rules, 3, 10_000.0, at("2021-05-10T08:00:00+07:00"));
    // Exact Poisson interval of 3: 0.619–8.767.
    assert!(
        explain.steps.iter().any(|step| step.value == "6.19–87.67"),
        "{:?}",
        explain.steps
    );
    let next = |cases: u32, population: f64| -> Vec<String> {
        let explain = explain_cell(&rules, cases, population, at("2021-05-10T08:00:00+07:00"));
        explain.next.into_iter().map(|text| text.en).collect()
    };
    assert_eq!(
        next(3, 10_000.0),
        [
            "Level 1 at a rate of 0–<20: 0–1 cases in 7 days",
            "Level 3 at a rate of 50–<150: 5–14 cases in 7 days",
            "Level 4 at a rate of ≥150: ≥15 cases in 7 days",
        ]
    );
    // Of 1,000 people one case is 100 per 100,000: no count gives level 2.
    assert_eq!(
        next(0, 1_000.0),
        [
            "Level 3 at a rate of 50–<150: 1 case in 7 days",
            "Level 4 at a rate of ≥150: ≥2 cases in 7 days",
        ]
    );
}

#[test]
fn the_residents_shown_of_a_cell_give_its_figures_by_hand() {
    let rules = Rules::builtin().cell;
    let as_of = at("2021-11-10T08:00:00+07:00");
    let hand = |figure: f64| ((figure * 100.0).round() / 100.0).to_string();
    for population in [95.304_57, 3.5, 1_234.567_8, 98_765.432_1, 640.0, 0.001_234_567] {
        for cases in [0, 1, 7, 300] {
            let explain = explain_cell(&rules, cases, population, as_of);
            let shown: f64 = explain.inputs[1].value.parse().unwrap();
            let (low, high) = poisson_interval_95(cases);
            let per_100k = |cases: f64| hand(cases * 100_000.0 / shown);
            assert_eq!(
                explain.steps[0].value,
                per_100k(f64::from(cases)),
                "{population}: {shown}"
            );
            assert_eq!(
                explain.steps[1].value,
                format!("{}–{}", per_100k(low), per_100k(high)),
                "{population}: {shown}"
            );
        }
    }
    // No more decimals than it takes.
    let whole = explain_cell(&rules, 0, 640.0, as_of);
    assert_eq!(whole.inputs[1].value, "640");
}

#[test]
fn a_figure_is_never_shown_on_the_other_side_of_its_limit() {
    let rules = in_force();
    let shown = |coverage: f64, cases: u32| {
        let inputs = area(Counted::Shown(cases), Some(coverage), Some(90.0), Some(true));
        let explain = area_level(&rules, &inputs).explain;
        let step = |start: &str| {
            let found = explain.steps.iter().find(|step| step.text.en.starts_with(start));
            let found = found.unwrap();
            format!("{} {}", found.text.en, found.value)
        };
        let reported = explain
            .inputs
            .iter()
            .find(|input| input.name.en.starts_with("One-dose"));
        (reported.unwrap().value.clone(), step("One-dose"))
    };
    let (input, step) = shown(69.999, 30);
    assert_eq!(input, "69.999 %");
    assert_eq!(step, "One-dose coverage of adults: band <70 69.999 %");
    let (input, step) = shown(70.001, 30);
    assert_eq!(input, "70.001 %");
    assert_eq!(step, "One-dose coverage of adults: band ≥70 70 %");
}
