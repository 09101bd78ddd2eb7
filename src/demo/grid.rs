use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rustc_hash::FxHashMap;

use crate::demo::facts::DISTRICTS;
use crate::demo::rng::{Topic, dice, normal};
use crate::geo::{Cell, LngLat, Resolution, cell_area_km2, cover_polygon};

/// The resolution from which the made-up outlines are cut (about 0.8 km²).
pub const GRID: Resolution = Resolution::new(8).expect("at most 15");

/// One cell of the province.
#[derive(Clone, Debug)]
pub struct GridCell {
    pub cell: Cell,
    /// Index into [`DISTRICTS`].
    pub district: usize,
    /// Share of the district's residents.
    pub share: f64,
    corners: Vec<LngLat>,
}

impl GridCell {
    /// A point inside, not on the edge.
    pub fn point(&self, rng: &mut ChaCha8Rng) -> LngLat {
        let centre = self.cell.centre();
        let side = rng.random_range(0..self.corners.len());
        let (a, b) = (self.corners[side], self.corners[(side + 1) % self.corners.len()]);
        let reach = 0.96 * rng.random::<f64>().sqrt();
        let along: f64 = rng.random();
        let mixed = |c: f64, a: f64, b: f64| c + reach * (a + along * (b - a) - c);
        let at = LngLat::new(
            mixed(centre.lng(), a.lng(), b.lng()),
            mixed(centre.lat(), a.lat(), b.lat()),
        );
        at.unwrap_or(centre)
    }
}

/// Kilometres east and north of a point in the province.
pub fn km(at: LngLat) -> (f64, f64) {
    ((at.lng() - 105.8) * 103.4, (at.lat() - 21.7) * 110.7)
}

/// Distance in km on the plane of [`km`].
pub fn distance_km(a: LngLat, b: LngLat) -> f64 {
    let ((ax, ay), (bx, by)) = (km(a), km(b));
    (ax - bx).hypot(ay - by)
}

/// The districts as sets of cells: a size-weighted Voronoi division of the cells nearest to the districts'
/// points, the weights adjusted until the sets have the land areas of the real districts.
pub fn province(seed: u64) -> Vec<GridCell> {
    let candidates = candidates();
    let owner = smooth(&candidates, divide(&candidates));
    let mut cells: Vec<GridCell> = candidates
        .iter()
        .zip(owner)
        .filter_map(|(candidate, owner)| {
            owner.map(|district| GridCell {
                cell: candidate.cell,
                district,
                share: 0.0,
                corners: candidate.cell.boundary(),
            })
        })
        .collect();
    settle(seed, &mut cells);
    cells
}

struct Candidate {
    cell: Cell,
    area_km2: f64,
    costs: [f64; DISTRICTS.len()],
}

fn candidates() -> Vec<Candidate> {
    let frame = ::geo::Rect::new((105.44, 21.29), (106.28, 22.09)).to_polygon();
    let cells = cover_polygon(&::geo::MultiPolygon(vec![frame]), GRID, 50_000).unwrap_or_default();
    cells
        .into_iter()
        .map(|cell| {
            let centre = cell.centre();
            let costs = std::array::from_fn(|index| {
                let facts = &DISTRICTS[index];
                let frame = &facts.bbox;
                let middle = |point: f64, min: f64, max: f64| 0.35 * point + 0.65 * f64::midpoint(min, max);
                let x = (centre.lng() - middle(facts.point.0, frame.min_lng, frame.max_lng))
                    / (frame.max_lng - frame.min_lng);
                let y = (centre.lat() - middle(facts.point.1, frame.min_lat, frame.max_lat))
                    / (frame.max_lat - frame.min_lat);
                let outside = if frame.contains(centre) { 0.0 } else { 0.4 };
                4.0 * (x * x + y * y) + outside
            });
            Candidate {
                cell,
                area_km2: cell_area_km2(cell),
                costs,
            }
        })
        .collect()
}

/// Who owns each candidate; `None` outside the province.
fn divide(candidates: &[Candidate]) -> Vec<Option<usize>> {
    let total: f64 = DISTRICTS.iter().map(|facts| facts.area_km2).sum();
    let mut sizes = [1.0_f64; DISTRICTS.len()];
    let mut owner = vec![None; candidates.len()];
    for _ in 0..80 {
        let mut best: Vec<(f64, usize, usize)> = candidates
            .iter()
            .enumerate()
            .filter_map(|(index, candidate)| {
                (0..DISTRICTS.len())
                    .map(|district| (candidate.costs[district] / sizes[district], index, district))
                    .min_by(|a, b| a.0.total_cmp(&b.0))
            })
            .collect();
        best.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        owner.fill(None);
        let mut areas = [0.0; DISTRICTS.len()];
        let mut taken = 0.0;
        for (_, index, district) in best {
            if taken >= total {
                break;
            }
            owner[index] = Some(district);
            areas[district] += candidates[index].area_km2;
            taken += candidates[index].area_km2;
        }
        for (district, facts) in DISTRICTS.iter().enumerate() {
            sizes[district] *= (facts.area_km2 / f64::max(areas[district], 1.0)).powf(0.4);
        }
    }
    owner
}

/// Each district in one piece and the province without holes.
fn smooth(candidates: &[Candidate], mut owner: Vec<Option<usize>>) -> Vec<Option<usize>> {
    let index: FxHashMap<Cell, usize> = candidates.iter().enumerate().map(|(i, c)| (c.cell, i)).collect();
    let neighbours: Vec<Vec<usize>> = candidates
        .iter()
        .map(|candidate| {
            let disk = candidate.cell.grid_disk(1);
            disk.iter()
                .filter(|cell| **cell != candidate.cell)
                .filter_map(|cell| index.get(cell).copied())
                .collect()
        })
        .collect();
    for (district, facts) in DISTRICTS.iter().enumerate() {
        let at = LngLat::new(facts.point.0, facts.point.1).ok();
        if let Some(index) = at.and_then(|at| index.get(&Cell::at(at, GRID))) {
            owner[*index] = Some(district);
        }
    }
    let majority = |owner: &[Option<usize>], at: usize| {
        let mut votes = [0_usize; DISTRICTS.len()];
        for next in &neighbours[at] {
            if let Some(district) = owner[*next] {
                votes[district] += 1;
            }
        }
        let most = (0..votes.len()).max_by_key(|district| (votes[*district], usize::MAX - district));
        (votes.iter().sum::<usize>(), most)
    };
    for district in 0..DISTRICTS.len() {
        let mut pieces = components(&neighbours, |at| owner[at] == Some(district));
        pieces.sort_by_key(|piece| std::cmp::Reverse(piece.len()));
        for at in pieces.into_iter().skip(1).flatten() {
            owner[at] = None;
        }
    }
    for _ in 0..4 {
        let before = owner.clone();
        for at in 0..owner.len() {
            let (votes, most) = majority(&before, at);
            if before[at].is_none() && votes >= 4 {
                owner[at] = most;
            }
        }
    }
    let mut outside = components(&neighbours, |at| owner[at].is_none());
    outside.sort_by_key(|piece| std::cmp::Reverse(piece.len()));
    for piece in outside.into_iter().skip(1) {
        for at in piece {
            // Slivers at the frame are outside too, but no cell of the province lies near the frame.
            owner[at] = majority(&owner, at).1;
        }
    }
    owner
}

/// The connected sets of the chosen nodes, in order of their first node.
pub fn components(neighbours: &[Vec<usize>], chosen: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
    let mut seen = vec![false; neighbours.len()];
    let mut pieces = Vec::new();
    for start in 0..neighbours.len() {
        if seen[start] || !chosen(start) {
            continue;
        }
        seen[start] = true;
        let mut piece = vec![start];
        let mut next = 0;
        while next < piece.len() {
            for neighbour in &neighbours[piece[next]] {
                if !seen[*neighbour] && chosen(*neighbour) {
                    seen[*neighbour] = true;
                    piece.push(*neighbour);
                }
            }
            next += 1;
        }
        pieces.push(piece);
    }
    pieces
}

/// Spreads each district's residents: towns around their centres, villages over the rest.
fn settle(seed: u64, cells: &mut [GridCell]) {
    let mut rng = dice(seed, Topic::Areas, 0, 0);
    let mut weights: Vec<f64> = cells.iter().map(|_| (0.8 * normal(&mut rng)).exp()).collect();
    for (district, facts) in DISTRICTS.iter().enumerate() {
        let own: Vec<usize> = (0..cells.len())
            .filter(|at| cells[*at].district == district)
            .collect();
        let country: f64 = own.iter().map(|at| weights[*at]).sum();
        let mut shares: Vec<f64> = own.iter().map(|at| weights[*at] / country).collect();
        for &(lng, lat, radius_km, weight) in facts.towns {
            let Ok(centre) = LngLat::new(lng, lat) else {
                continue;
            };
            let pull: Vec<f64> = own
                .iter()
                .map(|at| (-0.5 * (distance_km(cells[*at].cell.centre(), centre) / radius_km).powi(2)).exp())
                .collect();
            let sum: f64 = pull.iter().sum();
            if sum > 0.3 {
                for (share, pull) in shares.iter_mut().zip(pull) {
                    *share += weight * pull / sum;
                }
            }
        }
        let total: f64 = shares.iter().sum();
        for (at, share) in own.into_iter().zip(shares) {
            cells[at].share = share / total;
        }
    }
    weights.clear();
}
