use statrs::distribution::{Continuous, ContinuousCDF, Gamma, Normal};
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
        gamma_quantile(self.shape, probability) * self.scale
    }

    /// The probability with which it lies below a value.
    #[must_use]
    pub fn below(&self, value: f64) -> f64 {
        if value > 0.0 {
            gamma_lr(self.shape, value / self.scale)
        } else {
            0.0
        }
    }

    /// The interval that holds 95 % of the posterior, its ends equally likely to be passed.
    #[must_use]
    pub fn credible_95(&self) -> (f64, f64) {
        (self.quantile(0.025), self.quantile(0.975))
    }
}

/// The quantile of a gamma distribution of scale 1: Newton's steps between bounds that close in, from the approximation of
/// Wilson and Hilferty. (The library's own gives up after eight halvings and is off by parts of a hundred at shapes of
/// some thousand.)
fn gamma_quantile(shape: f64, probability: f64) -> f64 {
    let (Ok(gamma), Ok(normal)) = (Gamma::new(shape, 1.0), Normal::new(0.0, 1.0)) else {
        return f64::NAN;
    };
    let (mut low, mut high) = (0.0_f64, f64::INFINITY);
    let cube_root = 1.0 - 1.0 / (9.0 * shape) + normal.inverse_cdf(probability) / (3.0 * shape.sqrt());
    let mut x = shape * cube_root.max(0.01).powi(3);
    for _ in 0..200 {
        let off = gamma_lr(shape, x) - probability;
        if off < 0.0 {
            low = x;
        } else {
            high = x;
        }
        let newton = x - off / gamma.pdf(x);
        let next = if newton > low && newton < high {
            newton
        } else if high.is_finite() {
            f64::midpoint(low, high)
        } else {
            2.0 * x
        };
        if (next - x).abs() <= 1e-15 * x {
            break;
        }
        x = next;
    }
    x
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

/// [`cori`] where the serial interval is not known exactly: the posterior of each window is that of all of them, each
/// equally likely (`uncertain_si`, `si_from_sample` and, with the sample that a fit to pairs of onsets gives,
/// `si_from_data` of `EpiEstim`, which draw from it; this is what they draw from).
#[must_use]
pub fn cori_over(
    local: &[f64],
    imported: &[f64],
    serial_intervals: &[Vec<f64>],
    window: usize,
) -> Vec<MixedReproduction> {
    let mut windows: Vec<MixedReproduction> = Vec::new();
    for interval in serial_intervals {
        for (at, part) in cori(local, imported, interval, window).into_iter().enumerate() {
            match windows.get_mut(at) {
                Some(mixed) => mixed.0.push(part),
                None => windows.push(MixedReproduction(vec![part])),
            }
        }
    }
    windows
}

/// A reproduction number that may be any of several, equally likely.
#[derive(Clone, Debug, PartialEq)]
pub struct MixedReproduction(Vec<Reproduction>);

impl MixedReproduction {
    /// What it may be.
    #[must_use]
    pub fn parts(&self) -> &[Reproduction] {
        &self.0
    }

    /// The posterior mean.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.average(Reproduction::mean)
    }

    /// The posterior standard deviation.
    #[must_use]
    pub fn standard_deviation(&self) -> f64 {
        let squares = self.average(|part| part.mean().powi(2) + part.standard_deviation().powi(2));
        (squares - self.mean().powi(2)).max(0.0).sqrt()
    }

    /// The value below which the reproduction number lies with probability `probability`, 0 < probability < 1.
    #[must_use]
    pub fn quantile(&self, probability: f64) -> f64 {
        let ends = self.0.iter().map(|part| part.quantile(probability));
        let (mut low, mut high) = ends.fold((f64::INFINITY, 0.0_f64), |(low, high), at| {
            (low.min(at), high.max(at))
        });
        // The mixture's lies between those of its parts; halving it to the last bit.
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if self.average(|part| part.below(middle)) < probability {
                low = middle;
            } else {
                high = middle;
            }
        }
        f64::midpoint(low, high)
    }

    fn average(&self, of: impl Fn(&Reproduction) -> f64) -> f64 {
        self.0.iter().map(of).sum::<f64>() / self.0.len() as f64
    }
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
