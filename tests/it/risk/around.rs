//! Conditions on what officials declare and on the areas that border on one, in a rule of a few lines.

use vungxanh::risk::AnyRule;

use super::*;

const OWN: &str = r#"
kind = "area"
[rule]
id = "own"
version = "1"
source = "x"
title = { vi = "x", en = "x" }
valid_from = "2020-01-01"
confirmed = false
[[condition]]
level = 4
measure = "cases_7d_per_100k"
above = 100
[[condition]]
level = 3
neighbours_at = 4
[[condition]]
level = 2
judged = { vi = "có nguồn lây lạ", en = "a source is unknown" }
finding = "unknown_source"
"#;

fn read(text: &str) -> AreaRules {
    match Rules::read_one("own.toml", text).unwrap() {
        AnyRule::Area(rules) => *rules,
        other => panic!("{}", other.kind()),
    }
}

fn commune(cases: Counted) -> AreaInputs<'static> {
    AreaInputs {
        tier: AreaLevel::Commune,
        population: Some(100_000),
        cases_7d: cases,
        cases_14d: cases,
        indicators: AreaIndicators::default(),
        care_origin: None,
        reported: &[],
        below: &[],
        neighbours: None,
        findings: None,
        previous_level: None,
        previous_week: None,
        counted_to: None,
        as_of: at("2021-06-10T08:00:00+07:00"),
    }
}

fn said(rules: &AreaRules, inputs: &AreaInputs<'_>) -> (Vec<u8>, Vec<String>, Vec<String>) {
    let risk = area_level(rules, inputs);
    assert_eq!(risk.level, area_decision(rules, inputs).level());
    let steps = risk.explain.steps.into_iter().map(|step| step.text.en);
    let next = risk.explain.next.into_iter().map(|text| text.en);
    (risk.possible, steps.collect(), next.collect())
}

fn neighbour(name: &str, possible: LevelSet) -> Neighbour<'_> {
    Neighbour { name, possible }
}

#[test]
fn a_neighbour_at_the_level_makes_the_condition_true_and_is_named() {
    let rules = read(OWN);
    let with = |neighbours: Option<&[Neighbour<'_>]>| {
        let inputs = AreaInputs {
            neighbours,
            ..commune(Counted::Shown(0))
        };
        said(&rules, &inputs)
    };
    let (low, high) = (LevelSet::only(3), LevelSet::only(4));
    let step = |steps: &[String]| steps[1].clone();
    let condition = "Level 3 when at least one area of the same tier that borders on it at level 4 or higher";

    let (possible, steps, _) = with(Some(&[neighbour("Xã A", high), neighbour("Xã B", low)]));
    assert_eq!(
        (possible, step(&steps)),
        (vec![3], format!("{condition}: yes (Xã A)"))
    );
    let (possible, steps, next) = with(Some(&[neighbour("Xã B", low)]));
    assert_eq!(
        (possible, step(&steps)),
        (vec![1], format!("{condition} (0/1): no"))
    );
    assert!(next.contains(&format!("{condition} (0/1): no")), "{next:?}");
    let (possible, steps, _) = with(Some(&[neighbour("Xã B", low.or(high))]));
    assert_eq!(
        (possible, step(&steps)),
        (vec![1, 3], format!("{condition} (0/1): not known"))
    );
    // A circle of parents, or what is not decided yet.
    assert_eq!(with(Some(&[neighbour("Xã C", LevelSet::default())])).0, [1, 3]);
    assert_eq!(with(Some(&[neighbour("Xã C", LevelSet::UNDEFINED)])).0, [1, 3]);
    let (possible, steps, _) = with(Some(&[]));
    assert_eq!(
        (possible, step(&steps)),
        (vec![1], format!("{condition}: no, none borders on it"))
    );
    let (possible, steps, next) = with(None);
    assert_eq!(
        (possible, step(&steps)),
        (vec![1, 3], format!("{condition}: not known"))
    );
    assert!(next.contains(&"Report of: levels of the areas that border on it".to_owned()));
    let many = ["A", "B", "C", "D", "E", "F"].map(|name| neighbour(name, high));
    assert_eq!(
        step(&with(Some(&many)).1),
        format!("{condition}: yes (A, B, C, D, E, … (6))")
    );
}

#[test]
fn a_finding_counts_from_its_declaration_and_not_where_nobody_declared_or_declared_otherwise() {
    let rules = read(OWN);
    let day = Day::parse("2021-06-09").unwrap();
    let (own, other) = (
        FindingId::new("unknown_source").unwrap(),
        FindingId::new("something_else").unwrap(),
    );
    let with = |ids: Option<&[FindingId]>| {
        let inputs = AreaInputs {
            neighbours: Some(&[]),
            findings: ids.map(|ids| Findings { day, ids }),
            ..commune(Counted::Shown(0))
        };
        let (possible, steps, next) = said(&rules, &inputs);
        (possible, steps[2].clone(), next)
    };
    let condition = "Level 2 when a source is unknown";
    let (possible, step, next) = with(Some(std::slice::from_ref(&own)));
    assert_eq!(
        (possible, step),
        (vec![2], format!("{condition}: yes, declared on 2021-06-09"))
    );
    let withdrawn = "Level 1 when it is no longer declared: a source is unknown";
    assert!(next.contains(&withdrawn.to_owned()), "{next:?}");
    for ids in [&[][..], &[other][..]] {
        let (possible, step, next) = with(Some(ids));
        assert_eq!(
            (possible, step),
            (vec![1], format!("{condition}: no, as declared on 2021-06-09"))
        );
        let declared = "Level 2 when officials declare: a source is unknown";
        assert!(next.contains(&declared.to_owned()), "{next:?}");
    }
    let (possible, step, next) = with(None);
    assert_eq!(
        (possible, step),
        (vec![1], format!("{condition}: nobody declared so: taken as no"))
    );
    assert!(next.iter().any(|text| text.contains("officials declare")));
    let asked: Vec<(&str, u8)> = rules
        .findings()
        .map(|asked| (asked.id.as_str(), asked.level))
        .collect();
    assert_eq!(asked, [("unknown_source", 2)]);
}

#[test]
fn a_rule_by_which_neighbours_hold_each_other_up_is_refused() {
    let refused = |text: &str| Rules::read_one("own.toml", text).unwrap_err();
    let line_of = |text: &str, what: &str| {
        let found = text.lines().position(|line| line == what);
        found.map(|at| at + 1)
    };
    for at in [1, 2, 3] {
        let what = format!("neighbours_at = {at}");
        let text = OWN.replace("neighbours_at = 4", &what);
        let error = refused(&text);
        assert_eq!(
            (error.field.as_deref(), error.line, error.value.as_deref()),
            (
                Some("condition[1].neighbours_at"),
                line_of(&text, &what),
                Some(&*at.to_string())
            ),
            "{error}"
        );
        assert!(error.reason.contains("circular"), "{error}");
    }
    // A raise lifts what neighbours gave to the level that gives it.
    let raised = format!(
        "{OWN}[[raise]]\nmeasure = \"elderly_full_dose_percent\"\nbelow = 80\nby = 1\nexcept_without_cases = true\n"
    );
    let error = refused(&raised);
    assert_eq!(
        error.field.as_deref(),
        Some("condition[1].neighbours_at"),
        "{error}"
    );
    assert!(error.reason.contains("leads to level 4"), "{error}");
    assert!(Rules::read_one("own.toml", &raised.replace("level = 3", "level = 2")).is_ok());
    let held = OWN.replace("kind = \"area\"", "kind = \"area\"\nholds_without_care = true");
    assert_eq!(refused(&held).field.as_deref(), Some("holds_without_care"));
    let nameless = OWN.replace("finding = \"unknown_source\"", "");
    let error = refused(&nameless);
    assert_eq!(error.field.as_deref(), Some("condition[2].finding"), "{error}");
    assert!(error.line.is_some() && error.reason == "is missing", "{error}");
}

#[test]
fn levels_pass_from_neighbour_to_neighbour_and_what_is_hidden_stays_open() {
    let ladder = OWN.replace(
        "[[condition]]\nlevel = 2",
        "[[condition]]\nlevel = 2\nneighbours_at = 3\n[[condition]]\nlevel = 2",
    );
    let rules = read(&ladder);
    let codes: Vec<AreaCode> = (0..6).map(|n| AreaCode::new(&format!("c{n}")).unwrap()).collect();
    let levels = |cases: [Counted; 6]| {
        let units: Vec<AreaUnit<'_>> = (0..6)
            .map(|at| AreaUnit {
                code: &codes[at],
                parent: None,
                // A row, of which the last stands apart.
                neighbours: Some(match at {
                    0 => vec![&codes[1]],
                    5 => vec![],
                    4 => vec![&codes[3]],
                    _ => vec![&codes[at - 1], &codes[at + 1]],
                }),
                decided: None,
                inputs: commune(cases[at]),
            })
            .collect();
        let decided = area_levels(&rules, &units);
        let mut backwards = units.clone();
        backwards.reverse();
        let mut other = area_levels(&rules, &backwards);
        other.reverse();
        assert_eq!(decided, other, "the order of units is nothing");
        let possible = decided.iter().map(|each| each.possible.levels().collect());
        possible.collect::<Vec<Vec<u8>>>()
    };
    let mut cases = [Counted::Shown(0); 6];
    cases[0] = Counted::Shown(101);
    assert_eq!(
        levels(cases),
        [vec![4], vec![3], vec![2], vec![1], vec![1], vec![1]]
    );
    // Each is asked by itself: that the first two are either both low or both high is not seen.
    cases[0] = Counted::Hidden;
    assert_eq!(
        levels(cases),
        [
            vec![1, 2, 4],
            vec![1, 2, 3],
            vec![1, 2],
            vec![1],
            vec![1],
            vec![1]
        ]
    );
}

#[test]
fn a_decision_that_stands_already_is_kept_and_counts_for_others() {
    let rules = read(OWN);
    let codes = ["a", "b"].map(|code| AreaCode::new(code).unwrap());
    let [a, b] = &codes;
    let red = area_decision(&rules, &commune(Counted::Shown(500)));
    let unit = |code, beside, decided| AreaUnit {
        code,
        parent: None,
        neighbours: Some(vec![beside]),
        decided,
        inputs: commune(Counted::Shown(0)),
    };
    let levels = area_levels(&rules, &[unit(a, b, Some(red)), unit(b, a, None)]);
    assert_eq!([levels[0].level(), levels[1].level()], [4, 3]);
    // A neighbour that is not among them may be at any level.
    let alone = area_levels(&rules, &[unit(b, a, None)]);
    assert_eq!(alone[0].possible.levels().collect::<Vec<_>>(), [1, 3]);
}
