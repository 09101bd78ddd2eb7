//! Reproduction numbers of other examples, and who is met by chance, against what was published of them.

use vungxanh::risk::methods::{
    NoGrowth, RandomMeeting, Reproduction, Uncertain, cori, cori_over, discrete_serial_interval,
    poisson_growth, someone_infectious, uncertain_serial_intervals,
};

use super::*;

/// Rows of `EpiEstim`'s own saved output (`_snaps/estimate_R.md`): last day of the window, mean, deviation, quantiles
/// 0.025, 0.05, 0.5, 0.975.
type Published = [f64; 7];

fn flu(all: &Value) -> (Vec<f64>, Vec<f64>) {
    let mut local = numbers(&all["example1"]["I"]);
    let mut imported = vec![0.0; local.len()];
    // Who fell ill on the first day was infected elsewhere.
    std::mem::swap(&mut local[0], &mut imported[0]);
    (local, imported)
}

fn assert_published(found: &[Reproduction], rows: &[Published], within: f64) {
    for row in rows {
        let r = found.iter().find(|r| r.last_day as f64 + 1.0 == row[0]).unwrap();
        close(r.mean(), row[1], within);
        close(r.standard_deviation(), row[2], within);
        for (probability, expected) in [0.025, 0.05, 0.5, 0.975].iter().zip(&row[3..]) {
            close(r.quantile(*probability), *expected, within);
        }
    }
}

#[test]
fn imported_cases_infect_but_were_not_infected_here() {
    let Some(all) = vectors("epiestim/epiestim_cases.json") else {
        return;
    };
    // Example 2: where cases came from is known, the serial interval is cut from a gamma distribution.
    let example = &all["example2"];
    let (local, imported) = (numbers(&example["I_local"]), numbers(&example["I_imported"]));
    for ((local, imported), sum) in local.iter().zip(&imported).zip(numbers(&example["I"])) {
        assert_eq!(local + imported, sum);
    }
    let found = cori(&local, &imported, &discrete_serial_interval(2.6, 1.5, 26), 7);
    assert_eq!(found.len(), 20);
    let rows = [
        [
            8.0,
            0.641_359_0,
            0.242_410_9,
            0.257_859_602,
            0.301_009_564,
            0.611_090_3,
            1.196_544_5,
        ],
        [
            15.0,
            0.185_495_7,
            0.185_495_7,
            0.004_696_345,
            0.009_514_686,
            0.128_575_8,
            0.684_271_3,
        ],
        [
            21.0,
            2.583_119_7,
            2.583_119_7,
            0.065_398_929,
            0.132_496_720,
            1.790_482_2,
            9.528_817_3,
        ],
        [
            27.0,
            9.857_182_5,
            6.970_080_6,
            1.193_750_537,
            1.751_431_640,
            8.271_886_3,
            27.460_353_0,
        ],
    ];
    assert_published(&found, &rows, 6e-7);
}

#[test]
fn a_serial_interval_known_by_mean_and_deviation_gives_example_3() {
    let Some(all) = vectors("epiestim/epiestim_cases.json") else {
        return;
    };
    let (local, imported) = flu(&all);
    let found = cori(&local, &imported, &discrete_serial_interval(2.6, 1.5, 31), 7);
    let rows = [
        [
            8.0,
            1.735_797_7,
            0.409_131_43,
            1.028_743_70,
            1.121_933_25,
            1.703_761_2,
            f64::NAN,
        ],
        [
            19.0,
            1.082_147_7,
            0.125_797_11,
            0.849_718_68,
            0.883_870_71,
            1.077_277_1,
            f64::NAN,
        ],
        [
            32.0,
            0.997_535_2,
            0.446_111_30,
            0.323_896_96,
            f64::NAN,
            f64::NAN,
            f64::NAN,
        ],
    ];
    for row in rows {
        let r = found.iter().find(|r| r.last_day as f64 + 1.0 == row[0]).unwrap();
        let quantiles = [0.025, 0.05, 0.5].map(|probability| r.quantile(probability));
        let known = [r.mean(), r.standard_deviation()]
            .into_iter()
            .chain(quantiles)
            .zip(&row[1..]);
        for (found, expected) in known.filter(|(_, expected)| !expected.is_nan()) {
            close(found, *expected, 6e-8);
        }
    }
}

#[test]
fn an_uncertain_serial_interval_widens_the_posterior_as_example_4_does() {
    let Some(all) = vectors("epiestim/epiestim_cases.json") else {
        return;
    };
    let (local, imported) = flu(&all);
    let mean = Uncertain::CutNormal {
        mean: 2.6,
        deviation: 1.0,
        from: 1.0,
        to: 4.2,
    };
    let deviation = Uncertain::CutNormal {
        mean: 1.5,
        deviation: 0.5,
        from: 0.5,
        to: 2.5,
    };
    let intervals = uncertain_serial_intervals(&mean, &deviation, 31, 20);
    assert_eq!(intervals.len(), 400);
    let found = cori_over(&local, &imported, &intervals, 7);
    // Published: a hundred drawn intervals, a hundred draws from each; that many leave two to five per cent to chance.
    let rows: [Published; 3] = [
        [
            18.0,
            1.265_188_3,
            0.198_067_4,
            0.920_891_30,
            0.965_099_40,
            1.251_113_0,
            1.691_583_0,
        ],
        [
            21.0,
            0.829_292_0,
            0.112_090_4,
            0.622_288_42,
            0.651_164_00,
            0.823_708_8,
            1.063_633_5,
        ],
        [
            32.0,
            0.973_899_5,
            0.462_333_4,
            0.301_994_42,
            0.366_049_85,
            0.894_263_9,
            2.074_478_2,
        ],
    ];
    for row in rows {
        let r = found
            .iter()
            .find(|r| r.parts()[0].last_day as f64 + 1.0 == row[0])
            .unwrap();
        close(r.mean(), row[1], 0.03 * row[1]);
        close(r.standard_deviation(), row[2], 0.15 * row[2]);
        for (probability, expected) in [0.025, 0.05, 0.5, 0.975].iter().zip(&row[3..]) {
            close(r.quantile(*probability), *expected, 0.07 * expected);
        }
    }
    // The interval of one serial interval is narrower than that of many, and one repeated is itself.
    let known = discrete_serial_interval(2.6, 1.5, 31);
    let one = &cori(&local, &imported, &known, 7)[9];
    let repeated = &cori_over(&local, &imported, &[known.clone(), known], 7)[9];
    close(repeated.mean(), one.mean(), 1e-12);
    close(repeated.standard_deviation(), one.standard_deviation(), 1e-12);
    close(repeated.quantile(0.025), one.quantile(0.025), 1e-9);
    let many = &found[9];
    assert!(many.quantile(0.975) - many.quantile(0.025) > one.quantile(0.975) - one.quantile(0.025));
    // Not reproduced: `si_from_data`, which fits the serial interval to pairs of onsets by a Markov chain first. With the
    // sample of that chain, `cori_over` does the rest.
}

#[test]
fn every_epidemic_of_epiestim_has_the_posterior_of_the_definition() {
    let Some(all) = vectors("epiestim/epiestim_datasets.json") else {
        return;
    };
    let mut windows = 0;
    for name in ["Flu1918", "Flu2009", "Measles1861", "SARS2003", "Smallpox1972"] {
        let incidence = &all[name]["incidence"];
        let cases = numbers(if incidence.is_array() {
            incidence
        } else {
            &incidence["I"]
        });
        let interval = numbers(&all[name]["si_distr"]);
        for window in [1, 7, 14] {
            for r in cori(&cases, &vec![0.0; cases.len()], &interval, window) {
                // a + cases, 1 / (1/b + Σ Λ), with Λ_t = Σ_s w_s I_(t−s).
                let days = r.first_day..=r.last_day;
                assert_eq!(r.last_day - r.first_day + 1, window);
                let pressure: f64 = days
                    .clone()
                    .flat_map(|t| interval.iter().enumerate().skip(1).map(move |(s, w)| (t, s, *w)))
                    .filter(|(t, s, _)| s <= t)
                    .map(|(t, s, w)| w * cases[t - s])
                    .sum();
                close(r.shape, 1.0 + days.map(|t| cases[t]).sum::<f64>(), 1e-9);
                close(1.0 / r.scale, 0.2 + pressure, 1e-7);
                let (low, high) = r.credible_95();
                close(r.below(low), 0.025, 1e-9);
                close(r.below(high), 0.975, 1e-9);
                windows += 1;
            }
        }
    }
    assert_eq!(windows, 898);
}

/// What the planner shows: percent to one decimal, then to none, each time half to even.
fn shown(probability: f64) -> f64 {
    ((probability * 1000.0).round_ties_even() / 10.0).round_ties_even()
}

/// The probabilities that would be shown as a whole percent: a half belongs to the even one on either side.
fn behind(percent: f64) -> (f64, f64) {
    let reach = if percent % 2.0 == 0.0 { 0.55 } else { 0.45 };
    (
        ((percent - reach) / 100.0).max(0.0),
        ((percent + reach) / 100.0).min(1.0),
    )
}

#[test]
fn every_county_of_the_event_risk_planner_has_one_share_of_infectious_people() {
    let Some(table) = text("event_risk/usa_risk_counties_first200.csv") else {
        return;
    };
    const SIZES: [u32; 9] = [10, 15, 20, 25, 50, 100, 500, 1000, 5000];
    let mut lines = table.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let (mut cells, mut cut_off) = (0, Vec::new());
    for line in lines {
        // County names hold no commas; the percentages begin at the fifth column.
        let fields: Vec<&str> = line.split(',').map(|field| field.trim_matches('"')).collect();
        let percent = |bias: u32, size: u32| -> f64 {
            let at = names
                .iter()
                .position(|name| *name == format!("{bias}_{size}"))
                .unwrap();
            fields[at].parse().unwrap()
        };
        let (mut low, mut high) = (0.0_f64, 1.0_f64);
        let mut biases = Vec::new();
        for bias in [3, 4, 5] {
            // The planner shows nothing but zeros where it reckons with at most ten infectious people in the county.
            if SIZES.iter().all(|size| percent(bias, *size) == 0.0) {
                cut_off.push((fields[0].to_owned(), bias));
                continue;
            }
            biases.push(bias);
            for size in SIZES {
                let (least, most) = behind(percent(bias, size));
                let share = |of_event: f64| -(((-of_event).ln_1p() / f64::from(size)).exp_m1());
                low = low.max(share(least) / f64::from(bias));
                if most < 1.0 {
                    high = high.min(share(most) / f64::from(bias));
                }
            }
        }
        assert!(
            low <= high,
            "{line}: no share explains all of it ({low} to {high})"
        );
        let active = f64::midpoint(low, high);
        for bias in biases {
            for size in SIZES {
                let met = RandomMeeting::from_cases(1.0, active, 1.0, f64::from(bias));
                let found = shown(someone_infectious(met.infectious, f64::from(size)));
                assert_eq!(
                    found,
                    percent(bias, size),
                    "{} bias {bias} size {size}",
                    fields[1]
                );
                // The same question asked the other way.
                close(
                    1.0 - met.exactly(0, size),
                    someone_infectious(met.infectious, f64::from(size)),
                    1e-9,
                );
                cells += 1;
            }
        }
    }
    assert_eq!(cells + 9 * cut_off.len(), 200 * 27);
    println!("{cells} percentages; cut off by the planner: {cut_off:?}");
}

/// Daily cases, and what statsmodels 0.15.0 says of them (`GLM(cases, [1, day], family=Poisson())`): growth per day, its
/// standard error, Pearson's χ² over its degrees of freedom.
const REGRESSIONS: [(&[u32], [f64; 3]); 6] = [
    // An outbreak that dies out: its days without a case say most.
    (
        &[0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        [
            -0.297_325_119_960_043_3,
            0.203_105_944_285_872_7,
            0.555_993_348_118_177_5,
        ],
    ),
    (
        &[3, 5, 4, 8, 6, 9, 13, 11, 16, 14, 22, 19, 30, 27],
        [
            0.155_789_520_140_121_76,
            0.020_287_387_920_519_88,
            0.396_427_992_557_318_36,
        ],
    ),
    // Reported by some on some days of the week: far more scatter than a Poisson distribution has.
    (
        &[40, 2, 55, 3, 31, 60, 1, 44, 70, 2, 90, 5, 61, 88],
        [
            0.077_282_730_777_129_1,
            0.010_868_384_479_093_498,
            24.298_822_157_782_28,
        ],
    ),
    (
        &[2, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [
            -0.692_717_607_835_259_6,
            0.316_978_031_298_883_8,
            0.316_450_015_863_898_37,
        ],
    ),
    (
        &[0, 0, 0, 0, 1, 0, 0],
        [
            0.264_217_166_430_426_5,
            0.543_407_315_789_223_7,
            1.031_240_972_643_346_5,
        ],
    ),
    (
        &[120, 90, 101, 70, 66, 52, 40],
        [
            -0.166_529_518_105_324_57,
            0.022_281_606_840_183_13,
            0.948_701_150_166_181_2,
        ],
    ),
];

fn counts(cases: &[u32]) -> Vec<f64> {
    cases.iter().copied().map(f64::from).collect()
}

#[test]
fn growth_is_that_of_a_poisson_regression_with_the_days_without_a_case() {
    for (cases, [growth, error, dispersion]) in REGRESSIONS {
        let found = poisson_growth(&counts(cases)).unwrap();
        close(found.per_day, growth, 1e-9);
        // It takes the weights of the step before its last.
        close(found.standard_error, error, 1e-7);
        close(found.dispersion, dispersion, 1e-7);
        // Scatter widens the interval; its lack does not narrow it.
        let off = 1.959_963_984_540_054 * error * dispersion.max(1.0).sqrt();
        close(found.interval_95().0, growth - off, 1e-6);
        close(found.interval_95().1, growth + off, 1e-6);
    }
}

#[test]
fn where_no_growth_is_likelier_than_every_other_there_is_none() {
    for (cases, why) in [
        (&[][..], NoGrowth::NoCase),
        (&[0, 0, 0], NoGrowth::NoCase),
        (&[7], NoGrowth::OneEnd),
        (&[0, 0, 9], NoGrowth::OneEnd),
        (&[9, 0, 0, 0], NoGrowth::OneEnd),
    ] {
        assert_eq!(poisson_growth(&counts(cases)), Err(why), "{cases:?}");
    }
    // Two days have one answer, the ratio; large counts and steep ones are no trouble.
    let found = poisson_growth(&[2.0, 6.0]).unwrap();
    close(found.per_day, 3.0_f64.ln(), 1e-12);
    close(found.standard_error, (0.5_f64 + 1.0 / 6.0).sqrt(), 1e-12);
    close(found.dispersion, 1.0, 0.0);
    let steep = poisson_growth(&[0.0, 1.0, 1e9]).unwrap();
    close(steep.per_day, 1e9_f64.ln(), 1e-5);
    let falling = poisson_growth(&[1e9, 1.0, 0.0]).unwrap();
    close(falling.per_day, -steep.per_day, 1e-5);
}
