//! Living peers: esda, libpysal, statsmodels and CAiMIRA on random data, in a Python that `./test` prepares (`tests/oracle/methods.py`).

use std::io::Write as _;
use std::process::{Command, Stdio};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use vungxanh::risk::methods::{
    Counted, Emission, Expiration, Neighbours, Room, SharedRoom, Uncertain, Weights, empirical_bayes,
    excess_risk, getis_ord, infection_probability_by_dose, poisson_growth, significant_at,
    spatial_empirical_bayes, spatial_rates, viral_decay_per_h, viral_load_of_covid,
};

use super::*;

const SEED: u64 = 4800;

fn ask(question: &Value) -> Option<Value> {
    let Ok(python) = std::env::var("VUNGXANH_TEST_PYTHON") else {
        println!("skipped: no VUNGXANH_TEST_PYTHON (./test sets it)");
        return None;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/methods.py");
    let mut peer = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    peer.stdin
        .take()
        .unwrap()
        .write_all(question.to_string().as_bytes())
        .unwrap();
    let output = peer.wait_with_output().unwrap();
    assert!(output.status.success(), "{script} failed");
    // What a library prints on its way stands in the lines before.
    let text = String::from_utf8(output.stdout).unwrap();
    Some(serde_json::from_str(text.lines().last().unwrap()).unwrap())
}

/// Places of very different size whose rates differ by more than chance, each with some neighbours.
fn places(chance: &mut ChaCha8Rng) -> Value {
    let count = chance.random_range(6..80_usize);
    let people: Vec<u32> = (0..count)
        .map(|_| 10_u32.pow(chance.random_range(2..5)) * chance.random_range(1..9))
        .collect();
    let cases: Vec<u32> = people
        .iter()
        .map(|people| {
            (f64::from(*people) * 0.02 * chance.random_range(0.0..1.0_f64).powi(3)) as u32
                + chance.random_range(0..4)
        })
        .collect();
    let mut neighbours = vec![Vec::new(); count];
    for place in 0..count {
        // A ring, so that nobody is alone, and some further ones.
        for other in [(place + 1) % count, chance.random_range(0..count)] {
            if other != place && !neighbours[place].contains(&other) {
                neighbours[place].push(other);
                neighbours[other].push(place);
            }
        }
    }
    let values: Vec<f64> = (0..count).map(|_| chance.random_range(0.1..50.0)).collect();
    json!({"cases": cases, "people": people, "neighbours": neighbours, "values": values})
}

fn room(chance: &mut ChaCha8Rng) -> Value {
    let (begin, pause) = (chance.random_range(0.0..3.0), chance.random_range(0.1..2.0));
    let end = begin + chance.random_range(0.2..4.0);
    let again = end + chance.random_range(0.2..4.0);
    json!({
        "volume_m3": chance.random_range(10.0..800.0),
        "air_changes_per_h": chance.random_range(0.1..15.0),
        "temperature_k": chance.random_range(285.0..305.0),
        "humidity": chance.random_range(0.2..0.9),
        "stays_h": [[begin, end], [end + pause, again + pause]],
        "emission_per_h": chance.random_range(10.0..5000.0),
        "inhaled_m3_per_h": chance.random_range(0.4..3.0),
        "held_back_in": chance.random_range(0.0..0.9),
        "at_h": [begin + 0.1, end, end + pause / 2.0, again + pause, again + pause + 1.0],
    })
}

/// Daily cases that rise or fall, few or many, with more scatter than chance; never all at one end.
fn daily_cases(chance: &mut ChaCha8Rng) -> Value {
    let (days, growth) = (chance.random_range(3..40_u32), chance.random_range(-0.3..0.3_f64));
    let level = 10_f64.powf(chance.random_range(-0.5..2.5));
    let mut cases: Vec<u32> = (0..days)
        .map(|day| (level * (growth * f64::from(day)).exp() * chance.random_range(0.0..2.0)).min(1e6) as u32)
        .collect();
    cases[1] += 1;
    json!(cases)
}

fn assert_growth(given: &Value, peer: &Value) {
    let found = poisson_growth(&numbers(given)).unwrap();
    let (low, high) = found.interval_95();
    let ours = [found.per_day, found.standard_error, found.dispersion, low, high];
    for (ours, theirs) in pairs(&ours, peer) {
        let within = 1e-6 * (1.0 + theirs.abs());
        assert!(
            (ours - theirs).abs() <= within,
            "{ours}, statsmodels {theirs}; {given}"
        );
    }
}

#[test]
fn esda_and_caimira_say_the_same_of_random_data() {
    let mut chance = ChaCha8Rng::seed_from_u64(SEED);
    let rates: Vec<Value> = (0..40).map(|_| places(&mut chance)).collect();
    let tests: Vec<Value> = (0..200)
        .map(|_| {
            let many = chance.random_range(1..60_usize);
            let p_values: Vec<f64> = (0..many)
                .map(|_| chance.random_range(0.0..1.0_f64).powi(4))
                .collect();
            json!({"p_values": p_values, "rate": chance.random_range(0.01..0.3)})
        })
        .collect();
    let rooms: Vec<Value> = (0..40).map(|_| room(&mut chance)).collect();
    let full: Vec<Value> = [
        ("ALPHA", "Speaking"),
        ("OMICRON", "Breathing"),
        ("DELTA", "Shouting"),
    ]
    .into_iter()
    .map(|(variant, expiration)| {
        let mut room = room(&mut chance);
        room["variant"] = json!(variant);
        room["expiration"] = json!(expiration);
        room
    })
    .collect();
    let series: Vec<Value> = (0..200).map(|_| daily_cases(&mut chance)).collect();
    let question =
        json!({"rates": rates, "tests": tests, "rooms": rooms, "full_rooms": full, "growth": series});
    let Some(answer) = ask(&question) else {
        return;
    };
    println!("peers: {}", answer["versions"]);
    for (given, peer) in rates.iter().zip(answer["rates"].as_array().unwrap()) {
        assert_rates(given, peer);
    }
    for (given, threshold) in tests.iter().zip(numbers(&answer["false_discovery"])) {
        let p_values = numbers(&given["p_values"]);
        let ours = significant_at(given["rate"].as_f64().unwrap(), &p_values);
        let theirs: Vec<bool> = p_values.iter().map(|p| *p <= threshold).collect();
        assert_eq!(ours, theirs, "{given}");
    }
    println!("peers: 40 maps of rates, neighbours and hot spots and 200 false discovery rates are esda's");
    for (given, peer) in series.iter().zip(answer["growth"].as_array().unwrap()) {
        assert_growth(given, peer);
    }
    println!("peers: 200 growth rates with their intervals are statsmodels'");
    if let Some(why) = answer["caimira"].as_str() {
        println!("peers: CAiMIRA is not compared: {why}");
        return;
    }
    for (given, peer) in rooms.iter().zip(answer["rooms"].as_array().unwrap()) {
        assert_room(given, peer);
    }
    for (given, peer) in full.iter().zip(answer["full_rooms"].as_array().unwrap()) {
        assert_full_room(given, peer);
    }
    println!("peers: 40 rooms are CAiMIRA's to 9 digits, 3 with all distributions within 4 %");
}

fn assert_rates(given: &Value, peer: &Value) {
    let places: Vec<Counted> = numbers(&given["cases"])
        .into_iter()
        .zip(numbers(&given["people"]))
        .map(|(cases, people)| Counted { cases, people })
        .collect();
    let lists = given["neighbours"].as_array().unwrap().iter();
    let neighbours = Neighbours::new(
        lists
            .map(|list| numbers(list).into_iter().map(|at| at as usize).collect())
            .collect(),
    );
    let same = |name: &str, ours: Vec<f64>, theirs: &Value| {
        for (at, (ours, theirs)) in pairs(&ours, theirs).into_iter().enumerate() {
            let within = 1e-9 * (1.0 + theirs.abs());
            assert!(
                (ours - theirs).abs() <= within,
                "{name} of place {at}: {ours}, esda {theirs}; {given}"
            );
        }
    };
    same(
        "empirical Bayes",
        empirical_bayes(&places),
        &peer["empirical_bayes"],
    );
    same(
        "spatial empirical Bayes",
        spatial_empirical_bayes(&places, &neighbours),
        &peer["spatial_empirical_bayes"],
    );
    same(
        "spatial rate",
        spatial_rates(&places, &neighbours),
        &peer["spatial_rate"],
    );
    same("excess risk", excess_risk(&places), &peer["excess_risk"]);
    let values = numbers(&given["values"]);
    for (letter, weights) in [("B", Weights::Binary), ("R", Weights::RowStandardised)] {
        for (name, itself) in [("Gi", false), ("Gi*", true)] {
            let theirs = &peer["hot_spots"][format!("{name}{letter}")];
            same(name, getis_ord(&values, &neighbours, weights, itself), theirs);
        }
    }
}

fn stays(given: &Value) -> Vec<(f64, f64)> {
    let list = given["stays_h"].as_array().unwrap().iter();
    list.map(|stay| (stay[0].as_f64().unwrap(), stay[1].as_f64().unwrap()))
        .collect()
}

fn assert_room(given: &Value, peer: &Value) {
    let of = |name: &str| given[name].as_f64().unwrap();
    // Particles of unknown size settle at 1.88·10⁻⁴ m/s over 1.5 m, and 0.6 of them are deposited.
    let room = Room {
        volume_m3: of("volume_m3"),
        loss_per_h: of("air_changes_per_h") + 0.4512 + viral_decay_per_h(of("temperature_k"), of("humidity")),
    };
    let emissions: Vec<Emission> = stays(given)
        .into_iter()
        .map(|(from_h, to_h)| Emission {
            from_h,
            to_h,
            per_h: of("emission_per_h"),
        })
        .collect();
    for (at_h, expected) in pairs(&numbers(&given["at_h"]), &peer["concentration"]) {
        close(
            room.concentration(&emissions, at_h),
            expected,
            1e-9 * (1.0 + expected),
        );
    }
    let inhaled = of("inhaled_m3_per_h") * (1.0 - of("held_back_in")) * 0.6;
    let dose: f64 = stays(given)
        .iter()
        .map(|(from, to)| room.exposure(&emissions, *from, *to) * inhaled)
        .sum();
    let expected = peer["dose"].as_f64().unwrap();
    close(dose, expected, 1e-9 * (1.0 + expected));
    let infected = infection_probability_by_dose(dose, 0.0, 50.0, 0.78);
    close(infected, peer["infected"].as_f64().unwrap(), 1e-9);
}

fn assert_full_room(given: &Value, peer: &Value) {
    const SEATED: Uncertain = Uncertain::LogNormal {
        mean_ln: -0.687_212_172_336_230_3,
        deviation_ln: 0.104_983_382_292_971_08,
    };
    let of = |name: &str| given[name].as_f64().unwrap();
    let (transmissibility, expiration) = match given["variant"].as_str().unwrap() {
        "ALPHA" => (0.78, Expiration::SPEAKING),
        "DELTA" => (0.51, Expiration::SHOUTING),
        _ => (0.2, Expiration::BREATHING),
    };
    let ours = SharedRoom {
        volume_m3: of("volume_m3"),
        air_changes_per_h: of("air_changes_per_h"),
        viral_decay_per_h: viral_decay_per_h(of("temperature_k"), of("humidity")),
        present_h: stays(given),
        infectious: 1.0,
        expiration,
        viral_load_per_ml: viral_load_of_covid(),
        viable: Uncertain::Uniform { from: 0.01, to: 0.6 },
        exhaled_m3_per_h: SEATED,
        inhaled_m3_per_h: SEATED,
        held_back_out: 0.0,
        held_back_in: 0.0,
        half_dose: Uncertain::Uniform {
            from: 10.0,
            to: 100.0,
        },
        transmissibility,
    };
    let found = [
        ("infected", ours.infection_probability()),
        ("dose", ours.dose()),
        ("emission_per_h", ours.emission_per_h()),
    ];
    for (name, ours) in found {
        let theirs = peer[name].as_f64().unwrap();
        // 200,000 draws of a viral load over eight decades leave a per cent or two to chance.
        assert!(
            (ours - theirs).abs() <= 0.04 * theirs,
            "{name}: {ours}, CAiMIRA {theirs}; {given}"
        );
    }
}
