use std::sync::Arc;

use crate::geo::{
    BBox, BUFFER, Cell, EXTENT, Resolution, TileCoord, TilePolygon, WorldPoint, edge_length_km,
    resolution_for_zoom,
};
use crate::index::{AreaEntry, CellFigure, DrawnFacts, DrawnVenue, PublicFigure, Snapshot, VenueScore};
use crate::model::{AssessmentAuthor, Day, Timestamp, Window, Zone};
use crate::risk::{Audience, CellRules, Rules, cell_risk};
use crate::tiles::area_levels::LevelsThen;
use crate::tiles::features::ALL_VENUES_ZOOM;
use crate::tiles::figures::Figures;
use crate::tiles::kept::Kept;
use crate::tiles::outlines::{Outlines, Source};
use crate::tiles::{
    AreaFeature, CellFeature, Drawn, LayerKind, Layers, TileFeatures, TileFilter, TileFormat, VenueFeature,
    ZoneFeature, tiers,
};

/// The window of tiles when nobody says, hours. Changes are told of tiles of this window.
pub const LIVE_WINDOW_HOURS: i32 = 7 * 24;

/// Everything a tile depends on beside the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TileRequest {
    /// Which layers.
    pub layers: Layers,
    /// In which format.
    pub format: TileFormat,
    /// Which tile.
    pub coord: TileCoord,
    /// Which cells; `None` is the resolution of the zoom.
    pub resolution: Option<Resolution>,
    /// The instant asked for; `None` is the snapshot's own, so that everybody shares the tile.
    pub at: Option<Timestamp>,
    /// How many buckets are summed, ending with that of the instant.
    pub window_hours: i32,
    /// Who asks: the public gets released figures, officials exact ones.
    pub audience: Audience,
}

impl TileRequest {
    /// The resolution of its cells, where that is not the one of its zoom.
    #[must_use]
    pub fn other_resolution(&self) -> Option<Resolution> {
        self.resolution.filter(|resolution| {
            self.layers.contains(LayerKind::Cells) && *resolution != resolution_for_zoom(self.coord.z())
        })
    }
}

/// A request with its times worked out against a snapshot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub coord: TileCoord,
    /// Of its cells.
    pub resolution: Resolution,
    pub at: Timestamp,
    pub window: Window,
    /// The seven days that levels and rates look at.
    pub week: Window,
    pub audience: Audience,
    /// Whether the snapshot's facts, which are said of its own hour, answer.
    pub live: bool,
}

impl Asked {
    pub fn new(snapshot: &Snapshot, request: &TileRequest) -> Self {
        let at = request.at.unwrap_or(snapshot.as_of());
        Self {
            coord: request.coord,
            resolution: request
                .resolution
                .unwrap_or_else(|| resolution_for_zoom(request.coord.z())),
            at,
            window: Window::ending(at, request.window_hours),
            week: Window::ending(at, WEEK_HOURS),
            audience: request.audience,
            live: at.hour() >= snapshot.as_of().hour(),
        }
    }
}

/// The tile's bytes in the format asked for; none when nothing shows.
#[must_use]
pub fn encode(snapshot: &Snapshot, rules: &Rules, request: &TileRequest) -> Vec<u8> {
    encode_with(&Kept::new(3 << 20), snapshot, rules, request)
}

/// The same with what is kept from tile to tile.
#[must_use]
pub fn encode_with(kept: &Kept, snapshot: &Snapshot, rules: &Rules, request: &TileRequest) -> Vec<u8> {
    encode_filtered(kept, snapshot, rules, request, None)
}

/// The same with the features that a filter accepts only.
#[must_use]
pub fn encode_filtered(
    kept: &Kept,
    snapshot: &Snapshot,
    rules: &Rules,
    request: &TileRequest,
    filter: Option<&TileFilter>,
) -> Vec<u8> {
    let asked = Asked::new(snapshot, request);
    let shows = |kind: LayerKind| request.layers.contains(kind) && request.coord.z() >= kind.min_zoom();
    let within = around(request.coord);
    let levels = if shows(LayerKind::Areas) {
        kept.area_levels(snapshot, &rules.areas, &asked)
    } else {
        LevelsThen::none()
    };
    let areas = if shows(LayerKind::Areas) {
        shown_areas(snapshot, &asked, &within)
            .into_iter()
            .map(|entry| {
                let source = Source::area(entry);
                let label = kept.outlines.get(source.clone(), request.coord.z()).label;
                (entry, label, kept.outlines.cut(&source, request.coord))
            })
            .collect()
    } else {
        Vec::new()
    };
    let zones = if shows(LayerKind::Zones) {
        shown_zones(&kept.outlines, snapshot, &asked, &within)
    } else {
        Vec::new()
    };
    let mut features = TileFeatures {
        areas: areas
            .iter()
            .map(|(entry, label, cut)| area_feature(snapshot, &asked, &levels, entry, *label, cut))
            .collect(),
        zones: zones.iter().map(|(zone, cut)| zone_feature(zone, cut)).collect(),
        ..TileFeatures::default()
    };
    if shows(LayerKind::Cells) {
        features.cells = cells(&kept.figures, snapshot, rules, &asked, &within);
    }
    if shows(LayerKind::Venues) {
        let venues = snapshot.venues();
        let numbers = if request.coord.z() < ALL_VENUES_ZOOM {
            kept.overview.in_tile(snapshot, &asked, request.coord)
        } else {
            venues.in_tile(request.coord, BUFFER)
        };
        features.venues = numbers
            .into_iter()
            .filter_map(|ix| venues.drawn(ix))
            .map(|venue| venue_feature(venue, asked.audience, asked.live))
            .collect();
    }
    if let Some(filter) = filter {
        features.keep(filter);
    }
    features.encode_as(request.format, kept, request.coord, snapshot.offset())
}

/// About how many features the tile holds at most, a bit more or less at its edge; `None` where that takes long to say,
/// where areas or zones have to be cut, and where more has to be worked out first than the features themselves. Fast.
pub(super) fn features_at_most(kept: &Kept, snapshot: &Snapshot, request: &TileRequest) -> Option<usize> {
    let shows = |kind: LayerKind| request.layers.contains(kind) && request.coord.z() >= kind.min_zoom();
    if shows(LayerKind::Areas) || shows(LayerKind::Zones) {
        return None;
    }
    let asked = Asked::new(snapshot, request);
    let mut count = 0;
    if shows(LayerKind::Cells) {
        // Public figures are added up a thousand cells at a time, the longer the window the longer it takes.
        let adds_up_long = asked.audience == Audience::Public && request.window_hours > LIVE_WINDOW_HOURS;
        // Nor may the first outlines around have to be made, a few hundred at a time.
        let (coord, resolution) = (asked.coord, asked.resolution);
        let quarters = coord.children().map(TileCoord::middle);
        let mut samples = std::iter::once(coord.middle()).chain(quarters);
        let is_drawn = |at| kept.hexagons.has(Cell::at(at, resolution), coord.z());
        if adds_up_long || !samples.any(is_drawn) {
            return None;
        }
        count += cells_at_most(asked.coord, asked.resolution)?;
    }
    if shows(LayerKind::Venues) {
        count += if asked.coord.z() < ALL_VENUES_ZOOM {
            kept.overview.at_most(snapshot, &asked, asked.coord)?
        } else {
            snapshot.venues().in_tile(asked.coord, BUFFER).len()
        };
    }
    Some(count)
}

/// How many cells of a resolution cover a tile with its buffer, about: by their areas, and a row around its edge. Tiles of
/// the first zooms are no squares on the ground: `None`.
fn cells_at_most(coord: TileCoord, resolution: Resolution) -> Option<usize> {
    const EARTH_AROUND_KM: f64 = 40_075.0;
    if coord.z() < 5 {
        return None;
    }
    let around_km = EARTH_AROUND_KM * coord.middle().lat().to_radians().cos();
    let grown = f64::from(EXTENT + 2 * BUFFER) / f64::from(EXTENT);
    let side_km = around_km / f64::from(1_u32 << coord.z()) * grown;
    // A regular hexagon is 3√3/2 squares of its edge.
    let across = side_km / edge_length_km(resolution);
    Some((across * across / 2.6 + 2.5 * across) as usize)
}

/// The tile and its buffer; at the edge of the world the buffer reaches over the antimeridian.
pub(super) fn around(coord: TileCoord) -> BBox {
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

/// The areas that the zoom shows, among those whose box touches the tile.
pub(super) fn shown_areas<'a>(snapshot: &'a Snapshot, asked: &Asked, within: &BBox) -> Vec<&'a AreaEntry> {
    let day = Day::of(asked.at, snapshot.offset());
    let entries = snapshot.areas().in_bbox(within, day);
    tiers::shown(entries, asked.coord.z(), |entry| &entry.area)
}

/// What a tile says of an area, beside its registration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct AreaFigures {
    pub level: u8,
    pub rate: Option<f64>,
    pub cases: Option<u32>,
}

pub(super) fn area_figures(
    snapshot: &Snapshot,
    asked: &Asked,
    levels: &LevelsThen,
    entry: &AreaEntry,
) -> AreaFigures {
    let area = &entry.area;
    let released = snapshot
        .releases()
        .public_area(&area.code, asked.at, asked.window);
    // What the facts say is said of the snapshot's own hour; of an earlier one only the releases of then speak.
    match asked.audience {
        Audience::Public if asked.live => AreaFigures {
            level: entry.facts.level,
            rate: entry.facts.rate_7d_per_100k.map(tenths),
            cases: released.cases,
        },
        Audience::Public => AreaFigures {
            level: released.level,
            rate: None,
            cases: released.cases,
        },
        Audience::Official => {
            let week = snapshot.area_cases(&area.code, asked.week);
            // By the end of the hour: tiles of one hour are one.
            let registered = entry.values_at(asked.week.to.start().plus_s(-1));
            let residents = registered.population.filter(|people| *people > 0);
            AreaFigures {
                level: if asked.live {
                    snapshot.exact_level(&area.code)
                } else {
                    levels.exact(entry)
                },
                rate: residents.map(|people| tenths(f64::from(week) * 100_000.0 / people as f64)),
                cases: Some(snapshot.area_cases(&area.code, asked.window)),
            }
        }
    }
}

fn area_feature<'a>(
    snapshot: &Snapshot,
    asked: &Asked,
    levels: &LevelsThen,
    entry: &'a AreaEntry,
    label: Option<WorldPoint>,
    cut: &'a [TilePolygon],
) -> AreaFeature<'a> {
    let area = &entry.area;
    let AreaFigures { level, rate, cases } = area_figures(snapshot, asked, levels, entry);
    AreaFeature {
        code: area.code.as_str(),
        name: &area.name,
        tier: area.level,
        level,
        rate,
        cases,
        approximate: area.approximate,
        shape: Drawn::Cut(cut),
        label,
    }
}

fn shown_zones(
    outlines: &Outlines,
    snapshot: &Snapshot,
    asked: &Asked,
    within: &BBox,
) -> Vec<(Arc<Zone>, Arc<[TilePolygon]>)> {
    let entries = snapshot.zones().in_bbox(within, asked.at).into_iter();
    let zones = entries.map(|entry| {
        let source = Source::Zone(Arc::clone(&entry.zone));
        (Arc::clone(&entry.zone), outlines.cut(&source, asked.coord))
    });
    zones.collect()
}

fn zone_feature<'a>(zone: &'a Zone, cut: &'a [TilePolygon]) -> ZoneFeature<'a> {
    ZoneFeature {
        id: zone.id.as_str(),
        name: &zone.name,
        kind: zone.kind,
        state: zone.state,
        starts_at: zone.starts_at,
        planned_end: zone.planned_end,
        shape: Drawn::Cut(cut),
    }
}

const WEEK_HOURS: i32 = 7 * 24;

/// One decimal says all that a case rate can; what a tile does not say must not make it another tile.
pub(super) fn tenths(rate: f64) -> f64 {
    (rate * 10.0).round() / 10.0
}

fn cells(
    figures: &Figures,
    snapshot: &Snapshot,
    rules: &Rules,
    asked: &Asked,
    within: &BBox,
) -> Vec<CellFeature> {
    match asked.audience {
        Audience::Public => figures.public_cells(snapshot, asked, within, asked.resolution),
        Audience::Official => official_cells(snapshot, &rules.cell, asked, within, asked.resolution),
    }
}

pub(super) fn official_cells(
    snapshot: &Snapshot,
    rules: &CellRules,
    asked: &Asked,
    within: &BBox,
    resolution: Resolution,
) -> Vec<CellFeature> {
    let mut features = Vec::new();
    let windows = [asked.window, asked.week];
    snapshot.visit_cells_in_two(within, resolution, windows, |figure, week| {
        features.push(official_cell(rules, &figure, week.cases));
    });
    features
}

pub(super) fn public_cell(cell: Cell, figure: &PublicFigure) -> CellFeature {
    CellFeature {
        cell,
        level: figure.level,
        visits: figure.visits,
        people: figure.people,
        cases: figure.cases,
        rate: None,
        suppressed: figure.suppressed,
        from_parent: figure.from_parent,
        from_area: figure.from_area.clone(),
    }
}

pub(super) fn official_cell(rules: &CellRules, figure: &CellFigure, cases_7d: u32) -> CellFeature {
    let risk = cell_risk(rules, cases_7d, figure.population);
    CellFeature {
        cell: figure.cell,
        level: risk.level,
        visits: Some(figure.stats.visits),
        people: Some(figure.stats.people),
        cases: Some(figure.stats.cases),
        rate: (figure.population > 0.0).then_some(tenths(risk.rate_7d_per_100k)),
        suppressed: false,
        from_parent: None,
        from_area: None,
    }
}

pub(super) fn venue_feature(venue: DrawnVenue<'_>, audience: Audience, live: bool) -> VenueFeature<'_> {
    let (score, exposure) = score_and_exposure(venue.facts, audience, live);
    VenueFeature {
        id: venue.id,
        name: venue.name,
        kind: venue.kind,
        world: venue.world,
        level: score.level,
        status: match score.status {
            1 => "safe",
            2 => "has_risk",
            3 => "unsafe",
            _ => "not_assessed",
        },
        exposure,
        assessed_by: match venue.facts.assessed_by.filter(|_| live) {
            Some(AssessmentAuthor::Inspector) => Some("inspector"),
            Some(AssessmentAuthor::Venue) => Some("self"),
            None => None,
        },
    }
}

/// What an audience is shown of a venue's score and of its exposure, if there is any.
pub(super) fn score_and_exposure(
    facts: DrawnFacts,
    audience: Audience,
    live: bool,
) -> (VenueScore, Option<u32>) {
    let (score, minutes) = match audience {
        // What is kept of venues is of the present; of an earlier hour nothing is said.
        _ if !live => (VenueScore::default(), 0),
        Audience::Public => (facts.public, facts.public_minutes),
        Audience::Official => (facts.exact, facts.exposure_minutes),
    };
    (score, (minutes > 0).then_some(minutes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::LngLat;
    use crate::tiles::hexagons::HexBlocks;

    #[test]
    fn a_tile_does_not_hold_more_cells_than_said() {
        for (lat, zoom) in [
            (0.0, 5),
            (21.6, 9),
            (21.6, 12),
            (21.6, 16),
            (60.0, 10),
            (-45.0, 7),
            (70.0, 13),
        ] {
            let at = LngLat::new(105.8, lat).unwrap();
            let coord = TileCoord::containing(at, zoom).unwrap();
            for resolution in [resolution_for_zoom(zoom), crate::geo::finest_for_zoom(zoom)] {
                let blocks = HexBlocks::new(1 << 20);
                let mut hexagons = crate::tiles::hexagons::TileHexagons::new(&blocks, coord);
                let bbox = coord.bbox(BUFFER);
                let reach = Cell::at(at, resolution).grid_disk(110);
                let shown = reach
                    .into_iter()
                    .filter(|cell| bbox.contains(cell.centre()) || hexagons.shows(*cell))
                    .count();
                let most = cells_at_most(coord, resolution).unwrap();
                assert!(
                    (shown..=3 * shown + 30).contains(&most),
                    "{coord} {resolution:?}: {shown} of {most}"
                );
            }
        }
    }
}
