/// Square feet in a square metre: the constants of Chang et al. were fitted to areas in square feet.
const FT2_PER_M2: f64 = 10.763_910_416_709_722;

/// One place in one hour, as Chang et al. 2021 ("Mobility network models of COVID-19", Nature 589) see it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlaceHour {
    /// Transmission per visit and infectious visitor, in square feet: 515 to 4,886 fitted the epidemics of ten cities.
    pub psi_ft2: f64,
    /// Floor area, m², above 0.
    pub area_m2: f64,
    /// Median stay, minutes.
    pub median_stay_min: f64,
}

/// The share of an hour's visits that meet an average other visit: (stay / (stay + 60 min))², 0..1.
#[must_use]
pub fn dwell_correction(median_stay_min: f64) -> f64 {
    (median_stay_min / (median_stay_min + 60.0)).powi(2)
}

/// The probability 0..=1 that a susceptible visitor of the hour is infected; `infectious_visits` is the expected number
/// of infectious people among the visitors: the sum over home areas of visits × share of people infectious there.
#[must_use]
pub fn infection_rate(place: &PlaceHour, infectious_visits: f64) -> f64 {
    let factor = place.psi_ft2 * dwell_correction(place.median_stay_min) / (place.area_m2 * FT2_PER_M2);
    (factor * infectious_visits).clamp(0.0, 1.0)
}

/// Expected infections of an hour: the rate, times the visits of people who can still be infected.
#[must_use]
pub fn expected_infections(place: &PlaceHour, infectious_visits: f64, susceptible_visits: f64) -> f64 {
    infection_rate(place, infectious_visits) * susceptible_visits
}

/// The people present in each hour when those who arrived stay so long (the median, minutes): an arrival fills its own
/// hour, as many whole hours as it lasts behind it, and the next one by what is left (Chang et al. 2021, methods).
#[must_use]
pub fn occupancy(arrivals: &[f64], median_stay_min: f64) -> Vec<f64> {
    let hours = median_stay_min / 60.0;
    let (whole, rest) = (hours.floor() as usize, hours.fract());
    (0..arrivals.len())
        .map(|hour| {
            let present: f64 = arrivals[hour.saturating_sub(whole)..=hour].iter().sum();
            let leaving = hour
                .checked_sub(whole + 1)
                .map_or(0.0, |earlier| arrivals[earlier] * rest);
            present + leaving
        })
        .collect()
}

/// The probability 0..=1 that at least one of `people` is infectious, each with probability `infectious`: 1 − (1 − p)ⁿ
/// (Chande et al. 2020, Nature Human Behaviour 4).
#[must_use]
pub fn someone_infectious(infectious: f64, people: f64) -> f64 {
    if infectious >= 1.0 {
        return f64::from(u8::from(people > 0.0));
    }
    -(people * (-infectious.max(0.0)).ln_1p()).exp_m1()
}
