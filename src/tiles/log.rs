use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::geo::TileCoord;
use crate::index::Snapshot;
use crate::model::Timestamp;
use crate::risk::{Audience, CellRules, Rules};
use crate::tiles::diff::changes;
use crate::tiles::kept::Kept;
use crate::tiles::touched::TileChanges;
use crate::tiles::{LayerKind, Layers};

/// Which live tiles each generation changed, for the last generations. Readers hold no lock.
#[derive(Debug, Default)]
pub(super) struct ChangeLog {
    pages: ArcSwap<Pages>,
    /// One comparison at a time.
    comparing: Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct Pages {
    /// The generation that the oldest page starts from.
    first: u64,
    list: VecDeque<Arc<Page>>,
    tiles: usize,
    /// The newest generation seen: what the next is compared with.
    latest: Option<Arc<Snapshot>>,
    /// The rule for cells that it is seen by.
    cell_rules: Option<Arc<CellRules>>,
}

/// The changes from one generation to a later one.
#[derive(Debug)]
struct Page {
    to: u64,
    as_of: Timestamp,
    public: TileChanges,
    official: TileChanges,
}

/// What a reader missed.
#[derive(Clone, Debug)]
pub struct Missed {
    /// The generation that these changes lead to.
    pub generation: u64,
    /// When it was published.
    pub as_of: Timestamp,
    /// What changed; `None` when the reader was away too long: all may have.
    pub changes: Option<TileChanges>,
}

/// With nothing changed a page is small: this many are some minutes of a busy stream.
const PAGES: usize = 4096;
/// Tiles named on all pages.
const TILES: usize = 400_000;

impl ChangeLog {
    /// Compares a newer generation with the last one seen. Cheap when it has been seen.
    pub fn advance(&self, kept: &Kept, rules: &Rules, snapshot: &Arc<Snapshot>) {
        if self.pages.load().last() >= snapshot.generation() {
            return;
        }
        let _comparing = self.comparing.lock().unwrap_or_else(PoisonError::into_inner);
        let pages = self.pages.load_full();
        let Some(old) = &pages.latest else {
            self.pages.store(Arc::new(Pages {
                first: snapshot.generation(),
                latest: Some(Arc::clone(snapshot)),
                cell_rules: Some(Arc::new(rules.cell.clone())),
                ..Pages::default()
            }));
            return;
        };
        if old.generation() >= snapshot.generation() {
            return;
        }
        let before = pages.cell_rules.as_deref().unwrap_or(&rules.cell);
        let by = (before, &rules.cell);
        let compare = |audience| changes(kept, by, old, snapshot, audience);
        let both = || (compare(Audience::Public), compare(Audience::Official));
        // A mistake in here must not stop the map: then all is taken as changed.
        let (public, official) = catch_unwind(AssertUnwindSafe(both))
            .unwrap_or_else(|_panic| (TileChanges::everything(), TileChanges::everything()));
        let page = Page {
            to: snapshot.generation(),
            as_of: snapshot.as_of(),
            public,
            official,
        };
        let mut next = pages.with(page, snapshot);
        if *before != rules.cell {
            next.cell_rules = Some(Arc::new(rules.cell.clone()));
        }
        self.pages.store(Arc::new(next));
    }

    /// The newest generation whose changes are known.
    pub fn latest(&self) -> Option<Arc<Snapshot>> {
        self.pages.load().latest.clone()
    }

    /// Whether a tile may have changed after generation `from` up to `to`; `None` when that is not known.
    pub fn touched(
        &self,
        audience: Audience,
        layers: Layers,
        coord: TileCoord,
        from: u64,
        to: u64,
    ) -> Option<bool> {
        let pages = self.pages.load();
        if from < pages.first || to > pages.last() {
            return None;
        }
        Some(
            pages
                .after(from)
                .any(|page| page.changes(audience).touches(layers, coord)),
        )
    }

    /// What changed for an audience after a generation; `None` when nothing newer has been seen.
    pub fn since(&self, audience: Audience, generation: u64) -> Option<Missed> {
        let pages = self.pages.load();
        let last = pages.list.back()?;
        if last.to <= generation {
            return None;
        }
        let changes = (generation >= pages.first).then(|| {
            pages
                .after(generation)
                .fold(TileChanges::default(), |mut sum, page| {
                    sum.add(page.changes(audience));
                    sum
                })
        });
        Some(Missed {
            generation: last.to,
            as_of: last.as_of,
            changes,
        })
    }

    /// The newest generation seen, 0 before the first.
    pub fn generation(&self) -> u64 {
        self.pages.load().last()
    }
}

impl Pages {
    fn last(&self) -> u64 {
        self.list.back().map_or(self.first, |page| page.to)
    }

    /// Pages that lead beyond a generation, newest first. One that starts before it counts whole.
    fn after(&self, generation: u64) -> impl Iterator<Item = &Arc<Page>> {
        self.list
            .iter()
            .rev()
            .take_while(move |page| page.to > generation)
    }

    fn with(&self, page: Page, latest: &Arc<Snapshot>) -> Self {
        let mut next = self.clone();
        next.latest = Some(Arc::clone(latest));
        next.tiles += page.len();
        next.list.push_back(Arc::new(page));
        while next.list.len() > PAGES || (next.tiles > TILES && next.list.len() > 1) {
            if let Some(oldest) = next.list.pop_front() {
                next.first = oldest.to;
                next.tiles -= oldest.len();
            }
        }
        next
    }
}

impl Page {
    fn changes(&self, audience: Audience) -> &TileChanges {
        match audience {
            Audience::Public => &self.public,
            Audience::Official => &self.official,
        }
    }

    fn len(&self) -> usize {
        self.public.len() + self.official.len()
    }
}

/// The layers that count sums, whose tiles depend on the length of the window.
pub(super) const SUMMED: [LayerKind; 2] = [LayerKind::Cells, LayerKind::Areas];
