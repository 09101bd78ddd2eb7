use rustc_hash::{FxHashMap, FxHashSet};

use crate::demo::course::Course;
use crate::demo::facts::DISTRICTS;
use crate::demo::plan::midnight;
use crate::demo::world::DemoWorld;
use crate::geo::{Cell, dissolve};
use crate::model::{CaseKind, Day, Timestamp, VenueKind, Zone, ZoneId, ZoneKind, ZoneState};

/// Cases that live within [`NEAR`] cells in a week make a zone.
const HOME_CLUSTER: usize = 5;
/// Steps of resolution 9 (about 0.35 km each) that count as near.
const NEAR: u32 = 2;
/// Cases that passed one venue in a week shut it.
const VENUE_CLUSTER: usize = 4;
const HOME_DAYS: i32 = 14;
const VENUE_DAYS: i32 = 7;
/// More zones at once than this are more than the province would draw.
const MOST_ZONES: usize = 30;

/// The zones in force, and what officials know when they draw them.
#[derive(Default)]
pub struct Zoning {
    active: Vec<Active>,
    closed: FxHashMap<Cell, u32>,
    shut: FxHashSet<u32>,
    /// Homes of community cases of the last week.
    homes: Vec<(Day, Cell)>,
    /// Venues on marks of the last week, with the case.
    venues: Vec<(Day, u32, u32)>,
    drawn: u32,
    written: Vec<Zone>,
}

struct Active {
    zone: Zone,
    cells: Vec<Cell>,
    venue: Option<u32>,
    ends: Day,
    last_case: Day,
}

impl Zoning {
    /// Whether people living in the cell stay at home.
    pub fn closes(&self, cell: Cell) -> bool {
        self.closed.contains_key(&cell)
    }

    /// Whether the venue itself is shut.
    pub fn shuts(&self, venue: u32) -> bool {
        self.shut.contains(&venue)
    }

    /// The versions written since the last call, in no order.
    pub fn take_written(&mut self) -> Vec<Zone> {
        std::mem::take(&mut self.written)
    }

    /// Looks at a day's cases (with the venues on their marks): draws, extends and lifts. What is drawn
    /// on a day binds from the next one.
    pub fn update(&mut self, world: &DemoWorld, day: Day, cases: &[Course], marks: &[(u32, Vec<u32>)]) {
        let community = |case: &&Course| case.kind == CaseKind::Community;
        let homes: Vec<Cell> = cases
            .iter()
            .filter(community)
            .map(|c| world.people[c.person as usize].cell)
            .collect();
        self.homes.extend(homes.iter().map(|cell| (day, *cell)));
        for (person, venues) in marks {
            self.venues
                .extend(venues.iter().map(|venue| (day, *venue, *person)));
        }
        let recent = Day(day.0 - 7);
        self.homes.retain(|(on, _)| *on > recent);
        self.venues.retain(|(on, _, _)| *on > recent);
        for active in &mut self.active {
            let hit = homes.iter().any(|home| active.cells.contains(home))
                || marks
                    .iter()
                    .any(|(_, venues)| active.venue.is_some_and(|venue| venues.contains(&venue)));
            if hit {
                active.last_case = day;
            }
        }
        self.end_or_extend(day);
        self.draw_around_venues(world, day, marks);
        self.draw_around_homes(world, day, &homes);
        self.closed.clear();
        self.shut.clear();
        for active in &self.active {
            self.shut.extend(active.venue);
            if active.zone.kind != ZoneKind::Watch {
                for cell in &active.cells {
                    *self.closed.entry(*cell).or_default() += 1;
                }
            }
        }
    }

    fn end_or_extend(&mut self, day: Day) {
        // Written the next morning, with the whole day's cases known.
        let now = midnight(Day(day.0 + 1)).plus_s(7 * 3600);
        let written = &mut self.written;
        self.active.retain_mut(|active| {
            if active.ends > day {
                return true;
            }
            active.zone.version += 1;
            active.zone.written_at = now;
            if active.last_case.0 + 5 > day.0 {
                active.ends = Day(day.0 + 7);
                active.zone.planned_end = Some(midnight(active.ends).plus_s(18 * 3600));
                written.push(active.zone.clone());
                return true;
            }
            active.zone.state = ZoneState::Lifted;
            active.zone.lifted_at = Some(now.plus_s(3600));
            written.push(active.zone.clone());
            false
        });
    }

    fn draw_around_venues(&mut self, world: &DemoWorld, day: Day, marks: &[(u32, Vec<u32>)]) {
        let mut touched: Vec<u32> = marks
            .iter()
            .flat_map(|(_, venues)| venues.iter().copied())
            .collect();
        touched.sort_unstable();
        touched.dedup();
        for venue in touched {
            let site = &world.sites[venue as usize];
            let people: FxHashSet<u32> = self
                .venues
                .iter()
                .filter(|(_, at, _)| *at == venue)
                .map(|(_, _, person)| *person)
                .collect();
            let hospital = site.kind == VenueKind::Hospital;
            if people.len() < VENUE_CLUSTER || hospital || self.shuts(venue) || self.full() {
                continue;
            }
            if self.active.iter().any(|active| active.cells.contains(&site.cell)) {
                // Its neighbourhood is closed already.
                continue;
            }
            let cells = if site.area_m2 > 8000.0 {
                site.cell.grid_disk(1)
            } else {
                vec![site.cell]
            };
            let district = district_of(world, site.cell, world.venues[venue as usize].area.as_ref());
            let draft = Drawn {
                day,
                name: format!(
                    "Phong toả khu vực {} (mô phỏng)",
                    world.venues[venue as usize].name
                ),
                kind: ZoneKind::Lockdown,
                reason: format!(
                    "{} ca bệnh có mốc dịch tễ tại địa điểm trong 7 ngày (mô phỏng)",
                    people.len()
                ),
                district,
                days: VENUE_DAYS,
            };
            self.draw(world.config.seed, draft, cells, Some(venue));
        }
    }

    fn draw_around_homes(&mut self, world: &DemoWorld, day: Day, homes: &[Cell]) {
        for home in homes {
            if self.full() || self.active.iter().any(|active| active.cells.contains(home)) {
                continue;
            }
            let disk = home.grid_disk(NEAR);
            let near: Vec<Cell> = self
                .homes
                .iter()
                .map(|(_, cell)| *cell)
                .filter(|cell| disk.contains(cell))
                .collect();
            if near.len() < HOME_CLUSTER {
                continue;
            }
            let mut cells = near.clone();
            cells.extend(home.grid_disk(1));
            cells.sort_unstable();
            cells.dedup();
            let district = district_of(world, *home, None);
            let draft = Drawn {
                day,
                name: format!(
                    "Vùng cách ly số {} (mô phỏng), {}",
                    self.drawn + 1,
                    DISTRICTS[district].name
                ),
                kind: ZoneKind::Quarantine,
                reason: format!(
                    "{} ca cộng đồng cư trú gần nhau trong 7 ngày (mô phỏng)",
                    near.len()
                ),
                district,
                days: HOME_DAYS,
            };
            self.draw(world.config.seed, draft, cells, None);
        }
    }

    fn full(&self) -> bool {
        self.active.len() >= MOST_ZONES
    }

    fn draw(&mut self, seed: u64, drawn: Drawn, cells: Vec<Cell>, venue: Option<u32>) {
        let Ok(geometry) = dissolve(&cells) else { return };
        self.drawn += 1;
        let ends = Day(drawn.day.0 + 1 + drawn.days);
        // Written the next morning, with the whole day's cases known.
        let written_at = midnight(Day(drawn.day.0 + 1)).plus_s(6 * 3600 + i64::from(self.drawn % 60) * 60);
        let starts_at = written_at.plus_s(3 * 3600);
        let draft = Zone {
            id: ZoneId::new(&format!("demo-{seed}-{}", self.drawn)).expect("short printable ids"),
            version: 1,
            name: drawn.name,
            kind: drawn.kind,
            state: ZoneState::Draft,
            decision: None,
            issuer: Some(format!(
                "Uỷ ban nhân dân {} (mô phỏng)",
                DISTRICTS[drawn.district].name
            )),
            reason: Some(drawn.reason),
            starts_at,
            planned_end: Some(midnight(ends).plus_s(18 * 3600)),
            lifted_at: None,
            geometry,
            written_at,
            written_by: Some("demo-official".to_owned()),
        };
        let published = Zone {
            version: 2,
            state: ZoneState::Published,
            decision: Some(format!("QĐ-DEMO-{:03}/{}", self.drawn, year(starts_at))),
            written_at: written_at.plus_s(2 * 3600),
            written_by: Some("demo-approver".to_owned()),
            ..draft.clone()
        };
        self.written.extend([draft, published.clone()]);
        self.active.push(Active {
            zone: published,
            cells,
            venue,
            ends,
            last_case: drawn.day,
        });
    }
}

struct Drawn {
    day: Day,
    name: String,
    kind: ZoneKind,
    reason: String,
    district: usize,
    days: i32,
}

/// The district of a cell: that of the commune named, else that of the nearest grid cell.
fn district_of(world: &DemoWorld, cell: Cell, commune: Option<&crate::model::AreaCode>) -> usize {
    let named = commune.and_then(|code| world.communes.iter().find(|commune| commune.code == *code));
    let coarse = cell.parent(crate::demo::grid::GRID);
    let found = || {
        world
            .grid
            .iter()
            .find(|own| Some(own.cell) == coarse)
            .map(|own| own.district)
    };
    named.map(|commune| commune.district).or_else(found).unwrap_or(0)
}

fn year(at: Timestamp) -> String {
    Day::of(at, crate::demo::config::OFFSET)
        .to_string()
        .chars()
        .take(4)
        .collect()
}
