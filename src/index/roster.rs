use crate::geo::{BBox, Cell};
use crate::index::CellPopulation;

/// A cell's box in degrees, rounded outward to 32 bits. Where a cell lies on the antimeridian the box
/// reaches beyond ±180 instead of around the world; a cell that holds a pole is as wide as the world.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct CellBox {
    min_lng: f32,
    min_lat: f32,
    max_lng: f32,
    max_lat: f32,
}

impl CellBox {
    pub(super) fn of(cell: Cell) -> Self {
        let corners = cell.boundary();
        let mut lng = corners[0].lng();
        let start = lng;
        let (mut min_lng, mut max_lng) = (lng, lng);
        let (mut min_lat, mut max_lat) = (corners[0].lat(), corners[0].lat());
        for next in corners.iter().skip(1).chain([&corners[0]]) {
            lng += (next.lng() - lng + 180.0).rem_euclid(360.0) - 180.0;
            min_lng = min_lng.min(lng);
            max_lng = max_lng.max(lng);
            min_lat = min_lat.min(next.lat());
            max_lat = max_lat.max(next.lat());
        }
        // Going round the corners went round the world: the cell holds a pole.
        if (lng - start).abs() > 180.0 {
            (min_lng, max_lng) = (-180.0, 180.0);
            if cell.centre().lat() > 0.0 {
                max_lat = 90.0;
            } else {
                min_lat = -90.0;
            }
        }
        Self {
            min_lng: (min_lng as f32).next_down(),
            min_lat: (min_lat as f32).next_down(),
            max_lng: (max_lng as f32).next_up(),
            max_lat: (max_lat as f32).next_up(),
        }
    }

    /// Whether it touches a box that does not cross the antimeridian.
    pub(super) fn touches(&self, part: &BBox) -> bool {
        let over = |shift: f64| {
            f64::from(self.min_lng) + shift <= part.max_lng && f64::from(self.max_lng) + shift >= part.min_lng
        };
        f64::from(self.min_lat) <= part.max_lat
            && f64::from(self.max_lat) >= part.min_lat
            && (over(0.0) || (self.max_lng > 180.0 && over(-360.0)) || (self.min_lng < -180.0 && over(360.0)))
    }

    fn union(self, other: &Self) -> Self {
        Self {
            min_lng: self.min_lng.min(other.min_lng),
            min_lat: self.min_lat.min(other.min_lat),
            max_lng: self.max_lng.max(other.max_lng),
            max_lat: self.max_lat.max(other.max_lat),
        }
    }
}

/// Cells of one resolution in the order of their ids, with what a question about a box needs. Neighbours
/// in id order are neighbours on the ground, so the boxes of runs of 32, and of runs of 32 of them, rule most of
/// the table out: a packed R-tree two levels high. Hexagons are tested by their own box, never by their centre, so none
/// that touches the question's box is missed.
#[derive(Clone, Debug, Default)]
pub(super) struct Roster {
    cells: Box<[Cell]>,
    boxes: Vec<CellBox>,
    /// Empty where no cell has residents.
    population: Vec<f64>,
    /// Boxes of runs of cells, and of runs of those.
    runs: Vec<CellBox>,
    outer: Vec<CellBox>,
}

const RUN: usize = 32;

impl Roster {
    /// Builds it from ascending cells; boxes of cells that `old` knows are taken from there.
    pub(super) fn of(cells: &[Cell], old: &Self, population: &CellPopulation) -> Self {
        let mut boxes = Vec::with_capacity(cells.len());
        let mut people: Vec<f64> = Vec::with_capacity(cells.len());
        let mut at = 0;
        for &cell in cells {
            while old.cells.get(at).is_some_and(|known| *known < cell) {
                at += 1;
            }
            if old.cells.get(at) == Some(&cell) {
                boxes.push(old.boxes[at]);
                people.push(old.population(at));
            } else {
                boxes.push(CellBox::of(cell));
                people.push(population.of(cell));
            }
        }
        if people.iter().all(|residents| *residents == 0.0) {
            people = Vec::new();
        }
        let runs = unions(&boxes);
        Self {
            cells: Box::from(cells),
            boxes,
            population: people,
            outer: unions(&runs),
            runs,
        }
    }

    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    pub(super) fn population(&self, at: usize) -> f64 {
        self.population.get(at).copied().unwrap_or(0.0)
    }

    /// Where the cells stand whose box touches any of the parts, ascending.
    pub(super) fn touching(&self, parts: &[BBox]) -> Vec<usize> {
        let touches = |one: &CellBox| parts.iter().any(|part| one.touches(part));
        let mut found = Vec::new();
        for (nth, outer) in self.outer.iter().enumerate() {
            if !touches(outer) {
                continue;
            }
            for run in run_of(nth, self.runs.len()).filter(|&run| touches(&self.runs[run])) {
                found.extend(run_of(run, self.boxes.len()).filter(|&at| touches(&self.boxes[at])));
            }
        }
        found
    }

    /// Whether the box of any cell may touch any of the parts: by the boxes of a thousand cells each.
    pub(super) fn may_touch(&self, parts: &[BBox]) -> bool {
        self.outer
            .iter()
            .any(|outer| parts.iter().any(|part| outer.touches(part)))
    }

    /// Whether the box of the cell at a place touches any of the parts.
    pub(super) fn touches(&self, at: usize, parts: &[BBox]) -> bool {
        parts.iter().any(|part| self.boxes[at].touches(part))
    }

    /// Whether the box of any cell touches any of the parts.
    pub(super) fn touches_any(&self, parts: &[BBox]) -> bool {
        let touches = |outer: &CellBox| parts.iter().any(|part| outer.touches(part));
        let boxes = self.runs.iter().zip(self.boxes.chunks(RUN));
        boxes
            .filter(|(outer, _)| touches(outer))
            .any(|(_, run)| run.iter().any(touches))
    }
}

/// Where the members of a run stand.
fn run_of(run: usize, len: usize) -> std::ops::Range<usize> {
    run * RUN..len.min((run + 1) * RUN)
}

fn unions(boxes: &[CellBox]) -> Vec<CellBox> {
    boxes
        .chunks(RUN)
        .map(|run| run.iter().skip(1).fold(run[0], CellBox::union))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::{LngLat, Resolution};

    fn touches(cell: Cell, bbox: &str) -> bool {
        let bbox = BBox::parse(bbox).unwrap();
        bbox.parts().iter().any(|part| CellBox::of(cell).touches(part))
    }

    #[test]
    fn a_cell_on_the_antimeridian_is_found_from_both_sides() {
        let cell = Cell::at(LngLat::new(179.9999, 10.0).unwrap(), Resolution::new(5).unwrap());
        assert!(touches(cell, "179.99,9.9,180,10.1"));
        assert!(touches(cell, "-180,9.9,-179.99,10.1"));
        assert!(touches(cell, "179.999,9.9,-179.999,10.1"));
        assert!(!touches(cell, "0,9.9,1,10.1"));
    }

    #[test]
    fn a_cell_that_holds_a_pole_is_as_wide_as_the_world() {
        let cell = Cell::at(LngLat::new(0.0, 90.0).unwrap(), Resolution::new(4).unwrap());
        for bbox in ["10,89.9,11,90", "-171,89.9,-170,90", "100,89.99,101,90"] {
            assert!(touches(cell, bbox), "{bbox}");
        }
        assert!(!touches(cell, "10,-90,11,-89"));
    }
}
