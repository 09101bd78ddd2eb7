use serde::Serialize;

use crate::model::{Timestamp, Venue};
use crate::risk::Explain;
use crate::risk::air::explain::explain_air;
use crate::risk::air::{AirCategory, AirRules, KindAir};
use crate::risk::methods::{Emission, Room};

/// How easily the air of a venue spreads disease, whoever is ill: a category, never a probability (estimates of what
/// people breathe out differ more than tenfold).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AirRisk {
    /// The worse of both indices, by the worse of both models.
    pub category: AirCategory,
    /// Risk of one person who stays as long as usual with one infectious person, h²/m³ (Hr of Peng et al. 2022).
    pub individual: f64,
    /// The same times those who share the air, persons·h²/m³ (H).
    pub group: f64,
    /// Which figures the registry gave: `area`, `volume`, `ventilation`, `capacity`. The others are defaults of the kind.
    pub registered: Vec<&'static str>,
    /// Why.
    pub explain: Explain,
}

/// The room and the people of a venue: the registry's figures, and the kind's defaults where it has none.
#[derive(Clone, Debug, PartialEq)]
pub struct VenueAir<'a> {
    /// The kind's defaults.
    pub kind: &'a KindAir,
    /// Floor area, m².
    pub area_m2: f64,
    /// Volume, m³.
    pub volume_m3: f64,
    /// Outside-air changes per hour.
    pub air_changes_per_h: f64,
    /// The part of it that one room is, above 0 and at most 1: a large venue counts as many rooms.
    pub room_share: f64,
    /// People at once in all of it.
    pub people: f64,
    /// The usual stay, hours.
    pub stay_h: f64,
    /// Share of people with a mask, 0..=1.
    pub masked: f64,
    /// Which of these the registry gave.
    pub registered: Vec<&'static str>,
}

impl<'a> VenueAir<'a> {
    /// Of a registered venue. A volume without an area gives the area by the kind's height, and the other way round.
    #[must_use]
    pub fn of(rules: &'a AirRules, venue: &Venue) -> Self {
        let kind = rules.of(venue.kind);
        let given = [
            ("area", venue.floor_area_m2.is_some()),
            ("volume", venue.volume_m3.is_some()),
            ("ventilation", venue.ventilation_ach.is_some()),
            ("capacity", venue.capacity.is_some()),
        ];
        let by_volume = venue.volume_m3.map(|volume| volume / kind.height_m);
        let area_m2 = venue.floor_area_m2.or(by_volume).unwrap_or(kind.area_m2);
        let room_share = (kind.room_m2 / area_m2).min(1.0);
        let people = venue.capacity.map_or(area_m2 / kind.m2_per_person, f64::from);
        Self {
            kind,
            area_m2,
            volume_m3: venue.volume_m3.unwrap_or(area_m2 * kind.height_m),
            air_changes_per_h: venue.ventilation_ach.unwrap_or(kind.air_changes_per_h),
            room_share,
            people,
            stay_h: (kind.stay_min / 60.0).min(rules.longest_stay_h),
            masked: kind.masked,
            registered: given
                .iter()
                .filter(|(_, is)| *is)
                .map(|(name, _)| *name)
                .collect(),
        }
    }

    /// Volume of one room, m³.
    #[must_use]
    pub fn room_m3(&self) -> f64 {
        self.volume_m3 * self.room_share
    }
}

/// What comes out of the models for one infectious person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct AirFigures {
    /// Quanta an hour that reach the air.
    pub quanta_per_h: f64,
    /// All loss, per hour, in the model of Wells and Riley.
    pub loss_per_h: f64,
    /// Mean concentration over the stay, quanta/m³.
    pub mean_per_m3: f64,
    /// Quanta breathed in.
    pub quanta: f64,
    /// Index of one person by Wells and Riley, h²/m³.
    pub by_quanta: f64,
    /// Index of one person by `CAiMIRA`, h²/m³.
    pub by_particles: f64,
}

impl AirFigures {
    pub(super) fn individual(&self) -> f64 {
        self.by_quanta.max(self.by_particles)
    }
}

/// Figures of both models: Wells-Riley on quanta (Gammaitoni and Nucci 1997, from an empty room), and particles with the
/// dose-response of `CAiMIRA`, brought to one index: quanta breathed in, divided by what somebody at rest breathes out
/// and in (Peng et al. 2022, equation of Hr). A probability p stands for −ln(1 − p) quanta.
pub(super) fn figures(rules: &AirRules, air: &VenueAir) -> AirFigures {
    let (mut quanta_per_h, mut breathing, mut of_particles) = (0.0, 0.0, 0.0);
    for (activity, share) in rules.activities_of(air.kind) {
        quanta_per_h += share * activity.quanta_per_h;
        breathing += share * activity.breathing_m3_per_h;
        of_particles += share * activity.breathing_of_particles_m3_per_h;
    }
    let outward = 1.0 - air.masked * rules.masks.out;
    let inward = 1.0 - air.masked * rules.masks.inward;
    let exposure = |loss_per_h: f64, per_h: f64| {
        let room = Room {
            volume_m3: air.room_m3(),
            loss_per_h,
        };
        let emission = Emission {
            from_h: 0.0,
            to_h: air.stay_h,
            per_h,
        };
        room.exposure(&[emission], 0.0, air.stay_h)
    };
    let (by_quanta, particles) = (&rules.quanta, &rules.particles);
    // Not even the tightest room is without loss: particles settle and die.
    let loss_per_h = (air.air_changes_per_h + by_quanta.decay_per_h + by_quanta.deposition_per_h).max(1e-6);
    let emitted = quanta_per_h * outward;
    let inhaled = exposure(loss_per_h, emitted);
    let quanta = inhaled * breathing * inward;
    let loss_of_particles = air.air_changes_per_h + particles.settling_per_h + particles.decay_per_h();
    let dose = exposure(loss_of_particles, emitted * particles.per_quantum)
        * of_particles
        * inward
        * particles.deposited_share;
    // −ln(1 − p) of CAiMIRA's dose-response, without the detour over p, which rounds to 1 for large doses.
    let as_quanta = dose * std::f64::consts::LN_2 / (particles.half_dose * particles.transmissibility);
    let at_rest = by_quanta.resting_quanta_per_h * by_quanta.resting_breathing_m3_per_h;
    AirFigures {
        quanta_per_h: emitted,
        loss_per_h,
        mean_per_m3: inhaled / air.stay_h,
        quanta,
        by_quanta: quanta / at_rest,
        by_particles: as_quanta / at_rest,
    }
}

/// The category of some air: the worse of both indices.
pub(super) fn category(rules: &AirRules, air: &VenueAir) -> AirCategory {
    let individual = figures(rules, air).individual();
    of_index(&rules.individual, individual).max(of_index(&rules.group, others(air) * individual))
}

pub(super) fn of_index(bands: &crate::risk::bands::Bands<AirCategory>, index: f64) -> AirCategory {
    // Bands begin at 0 and have no gaps; what is no number counts as the worst.
    bands.find(index).map_or(AirCategory::High, |band| band.gives)
}

/// Those in the room who may be infected by one of them: at least one, or there is nothing to look at.
pub(super) fn others(air: &VenueAir) -> f64 {
    (air.people * air.room_share - 1.0).max(1.0)
}

/// The air of a venue, explained.
#[must_use]
pub fn air_risk(rules: &AirRules, venue: &Venue, as_of: Timestamp) -> AirRisk {
    let air = VenueAir::of(rules, venue);
    let found = figures(rules, &air);
    AirRisk {
        category: category(rules, &air),
        individual: found.individual(),
        group: others(&air) * found.individual(),
        explain: explain_air(rules, venue.kind, &air, &found, as_of),
        registered: air.registered,
    }
}
