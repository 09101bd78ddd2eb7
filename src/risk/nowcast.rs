use serde::{Deserialize, Serialize};

use crate::model::{Day, Timestamp};
use crate::risk::explain::{figure, vietnamese};
use crate::risk::methods::{ReportingTriangle, still_missing};
use crate::risk::rules::Flaw;
use crate::risk::{Explain, RuleHead};

/// How reports that are still to come are expected.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NowcastRules {
    /// Later reports are left out.
    pub longest_delay_days: u32,
    /// Days whose reports the delays are learnt from, those of the nowcast included.
    pub learn_days: u32,
    /// Of days of which a smaller share should have been reported nothing is told.
    pub least_share: f64,
}

/// The day a case belongs to, and the day it was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseDates {
    /// Onset, or else the sample; `None` where neither is known.
    pub belongs_to: Option<Day>,
    /// First confirmed report.
    pub reported: Day,
}

/// What is known, and what is expected, of days whose cases are not all reported yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Nowcast {
    /// The days, oldest first.
    pub days: Vec<NowcastDay>,
    /// Reports by day and delay from 0; `None`: not known yet.
    pub triangle: Vec<(Day, Vec<Option<u32>>)>,
    /// The share of a day's cases that is reported after 0, 1, … days; `None` where too little was reported to tell.
    pub delays: Option<Vec<f64>>,
    /// Reports in these days without onset and sample.
    pub without_date: u32,
    /// Reports before the day they belong to, or later than the longest delay.
    pub left_out: u32,
    /// How the last day's figure comes about.
    pub explain: Explain,
}

/// A day of a nowcast.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NowcastDay {
    /// The day.
    #[serde(skip)]
    pub day: Day,
    /// Cases of it that were reported.
    pub reported: u32,
    /// The share that should have been reported by now, 0..=1; absent where the delays cannot be told.
    pub share: Option<f64>,
    /// Expected cases when all are reported; absent where too few are reported to tell.
    pub expected: Option<f64>,
    /// 2.5 % lie below.
    pub low: Option<u64>,
    /// 97.5 % lie below.
    pub high: Option<u64>,
}

/// A nowcast as of the end of `last` by the chain ladder on reporting delays. Reports after that day are passed over.
///
/// Delays: Mack 1993, "Distribution-free calculation of the standard error of chain ladder reserve estimates", as
/// `baselinenowcast` uses them for counts; what is still missing: see [`still_missing`].
#[must_use]
pub fn nowcast(
    rules: &NowcastRules,
    head: &RuleHead,
    cases: &[CaseDates],
    last: Day,
    as_of: Timestamp,
) -> Nowcast {
    let (rows, delays) = (rules.learn_days as usize, rules.longest_delay_days as usize + 1);
    let first = Day(last.0 + 1 - rows as i32);
    let mut triangle: Vec<(Day, Vec<Option<u32>>)> = (first.0..=last.0)
        .map(|day| {
            let known = |delay: usize| (day + delay as i32 <= last.0).then_some(0);
            (Day(day), (0..delays).map(known).collect())
        })
        .collect();
    let (mut without_date, mut left_out) = (0, 0);
    for case in cases.iter().filter(|case| case.reported <= last) {
        let Some(day) = case.belongs_to else {
            without_date += u32::from(case.reported >= first);
            continue;
        };
        if day < first {
            continue;
        }
        let delay = usize::try_from(case.reported.0 - day.0).ok();
        let row = usize::try_from(day.0 - first.0).ok();
        let cell = row
            .zip(delay)
            .and_then(|(row, delay)| triangle.get_mut(row)?.1.get_mut(delay)?.as_mut());
        match cell {
            Some(count) => *count += 1,
            None => left_out += 1,
        }
    }
    let figures = triangle.iter().map(|(_, row)| {
        let known = |count: &Option<u32>| count.map(f64::from);
        row.iter().map(known).collect()
    });
    let shares = ReportingTriangle::new(figures.collect())
        .ok()
        .and_then(|triangle| triangle.delays())
        .map(|delays| delays.shares().to_vec());
    let days: Vec<NowcastDay> = triangle
        .iter()
        .map(|(day, row)| day_of(rules, *day, row, shares.as_deref()))
        .collect();
    Nowcast {
        explain: explain(rules, head, days.last(), as_of),
        days,
        triangle,
        delays: shares,
        without_date,
        left_out,
    }
}

fn day_of(rules: &NowcastRules, day: Day, row: &[Option<u32>], shares: Option<&[f64]>) -> NowcastDay {
    let reported: u32 = row.iter().flatten().sum();
    let known = row.iter().take_while(|count| count.is_some()).count();
    // Of a day that is known whole nothing is missing, whatever rounding says.
    let share = shares.map(|shares| {
        if known == row.len() {
            1.0
        } else {
            shares.iter().take(known).sum::<f64>().clamp(0.0, 1.0)
        }
    });
    let told = share.filter(|share| *share >= rules.least_share);
    let missing = told.map(|share| still_missing(reported, share));
    NowcastDay {
        day,
        reported,
        share,
        expected: missing.map(|missing| f64::from(reported) + missing.mean),
        low: missing.map(|missing| u64::from(reported) + missing.low),
        high: missing.map(|missing| u64::from(reported) + missing.high),
    }
}

fn explain(rules: &NowcastRules, head: &RuleHead, last: Option<&NowcastDay>, as_of: Timestamp) -> Explain {
    let mut explain = Explain::under(head, as_of);
    explain.input(
        "Độ trễ báo cáo dài nhất được tính, ngày",
        "Longest reporting delay counted, days",
        rules.longest_delay_days.to_string(),
    );
    explain.input(
        "Số ngày dùng để học độ trễ",
        "Days that the delays are learnt from",
        rules.learn_days.to_string(),
    );
    let Some(last) = last else { return explain };
    explain.step(
        format!("Ca của ngày {} đã được báo cáo (s)", last.day),
        format!("Cases of {} reported so far (s)", last.day),
        last.reported.to_string(),
    );
    let Some(share) = last.share else {
        explain.next(
            "Cần có ca đã được báo cáo đủ lâu để biết độ trễ",
            "Cases reported long enough ago are needed to tell the delays",
        );
        return explain;
    };
    explain.step(
        "Phần đáng lẽ đã được báo cáo theo độ trễ (q)",
        "Share that should have been reported by now, by the delays (q)",
        format!("{} %", figure(share * 100.0)),
    );
    match last.expected.zip(last.low.zip(last.high)) {
        Some((expected, (low, high))) => {
            explain.step(
                "Dự kiến khi báo cáo đủ: (s + 1 − q) / q",
                "Expected when all are reported: (s + 1 − q) / q",
                figure(expected),
            );
            explain.step(
                "Khoảng 95 % (nhị thức âm, s + 1 và q)",
                "95 % interval (negative binomial of s + 1 and q)",
                format!("{low}–{high}"),
            );
        }
        None => explain.step(
            format!(
                "Dưới {} %: còn quá sớm",
                vietnamese(&figure(rules.least_share * 100.0))
            ),
            format!("Below {} %: too early to tell", figure(rules.least_share * 100.0)),
            "–",
        ),
    }
    explain
}

impl NowcastRules {
    pub(super) fn check(&self) -> Result<(), Flaw> {
        if !(1..=60).contains(&self.longest_delay_days) {
            return Err(Flaw::new(
                "nowcast.longest_delay_days",
                format!("is {}", self.longest_delay_days),
                "1 to 60 days",
            ));
        }
        if self.learn_days <= self.longest_delay_days || self.learn_days > 366 {
            return Err(Flaw::new(
                "nowcast.learn_days",
                format!("is {}", self.learn_days),
                "more than longest_delay_days, at most 366",
            ));
        }
        if !(self.least_share > 0.0 && self.least_share <= 1.0) {
            return Err(Flaw::new(
                "nowcast.least_share",
                format!("is {}", self.least_share),
                "above 0, at most 1",
            ));
        }
        Ok(())
    }
}
