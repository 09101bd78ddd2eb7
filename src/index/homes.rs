//! What a cell shows that is hidden with all cells above it: the level of an area that holds it.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::geo::{Cell, MAX_RESOLUTION, Resolution, mean_cell_area_km2};
use crate::index::bucket::Found;
use crate::index::releases::TOP;
use crate::index::{AreaIndex, ReleaseIndex, ReleasedCases};
use crate::model::{AreaCode, Day, Timestamp, UtcOffset, Window};

/// In which areas cells lie: those that hold a cell's centre. Looked up once for each cell that may be asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Homes {
    areas: AreaIndex,
    /// Where local days begin; nothing before areas were taken in.
    offset: Option<UtcOffset>,
    /// Versions of areas, of whatever time, by their place in the index; one list for all cells in the same ones.
    lists: Arc<Vec<Box<[u32]>>>,
    /// The list of each cell that was looked up.
    known: Arc<FxHashMap<Cell, u32>>,
}

/// The level that the cells' rule gives to areas in a week.
#[derive(Debug)]
pub(super) struct LevelBucket {
    pub(super) window: Window,
    pub(super) seq: u32,
    levels: FxHashMap<Arc<AreaCode>, u8>,
}

impl LevelBucket {
    pub(super) fn new(window: Window, seq: u32, rows: &[(AreaCode, u8)]) -> Self {
        let rows = rows.iter().filter(|(_, level)| *level > 0);
        Self {
            window,
            seq,
            levels: rows
                .map(|(code, level)| (Arc::new(code.clone()), *level))
                .collect(),
        }
    }
}

impl Homes {
    /// Stands for where areas lie.
    pub(super) fn borders(&self) -> u64 {
        self.areas.borders()
    }

    /// What areas say in a week in the place of their cells of a resolution.
    pub(super) fn in_week<'a>(
        &'a self,
        week: &'a LevelBucket,
        resolution: Resolution,
    ) -> Option<InPlace<'a>> {
        Some(InPlace {
            homes: self,
            levels: &week.levels,
            day: Day::of(Timestamp(week.window.to.start().0 - 1), self.offset?),
            cell_km2: mean_cell_area_km2(resolution),
            answers: FxHashMap::default(),
        })
    }

    fn look_up(&mut self, cells: impl Iterator<Item = Cell>) {
        let mut news = cells.filter(|cell| !self.known.contains_key(cell)).peekable();
        if news.peek().is_none() {
            return;
        }
        let mut lists = Vec::clone(&self.lists);
        let mut numbers: FxHashMap<Box<[u32]>, u32> = lists.iter().cloned().zip(0..).collect();
        let found: Vec<(Cell, u32)> = news
            .map(|cell| {
                let list = self.areas.ever_at(cell.centre());
                let number = *numbers.entry(list).or_insert_with_key(|list| {
                    lists.push(list.clone());
                    lists.len() as u32 - 1
                });
                (cell, number)
            })
            .collect();
        self.lists = Arc::new(lists);
        Arc::make_mut(&mut self.known).extend(found);
    }
}

/// What areas say in one week in the place of cells of one resolution.
pub(super) struct InPlace<'a> {
    homes: &'a Homes,
    levels: &'a FxHashMap<Arc<AreaCode>, u8>,
    day: Day,
    cell_km2: f64,
    /// By list: neighbours lie in the same areas.
    answers: FxHashMap<u32, Option<(Arc<AreaCode>, u8)>>,
}

impl InPlace<'_> {
    /// The smallest area with a level that holds the cell's centre and is not smaller than the cell, and that level. Where
    /// all are smaller the widest speaks: a commune says nothing of the country around it.
    pub(super) fn level(&mut self, cell: Cell) -> Option<(Arc<AreaCode>, u8)> {
        let Some(&number) = self.homes.known.get(&cell) else {
            return self.of_areas(&self.homes.areas.ever_at(cell.centre()));
        };
        if let Some(answer) = self.answers.get(&number) {
            return answer.clone();
        }
        let answer = self.of_areas(&self.homes.lists[number as usize]);
        self.answers.insert(number, answer.clone());
        answer
    }

    fn of_areas(&self, list: &[u32]) -> Option<(Arc<AreaCode>, u8)> {
        let areas = &self.homes.areas;
        let mut chain: Vec<(AreaCode, f64)> = list
            .iter()
            .map(|place| &areas.entries()[*place as usize])
            .filter(|entry| entry.valid_on(self.day))
            .map(|entry| (entry.area.code.clone(), entry.km2))
            .collect();
        // Those above without an outline of their own hold what the areas below them hold.
        for code in areas.ancestry(&chain.first()?.0.clone(), self.day) {
            if !chain.iter().any(|(known, _)| *known == code) {
                chain.push((code, f64::INFINITY));
            }
        }
        let wide = chain.iter().position(|(_, km2)| *km2 >= self.cell_km2);
        let from = wide.unwrap_or(chain.len() - 1);
        chain[from..].iter().find_map(|(code, _)| {
            let (code, level) = self.levels.get_key_value(code)?;
            Some((Arc::clone(code), *level))
        })
    }
}

impl ReleaseIndex {
    /// Takes in where areas lie and finds the areas of the cells that need one. Says whether something else may be shown
    /// of cells now because areas lie elsewhere.
    pub(super) fn settle(&mut self, areas: &AreaIndex, offset: UtcOffset) -> bool {
        let moved = self.homes.borders() != areas.borders();
        if moved {
            self.homes = Homes {
                areas: areas.clone(),
                ..Homes::default()
            };
        }
        self.homes.offset = Some(offset);
        if self.area_levels.is_empty() {
            return false;
        }
        let mut homes = std::mem::take(&mut self.homes);
        homes.look_up(self.without_shown_ancestor());
        self.homes = homes;
        moved
    }

    /// The listed cells that are hidden in some week with all cells above them.
    fn without_shown_ancestor(&self) -> impl Iterator<Item = Cell> {
        let top = self.listed(Resolution::new(TOP).expect("5 is a resolution"));
        let mut hidden: Vec<Cell> = Vec::new();
        for (week, bucket) in &self.cases {
            if self.area_levels.contains_key(week) {
                bucket.walk(top, |at, found| {
                    if matches!(found, Found::Listed(ReleasedCases::Hidden)) {
                        hidden.push(top[at]);
                    }
                });
            }
        }
        hidden.sort_unstable();
        hidden.dedup();
        let resolutions = (TOP..=MAX_RESOLUTION.get()).filter_map(Resolution::new);
        let below = move |resolution: Resolution| {
            let cells = self.listed(resolution);
            let ranges: Vec<&[Cell]> = hidden
                .iter()
                .filter_map(|cell| {
                    let (low, high) = if cell.resolution() == resolution {
                        (cell.to_u64(), cell.to_u64())
                    } else {
                        cell.descendants(resolution)?
                    };
                    let from = cells.partition_point(|cell| cell.to_u64() < low);
                    let to = from + cells[from..].partition_point(|cell| cell.to_u64() <= high);
                    Some(&cells[from..to])
                })
                .collect();
            ranges.into_iter().flatten().copied()
        };
        resolutions.flat_map(below)
    }

    /// The levels of areas in the week of a bucket, if they were released.
    pub(super) fn levels_of(&self, week: Window) -> Option<&LevelBucket> {
        let bucket: &Arc<LevelBucket> = self.area_levels.get(&week.from)?;
        (bucket.window == week).then_some(bucket.as_ref())
    }
}
