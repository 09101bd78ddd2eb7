//! Explanations in Vietnamese are Vietnamese, figures too.

use vungxanh::model::Venue;
use vungxanh::risk::{Explain, air_risk};

use super::*;
use crate::fixtures;

/// A point between two digits that is no point between thousands, outside of names such as `cwa-presence@2.0`.
fn english_decimal(text: &str) -> Option<&str> {
    text.split_whitespace().find(|word| {
        let bytes = word.as_bytes();
        let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        !word.contains('@')
            && (1..bytes.len()).any(|at| {
                let after = (at + 1..).take_while(|at| is_digit(*at)).count();
                bytes[at] == b'.' && is_digit(at - 1) && after > 0 && after != 3
            })
    })
}

fn check(explain: &Explain) {
    let steps = explain.steps.iter().map(|step| &step.text);
    let inputs = explain.inputs.iter().map(|input| &input.name);
    for text in steps.chain(inputs).chain(&explain.next) {
        let found = english_decimal(&text.vi);
        assert_eq!(found, None, "{}: {}", explain.rule, text.vi);
        assert!(!text.vi.is_empty() && !text.en.is_empty(), "{}", explain.rule);
    }
}

#[test]
fn vietnamese_sentences_write_decimals_with_a_comma() {
    assert_eq!(english_decimal("từ 7.5 phút"), Some("7.5"));
    assert_eq!(english_decimal("100.000 dân, cwa-presence@2.0, 7,5"), None);
    let rules = Rules::builtin();
    let now = at("2021-11-10T08:00:00+07:00");
    for population in [3.5, 1234.5, 98_765.4] {
        for cases in [0, 1, 7, 300] {
            check(&explain_cell(&rules.cell, cases, population, now));
        }
    }
    for kind in VenueKind::ALL {
        let venue = Venue {
            kind,
            floor_area_m2: Some(1234.5),
            ventilation_ach: Some(1.25),
            ..fixtures::venue("v", 105.84, 21.59)
        };
        check(&air_risk(&rules.air, &venue, now).explain);
    }
    for rule in rules.areas.all() {
        for cases in [0, 3, 77, 2_500] {
            let inputs = AreaInputs {
                tier: AreaLevel::Commune,
                population: Some(123_457),
                cases_7d: Counted::Shown(cases),
                cases_14d: Counted::Shown(cases * 2),
                indicators: AreaIndicators {
                    adults_one_dose_percent: Some(69.5),
                    elderly_full_dose_percent: Some(79.25),
                    care_ready: Some(false),
                },
                care_origin: None,
                reported: &[Reported::of(Measure::TestPositivity, 3.5)],
                below: &[],
                neighbours: None,
                findings: None,
                previous_level: None,
                previous_week: None,
                counted_to: None,
                as_of: now,
            };
            check(&area_level(rule, &inputs).explain);
        }
    }
    let mut tight = rules.clone();
    tight.tracing.high_from_min = 10.5;
    let marks = [mark(1, "2021-05-08T11:00:00+07:00", 15, 3)];
    check(&venue_risk(&tight, &inputs(&marks, &[]), Audience::Official).explain);
    let records = [record("qd2194", AssessmentAuthor::Venue, &[3.1; 15])];
    check(&venue_risk(&tight, &inputs(&[], &records), Audience::Official).explain);
}

#[test]
fn every_rule_names_its_source_in_both_languages() {
    let rules = Rules::builtin();
    for (kind, head) in rules.heads() {
        assert!(
            !head.source.vi.is_empty() && !head.source.en.is_empty(),
            "{kind}/{}",
            head.label()
        );
        let is_a_sentence = head.source.vi.contains(" of the ") || head.source.vi.contains("criteria");
        assert!(!is_a_sentence, "{kind}: {}", head.source.vi);
    }
}
