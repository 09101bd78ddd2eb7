use crate::geo::{TileCoord, point_to_tile};
use crate::model::VenueKind;
use crate::tiles::features::nfc;
use crate::tiles::mvt_layer::{FEATURE, GEOMETRY, GEOMETRY_TYPE, POINT, TAGS, Values, put_layer};
use crate::tiles::room;
use crate::tiles::wire::{MOVE_TO, Scratch, put_bytes, zigzag};
use crate::tiles::{LayerKind, VenueFeature};

/// The keys of the layer, in the order of their numbers.
const KEYS: [&str; 7] = ["id", "name", "kind", "level", "status", "exposure", "assessed_by"];
const ID: u8 = 0;
const NAME: u8 = 1;
const KIND: u8 = 2;
const LEVEL: u8 = 3;
const STATUS: u8 = 4;
const EXPOSURE: u8 = 5;
const ASSESSED_BY: u8 = 6;

/// Appends the layer `venues` of a tile; nothing when no venue shows. Written by hand, because most tiles are mostly
/// venues and the `mvt` crate looks each value of each of them up by its text. What it writes decodes to what that crate
/// would have written.
pub(super) fn encode_venues(out: &mut Vec<u8>, coord: TileCoord, venues: &[VenueFeature]) {
    if venues.is_empty() {
        return;
    }
    let mut values = Values::new(venues.len());
    let mut kinds = [None; VenueKind::ALL.len()];
    let mut features = room::take(venues.len() * 32);
    let mut scratch = Scratch::new();
    for venue in venues {
        scratch.clear();
        scratch.push(GEOMETRY);
        let length = scratch.len();
        scratch.push(0);
        let command = scratch.len();
        scratch.push(0);
        let (mut x, mut y, mut points) = (0, 0, 0);
        // Two where the tile is so wide that a point is in it and in its buffer beyond the antimeridian.
        for point in point_to_tile(venue.world, coord) {
            scratch.varint(zigzag(point.x - x));
            scratch.varint(zigzag(point.y - y));
            (x, y) = (point.x, point.y);
            points += 1;
        }
        if points == 0 {
            continue;
        }
        scratch.set(command, MOVE_TO | points << 3);
        scratch.set(length, (scratch.len() - command) as u8);

        scratch.push(GEOMETRY_TYPE);
        scratch.push(POINT);
        scratch.push(TAGS);
        // Seven properties of at most six bytes each: the length fits one byte.
        let length = scratch.len();
        scratch.push(0);
        let mut tag = |key: u8, value: u32| {
            scratch.push(key);
            scratch.varint(value);
        };
        tag(ID, values.unique(venue.id));
        tag(NAME, values.text(nfc(venue.name)));
        let kind = &mut kinds[venue.kind as usize];
        tag(
            KIND,
            *kind.get_or_insert_with(|| values.unique(venue.kind.as_str())),
        );
        tag(LEVEL, values.int(venue.level.into()));
        tag(STATUS, values.word(venue.status));
        if let Some(minutes) = venue.exposure {
            tag(EXPOSURE, values.int(minutes));
        }
        if let Some(by) = venue.assessed_by {
            tag(ASSESSED_BY, values.word(by));
        }
        scratch.set(length, (scratch.len() - length - 1) as u8);
        put_bytes(&mut features, FEATURE, scratch.bytes());
    }
    put_layer(out, LayerKind::Venues.as_str(), &KEYS, features, values);
}

#[cfg(test)]
mod tests {
    use fast_mvt::MvtReaderRef;

    use super::*;
    use crate::geo::{LngLat, WorldPoint};
    use crate::tiles::writer::{LayerWriter, finished, new_tile};

    /// Its features as a reader of the format sees them, keys without a meaning of their order.
    fn features(bytes: &[u8]) -> Vec<String> {
        let tile = MvtReaderRef::new(bytes).unwrap().to_tile().unwrap();
        let layer = tile.layers.iter().find(|layer| layer.name == "venues");
        layer.map_or_else(Vec::new, |layer| {
            let features = layer.features.iter();
            features
                .map(|one| format!("{:?} {:?}", one.geometry, one.properties))
                .collect()
        })
    }

    #[test]
    fn it_decodes_to_what_the_mvt_crate_writes() {
        let ids: Vec<String> = (0..600).map(|nth| format!("venue-{nth}")).collect();
        let at =
            |lng: f64, nth: usize| WorldPoint::project(LngLat::new(lng, 21.59 + nth as f64 / 3e4).unwrap());
        let names: Vec<String> = (0..40)
            .map(|nth| format!("Cho\u{31b}\u{323} Thái Nguyên {nth}"))
            .collect();
        for (zoom, lng) in [
            (0, 179.99),
            (0, 105.0),
            (7, 105.8),
            (12, 105.84),
            (16, 105.84),
            (9, -179.999),
        ] {
            let venues: Vec<VenueFeature> = (0..600)
                .map(|nth| VenueFeature {
                    id: &ids[nth],
                    name: &names[nth * 7 % 40],
                    kind: VenueKind::ALL[nth % VenueKind::ALL.len()],
                    world: at(lng, nth),
                    level: (nth % 5) as u8,
                    status: ["safe", "has_risk", "unsafe", "not_assessed"][nth % 4],
                    exposure: (nth % 3 == 0).then_some(nth as u32 * 17),
                    assessed_by: [None, Some("self"), Some("inspector")][nth % 3],
                })
                .collect();
            let coord = TileCoord::containing(venues[0].world.unproject(), zoom).unwrap();
            let mut tile = new_tile();
            let mut layer = LayerWriter::new(&tile, "venues");
            for venue in &venues {
                venue.write(coord, &mut layer);
            }
            layer.finish(&mut tile);
            let theirs = features(&finished(&tile));
            assert!(!theirs.is_empty(), "{coord}");
            let mut ours = Vec::new();
            encode_venues(&mut ours, coord, &venues);
            assert_eq!(features(&ours), theirs, "{coord}");
        }
    }

    #[test]
    fn without_a_venue_there_is_no_layer() {
        let mut out = Vec::new();
        encode_venues(&mut out, TileCoord::new(0, 0, 0).unwrap(), &[]);
        assert!(out.is_empty());
    }
}
