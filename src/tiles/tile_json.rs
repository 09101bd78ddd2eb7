use std::collections::BTreeMap;

use serde::Serialize;

use crate::geo::{BBox, Cell, MAX_ZOOM, Resolution, finest_for_zoom};
use crate::index::{Edition, Noise, Snapshot};
use crate::model::{Day, Timestamp, UtcOffset, Window};
use crate::risk::{NoiseNotice, NoiseRules};
use crate::tiles::encode::LIVE_WINDOW_HOURS;
use crate::tiles::features::{ALL_VENUES_ZOOM, AREA_LABELS, EVERY_LEVEL_ZOOM};
use crate::tiles::{LayerKind, Layers, TileFormat};

/// A `TileJSON` 3.0.0 document. Serialises with the specification's names; what the specification does
/// not know has the prefix `vungxanh:`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TileJson {
    /// Version of the specification.
    pub tilejson: &'static str,
    /// Shown in lists.
    pub name: String,
    /// What the figures are.
    pub description: &'static str,
    /// Version of these layers: a minor step when fields change.
    pub version: &'static str,
    /// Rows grow south.
    pub scheme: &'static str,
    /// One absolute address with `{z}/{x}/{y}`.
    pub tiles: Vec<String>,
    /// `mlt` where the tiles are `MapLibre` Tiles, which is what `MapLibre GL JS` reads here; absent for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<&'static str>,
    /// First zoom with anything in it.
    pub minzoom: u8,
    /// Last zoom served.
    pub maxzoom: u8,
    /// `min_lng, min_lat, max_lng, max_lat`, degrees.
    pub bounds: [f64; 4],
    /// `lng, lat, zoom` to begin with.
    pub center: [f64; 3],
    /// The layers and their fields.
    pub vector_layers: Vec<VectorLayer>,
    /// When the figures were last brought up to date, RFC 3339.
    #[serde(rename = "vungxanh:as_of")]
    pub as_of: String,
    /// The first and last instant that `?at=` answers for, RFC 3339.
    #[serde(rename = "vungxanh:time_extent")]
    pub time_extent: [String; 2],
    /// Which snapshot this describes.
    #[serde(rename = "vungxanh:generation")]
    pub generation: u64,
    /// The present edition of what is published of cells, where they are the only layer.
    #[serde(rename = "vungxanh:release", skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The address of its tiles, which never change.
    #[serde(rename = "vungxanh:release_tiles", skip_serializing_if = "Option::is_none")]
    pub release_tiles: Option<String>,
    /// The noise in released figures of cells, where they have any.
    #[serde(rename = "vungxanh:noise", skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseNotice>,
    /// Which property identifies a feature of each layer (`promoteId`).
    #[serde(rename = "vungxanh:promote_id")]
    pub promote_id: BTreeMap<&'static str, &'static str>,
}

/// One layer of the tiles.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VectorLayer {
    /// Name inside the tile.
    pub id: &'static str,
    /// What it shows.
    pub description: &'static str,
    /// First zoom with the layer.
    pub minzoom: u8,
    /// Last zoom served.
    pub maxzoom: u8,
    /// Property → what it says.
    pub fields: BTreeMap<&'static str, &'static str>,
}

/// What a document says about the present state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TileJsonFacts {
    /// Where there is something to see; the world when unknown.
    pub bounds: BBox,
    /// What tiles may show, the widest published cell included.
    pub reach: BBox,
    /// When the figures were last brought up to date.
    pub as_of: Timestamp,
    /// The first instant with figures.
    pub first: Timestamp,
    /// How instants are written.
    pub offset: UtcOffset,
    /// Which snapshot.
    pub generation: u64,
}

impl TileJson {
    /// Describes `layers` as served under `base`, the public address without a slash at its end.
    #[must_use]
    pub fn new(layers: Layers, base: &str, facts: &TileJsonFacts) -> Self {
        let vector_layers: Vec<VectorLayer> = layers.iter().flat_map(described).collect();
        let BBox { min_lat, max_lat, .. } = facts.bounds;
        let (left, right) = sides(&facts.bounds);
        let reach = sides(&facts.reach);
        let span = (right - left).max(0.01);
        let zoom = (360.0 / span).log2().floor().clamp(0.0, 14.0);
        Self {
            tilejson: "3.0.0",
            name: "Vùng Xanh".to_owned(),
            description: "Bản đồ địa điểm an toàn: số liệu đã công bố. Safe-venue map: released figures.",
            version: "1.1.0",
            scheme: "xyz",
            tiles: vec![format!(
                "{}/tiles/{layers}/{{z}}/{{x}}/{{y}}",
                base.trim_end_matches('/')
            )],
            encoding: None,
            minzoom: vector_layers.iter().map(|layer| layer.minzoom).min().unwrap_or(0),
            maxzoom: MAX_ZOOM,
            bounds: [reach.0, facts.reach.min_lat, reach.1, facts.reach.max_lat],
            center: [f64::midpoint(left, right), f64::midpoint(min_lat, max_lat), zoom],
            promote_id: vector_layers
                .iter()
                .map(|layer| (layer.id, promoted(layer.id)))
                .collect(),
            vector_layers,
            as_of: facts.as_of.to_rfc3339(facts.offset),
            time_extent: [facts.first, facts.as_of].map(|at| at.to_rfc3339(facts.offset)),
            generation: facts.generation,
            release: None,
            release_tiles: None,
            noise: None,
        }
    }

    /// The same with the noise in what it says of cells.
    #[must_use]
    pub fn with_noise(mut self, noise: Option<Noise>) -> Self {
        let has_cells = self
            .vector_layers
            .iter()
            .any(|layer| layer.id == LayerKind::Cells.as_str());
        self.noise = noise.filter(|_| has_cells).map(noise_notice);
        self
    }

    /// The same with the name of an edition and the address of its tiles.
    #[must_use]
    pub fn with_release(mut self, base: &str, name: String) -> Self {
        let base = base.trim_end_matches('/');
        self.release_tiles = Some(format!("{base}/tiles/cells/@{name}/{{z}}/{{x}}/{{y}}"));
        self.release = Some(name);
        self
    }

    /// The same for tiles whose addresses name a format.
    #[must_use]
    pub fn with_format(mut self, format: TileFormat) -> Self {
        let ending = format.endings()[0];
        for address in self.tiles.iter_mut().chain(&mut self.release_tiles) {
            address.push_str(ending);
        }
        self.encoding = (format == TileFormat::Mlt).then_some("mlt");
        self
    }

    /// The same for tiles of another time or filter: `query` (`at=…&window=…`, percent-encoded, without
    /// a question mark) is put behind the address.
    #[must_use]
    pub fn with_query(mut self, query: &str) -> Self {
        if !query.is_empty() {
            self.tiles
                .iter_mut()
                .for_each(|tile| *tile = format!("{tile}?{query}"));
        }
        self
    }

    /// The same for cells of one resolution on every zoom: it begins at the first that may be asked for them.
    #[must_use]
    pub fn with_resolution(mut self, resolution: Resolution) -> Self {
        let first = (0..=MAX_ZOOM).find(|zoom| finest_for_zoom(*zoom) >= resolution);
        let first = first.unwrap_or(MAX_ZOOM);
        for layer in &mut self.vector_layers {
            layer.minzoom = layer.minzoom.max(first);
        }
        self.minzoom = self.minzoom.max(first);
        self
    }
}

/// Describes `layers` of a snapshot as served under `base`, the public address without a slash at its end.
#[must_use]
pub fn tile_json(layers: Layers, base: &str, snapshot: &Snapshot) -> TileJson {
    let as_of = snapshot.as_of();
    let (days, weeks) = snapshot.releases().extent();
    let first = [days, weeks]
        .into_iter()
        .flatten()
        .map(|window| window.from.start())
        .min();
    let edition = snapshot.releases().edition(as_of);
    let places = bounds(snapshot);
    let described = TileJson::new(
        layers,
        base,
        &TileJsonFacts {
            bounds: places.unwrap_or(BBox::WORLD),
            reach: places.map_or(BBox::WORLD, |places| reach(snapshot, places)),
            as_of,
            first: first.map_or(as_of, |first| first.min(as_of)),
            offset: snapshot.offset(),
            generation: snapshot.generation(),
        },
    );
    let live = Window::ending(as_of, LIVE_WINDOW_HOURS);
    let described = described.with_noise(snapshot.releases().noise(as_of, live));
    match edition {
        Some(edition) if layers == Layers::one(LayerKind::Cells) => {
            described.with_release(base, edition_name(&edition, snapshot.offset()))
        }
        _ => described,
    }
}

/// What readers are told of figures that were released with noise.
#[must_use]
pub fn noise_notice(noise: Noise) -> NoiseNotice {
    let Noise { epsilon, most_visits } = noise;
    NoiseRules { epsilon, most_visits }.notice()
}

/// The name of an edition: the local day on which its last bucket closed, and its content.
#[must_use]
pub fn edition_name(edition: &Edition, offset: UtcOffset) -> String {
    format!("{}-{:016x}", Day::of(edition.closed, offset), edition.content)
}

/// The instant of the edition of that name, if that is what is published now; an edition that was corrected is gone.
#[must_use]
pub fn find_edition(name: &str, snapshot: &Snapshot) -> Option<Timestamp> {
    let (day, _content) = name.split_at_checked("2021-05-07".len())?;
    let at = Day::parse(day).ok()?.first_hour(snapshot.offset()).start();
    let edition = snapshot.releases().edition(at)?;
    (at == edition.closed && edition_name(&edition, snapshot.offset()) == name).then_some(at)
}

/// West and east. A box across the antimeridian has no place in `bounds`, which wants left below right.
fn sides(bbox: &BBox) -> (f64, f64) {
    if bbox.crosses_antimeridian() {
        (-180.0, 180.0)
    } else {
        (bbox.min_lng, bbox.max_lng)
    }
}

fn joined(a: BBox, b: BBox) -> BBox {
    BBox {
        min_lng: a.min_lng.min(b.min_lng),
        min_lat: a.min_lat.min(b.min_lat),
        max_lng: a.max_lng.max(b.max_lng),
        max_lat: a.max_lat.max(b.max_lat),
    }
}

/// Around the places and the widest cells that are published: a map asks for no tile outside.
fn reach(snapshot: &Snapshot, places: BBox) -> BBox {
    let resolution = |number| Resolution::new(number).expect("3 and 5 are resolutions");
    let (widest, listed) = (resolution(3), snapshot.releases().listed(resolution(5)));
    let mut cells: Vec<Cell> = listed.iter().filter_map(|cell| cell.parent(widest)).collect();
    cells.dedup();
    cells
        .into_iter()
        .flat_map(Cell::boundary)
        .map(BBox::of_point)
        .fold(places, joined)
}

/// Around every area; where there is none, around every venue.
fn bounds(snapshot: &Snapshot) -> Option<BBox> {
    let areas = snapshot
        .areas()
        .entries()
        .iter()
        .map(|entry| entry.bbox)
        .reduce(joined);
    areas.or_else(|| {
        let venues = snapshot.venues().iter().map(|entry| entry.venue.at);
        venues.map(BBox::of_point).reduce(joined)
    })
}

fn promoted(layer: &str) -> &'static str {
    match layer {
        "cells" => "h3",
        "areas" | AREA_LABELS => "code",
        _ => "id",
    }
}

const LEVEL: (&str, &str) = (
    "level",
    "Number: 0 not assessed (chưa đánh giá), 1 green (xanh), 2 yellow (vàng), 3 orange (cam), 4 red (đỏ)",
);
const RATE: (&str, &str) = (
    "rate",
    "Number: cases of seven days per 100,000 residents; absent when unknown or hidden",
);
const CODE: (&str, &str) = ("code", "String: official code of the unit");
const NAME: (&str, &str) = ("name", "String: display name (NFC)");
const TIER: (&str, &str) = ("level_name", "String: country, province, district or commune");

fn described(kind: LayerKind) -> Vec<VectorLayer> {
    let layer = |id, description, fields: &[(&'static str, &'static str)]| VectorLayer {
        id,
        description,
        minzoom: kind.min_zoom(),
        maxzoom: MAX_ZOOM,
        fields: fields.iter().copied().collect(),
    };
    match kind {
        LayerKind::Areas => vec![
            layer(
                "areas",
                "Đơn vị hành chính. Administrative units: provinces to zoom 7, districts 6 to 11, communes from 10, \
                 each tier going on where the next one is missing.",
                &[
                    CODE,
                    NAME,
                    TIER,
                    LEVEL,
                    RATE,
                    (
                        "cases",
                        "Number: released cases of the window; absent when hidden",
                    ),
                    ("approximate", "Boolean: the outline is approximate"),
                ],
            ),
            layer(
                AREA_LABELS,
                "Tên đơn vị hành chính. One point a unit, for its name.",
                &[CODE, NAME, TIER, LEVEL],
            ),
        ],
        LayerKind::Cells => vec![layer(
            "cells",
            "Ô lục giác H3. H3 cells of 16 to 64 pixels; beyond zoom 13 those of resolution 9.",
            &[
                ("h3", "String: H3 index, 15 hexadecimal digits"),
                LEVEL,
                ("visits", "Number: visits of the window; absent when hidden"),
                (
                    "people",
                    "Number: distinct people per day, summed over the window; absent when hidden",
                ),
                ("cases", "Number: cases of the window; absent when hidden"),
                RATE,
                (
                    "suppressed",
                    "Boolean: present and true when a small figure is hidden",
                ),
                (
                    "from_parent",
                    "String: the larger cell whose level stands here; absent for an own level",
                ),
                (
                    "from_area",
                    "String: code of the area whose level stands here, where no larger cell has one either",
                ),
            ],
        )],
        LayerKind::Zones => vec![layer(
            "zones",
            "Vùng phong toả, cách ly, theo dõi. Zones in force.",
            &[
                ("id", "String: id of the zone"),
                NAME,
                ("kind", "String: lockdown, quarantine or watch"),
                ("state", "String: draft, published or lifted"),
                ("starts_at", "String: start, RFC 3339"),
                ("planned_end", "String: planned end, RFC 3339; absent when open"),
            ],
        )],
        LayerKind::Venues => {
            const {
                assert!(
                    ALL_VENUES_ZOOM == 14 && EVERY_LEVEL_ZOOM == 11,
                    "the text below says so"
                );
            };
            vec![layer(
                "venues",
                "Địa điểm. Venues; below zoom 11 only those of level 3 and 4, and below zoom 14 the one of the worst \
                 level in each square of 8 pixels. Với `at` trước giờ hiện tại: chưa đánh giá. With `at` before the present \
                 hour all are of level 0, not assessed, without exposure.",
                &[
                    ("id", "String: id of the venue"),
                    NAME,
                    ("kind", "String: kind of place, such as market"),
                    LEVEL,
                    ("status", "String: safe, has_risk, unsafe or not_assessed"),
                    (
                        "exposure",
                        "Number: exposure minutes from approved marks; absent when none",
                    ),
                    (
                        "assessed_by",
                        "String: self or inspector; absent when never assessed",
                    ),
                ],
            )]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(bounds: BBox) -> TileJsonFacts {
        TileJsonFacts {
            bounds,
            reach: bounds,
            as_of: Timestamp(1_620_349_200),
            first: Timestamp(1_618_500_000),
            offset: UtcOffset::VIETNAM,
            generation: 7,
        }
    }

    #[test]
    fn addresses_are_absolute_and_carry_the_query() {
        let layers = Layers::parse("venues,cells").unwrap();
        let json =
            TileJson::new(layers, "https://map.example/", &facts(BBox::WORLD)).with_query("window=P14D");
        assert_eq!(
            json.tiles,
            ["https://map.example/tiles/cells,venues/{z}/{x}/{y}?window=P14D"]
        );
        assert_eq!(json.minzoom, 0);
        let venues = TileJson::new(
            Layers::one(LayerKind::Venues),
            "https://map.example",
            &facts(BBox::WORLD),
        );
        assert_eq!(venues.minzoom, 7);
    }

    #[test]
    fn cells_of_one_resolution_begin_at_the_first_zoom_that_may_be_asked_for_them() {
        let first = |resolution: u8| {
            let json = TileJson::new(Layers::all(), "", &facts(BBox::WORLD))
                .with_resolution(Resolution::new(resolution).unwrap());
            let zooms: Vec<u8> = json.vector_layers.iter().map(|layer| layer.minzoom).collect();
            assert!(zooms.contains(&json.minzoom));
            json.minzoom
        };
        assert_eq!([0, 1, 2, 5, 8, 9].map(first), [0, 0, 1, 5, 9, 11]);
    }

    #[test]
    fn bounds_across_the_antimeridian_are_widened() {
        let fiji = BBox {
            min_lng: 177.0,
            min_lat: -20.0,
            max_lng: -178.0,
            max_lat: -12.0,
        };
        let json = TileJson::new(Layers::all(), "https://map.example", &facts(fiji));
        assert_eq!(json.bounds, [-180.0, -20.0, 180.0, -12.0]);
    }
}
