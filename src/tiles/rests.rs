use crate::index::{Buckets, Snapshot, Spans, Versions};
use crate::risk::{AreaRuleBook, Audience};
use crate::tiles::encode::{AreaFigures, Asked, area_figures, around, shown_areas};
use crate::tiles::kept::Kept;
use crate::tiles::outlines::Source;
use crate::tiles::{LayerKind, Layers};

/// What the summed layers of a kept tile rest on, small enough to be kept with it: whether a later snapshot says
/// the same is found out without encoding. It may hold a tile for changed that is not, never the other way round.
#[derive(Debug)]
pub(super) struct Rests {
    generation: u64,
    versions: Versions,
    spans: Spans,
    buckets: Buckets,
    areas: Box<[AreaShown]>,
}

/// An area in a tile, in its version, with what is said of it.
#[derive(Debug, PartialEq)]
struct AreaShown {
    area: Source,
    figures: AreaFigures,
}

impl Rests {
    /// Of a tile that is made of this snapshot.
    pub fn new(
        kept: &Kept,
        rules: &AreaRuleBook,
        snapshot: &Snapshot,
        asked: &Asked,
        layers: Layers,
    ) -> Self {
        Self {
            generation: snapshot.generation(),
            versions: snapshot.versions(),
            spans: spans(asked),
            buckets: snapshot.releases().buckets(asked.at, asked.window),
            areas: areas_shown(kept, rules, snapshot, asked, layers),
        }
    }

    /// Whether the summed layers are sure to be the same in another snapshot, which is not older.
    pub fn same(
        &self,
        kept: &Kept,
        rules: &AreaRuleBook,
        snapshot: &Snapshot,
        asked: &Asked,
        layers: Layers,
    ) -> bool {
        self.same_cells(snapshot, asked, layers) && self.same_areas(kept, rules, snapshot, asked, layers)
    }

    fn same_cells(&self, snapshot: &Snapshot, asked: &Asked, layers: Layers) -> bool {
        if !layers.contains(LayerKind::Cells) {
            return true;
        }
        match asked.audience {
            Audience::Public => self.same_releases(snapshot, asked),
            Audience::Official => !snapshot.cells_may_differ(
                &around(asked.coord),
                asked.resolution,
                self.generation,
                self.spans,
                spans(asked),
            ),
        }
    }

    fn same_areas(
        &self,
        kept: &Kept,
        rules: &AreaRuleBook,
        snapshot: &Snapshot,
        asked: &Asked,
        layers: Layers,
    ) -> bool {
        if !layers.contains(LayerKind::Areas) {
            return true;
        }
        // Nothing else can change what is said of them within an hour.
        let still = self.versions.areas == snapshot.versions().areas
            && self.spans == spans(asked)
            && self.same_releases(snapshot, asked);
        still || self.areas == areas_shown(kept, rules, snapshot, asked, layers)
    }

    fn same_releases(&self, snapshot: &Snapshot, asked: &Asked) -> bool {
        self.versions.releases == snapshot.versions().releases
            && self.buckets == snapshot.releases().buckets(asked.at, asked.window)
    }
}

fn spans(asked: &Asked) -> Spans {
    Spans {
        window: asked.window,
        week: asked.week,
    }
}

fn areas_shown(
    kept: &Kept,
    rules: &AreaRuleBook,
    snapshot: &Snapshot,
    asked: &Asked,
    layers: Layers,
) -> Box<[AreaShown]> {
    if !layers.contains(LayerKind::Areas) || asked.coord.z() < LayerKind::Areas.min_zoom() {
        return Box::default();
    }
    let levels = kept.area_levels(snapshot, rules, asked);
    let shown = shown_areas(snapshot, asked, &around(asked.coord)).into_iter();
    shown
        .map(|entry| AreaShown {
            area: Source::area(entry),
            figures: area_figures(snapshot, asked, &levels, entry),
        })
        .collect()
}
