//! Cells and areas published side by side.
//!
//! Both count the same cases, so each tells of the other: where all cells inside one of two hidden communes are shown, its
//! count is their sum, and the other commune's is the rest. Areas are what is asked for by law, so they are released as if
//! nothing stood beside them; then cells give way.
//!
//! # The promise
//! Whoever holds every shown figure, adds up all sums, and knows which cells reach into which areas ([`Bounds`]) is left
//! with this of each hidden count, of an area or a cell: it may be as large as its own tree leaves it, or not small
//! (`cases_shown_from`) at least; and at least `values_left` values are possible, or as many as its own tree leaves. So no
//! count from 1 up to below `cases_shown_from` is told. Beside cells a hidden zero may be told:
//! it is nobody's case, and zeros are shown where they hide nothing else. What is hidden is seen: that a hidden cell has a
//! case is what its own tree tells, and a hidden area around two such cells has two. So the lower end is not promised.
//!
//! While something hidden is left narrower, cells that tell of it hide what lies below their parent, the finest first;
//! where that is not enough, the topmost cells with the fewest cases are hidden with all below them. In the end none is
//! shown around such a count, and cells tell no more than where there are cases at all.
//!
//! What this does not answer: bounds are tightened sum by sum, which is less than all sums at once could tell; and who runs
//! the rule backwards learns where cells gave way, and so, of a hidden count near the threshold, now and then its value
//! (`tests/it/release/attack.rs` tries all small worlds: how often is counted there).

use rustc_hash::{FxHashMap, FxHashSet};

use crate::geo::Cell;
use crate::model::AreaCode;
use crate::risk::bounds::{Bounds, UNBOUNDED};
use crate::risk::published::{Published, Remedy, parents};
use crate::risk::release::{AreaNode, AreaTree, Forest, Released};
use crate::risk::spread::Spread;
use crate::risk::suppress::{Closed, Fate, Tree, suppress};
use crate::risk::{ReleaseRules, release_areas};

/// Case counts by cell that may be published beside those of areas ([`release_areas`] of the same nodes).
///
/// `areas_of` names the smallest areas that a cell reaches into. Where no area is, no case is looked for. Hides at least
/// what [`release_cases`](crate::risk::release_cases) hides.
#[must_use]
pub fn release_cases_beside(
    rules: &ReleaseRules,
    leaves: &[(Cell, u32)],
    areas: &[AreaNode],
    areas_of: impl Fn(Cell) -> Vec<AreaCode>,
) -> Vec<(Cell, Released)> {
    let forest = Forest::of_cases(leaves);
    let beside = Beside::new(rules, areas);
    let parents = parents(&forest.tree);
    let mut reach: FxHashMap<Cell, Vec<usize>> = FxHashMap::default();
    let mut closed = Closed::default();
    // How many topmost cells go at once where nothing else is left: twice as many each time, so that it comes to an end.
    let mut at_once = 1;
    loop {
        let verdict = suppress(
            &forest.tree,
            rules.cases_shown_from,
            rules.total_is_public,
            &closed,
        );
        let published = Published {
            forest: &forest,
            verdict: &verdict,
            closed: &closed,
            parents: &parents,
        };
        let mut reached = |cell| {
            let found = || {
                let named = areas_of(cell);
                named
                    .iter()
                    .filter_map(|code| beside.number.get(code).copied())
                    .collect()
            };
            reach.entry(cell).or_insert_with(found).clone()
        };
        let told = beside.told(&published, &mut reached);
        let mut remedies = told.remedies;
        if remedies.is_empty() && !told.helpless.is_empty() {
            remedies = beside.topmost_with_fewest(&published, &told.helpless, at_once, &mut reached);
            at_once *= 2;
        }
        let mut news = false;
        for remedy in remedies {
            news |= match remedy {
                Remedy::Children(node) => closed.parents.insert(node),
                Remedy::Root(node) => closed.roots.insert(node),
            };
        }
        if !news {
            return forest.cases(&verdict);
        }
    }
}

/// What cells and areas together tell too much of.
struct Told {
    /// What to hide for it.
    remedies: FxHashSet<Remedy>,
    /// The topmost areas around that which nothing of itself is left to hide for.
    helpless: FxHashSet<usize>,
}

/// The areas' release, and what it tells by itself.
struct Beside<'a> {
    areas: AreaTree<'a>,
    number: FxHashMap<&'a AreaCode, usize>,
    shown: Vec<bool>,
    above: Vec<Option<usize>>,
    shown_from: u64,
    values_left: u64,
}

impl<'a> Beside<'a> {
    fn new(rules: &ReleaseRules, nodes: &'a [AreaNode]) -> Self {
        let areas = AreaTree::with_circles_opened(nodes);
        let shown = release_areas(rules, nodes)
            .into_iter()
            .map(|(_, released)| released != Released::Hidden)
            .collect();
        let number = areas
            .nodes
            .iter()
            .enumerate()
            .map(|(n, node)| (&node.code, n))
            .collect();
        Self {
            above: parents(&areas.tree),
            areas,
            number,
            shown,
            shown_from: rules.cases_shown_from.into(),
            values_left: rules.values_left.into(),
        }
    }

    /// What to hide because cells and areas together leave a hidden count narrower than promised. Nothing: all is well.
    fn told(&self, published: &Published<'_>, reach: &mut impl FnMut(Cell) -> Vec<usize>) -> Told {
        let mut bounds = Bounds::default();
        let of_area = self.areas_alone(&mut bounds);
        let cells = published.alone(&mut bounds, reach);
        let mut alone = bounds.clone();
        alone.tighten();
        let mut spread = Spread::new(self.above.clone());
        let mut reaching: FxHashMap<usize, Vec<Remedy>> = FxHashMap::default();
        for ground in &cells.grounds {
            let areas = reach(ground.cell);
            spread.ground(&mut bounds, ground.number, &areas);
            for area in areas {
                reaching.entry(area).or_default().extend(ground.remedy);
            }
        }
        for (whole, parts) in cells.families.iter().rev() {
            spread.sum(&mut bounds, *whole, parts);
        }
        // Cases without a place are in no cell. Their sum is known, not in which areas they are.
        let without_place = self.without_place(published, reach);
        let mut inside = spread.by_area(&cells.roots);
        for (area, &number) in of_area.iter().enumerate() {
            let mut parts = inside.remove(&area).unwrap_or_default();
            if without_place > 0 {
                parts.push(bounds.number(0, without_place));
            }
            bounds.sum(number, parts);
        }
        self.find_unreached(published, &mut reaching, reach);
        bounds.tighten();

        let narrower = |number: usize| {
            let ((low, high), (from, to)) = (alone.of(number), bounds.of(number));
            let narrow = to < high.min(self.shown_from) || to - from < (high - low).min(self.values_left - 1);
            to > 0 && narrow
        };
        let mut remedies: FxHashSet<Remedy> = FxHashSet::default();
        let mut helpless: FxHashSet<usize> = FxHashSet::default();
        for ground in cells.hidden.iter().filter(|ground| narrower(ground.number)) {
            let areas = reach(ground.cell);
            match ground.remedy {
                _ if self.lies_in_zeros(&areas) => {}
                Some(remedy) => _ = remedies.insert(remedy),
                None => helpless.extend(areas.into_iter().map(|area| self.topmost(area))),
            }
        }
        for family in self.families() {
            let hidden: Vec<usize> = family.into_iter().filter(|&area| !self.shown[area]).collect();
            let narrow = hidden.iter().find(|&&area| narrower(of_area[area]));
            let Some(&narrow) = narrow else {
                continue;
            };
            // The finest first: what is coarse is needed by more readers.
            let mut all: Vec<Remedy> = hidden
                .iter()
                .flat_map(|&area| self.smallest_in(area))
                .flat_map(|area| reaching.get(&area).into_iter().flatten().copied())
                .collect();
            let finest = all.iter().map(|&remedy| published.resolution(remedy)).max();
            all.retain(|&remedy| Some(published.resolution(remedy)) == finest);
            if all.is_empty() {
                helpless.insert(self.topmost(narrow));
            }
            remedies.extend(all);
        }
        Told { remedies, helpless }
    }

    /// Those shown topmost cells that have the fewest cases among all that reach into these topmost areas.
    fn topmost_with_fewest(
        &self,
        published: &Published<'_>,
        areas: &FxHashSet<usize>,
        how_many: usize,
        reach: &mut impl FnMut(Cell) -> Vec<usize>,
    ) -> FxHashSet<Remedy> {
        let Published { forest, verdict, .. } = published;
        let mut shown: Vec<usize> = forest.tree.roots.clone();
        shown.retain(|&root| {
            let reached = reach(forest.cells[root]);
            verdict.fates[root] == Fate::Shown
                && reached
                    .into_iter()
                    .any(|area| areas.contains(&self.topmost(area)))
        });
        shown.sort_by_key(|&root| forest.tree.counts[root]);
        shown.into_iter().take(how_many).map(Remedy::Root).collect()
    }

    /// The topmost area above one.
    fn topmost(&self, area: usize) -> usize {
        let above = std::iter::successors(Some(area), |&at| self.above[at]);
        above.take(self.above.len()).last().unwrap_or(area)
    }

    /// How many cases areas count that are in no cell.
    fn without_place(&self, published: &Published<'_>, reach: &mut impl FnMut(Cell) -> Vec<usize>) -> u64 {
        let sum = |tree: &Tree, nodes: &mut dyn Iterator<Item = usize>| -> u64 {
            nodes.map(|node| u64::from(tree.counts[node])).sum()
        };
        let (areas, tree) = (&self.areas.tree, &published.forest.tree);
        let counted = sum(areas, &mut areas.roots.iter().copied());
        let leaves = (0..tree.counts.len()).filter(|&node| tree.children[node].is_empty());
        let mut placed = leaves.filter(|&node| !reach(published.forest.cells[node]).is_empty());
        counted.saturating_sub(sum(tree, &mut placed))
    }

    /// Where a hidden area has no case at all, cells without one give it away: those around them could hide them.
    fn find_unreached(
        &self,
        published: &Published<'_>,
        reaching: &mut FxHashMap<usize, Vec<Remedy>>,
        reach: &mut impl FnMut(Cell) -> Vec<usize>,
    ) {
        let unreached: FxHashSet<usize> = (0..self.shown.len())
            .filter(|&area| self.areas.tree.children[area].is_empty())
            .filter(|area| !self.shown[*area] && !reaching.contains_key(area))
            .collect();
        if unreached.is_empty() {
            return;
        }
        let tree = &published.forest.tree;
        for node in 0..tree.counts.len() {
            if tree.children[node].is_empty() || published.verdict.fates[node] != Fate::Shown {
                continue;
            }
            for empty in published.empty_children(node) {
                for area in reach(empty).into_iter().filter(|area| unreached.contains(area)) {
                    let remedy = if published.verdict.collapsed[node] {
                        published.remedy(node)
                    } else {
                        Some(Remedy::Children(node))
                    };
                    reaching.entry(area).or_default().extend(remedy);
                }
            }
        }
    }

    /// Whether all these areas are shown without a case: then a hidden cell in them hides nothing.
    fn lies_in_zeros(&self, areas: &[usize]) -> bool {
        !areas.is_empty()
            && areas
                .iter()
                .all(|&area| self.shown[area] && self.areas.tree.counts[area] == 0)
    }

    /// Siblings, the topmost areas one by one.
    fn families(&self) -> Vec<Vec<usize>> {
        let tree = &self.areas.tree;
        let roots = tree.roots.iter().map(|&root| vec![root]);
        let below = tree
            .children
            .iter()
            .map(|children| tree.order[children.clone()].to_vec());
        roots.chain(below).collect()
    }

    fn smallest_in(&self, area: usize) -> Vec<usize> {
        let tree = &self.areas.tree;
        let mut all = vec![area];
        let mut next = 0;
        while let Some(&at) = all.get(next) {
            all.extend_from_slice(&tree.order[tree.children[at].clone()]);
            next += 1;
        }
        all.retain(|&at| tree.children[at].is_empty());
        all
    }

    /// What the areas' own release tells, by area.
    fn areas_alone(&self, bounds: &mut Bounds) -> Vec<usize> {
        let tree = &self.areas.tree;
        let of_area: Vec<usize> = (0..tree.counts.len())
            .map(|area| {
                let count = u64::from(tree.counts[area]);
                if self.shown[area] {
                    bounds.number(count, count)
                } else {
                    bounds.number(0, UNBOUNDED)
                }
            })
            .collect();
        for &root in tree.roots.iter().filter(|&&root| !self.shown[root]) {
            bounds.cap(of_area[root], 1, self.shown_from - 1);
        }
        for (area, children) in tree
            .children
            .iter()
            .enumerate()
            .filter(|(_, children)| !children.is_empty())
        {
            let children = &tree.order[children.clone()];
            let sum: u64 = children.iter().map(|&child| u64::from(tree.counts[child])).sum();
            // What only the parent counts protects nobody: it is taken to be known.
            let beside = u64::from(tree.counts[area]) - sum;
            let mut parts: Vec<usize> = children.iter().map(|&child| of_area[child]).collect();
            parts.push(bounds.number(beside, beside));
            bounds.sum(of_area[area], parts);
            // All hidden: zeros may be among them. Otherwise what is hidden is not zero.
            if self.shown[area] && children.iter().any(|&child| self.shown[child]) {
                for &child in children.iter().filter(|&&child| !self.shown[child]) {
                    bounds.cap(of_area[child], 1, UNBOUNDED);
                }
            }
        }
        of_area
    }
}
