use rstar::{
    AABB, RTree,
    primitives::{GeomWithData, Rectangle},
};

use crate::geo::{BBox, LngLat};

/// The boxes of a list of shapes, in an R-tree: whose box holds a point, whose touches another box.
#[derive(Debug, Default)]
pub(super) struct BoxTree(RTree<GeomWithData<Rectangle<[f64; 2]>, u32>>);

impl BoxTree {
    /// Boxes in the order of the list they belong to.
    pub(super) fn new<'a>(boxes: impl Iterator<Item = &'a BBox>) -> Self {
        let numbered = (0_u32..).zip(boxes);
        Self(RTree::bulk_load(
            numbered
                .map(|(at, bbox)| {
                    let (low, high) = ([bbox.min_lng, bbox.min_lat], [bbox.max_lng, bbox.max_lat]);
                    GeomWithData::new(Rectangle::from_corners(low, high), at)
                })
                .collect(),
        ))
    }

    /// Places in the list whose box holds the point, in no order.
    pub(super) fn at(&self, point: LngLat) -> impl Iterator<Item = usize> {
        self.0
            .locate_in_envelope_intersecting(AABB::from_point([point.lng(), point.lat()]))
            .map(|item| item.data as usize)
    }

    /// Places in the list whose box touches the given one, ascending.
    pub(super) fn touching(&self, bbox: &BBox) -> Vec<usize> {
        let mut found: Vec<usize> = bbox
            .parts()
            .iter()
            .flat_map(|part| {
                let (low, high) = ([part.min_lng, part.min_lat], [part.max_lng, part.max_lat]);
                self.0
                    .locate_in_envelope_intersecting(AABB::from_corners(low, high))
            })
            .map(|item| item.data as usize)
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}
