use std::mem;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use crate::geo::{BASE_RESOLUTION, Cell, SHARD_RESOLUTION};
use crate::index::gather::gather;
use crate::index::layered::Layered;
use crate::index::publisher::VENUES_PER_BLOCK;
use crate::index::shard::{CellRows, Shard};
use crate::index::{CellPopulation, Ledger};
use crate::model::VenueStats;

/// How many rows of shards to come are unpacked at once.
const ROWS_AT_ONCE: usize = 2_000_000;
/// Why the locks here cannot be poisoned.
const UNPOISONED: &str = "no thread panics while it holds the lock";

/// Shards by their cell, ascending.
pub(super) type Shards = Vec<(Cell, Arc<Shard>)>;
/// The hours of venues, block by block.
pub(super) type Blocks = Vec<Layered<VenueStats>>;

/// The sums of cells and of venues anew, out of the days of a ledger. On every core; no more than some shards' rows are
/// ever unpacked at a time.
pub(super) fn rebuild(ledger: &Ledger, population: &CellPopulation) -> (Shards, Blocks) {
    rayon::join(|| shards(ledger, population), || blocks(ledger))
}

fn shards(ledger: &Ledger, population: &CellPopulation) -> Shards {
    let built: Mutex<Shards> = Mutex::default();
    let spare = Spare::default();
    let unpacked = AtomicUsize::new(0);
    let build = |id: Cell, rows: &mut CellRows| {
        let mut other = spare.take();
        let shard = Shard::from_sorted(rows, &mut other, population);
        spare.give_back(other);
        built.lock().expect(UNPOISONED).push((id, Arc::new(shard)));
    };
    let days = ledger.days.iter();
    let days = days.map(|(day, state)| state.cell_rows(day.first_hour(ledger.offset)));
    let days = days.collect();
    let shard_of = |key| {
        let shard = Cell::from_u64(key).ok()?.parent(SHARD_RESOLUTION)?;
        Some((shard, shard.descendants(BASE_RESOLUTION)?.1))
    };
    rayon::scope(|scope| {
        gather(days, shard_of, |id, rows| {
            let len = rows.len();
            // Whoever unpacks faster than the others build helps them.
            if unpacked.load(Ordering::Relaxed) + len > ROWS_AT_ONCE {
                build(id, rows);
                return;
            }
            unpacked.fetch_add(len, Ordering::Relaxed);
            let mut rows = mem::replace(rows, spare.take());
            let (build, spare, unpacked) = (&build, &spare, &unpacked);
            scope.spawn(move |_scope| {
                build(id, &mut rows);
                spare.give_back(rows);
                unpacked.fetch_sub(len, Ordering::Relaxed);
            });
        });
    });
    let mut built = built.into_inner().expect(UNPOISONED);
    built.sort_unstable_by_key(|(id, _)| *id);
    built
}

fn blocks(ledger: &Ledger) -> Blocks {
    let mut blocks = Blocks::new();
    let days = ledger.days.iter();
    let days = days.map(|(day, state)| state.venue_rows(day.first_hour(ledger.offset)));
    let size = VENUES_PER_BLOCK as u64;
    gather(
        days.collect(),
        |key| Some((key / size, (key / size + 1) * size - 1)),
        |block, rows| {
            blocks.resize(block as usize, Layered::default());
            blocks.push(Layered::from_sorted(rows));
        },
    );
    blocks
}

/// Lists whose memory is used again: fresh memory is cleared by the system, which takes as long as using it.
#[derive(Default)]
struct Spare(Mutex<Vec<CellRows>>);

impl Spare {
    fn take(&self) -> CellRows {
        self.0.lock().expect(UNPOISONED).pop().unwrap_or_default()
    }

    fn give_back(&self, mut rows: CellRows) {
        rows.clear();
        self.0.lock().expect(UNPOISONED).push(rows);
    }
}
