//! What marks in one venue of a building are to the others.

use std::collections::BTreeSet;

use proptest::prelude::*;
use vungxanh::risk::{MinutesOfParts, Relation, VenueGroup, VenueParent, VenuePart, venue_figures};

use super::*;

const DAY: &str = "2021-05-07";

/// A mark of that day whose normalised minutes at the onset are 16 times `units` (even, from 2).
fn units(case: usize, units: i64) -> Mark {
    let total = units * 10;
    let stay = if total >= 60 { total - 30 } else { total / 2 };
    mark(case, &format!("{DAY}T00:00:00+07:00"), stay, 0)
}

/// A venue of a building.
#[derive(Debug)]
struct Place {
    id: VenueId,
    name: String,
    marks: Vec<Mark>,
    /// The one around it, which comes before it in the list.
    holder: Option<usize>,
    /// Whether its marks reach that.
    reaches: bool,
    /// Whether marks at it reach what lies inside.
    goes_down: bool,
    minutes: MinutesOfParts,
}

fn place(nth: usize, marks: Vec<Mark>, holder: Option<usize>) -> Place {
    Place {
        id: VenueId::new(&format!("p{nth}")).unwrap(),
        name: format!("Nơi {nth}"),
        marks,
        holder,
        reaches: true,
        goes_down: false,
        minutes: MinutesOfParts::Sum,
    }
}

fn inside(all: &[Place], holder: usize) -> Vec<usize> {
    (0..all.len())
        .filter(|nth| all[*nth].holder == Some(holder))
        .collect()
}

fn parts(all: &[Place], holder: usize) -> Vec<VenuePart<'_>> {
    let reaching = inside(all, holder).into_iter().filter(|nth| all[*nth].reaches);
    reaching
        .map(|nth| VenuePart {
            id: &all[nth].id,
            name: &all[nth].name,
            marks: &all[nth].marks,
            minutes: all[nth].minutes,
            parts: parts(all, nth),
        })
        .collect()
}

fn group(all: &[Place], nth: usize) -> VenueGroup<'_> {
    let mut parents = Vec::new();
    let mut above = all[nth].holder;
    while let Some(holder) = above.map(|nth| &all[nth]).filter(|holder| holder.goes_down) {
        parents.push(VenueParent {
            id: &holder.id,
            name: &holder.name,
            marks: &holder.marks,
            minutes: holder.minutes,
        });
        above = holder.holder;
    }
    VenueGroup {
        parts: parts(all, nth),
        parents,
        inside: inside(all, nth).len(),
        has_parent: all[nth].holder.is_some(),
        minutes: all[nth].minutes,
    }
}

/// The minutes of the day at one of the places, for an audience.
fn minutes(rules: &Rules, all: &[Place], nth: usize, audience: Audience) -> f64 {
    let group = group(all, nth);
    let inputs = VenueInputs {
        group: Some(&group),
        ..inputs(&all[nth].marks, &[])
    };
    let figures = venue_figures(rules, &inputs, audience);
    figures.exposure.iter().map(|day| day.minutes).sum()
}

/// The same as units of marks.
fn told(rules: &Rules, all: &[Place], nth: usize, audience: Audience) -> u64 {
    (minutes(rules, all, nth, audience) / 16.0).round() as u64
}

#[test]
fn a_mark_on_a_floor_stays_there_unless_the_rule_says_otherwise() {
    let rules = Rules::builtin();
    for kind in VenueKind::ALL {
        let rule = rules.venue.parents.of(kind);
        assert_eq!(rule, vungxanh::risk::ParentRule::default(), "{kind:?}");
    }
    let text = include_str!("../../../data/rules/venue.toml");
    let with = |more: &str| {
        let text = text.replace(
            "marks_of_parts = \"stay\"",
            "marks_of_parts = \"count_at_parent\"",
        ) + more;
        Rules::with_files(&[("own.toml".to_owned(), text)])
    };
    let own = "[[parents.kind]]\nkinds = [\"mall\"]\nmarks_of_parts = \"stay\"\nmarks_of_parent = \"count_at_parts\"\n\
        minutes_of_parts = \"sum\"\n";
    let rules = with(own).unwrap();
    let (mall, office) = (
        rules.venue.parents.of(VenueKind::Mall),
        rules.venue.parents.of(VenueKind::Office),
    );
    assert_eq!(mall.minutes_of_parts, MinutesOfParts::Sum);
    assert_ne!(mall.marks_of_parts, office.marks_of_parts);
    assert_ne!(mall.marks_of_parent, office.marks_of_parent);
    let twice = with(&own.repeat(2)).unwrap_err();
    assert_eq!(twice.field.as_deref(), Some("parents.kind[1].kinds"), "{twice}");
    assert!(with(&own.replace("[\"mall\"]", "[]")).is_err());
    // A file from before there was such a rule: all stays.
    let before =
        text.split("# What a mark is").next().unwrap().to_owned() + &text[text.find("[rule]").unwrap()..];
    let rules = Rules::with_files(&[("own.toml".to_owned(), before)]).unwrap();
    assert_eq!(
        rules.venue.parents.of(VenueKind::Mall),
        vungxanh::risk::ParentRule::default()
    );
}

#[test]
fn minutes_of_a_building_are_the_largest_or_the_sum_over_every_depth() {
    let rules = Rules::builtin();
    // A room on a floor of a building; another floor keeps its marks.
    let mut all = vec![
        place(0, vec![units(1, 2)], None),
        place(1, vec![units(2, 4)], Some(0)),
        place(2, vec![units(3, 8)], Some(1)),
        place(3, vec![units(4, 16)], Some(0)),
    ];
    all[3].reaches = false;
    let exact = |all: &[Place], nth| told(&rules, all, nth, Audience::Official);
    assert_eq!(
        [0, 1, 2, 3].map(|nth| exact(&all, nth)),
        [14, 12, 8, 16],
        "the sum of what reaches it"
    );
    all.iter_mut()
        .for_each(|place| place.minutes = MinutesOfParts::Largest);
    assert_eq!([0, 1, 2, 3].map(|nth| exact(&all, nth)), [8, 8, 8, 16]);
    // What reaches no floor reaches no building.
    all[2].reaches = false;
    assert_eq!([0, 1].map(|nth| exact(&all, nth)), [4, 4]);
    // A mark somewhere in the building counts in each of its rooms; one on a floor comes to no other floor.
    all[0].goes_down = true;
    all[0].minutes = MinutesOfParts::Sum;
    all[3].reaches = true;
    assert_eq!(
        [0, 1, 2, 3].map(|nth| exact(&all, nth)),
        [22, 6, 8, 18],
        "the floor passes nothing on to its room"
    );
    all[1].goes_down = true;
    assert_eq!(
        exact(&all, 2),
        10,
        "the larger of the room's and the floor's, and the building's"
    );
}

#[test]
fn an_explanation_names_the_parts_that_made_the_building_what_it_is() {
    let rules = Rules::builtin();
    let mut all = vec![
        place(0, Vec::new(), None),
        place(1, vec![units(1, 2), units(2, 4)], Some(0)),
        place(2, vec![units(3, 8)], Some(0)),
        place(3, vec![units(4, 16)], Some(0)),
    ];
    all[3].reaches = false;
    let explained = |all: &[Place], nth: usize, audience| {
        let group = group(all, nth);
        let inputs = VenueInputs {
            group: Some(&group),
            ..inputs(&all[nth].marks, &[])
        };
        venue_risk(&rules, &inputs, audience)
    };
    let said = |all: &[Place], nth, audience| {
        let steps = explained(all, nth, audience).explain.steps;
        let said = steps
            .iter()
            .map(|step| format!("{} | {} = {}", step.text.vi, step.text.en, step.value));
        said.collect::<Vec<_>>().join("\n")
    };
    let exact = said(&all, 0, Audience::Official);
    for part in [
        "Nơi 1 (ngày 2021-05-07) | Of it, the part inside: Nơi 1 (on 2021-05-07) = 96",
        "Nơi 2 (ngày 2021-05-07) | Of it, the part inside: Nơi 2 (on 2021-05-07) = 128",
        "Parts whose marks count here too (the minutes of a day added up) = 2",
    ] {
        assert!(exact.contains(part), "{part}: {exact}");
    }
    assert!(!exact.contains("Nơi 3"), "{exact}");
    // One case alone on a floor is named to nobody, nor is it in the sum.
    let public = explained(&all, 0, Audience::Public);
    assert_eq!(public.exposure.len(), 1);
    assert!((public.exposure[0].minutes - 96.0).abs() < 1e-9);
    assert_eq!(public.from_others.len(), 1);
    assert_eq!(public.from_others[0].relation, Relation::Part);
    assert!(!said(&all, 0, Audience::Public).contains("Nơi 2"));
    // Two floors with one case each: told together.
    all[3].reaches = true;
    let public = explained(&all, 0, Audience::Public);
    assert!((public.exposure[0].minutes - (6 + 24) as f64 * 16.0).abs() < 1e-9);
    let together = said(&all, 0, Audience::Public);
    assert!(
        together.contains("several places together") && together.contains("nhiều nơi gộp lại"),
        "{together}"
    );
    assert!(!together.contains("Nơi 3"), "{together}");
    // What stays is said too, and what a part has of its building.
    all.iter_mut().for_each(|place| place.reaches = false);
    let stays = said(&all, 0, Audience::Public);
    assert!(
        stays.contains("Marks at parts inside count there alone"),
        "{stays}"
    );
    assert!(
        said(&all, 1, Audience::Public).contains("Marks at the building that holds it do not count here")
    );
    all[0].marks = vec![units(1, 2)];
    all[0].goes_down = true;
    let floor = said(&all, 2, Audience::Official);
    assert!(
        floor.contains("Of it, the venue around: Nơi 0")
            && floor.contains("Nơi 0 count in all that lies inside"),
        "{floor}"
    );
}

fn building() -> impl Strategy<Value = Vec<Place>> {
    let shape = prop::collection::vec(
        (
            any::<prop::sample::Index>(),
            any::<bool>(),
            any::<bool>(),
            any::<bool>(),
        ),
        1..6,
    );
    let marks = prop::collection::vec((any::<prop::sample::Index>(), 0_usize..4), 0..7);
    (shape, marks).prop_map(|(shape, marks)| {
        let mut all: Vec<Place> = Vec::new();
        for (nth, (holder, reaches, goes_down, sum)) in shape.into_iter().enumerate() {
            let holder = (nth > 0).then(|| holder.index(nth));
            let mut next = place(nth, Vec::new(), holder);
            next.reaches = reaches || nth % 2 == 0;
            next.goes_down = goes_down;
            next.minutes = if sum {
                MinutesOfParts::Sum
            } else {
                MinutesOfParts::Largest
            };
            all.push(next);
        }
        // Each mark is a bit of the figures.
        for (bit, (at, case)) in (1..).zip(marks) {
            let at = at.index(all.len());
            all[at].marks.push(units(case, 1 << bit));
        }
        all
    })
}

/// The distinct cases behind the bits of a figure.
fn cases_of(all: &[Place], bits: u64) -> usize {
    let marks = all.iter().flat_map(|place| &place.marks);
    let behind = marks.filter(|mark| {
        let stay = (mark.to.0 - mark.from.0) / 60;
        let units = if stay >= 30 {
            (stay + 30) / 10
        } else {
            stay * 2 / 10
        };
        bits & units as u64 != 0
    });
    behind.map(|mark| &mark.case).collect::<BTreeSet<_>>().len()
}

proptest! {
    /// What is left when told figures are taken from a told figure is nothing, or the minutes of several cases.
    #[test]
    fn no_figures_of_a_building_tell_one_case_when_they_are_subtracted(all in building()) {
        let rules = Rules::builtin();
        let least = rules.venue.public_from_cases as usize;
        let figures: Vec<u64> = (0..all.len()).map(|nth| told(&rules, &all, nth, Audience::Public)).collect();
        for whole in &figures {
            for chosen in 0_u32..1 << figures.len() {
                let mut rest = *whole;
                let fits = (0..figures.len()).filter(|nth| chosen & 1 << nth != 0).all(|nth| {
                    let is_inside = rest & figures[nth] == figures[nth];
                    rest &= !figures[nth];
                    is_inside
                });
                prop_assert!(
                    !fits || rest == 0 || cases_of(&all, rest) >= least,
                    "{whole:b} without {chosen:b} of {figures:?} leaves {rest:b}"
                );
            }
        }
    }

    #[test]
    fn the_public_is_told_no_more_minutes_than_there_were(all in building()) {
        let rules = Rules::builtin();
        for nth in 0..all.len() {
            let (public, exact) = (
                minutes(&rules, &all, nth, Audience::Public),
                minutes(&rules, &all, nth, Audience::Official),
            );
            prop_assert!(public <= exact, "{nth}: {public} of {exact}");
        }
    }

    /// Adding up gives each venue the minutes of all marks that reach it; nothing is counted twice.
    #[test]
    fn added_up_a_building_has_the_minutes_of_every_mark_that_reaches_it(mut all in building()) {
        let rules = Rules::builtin();
        all.iter_mut().for_each(|place| place.minutes = MinutesOfParts::Sum);
        for nth in 0..all.len() {
            let mut expected = 0;
            for (at, place) in all.iter().enumerate() {
                let up = std::iter::successors(Some(at), |&at| all[at].holder.filter(|_| at != nth && all[at].reaches));
                let reaches_up = up.into_iter().any(|at| at == nth);
                let mut down = all[nth].holder;
                while down.is_some_and(|holder| holder != at && all[holder].goes_down) {
                    down = down.and_then(|holder| all[holder].holder);
                }
                let reaches_down = down == Some(at) && place.goes_down;
                if reaches_up || reaches_down {
                    let alone = VenueInputs { group: None, ..inputs(&place.marks, &[]) };
                    let figures = venue_figures(&rules, &alone, Audience::Official);
                    expected += (figures.exposure.iter().map(|day| day.minutes).sum::<f64>() / 16.0).round() as u64;
                }
            }
            prop_assert_eq!(told(&rules, &all, nth, Audience::Official), expected, "{}", nth);
        }
    }
}
