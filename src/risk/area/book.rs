use crate::model::Day;
use crate::risk::area::AreaRules;
use crate::risk::rules::Flaw;

/// Every area rule, and which of them holds on a day.
#[derive(Clone, Debug, PartialEq)]
pub struct AreaRuleBook {
    /// By id, then by when they begin.
    rules: Vec<AreaRules>,
    /// Ids, of which on a day the last one holds that is valid then.
    chosen: Vec<String>,
}

/// A rule that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no rule for areas")]
pub struct UnknownRule {
    /// What was asked for.
    pub asked: String,
    /// What is known: `id@version`.
    pub known: Vec<String>,
}

impl AreaRuleBook {
    /// The rule that levels are published by where nobody says.
    pub const DEFAULT: &'static str = "qd4800";

    pub(in crate::risk) fn new(mut rules: Vec<AreaRules>) -> Result<Self, Flaw> {
        rules.sort_by(|a, b| {
            let key = |rules: &AreaRules| (rules.rule.id.clone(), rules.rule.valid_from.clone());
            key(a).cmp(&key(b))
        });
        let first = rules
            .iter()
            .find(|each| each.rule.id == Self::DEFAULT)
            .or(rules.first());
        let Some(first) = first else {
            return Err(Flaw::new(
                "kind",
                "no file of kind `area`",
                "at least one rule for areas",
            ));
        };
        Ok(Self {
            chosen: vec![first.rule.id.clone()],
            rules,
        })
    }

    /// The same with other rules chosen: on a day the last of these ids holds that is valid then; where none is, the last
    /// that began before; before all of them, the first.
    ///
    /// # Errors
    /// [`UnknownRule`] for the first id that is not known, or for none at all.
    pub fn choosing(&self, ids: &[String]) -> Result<Self, UnknownRule> {
        let unknown = ids
            .iter()
            .find(|id| !self.rules.iter().any(|each| each.rule.id == **id));
        if unknown.is_some() || ids.is_empty() {
            return Err(self.unknown(unknown.map_or("", String::as_str)));
        }
        Ok(Self {
            rules: self.rules.clone(),
            chosen: ids.to_vec(),
        })
    }

    /// The rule in force on a day.
    #[must_use]
    pub fn on(&self, day: Day) -> &AreaRules {
        let candidates = || {
            self.chosen
                .iter()
                .flat_map(|id| self.rules.iter().filter(move |each| each.rule.id == *id))
        };
        candidates()
            .rfind(|each| each.rule.is_valid_on(day))
            .or_else(|| candidates().rfind(|each| each.rule.has_begun(day)))
            .or_else(|| candidates().next())
            .unwrap_or(&self.rules[0])
    }

    /// A rule by `id@version`, by `id@` and the beginning of a version (`qd2686@2021`: of several the last), or by `id`:
    /// then the version valid on the day, else the last that had begun, else the first.
    ///
    /// # Errors
    /// [`UnknownRule`] with those that are known.
    pub fn find(&self, asked: &str, day: Day) -> Result<&AreaRules, UnknownRule> {
        let of_id = || self.rules.iter().filter(|each| each.rule.id == asked);
        let exactly = self.rules.iter().find(|each| each.rule.label() == asked);
        let begins = |each: &&AreaRules| asked.contains('@') && each.rule.label().starts_with(asked);
        exactly
            .or_else(|| self.rules.iter().rev().find(begins))
            .or_else(|| of_id().rfind(|each| each.rule.is_valid_on(day)))
            .or_else(|| of_id().rfind(|each| each.rule.has_begun(day)))
            .or_else(|| of_id().next())
            .ok_or_else(|| self.unknown(asked))
    }

    /// Every rule, by id and by when it begins.
    #[must_use]
    pub fn all(&self) -> &[AreaRules] {
        &self.rules
    }

    fn unknown(&self, asked: &str) -> UnknownRule {
        UnknownRule {
            asked: asked.to_owned(),
            known: self.rules.iter().map(|each| each.rule.label()).collect(),
        }
    }
}
