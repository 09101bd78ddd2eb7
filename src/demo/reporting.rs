use std::sync::Arc;

use crate::demo::areas::code;
use crate::demo::config::OFFSET;
use crate::demo::facts::{DISTRICTS, PROVINCE};
use crate::demo::{DemoConfig, DistrictFacts};
use crate::model::{AreaReport, Day, Indicator, Role};

/// Weeks that are reported before the first of the history.
const WEEKS_BEFORE: i32 = 1;
/// Reports come the morning after their last day.
const RECEIVED_AT_S: i64 = 6 * 3600;
const SOURCE: &str = "Số liệu mô phỏng, không có thật · Simulated figures, nothing real";

/// Made-up weekly reports of the districts and the province, each up to a Sunday that is over at the end of the history:
/// more tests and more of them positive from week to week, coverage that grows, and beds that fill. All are published.
pub fn area_reports(config: &DemoConfig) -> Vec<AreaReport> {
    let end = Day::of(config.end, OFFSET);
    let last = Day(end.monday().0 - 1);
    let weeks = config.days.div_ceil(7) as i32 + WEEKS_BEFORE;
    let mut reports = Vec::new();
    for week in 0..weeks {
        let day = Day(last.0 - 7 * (weeks - 1 - week));
        reports.push(report(PROVINCE, week, 0.5, day));
        for facts in DISTRICTS {
            reports.push(report(facts.code, week, place(&facts), day));
        }
    }
    reports
}

/// Where a district stands between the calmest (0) and the hardest hit (1): towns are hit harder.
fn place(facts: &DistrictFacts) -> f64 {
    let dense = facts.population as f64 / facts.area_km2;
    (dense / 1_500.0).clamp(0.05, 1.0)
}

fn report(area: &str, week: i32, place: f64, day: Day) -> AreaReport {
    let week = f64::from(week);
    let figures = [
        (Indicator::AdultsOneDose, 74.0 + 4.0 * place + 3.0 * week),
        (Indicator::ElderlyFullDose, 70.0 + 6.0 * place + 3.0 * week),
        (Indicator::PopulationFullDose, 38.0 + 9.0 * place + 4.0 * week),
        (Indicator::AtRiskFullDose, 62.0 + 8.0 * place + 3.0 * week),
        (Indicator::TestPositivity, 0.4 + 2.2 * place + 0.5 * week),
        (Indicator::Tests, 650.0 + 900.0 * place + 120.0 * week),
        (Indicator::Oxygen, 0.4 + 2.0 * place + 0.4 * week),
        (Indicator::Deaths, 0.1 + 0.4 * place + 0.1 * week),
        (Indicator::Admissions, 2.0 + 7.0 * place + 1.5 * week),
        (Indicator::CovidBeds, 2.0 + 6.0 * place + 1.2 * week),
    ];
    let tenth = |value: f64| (value * 10.0).round() / 10.0;
    let highest = |indicator: Indicator, value: f64| value.min(indicator.highest() * 0.98);
    AreaReport {
        area: code(area),
        day,
        figures: figures
            .map(|(indicator, value)| (indicator, tenth(highest(indicator, value))))
            .to_vec(),
        care_ready: Some(true),
        findings: Some(Vec::new()),
        published: true,
        source: Some(Arc::from(SOURCE)),
        received_at: Day(day.0 + 1).first_hour(OFFSET).start().plus_s(RECEIVED_AT_S),
        received_from: Role::Official,
    }
}
