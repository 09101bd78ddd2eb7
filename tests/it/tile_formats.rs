//! Tiles in other formats than MVT say the same: compact cells by a reader written from their description, beside MVT
//! read by a decoder that is not ours.

use std::collections::BTreeMap;
use std::sync::Arc;

use fast_mvt::{MvtReaderRef, MvtValue};
use proptest::prelude::*;
use vungxanh::geo::{Cell, LngLat, MAX_ZOOM, Resolution, TileCoord, WorldPoint, resolution_for_zoom};
use vungxanh::model::{AreaCode, AreaLevel, UtcOffset, VenueKind};
use vungxanh::tiles::{AreaFeature, CellFeature, Coding, Kept, TileFeatures, TileFormat, VenueFeature};

use crate::fixtures::square;

const OFFSET: UtcOffset = UtcOffset::VIETNAM;

#[derive(Clone, Debug, PartialEq)]
enum Said {
    Number(f64),
    Truth(bool),
    Text(String),
}

/// Each cell with its properties.
type Cells = BTreeMap<String, BTreeMap<String, Said>>;

fn compact(features: &TileFeatures, coord: TileCoord) -> Vec<u8> {
    features.encode_as(TileFormat::Cells, &Kept::new(1 << 20), coord, OFFSET)
}

/// Compact cells, read by the description of the format.
fn read_compact(bytes: &[u8]) -> Result<Cells, String> {
    if bytes.is_empty() {
        return Ok(Cells::new());
    }
    let mut reader = Reader(bytes.strip_prefix(b"VXC1").ok_or("not the magic")?);
    let resolution = reader.varint()?;
    if resolution > 15 {
        return Err(format!("resolution {resolution}"));
    }
    let unused = 3 * (15 - resolution);
    let mut positions: Vec<u64> = Vec::new();
    for _ in 0..reader.varint()? {
        let step = reader.varint()?;
        let before = positions.last().copied();
        if before.is_some() && step == 0 {
            return Err("a cell twice".to_owned());
        }
        positions.push(before.unwrap_or(0) + step);
    }
    let ids: Vec<u64> = positions
        .iter()
        .map(|position| 1 << 59 | resolution << 52 | position << unused | ((1 << unused) - 1))
        .collect();
    let mut cells: Vec<BTreeMap<String, Said>> = ids
        .iter()
        .map(|id| BTreeMap::from([("h3".to_owned(), Said::Text(format!("{id:x}")))]))
        .collect();
    for _ in 0..reader.varint()? {
        let key = reader.text()?;
        let kind = reader.take(1)?[0];
        let mut texts = Vec::new();
        if kind == 4 {
            for _ in 0..reader.varint()? {
                texts.push(reader.text()?);
            }
        }
        let mut said = false;
        for (id, cell) in ids.iter().zip(&mut cells) {
            let number = reader.varint()?;
            let value = match (kind, number) {
                (0..=4, 0) => continue,
                (0, _) => Said::Number((number - 1) as f64),
                (1, _) => Said::Number((number - 1) as f64 / 10.0),
                (2, 1) => Said::Truth(true),
                (3, _) => {
                    let digits = 3 * (15 - (number - 1));
                    let ancestor = (id & !(15 << 52)) | (number - 1) << 52 | ((1 << digits) - 1);
                    Said::Text(format!("{ancestor:x}"))
                }
                (4, _) => Said::Text(
                    texts
                        .get(number as usize - 1)
                        .ok_or("a text that is not there")?
                        .clone(),
                ),
                _ => return Err(format!("kind {kind} with {number}")),
            };
            said = true;
            cell.insert(key.clone(), value);
        }
        if !said {
            return Err(format!("`{key}` is said of no cell"));
        }
    }
    if !reader.0.is_empty() {
        return Err(format!("{} bytes left over", reader.0.len()));
    }
    let h3 = ids.iter().map(|id| format!("{id:x}"));
    Ok(h3.zip(cells).collect())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("bytes are missing")?;
        self.0 = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("a number without an end".to_owned())
    }

    fn text(&mut self) -> Result<String, String> {
        let length = self.varint()? as usize;
        String::from_utf8(self.take(length)?.to_vec()).map_err(|error| error.to_string())
    }
}

fn read_mvt(bytes: &[u8]) -> Cells {
    let tile = MvtReaderRef::new(bytes).unwrap().to_tile().unwrap();
    let features = tile.layers.into_iter().flat_map(|layer| layer.features);
    features
        .map(|feature| {
            let said: BTreeMap<String, Said> = feature
                .properties
                .into_iter()
                .map(|(key, value)| {
                    let value = match value {
                        MvtValue::String(text) => Said::Text(text),
                        MvtValue::Bool(truth) => Said::Truth(truth),
                        MvtValue::UInt(number) => Said::Number(number as f64),
                        MvtValue::Double(number) => Said::Number(number),
                        other => panic!("{other:?}"),
                    };
                    (key, value)
                })
                .collect();
            let Said::Text(h3) = &said["h3"] else {
                panic!("{said:?}")
            };
            (h3.clone(), said)
        })
        .collect()
}

fn area(code: &str) -> Arc<AreaCode> {
    Arc::new(AreaCode::new(code).unwrap())
}

/// Figures of all kinds, some of them missing.
fn figures(cell: Cell, seed: u64) -> CellFeature {
    let random = (cell.to_u64() ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let pick = |shift: u32, of: u64| (random >> shift) % of;
    let ancestor = Resolution::new(pick(3, u64::from(cell.resolution().get()) + 1) as u8);
    CellFeature {
        cell,
        level: pick(0, 5) as u8,
        visits: (pick(1, 3) > 0).then_some(pick(5, 1 << 20) as u32),
        people: (pick(2, 3) > 0).then_some(pick(7, 300) as u32),
        cases: (pick(3, 4) > 0).then_some(pick(9, 9) as u32),
        rate: (pick(4, 2) > 0).then_some(pick(11, 40_000) as f64 / 10.0),
        suppressed: pick(6, 5) == 0,
        from_parent: ancestor
            .filter(|_| pick(8, 4) == 0)
            .and_then(|above| cell.parent(above)),
        from_area: (pick(8, 4) == 1).then(|| area(&format!("{:03}", 160 + pick(10, 7)))),
    }
}

/// The cells around a place on the tile there and on those beside it.
fn compared(centre: Cell, zoom: u8, steps: u32, seed: u64) -> usize {
    let mut disk = centre.grid_disk(steps);
    disk.sort_unstable();
    disk.dedup();
    let features = TileFeatures {
        cells: disk.into_iter().map(|cell| figures(cell, seed)).collect(),
        ..TileFeatures::default()
    };
    let middle = centre.centre();
    let lat = middle.lat().clamp(-85.0, 85.0);
    let own = TileCoord::containing(LngLat::new(middle.lng(), lat).unwrap(), zoom).unwrap();
    let side = 1_i64 << zoom;
    let mut shown = 0;
    for (dx, dy) in [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)] {
        let x = (i64::from(own.x()) + dx).rem_euclid(side);
        let y = (i64::from(own.y()) + dy).clamp(0, side - 1);
        let coord = TileCoord::new(zoom, x as u32, y as u32).unwrap();
        let mvt = read_mvt(&features.encode(coord, OFFSET));
        let bytes = compact(&features, coord);
        assert_eq!(bytes.is_empty(), mvt.is_empty(), "{coord}");
        let read = read_compact(&bytes).unwrap();
        assert_eq!(read, mvt, "{coord} around {centre}");
        shown += read.len();
    }
    shown
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn compact_cells_say_what_the_mvt_tile_says(
        lng in -180.0..180.0_f64, lat in -85.0..85.0_f64, zoom in 0..=MAX_ZOOM, steps in 0..9_u32, seed in any::<u64>(),
    ) {
        let centre = Cell::at(LngLat::new(lng, lat).unwrap(), resolution_for_zoom(zoom));
        prop_assert!(compared(centre, zoom, steps, seed) > 0);
    }

    #[test]
    fn compact_cells_that_were_cut_off_or_changed_are_refused_or_read(
        seed in any::<u64>(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let centre = Cell::at(LngLat::new(105.84, 21.59).unwrap(), resolution_for_zoom(12));
        let features = TileFeatures {
            cells: centre.grid_disk(2).into_iter().map(|cell| figures(cell, seed)).collect(),
            ..TileFeatures::default()
        };
        let bytes = compact(&features, TileCoord::containing(centre.centre(), 12).unwrap());
        let cut = at.index(bytes.len() - 1) + 1;
        prop_assert!(read_compact(&bytes[..cut]).is_err());
        prop_assert!(read_compact(&[&bytes[..], &[byte]].concat()).is_err());
    }
}

/// The twelve base cells that are pentagons, and so are their centre children.
const PENTAGONS: [u64; 12] = [4, 14, 24, 38, 49, 58, 63, 72, 83, 97, 107, 117];

#[test]
fn compact_cells_around_pentagons_and_the_antimeridian_are_those_of_mvt() {
    for zoom in [0, 2, 4, 7, 9, 12, 14] {
        let resolution = resolution_for_zoom(zoom);
        let r = u64::from(resolution.get());
        let unused = (1_u64 << (3 * (15 - r))) - 1;
        for base in PENTAGONS {
            let pentagon = Cell::from_u64(1 << 59 | r << 52 | base << 45 | unused).unwrap();
            assert_eq!(pentagon.boundary().len() % 5, 0, "{pentagon}");
            compared(pentagon, zoom, 3, base);
        }
        for lat in [-70.0, -16.8, 0.1, 65.0] {
            for lng in [180.0, -179.999, 179.999] {
                let centre = Cell::at(LngLat::new(lng, lat).unwrap(), resolution);
                assert!(compared(centre, zoom, 4, 7) > 0, "{zoom} {lng} {lat}");
            }
        }
    }
}

#[test]
fn cells_of_every_resolution_keep_their_ids() {
    let at = LngLat::new(105.84, 21.59).unwrap();
    for resolution in 0..=9 {
        let cell = Cell::at(at, Resolution::new(resolution).unwrap());
        let features = TileFeatures {
            cells: vec![CellFeature {
                from_parent: cell.parent(Resolution::new(0).unwrap()),
                ..figures(cell, 1)
            }],
            ..TileFeatures::default()
        };
        let coord = TileCoord::containing(at, 9).unwrap();
        assert_eq!(
            read_compact(&compact(&features, coord)).unwrap(),
            read_mvt(&features.encode(coord, OFFSET)),
        );
    }
}

#[test]
fn the_bytes_of_compact_cells_are_those_of_their_description() {
    let at = LngLat::new(105.84, 21.59).unwrap();
    let cell = Cell::at(at, Resolution::new(1).unwrap());
    let feature = |cell: Cell| CellFeature {
        cell,
        level: 2,
        visits: Some(300),
        people: None,
        cases: None,
        rate: Some(1.5),
        suppressed: true,
        from_parent: cell.parent(Resolution::new(0).unwrap()),
        from_area: Some(area("19")),
    };
    let features = TileFeatures {
        cells: vec![feature(cell)],
        ..TileFeatures::default()
    };
    let bytes = compact(&features, TileCoord::WORLD);
    let position = cell.to_u64() >> 42 & 0x3ff;
    let mut expected = b"VXC1\x01\x01".to_vec();
    expected.extend([(position & 0x7f) as u8 | 0x80, (position >> 7) as u8]);
    expected.push(6);
    for (key, kind, number) in [
        ("level", 0, vec![3]),
        ("visits", 0, vec![0xad, 2]),
        ("rate", 1, vec![16]),
        ("suppressed", 2, vec![1]),
        ("from_parent", 3, vec![1]),
        // One text, and the one cell has it.
        ("from_area", 4, vec![1, 2, b'1', b'9', 1]),
    ] {
        expected.push(key.len() as u8);
        expected.extend(key.as_bytes());
        expected.push(kind);
        expected.extend::<Vec<u8>>(number);
    }
    assert_eq!(bytes, expected);
}

/// 5,000 neighbouring cells of the base resolution with figures as a province has them: few busy places, many quiet
/// ones, rare cases.
fn province(is_exact: bool) -> TileFeatures<'static> {
    let centre = Cell::at(LngLat::new(105.84, 21.59).unwrap(), Resolution::new(9).unwrap());
    let mut disk = centre.grid_disk(41);
    disk.truncate(5000);
    disk.sort_unstable();
    let mut state = 20_210_507_u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / 2_f64.powi(31)
    };
    let cells = disk
        .into_iter()
        .map(|cell| {
            let people = (5.0 / (0.004 + random())).round();
            let visits = (people * (1.2 + random())).round();
            let cases = if random() < 0.03 {
                (random() * 6.0) as u32 + 1
            } else {
                0
            };
            let residents = 200.0 + random() * 3000.0;
            let rate = (f64::from(cases) * 1_000_000.0 / residents).round() / 10.0;
            let level = 1 + [20.0, 50.0, 150.0].iter().filter(|bound| rate >= **bound).count() as u8;
            let round = |figure: f64| (figure / 10.0).round() as u32 * 10;
            let hidden = people < 20.0;
            if is_exact {
                return CellFeature {
                    cell,
                    level,
                    visits: Some(visits as u32),
                    people: Some(people as u32),
                    cases: Some(cases),
                    rate: Some(rate),
                    suppressed: false,
                    from_parent: None,
                    from_area: None,
                };
            }
            CellFeature {
                cell,
                level,
                visits: (!hidden).then_some(round(visits)),
                people: (!hidden).then_some(round(people)),
                cases: (cases == 0).then_some(0),
                rate: None,
                suppressed: hidden || cases > 0,
                from_parent: (cases > 0)
                    .then(|| cell.parent(Resolution::new(7).unwrap()))
                    .flatten(),
                from_area: None,
            }
        })
        .collect();
    TileFeatures {
        cells,
        ..TileFeatures::default()
    }
}

#[test]
fn compact_cells_take_a_quarter_of_the_bytes_of_mvt_at_most() {
    let coord = TileCoord::containing(LngLat::new(105.84, 21.59).unwrap(), 9).unwrap();
    for is_exact in [false, true] {
        let features = province(is_exact);
        let bytes = compact(&features, coord);
        assert_eq!(read_compact(&bytes).unwrap().len(), 5000);
        let mlt = features.encode_as(TileFormat::Mlt, &Kept::new(1 << 20), coord, OFFSET);
        let mvt = features.encode(coord, OFFSET);
        let sizes = |bytes: &[u8]| {
            (
                bytes.len(),
                Coding::ALL.map(|coding| coding.compress(bytes).len()),
            )
        };
        println!("5,000 cells, exact {is_exact}: bytes plain, [zstd, br, gzip, plain]");
        println!("  compact {:?}", sizes(&bytes));
        println!("  MLT     {:?}", sizes(&mlt));
        println!("  MVT     {:?}", sizes(&mvt));
        let gzip = |bytes: &[u8]| Coding::Gzip.compress(bytes).len();
        assert!(gzip(&bytes) * 4 <= gzip(&mvt));
    }
}

/// Of a layer: name, extent, features and names of the columns.
type Head = (String, u64, u64, Vec<String>);

fn read_mlt_heads(bytes: &[u8]) -> Result<Vec<Head>, String> {
    let (mut tile, mut layers) = (Reader(bytes), Vec::new());
    while !tile.0.is_empty() {
        let length = tile.varint()? as usize;
        let mut layer = Reader(tile.take(length)?);
        assert_eq!(layer.varint()?, 1, "the tag");
        let (name, extent) = (layer.text()?, layer.varint()?);
        let mut keys = Vec::new();
        for _ in 0..layer.varint()? {
            let kind = layer.varint()?;
            if kind == 4 {
                keys.push("geometry".to_owned());
            } else {
                assert!([10, 18, 26, 28].contains(&(kind & !1)), "column type {kind}");
                keys.push(layer.text()?);
            }
        }
        // The first stream of the geometry: a type for each feature.
        let _streams = layer.varint()?;
        let (_kind, encoding) = (layer.varint()?, layer.varint()?);
        let (count, _bytes) = (layer.varint()?, layer.varint()?);
        let features = if encoding == 0x62 {
            let _runs = layer.varint()?;
            layer.varint()?
        } else {
            count
        };
        layers.push((name, extent, features, keys));
    }
    Ok(layers)
}

#[test]
fn an_mlt_tile_has_the_layers_features_and_keys_of_the_mvt_tile() {
    let coord = TileCoord::containing(LngLat::new(105.84, 21.59).unwrap(), 12).unwrap();
    let shape = vungxanh::geo::WorldShape::project(&square(105.8, 21.55, 0.1));
    let centre = Cell::at(LngLat::new(105.84, 21.59).unwrap(), resolution_for_zoom(12));
    let features = TileFeatures {
        areas: vec![AreaFeature {
            code: "164",
            name: "TP Thái Nguyên",
            tier: AreaLevel::District,
            level: 2,
            rate: Some(18.8),
            cases: None,
            approximate: true,
            shape: vungxanh::tiles::Drawn::Whole(&shape),
            label: shape.label_point(),
        }],
        cells: centre
            .grid_disk(30)
            .into_iter()
            .map(|cell| figures(cell, 3))
            .collect(),
        venues: vec![VenueFeature {
            id: "v1",
            name: "Chợ Thái",
            kind: VenueKind::Market,
            world: WorldPoint::project(centre.centre()),
            level: 1,
            status: "safe",
            exposure: None,
            assessed_by: None,
        }],
        ..TileFeatures::default()
    };
    let mlt = features.encode_as(TileFormat::Mlt, &Kept::new(1 << 20), coord, OFFSET);
    let read = read_mlt_heads(&mlt).unwrap();
    let mvt = features.encode(coord, OFFSET);
    let tile = MvtReaderRef::new(&mvt).unwrap().to_tile().unwrap();
    let expected: Vec<Head> = tile
        .layers
        .into_iter()
        .map(|layer| {
            let mut keys = vec!["geometry".to_owned()];
            for (key, _) in layer.features.iter().flat_map(|feature| &feature.properties) {
                if !keys.contains(key) {
                    keys.push(key.clone());
                }
            }
            (layer.name, 4096, layer.features.len() as u64, keys)
        })
        .collect();
    assert_eq!(read, expected);
    let empty = TileFeatures::default().encode_as(TileFormat::Mlt, &Kept::new(1 << 20), coord, OFFSET);
    assert!(empty.is_empty());
}
