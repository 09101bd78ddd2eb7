use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::likelihood::{Expected, Likelihood, p_value};
use super::windows::Windows;
use super::{InvalidScan, ScanOptions};

/// Which times are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpaceTimeOptions {
    /// The longest window, days, 1 or more.
    pub longest_days: usize,
    /// Only windows that last until the last day: what is going on now.
    pub alive: bool,
}

/// A circle and some days in it with more cases than the place and the days let expect.
#[derive(Clone, Debug, PartialEq)]
pub struct SpaceTimeCluster {
    /// The places in it, the middle first, by distance from it.
    pub locations: Vec<usize>,
    /// Distance from the middle to the farthest of them, in the unit of the points.
    pub radius: f64,
    /// First day, counted from 0.
    pub first_day: usize,
    /// Last day, counted from 0.
    pub last_day: usize,
    /// Cases in it.
    pub cases: u32,
    /// Cases that were to be expected in it if place and day had nothing to do with each other.
    pub expected: f64,
    /// Log-likelihood ratio.
    pub log_likelihood_ratio: f64,
    /// How often chance alone makes a window of this ratio or more: rank / (replications + 1).
    pub p: f64,
}

/// The space-time permutation scan (Kulldorff et al. 2005, "A space-time permutation scan statistic for disease outbreak
/// detection", `PLoS` Medicine 2). It needs cases only: a place with many cases each day, and a day with many cases
/// everywhere, are both as expected. `cases[place][day]`, every place with the same number of days; chance deals the days
/// of all cases anew.
///
/// # Errors
/// Names points that are not numbers, rows of unequal length, and options out of their range.
pub fn scan_space_time(
    points: &[[f64; 3]],
    cases: &[Vec<u32>],
    times: SpaceTimeOptions,
    options: &ScanOptions,
) -> Result<Vec<SpaceTimeCluster>, InvalidScan> {
    options.check(points.iter().copied())?;
    let days = cases.first().map_or(0, Vec::len);
    if cases.len() != points.len() {
        return Err(InvalidScan {
            field: "cases",
            value: cases.len() as f64,
            reason: "must have a row for each point",
        });
    }
    if let Some(row) = cases.iter().find(|row| row.len() != days) {
        return Err(InvalidScan {
            field: "cases",
            value: row.len() as f64,
            reason: "must have rows of one length",
        });
    }
    if times.longest_days == 0 {
        return Err(InvalidScan {
            field: "longest_days",
            value: 0.0,
            reason: "must be 1 or more",
        });
    }
    let by_place: Vec<u32> = cases.iter().map(|row| row.iter().sum()).collect();
    let all: u32 = by_place.iter().sum();
    if all == 0 {
        return Ok(Vec::new());
    }
    let measures: Vec<f64> = by_place.iter().map(|cases| f64::from(*cases)).collect();
    let most = options.largest_share * f64::from(all);
    let scan = Scan {
        windows: Windows::new(points, &measures, most, options.largest_radius),
        likelihood: Likelihood::new(all, options.fewest_cases),
        by_day: (0..days)
            .map(|day| cases.iter().map(|row| row[day]).sum())
            .collect(),
        times,
    };
    let flat: Vec<u32> = cases.iter().flatten().copied().collect();
    let mut found = scan.clusters(&flat);
    if found.is_empty() {
        return Ok(found);
    }
    let dealt_days: Vec<u32> = scan
        .by_day
        .iter()
        .enumerate()
        .flat_map(|(day, cases)| std::iter::repeat_n(day as u32, *cases as usize))
        .collect();
    let mut by_chance: Vec<f64> = (0..options.replications)
        .into_par_iter()
        .map_init(
            || (vec![0; flat.len()], dealt_days.clone()),
            |(thrown, deck), replication| {
                let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
                rng.set_stream(u64::from(replication) + 1);
                deck.copy_from_slice(&dealt_days);
                deal(&by_place, days, deck, &mut rng, thrown);
                scan.highest(thrown)
            },
        )
        .collect();
    by_chance.sort_unstable_by(f64::total_cmp);
    for cluster in &mut found {
        cluster.p = p_value(cluster.log_likelihood_ratio, &by_chance);
    }
    Ok(found)
}

/// Deals the days of all cases to the cases of each place (Fisher and Yates).
fn deal(by_place: &[u32], days: usize, deck: &mut [u32], rng: &mut ChaCha8Rng, into: &mut [u32]) {
    into.fill(0);
    let mut next = 0;
    for (place, cases) in by_place.iter().enumerate() {
        for _case in 0..*cases {
            let drawn = rng.random_range(next..deck.len());
            deck.swap(next, drawn);
            into[place * days + deck[next] as usize] += 1;
            next += 1;
        }
    }
}

struct Scan {
    windows: Windows,
    likelihood: Likelihood,
    by_day: Vec<u32>,
    times: SpaceTimeOptions,
}

#[derive(Clone, Copy)]
struct Best {
    ratio: f64,
    middle: usize,
    end: usize,
    first_day: usize,
    last_day: usize,
    cases: u32,
    expected: f64,
}

impl Scan {
    fn highest(&self, cases: &[u32]) -> f64 {
        (0..self.windows.around.len())
            .filter_map(|middle| self.best_around(middle, cases))
            .map(|best| best.ratio)
            .fold(0.0, f64::max)
    }

    /// The best window around a place; cases lie place by place, day by day.
    fn best_around(&self, middle: usize, cases: &[u32]) -> Option<Best> {
        let days = self.by_day.len();
        let mut in_circle = vec![0_u32; days];
        let mut best: Option<Best> = None;
        for (end, reached) in self.windows.around[middle].iter().enumerate() {
            let row = &cases[reached.location as usize * days..][..days];
            for (sum, own) in in_circle.iter_mut().zip(row) {
                *sum += own;
            }
            if reached.tied {
                continue;
            }
            let first_end = if self.times.alive { days - 1 } else { 0 };
            for last_day in first_end..days {
                let (mut inside, mut of_days) = (0, 0);
                for first_day in (0..=last_day).rev().take(self.times.longest_days) {
                    inside += in_circle[first_day];
                    of_days += self.by_day[first_day];
                    let expected = reached.measure * f64::from(of_days) / f64::from(self.likelihood.all());
                    if !self.likelihood.is_candidate(inside, expected) {
                        continue;
                    }
                    let ratio = self
                        .likelihood
                        .ratio(inside, &Expected::new(expected, self.likelihood.all()));
                    if ratio > best.map_or(0.0, |best| best.ratio) {
                        best = Some(Best {
                            ratio,
                            middle,
                            end,
                            first_day,
                            last_day,
                            cases: inside,
                            expected,
                        });
                    }
                }
            }
        }
        best
    }

    fn clusters(&self, cases: &[u32]) -> Vec<SpaceTimeCluster> {
        let mut best: Vec<Best> = (0..self.windows.around.len())
            .filter_map(|middle| self.best_around(middle, cases))
            .collect();
        best.sort_by(|a, b| b.ratio.total_cmp(&a.ratio).then(a.middle.cmp(&b.middle)));
        let mut taken = vec![false; self.windows.around.len()];
        let mut found = Vec::new();
        for each in best {
            let members = &self.windows.around[each.middle][..=each.end];
            if members.iter().any(|reached| taken[reached.location as usize]) {
                continue;
            }
            for reached in members {
                taken[reached.location as usize] = true;
            }
            found.push(SpaceTimeCluster {
                locations: members.iter().map(|reached| reached.location as usize).collect(),
                radius: members[each.end].distance,
                first_day: each.first_day,
                last_day: each.last_day,
                cases: each.cases,
                expected: each.expected,
                log_likelihood_ratio: each.ratio,
                p: 1.0,
            });
        }
        found
    }
}
