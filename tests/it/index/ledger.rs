//! The ledger and its laws.

use super::*;

#[test]
fn the_ledger_equals_a_plain_fold() {
    let visits = visits(1, 20_000, 5);
    let ledger = folded(&visits);
    let plain = plain_fold(&visits);
    assert_eq!(
        ledger.days().map(|(day, _)| day).collect::<Vec<_>>(),
        plain.keys().copied().collect::<Vec<_>>()
    );
    for (day, sums) in plain {
        assert_eq!(ledger.day_sums(day), sums, "{day}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_order_and_any_split_gives_identical_bytes(seed in any::<u64>(), cuts in prop::collection::vec(0_usize..600, 0..4)) {
        let mut visits = visits(seed, 600, 3);
        let straight = folded(&visits).to_bytes();
        visits.shuffle(&mut ChaCha8Rng::seed_from_u64(seed ^ 1));
        let mut cuts = cuts;
        cuts.extend([0, visits.len()]);
        cuts.sort_unstable();
        let mut ledger = Ledger::new(OFFSET);
        for pair in cuts.windows(2) {
            for visit in &visits[pair[0]..pair[1]] {
                fold(&mut ledger, visit);
            }
            // A restart between any two parts changes nothing.
            ledger = Ledger::from_bytes(&ledger.to_bytes()).unwrap();
        }
        prop_assert_eq!(ledger.to_bytes(), straight);
    }

    #[test]
    fn merging_sums_is_associative_and_commutative(seed in any::<u64>()) {
        let parts: Vec<DaySums> = (0..3)
            .map(|part| plain_fold(&visits(seed.wrapping_add(part), 80, 1)).into_values().next().unwrap_or_default())
            .collect();
        let merge = |order: &[usize]| {
            let mut sum = DaySums::default();
            for &part in order {
                sum.merge(&parts[part]);
            }
            sum
        };
        let mut right = parts[1].clone();
        right.merge(&parts[2]);
        let mut grouped = parts[0].clone();
        grouped.merge(&right);
        prop_assert_eq!(&merge(&[0, 1, 2]), &grouped);
        prop_assert_eq!(merge(&[2, 0, 1]), grouped);
    }
}

#[test]
fn a_changed_or_cut_checkpoint_is_refused_with_a_reason() {
    let bytes = folded(&visits(2, 500, 2)).to_bytes();
    for length in [0, 7, 47, 48, 60, bytes.len() / 2, bytes.len() - 1] {
        let error = Ledger::from_bytes(&bytes[..length]).unwrap_err().to_string();
        assert!(error.starts_with("the checkpoint "), "{length}: {error}");
    }
    for at in (0..bytes.len()).step_by(11) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        assert!(
            Ledger::from_bytes(&changed).is_err(),
            "a flipped bit at {at} went unnoticed"
        );
    }
    let mut newer = bytes.clone();
    newer[7] = b'9';
    assert!(
        Ledger::from_bytes(&newer)
            .unwrap_err()
            .to_string()
            .contains("version 09")
    );
}

#[test]
fn a_sealed_day_takes_nothing_more_and_keeps_its_sums() {
    let visits = visits(3, 2_000, 2);
    let mut ledger = folded(&visits);
    let day = visits[0].at.hour().day(OFFSET);
    let before = ledger.day_sums(day);
    ledger.seal(day);
    assert_eq!(ledger.day_sums(day), before);
    assert!(!fold(&mut ledger, &visits[0]));
    assert_eq!(ledger.day_sums(day), before);
    let again = Ledger::from_bytes(&ledger.to_bytes()).unwrap();
    assert!(again.is_sealed(day));
    assert_eq!(again.to_bytes(), ledger.to_bytes());
    ledger.set_day(day, before.clone());
    ledger.set_day(day, before.clone());
    assert_eq!(
        ledger.day_sums(day),
        before,
        "a repeated backfill counts nothing twice"
    );
    ledger.drop_day(day);
    assert!(ledger.day_sums(day).is_empty());
}

#[test]
fn a_busy_day_is_packed_again_and_again_and_stays_the_same() {
    // More rows than are kept in hash maps, in two orders, with a restart in the middle of one.
    let first = Cell::at(LngLat::new(105.84, 21.59).unwrap(), BASE_RESOLUTION).to_u64();
    let places: Vec<Cell> = (0..2_401)
        .filter_map(|n: u64| {
            // Four digits of the base resolution, 0..=6 each.
            let digits = (0..4).fold(0, |bits, digit| bits | (n / 7_u64.pow(digit) % 7) << (3 * digit));
            Cell::from_u64((first & !(0o7777 << 18)) | digits << 18).ok()
        })
        .collect();
    let hours: Vec<Hour> = (0..24)
        .map(|hour| Hour(Day(18_750).first_hour(OFFSET).0 + hour))
        .collect();
    let fold_all = |ledger: &mut Ledger, hours: &mut dyn Iterator<Item = &Hour>| {
        for hour in hours {
            for (ix, place) in (0_u32..).zip(&places) {
                let person = PersonId((u128::from(ix % 700) << 64 | 99).to_le_bytes());
                ledger.fold_visit(ix, *place, *hour, Direction::In, 1, Some(person));
            }
        }
    };
    let mut straight = Ledger::new(OFFSET);
    fold_all(&mut straight, &mut hours.iter());
    fold_all(&mut straight, &mut hours.iter());
    let mut other = Ledger::new(OFFSET);
    fold_all(&mut other, &mut hours.iter().rev());
    let mut other = Ledger::from_bytes(&other.to_bytes()).unwrap();
    fold_all(&mut other, &mut hours.iter().rev());
    assert_eq!(other.to_bytes(), straight.to_bytes());
    let sums = straight.day_sums(Day(18_750));
    assert_eq!(sums.cells.len(), places.len() * 24);
    let people: u32 = sums.cells.iter().map(|row| row.2.people).sum();
    assert_eq!(
        people as usize,
        places.len(),
        "each was seen in one place, however often"
    );
    assert!(sums.cells.iter().all(|row| row.2.visits == 2));
    assert!(straight.day_cells(Day(18_750)).eq(sums.cells));
}
