//! Noise that is drawn, against the probabilities that it must have.

use std::collections::BTreeMap;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha12Rng;
use vungxanh::risk::methods::DiscreteLaplace;

fn drawn(noise: DiscreteLaplace, seed: u64, count: u32) -> BTreeMap<i64, u32> {
    let mut random = ChaCha12Rng::seed_from_u64(seed);
    let mut source = || random.next_u64();
    let mut seen = BTreeMap::new();
    for _ in 0..count {
        *seen.entry(noise.draw(&mut source)).or_default() += 1;
    }
    seen
}

#[test]
fn values_come_as_often_as_they_must() {
    const COUNT: u32 = 60_000;
    for (numerator, denominator) in [(1, 1), (1, 3), (2, 7), (5, 2), (1, 20)] {
        let noise = DiscreteLaplace::new(numerator, denominator).unwrap();
        let seen = drawn(noise, 7 * numerator + denominator, COUNT);
        // Values that are expected five times at least, and all others together.
        let expected = |value: i64| noise.probability(value) * f64::from(COUNT);
        let reach = (0..).take_while(|&value| expected(value) >= 5.0).last().unwrap();
        let (mut chi_square, mut inside, mut rest) = (0.0, 0.0, COUNT);
        for value in -reach..=reach {
            let count = seen.get(&value).copied().unwrap_or(0);
            let hoped = expected(value);
            chi_square += (f64::from(count) - hoped).powi(2) / hoped;
            inside += hoped;
            rest -= count;
        }
        let outside = f64::from(COUNT) - inside;
        chi_square += (f64::from(rest) - outside).powi(2) / outside.max(1e-9);
        let freedom = f64::from(2 * reach as u32 + 1);
        // Wilson and Hilferty: beyond 3.1 standard deviations lies one in a thousand.
        let bound = freedom * (1.0 - 2.0 / (9.0 * freedom) + 3.1 * (2.0 / (9.0 * freedom)).sqrt()).powi(3);
        assert!(
            chi_square < bound,
            "{numerator}/{denominator}: {chi_square} of {bound}"
        );
    }
}

#[test]
fn noise_is_as_often_above_as_below() {
    let noise = DiscreteLaplace::new(1, 4).unwrap();
    let seen = drawn(noise, 11, 40_000);
    let above: u32 = seen.range(1..).map(|row| row.1).sum();
    let below: u32 = seen.range(..0).map(|row| row.1).sum();
    let spread = f64::from(above + below).sqrt();
    assert!(
        (f64::from(above) - f64::from(below)).abs() < 3.5 * spread,
        "{above} {below}"
    );
}

#[test]
fn one_more_changes_no_probability_by_more_than_the_budget() {
    // Of a budget of 3/2 and a sensitivity of 4 the rate is 3/8; neighbours differ by up to 4.
    let noise = DiscreteLaplace::new(3, 8).unwrap();
    let most = (3.0_f64 / 2.0).exp() * (1.0 + 1e-12);
    let mut total = 0.0;
    for value in -400..=400_i64 {
        total += noise.probability(value);
        for shift in 1..=4 {
            let ratio = noise.probability(value) / noise.probability(value + shift);
            assert!((1.0 / most..=most).contains(&ratio), "{value} {shift} {ratio}");
        }
    }
    assert!((total - 1.0).abs() < 1e-9);
}

#[test]
fn the_same_bits_draw_the_same_and_no_rate_is_nothing_or_beyond_all() {
    let noise = DiscreteLaplace::new(1, 10).unwrap();
    assert_eq!(drawn(noise, 3, 500), drawn(noise, 3, 500));
    assert_ne!(drawn(noise, 3, 500), drawn(noise, 4, 500));
    for (numerator, denominator) in [(0, 1), (1, 0), (1, DiscreteLaplace::MOST + 1)] {
        assert_eq!(DiscreteLaplace::new(numerator, denominator), None);
    }
    // The least rate there is: far out, and no overflow.
    let far = DiscreteLaplace::new(1, DiscreteLaplace::MOST).unwrap();
    assert!(
        drawn(far, 5, 20)
            .keys()
            .any(|value| value.unsigned_abs() > 1 << 30)
    );
}
