/// The deepest zoom whose ids fit: far beyond what anybody makes.
const MAX_ARCHIVE_ZOOM: u8 = 30;

/// A tile's number in an archive: all tiles of zoom 0, then of zoom 1 and so on, each zoom along the Hilbert
/// curve, so that neighbours on the ground are mostly neighbours in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileId(u64);

impl TileId {
    /// The number of z/x/y (XYZ scheme); none outside the pyramid or beyond zoom 30.
    #[must_use]
    pub fn of(z: u8, x: u32, y: u32) -> Option<Self> {
        if z > MAX_ARCHIVE_ZOOM || x >> z != 0 || y >> z != 0 {
            return None;
        }
        Some(Self(first_of_zoom(z) + along_curve(z, x, y)))
    }

    /// Its zoom, column and row.
    #[must_use]
    pub fn place(self) -> (u8, u32, u32) {
        let z = self.z();
        let (x, y) = on_curve(z, self.0 - first_of_zoom(z));
        (z, x, y)
    }

    /// Its zoom.
    #[must_use]
    pub fn z(self) -> u8 {
        // Ids of zoom z begin at (4^z - 1) / 3, so 3 id + 1 lies in 4^z..4^(z+1).
        (((u128::from(self.0) * 3 + 1).ilog2()) / 2) as u8
    }

    /// The four tiles below it, in the order of their numbers: the curve visits all below one tile before it
    /// goes on to the next.
    #[must_use]
    pub fn children(self) -> [Self; 4] {
        let z = self.z();
        let first = first_of_zoom(z + 1) + (self.0 - first_of_zoom(z)) * 4;
        [0, 1, 2, 3].map(|place| Self(first + place))
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    pub(super) const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

const fn first_of_zoom(z: u8) -> u64 {
    ((1_u64 << (2 * z as u32)) - 1) / 3
}

/// The curve at a zoom is four turned copies of the one above: from the top bit down, which quarter, then
/// turn what is left into that quarter's frame. Bits above the present one are not looked at again, so a
/// mirror image is a plain complement.
fn along_curve(z: u8, mut x: u32, mut y: u32) -> u64 {
    let mut index = 0;
    for bit in (0..z).rev() {
        let (east, south) = ((x >> bit) & 1, (y >> bit) & 1);
        index = (index << 2) | u64::from((3 * east) ^ south);
        if south == 0 {
            if east == 1 {
                (x, y) = (!x, !y);
            }
            (x, y) = (y, x);
        }
    }
    index
}

fn on_curve(z: u8, index: u64) -> (u32, u32) {
    let (mut x, mut y) = (0_u32, 0_u32);
    for bit in 0..z {
        let quarter = ((index >> (2 * bit)) & 3) as u32;
        let east = quarter >> 1;
        let south = (quarter ^ east) & 1;
        if south == 0 {
            if east == 1 {
                let last = (1_u32 << bit) - 1;
                (x, y) = (last - x, last - y);
            }
            (x, y) = (y, x);
        }
        x |= east << bit;
        y |= south << bit;
    }
    (x, y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_published_examples() {
        for (place, number) in [
            ((0, 0, 0), 0),
            ((1, 0, 0), 1),
            ((1, 0, 1), 2),
            ((1, 1, 1), 3),
            ((1, 1, 0), 4),
            ((2, 0, 0), 5),
            ((12, 3423, 1763), 19_078_479),
        ] {
            let (z, x, y) = place;
            let id = TileId::of(z, x, y).unwrap();
            assert_eq!((id.get(), id.place()), (number, place));
        }
        assert_eq!(TileId::of(3, 8, 0), None);
        assert_eq!(TileId::of(3, 0, 8), None);
        assert_eq!(TileId::of(31, 0, 0), None);
        let last = TileId::of(30, (1 << 30) - 1, 0).unwrap();
        assert_eq!(last.get(), first_of_zoom(31) - 1);
        assert_eq!(last.z(), 30);
    }

    #[test]
    fn the_curve_steps_to_a_neighbour_and_comes_back() {
        for z in 0..=6 {
            let mut before: Option<(u32, u32)> = None;
            for number in first_of_zoom(z)..first_of_zoom(z + 1) {
                let (zoom, x, y) = TileId::from_number(number).place();
                assert_eq!(zoom, z);
                assert_eq!(TileId::of(z, x, y).unwrap().get(), number);
                if let Some((px, py)) = before {
                    assert_eq!(px.abs_diff(x) + py.abs_diff(y), 1, "{z}/{x}/{y}");
                }
                before = Some((x, y));
            }
        }
    }

    #[test]
    fn children_lie_below_their_parent_in_order() {
        for number in [0, 3, 77, 4_321, 19_078_479] {
            let parent = TileId::from_number(number);
            let (z, x, y) = parent.place();
            let children = parent.children();
            assert!(children.is_sorted());
            for child in children {
                let (child_z, child_x, child_y) = child.place();
                assert_eq!((child_z, child_x >> 1, child_y >> 1), (z + 1, x, y));
            }
        }
    }
}
