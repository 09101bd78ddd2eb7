//! The public tiles as one file: what the server answers, byte for byte, read back by another's reader.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;

use pmtiles::{AsyncPmTilesReader, MmapBackend};
use vungxanh::api::Basemap;
use vungxanh::archive::{ArchiveFacts, ArchiveWriter, Compression, TileId, TileType};
use vungxanh::geo::{BBox, Cell, LngLat, Resolution, TileCoord};
use vungxanh::index::{Ledger, Publisher, Release, ReleaseBody, ReleasedActivity, Snapshot};
use vungxanh::model::{Area, AreaLevel, Day, Timestamp, UtcOffset, Venue, Window};
use vungxanh::risk::{Audience, Rules};
use vungxanh::tiles::{Coding, Layers, TileArchive, TileBody, TileFormat, TileRequest, encode};

use crate::fixtures::{self, square};
use crate::support::{Server, output, run, vungxanh};

const OFFSET: UtcOffset = UtcOffset::VIETNAM;
const CLOCK: &str = "2021-05-14T12:00:00+07:00";

fn now() -> Timestamp {
    Timestamp::parse(CLOCK).unwrap()
}

/// Opens an archive with a reader that is not ours.
async fn foreign(bytes: &[u8]) -> (AsyncPmTilesReader<MmapBackend>, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let backend = MmapBackend::try_from(file.path()).await.unwrap();
    (AsyncPmTilesReader::try_from_source(backend).await.unwrap(), file)
}

fn area(code: &str, west: f64, south: f64, side: f64) -> Area {
    Area {
        population: Some(200_000),
        ..fixtures::area(code, AreaLevel::Province, None, square(west, south, side))
    }
}

fn venue(number: usize, lng: f64, lat: f64) -> Venue {
    fixtures::venue(&format!("v{number}"), lng, lat)
}

/// A wide country with two provinces, venues all over it, one on each side of the antimeridian, and a day
/// of released cells.
fn world() -> std::sync::Arc<Snapshot> {
    let mut publisher = Publisher::new(OFFSET);
    publisher.put_areas(&[area("19", 105.0, 21.0, 1.2), area("24", 106.3, 20.5, 0.4)]);
    let mut venues = vec![venue(900_001, 179.9999, -16.5), venue(900_002, -179.9999, -16.5)];
    // Scattered without a pattern, so that the directory does not shrink to nothing.
    let mut dice = 1_u64;
    let mut roll = || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (dice >> 33) as f64 / f64::from(1_u32 << 31)
    };
    for number in 0..6_000 {
        let mut one = venue(number, 104.0 + 5.0 * roll(), 18.0 + 4.0 * roll());
        one.name = "Chợ ".repeat(1 + (roll() * 20.0) as usize);
        venues.push(one);
    }
    publisher.put_venues(&venues, Day::of(now(), OFFSET));
    let day = Day(Day::of(now(), OFFSET).0 - 2);
    let fine = Resolution::new(9).unwrap();
    let mut cells: BTreeMap<Cell, ReleasedActivity> = BTreeMap::new();
    for number in 0..400 {
        let at = LngLat::new(
            108.0 + 0.004 * (number % 20) as f64,
            14.0 + 0.004 * (number / 20) as f64,
        )
        .unwrap();
        let leaf = Cell::at(at, fine);
        for resolution in 3..=9 {
            let cell = leaf.parent(Resolution::new(resolution).unwrap()).unwrap();
            cells.insert(
                cell,
                ReleasedActivity::Shown {
                    visits: 20,
                    people: 10,
                },
            );
        }
    }
    publisher.put_release(&Release {
        bucket: day.window(OFFSET),
        seq: 1,
        made_at: now(),
        body: ReleaseBody::Activity(cells.into_iter().collect()),
    });
    publisher.publish(&mut Ledger::new(OFFSET), now())
}

fn wanted(zooms: (u8, u8)) -> TileArchive {
    TileArchive {
        layers: Layers::all(),
        at: now(),
        window: Window::ending(now(), 14 * 24),
        zooms,
        bbox: None,
    }
}

fn written(wanted: &TileArchive, snapshot: &Snapshot) -> Vec<u8> {
    let tiles = wanted.occupied(snapshot);
    let mut seen = 0;
    let out = Cursor::new(Vec::new());
    let (out, summary) = wanted
        .write(snapshot, &Rules::builtin(), &tiles, out, &mut |count| {
            seen += count
        })
        .unwrap();
    assert_eq!(seen, tiles.len());
    let bytes = out.into_inner();
    assert_eq!(summary.bytes, bytes.len() as u64);
    bytes
}

fn live(wanted: &TileArchive, snapshot: &Snapshot, coord: TileCoord) -> Vec<u8> {
    let request = TileRequest {
        layers: wanted.layers,
        format: TileFormat::Mvt,
        coord,
        resolution: None,
        at: Some(wanted.at),
        window_hours: wanted.window.hours(),
        audience: Audience::Public,
    };
    let body = TileBody::new(encode(snapshot, &Rules::builtin(), &request));
    body.bytes(Coding::Gzip).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_out_of_an_archive_and_nothing_is_put_in() {
    let snapshot = world();
    let wanted = wanted((0, 6));
    let (reader, _file) = foreign(&written(&wanted, &snapshot)).await;
    let mut addressed = 0;
    for z in 0..=6 {
        for (x, y) in (0..1_u32 << z).flat_map(|x| (0..1_u32 << z).map(move |y| (x, y))) {
            let expected = live(&wanted, &snapshot, TileCoord::new(z, x, y).unwrap());
            let coord = pmtiles::TileCoord::new(z, x, y).unwrap();
            let found = reader
                .get_tile(coord)
                .await
                .unwrap()
                .map_or_else(Vec::new, |tile| tile.to_vec());
            assert!(
                found == expected,
                "{z}/{x}/{y}: {} for {} bytes",
                found.len(),
                expected.len()
            );
            addressed += u64::from(!expected.is_empty());
        }
    }
    let header = reader.get_header();
    assert_eq!(header.n_addressed_tiles().unwrap().get(), addressed);
    assert!(header.clustered());
    let metadata: serde_json::Value = serde_json::from_str(&reader.get_metadata().await.unwrap()).unwrap();
    assert_eq!(metadata["vungxanh:at"], CLOCK);
    assert!(metadata["vector_layers"].as_array().unwrap().len() >= 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_archive_has_leaves_and_every_tile_is_what_the_server_answers() {
    let snapshot = world();
    let wanted = wanted((0, 14));
    let bytes = written(&wanted, &snapshot);
    let leaves = u64::from_le_bytes(bytes[48..56].try_into().unwrap());
    assert!(leaves > 0, "so many tiles need leaf directories");
    let (reader, _file) = foreign(&bytes).await;
    let header = reader.get_header();
    assert_eq!((header.min_zoom, header.max_zoom), (0, 14));
    let (addressed, contents) = (
        header.n_addressed_tiles().unwrap().get(),
        header.n_tile_contents().unwrap().get(),
    );
    assert!(
        contents < addressed,
        "tiles deep inside an area are the same: {contents} of {addressed}"
    );
    let candidates = wanted.occupied(&snapshot);
    assert!(candidates.is_sorted());
    let mut found = 0;
    for id in &candidates {
        let (z, x, y) = id.place();
        let coord = pmtiles::TileCoord::new(z, x, y).unwrap();
        let tile = reader.get_tile(coord).await.unwrap();
        found += u64::from(tile.is_some());
        if id.get() % 23 == 0 {
            let expected = live(&wanted, &snapshot, TileCoord::new(z, x, y).unwrap());
            assert!(
                tile.map_or_else(Vec::new, |tile| tile.to_vec()) == expected,
                "{z}/{x}/{y}"
            );
        }
    }
    assert_eq!(found, addressed);
}

#[test]
fn a_box_and_zooms_bound_what_is_written() {
    let snapshot = world();
    let all = wanted((0, 9)).occupied(&snapshot);
    let part = TileArchive {
        bbox: Some(BBox::parse("105.5,21.2,105.6,21.3").unwrap()),
        ..wanted((6, 9))
    };
    let tiles = part.occupied(&snapshot);
    assert!(tiles.len() < 20 && tiles.iter().all(|id| all.contains(id)));
    assert!(tiles.iter().all(|id| (6..=9).contains(&id.z())));
    for zoom in 6..=9 {
        let middle = TileCoord::containing(LngLat::new(105.55, 21.25).unwrap(), zoom).unwrap();
        let id = TileId::of(zoom, middle.x(), middle.y()).unwrap();
        assert!(tiles.contains(&id), "{middle}");
    }
    let sea = TileArchive {
        bbox: Some(BBox::parse("-40,-40,-30,-30").unwrap()),
        ..wanted((4, 16))
    };
    assert_eq!(sea.occupied(&snapshot), []);
}

fn folder_with_places() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("venues.csv");
    let rows: String = (0..60)
        .map(|n| {
            format!(
                "v{n},Quán {n},cafe,{},{}\n",
                105.8 + 0.003 * f64::from(n % 10),
                21.5 + 0.004 * f64::from(n / 10)
            )
        })
        .collect();
    std::fs::write(&csv, format!("id,name,kind,lng,lat\n{rows}")).unwrap();
    let data = folder.path().join("data");
    run(&[
        "import",
        "venues",
        csv.to_str().unwrap(),
        "--data",
        data.to_str().unwrap(),
        "--clock",
        CLOCK,
    ]);
    folder
}

#[test]
fn the_program_exports_beside_a_running_server_and_serves_the_file_again() {
    let folder = folder_with_places();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let server = Server::start(Path::new(&path("data")), &["--clock", CLOCK]);
    let export = |to: &str, more: &[&str]| {
        let data = path("data");
        let mut arguments = vec!["export", "tiles", "--data", &data, "--to", to, "--clock", CLOCK];
        arguments.extend_from_slice(more);
        output(&arguments)
    };
    let first = export(&path("a.pmtiles"), &[]);
    assert!(
        first.status.success(),
        "{}",
        String::from_utf8_lossy(&first.stderr)
    );
    let said = String::from_utf8(first.stdout).unwrap();
    assert!(
        said.contains(" tiles, ") && said.contains("as of 2021-05-14T12:00:00+07:00"),
        "{said}"
    );
    assert!(export(&path("b.pmtiles"), &[]).status.success());
    let bytes = std::fs::read(path("a.pmtiles")).unwrap();
    assert!(bytes == std::fs::read(path("b.pmtiles")).unwrap());
    assert!(!Path::new(&path("a.pmtiles.partial")).exists());

    for (more, reason) in [
        (&["--layers", "roads"][..], "`roads` is not a layer"),
        (&["--window", "1 week"], "--window `1 week`"),
        (&["--at", "yesterday"], "--at `yesterday`"),
        (&["--bbox", "1,2,3"], "has 3 numbers"),
        (
            &["--minzoom", "9", "--maxzoom", "8"],
            "--minzoom 9 is above --maxzoom 8",
        ),
        (
            &["--bbox", "-40,-40,-30,-30", "--minzoom", "3"],
            "nothing to show",
        ),
    ] {
        let refused = export(&path("c.pmtiles"), more);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && said.contains(reason), "{said}");
    }
    assert!(!Path::new(&path("c.pmtiles")).exists() && !Path::new(&path("c.pmtiles.partial")).exists());
    let again = export(&path("a.pmtiles"), &[]);
    assert!(!again.status.success() && bytes == std::fs::read(path("a.pmtiles")).unwrap());

    // The export is a basemap like any other: served again, its tiles are those of the first server.
    let other = Server::start(
        Path::new(&path("other")),
        &["--clock", CLOCK, "--basemap", &path("a.pmtiles")],
    );
    let described = other.json("/basemap.json", "");
    assert_eq!(described["maxzoom"], 14);
    let middle = TileCoord::containing(LngLat::new(105.803, 21.504).unwrap(), 14).unwrap();
    let live = server.get(&format!("/tiles/cells,venues,areas,zones/{middle}"), "");
    assert_eq!(live.0, 200);
    assert!(other.get(&format!("/basemap/{middle}"), "") == live);
    other.stop();
    server.stop();
}

#[test]
fn a_file_that_is_no_basemap_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("map.mbtiles");
    std::fs::write(&file, "SQLite format 3").unwrap();
    let settings = folder.path().join("settings.toml");
    std::fs::write(&settings, format!("basemap = {:?}\n", file.to_str().unwrap())).unwrap();
    let data = folder.path().join("data");
    for (name, value) in [("--basemap", &file), ("--config", &settings)] {
        let mut command = vungxanh();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(&data);
        let started = command.arg(name).arg(value).output().unwrap();
        let said = String::from_utf8(started.stderr).unwrap();
        assert!(!started.status.success());
        assert!(
            said.contains("is not a PMTiles archive") && said.contains("map.mbtiles"),
            "{said}"
        );
    }
    assert!(!data.exists(), "it is looked at before the folder");
}

/// An archive of pictures or vector tiles, made here.
pub fn basemap(
    path: &Path,
    tile_type: TileType,
    compression: Compression,
    metadata: &str,
    tiles: &[(u8, u32, u32, &[u8])],
) -> Basemap {
    let facts = ArchiveFacts {
        tile_type,
        tile_compression: compression,
        bounds: [105.0, 21.0, 106.5, 22.5],
        center: [105.8, 21.6],
        center_zoom: 5,
    };
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArchiveWriter::new(file, &facts, metadata.as_bytes()).unwrap();
    for (z, x, y, tile) in tiles {
        writer.add(TileId::of(*z, *x, *y).unwrap(), tile).unwrap();
    }
    writer.finish().unwrap();
    Basemap::open_blocking(path).unwrap()
}
