//! Laws, and brute-force twins on random input.

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use vungxanh::risk::methods::{
    Counted, Emission, Location, Neighbours, ReportingTriangle, Room, ScanOptions, SpaceTimeOptions, Weights,
    cori, empirical_bayes, getis_ord, rki_r7, scan_poisson, scan_space_time, significant_at, still_missing,
    two_sided_p,
};

use super::close;

fn ratio(inside: f64, expected: f64, all: f64) -> f64 {
    if inside < 2.0 || inside <= expected {
        return 0.0;
    }
    let outside = if all > inside {
        (all - inside) * ((all - inside) / (all - expected)).ln()
    } else {
        0.0
    };
    inside * (inside / expected).ln() + outside
}

fn few() -> ScanOptions {
    ScanOptions {
        replications: 99,
        ..ScanOptions::default()
    }
}

/// Every circle: the places no farther from a middle than another one is.
fn circles(points: &[[f64; 3]]) -> Vec<Vec<usize>> {
    let distance = |a: usize, b: usize| (points[a][0] - points[b][0]).hypot(points[a][1] - points[b][1]);
    let all = 0..points.len();
    all.clone()
        .flat_map(|middle| all.clone().map(move |edge| (middle, edge)))
        .map(|(middle, edge)| {
            let near = |place: &usize| distance(middle, *place) <= distance(middle, edge);
            (0..points.len()).filter(near).collect()
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_circle_is_less_likely_than_the_first_cluster(
        places in prop::collection::vec((0_u8..6, 0_u8..6, 0_u32..6, 0_u32..40), 2..12)
    ) {
        let locations: Vec<Location> = places.iter().map(|(x, y, cases, people)| Location {
            point: [f64::from(*x), f64::from(*y), 0.0],
            cases: *cases,
            people: f64::from(*people) + 1.0,
        }).collect();
        let all: f64 = locations.iter().map(|place| f64::from(place.cases)).sum();
        let people: f64 = locations.iter().map(|place| place.people).sum();
        let points: Vec<[f64; 3]> = locations.iter().map(|place| place.point).collect();
        let highest = circles(&points).iter().map(|circle| {
            let inside: f64 = circle.iter().map(|place| f64::from(locations[*place].cases)).sum();
            let measure: f64 = circle.iter().map(|place| locations[*place].people).sum();
            if measure > people / 2.0 { 0.0 } else { ratio(inside, all * measure / people, all) }
        }).fold(0.0, f64::max);
        let found = scan_poisson(&locations, &few()).unwrap();
        let first = found.first().map_or(0.0, |cluster| cluster.log_likelihood_ratio);
        prop_assert!((first - highest).abs() < 1e-9, "{first} {highest}");
        let mut members: Vec<usize> = found.iter().flat_map(|cluster| cluster.locations.clone()).collect();
        let count = members.len();
        members.sort_unstable();
        members.dedup();
        prop_assert_eq!(members.len(), count, "clusters share no place");
        prop_assert!(found.iter().all(|cluster| cluster.p > 0.0 && cluster.p <= 1.0));
    }

    #[test]
    fn no_cylinder_is_less_likely_than_the_first_cluster(
        places in prop::collection::vec((0_u8..5, 0_u8..5, prop::collection::vec(0_u32..4, 6)), 2..8),
        longest_days in 1_usize..7,
        alive: bool,
    ) {
        let points: Vec<[f64; 3]> = places.iter().map(|(x, y, _)| [f64::from(*x), f64::from(*y), 0.0]).collect();
        let cases: Vec<Vec<u32>> = places.iter().map(|(.., days)| days.clone()).collect();
        let sum = |places: &[usize], from: usize, to: usize| -> f64 {
            places.iter().map(|place| cases[*place][from..to].iter().sum::<u32>()).sum::<u32>().into()
        };
        let everywhere: Vec<usize> = (0..points.len()).collect();
        let all = sum(&everywhere, 0, 6);
        let mut highest = 0.0_f64;
        for circle in circles(&points) {
            let here = sum(&circle, 0, 6);
            for to in if alive { 6_usize..7 } else { 1..7 } {
                for from in to.saturating_sub(longest_days)..to {
                    if here <= all / 2.0 {
                        let expected = here * sum(&everywhere, from, to) / all;
                        highest = highest.max(ratio(sum(&circle, from, to), expected, all));
                    }
                }
            }
        }
        let times = SpaceTimeOptions { longest_days, alive };
        let found = scan_space_time(&points, &cases, times, &few()).unwrap();
        let first = found.first().map_or(0.0, |cluster| cluster.log_likelihood_ratio);
        prop_assert!((first - highest).abs() < 1e-9, "{first} {highest}");
    }

    #[test]
    fn a_room_forgets_nothing_between_steps(
        stays in prop::collection::vec((0.0..8.0_f64, 0.01..4.0_f64, 0.0..100.0_f64), 1..5),
        volume_m3 in 5.0..2000.0_f64,
        loss_per_h in 0.1..40.0_f64,
        from in 0.0..10.0_f64,
        hours in 0.01..5.0_f64,
    ) {
        let emissions: Vec<Emission> = stays.iter().map(|(from_h, hours, per_h)| Emission {
            from_h: *from_h,
            to_h: from_h + hours,
            per_h: *per_h,
        }).collect();
        let room = Room { volume_m3, loss_per_h };
        // Mass is kept: what was breathed out is in the air or has left it.
        let end = from + hours;
        let emitted: f64 = emissions.iter()
            .map(|e| e.per_h * ((e.to_h.min(end) - e.from_h).max(0.0) - (e.to_h.min(from) - e.from_h).max(0.0)))
            .sum();
        let left = room.exposure(&emissions, from, end) * loss_per_h * volume_m3;
        let held = (room.concentration(&emissions, end) - room.concentration(&emissions, from)) * volume_m3;
        prop_assert!((emitted - left - held).abs() < 1e-9 * (1.0 + emitted.abs() + left.abs()), "{emitted} {left} {held}");
    }

    #[test]
    fn smoothing_keeps_rates_between_themselves_and_the_mean(
        places in prop::collection::vec((0_u32..50, 1_u32..5000), 2..40)
    ) {
        let places: Vec<Counted> = places.iter().map(|(cases, people)| Counted {
            cases: f64::from(*cases),
            people: f64::from(*people),
        }).collect();
        let mean = places.iter().map(|p| p.cases).sum::<f64>() / places.iter().map(|p| p.people).sum::<f64>();
        for (place, smoothed) in places.iter().zip(empirical_bayes(&places)) {
            let (low, high) = (place.rate().min(mean), place.rate().max(mean));
            prop_assert!(smoothed >= low - 1e-12 && smoothed <= high + 1e-12);
        }
    }

    #[test]
    fn the_tests_that_stand_are_those_of_benjamini_and_hochberg(
        p_values in prop::collection::vec(0.0..1.0_f64, 1..30), rate in 0.01..0.5_f64
    ) {
        // By the definition: the largest k whose k-th smallest p is at most k/m of the rate.
        let mut sorted = p_values.clone();
        sorted.sort_by(f64::total_cmp);
        let count = (1..=sorted.len())
            .filter(|k| sorted[k - 1] <= rate * *k as f64 / sorted.len() as f64)
            .max()
            .unwrap_or(0);
        let found = significant_at(rate, &p_values);
        prop_assert_eq!(found.iter().filter(|stands| **stands).count(), count);
    }

    #[test]
    fn equal_values_are_nowhere_hot(value in 0.1..9.0_f64, places in 3_usize..12) {
        let ring = (0..places).map(|at| vec![(at + 1) % places, (at + places - 1) % places]).collect();
        let found = getis_ord(&vec![value; places], &Neighbours::new(ring), Weights::Binary, true);
        prop_assert!(found.iter().all(|z| z.abs() < 1e-6), "{:?}", found);
    }
}

#[test]
fn equal_seeds_give_equal_clusters_and_clusters_by_chance_are_as_rare_as_their_p() {
    let throw = |seed: u64| -> Vec<Location> {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut places: Vec<Location> = (0..49)
            .map(|at| Location {
                point: [f64::from(at % 7), f64::from(at / 7), 0.0],
                cases: 0,
                people: 100.0,
            })
            .collect();
        for _case in 0..60 {
            places[(next() % 49) as usize].cases += 1;
        }
        places
    };
    let options = few();
    assert_eq!(
        scan_poisson(&throw(1), &options).unwrap(),
        scan_poisson(&throw(1), &options).unwrap()
    );
    let alarms = (1..=200)
        .filter(|seed| scan_poisson(&throw(*seed), &options).unwrap()[0].p <= 0.1)
        .count();
    // 20 expected; 4 deviations.
    assert!((3..=37).contains(&alarms), "{alarms} of 200");
}

#[test]
fn a_steady_epidemic_has_a_reproduction_number_of_one() {
    let cases = vec![50.0; 60];
    let interval = [0.0, 0.2, 0.5, 0.2, 0.1];
    for r in cori(&cases, &vec![0.0; 60], &interval, 7).iter().skip(10) {
        close(r.mean(), 1.0, 0.01);
        let (low, high) = r.credible_95();
        assert!(low < 1.0 && high > 1.0);
        close(r.quantile(0.5), r.mean(), 0.01);
    }
    assert!(rki_r7(&cases).iter().all(|r| *r == Some(1.0)));
    close(two_sided_p(1.959_963_985), 0.05, 1e-9);
}

#[test]
fn a_triangle_with_a_hole_or_a_negative_figure_is_refused_by_row() {
    let refused = |rows: Vec<Vec<Option<f64>>>| ReportingTriangle::new(rows).unwrap_err().to_string();
    let hole = refused(vec![vec![Some(1.0), Some(2.0)], vec![None, Some(1.0)]]);
    assert!(hole.contains("row 1"), "{hole}");
    let negative = refused(vec![vec![Some(-1.0), None]]);
    assert!(negative.contains("negative"), "{negative}");
    let ragged = refused(vec![vec![Some(1.0)], vec![Some(1.0), None]]);
    assert!(ragged.contains("another number of delays"), "{ragged}");
}

#[test]
fn the_interval_of_what_is_still_missing_holds_it_as_often_as_it_says() {
    // The law behind it: a flat prior over N, each of N reported by chance. Drawn so, 95 % must hold.
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut chance = move || rng.next_u32() as f64 / f64::from(u32::MAX);
    for share in [0.15, 0.5, 0.9] {
        let (mut held, mut seen) = (0, 0);
        for _ in 0..20_000 {
            let whole = (chance() * 400.0) as u32;
            let so_far = (0..whole).filter(|_| chance() < share).count() as u32;
            // Near the end of the range the prior is not flat.
            if f64::from(so_far) / share > 200.0 {
                continue;
            }
            let missing = still_missing(so_far, share);
            let truth = u64::from(whole - so_far);
            seen += 1;
            held += u32::from((missing.low..=missing.high).contains(&truth));
        }
        let coverage = f64::from(held) / f64::from(seen);
        assert!((0.94..0.985).contains(&coverage), "{share}: {coverage}");
    }
}

#[test]
fn what_is_still_missing_is_the_unbiased_rest_and_nothing_when_all_is_in() {
    for (so_far, share) in [(0_u32, 0.2), (3, 0.5), (250, 0.9), (5_000, 0.3), (100_000, 0.11)] {
        let missing = still_missing(so_far, share);
        let unbiased = (f64::from(so_far) + 1.0 - share) / share - f64::from(so_far);
        assert!((missing.mean - unbiased).abs() < 1e-6 * unbiased.max(1.0));
        assert!(
            (missing.low as f64) <= missing.mean && missing.mean <= missing.high as f64,
            "{missing:?}"
        );
        // About normal for many.
        if so_far >= 250 {
            let deviation = (missing.mean / share).sqrt();
            assert!((missing.high as f64 - missing.mean - 1.96 * deviation).abs() < 0.1 * deviation + 1.0);
        }
    }
    let all = still_missing(17, 1.0);
    assert_eq!((all.low, all.high), (0, 0));
}
