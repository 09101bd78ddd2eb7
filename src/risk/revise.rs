//! Editions: what may be told when figures that were published change.
//!
//! Who keeps every edition of a bucket subtracts: 40, then 41, is one late case, told exactly and placed. So an edition is
//! not a release of its own. What is *pending* at a node, its count less what was last told of it (less nothing where that
//! was never told), is a measure on the same tree, and is suppressed like one: a node moves on to its present count when
//! nothing is pending or at least k is, of either sign, and the count itself may be shown. The others are *held*: they keep
//! the figure that was last told, or stay hidden, with all below them. Which are held is not said.
//!
//! # What must hold among siblings
//! Under a parent that moves, so many are held, least pending first, that
//! - what is pending of them together, R, which whoever subtracts knows, is no small count: 0, or at least two are held and
//!   R−(u−1) ≥ k, and who runs the rule backwards is left with other readings of it (as in a first release);
//! - R differs by 0 or at least k from what it was in each earlier edition, unless somebody moves now who may have been
//!   held then: that difference is what came late to those that are held;
//! - two, chosen by what everybody knows (hidden ones first, then those with the least figure), stay held while anybody is.
//!   Without them the counts that all the others have reached would close in on what was held of them before. They move,
//!   and with them the whole family, when each could have been all of R, in every edition.
//!
//! If that cannot be, all children are held; a parent of whose children that would tell 1..k−1 is held itself. Where what
//! was told of siblings is more than there is, they are hidden instead, together: everybody can work that out.
//!
//! # What an attacker with all editions knows
//! Between two moves of a parent its own change is 0 or at least k, or nothing is told of it. Of children with known
//! changes qᵢ, whose earlier shares cᵢ were held and sum to a known R, he knows max(0, R−Σ_{j≠i} qⱼ) ≤ cᵢ ≤ min(qᵢ, R) if
//! he takes counts to go up only, and less if not. Two of them are held still, of which he knows no q, or could each be all
//! of R: so every cᵢ can be anything from 1 (0 where it was not hidden) to min(qᵢ, R−(u−1)), and both are at least k. Hence
//! - a count that one edition hides keeps k values whatever is told later (k−1 where it is topmost: nobody doubts that it
//!   is small), also when it is shown later with what came to it;
//! - a change that was held back keeps as many;
//! - one family tells nothing of another: of a child that is held nothing below is told either, and one that moves says a
//!   figure that is told anyway.
//!
//! Who also runs the rule backwards, knows its private notes' make but not the notes, and tries every course that the
//! counts can have taken, is left with at least two values of each hidden count and of each small change: tried for trees
//! of two tiers and families of up to four over two to four editions.
//!
//! # What it costs, and what it leaves out
//! A figure is behind by fewer than k, or by more where it was held to protect a sibling. Cases that are withdrawn are
//! changes like others; a topmost count that fell to 1..k−1 from so much that nothing follows from it (2k−1) is hidden.
//! Where the tree itself changed, nodes are judged in the new one; what was told of a unit that is not in it any more is
//! not looked at. What only a parent counts is taken to be what it was.

use crate::risk::suppress::{Fate, Tree, has_other_readings, judge};

/// What an edition says of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Its present count.
    Now,
    /// What was last told of it.
    Before,
    /// That it is hidden; its parent is not (or it has none).
    Hidden,
    /// Nothing: it is hidden with an ancestor.
    Below,
}

/// What an edition says.
pub(super) struct Made {
    /// By node number.
    pub standings: Vec<Standing>,
    /// Parents of which all children are hidden now, the zeros among them too.
    pub collapsed: Vec<bool>,
    /// The most that was ever told of a node beside its children, for the next edition.
    pub beside: Vec<u64>,
    /// The two of siblings that stay held, for the next edition.
    pub keepers: Vec<bool>,
    /// What children were behind of together, for the next edition.
    pub stages: Vec<Vec<i64>>,
    /// Since which of these nobody was told whether a node is held, for the next edition.
    pub since: Vec<Option<usize>>,
}

/// What was told before.
pub(super) struct Last {
    /// By node number: what was last told of it; nothing where it has been hidden ever since.
    pub told: Vec<Option<u32>>,
    /// Nodes that were told of once, and hidden in the last edition.
    pub withdrawn: Vec<bool>,
    /// The most that was ever told of it beside what was told of its children, while some of them were held.
    pub beside: Vec<u64>,
    /// The two of siblings that stay held while any of them is.
    pub keepers: Vec<bool>,
    /// What its children were behind of together, edition by edition, as far as all that were held then still are.
    pub stages: Vec<Vec<i64>>,
    /// The first of its parent's stages since which nobody was told whether it is held.
    pub since: Vec<Option<usize>>,
    /// Nodes of which something beside their count differs from what was told with it.
    pub differs: Vec<bool>,
}

/// Decides, from the top down, what the next edition says of each node. With nothing told before it is what
/// [`suppress`](crate::risk::suppress::suppress) decides; made again of the same counts it is the same.
pub(super) fn revise(tree: &Tree, last: Last, shown_from: u32, total_is_public: bool) -> Made {
    let nodes = tree.counts.len();
    let mut revision = Revision {
        tree,
        shown_from,
        edition: Made {
            standings: vec![Standing::Below; nodes],
            collapsed: vec![false; nodes],
            beside: last.beside.clone(),
            keepers: last.keepers.clone(),
            stages: last.stages.clone(),
            since: last.since.clone(),
        },
        last,
        moving: Vec::new(),
        fates: vec![Fate::Below; nodes],
    };
    let sums: Vec<Sum> = (0..nodes).map(|node| revision.sum_of_children(node)).collect();
    if total_is_public {
        // The sum is known from elsewhere, and how it changed.
        revision.family(&tree.roots, &Sum::Elsewhere);
    } else {
        for &root in &tree.roots {
            revision.alone(root);
        }
    }
    while let Some(node) = revision.moving.pop() {
        let children = &tree.order[tree.children[node].clone()];
        if !children.is_empty() {
            let sum = &sums[node];
            let (hides_all, stages) = revision.family(children, sum);
            revision.edition.collapsed[node] = hides_all;
            revision.edition.stages[node] = stages;
            let is_now = |child: &usize| revision.edition.standings[*child] == Standing::Now;
            revision.edition.beside[node] = match sum {
                Sum::Told { beside, .. } if !children.iter().all(is_now) => *beside,
                _ => 0,
            };
        }
    }
    revision.edition
}

/// What was told of the sum of siblings.
enum Sum {
    /// Nothing: they are published for the first time.
    Untold,
    /// So much, at the most, beside what was told of them, in these stages.
    Told { beside: u64, stages: Vec<i64> },
    /// Everybody knows it.
    Elsewhere,
}

struct Revision<'a> {
    tree: &'a Tree,
    last: Last,
    shown_from: u32,
    edition: Made,
    /// Nodes that show their present count and whose children are not decided yet.
    moving: Vec<usize>,
    /// Room for those of siblings of which nothing was told.
    fates: Vec<Fate>,
}

impl Revision<'_> {
    /// What came to a node since it was last told of.
    fn pending(&self, node: usize) -> i64 {
        let told = self.last.told[node];
        let pending = i64::from(self.tree.counts[node]) - i64::from(told.unwrap_or(0));
        if pending == 0 && told.is_some() && self.last.differs[node] {
            return 1;
        }
        pending
    }

    /// What was told of the sum of a node's children.
    fn sum_of_children(&self, node: usize) -> Sum {
        let Some(sum) = self.last.told[node] else {
            return Sum::Untold;
        };
        let children = &self.tree.order[self.tree.children[node].clone()];
        let told = children.iter().filter_map(|&child| self.last.told[child]);
        let counted = children.iter().map(|&child| i64::from(self.tree.counts[child]));
        // What only the parent counts is taken to be what it was.
        let apart = i64::from(self.tree.counts[node]) - counted.sum::<i64>();
        let behind = i64::from(sum) - apart - told.map(i64::from).sum::<i64>();
        let mut stages = self.last.stages[node].clone();
        if stages.is_empty() && children.iter().any(|&child| self.last.told[child].is_none()) {
            stages.push(behind);
        }
        Sum::Told {
            beside: behind.unsigned_abs().max(self.last.beside[node]),
            stages,
        }
    }

    fn is_much(&self, pending: i64) -> bool {
        pending.unsigned_abs() >= u64::from(self.shown_from)
    }

    /// Whether the present count may be told beside what was.
    fn may_move(&self, node: usize) -> bool {
        let showable = is_showable(self.tree.counts[node], self.shown_from);
        let by_itself = if self.last.told[node].is_none() {
            showable
        } else {
            let pending = self.pending(node);
            pending == 0 || (showable && self.is_much(pending))
        };
        by_itself && self.leaves_children_safe(node)
    }

    /// Whether nothing small is told even if all children are held.
    fn leaves_children_safe(&self, node: usize) -> bool {
        let children = &self.tree.order[self.tree.children[node].clone()];
        if children.iter().all(|&child| self.last.told[child].is_none()) {
            return true;
        }
        let rest: i64 = children.iter().map(|&child| self.pending(child)).sum();
        rest == 0 || self.is_much(rest)
    }

    /// Whether a count fell from so much that nothing follows from its being small.
    fn has_fallen(&self, node: usize) -> bool {
        let from = self.last.told[node].unwrap_or(0);
        !is_showable(self.tree.counts[node], self.shown_from)
            && u64::from(from) + 1 >= 2 * u64::from(self.shown_from)
    }

    fn alone(&mut self, node: usize) {
        if self.may_move(node) {
            self.show(node);
        } else {
            let is_hidden = self.has_fallen(node) || self.last.withdrawn[node];
            self.hold(node, is_hidden);
        }
    }

    /// Decides siblings whose sum is known now. Whether all of them are hidden, and the stages of what they are behind of.
    fn family(&mut self, siblings: &[usize], sum: &Sum) -> (bool, Vec<i64>) {
        let is_first = siblings.iter().all(|&node| self.last.told[node].is_none());
        let first = if is_first {
            self.held_first(siblings)
        } else {
            Some(
                siblings
                    .iter()
                    .copied()
                    .filter(|&node| !self.may_move(node))
                    .collect(),
            )
        };
        let keepers = self.keepers(first.as_deref().unwrap_or(siblings), siblings, sum);
        let held = first
            .map(|held| self.with_keepers(held, &keepers, sum))
            .and_then(|held| self.protected(held, siblings, sum))
            .filter(|held| self.rest_of(held) >= 0 && self.has_other_readings(held, siblings));
        let held = held.unwrap_or_else(|| siblings.to_vec());
        let do_stay = keepers.iter().all(|node| held.contains(node));
        for &node in siblings {
            self.edition.keepers[node] = do_stay && keepers.contains(&node);
        }
        // What was told of siblings is not left standing where it is more than there is.
        let stages = self.next_stages(&held, siblings, sum);
        let hides_all = self.rest_of(&held) < 0 || (is_first && held.len() == siblings.len());
        for &node in siblings {
            if hides_all || held.contains(&node) {
                self.hold(node, hides_all);
            } else {
                self.show(node);
            }
        }
        (hides_all, stages)
    }

    /// The stages after one in which these are held.
    fn next_stages(&mut self, held: &[usize], siblings: &[usize], sum: &Sum) -> Vec<i64> {
        let mut stages = self.alive(held, siblings, sum).to_vec();
        let is_told = |node: &usize| self.moves(*node) && !held.contains(node);
        let (told, rest): (Vec<usize>, Vec<usize>) = siblings.iter().partition(|node| is_told(node));
        for &node in &told {
            self.edition.since[node] = None;
        }
        if held.iter().all(|&node| self.pending(node) == 0) {
            for &node in &rest {
                self.edition.since[node] = None;
            }
            return Vec::new();
        }
        let behind = self.rest_of(held);
        let is_new = |node: &&usize| self.since(**node).is_none();
        let new: Vec<usize> = rest.iter().filter(is_new).copied().collect();
        if stages.last() != Some(&behind) || !new.is_empty() {
            stages.push(behind);
        }
        for &node in &rest {
            let known = self.since(node).filter(|&since| since < stages.len());
            self.edition.since[node] = known.or(Some(stages.len() - 1));
        }
        stages
    }

    /// Whether a node that is not held shows another figure than before.
    fn moves(&self, node: usize) -> bool {
        self.pending(node) != 0 || self.last.told[node].is_none()
    }

    /// Since which stage nobody was told whether a node is held: one that was hidden at first, since the first.
    fn since(&self, node: usize) -> Option<usize> {
        self.last.since[node].or(self.last.told[node].is_none().then_some(0))
    }

    /// The stages in which none can have been held that is told of now: against them a sum that changed by little tells that.
    fn alive<'s>(&self, held: &[usize], siblings: &[usize], sum: &'s Sum) -> &'s [i64] {
        let Sum::Told { stages, .. } = sum else {
            return &[];
        };
        let leaving = siblings
            .iter()
            .filter(|node| self.moves(**node) && !held.contains(node));
        let first = leaving.filter_map(|&node| self.since(node)).min();
        &stages[..first.map_or(stages.len(), |first| first.min(stages.len()))]
    }

    /// Which siblings are hidden where nothing was told of any; `None`: all of them.
    fn held_first(&mut self, siblings: &[usize]) -> Option<Vec<usize>> {
        if !judge(self.tree, siblings, self.shown_from, &mut self.fates) {
            return None;
        }
        let (shown, hidden): (Vec<usize>, Vec<usize>) = siblings
            .iter()
            .partition(|&&node| self.fates[node] == Fate::Shown);
        // Of what lies below a unit that is new, something may have been told.
        shown.iter().all(|&node| self.may_move(node)).then_some(hidden)
    }

    /// The siblings that stay held.
    fn keepers(&self, held: &[usize], siblings: &[usize], sum: &Sum) -> Vec<usize> {
        if matches!(sum, Sum::Untold) {
            return Vec::new();
        }
        let mut keepers = siblings.to_vec();
        if siblings.iter().any(|&node| self.last.keepers[node]) {
            keepers.retain(|&node| self.last.keepers[node]);
        } else {
            // Chosen by what everybody knows: another choice would tell what is held.
            if siblings.iter().any(|&node| self.since(node).is_some()) {
                keepers.retain(|&node| self.since(node).is_some());
            } else if held.is_empty() {
                keepers.clear();
            }
            keepers.sort_by_key(|&node| self.last.told[node]);
            keepers.truncate(2);
        }
        keepers
    }

    /// The same with those that stay, unless each could have been all that was ever told of the siblings together: otherwise
    /// that sum would close in on what was held of them from the counts that they have reached.
    fn with_keepers(&self, mut held: Vec<usize>, keepers: &[usize], sum: &Sum) -> Vec<usize> {
        let may_leave = |&node: &usize| match (self.pending(node), sum) {
            (0, _) => self.last.told[node].is_some(),
            (pending, Sum::Told { beside, .. }) => pending.unsigned_abs() >= *beside,
            _ => false,
        };
        if !held.is_empty() || !keepers.iter().all(may_leave) {
            held.extend(keepers);
            held.sort_unstable();
            held.dedup();
        }
        held
    }

    /// The same with as many more, least first, as protect them.
    fn protected(&self, mut held: Vec<usize>, siblings: &[usize], sum: &Sum) -> Option<Vec<usize>> {
        let mut count = held.iter().filter(|&&node| self.pending(node) != 0).count() as u64;
        if count == 0 {
            return Some(held);
        }
        let mut rest = self.rest_of(&held);
        let mut further = self.by_pending(siblings.iter().filter(|node| !held.contains(node)));
        if matches!(sum, Sum::Elsewhere) {
            return None;
        }
        let is_safe = |held: &[usize], count: u64, rest: i64| {
            let mut changes = self.alive(held, siblings, sum).iter().map(|stage| rest - stage);
            self.is_protected(count, rest) && changes.all(|change| change == 0 || self.is_much(change))
        };
        while !is_safe(&held, count, rest) {
            let node = further.next()?;
            held.push(node);
            count += 1;
            rest += self.pending(node);
        }
        Some(held)
    }

    /// What came to all of them together.
    fn rest_of(&self, nodes: &[usize]) -> i64 {
        nodes.iter().map(|&node| self.pending(node)).sum()
    }

    /// Those of them to which something came, least first; equal changes in published order.
    fn by_pending<'s>(&self, nodes: impl IntoIterator<Item = &'s usize>) -> std::vec::IntoIter<usize> {
        let mut nodes: Vec<usize> = nodes
            .into_iter()
            .copied()
            .filter(|&node| self.pending(node) != 0)
            .collect();
        nodes.sort_by_key(|&node| self.pending(node).unsigned_abs());
        nodes.into_iter()
    }

    /// Whether who knows the rule is left with two values of each that is held.
    fn has_other_readings(&self, held: &[usize], siblings: &[usize]) -> bool {
        let pending = |node: &usize| self.pending(*node).unsigned_abs();
        let count = held.iter().filter(|&node| pending(node) > 0).count() as u64;
        let rest = self.rest_of(held);
        let moving = siblings.iter().filter(|node| !held.contains(node)).map(pending);
        let smallest = moving.filter(|&pending| pending > 0).min();
        count == 0 || has_other_readings(count, rest.unsigned_abs(), self.shown_from, smallest)
    }

    /// Whether what is held is protected by its number.
    fn is_protected(&self, count: u64, rest: i64) -> bool {
        count >= 2 && (rest == 0 || rest.unsigned_abs() >= u64::from(self.shown_from) + count - 1)
    }

    fn show(&mut self, node: usize) {
        self.edition.standings[node] = Standing::Now;
        self.moving.push(node);
    }

    /// Leaves a node and all below it as they were told; hidden with all below it, if so it is to be.
    fn hold(&mut self, node: usize, is_hidden: bool) {
        let mut stack = vec![(node, is_hidden)];
        while let Some((node, is_hidden)) = stack.pop() {
            let told = self.last.told[node].filter(|&count| is_showable(count, self.shown_from));
            if is_hidden || told.is_none() {
                self.edition.standings[node] = Standing::Hidden;
                continue;
            }
            self.edition.standings[node] = Standing::Before;
            let children = &self.tree.order[self.tree.children[node].clone()];
            stack.extend(children.iter().map(|&child| (child, self.last.withdrawn[child])));
        }
    }
}

fn is_showable(count: u32, shown_from: u32) -> bool {
    count == 0 || count >= shown_from
}
