use serde::{Deserialize, Serialize};

use crate::model::VenueKind;
use crate::risk::bands::{Band, Bands};
use crate::risk::cell_risk::from_zero;
use crate::risk::methods::viral_decay_per_h;
use crate::risk::rules::Flaw;
use crate::risk::{RuleHead, Text};

/// How easily air spreads disease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AirCategory {
    /// Thấp.
    Low,
    /// Trung bình.
    Medium,
    /// Cao.
    High,
}

impl AirCategory {
    /// Its name for readers.
    #[must_use]
    pub fn name(self) -> Text {
        match self {
            Self::Low => Text::new("thấp", "low"),
            Self::Medium => Text::new("trung bình", "medium"),
            Self::High => Text::new("cao", "high"),
        }
    }
}

/// What the air of each kind of venue is taken to be, and how it is judged.
#[derive(Clone, Debug, PartialEq)]
pub struct AirRules {
    /// Where the rule comes from.
    pub rule: RuleHead,
    /// What the masks of those who wear one hold back.
    pub masks: Masks,
    /// The longest stay looked at, hours.
    pub longest_stay_h: f64,
    /// Category by the risk of one person, h²/m³.
    pub individual: Bands<AirCategory>,
    /// Category by the risk of all who share the air, persons·h²/m³.
    pub group: Bands<AirCategory>,
    /// The model of Wells and Riley.
    pub quanta: QuantaRules,
    /// The model of `CAiMIRA`.
    pub particles: ParticleRules,
    /// What people do.
    pub activities: Vec<Activity>,
    kinds: Vec<KindAir>,
}

/// Shares 0..=1 of what is breathed that a mask holds back.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Masks {
    /// Of what is breathed out.
    pub out: f64,
    /// Of what is breathed in.
    #[serde(rename = "in")]
    pub inward: f64,
}

/// Constants of the model of Wells and Riley.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the unit stands in each name")]
pub struct QuantaRules {
    /// Loss of strength in the air, per hour.
    pub decay_per_h: f64,
    /// Settling, per hour.
    pub deposition_per_h: f64,
    /// Quanta an hour of somebody at rest.
    pub resting_quanta_per_h: f64,
    /// Air breathed at rest, m³/h.
    pub resting_breathing_m3_per_h: f64,
}

/// Constants of `CAiMIRA`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParticleRules {
    /// Particles with virus for each quantum of the emission table.
    pub per_quantum: f64,
    /// Settling, per hour.
    pub settling_per_h: f64,
    /// Share of what is breathed in that stays.
    pub deposited_share: f64,
    /// The dose that infects half (ID50).
    pub half_dose: f64,
    /// The variant's factor on it.
    pub transmissibility: f64,
    /// Temperature of the room, K.
    pub temperature_k: f64,
    /// Relative humidity, 0..=1.
    pub humidity: f64,
}

impl ParticleRules {
    /// Loss of strength in the air at this warmth, per hour.
    #[must_use]
    pub fn decay_per_h(&self) -> f64 {
        viral_decay_per_h(self.temperature_k, self.humidity)
    }
}

/// What people do, and how much they breathe.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// Short name.
    pub id: String,
    /// Name for readers.
    pub name: Text,
    /// Quanta an hour breathed out by somebody infectious.
    pub quanta_per_h: f64,
    /// Air breathed in, m³/h.
    pub breathing_m3_per_h: f64,
    /// The same by `CAiMIRA`.
    pub breathing_of_particles_m3_per_h: f64,
}

/// What a kind of venue is like where its registration does not say.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindAir {
    /// Which kind.
    pub kind: VenueKind,
    /// Floor area, m².
    pub area_m2: f64,
    /// Floor area of the largest room that shares its air, m².
    pub room_m2: f64,
    /// Ceiling, m.
    pub height_m: f64,
    /// Outside-air changes per hour.
    pub air_changes_per_h: f64,
    /// Floor area a person, m².
    pub m2_per_person: f64,
    /// The usual (median) stay, minutes.
    pub stay_min: f64,
    /// Share of people who wear a mask, 0..=1.
    pub masked: f64,
    /// What people do there; the shares add up to 1.
    pub activities: Vec<ActivityShare>,
    /// Where these figures come from.
    pub source: Text,
    /// Whether they were checked against a source.
    pub confirmed: bool,
}

/// A share of the time spent with something.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivityShare {
    /// The activity.
    pub id: String,
    /// Its share, above 0 and at most 1.
    pub share: f64,
}

impl AirRules {
    /// The defaults of a kind.
    #[must_use]
    pub fn of(&self, kind: VenueKind) -> &KindAir {
        let found = self.kinds.iter().find(|row| row.kind == kind);
        found.expect("every kind has its row: checked when the rules were read")
    }

    /// What people do in a kind of venue, with its shares.
    pub(super) fn activities_of<'a>(
        &'a self,
        kind: &'a KindAir,
    ) -> impl Iterator<Item = (&'a Activity, f64)> + 'a {
        kind.activities.iter().filter_map(|part| {
            let activity = self.activities.iter().find(|activity| activity.id == part.id)?;
            Some((activity, part.share))
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::risk) struct AirFile {
    #[serde(rename = "kind")]
    _kind: String,
    rule: RuleHead,
    masks: Masks,
    longest_stay_h: f64,
    individual: Vec<Band<AirCategory>>,
    group: Vec<Band<AirCategory>>,
    quanta: QuantaRules,
    particles: ParticleRules,
    activity: Vec<Activity>,
    venue: Vec<KindAir>,
}

impl AirFile {
    pub(in crate::risk) fn check(self) -> Result<AirRules, Flaw> {
        self.rule.check()?;
        let (quanta, particles) = (&self.quanta, &self.particles);
        share("masks.out", self.masks.out)?;
        share("masks.in", self.masks.inward)?;
        within("longest_stay_h", self.longest_stay_h, 0.5, 24.0)?;
        within("quanta.decay_per_h", quanta.decay_per_h, 0.0, 100.0)?;
        within("quanta.deposition_per_h", quanta.deposition_per_h, 0.0, 100.0)?;
        within(
            "quanta.resting_quanta_per_h",
            quanta.resting_quanta_per_h,
            0.001,
            1000.0,
        )?;
        within(
            "quanta.resting_breathing_m3_per_h",
            quanta.resting_breathing_m3_per_h,
            0.01,
            10.0,
        )?;
        within("particles.per_quantum", particles.per_quantum, 0.001, 1e6)?;
        within("particles.settling_per_h", particles.settling_per_h, 0.0, 100.0)?;
        share("particles.deposited_share", particles.deposited_share)?;
        within("particles.half_dose", particles.half_dose, 0.001, 1e9)?;
        within(
            "particles.transmissibility",
            particles.transmissibility,
            0.01,
            100.0,
        )?;
        within("particles.temperature_k", particles.temperature_k, 250.0, 330.0)?;
        share("particles.humidity", particles.humidity)?;
        for (at, activity) in self.activity.iter().enumerate() {
            let field = |name: &str| format!("activity[{at}].{name}");
            within(&field("quanta_per_h"), activity.quanta_per_h, 0.001, 1e5)?;
            within(
                &field("breathing_m3_per_h"),
                activity.breathing_m3_per_h,
                0.01,
                20.0,
            )?;
            let breathing = activity.breathing_of_particles_m3_per_h;
            within(&field("breathing_of_particles_m3_per_h"), breathing, 0.01, 20.0)?;
            if self.activity[..at].iter().any(|other| other.id == activity.id) {
                return Err(Flaw::new(
                    field("id"),
                    format!("`{}` stands a second time", activity.id),
                    "each once",
                ));
            }
        }
        for (at, row) in self.venue.iter().enumerate() {
            check_kind(at, row, &self.activity)?;
            if self.venue[..at].iter().any(|other| other.kind == row.kind) {
                let field = format!("venue[{at}].kind");
                let reason = format!("`{}` stands a second time", row.kind.as_str());
                return Err(Flaw::new(field, reason, "each kind of venue once"));
            }
        }
        let missing = |kind: &VenueKind| self.venue.iter().all(|row| row.kind != *kind);
        if let Some(kind) = VenueKind::ALL.into_iter().find(missing) {
            let reason = format!("has no row for `{}`", kind.as_str());
            return Err(Flaw::new("venue", reason, "one for each kind of venue"));
        }
        Ok(AirRules {
            individual: from_zero("individual", self.individual)?,
            group: from_zero("group", self.group)?,
            rule: self.rule,
            masks: self.masks,
            longest_stay_h: self.longest_stay_h,
            quanta: self.quanta,
            particles: self.particles,
            activities: self.activity,
            kinds: self.venue,
        })
    }
}

fn check_kind(at: usize, row: &KindAir, activities: &[Activity]) -> Result<(), Flaw> {
    let field = |name: &str| format!("venue[{at}].{name}");
    within(&field("area_m2"), row.area_m2, 1.0, 1e6)?;
    within(&field("room_m2"), row.room_m2, 1.0, 1e6)?;
    within(&field("height_m"), row.height_m, 1.5, 50.0)?;
    within(&field("air_changes_per_h"), row.air_changes_per_h, 0.0, 1000.0)?;
    within(&field("m2_per_person"), row.m2_per_person, 0.2, 1000.0)?;
    within(&field("stay_min"), row.stay_min, 1.0, 1440.0)?;
    share(&field("masked"), row.masked)?;
    if row.source.vi.is_empty() || row.source.en.is_empty() {
        return Err(Flaw::new(
            field("source"),
            "is empty",
            "where the figures come from, in Vietnamese and English",
        ));
    }
    for (nth, part) in row.activities.iter().enumerate() {
        let field = |name: &str| format!("venue[{at}].activities[{nth}].{name}");
        if !activities.iter().any(|activity| activity.id == part.id) {
            let reason = format!("`{}` is no activity of this file", part.id);
            return Err(Flaw::new(field("id"), reason, "the id of an [[activity]]"));
        }
        within(&field("share"), part.share, 0.001, 1.0)?;
    }
    let sum: f64 = row.activities.iter().map(|part| part.share).sum();
    if (sum - 1.0).abs() > 1e-9 {
        let reason = format!("have shares that add up to {sum}");
        return Err(Flaw::new(field("activities"), reason, "shares that add up to 1"));
    }
    Ok(())
}

fn share(field: &str, value: f64) -> Result<(), Flaw> {
    within(field, value, 0.0, 1.0)
}

/// Refuses what is not a number within both ends.
pub(in crate::risk) fn within(field: &str, value: f64, low: f64, high: f64) -> Result<(), Flaw> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        Err(Flaw::new(
            field,
            format!("is {value}"),
            format!("{low} to {high}"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../data/rules/air.toml");

    fn with(old: &str, new: &str) -> Flaw {
        assert!(SHIPPED.contains(old), "{old}");
        let file: AirFile = toml::from_str(&SHIPPED.replacen(old, new, 1)).expect("it can be read");
        file.check().expect_err("it is refused")
    }

    #[test]
    fn figures_that_no_room_has_are_refused_by_their_place() {
        for (old, new, field) in [
            ("area_m2 = 180", "area_m2 = 0", "venue[0].area_m2"),
            ("height_m = 3.0", "height_m = -3.0", "venue[0].height_m"),
            (
                "air_changes_per_h = 1.5",
                "air_changes_per_h = nan",
                "venue[0].air_changes_per_h",
            ),
            ("share = 0.7", "share = 0.6", "venue[0].activities"),
            (
                "id = \"quiet_seated\", share",
                "id = \"sleeping\", share",
                "venue[0].activities[0].id",
            ),
            ("kind = \"clinic\"", "kind = \"office\"", "venue[2].kind"),
            (
                "from = 0.001, to = 0.01",
                "from = 0.002, to = 0.01",
                "individual[1]",
            ),
            ("from = 0.05, to = 0.5", "from = 0.04, to = 0.5", "group[1]"),
            ("{ from = 0, to = 0.05", "{ from = 0.01, to = 0.05", "group"),
            ("humidity = 0.75", "humidity = 75", "particles.humidity"),
            ("half_dose = 50", "half_dose = 0", "particles.half_dose"),
            ("masks = { out = 0.35", "masks = { out = 1.35", "masks.out"),
        ] {
            let flaw = with(old, new);
            assert!(flaw.field.starts_with(field), "{new}: {flaw:?}");
            assert!(!flaw.reason.is_empty() && !flaw.expected.is_empty());
        }
        let market = SHIPPED.find("kind = \"market\"").expect("a market");
        let (start, end) = (
            SHIPPED[..market].rfind("[[venue]]"),
            SHIPPED[market..].find("[[venue]]"),
        );
        let (start, end) = (start.expect("its row"), market + end.expect("the next row"));
        let without = format!("{}{}", &SHIPPED[..start], &SHIPPED[end..]);
        let file: AirFile = toml::from_str(&without).expect("it can be read");
        let flaw = file.check().expect_err("it is refused");
        assert!(flaw.reason.contains("`market`"), "{flaw:?}");
        assert!(toml::from_str::<AirFile>(&SHIPPED.replacen("masked =", "mask =", 1)).is_err());
    }
}
