//! Stays and transmission risk against the published vectors.

use super::*;

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

#[test]
fn without_an_onset_the_level_is_read_by_the_age_of_the_stay_at_the_report() {
    let rules = Rules::builtin().tracing;
    let reported = Day::parse("2021-05-07").unwrap();
    let level = |age: i32| {
        let day = Day(reported.0 - age);
        transmission_risk_level_on(&rules, Onset::NotKnown { reported }, day, day)
    };
    let by_age: Vec<u8> = (0..15).map(level).collect();
    assert_eq!(transmission_risk_vector(&rules, Symptoms::NoInformation), by_age);
    assert_eq!([level(15), level(i32::MAX)], [1, 1]);
    assert_eq!(level(-1), level(0), "the table ends at the report");
    // Each local day of a stay has its own age, and its own distance from onset.
    let visit = Day(reported.0 - 3);
    let next = Day(reported.0 - 2);
    assert_eq!(
        transmission_risk_level_on(&rules, Onset::NotKnown { reported }, visit, next),
        level(2)
    );
    assert_eq!(
        transmission_risk_level_on(&rules, Onset::Known { days_since: -1 }, visit, next),
        transmission_risk_level(&rules, 0)
    );
}
