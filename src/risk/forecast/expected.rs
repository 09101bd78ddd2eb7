use serde::Serialize;

use crate::model::{Hour, Timestamp};
use crate::risk::Explain;
use crate::risk::forecast::explain::explain_forecast;
use crate::risk::forecast::week::{Drawn, Week, of_week, usual_week};
use crate::risk::forecast::{ForecastRules, Homes, Prevalence};
use crate::risk::methods::{PlaceHour, infection_rate, someone_infectious};

/// What a venue's forecast is computed from.
#[derive(Clone, Copy, Debug)]
pub struct VenueForecastInputs<'a> {
    /// Arrivals by hour, in any order, of the hours before `now` that the rules look at; empty hours may be left out.
    pub arrivals: &'a [(Hour, u32)],
    /// Floor area, m², above 0.
    pub area_m2: f64,
    /// The usual stay, minutes.
    pub stay_min: f64,
    /// Where its visitors live.
    pub homes: &'a Homes,
    /// The share of people infectious there, of [`prevalence`](crate::risk::prevalence): one for many venues.
    pub infectious: Option<Prevalence>,
    /// The first hour that is not over.
    pub now: Hour,
    /// When the figures were true.
    pub as_of: Timestamp,
}

/// A figure with the interval that holds 95 % of what it may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Interval {
    /// Expected.
    pub mean: f64,
    /// 2.5 % lie below.
    pub low: f64,
    /// 97.5 % lie below.
    pub high: f64,
}

/// The infections that a venue's visits of the coming days would lead to. Exact figures: not for the public.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VenueForecast {
    /// Days looked ahead.
    pub days: u32,
    /// Expected visits.
    pub visits: f64,
    /// Share of visitors who are infectious; `null` where no residents are known.
    pub infectious: Option<Prevalence>,
    /// Probability 0..=1 that at least one infectious person comes on these days.
    pub someone_infectious: Option<f64>,
    /// The same among those present in the fullest hour.
    pub someone_infectious_at_once: Option<f64>,
    /// Expected infections.
    pub infections: Option<Interval>,
    /// Expected infections a thousand visits.
    pub infections_per_1000_visits: Option<Interval>,
    /// Hour by hour.
    #[serde(skip)]
    pub hours: Vec<ForecastHour>,
    /// Why.
    pub explain: Explain,
}

/// A coming hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForecastHour {
    /// Which.
    pub hour: Hour,
    /// Expected arrivals.
    pub arrivals: f64,
    /// People present, when everybody stays as long as usual.
    pub present: f64,
    /// Expected infections.
    pub infections: f64,
}

/// The figures of a forecast, without words and hours: what a ranking of many venues needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForecastFigures {
    /// Expected visits.
    pub visits: f64,
    /// Share of visitors who are infectious.
    pub infectious: Option<Prevalence>,
    /// Expected infections.
    pub infections: Option<Interval>,
    pub(super) week_visits: f64,
    pub(super) weeks: f64,
    pub(super) trend: f64,
    pub(super) fullest: f64,
    pub(super) drawn: Drawn,
}

impl ForecastFigures {
    /// Expected infections a thousand visits.
    #[must_use]
    pub fn per_1000_visits(&self) -> Option<Interval> {
        let infections = self.infections.filter(|_| self.visits > 0.0)?;
        let per = 1000.0 / self.visits;
        Some(Interval {
            mean: infections.mean * per,
            low: infections.low * per,
            high: infections.high * per,
        })
    }
}

/// A venue's forecast, explained.
///
/// Occupancy: the mean arrivals of the weeks before by hour of the week, times the last week's trend (hours of small venues
/// drawn towards each other); each stays as long as is usual. Infections of an hour: Chang et al. 2021 (see [`infection_rate`]), with the share of people
/// infectious where the visitors live. The interval combines the range of the transmission constant, taken as evenly
/// likely, with the posterior of that share.
#[must_use]
pub fn forecast_venue(rules: &ForecastRules, inputs: &VenueForecastInputs) -> VenueForecast {
    let (found, week) = compute(rules, inputs);
    let hours = ahead(rules, inputs)
        .map(|hour| {
            let at = of_week(hour);
            ForecastHour {
                hour,
                arrivals: week.arrivals[at],
                present: week.present[at],
                infections: found.infectious.map_or(0.0, |share| {
                    infections_of_hour(rules, inputs, share.mean, week.present[at])
                }),
            }
        })
        .collect();
    VenueForecast {
        days: rules.days,
        visits: found.visits,
        infectious: found.infectious,
        someone_infectious: found
            .infectious
            .map(|share| someone_infectious(share.mean, found.visits)),
        someone_infectious_at_once: found
            .infectious
            .map(|share| someone_infectious(share.mean, found.fullest)),
        infections: found.infections,
        infections_per_1000_visits: found.per_1000_visits(),
        hours,
        explain: explain_forecast(rules, inputs, &found),
    }
}

/// The figures alone.
#[must_use]
pub fn forecast_figures(rules: &ForecastRules, inputs: &VenueForecastInputs) -> ForecastFigures {
    compute(rules, inputs).0
}

fn compute(rules: &ForecastRules, inputs: &VenueForecastInputs) -> (ForecastFigures, Week) {
    let week = usual_week(rules, inputs);
    let arriving: f64 = ahead(rules, inputs)
        .map(|hour| week.arrivals[of_week(hour)])
        .sum();
    let infections = inputs.infectious.map(|share| {
        let mean: f64 = ahead(rules, inputs)
            .map(|hour| infections_of_hour(rules, inputs, share.mean, week.present[of_week(hour)]))
            .sum();
        // Infections are proportional to constant and share, but where everybody of an hour is infected.
        let at = |factor: f64| (mean * factor).min(arriving.max(mean));
        Interval {
            mean,
            low: at(share.spread.0),
            high: at(share.spread.1),
        }
    });
    let figures = ForecastFigures {
        visits: arriving,
        infectious: inputs.infectious,
        infections,
        week_visits: week.arrivals.iter().sum(),
        weeks: week.weeks,
        trend: week.trend,
        fullest: week.present.iter().copied().fold(0.0, f64::max),
        drawn: week.drawn,
    };
    (figures, week)
}

/// The hours looked ahead.
fn ahead(rules: &ForecastRules, inputs: &VenueForecastInputs) -> impl Iterator<Item = Hour> {
    let now = inputs.now.0;
    (now..now + rules.days as i32 * 24).map(Hour)
}

fn infections_of_hour(
    rules: &ForecastRules,
    inputs: &VenueForecastInputs,
    infectious: f64,
    present: f64,
) -> f64 {
    let place = PlaceHour {
        psi_ft2: rules.psi_ft2.middle(),
        area_m2: inputs.area_m2,
        median_stay_min: inputs.stay_min,
    };
    infection_rate(&place, present * infectious) * present * (1.0 - infectious) * rules.susceptible
}
