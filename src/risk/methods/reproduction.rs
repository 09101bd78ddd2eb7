use statrs::distribution::{ContinuousCDF, Gamma};
use statrs::function::gamma::gamma_lr;

/// What is believed of every reproduction number before its cases are seen, as `EpiEstim` does: a gamma distribution of
/// mean 5 and standard deviation 5. High and wide, so that an estimate below 1 is the cases' doing.
pub const REPRODUCTION_PRIOR: Reproduction = Reproduction {
    first_day: 0,
    last_day: 0,
    shape: 1.0,
    scale: 5.0,
};

/// The reproduction number over a window of days: how many people each infectious person infects.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reproduction {
    /// First day of the window, counted from 0.
    pub first_day: usize,
    /// Last day of the window, counted from 0.
    pub last_day: usize,
    /// Shape of the posterior gamma distribution.
    pub shape: f64,
    /// Scale of the posterior gamma distribution.
    pub scale: f64,
}

impl Reproduction {
    /// The posterior mean.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.shape * self.scale
    }

    /// The posterior standard deviation.
    #[must_use]
    pub fn standard_deviation(&self) -> f64 {
        self.shape.sqrt() * self.scale
    }

    /// The value below which the reproduction number lies with probability `probability`, 0 < probability < 1.
    #[must_use]
    pub fn quantile(&self, probability: f64) -> f64 {
        let Ok(gamma) = Gamma::new(self.shape, 1.0) else {
            return f64::NAN;
        };
        // The library halves its way to a quantile, to about 10⁻⁸ of the standard scale: one Newton step does the rest.
        let mut x = gamma.inverse_cdf(probability);
        for _ in 0..3 {
            let density = statrs::distribution::Continuous::pdf(&gamma, x);
            if density > 0.0 && x > 0.0 {
                let step = (gamma.cdf(x) - probability) / density;
                if step.is_finite() && (x - step) > 0.0 {
                    x -= step;
                }
            }
        }
        x * self.scale
    }

    /// The interval that holds 95 % of the posterior, its ends equally likely to be passed.
    #[must_use]
    pub fn credible_95(&self) -> (f64, f64) {
        (self.quantile(0.025), self.quantile(0.975))
    }
}

/// Cori et al. 2013 ("A new framework and software to estimate time-varying reproduction numbers during epidemics", Am J
/// Epidemiol 178), as `EpiEstim` computes it.
///
/// `local` and `imported` are cases by day of onset, both of the same length: those infected elsewhere infect, but were
/// not infected here. `serial_interval[s]` is the probability that s days lie between the onsets of infector and infected;
/// the first entry must be 0. Windows of `window` days, ending on each day from `window` on (the first day has nobody who
/// could have infected). Before them stands [`REPRODUCTION_PRIOR`]. Empty where the series is shorter than that.
#[must_use]
pub fn cori(local: &[f64], imported: &[f64], serial_interval: &[f64], window: usize) -> Vec<Reproduction> {
    let days = local.len().min(imported.len());
    if window == 0 {
        return Vec::new();
    }
    let infectivity: Vec<f64> = (0..days)
        .map(|day| {
            (1..=day)
                .take_while(|gap| *gap < serial_interval.len())
                .map(|gap| serial_interval[gap] * (local[day - gap] + imported[day - gap]))
                .sum()
        })
        .collect();
    (window..days)
        .map(|last_day| {
            let first_day = last_day + 1 - window;
            let infected: f64 = local[first_day..=last_day].iter().sum();
            let pressure: f64 = infectivity[first_day..=last_day].iter().sum();
            Reproduction {
                first_day,
                last_day,
                shape: REPRODUCTION_PRIOR.shape + infected,
                scale: 1.0 / (1.0 / REPRODUCTION_PRIOR.scale + pressure),
            }
        })
        .collect()
}

/// The distribution of the serial interval over whole days 0..=`longest` for a gamma distribution of that mean and standard
/// deviation, shifted by a day (Cori et al. 2013, web appendix 11). `mean` must lie above 1 day and `deviation` above 0.
#[must_use]
pub fn discrete_serial_interval(mean: f64, deviation: f64, longest: usize) -> Vec<f64> {
    let shape = ((mean - 1.0) / deviation).powi(2);
    let scale = deviation.powi(2) / (mean - 1.0);
    // The gamma distribution's function, and that of the next shape: its mean over an interval needs both.
    let below = |k: f64, shape: f64| if k <= 0.0 { 0.0 } else { gamma_lr(shape, k / scale) };
    (0..=longest)
        .map(|day| {
            let k = day as f64;
            let own = k * below(k, shape) + (k - 2.0) * below(k - 2.0, shape)
                - 2.0 * (k - 1.0) * below(k - 1.0, shape);
            let next =
                2.0 * below(k - 1.0, shape + 1.0) - below(k - 2.0, shape + 1.0) - below(k, shape + 1.0);
            (own + shape * scale * next).max(0.0)
        })
        .collect()
}

/// The seven-day R of the Robert Koch Institute for each day that has the days it needs: cases of the seven days that end a
/// day later, over those of the seven days four days before (an der Heiden and Hamouda 2020). `None` where those are 0.
/// The first entry is for day 9 of the series, counted from 0.
#[must_use]
pub fn rki_r7(cases: &[f64]) -> Vec<Option<f64>> {
    (9..cases.len().saturating_sub(1))
        .map(|day| {
            let now: f64 = cases[day - 5..=day + 1].iter().sum();
            let before: f64 = cases[day - 9..=day - 3].iter().sum();
            (before > 0.0).then(|| now / before)
        })
        .collect()
}

/// The growth of log cases per day by least squares; days without a case are left out. `None` with fewer than two others.
#[must_use]
pub fn growth_per_day(cases: &[f64]) -> Option<f64> {
    let points: Vec<(f64, f64)> = cases
        .iter()
        .enumerate()
        .filter(|(_, cases)| **cases > 0.0)
        .map(|(day, cases)| (day as f64, cases.ln()))
        .collect();
    let count = points.len() as f64;
    let (mean_day, mean_log) = points.iter().fold((0.0, 0.0), |(day, log), (x, y)| {
        (day + x / count, log + y / count)
    });
    let (up, across) = points.iter().fold((0.0, 0.0), |(up, across), (x, y)| {
        (
            up + (x - mean_day) * (y - mean_log),
            across + (x - mean_day).powi(2),
        )
    });
    (across > 0.0).then(|| up / across)
}

/// Days in which cases double at that growth per day; negative: in which they halve. `None` where they do neither.
#[must_use]
pub fn doubling_days(growth_per_day: f64) -> Option<f64> {
    (growth_per_day != 0.0).then(|| std::f64::consts::LN_2 / growth_per_day)
}
