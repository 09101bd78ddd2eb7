use serde::Deserialize;

use crate::model::VenueKind;
use crate::risk::rules::Flaw;
use crate::risk::{Band, Bands, RuleHead, Text, VenueStatus};

/// The safety instruments, in the order of their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruments(Vec<Instrument>);

/// One official instrument: items, how they are scored, and what the score means.
#[derive(Clone, Debug, PartialEq)]
pub struct Instrument {
    /// Id, version, source.
    pub rule: RuleHead,
    /// The kinds of venue it is for.
    pub applies_to: Vec<VenueKind>,
    /// Days an assessment counts.
    pub expires_days: u32,
    /// Whether `expires_days` is in the text, or was set here.
    pub expiry_confirmed: bool,
    /// How points become a score.
    pub score: Score,
    /// Items are named "1" ..= this number.
    pub item_count: u32,
    /// Whether the text of every item was retrieved.
    pub items_confirmed: bool,
    /// Least points of an item.
    pub item_min: f64,
    /// Points are given in steps of this, from `item_min` on: whole ones in every text that was retrieved.
    pub item_step: f64,
    /// Most points of an item, where it is the same for all.
    pub item_max: Option<f64>,
    /// Most points of all items together.
    pub total_max: Option<f64>,
    /// Items of which more is known.
    pub items: Vec<Item>,
    /// Items that must reach `mandatory_from` points.
    pub mandatory: Vec<u32>,
    /// Points from which a mandatory item is met.
    pub mandatory_from: f64,
    /// Score → outcome; what falls into a gap is undefined.
    pub bands: Bands<Verdict>,
    /// The outcomes.
    pub classes: Vec<Class>,
}

/// How points become a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// 100 · points / most points of the applicable items.
    PercentOfApplicable,
    /// 100 · points / `total_max`, whatever was not applicable; the text knows no such items.
    PercentOfTotal,
    /// Number of items with at least one point.
    Passed,
}

/// An item of which more than its number is known.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its number, from 1.
    pub number: u32,
    /// Most points, where given.
    pub max: Option<f64>,
    /// What it asks.
    pub name: Text,
}

/// What a band of scores means.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Id of the class.
    pub class: String,
    /// Only if all mandatory items are met.
    #[serde(default)]
    pub needs_mandatory: bool,
    /// Only if no applicable item has zero points.
    #[serde(default)]
    pub needs_no_zero: bool,
    /// Only if every item stays below this.
    pub needs_items_below: Option<f64>,
    /// The class when a condition fails; none: the text does not say.
    pub otherwise: Option<String>,
}

/// An outcome.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Its id inside the instrument.
    pub id: String,
    /// Public status.
    pub status: VenueStatus,
    /// 1 ..= 4.
    pub level: u8,
    /// Its name in the text.
    pub name: Text,
    /// What follows from it.
    pub action: Text,
    /// How long it holds without a better assessment.
    pub grace: Option<Grace>,
}

/// A time to fix what is wrong.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grace {
    /// Hours from the assessment on.
    pub hours: u32,
    /// The class afterwards; none: the text does not say, and the class stands.
    pub then: Option<String>,
}

impl Instruments {
    /// Every instrument, by label.
    pub fn iter(&self) -> impl Iterator<Item = &Instrument> {
        self.0.iter()
    }

    pub(super) fn new(mut list: Vec<Instrument>) -> Self {
        list.sort_by_key(|instrument| instrument.rule.label());
        Self(list)
    }

    /// By label `id@version`, by `id@` and the beginning of a version (`qd3088@2020`), or by id; of
    /// several versions the latest.
    #[must_use]
    pub fn find(&self, label: &str) -> Option<&Instrument> {
        let (id, version) = label.split_once('@').unwrap_or((label, ""));
        let fits = |i: &&Instrument| i.rule.id == id && i.rule.version.starts_with(version);
        self.0.iter().rev().find(fits)
    }

    /// Those for a kind of venue.
    pub fn for_kind(&self, kind: VenueKind) -> impl Iterator<Item = &Instrument> {
        self.0
            .iter()
            .filter(move |instrument| instrument.applies_to.contains(&kind))
    }

    /// All of them.
    #[must_use]
    pub fn as_slice(&self) -> &[Instrument] {
        &self.0
    }
}

impl Instrument {
    /// Most points of an item, where known.
    #[must_use]
    pub fn max_of(&self, number: u32) -> Option<f64> {
        let own = self
            .items
            .iter()
            .find(|item| item.number == number)
            .and_then(|item| item.max);
        own.or(self.item_max)
    }

    /// Whether points count risk: more of them lead to a worse level.
    #[must_use]
    pub fn counts_risk(&self) -> bool {
        let level = |band: Option<&Band<Verdict>>| {
            band.and_then(|band| self.class(&band.gives.class))
                .map(|class| class.level)
        };
        let bands = self.bands.as_slice();
        level(bands.first()) < level(bands.last())
    }

    /// What an item asks, or its number where its text was not retrieved.
    #[must_use]
    pub fn name_of(&self, number: u32) -> Text {
        let own = self.items.iter().find(|item| item.number == number);
        own.map_or_else(
            || Text::new(format!("Mục {number}"), format!("Item {number}")),
            |item| item.name.clone(),
        )
    }

    /// The class with that id.
    #[must_use]
    pub fn class(&self, id: &str) -> Option<&Class> {
        self.classes.iter().find(|class| class.id == id)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InstrumentFile {
    #[serde(rename = "kind")]
    _kind: String,
    rule: RuleHead,
    applies_to: Vec<VenueKind>,
    expires_days: u32,
    expiry_confirmed: bool,
    score: Score,
    item_count: u32,
    items_confirmed: bool,
    #[serde(default)]
    item_min: f64,
    #[serde(default)]
    item_step: Option<f64>,
    item_max: Option<f64>,
    total_max: Option<f64>,
    #[serde(default)]
    item: Vec<Item>,
    #[serde(default)]
    mandatory: Vec<u32>,
    #[serde(default)]
    mandatory_from: Option<f64>,
    #[serde(default)]
    bands: Vec<Band<Verdict>>,
    #[serde(default)]
    class: Vec<Class>,
}

impl InstrumentFile {
    pub(super) fn check(self) -> Result<Instrument, Flaw> {
        self.rule.check()?;
        if !(1..=500).contains(&self.item_count) {
            return Err(Flaw::new(
                "item_count",
                format!("is {}", self.item_count),
                "1 to 500",
            ));
        }
        let items = self.item.iter().enumerate();
        let mandatory = self.mandatory.iter().enumerate();
        let numbers = items
            .map(|(at, item)| (format!("item[{at}].number"), item.number))
            .chain(mandatory.map(|(at, number)| (format!("mandatory[{at}]"), *number)));
        for (field, number) in numbers {
            if !(1..=self.item_count).contains(&number) {
                let expected = format!("1 to {}", self.item_count);
                return Err(Flaw::new(field, format!("is {number}"), expected));
            }
        }
        if self.expires_days == 0 {
            return Err(Flaw::new("expires_days", "is 0", "at least one day"));
        }
        let items = self.item.iter().enumerate();
        let points = items
            .map(|(at, item)| (format!("item[{at}].max"), item.max))
            .chain([
                ("item_step".to_owned(), self.item_step),
                ("item_max".to_owned(), self.item_max),
                ("total_max".to_owned(), self.total_max),
            ]);
        for (field, max) in points {
            if let Some(max) = max.filter(|max| !(*max > 0.0 && max.is_finite())) {
                return Err(Flaw::new(field, format!("is {max}"), "points above 0"));
            }
        }
        if !self.item_min.is_finite() {
            return Err(Flaw::new("item_min", format!("is {}", self.item_min), "points"));
        }
        if self.score == Score::PercentOfTotal && self.total_max.is_none() {
            return Err(Flaw::new(
                "total_max",
                "is missing",
                "the total that the formula divides by",
            ));
        }
        for (at, class) in self.class.iter().enumerate() {
            check_class(at, class, &self.class)?;
        }
        for (at, band) in self.bands.iter().enumerate() {
            let named = [
                ("class", Some(&band.gives.class)),
                ("otherwise", band.gives.otherwise.as_ref()),
            ];
            for (name, id) in named {
                if let Some(id) = id.filter(|id| !self.class.iter().any(|class| class.id == **id)) {
                    return Err(Flaw::new(
                        format!("bands[{at}].gives.{name}"),
                        format!("names class `{id}`"),
                        "a class of this file",
                    ));
                }
            }
        }
        Ok(Instrument {
            bands: Bands::with_gaps("bands", self.bands)?,
            rule: self.rule,
            applies_to: self.applies_to,
            expires_days: self.expires_days,
            expiry_confirmed: self.expiry_confirmed,
            score: self.score,
            item_count: self.item_count,
            items_confirmed: self.items_confirmed,
            item_min: self.item_min,
            item_step: self.item_step.unwrap_or(1.0),
            item_max: self.item_max,
            total_max: self.total_max,
            items: self.item,
            mandatory: self.mandatory,
            mandatory_from: self.mandatory_from.unwrap_or(1.0),
            classes: self.class,
        })
    }
}

fn check_class(at: usize, class: &Class, all: &[Class]) -> Result<(), Flaw> {
    let field = |name: &str| format!("class[{at}].{name}");
    if !(1..=4).contains(&class.level) {
        return Err(Flaw::new(field("level"), format!("is {}", class.level), "1 to 4"));
    }
    if class.status == VenueStatus::NotAssessed {
        return Err(Flaw::new(
            field("status"),
            "is not_assessed",
            "safe, has_risk or unsafe",
        ));
    }
    if all[..at].iter().any(|before| before.id == class.id) {
        let found = format!("`{}` stands a second time", class.id);
        return Err(Flaw::new(field("id"), found, "each class once"));
    }
    let Some(grace) = &class.grace else { return Ok(()) };
    if !(1..=8760).contains(&grace.hours) {
        return Err(Flaw::new(
            field("grace.hours"),
            format!("is {}", grace.hours),
            "1 to 8760 hours",
        ));
    }
    let then = grace.then.as_ref();
    if then.is_some_and(|id| *id == class.id || !all.iter().any(|other| other.id == *id)) {
        return Err(Flaw::new(
            field("grace.then"),
            "leads to no other class",
            "another class of this file, or none",
        ));
    }
    Ok(())
}
