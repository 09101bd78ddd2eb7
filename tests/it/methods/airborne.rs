//! Rooms: what is not of one figure but of a distribution, and the rows of simpler estimators.

use vungxanh::risk::methods::{
    Emission, Expiration, Room, SharedRoom, Uncertain, Ventilation, infection_probability_by_quanta,
    someone_infectious, viral_decay_per_h, viral_load_of_covid,
};

use super::*;

/// CAiMIRA's breathing rates, m³ per hour: mean and deviation of their natural logarithm.
const SEATED: Uncertain = lognormal(-0.687_212_172_336_230_3, 0.104_983_382_292_971_08);
const MODERATE: Uncertain = lognormal(0.551_771_330_362_601, 0.189_461_635_713_813_7);
const HEAVY: Uncertain = lognormal(1.164_466_569_672_304_9, 0.217_445_547_686_575_65);

const fn lognormal(mean_ln: f64, deviation_ln: f64) -> Uncertain {
    Uncertain::LogNormal {
        mean_ln,
        deviation_ln,
    }
}

struct Scenario {
    name: &'static str,
    /// The name under which its room stands in the vectors.
    room: &'static str,
    humidity: f64,
    expiration: Expiration,
    viral_load_per_ml: Uncertain,
    exhaled_m3_per_h: Uncertain,
    inhaled_m3_per_h: Uncertain,
    transmissibility: f64,
}

/// The scenarios of CAiMIRA's own test of its full models (`test_monte_carlo_full_models.py`).
fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "ski_cabin",
            room: "ski_cabin",
            humidity: 0.3,
            expiration: Expiration::SPEAKING,
            viral_load_per_ml: viral_load_of_covid(),
            exhaled_m3_per_h: MODERATE,
            inhaled_m3_per_h: MODERATE,
            transmissibility: 0.51,
        },
        Scenario {
            name: "skagit_chorale",
            room: "skagit_chorale",
            humidity: 0.5,
            expiration: Expiration::SHOUTING,
            viral_load_per_ml: Uncertain::Exactly(1e9),
            exhaled_m3_per_h: MODERATE,
            inhaled_m3_per_h: MODERATE,
            transmissibility: 1.0,
        },
        Scenario {
            name: "bus_ride",
            room: "bus_ride",
            humidity: 0.5,
            expiration: Expiration::SPEAKING,
            viral_load_per_ml: Uncertain::Exactly(5e8),
            exhaled_m3_per_h: SEATED,
            inhaled_m3_per_h: SEATED,
            transmissibility: 1.0,
        },
        Scenario {
            name: "gym_2_infected",
            room: "gym",
            humidity: 0.5,
            expiration: Expiration::BREATHING,
            viral_load_per_ml: viral_load_of_covid(),
            exhaled_m3_per_h: HEAVY,
            inhaled_m3_per_h: Uncertain::Exactly(3.3),
            transmissibility: 0.78,
        },
        Scenario {
            name: "waiting_room",
            room: "waiting_room",
            humidity: 0.5,
            expiration: Expiration::mixed(&[(Expiration::SPEAKING, 0.3), (Expiration::BREATHING, 0.7)]),
            viral_load_per_ml: viral_load_of_covid(),
            exhaled_m3_per_h: SEATED,
            inhaled_m3_per_h: Uncertain::Exactly(0.51),
            transmissibility: 0.78,
        },
    ]
}

#[test]
fn whole_scenarios_infect_as_many_as_caimiras() {
    let Some(all) = vectors("caimira/caimira_expected.json") else {
        return;
    };
    // Within the five per cent that CAiMIRA's own test of them allows; gym and waiting room are printed to two digits only.
    let within = |found: f64, expected: f64, what: &str| {
        let rounding = if expected < 1.0 { 0.005 } else { 0.0 };
        assert!(
            (found - expected).abs() <= 0.05 * expected + rounding,
            "{what}: {found} is not {expected}"
        );
    };
    for scenario in scenarios() {
        let room = &all["scenario_rooms"][scenario.room];
        let of = |name: &str| room[name].as_f64().unwrap();
        let shared = SharedRoom {
            volume_m3: of("V"),
            air_changes_per_h: of("ach"),
            viral_decay_per_h: viral_decay_per_h(293.0, scenario.humidity),
            present_h: vec![(0.0, of("t_h"))],
            infectious: room["infected"].as_f64().unwrap_or(1.0),
            expiration: scenario.expiration,
            viral_load_per_ml: scenario.viral_load_per_ml,
            viable: Uncertain::Uniform { from: 0.01, to: 0.6 },
            exhaled_m3_per_h: scenario.exhaled_m3_per_h,
            inhaled_m3_per_h: scenario.inhaled_m3_per_h,
            held_back_out: 0.0,
            held_back_in: 0.0,
            half_dose: Uncertain::Uniform {
                from: 10.0,
                to: 100.0,
            },
            transmissibility: scenario.transmissibility,
        };
        let expected = numbers(&all["scenarios_mc_5pct"][scenario.name]);
        let infected = shared.infection_probability();
        println!(
            "{}: {:.3} % {:.3} {:.3} {:.2}; CAiMIRA {expected:?}",
            scenario.name,
            100.0 * infected,
            infected * of("exposed"),
            shared.dose(),
            shared.emission_per_h()
        );
        within(100.0 * infected, expected[0], scenario.name);
        within(infected * of("exposed"), expected[1], scenario.name);
        within(shared.dose(), expected[2], scenario.name);
        within(shared.emission_per_h(), expected[3], scenario.name);
    }
    // Not reproduced: `shared_office` and `classroom`. Their windows let in air by the difference to the temperature outside,
    // hour by hour, of Geneva and of Toronto: figures that are not among the vectors.
    assert!(all["scenario_rooms"]["shared_office"].is_null() && all["scenario_rooms"]["classroom"].is_null());
}

#[test]
fn what_people_breathe_out_gathers_as_caimira_says() {
    let Some(all) = vectors("caimira/caimira_expected.json") else {
        return;
    };
    let vector = &all["co2_ppm"];
    let of = |name: &str| vector[name].as_f64().unwrap();
    let room = Room {
        volume_m3: of("V"),
        loss_per_h: of("ach"),
    };
    // Air outside holds 440.44 ppm; 4.2 % of what is exhaled is carbon dioxide.
    let emissions = [Emission {
        from_h: 0.0,
        to_h: 8.0,
        per_h: of("people") * 0.51 * 0.042 * 1e6,
    }];
    for (at_h, expected) in pairs(&numbers(&vector["t"]), &vector["exp"]) {
        close(440.44 + room.concentration(&emissions, at_h), expected, 1e-6);
    }
}

#[test]
fn the_steps_of_jimenezs_estimator_are_his() {
    let Some(all) = vectors("aerosol/jimenez_estimator_tests.json") else {
        return;
    };
    let air = |changes_per_h: f64, recirculated: f64, filtered: f64| Ventilation {
        changes_per_h,
        recirculated,
        filtered,
    };
    let lesson = |per_h: f64, loss_per_h: f64, volume_m3: f64, minutes: f64| {
        let emission = [Emission {
            from_h: 0.0,
            to_h: minutes / 60.0,
            per_h,
        }];
        Room {
            volume_m3,
            loss_per_h,
        }
        .exposure(&emission, 0.0, minutes / 60.0)
            / (minutes / 60.0)
    };
    let percent = |probability: f64| 100.0 * probability;
    let found = [
        ("outdoor_ach(10,0.7)", air(10.0, 0.7, 0.0).fresh_per_h(), 1e-12),
        (
            "control_measure(10,0.7,0.5)",
            air(10.0, 0.7, 0.5).cleaned_per_h(),
            1e-12,
        ),
        (
            "first_order_loss(3,0.62,0.3)",
            air(3.0, 0.0, 0.0).fresh_per_h() + 0.62 + 0.3,
            1e-12,
        ),
        (
            "ventilation_L_s_p(V=142,ach=3,ctrl=0,people=10)",
            air(3.0, 0.0, 0.0).clean_l_per_s(142.0, 10.0),
            0.05,
        ),
        ("net_emission(25,0.5,1,1)", 25.0 * (1.0 - 0.5), 1e-12),
        (
            "avg_quanta(12.5,3.92,142,50min)",
            lesson(12.5, 3.92, 142.0, 50.0),
            0.005,
        ),
        (
            "quanta_inhaled(0.0175721,0.66,50,0.3,1)",
            0.017_572_1 * 0.66 * 50.0 / 60.0 * (1.0 - 0.3),
            5e-6,
        ),
        (
            "p_cond(0.006765242)",
            percent(infection_probability_by_quanta(0.006_765_242)),
            1e-12,
        ),
        (
            "p_abs_one(0.0235%,0.2%,9)",
            percent(someone_infectious(0.000_235 * 0.002, 9.0)),
            1e-11,
        ),
        (
            "p_abs_one(0.47623%,0.2%,9)",
            percent(someone_infectious(0.004_762_3 * 0.002, 9.0)),
            1e-11,
        ),
        (
            "p_abs_multi(0.00857181342246438%,180)",
            percent(someone_infectious(0.000_085_718_134_224_643_8, 180.0)),
            1e-9,
        ),
    ];
    let rows = all["unit"].as_array().unwrap();
    assert_eq!(rows.len(), found.len());
    for (row, (name, found, within)) in rows.iter().zip(found) {
        assert_eq!(row["f"].as_str().unwrap(), name);
        close(found, row["exp"].as_f64().unwrap(), within);
    }

    // His second scenario: a car with four infectious people among thirty, most of the air recirculated.
    let given = &all["scenario2"]["in"];
    let of = |name: &str| given[name].as_f64().unwrap();
    let fresh = air(of("room_ach"), of("recirc_frac"), 0.0).fresh_per_h();
    let mean = lesson(
        of("infected") * of("quanta_h") * (1.0 - of("mask_frac") * of("mask_ex")),
        fresh + of("decay") + of("deposition"),
        of("L_m") * of("W_m") * of("H_m"),
        of("duration_min"),
    );
    let quanta =
        mean * of("breathing_m3_h") * of("duration_min") / 60.0 * (1.0 - of("mask_frac") * of("mask_in"));
    let infected = infection_probability_by_quanta(quanta);
    let once = someone_infectious(
        infected * of("prevalence_pct") / 100.0,
        of("people") - of("infected"),
    );
    let expected = &all["scenario2"]["exp"];
    close(percent(infected), expected["p_cond_pct"].as_f64().unwrap(), 0.005);
    close(percent(once), expected["p_abs_one_pct"].as_f64().unwrap(), 0.005);
    close(
        percent(someone_infectious(once, of("repeats"))),
        expected["p_abs_300_pct"].as_f64().unwrap(),
        0.005,
    );
}

#[test]
fn every_age_and_activity_of_jimenezs_table_infects_by_the_closed_form() {
    let Some(table) = text("aerosol/quanta_by_activity_age.csv") else {
        return;
    };
    // The table has no licence, so none of it stands in the program: its quanta and breaths are only put through the method.
    let (volume_m3, loss_per_h, hours) = (142.0, 3.92, 1.5);
    let mut rows = 0;
    for line in table.lines().skip(1) {
        let mut fields = line.rsplit(',');
        let quanta: f64 = fields.next().unwrap().parse().unwrap();
        let breath: f64 = fields.next().unwrap().parse::<f64>().unwrap() * 60.0;
        let emission = [Emission {
            from_h: 0.0,
            to_h: hours,
            per_h: quanta,
        }];
        let exposure = Room {
            volume_m3,
            loss_per_h,
        }
        .exposure(&emission, 0.0, hours);
        // Gammaitoni and Nucci: E·I / (L·V) · (1 − (1 − e^(−LT)) / (LT)), inhaled for T hours.
        let lt = loss_per_h * hours;
        let mean = quanta / (loss_per_h * volume_m3) * (1.0 - (1.0 - (-lt).exp()) / lt);
        let expected = 1.0 - (-mean * breath * hours).exp();
        close(
            infection_probability_by_quanta(exposure * breath),
            expected,
            1e-12,
        );
        rows += 1;
    }
    assert_eq!(rows, 160);
}
