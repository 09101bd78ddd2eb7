//! Which areas border on each other, against measuring every edge from every other.

use std::path::Path;

use ::geo::{Coord, MultiPolygon};
use vungxanh::model::Area;

use super::*;
use crate::fixtures::rectangle;
use crate::real_input::{gunzipped, shapes};
use crate::support::shared;

const DEGREE_M: f64 = 111_195.0;
/// Between these, metres, what counts as a border depends on the model of the Earth.
const UNSURE_M: std::ops::Range<f64> = 29.0..31.0;

type Edge = (Coord<f64>, Coord<f64>);

fn edges(shape: &MultiPolygon<f64>) -> Vec<Edge> {
    let rings = shape
        .iter()
        .flat_map(|part| std::iter::once(part.exterior()).chain(part.interiors()));
    rings
        .flat_map(|ring| ring.lines().map(|line| (line.start, line.end)))
        .collect()
}

/// The least distance between two outlines' edges, metres; of edges more than about 100 m apart nothing is measured.
fn apart_m(one: &[Edge], other: &[Edge]) -> f64 {
    let mut least = f64::INFINITY;
    for (a, b) in one {
        for (c, d) in other {
            let gap = |lows: [f64; 2], highs: [f64; 2]| lows[0].max(lows[1]) - highs[0].min(highs[1]);
            let gap_x = gap([a.x.min(b.x), c.x.min(d.x)], [a.x.max(b.x), c.x.max(d.x)]);
            let gap_y = gap([a.y.min(b.y), c.y.min(d.y)], [a.y.max(b.y), c.y.max(d.y)]);
            if gap_x > 0.001 || gap_y > 0.001 {
                continue;
            }
            let east = DEGREE_M * a.y.to_radians().cos();
            let metres = |at: &Coord<f64>| ((at.x - a.x) * east, (at.y - a.y) * DEGREE_M);
            let (a, b, c, d) = (metres(a), metres(b), metres(c), metres(d));
            let line = |from: (f64, f64), to: (f64, f64)| {
                ::geo::Line::new(::geo::Point::from(from), ::geo::Point::from(to))
            };
            let distance = ::geo::Distance::distance(&::geo::Euclidean, &line(a, b), &line(c, d));
            least = least.min(distance);
        }
    }
    least
}

/// Says of every pair of areas of one tier whether they border on each other as measuring says.
fn compare(areas: &[Area], day: Day) -> usize {
    let index = AreaIndex::new(areas);
    let on = index.neighbours_on(day);
    let edges: Vec<Vec<Edge>> = areas.iter().map(|area| edges(&area.geometry)).collect();
    let boxes: Vec<BBox> = areas
        .iter()
        .map(|area| BBox::around(&area.geometry).unwrap())
        .collect();
    // Only what lies near the other's box can be near it: real outlines have thousands of edges.
    let near = |at: usize, other: usize| -> Vec<Edge> {
        let bbox = &boxes[other];
        let is_near = |(a, b): &&Edge| {
            a.x.min(b.x) <= bbox.max_lng + 0.001
                && a.x.max(b.x) >= bbox.min_lng - 0.001
                && a.y.min(b.y) <= bbox.max_lat + 0.001
                && a.y.max(b.y) >= bbox.min_lat - 0.001
        };
        edges[at].iter().filter(is_near).copied().collect()
    };
    let mut number = 0;
    for (at, area) in areas.iter().enumerate() {
        let Some(entry) = index.get(&area.code, day).filter(|entry| *entry.area == *area) else {
            continue;
        };
        let found: BTreeSet<&str> = on
            .of(entry)
            .unwrap()
            .into_iter()
            .map(|entry| entry.area.code.as_str())
            .collect();
        number += found.len();
        for (other, beside) in areas.iter().enumerate().filter(|(other, _)| *other != at) {
            let is_valid = index
                .get(&beside.code, day)
                .is_some_and(|entry| *entry.area == *beside);
            if !is_valid || beside.level != area.level {
                continue;
            }
            let apart = apart_m(&near(at, other), &near(other, at));
            assert!(
                UNSURE_M.contains(&apart) || found.contains(beside.code.as_str()) == (apart < 30.0),
                "{} and {} are {apart} m apart; found {found:?}",
                area.code,
                beside.code
            );
        }
    }
    number
}

/// A few columns and rows of areas with crooked borders, some with a gap, and some more anywhere.
fn layout(rng: &mut ChaCha8Rng) -> Vec<Area> {
    let (wide, high) = (rng.random_range(1..6_usize), rng.random_range(1..6_usize));
    let (west, south) = (105.0, rng.random_range(-60..70_i32));
    let corners: Vec<Vec<(f64, f64)>> = (0..=high)
        .map(|y| {
            (0..=wide)
                .map(|x| {
                    let jitter = rng.random::<f64>() * 0.004;
                    (
                        west + x as f64 * 0.01 + jitter,
                        f64::from(south) + y as f64 * 0.01 + rng.random::<f64>() * 0.004,
                    )
                })
                .collect()
        })
        .collect();
    let mut areas = Vec::new();
    for y in 0..high {
        for x in 0..wide {
            let ring = [
                corners[y][x],
                corners[y][x + 1],
                corners[y + 1][x + 1],
                corners[y + 1][x],
            ];
            // Drawn in by some metres: two such leave a sliver, or a gap.
            let by = [0.0, 0.0, 4.0, 12.0, 14.0, 17.0, 40.0][rng.random_range(0..7_usize)] / DEGREE_M;
            let middle = (
                ring.iter().map(|at| at.0).sum::<f64>() / 4.0,
                ring.iter().map(|at| at.1).sum::<f64>() / 4.0,
            );
            let ring: Vec<(f64, f64)> = ring
                .iter()
                .map(|at| {
                    (
                        at.0 + (middle.0 - at.0).signum() * by,
                        at.1 + (middle.1 - at.1).signum() * by,
                    )
                })
                .collect();
            areas.push(::geo::Polygon::new(ring.into(), Vec::new()));
        }
    }
    for _ in 0..rng.random_range(0..4) {
        let at = (
            west + rng.random::<f64>() * 0.06,
            f64::from(south) + rng.random::<f64>() * 0.06,
        );
        let points = rng.random_range(3..90_usize);
        let size = 0.001 + rng.random::<f64>() * 0.01;
        let ring: Vec<(f64, f64)> = (0..points)
            .map(|n| {
                let angle = n as f64 * std::f64::consts::TAU / points as f64;
                let far = size * (0.5 + rng.random::<f64>());
                (at.0 + angle.cos() * far, at.1 + angle.sin() * far)
            })
            .collect();
        areas.push(::geo::Polygon::new(ring.into(), Vec::new()));
    }
    let tiers = [AreaLevel::Commune, AreaLevel::Commune, AreaLevel::District];
    areas
        .into_iter()
        .enumerate()
        .map(|(at, polygon)| {
            let tier = tiers[rng.random_range(0..3_usize)];
            let code = format!("{}{at}", tier.as_str());
            let from = rng
                .random_bool(0.2)
                .then(|| Day(rng.random_range(18_000..19_000)));
            Area {
                valid_from: from,
                valid_to: from.map(|day| Day(day.0 + 500)),
                ..area(&code, tier, None, MultiPolygon(vec![polygon]))
            }
        })
        .collect()
}

#[test]
fn areas_border_on_each_other_where_their_outlines_come_near() {
    let mut rng = ChaCha8Rng::seed_from_u64(2686);
    let mut found = 0;
    for _ in 0..60 {
        let mut areas = layout(&mut rng);
        // So that no tier stands alone.
        for tier in [AreaLevel::Commune, AreaLevel::District] {
            areas.push(area(
                &format!("far-{}-a", tier.as_str()),
                tier,
                None,
                square(10.0, 0.0, 0.1),
            ));
            areas.push(area(
                &format!("far-{}-b", tier.as_str()),
                tier,
                None,
                square(20.0, 0.0, 0.1),
            ));
        }
        found += compare(&areas, Day(18_500));
    }
    assert!(found > 500, "{found}");
}

#[test]
fn neighbours_follow_the_day_and_the_registry() {
    let commune = |code: &str, west: f64| area(code, AreaLevel::Commune, None, square(west, 21.0, 0.1));
    let until = Area {
        valid_to: Some(Day(18_700)),
        ..commune("b", 105.1)
    };
    let later = Area {
        valid_from: Some(Day(18_700)),
        ..commune("b", 105.3)
    };
    let index = AreaIndex::new(&[commune("a", 105.0), until, later, commune("c", 105.2)]);
    let beside = |index: &AreaIndex, code: &str, day: i32| -> Option<Vec<String>> {
        let entry = index.get(&AreaCode::new(code).unwrap(), Day(day)).unwrap();
        let found = index.neighbours_on(Day(day)).of(entry)?;
        Some(found.iter().map(|entry| entry.area.code.to_string()).collect())
    };
    let codes = |list: &[&str]| Some(list.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>());
    assert_eq!(beside(&index, "a", 18_699), codes(&["b"]));
    assert_eq!(beside(&index, "c", 18_699), codes(&["b"]));
    assert_eq!(beside(&index, "a", 18_700), codes(&[]));
    assert_eq!(beside(&index, "c", 18_700), codes(&["b"]));
    // A change in the registry is seen; a repetition changes nothing.
    let more = index.with(&[commune("d", 104.9)]);
    assert_eq!(beside(&more, "a", 18_700), codes(&["d"]));
    assert_eq!(
        beside(&more.with(&[commune("d", 104.9)]), "a", 18_700),
        codes(&["d"])
    );
    // One alone of its tier: nothing is known of what borders on it.
    let province = area(
        "p",
        AreaLevel::Province,
        None,
        rectangle(105.0, 21.0, 106.0, 22.0),
    );
    assert_eq!(beside(&index.with(&[province]), "p", 18_700), None);
}

fn real(file: &Path, level: AreaLevel) -> Vec<Area> {
    let shapes = shapes(&gunzipped(file)).into_iter();
    shapes
        .map(|(code, shape)| area(&code, level, None, shape))
        .collect()
}

#[test]
fn real_communes_and_provinces_border_on_each_other_as_on_the_map() {
    let Some(shared) = shared() else { return };
    let folder = shared.join("data/boundaries/post-2025");
    let communes = real(
        &folder.join("thai_nguyen_wards_2025.geojson.gz"),
        AreaLevel::Commune,
    );
    assert_eq!(communes.len(), 92);
    let found = compare(&communes, Day(20_500));
    // A planar map of 92 areas has fewer than 3 · 92 common borders, each found from both sides.
    assert!((300..6 * 92).contains(&found), "{found}");

    let provinces = real(&folder.join("provinces34_2025.geojson.gz"), AreaLevel::Province);
    let index = AreaIndex::new(&provinces);
    let thai_nguyen = index.get(&AreaCode::new("19").unwrap(), Day(20_500)).unwrap();
    let beside = index.neighbours_on(Day(20_500)).of(thai_nguyen).unwrap();
    let codes: Vec<&str> = beside.iter().map(|entry| entry.area.code.as_str()).collect();
    // Hà Nội, Cao Bằng, Tuyên Quang, Lạng Sơn, Bắc Ninh, Phú Thọ.
    assert_eq!(codes, ["01", "04", "08", "20", "24", "25"]);
}
