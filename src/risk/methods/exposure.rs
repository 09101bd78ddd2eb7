use std::collections::BTreeSet;
use std::ops::{Bound, RangeBounds};

/// From one number to another, each end in it or not.
pub type Stretch = (Bound<f64>, Bound<f64>);

/// A value for each stretch of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Steps(Vec<(Stretch, f64)>);

impl Steps {
    /// Where stretches overlap the first one holds.
    #[must_use]
    pub fn new(steps: Vec<(Stretch, f64)>) -> Self {
        Self(steps)
    }

    /// Buckets as phones are configured: up to the first limit the first value, up to the second the second, and so on,
    /// beyond the last limit the last. `limit_inside` says whether a limit lies in the bucket below it (`≤ 55 dB`) or in
    /// the one above (`< 55 dB`). A bucket without a value has none.
    #[must_use]
    pub fn buckets(limits: &[f64], values: &[f64], limit_inside: bool) -> Self {
        let end = |limit: f64| {
            if limit_inside {
                Bound::Included(limit)
            } else {
                Bound::Excluded(limit)
            }
        };
        let ends = limits.iter().map(|limit| end(*limit)).chain([Bound::Unbounded]);
        Self(
            ends.zip(values)
                .map(|(end, value)| ((Bound::Unbounded, end), *value))
                .collect(),
        )
    }

    /// The value at a number; `None` where no stretch holds it.
    #[must_use]
    pub fn at(&self, number: f64) -> Option<f64> {
        self.0
            .iter()
            .find(|(stretch, _)| stretch.contains(&number))
            .map(|(_, value)| *value)
    }
}

/// How infectious somebody was on the day of a contact, as Exposure Notifications tell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Infectiousness {
    /// Not.
    #[default]
    None,
    /// On the days around those below.
    Standard,
    /// On the days around the onset of symptoms.
    High,
}

/// Who says that somebody was infected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Report {
    /// A test.
    ConfirmedTest,
    /// A doctor, without a test.
    ClinicalDiagnosis,
    /// The person.
    SelfReport,
    /// Passed on by somebody who was warned.
    Recursive,
}

/// A phone that was heard for a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    /// How much the signal had lost on its way, dB. Of the several of a scan the typical one counts with Exposure
    /// Notifications, the least one with the Corona-Warn-App.
    pub attenuation_db: f64,
    /// Seconds since the sighting before. Negative ones (a clock was set back) do not count.
    pub seconds: f64,
}

/// One encounter with one infected person: half an hour at most where phones record it.
#[derive(Clone, Debug, PartialEq)]
pub struct ExposureWindow {
    /// Days since.
    pub age_days: i32,
    /// Who says so.
    pub report: Report,
    /// On that day.
    pub infectiousness: Infectiousness,
    /// How well the phone's radio is measured; encounters of equal calibration cannot be told apart.
    pub calibration: u8,
    /// What was heard.
    pub sightings: Vec<Sighting>,
}

/// What a minute of an encounter weighs by who was met.
#[derive(Clone, Debug, PartialEq)]
pub enum WindowFactor {
    /// The weight of the report times the weight of the infectiousness: Exposure Notifications, version 2.
    Product {
        /// By [`Report`], in its order.
        report: [f64; 4],
        /// By [`Infectiousness`], in its order.
        infectiousness: [f64; 3],
    },
    /// A transmission risk level, the sum of two offsets, and its value: Corona-Warn-App.
    Levels {
        /// By [`Report`], in its order.
        report: [u8; 4],
        /// By [`Infectiousness`], in its order.
        infectiousness: [u8; 3],
        /// Of the levels from 1 on; others are worth nothing.
        values: Vec<f64>,
    },
}

/// Drops windows by how long they lasted at an attenuation.
#[derive(Clone, Debug, PartialEq)]
pub struct MinutesFilter {
    /// At these attenuations, dB.
    pub attenuation_db: Stretch,
    /// Dropped when so many minutes are spent there.
    pub dropped_min: Stretch,
}

/// How contacts become risk: one method, configured as each country's app was.
#[derive(Clone, Debug, PartialEq)]
pub struct ExposureRules {
    /// Windows that do not count at all.
    pub minutes_filters: Vec<MinutesFilter>,
    /// Levels that do not count at all.
    pub dropped_levels: Vec<Stretch>,
    /// What a minute weighs at an attenuation, dB; nothing where no step says.
    pub attenuation: Steps,
    /// What it weighs beside that.
    pub factor: WindowFactor,
    /// Windows of fewer weighted minutes do not count.
    pub fewest_window_min: f64,
    /// The band of a window by its weighted minutes: 1 low, 2 high.
    pub window_bands: Steps,
    /// The band of a day by the sum of its windows.
    pub day_bands: Steps,
}

/// What a window counts for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowScore {
    /// Transmission risk level; with [`WindowFactor::Product`] the number of the pair of report and infectiousness.
    pub kind: u8,
    /// Minutes weighted by attenuation.
    pub weighted_min: f64,
    /// The same times the factor.
    pub normalized_min: f64,
    /// 0 none, 1 low, 2 high.
    pub band: u8,
}

/// What the windows of a day count for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DayScore {
    /// Days since.
    pub age_days: i32,
    /// The sum of its windows (`scoreSum`), minutes.
    pub sum_min: f64,
    /// The highest of its windows (`maximumScore`), minutes.
    pub most_min: f64,
    /// Minutes weighted by attenuation only (`weightedDurationSum`).
    pub weighted_min: f64,
    /// 0 none, 1 low, 2 high.
    pub band: u8,
}

/// What all windows say together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExposureSummary {
    /// Days with a window that counts, the youngest first.
    pub days: Vec<DayScore>,
    /// At least so many different encounters of low band.
    pub distinct_low: usize,
    /// At least so many different encounters of high band.
    pub distinct_high: usize,
}

impl WindowFactor {
    fn kind(&self, window: &ExposureWindow) -> u8 {
        let (report, infectious) = (window.report as usize, window.infectiousness as usize);
        match self {
            Self::Product { .. } => (report * 3 + infectious) as u8,
            Self::Levels {
                report: by_report,
                infectiousness,
                ..
            } => by_report[report].saturating_add(infectiousness[infectious]),
        }
    }

    fn weight(&self, window: &ExposureWindow) -> f64 {
        match self {
            Self::Product {
                report,
                infectiousness,
            } => report[window.report as usize] * infectiousness[window.infectiousness as usize],
            Self::Levels { values, .. } => usize::from(self.kind(window))
                .checked_sub(1)
                .and_then(|level| values.get(level).copied())
                .unwrap_or(0.0),
        }
    }
}

impl ExposureRules {
    /// What a window counts for; `None` when it does not.
    ///
    /// Minutes are weighted by the attenuation of each sighting, then by who was met (`DailySummaryUtils` of Google's
    /// Exposure Notifications; `RiskCalculation` of the Corona-Warn-App, whose filters come first).
    #[must_use]
    pub fn score(&self, window: &ExposureWindow) -> Option<WindowScore> {
        let minutes = |counts: &dyn Fn(f64) -> f64| -> f64 {
            let heard = window.sightings.iter().filter(|sighting| sighting.seconds > 0.0);
            heard
                .map(|sighting| counts(sighting.attenuation_db) * sighting.seconds)
                .sum::<f64>()
                / 60.0
        };
        let dropped = self.minutes_filters.iter().any(|filter| {
            let there = minutes(&|db| f64::from(u8::from(filter.attenuation_db.contains(&db))));
            filter.dropped_min.contains(&there)
        });
        let kind = self.factor.kind(window);
        if dropped
            || self
                .dropped_levels
                .iter()
                .any(|levels| levels.contains(&f64::from(kind)))
        {
            return None;
        }
        let weighted_min = minutes(&|db| self.attenuation.at(db).unwrap_or(0.0));
        let normalized_min = weighted_min * self.factor.weight(window);
        (normalized_min >= self.fewest_window_min).then(|| WindowScore {
            kind,
            weighted_min,
            normalized_min,
            band: band(&self.window_bands, normalized_min),
        })
    }

    /// What all windows say together.
    #[must_use]
    pub fn assess(&self, windows: &[ExposureWindow]) -> ExposureSummary {
        let mut days: Vec<DayScore> = Vec::new();
        let mut encounters = [BTreeSet::new(), BTreeSet::new()];
        for window in windows {
            let Some(score) = self.score(window) else {
                continue;
            };
            if let Some(known) = usize::from(score.band)
                .checked_sub(1)
                .and_then(|band| encounters.get_mut(band))
            {
                known.insert((window.age_days, score.kind, window.calibration));
            }
            let at = days.iter().position(|day| day.age_days == window.age_days);
            let at = at.unwrap_or_else(|| {
                days.push(DayScore {
                    age_days: window.age_days,
                    ..DayScore::default()
                });
                days.len() - 1
            });
            let day = &mut days[at];
            day.sum_min += score.normalized_min;
            day.most_min = day.most_min.max(score.normalized_min);
            day.weighted_min += score.weighted_min;
        }
        for day in &mut days {
            day.band = band(&self.day_bands, day.sum_min);
        }
        days.sort_by_key(|day| day.age_days);
        let [low, high] = encounters;
        ExposureSummary {
            days,
            distinct_low: low.len(),
            distinct_high: high.len(),
        }
    }
}

impl ExposureSummary {
    /// The highest band of a day.
    #[must_use]
    pub fn band(&self) -> u8 {
        self.days.iter().map(|day| day.band).max().unwrap_or(0)
    }

    /// How many days have a band.
    #[must_use]
    pub fn days_of(&self, band: u8) -> usize {
        self.days.iter().filter(|day| day.band == band).count()
    }

    /// Days since the last day of a band.
    #[must_use]
    pub fn youngest_of(&self, band: u8) -> Option<i32> {
        self.days
            .iter()
            .find(|day| day.band == band)
            .map(|day| day.age_days)
    }
}

fn band(bands: &Steps, minutes: f64) -> u8 {
    bands.at(minutes).unwrap_or(0.0) as u8
}

/// How infectious somebody was, by days since the onset of symptoms (negative: before).
#[derive(Clone, Debug, PartialEq)]
pub struct InfectiousDays {
    /// The day of the first entry.
    pub first_day: i32,
    /// Day after day; not at all on other days.
    pub by_day: Vec<Infectiousness>,
}

impl InfectiousDays {
    /// On one day.
    #[must_use]
    pub fn on(&self, days_since_onset: i32) -> Infectiousness {
        days_since_onset
            .checked_sub(self.first_day)
            .and_then(|day| usize::try_from(day).ok())
            .and_then(|day| self.by_day.get(day).copied())
            .unwrap_or_default()
    }
}

/// A contact as Bluezone records it, first and last sighting and the strengths between: each strength stands for an equal
/// share of the time. Nobody heard: no sightings.
#[must_use]
pub fn sightings_of_contact(attenuations_db: &[f64], seconds: f64) -> Vec<Sighting> {
    let share = seconds / attenuations_db.len() as f64;
    attenuations_db
        .iter()
        .map(|attenuation_db| Sighting {
            attenuation_db: *attenuation_db,
            seconds: share,
        })
        .collect()
}

/// What a signal lost on its way, dB: sent at one strength, received at another, both in dBm; `correction_db` is added to
/// what the receiving phone measures (Exposure Notification, Bluetooth specification).
#[must_use]
pub fn attenuation_db(sent_dbm: f64, received_dbm: f64, correction_db: f64) -> f64 {
    sent_dbm - (received_dbm + correction_db)
}
