//! Classes by the texts.

use super::*;

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
fn the_general_criteria_of_ho_chi_minh_city_must_all_be_met_where_they_apply() {
    let general = |points: [Option<f64>; 7]| {
        let mut record = record("hcmc-general", AssessmentAuthor::Inspector, &[1.0; 7]);
        for (answer, points) in record.answers.iter_mut().zip(points) {
            answer.1 = points;
        }
        outcome(&record).1
    };
    let mut points = [Some(1.0); 7];
    assert_eq!(general(points), "met");
    points[6] = None;
    assert_eq!(general(points), "met", "no food is served");
    for at in 0..6 {
        let mut points = points;
        points[at] = Some(0.0);
        assert_eq!(general(points), "not_met", "item {}", at + 1);
    }
    points[6] = Some(0.0);
    assert_eq!(general(points), "not_met");
    let rules = Rules::builtin();
    let day = |text: &str| Day::parse(text).unwrap();
    for instrument in rules.instruments.iter() {
        let (rule, is_general) = (&instrument.rule, instrument.rule.id == "hcmc-general");
        if rule.id.starts_with("hcmc-") || rule.id == "qd1203" {
            assert_eq!(rule.is_valid_on(day("2022-04-20")), !is_general, "{}", rule.id);
            assert_eq!(rule.is_valid_on(day("2022-04-21")), is_general, "{}", rule.id);
        }
    }
}

#[test]
fn the_sets_of_ho_chi_minh_city_and_hue_follow_their_texts_and_leave_their_gaps() {
    let with = |id: &str, sum: f64, zero: Option<usize>| {
        let mut points = vec![sum / 10.0; 10];
        if let Some(at) = zero {
            points[at - 1] = 0.0;
            points[9] = sum / 10.0 + sum / 10.0;
        }
        class(id, &points)
    };
    assert_eq!(with("hcmc-lodging", 100.0, None), "allowed");
    assert_eq!(
        with("hcmc-lodging", 99.0, None),
        "undefined",
        "allowed at 100 % only"
    );
    for tourism in ["hcmc-sights", "hcmc-travel-firms"] {
        assert_eq!(with(tourism, 100.0, None), "allowed");
        assert_eq!(with(tourism, 50.0, None), "undefined");
        assert_eq!(with(tourism, 49.0, None), "forbidden");
    }
    assert_eq!(with("hcmc-transport", 80.0, None), "allowed");
    assert_eq!(with("hcmc-transport", 79.0, None), "undefined");
    assert_eq!(with("hcmc-transport", 59.0, None), "forbidden");
    // The tenth item is at most 10 points: 45 and one more of 5.
    let mut points = [9.0; 10];
    points[0] = 0.0;
    assert_eq!(
        class("hcmc-transport", &points),
        "undefined",
        "a mandatory item with zero"
    );
    points.swap(0, 9);
    assert_eq!(
        class("hcmc-transport", &points),
        "allowed",
        "the tenth is not mandatory"
    );
    assert_eq!(class("hcmc-markets", &points), "allowed");
    points.swap(9, 1);
    assert_eq!(
        class("hcmc-markets", &points),
        "allowed",
        "3 and 4 are mandatory there"
    );
    assert_eq!(
        class("hcmc-traditional-markets", &points),
        "undefined",
        "1 and 2 are here"
    );
    assert_eq!(with("hue-factories", 80.0, None), "safe");
    assert_eq!(with("hue-factories", 50.0, None), "fix_7_days");
}

fn days_later(days: i64) -> Timestamp {
    at("2021-05-01T08:00:00+07:00").plus_s(days * 86_400)
}

#[test]
fn a_time_to_fix_things_ends() {
    let instruments = Rules::builtin().instruments;
    let school = record(
        "hcmc-schools",
        AssessmentAuthor::Inspector,
        &[vec![1.0; 7], vec![0.0; 3]].concat(),
    );
    let level = |record: &AssessmentRecord, now: Timestamp| match assess_at(&instruments, record, now).outcome
    {
        AssessmentOutcome::Class { id, .. } => id,
        AssessmentOutcome::UndefinedByRule(why) => why.en,
        AssessmentOutcome::Incomplete(why) => panic!("{}", why.en),
    };
    assert_eq!(level(&school, days_later(1)), "conditional");
    assert_eq!(level(&school, days_later(2)), "closed", "48 hours are over");
    let restaurant = record("hue-food", AssessmentAuthor::Inspector, &[6.0; 10]);
    assert_eq!(level(&restaurant, days_later(6)), "fix_7_days");
    assert_eq!(
        level(&restaurant, days_later(7)),
        "fix_7_days",
        "the text says no more: it stands"
    );
    let good = record("hue-food", AssessmentAuthor::Inspector, &[9.0; 10]);
    assert_eq!(
        level(&good, days_later(20)),
        "safe",
        "nothing to fix, no time to do it in"
    );
    assert_eq!(
        assess_at(&instruments, &restaurant, days_later(0)).fix_until,
        Some(days_later(7))
    );
}

#[test]
fn what_to_fix_first_is_what_can_veto_and_then_what_costs_most() {
    let instruments = Rules::builtin().instruments;
    let first = |id: &str, points: &[f64]| -> Vec<(u32, bool)> {
        let result = assess(&instruments, &record(id, AssessmentAuthor::Venue, points));
        result
            .fix_first
            .iter()
            .map(|item| (item.item, item.veto))
            .collect()
    };
    let mut school = [1.0; 15];
    for item in [1, 5, 9] {
        school[item - 1] = 0.0;
    }
    assert_eq!(
        first("cv1467", &school),
        [(5, true), (1, false), (9, false)],
        "5 is mandatory"
    );
    let mut hospital = [4.0; 37];
    hospital[20] = 0.0;
    assert_eq!(
        first("qd3088", &hospital),
        [(21, true)],
        "any zero is unsafe; the most points of items are not known"
    );
    // Points count risk here: the highest first, and 7 is too many for a medium index.
    let mut firm = [1.0; 10];
    firm[3] = 8.0;
    firm[7] = 5.0;
    assert_eq!(first("qd1203", &firm), [(4, true), (8, false)]);
    assert_eq!(first("hue-food", &[10.0; 10]), []);
    let named = assess(
        &instruments,
        &record("hcmc-schools", AssessmentAuthor::Venue, &[0.0; 10]),
    );
    assert_eq!(named.fix_first[0].name.en, "Vaccinated staff");
    assert_eq!(named.fix_first.len(), 3);
}
