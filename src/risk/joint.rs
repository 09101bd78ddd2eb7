//! Cells and areas published side by side.
//!
//! Both count the same cases, so each tells of the other: where all cells inside one of two hidden communes are shown, its
//! count is their sum, and the other commune's is the rest. Areas are what is asked for by law, so they are released as if
//! nothing stood beside them; then cells give way. Whatever could be computed of a hidden count from cells and areas
//! together ([`Bounds`]: every shown figure, every sum, and which cells reach into which areas) must leave it as uncertain
//! as its own tree leaves it; while it does not, cells that tell of it hide what lies below their parent.
//!
//! What this does not answer: bounds are tightened sum by sum, which is less than all sums at once could tell; and who runs
//! the rule backwards learns where cells gave way, and so, of a hidden count near the threshold, now and then its value.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::geo::Cell;
use crate::model::AreaCode;
use crate::risk::bounds::{Bounds, UNBOUNDED};
use crate::risk::release::{AreaNode, AreaTree, Forest, Released};
use crate::risk::spread::Spread;
use crate::risk::suppress::{Closed, Fate, Tree, Verdict, suppress};
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
        let remedies = beside.remedies(&published, &mut |cell| {
            let found = || {
                let named = areas_of(cell);
                named
                    .iter()
                    .filter_map(|code| beside.number.get(code).copied())
                    .collect()
            };
            reach.entry(cell).or_insert_with(found).clone()
        });
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

/// Each node's parent.
fn parents(tree: &Tree) -> Vec<Option<usize>> {
    let mut parents = vec![None; tree.counts.len()];
    for (node, children) in tree.children.iter().enumerate() {
        for &child in &tree.order[children.clone()] {
            parents[child] = Some(node);
        }
    }
    parents
}

/// What is hidden so that a cell tells less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Remedy {
    /// All children of a node.
    Children(usize),
    /// A topmost node.
    Root(usize),
}

/// The cells' release so far.
struct Published<'a> {
    forest: &'a Forest,
    verdict: &'a Verdict,
    closed: &'a Closed,
    parents: &'a [Option<usize>],
}

impl Published<'_> {
    /// The next step for a shown node, or one whose siblings are not all hidden: they are. Otherwise its parent goes.
    fn remedy(&self, node: usize) -> Option<Remedy> {
        match self.parents[node] {
            Some(above) if self.verdict.collapsed[above] => self.remedy(above),
            Some(above) => Some(Remedy::Children(above)),
            None if self.verdict.fates[node] == Fate::Shown => Some(Remedy::Root(node)),
            None => None,
        }
    }

    fn resolution(&self, remedy: Remedy) -> u8 {
        let (Remedy::Children(node) | Remedy::Root(node)) = remedy;
        self.forest.cells[node].resolution().get()
    }
}

/// The areas' release, and what it tells by itself.
struct Beside<'a> {
    areas: AreaTree<'a>,
    number: FxHashMap<&'a AreaCode, usize>,
    shown: Vec<bool>,
    shown_from: u32,
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
            areas,
            number,
            shown,
            shown_from: rules.cases_shown_from,
        }
    }

    /// What to hide because cells and areas together leave a hidden count narrower than each alone. Nothing: all is well.
    fn remedies(
        &self,
        published: &Published<'_>,
        reach: &mut impl FnMut(Cell) -> Vec<usize>,
    ) -> FxHashSet<Remedy> {
        let mut bounds = Bounds::default();
        let of_area = self.areas_alone(&mut bounds);
        let cells = self.cells_alone(published, &mut bounds, reach);
        let mut alone = bounds.clone();
        alone.tighten();
        let mut spread = Spread::new(parents(&self.areas.tree));
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
        for (area, &number) in of_area.iter().enumerate() {
            let mut parts = spread.inside(area, &cells.roots);
            if without_place > 0 {
                parts.push(bounds.number(0, without_place));
            }
            bounds.sum(number, parts);
        }
        self.find_unreached(published, &mut reaching, reach);
        bounds.tighten();

        let narrower = |number: usize| {
            let ((low, high), (from, to)) = (alone.of(number), bounds.of(number));
            let k = u64::from(self.shown_from);
            to < high.min(k) || to - from < (high - low).min(k - 1)
        };
        let mut remedies: FxHashSet<Remedy> = cells
            .hidden
            .iter()
            .filter(|ground| narrower(ground.number) && !self.lies_in_zeros(&reach(ground.cell)))
            .filter_map(|ground| ground.remedy)
            .collect();
        for family in self.families() {
            let hidden: Vec<usize> = family.into_iter().filter(|&area| !self.shown[area]).collect();
            if !hidden.iter().any(|&area| narrower(of_area[area])) {
                continue;
            }
            // The finest first: what is coarse is needed by more readers.
            let mut all: Vec<Remedy> = hidden
                .iter()
                .flat_map(|&area| self.smallest_in(area))
                .flat_map(|area| reaching.get(&area).into_iter().flatten().copied())
                .collect();
            let finest = all.iter().map(|&remedy| published.resolution(remedy)).max();
            all.retain(|&remedy| Some(published.resolution(remedy)) == finest);
            remedies.extend(all);
        }
        remedies
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
        for (node, &cell) in published.forest.cells.iter().enumerate() {
            let children = &tree.order[tree.children[node].clone()];
            if children.is_empty() || published.verdict.fates[node] != Fate::Shown {
                continue;
            }
            for empty in empty_children(published.forest, cell, children) {
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
            bounds.cap(of_area[root], 1, u64::from(self.shown_from) - 1);
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

    /// What the cells' own release tells.
    fn cells_alone(
        &self,
        published: &Published<'_>,
        bounds: &mut Bounds,
        reach: &mut impl FnMut(Cell) -> Vec<usize>,
    ) -> Cells {
        let Published {
            forest,
            verdict,
            closed,
            ..
        } = published;
        let tree = &forest.tree;
        let mut cells = Cells::default();
        let mut numbers: FxHashMap<usize, usize> = FxHashMap::default();
        for &root in &tree.roots {
            let number = match verdict.fates[root] {
                Fate::Shown => bounds.number(u64::from(tree.counts[root]), u64::from(tree.counts[root])),
                // Nothing says that it is small where others were hidden for the areas' sake.
                _ if closed.roots.contains(&root) => bounds.number(0, UNBOUNDED),
                _ => bounds.number(1, u64::from(self.shown_from) - 1),
            };
            numbers.insert(root, number);
            cells.roots.push(number);
        }
        let mut stack = tree.roots.clone();
        while let Some(node) = stack.pop() {
            let (cell, number) = (forest.cells[node], numbers[&node]);
            let children = &tree.order[tree.children[node].clone()];
            let is_shown = verdict.fates[node] == Fate::Shown;
            if !is_shown || children.is_empty() {
                let ground = Ground {
                    cell,
                    number,
                    remedy: published.remedy(node),
                };
                if !is_shown {
                    cells.hidden.push(ground);
                }
                cells.grounds.push(ground);
                continue;
            }
            let collapsed = verdict.collapsed[node];
            let mut parts = Vec::with_capacity(children.len() + 1);
            for &child in children {
                let count = u64::from(tree.counts[child]);
                let part = match verdict.fates[child] {
                    Fate::Shown => bounds.number(count, count),
                    _ => bounds.number(u64::from(!collapsed), UNBOUNDED),
                };
                numbers.insert(child, part);
                parts.push(part);
                stack.push(child);
            }
            // Children without a case are not in the tree, yet nobody knows which they are where all are hidden; but that
            // there are none where there is no area, at sea, anybody knows.
            if collapsed {
                for empty in empty_children(forest, cell, children).filter(|cell| !reach(*cell).is_empty()) {
                    let part = bounds.number(0, UNBOUNDED);
                    parts.push(part);
                    let ground = Ground {
                        cell: empty,
                        number: part,
                        remedy: published.remedy(node),
                    };
                    cells.hidden.push(ground);
                    cells.grounds.push(ground);
                }
            }
            bounds.sum(number, parts.clone());
            cells.families.push((number, parts));
        }
        cells
    }
}

/// Children of a cell that have no case: they are not in the tree.
fn empty_children<'a>(
    forest: &'a Forest,
    cell: Cell,
    children: &'a [usize],
) -> impl Iterator<Item = Cell> + 'a {
    let is_empty = move |child: &Cell| !children.iter().any(|&known| forest.cells[known] == *child);
    cell.children().into_iter().filter(is_empty)
}

/// The cells of a release as numbers.
#[derive(Default)]
struct Cells {
    /// Those that nothing finer is said of.
    grounds: Vec<Ground>,
    /// Hidden ones among them.
    hidden: Vec<Ground>,
    /// Numbers that are sums of others, the whole before its parts.
    families: Vec<(usize, Vec<usize>)>,
    /// The topmost ones.
    roots: Vec<usize>,
}

#[derive(Clone, Copy)]
struct Ground {
    cell: Cell,
    number: usize,
    /// What to hide so that it tells less; nothing where it is hidden and topmost.
    remedy: Option<Remedy>,
}
