//! The way of a shape into a tile, read back by a decoder that is not ours.

use std::collections::BTreeMap;

use fast_mvt::{MvtReaderRef, MvtValue};
use geo::{Area as _, Coord, LineString, MultiPolygon, Polygon, Validation as _};
use vungxanh::geo::{BUFFER, Cell, EXTENT, LngLat, Resolution, TileCoord, WorldShape};
use vungxanh::model::{AreaLevel, UtcOffset};
use vungxanh::tiles::{AreaFeature, CellFeature, Drawn, LayerKind, Layers, STYLE_NAMES, TileFeatures, style};

use crate::support::shared;

fn area_feature<'a>(code: &'a str, shape: &'a WorldShape) -> AreaFeature<'a> {
    AreaFeature {
        code,
        name: "Phường Tích Lương",
        tier: AreaLevel::Commune,
        level: 1,
        rate: None,
        cases: None,
        approximate: false,
        shape: Drawn::Whole(shape),
        label: shape.label_point(),
    }
}

/// Every tile of a zoom that a box touches.
fn tiles_over(west: f64, south: f64, east: f64, north: f64, zoom: u8) -> Vec<TileCoord> {
    let corner = |lng, lat| TileCoord::containing(LngLat::new(lng, lat).unwrap(), zoom).unwrap();
    let (from, to) = (corner(west, north), corner(east, south));
    (from.y()..=to.y())
        .flat_map(|y| (from.x()..=to.x()).map(move |x| TileCoord::new(zoom, x, y).unwrap()))
        .collect()
}

fn bounds(shape: &MultiPolygon<f64>) -> (f64, f64, f64, f64) {
    use geo::BoundingRect as _;
    let rect = shape.bounding_rect().unwrap();
    (rect.min().x, rect.min().y, rect.max().x, rect.max().y)
}

/// Decodes strictly: fast-mvt for structure, our own reading of the commands for the rules it does not check
/// (no closing vertex, no repeated vertex, every ring with an area, exterior first, all inside the buffer),
/// and `geo`'s validation for crossings. Returns the area without the buffer, by code, in square units.
fn checked_areas(tile: &[u8]) -> BTreeMap<String, f64> {
    let reader = MvtReaderRef::new(tile).unwrap();
    let mut areas = BTreeMap::new();
    for layer in reader
        .layers()
        .filter(|layer| layer.name() == "areas" || layer.name() == "cells")
    {
        assert_eq!((layer.version(), layer.extent()), (2, 4096));
        for feature in layer.features() {
            let rings = rings_of(feature.geometry_commands());
            assert!(ring_area(&rings[0]) > 0, "the first ring is an exterior");
            for ring in &rings {
                assert!(ring.len() >= 3 && ring_area(ring) != 0, "{ring:?}");
                for (i, point) in ring.iter().enumerate() {
                    assert_ne!(*point, ring[(i + 1) % ring.len()], "a repeated vertex");
                    let inside = -BUFFER..=EXTENT + BUFFER;
                    assert!(inside.contains(&point.0) && inside.contains(&point.1));
                }
            }
            let polygons = match feature.geometry().unwrap() {
                geo::Geometry::Polygon(one) => MultiPolygon(vec![one]),
                geo::Geometry::MultiPolygon(many) => many,
                other => panic!("{other:?}"),
            };
            let line = |ring: &LineString<i32>| {
                LineString::from_iter(ring.coords().map(|c| Coord {
                    x: f64::from(c.x),
                    y: f64::from(c.y),
                }))
            };
            let polygons = MultiPolygon(
                polygons
                    .iter()
                    .map(|p| Polygon::new(line(p.exterior()), p.interiors().iter().map(line).collect()))
                    .collect(),
            );
            if let Err(error) = polygons.check_validation() {
                panic!("{error}");
            }
            let code = feature.properties().map(Result::unwrap).find_map(|(key, value)| {
                match (key, value.into_owned()) {
                    ("code" | "h3", MvtValue::String(code)) => Some(code),
                    _ => None,
                }
            });
            *areas.entry(code.unwrap()).or_insert(0.0) += inner_area(&polygons);
        }
    }
    areas
}

fn rings_of(commands: &[u32]) -> Vec<Vec<(i32, i32)>> {
    let (mut rings, mut ring, mut at, mut i) = (Vec::new(), Vec::new(), (0, 0), 0);
    while i < commands.len() {
        let (command, count) = (commands[i] & 7, commands[i] >> 3);
        i += 1;
        if command == 7 {
            assert_eq!(count, 1);
            rings.push(std::mem::take(&mut ring));
            continue;
        }
        assert!(if command == 1 {
            ring.is_empty() && count == 1
        } else {
            command == 2 && count >= 2
        });
        for _ in 0..count {
            let unzigzag = |v: u32| ((v >> 1) as i32) ^ -((v & 1) as i32);
            at = (at.0 + unzigzag(commands[i]), at.1 + unzigzag(commands[i + 1]));
            ring.push(at);
            i += 2;
        }
    }
    assert!(ring.is_empty(), "a ring without ClosePath");
    rings
}

fn ring_area(ring: &[(i32, i32)]) -> i64 {
    (0..ring.len())
        .map(|i| {
            let (a, b) = (ring[i], ring[(i + 1) % ring.len()]);
            i64::from(a.0) * i64::from(b.1) - i64::from(b.0) * i64::from(a.1)
        })
        .sum()
}

fn inner_area(polygons: &MultiPolygon<f64>) -> f64 {
    use geo::BooleanOps as _;
    let side = f64::from(EXTENT);
    let tile = geo::Rect::new((0.0, 0.0), (side, side)).to_polygon();
    polygons.intersection(&MultiPolygon(vec![tile])).unsigned_area()
}

/// Encodes every tile of the zoom over the shape; how much of its area is there.
fn area_kept(geometry: &MultiPolygon<f64>, zoom: u8) -> f64 {
    let shape = WorldShape::project(geometry);
    let simple = shape.simplified(zoom);
    let (west, south, east, north) = bounds(geometry);
    let mut total = 0.0;
    for coord in tiles_over(west, south, east, north, zoom) {
        let features = TileFeatures {
            areas: vec![area_feature("x", &simple)],
            ..TileFeatures::default()
        };
        let tile = features.encode(coord, UtcOffset::VIETNAM);
        total += checked_areas(&tile).values().sum::<f64>();
    }
    total / shape.area_units_2(zoom)
}

/// A jagged blob with holes, deterministic by seed.
fn blob(seed: u64, lng: f64, lat: f64, radius: f64, vertices: u32) -> MultiPolygon<f64> {
    let mut state = seed;
    let mut random = move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut ring = |radius: f64, cx: f64, cy: f64, vertices: u32| {
        LineString::from_iter((0..vertices).map(|i| {
            let angle = f64::from(i) / f64::from(vertices) * std::f64::consts::TAU;
            let r = radius * (0.6 + 0.4 * random());
            (cx + r * angle.cos(), cy + r * angle.sin())
        }))
    };
    let exterior = ring(radius, lng, lat, vertices);
    let holes =
        [-0.3, 0.0, 0.3].map(|shift| ring(radius * 0.12, lng + shift * radius, lat + 0.1 * radius, 40));
    MultiPolygon(vec![Polygon::new(exterior, holes.to_vec())])
}

#[test]
fn jagged_shapes_with_holes_keep_their_area_at_every_zoom() {
    for seed in 1..=4 {
        let shape = blob(seed, 105.8, 21.6, 0.15, 400);
        for zoom in [9, 10, 12, 13] {
            let kept = area_kept(&shape, zoom);
            assert!((kept - 1.0).abs() < 0.005, "seed {seed}, zoom {zoom}: {kept}");
        }
    }
}

#[test]
fn a_shape_across_the_antimeridian_is_whole_in_the_tiles_of_both_sides() {
    let ring = vec![(179.8, -17.0), (-179.7, -17.0), (-179.7, -16.6), (179.8, -16.6)];
    let geometry = MultiPolygon(vec![Polygon::new(LineString::from(ring), vec![])]);
    let shape = WorldShape::project(&geometry);
    let mut total = 0.0;
    for (west, east) in [(179.5, 179.999), (-179.999, -179.5)] {
        for coord in tiles_over(west, -17.0, east, -16.6, 10) {
            let features = TileFeatures {
                areas: vec![area_feature("fiji", &shape)],
                ..TileFeatures::default()
            };
            total += checked_areas(&features.encode(coord, UtcOffset::UTC))
                .values()
                .sum::<f64>();
        }
    }
    let kept = total / shape.area_units_2(10);
    assert!((kept - 1.0).abs() < 0.002, "{kept}");
}

#[test]
fn cells_tile_the_plane_at_every_zoom() {
    let centre = LngLat::new(105.84, 21.59).unwrap();
    for zoom in 2..=16 {
        let resolution = vungxanh::geo::resolution_for_zoom(zoom);
        let coord = TileCoord::containing(centre, zoom).unwrap();
        let cells: Vec<CellFeature> = Cell::at(centre, resolution)
            .grid_disk(if zoom > 12 { 12 } else { 60 })
            .into_iter()
            .map(|cell| CellFeature {
                cell,
                level: 1,
                visits: Some(30),
                people: None,
                cases: Some(0),
                rate: None,
                suppressed: false,
                from_parent: None,
                from_area: None,
            })
            .collect();
        let features = TileFeatures {
            cells,
            ..TileFeatures::default()
        };
        let tile = features.encode(coord, UtcOffset::VIETNAM);
        let covered: f64 = checked_areas(&tile).values().sum();
        let whole = f64::from(EXTENT).powi(2);
        // The disk is wide enough to cover the tile: neither gaps nor overlaps beyond rounding.
        if zoom >= 4 {
            assert!(
                (covered / whole - 1.0).abs() < 0.005,
                "zoom {zoom}: {}",
                covered / whole
            );
        }
    }
}

#[test]
fn cells_at_the_poles_and_the_antimeridian_are_clean() {
    for (lng, lat) in [
        (0.0, 90.0),
        (0.0, -90.0),
        (180.0, 0.0),
        (180.0, 70.0),
        (-179.99, -65.0),
    ] {
        for resolution in 0..=5 {
            let at = LngLat::new(lng, lat).unwrap();
            for cell in Cell::at(at, Resolution::new(resolution).unwrap()).grid_disk(1) {
                for zoom in 0..=4 {
                    for west in [true, false] {
                        let x = if west { 0 } else { (1 << zoom) - 1 };
                        let y = TileCoord::containing(at, zoom).unwrap().y();
                        let features = TileFeatures {
                            cells: vec![CellFeature {
                                cell,
                                level: 0,
                                visits: None,
                                people: None,
                                cases: None,
                                rate: None,
                                suppressed: false,
                                from_parent: None,
                                from_area: None,
                            }],
                            ..TileFeatures::default()
                        };
                        let tile = features.encode(TileCoord::new(zoom, x, y).unwrap(), UtcOffset::UTC);
                        checked_areas(&tile);
                    }
                }
            }
        }
    }
}

/// Features of a gzipped GeoJSON file of the shared material.
fn boundaries(file: &str) -> Option<Vec<MultiPolygon<f64>>> {
    let path = shared()?.join("data/boundaries/post-2025").join(file);
    let mut text = String::new();
    std::io::Read::read_to_string(
        &mut flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()),
        &mut text,
    )
    .unwrap();
    let collection: geojson::FeatureCollection =
        text.parse::<geojson::GeoJson>().unwrap().try_into().unwrap();
    let shapes = collection.features.into_iter().map(|feature| {
        let geometry: geo::Geometry<f64> = feature.geometry.unwrap().try_into().unwrap();
        match geometry {
            geo::Geometry::Polygon(one) => MultiPolygon(vec![one]),
            geo::Geometry::MultiPolygon(many) => many,
            other => panic!("{other:?}"),
        }
    });
    Some(shapes.collect())
}

#[test]
fn real_communes_keep_their_area_at_zoom_12_and_stay_valid_from_5_to_14() {
    let Some(communes) = boundaries("thai_nguyen_wards_2025.geojson.gz") else {
        return;
    };
    assert_eq!(communes.len(), 92);
    let shapes: Vec<WorldShape> = communes.iter().map(WorldShape::project).collect();
    let codes: Vec<String> = (0..shapes.len()).map(|i| format!("{i:02}")).collect();
    let all = communes
        .iter()
        .map(bounds)
        .reduce(|a, b| (a.0.min(b.0), a.1.min(b.1), a.2.max(b.2), a.3.max(b.3)));
    let (west, south, east, north) = all.unwrap();
    for zoom in [5, 8, 10, 12, 14] {
        let simple: Vec<WorldShape> = shapes.iter().map(|shape| shape.simplified(zoom)).collect();
        let mut kept: BTreeMap<String, f64> = BTreeMap::new();
        let mut coords = tiles_over(west, south, east, north, zoom);
        if zoom == 14 {
            // Of the deepest zoom only every 31st tile: the whole takes a minute unoptimised.
            coords = coords.into_iter().step_by(31).collect();
        }
        for coord in coords {
            let areas = codes
                .iter()
                .zip(&simple)
                .map(|(code, shape)| area_feature(code, shape))
                .collect();
            let features = TileFeatures {
                areas,
                ..TileFeatures::default()
            };
            for (code, area) in checked_areas(&features.encode(coord, UtcOffset::VIETNAM)) {
                *kept.entry(code).or_default() += area;
            }
        }
        if zoom == 12 {
            for (code, shape) in codes.iter().zip(&shapes) {
                let part = kept[code] / shape.area_units_2(zoom);
                assert!((part - 1.0).abs() < 0.005, "commune {code}: {part}");
            }
        }
    }
}

#[test]
fn real_borders_cut_from_pieces_are_those_cut_from_the_whole() {
    let (Some(communes), Some(provinces)) = (
        boundaries("thai_nguyen_wards_2025.geojson.gz"),
        boundaries("provinces34_2025.geojson.gz"),
    ) else {
        return;
    };
    let shapes: Vec<WorldShape> = communes
        .iter()
        .step_by(9)
        .chain(provinces.iter().step_by(5))
        .map(WorldShape::project)
        .collect();
    for zoom in 5..=14 {
        let tiles: Vec<TileCoord> = tiles_over(105.3, 21.3, 106.3, 22.2, zoom).into_iter().collect();
        let step = (tiles.len() / 60).max(1);
        for shape in &shapes {
            let simple = shape.simplified(zoom);
            for tile in tiles.iter().step_by(step) {
                let above = |below: TileCoord| (0..3).try_fold(below, |one, _step| one.parent());
                let near = above(*tile).unwrap();
                let far = above(near).map_or_else(|| simple.piece(near), |far| simple.piece(far).piece(near));
                assert_eq!(far.to_tile(*tile), simple.to_tile(*tile), "{tile}");
            }
        }
    }
}

#[test]
fn real_provinces_with_hundreds_of_islands_stay_valid_at_low_zooms() {
    let Some(provinces) = boundaries("provinces34_2025.geojson.gz") else {
        return;
    };
    let shapes: Vec<WorldShape> = provinces.iter().map(WorldShape::project).collect();
    for zoom in [0, 4, 6] {
        let simple: Vec<WorldShape> = shapes.iter().map(|shape| shape.simplified(zoom)).collect();
        for coord in tiles_over(102.0, 8.0, 117.5, 23.5, zoom) {
            let areas = simple.iter().map(|shape| area_feature("x", shape)).collect();
            let features = TileFeatures {
                areas,
                ..TileFeatures::default()
            };
            checked_areas(&features.encode(coord, UtcOffset::VIETNAM));
        }
    }
}

#[test]
fn styles_name_only_layers_and_properties_that_the_tiles_have() {
    use vungxanh::geo::BBox;
    use vungxanh::model::Timestamp;
    use vungxanh::tiles::{TileJson, TileJsonFacts};
    let facts = TileJsonFacts {
        bounds: BBox::WORLD,
        reach: BBox::WORLD,
        as_of: Timestamp(1_620_349_200),
        first: Timestamp(1_618_500_000),
        offset: UtcOffset::VIETNAM,
        generation: 1,
    };
    let described = TileJson::new(Layers::all(), "https://map.example", &facts);
    for name in STYLE_NAMES {
        let text = style(name, "https://map.example/").unwrap();
        assert!(!text.contains("{base}"));
        let style: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(style["version"], 8);
        assert!(style.get("glyphs").is_none() && style.get("sprite").is_none());
        assert_eq!(text.matches("://").count(), 1, "one address: our own tiles");
        let promoted = &style["sources"]["vungxanh"]["promoteId"];
        for layer in &described.vector_layers {
            assert!(layer.fields.contains_key(promoted[layer.id].as_str().unwrap()));
        }
        for layer in style["layers"].as_array().unwrap() {
            let Some(source) = layer["source-layer"].as_str() else {
                continue;
            };
            let known = described.vector_layers.iter().find(|one| one.id == source);
            let fields = &known.unwrap_or_else(|| panic!("{source}")).fields;
            each_property(layer, &mut |property| {
                assert!(fields.contains_key(property), "{}: {property}", layer["id"]);
            });
        }
    }
    assert!(style("satellite", "https://map.example").is_none());
}

fn each_property(value: &serde_json::Value, check: &mut dyn FnMut(&str)) {
    match value {
        serde_json::Value::Array(items) => {
            if let [op, property] = &items[..]
                && (op == "get" || op == "has")
            {
                check(property.as_str().unwrap());
            }
            items.iter().for_each(|item| each_property(item, check));
        }
        serde_json::Value::Object(fields) => fields.values().for_each(|item| each_property(item, check)),
        _ => {}
    }
}

#[test]
fn the_venues_layer_begins_where_its_description_says() {
    assert_eq!(LayerKind::Venues.min_zoom(), 7);
}
