use crate::model::Hour;
use crate::risk::forecast::{ForecastRules, VenueForecastInputs};
use crate::risk::methods::{occupancy, shrunk_shares};

const WEEK: usize = 168;
const DAY: usize = 24;

/// A usual week of a venue, by hour of the week.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Week {
    /// Expected arrivals.
    pub arrivals: Vec<f64>,
    /// People present.
    pub present: Vec<f64>,
    /// How many weeks it is the mean of.
    pub weeks: f64,
    /// What the last week made of it.
    pub trend: f64,
    /// How far the shares of its hours were drawn.
    pub drawn: Drawn,
}

/// How far shares of hours were drawn towards others, 0 not at all ..= 1 all the way (λ of Hausser and Strimmer).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Drawn {
    /// Hours of the week towards their hour of the day.
    pub to_hours_of_day: f64,
    /// Hours of the day towards even ones.
    pub to_even: f64,
}

/// Hour of the week, any week alike: hours since 1970 modulo 168. No offset is needed: it shifts past and future alike.
pub(super) fn of_week(hour: Hour) -> usize {
    hour.0.rem_euclid(WEEK as i32) as usize
}

/// Mean arrivals of a week, times the last week's trend, spread over the hours of the week as arrivals were.
///
/// Small venues have a visit in an hour of one week out of four: taken as they are, a visit would meet itself in the
/// forecast. So shares of hours are drawn towards those of the hour of the day, and these towards even ones, as far as the
/// few counts demand (James-Stein shrinkage of Hausser and Strimmer 2009, see [`shrunk_shares`]).
pub(super) fn usual_week(rules: &ForecastRules, inputs: &VenueForecastInputs) -> Week {
    let (least, most) = (rules.profile_weeks.least, rules.profile_weeks.most);
    let oldest = inputs.now.0 - rules.profile_hours();
    let counted = || {
        inputs
            .arrivals
            .iter()
            .filter(move |(hour, _)| (oldest..inputs.now.0).contains(&hour.0))
    };
    let first = counted().map(|(hour, _)| hour.0).min().unwrap_or(inputs.now.0);
    // A venue that began last week has no four weeks to be divided by; one seen once has not begun last week.
    let begun = (inputs.now.0 - first).unsigned_abs().div_ceil(WEEK as u32);
    let weeks = f64::from(begun.clamp(least, most));
    let mut counts = vec![0.0; WEEK];
    let (mut all, mut last_week) = (0.0, 0.0);
    for (hour, visits) in counted() {
        let visits = f64::from(*visits);
        counts[of_week(*hour)] += visits;
        all += visits;
        if hour.0 >= inputs.now.0 - WEEK as i32 {
            last_week += visits;
        }
    }
    let by = rules.trend.drawn_by_visits;
    let trend = ((last_week + by) / (all / weeks + by)).clamp(rules.trend.lowest, rules.trend.highest);
    let expected = all / weeks * trend;
    let (shares, drawn) = shares(&counts);
    let arrivals: Vec<f64> = shares.iter().map(|share| share * expected).collect();
    // Weeks follow each other: those who came on Sunday night may stay into Monday.
    let twice: Vec<f64> = arrivals.iter().chain(&arrivals).copied().collect();
    let present = occupancy(&twice, inputs.stay_min).split_off(WEEK);
    Week {
        arrivals,
        present,
        weeks,
        trend,
        drawn,
    }
}

fn shares(counts: &[f64]) -> (Vec<f64>, Drawn) {
    let mut by_day = vec![0.0; DAY];
    for (hour, count) in counts.iter().enumerate() {
        by_day[hour % DAY] += count;
    }
    let even = vec![1.0 / DAY as f64; DAY];
    let of_day = shrunk_shares(&by_day, &even);
    let days = (WEEK / DAY) as f64;
    let target: Vec<f64> = (0..WEEK).map(|hour| of_day.shares[hour % DAY] / days).collect();
    let of_week = shrunk_shares(counts, &target);
    let drawn = Drawn {
        to_hours_of_day: of_week.target_weight,
        to_even: of_day.target_weight,
    };
    (of_week.shares, drawn)
}
