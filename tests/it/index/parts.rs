//! A ledger in parts: what is written again, and what is refused.

use std::cell::RefCell;
use std::io;

use vungxanh::index::Written;

use super::*;

/// Parts as a folder keeps them, and the names of those written last.
#[derive(Default)]
struct Parts {
    kept: BTreeMap<String, Vec<u8>>,
    put: Vec<String>,
}

/// Writes what has changed; gives the list.
fn write(ledger: &Ledger, written: &mut Written, parts: &mut Parts) -> Vec<u8> {
    parts.put.clear();
    let put = RefCell::new(&mut *parts);
    let (list, now) = ledger
        .checkpoint()
        .write_parts(written, &mut |name, bytes| {
            let mut parts = put.borrow_mut();
            parts.kept.insert(name.to_owned(), bytes.to_vec());
            parts.put.push(name.to_owned());
            Ok::<_, io::Error>(())
        })
        .unwrap();
    let names = now.names();
    parts.kept.retain(|name, _| names.contains(name));
    *written = now;
    list
}

fn read(list: &[u8], parts: &Parts) -> Result<(Ledger, Written), String> {
    let find = |name: &str| {
        parts
            .kept
            .get(name)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    };
    Ledger::read_parts(list, &find).map_err(|error| error.to_string())
}

fn days_of(visits: &[Visit]) -> Vec<Day> {
    let days: BTreeSet<Day> = visits.iter().map(|visit| visit.at.hour().day(OFFSET)).collect();
    days.into_iter().collect()
}

#[test]
fn only_the_parts_that_changed_are_written_again() {
    let visits = visits(11, 4_000, 6);
    let mut ledger = folded(&visits);
    let days = days_of(&visits);
    // Large days have a packed part beside what came lately; sealed ones nothing else.
    ledger.settle(days[1]);
    ledger.settle(days[2]);
    ledger.seal(days[0]);
    let (mut written, mut parts) = (Written::default(), Parts::default());
    let first = write(&ledger, &mut written, &mut parts);
    assert_eq!(parts.put.len(), days.len() + 3);
    assert_eq!(write(&ledger, &mut written, &mut parts), first);
    assert!(parts.put.is_empty(), "nothing has changed: {:?}", parts.put);

    let again = visits.iter().find(|visit| visit.at.hour().day(OFFSET) == days[1]);
    assert!(fold(&mut ledger, again.unwrap()));
    write(&ledger, &mut written, &mut parts);
    assert_eq!(
        parts.put.len(),
        1,
        "the rest of one day, not what was packed of it"
    );

    // The same holds after a restart, which finds the same ledger.
    let list = write(&ledger, &mut written, &mut parts);
    let (mut ledger, mut written) = read(&list, &parts)
        .map(|(read, written)| {
            assert_eq!(read.to_bytes(), ledger.to_bytes());
            (read, written)
        })
        .unwrap();
    assert_eq!(write(&ledger, &mut written, &mut parts), list);
    assert!(
        parts.put.is_empty(),
        "a restart has changed nothing: {:?}",
        parts.put
    );

    // A sealed day leaves no part with fingerprints behind.
    let before = parts.kept.clone();
    ledger.seal(days[2]);
    let list = write(&ledger, &mut written, &mut parts);
    assert_eq!(parts.put.len(), 2, "both parts of the sealed day");
    assert_eq!(
        before
            .keys()
            .filter(|name| !parts.kept.contains_key(*name))
            .count(),
        2
    );
    assert!(read(&list, &parts).unwrap().0.is_sealed(days[2]));
}

#[test]
fn a_part_that_is_missing_torn_changed_or_of_another_day_is_refused_with_a_reason() {
    let visits = visits(12, 3_000, 3);
    let mut ledger = folded(&visits);
    ledger.settle(days_of(&visits)[0]);
    let (mut written, mut parts) = (Written::default(), Parts::default());
    let list = write(&ledger, &mut written, &mut parts);
    let names: Vec<String> = parts.kept.keys().cloned().collect();
    for name in &names {
        let whole = parts.kept[name].clone();
        let mut changed = whole.clone();
        let middle = whole.len() / 2;
        changed[middle] ^= 1;
        let other = names.iter().find(|other| *other != name).unwrap();
        for (bytes, reason) in [
            (None, "cannot be read"),
            (
                Some(whole[..whole.len() - 1].to_vec()),
                "does not match its checksum",
            ),
            (Some(changed), "does not match its checksum"),
            (Some(parts.kept[other].clone()), "is another than was written"),
            (Some(ledger.to_bytes()), "is another kind of file"),
        ] {
            match bytes {
                Some(bytes) => parts.kept.insert(name.clone(), bytes),
                None => parts.kept.remove(name),
            };
            let error = read(&list, &parts).unwrap_err();
            assert!(error.starts_with("the checkpoint has a part "), "{error}");
            assert!(
                error.contains(reason) && error.contains(name),
                "{reason}: {error}"
            );
            parts.kept.insert(name.clone(), whole.clone());
        }
    }
    for length in [0, 8, 48, list.len() - 1] {
        assert!(read(&list[..length], &parts).is_err(), "a list of {length} bytes");
    }
    assert!(read(&list, &parts).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_ledger_comes_back_out_of_its_parts_whatever_was_packed_and_sealed(
        seed in any::<u64>(),
        settled in prop::collection::vec(any::<bool>(), 4),
        sealed in 0_usize..3,
    ) {
        let visits = visits(seed, 900, 4);
        let days = days_of(&visits);
        let (mut written, mut parts) = (Written::default(), Parts::default());
        let mut ledger = Ledger::new(OFFSET);
        for (nth, some) in visits.chunks(300).enumerate() {
            for visit in some {
                fold(&mut ledger, visit);
            }
            for (day, _) in days.iter().zip(&settled).filter(|(_, settled)| **settled == (nth % 2 == 0)) {
                ledger.settle(*day);
            }
            if nth == 1 {
                days.iter().take(sealed).for_each(|day| ledger.seal(*day));
            }
            let list = write(&ledger, &mut written, &mut parts);
            let (again, of_it) = read(&list, &parts).unwrap();
            prop_assert_eq!(again.to_bytes(), ledger.to_bytes());
            if seed % 2 == 0 {
                (ledger, written) = (again, of_it);
            }
        }
    }
}
