//! Cells of a published snapshot.

use super::*;

#[test]
fn children_sum_to_their_parent_in_every_window() {
    let visits = visits(4, 5_000, 3);
    let snapshot = published(&mut folded(&visits));
    let first = 1_620_000_000 / 3600;
    for (from, to) in [
        (first, first + 80),
        (first + 5, first + 6),
        (first + 20, first + 44),
    ] {
        let span = window(from, to);
        for resolution in (0..9).rev() {
            let parents = snapshot.cells_in(&BBox::WORLD, Resolution::new(resolution).unwrap(), span);
            for parent in parents {
                let mut sum = CellStats::default();
                for child in parent.cell.children() {
                    sum += snapshot.cell_stats(child, span);
                }
                assert_eq!(sum, parent.stats);
            }
        }
    }
}

#[test]
fn a_snapshot_laid_over_piece_by_piece_equals_one_made_at_once() {
    let visits = visits(5, 12_000, 4);
    let mut ledger = Ledger::new(OFFSET);
    let mut publisher = Publisher::new(OFFSET);
    let mut last = publisher.publish(&mut ledger, Timestamp(1_620_000_000));
    for part in visits.chunks(700) {
        for visit in part {
            fold(&mut ledger, visit);
        }
        ledger.fold_case(Some(part[0].cell), &[code("164"), code("19")], part[0].at.hour());
        let touched = ledger.touched();
        assert!(!touched.everything && touched.cells.contains(&part[0].cell));
        let next = publisher.publish(&mut ledger, Timestamp(1_620_000_000));
        assert_eq!(next.generation(), last.generation() + 1);
        last = next;
    }
    let whole = published(&mut Ledger::from_bytes(&ledger.to_bytes()).unwrap());
    let first = 1_620_000_000 / 3600;
    for span in [
        window(first, first + 100),
        window(first + 30, first + 31),
        window(0, 1),
    ] {
        for resolution in 0..=9 {
            let resolution = Resolution::new(resolution).unwrap();
            assert_eq!(
                last.cells_in(&BBox::WORLD, resolution, span),
                whole.cells_in(&BBox::WORLD, resolution, span)
            );
        }
        for venue in 0..60 {
            assert_eq!(last.venue_hours(venue, span), whole.venue_hours(venue, span));
            let mut sum = VenueStats::default();
            for (_, stats) in whole.venue_hours(venue, span) {
                sum += stats;
            }
            assert_eq!(whole.venue_stats(venue, span), sum);
        }
        assert_eq!(
            last.area_cases(&code("19"), span),
            whole.area_cases(&code("19"), span)
        );
    }
    assert_eq!(last.area_cases(&code("19"), window(first, first + 100)), 18);
}

#[test]
fn cells_in_a_box_are_those_whose_hexagon_touches_it() {
    // All around the antimeridian and far north, where boxes are easily wrong.
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let mut ledger = Ledger::new(OFFSET);
    let mut cells = BTreeSet::new();
    for n in 0..4_000 {
        let (lng, lat) = if n % 2 == 0 {
            (179.5 + rng.random::<f64>(), -17.0 + rng.random::<f64>())
        } else {
            (105.0 + rng.random::<f64>(), 21.0 + rng.random::<f64>())
        };
        let lng = if lng > 180.0 { lng - 360.0 } else { lng };
        let cell = Cell::at(LngLat::new(lng, lat).unwrap(), BASE_RESOLUTION);
        cells.insert(cell);
        ledger.fold_case(Some(cell), &[], Hour(450_000));
    }
    let snapshot = published(&mut ledger);
    for nth in 0..120 {
        let (w, s) = if nth % 2 == 0 {
            (
                179.6 + rng.random::<f64>() * 0.6,
                -16.9 + rng.random::<f64>() * 0.8,
            )
        } else {
            (
                105.1 + rng.random::<f64>() * 0.7,
                21.1 + rng.random::<f64>() * 0.7,
            )
        };
        let wrap = |lng: f64| if lng > 180.0 { lng - 360.0 } else { lng };
        let bbox = BBox {
            min_lng: wrap(w),
            min_lat: s,
            max_lng: wrap(w + rng.random::<f64>() * 0.2),
            max_lat: s + rng.random::<f64>() * 0.2,
        };
        let resolution = Resolution::new(rng.random_range(3..=9)).unwrap();
        let found: BTreeSet<Cell> = snapshot
            .cells_in(&bbox, resolution, window(449_999, 450_001))
            .into_iter()
            .map(|figure| figure.cell)
            .collect();
        let all: BTreeSet<Cell> = cells.iter().filter_map(|cell| cell.parent(resolution)).collect();
        for cell in all {
            let centre_inside = bbox.contains(cell.centre());
            let corner_inside = cell.boundary().into_iter().any(|corner| bbox.contains(corner));
            let holds_the_box = bbox.parts().iter().any(|part| {
                [(part.min_lng, part.min_lat), (part.max_lng, part.max_lat)]
                    .iter()
                    .any(|&(lng, lat)| Cell::at(LngLat::new(lng, lat).unwrap(), resolution) == cell)
            });
            if centre_inside || corner_inside || holds_the_box {
                assert!(found.contains(&cell), "{cell} of {bbox:?} is missing");
            }
        }
    }
}
