use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::likelihood::{Expected, Likelihood, p_value};
use super::windows::Windows;
use super::{InvalidScan, Location, ScanOptions};

/// A window with more cases than its people let expect.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// The places in it, the middle first, by distance from it.
    pub locations: Vec<usize>,
    /// Distance from the middle to the farthest of them, in the unit of the points.
    pub radius: f64,
    /// Cases in it.
    pub cases: u32,
    /// Cases that were to be expected in it.
    pub expected: f64,
    /// Risk inside over risk outside.
    pub relative_risk: f64,
    /// Log-likelihood ratio.
    pub log_likelihood_ratio: f64,
    /// How often chance alone makes a window of this ratio or more: rank / (replications + 1).
    pub p: f64,
}

/// The spatial scan statistic for high rates, Poisson model, circular windows (Kulldorff 1997, "A spatial scan statistic",
/// Communications in Statistics 26): the window whose cases are the least likely, and further ones that share no place with
/// those before, the least likely first.
///
/// # Errors
/// Names people that are negative or not numbers, points that are not numbers, and options out of their range.
pub fn scan_poisson(locations: &[Location], options: &ScanOptions) -> Result<Vec<Cluster>, InvalidScan> {
    options.check(locations.iter().map(|location| location.point))?;
    if let Some(location) = locations
        .iter()
        .find(|location| !(location.people >= 0.0 && location.people.is_finite()))
    {
        return Err(InvalidScan {
            field: "people",
            value: location.people,
            reason: "must be a number of 0 or more",
        });
    }
    let cases: Vec<u32> = locations.iter().map(|location| location.cases).collect();
    let people: Vec<f64> = locations.iter().map(|location| location.people).collect();
    let (all_cases, all_people) = (cases.iter().sum(), people.iter().sum::<f64>());
    if all_cases == 0 || all_people <= 0.0 {
        return Ok(Vec::new());
    }
    let points: Vec<[f64; 3]> = locations.iter().map(|location| location.point).collect();
    let windows = Windows::new(
        &points,
        &people,
        options.largest_share * all_people,
        options.largest_radius,
    );
    let scan = Scan::new(
        &windows,
        Likelihood::new(all_cases, options.fewest_cases),
        all_people,
    );

    let mut found = scan.clusters(&cases);
    if found.is_empty() {
        return Ok(found);
    }
    let thrower = Thrower::new(&people);
    let mut by_chance: Vec<f64> = (0..options.replications)
        .into_par_iter()
        .map_init(
            || vec![0; cases.len()],
            |thrown, replication| {
                let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
                rng.set_stream(u64::from(replication) + 1);
                thrower.throw(all_cases, &mut rng, thrown);
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

struct Scan<'a> {
    windows: &'a Windows,
    likelihood: Likelihood,
    /// For each place, of each circle around it: the place it takes in, and what is expected in it; `None` within a tie.
    circles: Vec<Vec<(u32, Option<Expected>)>>,
}

impl<'a> Scan<'a> {
    fn new(windows: &'a Windows, likelihood: Likelihood, all_people: f64) -> Self {
        let all = likelihood.all();
        let circles = windows
            .around
            .iter()
            .map(|list| {
                list.iter()
                    .map(|reached| {
                        let expected = f64::from(all) * reached.measure / all_people;
                        (
                            reached.location,
                            (!reached.tied).then(|| Expected::new(expected, all)),
                        )
                    })
                    .collect()
            })
            .collect();
        Self {
            windows,
            likelihood,
            circles,
        }
    }

    /// The highest ratio of any window, 0 where none has more cases than expected.
    fn highest(&self, cases: &[u32]) -> f64 {
        let mut highest = 0.0_f64;
        for list in &self.circles {
            let mut inside = 0;
            for (location, expected) in list {
                inside += cases[*location as usize];
                if let Some(expected) = expected {
                    highest = highest.max(self.likelihood.ratio(inside, expected));
                }
            }
        }
        highest
    }

    /// The best window around each place, those that overlap a better one left out.
    fn clusters(&self, cases: &[u32]) -> Vec<Cluster> {
        let mut best: Vec<(f64, usize, usize, u32)> = Vec::new();
        for (middle, list) in self.circles.iter().enumerate() {
            let (mut inside, mut top) = (0, None::<(f64, usize, u32)>);
            for (end, (location, expected)) in list.iter().enumerate() {
                inside += cases[*location as usize];
                let ratio = expected
                    .as_ref()
                    .map_or(0.0, |expected| self.likelihood.ratio(inside, expected));
                if ratio > top.map_or(0.0, |(highest, ..)| highest) {
                    top = Some((ratio, end, inside));
                }
            }
            best.extend(top.map(|(ratio, end, inside)| (ratio, middle, end, inside)));
        }
        best.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut taken = vec![false; self.circles.len()];
        let mut found = Vec::new();
        for (ratio, middle, end, inside) in best {
            let members = &self.windows.around[middle][..=end];
            if members.iter().any(|reached| taken[reached.location as usize]) {
                continue;
            }
            for reached in members {
                taken[reached.location as usize] = true;
            }
            let expected = self.circles[middle][end].1.map_or(0.0, |expected| expected.cases);
            found.push(Cluster {
                locations: members.iter().map(|reached| reached.location as usize).collect(),
                radius: members[end].distance,
                cases: inside,
                expected,
                relative_risk: self.likelihood.relative_risk(inside, expected),
                log_likelihood_ratio: ratio,
                p: 1.0,
            });
        }
        found
    }
}

/// Throws cases over places in proportion to their people.
struct Thrower {
    /// People up to and with each place.
    up_to: Vec<f64>,
    /// Where to begin to look, for each of many equal parts of all people.
    guide: Vec<u32>,
}

impl Thrower {
    fn new(people: &[f64]) -> Self {
        let mut sum = 0.0;
        let up_to: Vec<f64> = people
            .iter()
            .map(|people| {
                sum += people;
                sum
            })
            .collect();
        let parts = up_to.len() * 4;
        let guide = (0..parts)
            .map(|part| {
                let from = sum * part as f64 / parts as f64;
                up_to.partition_point(|up_to| *up_to <= from) as u32
            })
            .collect();
        Self { up_to, guide }
    }

    fn throw(&self, cases: u32, rng: &mut ChaCha8Rng, into: &mut [u32]) {
        into.fill(0);
        let last = self.up_to.len() - 1;
        let all = self.up_to[last];
        for _case in 0..cases {
            let share: f64 = rng.random();
            let part = ((share * self.guide.len() as f64) as usize).min(self.guide.len() - 1);
            // Rounding may have put the guide a place too far: one step back is always safe.
            let mut place = (self.guide[part] as usize).saturating_sub(1).min(last);
            while place < last && self.up_to[place] <= share * all {
                place += 1;
            }
            into[place] += 1;
        }
    }
}
