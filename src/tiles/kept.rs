use crate::index::Snapshot;
use crate::risk::AreaRuleBook;
use crate::tiles::area_levels::{AreaLevels, LevelsThen};
use crate::tiles::encode::Asked;
use crate::tiles::figures::Figures;
use crate::tiles::hexagons::HexBlocks;
use crate::tiles::outlines::Outlines;
use crate::tiles::overview::Overview;

/// What is kept from tile to tile, each within its share of memory: outlines simplified and cut, hexagons on the
/// grid of a zoom, public figures added up, the venues of overviews, and exact levels of areas. Of the snapshots of one
/// publisher: they are told apart by their generations.
#[derive(Clone, Debug)]
pub struct Kept {
    pub(super) outlines: Outlines,
    pub(super) hexagons: HexBlocks,
    pub(super) figures: Figures,
    pub(super) overview: Overview,
    levels: AreaLevels,
}

impl Kept {
    /// All within about so many bytes; levels of areas beside.
    #[must_use]
    pub fn new(capacity_bytes: u64) -> Self {
        let third = capacity_bytes / 3;
        Self {
            outlines: Outlines::new(third),
            hexagons: HexBlocks::new(third),
            figures: Figures::new(third),
            overview: Overview::default(),
            levels: AreaLevels::new(),
        }
    }

    /// The levels of areas that an audience is shown beside released ones.
    pub(super) fn area_levels(&self, snapshot: &Snapshot, rules: &AreaRuleBook, asked: &Asked) -> LevelsThen {
        self.levels.of(snapshot, rules, asked)
    }
}
