use rand::RngExt;
use rustc_hash::FxHashMap;

use crate::demo::config::OFFSET;
use crate::demo::facts::{DISTRICTS, PROVINCE, PROVINCE_NAME};
use crate::demo::grid::{GridCell, components, distance_km};
use crate::demo::rng::{Topic, Weighted, dice};
use crate::geo::{Cell, LngLat, dissolve};
use crate::model::{Area, AreaCode, AreaIndicators, AreaLevel, Day, Timestamp};

/// Districts were abolished on 1 July 2025.
const ABOLISHED: Day = Day(20_270);

/// A made-up commune: some cells of a district.
#[derive(Clone, Debug)]
pub struct Commune {
    pub code: AreaCode,
    pub district: usize,
    /// Indices into the grid, ascending.
    pub cells: Vec<usize>,
    pub residents: u64,
}

/// Cuts each district into as many communes as it had, small ones where many people live.
pub fn communes(seed: u64, grid: &[GridCell]) -> Vec<Commune> {
    let mut communes = Vec::new();
    for (district, facts) in DISTRICTS.iter().enumerate() {
        let own: Vec<usize> = (0..grid.len())
            .filter(|at| grid[*at].district == district)
            .collect();
        let parts = cluster(seed, grid, &own, facts.communes.min(own.len()));
        let shares: Vec<f64> = parts
            .iter()
            .map(|part| part.iter().map(|at| grid[*at].share).sum())
            .collect();
        let residents = apportion(facts.population, &shares);
        for (number, (cells, residents)) in parts.into_iter().zip(residents).enumerate() {
            communes.push(Commune {
                code: code(&format!("demo-{}-{:02}", facts.code, number + 1)),
                district,
                cells,
                residents,
            });
        }
    }
    communes
}

/// The registry: province, districts, communes; every outline approximate.
pub fn areas(grid: &[GridCell], communes: &[Commune], end: Timestamp) -> Vec<Area> {
    let valid_to = (Day::of(end, OFFSET) < ABOLISHED).then_some(ABOLISHED);
    let outline = |cells: Vec<Cell>| dissolve(&cells).unwrap_or_else(|_| ::geo::MultiPolygon(Vec::new()));
    let province = Area {
        code: code(PROVINCE),
        level: AreaLevel::Province,
        parent: None,
        name: PROVINCE_NAME.to_owned(),
        population: Some(DISTRICTS.iter().map(|facts| facts.population).sum()),
        valid_from: None,
        valid_to,
        geometry: outline(grid.iter().map(|cell| cell.cell).collect()),
        approximate: true,
        indicators: indicators(0),
    };
    let mut areas = vec![province];
    for (district, facts) in DISTRICTS.iter().enumerate() {
        let own = grid.iter().filter(|cell| cell.district == district);
        areas.push(Area {
            code: code(facts.code),
            level: AreaLevel::District,
            parent: Some(code(PROVINCE)),
            name: facts.name.to_owned(),
            population: Some(facts.population),
            valid_from: None,
            valid_to,
            geometry: outline(own.map(|cell| cell.cell).collect()),
            approximate: true,
            indicators: indicators(district),
        });
    }
    let mut number = 0;
    for (index, commune) in communes.iter().enumerate() {
        let facts = &DISTRICTS[commune.district];
        number = if index > 0 && communes[index - 1].district == commune.district {
            number + 1
        } else {
            1
        };
        areas.push(Area {
            code: commune.code.clone(),
            level: AreaLevel::Commune,
            parent: Some(code(facts.code)),
            name: commune_name(facts.name, number),
            population: Some(commune.residents),
            valid_from: None,
            valid_to,
            geometry: outline(commune.cells.iter().map(|at| grid[*at].cell).collect()),
            approximate: true,
            indicators: indicators(commune.district),
        });
    }
    areas
}

/// An invented commune's name, short enough for a label: wards in cities, communes elsewhere.
fn commune_name(district: &str, number: usize) -> String {
    let (tier, place) = match district.strip_prefix("Thành phố ") {
        Some(city) => ("Phường", city),
        None => ("Xã", district.strip_prefix("Huyện ").unwrap_or(district)),
    };
    format!("{tier} {place} {number:02} (mô phỏng)")
}

/// Splits a whole number by shares; the parts add up exactly (largest remainders).
pub fn apportion(total: u64, shares: &[f64]) -> Vec<u64> {
    let sum: f64 = shares.iter().sum();
    let exact: Vec<f64> = shares.iter().map(|share| total as f64 * share / sum).collect();
    let mut parts: Vec<u64> = exact.iter().map(|part| part.floor() as u64).collect();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|a, b| exact[*b].fract().total_cmp(&exact[*a].fract()).then(a.cmp(b)));
    let missing = total.saturating_sub(parts.iter().sum());
    for at in order.into_iter().cycle().take(missing as usize) {
        parts[at] += 1;
    }
    parts
}

pub fn code(text: &str) -> AreaCode {
    AreaCode::new(text).expect("short printable codes")
}

/// Made-up reports of vaccination and care, as districts had to give them.
fn indicators(district: usize) -> AreaIndicators {
    AreaIndicators {
        adults_one_dose_percent: Some(74.0 + (district * 7 % 20) as f64),
        elderly_full_dose_percent: Some(70.0 + (district * 11 % 25) as f64),
        care_ready: Some(true),
    }
}

/// k-means of a district's cells, heavier where people live; each part in one piece, none empty.
fn cluster(seed: u64, grid: &[GridCell], own: &[usize], parts: usize) -> Vec<Vec<usize>> {
    let mut rng = dice(seed, Topic::Areas, 1, grid[own[0]].district as u64);
    let weight = |at: usize| grid[at].share.sqrt();
    let mut centres: Vec<LngLat> = vec![grid[own[rng.random_range(0..own.len())]].cell.centre()];
    while centres.len() < parts {
        let far = |at: &usize| {
            let centre = grid[*at].cell.centre();
            let nearest = centres
                .iter()
                .map(|c| distance_km(*c, centre))
                .fold(f64::MAX, f64::min);
            weight(*at) * nearest * nearest
        };
        let Some(chosen) = Weighted::new(own.iter().map(far)).draw(&mut rng) else {
            break;
        };
        centres.push(grid[own[chosen]].cell.centre());
    }
    let mut part = vec![0_usize; own.len()];
    for _ in 0..10 {
        for (slot, at) in part.iter_mut().zip(own) {
            let centre = grid[*at].cell.centre();
            let nearest = (0..centres.len())
                .min_by(|a, b| distance_km(centres[*a], centre).total_cmp(&distance_km(centres[*b], centre)));
            *slot = nearest.unwrap_or(0);
        }
        for (index, centre) in centres.iter_mut().enumerate() {
            let (mut lng, mut lat, mut sum) = (0.0, 0.0, 0.0);
            for (slot, at) in part.iter().zip(own) {
                if *slot == index {
                    let point = grid[*at].cell.centre();
                    lng += weight(*at) * point.lng();
                    lat += weight(*at) * point.lat();
                    sum += weight(*at);
                }
            }
            if sum > 0.0 {
                *centre = LngLat::new(lng / sum, lat / sum).unwrap_or(*centre);
            }
        }
    }
    join_pieces(grid, own, &mut part, centres.len());
    (0..centres.len())
        .map(|index| {
            own.iter()
                .zip(&part)
                .filter(|(_, slot)| **slot == index)
                .map(|(at, _)| *at)
                .collect()
        })
        .filter(|cells: &Vec<usize>| !cells.is_empty())
        .collect()
}

/// Gives pieces cut off from their part's largest one to a neighbouring part.
fn join_pieces(grid: &[GridCell], own: &[usize], part: &mut [usize], parts: usize) {
    let index: FxHashMap<Cell, usize> = own
        .iter()
        .enumerate()
        .map(|(i, at)| (grid[*at].cell, i))
        .collect();
    let neighbours: Vec<Vec<usize>> = own
        .iter()
        .map(|at| {
            let disk = grid[*at].cell.grid_disk(1);
            disk.iter()
                .filter(|c| **c != grid[*at].cell)
                .filter_map(|c| index.get(c).copied())
                .collect()
        })
        .collect();
    for number in 0..parts {
        let mut pieces = components(&neighbours, |at| part[at] == number);
        pieces.sort_by_key(|piece| std::cmp::Reverse(piece.len()));
        for piece in pieces.into_iter().skip(1) {
            let other = piece
                .iter()
                .flat_map(|at| &neighbours[*at])
                .map(|next| part[*next])
                .find(|other| *other != number);
            if let Some(other) = other {
                for at in piece {
                    part[at] = other;
                }
            }
        }
    }
}
