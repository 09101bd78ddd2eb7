//! The running flow: what is live now is what a restart finds, bit for bit.

mod beside;
mod buildings;
mod case_dates;
mod checkpoints;
mod editions;
mod keys;
mod noise;
mod registries;
mod restart;
mod rules;
mod sealed;

use std::{fs, path::Path, sync::Arc};

use vungxanh::{
    geo::{LngLat, TileCoord},
    model::{
        Area, AreaCode, AreaLevel, Case, CaseKind, CaseStatus, CheckIn, Clock, ContentHash, Day, Declaration,
        DeclarationKind, Direction, Event, EventBatch, EventId, Mark, MarkState, Method, Onset, PersonId,
        Place, Timestamp, UtcOffset, Venue, VenueId, Window, Zone, ZoneId, ZoneKind, ZoneState,
    },
    pipeline::{Pipeline, PipelineConfig, PipelineError},
    risk::{Audience, Rules},
    store::{Store, StoreConfig, StoreError},
    tiles::{Layers, TileFormat, TileRequest, encode},
};

use crate::fixtures::{self, square, venue};

/// Friday 2021-05-14, noon in Vietnam.
const NOON: Timestamp = Timestamp(1_620_968_400);
const CHECKPOINT: &str = "ledger.checkpoint";

async fn open(folder: &Path) -> Pipeline {
    open_at(folder, NOON).await
}

/// The connections of a dropped flow close in their own time.
async fn open_at(folder: &Path, now: Timestamp) -> Pipeline {
    for _ in 0..200 {
        let rules = Arc::new(Rules::builtin());
        match Pipeline::open(folder, PipelineConfig::default(), Clock::fixed(now), rules).await {
            Err(PipelineError::Store(StoreError::FolderInUse { .. })) => {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            opened => return opened.unwrap(),
        }
    }
    panic!("the lock of a dropped flow stays");
}

/// The folder as a power cut would leave it now.
fn copy_of(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

/// Puts the checkpoint of one folder, with all its parts, into another.
fn copy_checkpoint(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with("ledger"))
        {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Stops in good order, lets go of the folder, and gives the bytes of everything that was counted.
async fn close(pipeline: Pipeline, folder: &Path) -> Vec<u8> {
    pipeline.close().await.unwrap();
    fs::read(folder.join(CHECKPOINT)).unwrap()
}

/// What officials see of the cells, venues and areas, on every scale.
async fn tiles(pipeline: &Pipeline) -> Vec<Vec<u8>> {
    let snapshot = pipeline.publish().await.unwrap();
    let mut tiles = Vec::new();
    for zoom in [6, 9, 11, 12, 13, 14] {
        for centre in [(105.84, 21.59), (105.9, 21.62), (105.95, 21.7)] {
            let centre = LngLat::new(centre.0, centre.1).unwrap();
            let request = TileRequest {
                layers: Layers::parse("cells,venues,areas").unwrap(),
                format: TileFormat::Mvt,
                coord: TileCoord::containing(centre, zoom).unwrap(),
                resolution: None,
                at: Some(snapshot.as_of()),
                window_hours: 14 * 24,
                audience: Audience::Official,
            };
            tiles.push(encode(&snapshot, &pipeline.rules(), &request));
        }
    }
    tiles
}

fn week() -> Window {
    Window::ending(NOON.plus_s(3600), 7 * 24)
}

fn cases_in(pipeline: &Pipeline, code: &str) -> u32 {
    pipeline.snapshot().area_cases(&area_code(code), week())
}

fn visits_in(pipeline: &Pipeline, venue: &Venue) -> u32 {
    pipeline.snapshot().cell_stats(venue.cell(), week()).visits
}

fn area_code(code: &str) -> AreaCode {
    AreaCode::new(code).unwrap()
}

fn venue_id(id: &str) -> VenueId {
    VenueId::new(id).unwrap()
}

fn event_id(id: &str) -> EventId {
    EventId::new(id).unwrap()
}

fn area(code: &str, parent: Option<&str>, west: f64, south: f64, side: f64) -> Area {
    let level = if parent.is_some() {
        AreaLevel::District
    } else {
        AreaLevel::Province
    };
    Area {
        population: Some(200_000),
        ..fixtures::area(code, level, parent, square(west, south, side))
    }
}

fn moved(venue: &Venue, lng: f64, lat: f64, valid_from: Timestamp) -> Venue {
    Venue {
        at: LngLat::new(lng, lat).unwrap(),
        valid_from,
        ..venue.clone()
    }
}

fn event<T>(id: &str, at: Timestamp, record: T) -> Event<T> {
    Event {
        id: event_id(id),
        at,
        content: ContentHash(1),
        record,
    }
}

fn check_in(id: &str, venue: &str, who: u8) -> Event<CheckIn> {
    let record = CheckIn {
        venue: venue_id(venue),
        person: Some(PersonId([who; 16])),
        direction: Direction::In,
        method: Method::VenueQr,
        party_size: 1,
    };
    event(id, NOON.plus_s(-3600), record)
}

fn check_ins(first: u8, count: u8, venue: &str) -> EventBatch {
    let ids = first..first + count;
    EventBatch::CheckIns(ids.map(|n| check_in(&format!("c-{n}"), venue, n % 7)).collect())
}

fn declaration(id: &str, home: &str) -> EventBatch {
    let record = Declaration {
        kind: DeclarationKind::Domestic,
        person: Some(PersonId([1; 16])),
        home: Some(Place::Venue(venue_id(home))),
        symptoms: vec!["fever".to_owned()],
        exposures: vec![],
        places: vec![],
        entry: None,
    };
    EventBatch::Declarations(vec![event(id, NOON.plus_s(-7200), record)])
}

fn case(id: &str, at: Timestamp, area: Option<&str>, point: Option<(f64, f64)>) -> Event<Case> {
    let record = Case {
        person_days: vec![],
        area: area.map(area_code),
        location: point.map(|(lng, lat)| LngLat::new(lng, lat).unwrap()),
        onset: None,
        sampled: None,
        kind: CaseKind::Community,
        status: CaseStatus::Confirmed,
        symptoms: vec![],
    };
    event(id, at, record)
}
