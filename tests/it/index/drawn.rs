//! What maps draw of venues, laid out in the order of the map, against each venue's own record.

use std::sync::Arc;

use vungxanh::index::DrawnVenue;
use vungxanh::model::{Assessment, AssessmentAuthor, ContentHash, Event, EventId, VenueId, VenueKind};

use super::*;

fn somewhere(rng: &mut ChaCha8Rng) -> LngLat {
    LngLat::new(105.0 + rng.random::<f64>(), 21.0 + rng.random::<f64>()).unwrap()
}

fn some_facts(rng: &mut ChaCha8Rng) -> VenueFacts {
    let assessed = |by| Event {
        id: EventId::new("a").unwrap(),
        at: Timestamp(0),
        content: ContentHash(0),
        record: Assessment {
            venue: VenueId::new("v1").unwrap(),
            instrument: "qd3088@2020".to_owned(),
            answers: Vec::new(),
            by,
        },
    };
    let authors = match rng.random_range(0..4) {
        0 => vec![AssessmentAuthor::Venue],
        1 => vec![AssessmentAuthor::Inspector, AssessmentAuthor::Venue],
        _ => Vec::new(),
    };
    let score = |rng: &mut ChaCha8Rng| VenueScore {
        level: rng.random_range(0..5),
        status: rng.random_range(0..4),
    };
    VenueFacts {
        public: score(rng),
        exact: score(rng),
        exposure_minutes: rng.random_range(0..500),
        public_minutes: rng.random_range(0..500),
        assessments: authors.into_iter().map(assessed).collect(),
        ..VenueFacts::default()
    }
}

/// All that is drawn, copied.
fn drawn(snapshot: &Snapshot) -> Vec<String> {
    let venues = snapshot.venues();
    (0..venues.len() as u32)
        .map(|ix| format!("{:?}", venues.drawn(ix).unwrap()))
        .collect()
}

#[test]
fn a_venue_is_drawn_as_its_record_says_after_any_change() {
    let mut rng = ChaCha8Rng::seed_from_u64(33);
    let mut publisher = Publisher::new(OFFSET);
    let mut ledger = Ledger::new(OFFSET);
    let day = Day(18_700);
    let mut known = 0_u32;
    let mut before: Option<(Arc<Snapshot>, Vec<String>)> = None;
    for round in 0..24 {
        // Now and then so many that the sheet is made anew.
        for _ in 0..if round % 6 == 0 { 700 } else { 15 } {
            publisher.put_venues(&[venue(known, somewhere(&mut rng))], day);
            known += 1;
        }
        for _ in 0..12 {
            let number = rng.random_range(0..known);
            let old = publisher.venues().by_ix(number).unwrap().venue.as_ref().clone();
            let changed = match rng.random_range(0..3) {
                0 => Venue {
                    at: somewhere(&mut rng),
                    ..old
                },
                1 => Venue {
                    name: format!("Chợ Đồng Quang {round}"),
                    ..old
                },
                _ => Venue {
                    kind: VenueKind::ALL[rng.random_range(0..VenueKind::ALL.len())],
                    ..old
                },
            };
            publisher.put_venues(&[changed], day);
        }
        let facts: Vec<(u32, VenueFacts)> = (0..40)
            .map(|_| (rng.random_range(0..known), some_facts(&mut rng)))
            .collect();
        publisher.set_venue_facts(facts);
        let snapshot = publisher.publish(&mut ledger, Timestamp(0));
        for entry in snapshot.venues().iter() {
            assert_eq!(
                snapshot.venues().drawn(entry.ix),
                Some(DrawnVenue::of(entry)),
                "round {round}, {}",
                entry.ix
            );
        }
        assert_eq!(snapshot.venues().drawn(known), None);
        // What was published stays as it was.
        if let Some((old, said)) = before.replace((Arc::clone(&snapshot), drawn(&snapshot))) {
            assert_eq!(drawn(&old), said);
        }
    }
}

#[test]
fn venues_of_a_tile_stand_in_one_order_whatever_the_order_of_their_registration() {
    let mut rng = ChaCha8Rng::seed_from_u64(34);
    // Many stand on the very same spot.
    let spots: Vec<LngLat> = (0..60).map(|_| somewhere(&mut rng)).collect();
    let venues: Vec<Venue> = (0..600).map(|n| venue(n, spots[n as usize % 60])).collect();
    let order = |venues: &[Venue], step: usize| {
        let mut publisher = Publisher::new(OFFSET);
        for some in venues.chunks(step) {
            publisher.put_venues(some, Day(18_700));
        }
        let snapshot = publisher.publish(&mut Ledger::new(OFFSET), Timestamp(0));
        let index = snapshot.venues();
        let tile = TileCoord::containing(spots[0], 6).unwrap();
        let numbers = index.in_tile(tile, 64);
        assert!(numbers.len() > 300);
        let ids = numbers
            .into_iter()
            .map(|ix| index.drawn(ix).unwrap().id.to_owned());
        ids.collect::<Vec<_>>()
    };
    let mut backwards = venues.clone();
    backwards.reverse();
    assert_eq!(order(&venues, 600), order(&backwards, 7));
}
