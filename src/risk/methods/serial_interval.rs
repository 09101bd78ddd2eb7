use statrs::function::gamma::gamma_lr;

use crate::risk::methods::Uncertain;

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

/// Serial intervals whose mean and standard deviation are not known exactly, equally likely ones: each of `slices` means
/// with each of `slices` deviations (`uncertain_si` of `EpiEstim`, which draws them). Means of a day or less give none.
#[must_use]
pub fn uncertain_serial_intervals(
    mean: &Uncertain,
    deviation: &Uncertain,
    longest: usize,
    slices: usize,
) -> Vec<Vec<f64>> {
    let deviations = deviation.slices(slices);
    mean.slices(slices)
        .into_iter()
        .filter(|mean| *mean > 1.0)
        .flat_map(|mean| {
            deviations
                .iter()
                .map(move |deviation| discrete_serial_interval(mean, *deviation, longest))
        })
        .collect()
}
