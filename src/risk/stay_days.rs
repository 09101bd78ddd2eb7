use crate::model::{Day, Mark, MarkState, Timestamp, UtcOffset};
use crate::risk::explain::{figure, vietnamese};
use crate::risk::{
    Explain, TracingRules, aerosol_tail_s, derive_interval, normalized_minutes, overlap_minutes,
    split_by_day, transmission_risk_level_on, transmission_risk_value,
};

/// What an approved mark brings to one local day, with every figure of the calculation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StayDay<'a> {
    /// The mark.
    pub mark: &'a Mark,
    /// The local day on which the stay began.
    pub visit: Day,
    /// The local day that it counts on.
    pub day: Day,
    /// The whole stay, minutes.
    pub stay_min: i64,
    /// How long the air stays infectious after it, minutes; 0 for a stay too short to count.
    pub tail_min: i64,
    /// Stay and tail on the rule's grid, minutes; 0 for a stay too short to count.
    pub counted_min: i64,
    /// Of these on the day.
    pub day_min: u32,
    /// Transmission risk level of the day, 1..=8.
    pub level: u8,
    /// What a minute weighs at that level.
    pub weight: f64,
    /// Minutes of the day times weight: what is added up.
    pub minutes: f64,
}

/// Stays that the steps of one day name one by one; of more the rest is named together.
const NAMED: usize = 10;

/// The days of the look-back that approved marks reach, mark by mark, those that weigh nothing among them.
#[must_use]
pub fn stay_days<'a>(
    rules: &TracingRules,
    marks: &'a [Mark],
    now: Timestamp,
    offset: UtcOffset,
) -> Vec<StayDay<'a>> {
    let today = Day::of(now, offset);
    let look_back = today.0 - rules.look_back_days..=today.0;
    let mut found = Vec::new();
    for mark in marks.iter().filter(|mark| mark.state == MarkState::Approved) {
        let visit = Day::of(mark.from, offset);
        let stay_s = (mark.to.0 - mark.from.0).max(0);
        let interval = derive_interval(rules, mark.from, mark.to);
        let (from, to) = interval.unwrap_or((mark.from, mark.from));
        for (day, part_from, part_to) in split_by_day(from, to, offset) {
            if !look_back.contains(&day.0) || part_from > now {
                continue;
            }
            let part = (part_from, part_to);
            let day_min = overlap_minutes(part, part).unwrap_or(0);
            let level = transmission_risk_level_on(rules, mark.onset, visit, day);
            found.push(StayDay {
                mark,
                visit,
                day,
                stay_min: stay_s / 60,
                tail_min: aerosol_tail_s(rules, stay_s).unwrap_or(0) / 60,
                counted_min: (to.0 - from.0) / 60,
                day_min,
                level,
                weight: transmission_risk_value(rules, level),
                minutes: normalized_minutes(rules, level, day_min),
            });
        }
    }
    found
}

/// The calculation of a local day as steps, for those who see single marks.
pub(super) fn explain_stays(explain: &mut Explain, stays: &[StayDay], day: Day) {
    let mut of_day: Vec<&StayDay> = stays
        .iter()
        .filter(|stay| stay.day == day && stay.minutes > 0.0)
        .collect();
    of_day.sort_by_key(|stay| (stay.mark.from, &stay.mark.id));
    let (named, rest) = of_day.split_at(of_day.len().min(NAMED));
    for stay in named {
        let (vi_level, en_level) = reason_of_level(stay);
        let weight = figure(stay.weight);
        let StayDay {
            stay_min,
            tail_min,
            counted_min,
            day_min,
            level,
            ..
        } = stay;
        explain.step(
            format!(
                "Ngày {day}: lượt ở lại {stay_min} phút + {tail_min} phút không khí còn nhiễm = {counted_min} phút (theo lưới), trong ngày {day_min} phút × {} (bậc {level}; {vi_level})",
                vietnamese(&weight)
            ),
            format!(
                "On {day}: a stay of {stay_min} min + {tail_min} min of infectious air = {counted_min} min (on the grid), on the day {day_min} min × {weight} (level {level}; {en_level})"
            ),
            figure(stay.minutes),
        );
    }
    if !rest.is_empty() {
        let sum: f64 = rest.iter().map(|stay| stay.minutes).sum();
        explain.step(
            format!(
                "Ngày {day}: {} lượt ở lại khác (xem danh sách mốc dịch tễ)",
                rest.len()
            ),
            format!("On {day}: {} further stays (see the list of marks)", rest.len()),
            figure(sum),
        );
    }
}

/// Why a day has its level.
fn reason_of_level(stay: &StayDay) -> (String, String) {
    let onset = stay.mark.onset;
    match (onset.days_since(stay.visit, stay.day), onset.age_days(stay.day)) {
        (Some(days), _) => (
            format!("{days} ngày từ khi khởi phát"),
            format!("{days} days since onset"),
        ),
        (None, age) => {
            let age = age.unwrap_or(0);
            (
                format!(
                    "không rõ ngày khởi phát: bậc theo tuổi của lượt ở lại, {age} ngày trước ngày báo cáo"
                ),
                format!("onset not known: level by age of the stay, {age} days before the report"),
            )
        }
    }
}
