use crate::geo::TileCoord;
use crate::model::UtcOffset;
use crate::tiles::features::{AREA_LABELS, cell_tags};
use crate::tiles::hexagons::{HexBlocks, TileHexagons};
use crate::tiles::mlt::layer::MltLayer;
use crate::tiles::writer::FeatureSink as _;
use crate::tiles::{LayerKind, TileFeatures};

/// The tile's bytes, the same layers and features in the same order as in MVT; none when nothing shows.
pub(in crate::tiles) fn encode_mlt(
    features: &TileFeatures,
    blocks: &HexBlocks,
    coord: TileCoord,
    offset: UtcOffset,
) -> Vec<u8> {
    let mut tile = Vec::new();

    let mut areas = MltLayer::new(LayerKind::Areas.as_str());
    for area in &features.areas {
        area.write(coord, &mut areas);
    }
    areas.finish(&mut tile);

    let mut cells = MltLayer::new(LayerKind::Cells.as_str());
    let mut hexagons = TileHexagons::new(blocks, coord);
    for feature in &features.cells {
        let polygons = hexagons.polygons(feature.cell);
        if polygons.is_empty() {
            continue;
        }
        let h3 = feature.cell.to_string();
        let parent = feature.from_parent.map(|cell| cell.to_string());
        cells.polygons(&polygons, &cell_tags(feature, &h3, parent.as_deref()));
    }
    cells.finish(&mut tile);

    let mut zones = MltLayer::new(LayerKind::Zones.as_str());
    for zone in &features.zones {
        zone.write(coord, offset, &mut zones);
    }
    zones.finish(&mut tile);

    let mut venues = MltLayer::new(LayerKind::Venues.as_str());
    for venue in &features.venues {
        venue.write(coord, &mut venues);
    }
    venues.finish(&mut tile);

    let mut labels = MltLayer::new(AREA_LABELS);
    for area in &features.areas {
        area.write_label(coord, &mut labels);
    }
    labels.finish(&mut tile);
    tile
}
