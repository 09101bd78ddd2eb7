use mvt::{GeomData, GeomEncoder, GeomType, Layer, Tile};

use crate::geo::{EXTENT, TilePoint, TilePolygon};

/// The value of a property.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Tag<'a> {
    Int(u64),
    /// With a fraction; rounded by the caller to what it means.
    Number(f64),
    Bool(bool),
    /// NFC.
    Text(&'a str),
}

/// Takes the features of one layer, whatever its format. A feature of no polygons or points is left out.
pub(super) trait FeatureSink {
    /// One feature of some polygons.
    fn polygons(&mut self, polygons: &[TilePolygon], tags: &[(&'static str, Tag)]);

    /// One feature of some points.
    fn points(&mut self, points: &[TilePoint], tags: &[(&'static str, Tag)]);
}

/// Writes one layer through the `mvt` crate. The crate neither cuts nor checks: a ring without an
/// area or a point outside would make readers refuse the whole tile, so only `geo`'s clean shapes come here.
pub(super) struct LayerWriter {
    layer: Layer,
    features: usize,
}

impl LayerWriter {
    pub fn new(tile: &Tile, name: &str) -> Self {
        Self {
            layer: tile.create_layer(name),
            features: 0,
        }
    }

    /// Adds the layer; a layer without features is left out (MVT 2.1 §4.1).
    pub fn finish(self, tile: &mut Tile) {
        if self.features > 0 {
            tile.add_layer(self.layer)
                .expect("the tile made the layer, and each name is written once");
        }
    }

    fn feature(&mut self, geometry: Result<GeomData, mvt::Error>, tags: &[(&str, Tag)]) {
        let geometry = geometry.expect("whole numbers always encode");
        let mut feature = std::mem::take(&mut self.layer).into_feature(geometry);
        for (key, tag) in tags {
            match *tag {
                Tag::Int(value) => feature.add_tag_uint(key, value),
                Tag::Number(value) => feature.add_tag_double(key, value),
                Tag::Bool(value) => feature.add_tag_bool(key, value),
                Tag::Text(value) => feature.add_tag_string(key, value),
            }
        }
        self.layer = feature.into_layer();
        self.features += 1;
    }
}

impl FeatureSink for LayerWriter {
    fn polygons(&mut self, polygons: &[TilePolygon], tags: &[(&'static str, Tag)]) {
        if !polygons.is_empty() {
            self.feature(encoded_polygons(polygons), tags);
        }
    }

    fn points(&mut self, points: &[TilePoint], tags: &[(&'static str, Tag)]) {
        if !points.is_empty() {
            self.feature(encoded_points(points), tags);
        }
    }
}

/// An empty tile of our extent.
pub(super) fn new_tile() -> Tile {
    Tile::new(EXTENT.unsigned_abs())
}

/// The tile's bytes; none for a tile without layers.
pub(super) fn finished(tile: &Tile) -> Vec<u8> {
    if tile.num_layers() == 0 {
        return Vec::new();
    }
    tile.to_bytes().expect("writing to memory cannot fail")
}

fn encoded_polygons(polygons: &[TilePolygon]) -> Result<GeomData, mvt::Error> {
    let mut encoder = GeomEncoder::<i32>::new(GeomType::Polygon);
    let mut last = None;
    for ring in polygons
        .iter()
        .flat_map(|p| std::iter::once(&p.exterior).chain(&p.holes))
    {
        // The crate forgets the MoveTo of a ring that starts where the one before ended: start elsewhere.
        let skip = usize::from(last == Some(ring[0]));
        for at in 0..ring.len() {
            let point = ring[(at + skip) % ring.len()];
            encoder.add_point(point.x, point.y)?;
            last = Some(point);
        }
        encoder.complete_geom()?;
    }
    encoder.encode()
}

fn encoded_points(points: &[TilePoint]) -> Result<GeomData, mvt::Error> {
    let mut encoder = GeomEncoder::<i32>::new(GeomType::Point);
    for point in points {
        encoder.add_point(point.x, point.y)?;
    }
    encoder.encode()
}

#[cfg(test)]
mod tests {
    use fast_mvt::MvtReaderRef;

    use super::*;

    fn square(x: i32, y: i32, side: i32) -> Vec<TilePoint> {
        let at = |dx, dy| TilePoint { x: x + dx, y: y + dy };
        vec![at(0, 0), at(side, 0), at(side, side), at(0, side)]
    }

    #[test]
    fn a_ring_that_starts_where_the_last_one_ended_is_still_a_ring() {
        let mut second = square(0, 10, 10);
        second.rotate_left(0);
        let polygons = [square(0, 0, 10), second].map(|exterior| TilePolygon {
            exterior,
            holes: Vec::new(),
        });
        assert_eq!(polygons[0].exterior[3], polygons[1].exterior[0]);
        let mut tile = new_tile();
        let mut writer = LayerWriter::new(&tile, "areas");
        writer.polygons(&polygons, &[("level", Tag::Int(3))]);
        writer.finish(&mut tile);
        let bytes = finished(&tile);
        let read = MvtReaderRef::new(&bytes).unwrap().to_tile().unwrap();
        let ::geo::Geometry::MultiPolygon(parts) = &read.layers[0].features[0].geometry else {
            panic!("two squares");
        };
        assert_eq!(parts.0.len(), 2);
        assert!(parts.iter().all(|part| part.exterior().0.len() == 5));
    }

    #[test]
    fn a_layer_without_features_leaves_an_empty_tile() {
        let mut tile = new_tile();
        let mut writer = LayerWriter::new(&tile, "zones");
        writer.polygons(&[], &[]);
        writer.finish(&mut tile);
        assert!(finished(&tile).is_empty());
    }
}
