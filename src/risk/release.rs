use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::geo::{BASE_RESOLUTION, Cell, Resolution};
use crate::model::AreaCode;
use crate::risk::ReleaseRules;
use crate::risk::suppress::{Closed, Fate, Tree, Verdict, suppress};

/// A public count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Released {
    /// The count itself; zero is shown.
    Shown(u32),
    /// Small, or needed to protect a small one, or below such a node. Which of these is not told.
    Hidden,
}

/// A count that may be hidden from whoever asks.
pub type Counted = Released;

/// Public activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleasedActivity {
    /// Rounded figures.
    Shown {
        /// Arrivals.
        visits: u32,
        /// Distinct people per leaf cell and day, summed: above one leaf an upper bound.
        people: u32,
    },
    /// Too few people, or needed to protect a cell with too few.
    Hidden,
}

/// One unit of a tree of areas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AreaNode {
    /// Its code.
    pub code: AreaCode,
    /// The unit above; a parent that is not among the nodes counts as none.
    pub parent: Option<AreaCode>,
    /// Cases in it and everything below it.
    pub cases: u32,
}

/// The coarsest resolution in releases. Coarser cells are larger than the provinces that are published beside them: with a
/// few of them on the edge of a province, a hidden one could only be kept if all were hidden, with all below them.
pub const RELEASES_BEGIN_AT: u8 = 5;

/// Case counts by cell that may be published, resolutions 5..=9, ascending by cell.
///
/// Leaves may repeat and may be of any resolution from 5 up; finer than 9 they are summed to 9. Zeros and what lies
/// below a hidden cell are not listed: read it with [`released_at`]. Deterministic, and independent
/// of the order of the leaves.
#[must_use]
pub fn release_cases(rules: &ReleaseRules, leaves: &[(Cell, u32)]) -> Vec<(Cell, Released)> {
    let forest = Forest::of_cases(leaves);
    let (shown_from, total_is_public) = (rules.cases_shown_from, rules.total_is_public);
    forest.cases(&suppress(
        &forest.tree,
        shown_from,
        total_is_public,
        &Closed::default(),
    ))
}

/// Activity by cell (leaves: cell, visits, distinct people) that may be published, as [`release_cases`]
/// does, judged by the number of people and rounded half up.
///
/// People of a coarser cell are the sum of its leaves: somebody seen in two leaves counts twice, so
/// above the leaves the figure is an upper bound of distinct people.
#[must_use]
pub fn release_activity(rules: &ReleaseRules, leaves: &[(Cell, u32, u32)]) -> Vec<(Cell, ReleasedActivity)> {
    let forest = Forest::of_activity(leaves, &[]);
    let (shown_from, total_is_public) = (rules.people_shown_from, rules.total_is_public);
    let verdict = suppress(&forest.tree, shown_from, total_is_public, &Closed::default());
    forest.listed(
        &verdict,
        |figures| rounded(rules, figures),
        ReleasedActivity::Hidden,
    )
}

/// Visits and people as they are shown.
pub(super) fn rounded(rules: &ReleaseRules, [visits, people]: [u32; 2]) -> ReleasedActivity {
    let round = |value: u32| (value.saturating_add(rules.round_to / 2) / rules.round_to) * rules.round_to;
    ReleasedActivity::Shown {
        visits: round(visits),
        people: round(people),
    }
}

/// What a release says of any cell of resolution 5..=9, and the ancestor that says it where the cell
/// itself is not listed. An unlisted cell is zero unless an ancestor is hidden.
#[must_use]
pub fn released_at(release: &[(Cell, Released)], cell: Cell) -> (Released, Option<Cell>) {
    match nearest(release, cell) {
        Some((at, value)) if at == cell => (value, None),
        Some((at, Released::Hidden)) => (Released::Hidden, Some(at)),
        _ => (Released::Shown(0), None),
    }
}

/// [`released_at`] for activity.
#[must_use]
pub fn released_activity_at(
    release: &[(Cell, ReleasedActivity)],
    cell: Cell,
) -> (ReleasedActivity, Option<Cell>) {
    match nearest(release, cell) {
        Some((at, value)) if at == cell => (value, None),
        Some((at, ReleasedActivity::Hidden)) => (ReleasedActivity::Hidden, Some(at)),
        _ => (ReleasedActivity::Shown { visits: 0, people: 0 }, None),
    }
}

/// Case counts by area that may be published: every node, ascending by code.
///
/// A count below the sum of its children is raised to it. Nodes in a circle of parents are hidden.
#[must_use]
pub fn release_areas(rules: &ReleaseRules, nodes: &[AreaNode]) -> Vec<(AreaCode, Released)> {
    let AreaTree { nodes, tree } = AreaTree::grow(nodes);
    let verdict = suppress(
        &tree,
        rules.cases_shown_from,
        rules.total_is_public,
        &Closed::default(),
    );
    let value = |n: usize| match verdict.fates[n] {
        Fate::Shown => Released::Shown(tree.counts[n]),
        Fate::Hidden | Fate::Below => Released::Hidden,
    };
    nodes
        .iter()
        .enumerate()
        .map(|(n, node)| (node.code.clone(), value(n)))
        .collect()
}

/// Areas with their tree, ascending by code.
pub(super) struct AreaTree<'a> {
    pub nodes: Vec<&'a AreaNode>,
    pub tree: Tree,
}

impl<'a> AreaTree<'a> {
    /// Areas in a circle are in no tree: they are reached from no topmost one.
    pub(super) fn grow(nodes: &'a [AreaNode]) -> Self {
        Self::with_parents(nodes, |_| {})
    }

    /// The same where each circle begins somewhere.
    pub(super) fn with_circles_opened(nodes: &'a [AreaNode]) -> Self {
        Self::with_parents(nodes, open_circles)
    }

    fn with_parents(nodes: &'a [AreaNode], settle: impl Fn(&mut [Option<usize>])) -> Self {
        let mut nodes: Vec<&AreaNode> = nodes.iter().collect();
        nodes.sort_by(|a, b| a.code.cmp(&b.code).then(b.cases.cmp(&a.cases)));
        nodes.dedup_by(|later, first| later.code == first.code);
        let number: FxHashMap<&AreaCode, usize> = nodes
            .iter()
            .enumerate()
            .map(|(n, node)| (&node.code, n))
            .collect();
        let mut parents: Vec<Option<usize>> = nodes
            .iter()
            .map(|node| node.parent.as_ref().and_then(|code| number.get(code).copied()))
            .collect();
        settle(&mut parents);

        let mut by_parent: Vec<(usize, usize)> = Vec::new();
        let mut tree = Tree {
            counts: nodes.iter().map(|node| node.cases).collect(),
            children: vec![0..0; nodes.len()],
            order: Vec::new(),
            roots: Vec::new(),
        };
        for (n, parent) in parents.iter().enumerate() {
            match parent {
                Some(parent) => by_parent.push((*parent, n)),
                None => tree.roots.push(n),
            }
        }
        by_parent.sort_unstable();
        tree.order = by_parent.iter().map(|&(_, child)| child).collect();
        for run in by_parent.chunk_by(|a, b| a.0 == b.0) {
            let parent = run[0].0;
            let start = by_parent.partition_point(|&(p, _)| p < parent);
            tree.children[parent] = start..start + run.len();
        }
        raise_to_children(&mut tree);
        Self { nodes, tree }
    }
}

/// Whoever is above itself is topmost: areas in a circle come from a file that nobody mended.
fn open_circles(parents: &mut [Option<usize>]) {
    for node in 0..parents.len() {
        let mut above = parents[node];
        for _ in 0..parents.len() {
            match above {
                Some(at) if at == node => {
                    parents[node] = None;
                    break;
                }
                Some(at) => above = parents[at],
                None => break,
            }
        }
    }
}

/// Parents first, then back up, so that no parent is below its children's sum.
fn raise_to_children(tree: &mut Tree) {
    let mut top_down = tree.roots.clone();
    let mut next = 0;
    while let Some(&node) = top_down.get(next) {
        top_down.extend_from_slice(&tree.order[tree.children[node].clone()]);
        next += 1;
    }
    for &node in top_down.iter().rev() {
        let children = &tree.order[tree.children[node].clone()];
        let sum = children
            .iter()
            .fold(0_u32, |sum, &child| sum.saturating_add(tree.counts[child]));
        tree.counts[node] = tree.counts[node].max(sum);
    }
}

fn nearest<T: Copy>(release: &[(Cell, T)], cell: Cell) -> Option<(Cell, T)> {
    (RELEASES_BEGIN_AT..=cell.resolution().get())
        .rev()
        .find_map(|resolution| {
            let at = cell.parent(Resolution::new(resolution)?)?;
            let found = release.binary_search_by_key(&at, |&(listed, _)| listed).ok()?;
            Some((at, release[found].1))
        })
}

/// The cells of resolutions 5..=9 above the leaves with their summed figures, coarsest first and
/// ascending within a resolution: ascending by id, because the resolution is in its high bits.
pub(super) struct Forest {
    pub cells: Vec<Cell>,
    pub figures: Vec<[u32; 2]>,
    pub tree: Tree,
}

impl Forest {
    /// The cells that cases are published by.
    pub(super) fn of_cases(leaves: &[(Cell, u32)]) -> Self {
        Self::of_cases_and(leaves, &[])
    }

    /// With other cells, of any resolution from 3 to 9, whether or not there is a case in them.
    pub(super) fn of_cases_and(leaves: &[(Cell, u32)], also: &[Cell]) -> Self {
        let leaves = leaves.iter().map(|&(cell, cases)| (cell, [cases, 0]));
        let mut forest = Self::grow(leaves, also);
        forest.tree.counts = forest.figures.iter().map(|figures| figures[0]).collect();
        forest
    }

    /// The cells that activity (visits, people) is published by, and others.
    pub(super) fn of_activity(leaves: &[(Cell, u32, u32)], also: &[Cell]) -> Self {
        // Visits by nobody in particular (a counter without names) are activity of at least one person.
        let people_of = |visits: u32, people: u32| people.max(u32::from(visits > 0));
        let leaves = leaves
            .iter()
            .map(|&(cell, visits, people)| (cell, [visits, people_of(visits, people)]));
        let mut forest = Self::grow(leaves, also);
        forest.tree.counts = forest.figures.iter().map(|figures| figures[1]).collect();
        forest
    }

    /// Which node a cell is.
    pub(super) fn find(&self, cell: Cell) -> Option<usize> {
        self.cells
            .binary_search_by_key(&cell.to_u64(), |known| known.to_u64())
            .ok()
    }

    /// Their release as a verdict has it.
    pub(super) fn cases(&self, verdict: &Verdict) -> Vec<(Cell, Released)> {
        self.listed(verdict, |figures| Released::Shown(figures[0]), Released::Hidden)
    }

    fn grow(leaves: impl Iterator<Item = (Cell, [u32; 2])>, also: &[Cell]) -> Self {
        let mut level: Vec<(Cell, [u32; 2])> = Vec::new();
        let mut coarser: Vec<(Cell, [u32; 2])> = Vec::new();
        let leaves = leaves.filter(|(_, figures)| figures.iter().any(|&f| f > 0));
        for (cell, figures) in leaves.chain(also.iter().map(|&cell| (cell, [0, 0]))) {
            match cell.parent(BASE_RESOLUTION) {
                Some(base) => level.push((base, figures)),
                None => coarser.push((cell, figures)),
            }
        }
        let mut levels = vec![merged(level)];
        for resolution in (RELEASES_BEGIN_AT..BASE_RESOLUTION.get()).rev() {
            let resolution = Resolution::new(resolution).expect("5..9 are resolutions");
            let finer = levels.last().expect("starts with one");
            let mut level: Vec<_> = finer
                .iter()
                .filter_map(|&(cell, figures)| Some((cell.parent(resolution)?, figures)))
                .collect();
            level.extend(coarser.iter().filter(|(cell, _)| cell.resolution() == resolution));
            levels.push(merged(level));
        }
        levels.reverse();

        let roots = levels[0].len();
        let (cells, figures): (Vec<Cell>, Vec<[u32; 2]>) = levels.iter().flatten().copied().unzip();
        let mut children = vec![0..0; cells.len()];
        let (mut start, mut child) = (0, roots);
        for level in levels.windows(2) {
            let below = child;
            let end = below + level[1].len();
            for (n, &(parent, _)) in level[0].iter().enumerate() {
                let first = child;
                while child < end && cells[child].parent(parent.resolution()) == Some(parent) {
                    child += 1;
                }
                children[start + n] = first..child;
            }
            start = below;
        }
        let tree = Tree {
            counts: Vec::new(),
            order: (0..cells.len()).collect(),
            children,
            roots: (0..roots).collect(),
        };
        Self { cells, figures, tree }
    }

    pub(super) fn listed<T: Copy>(
        &self,
        verdict: &Verdict,
        shown: impl Fn([u32; 2]) -> T,
        hidden: T,
    ) -> Vec<(Cell, T)> {
        let mut listed = Vec::new();
        for (n, &cell) in self.cells.iter().enumerate() {
            match verdict.fates[n] {
                Fate::Shown => listed.push((cell, shown(self.figures[n]))),
                Fate::Hidden => listed.push((cell, hidden)),
                Fate::Below => {}
            }
            if verdict.collapsed[n] {
                // Its zero children are not in the tree, yet must not stand out from the hidden ones.
                listed.extend(cell.children().into_iter().map(|child| (child, hidden)));
            }
        }
        listed.sort_unstable_by_key(|&(cell, _)| cell);
        listed.dedup_by_key(|&mut (cell, _)| cell);
        listed
    }
}

fn merged(mut level: Vec<(Cell, [u32; 2])>) -> Vec<(Cell, [u32; 2])> {
    level.sort_unstable_by_key(|&(cell, _)| cell);
    level.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1[0] = kept.1[0].saturating_add(next.1[0]);
            kept.1[1] = kept.1[1].saturating_add(next.1[1]);
        }
        same
    });
    level
}
