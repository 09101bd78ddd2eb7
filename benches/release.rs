//! What is decided in the background when a week closes: which cells of a country give way to its areas.

use criterion::{BatchSize, Criterion};
use vungxanh::geo::{BASE_RESOLUTION, Cell, LngLat, Resolution};
use vungxanh::model::AreaCode;
use vungxanh::risk::{AreaNode, Rules, release_cases_beside};

/// 49 provinces (cells of resolution 4) of 7 districts and 231 communes each: 11,711 areas.
struct Country {
    leaves: Vec<(Cell, u32)>,
    nodes: Vec<AreaNode>,
}

fn finer(cell: Cell) -> Vec<Cell> {
    cell.children().into_iter().collect()
}

fn commune(seven: Cell) -> AreaCode {
    let resolution = |number| Resolution::new(number).unwrap();
    let five = seven.parent(resolution(5)).unwrap();
    let nth = finer(five)
        .into_iter()
        .flat_map(finer)
        .position(|cell| cell == seven);
    // Two cells of every three make one.
    AreaCode::new(&format!("{five}-{}", nth.unwrap() * 2 / 3)).unwrap()
}

fn country() -> Country {
    let resolution = |number| Resolution::new(number).unwrap();
    let middle = Cell::at(LngLat::new(105.84, 21.59).unwrap(), BASE_RESOLUTION);
    let mut state = 3_u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / 2_f64.powi(31)
    };
    let mut country = Country {
        leaves: Vec::new(),
        nodes: Vec::new(),
    };
    let code = |cell: Cell| AreaCode::new(&cell.to_string()).unwrap();
    for four in finer(middle.parent(resolution(2)).unwrap())
        .into_iter()
        .flat_map(finer)
    {
        let mut in_province = 0;
        for five in finer(four) {
            let busy = random().powi(4) * 18.0;
            let mut in_district = 0;
            for seven in finer(five).into_iter().flat_map(finer) {
                let mut cases = 0;
                for nine in finer(seven).into_iter().flat_map(finer) {
                    let count = (random().powi(30) * busy) as u32;
                    if count > 0 {
                        country.leaves.push((nine, count));
                        cases += count;
                    }
                }
                in_district += cases;
                let name = commune(seven);
                match country.nodes.last_mut().filter(|last| last.code == name) {
                    Some(last) => last.cases += cases,
                    None => country.nodes.push(AreaNode {
                        code: name,
                        parent: Some(code(five)),
                        cases,
                    }),
                }
            }
            in_province += in_district;
            country.nodes.push(AreaNode {
                code: code(five),
                parent: Some(code(four)),
                cases: in_district,
            });
        }
        country.nodes.push(AreaNode {
            code: code(four),
            parent: None,
            cases: in_province,
        });
    }
    country
}

fn reached(cell: Cell) -> Vec<AreaCode> {
    let seven = Resolution::new(7).unwrap();
    let mut cells = vec![cell];
    while cells[0].resolution() < seven {
        cells = cells.into_iter().flat_map(finer).collect();
    }
    let mut codes: Vec<AreaCode> = cells
        .into_iter()
        .filter_map(|cell| cell.parent(seven))
        .map(commune)
        .collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

pub fn group(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("release");
    group.sample_size(10);
    let rules = Rules::builtin().release;
    let Country { leaves, nodes } = country();
    let name = format!("{} cells with cases beside {} areas", leaves.len(), nodes.len());
    group.bench_function(name, |bencher| {
        bencher.iter_batched(
            || (),
            |()| release_cases_beside(&rules, &leaves, &nodes, reached),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}
