//! The risk of a venue.

use super::*;

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

#[test]
fn sources_that_disagree_are_told_with_their_age_and_what_to_fix() {
    let rules = Rules::builtin();
    let own = record("hue-food", AssessmentAuthor::Venue, &[9.0; 10]);
    let inspected = record("hue-food", AssessmentAuthor::Inspector, &[6.0; 10]);
    let records = [own, inspected];
    let now = at("2021-05-06T12:00:00+07:00");
    let at_now = VenueInputs {
        now,
        ..inputs(&[], &records)
    };
    let risk = venue_risk(&rules, &at_now, Audience::Official);
    assert_eq!(risk.level, 3, "the worse of both");
    let steps: Vec<&str> = risk
        .explain
        .steps
        .iter()
        .map(|step| step.text.en.as_str())
        .collect();
    assert!(
        steps
            .iter()
            .any(|step| step.contains("Inspected (hue-food@2020) on 2021-05-01, 5 days ago")),
        "{steps:?}"
    );
    let disagree = risk
        .explain
        .steps
        .iter()
        .find(|step| step.text.en.contains("disagree"))
        .unwrap();
    assert_eq!(disagree.value, "1 ≠ 3");
    let next: Vec<&str> = risk.explain.next.iter().map(|text| text.en.as_str()).collect();
    assert!(
        next.iter()
            .any(|text| text.contains("assessed again before 2021-05-08T08:00:00+07:00")),
        "{next:?}"
    );
    assert!(
        next.iter()
            .any(|text| text.contains("fixed first: Item 1 (6 points, 10 wanted)")),
        "{next:?}"
    );
    // The public learns how many items there are to mend, and none of them.
    let public = venue_risk(&rules, &at_now, Audience::Public);
    assert_eq!((public.level, public.status), (risk.level, risk.status));
    for (told, exact) in [
        (&public.inspected, &risk.inspected),
        (&public.self_declared, &risk.self_declared),
    ] {
        let (told, exact) = (told.as_ref().unwrap(), exact.as_ref().unwrap());
        assert!(told.fix_first.is_empty() && exact.fix_first.len() == 3);
        assert_eq!((told.to_fix, told.score, told.at), (10, exact.score, exact.at));
        assert_eq!(told.outcome, exact.outcome);
    }
    let said = serde_json::to_string(&public).unwrap();
    assert!(!said.contains("Item 1") && !said.contains("Mục 1"), "{said}");
    assert!(
        said.contains("The inspection: 10 items of hue-food@2020 to be fixed"),
        "{said}"
    );
    // A week later nobody has looked again: waiting betters nothing.
    let later = VenueInputs {
        now: at("2021-05-09T12:00:00+07:00"),
        ..at_now
    };
    let risk = venue_risk(&rules, &later, Audience::Public);
    assert_eq!(risk.level, 3);
    let ended =
        |step: &vungxanh::risk::ExplainStep| step.text.en.contains("ended at 2021-05-08T08:00:00+07:00");
    assert!(risk.explain.steps.iter().any(ended));
}
