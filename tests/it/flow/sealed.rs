//! Sealed days go out as files and come back as they were, with the cases of their areas.

use bytes::Bytes;
use vungxanh::aggregate::{
    SealedFiles, read_sealed_days, write_area_hours, write_cell_hours, write_venue_hours,
};
use vungxanh::pipeline::{Rebuilt, sealed_area_hours};
use vungxanh::store::HistoryRow;

use super::*;

const HOME: (f64, f64) = (105.84, 21.59);

/// What `vungxanh export history` writes of a folder.
async fn files_of(folder: &Path, now: Timestamp) -> SealedFiles<Bytes> {
    let utc_offset = UtcOffset::VIETNAM;
    let store = Store::open_beside(folder, StoreConfig { utc_offset })
        .await
        .unwrap();
    let areas = sealed_area_hours(&store, utc_offset, now).await.unwrap();
    let (mut cells, mut venues) = (Vec::new(), Vec::new());
    for row in store.load_history(Day(i32::MIN), Day(i32::MAX)).await.unwrap() {
        match row {
            HistoryRow::Cell { cell, hour, stats } => cells.push((cell, hour, stats)),
            HistoryRow::Venue { venue, hour, stats } => venues.push((venue, hour, stats)),
        }
    }
    store.close().await;
    let mut files = [Vec::new(), Vec::new(), Vec::new()];
    write_cell_hours(&mut files[0], &cells).unwrap();
    write_venue_hours(&mut files[1], &venues).unwrap();
    write_area_hours(&mut files[2], &areas).unwrap();
    let [cells, venues, areas] = files.map(Bytes::from);
    SealedFiles { cells, venues, areas }
}

#[tokio::test]
async fn days_rebuilt_out_of_their_files_are_those_that_were_sealed_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let old = NOON.plus_s(-20 * 86_400);
    let pipeline = open(folder.path()).await;
    let areas = vec![
        area("19", None, 105.4, 21.3, 0.9),
        area("164", Some("19"), 105.7, 21.5, 0.3),
    ];
    pipeline.put_areas(areas).await.unwrap();
    pipeline
        .put_venues(vec![venue("m", HOME.0, HOME.1)])
        .await
        .unwrap();
    let visits = (0..40_u8).map(|nth| {
        let mut visit = check_in(&format!("c-{nth}"), "m", nth % 7);
        visit.at = old.plus_s(i64::from(nth) * 900);
        visit
    });
    pipeline
        .append(EventBatch::CheckIns(visits.collect()))
        .await
        .unwrap();
    // The last one's day has nothing in any cell.
    let cases = vec![
        case("f-1", old, Some("164"), Some(HOME)),
        case("f-2", old.plus_s(3 * 86_400), Some("164"), None),
    ];
    pipeline.append(EventBatch::Cases(cases)).await.unwrap();
    close(pipeline, folder.path()).await;

    let later = NOON.plus_s(10 * 86_400);
    let unsealed = copy_of(folder.path());
    let pipeline = open_at(folder.path(), later).await;
    pipeline.close_buckets().await.unwrap();
    let live = close(pipeline, folder.path()).await;

    let pipeline = open_at(unsealed.path(), later).await;
    let snapshot = pipeline.snapshot();
    let number = |id: &str| snapshot.venues().ix(&venue_id(id));
    let files = files_of(folder.path(), later).await;
    let days = read_sealed_days(files, &number, UtcOffset::VIETNAM).unwrap();
    assert_eq!(
        days.values().map(|sums| sums.areas.len()).sum::<usize>(),
        4,
        "two cases in two areas each"
    );
    let done = pipeline.rebuild_days(days.clone()).await.unwrap();
    assert_eq!((done.written, done.other_cases.len()), (days.len(), 0));
    let again = pipeline.rebuild_days(days.clone()).await.unwrap();
    let unchanged = Rebuilt {
        unchanged: days.len(),
        ..Rebuilt::default()
    };
    assert_eq!(again, unchanged);
    // How often the folder's history was written stands in the third number of the checkpoint's head; all else is equal.
    let rebuilt = close(pipeline, unsealed.path()).await;
    assert!(rebuilt[..16] == live[..16], "another place in the stream");
    assert!(rebuilt[24..] == live[24..], "another ledger out of the files");

    // Cases are the folder's own: sums of others are named and not taken over.
    let empty = tempfile::tempdir().unwrap();
    let pipeline = open_at(empty.path(), later).await;
    pipeline
        .put_venues(vec![venue("m", HOME.0, HOME.1)])
        .await
        .unwrap();
    let done = pipeline.rebuild_days(days.clone()).await.unwrap();
    assert_eq!(done.other_cases, days.keys().copied().collect::<Vec<_>>());
    assert_eq!(cases_in(&pipeline, "164"), 0);
}
