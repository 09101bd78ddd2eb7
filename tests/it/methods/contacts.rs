//! Contacts of phones: the Corona-Warn-App, and other countries' configurations of the same method.

use std::ops::Bound;

use vungxanh::risk::methods::{
    ExposureRules, ExposureWindow, InfectiousDays, Infectiousness, MinutesFilter, Report, RiskyWindow,
    Sighting, Steps, Stretch, VenueMessage, WindowFactor, attenuation_db, may_book_test,
    sightings_of_contact, venue_alert,
};

use super::*;

const NO_BANDS: &[(Stretch, f64)] = &[];

/// The Corona-Warn-App writes every stretch so.
fn stretch(value: &Value) -> Stretch {
    let end = |name: &str, exclusive: &str| {
        let at = value[name].as_f64().unwrap();
        if value[exclusive].as_bool().unwrap_or(false) {
            Bound::Excluded(at)
        } else {
            Bound::Included(at)
        }
    };
    (end("min", "minExclusive"), end("max", "maxExclusive"))
}

fn steps(list: &Value, range: &str, value: &str) -> Steps {
    let step = |row: &Value| (stretch(&row[range]), row[value].as_f64().unwrap());
    Steps::new(list.as_array().unwrap().iter().map(step).collect())
}

fn corona_warn_app(config: &Value) -> ExposureRules {
    let offset = |name: &str| config["trlEncoding"][name].as_u64().unwrap() as u8;
    let mut values = vec![0.0; 8];
    for row in config["transmissionRiskValueMapping"].as_array().unwrap() {
        let level = row["transmissionRiskLevel"].as_u64().unwrap() as usize;
        values[level - 1] = row["transmissionRiskValue"].as_f64().unwrap();
    }
    let filter = |row: &Value| MinutesFilter {
        attenuation_db: stretch(&row["attenuationRange"]),
        dropped_min: stretch(&row["dropIfMinutesInRange"]),
    };
    ExposureRules {
        minutes_filters: config["minutesAtAttenuationFilters"]
            .as_array()
            .unwrap()
            .iter()
            .map(filter)
            .collect(),
        dropped_levels: config["trlFilters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| stretch(&row["dropIfTrlInRange"]))
            .collect(),
        attenuation: steps(
            &config["minutesAtAttenuationWeights"],
            "attenuationRange",
            "weight",
        ),
        factor: WindowFactor::Levels {
            report: [
                offset("reportTypeOffsetConfirmedTest"),
                offset("reportTypeOffsetConfirmedClinicalDiagnosis"),
                offset("reportTypeOffsetSelfReport"),
                offset("reportTypeOffsetRecursive"),
            ],
            infectiousness: [
                0,
                offset("infectiousnessOffsetStandard"),
                offset("infectiousnessOffsetHigh"),
            ],
            values,
        },
        fewest_window_min: 0.0,
        window_bands: steps(
            &config["normalizedTimePerEWToRiskLevelMapping"],
            "normalizedTimeRange",
            "riskLevel",
        ),
        day_bands: steps(
            &config["normalizedTimePerDayToRiskLevelMapping"],
            "normalizedTimeRange",
            "riskLevel",
        ),
    }
}

fn infectiousness(number: u64) -> Infectiousness {
    [
        Infectiousness::None,
        Infectiousness::Standard,
        Infectiousness::High,
    ][number as usize]
}

fn window(value: &Value) -> ExposureWindow {
    let report = value["reportType"].as_u64().unwrap() as usize;
    ExposureWindow {
        age_days: value["ageInDays"].as_i64().unwrap() as i32,
        report: [
            Report::ConfirmedTest,
            Report::ClinicalDiagnosis,
            Report::SelfReport,
            Report::Recursive,
        ][report - 1],
        infectiousness: infectiousness(value["infectiousness"].as_u64().unwrap()),
        calibration: value["calibrationConfidence"].as_u64().unwrap() as u8,
        sightings: value["scanInstances"]
            .as_array()
            .unwrap()
            .iter()
            .map(|scan| Sighting {
                attenuation_db: scan["minAttenuation"].as_f64().unwrap(),
                seconds: scan["secondsSinceLastScan"].as_f64().unwrap(),
            })
            .collect(),
    }
}

#[test]
fn exposure_windows_are_judged_as_the_corona_warn_app_does() {
    let Some(all) = vectors("cwa/exposure-windows-risk-calculation.json") else {
        return;
    };
    let rules = corona_warn_app(&all["defaultRiskCalculationConfiguration"]);
    let cases = all["testCases"].as_array().unwrap();
    assert_eq!(cases.len(), 28);
    for case in cases {
        let windows: Vec<ExposureWindow> = case["exposureWindows"]
            .as_array()
            .unwrap()
            .iter()
            .map(window)
            .collect();
        let found = rules.assess(&windows);
        let number = |name: &str| case[name].as_i64();
        // The app knows no total below "low": nothing found is low, too.
        let expected = [
            number("expTotalRiskLevel"),
            number("expAgeOfMostRecentDateWithLowRisk"),
            number("expAgeOfMostRecentDateWithHighRisk"),
            number("expNumberOfDaysWithLowRisk"),
            number("expNumberOfDaysWithHighRisk"),
            number("expTotalMinimumDistinctEncountersWithLowRisk"),
            number("expTotalMinimumDistinctEncountersWithHighRisk"),
        ];
        let found = [
            Some(i64::from(found.band().max(1))),
            found.youngest_of(1).map(i64::from),
            found.youngest_of(2).map(i64::from),
            Some(found.days_of(1) as i64),
            Some(found.days_of(2) as i64),
            Some(found.distinct_low as i64),
            Some(found.distinct_high as i64),
        ];
        assert_eq!(found, expected, "{}", case["description"]);
    }
}

#[test]
fn windows_are_dropped_by_the_filters_that_the_corona_warn_app_had_in_production() {
    // Fewer than ten minutes below 73 dB, and levels 1 and 2, did not count.
    let Some(all) = vectors("cwa/exposure-windows-risk-calculation.json") else {
        return;
    };
    let mut rules = corona_warn_app(&all["defaultRiskCalculationConfiguration"]);
    rules.minutes_filters = vec![MinutesFilter {
        attenuation_db: (Bound::Included(0.0), Bound::Excluded(73.0)),
        dropped_min: (Bound::Included(0.0), Bound::Excluded(10.0)),
    }];
    rules.dropped_levels = vec![(Bound::Included(1.0), Bound::Included(2.0))];
    let score = |seconds: f64, attenuation_db: f64, report: Report| {
        rules.score(&ExposureWindow {
            age_days: 1,
            report,
            infectiousness: Infectiousness::High,
            calibration: 0,
            sightings: sightings_of_contact(&[attenuation_db; 4], seconds),
        })
    };
    assert_eq!(score(599.0, 30.0, Report::ConfirmedTest), None);
    assert_eq!(score(600.0, 73.0, Report::ConfirmedTest), None);
    assert_eq!(score(600.0, 30.0, Report::Recursive), None, "level 2");
    let counts = score(600.0, 72.9, Report::ConfirmedTest).unwrap();
    close(counts.normalized_min, 10.0 * 0.3 * 1.6, 1e-12);
}

/// Rules of the second version of Exposure Notifications, as a row of the vectors gives them.
fn notifications(row: &Value, weights: [f64; 3]) -> ExposureRules {
    let trigger = row["trigger_min"].as_f64().unwrap_or(15.0);
    let alert = (Bound::Included(trigger), Bound::Unbounded);
    ExposureRules {
        minutes_filters: Vec::new(),
        dropped_levels: Vec::new(),
        attenuation: Steps::buckets(
            &numbers(&row["db"]),
            &numbers(&row["w"]),
            row["le"].as_bool().unwrap_or(false),
        ),
        factor: WindowFactor::Product {
            report: [1.0, 1.0, 0.0, 0.0],
            infectiousness: weights,
        },
        fewest_window_min: 0.0,
        window_bands: Steps::new(NO_BANDS.to_vec()),
        day_bands: Steps::new(vec![(alert, 2.0)]),
    }
}

#[test]
fn other_countries_are_configurations_of_the_same_method() {
    let Some(all) = vectors("en_v2/en_configs.json") else {
        return;
    };
    let lfph = &all["lfph_v2_infectiousness"];
    let by_lfph = [
        0.0,
        lfph["std_w"].as_f64().unwrap(),
        lfph["high_w"].as_f64().unwrap(),
    ];
    let mut seen = 0;
    for (name, row) in all.as_object().unwrap() {
        if row["db"].is_null() {
            continue;
        }
        seen += 1;
        let weights = if name.ends_with("_v2") { by_lfph } else { [1.0; 3] };
        let rules = notifications(row, weights);
        let (limits, factors) = (numbers(&row["db"]), numbers(&row["w"]));
        let inclusive = row["le"] == Value::Bool(true);
        let meet = |db: f64, minutes: f64, infectiousness: Infectiousness| ExposureWindow {
            age_days: 2,
            report: Report::ConfirmedTest,
            infectiousness,
            calibration: 0,
            sightings: vec![Sighting {
                attenuation_db: db,
                seconds: minutes * 60.0,
            }],
        };
        for db in 0..110 {
            let db = f64::from(db);
            // windowScore, by its formula: the first bucket that the attenuation does not exceed.
            let bucket = limits
                .iter()
                .filter(|limit| if inclusive { db > **limit } else { db >= **limit })
                .count();
            for (kind, weight) in [
                Infectiousness::None,
                Infectiousness::Standard,
                Infectiousness::High,
            ]
            .iter()
            .zip(weights)
            {
                let found = rules.score(&meet(db, 7.0, *kind)).unwrap();
                close(found.normalized_min, 7.0 * factors[bucket] * weight, 1e-12);
                close(found.weighted_min, 7.0 * factors[bucket], 1e-12);
            }
        }
        // scoreSum, maximumScore and weightedDurationSum of a day, and the alert at a quarter of an hour near.
        let near = 7.6 / factors[0];
        let day = rules.assess(&[
            meet(40.0, near, Infectiousness::High),
            meet(40.0, near, Infectiousness::High),
        ]);
        close(day.days[0].sum_min, 15.2, 1e-9);
        close(day.days[0].most_min, 7.6, 1e-9);
        close(day.days[0].weighted_min, 15.2, 1e-9);
        assert_eq!(day.band(), 2, "{name}");
        assert_eq!(
            rules
                .assess(&[meet(40.0, 1.9 * near, Infectiousness::High)])
                .band(),
            0,
            "{name}"
        );
        let mut least = rules.clone();
        least.fewest_window_min = 8.0;
        let dropped = least.assess(&[meet(40.0, near, Infectiousness::High)]);
        assert!(
            dropped.days.is_empty(),
            "a window below minimumWindowScore counts for nothing"
        );
    }
    assert_eq!(seen, 6, "configurations with buckets");
}

#[test]
fn infectiousness_by_day_is_that_of_lfph_and_the_nhs() {
    let (Some(all), Some(nhs)) = (
        vectors("en_v2/en_configs.json"),
        vectors("nhs/exposure-configuration.json"),
    ) else {
        return;
    };
    let lfph = &all["lfph_v2_infectiousness"];
    let (standard, high) = (numbers(&lfph["standard"]), numbers(&lfph["high"]));
    let expected = |day: i32| {
        let among = |days: &[f64]| days.contains(&f64::from(day));
        match (among(&standard), among(&high)) {
            (true, _) => Infectiousness::Standard,
            (_, true) => Infectiousness::High,
            _ => Infectiousness::None,
        }
    };
    let table = InfectiousDays {
        first_day: -4,
        by_day: (-4..=5).map(expected).collect(),
    };
    assert!((-14..=14).all(|day| table.on(day) == expected(day)));

    let v2 = &nhs["v2RiskCalculation"];
    let by_day = numbers(&v2["daysSinceOnsetToInfectiousness"]);
    assert_eq!(by_day, numbers(&all["nhs_v2"]["dso_-14..14"]));
    let weights = numbers(&v2["infectiousnessWeights"]);
    assert_eq!(weights, numbers(&all["nhs_v2"]["infectiousness_weights"]));
    let table = InfectiousDays {
        first_day: -14,
        by_day: by_day.iter().map(|kind| infectiousness(*kind as u64)).collect(),
    };
    assert_eq!(table.on(-6), Infectiousness::None);
    assert_eq!(table.on(-5), Infectiousness::Standard);
    assert_eq!(table.on(-2), Infectiousness::High);
    assert_eq!(table.on(3), Infectiousness::High);
    assert_eq!(table.on(9), Infectiousness::Standard);
    assert_eq!(table.on(10), Infectiousness::None);
    assert_eq!(table.on(i32::MIN), Infectiousness::None);

    // Its first version: buckets and their weights. What is not reproduced, here or anywhere: the distance that the app
    // estimates from the strengths (`riskScore`, a closed library) and with it the thresholds 120 and 100.
    let limits = numbers(&nhs["exposureNotification"]["attenuationDurationThresholds"]);
    let factors = numbers(&nhs["riskCalculation"]["durationBucketWeights"]);
    let buckets = Steps::buckets(&limits, &factors, true);
    let at = |db: f64| buckets.at(db).unwrap();
    assert_eq!([at(55.0), at(56.0), at(63.0), at(64.0)], [1.0, 0.5, 0.5, 0.0]);
}

#[test]
fn a_risky_venue_offers_a_test_for_as_long_as_the_nhs_says() {
    let Some(config) = vectors("nhs/risky-venue-configuration.json") else {
        return;
    };
    let days = config["durationDays"]["optionToBookATest"].as_i64().unwrap() as i32;
    assert_eq!((-1..=12).filter(|since| may_book_test(*since, days)).count(), 11);
    // From its tests: ten days after a visit an offer of ten days is over.
    assert!(may_book_test(9, 10) && !may_book_test(10, 10));

    let risky = |from_s, to_s, message| RiskyWindow {
        from_s,
        to_s,
        message,
    };
    let windows = [
        risky(1000, 2000, VenueMessage::Inform),
        risky(1500, 1800, VenueMessage::BookTest),
    ];
    let told = |from, to| venue_alert((from, to), &windows);
    assert_eq!(told(2000, 3000), None, "the end does not belong to it");
    assert_eq!(told(0, 1000), None);
    assert_eq!(told(0, 1001), Some(VenueMessage::Inform));
    assert_eq!(told(1999, 3000), Some(VenueMessage::Inform));
    assert_eq!(told(900, 1501), Some(VenueMessage::BookTest));
}

#[test]
fn a_contact_of_bluezone_is_a_window_of_equal_shares() {
    let strengths = [-60.0, -64.0, -80.0];
    let attenuations: Vec<f64> = strengths
        .iter()
        .map(|received| attenuation_db(-8.0, *received, 2.0))
        .collect();
    assert_eq!(attenuations, [50.0, 54.0, 70.0]);
    let sightings = sightings_of_contact(&attenuations, 900.0);
    assert_eq!(
        sightings.iter().map(|sighting| sighting.seconds).sum::<f64>(),
        900.0
    );
    assert!(sightings_of_contact(&[], 900.0).is_empty());
}
