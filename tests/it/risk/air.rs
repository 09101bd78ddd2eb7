//! How easily the air of a venue spreads disease.

use proptest::prelude::*;
use vungxanh::model::Venue;
use vungxanh::risk::methods::{Emission, Room};
use vungxanh::risk::{AirCategory, AirDay, AirDayInputs, AirRisk, air_of_day, air_risk};

use super::*;
use crate::fixtures;

fn now() -> Timestamp {
    at("2021-05-10T12:00:00+07:00")
}

fn of(kind: VenueKind) -> Venue {
    Venue {
        kind,
        ..fixtures::venue("v", 105.84, 21.59)
    }
}

fn risk(venue: &Venue) -> AirRisk {
    air_risk(&Rules::builtin().air, venue, now())
}

#[test]
fn a_small_loud_bar_is_high_and_an_open_market_low() {
    let bar = risk(&of(VenueKind::Bar));
    assert_eq!(bar.category, AirCategory::High);
    assert!(bar.registered.is_empty());
    assert_eq!(risk(&of(VenueKind::Market)).category, AirCategory::Low);
    let gale = Venue {
        ventilation_ach: Some(500.0),
        capacity: Some(3),
        ..of(VenueKind::Bar)
    };
    let gale = risk(&gale);
    assert_eq!(gale.category, AirCategory::Low);
    assert_eq!(gale.registered, ["ventilation", "capacity"]);
}

/// 100 m³, 1.08 air changes, two hours, speaking and seated with loud parts: counted here step by step.
#[test]
fn an_index_is_what_its_explanation_says() {
    let venue = Venue {
        volume_m3: Some(100.0),
        ventilation_ach: Some(1.08),
        capacity: Some(11),
        ..of(VenueKind::Bar)
    };
    let found = risk(&venue);
    // Loss 2 an hour; 0.4 × 9.4 + 0.6 × 60.5 quanta an hour; a bar's two hours; 0.252 m³/h breathed in.
    let quanta_per_h = 0.4 * 9.4 + 0.6 * 60.5;
    let mean = quanta_per_h / (2.0 * 100.0) * (1.0 - (1.0 - (-4.0_f64).exp()) / 4.0);
    let quanta = mean * 0.252 * 2.0;
    let by_quanta = quanta / (2.0 * 0.288);
    let step = |english: &str| {
        let steps = &found.explain.steps;
        let step = steps.iter().find(|step| step.text.en.contains(english)).unwrap();
        step.value.parse::<f64>().unwrap()
    };
    let close =
        |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 0.01, "{found} {expected}");
    close(step("Lost from the air"), 2.0);
    close(step("breathes out"), quanta_per_h);
    close(step("Mean concentration"), mean);
    close(step("breathes in"), quanta);
    close(step("by Wells-Riley"), by_quanta);
    assert!(found.individual >= by_quanta, "the worse model counts");
    close(found.group, 10.0 * found.individual);
    close(step("Group index"), found.group);
    assert!(!found.explain.confirmed);
    let inputs: Vec<&str> = found
        .explain
        .inputs
        .iter()
        .map(|input| input.name.en.as_str())
        .collect();
    assert!(inputs.contains(&"Volume, m³ (registered)"), "{inputs:?}");
    assert!(inputs.contains(&"Floor area, m² (default)"), "{inputs:?}");
}

#[test]
fn a_hospital_is_no_single_hall() {
    let ward = Venue {
        floor_area_m2: Some(40.0),
        ..of(VenueKind::Hospital)
    };
    let house = Venue {
        floor_area_m2: Some(40_000.0),
        ..of(VenueKind::Hospital)
    };
    let (ward, house) = (risk(&ward), risk(&house));
    assert!((ward.individual / house.individual - 1.0).abs() < 1e-9);
    assert_eq!(ward.category, house.category);
    assert!(house.category > AirCategory::Low);
}

#[test]
fn what_would_better_the_category_does() {
    for kind in VenueKind::ALL {
        let venue = of(kind);
        let found = risk(&venue);
        assert!(!found.explain.next.is_empty(), "{kind:?}");
        for text in found
            .explain
            .next
            .iter()
            .filter(|text| text.en.contains("air changes an hour"))
        {
            let words: Vec<&str> = text.en.split(' ').collect();
            let changes: f64 = words[words.iter().position(|word| *word == "with").unwrap() + 1]
                .parse()
                .unwrap();
            let with = |changes: f64| {
                risk(&Venue {
                    ventilation_ach: Some(changes),
                    ..venue.clone()
                })
                .category
            };
            assert!(with(changes) < found.category, "{kind:?}: {}", text.en);
            assert_eq!(
                with(changes - 0.1),
                found.category,
                "{kind:?}: the least that does: {}",
                text.en
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn more_air_and_fewer_people_never_make_it_worse(
        kind in 0_usize..21, volume in 0.1_f64..1e6, changes in 0.0_f64..100.0, people in 1_u32..5000,
        factor in 1.0_f64..20.0,
    ) {
        let venue = Venue {
            volume_m3: Some(volume),
            ventilation_ach: Some(changes),
            capacity: Some(people),
            ..of(VenueKind::ALL[kind])
        };
        let here = risk(&venue);
        prop_assert!(here.individual.is_finite() && here.individual > 0.0);
        let aired = risk(&Venue { ventilation_ach: Some(changes * factor + 0.01), ..venue.clone() });
        prop_assert!(aired.individual < here.individual && aired.category <= here.category);
        let larger = risk(&Venue { volume_m3: Some(volume * factor), ..venue.clone() });
        prop_assert!(larger.individual <= here.individual * (1.0 + 1e-9) && larger.category <= here.category);
        let emptier = risk(&Venue { capacity: Some((f64::from(people) / factor) as u32), ..venue });
        prop_assert!(emptier.group <= here.group && emptier.category <= here.category);
    }
}

fn day(venue: &Venue, marks: &[Mark], arrivals: &[f64; 24]) -> AirDay {
    let rules = Rules::builtin();
    let inputs = AirDayInputs {
        venue,
        marks,
        arrivals,
        day: Day::parse("2021-05-08").unwrap(),
        offset: UtcOffset::VIETNAM,
        as_of: now(),
    };
    air_of_day(&rules.air, &rules.tracing, &inputs)
}

#[test]
fn the_air_of_a_day_is_that_of_the_box_model_for_each_infectious_visit() {
    let venue = Venue {
        volume_m3: Some(300.0),
        ventilation_ach: Some(2.0),
        ..of(VenueKind::Restaurant)
    };
    let mut arrivals = [0.0; 24];
    arrivals[11] = 10.0;
    arrivals[12] = 20.0;
    // Levels 8 and 3 of presence tracing weigh 1.6 and 0.6.
    let marks = [
        mark(1, "2021-05-08T11:00:00+07:00", 90, 0),
        mark(2, "2021-05-08T12:30:00+07:00", 60, 4),
    ];
    let found = day(&venue, &marks, &arrivals);
    assert_eq!(found.infectious_visits, 2);
    assert_eq!(found.hours.len(), 24);
    let room = Room {
        volume_m3: 300.0,
        loss_per_h: 2.0 + 0.62 + 0.3,
    };
    let quanta_per_h = 0.8 * 9.4 + 0.2 * 60.5;
    let emissions = [(11.0, 12.5, 1.6), (12.5, 13.5, 0.6)].map(|(from_h, to_h, weight)| Emission {
        from_h,
        to_h,
        per_h: weight * quanta_per_h,
    });
    let mut expected = 0.0;
    for (hour, others) in [(11.0, 9.0), (12.0, 19.0)] {
        let quanta = room.exposure(&emissions, hour + 0.5, hour + 1.5) * 0.252;
        let probability = 1.0 - (-quanta).exp();
        assert!((found.hours[hour as usize].probability - probability).abs() < 1e-12);
        expected += others * probability;
    }
    assert!((found.infections_by_quanta - expected).abs() < 1e-9);
    assert_eq!(found.hours[12].infectious, 1.0);
    assert_eq!(found.hours[10].quanta_per_m3, 0.0);
    assert!(
        found.hours[14].quanta_per_m3 > found.hours[15].quanta_per_m3,
        "the air clears"
    );
    assert_eq!(
        found.hours[12].present, 30.0,
        "stays of an hour reach into the next one"
    );
}

#[test]
fn only_approved_marks_of_infectious_days_count_and_order_does_not_matter() {
    let venue = of(VenueKind::Restaurant);
    let arrivals = [3.0; 24];
    let mut proposed = mark(1, "2021-05-08T11:00:00+07:00", 90, 0);
    proposed.state = MarkState::Proposed;
    let not_infectious = mark(2, "2021-05-08T11:00:00+07:00", 90, -9);
    let nothing = day(&venue, &[proposed, not_infectious], &arrivals);
    assert_eq!(
        (nothing.infectious_visits, nothing.infections_by_quanta),
        (0, 0.0)
    );

    let mut marks: Vec<Mark> = (0..5)
        .map(|n| mark(n, "2021-05-08T08:00:00+07:00", 40 + 30 * n as i64, n as i32))
        .collect();
    let first = day(&venue, &marks, &arrivals).infections_by_quanta;
    marks.reverse();
    assert!((day(&venue, &marks, &arrivals).infections_by_quanta - first).abs() < 1e-12);
    // What the evening before left in the air still counts after midnight.
    let evening = [mark(9, "2021-05-07T22:00:00+07:00", 110, 0)];
    let night = day(&venue, &evening, &arrivals);
    assert_eq!(night.infectious_visits, 0);
    assert!(night.hours[0].probability > 0.0 && night.hours[5].probability < night.hours[0].probability);
}
