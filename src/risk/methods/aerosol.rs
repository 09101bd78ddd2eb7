use statrs::function::gamma::ln_gamma;

const LN_2: f64 = std::f64::consts::LN_2;
/// The longest half-life of the virus in air that `CAiMIRA` lets its fit give, hours.
const LONGEST_HALF_LIFE_H: f64 = 6.43;

/// A well-mixed room: what is breathed out is spread over all of it at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// Volume, m³, above 0.
    pub volume_m3: f64,
    /// All that takes particles out of the air, per hour: fresh air, decay, deposition, filters. Above 0.
    pub loss_per_h: f64,
}

/// What infectious people breathe out while they are there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Emission {
    /// Hours since a common beginning.
    pub from_h: f64,
    /// Hours since the same beginning, after `from_h`.
    pub to_h: f64,
    /// Quanta or particles per hour, behind the mask; those of several people are added up.
    pub per_h: f64,
}

impl Room {
    /// The concentration (quanta or particles per m³) at an hour, the air clean before the first emission.
    ///
    /// Each emission is solved exactly: it rises by 1 − e^(−loss·t) to its limit `per_h / (loss · volume)` and falls by
    /// e^(−loss·t) behind it. The equation is linear, so several are added up (Gammaitoni and Nucci 1997 for one from
    /// an empty room; `CAiMIRA`, CERN, `ConcentrationModel`, for several).
    #[must_use]
    pub fn concentration(&self, emissions: &[Emission], at_h: f64) -> f64 {
        let rate = self.loss_per_h;
        emissions
            .iter()
            .filter(|emission| at_h > emission.from_h)
            .map(|emission| {
                let end = emission.to_h.min(at_h);
                let risen = -(-rate * (end - emission.from_h)).exp_m1();
                self.limit(emission) * risen * (-rate * (at_h - end)).exp()
            })
            .sum::<f64>()
            + 0.0
    }

    /// The concentration summed over a stay: quanta or particles per m³, times hours.
    #[must_use]
    pub fn exposure(&self, emissions: &[Emission], from_h: f64, to_h: f64) -> f64 {
        emissions
            .iter()
            .map(|emission| self.reached(emission, to_h) - self.reached(emission, from_h))
            .sum::<f64>()
            // The sum of nothing is −0.
            + 0.0
    }

    /// The integral of one emission's concentration from its beginning to an hour.
    fn reached(&self, emission: &Emission, at_h: f64) -> f64 {
        if at_h <= emission.from_h {
            return 0.0;
        }
        let (rate, limit) = (self.loss_per_h, self.limit(emission));
        let end = emission.to_h.min(at_h);
        let length = end - emission.from_h;
        let risen = -(-rate * length).exp_m1();
        let during = limit * (length - risen / rate);
        let after = limit * risen * -(-rate * (at_h - end)).exp_m1() / rate;
        during + after
    }

    fn limit(&self, emission: &Emission) -> f64 {
        emission.per_h / (self.loss_per_h * self.volume_m3)
    }
}

/// The air that is blown into a room.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ventilation {
    /// Volumes of the room per hour.
    pub changes_per_h: f64,
    /// The share 0..=1 of it that comes from the room itself.
    pub recirculated: f64,
    /// The share 0..=1 of particles that a filter takes out of what is recirculated.
    pub filtered: f64,
}

impl Ventilation {
    /// Volumes of fresh air per hour.
    #[must_use]
    pub fn fresh_per_h(&self) -> f64 {
        self.changes_per_h * (1.0 - self.recirculated)
    }

    /// Volumes per hour that leave the filter clean.
    #[must_use]
    pub fn cleaned_per_h(&self) -> f64 {
        self.changes_per_h * self.recirculated * self.filtered
    }

    /// Clean air for each person in a room, litres per second.
    #[must_use]
    pub fn clean_l_per_s(&self, volume_m3: f64, people: f64) -> f64 {
        volume_m3 * (self.fresh_per_h() + self.cleaned_per_h()) * 1000.0 / 3600.0 / people
    }
}

/// Wells-Riley: the probability 0..=1 that somebody who breathed in so many quanta is infected.
#[must_use]
pub fn infection_probability_by_quanta(quanta: f64) -> f64 {
    -(-quanta).exp_m1()
}

/// The dose-response of `CAiMIRA`: the probability 0..=1 after so many deposited particles. `half_dose` (ID50) infects half
/// of those without immunity; `transmissibility` is the variant's factor on it (below 1 infects more);
/// `immunity` 0..=1 is the share of the dose that does nothing.
#[must_use]
pub fn infection_probability_by_dose(dose: f64, immunity: f64, half_dose: f64, transmissibility: f64) -> f64 {
    -(-dose * (1.0 - immunity) * LN_2 / (half_dose * transmissibility)).exp_m1()
}

/// How fast the virus of COVID-19 loses its strength in the air of a room, per hour: the fit of Dabisch et al. 2021 in the
/// form that `CAiMIRA` uses it, without sunlight. `humidity` is relative, 0..=1.
#[must_use]
pub fn viral_decay_per_h(temperature_k: f64, humidity: f64) -> f64 {
    let warmth = (temperature_k - 273.15 - 20.615) / 10.585;
    let per_min = 0.160_30 + 0.040_18 * warmth + 0.021_76 * ((humidity * 100.0 - 45.235) / 28.665)
        - 0.143_69
        - 0.026_36 * warmth;
    let half_life = if per_min <= 0.0 {
        LONGEST_HALF_LIFE_H
    } else {
        (LN_2 / (60.0 * per_min)).min(LONGEST_HALF_LIFE_H)
    };
    LN_2 / half_life
}

/// Whom one may meet by chance among the people of an area.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomMeeting {
    /// The probability 0..=1 that anyone of them is infectious.
    pub infectious: f64,
}

impl RandomMeeting {
    /// From what is reported: new cases a day, days that each is infectious, and how many infections stand behind each
    /// reported one. Never above 1.
    #[must_use]
    pub fn from_cases(population: f64, new_cases: f64, infectious_days: f64, ascertainment: f64) -> Self {
        Self {
            infectious: (new_cases * infectious_days * ascertainment / population).min(1.0),
        }
    }

    /// The probability 0..=1 that exactly `infectious` of `people` are so (binomial).
    #[must_use]
    pub fn exactly(&self, infectious: u32, people: u32) -> f64 {
        if infectious > people {
            return 0.0;
        }
        let (k, n, p) = (f64::from(infectious), f64::from(people), self.infectious);
        if p <= 0.0 || p >= 1.0 {
            let sure = if p <= 0.0 { 0 } else { people };
            return f64::from(u8::from(infectious == sure));
        }
        let ways = ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0);
        (ways + k * p.ln() + (n - k) * (-p).ln_1p()).exp()
    }
}
