//! Reconstruction: an attacker who knows the rules and everything that is published, and releases every world himself.
//! Small worlds are tried one by one; what two of them publish alike he cannot tell apart.

use std::collections::BTreeSet;

use super::*;

/// Hidden counts by name.
type Hidden = Vec<(String, u32)>;
/// The values that a hidden count can have, and a world in which it is hidden.
type Seen = BTreeMap<String, (BTreeSet<u32>, Vec<u32>)>;
/// What is said of areas: a count, or that it is hidden.
type AreasSaid = BTreeMap<String, Option<u32>>;

/// Every way to spread a total over so many places.
fn worlds(places: usize, total: u32) -> Vec<Vec<u32>> {
    guesses(places, total)
}

/// The worlds by what they publish: each hidden count must be able to have at least two values, and, for who does not run
/// the rule, a value that is not small.
fn assert_nothing_is_pinned<K: Ord + std::fmt::Debug>(
    worlds: impl Iterator<Item = Vec<u32>>,
    publish: impl Fn(&[u32]) -> (K, Hidden),
) -> usize {
    let mut alike: BTreeMap<K, Seen> = BTreeMap::new();
    for world in worlds {
        let (published, hidden) = publish(&world);
        let known = alike.entry(published).or_default();
        for (name, count) in hidden {
            known
                .entry(name)
                .or_insert_with(|| (BTreeSet::new(), world.clone()))
                .0
                .insert(count);
        }
    }
    let mut seen = 0;
    for (published, hidden) in &alike {
        for (name, (values, world)) in hidden {
            assert!(
                values.len() >= 2,
                "{name} can only be {values:?}, as in {world:?}: {published:?}"
            );
            seen += 1;
        }
    }
    seen
}

/// A tree of areas below `r`, written as the numbers of children of each node in the order of their leaves.
#[derive(Clone)]
enum Shape {
    Leaf,
    Of(Vec<Shape>),
}

fn flat(leaves: usize) -> Shape {
    Shape::Of(vec![Shape::Leaf; leaves])
}

impl Shape {
    fn leaves(&self) -> usize {
        match self {
            Self::Leaf => 1,
            Self::Of(children) => children.iter().map(Self::leaves).sum(),
        }
    }

    fn grow(
        &self,
        code: &str,
        parent: Option<&str>,
        counts: &mut impl Iterator<Item = u32>,
        nodes: &mut Vec<AreaNode>,
    ) -> u32 {
        let cases = match self {
            Self::Leaf => counts.next().unwrap(),
            Self::Of(children) => (0..)
                .zip(children)
                .map(|(n, child)| child.grow(&format!("{code}{n}"), Some(code), counts, nodes))
                .sum(),
        };
        nodes.push(AreaNode {
            code: AreaCode::new(code).unwrap(),
            parent: parent.map(|parent| AreaCode::new(parent).unwrap()),
            cases,
        });
        cases
    }

    fn nodes(&self, counts: &[u32]) -> Vec<AreaNode> {
        let mut nodes = Vec::new();
        self.grow("r", None, &mut counts.iter().copied(), &mut nodes);
        nodes
    }
}

fn areas_published(rules: &ReleaseRules, nodes: &[AreaNode]) -> (AreasSaid, Hidden) {
    let counts: BTreeMap<String, u32> = nodes
        .iter()
        .map(|node| (node.code.to_string(), node.cases))
        .collect();
    let (mut published, mut hidden) = (BTreeMap::new(), Vec::new());
    for (code, released) in release_areas(rules, nodes) {
        let code = code.to_string();
        match released {
            Released::Shown(cases) => _ = published.insert(code, Some(cases)),
            Released::Hidden => {
                hidden.push((code.clone(), counts[&code]));
                published.insert(code, None);
            }
        }
    }
    (published, hidden)
}

#[test]
fn no_small_tree_of_areas_pins_a_hidden_count_at_any_zoom() {
    let pair = || flat(2);
    let shapes = [
        (flat(2), 14),
        (flat(3), 13),
        (flat(4), 11),
        (Shape::Of(vec![pair(), pair()]), 12),
        (Shape::Of(vec![pair(), Shape::Of(vec![Shape::Leaf])]), 14),
        (Shape::Of(vec![pair(), Shape::Leaf, Shape::Leaf]), 11),
        (
            Shape::Of(vec![Shape::Of(vec![pair(), Shape::Leaf]), Shape::Leaf]),
            12,
        ),
    ];
    let mut seen = 0;
    for shown_from in [3, 4] {
        let rules = rules(shown_from);
        for (shape, most) in &shapes {
            let all = (0..=*most).flat_map(|total| worlds(shape.leaves(), total));
            seen += assert_nothing_is_pinned(all, |world| areas_published(&rules, &shape.nodes(world)));
        }
    }
    assert!(seen > 500, "{seen}");
}

/// Cells of resolution 9: children of two cells of resolution 8 that have one parent, and one of another.
fn ground() -> (Vec<Cell>, Vec<Cell>) {
    let seven = Resolution::new(7).unwrap();
    let near = neighbourhood()[0].parent(seven).unwrap();
    let other = near.grid_disk(1).into_iter().find(|cell| *cell != near).unwrap();
    with_all_above(near, other)
}

/// The same where the last one lies below another topmost cell.
fn ground_below_two() -> (Vec<Cell>, Vec<Cell>) {
    let resolution = |number| Resolution::new(number).unwrap();
    let near = neighbourhood()[0].parent(resolution(7)).unwrap();
    let top = near.parent(resolution(5)).unwrap();
    let other = top.grid_disk(1).into_iter().find(|cell| *cell != top).unwrap();
    with_all_above(near, other.children()[0].children()[0])
}

fn with_all_above(near: Cell, other: Cell) -> (Vec<Cell>, Vec<Cell>) {
    let (first, far) = (near.children(), other.children()[0].children());
    let (one, beside) = (first[0].children(), first[1].children());
    let ground = vec![one[0], one[1], beside[0], beside[1], far[0]];
    let mut all: BTreeSet<Cell> = BTreeSet::new();
    for cell in &ground {
        all.extend((5..=9).filter_map(|resolution| cell.parent(Resolution::new(resolution)?)));
    }
    (ground, all.into_iter().collect())
}

type CellsSaid = Vec<(Cell, Option<u32>)>;

fn cells_published(
    released: &[(Cell, Released)],
    ground: &[Cell],
    all: &[Cell],
    world: &[u32],
) -> (CellsSaid, Hidden) {
    let count = |cell: Cell| -> u32 {
        let below = ground
            .iter()
            .zip(world)
            .filter(|(leaf, _)| leaf.parent(cell.resolution()) == Some(cell));
        below.map(|(_, cases)| cases).sum()
    };
    let said = released
        .iter()
        .map(|(cell, value)| match value {
            Released::Shown(cases) => (*cell, Some(*cases)),
            Released::Hidden => (*cell, None),
        })
        .collect();
    let hidden = all
        .iter()
        .filter(|cell| released_at(released, **cell).0 == Released::Hidden)
        .map(|cell| (cell.to_string(), count(*cell)))
        .collect();
    (said, hidden)
}

#[test]
fn no_small_tree_of_cells_pins_a_hidden_count_at_any_zoom() {
    let (ground, all) = ground();
    let rules = rules(3);
    let leaves =
        |world: &[u32]| -> Vec<(Cell, u32)> { ground.iter().copied().zip(world.iter().copied()).collect() };
    let every = (0..=8).flat_map(|total| worlds(ground.len(), total));
    let seen = assert_nothing_is_pinned(every.clone(), |world| {
        cells_published(&release_cases(&rules, &leaves(world)), &ground, &all, world)
    });
    assert!(seen > 100, "{seen}");
    // Activity is judged by people; what is shown of it is rounded, so it says less.
    let seen = assert_nothing_is_pinned(every, |world| {
        let leaves: Vec<(Cell, u32, u32)> = leaves(world)
            .into_iter()
            .map(|(cell, people)| (cell, 2 * people, people))
            .collect();
        let released: Vec<(Cell, Released)> = release_activity(&rules, &leaves)
            .into_iter()
            .map(|(cell, value)| match value {
                ReleasedActivity::Shown { people, .. } => (cell, Released::Shown(people)),
                ReleasedActivity::Hidden => (cell, Released::Hidden),
            })
            .collect();
        cells_published(&released, &ground, &all, world)
    });
    assert!(seen > 100, "{seen}");
}

/// How areas lie over the ground: each cell in one of the smallest areas, or astride two.
struct Layout {
    areas: Shape,
    /// By cell of the ground: the numbers of the smallest areas it reaches into.
    over: [&'static [usize]; 5],
}

fn layouts() -> Vec<Layout> {
    vec![
        // The cells of the first parent lie in two areas, those of the second in one.
        Layout {
            areas: flat(3),
            over: [&[0], &[1], &[2], &[2], &[1]],
        },
        Layout {
            areas: flat(3),
            over: [&[0], &[0], &[1], &[1], &[2]],
        },
        Layout {
            areas: Shape::Of(vec![flat(2), flat(2)]),
            over: [&[0], &[1], &[2], &[3], &[0]],
        },
        Layout {
            areas: flat(2),
            over: [&[0], &[0, 1], &[1], &[1, 0], &[0]],
        },
        Layout {
            areas: Shape::Of(vec![flat(3), Shape::Leaf]),
            over: [&[0], &[1], &[2], &[3], &[3]],
        },
        Layout {
            areas: flat(2),
            over: [&[0], &[0], &[1], &[1], &[1]],
        },
        Layout {
            areas: flat(4),
            over: [&[0], &[1], &[2], &[3], &[3]],
        },
        Layout {
            areas: Shape::Of(vec![flat(2), Shape::Leaf]),
            over: [&[1], &[2, 0], &[2], &[1], &[0]],
        },
    ]
}

impl Layout {
    fn code(&self, smallest: usize) -> AreaCode {
        let mut nodes = self.areas.nodes(&vec![0; self.areas.leaves()]);
        let parents: BTreeSet<AreaCode> = nodes.iter().filter_map(|node| node.parent.clone()).collect();
        nodes.retain(|node| !parents.contains(&node.code));
        nodes[smallest].code.clone()
    }

    /// Where a case can be: a cell of the ground, and an area that it reaches into.
    fn places(&self) -> Vec<(usize, usize)> {
        let over = self.over.iter().enumerate();
        over.flat_map(|(cell, areas)| areas.iter().map(move |area| (cell, *area)))
            .collect()
    }

    fn nodes(&self, world: &[u32]) -> Vec<AreaNode> {
        let mut counts = vec![0; self.areas.leaves()];
        for ((_, area), cases) in self.places().into_iter().zip(world) {
            counts[area] += cases;
        }
        self.areas.nodes(&counts)
    }

    fn cells(&self, world: &[u32]) -> Vec<u32> {
        let mut counts = vec![0; self.over.len()];
        for ((cell, _), cases) in self.places().into_iter().zip(world) {
            counts[cell] += cases;
        }
        counts
    }

    fn areas_of(&self, ground: &[Cell], cell: Cell) -> Vec<AreaCode> {
        let below = ground.iter().zip(self.over).filter(|(leaf, _)| {
            leaf.parent(cell.resolution()) == Some(cell) || cell.parent(leaf.resolution()) == Some(**leaf)
        });
        let reached: BTreeSet<usize> = below.flat_map(|(_, over)| over.iter().copied()).collect();
        reached.into_iter().map(|area| self.code(area)).collect()
    }
}

/// A world as it is and as it is published: every cell's and area's count, and whether it is shown.
struct Side {
    counts: Vec<u32>,
    shown: Vec<bool>,
    /// Hidden, and not below something hidden.
    hides: Vec<bool>,
    said: (Vec<(Cell, Released)>, AreasSaid),
}

/// A layout of areas over a ground, and everything that a cell reaches into.
struct Place<'a> {
    layout: &'a Layout,
    ground: &'a [Cell],
    all: &'a [Cell],
    reach: BTreeMap<Cell, Vec<AreaCode>>,
}

/// All layouts over a ground below one topmost cell and over one below two.
fn every_place(each: impl Fn(&str, &Place<'_>)) {
    for (under, (ground, all)) in [("one", ground()), ("two", ground_below_two())] {
        for (number, layout) in layouts().iter().enumerate() {
            let reached = all.iter().map(|cell| (*cell, layout.areas_of(&ground, *cell)));
            let place = Place {
                reach: reached.collect(),
                layout,
                ground: &ground,
                all: &all,
            };
            each(&format!("layout {number} under {under}"), &place);
        }
    }
}

/// At least so many values stay possible for a hidden count, in the small worlds of these tests.
fn joint_rules(shown_from: u32) -> ReleaseRules {
    ReleaseRules {
        values_left: shown_from - 1,
        ..rules(shown_from)
    }
}

/// Both releases tell what they tell, and all sums hold: a hidden count that may be small may also be one that is not, and
/// as many values as promised stay possible.
#[test]
fn cells_and_areas_side_by_side_leave_every_hidden_count_open() {
    use std::cell::Cell as Counter;
    let (hidden_counts, shown_cells) = (Counter::new(0), Counter::new(0));
    every_place(|name, place| {
        for k in [3, 4] {
            let rules = joint_rules(k);
            for total in k..=k + 2 {
                let sides: Vec<Side> = worlds(place.layout.places().len(), total)
                    .iter()
                    .map(|world| side(&rules, place, world))
                    .collect();
                let mut tried: BTreeSet<Vec<Option<u32>>> = BTreeSet::new();
                for side in &sides {
                    let told: Vec<Option<u32>> = side
                        .counts
                        .iter()
                        .zip(&side.shown)
                        .map(|(count, shown)| shown.then_some(*count))
                        .collect();
                    if !tried.insert(told.clone()) {
                        continue;
                    }
                    let fits = |other: &&Side| {
                        told.iter()
                            .zip(&other.counts)
                            .all(|(told, count)| told.is_none_or(|told| told == *count))
                    };
                    let fitting: Vec<&Side> = sides.iter().filter(fits).collect();
                    let shown = side.shown[..place.all.len()].iter().filter(|shown| **shown);
                    shown_cells.set(shown_cells.get() + shown.count());
                    for (at, _) in side.hides.iter().enumerate().filter(|(_, hides)| **hides) {
                        let values: BTreeSet<u32> = fitting.iter().map(|other| other.counts[at]).collect();
                        let most = values.last().copied().unwrap();
                        let is_open = most >= k && values.len() >= rules.values_left as usize;
                        assert!(
                            is_open || !values.iter().any(|value| (1..k).contains(value)),
                            "{name}: {at} of {:?} can only be {values:?}: {:?} told as {told:?}",
                            place.all,
                            side.counts
                        );
                        hidden_counts.set(hidden_counts.get() + 1);
                    }
                }
            }
        }
    });
    let (hidden, shown) = (hidden_counts.get(), shown_cells.get());
    assert!(hidden > 1_000 && shown > 1_000, "{hidden} hidden, {shown} shown");
}

/// Who also runs the rule backwards releases every world himself and keeps those that come out alike. Where cells gave way
/// tells him something: the promise is not of him. How often it tells a small count is counted here and may not grow:
/// hardly ever, and the less the larger the counts that are hidden.
#[test]
fn who_runs_the_rule_backwards_hardly_ever_learns_a_small_count() {
    use std::cell::RefCell;
    let of_k: RefCell<BTreeMap<u32, (usize, usize)>> = RefCell::default();
    every_place(|_, place| {
        for k in [3, 4] {
            let rules = joint_rules(k);
            let mut alike: BTreeMap<String, Vec<BTreeSet<u32>>> = BTreeMap::new();
            for total in 0..=k + 4 {
                for world in worlds(place.layout.places().len(), total) {
                    let side = side(&rules, place, &world);
                    let known = alike.entry(format!("{:?}", side.said));
                    let values = known.or_insert_with(|| vec![BTreeSet::new(); side.counts.len()]);
                    for (at, _) in side.hides.iter().enumerate().filter(|(_, hides)| **hides) {
                        values[at].insert(side.counts[at]);
                    }
                }
            }
            let mut of_k = of_k.borrow_mut();
            let (hidden, pinned) = of_k.entry(k).or_default();
            for values in alike.values().flatten().filter(|values| !values.is_empty()) {
                *hidden += 1;
                let only = values.first().copied().filter(|_| values.len() == 1);
                *pinned += usize::from(only.is_some_and(|value| (1..k).contains(&value)));
            }
        }
    });
    let of_k = of_k.into_inner();
    println!("shown from: (hidden counts, small ones among them that are told): {of_k:?}");
    let share = |k: u32| of_k[&k].1 as f64 / of_k[&k].0 as f64;
    assert!(share(3) < 0.03 && share(4) < 0.01, "{of_k:?}");
}

fn side(rules: &ReleaseRules, place: &Place<'_>, world: &[u32]) -> Side {
    let Place {
        layout,
        ground,
        all,
        reach,
    } = place;
    let by_cell = layout.cells(world);
    let leaves: Vec<(Cell, u32)> = ground.iter().copied().zip(by_cell.iter().copied()).collect();
    let nodes = layout.nodes(world);
    let (areas, _) = areas_published(rules, &nodes);
    let areas_of = |cell: Cell| reach.get(&cell).cloned().unwrap_or_default();
    let released = release_cases_beside(rules, &leaves, &nodes, areas_of);
    let mut side = Side {
        counts: Vec::new(),
        shown: Vec::new(),
        hides: Vec::new(),
        said: (released.clone(), areas.clone()),
    };
    let above = |cell: Cell| {
        let resolution = cell.resolution().get() - 1;
        cell.parent(Resolution::new(resolution)?)
            .filter(|above| all.contains(above))
    };
    for cell in *all {
        let below = leaves
            .iter()
            .filter(|(leaf, _)| leaf.parent(cell.resolution()) == Some(*cell));
        side.counts.push(below.map(|(_, cases)| cases).sum());
        let (value, hidden_above) = released_at(&released, *cell);
        let hidden = value == Released::Hidden;
        // A cell in areas that are shown without a case hides nothing, nor does one without siblings: it is its parent. What
        // lies below a hidden cell is not tried: here are five places where there are dozens.
        let zeros = reach[cell].iter().all(|code| areas[code.as_str()] == Some(0));
        let siblings = all
            .iter()
            .filter(|other| other.resolution() == cell.resolution() && above(**other) == above(*cell));
        side.shown.push(!hidden);
        side.hides
            .push(hidden && hidden_above.is_none() && !zeros && siblings.count() > 1);
    }
    for node in &nodes {
        side.counts.push(node.cases);
        let shown = areas[node.code.as_str()].is_some();
        side.shown.push(shown);
        side.hides.push(!shown);
    }
    side
}

#[test]
fn cells_give_way_only_where_areas_hide_something() {
    let (ground, all) = ground();
    let rules = rules(3);
    let layout = &layouts()[1];
    let areas_of = |cell: Cell| -> Vec<AreaCode> {
        if all.contains(&cell) {
            layout.areas_of(&ground, cell)
        } else {
            Vec::new()
        }
    };
    let leaves = |world: [u32; 5]| -> Vec<(Cell, u32)> { ground.iter().copied().zip(world).collect() };
    // All areas are shown: cells are as if nothing stood beside them, also where some cases have no place.
    let open = leaves([4, 5, 6, 7, 8]);
    let mut nodes = layout.nodes(&[4, 5, 6, 7, 8]);
    let alone = release_cases(&rules, &open);
    assert_eq!(release_cases_beside(&rules, &open, &nodes, areas_of), alone);
    for node in nodes.iter_mut().filter(|node| node.code.as_str() != "r1") {
        node.cases += 9;
    }
    assert_eq!(release_cases_beside(&rules, &open, &nodes, areas_of), alone);

    // Two areas of 2 and 9 are hidden, the cells of the second are shown by themselves: 11 − 9 would be read off.
    let told = leaves([1, 1, 4, 5, 20]);
    let nodes = layout.nodes(&[1, 1, 4, 5, 20]);
    let (areas, _) = areas_published(&rules, &nodes);
    assert_eq!((areas["r0"], areas["r1"], areas["r2"]), (None, None, Some(20)));
    let alone = release_cases(&rules, &told);
    assert_eq!(
        released_at(&alone, ground[2]).0,
        Released::Hidden,
        "its sibling protects the first parent"
    );
    let beside = release_cases_beside(&rules, &told, &nodes, areas_of);
    assert_eq!(released_at(&beside, ground[4]).0, Released::Shown(20));
    assert_eq!(release_cases_beside(&rules, &told, &[], |_| Vec::new()), alone);
}

#[test]
fn areas_above_themselves_and_a_known_total_bring_the_release_to_an_end_too() {
    let (ground, _) = ground();
    let leaves: Vec<(Cell, u32)> = ground.iter().copied().zip([2, 3, 0, 9, 4]).collect();
    let node = |code: &str, parent: &str, cases| AreaNode {
        code: AreaCode::new(code).unwrap(),
        parent: Some(AreaCode::new(parent).unwrap()),
        cases,
    };
    // Of a file that nobody mended: each lies in the other.
    let circle = [node("a", "b", 9), node("b", "a", 9), node("c", "b", 2)];
    let reached = |_: Cell| vec![AreaCode::new("a").unwrap(), AreaCode::new("c").unwrap()];
    for total_is_public in [false, true] {
        let rules = ReleaseRules {
            total_is_public,
            ..rules(3)
        };
        let released = release_cases_beside(&rules, &leaves, &circle, reached);
        let alone = release_cases(&rules, &leaves);
        for (cell, value) in &released {
            if *value != Released::Hidden {
                assert_eq!(released_at(&alone, *cell).0, *value, "hides at least as much");
            }
        }
        assert_eq!(release_areas(&rules, &circle).len(), 3);
    }
    // One topmost cell holds a hidden area and a shown one: nothing finer is left to give way.
    let rules = ReleaseRules {
        total_is_public: true,
        ..rules(11)
    };
    let two = [
        AreaNode {
            parent: None,
            ..node("a", "b", 5)
        },
        AreaNode {
            parent: None,
            ..node("c", "b", 20)
        },
    ];
    let one_root: Vec<(Cell, u32)> = ground[..2].iter().copied().zip([5, 20]).collect();
    let released = release_cases_beside(&rules, &one_root, &two, reached);
    assert!(!released.iter().any(|(_, value)| *value == Released::Shown(5)));
}
