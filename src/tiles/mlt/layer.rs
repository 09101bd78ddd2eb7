use crate::geo::{EXTENT, TilePoint, TilePolygon};
use crate::tiles::mlt::columns::Column;
use crate::tiles::mlt::streams::{
    GEOMETRY_LENGTHS, PART_LENGTHS, RING_LENGTHS, VALUES, VERTICES, put_numbers, put_steps,
};
use crate::tiles::wire::{put_text, put_varint, zigzag};
use crate::tiles::writer::{FeatureSink, Tag};

/// Writes one layer (a feature table) as `MapLibre` Tiles do: geometry types, counts and vertices each in a stream of
/// their own, and a column a property.
pub(super) struct MltLayer {
    name: &'static str,
    /// Geometry types, one a feature.
    types: Vec<u32>,
    /// Points or polygons in each feature of several.
    several: Vec<u32>,
    /// Rings in each polygon.
    parts: Vec<u32>,
    /// Vertices in each ring; it closes by itself.
    rings: Vec<u32>,
    /// From each vertex to the next, zigzag-coded, over all features.
    steps: Vec<[u32; 2]>,
    last: TilePoint,
    columns: Vec<Column>,
}

const TAG: u8 = 1;
const GEOMETRY_COLUMN: u8 = 4;

const POINT: u32 = 0;
const POLYGON: u32 = 2;
const MULTI_POINT: u32 = 3;
const MULTI_POLYGON: u32 = 5;

impl FeatureSink for MltLayer {
    fn polygons(&mut self, polygons: &[TilePolygon], tags: &[(&'static str, Tag)]) {
        match polygons {
            [] => return,
            [_] => self.begin(POLYGON, tags),
            _ => {
                self.begin(MULTI_POLYGON, tags);
                self.several.push(polygons.len() as u32);
            }
        }
        for polygon in polygons {
            self.parts.push(1 + polygon.holes.len() as u32);
            for ring in std::iter::once(&polygon.exterior).chain(&polygon.holes) {
                self.rings.push(ring.len() as u32);
                self.vertices(ring);
            }
        }
    }

    fn points(&mut self, points: &[TilePoint], tags: &[(&'static str, Tag)]) {
        match points {
            [] => return,
            [_] => self.begin(POINT, tags),
            _ => {
                self.begin(MULTI_POINT, tags);
                self.several.push(points.len() as u32);
            }
        }
        self.vertices(points);
    }
}

impl MltLayer {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            types: Vec::new(),
            several: Vec::new(),
            parts: Vec::new(),
            rings: Vec::new(),
            steps: Vec::new(),
            last: TilePoint::default(),
            columns: Vec::new(),
        }
    }

    /// Appends the layer; one without features is left out.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        let features = self.types.len();
        if features == 0 {
            return;
        }
        let mut body = Vec::with_capacity(256 + self.steps.len() * 3 + features * 24);
        body.push(TAG);
        put_text(&mut body, self.name);
        put_varint(&mut body, EXTENT.unsigned_abs());
        put_varint(&mut body, 1 + self.columns.len() as u32);
        body.push(GEOMETRY_COLUMN);
        for column in &mut self.columns {
            column.put_head(features, &mut body);
        }
        self.put_geometry(&mut body);
        for column in &self.columns {
            column.put_streams(&mut body);
        }
        put_varint(out, body.len() as u32);
        out.append(&mut body);
    }

    fn put_geometry(&self, out: &mut Vec<u8>) {
        let lengths = [
            (GEOMETRY_LENGTHS, &self.several),
            (PART_LENGTHS, &self.parts),
            (RING_LENGTHS, &self.rings),
        ];
        let lengths = lengths.iter().filter(|(_, values)| !values.is_empty());
        put_varint(out, 2 + lengths.clone().count() as u32);
        put_numbers(out, VALUES, &self.types);
        for (kind, values) in lengths {
            put_numbers(out, *kind, values);
        }
        put_steps(out, VERTICES, &self.steps);
    }

    fn begin(&mut self, geometry: u32, tags: &[(&'static str, Tag)]) {
        let feature = self.types.len();
        self.types.push(geometry);
        for (name, tag) in tags {
            let known = self.columns.iter().position(|column| column.name() == *name);
            let place = known.unwrap_or_else(|| {
                self.columns.push(Column::new(name, *tag));
                self.columns.len() - 1
            });
            self.columns[place].push(feature, *tag);
        }
    }

    fn vertices(&mut self, points: &[TilePoint]) {
        for at in points {
            self.steps
                .push([zigzag(at.x - self.last.x), zigzag(at.y - self.last.y)]);
            self.last = *at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: i32, y: i32, side: i32) -> Vec<TilePoint> {
        let at = |dx, dy| TilePoint { x: x + dx, y: y + dy };
        vec![at(0, 0), at(side, 0), at(side, side), at(0, side)]
    }

    #[test]
    fn a_layer_of_one_point_is_written_as_the_format_says() {
        let mut layer = MltLayer::new("v");
        layer.points(&[], &[("level", Tag::Int(4))]);
        layer.points(&[TilePoint { x: 5, y: -3 }], &[("level", Tag::Int(1))]);
        let mut out = Vec::new();
        layer.finish(&mut out);
        let head = [1, 1, b'v', 0x80, 0x20, 2, 4, 18, 5];
        let geometry = [2, VALUES, 2, 1, 1, 0, VERTICES, 0x42, 2, 2, 10, 5];
        let expected = [&head[..], b"level", &geometry, &[VALUES, 2, 1, 1, 1]].concat();
        assert_eq!(usize::from(out[0]), expected.len());
        assert_eq!(out[1..], expected);
        let mut nothing = Vec::new();
        MltLayer::new("v").finish(&mut nothing);
        assert!(nothing.is_empty());
    }

    #[test]
    fn counts_of_parts_rings_and_vertices_stand_each_in_its_stream() {
        let mut layer = MltLayer::new("a");
        let plain = |exterior| TilePolygon {
            exterior,
            holes: Vec::new(),
        };
        let holed = TilePolygon {
            exterior: square(0, 0, 9),
            holes: vec![square(1, 1, 2)[..3].to_vec()],
        };
        layer.polygons(std::slice::from_ref(&holed), &[]);
        layer.polygons(&[plain(square(20, 0, 1)), holed], &[]);
        assert_eq!(layer.types, [POLYGON, MULTI_POLYGON]);
        assert_eq!(layer.several, [2]);
        assert_eq!(layer.parts, [2, 1, 2]);
        assert_eq!(layer.rings, [4, 3, 4, 4, 3]);
        assert_eq!(layer.steps.len(), 18);
        assert_eq!(layer.steps[..5], [[0, 0], [18, 0], [0, 18], [17, 0], [2, 15]]);
    }
}
