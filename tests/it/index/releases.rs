//! What the public gets from releases.

use super::*;

#[test]
fn public_figures_come_from_the_last_closed_buckets_and_hidden_cells_show_their_ancestor() {
    let leaf = Cell::at(LngLat::new(105.84, 21.59).unwrap(), BASE_RESOLUTION);
    let above = |resolution| leaf.parent(Resolution::new(resolution).unwrap()).unwrap();
    let week = |n: i32| window(450_000 + n * 168, 450_000 + (n + 1) * 168);
    let cases = |n: i32, seq: u32, rows: Vec<(Cell, ReleasedCases)>| Release {
        bucket: week(n),
        seq,
        made_at: Timestamp(0),
        body: ReleaseBody::Cases(rows),
    };
    let shown = |cases, level| ReleasedCases::Shown { cases, level };
    let mut publisher = Publisher::new(OFFSET);
    publisher.put_release(&cases(
        0,
        1,
        vec![
            (leaf, shown(12, 2)),
            (above(8), shown(12, 2)),
            (above(7), shown(12, 2)),
        ],
    ));
    let second = cases(
        1,
        1,
        vec![
            (above(8), ReleasedCases::Hidden),
            (above(7), shown(14, 3)),
            (above(6), shown(14, 2)),
        ],
    );
    assert_eq!(Release::from_bytes(&second.to_bytes()).unwrap(), second);
    publisher.put_release(&second);
    publisher.put_release(&Release {
        bucket: window(450_000, 450_024),
        seq: 1,
        made_at: Timestamp(0),
        body: ReleaseBody::Activity(vec![(
            leaf,
            ReleasedActivity::Shown {
                visits: 120,
                people: 60,
            },
        )]),
    });
    let snapshot = publisher.publish(&mut Ledger::new(OFFSET), Timestamp(0));
    let releases = snapshot.releases();

    let before_any = releases.public_cell(leaf, week(0).from.start(), window(0, 168));
    assert_eq!(
        (before_any.cases, before_any.level, before_any.suppressed),
        (None, 0, false)
    );

    let first = releases.public_cell(leaf, week(1).from.start(), window(0, 168));
    assert_eq!(
        (first.cases, first.level, first.weeks),
        (Some(12), 2, Some(week(0)))
    );
    assert_eq!((first.visits, first.people), (Some(120), Some(60)));

    let at = week(2).from.start();
    let hidden = releases.public_cell(leaf, at, window(0, 168));
    assert_eq!((hidden.cases, hidden.suppressed), (None, true));
    assert_eq!((hidden.level, hidden.from_parent), (3, Some(above(7))));
    assert!(releases.public_cell(leaf, at, window(0, 336)).cases.is_none());
    assert_eq!(releases.public_cell(above(7), at, window(0, 336)).cases, Some(26));

    // A sibling that no release lists lies under the hidden cell all the same: zero would tell too much.
    let sibling = above(8)
        .children()
        .into_iter()
        .find(|cell| *cell != leaf)
        .unwrap();
    assert!(releases.public_cell(sibling, at, window(0, 168)).suppressed);
    let cousin = above(7)
        .children()
        .into_iter()
        .find(|cell| *cell != above(8))
        .unwrap();
    let cousin = releases.public_cell(cousin, at, window(0, 168));
    assert_eq!(
        (cousin.cases, cousin.level, cousin.suppressed),
        (Some(0), 1, false)
    );

    let listed = releases.public_cells_in(&BBox::WORLD, BASE_RESOLUTION, at, window(0, 168));
    assert_eq!(listed, [(leaf, hidden)]);

    // A correction replaces, an older one does not.
    publisher.put_release(&cases(0, 3, vec![(leaf, shown(13, 2)), (above(8), shown(13, 2))]));
    publisher.put_release(&cases(0, 2, vec![]));
    let snapshot = publisher.publish(&mut Ledger::new(OFFSET), Timestamp(0));
    let corrected = snapshot
        .releases()
        .public_cell(leaf, week(1).from.start(), window(0, 168));
    assert_eq!(corrected.cases, Some(13));
}

#[test]
fn a_changed_or_cut_release_is_refused() {
    let release = Release {
        bucket: window(0, 168),
        seq: 1,
        made_at: Timestamp(5),
        body: ReleaseBody::AreaCases(vec![
            (code("19"), ReleasedCases::Shown { cases: 40, level: 2 }),
            (code("164"), ReleasedCases::Hidden),
        ]),
    };
    let bytes = release.to_bytes();
    let read = Release::from_bytes(&bytes).unwrap();
    assert_eq!(read.to_bytes(), bytes);
    for length in 0..bytes.len() {
        assert!(Release::from_bytes(&bytes[..length]).is_err());
    }
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(Release::from_bytes(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn a_bulletin_says_nothing_of_an_area_that_was_registered_after_the_release() {
    let shape = || square(105.0, 21.0, 1.0);
    let mut publisher = Publisher::new(OFFSET);
    publisher.put_areas(&[
        area("19", AreaLevel::Province, None, shape()),
        area("164", AreaLevel::District, Some("19"), shape()),
    ]);
    let now = Timestamp::parse("2021-05-12T12:00:00+07:00").unwrap();
    let week = IsoWeek::of(Day::of(now.plus_s(-7 * 86_400), OFFSET));
    publisher.put_release(&Release {
        bucket: week.window(OFFSET),
        seq: 1,
        made_at: now,
        body: ReleaseBody::AreaCases(vec![(code("19"), ReleasedCases::Shown { cases: 40, level: 2 })]),
    });
    let snapshot = publisher.publish(&mut Ledger::new(OFFSET), now);
    let lines = snapshot.bulletin(week).unwrap();
    let told: Vec<(&str, Option<u32>)> = lines
        .iter()
        .map(|line| (line.entry.area.code.as_str(), line.now.cases))
        .collect();
    assert_eq!(told, [("19", Some(40))]);
}
