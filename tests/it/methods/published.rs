//! Figures that others published.

use vungxanh::risk::methods::{
    Counted, DelayDistribution, Emission, Location, Neighbours, PlaceHour, RandomMeeting, ReportingTriangle,
    Room, ScanOptions, Weights, ZeroRule, cori, discrete_serial_interval, dwell_correction, empirical_bayes,
    excess_risk, expected_infections, getis_ord, infection_probability_by_dose,
    infection_probability_by_quanta, infection_rate, occupancy, scan_poisson, someone_infectious,
    spatial_empirical_bayes, spatial_rates, viral_decay_per_h,
};

use super::*;

/// CAiMIRA: particles settle with this many air changes an hour.
const SETTLING_PER_H: f64 = 0.4512;
const DEPOSITED: f64 = 0.6;

#[test]
fn concentrations_in_a_room_are_caimiras() {
    let Some(all) = vectors("caimira/caimira_expected.json") else {
        return;
    };
    let decay = viral_decay_per_h(293.0, 0.5);
    close(
        decay,
        all["constants"]["decay_per_h_T293K_RH50"].as_f64().unwrap(),
        1e-12,
    );
    let vector = &all["concentration"];
    let room = Room {
        volume_m3: 75.0,
        loss_per_h: 30.0 + SETTLING_PER_H + decay,
    };
    let emissions = [(0.0, 4.0), (5.0, 8.0)].map(|(from_h, to_h)| Emission {
        from_h,
        to_h,
        per_h: 48_500.0,
    });
    for (at_h, expected) in pairs(&numbers(&vector["t"]), &vector["exp"]) {
        close(
            room.concentration(&emissions, at_h),
            expected,
            1e-6 * expected.abs(),
        );
    }
    let dose: f64 = emissions
        .iter()
        .map(|stay| room.exposure(&emissions, stay.from_h, stay.to_h) * 1.25 * DEPOSITED)
        .sum();
    let infected = 1000.0 * infection_probability_by_dose(dose, 0.0, 50.0, 1.0);
    close(
        infected,
        all["reproduction_number"]["exp"].as_f64().unwrap(),
        1e-6,
    );
}

#[test]
fn doses_and_their_effects_are_caimiras() {
    let Some(all) = vectors("caimira/caimira_expected.json") else {
        return;
    };
    let vector = &all["deposited_exposure"];
    let room = Room {
        volume_m3: 25.0,
        loss_per_h: 5.0 + SETTLING_PER_H + viral_decay_per_h(293.0, 0.5),
    };
    let emissions: Vec<Emission> = vector["presence_infected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|span| Emission {
            from_h: span[0].as_f64().unwrap(),
            to_h: span[1].as_f64().unwrap(),
            per_h: 48_500.0,
        })
        .collect();
    for case in vector["cases"].as_array().unwrap() {
        let span = numbers(&case[0]);
        let expected = case[1].as_f64().unwrap();
        let dose = room.exposure(&emissions, span[0], span[1]) * 0.57 * DEPOSITED * 0.5;
        close(dose, expected, 1e-9 * expected);
    }
    let vector = &all["dose_response_pct"];
    for (dose, percent) in pairs(&numbers(&vector["dose"]), &vector["p"]) {
        close(
            100.0 * infection_probability_by_dose(dose, 0.0, 50.0, 0.78),
            percent,
            5e-9,
        );
    }
    let vector = &all["host_immunity"];
    for (immunity, percent) in pairs(&numbers(&vector["immunity"]), &vector["p"]) {
        // The transcription names one dose; its second figure is that of the second dose of the table above.
        let dose = if immunity == 0.5 {
            59.450_120_16
        } else {
            64.023_206_33
        };
        close(
            100.0 * infection_probability_by_dose(dose, immunity, 50.0, 0.78),
            percent,
            1e-7,
        );
    }
}

#[test]
fn whom_one_meets_by_chance_is_caimiras() {
    let Some(all) = vectors("caimira/caimira_expected.json") else {
        return;
    };
    for row in all["probability_random_individual"]["rows"].as_array().unwrap() {
        let row = numbers(row);
        let met = RandomMeeting::from_cases(row[0], row[1], row[2], row[3]);
        close(met.infectious, row[4], 1e-6);
    }
    let vector = &all["prob_meet_exactly_one"]["binom_pmf(1; exposed+1, p), infectious_days=14"];
    for row in vector.as_array().unwrap() {
        let row = numbers(row);
        let met = RandomMeeting::from_cases(row[0], row[1], 14.0, row[2]);
        close(met.exactly(1, row[3] as u32 + 1), row[4], 1e-9);
    }
}

#[test]
fn a_lesson_in_jimenezs_classroom_infects_as_he_says() {
    let Some(all) = vectors("aerosol/jimenez_estimator_tests.json") else {
        return;
    };
    let given = &all["scenario1"]["in"];
    let of = |name: &str| given[name].as_f64().unwrap();
    let room = Room {
        volume_m3: of("L_m") * of("W_m") * of("H_m"),
        loss_per_h: of("outdoor_ach") + of("decay") + of("deposition") + of("filter_ach"),
    };
    let hours = of("duration_min") / 60.0;
    let emissions = [Emission {
        from_h: 0.0,
        to_h: hours,
        per_h: of("quanta_h") * (1.0 - of("mask_frac") * of("mask_ex")),
    }];
    let exposure = room.exposure(&emissions, 0.0, hours);
    close(exposure / hours, 0.015_859_3, 5e-8);
    let quanta = exposure * of("breathing_m3_h") * (1.0 - of("mask_frac") * of("mask_in"));
    close(quanta, 0.004_773_64, 5e-9);
    let infected = infection_probability_by_quanta(quanta);
    close(infected, 0.004_762_26, 5e-9);
    // Nine others, of whom 0.2 % are infectious; then 180 such lessons.
    let once = someone_infectious(infected * of("prevalence_pct") / 100.0, 9.0);
    close(once, 8.571_7e-5, 1e-9);
    close(someone_infectious(once, of("repeats")), 0.015_311, 1e-6);
}

#[test]
fn a_choir_rehearsal_infects_most_singers() {
    // Skagit Valley, 10 March 2020: 810 m³, 970 quanta an hour, 2.5 hours; 86 to 87 % of those present fell ill.
    let room = Room {
        volume_m3: 810.0,
        loss_per_h: 0.7 + 0.62 + 0.3,
    };
    let emissions = [Emission {
        from_h: 0.0,
        to_h: 2.5,
        per_h: 970.0,
    }];
    let infected = infection_probability_by_quanta(room.exposure(&emissions, 0.0, 2.5) * 1.1);
    assert!((0.7..0.9).contains(&infected), "{infected}");
}

#[test]
fn infections_at_places_are_those_of_changs_model() {
    const FT2_PER_M2: f64 = 10.763_910_416_709_722;
    let Some(all) = vectors("chang/chang_poi_oracle.json") else {
        return;
    };
    let of = |name: &str| numbers(&all[name]);
    let (areas, stays, people) = (of("areas"), of("median_dwell_min"), of("cbg_sizes"));
    let (infected, latent, removed) = (of("infected"), of("latent"), of("removed"));
    for (stay, expected) in pairs(&stays, &all["dwell_correction"]) {
        close(dwell_correction(stay), expected, 1e-15);
    }
    for step in all["steps"].as_array().unwrap() {
        for (place, visits) in numbers(&step["visits"]).into_iter().enumerate() {
            let (mut infectious, mut susceptible) = (0.0, 0.0);
            for (home, share) in all["proportions"][place].as_object().unwrap() {
                let home: usize = home.parse().unwrap();
                let visits = visits * share.as_f64().unwrap() / people[home];
                infectious += visits * infected[home];
                susceptible += visits * (people[home] - infected[home] - latent[home] - removed[home]);
            }
            let hour = PlaceHour {
                psi_ft2: all["psi"].as_f64().unwrap(),
                area_m2: areas[place] / FT2_PER_M2,
                median_stay_min: stays[place],
            };
            let expected = step["poi_infection_rate"][place].as_f64().unwrap();
            close(infection_rate(&hour, infectious), expected, 1e-12);
            let expected = step["expected_cases_per_poi"][place].as_f64().unwrap();
            close(
                expected_infections(&hour, infectious, susceptible),
                expected,
                1e-12,
            );
        }
    }
    let vector = &all["correct_visit_vector"];
    for (minutes, expected) in vector["by_median_dwell_minutes"].as_object().unwrap() {
        let found = occupancy(&numbers(&vector["input"]), minutes.parse().unwrap());
        for (found, expected) in pairs(&found, expected) {
            close(found, expected, 1e-12);
        }
    }
}

#[test]
fn rates_are_smoothed_as_esda_does() {
    let (Some(expected), Some(table)) = (
        vectors("esda/esda_expected.json"),
        text("sids/nc_sids_sid74_bir74.csv"),
    ) else {
        return;
    };
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect())
        .collect();
    let places: Vec<Counted> = rows
        .iter()
        .map(|row| Counted {
            cases: row[2].parse().unwrap(),
            people: row[3].parse().unwrap(),
        })
        .collect();
    let beside = rows
        .iter()
        .map(|row| {
            let near = row[4].split(' ');
            near.filter_map(|id| rows.iter().position(|other| other[0] == id))
                .collect()
        })
        .collect();
    for (row, smoothed) in rows.iter().zip(empirical_bayes(&places)) {
        close(smoothed, row[5].parse().unwrap(), 6e-11);
    }
    let expected = &expected["sids2_first5"];
    for (found, expected) in pairs(&excess_risk(&places), &expected["excess_risk"]) {
        close(found, expected, 2e-6);
    }
    let rates = spatial_rates(&places, &Neighbours::new(beside));
    for (found, expected) in pairs(&rates, &expected["spatial_rate"]) {
        close(found, expected, 6e-8);
    }
}

#[test]
fn rates_are_smoothed_towards_their_neighbours_as_geoda_does() {
    let Some(table) = text("sids/stl_homicide_hc7984_po7984.csv") else {
        return;
    };
    // A quoted outline stands before the figures.
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(1)
        .map(|line| line.rsplit_once("\",").unwrap().1.split(',').collect())
        .collect();
    let places: Vec<Counted> = rows
        .iter()
        .map(|row| Counted {
            cases: row[0].parse().unwrap(),
            people: row[1].parse().unwrap(),
        })
        .collect();
    let beside = rows
        .iter()
        .map(|row| {
            let near = row[2].split(' ').map(|id| id.parse::<usize>().unwrap());
            near.map(|id| id - 1).collect()
        })
        .collect();
    let local = spatial_empirical_bayes(&places, &Neighbours::new(beside));
    for ((row, all), near) in rows.iter().zip(empirical_bayes(&places)).zip(local) {
        close(all, row[3].parse().unwrap(), 1e-16);
        close(near, row[4].parse().unwrap(), 1e-16);
    }
}

#[test]
fn hot_spots_are_those_of_getis_and_ord() {
    let Some(all) = vectors("esda/esda_expected.json") else {
        return;
    };
    let vector = &all["getis_ord"];
    let points: Vec<Vec<f64>> = vector["points"].as_array().unwrap().iter().map(numbers).collect();
    let values = numbers(&vector["y"]);
    let threshold = vector["threshold"].as_f64().unwrap();
    let near = |a: &[f64], b: &[f64]| (a[0] - b[0]).hypot(a[1] - b[1]) <= threshold;
    let beside = points
        .iter()
        .map(|a| (0..points.len()).filter(|b| near(a, &points[*b])).collect())
        .collect();
    let beside = Neighbours::new(beside);
    for (itself, name) in [
        (false, "all_Zs_Gi_binary_recomputed"),
        (true, "all_Zs_GiStar_binary_recomputed"),
    ] {
        let found = getis_ord(&values, &beside, Weights::Binary, itself);
        for (found, expected) in pairs(&found, &vector[name]) {
            close(found, expected, 5e-9);
        }
    }
    for (itself, name) in [(false, "Zs0_Gi_row_std"), (true, "Zs0_GiStar_row_std")] {
        let found = getis_ord(&values, &beside, Weights::RowStandardised, itself)[0];
        close(found, vector[name].as_f64().unwrap(), 5e-9);
    }
}

#[test]
fn reproduction_numbers_are_epiestims() {
    let (Some(all), Some(table)) = (
        vectors("epiestim/epiestim_cases.json"),
        text("epiestim/example1_R.csv"),
    ) else {
        return;
    };
    let example = &all["example1"];
    let mut local = numbers(&example["I"]);
    let mut imported = vec![0.0; local.len()];
    // Who fell ill on the first day was infected elsewhere.
    std::mem::swap(&mut local[0], &mut imported[0]);
    let found = cori(&local, &imported, &numbers(&example["si"]), 7);
    let rows: Vec<Vec<f64>> = table
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|number| number.parse().unwrap()).collect())
        .collect();
    assert_eq!(found.len(), rows.len());
    for (r, row) in found.iter().zip(&rows) {
        assert_eq!([r.first_day as f64 + 1.0, r.last_day as f64 + 1.0], row[..2]);
        close(r.mean(), row[2], 6e-8);
        close(r.standard_deviation(), row[3], 6e-9);
        for (probability, expected) in [0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975].iter().zip(&row[4..]) {
            close(r.quantile(*probability), *expected, 6e-8);
        }
    }
}

#[test]
fn serial_intervals_are_cut_into_days_as_epiestim_does() {
    let Some(all) = vectors("epiestim/epiestim_cases.json") else {
        return;
    };
    let found = discrete_serial_interval(2.6, 1.5, 11);
    for (found, expected) in pairs(&found, &all["discr_si_2.6_1.5"]) {
        close(found, expected, 6e-8);
    }
    let whole: f64 = discrete_serial_interval(4.7, 2.9, 60).iter().sum();
    close(whole, 1.0, 1e-6);
}

#[test]
fn an_unfinished_series_has_the_posterior_of_epyestim() {
    let Some(all) = vectors("epiestim/epiestim_cases.json") else {
        return;
    };
    let unit = &all["epyestim_unit"];
    let local = numbers(&unit["I"]);
    let found = cori(&local, &vec![0.0; local.len()], &numbers(&unit["gt"]), 3);
    let shapes: Vec<f64> = found.iter().map(|r| r.shape).collect();
    let scales: Vec<f64> = found.iter().map(|r| r.scale).collect();
    // Its first window holds the first day, which nobody before could have infected; ours begins after it.
    for (found, expected) in shapes.iter().zip(&numbers(&unit["a_post"])[1..]) {
        close(*found, *expected, 0.0);
    }
    for (found, expected) in scales.iter().zip(&numbers(&unit["b_post"])[1..]) {
        close(*found, *expected, 5e-7);
    }
}

#[test]
fn late_reports_are_expected_as_baselinenowcast_does() {
    let Some(all) = vectors("nowcast/baselinenowcast.json") else {
        return;
    };
    let vector = &all["estimate_delay"];
    let (shares, totals) = (numbers(&vector["pmf"]), numbers(&vector["totals"]));
    let days = totals.len();
    let triangle = |delays: usize| {
        let row = |(day, total): (usize, &f64)| {
            let known = |delay: usize| (day + delay < days).then_some(total * shares[delay]);
            (0..delays).map(known).collect()
        };
        ReportingTriangle::new(totals.iter().enumerate().map(row).collect()).unwrap()
    };
    for (delays, name) in [(4, "exp_pmf"), (3, "truncated_to_delay2")] {
        let found = triangle(delays).delays().unwrap();
        for (found, expected) in pairs(found.shares(), &vector[name]) {
            close(found, expected, 1e-12);
        }
    }
    let vector = &all["apply_delay"];
    let rows = vector["triangle"].as_array().unwrap();
    let rows = rows
        .iter()
        .map(|row| row.as_array().unwrap().iter().map(Value::as_f64).collect())
        .collect();
    let triangle = ReportingTriangle::new(rows).unwrap();
    let delays = DelayDistribution::new(&numbers(&vector["pmf"])).unwrap();
    // Counted from 1; its own tests allow a tenth.
    for (row, column, expected) in [(2, 4, "[2,4]"), (3, 3, "[3,3]"), (3, 4, "[3,4]")] {
        let expected = vector["exp"][expected].as_f64().unwrap();
        let plain = triangle.filled(&delays, ZeroRule::Plain)[row - 1][column - 1].unwrap();
        close(plain, expected, 1e-12);
        let unbiased = triangle.filled(&delays, ZeroRule::Unbiased)[row - 1][column - 1].unwrap();
        close(unbiased, expected, 0.2);
    }
}

#[test]
fn clusters_of_the_new_york_leukemia_are_satscans() {
    let read = |name: &str| -> Option<Vec<Vec<f64>>> {
        let rows = text(&format!("satscan_ny/satscan_ny_{name}.txt"))?;
        let row = |line: &str| {
            line.split_whitespace()
                .map(|word| word.parse().unwrap())
                .collect()
        };
        Some(rows.lines().map(row).collect())
    };
    let (Some(points), Some(cases), Some(people)) = (read("coords"), read("cases"), read("pop")) else {
        return;
    };
    let mut locations: Vec<Location> = points
        .iter()
        .map(|row| Location {
            point: [row[1], row[2], 0.0],
            cases: 0,
            people: 0.0,
        })
        .collect();
    for row in &cases {
        locations[row[0] as usize - 1].cases += row[1] as u32;
    }
    for row in &people {
        locations[row[0] as usize - 1].people += row[2];
    }
    let options = ScanOptions {
        replications: 999,
        ..ScanOptions::default()
    };
    let found = scan_poisson(&locations, &options).unwrap();
    // Middle, ratio, places, cases, expected, relative risk and p as SaTScan 9.6 printed them.
    for (cluster, expected) in found.iter().zip([
        (52, "14.083511", 28, 100, "58.28", "1.87", 0.000_15),
        (89, "9.019716", 8, 38, "17.79", "2.22", 0.016),
        (112, "6.114140", 33, 64, "40.85", "1.64", 0.248),
        (62, "4.651839", 4, 25, "12.82", "1.99", 0.645),
        (266, "3.363518", 4, 12, "5.14", "2.37", 0.965),
        (166, "3.209485", 3, 11, "4.61", "2.41", 0.982),
    ]) {
        let (middle, ratio, places, cases, expectation, risk, p) = expected;
        assert_eq!(cluster.locations[0] + 1, middle);
        assert_eq!(format!("{:.6}", cluster.log_likelihood_ratio), ratio);
        assert_eq!((cluster.locations.len(), cluster.cases), (places, cases));
        assert_eq!(format!("{:.2}", cluster.expected), expectation);
        assert_eq!(format!("{:.2}", cluster.relative_risk), risk);
        // Chance of another throw: four deviations of 999.
        let deviation: f64 = (p * (1.0 - p) / 999.0_f64).sqrt();
        close(cluster.p, p, 4.0 * deviation + 0.002);
    }
}

/// Taylor and Ashe's claims, by which Mack 1993 and most after him show the chain ladder: what is still to come of each row.
#[test]
fn the_chain_ladder_of_taylor_and_ashe_is_macks() {
    let cumulative: [&[f64]; 10] = [
        &[
            357_848.0,
            1_124_788.0,
            1_735_330.0,
            2_218_270.0,
            2_745_596.0,
            3_319_994.0,
            3_466_336.0,
            3_606_286.0,
            3_833_515.0,
            3_901_463.0,
        ],
        &[
            352_118.0,
            1_236_139.0,
            2_170_033.0,
            3_353_322.0,
            3_799_067.0,
            4_120_063.0,
            4_647_867.0,
            4_914_039.0,
            5_339_085.0,
        ],
        &[
            290_507.0,
            1_292_306.0,
            2_218_525.0,
            3_235_179.0,
            3_985_995.0,
            4_132_918.0,
            4_628_910.0,
            4_909_315.0,
        ],
        &[
            310_608.0,
            1_418_858.0,
            2_195_047.0,
            3_757_447.0,
            4_029_929.0,
            4_381_982.0,
            4_588_268.0,
        ],
        &[
            443_160.0,
            1_136_350.0,
            2_128_333.0,
            2_897_821.0,
            3_402_672.0,
            3_873_311.0,
        ],
        &[396_132.0, 1_333_217.0, 2_180_715.0, 2_985_752.0, 3_691_712.0],
        &[440_832.0, 1_288_463.0, 2_419_861.0, 3_483_130.0],
        &[359_480.0, 1_421_128.0, 2_864_498.0],
        &[376_686.0, 1_363_294.0],
        &[344_014.0],
    ];
    let rows = cumulative
        .iter()
        .map(|row| {
            let before = std::iter::once(0.0).chain(row.iter().copied());
            let own = row.iter().zip(before).map(|(now, before)| Some(now - before));
            own.chain(std::iter::repeat(None)).take(10).collect()
        })
        .collect();
    let triangle = ReportingTriangle::new(rows).unwrap();
    let delays = triangle.delays().unwrap();
    let totals = triangle.totals(&delays, ZeroRule::Plain);
    let to_come = [
        0.0,
        94_634.0,
        469_511.0,
        709_638.0,
        984_889.0,
        1_419_459.0,
        2_177_641.0,
        3_920_301.0,
        4_278_972.0,
        4_625_811.0,
    ];
    for (row, expected) in to_come.into_iter().enumerate() {
        let so_far = cumulative[row].last().unwrap();
        close(totals[row].unwrap() - so_far, expected, 0.51);
    }
}
