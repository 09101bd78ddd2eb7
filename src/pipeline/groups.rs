use std::collections::BTreeSet;

use crate::index::{VenueEntry, VenueIndex};
use crate::model::{Mark, VenueId};
use crate::risk::{MarksOfParent, MarksOfParts, VenueGroup, VenueParent, VenuePart, VenueRules};

/// Buildings in buildings deeper than this are circles.
const DEEPEST: usize = 16;

/// A venue with what lies inside and around it, as far as marks reach it by the rule in force and by what registrations
/// say. `None`: nothing does. `marks` gives those at a venue.
pub fn group_of<'v>(
    venues: &'v VenueIndex,
    rules: &VenueRules,
    entry: &'v VenueEntry,
    marks: &impl Fn(&'v VenueEntry) -> &'v [Mark],
) -> Option<VenueGroup<'v>> {
    let inside = venues.inside(&entry.venue.id).len();
    if inside == 0 && entry.venue.parent.is_none() {
        return None;
    }
    let mut parents = Vec::new();
    for around in around(venues, entry) {
        let rule = rules.parents.of(around.venue.kind);
        // What does not go down here goes no further.
        if rule.marks_of_parent != MarksOfParent::CountAtParts {
            break;
        }
        parents.push(VenueParent {
            id: &around.venue.id,
            name: &around.venue.name,
            marks: marks(around),
            minutes: rule.minutes_of_parts,
        });
    }
    Some(VenueGroup {
        parts: parts_of(venues, rules, entry, marks, DEEPEST),
        parents,
        inside,
        has_parent: entry.venue.parent.is_some(),
        minutes: rules.parents.of(entry.venue.kind).minutes_of_parts,
    })
}

/// A venue, all that lies inside it and all that lies around it: those whose figures a mark at it may change, and those
/// whose marks may change its figures. Rules and registrations may cut some off.
pub(super) fn building_of<'v>(venues: &'v VenueIndex, id: &VenueId) -> Vec<&'v VenueEntry> {
    let Some(entry) = venues.get(id) else {
        return Vec::new();
    };
    let mut seen = BTreeSet::from([entry.ix]);
    let mut found = vec![entry];
    for above in around(venues, entry) {
        if seen.insert(above.ix) {
            found.push(above);
        }
    }
    let mut waiting = vec![entry];
    while let Some(holder) = waiting.pop() {
        for part in inside(venues, holder) {
            if seen.insert(part.ix) {
                found.push(part);
                waiting.push(part);
            }
        }
    }
    found
}

fn parts_of<'v>(
    venues: &'v VenueIndex,
    rules: &VenueRules,
    holder: &'v VenueEntry,
    marks: &impl Fn(&'v VenueEntry) -> &'v [Mark],
    deeper: usize,
) -> Vec<VenuePart<'v>> {
    if deeper == 0 {
        return Vec::new();
    }
    let by_rule = rules.parents.of(holder.venue.kind).marks_of_parts == MarksOfParts::CountAtParent;
    inside(venues, holder)
        .filter(|part| part.venue.marks_reach_parent.unwrap_or(by_rule))
        .map(|part| VenuePart {
            id: &part.venue.id,
            name: &part.venue.name,
            marks: marks(part),
            minutes: rules.parents.of(part.venue.kind).minutes_of_parts,
            parts: parts_of(venues, rules, part, marks, deeper - 1),
        })
        .collect()
}

fn inside<'v>(venues: &'v VenueIndex, holder: &VenueEntry) -> impl Iterator<Item = &'v VenueEntry> {
    let parts = venues.inside(&holder.venue.id).iter();
    parts.filter_map(|ix| venues.by_ix(*ix))
}

/// The venues that hold a venue, nearest first.
fn around<'v>(venues: &'v VenueIndex, entry: &VenueEntry) -> impl Iterator<Item = &'v VenueEntry> {
    let above = |entry: &VenueEntry| venues.get(entry.venue.parent.as_ref()?);
    std::iter::successors(above(entry), move |entry| above(entry)).take(DEEPEST)
}
