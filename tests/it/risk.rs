use std::fs;

use vungxanh::model::{
    AreaIndicators, AssessmentAuthor, Day, EventId, Mark, MarkState, Timestamp, UtcOffset, VenueId, VenueKind,
};
use vungxanh::risk::{
    AreaInputs, AssessmentOutcome, AssessmentRecord, Audience, Counted, Rules, Symptoms, VenueInputs,
    VenueStatus, area_level, assess, cell_risk, derive_interval, explain_cell, normalized_minutes,
    overlap_minutes, split_by_day, transmission_risk_level, transmission_risk_value,
    transmission_risk_vector, venue_risk,
};

use crate::support::shared;

fn vector(name: &str) -> Option<serde_json::Value> {
    let text = fs::read_to_string(shared()?.join("vectors/cwa").join(name)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

/// The vectors leave the seconds out: `2021-03-04T06:21+01:00`.
fn at(text: &str) -> Timestamp {
    let text = if text.len() == 22 {
        format!("{}:00{}", &text[..16], &text[16..])
    } else {
        text.to_owned()
    };
    Timestamp::parse(&text).unwrap()
}

fn instant(value: &serde_json::Value) -> Timestamp {
    at(value.as_str().unwrap())
}

#[test]
fn intervals_are_derived_as_corona_warn_app_does() {
    let Some(vectors) = vector("checkin-timeinterval-derivation.json") else {
        return;
    };
    let rules = Rules::builtin();
    let cases = vectors["testCases"].as_array().unwrap();
    assert_eq!(cases.len(), 10);
    for case in cases {
        let found = derive_interval(
            &rules.tracing,
            instant(&case["startDate"]),
            instant(&case["endDate"]),
        );
        let expected = case["expStartDate"]
            .as_str()
            .map(|start| (at(start), instant(&case["expEndDate"])));
        assert_eq!(found, expected, "{}", case["description"]);
    }
}

#[test]
fn overlaps_match_corona_warn_app() {
    let Some(vectors) = vector("presence-tracing-kotlin-tests.json") else {
        return;
    };
    let overlap = &vectors["overlap"];
    let start = instant(&overlap["warning"]["start"]);
    let warning = (
        start,
        start.plus_s(600 * overlap["warning"]["period_10min"].as_i64().unwrap()),
    );
    let cases = overlap["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 12);
    for case in cases {
        let stay = (instant(&case["checkin_start"]), instant(&case["checkin_end"]));
        let expected = case["exp_rounded_minutes"].as_u64().map(|minutes| minutes as u32);
        assert_eq!(overlap_minutes(stay, warning), expected, "{}", case["name"]);
        assert_eq!(
            overlap_minutes(warning, stay),
            expected,
            "{} reversed",
            case["name"]
        );
    }
    let matched = &vectors["find_matches"];
    let start = instant(&matched["warning_start"]);
    let warning = (start, start.plus_s(600 * matched["period"].as_i64().unwrap()));
    let stay = (instant(&matched["checkin"][0]), instant(&matched["checkin"][1]));
    assert_eq!(
        overlap_minutes(stay, warning),
        matched["exp_rounded_minutes"].as_u64().map(|m| m as u32)
    );
}

#[test]
fn stays_are_split_at_midnight_utc_as_corona_warn_app_does() {
    let Some(vectors) = vector("presence-tracing-kotlin-tests.json") else {
        return;
    };
    for case in vectors["split_by_midnight_utc"].as_array().unwrap() {
        let parts: Vec<_> = split_by_day(instant(&case["start"]), instant(&case["end"]), UtcOffset::UTC)
            .into_iter()
            .map(|(_, from, to)| (from, to))
            .collect();
        let expected: Vec<_> = case["exp"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| (instant(&part[0]), instant(&part[1])))
            .collect();
        assert_eq!(parts, expected, "{case}");
    }
}

#[test]
fn normalised_time_and_day_sums_match_corona_warn_app() {
    let Some(vectors) = vector("presence-tracing-kotlin-tests.json") else {
        return;
    };
    let rules = Rules::builtin().tracing;
    for case in vectors["normalized_time"].as_array().unwrap() {
        let level = case["trl"].as_u64().unwrap() as u8;
        let minutes = case["minutes"].as_u64().unwrap() as u32;
        assert_eq!(
            transmission_risk_value(&rules, level),
            case["trv"].as_f64().unwrap()
        );
        assert!((normalized_minutes(&rules, level, minutes) - case["exp"].as_f64().unwrap()).abs() < 1e-9);
    }
    for (level, value) in vectors["trl_to_value"].as_object().unwrap() {
        assert_eq!(
            transmission_risk_value(&rules, level.parse().unwrap()),
            value.as_f64().unwrap(),
            "{level}"
        );
    }
    let day_sum = &vectors["day_sum"];
    // Level 5 has weight 1.
    let sum: f64 = day_sum["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| normalized_minutes(&rules, 5, m.as_f64().unwrap() as u32))
        .sum();
    assert_eq!(sum, day_sum["exp_sum"].as_f64().unwrap());
}

#[test]
fn transmission_risk_vectors_are_the_published_ones() {
    let Some(vectors) = vector("presence-tracing-kotlin-tests.json") else {
        return;
    };
    let rules = Rules::builtin().tracing;
    let table = vectors["trl_vector_by_days_since_onset"].as_object().unwrap();
    let mut seen = 0;
    for (name, levels) in table {
        let symptoms = match name.as_str() {
            "note" => continue,
            "symptomatic_last_7_days" => Symptoms::LastSevenDays,
            "one_to_two_weeks" => Symptoms::OneToTwoWeeks,
            "more_than_two_weeks" => Symptoms::MoreThanTwoWeeks,
            "symptomatic_no_date" => Symptoms::NoDate,
            "no_symptoms" => Symptoms::NoSymptoms,
            "no_information" => Symptoms::NoInformation,
            days => Symptoms::OnsetDaysAgo(days.parse().unwrap()),
        };
        let expected: Vec<u8> = levels
            .as_array()
            .unwrap()
            .iter()
            .map(|l| l.as_u64().unwrap() as u8)
            .collect();
        assert_eq!(transmission_risk_vector(&rules, symptoms), expected, "{name}");
        seen += 1;
    }
    assert_eq!(seen, 17);
    assert_eq!(transmission_risk_level(&rules, i32::MIN), 1);
    assert_eq!(transmission_risk_level(&rules, i32::MAX), 1);
}

#[test]
fn a_stay_of_days_ends_where_corona_warn_app_ends_it() {
    // CheckInsTransformerTest, see `pipeline_transform` in the vectors.
    let rules = Rules::builtin().tracing;
    let derive = |from: &str, to: &str| derive_interval(&rules, at(from), at(to));
    assert_eq!(derive("2021-03-04T10:21:00Z", "2021-03-04T10:29:00Z"), None);
    let short = derive("2021-03-04T10:20:00Z", "2021-03-04T10:30:00Z").unwrap();
    assert_eq!(short.1, at("2021-03-04T10:40:00Z"));
    let long = derive("2021-03-04T09:30:00Z", "2021-03-10T09:45:00Z").unwrap();
    assert_eq!(long, (at("2021-03-04T09:30:00Z"), at("2021-03-10T10:20:00Z")));
    assert_eq!(split_by_day(long.0, long.1, UtcOffset::UTC).len(), 7);
}

#[test]
fn a_local_day_ends_at_local_midnight() {
    let parts = split_by_day(
        at("2021-05-07T23:30:00+07:00"),
        at("2021-05-08T00:30:00+07:00"),
        UtcOffset::VIETNAM,
    );
    let midnight = at("2021-05-08T00:00:00+07:00");
    assert_eq!(parts.len(), 2);
    assert_eq!((parts[0].2, parts[1].1), (midnight, midnight));
    assert_eq!(parts[1].0, Day::parse("2021-05-08").unwrap());
    let until_midnight = split_by_day(at("2021-05-07T23:30:00+07:00"), midnight, UtcOffset::VIETNAM);
    assert_eq!(until_midnight.len(), 1);
}

fn mark(case: usize, from: &str, minutes: i64, days_since_onset: i32) -> Mark {
    Mark {
        id: EventId::new(&format!("m{case}-{from}")).unwrap(),
        case: EventId::new(&format!("c{case}")).unwrap(),
        venue: VenueId::new("v").unwrap(),
        from: at(from),
        to: at(from).plus_s(minutes * 60),
        days_since_onset,
        state: MarkState::Approved,
    }
}

fn inputs<'a>(marks: &'a [Mark], assessments: &'a [AssessmentRecord]) -> VenueInputs<'a> {
    VenueInputs {
        marks,
        assessments,
        kind: VenueKind::Restaurant,
        now: at("2021-05-10T12:00:00+07:00"),
        offset: UtcOffset::VIETNAM,
    }
}

#[test]
fn exposure_is_public_from_two_distinct_cases() {
    let rules = Rules::builtin();
    // 60 minutes and a tail of 30 at level 8 (weight 1.6): 144 normalised minutes.
    let mut marks = vec![
        mark(1, "2021-05-07T11:00:00+07:00", 60, 0),
        mark(1, "2021-05-08T11:00:00+07:00", 60, 1),
    ];
    let official = venue_risk(&rules, &inputs(&marks, &[]), Audience::Official);
    assert_eq!(
        (official.level, official.status, official.cases),
        (4, VenueStatus::Unsafe, 1)
    );
    assert_eq!(official.exposure.len(), 2);
    assert!(
        (official.exposure[0].minutes - 144.0).abs() < 1e-9,
        "{:?}",
        official.exposure
    );

    let public = venue_risk(&rules, &inputs(&marks, &[]), Audience::Public);
    let nothing = venue_risk(&rules, &inputs(&[], &[]), Audience::Public);
    assert_eq!(
        public, nothing,
        "one case must leave no trace in what the public gets"
    );
    assert_eq!((public.level, public.status), (0, VenueStatus::NotAssessed));

    marks.push(mark(2, "2021-05-08T12:00:00+07:00", 9, 0));
    assert_eq!(
        venue_risk(&rules, &inputs(&marks, &[]), Audience::Public).level,
        0,
        "9 minutes are dropped"
    );
    marks.push(mark(2, "2021-05-08T12:00:00+07:00", 20, 4));
    let public = venue_risk(&rules, &inputs(&marks, &[]), Audience::Public);
    assert_eq!((public.level, public.cases), (4, 2));
    // 40 minutes at level 3 (weight 0.6) beside 144.
    assert_eq!(public.exposure.len(), 1, "the day before has one case alone");
    assert!(
        (public.exposure[0].minutes - 168.0).abs() < 1e-9,
        "{:?}",
        public.exposure
    );
    assert!(
        public
            .explain
            .next
            .iter()
            .any(|text| text.en.contains("2021-05-19")),
        "{:?}",
        public.explain.next
    );
    let json = serde_json::to_value(&public).unwrap();
    assert_eq!(json["exposure"][0]["day"], "2021-05-08");
    assert_eq!(json["status"], "unsafe");
    assert_eq!(json["explain"]["as_of"], "2021-05-10T05:00:00Z");
}

#[test]
fn only_approved_marks_of_the_look_back_count() {
    let rules = Rules::builtin();
    let mut proposed = mark(1, "2021-05-07T11:00:00+07:00", 60, 0);
    proposed.state = MarkState::Proposed;
    let marks = [
        proposed,
        mark(2, "2021-04-29T11:00:00+07:00", 60, 0),
        mark(3, "2021-05-11T11:00:00+07:00", 60, 0),
        mark(4, "2021-05-09T11:00:00+07:00", 60, -9),
    ];
    let risk = venue_risk(&rules, &inputs(&marks, &[]), Audience::Official);
    assert_eq!((risk.level, risk.cases, risk.exposure.len()), (0, 0, 0));
    let oldest = [mark(2, "2021-04-30T11:00:00+07:00", 60, 0)];
    assert_eq!(
        venue_risk(&rules, &inputs(&oldest, &[]), Audience::Official).cases,
        1
    );
}

#[test]
fn the_order_of_marks_does_not_matter() {
    let rules = Rules::builtin();
    let mut marks: Vec<Mark> = (0..9)
        .map(|n| mark(n, "2021-05-08T11:00:00+07:00", 10 + 7 * n as i64, n as i32 - 4))
        .collect();
    let first = venue_risk(&rules, &inputs(&marks, &[]), Audience::Official);
    marks.reverse();
    assert_eq!(
        venue_risk(&rules, &inputs(&marks, &[]), Audience::Official),
        first
    );
}

fn record(instrument: &str, by: AssessmentAuthor, points: &[f64]) -> AssessmentRecord {
    AssessmentRecord {
        at: at("2021-05-01T08:00:00+07:00"),
        instrument: instrument.to_owned(),
        answers: (1..)
            .zip(points)
            .map(|(n, p)| (i32::to_string(&n), Some(*p)))
            .collect(),
        by,
    }
}

fn outcome(record: &AssessmentRecord) -> (Option<f64>, String) {
    let result = assess(&Rules::builtin().instruments, record);
    let text = match result.outcome {
        AssessmentOutcome::Class { id, .. } => id,
        AssessmentOutcome::UndefinedByRule(_) => "undefined".to_owned(),
        AssessmentOutcome::Incomplete(_) => "incomplete".to_owned(),
    };
    (result.score, text)
}

fn class(instrument: &str, points: &[f64]) -> String {
    outcome(&record(instrument, AssessmentAuthor::Inspector, points)).1
}

#[test]
fn hospitals_take_the_percentage_of_what_applies_and_any_zero_is_unsafe() {
    let mut hoa_lu = record("qd3088@2020", AssessmentAuthor::Inspector, &[2.0; 37]);
    for (_, points) in &mut hoa_lu.answers[24..] {
        *points = Some(4.0);
    }
    // 24·2 + 11·4 + 6 = 98 of 142, two items not applicable: 69.01 %.
    hoa_lu.answers[34].1 = Some(6.0);
    hoa_lu.answers[35].1 = None;
    hoa_lu.answers[36].1 = None;
    hoa_lu.answers[33].1 = Some(8.0);
    hoa_lu.answers[32].1 = Some(4.0);
    let sum: f64 = hoa_lu.answers.iter().filter_map(|(_, p)| *p).sum();
    hoa_lu.answers[0].1 = Some(2.0 + 98.0 - sum);
    assert_eq!(
        outcome(&hoa_lu).1,
        "undefined",
        "the applicable maximum is not known"
    );
    hoa_lu.answers.push(("applicable_max".to_owned(), Some(142.0)));
    let (score, class_of) = outcome(&hoa_lu);
    assert!((score.unwrap() - 69.01).abs() < 0.005, "{score:?}");
    assert_eq!(class_of, "low");
    hoa_lu.answers[1].1 = Some(0.0);
    hoa_lu.answers[2].1 = Some(4.0);
    assert_eq!(outcome(&hoa_lu).1, "unsafe");

    let mut exactly_75 = [3.0; 37];
    exactly_75[0] = 112.5 - 3.0 * 36.0;
    assert_eq!(class("qd3088", &exactly_75), "undefined");
    exactly_75[0] += 0.5;
    assert_eq!(class("qd3088", &exactly_75), "safe");
}

#[test]
fn what_a_text_leaves_open_is_undefined() {
    let workplace = |sum: f64| {
        let mut points = [0.0; 15];
        points[3] = sum;
        class("qd2194", &points)
    };
    assert_eq!(workplace(45.0), "very_low");
    assert_eq!(workplace(46.0), "undefined", "15.33 % lies between 15 and 16");
    assert_eq!(workplace(48.0), "low");
    assert_eq!(workplace(300.0), "very_high");
    assert_eq!(workplace(301.0), "incomplete");

    let school = |passed: usize, failed: &[usize]| {
        let mut points = [0.0; 15];
        (0..15)
            .filter(|n| !failed.contains(&(n + 1)))
            .take(passed)
            .for_each(|n| points[n] = 1.0);
        class("cv1467", &points)
    };
    assert_eq!(school(12, &[]), "good");
    assert_eq!(school(11, &[]), "good");
    assert_eq!(
        school(11, &[4]),
        "undefined",
        "enough passed, a mandatory item failed"
    );
    assert_eq!(school(7, &[4]), "unsafe");

    let hcmc = |sevens: usize| {
        let mut points = [4.0; 10];
        points[..sevens].fill(7.0);
        class("qd1203", &points)
    };
    assert_eq!(class("qd1203", &[1.0; 10]), "very_low");
    assert_eq!(hcmc(0), "medium");
    assert_eq!(hcmc(1), "medium_closed");
    assert_eq!(class("qd1203", &[10.0; 10]), "very_high");
    assert_eq!(
        class("qd1203", &[0.0; 10]),
        "incomplete",
        "an item has at least 1 point"
    );

    let hue = |percent: f64| class("hue-food", &[percent / 10.0; 10]);
    assert_eq!(
        [80.0, 65.0, 50.0, 40.0].map(hue),
        ["safe", "fix_now", "fix_7_days", "suspend"]
    );
    let open = |passed: usize| {
        class(
            "hcmc-schools",
            &[vec![1.0; passed], vec![0.0; 10 - passed]].concat(),
        )
    };
    assert_eq!(
        [8, 7, 6, 5].map(open),
        ["open", "conditional", "conditional", "closed"]
    );
    assert_eq!(
        class("qd4999", &[3.0, 4.0, 6.0, 3.0, 4.0, 5.0, 3.0, 2.0]),
        "undefined"
    );
    assert_eq!(class("hue-food", &[8.0; 9]), "incomplete");
    assert_eq!(class("hue-food", &[f64::NAN; 10]), "incomplete");
    assert_eq!(class("nobody", &[1.0]), "incomplete");
}

#[test]
fn a_venues_own_word_never_betters_an_inspection() {
    let rules = Rules::builtin();
    let level = |own: Option<f64>, inspected: Option<f64>| {
        let own = own.map(|p| record("hue-food", AssessmentAuthor::Venue, &[p; 10]));
        let inspected = inspected.map(|p| record("hue-food", AssessmentAuthor::Inspector, &[p; 10]));
        let records: Vec<_> = own.into_iter().chain(inspected).collect();
        venue_risk(&rules, &inputs(&[], &records), Audience::Public).level
    };
    assert_eq!(level(Some(9.0), None), 1);
    assert_eq!(level(Some(9.0), Some(6.0)), 3);
    assert_eq!(level(Some(4.0), Some(9.0)), 4);
    assert_eq!(level(None, None), 0);

    let mut old = record("hue-food", AssessmentAuthor::Inspector, &[9.0; 10]);
    old.at = at("2021-04-09T08:00:00+07:00");
    let records = [old];
    let risk = venue_risk(&rules, &inputs(&[], &records), Audience::Public);
    assert_eq!((risk.level, risk.inspected), (0, None), "expired after 30 days");
}

fn area(cases: Counted, one_dose: Option<f64>, elderly: Option<f64>, care: Option<bool>) -> AreaInputs {
    AreaInputs {
        population: Some(100_000),
        cases_7d: cases,
        indicators: AreaIndicators {
            adults_one_dose_percent: one_dose,
            elderly_full_dose_percent: elderly,
            care_ready: care,
        },
        previous_level: Some(4),
        as_of: at("2021-11-10T08:00:00+07:00"),
    }
}

#[test]
fn the_matrix_of_qd_4800_is_read_by_band_and_row() {
    let rules = Rules::builtin().area;
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
    let rules = Rules::builtin().area;
    let level = |inputs: &AreaInputs| area_level(&rules, inputs).level;
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
    let rules = Rules::builtin().area;
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
}
