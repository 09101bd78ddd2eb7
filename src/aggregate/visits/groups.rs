use rayon::prelude::*;

use crate::aggregate::visits::deal::{HOUR_BITS, Row, key, party, person};
use crate::aggregate::visits::meanings::{FIRST_HOUR, NOBODY, Person};
use crate::geo::Cell;
use crate::model::Hour;

/// What happened in a cell in an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellHour {
    /// Of the base resolution.
    pub cell: Cell,
    /// Hours since 1970-01-01T00Z.
    pub hour: Hour,
    /// Distinct people who arrived in this hour.
    pub people: u32,
    /// Arrivals: rows, or the people of their parties.
    pub visits: u64,
}

/// The same before its cell is known: the rank's place within its part, and the hour.
#[derive(Clone, Copy)]
pub(super) struct Group {
    key: u64,
    people: u32,
    visits: u64,
}

/// Rows of a part beyond which it is worth to sort it on several cores.
const LARGE: usize = 1 << 20;
/// Bits of a row's place within its part, in a word that is sorted.
const PLACE_BITS: u32 = 26;

/// What counting needs again and again.
#[derive(Default)]
pub(super) struct Scratch {
    rows: Vec<Row>,
    order: Vec<u64>,
    people: Vec<Person>,
}

impl Scratch {
    /// Counts a part, given as slices; groups come ascending by (rank, hour).
    pub(super) fn count<'r>(
        &mut self,
        slices: impl Iterator<Item = &'r [Row]>,
        part_bits: u32,
    ) -> Vec<Group> {
        self.rows.clear();
        slices.for_each(|slice| self.rows.extend_from_slice(slice));
        // The part is the rank's lowest bits, equal in all its rows: without them a word holds key and place.
        let fits = |row: &Row| key(row) >> (HOUR_BITS + part_bits) < 1 << (64 - HOUR_BITS - PLACE_BITS);
        if self.rows.len() < 1 << PLACE_BITS && self.rows.iter().all(fits) {
            self.count_by_place(part_bits)
        } else {
            self.count_whole()
        }
    }

    /// Sorts words of key and place: a third of the bytes, and one comparison each.
    fn count_by_place(&mut self, part_bits: u32) -> Vec<Group> {
        let hours = (1 << HOUR_BITS) - 1;
        self.order.clear();
        self.order.extend((0_u64..).zip(&self.rows).map(|(place, row)| {
            let (rank, hour) = (key(row) >> HOUR_BITS, key(row) & hours);
            ((rank >> part_bits) << HOUR_BITS | hour) << PLACE_BITS | place
        }));
        if self.order.len() > LARGE {
            self.order.par_sort_unstable();
        } else {
            self.order.sort_unstable();
        }
        let rows = &self.rows;
        let row = |word: &u64| &rows[(word & ((1 << PLACE_BITS) - 1)) as usize];
        let same = |a: &u64, b: &u64| a >> PLACE_BITS == b >> PLACE_BITS;
        let mut groups = Vec::new();
        for run in self.order.chunk_by(same) {
            groups.push(group(run.iter().map(row), &mut self.people));
        }
        groups
    }

    /// Sorts the rows themselves: for a part of any size and any number of cells.
    fn count_whole(&mut self) -> Vec<Group> {
        self.rows.par_sort_unstable_by_key(key);
        let mut groups = Vec::new();
        for run in self.rows.chunk_by(|a, b| key(a) == key(b)) {
            groups.push(group(run.iter(), &mut self.people));
        }
        groups
    }
}

/// Counts the rows of one (cell, hour).
fn group<'r>(rows: impl Iterator<Item = &'r Row>, people: &mut Vec<Person>) -> Group {
    let mut group = Group {
        key: 0,
        people: 0,
        visits: 0,
    };
    people.clear();
    for row in rows {
        group.key = key(row);
        group.visits += party(row);
        if person(row) != NOBODY {
            people.push(person(row));
        }
    }
    people.sort_unstable();
    people.dedup();
    group.people = people.len() as u32;
    group
}

/// Puts the groups of all parts into one list, ascending by cell and hour. A cell lies whole in one part, where its
/// groups stand in order; so the parts are taken in turn, cell by cell.
pub(super) fn gather(parts: &[Vec<Group>], cells: &[Cell]) -> Vec<CellHour> {
    let mut all = Vec::with_capacity(parts.iter().map(Vec::len).sum());
    let mut rest: Vec<&[Group]> = parts.iter().map(Vec::as_slice).collect();
    let count = rest.len();
    for (rank, cell) in cells.iter().enumerate() {
        let part = &mut rest[rank % count];
        let taken = part
            .iter()
            .take_while(|group| group.key >> HOUR_BITS == rank as u64)
            .count();
        let (own, others) = part.split_at(taken);
        all.extend(own.iter().map(|group| CellHour {
            cell: *cell,
            hour: Hour((group.key & ((1 << HOUR_BITS) - 1)) as i32 + FIRST_HOUR),
            people: group.people,
            visits: group.visits,
        }));
        *part = others;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_sorting_count_the_same() {
        let mut state = 1_u64;
        let mut next = |below: u64| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) % below
        };
        // Cells of part 3 of 8.
        let rows: Vec<Row> = (0..5_000)
            .map(|_| {
                let place = (next(40) * 8 + 3) << HOUR_BITS | (1_000 + next(30));
                [place << 16 | (1 + next(3)), next(2) << 60, next(9)]
            })
            .collect();
        let plain = |groups: Vec<Group>| -> Vec<_> {
            let rows = groups.iter();
            rows.map(|group| (group.key, group.people, group.visits))
                .collect()
        };
        let mut scratch = Scratch::default();
        let by_place = plain(scratch.count(rows.chunks(700), 3));
        scratch.rows.clone_from(&rows);
        assert_eq!(plain(scratch.count_whole()), by_place);
        assert_eq!(
            by_place.iter().map(|group| group.2).sum::<u64>(),
            rows.iter().map(party).sum::<u64>()
        );
        assert!(by_place.is_sorted() && by_place.len() > 1_000);
    }
}
