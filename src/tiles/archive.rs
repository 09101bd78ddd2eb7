use std::io::{Seek, Write};

use bytes::Bytes;
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::archive::{
    ArchiveError, ArchiveFacts, ArchiveSummary, ArchiveWriter, Compression, TileId, TileType,
};
use crate::geo::{BBox, MAX_LATITUDE};
use crate::index::Snapshot;
use crate::model::{Timestamp, Window};
use crate::risk::{Audience, Rules};
use crate::tiles::pyramid::{Pyramid, coord_of};
use crate::tiles::{Coding, Kept, Layers, TileBody, TileFormat, TileRequest, encode_with, tile_json};

/// Tiles encoded at once, all of them in memory until they are written.
const CHUNK: usize = 256;
/// For outlines and figures that many tiles share.
const KEPT_BYTES: u64 = 64 << 20;

/// The public tiles of one instant, to be written into an archive. What stands in it is what the server answers
/// to everybody for the same layers, `at` and `window`, byte for byte.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TileArchive {
    /// Which layers.
    pub layers: Layers,
    /// The instant shown.
    pub at: Timestamp,
    /// The buckets summed.
    pub window: Window,
    /// First and last zoom, 0..=16.
    pub zooms: (u8, u8),
    /// Only tiles that touch this box.
    pub bbox: Option<BBox>,
}

impl TileArchive {
    /// The tiles that may hold something, in the order of the archive.
    #[must_use]
    pub fn occupied(&self, snapshot: &Snapshot) -> Vec<TileId> {
        let pyramid = Pyramid {
            layers: self.layers,
            at: self.at,
            zooms: self.zooms,
            bbox: self.bbox,
        };
        pyramid.occupied(snapshot)
    }

    /// Encodes those of `tiles` that are not empty and writes them; `done` is told after each piece how many
    /// have been looked at. CPU work on every core; in memory is one piece beside the archive's directory.
    ///
    /// # Errors
    /// [`ArchiveError`] when `out` cannot be written or no tile holds anything.
    pub fn write<W: Write + Seek>(
        &self,
        snapshot: &Snapshot,
        rules: &Rules,
        tiles: &[TileId],
        out: W,
        done: &mut dyn FnMut(usize),
    ) -> Result<(W, ArchiveSummary), ArchiveError> {
        let metadata = self.metadata(snapshot).to_string();
        let mut writer = ArchiveWriter::new(out, &self.facts(snapshot), metadata.as_bytes())?;
        let kept = Kept::new(KEPT_BYTES);
        for piece in tiles.chunks(CHUNK) {
            let bodies: Vec<Bytes> = piece
                .par_iter()
                .map(|id| self.body(&kept, snapshot, rules, *id))
                .collect();
            for (id, body) in piece.iter().zip(bodies) {
                if !body.is_empty() {
                    writer.add(*id, &body)?;
                }
            }
            done(piece.len());
        }
        writer.finish()
    }

    fn body(&self, kept: &Kept, snapshot: &Snapshot, rules: &Rules, id: TileId) -> Bytes {
        let Some(coord) = coord_of(id) else {
            return Bytes::new();
        };
        let request = TileRequest {
            layers: self.layers,
            format: TileFormat::Mvt,
            coord,
            resolution: None,
            at: Some(self.at),
            window_hours: self.window.hours(),
            audience: Audience::Public,
        };
        TileBody::new(encode_with(kept, snapshot, rules, &request)).bytes(Coding::Gzip)
    }

    fn facts(&self, snapshot: &Snapshot) -> ArchiveFacts {
        let [mut west, mut south, mut east, mut north] = tile_json(self.layers, "", snapshot).bounds;
        if let Some(bbox) = self.bbox.filter(|bbox| !bbox.crosses_antimeridian()) {
            west = west.max(bbox.min_lng).min(bbox.max_lng);
            east = east.min(bbox.max_lng).max(west);
            south = south.max(bbox.min_lat).min(bbox.max_lat);
            north = north.min(bbox.max_lat).max(south);
        }
        let [south, north] = [south, north].map(|lat| lat.clamp(-MAX_LATITUDE, MAX_LATITUDE));
        ArchiveFacts {
            tile_type: TileType::Mvt,
            tile_compression: Compression::Gzip,
            bounds: [west, south, east, north],
            center: [f64::midpoint(west, east), f64::midpoint(south, north)],
            center_zoom: (360.0 / (east - west).max(0.01)).log2().floor() as u8,
        }
    }

    /// What the archive says of itself: the layers as `TileJSON` has them, and the time shown. Nothing of when or
    /// where it was made, so that equal data is an equal file.
    fn metadata(&self, snapshot: &Snapshot) -> Value {
        let (min_zoom, max_zoom) = self.zooms;
        let noise = snapshot.releases().noise(self.at, self.window);
        let mut described = tile_json(self.layers, "", snapshot).with_noise(noise);
        for layer in &mut described.vector_layers {
            layer.minzoom = layer.minzoom.clamp(min_zoom, max_zoom);
            layer.maxzoom = max_zoom;
        }
        let time = |at: Timestamp| at.to_rfc3339(snapshot.offset());
        let mut metadata = json!({
            "name": described.name,
            "description": described.description,
            "version": described.version,
            "type": "overlay",
            "vector_layers": described.vector_layers,
            "vungxanh:at": time(self.at),
            "vungxanh:window": [time(self.window.from.start()), time(self.window.to.start())],
            "vungxanh:promote_id": described.promote_id,
        });
        if let Some(noise) = described.noise {
            metadata["vungxanh:noise"] = json!(noise);
        }
        metadata
    }
}
