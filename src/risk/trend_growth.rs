use serde::Serialize;

use crate::model::Day;
use crate::risk::Explain;
use crate::risk::explain::{figure, vietnamese};
use crate::risk::methods::{NoGrowth, doubling_days, poisson_growth};

/// How an area's cases grow over the last days of a series.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TrendGrowth {
    /// How it was fitted.
    pub method: &'static str,
    /// Days that it was fitted over, those without a case among them.
    pub days: usize,
    /// Cases of these days.
    pub cases: u32,
    /// Growth of the logarithm of the expected cases per day; `null` where it is undefined.
    pub per_day: Option<f64>,
    /// Lower end of its 95 % interval.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Pearson's χ² over its degrees of freedom; the interval is widened by its root where it is above 1.
    pub dispersion: Option<f64>,
    /// Whether so few cases stand behind it that it says little.
    pub small_number: bool,
    /// Days in which cases double at that growth; negative: in which they halve.
    pub doubling_days: Option<f64>,
    /// The same at the lower end of the interval.
    pub doubling_days_at_low: Option<f64>,
    /// The same at the upper end. Where the ends have different signs cases may double, halve or stay as they are.
    pub doubling_days_at_high: Option<f64>,
    /// Why it is undefined: `no_cases`, or `cases_on_one_end_only` (on the first or the last day alone).
    pub undefined: Option<&'static str>,
}

const METHOD: &str =
    "Poisson log-linear regression, maximum likelihood; quasi-Poisson interval (McCullagh and Nelder 1989)";

impl TrendGrowth {
    /// Of whole days that follow each other; unreliable with fewer cases than `reliable_from`.
    #[must_use]
    pub fn of(cases: &[u32], reliable_from: u32) -> Self {
        let counts: Vec<f64> = cases.iter().copied().map(f64::from).collect();
        let all: u32 = cases.iter().sum();
        let fitted = poisson_growth(&counts);
        let growth = fitted.ok();
        let ends = growth.map(|growth| growth.interval_95());
        let (low, high) = (ends.map(|ends| ends.0), ends.map(|ends| ends.1));
        Self {
            method: METHOD,
            days: cases.len(),
            cases: all,
            per_day: growth.map(|growth| growth.per_day),
            low,
            high,
            dispersion: growth.map(|growth| growth.dispersion),
            small_number: all < reliable_from,
            doubling_days: growth.and_then(|growth| doubling_days(growth.per_day)),
            doubling_days_at_low: low.and_then(doubling_days),
            doubling_days_at_high: high.and_then(doubling_days),
            undefined: fitted.err().map(|why| match why {
                NoGrowth::NoCase => "no_cases",
                NoGrowth::OneEnd => "cases_on_one_end_only",
            }),
        }
    }

    /// Says it, with its method, its days (the last before `end`) and what it is unsure of.
    pub(super) fn explain(&self, end: Day, reliable_from: u32, explain: &mut Explain) {
        let (first, last) = (Day(end.0 - self.days as i32), Day(end.0 - 1));
        explain.step(
            format!(
                "Ca trong {} ngày {first} – {last}, kể cả ngày không có ca",
                self.days
            ),
            format!(
                "Cases of the {} days {first} – {last}, days without a case included",
                self.days
            ),
            self.cases.to_string(),
        );
        let (Some(growth), Some(low), Some(high)) = (self.per_day, self.low, self.high) else {
            let (vi, en) = match self.undefined {
                Some("no_cases") => ("không có ca nào", "there is no case"),
                _ => (
                    "mọi ca đều ở ngày đầu hoặc ngày cuối",
                    "all cases are of the first or of the last day",
                ),
            };
            explain.step(
                format!("Tăng trưởng mỗi ngày không xác định: {vi}"),
                format!("Growth per day is undefined: {en}"),
                "–",
            );
            return;
        };
        let percent = |growth: f64| figure(growth.exp_m1() * 100.0);
        explain.step(
            "Tăng trưởng mỗi ngày: hồi quy Poisson log-tuyến tính trên các ngày ấy, hợp lý cực đại",
            "Growth per day: Poisson log-linear regression over these days, maximum likelihood",
            format!("{} %", percent(growth)),
        );
        let scatter = figure(self.dispersion.unwrap_or(1.0));
        explain.step(
            format!(
                "Khoảng tin cậy 95 % (thông tin Fisher; phương sai nhân với độ phân tán {} nếu trên 1)",
                vietnamese(&scatter)
            ),
            format!(
                "95 % interval (Fisher information; variance times the dispersion {scatter} where above 1)"
            ),
            format!("{} – {} %", percent(low), percent(high)),
        );
        self.explain_doubling(explain);
        if self.small_number {
            explain.step(
                format!("Ít hơn {reliable_from} ca: tăng trưởng chưa chắc chắn"),
                format!("Fewer than {reliable_from} cases: growth is unreliable"),
                self.cases.to_string(),
            );
        }
    }

    fn explain_doubling(&self, explain: &mut Explain) {
        let (Some(days), Some(at_low), Some(at_high)) = (
            self.doubling_days,
            self.doubling_days_at_low,
            self.doubling_days_at_high,
        ) else {
            return;
        };
        let (vi, en) = if days > 0.0 {
            ("Số ngày để ca tăng gấp đôi", "Days in which cases double")
        } else {
            ("Số ngày để ca giảm một nửa", "Days in which cases halve")
        };
        let (shown, at_low, at_high) = (figure(days.abs()), figure(at_low.abs()), figure(at_high.abs()));
        if self.low.is_some_and(|low| low < 0.0) && self.high.is_some_and(|high| high > 0.0) {
            explain.step(
                format!(
                    "{vi} (95 %: từ giảm một nửa trong {} ngày đến tăng gấp đôi trong {} ngày)",
                    vietnamese(&at_low),
                    vietnamese(&at_high)
                ),
                format!("{en} (95 %: from halving in {at_low} days to doubling in {at_high} days)"),
                shown,
            );
        } else {
            // A faster growth needs fewer days.
            let (from, to) = if days > 0.0 {
                (at_high, at_low)
            } else {
                (at_low, at_high)
            };
            explain.step(
                format!("{vi} (95 %: {} – {})", vietnamese(&from), vietnamese(&to)),
                format!("{en} (95 %: {from} – {to})"),
                shown,
            );
        }
    }
}
