use crate::geo::{BBox, EXTENT, LngLat, TileCoord, WorldPoint};

/// A point of the Web Mercator square as the interleaved bits of its x (even) and y (odd), 32 bits each.
/// In a table sorted by it, the points of any tile are one slice.
pub(super) fn key(at: LngLat) -> u64 {
    let (x, y) = grid(WorldPoint::project(at));
    spread(x) | spread(y) << 1
}

/// A closed box on the 32-bit grid.
#[derive(Clone, Copy, Debug)]
pub(super) struct GridBox {
    min: (u32, u32),
    max: (u32, u32),
}

impl GridBox {
    /// The grid boxes of a box in degrees: two when it crosses the antimeridian.
    pub(super) fn of_bbox(bbox: &BBox) -> Vec<Self> {
        bbox.parts()
            .into_iter()
            .filter_map(|part| {
                let north_west = LngLat::new(part.min_lng, part.max_lat).ok()?;
                let south_east = LngLat::new(part.max_lng, part.min_lat).ok()?;
                Some(Self {
                    min: grid(WorldPoint::project(north_west)),
                    max: grid(WorldPoint::project(south_east)),
                })
            })
            .collect()
    }

    /// A tile grown by `buffer` units of 4096 on each side, cut at the north and the south of the world. Where it reaches
    /// over the antimeridian, what lies there is a second box.
    pub(super) fn of_tile(tile: TileCoord, buffer: i32) -> [Option<Self>; 2] {
        let size = 1_i64 << (32 - u32::from(tile.z()));
        let grow = size * i64::from(buffer) / i64::from(EXTENT);
        let clamp = |v: i64| v.clamp(0, i64::from(u32::MAX)) as u32;
        let (x, y) = (i64::from(tile.x()) * size, i64::from(tile.y()) * size);
        let (west, east) = (x - grow, x + size - 1 + grow);
        let between = |west: i64, east: i64| Self {
            min: (clamp(west), clamp(y - grow)),
            max: (clamp(east), clamp(y + size - 1 + grow)),
        };
        let around = i64::from(u32::MAX) + 1;
        let across = match tile.z() {
            // The world's own tile has everything already.
            0 => None,
            _ if west < 0 => Some(between(west + around, around - 1)),
            _ if east >= around => Some(between(0, east - around)),
            _ => None,
        };
        [Some(between(west, east)), across]
    }

    /// The keys of a tile: one span.
    pub(super) fn keys_of_tile(tile: TileCoord) -> (u64, u64) {
        let bits = 64 - 2 * u32::from(tile.z());
        let far = 1_u64.checked_shl(bits).map_or(u64::MAX, |span| span - 1);
        let shift = 32 - u32::from(tile.z());
        let corner = |v: u32| spread(v.checked_shl(shift).unwrap_or(0));
        let first = corner(tile.x()) | corner(tile.y()) << 1;
        (first, first | far)
    }

    fn meets(&self, min: (u32, u32), max: (u32, u32)) -> bool {
        min.0 <= self.max.0 && min.1 <= self.max.1 && max.0 >= self.min.0 && max.1 >= self.min.1
    }

    fn holds(&self, x: u32, y: u32) -> bool {
        x >= self.min.0 && x <= self.max.0 && y >= self.min.1 && y <= self.max.1
    }
}

/// Calls `visit` with every item of the sorted table whose point lies in the box, in Morton order.
/// Quadtree descent: a quadrant wholly inside is taken as a slice, one outside is skipped,
/// and small remainders are tested point by point.
pub(super) fn visit(table: &[(u64, u32)], within: GridBox, visit: &mut dyn FnMut(u32)) {
    let (Some(&(first, _)), Some(&(last, _))) = (table.first(), table.last()) else {
        return;
    };
    // The smallest quadrant that holds all: below it the table splits.
    let bits = (64 - (first ^ last).leading_zeros()).div_ceil(2);
    let far = if bits == 32 { u32::MAX } else { (1 << bits) - 1 };
    let (x, y) = (gather(first) & !far, gather(first >> 1) & !far);
    let (x_far, y_far) = (x + far, y + far);
    if !within.meets((x, y), (x_far, y_far)) {
        return;
    }
    if within.holds(x, y) && within.holds(x_far, y_far) {
        for &(_, item) in table {
            visit(item);
        }
        return;
    }
    if table.len() <= FEW || bits == 0 {
        for &(key, item) in table {
            if within.holds(gather(key), gather(key >> 1)) {
                visit(item);
            }
        }
        return;
    }
    let half = bits - 1;
    let is_asked = |quadrant: u32| {
        let (west, north) = (x + ((quadrant & 1) << half), y + ((quadrant >> 1) << half));
        let side = (1_u32 << half) - 1;
        within.meets((west, north), (west + side, north + side))
    };
    // Where a quadrant begins is looked for only if it is asked for, or the one before is.
    let mut rest = Some(table);
    for quadrant in 0..4 {
        if !is_asked(quadrant) {
            rest = None;
            continue;
        }
        let place = |quadrant: u64| move |&(key, _): &(u64, u32)| key >> (2 * half) & 3 < quadrant;
        let from_here = rest.unwrap_or_else(|| &table[table.partition_point(place(quadrant.into()))..]);
        let (own, after) = from_here.split_at(from_here.partition_point(place(u64::from(quadrant) + 1)));
        self::visit(own, within, visit);
        rest = Some(after);
    }
}

/// The items of the sorted table that stand in a tile.
pub(super) fn in_tile(table: &[(u64, u32)], tile: TileCoord) -> &[(u64, u32)] {
    let (first, last) = GridBox::keys_of_tile(tile);
    let from = table.partition_point(|item| item.0 < first);
    let to = from + table[from..].partition_point(|item| item.0 <= last);
    &table[from..to]
}

/// So many points are tested one by one.
const FEW: usize = 64;

fn grid(at: WorldPoint) -> (u32, u32) {
    let scale = |v: f64| (v.clamp(0.0, 1.0) * 4_294_967_296.0).min(4_294_967_295.0) as u32;
    (scale(at.x), scale(at.y))
}

fn spread(value: u32) -> u64 {
    let mut v = u64::from(value);
    v = (v | v << 16) & 0x0000_FFFF_0000_FFFF;
    v = (v | v << 8) & 0x00FF_00FF_00FF_00FF;
    v = (v | v << 4) & 0x0F0F_0F0F_0F0F_0F0F;
    v = (v | v << 2) & 0x3333_3333_3333_3333;
    (v | v << 1) & 0x5555_5555_5555_5555
}

fn gather(key: u64) -> u32 {
    let mut v = key & 0x5555_5555_5555_5555;
    v = (v | v >> 1) & 0x3333_3333_3333_3333;
    v = (v | v >> 2) & 0x0F0F_0F0F_0F0F_0F0F;
    v = (v | v >> 4) & 0x00FF_00FF_00FF_00FF;
    v = (v | v >> 8) & 0x0000_FFFF_0000_FFFF;
    (v | v >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_tile_is_one_slice() {
        let at = |n: u32| LngLat::new(f64::from(n % 360) - 179.9, f64::from(n % 160) - 79.5).unwrap();
        let mut table: Vec<(u64, u32)> = (0..2000).map(|n| (key(at(n)), n)).collect();
        table.sort_unstable();
        for (zoom, n) in (0..16).cycle().zip(0..200) {
            let tile = TileCoord::containing(at(n * 7), zoom).unwrap();
            let mut found = Vec::new();
            let [own, across] = GridBox::of_tile(tile, 0);
            assert!(across.is_none());
            visit(&table, own.unwrap(), &mut |n| found.push((key(at(n)), n)));
            assert_eq!(in_tile(&table, tile), found, "{tile}");
        }
    }

    #[test]
    fn interleaving_goes_there_and_back() {
        for (x, y) in [(0, 0), (u32::MAX, 0), (0, u32::MAX), (0x1234_5678, 0x9abc_def0)] {
            let key = spread(x) | spread(y) << 1;
            assert_eq!((gather(key), gather(key >> 1)), (x, y));
        }
    }
}
