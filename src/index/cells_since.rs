use crate::geo::{BBox, Cell, Resolution, SHARD_RESOLUTION};
use crate::index::Snapshot;
use crate::index::roster::CellBox;
use crate::index::shard::Turn;
use crate::model::Window;

/// What exact figures of cells are asked over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spans {
    /// The buckets summed.
    pub window: Window,
    /// Those whose cases make the rate.
    pub week: Window,
}

impl Snapshot {
    /// Whether the exact figures of the cells of a resolution (0..=9) that touch a box may be others than those that
    /// generation `generation` of the same run gave over `then`. It may say yes for nothing, never no for something:
    /// what is fresh is known by cell, and by hour for each shard; what an hour that went by took and brought is compared.
    #[must_use]
    pub fn cells_may_differ(
        &self,
        within: &BBox,
        resolution: Resolution,
        generation: u64,
        then: Spans,
        now: Spans,
    ) -> bool {
        if self.cells_rebuilt > generation {
            return true;
        }
        let parts = within.parts();
        let turn = (then != now).then(|| Turn::new(then, now));
        // Of an hour that has gone out too: what came late into it was not in the figures of then, and is in the sums that
        // are compared with what an hour brought.
        let spans = [now.window, now.week, then.window, then.week];
        if resolution >= SHARD_RESOLUTION {
            return self.shards.iter().any(|(_, shard)| {
                shard.has_changed(&parts, resolution, &spans, generation, &self.waiting_cells)
                    || turn.is_some_and(|turn| shard.turns(&parts, resolution, turn, &self.waiting_cells))
            });
        }
        let waiting = &self.waiting_cells;
        let waits = |id: &Cell| waiting.below(*id).since(generation, &spans).next().is_some();
        let changed = self.shards.iter().filter(|(id, shard)| {
            shard.changed().since(generation, &spans) || (waiting.any_since(generation) && waits(id))
        });
        let mut above = changed.filter_map(|(id, _)| id.parent(resolution));
        if above.any(|cell| parts.iter().any(|part| CellBox::of(cell).touches(part))) {
            return true;
        }
        let roster = &self.above[usize::from(resolution.get())];
        turn.is_some_and(|turn| {
            let mut cells = roster.touching(&parts).into_iter().map(|at| roster.cells()[at]);
            cells.any(|cell| turn.matters(|window| self.cell_stats(cell, window)))
        })
    }
}
