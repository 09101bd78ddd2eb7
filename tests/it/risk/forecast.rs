//! Infections to be expected at a venue.

use proptest::prelude::*;
use vungxanh::model::Hour;
use vungxanh::risk::methods::{PlaceHour, expected_infections, infection_rate};
use vungxanh::risk::{
    Homes, VenueForecast, VenueForecastInputs, forecast_figures, forecast_venue, prevalence,
};

use super::*;

const NOW: Hour = Hour(450_000);

fn forecast(arrivals: &[(Hour, u32)], area_m2: f64, stay_min: f64, homes: &Homes) -> VenueForecast {
    let rules = Rules::builtin().forecast;
    let inputs = VenueForecastInputs {
        arrivals,
        area_m2,
        stay_min,
        homes,
        infectious: prevalence(&rules, homes),
        now: NOW,
        as_of: at("2021-05-10T12:00:00+07:00"),
    };
    let whole = forecast_venue(&rules, &inputs);
    let figures = forecast_figures(&rules, &inputs);
    assert_eq!(
        figures.infections, whole.infections,
        "a ranking says what the venue's own answer says"
    );
    assert_eq!(figures.visits, whole.visits);
    whole
}

/// So many arrivals in one hour of each of the last four weeks.
fn weekly(each: u32) -> Vec<(Hour, u32)> {
    (1..=4).map(|week| (Hour(NOW.0 - 168 * week + 5), each)).collect()
}

#[test]
fn a_week_like_those_before_infects_as_chang_says() {
    let homes = Homes::of_area(139, 100_000.0);
    let found = forecast(&weekly(40), 200.0, 60.0, &homes);
    assert!((found.visits - 40.0).abs() < 1e-9, "{}", found.visits);
    // 139.5 cases of 14 days, infectious for 10, four infections behind each, among 100,000.
    let share = 139.5 / 14.0 * 10.0 * 4.0 / 100_000.0;
    assert!((found.infectious.unwrap().mean - share).abs() < 1e-12);
    let place = PlaceHour {
        psi_ft2: f64::midpoint(515.4025, 4886.4166),
        area_m2: 200.0,
        median_stay_min: 60.0,
    };
    // Stays of an hour fill their own hour and the next.
    let expected = 2.0 * expected_infections(&place, 40.0 * share, 40.0 * (1.0 - share));
    let infections = found.infections.unwrap();
    assert!(
        (infections.mean - expected).abs() < 1e-12,
        "{infections:?} {expected}"
    );
    assert!(infections.low < infections.mean && infections.mean < infections.high);
    let per_1000 = found.infections_per_1000_visits.unwrap();
    assert!((per_1000.mean - 25.0 * expected).abs() < 1e-9);
    let someone = 1.0 - (1.0 - share).powf(40.0);
    assert!((found.someone_infectious.unwrap() - someone).abs() < 1e-9);
    assert_eq!(found.hours.len(), 168);
    let busy: Vec<i32> = found
        .hours
        .iter()
        .filter(|hour| hour.arrivals > 0.0)
        .map(|hour| hour.hour.0)
        .collect();
    assert_eq!(busy, [NOW.0 + 5], "the hour of the week that it always was");
    let sum: f64 = found.hours.iter().map(|hour| hour.infections).sum();
    assert!((sum - infections.mean).abs() < 1e-12);
}

#[test]
fn an_explanation_names_every_number_that_it_counts_with() {
    let rules = Rules::builtin().forecast;
    let near = [(0.5, 3.0, 900.0), (2.5, 1.0, 4_000.0)];
    let homes = Homes::around(&rules.homes, near.into_iter());
    let found = forecast(&weekly(40), 200.0, 60.0, &homes);
    let explain = &found.explain;
    let inputs: Vec<String> = explain
        .inputs
        .iter()
        .map(|input| format!("{}: {}", input.name.en, input.value))
        .collect();
    let inputs = inputs.join("\n");
    for words in [
        "ψ (Chang et al. 2021), ft²",
        "2700.91 (515.4025–4886.4166)",
        "resolution 7, 5 rings around: (km + 1.5)^-1.75",
    ] {
        assert!(inputs.contains(words), "{words}: {inputs}");
    }
    let value = |start: &str| -> f64 {
        let found = explain.steps.iter().find(|step| step.text.en.starts_with(start));
        found.unwrap().value.parse().unwrap()
    };
    // All of 160 arrivals in one hour of the week: nothing is drawn anywhere.
    assert_eq!(value("Shares of the hours of the week"), 0.0);
    assert_eq!(value("Shares of the hours of the day"), 0.0);
    // The share of infectious people can be counted from what is shown.
    let shown = |start: &str| -> f64 {
        let found = explain
            .inputs
            .iter()
            .find(|input| input.name.en.starts_with(start));
        found.unwrap().value.parse().unwrap()
    };
    let by_hand = (shown("Cases of 14 days") + 0.5) / 14.0 * 10.0 * 4.0 / shown("Residents that go");
    let share = found.infectious.unwrap().mean;
    assert!((by_hand / share - 1.0).abs() < 1e-4, "{by_hand} {share}");
    let few = forecast(
        &[(Hour(NOW.0 - 20), 2), (Hour(NOW.0 - 50), 1)],
        200.0,
        60.0,
        &homes,
    );
    let drawn = few.explain.steps.iter().find(|step| step.text.en.contains("(λ"));
    assert!(drawn.unwrap().value.parse::<f64>().unwrap() > 0.1, "{drawn:?}");
}

#[test]
fn a_stay_of_two_hours_and_a_half_fills_three_hours() {
    let homes = Homes::of_area(100, 100_000.0);
    let found = forecast(&weekly(40), 200.0, 150.0, &homes);
    let present: Vec<f64> = found.hours[4..10].iter().map(|hour| hour.present).collect();
    assert_eq!(present, [0.0, 40.0, 40.0, 40.0, 20.0, 0.0]);
    // The last hour of the week runs on into its first.
    let late: Vec<(Hour, u32)> = (1..=4).map(|week| (Hour(NOW.0 - 168 * week + 167), 40)).collect();
    let found = forecast(&late, 200.0, 150.0, &homes);
    assert_eq!(found.hours[0].present, 40.0);
    assert_eq!(found.hours[167].present, 40.0);
}

#[test]
fn a_short_history_is_not_taken_for_a_habit() {
    let homes = Homes::of_area(100, 100_000.0);
    let rules = Rules::builtin().forecast;
    // Two visits in one hour, yesterday: one a week, moved by the trend at most.
    let found = forecast(&[(Hour(NOW.0 - 20), 2)], 50.0, 15.0, &homes);
    assert!(
        found.visits >= 1.0 && found.visits <= rules.trend.highest,
        "{}",
        found.visits
    );
    // What is older than four weeks, or not yet over, does not count.
    let outside = [(Hour(NOW.0 - 28 * 24 - 1), 50), (NOW, 50)];
    let nothing = forecast(&outside, 50.0, 15.0, &homes);
    assert_eq!((nothing.visits, nothing.infections.unwrap().mean), (0.0, 0.0));
    assert_eq!(nothing.infections_per_1000_visits, None);
}

#[test]
fn few_cases_give_a_wide_band_and_no_residents_none() {
    let band = |cases: u32, residents: f64| {
        let found = forecast(&weekly(40), 200.0, 60.0, &Homes::of_area(cases, residents));
        found.infections.map(|interval| interval.high / interval.low)
    };
    assert!(band(2, 2_000.0).unwrap() > band(2_000, 2_000_000.0).unwrap());
    // Of many cases the transmission constant's own range is left: 515 to 4,886.
    for cases in [20_000, 2_000_000] {
        let band = band(cases, f64::from(cases) * 1000.0).unwrap();
        assert!((band - 7.4).abs() < 1.0, "{cases}: {band}");
    }
    assert_eq!(band(0, 0.0), None);
    let none = forecast(&weekly(40), 200.0, 60.0, &Homes::of_area(0, 0.0));
    assert!(
        none.explain.next[0].en.contains("residents"),
        "{:?}",
        none.explain.next
    );
    assert!(
        forecast(&weekly(40), 200.0, 60.0, &Homes::of_area(0, 1e5))
            .infections
            .unwrap()
            .mean
            > 0.0
    );
}

#[test]
fn homes_near_by_count_more_and_even_weights_tell_most() {
    let rules = Rules::builtin().forecast.homes;
    let near_ill = Homes::around(&rules, [(0.0, 10.0, 1000.0), (9.0, 0.0, 1000.0)].into_iter());
    let far_ill = Homes::around(&rules, [(0.0, 0.0, 1000.0), (9.0, 10.0, 1000.0)].into_iter());
    assert!(near_ill.cases / near_ill.residents > far_ill.cases / far_ill.residents);
    assert!(near_ill.residents < 2000.0 && near_ill.residents > 1000.0);
    let even = Homes::around(&rules, [(3.0, 10.0, 1000.0), (3.0, 0.0, 1000.0)].into_iter());
    assert!((even.residents - 2000.0).abs() < 1e-6 && (even.cases - 10.0).abs() < 1e-9);
    let nobody = Homes::around(&rules, [(1.0, 3.0, 0.0)].into_iter());
    assert_eq!((nobody.cases, nobody.residents), (0.0, 0.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn more_people_more_cases_and_less_room_never_infect_fewer(
        arrivals in prop::collection::vec((0_i32..672, 0_u32..200), 0..60),
        area in 1.0_f64..5000.0, stay in 1.0_f64..600.0, cases in 0_u32..5000, factor in 1.0_f64..5.0,
    ) {
        let arrivals: Vec<(Hour, u32)> =
            arrivals.into_iter().map(|(back, visits)| (Hour(NOW.0 - 1 - back), visits)).collect();
        let homes = |cases: u32| Homes::of_area(cases, 1e6);
        let mean = |found: VenueForecast| found.infections.unwrap().mean;
        let here = forecast(&arrivals, area, stay, &homes(cases));
        let infections = here.infections.unwrap();
        prop_assert!(infections.mean >= 0.0 && infections.mean <= here.hours.iter().map(|hour| hour.present).sum::<f64>() + 1e-9);
        prop_assert!(infections.low <= infections.mean && infections.mean <= infections.high);
        let here = infections.mean;
        prop_assert!(mean(forecast(&arrivals, area * factor, stay, &homes(cases))) <= here + 1e-12);
        // Where everybody who can be infected is, those who are infectious already are fewer to infect.
        let more = mean(forecast(&arrivals, area, stay, &homes(cases + 100)));
        prop_assert!(more >= here * 0.999);
    }

    #[test]
    fn a_rate_is_a_probability(psi in 1.0_f64..1e5, area in 0.1_f64..1e5, stay in 0.0_f64..2000.0, ill in 0.0_f64..1e4) {
        let place = PlaceHour { psi_ft2: psi, area_m2: area, median_stay_min: stay };
        prop_assert!((0.0..=1.0).contains(&infection_rate(&place, ill)));
    }
}
