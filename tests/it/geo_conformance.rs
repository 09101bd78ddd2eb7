//! H3's own vectors, the MVT fixtures and the `TileJSON` schema, from the shared material.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use fast_mvt::MvtReaderRef;
use vungxanh::geo::{BBox, Cell, LngLat};
use vungxanh::model::{Timestamp, UtcOffset};
use vungxanh::tiles::{LayerKind, Layers, TileJson, TileJsonFacts};

use crate::support::shared;

/// Lines `cell lat lng` of every file of points, and whether they are the cells' centres
/// (those of the random cells are some points inside).
fn points(folder: &Path) -> Vec<(Cell, f64, f64, bool)> {
    let mut rows = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with("centers.txt") && !name.ends_with("ic.txt") {
            continue;
        }
        for line in fs::read_to_string(&path).unwrap().lines() {
            let fields: Vec<&str> = line.split_whitespace().collect();
            if let [cell, lat, lng] = fields[..] {
                let (lat, lng) = (lat.parse().unwrap(), lng.parse().unwrap());
                rows.push((cell.parse().unwrap(), lat, lng, !name.starts_with("rand")));
            }
        }
    }
    rows
}

fn wrapped(lng: f64) -> f64 {
    (lng + 180.0).rem_euclid(360.0) - 180.0
}

#[test]
fn h3_points_find_their_cells_and_cells_their_centres() {
    let Some(shared) = shared() else { return };
    let rows = points(&shared.join("data/conformance/h3/inputfiles"));
    assert!(rows.len() >= 21_874, "{}", rows.len());
    for (cell, lat, lng, central) in rows {
        if central {
            let centre = cell.centre();
            let off = wrapped(centre.lng() - lng) * lat.to_radians().cos();
            assert!((centre.lat() - lat).abs() < 2e-6 && off.abs() < 2e-6, "{cell}");
        }
        let at = LngLat::new(wrapped(lng), lat).unwrap();
        assert_eq!(Cell::at(at, cell.resolution()), cell);
        assert_eq!(cell.to_string().parse::<Cell>().unwrap(), cell);
    }
}

#[test]
fn h3_boundaries_agree_vertex_by_vertex() {
    let Some(shared) = shared() else { return };
    let mut cells = 0;
    for entry in fs::read_dir(shared.join("data/conformance/h3/inputfiles")).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().ends_with("cells.txt") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for block in text.split('}').filter(|block| block.contains('{')) {
            let (id, vertices) = block.split_once('{').unwrap();
            let cell: Cell = id.trim().parse().unwrap();
            let boundary = cell.boundary();
            let expected: Vec<(f64, f64)> = vertices
                .lines()
                .filter_map(|line| line.trim().split_once(' '))
                .map(|(lat, lng)| (lat.trim().parse().unwrap(), lng.trim().parse().unwrap()))
                .collect();
            assert_eq!(boundary.len(), expected.len(), "{cell}");
            for (ours, (lat, lng)) in boundary.iter().zip(&expected) {
                let off = wrapped(ours.lng() - lng) * lat.to_radians().cos();
                assert!(
                    (ours.lat() - lat).abs() < 2e-6 && off.abs() < 2e-6,
                    "{cell}: {ours} {lat} {lng}"
                );
            }
            cells += 1;
        }
    }
    assert!(cells >= 16_874, "{cells}");
}

#[test]
fn the_decoder_we_test_with_knows_good_fixtures_from_bad() {
    let Some(shared) = shared() else { return };
    let folder = shared.join("data/conformance/mvt-fixtures");
    let (mut valid, mut refused) = (0, 0);
    for entry in fs::read_dir(folder.join("fixtures")).unwrap() {
        let path = entry.unwrap().path();
        let info: serde_json::Value =
            serde_json::from_slice(&fs::read(path.join("info.json")).unwrap()).unwrap();
        // One case is written with another schema and needs it to be read.
        if info["proto"] != "2.1" {
            continue;
        }
        let Ok(tile) = fs::read(path.join("tile.mvt")) else {
            continue;
        };
        let decoded = MvtReaderRef::new(&tile).and_then(|reader| reader.to_tile());
        if info["validity"]["v2"] == true {
            // Unknown geometry types may be refused, and a count that promises gigabytes should be.
            let words = info["description"].as_str().unwrap().to_lowercase();
            let refusable = words.contains("unknown") || words.contains("gigantic");
            assert!(
                decoded.is_ok() || refusable,
                "{}: {:?}",
                path.display(),
                decoded.err()
            );
            valid += 1;
        } else if decoded.is_err() {
            refused += 1;
        }
    }
    assert!(valid >= 40, "{valid}");
    assert!(
        refused >= 8,
        "a decoder that takes everything proves nothing about ours: {refused}"
    );
    for city in ["bangkok", "uruguay", "sanfrancisco", "compressed"] {
        for entry in fs::read_dir(folder.join("real-world").join(city)).unwrap() {
            let path = entry.unwrap().path();
            let mut tile = fs::read(&path).unwrap();
            if tile.starts_with(&[0x1f, 0x8b]) {
                let mut plain = Vec::new();
                flate2::read::GzDecoder::new(&tile[..])
                    .read_to_end(&mut plain)
                    .unwrap();
                tile = plain;
            }
            let decoded = MvtReaderRef::new(&tile).and_then(|reader| reader.to_tile());
            assert!(decoded.is_ok(), "{}", path.display());
        }
    }
}

/// As much of JSON Schema as the `TileJSON` schema uses.
fn conforms(value: &serde_json::Value, schema: &serde_json::Value, at: &str) {
    let has_type = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("number") => value.is_number(),
        Some("integer") => value.is_i64() || value.is_u64(),
        other => other.is_none(),
    };
    assert!(has_type, "{at}: {value} is no {}", schema["type"]);
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(
            value.get(name.as_str().unwrap()).is_some(),
            "{at}: {name} is missing"
        );
    }
    if let Some(number) = value.as_f64() {
        assert!(number >= schema["minimum"].as_f64().unwrap_or(f64::MIN), "{at}");
        assert!(number <= schema["maximum"].as_f64().unwrap_or(f64::MAX), "{at}");
    }
    if schema["pattern"].is_string() {
        // The only pattern there: a semantic version.
        let parts: Vec<&str> = value.as_str().unwrap().split('.').collect();
        assert!(
            parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok()),
            "{at}"
        );
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        conforms(item, &schema["items"], &format!("{at}[{index}]"));
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        let place = format!("{at}.{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (serde_json::Value::Null, serde_json::Value::Object(_)) => {
                conforms(field, &schema["additionalProperties"], &place);
            }
            (serde_json::Value::Null, _) => assert!(place.starts_with("$.vungxanh:"), "{place} is not ours"),
            (known, _) => conforms(field, known, &place),
        }
    }
}

#[test]
fn our_tile_json_fits_the_schema_of_its_specification() {
    let Some(shared) = shared() else { return };
    let path = shared.join("data/conformance/tilejson-spec/3.0.0/schema.json");
    let schema: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let bounds = BBox {
        min_lng: 105.4,
        min_lat: 21.3,
        max_lng: 106.3,
        max_lat: 22.1,
    };
    let facts = TileJsonFacts {
        bounds,
        reach: bounds,
        as_of: Timestamp(1_620_349_200),
        first: Timestamp(1_618_500_000),
        offset: UtcOffset::VIETNAM,
        generation: 3,
    };
    let sets = LayerKind::ALL.into_iter().map(Layers::one).chain([Layers::all()]);
    for layers in sets {
        let document = TileJson::new(layers, "https://map.example", &facts);
        let json = serde_json::to_value(&document).unwrap();
        conforms(&json, &schema, "$");
        assert_eq!(json["tilejson"], "3.0.0");
        assert!(json["minzoom"].as_u64() <= json["maxzoom"].as_u64());
        let address = json["tiles"][0].as_str().unwrap();
        assert!(address.starts_with("https://") && address.ends_with("/{z}/{x}/{y}"));
        let bounds: Vec<f64> = json["bounds"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_f64().unwrap())
            .collect();
        assert!(bounds[0] < bounds[2] && bounds[1] < bounds[3]);
    }
}
