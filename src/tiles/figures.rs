use std::sync::Arc;

use moka::sync::Cache;

use crate::geo::{BBox, Cell, Resolution};
use crate::index::{Buckets, PublicFigure, ReleaseIndex, Snapshot};
use crate::tiles::CellFeature;
use crate::tiles::encode::{Asked, public_cell};

/// Public figures of runs of neighbouring cells, added up over the buckets of a question. Releases never change, so
/// every tile, and every instant that the same closed buckets answer, takes them from here.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    cache: Cache<RunKey, Arc<[PublicFigure]>, rustc_hash::FxBuildHasher>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct RunKey {
    releases: u64,
    resolution: Resolution,
    run: u32,
    buckets: Buckets,
}

/// Cells in a run.
const RUN: usize = 1024;
/// Coarser cells are sums of these: few, and added up each time.
const TOP: u8 = 5;

impl Figures {
    pub fn new(capacity_bytes: u64) -> Self {
        let weigh = |_key: &RunKey, figures: &Arc<[PublicFigure]>| -> u32 {
            u32::try_from(size_of_val::<[PublicFigure]>(figures) + 128).unwrap_or(u32::MAX)
        };
        Self {
            cache: Cache::builder()
                .max_capacity(capacity_bytes)
                .weigher(weigh)
                .build_with_hasher(rustc_hash::FxBuildHasher),
        }
    }

    /// The public cells of a resolution that touch the box, ascending.
    pub fn public_cells(
        &self,
        snapshot: &Snapshot,
        asked: &Asked,
        within: &BBox,
        resolution: Resolution,
    ) -> Vec<CellFeature> {
        let releases = snapshot.releases();
        if resolution.get() < TOP {
            let cells = releases.public_cells_in(within, resolution, asked.at, asked.window);
            return cells
                .iter()
                .map(|(cell, figure)| public_cell(*cell, figure))
                .collect();
        }
        let listed = releases.listed(resolution);
        let buckets = releases.buckets(asked.at, asked.window);
        let places = releases.listed_in(within, resolution);
        let mut features = Vec::with_capacity(places.len());
        for of_run in places.chunk_by(|a, b| a / RUN == b / RUN) {
            let run = of_run[0] / RUN;
            let key = RunKey {
                releases: snapshot.versions().releases,
                resolution,
                run: run as u32,
                buckets,
            };
            let cells = &listed[run * RUN..listed.len().min((run + 1) * RUN)];
            let figures = self.of_run(key, releases, cells, asked);
            let shown = of_run.iter().filter_map(|place| {
                let at = place % RUN;
                figures[at]
                    .says_something()
                    .then(|| public_cell(cells[at], &figures[at]))
            });
            features.extend(shown);
        }
        features
    }

    fn of_run(
        &self,
        key: RunKey,
        releases: &ReleaseIndex,
        cells: &[Cell],
        asked: &Asked,
    ) -> Arc<[PublicFigure]> {
        self.cache
            .get_with(key, || releases.figures(cells, asked.at, asked.window).into())
    }
}
