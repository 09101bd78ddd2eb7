//! A heavy tile from scratch, with the plain use of the `mvt` crate and of `h3o` beside it.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use criterion::{BenchmarkGroup, Criterion, measurement::WallTime};
use geo::{LineString, MultiPolygon, Polygon};
use mvt::{GeomEncoder, GeomType, Tile};
use vungxanh::geo::{Cell, LngLat, Resolution, TileCoord, WorldPoint, WorldShape};
use vungxanh::index::{Ledger, Publisher, Release, ReleaseBody, ReleasedActivity, ReleasedCases, Snapshot};
use vungxanh::model::{
    Area, AreaCode, AreaIndicators, AreaLevel, Day, Direction, Timestamp, UtcOffset, Window,
};
use vungxanh::risk::{Audience, Rules};
use vungxanh::tiles::{
    AreaFeature, CellFeature, Coding, Drawn, Kept, LIVE_WINDOW_HOURS, LayerKind, Layers, TileBody,
    TileFeatures, TileFormat, TileRequest, encode_with,
};

const CELLS: usize = 5000;

pub fn group(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tiles");
    let (coord, cells) = heavy_cells();
    let features = TileFeatures {
        cells: cells.clone(),
        ..TileFeatures::default()
    };
    let kept = Kept::new(64 << 20);
    group.bench_function("cells 5000, yardstick: h3 boundaries through plain mvt", |b| {
        b.iter(|| black_box(plain(coord, &cells)));
    });
    group.bench_function("cells 5000, encode", |b| {
        b.iter(|| black_box(features.encode_with(&kept, coord, UtcOffset::VIETNAM)));
    });
    group.bench_function("cells 5000, encode with nothing kept", |b| {
        b.iter(|| black_box(features.encode(coord, UtcOffset::VIETNAM)));
    });
    for (name, format) in [
        ("MapLibre Tiles", TileFormat::Mlt),
        ("compact", TileFormat::Cells),
    ] {
        group.bench_function(format!("cells 5000, {name}"), |b| {
            b.iter(|| black_box(features.encode_as(format, &kept, coord, UtcOffset::VIETNAM)));
        });
    }
    let bytes = features.encode(coord, UtcOffset::VIETNAM);
    for coding in [Coding::Gzip, Coding::Zstd, Coding::Brotli] {
        group.bench_function(format!("cells 5000, tag and {}", coding.as_str()), |b| {
            b.iter(|| black_box(TileBody::new(bytes.clone()).bytes(coding)));
        });
    }
    snapshots(&mut group);

    let shapes: Vec<WorldShape> = (0..90).map(|seed| WorldShape::project(&blob(seed))).collect();
    let coord =
        TileCoord::containing(LngLat::new(105.84, 21.59).expect("on the globe"), 10).expect("zoom 10");
    group.bench_function("areas 90 of 2000 vertices, simplify", |b| {
        b.iter(|| {
            black_box(
                shapes
                    .iter()
                    .map(|shape| shape.simplified(10))
                    .collect::<Vec<_>>(),
            )
        });
    });
    let simple: Vec<WorldShape> = shapes.iter().map(|shape| shape.simplified(10)).collect();
    let areas = TileFeatures {
        areas: simple.iter().map(area).collect(),
        ..TileFeatures::default()
    };
    group.bench_function("areas 90 of 2000 vertices, cut and encode", |b| {
        b.iter(|| black_box(areas.encode(coord, UtcOffset::VIETNAM)));
    });
    pyramid(&mut group);
    group.finish();
}

/// The 34 provinces and the 92 communes of one of them (177,094 vertices), where the shared material is there: all the
/// tiles below one cut from whole outlines, as each was before, and from pieces; then one tile when its cuts are kept.
fn pyramid(group: &mut BenchmarkGroup<'_, WallTime>) {
    let Some(real) = real_areas() else {
        println!("real borders left out: no ../shared");
        return;
    };
    let at = LngLat::new(105.84, 21.59).expect("on the globe");
    let shapes: Vec<WorldShape> = real
        .iter()
        .map(|area| WorldShape::project(&area.geometry))
        .collect();
    let rules = Rules::builtin();
    let mut publisher = Publisher::new(UtcOffset::VIETNAM);
    publisher.put_areas(&real);
    let now = Timestamp::parse("2026-01-05T12:00:00+07:00").expect("an instant");
    let snapshot = publisher.publish(&mut Ledger::new(UtcOffset::VIETNAM), now);
    group.sample_size(10);
    for zoom in [6, 8, 10, 12, 14] {
        let simple: Vec<WorldShape> = shapes.iter().map(|shape| shape.simplified(zoom)).collect();
        let above = TileCoord::containing(at, zoom - 3).expect("a zoom");
        let below: Vec<TileCoord> = (0..3).fold(vec![above], |tiles, _step| {
            tiles.into_iter().flat_map(TileCoord::children).collect()
        });
        group.bench_function(
            format!("126 real areas, 64 tiles of zoom {zoom} cut from the whole"),
            |b| {
                b.iter(|| {
                    let shapes = simple.iter();
                    shapes
                        .flat_map(|shape| below.iter().map(|tile| black_box(shape.to_tile(*tile)).len()))
                        .sum::<usize>()
                });
            },
        );
        group.bench_function(
            format!("126 real areas, 64 tiles of zoom {zoom} cut from pieces"),
            |b| {
                b.iter(|| {
                    let shapes = simple.iter();
                    shapes
                        .flat_map(|shape| {
                            let piece = shape.piece(above);
                            below
                                .iter()
                                .map(move |tile| black_box(piece.to_tile(*tile)).len())
                        })
                        .sum::<usize>()
                });
            },
        );
        let request = TileRequest {
            format: TileFormat::Mvt,
            resolution: None,
            layers: Layers::one(LayerKind::Areas),
            coord: TileCoord::containing(at, zoom).expect("a zoom"),
            at: None,
            window_hours: LIVE_WINDOW_HOURS,
            audience: Audience::Official,
        };
        let kept = Kept::new(256 << 20);
        group.bench_function(
            format!("126 real areas, tile of zoom {zoom}, cuts kept, snapshot to bytes"),
            |b| {
                b.iter(|| black_box(encode_with(&kept, &snapshot, &rules, &request)));
            },
        );
        // The areas that the tile shows, and no others.
        let bytes = encode_with(&kept, &snapshot, &rules, &request);
        let holds = |code: &str| bytes.windows(code.len()).any(|text| text == code.as_bytes());
        let shown = (0..real.len()).filter(|nth| holds(&format!("Đơn vị {}.", real[*nth].code)));
        let features = TileFeatures {
            areas: shown.map(|nth| area(&simple[nth])).collect(),
            ..TileFeatures::default()
        };
        group.bench_function(
            format!("126 real areas, tile of zoom {zoom}, cut and encoded each time"),
            |b| {
                b.iter(|| black_box(features.encode_with(&kept, request.coord, UtcOffset::VIETNAM)));
            },
        );
    }
}

/// Provinces and communes of the shared material.
fn real_areas() -> Option<Vec<Area>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/boundaries/post-2025");
    let mut areas = Vec::new();
    for (file, level, parent) in [
        ("provinces34_2025.geojson.gz", AreaLevel::Province, None),
        (
            "thai_nguyen_wards_2025.geojson.gz",
            AreaLevel::Commune,
            Some("19"),
        ),
    ] {
        let mut text = String::new();
        let packed = std::fs::File::open(folder.join(file)).ok()?;
        flate2::read::MultiGzDecoder::new(packed)
            .read_to_string(&mut text)
            .ok()?;
        let collection: geojson::FeatureCollection =
            text.parse::<geojson::GeoJson>().ok()?.try_into().ok()?;
        for feature in collection.features {
            let code = feature.property("code")?.as_str()?.to_owned();
            let geometry: geo::Geometry<f64> = feature.geometry?.try_into().ok()?;
            areas.push(Area {
                code: AreaCode::new(&code).ok()?,
                level,
                parent: parent.and_then(|code| AreaCode::new(code).ok()),
                name: format!("Đơn vị {code}."),
                population: Some(100_000),
                valid_from: None,
                valid_to: None,
                geometry: match geometry {
                    geo::Geometry::Polygon(one) => MultiPolygon(vec![one]),
                    geo::Geometry::MultiPolygon(many) => many,
                    _ => return None,
                },
                approximate: false,
                indicators: AreaIndicators::default(),
            });
        }
    }
    Some(areas)
}

/// The heaviest tile of a made-up province, from a snapshot to compressed bytes, on one thread: the public's (released
/// figures of seven days and a week) and an official's (window sums), beside the plain way for the same cells.
fn snapshots(group: &mut BenchmarkGroup<'_, WallTime>) {
    let rules = Rules::builtin();
    let (snapshot, coord) = province();
    for audience in [Audience::Public, Audience::Official] {
        let request = TileRequest {
            layers: Layers::one(LayerKind::Cells),
            format: TileFormat::Mvt,
            coord,
            resolution: None,
            at: None,
            window_hours: LIVE_WINDOW_HOURS,
            audience,
        };
        let kept = Kept::new(64 << 20);
        let count = encode_with(&kept, &snapshot, &rules, &request)
            .windows(4)
            .filter(|bytes| bytes == b"\x22\x11\x0a\x0f")
            .count();
        group.bench_function(
            format!("{audience:?} tile of {count} cells, snapshot to bytes"),
            |b| b.iter(|| black_box(encode_with(&kept, &snapshot, &rules, &request))),
        );
        group.bench_function(
            format!("{audience:?} tile of {count} cells, snapshot to gzip"),
            |b| {
                b.iter(|| {
                    black_box(
                        TileBody::new(encode_with(&kept, &snapshot, &rules, &request)).bytes(Coding::Gzip),
                    )
                });
            },
        );
    }
}

/// Some 20,000 cells of resolution 9 with two weeks of hours, all released; and a zoom 12 tile full of them.
fn province() -> (Arc<Snapshot>, TileCoord) {
    let now = Timestamp::parse("2021-05-14T12:00:00+07:00").expect("an instant");
    let offset = UtcOffset::VIETNAM;
    let middle = LngLat::new(105.84, 21.59).expect("on the globe");
    let cells = Cell::at(middle, Resolution::new(9).expect("nine")).grid_disk(80);
    let mut ledger = Ledger::new(offset);
    let today = Day::of(now, offset);
    let mut publisher = Publisher::new(offset);
    for (nth, cell) in cells.iter().enumerate() {
        for day in 0..14 {
            let hour = now.plus_s(-86_400 * day - 3600 * (nth as i64 % 9)).hour();
            ledger.fold_visit(0, *cell, hour, Direction::In, 1 + (nth % 7) as u16, None);
        }
    }
    let every: BTreeSet<Cell> = cells
        .iter()
        .flat_map(|cell| (3..=9).filter_map(|r| cell.parent(Resolution::new(r)?)))
        .collect();
    for back in 1..=8 {
        let shown = |(nth, cell): (usize, &Cell)| {
            let people = 20 + 10 * (nth as u32 * 7 % 40);
            (
                *cell,
                ReleasedActivity::Shown {
                    visits: people * 2,
                    people,
                },
            )
        };
        publisher.put_release(&Release {
            bucket: Day(today.0 - back).window(offset),
            seq: 1,
            made_at: now,
            body: ReleaseBody::Activity(every.iter().enumerate().map(shown).collect()),
        });
    }
    let monday = today.monday();
    let cases = |(nth, cell): (usize, &Cell)| {
        let level = (nth % 4) as u8 + 1;
        (
            *cell,
            ReleasedCases::Shown {
                cases: (nth % 3) as u32 * 12,
                level,
            },
        )
    };
    publisher.put_release(&Release {
        bucket: Window {
            from: Day(monday.0 - 7).first_hour(offset),
            to: monday.first_hour(offset),
        },
        seq: 1,
        made_at: now,
        body: ReleaseBody::Cases(every.iter().enumerate().map(cases).collect()),
    });
    let tile = TileCoord::containing(middle, 10).expect("zoom 10");
    // Resolution 7 there; the heaviest tiles are those of the first zoom with a resolution.
    let heavy = tile
        .children()
        .flat_map(TileCoord::children)
        .nth(5)
        .unwrap_or(tile);
    (publisher.publish(&mut ledger, now), heavy)
}

/// 5,000 cells of resolution 10 inside one tile of zoom 12, four whole numbers each.
fn heavy_cells() -> (TileCoord, Vec<CellFeature>) {
    let middle = LngLat::new(105.84, 21.59).expect("on the globe");
    let coord = TileCoord::containing(middle, 11).expect("zoom 11");
    let centre = Cell::at(centre_of(coord), Resolution::new(10).expect("ten"));
    let mut cells = centre.grid_disk(41);
    cells.truncate(CELLS);
    cells.sort_unstable();
    let features = cells.into_iter().enumerate().map(|(i, cell)| CellFeature {
        cell,
        level: (i % 5) as u8,
        visits: Some((i * 7919 % 3000) as u32),
        people: Some((i * 104_729 % 900) as u32),
        cases: Some((i % 13) as u32),
        rate: None,
        suppressed: false,
        from_parent: None,
        from_area: None,
    });
    (coord, features.collect())
}

fn centre_of(coord: TileCoord) -> LngLat {
    let side = f64::from(1_u32 << coord.z());
    WorldPoint {
        x: (f64::from(coord.x()) + 0.5) / side,
        y: (f64::from(coord.y()) + 0.5) / side,
    }
    .unproject()
}

/// What a first version without a geometry pipeline would do.
fn plain(coord: TileCoord, cells: &[CellFeature]) -> Vec<u8> {
    let mut tile = Tile::new(4096);
    let mut layer = tile.create_layer("cells");
    for cell in cells {
        let mut encoder = GeomEncoder::<f64>::new(GeomType::Polygon);
        for corner in cell.cell.boundary().into_iter().rev() {
            let (x, y) = coord.to_units(WorldPoint::project(corner));
            encoder.add_point(x, y).expect("finite");
        }
        let geometry = encoder.complete().and_then(GeomEncoder::encode).expect("a ring");
        let mut feature = layer.into_feature(geometry);
        feature.add_tag_string("h3", &cell.cell.to_string());
        feature.add_tag_uint("level", cell.level.into());
        for (key, value) in [
            ("visits", cell.visits),
            ("people", cell.people),
            ("cases", cell.cases),
        ] {
            feature.add_tag_uint(key, value.unwrap_or(0).into());
        }
        layer = feature.into_layer();
    }
    tile.add_layer(layer).expect("a new name");
    tile.to_bytes().expect("into memory")
}

fn area(shape: &WorldShape) -> AreaFeature<'_> {
    AreaFeature {
        code: "05440",
        name: "Phường Phan Đình Phùng",
        tier: AreaLevel::Commune,
        level: 2,
        rate: None,
        cases: None,
        approximate: false,
        shape: Drawn::Whole(shape),
        label: None,
    }
}

/// A jagged outline near Thái Nguyên.
fn blob(seed: u64) -> MultiPolygon<f64> {
    let mut state = seed;
    let mut random = move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let (lng, lat) = (105.7 + 0.3 * random(), 21.45 + 0.3 * random());
    let ring: LineString<f64> = (0..2000)
        .map(|i| {
            let angle = f64::from(i) / 2000.0 * std::f64::consts::TAU;
            let radius = 0.04 * (1.0 + 0.3 * (angle * 5.0).sin() + 0.02 * random());
            (lng + radius * angle.cos(), lat + radius * angle.sin())
        })
        .collect();
    MultiPolygon(vec![Polygon::new(ring, vec![])])
}
