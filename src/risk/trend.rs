use serde::{Deserialize, Serialize};

use crate::model::{Day, Timestamp};
use crate::risk::explain::{figure, vietnamese};
use crate::risk::methods::{REPRODUCTION_PRIOR, Reproduction, cori, discrete_serial_interval, rki_r7};
use crate::risk::rules::Flaw;
use crate::risk::{Explain, NowcastRules, RuleHead, TrendGrowth};

/// How an area's cases develop.
#[derive(Clone, Debug, PartialEq)]
pub struct TrendRules {
    /// Where the rule comes from.
    pub rule: RuleHead,
    /// The probability of each number of days between the onsets of infector and infected, from 0.
    pub serial_interval: Vec<f64>,
    /// Days that each reproduction number looks at.
    pub window_days: u32,
    /// Days over which growth is fitted.
    pub growth_days: u32,
    /// Reproduction numbers of windows with fewer cases are flagged as unreliable.
    pub reliable_from_cases: u32,
    /// How reports that are still to come are expected.
    pub nowcast: NowcastRules,
    interval: IntervalFile,
}

/// How many people each infectious person infected, over the days that end with one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReproductionDay {
    /// Last day of the window, counted from the first day asked for.
    #[serde(skip)]
    pub day: usize,
    /// Cases in the window.
    pub cases: u32,
    /// Posterior mean.
    pub mean: f64,
    /// 2.5 % of the posterior lie below.
    pub low: f64,
    /// 97.5 % of the posterior lie below.
    pub high: f64,
    /// Whether so few cases stand behind it that it says little.
    pub small_number: bool,
    /// The seven-day R of the Robert Koch Institute for the same day, where it can be formed. It needs the day after.
    pub rki_r7: Option<f64>,
}

/// The development of a series of daily cases.
#[derive(Clone, Debug, PartialEq)]
pub struct Trend {
    /// For each day asked for.
    pub reproduction: Vec<ReproductionDay>,
    /// Growth at the end.
    pub growth: TrendGrowth,
    /// How the last reproduction number and the growth come about.
    pub explain: Explain,
}

impl TrendRules {
    /// Days before the first one asked for whose cases count: they infected those of the first.
    #[must_use]
    pub fn lead_days(&self) -> usize {
        self.serial_interval.len() + self.window_days as usize
    }
}

/// The trend of daily cases of whole days before `end`, oldest first; the first `lead_days` only infect.
#[must_use]
pub fn trend(rules: &TrendRules, cases: &[u32], lead_days: usize, end: Day, as_of: Timestamp) -> Trend {
    let local: Vec<f64> = cases.iter().copied().map(f64::from).collect();
    let imported = vec![0.0; local.len()];
    let window = rules.window_days as usize;
    let by_rki = rki_r7(&local);
    let all = cori(&local, &imported, &rules.serial_interval, window);
    let reproduction: Vec<ReproductionDay> = all
        .iter()
        .filter(|r| r.last_day >= lead_days)
        .map(|r| {
            let (low, high) = r.credible_95();
            let cases = cases[r.first_day..=r.last_day].iter().sum();
            ReproductionDay {
                day: r.last_day - lead_days,
                cases,
                mean: r.mean(),
                low,
                high,
                small_number: cases < rules.reliable_from_cases,
                rki_r7: r
                    .last_day
                    .checked_sub(9)
                    .and_then(|at| by_rki.get(at).copied().flatten()),
            }
        })
        .collect();
    let fitted = cases.len().saturating_sub(rules.growth_days as usize);
    let growth = TrendGrowth::of(&cases[fitted..], rules.reliable_from_cases);
    let mut explain = explain(rules, &all, cases, as_of);
    growth.explain(end, rules.reliable_from_cases, &mut explain);
    Trend {
        reproduction,
        growth,
        explain,
    }
}

fn explain(rules: &TrendRules, all: &[Reproduction], cases: &[u32], as_of: Timestamp) -> Explain {
    let mut explain = Explain::under(&rules.rule, as_of);
    let interval = &rules.interval;
    explain.input(
        "Khoảng nối tiếp (trung bình ± độ lệch, ngày)",
        "Serial interval (mean ± deviation, days)",
        format!(
            "{} ± {}",
            figure(interval.mean_days),
            figure(interval.deviation_days)
        ),
    );
    explain.input(
        "Phân phối tiên nghiệm của R (trung bình, độ lệch)",
        "Prior of R (mean, deviation)",
        format!(
            "{}, {}",
            figure(REPRODUCTION_PRIOR.mean()),
            figure(REPRODUCTION_PRIOR.standard_deviation())
        ),
    );
    let Some(last) = all.last() else {
        explain.next("Cần một chuỗi ngày dài hơn", "A longer series of days is needed");
        return explain;
    };
    let (shape, scale) = (figure(REPRODUCTION_PRIOR.shape), figure(REPRODUCTION_PRIOR.scale));
    let infected: u32 = cases[last.first_day..=last.last_day].iter().sum();
    explain.step(
        format!("Ca trong {} ngày cuối", rules.window_days),
        format!("Cases of the last {} days", rules.window_days),
        infected.to_string(),
    );
    explain.step(
        "Sức lây của các ca trước đó trong cùng những ngày ấy (ca × khoảng nối tiếp)",
        "Infectiousness of earlier cases in the same days (cases × serial interval)",
        figure(1.0 / last.scale - 1.0 / REPRODUCTION_PRIOR.scale),
    );
    explain.step(
        format!(
            "R = ({} + ca) / (1/{} + sức lây)",
            vietnamese(&shape),
            vietnamese(&scale)
        ),
        format!("R = ({shape} + cases) / (1/{scale} + infectiousness)"),
        figure(last.mean()),
    );
    let (low, high) = last.credible_95();
    explain.step(
        "Khoảng tin cậy 95 % của phân phối hậu nghiệm",
        "95 % credible interval of the posterior",
        format!("{}–{}", figure(low), figure(high)),
    );
    if infected < rules.reliable_from_cases {
        explain.step(
            format!("Ít hơn {} ca: R chưa chắc chắn", rules.reliable_from_cases),
            format!("Fewer than {} cases: R is unreliable", rules.reliable_from_cases),
            infected.to_string(),
        );
    }
    explain
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "rule files name their units")]
struct IntervalFile {
    mean_days: f64,
    deviation_days: f64,
    longest_days: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrendFile {
    #[serde(rename = "kind")]
    _kind: String,
    rule: RuleHead,
    serial_interval: IntervalFile,
    window_days: u32,
    growth_days: u32,
    reliable_from_cases: u32,
    nowcast: NowcastRules,
}

impl TrendFile {
    pub(super) fn check(self) -> Result<TrendRules, Flaw> {
        self.rule.check()?;
        let interval = self.serial_interval;
        // The shifted gamma distribution needs a mean above the day that it is shifted by.
        if !(interval.mean_days > 1.0 && interval.mean_days <= 60.0) {
            return Err(Flaw::new(
                "serial_interval.mean_days",
                format!("is {}", interval.mean_days),
                "above 1, at most 60",
            ));
        }
        if !(interval.deviation_days > 0.0 && interval.deviation_days <= 60.0) {
            return Err(Flaw::new(
                "serial_interval.deviation_days",
                format!("is {}", interval.deviation_days),
                "above 0, at most 60",
            ));
        }
        for (field, value, most) in [
            ("serial_interval.longest_days", interval.longest_days, 90),
            ("window_days", self.window_days, 60),
            ("growth_days", self.growth_days, 90),
        ] {
            if !(1..=most).contains(&value) {
                return Err(Flaw::new(
                    field,
                    format!("is {value}"),
                    format!("1 to {most} days"),
                ));
            }
        }
        self.nowcast.check()?;
        Ok(TrendRules {
            nowcast: self.nowcast,
            serial_interval: discrete_serial_interval(
                interval.mean_days,
                interval.deviation_days,
                interval.longest_days as usize,
            ),
            window_days: self.window_days,
            growth_days: self.growth_days,
            reliable_from_cases: self.reliable_from_cases,
            interval,
            rule: self.rule,
        })
    }
}
