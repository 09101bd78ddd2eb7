use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::geo::{
    BBox, Cell, MAX_ZOOM, Resolution, TileCoord, TilePoint, TilePolygon, WorldPoint, point_to_tile,
    resolution_for_zoom,
};
use crate::index::{AreaEntry, CellFigure, Delta, DrawnVenue, Snapshot, VenueEntry};
use crate::model::{Area, AreaCode, Day, Hour, Window};
use crate::risk::{Audience, CellRules};
use crate::tiles::area_levels::LevelsThen;
use crate::tiles::encode::{
    AreaFigures, Asked, LIVE_WINDOW_HOURS, TileRequest, area_figures, around, official_cell, official_cells,
    public_cell, shown_areas, venue_feature,
};
use crate::tiles::features::{ALL_VENUES_ZOOM, square_of, worst_of};
use crate::tiles::kept::Kept;
use crate::tiles::outlines::Source;
use crate::tiles::touched::{LayerChange, TileChanges};
use crate::tiles::{CellFeature, LayerKind, Layers, TileFormat, VenueFeature, places};

/// From here on all zooms show cells of the base resolution.
const BASE_ZOOM: u8 = 12;
/// With more changed cells or venues than this the deep tiles are told by those above them.
const MANY: usize = 2_000;
/// With more changed cells than this at a zoom, its tiles and all below are told by where they stand about, without a
/// look at each. A country has that many when its hour turns: most of its tiles show something else then.
const MANY_CELLS: usize = 20_000;
/// With more tiles of a zoom than this around one outline the deeper ones are told by those above them.
const MANY_OF_ONE: usize = 256;
/// With more changed areas than this they are told by the tiles of one zoom.
const MANY_AREAS: usize = 200;
const AREAS_ZOOM: u8 = 8;

/// Which live tiles one audience sees differently in `new` than in `old`: exactly those, but for what is told by the
/// tiles above. Nothing is encoded for it: what a tile says of each thing is compared, then where it stands.
pub(super) fn changes(
    kept: &Kept,
    rules: (&CellRules, &CellRules),
    old: &Snapshot,
    new: &Snapshot,
    audience: Audience,
) -> TileChanges {
    let Some(delta) = new.since(old.generation()) else {
        return TileChanges::everything();
    };
    let diff = Diff {
        kept,
        rules,
        old: (old, live(old, audience)),
        new: (new, live(new, audience)),
        audience,
        delta,
    };
    let mut changes = TileChanges::default();
    *changes.layer_mut(LayerKind::Cells) = diff.cells();
    *changes.layer_mut(LayerKind::Venues) = diff.venues();
    *changes.layer_mut(LayerKind::Areas) = diff.areas();
    *changes.layer_mut(LayerKind::Zones) = diff.zones();
    changes
}

fn live(snapshot: &Snapshot, audience: Audience) -> Asked {
    let request = TileRequest {
        layers: Layers::all(),
        format: TileFormat::Mvt,
        coord: TileCoord::WORLD,
        resolution: None,
        at: None,
        window_hours: LIVE_WINDOW_HOURS,
        audience,
    };
    Asked::new(snapshot, &request)
}

struct Diff<'a> {
    kept: &'a Kept,
    /// By which the old and the new one's cells have their levels, for officials.
    rules: (&'a CellRules, &'a CellRules),
    old: (&'a Snapshot, Asked),
    new: (&'a Snapshot, Asked),
    audience: Audience,
    delta: Delta,
}

/// How far a walk from resolution to resolution has come.
#[derive(Default)]
struct Walk {
    /// The cells of the last resolution in which something is counted in an hour that turned.
    above: Vec<Cell>,
}

impl Diff<'_> {
    fn same_hour(&self) -> bool {
        self.old.1.at.hour() == self.new.1.at.hour()
    }

    fn cells(&self) -> LayerChange {
        let mut change = LayerChange::default();
        let mut walk = Walk::default();
        let mut changed: (Resolution, Vec<Cell>) = (resolution_for_zoom(0), self.changed_cells(0, &mut walk));
        for zoom in 0..=MAX_ZOOM {
            let resolution = resolution_for_zoom(zoom);
            if changed.0 != resolution {
                changed = (resolution, self.changed_cells(resolution.get(), &mut walk));
            }
            let cells = &changed.1;
            if cells.len() > MANY_CELLS {
                for cell in cells {
                    places::tiles_around_cell(*cell, zoom, &mut change.below);
                }
                break;
            }
            if zoom > BASE_ZOOM && cells.len() > MANY {
                change.below = change
                    .tiles
                    .iter()
                    .copied()
                    .filter(|tile| tile.z() == BASE_ZOOM)
                    .collect();
                break;
            }
            for cell in cells {
                places::tiles_of_cell(&self.kept.hexagons, *cell, zoom, &mut change.tiles);
            }
        }
        change
    }

    /// The cells of a resolution of which tiles say something else; with more than [`MANY_CELLS`] some may be among them
    /// of which they do not. Asked of one resolution after the other.
    fn changed_cells(&self, resolution: u8, walk: &mut Walk) -> Vec<Cell> {
        let resolution = Resolution::new(resolution).expect("0..=9");
        match self.audience {
            Audience::Public => self.public_cells(resolution),
            Audience::Official => self.official_cells(resolution, walk),
        }
    }

    fn official_cells(&self, resolution: Resolution, walk: &mut Walk) -> Vec<Cell> {
        if self.delta.every_cell || self.rules.0 != self.rules.1 {
            let all = |(snapshot, asked): &(&Snapshot, Asked), rules: &CellRules| -> Vec<CellFeature> {
                official_cells(snapshot, rules, asked, &BBox::WORLD, resolution)
            };
            let (old, new) = (all(&self.old, self.rules.0), all(&self.new, self.rules.1));
            return different(&old, &new, |feature| feature.cell);
        }
        let mut touched: BTreeSet<Cell> = self
            .delta
            .cells
            .iter()
            .filter_map(|cell| cell.parent(resolution))
            .collect();
        let turned = self.turned_hours();
        if !turned.is_empty() {
            // Where nothing is counted in an hour that left or came, no cell below has anything there.
            walk.above = self.new.0.cells_with_any(&walk.above, resolution, &turned);
            touched.extend(&walk.above);
        }
        let touched = touched.into_iter();
        if touched.len() > MANY_CELLS {
            return touched.collect();
        }
        let feature = |(snapshot, asked): &(&Snapshot, Asked), cell: Cell| -> Option<CellFeature> {
            let stats = snapshot.cell_stats(cell, asked.window);
            let figure = CellFigure {
                cell,
                stats,
                population: snapshot.population(cell),
            };
            let week = snapshot.cell_stats(cell, asked.week).cases;
            (!stats.is_empty()).then(|| official_cell(self.rules.1, &figure, week))
        };
        touched
            .filter(|cell| feature(&self.old, *cell) != feature(&self.new, *cell))
            .collect()
    }

    /// The hours that left the windows of live tiles and those that came in.
    fn turned_hours(&self) -> Vec<Window> {
        let between = |a: Hour, b: Hour| Window {
            from: a.min(b),
            to: a.max(b),
        };
        let (old, new) = (&self.old.1, &self.new.1);
        let mut turned = Vec::new();
        for (old, new) in [(old.window, new.window), (old.week, new.week)] {
            for hours in [between(old.from, new.from), between(old.to, new.to)] {
                if hours.from < hours.to && !turned.contains(&hours) {
                    turned.push(hours);
                }
            }
        }
        turned
    }

    fn public_cells(&self, resolution: Resolution) -> Vec<Cell> {
        let buckets = |(snapshot, asked): &(&Snapshot, Asked)| {
            let buckets = snapshot.releases().buckets(asked.at, asked.window);
            (buckets.days, buckets.weeks)
        };
        if !self.delta.releases && buckets(&self.old) == buckets(&self.new) {
            return Vec::new();
        }
        let all = |(snapshot, asked): &(&Snapshot, Asked)| -> Vec<CellFeature> {
            snapshot
                .releases()
                .public_cells_in(&BBox::WORLD, resolution, asked.at, asked.window)
                .iter()
                .map(|(cell, figure)| public_cell(*cell, figure))
                .collect()
        };
        different(&all(&self.old), &all(&self.new), |feature| feature.cell)
    }

    fn venues(&self) -> LayerChange {
        let mut change = LayerChange::default();
        let mut changed: Vec<WorldPoint> = Vec::new();
        for &ix in &self.delta.venues {
            let (before, after) = (self.old.0.venues().by_ix(ix), self.new.0.venues().by_ix(ix));
            if before.map(|entry| self.venue(entry)) != after.map(|entry| self.venue(entry)) {
                let entries = before.into_iter().chain(after);
                changed.extend(entries.map(|entry| WorldPoint::project(entry.venue.at)));
            }
        }
        if changed.len() > MANY {
            // Too many to look at one by one: everything below the first zoom that shows venues.
            for at in changed {
                places::tiles_of_point(at, LayerKind::Venues.min_zoom(), &mut change.below);
            }
            return change;
        }
        for zoom in LayerKind::Venues.min_zoom()..ALL_VENUES_ZOOM {
            let squares: FxHashSet<(i64, i64)> = changed.iter().map(|at| square_of(*at, zoom)).collect();
            for square in squares {
                let before = self.kept_of(self.old.0, square, zoom);
                let after = self.kept_of(self.new.0, square, zoom);
                if before != after {
                    for venue in before.into_iter().chain(after) {
                        places::tiles_of_point(venue.world, zoom, &mut change.tiles);
                    }
                }
            }
        }
        for zoom in ALL_VENUES_ZOOM..=MAX_ZOOM {
            for at in &changed {
                places::tiles_of_point(*at, zoom, &mut change.tiles);
            }
        }
        change
    }

    fn venue<'e>(&self, entry: &'e VenueEntry) -> VenueFeature<'e> {
        venue_feature(DrawnVenue::of(entry), self.audience, true)
    }

    /// The venue that thinning leaves in a square of a zoom.
    fn kept_of<'s>(&self, snapshot: &'s Snapshot, square: (i64, i64), zoom: u8) -> Option<VenueFeature<'s>> {
        let entries = snapshot
            .venues()
            .in_bbox(&places::bbox_of_square(square, zoom), usize::MAX);
        let venues = entries.into_iter().map(|entry| self.venue(entry));
        worst_of(
            venues.filter(|venue| square_of(venue.world, zoom) == square),
            zoom,
        )
    }

    fn areas(&self) -> LayerChange {
        let mut change = LayerChange::default();
        let quiet = !self.delta.areas && !self.delta.releases && self.same_hour();
        if quiet {
            return change;
        }
        let (old, new) = (valid_areas(&self.old), valid_areas(&self.new));
        let changed = different(&old, &new, |area| area.key.clone());
        let both = old.iter().chain(&new);
        let both: Vec<&AreaSaid> = both
            .filter(|area| changed.binary_search(&area.key).is_ok())
            .collect();
        if changed.len() > MANY_AREAS {
            for area in both {
                places::tiles_of_bbox(&area.bbox, AREAS_ZOOM, &mut change.below);
            }
            let above: Vec<TileCoord> = change.below.iter().copied().collect();
            for tile in above {
                change
                    .tiles
                    .extend(std::iter::successors(tile.parent(), |one| one.parent()));
            }
            return change;
        }
        let differs =
            |tile: TileCoord| self.area_signature(&self.old, tile) != self.area_signature(&self.new, tile);
        let registered = |list: &[AreaSaid]| -> FxHashSet<Source> {
            list.iter().map(|area| area.source.clone()).collect()
        };
        let (before, after) = (registered(&old), registered(&new));
        let mut seen: FxHashSet<&Source> = FxHashSet::default();
        for area in both {
            if !seen.insert(&area.source) {
                continue;
            }
            if before.contains(&area.source) && after.contains(&area.source) {
                self.around(&area.source, &mut change, differs);
            } else {
                // A unit that came, went or moved also decides which others are shown, wherever its box reaches.
                around_box(&area.bbox, &mut change, differs);
            }
        }
        change
    }

    /// What the tile says of areas, by those whose outline really stands in it.
    fn area_signature(&self, (snapshot, asked): &(&Snapshot, Asked), tile: TileCoord) -> Vec<AreaDrawn> {
        let asked = Asked {
            coord: tile,
            ..*asked
        };
        let shown = shown_areas(snapshot, &asked, &around(tile));
        shown
            .into_iter()
            .map(|entry| AreaDrawn {
                area: Arc::clone(&entry.area),
                figures: area_figures(snapshot, &asked, &LevelsThen::none(), entry),
                label: self.label_in(&Source::area(entry), tile),
                cut: self.kept.outlines.cut(&Source::area(entry), tile),
            })
            .filter(|area| !area.cut.is_empty())
            .collect()
    }

    fn zones(&self) -> LayerChange {
        let mut change = LayerChange::default();
        let in_force = |(snapshot, asked): &(&Snapshot, Asked)| -> Vec<Source> {
            let zones = snapshot.zones().in_force(asked.at);
            zones.map(|entry| Source::Zone(Arc::clone(&entry.zone))).collect()
        };
        let (old, new) = (in_force(&self.old), in_force(&self.new));
        let known: FxHashSet<&Source> = old.iter().collect();
        let stays: FxHashSet<&Source> = new.iter().filter(|zone| known.contains(zone)).collect();
        for zone in old.iter().chain(&new).filter(|zone| !stays.contains(zone)) {
            self.around(zone, &mut change, |_| true);
        }
        change
    }

    /// Adds the tiles in which an outline stands and that pass the test, zoom by zoom.
    fn around(&self, source: &Source, change: &mut LayerChange, passes: impl Fn(TileCoord) -> bool) {
        for zoom in 0..=MAX_ZOOM {
            let outline = self.kept.outlines.get(source.clone(), zoom);
            let stands = |tile| self.stands_in(source, tile);
            let Some(tiles) = outline.shape.tiles_where(zoom, MANY_OF_ONE, stands) else {
                let above = zoom.saturating_sub(1);
                let outline = self.kept.outlines.get(source.clone(), above);
                change
                    .below
                    .extend(outline.shape.tiles(above, usize::MAX).unwrap_or_default());
                return;
            };
            change
                .tiles
                .extend(tiles.into_iter().filter(|tile| passes(*tile)));
        }
    }

    fn label_in(&self, source: &Source, tile: TileCoord) -> Option<TilePoint> {
        let outline = self.kept.outlines.get(source.clone(), tile.z());
        point_to_tile(outline.label?, tile).next()
    }

    fn stands_in(&self, source: &Source, tile: TileCoord) -> bool {
        !self.kept.outlines.cut(source, tile).is_empty()
    }
}

/// Adds the tiles that a box touches and that pass the test, zoom by zoom.
fn around_box(bbox: &BBox, change: &mut LayerChange, passes: impl Fn(TileCoord) -> bool) {
    for zoom in 0..=MAX_ZOOM {
        let mut tiles = FxHashSet::default();
        places::tiles_of_bbox(bbox, zoom, &mut tiles);
        if tiles.len() > MANY_OF_ONE {
            places::tiles_of_bbox(bbox, zoom.saturating_sub(1), &mut change.below);
            return;
        }
        change
            .tiles
            .extend(tiles.into_iter().filter(|tile| passes(*tile)));
    }
}

/// A version of an area and what tiles say of it.
#[derive(Clone, Debug, PartialEq)]
struct AreaSaid {
    key: (AreaCode, Option<Day>),
    bbox: BBox,
    figures: AreaFigures,
    source: Source,
}

/// What a tile draws of an area. A neighbour's new border can move an outline here and leave it as it is there.
struct AreaDrawn {
    area: Arc<Area>,
    figures: AreaFigures,
    label: Option<TilePoint>,
    cut: Arc<[TilePolygon]>,
}

impl PartialEq for AreaDrawn {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.area, &other.area)
            && (self.figures, self.label) == (other.figures, other.label)
            && self.cut == other.cut
    }
}

impl AreaSaid {
    fn new(snapshot: &Snapshot, asked: &Asked, entry: &AreaEntry) -> Self {
        Self {
            key: (entry.area.code.clone(), entry.area.valid_from),
            bbox: entry.bbox,
            figures: area_figures(snapshot, asked, &LevelsThen::none(), entry),
            source: Source::area(entry),
        }
    }
}

/// Every area valid at the instant, by code.
fn valid_areas((snapshot, asked): &(&Snapshot, Asked)) -> Vec<AreaSaid> {
    let day = Day::of(asked.at, snapshot.offset());
    let mut areas: Vec<AreaSaid> = snapshot
        .areas()
        .entries()
        .iter()
        .filter(|entry| entry.valid_on(day))
        .map(|entry| AreaSaid::new(snapshot, asked, entry))
        .collect();
    areas.sort_by(|a, b| a.key.cmp(&b.key));
    areas
}

/// The keys of what stands in one of two lists (both by ascending key) only, or stands there differently.
fn different<T: PartialEq, K: Ord>(old: &[T], new: &[T], key: impl Fn(&T) -> K) -> Vec<K> {
    let (mut a, mut b) = (old.iter().peekable(), new.iter().peekable());
    let mut found = Vec::new();
    loop {
        let order = match (a.peek(), b.peek()) {
            (None, None) => return found,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(one), Some(other)) => key(one).cmp(&key(other)),
        };
        let (before, after) = (
            order.is_le().then(|| a.next()).flatten(),
            order.is_ge().then(|| b.next()).flatten(),
        );
        if before != after {
            found.extend(before.or(after).map(&key));
        }
    }
}
