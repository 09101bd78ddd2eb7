use std::sync::Arc;

use crate::geo::WorldPoint;
use crate::index::{VenueEntry, VenueFacts, VenueScore};
use crate::model::{AssessmentAuthor, VenueKind};

/// A venue as maps draw it: what of its registration and of its facts stands in tiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DrawnVenue<'a> {
    /// Stable id.
    pub id: &'a str,
    /// Display name.
    pub name: &'a str,
    /// What kind of place.
    pub kind: VenueKind,
    /// Where, on the Web Mercator square.
    pub world: WorldPoint,
    /// What was found out about it.
    pub facts: DrawnFacts,
}

/// What maps draw of a venue's facts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DrawnFacts {
    /// The score anyone may see.
    pub public: VenueScore,
    /// The score officials see.
    pub exact: VenueScore,
    /// Who assessed it: an inspector, before the venue itself.
    pub assessed_by: Option<AssessmentAuthor>,
    /// Normalised exposure minutes of the worst recent day.
    pub exposure_minutes: u32,
    /// The same of the days that may be published.
    pub public_minutes: u32,
}

impl DrawnFacts {
    /// What maps draw of these.
    #[must_use]
    pub fn of(facts: &VenueFacts) -> Self {
        let authors = facts.assessments.iter().map(|event| event.record.by);
        Self {
            public: facts.public,
            exact: facts.exact,
            // The later of the two in their order is the inspector.
            assessed_by: authors.max(),
            exposure_minutes: facts.exposure_minutes,
            public_minutes: facts.public_minutes,
        }
    }
}

impl<'a> DrawnVenue<'a> {
    /// Of a venue wherever its parts lie in memory.
    #[must_use]
    pub fn of(entry: &'a VenueEntry) -> Self {
        Self {
            id: entry.venue.id.as_str(),
            name: &entry.venue.name,
            kind: entry.venue.kind,
            world: WorldPoint::project(entry.venue.at),
            facts: DrawnFacts::of(&entry.facts),
        }
    }
}

/// Registrations as maps draw them, side by side in the order of the map: a tile reads its venues one after the other,
/// where each one's own record would be a few waits for memory.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    rows: Vec<Row>,
    /// Ids and names, one after the other.
    texts: String,
    /// The row of each number.
    row_of: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    world: WorldPoint,
    text: u32,
    id_len: u16,
    name_len: u16,
    kind: VenueKind,
}

impl Sheet {
    /// Of so many venues in the order of the map, numbers from 0 without a gap.
    pub(super) fn of<'a>(count: usize, venues: impl Iterator<Item = &'a VenueEntry>) -> Self {
        let mut sheet = Self {
            rows: Vec::with_capacity(count),
            texts: String::new(),
            row_of: vec![NOWHERE; count],
        };
        for entry in venues {
            let (id, name) = (entry.venue.id.as_str(), entry.venue.name.as_str());
            let length = |text: &str| u16::try_from(text.len());
            let (Ok(text), Ok(id_len), Ok(name_len)) =
                (u32::try_from(sheet.texts.len()), length(id), length(name))
            else {
                // Longer than a sheet has room for: it is read where it lies.
                continue;
            };
            sheet.row_of[entry.ix as usize] = sheet.rows.len() as u32;
            sheet.rows.push(Row {
                world: WorldPoint::project(entry.venue.at),
                text,
                id_len,
                name_len,
                kind: entry.venue.kind,
            });
            sheet.texts.push_str(id);
            sheet.texts.push_str(name);
        }
        sheet.texts.shrink_to_fit();
        sheet
    }

    fn row_of(&self, ix: u32) -> Option<usize> {
        let row = *self.row_of.get(ix as usize)?;
        (row != NOWHERE).then_some(row as usize)
    }

    /// The venue of a number, if it is on the sheet, with its facts.
    pub(super) fn get(&self, ix: u32, facts: &SheetFacts) -> Option<DrawnVenue<'_>> {
        let at = self.row_of(ix)?;
        let row = self.rows.get(at)?;
        let facts = facts.get(at)?;
        let id_at = row.text as usize;
        let name_at = id_at + usize::from(row.id_len);
        Some(DrawnVenue {
            id: self.texts.get(id_at..name_at)?,
            name: self.texts.get(name_at..name_at + usize::from(row.name_len))?,
            kind: row.kind,
            world: row.world,
            facts,
        })
    }
}

/// The row of a number that is not on the sheet.
const NOWHERE: u32 = u32::MAX;

/// Rows copied together when one of them gets new facts.
const PAGE: usize = 256;

/// What maps draw of the facts of a sheet's venues, in the order of its rows. Cloning shares everything; a change copies
/// a page.
#[derive(Clone, Debug, Default)]
pub(super) struct SheetFacts(Arc<Vec<Arc<[DrawnFacts]>>>);

impl SheetFacts {
    /// Of a sheet and the venues that it was made of, in the same order.
    pub(super) fn of<'a>(sheet: &Sheet, venues: impl Iterator<Item = &'a VenueEntry>) -> Self {
        let mut facts = vec![DrawnFacts::default(); sheet.rows.len()];
        for entry in venues {
            if let Some(row) = sheet.row_of(entry.ix) {
                facts[row] = DrawnFacts::of(&entry.facts);
            }
        }
        Self(Arc::new(facts.chunks(PAGE).map(Arc::from).collect()))
    }

    fn get(&self, row: usize) -> Option<DrawnFacts> {
        self.0.get(row / PAGE)?.get(row % PAGE).copied()
    }

    /// Replaces the facts of a venue, if it is on the sheet.
    pub(super) fn set(&mut self, sheet: &Sheet, ix: u32, facts: DrawnFacts) {
        let Some(row) = sheet.row_of(ix).filter(|row| self.get(*row) != Some(facts)) else {
            return;
        };
        Arc::make_mut(&mut Arc::make_mut(&mut self.0)[row / PAGE])[row % PAGE] = facts;
    }
}
