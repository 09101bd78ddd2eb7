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
