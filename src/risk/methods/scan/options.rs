/// A place with its cases and the people among whom they were counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Location {
    /// Its point, in any plane or space: only distances between points count.
    pub point: [f64; 3],
    /// Cases.
    pub cases: u32,
    /// People at risk (or expected cases, up to a factor), 0 or more.
    pub people: f64,
}

/// How to look for clusters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScanOptions {
    /// The largest window, as a share of all people (space-time: of all cases), 0 < share <= 1. Half is usual.
    pub largest_share: f64,
    /// The largest distance from the middle, in the unit of the points; `None` for any.
    pub largest_radius: Option<f64>,
    /// Windows with fewer cases are no clusters.
    pub fewest_cases: u32,
    /// How often the cases are thrown anew to see what chance does: 999 or 9,999.
    pub replications: u32,
    /// Equal seeds give equal answers, on any number of threads.
    pub seed: u64,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            largest_share: 0.5,
            largest_radius: None,
            fewest_cases: 2,
            replications: 999,
            seed: 1,
        }
    }
}

/// Input that cannot be scanned.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("`{field}` {reason} (got {value})")]
pub struct InvalidScan {
    /// The field refused.
    pub field: &'static str,
    /// Its value.
    pub value: f64,
    /// What was expected.
    pub reason: &'static str,
}

impl ScanOptions {
    pub(super) fn check(&self, points: impl Iterator<Item = [f64; 3]>) -> Result<(), InvalidScan> {
        if !(self.largest_share > 0.0 && self.largest_share <= 1.0) {
            return Err(InvalidScan {
                field: "largest_share",
                value: self.largest_share,
                reason: "must lie above 0 and at most at 1",
            });
        }
        if let Some(radius) = self
            .largest_radius
            .filter(|radius| radius.is_nan() || *radius < 0.0)
        {
            return Err(InvalidScan {
                field: "largest_radius",
                value: radius,
                reason: "must be 0 or more",
            });
        }
        for value in points.flatten() {
            if !value.is_finite() {
                return Err(InvalidScan {
                    field: "point",
                    value,
                    reason: "must be a number",
                });
            }
        }
        Ok(())
    }
}
