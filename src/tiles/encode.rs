use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::geo::{BBox, BUFFER, Cell, TileCoord, resolution_for_zoom};
use crate::index::{AreaEntry, Snapshot, VenueEntry, VenueScore};
use crate::model::{AssessmentAuthor, Day, Timestamp, Window};
use crate::risk::{Audience, Rules, cell_risk};
use crate::tiles::outlines::{Outline, Outlines, Source};
use crate::tiles::{
    AreaFeature, CellFeature, LayerKind, Layers, TileFeatures, VenueFeature, ZoneFeature, tiers,
};

/// Everything a tile depends on beside the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TileRequest {
    /// Which layers.
    pub layers: Layers,
    /// Which tile.
    pub coord: TileCoord,
    /// The instant asked for.
    pub at: Timestamp,
    /// The buckets summed.
    pub window: Window,
    /// Who asks: the public gets released figures, officials exact ones.
    pub audience: Audience,
}

/// The tile's bytes (MVT 2.1); none when nothing shows.
#[must_use]
pub fn encode(snapshot: &Snapshot, rules: &Rules, request: &TileRequest) -> Vec<u8> {
    encode_with(&Outlines::new(1 << 20), snapshot, rules, request)
}

pub(super) fn encode_with(
    outlines: &Outlines,
    snapshot: &Snapshot,
    rules: &Rules,
    request: &TileRequest,
) -> Vec<u8> {
    let shows = |kind: LayerKind| request.layers.contains(kind) && request.coord.z() >= kind.min_zoom();
    let within = around(request.coord);
    let areas = if shows(LayerKind::Areas) {
        shown_areas(outlines, snapshot, request, &within)
    } else {
        Vec::new()
    };
    let zones = if shows(LayerKind::Zones) {
        shown_zones(outlines, snapshot, request, &within)
    } else {
        Vec::new()
    };
    let mut features = TileFeatures {
        areas: areas
            .iter()
            .map(|(entry, outline)| area_feature(snapshot, request, entry, outline))
            .collect(),
        zones: zones
            .iter()
            .map(|(source, outline)| zone_feature(source, outline))
            .collect(),
        ..TileFeatures::default()
    };
    if shows(LayerKind::Cells) {
        features.cells = cells(snapshot, rules, request, &within);
    }
    if shows(LayerKind::Venues) {
        let mut entries = snapshot.venues().in_tile(request.coord, BUFFER);
        entries.sort_unstable_by_key(|entry| &entry.venue.id);
        features.venues = entries
            .into_iter()
            .map(|entry| venue_feature(entry, request.audience, is_live(snapshot, request)))
            .collect();
        features.thin_venues(request.coord);
    }
    features.encode(request.coord, snapshot.offset())
}

/// The tile and its buffer; at the edge of the world the buffer reaches over the antimeridian.
fn around(coord: TileCoord) -> BBox {
    let bbox = coord.bbox(BUFFER);
    let side = 1_u32 << coord.z();
    if coord.z() == 0 {
        return BBox::WORLD;
    }
    let buffer_lng = 360.0 / coord.units_around() * f64::from(BUFFER);
    if coord.x() == 0 {
        return BBox {
            min_lng: 180.0 - buffer_lng,
            ..bbox
        };
    }
    if coord.x() == side - 1 {
        return BBox {
            max_lng: -180.0 + buffer_lng,
            ..bbox
        };
    }
    bbox
}

fn shown_areas<'a>(
    outlines: &Outlines,
    snapshot: &'a Snapshot,
    request: &TileRequest,
    within: &BBox,
) -> Vec<(&'a AreaEntry, Arc<Outline>)> {
    let zoom = request.coord.z();
    let day = Day::of(request.at, snapshot.offset());
    let entries = snapshot.areas().in_bbox(within, day);
    tiers::shown(entries, zoom, |entry| &entry.area)
        .into_iter()
        .map(|entry| (entry, outlines.get(Source::Area(Arc::clone(&entry.area)), zoom)))
        .collect()
}

fn area_feature<'a>(
    snapshot: &Snapshot,
    request: &TileRequest,
    entry: &'a AreaEntry,
    outline: &'a Outline,
) -> AreaFeature<'a> {
    let area = &entry.area;
    let released = snapshot
        .releases()
        .public_area(&area.code, request.at, request.window);
    // What the facts say is said of the snapshot's own hour; of an earlier one only the releases of then speak.
    let live = is_live(snapshot, request);
    let (level, rate, cases) = match request.audience {
        Audience::Public if live => (entry.facts.level, entry.facts.rate_7d_per_100k, released.cases),
        Audience::Public => (released.level, None, released.cases),
        Audience::Official => {
            let week = snapshot.area_cases(&area.code, Window::ending(request.at, WEEK_HOURS));
            let residents = area.population.filter(|people| *people > 0);
            (
                if live { entry.facts.level } else { released.level },
                residents.map(|people| f64::from(week) * 100_000.0 / people as f64),
                Some(snapshot.area_cases(&area.code, request.window)),
            )
        }
    };
    AreaFeature {
        code: area.code.as_str(),
        name: &area.name,
        tier: area.level,
        level,
        rate,
        cases,
        approximate: area.approximate,
        shape: &outline.shape,
        label: outline.label,
    }
}

fn shown_zones(
    outlines: &Outlines,
    snapshot: &Snapshot,
    request: &TileRequest,
    within: &BBox,
) -> Vec<(Arc<crate::model::Zone>, Arc<Outline>)> {
    let entries = snapshot.zones().in_bbox(within, request.at).into_iter();
    let zones = entries.map(|entry| {
        let outline = outlines.get(Source::Zone(Arc::clone(&entry.zone)), request.coord.z());
        (Arc::clone(&entry.zone), outline)
    });
    zones.collect()
}

fn zone_feature<'a>(zone: &'a crate::model::Zone, outline: &'a Outline) -> ZoneFeature<'a> {
    ZoneFeature {
        id: zone.id.as_str(),
        name: &zone.name,
        kind: zone.kind,
        state: zone.state,
        starts_at: zone.starts_at,
        planned_end: zone.planned_end,
        shape: &outline.shape,
    }
}

const WEEK_HOURS: i32 = 7 * 24;

fn cells(snapshot: &Snapshot, rules: &Rules, request: &TileRequest, within: &BBox) -> Vec<CellFeature> {
    let resolution = resolution_for_zoom(request.coord.z());
    match request.audience {
        Audience::Public => snapshot
            .releases()
            .public_cells_in(within, resolution, request.at, request.window)
            .into_iter()
            .map(|(cell, figure)| CellFeature {
                cell,
                level: figure.level,
                visits: figure.visits,
                people: figure.people,
                cases: figure.cases,
                rate: None,
                suppressed: figure.suppressed,
                from_parent: figure.from_parent,
            })
            .collect(),
        Audience::Official => {
            let week = Window::ending(request.at, WEEK_HOURS);
            let cases_7d: FxHashMap<Cell, u32> = snapshot
                .cells_in(within, resolution, week)
                .into_iter()
                .map(|figure| (figure.cell, figure.stats.cases))
                .collect();
            let figures = snapshot.cells_in(within, resolution, request.window).into_iter();
            figures
                .map(|figure| {
                    let cases_7d = cases_7d.get(&figure.cell).copied().unwrap_or(0);
                    let risk = cell_risk(&rules.cell, cases_7d, figure.population);
                    CellFeature {
                        cell: figure.cell,
                        level: risk.level,
                        visits: Some(figure.stats.visits),
                        people: Some(figure.stats.people),
                        cases: Some(figure.stats.cases),
                        rate: (figure.population > 0.0).then_some(risk.rate_7d_per_100k),
                        suppressed: false,
                        from_parent: None,
                    }
                })
                .collect()
        }
    }
}

/// Whether the snapshot's facts, which are said of its own hour, answer the request.
fn is_live(snapshot: &Snapshot, request: &TileRequest) -> bool {
    request.at.hour() >= snapshot.as_of().hour()
}

fn venue_feature(entry: &VenueEntry, audience: Audience, live: bool) -> VenueFeature<'_> {
    let (venue, facts) = (&entry.venue, &entry.facts);
    let (score, minutes) = match audience {
        // What is kept of venues is of the present; of an earlier hour nothing is said.
        _ if !live => (VenueScore::default(), 0),
        Audience::Public => (facts.public, facts.public_minutes),
        Audience::Official => (facts.exact, facts.exposure_minutes),
    };
    let inspected = facts
        .assessments
        .iter()
        .any(|event| event.record.by == AssessmentAuthor::Inspector);
    VenueFeature {
        id: venue.id.as_str(),
        name: &venue.name,
        kind: venue.kind,
        at: venue.at,
        level: score.level,
        status: match score.status {
            1 => "safe",
            2 => "has_risk",
            3 => "unsafe",
            _ => "not_assessed",
        },
        exposure: (minutes > 0).then_some(minutes),
        assessed_by: match (inspected, facts.assessments.is_empty()) {
            _ if !live => None,
            (true, _) => Some("inspector"),
            (false, false) => Some("self"),
            (false, true) => None,
        },
    }
}
