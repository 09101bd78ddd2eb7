use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::geo::{Cell, EXTENT, TileCoord, TilePolygon, WorldPoint, WorldShape, point_to_tile};
use crate::model::{AreaCode, AreaLevel, Timestamp, UtcOffset, VenueKind, ZoneKind, ZoneState};
use crate::tiles::cells_layer::encode_cells;
use crate::tiles::compact::encode_compact;
use crate::tiles::kept::Kept;
use crate::tiles::mlt::encode_mlt;
use crate::tiles::room;
use crate::tiles::venues_layer::encode_venues;
use crate::tiles::writer::{FeatureSink, LayerWriter, Tag, finished, new_tile};
use crate::tiles::{LayerKind, TileFormat};

/// A cell as a tile shows it. What the audience may not know is `None` and has no property.
#[derive(Clone, Debug, PartialEq)]
pub struct CellFeature {
    /// Which cell.
    pub cell: Cell,
    /// 0 not assessed, 1..=4.
    pub level: u8,
    /// Visits in the window.
    pub visits: Option<u32>,
    /// Distinct people per day, summed over the window.
    pub people: Option<u32>,
    /// Cases in the window.
    pub cases: Option<u32>,
    /// Cases of seven days per 100,000 residents.
    pub rate: Option<f64>,
    /// Whether a figure is hidden because it is small.
    pub suppressed: bool,
    /// The ancestor whose level stands here.
    pub from_parent: Option<Cell>,
    /// The area whose level stands here, where no ancestor has one either.
    pub from_area: Option<Arc<AreaCode>>,
}

/// A venue as a tile shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct VenueFeature<'a> {
    /// Stable id.
    pub id: &'a str,
    /// Display name.
    pub name: &'a str,
    /// What kind of place.
    pub kind: VenueKind,
    /// Where, on the Web Mercator square.
    pub world: WorldPoint,
    /// 0 not assessed, 1..=4.
    pub level: u8,
    /// `safe`, `has_risk`, `unsafe` or `not_assessed`.
    pub status: &'a str,
    /// Exposure minutes that the audience may know.
    pub exposure: Option<u32>,
    /// `self` or `inspector`.
    pub assessed_by: Option<&'a str>,
}

/// An outline as a tile draws it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Drawn<'a> {
    /// Best simplified for the zoom; cut when the tile is written.
    Whole(&'a WorldShape),
    /// Cut into the tile before.
    Cut(&'a [TilePolygon]),
}

/// An administrative unit as a tile shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct AreaFeature<'a> {
    /// Official code.
    pub code: &'a str,
    /// Display name.
    pub name: &'a str,
    /// Its tier.
    pub tier: AreaLevel,
    /// 0 not assessed, 1..=4.
    pub level: u8,
    /// Cases of seven days per 100,000 residents.
    pub rate: Option<f64>,
    /// Cases in the window.
    pub cases: Option<u32>,
    /// Whether the outline is approximate.
    pub approximate: bool,
    /// Its outline.
    pub shape: Drawn<'a>,
    /// Where its name stands, if it has one.
    pub label: Option<WorldPoint>,
}

/// A zone as a tile shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneFeature<'a> {
    /// Id.
    pub id: &'a str,
    /// Display name.
    pub name: &'a str,
    /// What is ordered inside.
    pub kind: ZoneKind,
    /// Where it stands in its life.
    pub state: ZoneState,
    /// When it takes effect.
    pub starts_at: Timestamp,
    /// When it is planned to end.
    pub planned_end: Option<Timestamp>,
    /// Its outline.
    pub shape: Drawn<'a>,
}

/// What goes into a tile. The order of the features in each list is the order in the tile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TileFeatures<'a> {
    /// Layer `areas`.
    pub areas: Vec<AreaFeature<'a>>,
    /// Layer `cells`.
    pub cells: Vec<CellFeature>,
    /// Layer `zones`.
    pub zones: Vec<ZoneFeature<'a>>,
    /// Layer `venues`.
    pub venues: Vec<VenueFeature<'a>>,
}

impl TileFeatures<'_> {
    /// The tile's bytes in a format, layers in drawing order; none when nothing shows. Compact cells say nothing of
    /// other layers.
    #[must_use]
    pub fn encode_as(&self, format: TileFormat, kept: &Kept, coord: TileCoord, offset: UtcOffset) -> Vec<u8> {
        match format {
            TileFormat::Mvt => self.encode_with(kept, coord, offset),
            TileFormat::Mlt => encode_mlt(self, &kept.hexagons, coord, offset),
            TileFormat::Cells => encode_compact(&kept.hexagons, coord, &self.cells),
        }
    }

    /// The tile's bytes (MVT 2.1), layers in drawing order; none when nothing shows. Instants are written at `offset`.
    #[must_use]
    pub fn encode(&self, coord: TileCoord, offset: UtcOffset) -> Vec<u8> {
        self.encode_with(&Kept::new(3 << 20), coord, offset)
    }

    /// The same with outlines of cells that are kept from tile to tile.
    #[must_use]
    pub fn encode_with(&self, kept: &Kept, coord: TileCoord, offset: UtcOffset) -> Vec<u8> {
        let mut below = new_tile();
        let mut areas = LayerWriter::new(&below, LayerKind::Areas.as_str());
        self.areas.iter().for_each(|area| area.write(coord, &mut areas));
        areas.finish(&mut below);

        let mut above = new_tile();
        let mut zones = LayerWriter::new(&above, LayerKind::Zones.as_str());
        self.zones
            .iter()
            .for_each(|zone| zone.write(coord, offset, &mut zones));
        zones.finish(&mut above);

        let mut names = new_tile();
        let mut labels = LayerWriter::new(&names, AREA_LABELS);
        self.areas
            .iter()
            .for_each(|area| area.write_label(coord, &mut labels));
        labels.finish(&mut names);

        // A tile is its layers one after the other: whole tiles put together are a tile.
        let mut tile = room::take(0);
        tile.append(&mut finished(&below));
        encode_cells(&mut tile, &kept.hexagons, coord, &self.cells);
        tile.append(&mut finished(&above));
        encode_venues(&mut tile, coord, &self.venues);
        tile.append(&mut finished(&names));
        tile
    }
}

/// The square of eight pixels in which a point stands; squares are those of the world.
pub(super) fn square_of(world: WorldPoint, zoom: u8) -> (i64, i64) {
    let side = squares_around(zoom);
    ((world.x * side) as i64, (world.y * side) as i64)
}

/// How many squares go around the world.
pub(super) fn squares_around(zoom: u8) -> f64 {
    f64::from(1_u32 << zoom) * f64::from(EXTENT / SQUARE_UNITS)
}

/// The one venue of a square that a zoom below [`ALL_VENUES_ZOOM`] shows, if any.
pub(super) fn worst_of<'a>(
    venues: impl Iterator<Item = VenueFeature<'a>>,
    zoom: u8,
) -> Option<VenueFeature<'a>> {
    venues.filter(|venue| shows(venue, zoom)).min_by(worse)
}

/// Whether a zoom shows a venue of its level at all.
fn shows(venue: &VenueFeature, zoom: u8) -> bool {
    zoom >= EVERY_LEVEL_ZOOM || venue.level >= OVERVIEW_LEVEL
}

/// The worse of two comes first: the higher level, then the more exposure, then the smaller id.
fn worse(a: &VenueFeature, b: &VenueFeature) -> Ordering {
    (b.level, b.exposure, a.id).cmp(&(a.level, a.exposure, b.id))
}

/// The layer of names that comes with `areas`: a polygon cut into tiles has no one place for its name.
pub(super) const AREA_LABELS: &str = "area_labels";
/// From this zoom on every venue is in the tiles.
pub(super) const ALL_VENUES_ZOOM: u8 = 14;
/// From here venues of every level are shown.
pub(super) const EVERY_LEVEL_ZOOM: u8 = 11;
/// The lowest level an overview shows.
pub(super) const OVERVIEW_LEVEL: u8 = 3;
/// Squares of eight pixels along the edge of a 512-pixel tile, as a power of two.
pub(super) const SQUARES_BITS: u8 = 6;
const SQUARE_UNITS: i32 = EXTENT >> SQUARES_BITS;

impl Drawn<'_> {
    fn in_tile(&self, coord: TileCoord) -> Cow<'_, [TilePolygon]> {
        match self {
            Self::Whole(shape) => Cow::Owned(shape.to_tile(coord)),
            Self::Cut(polygons) => Cow::Borrowed(polygons),
        }
    }
}

impl VenueFeature<'_> {
    pub(super) fn write(&self, coord: TileCoord, layer: &mut impl FeatureSink) {
        let points: Vec<_> = point_to_tile(self.world, coord).collect();
        let name = nfc(self.name);
        let mut tags = vec![
            ("id", Tag::Text(self.id)),
            ("name", Tag::Text(&name)),
            ("kind", Tag::Text(self.kind.as_str())),
            ("level", Tag::Int(self.level.into())),
            ("status", Tag::Text(self.status)),
        ];
        tags.extend(
            self.exposure
                .map(|minutes| ("exposure", Tag::Int(minutes.into()))),
        );
        tags.extend(self.assessed_by.map(|by| ("assessed_by", Tag::Text(by))));
        layer.points(&points, &tags);
    }
}

impl AreaFeature<'_> {
    pub(super) fn write(&self, coord: TileCoord, layer: &mut impl FeatureSink) {
        let polygons = self.shape.in_tile(coord);
        let name = nfc(self.name);
        let mut tags = vec![
            ("code", Tag::Text(self.code)),
            ("name", Tag::Text(&name)),
            ("level_name", Tag::Text(self.tier.as_str())),
            ("level", Tag::Int(self.level.into())),
        ];
        tags.extend(self.rate.map(|rate| ("rate", rate_tag(rate))));
        tags.extend(self.cases.map(|cases| ("cases", Tag::Int(cases.into()))));
        tags.push(("approximate", Tag::Bool(self.approximate)));
        layer.polygons(&polygons, &tags);
    }

    pub(super) fn write_label(&self, coord: TileCoord, layer: &mut impl FeatureSink) {
        let points: Vec<_> = self
            .label
            .into_iter()
            .flat_map(|at| point_to_tile(at, coord))
            .collect();
        let tags = [
            ("code", Tag::Text(self.code)),
            ("name", Tag::Text(&nfc(self.name))),
            ("level_name", Tag::Text(self.tier.as_str())),
            ("level", Tag::Int(self.level.into())),
        ];
        layer.points(&points, &tags);
    }
}

impl ZoneFeature<'_> {
    pub(super) fn write(&self, coord: TileCoord, offset: UtcOffset, layer: &mut impl FeatureSink) {
        let polygons = self.shape.in_tile(coord);
        let name = nfc(self.name);
        let starts_at = self.starts_at.to_rfc3339(offset);
        let planned_end = self.planned_end.map(|end| end.to_rfc3339(offset));
        let mut tags = vec![
            ("id", Tag::Text(self.id)),
            ("name", Tag::Text(&name)),
            ("kind", Tag::Text(self.kind.as_str())),
            ("state", Tag::Text(self.state.as_str())),
            ("starts_at", Tag::Text(&starts_at)),
        ];
        tags.extend(planned_end.as_deref().map(|end| ("planned_end", Tag::Text(end))));
        layer.polygons(&polygons, &tags);
    }
}

/// The properties of a cell, `h3` and `parent` written out by the caller.
pub(super) fn cell_tags<'a>(
    cell: &'a CellFeature,
    h3: &'a str,
    parent: Option<&'a str>,
) -> Vec<(&'static str, Tag<'a>)> {
    let figures = [
        ("visits", cell.visits),
        ("people", cell.people),
        ("cases", cell.cases),
    ];
    let mut tags = Vec::with_capacity(9);
    tags.extend([("h3", Tag::Text(h3)), ("level", Tag::Int(cell.level.into()))]);
    tags.extend(
        figures
            .into_iter()
            .filter_map(|(key, figure)| Some((key, Tag::Int(figure?.into())))),
    );
    tags.extend(cell.rate.map(|rate| ("rate", rate_tag(rate))));
    tags.extend(cell.suppressed.then_some(("suppressed", Tag::Bool(true))));
    tags.extend(parent.map(|parent| ("from_parent", Tag::Text(parent))));
    tags.extend(
        cell.from_area
            .as_ref()
            .map(|area| ("from_area", Tag::Text(area.as_str()))),
    );
    tags
}

/// One decimal says all that a case rate can; a whole number stays one.
fn rate_tag(rate: f64) -> Tag<'static> {
    let tenths = (rate * 10.0).round();
    if tenths >= 0.0 && tenths % 10.0 == 0.0 {
        Tag::Int((tenths / 10.0) as u64)
    } else {
        Tag::Number(tenths / 10.0)
    }
}

/// Names come in NFC from the door; a label in NFD would be drawn in two fonts, so it is made sure here.
pub(super) fn nfc(text: &str) -> Cow<'_, str> {
    if is_plainly_nfc(text) || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().collect())
}

/// Whether every letter is one that NFC leaves alone, in any company of its like: those below the combining marks, and
/// the composed ones of Vietnamese. Tells of nearly every name by its bytes alone.
fn is_plainly_nfc(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let plain = match byte {
            0..=0x7f => true,
            // U+0080 to U+02FF.
            0xc2..=0xcb => bytes.next().is_some(),
            // U+1E00 to U+1EFF.
            0xe1 => matches!(bytes.next(), Some(0xb8..=0xbb)) && bytes.next().is_some(),
            _ => false,
        };
        if !plain {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::{LngLat, Resolution};

    fn venue(id: &str, lng: f64, level: u8) -> VenueFeature<'_> {
        VenueFeature {
            id,
            name: "Cho\u{31b}\u{323}",
            kind: VenueKind::Market,
            world: WorldPoint::project(LngLat::new(lng, 21.59).unwrap()),
            level,
            status: "safe",
            exposure: None,
            assessed_by: None,
        }
    }

    #[test]
    fn letters_that_pass_by_their_bytes_are_those_that_nfc_leaves_alone() {
        let mut plain = 0;
        for letter in '\0'..=char::MAX {
            let text = letter.to_string();
            if is_plainly_nfc(&text) {
                plain += 1;
                // Alone, and after and before letters that others compose with.
                for context in [
                    text.clone(),
                    format!("a{letter}"),
                    format!("{letter}a"),
                    format!("ơ{letter}ệ"),
                ] {
                    assert!(is_nfc_quick(context.chars()) == IsNormalized::Yes, "{letter:?}");
                }
            }
        }
        assert_eq!(plain, 0x300 + 0x100);
        assert!(is_plainly_nfc("Chợ Đồng Quang, phường Quang Trung"));
        assert!(!is_plainly_nfc("Cho\u{31b}\u{323}"));
    }

    #[test]
    fn a_decomposed_name_is_composed_and_unknown_figures_have_no_property() {
        let cell = Cell::at(LngLat::new(105.84, 21.59).unwrap(), Resolution::new(9).unwrap());
        let features = TileFeatures {
            cells: vec![CellFeature {
                cell,
                level: 2,
                visits: Some(20),
                people: None,
                cases: None,
                rate: Some(12.345),
                suppressed: true,
                from_parent: None,
                from_area: None,
            }],
            venues: vec![venue("a", 105.84, 1)],
            ..Default::default()
        };
        let coord = TileCoord::containing(cell.centre(), 14).unwrap();
        let bytes = features.encode(coord, UtcOffset::VIETNAM);
        assert_eq!(bytes, features.encode(coord, UtcOffset::VIETNAM));
        let reader = fast_mvt::MvtReaderRef::new(&bytes).unwrap();
        let tile = reader.to_tile().unwrap();
        let keys: Vec<&str> = tile.layers[0].features[0]
            .properties
            .iter()
            .map(|p| p.0.as_str())
            .collect();
        assert_eq!(keys, ["h3", "level", "visits", "rate", "suppressed"]);
        assert!(tile.layers[1].features[0].properties.contains(&(
            "name".to_owned(),
            fast_mvt::MvtValue::String("Ch\u{1ee3}".to_owned())
        )));
    }
}
