//! What breath carries, by the size of its droplets, and what becomes of it in others' lungs: the full model of `CAiMIRA`
//! (Henriques et al. 2022, Interface Focus 12), at long range. Its chance is laid out in equally likely slices instead of
//! being drawn: the same answer each time.

use std::f64::consts::{PI, TAU};

use crate::risk::methods::aerosol::{Emission, Room, infection_probability_by_dose};
use crate::risk::methods::uncertain::Uncertain;

/// The smallest and the largest droplets that stay in the air, µm as they leave the mouth.
const DIAMETERS_UM: (f64, f64) = (0.1, 30.0);
/// Droplets dry to this share of their diameter at once.
const DRIED: f64 = 0.3;
/// Classes of diameters that are summed, equally wide in their logarithm.
const CLASSES: usize = 400;
/// Where people breathe, m above the floor.
const MOUTH_M: f64 = 1.5;

/// How strongly each part of the airways sheds droplets: factors on the three modes of Johnson et al. 2011
/// (J Aerosol Sci 42), bronchial, laryngeal and oral.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expiration {
    /// Deep in the lungs.
    pub bronchial: f64,
    /// At the vocal cords.
    pub laryngeal: f64,
    /// In the mouth.
    pub oral: f64,
}

/// A mode of droplets: how many per cm³, and the mean and the deviation of ln(diameter / µm).
struct Mode {
    per_cm3: f64,
    mean_ln: f64,
    deviation_ln: f64,
}

const MODES: [Mode; 3] = [
    Mode {
        per_cm3: 0.06,
        mean_ln: 0.989_541,
        deviation_ln: 0.262_364,
    },
    Mode {
        per_cm3: 0.2,
        mean_ln: 1.386_29,
        deviation_ln: 0.506_818,
    },
    Mode {
        per_cm3: 0.001_000_8,
        mean_ln: 4.976_73,
        deviation_ln: 0.585_005,
    },
];

impl Expiration {
    /// Silent.
    pub const BREATHING: Self = Self::of(1.0, 0.0, 0.0);
    /// Talking.
    pub const SPEAKING: Self = Self::of(1.0, 1.0, 1.0);
    /// Shouting or singing.
    pub const SHOUTING: Self = Self::of(1.0, 5.0, 5.0);

    const fn of(bronchial: f64, laryngeal: f64, oral: f64) -> Self {
        Self {
            bronchial,
            laryngeal,
            oral,
        }
    }

    /// One after the other: each for a share of the time. Shares are scaled to sum to 1.
    #[must_use]
    pub fn mixed(parts: &[(Self, f64)]) -> Self {
        let all: f64 = parts.iter().map(|(_, share)| share).sum();
        let mean = |of: fn(&Self) -> f64| parts.iter().map(|(part, share)| of(part) * share / all).sum();
        Self {
            bronchial: mean(|part| part.bronchial),
            laryngeal: mean(|part| part.laryngeal),
            oral: mean(|part| part.oral),
        }
    }

    /// By classes of diameters (µm as exhaled): the fluid in a volume of exhaled air, mL per cm³.
    fn droplets(self) -> impl Iterator<Item = (f64, f64)> {
        let (from, to) = (DIAMETERS_UM.0.ln(), DIAMETERS_UM.1.ln());
        let width = (to - from) / CLASSES as f64;
        let factors = [self.bronchial, self.laryngeal, self.oral];
        (0..CLASSES).map(move |class| {
            let ln = from + (class as f64 + 0.5) * width;
            let number: f64 = MODES
                .iter()
                .zip(factors)
                .map(|(mode, factor)| {
                    let away = (ln - mode.mean_ln) / mode.deviation_ln;
                    factor * mode.per_cm3 * (-away * away / 2.0).exp() / (TAU.sqrt() * mode.deviation_ln)
                })
                .sum();
            let diameter = ln.exp();
            // A cubic micrometre is 10⁻¹² mL.
            (diameter, number * width * PI * diameter.powi(3) / 6.0 * 1e-12)
        })
    }
}

/// How fast droplets sink to the floor, per hour: the square of the dried diameter, 1.88·10⁻⁴ m/s at 2.5 µm.
#[must_use]
pub fn settling_per_h(exhaled_um: f64) -> f64 {
    1.88e-4 * (exhaled_um * DRIED / 2.5).powi(2) * 3600.0 / MOUTH_M
}

/// The share of inhaled droplets that stays in the airways (Hinds 1999, Aerosol technology).
#[must_use]
pub fn deposited_share(exhaled_um: f64) -> f64 {
    let dried = exhaled_um * DRIED;
    let inhalable = 1.0 - 0.5 * (1.0 - 1.0 / (1.0 + 0.000_76 * dried.powf(2.8)));
    let head = 0.911 / (1.0 + (4.77 + 1.485 * dried.ln()).exp());
    let lung = 0.943 / (1.0 + (0.508 - 2.58 * dried.ln()).exp());
    inhalable * (0.0587 + head + lung)
}

/// Virus per mL of the fluid of people infected with SARS-CoV-2, over all days of an infection: its decimal logarithm is a
/// Weibull distribution, shape 3.47 and scale 7.01, between 2 and 10 (Chen et al. 2021, eLife 10, as `CAiMIRA` takes it).
#[must_use]
pub fn viral_load_of_covid() -> Uncertain {
    Uncertain::LogWeibull {
        shape: 3.47,
        scale: 7.01,
        from: 2.0,
        to: 10.0,
    }
}

/// People who share a room with somebody infectious.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedRoom {
    /// m³.
    pub volume_m3: f64,
    /// Fresh or filtered air, volumes of the room per hour.
    pub air_changes_per_h: f64,
    /// How fast the virus loses its strength; see [`viral_decay_per_h`](super::viral_decay_per_h).
    pub viral_decay_per_h: f64,
    /// Hours in which all are there, each from and to.
    pub present_h: Vec<(f64, f64)>,
    /// Infectious people.
    pub infectious: f64,
    /// What they do.
    pub expiration: Expiration,
    /// Virus per mL of fluid.
    pub viral_load_per_ml: Uncertain,
    /// How much of it can infect.
    pub viable: Uncertain,
    /// What an infectious person exhales, m³ per hour.
    pub exhaled_m3_per_h: Uncertain,
    /// What the others inhale, m³ per hour.
    pub inhaled_m3_per_h: Uncertain,
    /// The share that the infectious people's masks hold back.
    pub held_back_out: f64,
    /// The share that the others' masks hold back.
    pub held_back_in: f64,
    /// Infectious virus that infects half of those who take it up.
    pub half_dose: Uncertain,
    /// The variant's factor on it: below 1 infects more.
    pub transmissibility: f64,
}

impl SharedRoom {
    /// What an infectious person breathes out on average, infectious virus per hour.
    #[must_use]
    pub fn emission_per_h(&self) -> f64 {
        let fluid: f64 = self.expiration.droplets().map(|(_, fluid)| fluid).sum();
        let exhaled = self.exhaled_m3_per_h.mean();
        self.virus_per_ml() * exhaled * 1e6 * fluid * (1.0 - self.held_back_out)
    }

    /// What each of the others takes up on average, infectious virus.
    #[must_use]
    pub fn dose(&self) -> f64 {
        self.virus_per_ml() * self.exhaled_m3_per_h.mean() * self.inhaled_m3_per_h.mean() * self.dose_of_one()
    }

    /// The probability 0..=1 with which each of the others is infected.
    #[must_use]
    pub fn infection_probability(&self) -> f64 {
        let one = self.dose_of_one();
        let factors = [
            &self.viral_load_per_ml,
            &self.viable,
            &self.exhaled_m3_per_h,
            &self.inhaled_m3_per_h,
        ];
        Uncertain::mean_of_products(&factors, &self.half_dose, |product, half_dose| {
            infection_probability_by_dose(product * one, 0.0, half_dose, self.transmissibility)
        })
    }

    fn virus_per_ml(&self) -> f64 {
        self.viral_load_per_ml.mean() * self.viable.mean()
    }

    /// The dose where load, viable share and breaths are all 1: each size of droplets stays in the air and in the lungs in
    /// its own way.
    fn dose_of_one(&self) -> f64 {
        let emissions: Vec<Emission> = self
            .present_h
            .iter()
            .map(|(from_h, to_h)| Emission {
                from_h: *from_h,
                to_h: *to_h,
                per_h: self.infectious * 1e6 * (1.0 - self.held_back_out),
            })
            .collect();
        let stays = |room: &Room| -> f64 {
            self.present_h
                .iter()
                .map(|(from_h, to_h)| room.exposure(&emissions, *from_h, *to_h))
                .sum()
        };
        self.expiration
            .droplets()
            .map(|(diameter, fluid)| {
                let room = Room {
                    volume_m3: self.volume_m3,
                    loss_per_h: self.air_changes_per_h + self.viral_decay_per_h + settling_per_h(diameter),
                };
                fluid * deposited_share(diameter) * stays(&room)
            })
            .sum::<f64>()
            * (1.0 - self.held_back_in)
    }
}
