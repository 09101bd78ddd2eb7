//! What a tile can be asked for beside its place and time: cells of another resolution.

use std::collections::BTreeMap;
use std::sync::Arc;

use fast_mvt::{MvtReaderRef, MvtTile, MvtValue};
use vungxanh::geo::{Cell, LngLat, Resolution, TileCoord, finest_for_zoom, resolution_for_zoom};
use vungxanh::model::Window;
use vungxanh::risk::{Audience, Rules};
use vungxanh::tiles::{Coding, LIVE_WINDOW_HOURS, LayerKind, Layers, TileCache, TileRequest, encode};

use crate::tiles_live::{World, request};

const BOTH: [Audience; 2] = [Audience::Public, Audience::Official];

fn centre() -> LngLat {
    LngLat::new(105.84, 21.59).unwrap()
}

fn of_resolution(zoom: u8, resolution: u8, audience: Audience) -> TileRequest {
    TileRequest {
        resolution: Resolution::new(resolution),
        ..request(
            LayerKind::Cells,
            TileCoord::containing(centre(), zoom).unwrap(),
            audience,
        )
    }
}

pub fn decoded(bytes: &[u8]) -> MvtTile {
    if bytes.is_empty() {
        return MvtTile::default();
    }
    MvtReaderRef::new(bytes).unwrap().to_tile().unwrap()
}

/// Properties of the cells of a tile, by cell.
fn cells(bytes: &[u8]) -> BTreeMap<Cell, BTreeMap<String, MvtValue>> {
    let tile = decoded(bytes);
    let features = tile.layers.into_iter().flat_map(|layer| layer.features);
    features
        .map(|feature| {
            let properties: BTreeMap<String, MvtValue> = feature.properties.into_iter().collect();
            let Some(MvtValue::String(id)) = properties.get("h3") else {
                panic!("a cell without an id");
            };
            (id.parse().unwrap(), properties)
        })
        .collect()
}

#[test]
fn cells_of_any_resolution_show_the_figures_that_the_audience_may_see_of_them() {
    let rules = Rules::builtin();
    let mut world = World::new(11);
    world.release();
    world.release();
    let snapshot = world.publish();
    let window = Window::ending(snapshot.as_of(), LIVE_WINDOW_HOURS);
    let figure = |properties: &BTreeMap<String, MvtValue>, key: &str| match properties.get(key) {
        None => None,
        Some(MvtValue::UInt(number)) => Some(*number as u32),
        Some(other) => panic!("{other:?}"),
    };
    let mut seen = [0, 0];
    for zoom in [0, 3, 6, 9, 11, 12, 14, 16] {
        for resolution in 0..=finest_for_zoom(zoom).get() {
            for (nth, audience) in BOTH.into_iter().enumerate() {
                let tile = encode(&snapshot, &rules, &of_resolution(zoom, resolution, audience));
                for (cell, properties) in cells(&tile) {
                    seen[nth] += 1;
                    assert_eq!(cell.resolution().get(), resolution, "zoom {zoom}");
                    let told = ["visits", "people", "cases"].map(|key| figure(&properties, key));
                    let expected = match audience {
                        Audience::Official => {
                            let stats = snapshot.cell_stats(cell, window);
                            [stats.visits, stats.people, stats.cases].map(Some)
                        }
                        Audience::Public => {
                            let figure = snapshot.releases().public_cell(cell, snapshot.as_of(), window);
                            [figure.visits, figure.people, figure.cases]
                        }
                    };
                    assert_eq!(told, expected, "{cell} {audience:?}");
                }
            }
        }
    }
    assert!(seen[0] > 100 && seen[1] > 100, "{seen:?}");
}

#[test]
fn a_tile_of_the_finest_resolution_stays_bounded() {
    let mut most = 0;
    for (lng, lat) in [(105.84, 21.59), (106.7, 10.8), (100.0, 0.1)] {
        for zoom in 3..=16 {
            let coord = TileCoord::containing(LngLat::new(lng, lat).unwrap(), zoom).unwrap();
            let bbox = coord.bbox(0);
            let (lng, lat) = (
                f64::midpoint(bbox.min_lng, bbox.max_lng),
                f64::midpoint(bbox.min_lat, bbox.max_lat),
            );
            let middle = Cell::at(LngLat::new(lng, lat).unwrap(), finest_for_zoom(zoom));
            let disk = middle.grid_disk(100);
            let cells = disk.iter().filter(|cell| bbox.contains(cell.centre())).count();
            most = most.max(cells);
        }
    }
    assert!((6_000..9_000).contains(&most), "{most}");
}

#[test]
fn the_resolution_of_the_zoom_is_the_same_tile_as_none() {
    let rules = Rules::builtin();
    let snapshot = World::new(12).publish();
    let cache = TileCache::new(8 << 20);
    for zoom in [6, 12] {
        let own = of_resolution(zoom, resolution_for_zoom(zoom).get(), Audience::Official);
        let none = TileRequest {
            resolution: None,
            ..own
        };
        assert_eq!(own.other_resolution(), None);
        let body = cache.get_or_encode(&snapshot, &rules, &own);
        assert!(Arc::ptr_eq(
            &body,
            &cache.get(&snapshot, &rules, &none).expect("one entry")
        ));
    }
}

#[test]
fn a_live_tile_of_another_resolution_is_kept_while_its_parts_are_and_never_longer() {
    let rules = Rules::builtin();
    let asked: Vec<TileRequest> = [(3, 3), (9, 5), (9, 8), (12, 7), (14, 8), (16, 0)]
        .into_iter()
        .flat_map(|(zoom, resolution)| BOTH.map(|audience| of_resolution(zoom, resolution, audience)))
        .collect();
    let (mut kept, mut made) = (0, 0);
    for seed in 20..24 {
        let mut world = World::new(seed);
        let cache = TileCache::new(64 << 20);
        let mut before = BTreeMap::new();
        for _ in 0..12 {
            world.step();
            let snapshot = world.publish();
            cache.advance(&snapshot, &rules);
            for (nth, request) in asked.iter().enumerate() {
                let body = cache.get_or_encode(&snapshot, &rules, request);
                assert_eq!(
                    body.bytes(Coding::Identity),
                    encode(&snapshot, &rules, request),
                    "seed {seed} {request:?}"
                );
                match before.insert(nth, Arc::clone(&body)) {
                    Some(old) if Arc::ptr_eq(&old, &body) => kept += 1,
                    _ => made += 1,
                }
            }
        }
    }
    assert!(kept > 30 && made > 100, "{kept} {made}");
}

#[test]
fn a_tile_is_small_only_where_little_stands_in_it_and_nothing_has_to_be_worked_out_first() {
    let rules = Rules::builtin();
    let mut world = World::new(31);
    (0..60).for_each(|_| world.step());
    let snapshot = world.publish();
    let cache = TileCache::new(64 << 20);
    let small = |request: &TileRequest, coding| cache.is_small(&snapshot, request, coding);
    let of = |layers: &str, zoom, audience| TileRequest {
        layers: Layers::parse(layers).unwrap(),
        ..of_resolution(zoom, resolution_for_zoom(zoom).get(), audience)
    };
    let mut found = BTreeMap::new();
    for zoom in 0..=16 {
        for audience in BOTH {
            let request = of("cells,venues", zoom, audience);
            // Outlines that nobody asked for yet take longer than handing the tile on.
            let new = TileCache::new(1 << 20);
            assert!(!new.is_small(&snapshot, &request, Coding::Gzip), "{zoom}");
            let body = cache.get_or_encode(&snapshot, &rules, &request);
            let features: usize = decoded(&body.bytes(Coding::Identity))
                .layers
                .iter()
                .map(|layer| layer.features.len())
                .sum();
            let is_small = small(&request, Coding::Gzip);
            assert!(!is_small || features <= 1500, "{zoom}: {features}");
            assert!(is_small || !small(&request, Coding::Brotli));
            found.insert((zoom, audience == Audience::Public), is_small);

            // Of a year of releases a thousand cells would be added up.
            let year = TileRequest {
                window_hours: 365 * 24,
                ..request
            };
            assert_eq!(
                small(&year, Coding::Gzip),
                is_small && audience == Audience::Official
            );
            for layers in ["areas", "cells,zones"] {
                assert!(
                    !small(&of(layers, zoom, audience), Coding::Gzip),
                    "{layers} {zoom}"
                );
            }
        }
    }
    // Thousands of cells could stand in the first ones, some hundreds in the others.
    for (zoom, is_small) in [(1, false), (9, true), (12, true), (13, true), (16, true)] {
        assert_eq!(found[&(zoom, false)], is_small, "{zoom}");
    }
}
