use serde::Serialize;

use crate::model::{Day, Mark, MarkState, Timestamp, UtcOffset, Venue};
use crate::risk::air::{AirRules, VenueAir};
use crate::risk::explain::{figure, significant};
use crate::risk::methods::{
    Emission, Room, infection_probability_by_dose, infection_probability_by_quanta, occupancy,
};
use crate::risk::{Explain, TracingRules, transmission_risk_level_on, transmission_risk_value};

const HOURS: usize = 24;

/// What is known of a venue on one local day.
#[derive(Clone, Copy, Debug)]
pub struct AirDayInputs<'a> {
    /// The venue.
    pub venue: &'a Venue,
    /// Marks there; only approved ones count. Those of the days beside matter too: air and people outlast midnight.
    pub marks: &'a [Mark],
    /// Arrivals in each hour of the day, the infectious among them.
    pub arrivals: &'a [f64; HOURS],
    /// The local day.
    pub day: Day,
    /// The deployment's offset.
    pub offset: UtcOffset,
    /// When the answer is given.
    pub as_of: Timestamp,
}

/// What infectious visits did to the air of a day, and to whom: for tracing, never for the public.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AirDay {
    /// Infectious visits that overlap the day.
    pub infectious_visits: usize,
    /// Hour by hour, 24 of them.
    pub hours: Vec<AirHour>,
    /// Expected infections among those who arrived that day, by Wells-Riley.
    pub infections_by_quanta: f64,
    /// The same by `CAiMIRA`.
    pub infections_by_particles: f64,
    /// Why.
    pub explain: Explain,
}

/// One hour of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AirHour {
    /// Hour of the local day, 0..=23.
    pub hour: usize,
    /// Arrivals, the infectious among them.
    pub arrivals: f64,
    /// People present, when everybody stays as long as usual.
    pub present: f64,
    /// Infectious people present, on average over the hour.
    pub infectious: f64,
    /// Mean concentration, quanta/m³.
    pub quanta_per_m3: f64,
    /// Probability 0..=1 that somebody who arrived in the middle of the hour and stayed as long as usual was infected,
    /// by Wells-Riley.
    pub probability: f64,
}

/// The air of a past day, of all of the venue as one: where doses are small the expected number of infections is the same
/// whether few share the air of a room or many that of all rooms. Each infectious visit is one emission, weighted by the transmission risk of the case's day as
/// in presence tracing; several add up, exactly (see [`Room::exposure`]). Those who arrive in an hour stay as long as is
/// usual from its middle on. Occupancy changes from hour to hour with the arrivals.
#[must_use]
pub fn air_of_day(rules: &AirRules, tracing: &TracingRules, inputs: &AirDayInputs) -> AirDay {
    let air = VenueAir::of(rules, inputs.venue);
    let start = inputs.day.first_hour(inputs.offset).start();
    let hour_of = |at: Timestamp| (at.0 - start.0) as f64 / 3600.0;
    let (mut quanta_per_h, mut breathing, mut of_particles) = (0.0, 0.0, 0.0);
    for (activity, share) in rules.activities_of(air.kind) {
        quanta_per_h += share * activity.quanta_per_h;
        breathing += share * activity.breathing_m3_per_h;
        of_particles += share * activity.breathing_of_particles_m3_per_h;
    }
    let outward = 1.0 - air.masked * rules.masks.out;
    let inward = 1.0 - air.masked * rules.masks.inward;

    let mut emissions = Vec::new();
    let mut spans = Vec::new();
    for mark in inputs
        .marks
        .iter()
        .filter(|mark| mark.state == MarkState::Approved)
    {
        let visit = Day::of(mark.from, inputs.offset);
        let level = transmission_risk_level_on(tracing, mark.onset, visit, visit);
        let weight = transmission_risk_value(tracing, level);
        let (from_h, to_h) = (hour_of(mark.from), hour_of(mark.to));
        if weight > 0.0 && to_h > from_h {
            emissions.push(Emission {
                from_h,
                to_h,
                per_h: weight * quanta_per_h * outward,
            });
            spans.push((from_h, to_h));
        }
    }
    let particles = &rules.particles;
    let room = Room {
        volume_m3: air.volume_m3,
        loss_per_h: (air.air_changes_per_h + rules.quanta.decay_per_h + rules.quanta.deposition_per_h)
            .max(1e-6),
    };
    let room_of_particles = Room {
        loss_per_h: air.air_changes_per_h + particles.settling_per_h + particles.decay_per_h(),
        ..room
    };
    let present = occupancy(inputs.arrivals, air.stay_h * 60.0);
    let (mut by_quanta, mut by_particles) = (0.0, 0.0);
    let hours: Vec<AirHour> = (0..HOURS)
        .map(|hour| {
            let (from, to) = (hour as f64, hour as f64 + 1.0);
            let (middle, leaving) = (from + 0.5, from + 0.5 + air.stay_h);
            let quanta = room.exposure(&emissions, middle, leaving) * breathing * inward;
            let probability = infection_probability_by_quanta(quanta);
            let dose = room_of_particles.exposure(&emissions, middle, leaving)
                * particles.per_quantum
                * of_particles
                * inward
                * particles.deposited_share;
            let infectious_arrivals = spans.iter().filter(|(at, _)| (from..to).contains(at)).count();
            let others = (inputs.arrivals[hour] - infectious_arrivals as f64).max(0.0);
            by_quanta += others * probability;
            by_particles += others
                * infection_probability_by_dose(dose, 0.0, particles.half_dose, particles.transmissibility);
            let overlap = |(begin, end): &(f64, f64)| (end.min(to) - begin.max(from)).max(0.0);
            AirHour {
                hour,
                arrivals: inputs.arrivals[hour],
                present: present[hour],
                // The sum of nothing is −0.
                infectious: spans.iter().map(overlap).sum::<f64>() + 0.0,
                quanta_per_m3: room.exposure(&emissions, from, to),
                probability,
            }
        })
        .collect();
    let infectious_visits = spans
        .iter()
        .filter(|(from, to)| *from < 24.0 && *to > 0.0)
        .count();
    let mut explain = Explain::under(&rules.rule, inputs.as_of);
    explain.input(
        "Lượt ghé có mốc dịch tễ đã duyệt trong ngày",
        "Visits with an approved mark on the day",
        infectious_visits.to_string(),
    );
    explain.input(
        "Lượt đến trong ngày",
        "Arrivals on the day",
        figure(inputs.arrivals.iter().sum::<f64>() + 0.0),
    );
    explain.input("Thể tích, m³", "Volume, m³", figure(air.volume_m3));
    explain.input(
        "Trọng số theo ngày từ khi khởi phát",
        "Weight by days since onset",
        tracing.rule.label(),
    );
    explain.step(
        "Mất khỏi không khí mỗi giờ",
        "Lost from the air an hour",
        figure(room.loss_per_h),
    );
    let highest = hours.iter().map(|hour| hour.quanta_per_m3).fold(0.0, f64::max);
    explain.step(
        "Nồng độ trung bình giờ cao nhất, quanta/m³",
        "Mean concentration of the worst hour, quanta/m³",
        significant(highest),
    );
    let most = hours.iter().map(|hour| hour.probability).fold(0.0, f64::max);
    explain.step(
        "Xác suất nhiễm cao nhất của một khách (Wells-Riley)",
        "Highest probability of infection of a visitor (Wells-Riley)",
        significant(most),
    );
    explain.step(
        "Số người nhiễm kỳ vọng theo Wells-Riley",
        "Expected infections by Wells-Riley",
        significant(by_quanta),
    );
    explain.step(
        "Số người nhiễm kỳ vọng theo CAiMIRA",
        "Expected infections by CAiMIRA",
        significant(by_particles),
    );
    AirDay {
        infectious_visits,
        hours,
        infections_by_quanta: by_quanta,
        infections_by_particles: by_particles,
        explain,
    }
}
