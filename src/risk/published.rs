//! The cells' release so far, what it tells by itself, and what can still be hidden of it.

use rustc_hash::FxHashMap;

use crate::geo::Cell;
use crate::risk::bounds::{Bounds, UNBOUNDED};
use crate::risk::release::Forest;
use crate::risk::suppress::{Closed, Fate, Tree, Verdict};

/// What is hidden so that a cell tells less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Remedy {
    /// All children of a node.
    Children(usize),
    /// A topmost node.
    Root(usize),
}

/// The cells' release so far.
pub(super) struct Published<'a> {
    pub forest: &'a Forest,
    pub verdict: &'a Verdict,
    pub closed: &'a Closed,
    pub parents: &'a [Option<usize>],
}

/// The cells of a release as numbers.
#[derive(Default)]
pub(super) struct Cells {
    /// Those that nothing finer is said of.
    pub grounds: Vec<Ground>,
    /// Hidden ones among them.
    pub hidden: Vec<Ground>,
    /// Numbers that are sums of others, the whole before its parts.
    pub families: Vec<(usize, Vec<usize>)>,
    /// The topmost ones.
    pub roots: Vec<usize>,
}

#[derive(Clone, Copy)]
pub(super) struct Ground {
    pub cell: Cell,
    pub number: usize,
    /// What to hide so that it tells less; nothing where it is hidden and topmost.
    pub remedy: Option<Remedy>,
}

impl Published<'_> {
    /// The next step for a shown node, or one whose siblings are not all hidden: they are. Otherwise its parent goes.
    pub fn remedy(&self, node: usize) -> Option<Remedy> {
        match self.parents[node] {
            Some(above) if self.verdict.collapsed[above] => self.remedy(above),
            Some(above) => Some(Remedy::Children(above)),
            None if self.verdict.fates[node] == Fate::Shown => Some(Remedy::Root(node)),
            None => None,
        }
    }

    pub fn resolution(&self, remedy: Remedy) -> u8 {
        let (Remedy::Children(node) | Remedy::Root(node)) = remedy;
        self.forest.cells[node].resolution().get()
    }

    /// What the release tells by itself. A cell is asked for the areas that it reaches into: where there are none, at sea,
    /// anybody knows that there is no case.
    pub fn alone(&self, bounds: &mut Bounds, reach: &mut impl FnMut(Cell) -> Vec<usize>) -> Cells {
        let tree = &self.forest.tree;
        let mut cells = Cells::default();
        let mut numbers: FxHashMap<usize, usize> = FxHashMap::default();
        for &root in &tree.roots {
            let count = u64::from(tree.counts[root]);
            let number = match self.verdict.fates[root] {
                Fate::Shown => bounds.number(count, count),
                // Zero cases may be hidden with the others that are hidden for the areas' sake, but then they are in no tree.
                // Nor does anything say that it is small.
                _ => bounds.number(u64::from(!self.closed.roots.contains(&root)), UNBOUNDED),
            };
            numbers.insert(root, number);
            cells.roots.push(number);
        }
        let mut stack = tree.roots.clone();
        while let Some(node) = stack.pop() {
            let (cell, number) = (self.forest.cells[node], numbers[&node]);
            let children = &tree.order[tree.children[node].clone()];
            let is_shown = self.verdict.fates[node] == Fate::Shown;
            if !is_shown || children.is_empty() {
                let ground = Ground {
                    cell,
                    number,
                    remedy: self.remedy(node),
                };
                if !is_shown {
                    cells.hidden.push(ground);
                }
                cells.grounds.push(ground);
                continue;
            }
            let collapsed = self.verdict.collapsed[node];
            let mut parts = Vec::with_capacity(children.len() + 1);
            for &child in children {
                let count = u64::from(tree.counts[child]);
                let part = match self.verdict.fates[child] {
                    Fate::Shown => bounds.number(count, count),
                    _ => bounds.number(u64::from(!collapsed), UNBOUNDED),
                };
                numbers.insert(child, part);
                parts.push(part);
                stack.push(child);
            }
            // Children without a case are not in the tree, yet nobody knows which they are where all are hidden.
            if collapsed {
                let on_land = self.empty_children(node).filter(|cell| !reach(*cell).is_empty());
                for empty in on_land {
                    let part = bounds.number(0, UNBOUNDED);
                    parts.push(part);
                    let ground = Ground {
                        cell: empty,
                        number: part,
                        remedy: self.remedy(node),
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

    /// Children of a node's cell that have no case: they are not in the tree.
    pub fn empty_children(&self, node: usize) -> impl Iterator<Item = Cell> {
        let tree = &self.forest.tree;
        let children = &tree.order[tree.children[node].clone()];
        let is_empty = move |child: &Cell| !children.iter().any(|&known| self.forest.cells[known] == *child);
        self.forest.cells[node].children().into_iter().filter(is_empty)
    }
}

/// Each node's parent.
pub(super) fn parents(tree: &Tree) -> Vec<Option<usize>> {
    let mut parents = vec![None; tree.counts.len()];
    for (node, children) in tree.children.iter().enumerate() {
        for &child in &tree.order[children.clone()] {
            parents[child] = Some(node);
        }
    }
    parents
}
