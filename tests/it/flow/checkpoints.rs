//! The checkpoint's files: which are written again, and what becomes of a damaged or an older one.

use std::collections::BTreeMap;

use vungxanh::index::Ledger;

use super::*;

/// The parts in a folder, by name.
fn parts(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    files
        .filter_map(|file| {
            let name = file.file_name().into_string().unwrap();
            let is_part = name.starts_with("ledger-") && name.ends_with(".part");
            is_part.then(|| (name, fs::read(file.path()).unwrap()))
        })
        .collect()
}

/// Three days with something in each.
async fn live_three_days(folder: &Path) -> Pipeline {
    let pipeline = open(folder).await;
    pipeline
        .put_venues(vec![venue("m", 105.84, 21.59)])
        .await
        .unwrap();
    for day in 0..3 {
        let mut visits = (0..20)
            .map(|n| check_in(&format!("c-{day}-{n}"), "m", n))
            .collect::<Vec<_>>();
        for visit in &mut visits {
            visit.at = NOON.plus_s(-day * 86_400);
        }
        pipeline.append(EventBatch::CheckIns(visits)).await.unwrap();
    }
    pipeline
}

#[tokio::test]
async fn a_day_without_news_is_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    close(live_three_days(folder.path()).await, folder.path()).await;
    let before = parts(folder.path());
    assert_eq!(before.len(), 3, "a part for each day");
    let written = |name: &String| {
        fs::metadata(folder.path().join(name))
            .unwrap()
            .modified()
            .unwrap()
    };
    let times: BTreeMap<&String, _> = before.keys().map(|name| (name, written(name))).collect();

    let pipeline = open(folder.path()).await;
    pipeline.append(check_ins(100, 5, "m")).await.unwrap();
    close(pipeline, folder.path()).await;
    let after = parts(folder.path());
    assert_eq!(after.len(), 3, "what the checkpoint does not name is gone");
    let kept: Vec<&String> = after.keys().filter(|name| before.contains_key(*name)).collect();
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().all(|name| times[*name] == written(name)));
}

#[tokio::test]
async fn a_torn_or_foreign_part_is_refused_and_everything_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let live = close(live_three_days(folder.path()).await, folder.path()).await;
    let whole = parts(folder.path());
    for (name, bytes) in &whole {
        let other = whole.iter().find(|other| other.0 != name).unwrap().1;
        for damaged in [Some(&bytes[..bytes.len() / 2]), Some(other), None] {
            let path = folder.path().join(name);
            match damaged {
                Some(damaged) => fs::write(path, damaged).unwrap(),
                None => fs::remove_file(path).unwrap(),
            }
            let pipeline = open(folder.path()).await;
            assert!(close(pipeline, folder.path()).await == live, "another ledger");
            assert!(parts(folder.path()) == whole, "the parts are whole again");
        }
    }
}

#[tokio::test]
async fn parts_that_a_crash_left_unnamed_are_removed_and_other_files_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let live = close(live_three_days(folder.path()).await, folder.path()).await;
    let whole = parts(folder.path());
    let stray = |ending: &str| folder.path().join(format!("ledger-{}.{ending}", "0".repeat(32)));
    for path in [
        stray("part"),
        stray("new"),
        folder.path().join("ledger-notes.part"),
    ] {
        fs::write(path, "left behind").unwrap();
    }
    let pipeline = open(folder.path()).await;
    assert!(close(pipeline, folder.path()).await == live);
    assert!(!stray("part").exists() && !stray("new").exists());
    assert!(folder.path().join("ledger-notes.part").exists(), "not ours");
    fs::remove_file(folder.path().join("ledger-notes.part")).unwrap();
    assert!(parts(folder.path()) == whole);
}

#[tokio::test]
async fn a_checkpoint_in_one_file_of_the_version_before_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let live = close(live_three_days(folder.path()).await, folder.path()).await;
    let whole = parts(folder.path());
    let (mut ledger, _) = Ledger::read_parts(&live[24..], &|name| {
        Ok(whole[&format!("ledger-{name}.part")].clone())
    })
    .unwrap();
    for name in whole.keys() {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    // One visit more than there are events: nothing but the checkpoint can tell of it.
    let cell = venue("m", 105.84, 21.59).cell();
    assert!(ledger.fold_visit(0, cell, NOON.plus_s(-3600).hour(), Direction::In, 1, None));
    let old = [&live[..24], &ledger.to_bytes()].concat();
    fs::write(folder.path().join(CHECKPOINT), &old).unwrap();
    for written_as in ["one file", "parts"] {
        let pipeline = open(folder.path()).await;
        let visits = pipeline.snapshot().cell_stats(cell, week()).visits;
        assert_eq!(visits, 61, "out of {written_as}");
        close(pipeline, folder.path()).await;
        assert!(!parts(folder.path()).is_empty(), "written as parts from now on");
    }
}
